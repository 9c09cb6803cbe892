"""The cases in child processes, one per configuration: a case that ends its process is noted, and the next goes on."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .case import ROADS

BENCHMARKS = Path(__file__).parents[1]
PATIENCE = 60  # seconds for a case; the slowest takes some 5
SEGFAULT = 255  # MXNet's own handler ends the process so
SPOILT = 3  # the status of a child that can't be used further


@dataclass(frozen=True)
class Configuration:
    """What is fixed for a whole process."""

    name: str
    onednn: bool = True
    threads: int = 1
    mended: bool = False
    precisions: tuple[str, ...] = ("float64", "float32")
    roads: tuple[str, ...] = ROADS
    short: bool = False  # the tables alone, without trying cures

    @property
    def variables(self) -> dict[str, str]:
        """The process's environment."""
        return {
            "MXNET_MKLDNN_ENABLED": str(int(self.onednn)),
            "MXNET_STORAGE_FALLBACK_LOG_VERBOSE": "0",
            "OMP_NUM_THREADS": str(self.threads),
        }


CONFIGURATIONS = (
    Configuration("as shipped"),
    # Float64 never runs in oneDNN.
    Configuration("oneDNN off", onednn=False, precisions=("float32",)),
    Configuration(
        "2 threads", threads=2, precisions=("float32",), roads=("imperative", "static"), short=True
    ),
    Configuration("mended", mended=True),  # the cases that are wrong without
    Configuration("mended, tables", mended=True, precisions=("float32",), roads=("imperative",), short=True),
)
SHORT = Configuration("short", precisions=("float32",), roads=("imperative",), short=True)  # for the tests


def sweep(
    configuration: Configuration, only: str = "", names: Collection[str] | None = None, say: Any = print
) -> list[dict[str, Any]]:
    """The verdicts of all cases whose names hold `only`, or are among `names`, in this configuration.

    A case that ends its process is run again on each road by itself, and its verdict says which ended it.
    """
    began = time.monotonic()
    verdicts: list[dict[str, Any]] = []
    begin: int | None = 0
    while begin is not None:
        found, begin, crashed = _child_from(configuration, begin, only, names)
        verdicts += found
        if crashed:
            verdicts.append(_by_road(configuration, **crashed))
    ended = sum(bool(verdict.get("crashed")) for verdict in verdicts)
    say(
        f"{configuration.name}: {len(verdicts)} cases, {ended} end their process, {time.monotonic() - began:.0f} s"
    )
    return verdicts


def _by_road(configuration: Configuration, number: int, case: str, status: int) -> dict[str, Any]:
    """One verdict from a process per road."""
    whole: dict[str, Any] = {"case": case, "crashed": {}}
    for road in configuration.roads:
        found, _, crashed = _child_from(replace(configuration, roads=(road,)), number, alone=True)
        if crashed:
            whole["crashed"][road] = crashed["status"]
        for verdict in found:
            for key, value in verdict.items():
                if isinstance(value, int):
                    whole[key] = whole.get(key, 0) + value
                elif isinstance(value, list):
                    whole[key] = whole.get(key, []) + [
                        each for each in value if each not in whole.get(key, [])
                    ]
                elif key == "tried":
                    for dimension, values in value.items():
                        known = whole.setdefault("tried", {}).setdefault(dimension, [])
                        known += [each for each in values if each not in known]
    if not whole["crashed"]:  # the memory was damaged by a case before it
        whole["died with others"] = status
    return whole


def _child_from(
    configuration: Configuration,
    begin: int,
    only: str = "",
    names: Collection[str] | None = None,
    alone: bool = False,
) -> tuple[list[dict[str, Any]], int | None, dict[str, Any] | None]:
    """Run cases from a number on, or that case alone.

    Returns the verdicts, the number to go on with (None at the end) and the case that ended the process.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "verdicts.jsonl")
        command = [
            sys.executable,
            "-m",
            "sweep.run",
            "--begin",
            str(begin),
            "--only",
            only,
            "--out",
            str(out),
        ]
        if names is not None:
            wanted = Path(folder, "names.json")
            wanted.write_text(json.dumps(sorted(names)))
            command += ["--names", str(wanted)]
        command += ["--roads", *configuration.roads, "--precisions", *configuration.precisions]
        flags = {"--mended": configuration.mended, "--short": configuration.short, "--alone": alone}
        command += [flag for flag, given in flags.items() if given]
        paths = [str(BENCHMARKS), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")]
        variables = (
            os.environ | configuration.variables | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        )
        with Path(folder, "errors").open("w+") as errors:
            status = _wait(
                subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=errors), out
            )
            errors.seek(0)
            message = errors.read()[-2000:]
        lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    verdicts = [line for line in lines if "started" not in line]
    if status == 0:
        return verdicts, None, None
    if status == SPOILT:
        return verdicts, verdicts[-1].pop("number") + 1, None
    if status not in (SEGFAULT, *range(-64, 0)) or not lines or "started" not in lines[-1]:
        raise SystemExit(f"{' '.join(command)} ended with status {status}:\n{message}")
    crashed = {"number": lines[-1]["started"], "case": lines[-1]["case"], "status": status}
    return verdicts, crashed["number"] + 1, crashed


def _wait(child: subprocess.Popen, out: Path) -> int:
    """The child's status; it is killed when a case takes too long."""
    seen, since = None, time.monotonic()
    while child.poll() is None:
        time.sleep(0.1)
        now = out.stat().st_mtime_ns if out.exists() else None
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            child.kill()
    return child.returncode


def all_cases(short: bool = False) -> Iterable[Any]:
    """Every case and check, in a fixed order; or the cases of the tables."""
    from . import automatic, checks, tables

    yield from (case for table in tables.TABLES.values() for case in table)
    if not short:
        yield from automatic.cases()
        yield from checks.CHECKS


def _child() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--begin", type=int)
    parser.add_argument("--only")
    parser.add_argument("--names", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--roads", nargs="+")
    parser.add_argument("--precisions", nargs="+")
    for flag in ("--mended", "--short", "--alone"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    from .judge import judge

    if options.mended:
        from mx_notes.runtime import mend

        mend()
    compared = set()
    names = options.names and json.loads(options.names.read_text())
    with options.out.open("a") as out:
        for number, case in enumerate(all_cases(options.short)):
            text = getattr(case, "text", None)
            if number < options.begin or options.only not in case.name or (text in compared and case.note):
                continue
            if names is not None and case.name not in names:
                continue
            at = out.tell()
            out.write(json.dumps({"started": number, "case": case.name}) + "\n")
            out.flush()
            verdict = (
                judge(case, options.roads, options.precisions, cures=not options.short and not options.mended)
                if text
                else case.judge()
            ).plain()
            verdict["number"] = number
            compared |= {text} if verdict["compared"] else set()
            out.seek(at)
            out.truncate()
            out.write(json.dumps(verdict) + "\n")
            out.flush()
            if options.alone:
                break
            if any("could not execute a primitive" in each for each in verdict["refused"]):
                os._exit(SPOILT)  # after this error of oneDNN, right operators fail or end the process
    os._exit(0)  # MXNet's own end may fail where memory was damaged


if __name__ == "__main__":
    _child()
