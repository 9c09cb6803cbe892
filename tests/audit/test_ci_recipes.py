"""The commands in docs/ci.md, run as they stand there."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRONG = ROOT / "tests" / "programs" / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"
COMMANDS = re.findall(
    r"^(?:  +- (?:run: )?)?mx-notes audit (.*train\.py.*)$", (ROOT / "docs" / "ci.md").read_text(), re.M
)


def test_there_are_a_workflow_a_job_and_a_baseline():
    said = " ".join(COMMANDS)
    assert all(
        word in said for word in ("github", "sarif", "junit", "--json known.json", "--baseline", "--live")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(WRONG.read_text())
    return folder


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)  # in their order: one of them reads what another wrote
def test_a_recipe_runs_and_says_what_it_found(command, folder):
    arguments = shlex.split(command, comments=True)
    result = subprocess.run(
        [sys.executable, "-m", "mx_notes", "audit", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert result.returncode == (0 if "--baseline" in arguments else 1), result.stderr
    assert "mean-loss" in result.stderr
    for flag, file in pairwise(arguments):
        if flag in ("--output", "--json"):
            assert (folder / file).stat().st_size
