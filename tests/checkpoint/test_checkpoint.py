"""What a checkpoint holds, who can read it, and what is refused: damage, and harm meant by whoever made it."""

import hashlib
import json
import os
import pickle
import shutil
import struct
from dataclasses import replace

import numpy as np
import pytest

from mx_notes import checkpoint, training
from mx_notes.checkpoint import State, arrays
from mx_notes.checkpoint import folder as folder_of_checkpoints
from mx_notes.checkpoint.state import ROW, parse_progress
from mx_notes.errors import UserError
from mx_notes.recipes import preset
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def run():
    """Three steps of a ResNet-20 on digits."""
    run = training.start(preset("digits"))
    for batch in list(run.feed.epoch(0))[:3]:
        run.module.forward_backward(batch)
        run.module.update()
        run.step += 1
        run.batch += 1
        run.meter.add(run.module.get_outputs(), batch.label[0])
    return run


@pytest.fixture(scope="module")
def state(run):
    return State.of(run)


@pytest.fixture
def folder(state, tmp_path):
    return checkpoint.save(tmp_path, state)


def forge(folder, name, content):
    """Replace a file, and make the manifest agree: what someone who means harm would do."""
    (folder / name).write_bytes(content)
    path = folder / checkpoint.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    path.write_text(json.dumps(manifest))


def change_progress(folder, **changes):
    values = json.loads((folder / checkpoint.PROGRESS).read_text())
    forge(folder, checkpoint.PROGRESS, json.dumps(values | changes).encode())


def test_what_is_read_is_what_was_saved(state, folder):
    read = checkpoint.read(folder)
    for kind in ("arguments", "auxiliary", "optimizer"):
        saved, found = getattr(state, kind), getattr(read, kind)
        assert saved.keys() == found.keys()
        assert all(saved[name].tobytes() == found[name].tobytes() for name in saved)
        assert all(saved[name].dtype == found[name].dtype for name in saved)
    assert (read.recipe, read.symbol, read.updates) == (state.recipe, state.symbol, state.updates)
    assert (read.epoch, read.batch, read.step) == (0, 3, 3)
    assert read.progress() == state.progress()
    assert set(state.updates.values()) == {3}
    assert any(np.any(array != 0) for array in state.optimizer.values())


def test_a_checkpoint_loads_with_plain_mxnet(run, folder):
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(folder / "model"), 0)
    images = run.data.normalise(run.data.test.images[:8])
    block = mx.gluon.SymbolBlock.imports(
        str(folder / "model-symbol.json"), ["data"], str(folder / "model-0000.params")
    )
    executor = symbol.bind(mx.cpu(), arguments | {"data": mx.nd.array(images)}, aux_states=auxiliary)
    probabilities = executor.forward()[0].asnumpy()
    assert probabilities.shape == (8, 10)
    assert not {"mean", "_contrib_BatchNormWithReLU"} & {
        node["op"] for node in json.loads(symbol.tojson())["nodes"]
    }
    # MXNet merges batch norm into convolutions in the one and not in the other: float32 rounding, seen 1.4e-5.
    np.testing.assert_allclose(block(mx.nd.array(images)).asnumpy(), probabilities, rtol=1e-4)
    momentum = mx.nd.load(str(folder / "optimizer.params"))
    states = run.module._updater.states
    assert len(momentum) == len(states)
    name = run.module._optimizer.idx2name[3]
    assert (momentum[f"momentum:{name}"].asnumpy() == states[3].asnumpy()).all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64"])
def test_arrays_go_between_mxnet_and_ours_unchanged(tmp_path, dtype):
    values = np.random.default_rng(1).integers(0, 100, (3, 4, 5)).astype(dtype)
    mx.nd.save(str(tmp_path / "theirs"), {"a": mx.nd.array(values, dtype=dtype), "ä": mx.nd.ones(2)})
    theirs = arrays.parse((tmp_path / "theirs").read_bytes(), tmp_path / "theirs")
    assert theirs["a"].dtype == dtype and (theirs["a"] == values).all()
    assert theirs["ä"].tolist() == [1, 1]
    (tmp_path / "ours").write_bytes(b"".join(arrays.dump({"a": values, "ä": np.ones(2, "float32")})))
    ours = mx.nd.load(str(tmp_path / "ours"))
    assert ours["a"].dtype == np.dtype(dtype) and (ours["a"].asnumpy() == values).all()
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_a_damaged_file_is_named(folder):
    for name in checkpoint.FILES:
        content = (folder / name).read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 1
        for damage in (bytes(flipped), content[:-1], content + b"\0", b""):
            (folder / name).write_bytes(damage)
            with pytest.raises(UserError, match=name):
                checkpoint.read(folder)
        (folder / name).unlink()
        with pytest.raises(UserError, match=name):
            checkpoint.read(folder)
        (folder / name).write_bytes(content)
    checkpoint.read(folder)


