"""`mx-notes launch` as a user meets it: real jobs on the loopback, one of their processes killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mx_notes import checkpoint, cli

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
TRAIN = ["train", "--epochs", "3", "--batch-size", "250"]  # 6 steps an epoch, the last of 99 images


def command(workers, *arguments):
    return [sys.executable, "-m", "mx_notes", "launch", "--workers", str(workers), "--", *arguments]


def launch(folder, workers, *arguments):
    """(exit status, stdout, stderr) of a job."""
    result = subprocess.run(
        command(workers, *arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    return result.returncode, result.stdout, result.stderr


def begin(folder, *arguments):
    """A job of two workers that has trained for a while."""
    process = subprocess.Popen(
        command(2, *arguments, "--out", "run", "--checkpoint-every", "2"),
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list((folder / "run" / "checkpoints").glob("step-*[0-9]")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    return process


def of_job(launcher, role):
    """The processes of that role which a launcher has started."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    environments = {int(child): Path(f"/proc/{child}/environ").read_bytes() for child in children}
    return [
        child for child, found in environments.items() if f"DMLC_ROLE={role}".encode() in found.split(b"\0")
    ]


def running(folder):
    """Processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder):
                found.append(process.name)
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def arrays(run):
    state, damaged = checkpoint.newest(run)
    assert not damaged
    return state.step, {
        name: a.tobytes() for name, a in (state.arguments | state.auxiliary | state.optimizer).items()
    }


def rows(run):
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: v for name, v in row.items() if name not in ("seconds", "images_per_second")} for row in found
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A job of two workers that nothing happened to: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    status, output, errors = launch(folder, 2, *TRAIN, "--out", "run")
    assert status == 0, errors
    assert errors == ""
    return folder / "run", output


@pytest.mark.slow
def test_a_job_prints_and_writes_once_and_each_worker_is_audited(undisturbed):
    run, output = undisturbed
    assert max(map(len, output.splitlines())) <= 80
    assert len(re.findall("^epoch", output, re.M)) == 3
    output = " ".join(output.split())
    assert "3 epochs of 6 batches of 250, seed 1, 2 workers on cpu, 1 thread each; into run " in output
    for worker in (0, 1):
        assert (
            f"worker {worker}: audit 18 batches: 18 forward, 18 backward, 18 updates; backward ran" in output
        )
        assert f"worker {worker}: gradient = mean of the batch's losses on 2 workers (checked" in output
    assert "REFUTED" not in output
    assert [row.get("epoch") for row in rows(run)] == [1, 2, 3, None]
    assert len(list((run / "tensorboard").iterdir())) == 1
    assert running(run.parent) == []


@pytest.mark.long
def test_with_batch_norm_two_workers_end_near_one_process(undisturbed, tmp_path, monkeypatch, capsys):
    """Its statistics are those of each worker's share: not the same steps, as without (test_workers.py)."""
    monkeypatch.chdir(tmp_path)
    assert cli.main([*TRAIN, "--out", "one"]) == 0
    capsys.readouterr()
    one, two = checkpoint.newest(Path("one"))[0], checkpoint.newest(undisturbed[0])[0]
    assert one.updates == two.updates and one.step == two.step
    assert [row["learning_rate"] for row in one.history] == [row["learning_rate"] for row in two.history]
    difference = sum(np.square(one.arguments[n] - two.arguments[n]).sum() for n in one.arguments)
    size = sum(np.square(values).sum() for values in one.arguments.values())
    assert 0.001 < (difference / size) ** 0.5 < 0.3  # 0.1 was seen


