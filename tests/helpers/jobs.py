"""Jobs of several workers, started by MXNet's variables as a cluster would start them."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import job_worker
import numpy as np
from small_network import bound, distance, network, parameters

from mx_notes import checkpoint
from mx_notes.parallel.workers import Workers

HELPERS = Path(__file__).parent
ROOT = HELPERS.parents[1]


def begin(train, workers, servers=1, machines=None, **options):
    """Processes of a job that a cluster would start by MXNet's variables: workers, servers, scheduler.

    On machines, each worker has one; servers and scheduler are on the first.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        **{"DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_NODE_HOST": "127.0.0.1", "DMLC_PS_ROOT_PORT": str(port)},
        **{"DMLC_NUM_WORKER": str(workers), "DMLC_NUM_SERVER": str(servers), "OMP_NUM_THREADS": "1"},
        "PYTHONPATH": f"{ROOT}:{HELPERS}",
    }
    if machines:
        environment["DMLC_PS_ROOT_URI"] = machines.address(0)
        del environment["DMLC_NODE_HOST"]  # each finds its own
    serve = [sys.executable, "-m", "mx_notes", "train"]
    places = [(0, "scheduler", serve), *[(0, "server", serve)] * servers]
    places += [(machine, "worker", train) for machine in range(workers)]
    return [
        subprocess.Popen(
            [*(machines.on(machine) if machines else []), *command],
            env=environment | {"DMLC_ROLE": role},
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        for machine, role, command in reversed(places)
    ]


def worker(*arguments):
    """The command that job_worker.py is run by."""
    return [sys.executable, str(HELPERS / "job_worker.py"), *map(str, arguments)]


def job(workers, *arguments, **options):
    """Run job_worker.py as so many workers."""
    processes = begin(worker(*arguments), workers, **options)
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), errors


def broken_off(folder, break_off, machines=None):
    """What the processes of a job of two workers say at its end, which comes once it has trained for a while.

    break_off gets the processes: worker 1, worker 0 (by their machines), server, scheduler.
    """
    options = ["train", "--epochs", "500", "--checkpoint-every", "2", "--out", "run"]
    train = [sys.executable, "-m", "mx_notes", *options]
    processes = begin(train, 2, machines=machines, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while not list((folder / "run" / "checkpoints").glob("step-*[0-9]")):
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
        break_off(processes)
        errors = [process.communicate(timeout=60)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    state, damaged = checkpoint.newest(folder / "run")
    assert state.step >= 2 and not damaged
    return [process.returncode for process in processes], errors


def expect_steps_of_one_process(tmp_path, workers):
    # 55: a last batch of 7, of 4 and 3 or of 3, 2 and 2. 49: of one example, fewer than there are workers.
    # 52: of 4, with 3 workers too few for the two devices of each.
    for examples in (55, 49, 52):
        expected = job_worker.trained(Workers(), examples)
        first, *others = [dict(np.load(tmp_path / f"{examples}-{rank}.npz")) for rank in range(workers)]
        for other in others:
            assert all((first[name] == other[name]).all() for name in first)
        # float32 adds up the gradients in another order, as in test_data_parallel.py. 2e-7 was seen.
        assert distance(expected, first, parameters(bound(network(), 1, 16))) < 1e-5
