"""Findings that somebody has decided to live with: by a comment, a flag, pyproject.toml, a baseline."""

import json
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[1] / "programs"
WRONG = PROGRAMS / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"
STEP = "trainer.step(batch_size)\n"


@pytest.fixture
def audit(mx_notes_command, tmp_path):
    """Audit a wrong program, whose wrong line ends in `comment`; returns status, stderr and the report as JSON."""

    def run(*flags, comment="", head="", project=None):
        source = WRONG.read_text()
        assert source.count(f"    {STEP}") == 1
        (tmp_path / "train.py").write_text(
            head + source.replace(f"    {STEP}", f"    {STEP[:-1]}{comment}\n")
        )
        if project is not None:
            (tmp_path / "pyproject.toml").write_text(project)
        result = mx_notes_command("audit", "--max-steps", "4", "--json", "report.json", *flags, "train.py")
        report = tmp_path / "report.json"
        return result.returncode, result.stderr, json.loads(report.read_text()) if report.exists() else None

    return run


def rules_of(findings):
    return [finding["rule"] for finding in findings]


def test_a_comment_accepts_its_line_and_the_report_says_so(audit):
    status, said, report = audit(comment="  # mx-notes: ignore[mean-loss] meant as a sum")
    assert status == 0
    assert "accepted: 1 finding\n  mean-loss at train.py:34, by a comment (meant as a sum)" in said
    assert (rules_of(report["findings"]), rules_of(report["accepted"])) == ([], ["mean-loss"])
    assert {rule["id"]: rule["state"] for rule in report["rules"]}["mean-loss"] == "accepted"


def test_a_comment_after_any_line_of_its_statement_counts(audit):
    status, _, _ = audit(comment="  # a comment\n", head="")
    assert status == 1
    status, said, _ = audit(comment=";[\n    1,  # mx-notes: ignore[mean-loss]\n    ]")
    assert status == 0, said


def test_a_comment_that_accepts_nothing_is_named(audit):
    status, said, _ = audit(head="import os  # mx-notes: ignore[mean-loss]\n")
    assert status == 1
    assert "train.py:1: ignore[mean-loss] accepts nothing any more" in said


def test_a_flag_accepts_a_rule(audit):
    status, said, _ = audit("--ignore", "mean-loss")
    assert (status, "mean-loss at train.py:34, by --ignore" in said) == (0, True)


def test_pyproject_switches_off_and_weakens_and_limits(audit):
    status, said, _ = audit(project='[tool.mx-notes]\nignore = ["mean-loss"]')
    assert (status, "by pyproject.toml" in said) == (0, True)
    weaker = '[tool.mx-notes]\nseverity = { mean-loss = "warning" }\n'
    status, said, _ = audit(project=weaker)
    assert (status, "WARNING  mean-loss" in said) == (0, True)
    assert audit("--strict", project=weaker)[0] == 1
    assert audit(project=f"{weaker}strict = true")[0] == 1


def test_a_baseline_fails_on_new_findings_only(audit, tmp_path):
    assert audit()[0] == 1
    (tmp_path / "report.json").rename(tmp_path / "known.json")
    moved = "# a line more\n\n"
    status, said, report = audit("--baseline", "known.json", head=moved)
    assert (status, "by --baseline known.json" in said) == (0, True)
    # The report of that run is as good a baseline.
    (tmp_path / "known.json").write_text(json.dumps(report))
    assert audit("--baseline", "known.json")[0] == 0
    assert audit("--baseline", "known.json", comment="  # another line")[0] == 1


@pytest.mark.parametrize(
    ("flags", "more", "message"),
    [
        (["--ignore", "mean-los"], {}, "--ignore mean-los: no such rule; did you mean mean-loss?"),
        (
            [],
            {"comment": "  # mx-notes: ignore[mean-los]"},
            "train.py:34: ignore[mean-los]: no such rule; did",
        ),
        ([], {"comment": "  # mx-notes: ignore"}, "train.py:34: ignore names no rule"),
        ([], {"project": "[tool.mx-notes"}, "pyproject.toml: not TOML"),
        (
            [],
            {"project": '[tool.mx-notes]\nignore = ["mean-los"]'},
            "pyproject.toml: ignore mean-los: no such rule",
        ),
        (
            [],
            {"project": "[tool.mx-notes]\nignored = []"},
            "pyproject.toml: [tool.mx-notes] ignored: no such setting",
        ),
        ([], {"project": "[tool.mx-notes]\nmax-steps = 0"}, "pyproject.toml: max-steps = 0: expected"),
        (
            [],
            {"project": '[tool.mx-notes]\nseverity = { mean-loss = "bad" }'},
            "pyproject.toml: severity mean-loss",
        ),
        (["--baseline", "nowhere.json"], {}, "nowhere.json: No such file"),
        (["--baseline", "train.py"], {}, "train.py: not JSON"),
        (
            ["--format", "sarif", "--output", "nowhere/a.sarif"],
            {},
            "--output nowhere/a.sarif: cannot be written",
        ),
    ],
)
def test_bad_input_is_one_line_before_anything_runs(audit, flags, more, message):
    status, said, report = audit(*flags, **more)
    assert (status, report) == (2, None)
    assert said.startswith(f"mx-notes: {message}")
    assert said.count("\n") == 1


def test_every_rule_is_known_without_opening_mxnet():
    from mx_notes.audit.ignores import known_rules
    from mx_notes.audit.rules import rules

    assert known_rules() == list(rules())
