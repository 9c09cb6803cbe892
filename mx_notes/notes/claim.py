"""The shape of a claim: what is said, what is done, what would refute it, what was seen.

A module of the folder `claims` is a claim, unless its name begins with `_`. Adding a claim is adding a file:

    CLAIM = Claim(id="momentum", heading="momentum", order=1, quote=..., statement=..., question=..., answers=...,
                  method=..., criterion=..., shown=(step,))

    def measure(setting: Setting) -> Evidence: ...
"""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

# The note's headings in the note's order: English, Chinese.
HEADINGS = {
    "neural-network": ("Neural networks", "神经网络"),
    "accuracy": ("Raising validation accuracy", "提高验证准确性的方法"),
    "augmentation": ("Data augmentation", "Data Augmentation"),
    "batch-norm": ("Batch normalisation", "Batch Normalization"),
    "momentum": ("Momentum", "momentum"),
    "softmax": ("Softmax", "Softmax函数"),
    "resnet": ("The ResNet family", "resnet模型"),
    "backward": (
        "When does backward start?",
        "反向传播是一张图片处理完成之后就开始还是等待一个batch处理完之后开始？",
    ),
    "loss": ("How many losses does backward use?", "反向传播使用多少个loss？"),
}


class Verdict(str, Enum):
    """How a statement fares against the evidence."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"  # true after the correction that the evidence states
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Claim:
    """One statement of the note. Texts are plain, except that `$...$` is a formula in LaTeX's notation."""

    id: str
    heading: str  # a key of HEADINGS
    order: int  # among the claims of its heading, from 1
    quote: str  # the note's own words, as few as will do; empty where it shows a picture
    statement: str  # what the note says, in our words
    question: str  # for the reader to guess before the verdict is shown
    answers: Mapping[Verdict, str]  # to choose from; the right one is that of the verdict, once there is one
    method: str  # what is done to test it
    criterion: str  # a sentence with a number, stated before the data is seen: what confirms, what refutes
    # The page prints the source of these functions: the few lines that matter most.
    shown: tuple[Callable, ...] = ()
    rules: tuple[
        str, ...
    ] = ()  # ids of the audit's rules that hold a reader's own training against the statement
    commands: tuple[str, ...] = ()  # to run in a checkout, and see it for oneself


@dataclass(frozen=True)
class Setting:
    """How to measure: from which seed, and whether quickly (smaller samples, a few seconds a claim)."""

    seed: int = 1
    quick: bool = False

    def seeds(self, number: int, quick: int | None = None) -> range:
        """Give each of `number` trials a seed; a quick run has only `quick` trials, where that is given."""
        return range(self.seed, self.seed + (quick if self.quick and quick else number))


@dataclass
class Table:
    """Rows of numbers (the page prints four significant digits) and short texts under a caption."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass
class Figure:
    """A picture as SVG; the caption says in words what a reader is to see in it."""

    caption: str
    svg: str

    @classmethod
    def of(cls, drawing: Drawing, caption: str) -> Figure:
        """Render a Matplotlib figure (made by `figures.new`)."""
        import matplotlib

        file = io.StringIO()
        # Text stays text, so that it can be read aloud, searched and restyled; the salt makes runs comparable.
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mx_notes"}):
            drawing.savefig(file, format="svg", metadata={"Date": None})
        svg = file.getvalue()
        return cls(caption, svg[svg.index("<svg") :])


class Judgement(NamedTuple):
    """A verdict with its texts, for a claim that decides all of them at once: the fields of Evidence."""

    verdict: Verdict
    deciding: str
    reason: str
    correction: str = ""


@dataclass
class Evidence:
    """What an experiment measured, and the verdict that follows."""

    verdict: Verdict  # computed by the claim's criterion from `numbers`
    deciding: str  # one sentence that a student understands, with the number that decided
    reason: str  # why this verdict, with the numbers
    # Everything measured that a reader may want to compute with, in types of JSON or NumPy, or in dataclasses.
    numbers: dict[str, Any]
    correction: str = ""  # verdict "corrected": the statement as it should be
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)  # first the one that shows why this verdict
    sample: str = ""  # what it was measured on, and how much of it: "digits, 5 seeds"


def known() -> list[str]:
    """The claims' ids, read from their files' text: to import them opens MXNet."""
    return [re.search(r'\bid="([a-z-]+)"', file.read_text(encoding="utf-8"))[1] for file in _files()]


def claims() -> dict[str, ModuleType]:
    """Import the claims' modules; returns them by id, in the note's order."""
    modules = [importlib.import_module(f"{__package__}.claims.{file.stem}") for file in _files()]
    places = list(HEADINGS)
    modules.sort(key=lambda module: (places.index(module.CLAIM.heading), module.CLAIM.order))
    return {module.CLAIM.id: module for module in modules}


def _files() -> list[Path]:
    return sorted((Path(__file__).parent / "claims").glob("[!_]*.py"))
