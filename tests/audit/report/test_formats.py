"""The report in the forms that other programs read."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from audited import audited
from sarif_pydantic import Sarif

from mx_notes.audit.report.formats import Format, written
from mx_notes.audit.report.json import summary_of
from mx_notes.audit.rules import rules

PROGRAMS = Path(__file__).parents[2] / "programs"
WRONG = PROGRAMS / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"
LINE = next(
    n
    for n, line in enumerate(WRONG.read_text().splitlines(), 1)
    if line.strip() == "trainer.step(batch_size)"
)


@pytest.fixture
def program(tmp_path):
    """A wrong program in a repository of its own, in a folder with a blank in its name."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    copy = tmp_path / "my code" / "train.py"
    copy.parent.mkdir()
    copy.write_text(WRONG.read_text())
    return copy


def found(program, more=""):
    program.write_text(
        program.read_text().replace("trainer.step(batch_size)", f"trainer.step(batch_size){more}")
    )
    watch = audited(program, max_steps=4)
    watch.script = str(program)
    return watch.summary()


def test_sarif_is_as_its_standard_has_it(program):
    text = written(found(program), Format.SARIF)
    log = json.loads(text)
    # Types, enumerations and what is required, by the model; and nothing that the model does not know.
    model = Sarif.model_validate_json(text)
    assert json.loads(model.model_dump_json(by_alias=True, exclude_unset=True)) == log
    (run,) = log["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "my%20code/train.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": LINE},
    }
    described = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in described] == list(rules())
    assert described[result["ruleIndex"]]["shortDescription"]["text"] == f"{rules()['mean-loss'].sentence()}."


def test_sarif_has_an_accepted_finding_as_suppressed(program):
    log = json.loads(written(found(program, "  # mx-notes: ignore[mean-loss] on purpose"), Format.SARIF))
    (result,) = log["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "on purpose"}]


def test_github_marks_the_line(program):
    first, last = written(found(program), Format.GITHUB).splitlines()
    assert first.startswith(
        f"::error file=my code/train.py,line={LINE},title=mean-loss (step 1)::the gradient is"
    )
    assert last == "audit: 1 error, 0 warnings, 0 accepted"


def test_junit_has_a_test_per_rule(program):
    suites = ElementTree.fromstring(written(found(program), Format.JUNIT).encode())
    (suite,) = suites
    cases = {case.get("name"): case for case in suite}
    assert set(rules()) == set(cases)
    assert (suite.get("failures"), suite.get("tests")) == ("1", str(len(rules())))
    assert "divided by the batch size twice" in cases["mean-loss"].find("failure").get("message")
    assert len(cases["backward-once"]) == 0
    assert cases["batch-norm"].find("skipped") is not None


def test_json_is_the_summary(program):
    summary = found(program, "  # mx-notes: ignore[mean-loss] on purpose")
    assert summary_of(written(summary, Format.JSON)) == summary
