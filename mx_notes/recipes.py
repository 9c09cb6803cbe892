"""Recipe: every knob of a training run, and the presets.

recipe = preset("digits").override(learning_rate=0.05, epochs=10)
"""

from __future__ import annotations

import dataclasses
import json
import math
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import disk
from .errors import UserError, at_least_one, nearest

SCHEDULES = ("constant", "step", "cosine")
DTYPES = ("float32", "float16")
ALIASES = {"lr": "learning_rate", "wd": "weight_decay"}  # MXNet's own short names
# Knobs of older files, with the only value that still has a meaning.
GONE = {"kvstore": "dist_sync", "gradient_compression": 0}
NEED_A_FOLDER = {  # data sets that are nowhere unless `data_dir` says so: what it must name
    "folder": "the folder with a folder of pictures for each class",
    "imagerecord": "the folder with train.rec, train.idx and val.rec",
}
FILE = "recipe.json"  # in a run's folder and in a checkpoint's
KINDS = {int: "a whole number", float: "a number", str: "text in one line"}
LARGEST_FILE = 1 << 16  # bytes: a recipe has less than 1,000
LARGEST_IMAGE = 4096  # pixels: beyond, a single activation takes gigabytes


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and how. Each field can be set by `--set name=value`."""

    data: str = "digits"
    data_dir: str = ""  # where the files of `data` are; empty: the usual places
    validation: float = 0.1  # fraction of the training data held out to choose the best epoch
    model: str = "cifar_resnet20_v1"
    # pixels, of folder and imagerecord: the others have their own size; 0: a folder's own (the median, at most 224), 224
    image_size: int = 0
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 0.1
    schedule: str = "cosine"  # constant, step (large for long, then a tenth) or cosine (down to 0)
    drop_at: float = 5 / 6  # step: the fraction of the epochs after which the rate falls to a tenth
    warmup_epochs: float = 0.0  # the rate rises linearly from 0 over so many epochs
    lr_head: float = 1.0  # the last layer's learning rate, as a multiple of the others'
    freeze: str = (
        ""  # layers whose names begin as this regular expression says stay as they are: conv0|stage1
    )
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_gradient: float = 0.0  # each element of the gradient is cut to -c … c; 0: not
    patience: int = 0  # end after so many epochs without a better validation accuracy; 0: never
    reflect: float = 0.0  # probability that an image is mirrored left to right
    translate: int = 0  # pixels of padding, from which a crop of the image's size is taken
    rotate: float = 0.0  # degrees at most, either way
    noise: float = 0.0  # standard deviation, in units of the data's own
    calm_epochs: int = 0  # the augmentation's strength falls to 0 over so many last epochs
    seed: int = 1
    device: str = "cpu"  # cpu, cpu:N, gpu:N, or auto: a GPU that works, otherwise the CPU
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Raises UserError for a value that cannot train, naming the knob and what would be right."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{field.name}={value}: expected a finite number")
            # Not one that begins a new line, nor a file's name that is not UTF-8, which comes as surrogates.
            if isinstance(value, str) and not value.isprintable():
                raise UserError(f"{field.name}={value!r}: expected {KINDS[str]}")
        for name in ("epochs", "batch_size"):
            at_least_one(f"{name}={getattr(self, name)}", getattr(self, name))
        for name in (
            "warmup_epochs",
            "weight_decay",
            "translate",
            "rotate",
            "noise",
            "calm_epochs",
            "image_size",
            "seed",
            "clip_gradient",
            "patience",
        ):
            _expect(self, name, getattr(self, name) >= 0, "0 or more")
        _expect(self, "image_size", self.image_size <= LARGEST_IMAGE, f"at most {LARGEST_IMAGE} pixels")
        for name in ("learning_rate", "lr_head"):
            _expect(self, name, getattr(self, name) > 0, "a number above 0")
        _expect(self, "momentum", 0 <= self.momentum < 1, "a number from 0 to below 1")
        _expect(self, "reflect", 0 <= self.reflect <= 1, "a probability from 0 to 1")
        _expect(self, "drop_at", 0 < self.drop_at <= 1, "a fraction of the epochs, above 0 to 1")
        _expect(self, "validation", 0 < self.validation < 1, "a fraction of the data between 0 and 1")
        _expect(self, "schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
        _expect(self, "dtype", self.dtype in DTYPES, f"one of {', '.join(DTYPES)}")

    def override(self, settings: Iterable[str] = (), **knobs: object) -> Recipe:
        """This recipe with settings applied: as text, `["lr=0.05"]`, or as values, `learning_rate=0.05`.

        Raises UserError for a misspelt name (naming the nearest) or a value of the wrong type.
        """
        types = {field.name: type(getattr(self, field.name)) for field in dataclasses.fields(self)}
        changes = _values(knobs, types)
        for setting in settings:
            name, separator, text = setting.partition("=")
            name = ALIASES.get(name.replace("-", "_"), name.replace("-", "_"))
            if name not in types:
                raise UserError(f"--set {setting}: no such knob; {_near(name, types)}")
            if not separator:
                raise UserError(f"--set {setting}: expected a value, as in {name}={getattr(self, name)}")
            try:
                changes[name] = types[name](text)
            except ValueError:
                raise UserError(f"{name}={text}: expected {KINDS[types[name]]}") from None
        return dataclasses.replace(self, **changes)

    def expect_data_dir(self) -> None:
        """Raise UserError for data that must be somewhere, and `data_dir` does not say where."""
        if self.data in NEED_A_FOLDER and not self.data_dir:
            raise UserError(f"{self.data}: --data-dir must name {NEED_A_FOLDER[self.data]}")

    def to_json(self) -> str:
        """The recipe as JSON text, one knob a line."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read the recipe that `to_json` wrote; a knob that is not in the text has its default.

        Raises UserError for text that is no JSON object, an unknown knob or a value of the wrong type.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"not a recipe in JSON: {error}") from None
        if not isinstance(values, dict):
            raise UserError("not a recipe: expected one JSON object of knobs")
        for name, only in GONE.items():
            value = values.pop(name, only)
            if value != only:
                raise UserError(f"{name}={reprlib.repr(value)}: expected {only!r}: this is no longer a knob")
        types = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        for name in values:
            if name not in types:
                raise UserError(f"no such knob: {reprlib.repr(name)}")
        return cls(**_values(values, types))