def test_no_flipped_bit_in_a_manifest_goes_unnoticed(state, folder):
    path = folder / checkpoint.MANIFEST
    content = path.read_bytes()
    for position in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        if flipped.split() == content.split():
            continue  # other white space
        path.write_bytes(flipped)
        with pytest.raises(UserError):
            checkpoint.read(folder)


def header(shape, dtype=0, count=1, storage=0):
    """An array file that announces this and has no values."""
    return struct.pack(
        f"<QQQIii{len(shape)}qiii", 0x112, 0, count, 0xF993FAC9, storage, len(shape), *shape, 1, 0, dtype
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "24 bytes are announced"),
        (header((1 << 40,)), f"{4 << 40} bytes are announced"),
        (header((1 << 31, 1 << 31, 1 << 31)), "are announced"),
        (header((1 << 62, 0)), "shape"),
        (header((-4,)), "shape"),
        (header(()), "0 dimensions"),
        (header((2,), dtype=99), "dtype number 99"),
        (header((2,), storage=1), "not dense"),
        (struct.pack("<QQQ", 0x112, 0, 1 << 60), "are announced"),
        (struct.pack("<QQQQ", 0x112, 0, 0, 1 << 60), "0 arrays"),
        (header((1,)) + bytes(4) + struct.pack("<QQ", 1, 1 << 60), "are announced"),
        (header((1,)) + bytes(4) + struct.pack("<QQ", 1, 1) + b"\xff", "UTF-8"),
        (pickle.dumps({"arg:a": 1}), "begin"),
    ],
)
def test_a_header_that_lies_is_refused_before_any_memory_is_taken(folder, content, reason):
    forge(folder, checkpoint.PARAMETERS, content)
    for reader in (checkpoint.read, checkpoint.load):
        with pytest.raises(UserError, match=reason):
            reader(folder)


def test_links_pipes_and_folders_are_refused(folder, tmp_path):
    file = folder / checkpoint.PARAMETERS
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(UserError, match="a symbolic link"):
        checkpoint.load(folder)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(UserError, match="not a regular file"):
        checkpoint.load(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(UserError, match=r"params: Is a directory"):
        checkpoint.load(folder)
    file.rmdir()
    elsewhere.rename(file)
    link = folder.with_name("step-00000099")
    link.symlink_to(folder)
    with pytest.raises(UserError, match="a symbolic link"):
        checkpoint.load(link)


def test_names_in_a_manifest_are_never_opened(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    path = folder / checkpoint.MANIFEST
    manifest = json.loads(path.read_text())
    sha256 = hashlib.sha256(b"secret").hexdigest()
    manifest["files"] = {"../../outside": {"sha256": sha256, "bytes": 6}}
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"says nothing of model-symbol\.json"):
        checkpoint.read(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 100_000,
        b"[1]",
        b'"\xff"',
        b'{"format": 1}',
        b'{"format": 1, "files": [], "validation_accuracy": 0}',
        b'{"format": 1, "files": {"model-symbol.json": {"sha256": 0, "bytes": 1e99}}, "validation_accuracy": 0}',
        b" " * (5 << 20),
    ],
)
def test_a_json_bomb_is_one_error(folder, content):
    forge(folder, checkpoint.PROGRESS, content)
    with pytest.raises(UserError, match=r"progress\.json") as first:
        checkpoint.read(folder)
    (folder / checkpoint.MANIFEST).write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint\.json") as second:
        checkpoint.read(folder)
    for message in (str(first.value), str(second.value)):
        assert "\n" not in message and len(message) < 500


