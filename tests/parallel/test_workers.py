"""Workers that divide each batch take the steps of one: real processes, MXNet's servers between them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import job_worker
import numpy as np
import pytest
from digit_records import write
from test_parallel import bound, distance, network, parameters

from mx_notes import checkpoint, data, training
from mx_notes.errors import UserError
from mx_notes.parallel import DataParallel
from mx_notes.parallel.workers import Workers
from mx_notes.recipes import preset

ROOT = Path(__file__).parents[2]
HELPERS = ROOT / "tests" / "helpers"


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
        "PYTHONPATH": f"{ROOT}:{HELPERS}:{ROOT}/tests/parallel",
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


@pytest.mark.slow
def test_without_a_launcher_too_all_processes_end_when_one_has_died(tmp_path, monkeypatch):
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "5")
    status, errors = broken_off(tmp_path, lambda processes: processes[0].kill())
    assert status == [-signal.SIGKILL, 2, 2, 2], errors
    # The scheduler hears all, the others hear only the scheduler.
    for silent, error in zip(["the scheduler", "the scheduler", "worker"], errors[1:], strict=True):
        assert silent in error and "not heard of for 5 s: the job is ended" in error
        assert error.count("\n") == 1


@pytest.mark.slow
def test_who_has_done_all_does_not_wait_for_a_worker_that_has_died(tmp_path, monkeypatch):
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "5")
    processes = begin(worker("LEAVE", tmp_path), 2)
    try:
        errors = [process.communicate(timeout=60)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert sorted(process.returncode for process in processes) == [2, 2, 2, 9], errors


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "servers"), [(3, 1), (2, 3)])
def test_workers_take_the_steps_of_one_process(tmp_path, workers, servers):
    job(workers, "STEPS", tmp_path, servers=servers)
    expect_steps_of_one_process(tmp_path, workers)


def expect_steps_of_one_process(tmp_path, workers):
    # 55: a last batch of 7, of 4 and 3 or of 3, 2 and 2. 49: of one example, fewer than there are workers.
    # 52: of 4, with 3 workers too few for the two devices of each.
    for examples in (55, 49, 52):
        expected = job_worker.trained(Workers(), examples)
        first, *others = [dict(np.load(tmp_path / f"{examples}-{rank}.npz")) for rank in range(workers)]
        for other in others:
            assert all((first[name] == other[name]).all() for name in first)
        # float32 adds up the gradients in another order, as in test_parallel.py. 2e-7 was seen.
        assert distance(expected, first, parameters(bound(network(), 1, 16))) < 1e-5


@pytest.mark.slow
def test_what_workers_tell_each_other_comes_through_exactly(tmp_path):
    job(2, "EXCHANGE", tmp_path, servers=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done-0", "done-1"]


@pytest.mark.parametrize("workers", [2, 3, 5])
@pytest.mark.parametrize("examples", [48, 53, 49])
def test_shares_are_the_whole_batch_without_overlap_or_loss(workers, examples):
    options = {"seed": 1, "augmentation": job_worker.AUGMENTATION}
    digits = job_worker.some(examples)
    whole = list(digits.training(16, **options).epoch(3))
    shares = [list(digits.training(16, share=(rank, workers), **options).epoch(3)) for rank in range(workers)]
    assert [len(share) for share in shares] == [len(whole)] * workers
    for expected, *parts in zip(whole, *shares, strict=True):
        compare(expected, parts)


def compare(expected, parts):
    count = len(expected.label[0])
    copied = count < len(parts)
    assert {(part.copies, part.whole) for part in parts} == {
        (len(parts), count * len(parts)) if copied else (1, count)
    }
    for part in parts if copied else [None]:
        held = [part] if copied else parts
        for kind in ("data", "label"):
            together = np.concatenate([getattr(each, kind)[0].asnumpy() for each in held])
            # Same draws, same arithmetic: same bits.
            assert (together == getattr(expected, kind)[0].asnumpy()).all()


def test_shares_of_record_files_are_the_whole_batch(tmp_path):
    write(tmp_path, "train", range(37))
    write(tmp_path, "val", range(100, 116))
    records = data.load("imagerecord", data_dir=str(tmp_path), validation=0.1, seed=1, image_size=32)
    options = {"seed": 1, "augmentation": job_worker.AUGMENTATION}
    whole = list(records.training(16, **options).epoch(1))
    shares = [list(records.training(16, share=(rank, 2), **options).epoch(1)) for rank in range(2)]
    for expected, *parts in zip(whole, *shares, strict=True):
        compare(expected, parts)


def test_a_process_alone_is_a_job_of_one():
    workers = Workers()
    assert workers.share == (0, 1) and not workers.connected
    assert workers.collect([1.5, 2.0]).tolist() == [[1.5, 2.0]]
    assert workers.texts("so") == ["so"] and workers.broadcast(b"so") == b"so"
    workers.ask_to_stop(15)
    assert workers.stop == 15
    with pytest.raises(UserError, match=r"^no such folder$"), workers.together():
        raise UserError("no such folder")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "kvstore=dist_async",
            "kvstore=dist_async: expected dist_sync; with dist_async each worker's gradient",
        ),
        ("kvstore=local", "kvstore=local: expected dist_sync"),
        ("gradient_compression=-1", "gradient_compression=-1.0: expected 0 or more"),
        ("gradient_compression=0.5", "gradient_compression=0.5: only what workers send to servers"),
    ],
)
def test_what_would_be_ignored_or_wrong_is_refused(setting, message):
    with pytest.raises(UserError, match=message):
        training.start(preset("digits").override([setting]))


def test_half_precision_is_not_compressed():
    with pytest.raises(UserError, match="MXNet compresses float32 gradients only"):
        preset("digits").override(["dtype=float16", "gradient_compression=0.5"])


def test_statistics_of_a_network_without_batch_norm():
    module = bound(network(), 1, 16, lambda symbol, contexts: DataParallel(symbol, contexts))
    assert module.statistics() == [{}]
