"""Each call gives what it gives with MXNet 1.9.1 on the NumPy of its day, which `make conformance-reference` records."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import mx_notes  # noqa: F401  a plain `import mxnet` works after it

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from outcomes import areas, outcome  # noqa: E402

REFERENCE = json.loads((HERE / "reference.json").read_text())
AREAS = areas()
# Another processor adds in another order, and NumPy's own `log` differs in the last bit by version.
TOLERANCE = {"float16": 1e-3, "float32": 1e-5, "float64": 1e-6}
ARRAY = {"dtype": "float32", "shape": [2, 3], "values": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
# docs/numpy2.md says whose behaviour each is. With any NumPy from 1.24 on:
DIFFERENT: dict[tuple[str, str], object] = {
    ("nd", "np.array of nd"): [2, 3],
    ("nd", "np.testing of nd"): None,
    ("nd", "array of nds"): {"mxnet": ARRAY},
}
if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
    halves = {"dtype": "float64", "shape": [2, 3], "values": [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]}
    DIFFERENT |= {
        ("nd", "the name of bool"): "bool",
        ("nd", "uint8 plus 300"): {"error": "OverflowError"},
        ("nd", "uint8 times a scalar"): {"dtype": "int64", "shape": [2], "values": [300.0, 300.0]},
        ("nd", "float32 times np.float64"): halves,
    }


@pytest.mark.parametrize(
    ("area", "name"), [(area, name) for area, results in REFERENCE.items() for name in results]
)
def test_a_call_gives_what_it_gave(area, name):
    expected, found = REFERENCE[area][name], outcome(AREAS[area][name])
    assert same(DIFFERENT.get((area, name), expected), found), f"{expected}\nexpected, found\n{found}"


def test_every_call_is_recorded():
    assert {area: set(calls) for area, calls in AREAS.items()} == {a: set(r) for a, r in REFERENCE.items()}


def same(expected, found, dtype="float64") -> bool:
    """Whether two outcomes are alike, numbers to within their type's tolerance."""
    if isinstance(expected, dict) and isinstance(found, dict):
        dtype = expected.get("dtype") or expected.get("scalar") or dtype
        return expected.keys() == found.keys() and all(
            same(expected[key], found[key], dtype) for key in expected
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(
            same(*pair, dtype) for pair in zip(expected, found, strict=True)
        )
    if isinstance(expected, float) and isinstance(found, float):
        tolerance = TOLERANCE.get(dtype, 0)
        return bool(np.isclose(expected, found, rtol=tolerance, atol=tolerance / 10))
    return type(expected) is type(found) and expected == found
