"""`mx-notes notes` as a user meets it, and claims that fail or crash."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mx_notes.errors import UserError
from mx_notes.notes import execute as notes
from mx_notes.notes.claim import Setting

BODIES = {
    "works": "numbers = dict(nan=float('nan'), low=-np.inf, array=np.arange(3), real=np.float32(0.5))",
    "raises": "raise ValueError('no\\ngood')",
    "refuses": "raise UserError('data set x is not here')",
    "crashes": "os.abort()",
    "threads": "numbers = dict(threads=os.environ['OMP_NUM_THREADS'], seed=setting.seed)",
}


@pytest.mark.slow
def test_the_command_writes_page_evidence_and_table(mx_notes_command, tmp_path):
    result = mx_notes_command("notes", "--quick", "--seed", "3", "--only", "softmax", "--out", "page")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"index.html", "evidence.json"}
    evidence = json.loads((tmp_path / "page" / "evidence.json").read_text())
    assert (evidence["schema"], evidence["seed"], evidence["quick"]) == (1, 3, True)
    assert {"date", "versions", "machine"} <= evidence.keys()
    [claim] = evidence["claims"]
    assert claim["id"] == "softmax"
    assert claim["error"] == ""
    texts = {
        "id",
        "heading",
        "quote",
        "statement",
        "question",
        "criterion",
        "verdict",
        "deciding",
        "reason",
        "correction",
        "sample",
    }
    assert set(claim) == texts | {"numbers", "seconds", "error"}
    printed = " ".join(result.stdout.split())  # the sentence is filled to the terminal's width
    assert f"softmax {claim['verdict']} {claim['deciding']}" in printed
    assert "a quick run" in result.stdout
    assert "\r" not in result.stderr  # no bars where nobody watches


def test_the_list_names_every_claim_and_measures_nothing(mx_notes_command, tmp_path):
    result = mx_notes_command("notes", "--list")
    assert result.returncode == 0
    assert "\nsoftmax " in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "momentun"], "--only momentun: no such claim; did you mean momentum?"),
        (
            ["--only", "softmax", "nosuch"],
            "--only nosuch: no such claim; `mx-notes notes --list` lists them\n",
        ),
        (["--only", "softmax", "--seed", "-1"], "--seed -1: expected 0 or more"),
        (["--only", "softmax", "--out", "/proc/page"], "--out /proc/page: cannot be written"),
    ],
)
def test_bad_input_is_one_line_status_2_and_leaves_nothing(mx_notes_command, tmp_path, arguments, message):
    result = mx_notes_command("notes", "--quick", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"mx-notes: {message}")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_reported_and_the_others_go_on(plant, tmp_path, monkeypatch, capsys):
    modules = plant(BODIES)
    monkeypatch.setattr(notes, "claims", lambda: modules)
    monkeypatch.setattr(notes, "known", lambda: list(modules))
    assert notes.run(None, Setting(seed=5), tmp_path / "page") == 1
    text = (tmp_path / "page" / "evidence.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    claims = {claim["id"]: claim for claim in json.loads(text)["claims"]}
    assert claims["works"]["numbers"] == {"nan": "nan", "low": "-inf", "array": [0, 1, 2], "real": 0.5}
    assert claims["threads"]["numbers"] == {"threads": "1", "seed": 5}
    assert claims["raises"]["error"] == "ValueError: no (planted_raises.py, line 8)"
    assert claims["refuses"]["error"] == "data set x is not here"
    assert claims["crashes"]["error"] == "its process ended with status -6 and no evidence"
    printed = capsys.readouterr().out
    rows = [line.split()[0] for line in printed.splitlines()[1:] if line[:1].strip()][: len(BODIES)]
    assert rows == list(BODIES)  # in the note's order, whichever ended first
    page = (tmp_path / "page" / "index.html").read_text()
    for name in ("raises", "refuses", "crashes"):
        assert claims[name]["verdict"] is None
        assert claims[name]["error"] in " ".join(printed.split())
        assert page.count(claims[name]["error"]) == 2
    assert notes.run(["works", "threads"], Setting(), tmp_path / "page") == 0


def test_an_earlier_page_stays_until_the_new_one_is_whole(plant, tmp_path, monkeypatch):
    modules = plant({"works": BODIES["works"]})
    monkeypatch.setattr(notes, "claims", lambda: modules)
    monkeypatch.setattr(notes, "known", lambda: list(modules))
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("the earlier one")
    flush = os.fsync

    def fails_for_the_page(descriptor):
        if "index.html" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fails_for_the_page)
    with pytest.raises(UserError, match=r"index\.html: cannot be written: No space left on device"):
        notes.run(None, Setting(), tmp_path / "page")
    assert (tmp_path / "page" / "index.html").read_text() == "the earlier one"


@pytest.mark.slow
def test_ctrl_c_ends_the_workers_too_and_writes_nothing(tmp_path):
    command = [sys.executable, "-m", "mx_notes", "notes", "--only", "vanishing-gradient", "--out", "page"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    process.stdout.readline()  # the table's head: the workers start
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, errors = process.communicate(timeout=60)  # which also waits for the workers to close their ends
    assert process.returncode == 130
    assert errors == "mx-notes: interrupted\n"
    assert list((tmp_path / "page").iterdir()) == []
