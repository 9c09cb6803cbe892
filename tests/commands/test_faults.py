"""Real training processes, killed, interrupted and starved: what is on disk stays whole, and nothing is lost.

pytest tests/commands/test_faults.py -s -k kill     # prints how often what was hit
"""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from digit_records import write

from mx_notes import checkpoint, cli
from mx_notes.disk import PART

ROOT = Path(__file__).parents[2]

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
TRAIN = [sys.executable, "-m", "mx_notes", "train"]
SAVING = ["--checkpoint-every", "4"]


def begin(cwd, *arguments, **options):
    """A training process that has finished its set-up: it has printed its first line."""
    process = subprocess.Popen(
        [*TRAIN, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout.readline(), process.communicate()[1]
    return process


def finish(cwd, *arguments, **options):
    """(exit status, stdout, stderr) of a training process."""
    process = subprocess.run(
        [*TRAIN, *arguments], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, **options
    )
    return process.returncode, process.stdout, process.stderr


def ending(run):
    """What a run ended with: SHA-256 of parameters and momentum, and the rows of its metrics but their times."""
    state, damaged = checkpoint.newest(run)
    assert not damaged
    digest = hashlib.sha256()
    for arrays in (state.arguments, state.auxiliary, state.optimizer):
        for name in sorted(arrays):
            digest.update(arrays[name].tobytes())
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        row.pop("seconds", None)
        row.pop("images_per_second", None)
    return state.step, digest.hexdigest(), rows


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What runs of so many epochs end with if nothing happens to them."""
    endings = {}

    def of(epochs):
        if epochs not in endings:
            folder = tmp_path_factory.mktemp("undisturbed")
            status, _, errors = finish(folder, "--epochs", str(epochs), "--out", "run", *SAVING)
            assert status == 0, errors
            endings[epochs] = ending(folder / "run")
        return endings[epochs]

    return of


def half_written(run, since):
    """Whether a checkpoint is being written, or was when the process ended that began then (seconds)."""
    try:
        return any(part.stat().st_ctime >= since for part in (run / "checkpoints").glob(f"*{PART}"))
    except FileNotFoundError:  # renamed between the two
        return False


def kill(process, run, since, rng):
    """Kill it, in half of the cases while it writes a checkpoint; returns whether it had not ended before."""
    time.sleep(rng.uniform(0, 0.4))
    if rng.random() < 0.5:
        while not half_written(run, since) and process.poll() is None:
            pass
        time.sleep(rng.uniform(0, 0.01))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def killed_again_and_again(folder, epochs, kills, seed):
    """Kill a run and its continuations so often, then let it end; returns what was hit."""
    rng, run, hit = np.random.default_rng(seed), folder / "run", Counter()
    arguments = ["--epochs", str(epochs), "--out", "run"]
    for _ in range(kills):
        since = time.time()
        if not kill(begin(folder, *arguments, *SAVING), run, since, rng):
            break
        hit["while a checkpoint was written" if half_written(run, since) else "elsewhere"] += 1
        _, damaged = checkpoint.newest(run)
        assert not damaged
        arguments = ["--resume", "run"]
    status, output, errors = finish(folder, "--resume", "run", *SAVING)
    assert status == 0, errors
    assert "REFUTED" not in output
    return hit


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
def test_a_run_killed_again_and_again_ends_where_the_undisturbed_one_does(undisturbed, tmp_path, kills):
    epochs = 9
    expected, total, runs = undisturbed(epochs), Counter(), 0

    def one(seed, kills):
        folder = tmp_path / str(seed)
        folder.mkdir()
        hit = killed_again_and_again(folder, epochs, kills, seed)
        assert ending(folder / "run") == expected
        return hit

    # A run may end before it was killed as often as planned: then there is another round.
    while left := kills - total.total():
        shares = [min(10, left - begun) for begun in range(0, left, 10)]
        with ThreadPoolExecutor(2) as pool:
            total += sum(pool.map(one, range(runs, runs + len(shares)), shares), Counter())
        runs += len(shares)
    print(f"\n{kills} kills in {runs} runs: {dict(total)}; each run ended at SHA-256 {expected[1][:16]}…")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_step_and_saves_it(undisturbed, tmp_path, number, status):
    process = begin(tmp_path, "--epochs", "4", "--out", "run")  # no checkpoint within an epoch
    time.sleep(0.2)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert errors.endswith(f"({number.name}), which is saved; go on with:\nmx-notes train --resume run\n")
    assert errors.count("\n") == 2
    step = int(errors.split("after step ")[1].split()[0])
    state, _ = checkpoint.newest(tmp_path / "run")
    assert state.step == step
    status, output, errors = finish(tmp_path, "--resume", "run")
    assert status == 0, errors
    assert f"; from step {step}" in output
    assert ending(tmp_path / "run") == undisturbed(4)


def test_a_second_signal_ends_it_at_once(tmp_path):
    # One step takes a second or more: the first signal can't have been heeded yet.
    process = begin(tmp_path, "--model", "cifar_resnet110_v1", "--batch-size", "1349", "--out", "run")
    time.sleep(0.1)
    process.terminate()
    time.sleep(0.1)  # two of one kind at the same moment would be one
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == ""  # nothing was saved, nothing said
    assert checkpoint.newest(tmp_path / "run")[0] is None


def one_line(errors):
    assert errors.startswith("mx-notes: ") and errors.endswith("\n") and errors.count("\n") == 1, errors
    return errors


@pytest.mark.long
def test_a_second_run_in_the_folder_is_refused_and_a_dead_one_holds_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    process = begin(tmp_path, "--epochs", "500", "--out", "run")
    try:
        for arguments in (["--resume", "run"], ["--out", "run"]):
            assert cli.main(["train", *arguments]) == 2
            assert capsys.readouterr().err == "mx-notes: run: another run is training into it\n"
    finally:
        process.kill()
        process.communicate()
    assert cli.main(["train", "--resume", "run", "--override", "--epochs", "1"]) == 0


def limited(kind, size):
    """For `preexec_fn`: a process that may have no more of something than this."""
    return lambda: resource.setrlimit(kind, (size, size))


@pytest.fixture
def interrupted(tmp_path):
    """A run that was interrupted in its first epoch, one of 4."""
    process = begin(tmp_path, "--epochs", "4", "--out", "run")
    process.terminate()
    process.communicate(timeout=60)
    return tmp_path / "run"


def goes_on(run, expected):
    """Nothing was lost: the run ends as if nothing had happened."""
    status, _, errors = finish(run.parent, "--resume", run.name)
    assert status == 0, errors
    assert ending(run) == expected


@pytest.mark.long
def test_a_file_that_cannot_grow_is_one_line(undisturbed, interrupted):
    before = checkpoint.newest(interrupted)[0].progress()
    status, _, errors = finish(
        interrupted.parent, "--resume", "run", preexec_fn=limited(resource.RLIMIT_FSIZE, 500_000)
    )
    assert status == 2
    assert "run/checkpoints/step-" in one_line(errors) and ": cannot be written: File too large" in errors
    assert checkpoint.newest(interrupted)[0].progress() == before
    goes_on(interrupted, undisturbed(4))


@pytest.mark.long
def test_a_file_in_the_way_is_one_line(undisturbed, interrupted):
    folder, aside = interrupted / "checkpoints", interrupted / "aside"
    process = begin(interrupted.parent, "--resume", "run", *SAVING)
    folder.rename(aside)
    folder.touch()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "run/checkpoints/step-" in one_line(errors) and ": cannot be written: " in errors
    folder.unlink()
    aside.rename(folder)
    goes_on(interrupted, undisturbed(4))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB: room for three checkpoints of ResNet-20."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line(undisturbed, small_disk):
    status, _, errors = finish(
        small_disk, "--epochs", "4", "--out", "run", "--keep", "99", "--checkpoint-every", "10"
    )
    assert status == 2
    assert "run/checkpoints/step-" in one_line(errors) and ": cannot be written: No space left" in errors
    assert checkpoint.newest(small_disk / "run")[0].step >= 20
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    goes_on(small_disk / "run", undisturbed(4))


@pytest.mark.long
def test_a_full_disk_with_no_room_for_a_line_is_one_line(undisturbed, small_disk):
    process = begin(small_disk, "--epochs", "4", "--out", "run")
    with (small_disk / "filling").open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "No space left on device" in one_line(errors)
    (small_disk / "filling").unlink()
    goes_on(small_disk / "run", undisturbed(4))


@pytest.mark.long
def test_a_read_only_disk_is_one_line(small_disk):
    begin(small_disk, "--epochs", "4", "--out", "run").communicate(timeout=60)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for arguments in (["--resume", "run"], ["--out", "other"]):
        status, _, errors = finish(small_disk, *arguments)
        assert status == 2
        assert "cannot be written: Read-only file system" in one_line(errors)


def test_out_of_memory_while_binding_is_one_line_and_leaves_nothing(tmp_path):
    arguments = ["--model", "resnet152_v1", "--batch-size", "1349", "--out", "run"]
    status, _, errors = finish(tmp_path, *arguments, preexec_fn=limited(resource.RLIMIT_AS, 1_500 << 20))
    assert status == 2
    assert (
        errors == "mx-notes: out of memory: resnet152_v1 with batches of 1349; try a smaller --batch-size\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize("fault", [Path.unlink, lambda path: os.truncate(path, 1001)], ids=["deleted", "cut"])
def test_a_data_file_that_goes_away_is_one_line(tmp_path, fault):
    """MXNet's decoding threads fail, and the process that they belong to says so."""
    write(tmp_path, "train", range(64))
    write(tmp_path, "val", range(100, 116))
    process = begin(
        tmp_path,
        *("--set", "data=imagerecord", "--set", "image_size=32", "--data-dir", "."),
        *("--epochs", "500", "--batch-size", "32", "--out", "run"),
    )
    assert any(line.startswith("epoch   1/500") for line in process.stdout)
    fault(tmp_path / "train.rec")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert "train.rec: MXNet cannot read it" in one_line(errors)
    state, damaged = checkpoint.newest(tmp_path / "run")
    assert state.epoch >= 1 and not damaged
