"""Workers on machines that share nothing but a network: what the loopback can't show."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from machines import Machines
from test_workers import begin, expect_steps_of_one_process, job

from mx_notes import checkpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(os.geteuid()) or not shutil.which("ip"),
        reason="network namespaces need root and Debian's iproute2",
    ),
]


def test_workers_on_two_machines_take_the_steps_of_one_process(tmp_path):
    with Machines(2) as machines:
        job(2, "STEPS", tmp_path, machines=machines)
    expect_steps_of_one_process(tmp_path, 2)


def test_an_unplugged_machine_ends_the_job_and_leaves_a_whole_checkpoint(tmp_path, monkeypatch):
    """No process has died and no connection is closed: only heartbeats can tell."""
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "5")
    options = ["train", "--epochs", "500", "--checkpoint-every", "2", "--out", "run"]
    train = [sys.executable, "-m", "mx_notes", *options]
    with Machines(2) as machines:
        processes = begin(train, 2, machines, cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            while not list((tmp_path / "run" / "checkpoints").glob("step-*[0-9]")):
                assert all(process.poll() is None for process in processes)
                time.sleep(0.05)
            machines.unplug(1)
            errors = [process.communicate(timeout=60)[1] for process in processes]
        finally:
            for process in processes:
                process.kill()
    assert [process.returncode for process in processes] == [2] * 4, errors
    *others, scheduler = errors
    assert "mx-notes: scheduler: worker" in scheduler and scheduler.count("\n") == 1
    for error in others:
        assert "the scheduler not heard of for 5 s: the job is ended" in error and error.count("\n") == 1
    state, damaged = checkpoint.newest(tmp_path / "run")
    assert state.step >= 2 and not damaged


def test_links_are_as_slow_as_asked():
    sender = "import socket, sys; socket.create_connection((sys.argv[1], 5000)).sendall(bytes(1_000_000))"
    receiver = (
        "import socket, sys, time; c, _ = socket.create_server((sys.argv[1], 5000)).accept(); began = time.time()\n"
        "while c.recv(1 << 20): pass\n"
        "print(time.time() - began)"
    )
    with Machines(2, megabits=10) as machines:
        listening = subprocess.Popen(
            [*machines.on(0), sys.executable, "-c", receiver, machines.address(0)], stdout=subprocess.PIPE
        )
        send = [*machines.on(1), sys.executable, "-c", sender, machines.address(0)]
        while subprocess.run(send, stderr=subprocess.DEVNULL).returncode:  # it may not listen yet
            assert listening.poll() is None
        seconds = float(listening.communicate(timeout=60)[0])
    assert seconds > 0.6  # 0.8 s, less what each of two queues lets through at once: 0.1 s