def read(path: Path) -> Recipe:
    """The recipe in a file; raises UserError, naming the file, if there is none in it."""
    content = disk.read(path, LARGEST_FILE)
    try:
        return Recipe.from_json(content.decode())
    except (UserError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: {error}") from None


def of_run(folder: Path, said: str = "") -> Recipe:
    """The recipe of the run in a folder. said: how the user named the folder, if not by its path alone.

    Raises UserError, without MXNet, for a folder that is no run's.
    """
    said = said or str(folder)
    if not folder.is_dir():
        raise UserError(
            f"{said}: {'not a folder' if folder.exists() else 'no such folder'}, expected a run's"
        )
    if not (folder / FILE).is_file():
        raise UserError(f"{said}: has no {FILE}, so it is not the folder of a run")
    return read(folder / FILE)


def _values(knobs: Mapping[str, object], types: Mapping[str, type]) -> dict[str, object]:
    """The knobs by their full names; raises UserError for one that there is not, or a value of the wrong type."""
    found = {}
    for given, value in knobs.items():
        name = ALIASES.get(given, given)
        if name not in types:
            raise UserError(f"no such knob: {name}; {_near(name, types)}")
        if not _fits(value, types[name]):
            raise UserError(f"{name}={reprlib.repr(value)}: expected {KINDS[types[name]]}")
        found[name] = types[name](value)
    return found


def _near(name: str, knobs: Iterable[str]) -> str:
    return nearest(name, [*knobs, *ALIASES], otherwise="`mx-notes recipes digits` lists the knobs")


def _fits(value: object, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    if kind is float and type(value) is int:
        return abs(value) < 2**53
    return type(value) is kind  # not isinstance: true is an int to Python


def _expect(recipe: Recipe, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise UserError(f"{name}={getattr(recipe, name)}: expected {expected}")


PRESETS = {
    # 1,349 training images of 8×8: small batches, and augmentation that keeps a digit that digit.
    "digits": Recipe(
        data="digits",
        epochs=40,
        batch_size=32,
        learning_rate=0.05,
        translate=1,
        rotate=10.0,
        calm_epochs=3,
    ),
    "fashion-mnist": Recipe(
        data="fashion-mnist",
        validation=0.05,
        epochs=25,
        batch_size=128,
        warmup_epochs=0.5,
        reflect=0.5,
        translate=2,
        calm_epochs=2,
    ),
    # The note's schedule: 0.1 for the first 200 of 240 epochs, then 0.01.
    "cifar10": Recipe(
        data="cifar10",
        epochs=240,
        batch_size=128,
        schedule="step",
        weight_decay=1e-4,
        reflect=0.5,
        translate=4,
    ),
    # Nothing is known of the pictures: no mirroring, which would make letters and left hands others.
    "folder": Recipe(
        data="folder",
        epochs=40,
        batch_size=32,
        learning_rate=0.05,
        translate=2,
        calm_epochs=3,
    ),
    "imagenet": Recipe(
        data="imagerecord",
        model="resnet50_v1b",
        validation=0.02,
        epochs=90,
        batch_size=256,
        warmup_epochs=5.0,
        weight_decay=1e-4,
        reflect=0.5,
        translate=16,
    ),
}


def preset(name: str) -> Recipe:
    """The preset of that name; raises UserError naming the nearest if there is none."""
    if name not in PRESETS:
        raise UserError(f"no recipe {name!r}: {nearest(name, PRESETS)}")
    return PRESETS[name]


@dataclass
class Schedule:
    """The learning rate of every update: MXNet calls it with the number of the update, from 1 on.

    Measured in updates, so that a change of the batch size or of the number of epochs stretches it.
    """

    recipe: Recipe
    steps_per_epoch: int
    base_lr: float  # where MXNet's optimiser reads the rate to begin with

    def __call__(self, num_update: int) -> float:
        """The learning rate of update `num_update` (1 is the first)."""
        recipe = self.recipe
        epoch = (num_update - 1) / self.steps_per_epoch
        if epoch < recipe.warmup_epochs:
            return recipe.learning_rate * num_update / (recipe.warmup_epochs * self.steps_per_epoch)
        if recipe.schedule == "step":
            return recipe.learning_rate * (0.1 if epoch >= recipe.drop_at * recipe.epochs else 1.0)
        if recipe.schedule == "cosine":
            progress = (epoch - recipe.warmup_epochs) / max(recipe.epochs - recipe.warmup_epochs, 1e-9)
            return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        return recipe.learning_rate
