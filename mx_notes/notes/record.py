"""Record a run of the claims: what was measured, when, from which seed, on which machine."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import runtime
from .claim import Claim, Setting
from .claim_processes import Outcome

SCHEMA = 1
NOT_MEASURED = "not measured"
PACKAGES = ("mx_notes", "numpy", "scipy", "scikit-learn", "matplotlib")


@dataclass
class Result:
    """A claim's module with the outcome of measuring it."""

    module: ModuleType
    outcome: Outcome

    @property
    def claim(self) -> Claim:
        """Read the claim off the module."""
        return self.module.CLAIM

    @property
    def verdict(self) -> str:
        """Name the verdict, or say that the claim was not measured."""
        return self.outcome.evidence.verdict.value if self.outcome.evidence else NOT_MEASURED

    @property
    def deciding(self) -> str:
        """Give the sentence with the number that decided, or the error."""
        return self.outcome.evidence.deciding if self.outcome.evidence else self.outcome.error


@dataclass
class Record:
    """A whole run: its results in the note's order, and the seed, versions and machine behind them."""

    setting: Setting
    results: list[Result]
    seconds: float  # from the run's start to its end
    date: str
    versions: dict[str, str]
    machine: dict[str, Any]

    @classmethod
    def of(cls, setting: Setting, results: list[Result], seconds: float) -> Record:
        """Record a run that ends now, on this machine."""
        date = datetime.now(timezone.utc).isoformat(timespec="seconds")
        return cls(setting, results, seconds, date, _versions(), _machine())

    def counts(self) -> dict[str, int]:
        """Count the claims by verdict."""
        return dict(Counter(result.verdict for result in self.results))

    def to_json(self) -> str:
        """Write the record as JSON, without tables and figures. NaN and infinities become "nan", "inf", "-inf"."""
        record = {
            "schema": SCHEMA,
            "seed": self.setting.seed,
            "quick": self.setting.quick,
            "date": self.date,
            "versions": self.versions,
            "machine": self.machine,
            "claims": [_row(result) for result in self.results],
        }
        return json.dumps(_finite(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _row(result: Result) -> dict[str, Any]:
    claim, outcome = result.claim, result.outcome
    row = {
        name: getattr(claim, name)
        for name in ("id", "heading", "quote", "statement", "question", "criterion")
    }
    for name in ("verdict", "deciding", "reason", "correction", "numbers", "sample"):
        row[name] = getattr(outcome.evidence, name, None)
    return row | {"seconds": round(outcome.seconds, 3), "error": outcome.error}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "mxnet": runtime.mx.__version__}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):  # mx_notes itself, run from a checkout
            versions[name] = importlib.metadata.version(name)
    return versions


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
