"""`mx-notes audit SCRIPT` and `with audit()`, as a user meets them."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[1] / "programs"
WRONG = PROGRAMS / "bugs" / "gluon_mean_loss_stepped_by_batch_size.py"
RIGHT = PROGRAMS / "healthy" / "module_forward_backward_update.py"


def test_a_wrong_program_is_reported_with_file_and_line(mx_notes_command, tmp_path):
    result = mx_notes_command("audit", "--json", "report.json", str(WRONG))
    assert result.returncode == 1
    assert "ERROR  mean-loss" in result.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    (finding,) = report["findings"]
    assert (finding["rule"], finding["severity"], finding["step"]) == ("mean-loss", "error", 1)
    assert finding["file"] == str(WRONG)
    assert "step(" in WRONG.read_text().splitlines()[finding["line"] - 1]


def test_a_right_program_ends_with_its_own_output_and_status_0(mx_notes_command, tmp_path):
    result = mx_notes_command("audit", "--json", "report.json", str(RIGHT))
    assert result.returncode == 0, result.stderr
    assert "loss" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    steps = report["steps"]
    assert (report["schema"], report["status"], report["findings"]) == (3, 0, [])
    assert report["per_step"] == {kind: {"1": steps} for kind in ("forward", "backward", "update")}
    held = {rule["id"] for rule in report["rules"] if rule["state"] == "held"}
    assert {"backward-once", "call-order", "mean-loss", "momentum"} <= held
    assert "had nothing to look at" in result.stderr  # silence is not a pass


def on_a_terminal(*arguments: str, **variables: str) -> str:
    """What the command writes to its stderr where that is a terminal."""
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "mx_notes", *arguments]
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": ""} | variables
    subprocess.run(command, stderr=terminal, stdout=subprocess.DEVNULL, env=environment, check=False)
    os.close(terminal)
    said = b""
    with suppress(OSError):  # a terminal without a writer has no end of file
        while part := os.read(reader, 1 << 16):
            said += part
    os.close(reader)
    return said.decode()


def test_colours_are_for_a_terminal_whose_user_wants_them():
    assert "\x1b[31;1mERROR\x1b[0m" in on_a_terminal("audit", "--max-steps", "2", str(WRONG))
    assert "\x1b" not in on_a_terminal("audit", "--max-steps", "2", str(WRONG), NO_COLOR="1")


def test_the_report_says_how_many_gradients_were_judged_and_why_others_were_not(mx_notes_command, tmp_path):
    result = mx_notes_command("audit", "-v", "--json", "report.json", "--html", "report.html", str(RIGHT))
    report = json.loads((tmp_path / "report.json").read_text())
    gradients = report["gradients"]
    assert gradients["passes"] == 2 and gradients["operators"] >= gradients["passes"]
    assert gradients["passes"] + sum(each["passes"] for each in gradients["left"]) == report["steps"]
    assert {each["why"] for each in gradients["left"]} == {
        "others like them were judged",
        "their steps were not sampled",
    }
    line = f"gradients held against the loss: in 2 of {report['steps']} backward passes"
    assert line in " ".join(result.stderr.split()) and line in (tmp_path / "report.html").read_text()


def test_the_check_of_gradients_can_be_switched_off_and_given_less_time(mx_notes_command, tmp_path):
    def gradients(seconds):
        mx_notes_command("audit", "--check-gradients", seconds, "--json", "report.json", str(RIGHT))
        return json.loads((tmp_path / "report.json").read_text()).get("gradients")

    assert gradients("0") is None
    over = gradients("1e-6")
    assert over["passes"] == 0 and "the 1e-06 s for it were over" in {each["why"] for each in over["left"]}


def test_it_stops_cleanly_after_so_many_steps(mx_notes_command, tmp_path):
    result = mx_notes_command("audit", "--max-steps", "5", "--json", "report.json", str(RIGHT))
    assert result.returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["steps"] == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "nowhere.py: no such file"),
        ([], "name the SCRIPT to run, or -m MODULE"),
        (["notes.ipynb"], "notes.ipynb: a notebook"),
        (["."], ".: a folder without __main__.py"),
        (["--max-steps", "0", str(RIGHT)], "--max-steps 0: expected"),
        (["--check-gradients", "-1", str(RIGHT)], "--check-gradients -1: expected seconds, 0 or more"),
    ],
)
def test_what_cannot_be_audited_is_one_line_and_status_2(mx_notes_command, tmp_path, arguments, message):
    (tmp_path / "notes.ipynb").write_text("{}")
    result = mx_notes_command("audit", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"mx-notes: {message}")
    assert result.stderr.count("\n") == 1


def test_the_library_form_raises_and_lists_the_findings(digits):
    from mx_notes import audit
    from mx_notes.audit.watch import AuditError
    from mx_notes.runtime import mx

    net = mx.gluon.nn.Dense(10)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    with audit() as watch:
        for batch in digits.training(32, seed=1).epoch(0):
            with mx.autograd.record():
                loss = loss_of(net(batch.data[0]), batch.label[0]).mean()
            loss.backward()
            trainer.step(len(batch.label[0]))
    assert [finding.rule for finding in watch.errors] == ["mean-loss"]
    # The first forward also finds the parameters' shapes, outside of the recording: still one forward.
    assert [step.count("forward") for step in watch.steps] == [1] * watch.number_of_steps
    with pytest.raises(AuditError, match="divided by the batch size twice"):
        watch.raise_for_findings()
    watch.raise_for_findings(allow=("mean-loss",))
    assert "mean-loss" in watch.report()


def test_a_report_that_cannot_be_written_is_told_before_the_script_runs(mx_notes_command):
    result = mx_notes_command("audit", "--html", "nowhere/report.html", str(RIGHT))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("mx-notes: --html nowhere/report.html: cannot be written")
