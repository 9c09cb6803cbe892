"""The README: what it shows is what happens, what it tells to type works, what it links to is there."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from mx_notes.audit.rules import rules

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.M | re.S)
COMMANDS = [
    line.partition("#")[0].strip()
    for _, block in BLOCKS
    for line in block.replace("- run: ", "").splitlines()
    if line.lstrip().startswith("mx-notes ")
]
COMMANDS += [code for code in re.findall(r"`(mx-notes [^`]*)`", README) if code not in COMMANDS]
BUG = ROOT / "tests" / "programs" / "bugs" / "gluon_softmax_before_softmax_loss.py"
# What makes a command of the README short enough for a test; it is the same command with less to do.
LESS = {
    "mx-notes train": ["--epochs", "1"],
    "mx-notes train --data folder --data-dir pictures": ["--epochs", "1"],
    "mx-notes train --data folder --data-dir pictures --from runs/folder-1": ["--epochs", "1"],
    "mx-notes notes": ["--only", "resnet-table"],
    "mx-notes notes --quick": ["--only", "resnet-table"],
    "mx-notes launch --workers 2 -- train": ["--epochs", "1"],
}
ELSEWHERE = {
    "mx-notes enable": "test_run.py",  # changes the environment: tested in one of its own
    "mx-notes bench": "test_bench.py",  # takes as long as it takes
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with a user's train.py, in which the commands run one after the other, as they stand."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(BUG.read_text())
    write = [sys.executable, ROOT / "scripts" / "write_pictures.py", folder / "pictures", "--images", "200"]
    subprocess.run(write, check=True)
    return folder


@cache
def typed(command, folder):
    arguments = [*shlex.split(command)[1:], *LESS.get(command, [])]
    return subprocess.run(
        [sys.executable, "-m", "mx_notes", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.long
@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ELSEWHERE])
def test_a_command_works_as_it_stands(command, project):
    result = typed(command, project)
    # The program has the bug of the README's first screen, and an audit ends with 1 for it.
    audited = command.startswith("mx-notes audit") and "--explain" not in command
    assert result.returncode == (1 if audited else 0), result.stderr
    if audited:
        assert "double-softmax" in result.stderr
    for file in re.findall(r"\S+\.(?:html|sarif|onnx)", command):
        assert (project / file).stat().st_size


def test_a_command_that_is_not_run_here_is_tested_elsewhere():
    for command, file in ELSEWHERE.items():
        assert command in COMMANDS
        assert f'"{command.split()[1]}"' in (ROOT / "tests" / "commands" / file).read_text()


@pytest.mark.slow
def test_the_first_screen_shows_what_the_audit_prints(project):
    (printed,) = [block for _, block in BLOCKS if block.startswith("audit: ")]
    assert typed("mx-notes audit train.py", project).stderr.startswith(printed)
    python = next(block for kind, block in BLOCKS if kind == "python")
    assert all(line.strip() in BUG.read_text() for line in python.splitlines())


def test_links_and_their_anchors_lead_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        file, _, anchor = link.partition("#")
        assert (ROOT / file).exists(), link
        headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.M) if anchor else []
        assert not anchor or anchor in headings, link


def test_targets_of_make_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"^make ([a-z-]+)", README, re.M)) <= targets


def test_what_is_counted_is_as_many_as_it_says():
    programs = ROOT / "tests" / "programs"
    assert f"{len(rules())} rules in all" in README
    assert f"[{len(list((programs / 'bugs').glob('*.py')))} programs]" in README
    assert f"[{len(list((programs / 'healthy').glob('*.py')))} right ones]" in README


def test_it_fits_a_terminal():
    # A table's row cannot be broken, and the formatter joins a line of Python that it has room for.
    free = ("|", "net.add(")
    assert [line for line in README.splitlines() if len(line) > 80 and not line.startswith(free)] == []
