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
# docs/numpy2.md says whose behaviour each is.
DIFFERENT: dict[tuple[str, str], object] = {}


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
