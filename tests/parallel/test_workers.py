"""Workers that divide each batch take the steps of one: real processes, MXNet's servers between them."""

import signal

import job_worker
import numpy as np
import pytest
from digit_records import write
from jobs import begin, broken_off, expect_steps_of_one_process, job, worker
from small_network import bound, network

from mx_notes import data
from mx_notes.errors import UserError
from mx_notes.parallel import DataParallel
from mx_notes.parallel.workers import Workers


@pytest.mark.long
def test_without_a_launcher_too_all_processes_end_when_one_has_died(tmp_path, monkeypatch):
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "5")
    status, errors = broken_off(tmp_path, lambda processes: processes[0].kill())
    assert status == [-signal.SIGKILL, 2, 2, 2], errors
    # The scheduler hears all, the others hear only the scheduler.
    for silent, error in zip(["the scheduler", "the scheduler", "worker"], errors[1:], strict=True):
        assert silent in error and "not heard of for 5 s: the job is ended" in error
        assert error.count("\n") == 1


@pytest.mark.long
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
@pytest.mark.parametrize(("workers", "servers"), [(2, 3), pytest.param(3, 1, marks=pytest.mark.long)])
def test_workers_take_the_steps_of_one_process(tmp_path, workers, servers):
    job(workers, "STEPS", tmp_path, servers=servers)
    expect_steps_of_one_process(tmp_path, workers)


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


def test_statistics_of_a_network_without_batch_norm():
    module = bound(network(), 1, 16, lambda symbol, contexts: DataParallel(symbol, contexts))
    assert module.statistics() == [{}]