@pytest.mark.parametrize(
    "changes",
    [
        {"step": -1},
        {"step": 1.5},
        {"epoch": 10**30},
        {"batch": True},
        {"history": [{}]},
        {"epoch": 1, "history": [{"epoch": 1}]},
        {"updates": [1]},
        {"updates": {"a": "many"}},
        {"meter_loss": "0"},
        {"versions": None},
    ],
)
def test_a_progress_that_makes_no_sense_is_refused(folder, changes):
    change_progress(folder, **changes)
    with pytest.raises(UserError, match=r"progress\.json: not the progress of a run"):
        checkpoint.read(folder)


class Payload:
    """Whoever unpickles this creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_in_place_of_any_file_is_never_executed(folder, tmp_path):
    trace = tmp_path / "executed"
    payload = pickle.dumps(Payload(str(trace)))
    pickle.loads(payload).close()
    assert trace.exists()  # the payload works
    trace.unlink()
    for name in (*checkpoint.FILES, checkpoint.MANIFEST):
        victim = tmp_path / "victim"
        shutil.copytree(folder, victim)
        if name == checkpoint.MANIFEST:
            (victim / name).write_bytes(payload)
        else:
            forge(victim, name, payload)
        with pytest.raises(UserError):
            checkpoint.read(victim)
        if name in (checkpoint.PARAMETERS, checkpoint.MANIFEST):
            with pytest.raises(UserError):
                checkpoint.load(victim)
        assert not trace.exists()
        shutil.rmtree(victim)


def test_another_network_or_more_data_is_not_restored(state, folder):
    other = training.start(preset("digits").override(["model=cifar_resnet20_v2"]))
    with pytest.raises(UserError, match="not the network of the checkpoint"):
        state.restore(other)
    other = training.start(preset("digits").override(["validation=0.2"]))
    with pytest.raises(UserError, match="1199 training images, not the 1349"):
        state.restore(other)
    same = training.start(preset("digits"))
    name = next(iter(state.arguments))
    bad = checkpoint.read(folder)
    bad.arguments[name] = bad.arguments[name][:1]
    with pytest.raises(UserError, match=f"arg array '{name}'"):
        bad.restore(same)
    bad = checkpoint.read(folder)
    bad.optimizer.popitem()
    with pytest.raises(UserError, match="missing in the checkpoint"):
        bad.restore(same)


def test_rows_without_a_validation_loss_are_read(state, folder):
    """Version 0.1.0 wrote none."""
    row = dict.fromkeys(ROW, 0.5) | {"epoch": 1}
    for history in ([row], [{name: value for name, value in row.items() if name != "validation_loss"}]):
        change_progress(folder, history=history, epoch=1)
        values = (folder / checkpoint.PROGRESS).read_bytes()
        assert parse_progress(values, folder / checkpoint.PROGRESS)["history"] == history


def test_the_best_can_be_seen_in_the_runs_folder(state, tmp_path):
    best = checkpoint.save(tmp_path, state)
    folder_of_checkpoints.show_best(tmp_path, state.step)
    folder_of_checkpoints.show_best(tmp_path, state.step)
    folder_of_checkpoints.show_best(tmp_path, 99)  # not there
    assert (tmp_path / "best").is_symlink() and (tmp_path / "best").resolve() == best.resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "checkpoints"]


def test_the_newest_and_the_best_are_kept_and_half_written_ones_are_not_seen(state, tmp_path):
    names = [checkpoint.save(tmp_path, replace(state, step=n)).name for n in (1, 2, 3, 4, 100_000_000)]
    (tmp_path / "checkpoints" / "step-00000007.part").mkdir()
    (tmp_path / "checkpoints" / "mine").mkdir()
    checkpoint.keep_only(tmp_path, 2, best=2)
    left = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert left == ["mine", names[1], names[3], names[4]]
    assert checkpoint.newest(tmp_path)[0].step == 100_000_000


def test_a_failed_write_is_one_line_and_leaves_the_others_whole(state, folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"step-00000004: cannot be written: No space left"):
        checkpoint.save(tmp_path, replace(state, step=4))
    assert [path.name for path in folder.parent.iterdir()] == ["step-00000003"]
    assert checkpoint.newest(tmp_path)[0].step == 3
