"""Workers on machines that share nothing but a network: what the loopback can't show."""

import subprocess
import sys

import pytest
from jobs import broken_off, expect_steps_of_one_process, job
from machines import Machines

from mx_notes.errors import UserError

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True, scope="module")
def needs():
    try:
        with Machines(1):
            pass
    except UserError as error:
        pytest.skip(str(error))


def test_workers_on_two_machines_take_the_steps_of_one_process(tmp_path):
    with Machines(2) as machines:
        job(2, "STEPS", tmp_path, machines=machines)
    expect_steps_of_one_process(tmp_path, 2)


def test_an_unplugged_machine_ends_the_job(tmp_path, monkeypatch):
    """No process has died and no connection is closed: only heartbeats can tell."""
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "5")
    with Machines(2) as machines:
        status, errors = broken_off(tmp_path, lambda _: machines.unplug(1), machines)
    assert status == [2] * 4, errors
    *others, scheduler = errors
    assert "mx-notes: scheduler: worker" in scheduler and scheduler.count("\n") == 1
    for error in others:
        assert "the scheduler not heard of for 5 s: the job is ended" in error and error.count("\n") == 1


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
    assert seconds > 0.75  # 0.8 s, less what each of two queues lets through at once: 0.01 s
