"""Hold MXNet's own operators, layers, optimizers and metrics against NumPy and central differences.

    python benchmarks/operators.py                    # all of it: some 20 minutes; writes the page and the data file
    python benchmarks/operators.py --only linalg      # the cases whose names hold a text; writes nothing
    python benchmarks/operators.py --configuration "oneDNN off"

Runs on any build of MXNet, with what that build has. A case that ends its process is noted, and the rest goes on.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT)]

from sweep import page, run
from sweep.faults import faults

DATA, PAGE = ROOT / "mx_notes" / "runtime" / "faults.json", ROOT / "docs" / "operators.md"


def gathered(verdicts: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The data file's content."""
    from sweep import automatic

    from mx_notes.runtime import mx

    found = faults(verdicts)
    for fault in found:
        fault["mostly"] = _mostly(fault, verdicts)
    faulty = {fault["case"] for fault in found}
    first = next(iter(verdicts.values()))
    compared = [verdict for verdict in first if verdict.get("compared")]
    names = {alias: operator for operator, aliases in automatic.registry().items() for alias in aliases}

    def operators(cases: list[dict[str, Any]]) -> set[str]:
        return {
            names.get(each, each)
            for verdict in cases
            for each in verdict.get("operators", [])
            if each in names
        }

    tried = operators(compared)
    wrong = operators([verdict for verdict in compared if verdict["case"] in faulty])
    forward = {
        name
        for name in automatic.registry()
        if not name.startswith(("_backward", *automatic.NOT_CALLED)) and "update" not in name
    }
    return {
        "build": f"MXNet {mx.__version__} ({'oneDNN' if mx.runtime.Features().is_enabled('MKLDNN') else 'no oneDNN'}"
        f"{', CUDA' if mx.runtime.Features().is_enabled('CUDA') else ''}), {platform.machine()}, Python {platform.python_version()}",
        "tried": {name: _numbers(each) for name, each in verdicts.items()},
        "operators_all": len(forward),
        "operators_tried": len(tried & forward),
        "faults": found,
        "right": [verdict["case"] for verdict in compared if verdict["case"] not in faulty],
        "operators_right": sorted(tried - wrong),
        "operators_not_called": sorted(forward - tried),
        "short": _short(first),
        "refused": {
            verdict["case"]: verdict["refused"][0]
            for verdict in first
            if verdict.get("refused")
            and not verdict.get("compared")
            and not verdict["case"].startswith("invoke")
        },
    }


def _wrong(verdicts: dict[str, list[dict[str, Any]]]) -> set[str]:
    """The cases that are wrong, or end their process, so far."""
    return {
        each["case"]
        for found in verdicts.values()
        for each in found
        if each.get("wrong") or each.get("crashed")
    }


def _lines(data: dict[str, Any]) -> str:
    """JSON with a line for each fault, so that a difference between two sweeps can be read."""
    plain = {key: json.dumps(value, ensure_ascii=False) for key, value in data.items()}
    plain["faults"] = (
        "[\n" + ",\n".join(json.dumps(fault, ensure_ascii=False) for fault in data["faults"]) + "\n]"
    )
    return "{\n" + ",\n".join(f'"{key}": {value}' for key, value in plain.items()) + "\n}\n"


def _short(verdicts: list[dict[str, Any]]) -> list[str]:
    """The wrong cases of the part that the test suite measures again."""
    part = {case.name for case in run.all_cases(short=True)}
    return sorted(
        verdict["case"]
        for verdict in verdicts
        if verdict["case"] in part
        and any(
            each["precision"] in run.SHORT.precisions and each["road"] in run.SHORT.roads
            for each in verdict.get("wrong", [])
        )
    )


def _mostly(fault: dict[str, Any], verdicts: dict[str, list[dict[str, Any]]]) -> str:
    """Which request the fault needs: add, alone, or any."""
    wrong = [
        each
        for found in verdicts.values()
        for verdict in found
        if verdict["case"] == fault["case"]
        for each in verdict.get("wrong", [])
    ]
    plain = [each["request"] for each in wrong if each["road"] != "nine uses" and each["what"] == "gradient"]
    if all(each.startswith("add") for each in plain):
        return "add"
    return "alone" if all("alone" in each or "without" in each for each in plain) else "any"


def _numbers(verdicts: list[dict[str, Any]]) -> dict[str, int]:
    return {
        "cases": sum(bool(verdict.get("compared")) for verdict in verdicts),
        "comparisons": sum(verdict.get("compared", 0) for verdict in verdicts),
        "wrong": sum(bool(verdict.get("wrong")) for verdict in verdicts),
        "refused": sum(len(verdict.get("refused", [])) for verdict in verdicts),
        "crashed": sum(bool(verdict.get("crashed")) for verdict in verdicts),
    }


def main() -> None:
    """Run the sweep and write what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="", help="the cases whose names hold this text; prints instead of writing"
    )
    parser.add_argument(
        "--configuration", action="append", choices=[each.name for each in run.CONFIGURATIONS]
    )
    parser.add_argument("--out", type=Path, help="keep the verdicts in this file, too")
    parser.add_argument(
        "--verdicts", type=Path, nargs="*", help="write the page from such files instead of measuring"
    )
    options = parser.parse_args()
    verdicts: dict[str, list[dict[str, Any]]] = {}
    for file in options.verdicts or ():
        verdicts |= json.loads(file.read_text())
    for configuration in () if options.verdicts else run.CONFIGURATIONS:
        if not options.configuration or configuration.name in options.configuration:
            names = _wrong(verdicts) if configuration.name == "mended" and verdicts else None
            verdicts[configuration.name] = run.sweep(configuration, options.only, names)
            if options.out:
                options.out.write_text(json.dumps(verdicts))
    data = gathered(verdicts)
    if options.only or options.configuration:
        print(json.dumps(data["faults"], indent=1, ensure_ascii=False))
    else:
        DATA.write_text(_lines(data))
        PAGE.write_text(page.page(data))
    print(Counter(fault["mostly"] for fault in data["faults"]), file=sys.stderr)


if __name__ == "__main__":
    main()
