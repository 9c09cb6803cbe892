"""`mx-notes bench`: measured on this machine, whatever the numbers are."""

import re

import pytest


@pytest.mark.long
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
    assert re.search(
        r"nothing to change|% faster: |no advice: up to \d+ other threads", result.stdout.splitlines()[-1]
    )


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
