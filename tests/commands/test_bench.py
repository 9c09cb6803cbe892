"""`mx-notes bench` and the scripts that compare: measured on this machine, whatever the numbers are."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from speed import same_work
from time_to_accuracy import summary

from mx_notes.errors import UserError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_bench_measures_settings_and_says_where_the_time_goes(mx_notes_command):
    result = mx_notes_command("bench", "--batch-size", "8")
    assert result.returncode == 0, result.stderr
    for kind in ("convolution, backward", "convolution, forward", "batch norm", "activation", "optimiser"):
        assert re.search(rf"^  {kind} +\d+%$", result.stdout, re.M), result.stdout
    shares = [int(share) for share in re.findall(r"^  \D+ (\d+)%$", result.stdout, re.M)]
    assert abs(sum(shares) - 100) <= len(shares)
    speeds = [float(speed) for speed in re.findall(r"threads +([\d.]+)", result.stdout)]
    assert len(speeds) >= 4
    assert all(speed > 0 for speed in speeds)
    assert result.stdout.count("<- now") == 1
    assert re.search(r"nothing to change|% faster: ", result.stdout.splitlines()[-1])


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "resnet19_v1"], "no model 'resnet19_v1': did you mean resnet18_v1?"),
        (["--batch-size", "0"], "--batch-size 0: expected a whole number of at least 1"),
    ],
)
def test_bad_input_is_one_line(mx_notes_command, arguments, message):
    result = mx_notes_command("bench", *arguments)
    assert (result.returncode, result.stderr) == (2, f"mx-notes: {message}\n")
