"""What the tests share: short runs on real digits."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Test files run side by side, and MXNet's threads of several processes on the same cores slow each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A fault of the audit's own, which a user's run only reports, is an exception here and in all processes.
os.environ["MX_NOTES_STRICT"] = "1"
# A suite that a shell has started in the background ignores SIGINT, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def digits():
    from mx_notes import data

    return data.load("digits", validation=0.1, seed=1)


@pytest.fixture
def mx_notes_command(tmp_path):
    """Run `python -m mx_notes …` in an empty folder, as a user would."""

    def run(*arguments: str, **options) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "mx_notes", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, **options)

    return run
