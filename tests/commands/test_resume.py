"""A run that was broken off and gone on with ends, bit for bit, where it would have ended."""

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from breaking import BreakAt, Broken

from mx_notes import checkpoint, cli, disk, training
from mx_notes.checkpoint import State
from mx_notes.recipes import preset
from mx_notes.runtime import mx

# 1,349 images in batches of 100: 14 steps an epoch, the last of 49 images, for which the module is reshaped.
TINY = ["epochs=3", "batch_size=100", "noise=0.1"]
STEPS = 14


def result(run):
    """All that a run ends with, but its times: arrays as bytes, counts, history."""
    state = State.of(run)
    arrays = state.arguments | state.auxiliary | state.optimizer
    rows = [without_times(row) for row in state.history]
    return {name: array.tobytes() for name, array in arrays.items()}, state.updates, state.step, rows


def without_times(row):
    return {name: value for name, value in row.items() if name not in ("seconds", "images_per_second")}


def resumed(recipe, out):
    """A run that goes on from the newest checkpoint."""
    state, damaged = checkpoint.newest(out)
    assert not damaged
    run = training.start(recipe)
    state.restore(run)
    return run


@pytest.fixture(scope="module")
def whole():
    """The run that was never broken off."""
    run = training.start(preset("digits").override(TINY))
    training.fit(run)
    return run


@pytest.mark.parametrize(
    ("step", "in_validation"),
    [
        (1, False),
        (STEPS - 1, False),  # the short batch is next
        (STEPS, False),  # it was the last
        (STEPS, True),
        (STEPS + 1, False),
        (2 * STEPS + 5, False),
        (3 * STEPS, True),
    ],
)
def test_a_broken_run_ends_where_the_whole_one_does(whole, tmp_path, step, in_validation):
    run = training.start(whole.recipe)
    with pytest.raises(Broken):
        training.fit(run, [BreakAt(tmp_path, step, in_validation)])
    mx.random.seed(7)  # what another process would begin with
    run = resumed(whole.recipe, tmp_path)
    assert run.step == step
    training.fit(run)
    assert result(run) == result(whole)


@pytest.mark.parametrize(
    "settings",
    [
        ["momentum=0"],
        ["schedule=step", "drop_at=0.5", "warmup_epochs=1.5"],
        ["batch_size=1349"],
        ["freeze=conv0|stage1", "lr_head=10"],
    ],
    ids=["no momentum", "schedule", "one batch an epoch", "frozen layers"],
)
def test_other_optimisers_go_on_where_they_were(tmp_path, settings):
    recipe = preset("digits").override([*TINY, *settings])
    whole = training.start(recipe)
    training.fit(whole)
    run = training.start(recipe)
    step = whole.step // 3
    with pytest.raises(Broken):
        training.fit(run, [BreakAt(tmp_path, step)])
    run = resumed(recipe, tmp_path)
    training.fit(run)
    assert result(run) == result(whole)


@pytest.mark.slow
def test_dropout_draws_the_same_numbers(tmp_path):
    recipe = preset("digits").override(["model=mobilenetv3_small", "epochs=1", "batch_size=200"])
    whole = training.start(recipe)
    assert training.draws_numbers(whole.module.symbol)
    training.fit(whole)
    for step in (3, whole.feed.steps - 1):
        run = training.start(recipe)
        with pytest.raises(Broken):
            training.fit(run, [BreakAt(tmp_path, step)])
        run = resumed(recipe, tmp_path)
        training.fit(run)
        assert result(run) == result(whole)


