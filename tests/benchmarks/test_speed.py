"""The programs that compare speeds: the same work for all, whatever the numbers are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from speed import same_work
from time_to_accuracy import summary

from mx_notes.errors import UserError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.long
def test_contenders_take_turns_at_the_same_work(tmp_path):
    command = [sys.executable, "speed.py", "--only", "stock MXNet", "--batch-size", "8"]
    command += ["--rounds", "1", "--json", str(tmp_path / "found.json")]
    result = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    (found,) = json.loads((tmp_path / "found.json").read_text())
    assert found["losses"].keys() == found["contenders"].keys() == {"mx_notes", "stock MXNet"}
    for row in found["contenders"].values():
        assert len(row["images_per_second"]) == 1 and row["ratio"] > 0 and row["peak_mib"] > 0
    assert found["contenders"]["mx_notes"]["ratio"] == 1


class Said:
    """A contender that has these losses."""

    def __init__(self, name, *losses):
        self.name, self.losses = name, losses

    def ask(self, *_):
        return self.losses


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ((2.0, 1.9), (2.0, 1.901), "PyTorch computes something else"),
        ((2.0, 1.9), (2.0, float("nan")), "PyTorch computes something else"),
        ((2.0, 1.9999), (2.0, 1.9999), "the losses hardly change"),
    ],
)
def test_without_the_same_work_nothing_is_timed(ours, theirs, message):
    with pytest.raises(UserError, match=message):
        same_work([Said("mx_notes", *ours), Said("PyTorch", *theirs)])


def test_the_time_to_an_accuracy_is_that_of_the_epochs_until_then():
    rows = {"mx_notes": [(10.0, 0.9), (10.0, 0.94)], "PyTorch": [(20.0, 0.9), (20.0, 0.93), (20.0, 0.95)]}
    assert summary(rows, 0.94).splitlines() == [
        "mx_notes reached 0.94 in 2 epochs, 20.0 s, median 10.0 s an epoch",
        "PyTorch  reached 0.94 in 3 epochs, 60.0 s, median 20.0 s an epoch",
        "an epoch, mx_notes / PyTorch: 0.50",
        "time to 0.94, mx_notes / PyTorch: 0.33",
    ]
    assert "PyTorch  did not reach 0.96 (best 0.9500)" in summary(rows, 0.96)
