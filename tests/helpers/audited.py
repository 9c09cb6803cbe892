"""Programs run in this process: many of them take a second each, where processes take three."""

import json
import re
import runpy
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mx_notes import audit
from mx_notes.audit.watch import StopAudit, Watch
from mx_notes.runtime import mx


def run(program: Path) -> dict[str, Any]:
    """Run a program as `python PROGRAM` and return its globals; its exceptions pass through."""
    before = sys.argv, sys.path[:]
    sys.argv = [str(program)]
    sys.path.insert(0, str(program.parent))
    try:
        with mx.name.NameManager():  # layers are counted from 0
            return runpy.run_path(str(program), run_name="__main__")
    finally:
        sys.argv, sys.path[:] = before
        mx.npx.reset_np()  # some programs switch MXNet to NumPy's semantics


def audited(program: Path, **options) -> Watch:
    """Run a program under `with audit(**options)` and return what the audit saw."""
    with audit(**options) as watch, suppress(StopAudit):
        run(program)
    return watch


def numbers(value: Any, depth: int = 3) -> Iterable[np.ndarray]:
    """The numbers that a value of a program holds: arrays, networks' and modules' parameters, and lists of them."""
    if isinstance(value, mx.nd.NDArray):
        yield value.as_nd_ndarray().tostype("default").asnumpy()
    elif isinstance(value, mx.gluon.Block):
        for parameter in value.collect_params().values():
            if parameter._data is not None:
                yield from (data.as_nd_ndarray().tostype("default").asnumpy() for data in parameter._data)
    elif isinstance(value, mx.mod.BaseModule) and value.params_initialized:
        yield from numbers(value.get_params(), depth)
    elif isinstance(value, np.ndarray | int | float):
        yield np.asarray(value)
    elif isinstance(value, list | tuple | dict) and depth:
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part, depth - 1)


def programs(kind: str) -> list:
    """The programs of tests/programs/KIND, as parameters of a test; those in processes of their own are long."""
    folder = Path(__file__).parents[1] / "programs" / kind
    return [
        pytest.param(path, id=path.stem, marks=[pytest.mark.long] * ("Process: own" in path.read_text()))
        for path in sorted(folder.glob("*.py"))
    ]


def findings_of(program: Path, mx_notes_command, folder: Path) -> list[dict]:
    """What is found in a program that runs in a process of its own."""
    result = mx_notes_command("audit", "--json", "report.json", str(program))
    assert result.returncode in (0, 1), result.stderr
    assert "the script itself ended" not in result.stderr, result.stderr
    return json.loads((folder / "report.json").read_text())["findings"]


def listed(text: str, heading: str) -> set[str]:
    """The rules that a program's docstring lists in a line that begins with this heading."""
    line = re.search(rf"^{heading}: (.*)$", text, re.MULTILINE)
    return set(re.findall(r"[a-z]+-[a-z-]+", line[1])) if line else set()