def train(*arguments):
    return cli.main(["train", *arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 2 epochs with a checkpoint after every 5 steps."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    settings = ["--set", "batch_size=100", "--set", "epochs=2"]
    assert train("--out", str(folder), "--checkpoint-every", "5", "--keep", "4", *settings) == 0
    return folder


@pytest.fixture
def run_folder(trained, tmp_path, monkeypatch):
    """A copy of it, as the folder `run` of the current one."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, tmp_path / "run"))


def rows(run_folder):
    return [
        without_times(json.loads(line)) for line in (run_folder / "metrics.jsonl").read_text().splitlines()
    ]


def events(run_folder):
    """(tag, step, value) of each scalar in the event files."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in (run_folder / "tensorboard").iterdir():
        content, position = path.read_bytes(), 0
        while position < len(content):
            (size,) = struct.unpack_from("<Q", content, position)
            event = Event.FromString(content[position + 12 : position + 12 + size])
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
            position += size + 16
    return [value for value in found if value[0] not in ("seconds", "images_per_second")]


def forget_after(run_folder, step):
    """Bring the checkpoints back to where they were after this step."""
    for folder in (run_folder / "checkpoints").iterdir():
        if int(folder.name.removeprefix("step-")) > step:
            disk.remove(folder)


def parameters(run_folder, step=2 * STEPS):
    return (checkpoint.place(run_folder, step) / checkpoint.PARAMETERS).read_bytes()


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_used(run_folder, capsys):
    before = rows(run_folder), parameters(run_folder), sorted(events(run_folder))
    newest = checkpoint.place(run_folder, 2 * STEPS) / checkpoint.PARAMETERS
    content = bytearray(newest.read_bytes())
    content[5000] ^= 4
    newest.write_bytes(content)
    assert train("--resume", "run") == 0
    output = capsys.readouterr()
    assert (
        "run/checkpoints/step-00000028/model-0000.params: damaged, its size or SHA-256 is not that in"
        " checkpoint.json; the one before it is used" in output.err
    )
    said = " ".join(output.out.split())
    assert "; from step 25" in said
    assert "3 batches: 3 forward, 3 backward, 3 updates; backward ran once per batch" in said
    assert (rows(run_folder), parameters(run_folder), sorted(events(run_folder))) == before
    assert newest.parent.with_name("step-00000028.damaged").is_dir()


def test_metrics_and_events_go_on_without_duplicates(run_folder):
    before = rows(run_folder), events(run_folder)
    assert [row.get("epoch") for row in before[0]] == [1, 2, None]
    assert [step for tag, step, _ in before[1] if tag == "loss"] == [1, 2]
    forget_after(run_folder, 20)
    with (run_folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')  # a killed process's last line
    assert train("--resume", "run") == 0
    assert (rows(run_folder), events(run_folder)) == before


def test_a_finished_run_is_only_scored_again(run_folder, capsys):
    before = rows(run_folder), parameters(run_folder)
    capsys.readouterr()
    assert train("--resume", "run") == 0
    output = capsys.readouterr().out
    assert "audit   0 batches were left to train: too few to check" in output
    assert "test    accuracy" in output
    assert (rows(run_folder), parameters(run_folder)) == before


def test_a_run_without_a_checkpoint_begins_anew(run_folder):
    before = rows(run_folder), parameters(run_folder)
    forget_after(run_folder, 0)
    assert train("--resume", "run") == 0
    assert (rows(run_folder), parameters(run_folder)) == before


def test_a_changed_recipe_needs_override(run_folder, capsys):
    forget_after(run_folder, 20)
    change = ["--set", "lr=0.02", "--epochs", "3"]
    assert train("--resume", "run", *change) == 2
    assert capsys.readouterr().err == (
        "mx-notes: the recipe is not the checkpoint's: epochs 2 → 3, learning_rate 0.05 → 0.02;"
        " add --override to go on with it\n"
    )
    assert train("--resume", "run", "--override", *change) == 0
    assert json.loads((run_folder / "recipe.json").read_text())["learning_rate"] == 0.02
    assert checkpoint.newest(run_folder)[0].step == 3 * STEPS


def test_what_would_make_the_result_meaningless_cannot_be_overridden(run_folder, capsys):
    assert train("--resume", "run", "--override", "--seed", "2") == 2
    assert capsys.readouterr().err == (
        "mx-notes: seed 1 → 2: cannot change within a run; start a new one with --out\n"
    )


def test_an_edited_recipe_is_a_changed_one(run_folder, capsys):
    path = run_folder / "recipe.json"
    path.write_text(path.read_text().replace('"momentum": 0.9', '"momentum": 0.8'))
    assert train("--resume", "run") == 2
    assert "momentum 0.9 → 0.8; add --override" in capsys.readouterr().err


def test_resuming_what_is_no_run_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, message in [
        (["--resume", "nothing"], "--resume nothing: no such folder, expected a run's"),
        (["--resume", "a", "--out", "b"], "--resume: goes on in the run's own folder"),
        (["--checkpoint-every", "0"], "--checkpoint-every 0: expected a whole number of at least 1"),
        (["--keep", "0"], "--keep 0: expected a whole number of at least 1"),
    ]:
        assert train(*arguments) == 2
        errors = capsys.readouterr().err
        assert errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_when_no_checkpoint_is_whole_nothing_is_trained_over_them(run_folder, capsys):
    for folder in (run_folder / "checkpoints").iterdir():
        (folder / checkpoint.PROGRESS).unlink()
    before = sorted((run_folder / "checkpoints").iterdir())
    assert train("--resume", "run") == 2
    assert "run: no checkpoint is whole; of the newest: " in capsys.readouterr().err
    assert sorted((run_folder / "checkpoints").iterdir()) == before


def test_the_checkpoint_of_an_epoch_replaces_the_one_before_its_validation(whole, tmp_path):
    run = training.start(whole.recipe)
    with pytest.raises(Broken):
        training.fit(run, [BreakAt(tmp_path, STEPS, in_validation=True)])
    manifest = checkpoint.place(tmp_path, STEPS) / checkpoint.MANIFEST
    assert json.loads(manifest.read_text())["validation_accuracy"] is None
    run = resumed(replace(whole.recipe, epochs=1), tmp_path)
    training.fit(run)
    checkpoint.save(tmp_path, State.of(run))
    assert json.loads(manifest.read_text())["validation_accuracy"] == whole.history[0]["validation_accuracy"]