@pytest.mark.long
def test_a_killed_worker_ends_the_job_and_any_number_goes_on(undisturbed, tmp_path):
    process = begin(tmp_path, *TRAIN)
    os.kill(of_job(process, "worker")[1], signal.SIGKILL)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 60
    assert process.returncode == 2
    assert errors == (
        "mx-notes: worker 1 was killed by SIGKILL: the job is ended; go on with:"
        " mx-notes launch --workers 2 --servers 1 -- train --resume run --checkpoint-every 2\n"
    )
    assert running(tmp_path) == []
    step, _ = arrays(tmp_path / "run")
    for workers in (1, 2, 3):
        shutil.copytree(tmp_path / "run", tmp_path / f"run{workers}")
        status, output, errors = launch(tmp_path, workers, "train", "--resume", f"run{workers}")
        assert status == 0, errors
        assert f"; from step {step}\n" in output and "REFUTED" not in output
        assert arrays(tmp_path / f"run{workers}")[0] == 18
    # Two workers' sums are the same in whichever order they come: the same bits as if nothing had happened.
    assert arrays(tmp_path / "run2") == arrays(undisturbed[0])
    assert rows(tmp_path / "run2") == rows(undisturbed[0])


@pytest.mark.long
@pytest.mark.parametrize(("role", "name"), [("server", "server 0"), ("scheduler", "scheduler")])
def test_a_killed_server_or_scheduler_ends_the_job(tmp_path, role, name):
    process = begin(tmp_path, "train", "--epochs", "500")
    os.kill(of_job(process, role)[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(
        f"mx-notes: {name} was killed by SIGKILL: .* --resume run --checkpoint-every 2\n", errors
    )
    assert running(tmp_path) == []
    arrays(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_workers_after_the_same_step(tmp_path, number, status):
    process = begin(tmp_path, "train", "--epochs", "500")
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    again = "mx-notes launch --workers 2 --servers 1 -- train --resume run --checkpoint-every 2\n"
    assert errors.endswith(f"go on with:\n{again}") and errors.count("\n") == 2
    step = int(errors.split("interrupted after step ")[1].split()[0])
    assert arrays(tmp_path / "run")[0] == step
    assert running(tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_job_has_come_together_ends_it(tmp_path, number):
    process = subprocess.Popen(
        command(2, *TRAIN, "--out", "run"), cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.DEVNULL
    )
    while not of_job(process, "server"):  # they are started before the workers
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    assert running(tmp_path) == []


@pytest.mark.long
def test_a_killed_launcher_leaves_no_process(tmp_path):
    process = begin(tmp_path, "train", "--epochs", "500")
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while running(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(tmp_path) == []


@pytest.mark.slow
def test_what_fails_on_all_workers_is_one_line(undisturbed):
    status, _, errors = launch(undisturbed[0].parent, 2, "train", "--out", "run")
    assert status == 2
    assert errors.startswith("mx-notes: --out run: already holds a run;") and errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0", "--", "train"], "launch --workers 0: expected a whole number of at least 1"),
        (["--servers", "-1", "--", "train"], "launch --servers -1: expected a whole number of at least 1"),
        (["--workers", "2"], "launch: expected -- and a training"),
        (["--", "doctor"], "launch: expected -- and a training"),
        (["--", "train", "--set", "lrr=1"], "--set lrr=1: no such knob"),
        (["--", "train", "--recipe", "digit"], "no recipe 'digit': did you mean digits?"),
    ],
)
def test_bad_arguments_are_one_line_and_start_nothing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["launch", *arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DMLC_ROLE": "boss"}, "DMLC_ROLE=boss: expected scheduler, server, worker"),
        ({"DMLC_ROLE": "worker"}, "DMLC_ROLE=worker: DMLC_PS_ROOT_URI must be the scheduler's address"),
        (
            {"DMLC_ROLE": "server", "DMLC_PS_ROOT_URI": "::1", "DMLC_PS_ROOT_PORT": "x"},
            "DMLC_PS_ROOT_PORT=x: expected a whole number of at least 1",
        ),
    ],
)
def test_variables_that_make_no_sense_are_one_line(monkeypatch, capsys, variables, message):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["train"]) == 2
    assert capsys.readouterr().err == f"mx-notes: {message}\n"
