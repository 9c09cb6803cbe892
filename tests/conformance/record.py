"""Writes reference.json: what the calls give with MXNet 1.9.1 on the NumPy of its day. `make conformance-reference`."""

import json
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
from outcomes import areas, outcome

if __name__ == "__main__":
    if np.__version__ != "1.23.5" or mx.__version__ != "1.9.1" or "mx_notes" in sys.modules:
        raise SystemExit(
            "the reference is recorded with NumPy 1.23.5 and MXNet 1.9.1 alone: make conformance-reference"
        )
    found = {area: {name: outcome(call) for name, call in calls.items()} for area, calls in areas().items()}
    lines = [
        f"{json.dumps(area)}: {{\n"
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(result)}" for name, result in results.items())
        + "\n}"
        for area, results in found.items()
    ]
    Path(__file__).with_name("reference.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{sum(map(len, found.values()))} calls recorded")
