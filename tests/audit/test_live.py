"""A training that goes on for days: what is known is told, and kept, before its end."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from mx_notes.audit import handover, process
from mx_notes.commands import following
from mx_notes.runtime import mx

LOOP = """
import os, signal, sys, time
import mxnet as mx
{beginning}
mx.random.seed(1)
net = mx.gluon.nn.Dense(3)
net.initialize(mx.init.Xavier())
trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {{"learning_rate": 0.01}})
loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
for step in range(10000):
    data, label = mx.nd.random.normal(shape=(16, 5)), mx.nd.arange(16) % 3
    with mx.autograd.record():
        loss = loss_of(net(data), label).mean()
    loss.backward()
    trainer.step(16)
    if step == 5:
        print(os.getpid(), flush=True)
    time.sleep(0.02)
"""


@pytest.fixture
def running(tmp_path):
    """Start an audit of the loop; returns it and the pid of the script, once that has trained a few steps."""
    started = []

    def start(*flags, beginning=""):
        (tmp_path / "train.py").write_text(LOOP.format(beginning=beginning))
        command = [sys.executable, "-m", "mx_notes", "audit", *flags, "train.py"]
        started.append(
            subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[0], int(started[0].stdout.readline())

    yield start
    for each in started:
        each.kill()
        each.communicate()


def until(stream, pattern):
    """What the stream says up to this pattern."""
    said = ""
    while not re.search(pattern, said):
        line = stream.readline()
        assert line, said
        said += line
    return said


def test_a_finding_is_told_when_it_is_found_and_once(running):
    audit, script = running("--live")
    assert "ERROR  mean-loss  (step 1" in until(audit.stderr, "trainer.step")
    os.kill(script, signal.SIGKILL)
    assert audit.stderr.read().count("ERROR  mean-loss") == 1  # in the report
    assert audit.wait() == 1


def test_the_report_so_far_is_told_and_kept_at_a_signal(running, tmp_path):
    audit, _ = running("--json", "report.json")
    audit.send_signal(signal.SIGUSR1)
    said = until(audit.stderr, "update per step")
    assert "ERROR  mean-loss" in said
    deadline = time.monotonic() + 60
    while not (tmp_path / "report.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    audit.kill()
    audit.wait()
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["status"], [finding["rule"] for finding in report["findings"]]) == (None, ["mean-loss"])
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_script_that_is_killed_leaves_what_it_had_told(running, tmp_path):
    audit, script = running("--live", "--json", "report.json")
    until(audit.stderr, "trainer.step")
    os.kill(script, signal.SIGKILL)
    said = audit.stderr.read()
    assert audit.wait() == 1
    assert "the script ended with status 137 before the audit could" in " ".join(said.split())
    assert json.loads((tmp_path / "report.json").read_text())["status"] == 137


def test_a_program_with_a_handler_of_its_own_gets_the_signal(running):
    handler = "signal.signal(signal.SIGUSR1, lambda *_: print('preempted', flush=True))"
    audit, _ = running(beginning=handler)
    audit.send_signal(signal.SIGUSR1)
    assert audit.stdout.readline() == "preempted\n"


@pytest.fixture
def clock(monkeypatch):
    """The clock of both sides: it stands until a test moves it."""
    now = [0.0]
    monkeypatch.setattr(following, "monotonic", lambda: now[0])
    monkeypatch.setattr(process, "monotonic", lambda: now[0])
    return now


def test_a_process_leaves_its_report_so_far_each_half_minute(tmp_path, clock):
    weight, data = mx.nd.ones((3, 5)), mx.nd.ones((4, 5))
    weight.attach_grad()
    optimizer = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.01))
    file = tmp_path / f"{os.getpid()}{handover.SO_FAR}"
    watched = process._Process(folder=str(tmp_path), live=False, options={})
    watched.begin()
    try:
        seen = []
        for now in (0, 10, 29, 31, 40, 60, 62):
            clock[0] = now
            file.unlink(missing_ok=True)
            for _ in range(2):  # a step is judged when the next begins
                with mx.autograd.record():
                    loss = mx.nd.dot(data, weight.T).square().mean()
                loss.backward()
                optimizer(0, weight.grad, weight)
            seen.append(file.exists())
    finally:
        watched.finish()
    assert seen == [False, False, False, True, False, False, True]


def test_the_report_so_far_is_kept_at_most_once_in_half_a_minute(tmp_path, clock):
    kept = []
    follower = following.Following(tmp_path, lambda pid: "so far", kept.append, live=False, colour=False)
    seen = []
    for now in (10, 31, 40, 60, 62):
        clock[0] = now
        (tmp_path / f"1{handover.SO_FAR}").touch()
        follower.look(1)
        seen.append(len(kept))
    assert seen == [0, 1, 1, 1, 2]
