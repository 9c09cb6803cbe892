"""From the verdicts of several configurations to a list of faults: what is wrong, when, by how much, and the cure."""

from __future__ import annotations

import math
from typing import Any

ONEDNN_OFF = "MXNET_MKLDNN_ENABLED=0"
KEEP_GRADIENTS = "let every input have its gradient (lr_mult=0 instead of grad_req='null')"
COPY = "read the array through a copy: x * 1"
IN_FLOAT32 = "float32"
MANY = "nine uses"
DIMENSIONS = {"request": "requests", "road": "roads", "precision": "precisions"}


def faults(verdicts: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One entry for each case that is wrong, or ends its process, in some configuration without mends."""
    shipped = [name for name in verdicts if not name.startswith("mended")]
    by_case: dict[str, dict[str, dict[str, Any]]] = {}
    for name, found in verdicts.items():
        for verdict in found:
            by_case.setdefault(verdict["case"], {})[name] = verdict
    entries = []
    for case, each in by_case.items():
        bad = {
            name: each[name]
            for name in shipped
            if name in each and (each[name].get("wrong") or each[name].get("crashed"))
        }
        if bad:
            entries.append(
                _entry(case, bad, {name: each[name] for name in shipped if name in each}, each.get("mended"))
            )
    return entries


def _entry(
    case: str, bad: dict[str, dict], all_of_it: dict[str, dict], mended: dict | None
) -> dict[str, Any]:
    wrong = [
        each | {"configuration": name} for name, verdict in bad.items() for each in verdict.get("wrong", [])
    ]
    # An operator called nine times over is a case of its own.
    plain = [each for each in wrong if each["road"] != MANY] or wrong
    worst = max(plain, key=lambda each: (math.isfinite(each["error"]), each["error"]), default=None)
    when = {}
    if any(_comparable(verdict, plain) for name, verdict in all_of_it.items() if name not in bad):
        when["configuration"] = sorted(bad)
    for key, plural in DIMENSIONS.items():
        seen = {each[key] for each in plain} - {""}
        tried = {
            value for verdict in all_of_it.values() for value in verdict.get("tried", {}).get(plural, [])
        }
        tried -= {MANY} if plain[:1] and plain[0]["road"] != MANY else set()
        if seen and seen != tried:
            when[key] = sorted(seen)
    operators = next((verdict["operators"] for verdict in bad.values() if verdict.get("operators")), [])
    entry = {
        "case": case,
        "operators": operators,
        "what": sorted({each["what"] for each in wrong}) or ["crash"],
        "of": sorted({each["of"] for each in wrong} - {""}),
        "when": when,
        "always": not when,
        "many_uses": any(each["road"] == MANY for each in wrong),
        "wrong": len(wrong),
        "compared": sum(verdict.get("compared", 0) for verdict in all_of_it.values()),
        "cures": _cures(wrong, bad, all_of_it, when),
        "mended": "as shipped" in bad and _right(mended),  # mends are tried as shipped
        "mended_on": _right_roads(mended, {each["road"] for each in wrong}),
    }
    if worst:
        entry["worst"] = {
            key: _plain(worst[key])
            for key in ("of", "request", "road", "precision", "configuration", "got", "right", "error")
        }
    crashed = {name: verdict["crashed"] for name, verdict in bad.items() if verdict.get("crashed")}
    if crashed:
        entry["crashed"] = crashed
    return entry


def _comparable(verdict: dict, wrong: list[dict]) -> bool:
    """Whether a configuration in which nothing is wrong has tried what is wrong in another."""
    tried = verdict.get("tried", {})
    precisions, roads = tried.get("precisions", [""]), tried.get("roads", [""])
    return bool(verdict.get("compared")) and (
        not wrong or any(each["precision"] in precisions and each["road"] in roads for each in wrong)
    )


def _right(verdict: dict | None) -> bool:
    return bool(
        verdict and verdict.get("compared") and not verdict.get("wrong") and not verdict.get("crashed")
    )


def _right_roads(verdict: dict | None, before: set[str]) -> list[str]:
    """The roads on which something was wrong, and nothing is any more."""
    verdict = verdict or {}
    wrong = {each["road"] for each in verdict.get("wrong", [])}
    return [road for road in verdict.get("tried", {}).get("roads", []) if road in before - wrong]


def _cures(
    wrong: list[dict], bad: dict[str, dict], all_of_it: dict[str, dict], when: dict[str, list[str]]
) -> list[str]:
    """What was right wherever the case was wrong."""
    found = []
    candidates = list(dict.fromkeys(name for each in wrong for name in each["cures"]))
    plain = [each for each in wrong if each["road"] != MANY] or wrong
    plain = [each for each in plain if each["cures"]]  # a short configuration tries none
    for name in candidates:
        if all(each["cures"].get(name) for each in plain):
            found.append(COPY if name == "x * 1" else name)
    requests = set(when.get("request", []))
    if requests and all("alone" in each or "without" in each for each in requests):
        found.append(KEEP_GRADIENTS)
    tried = {
        value for verdict in all_of_it.values() for value in verdict.get("tried", {}).get("precisions", [])
    }
    if when.get("precision") == ["float64"] and "float32" in tried:
        found.append(IN_FLOAT32)
    if (
        "oneDNN off" in all_of_it
        and "oneDNN off" not in bad
        and (not wrong or when.get("precision") == ["float32"])
        and all_of_it["oneDNN off"].get("compared")
    ):
        found.append(ONEDNN_OFF)
    return found


def _plain(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return float(f"{value:.6g}") if isinstance(value, float) else value
