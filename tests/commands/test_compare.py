"""`mx-notes compare`: what it says of runs that differ, and its statistics against other ways to compute them."""

import json

import numpy as np
import pytest
from scipy import stats

from mx_notes import cli
from mx_notes.commands import compare
from mx_notes.recipes import preset

EPOCHS = [
    {
        "epoch": epoch,
        "loss": 1 / epoch,
        "train_accuracy": 0.9,
        "validation_loss": 0.5,
        "validation_accuracy": 0.8 + epoch / 100,
        "learning_rate": 0.1,
        "images_per_second": 1000.0 + epoch,
        "seconds": 1.0,
    }
    for epoch in (1, 2, 3)
]
LABELS = np.arange(200) % 10


def write(folder, settings, wrong=(), epochs=EPOCHS, labels=LABELS):
    """A run's folder; wrong: the test images that it takes for another class, None without an evaluation."""
    folder.mkdir()
    (folder / "recipe.json").write_text(preset("digits").override(settings).to_json())
    rows = [*epochs, {"test_accuracy": 0.9, "test_loss": 0.3, "checkpoint": "step-00000129"}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if wrong is not None:
        predicted = labels.copy()
        predicted[list(wrong)] = (predicted[list(wrong)] + 1) % 10
        values = {"data": "digits", "labels": labels.tolist(), "predicted": predicted.tolist()}
        (folder / "evaluation.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a", ["epochs=3", "lr=0.05"], wrong=range(20))
    write(tmp_path / "b", ["epochs=3", "lr=0.1"], wrong=range(15, 25))


def test_what_differs_is_printed_in_80_columns_and_drawn(two, capsys, tmp_path):
    assert cli.main(["compare", "a", "b"]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 80
    assert "\nlearning_rate  0.05 | 0.1\n" in said and "epochs  " in said and "momentum" not in said
    assert "0.9000 [0.8506, 0.9343]      1002\n" in said
    assert "2 - 1: +0.0500 [" in said and "; only 2 right: 15, only 1: 5 of 200\n" in said
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_paired_statistics(two, tmp_path):
    found = compare.paired(compare.read(tmp_path / "a"), compare.read(tmp_path / "b"))
    assert (found.only_first, found.only_second, found.examples) == (5, 15, 200)
    # McNemar: of 20 images on which they differ, 15 or more on one side, or 5 or fewer
    assert found.p == pytest.approx(2 * stats.binom.cdf(5, 20, 0.5))
    differences = np.repeat([1, -1, 0], [15, 5, 180])
    drawn = np.random.default_rng(7).choice(differences, (4000, 200)).mean(axis=1)
    # Two sets of thousands of resamples: their quantiles agree to about one image of 200.
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([found.low, found.high], abs=0.006)


def test_wilsons_interval():
    for right, examples in ((0, 10), (297, 299), (50, 50)):
        expected = stats.binomtest(right, examples).proportion_ci(method="wilson")
        assert compare.wilson(right, examples) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_runs_on_other_test_images_are_not_paired(two, tmp_path, capsys):
    write(tmp_path / "c", [], wrong=[1], labels=LABELS[::-1].copy())
    write(tmp_path / "d", [], wrong=None)
    assert cli.main(["compare", "a", "c", "d"]) == 0
    said = capsys.readouterr().out
    assert "McNemar" not in said and "no evaluation.json in d: `mx-notes evaluate RUN` writes it" in said


def test_bad_input_is_one_line_and_status_2(two, tmp_path, capsys):
    write(tmp_path / "none", [], epochs=[])
    write(tmp_path / "old", [])
    (tmp_path / "old" / "evaluation.json").write_text('{"accuracy": 1}')
    write(tmp_path / "odd", [], epochs=[{"epoch": 1}])
    for arguments, message in [
        (["a"], "compare a: expected two runs or more"),
        (["a", "gone"], "gone: no such folder, expected a run's"),
        (["a", "none"], "none/metrics.jsonl: no epoch is done"),
        (["a", "odd"], "odd/metrics.jsonl: not the metrics of a run"),
        (["a", "old"], "old/evaluation.json: has no predictions; write it anew: mx-notes evaluate old"),
        (["a", "b", "--figure", "gone/x.png"], "gone/x.png: cannot be written: "),
    ]:
        assert cli.main(["compare", *arguments]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"mx-notes: {message}") and said.count("\n") == 1
