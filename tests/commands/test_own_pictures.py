"""From a folder of one's own pictures to a trained network, its answers, and a second one that begins with it."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from own_pictures import LARGE, encoded, pixels, write

from mx_notes import checkpoint, cli, data
from mx_notes.commands import predict
from mx_notes.runtime import mx

TINY = ["--epochs", "1", "--batch-size", "16"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `pics`, `photos` (large) and the run `first`."""
    place = tmp_path_factory.mktemp("own")
    write(place / "pics", range(100))
    write(place / "photos", range(3), LARGE, ".jpg")
    arguments = ["--data", "folder", "--data-dir", str(place / "pics"), "--out", str(place / "first")]
    assert cli.main(["train", *arguments, *TINY]) == 0
    return place


def run(capsys, *arguments):
    """Exit status, output and errors of a command."""
    status = cli.main([*map(str, arguments)])
    return status, *capsys.readouterr()


def test_the_runs_folder_shows_its_data(place):
    recipe = json.loads((place / "first" / "recipe.json").read_text())
    assert recipe["data"] == "folder" and recipe["image_size"] == 28
    described = json.loads((place / "first" / "data.json").read_text())
    assert described["classes"] == [f"digit {n}" for n in range(10)]
    assert sum(map(sum, described["examples"].values())) == 100
    assert (place / "first" / "examples.png").read_bytes().startswith(b"\x89PNG")


def test_the_recipe_that_a_data_set_has_is_its_own(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert run(capsys, "train", "--data", "folder", "--data-dir", "pics", *TINY)[0] == 0
    recipe = json.loads(Path("runs/folder-1/recipe.json").read_text())
    assert (recipe["learning_rate"], recipe["rotate"]) == (0.05, 0.0)


def test_fine_tuning_in_python_is_as_the_page_says(place, capsys, monkeypatch):
    monkeypatch.chdir(place)
    page = Path(__file__).parents[2] / "docs" / "pictures.md"
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    short = {"data_dir=pictures": "data_dir=pics", "runs/folder-1": "first"}
    short["lr_head=10"] = 'lr_head=10", "epochs=1", "batch_size=16'
    for words, others in short.items():
        assert words in block
        block = block.replace(words, others)
    names = {}
    exec(compile(block, page.name, "exec"), names)
    assert "taken" in capsys.readouterr().out
    frozen = [name for name in names["run"].module.get_params()[0] if "stage1" in name]
    before = checkpoint.restore(place / "first").parameters
    after = names["run"].module.get_params()[0]
    assert frozen and all((after[name] == before[name]).asnumpy().all() for name in frozen)


def test_a_prediction_is_what_the_network_says_of_that_picture(place, capsys):
    network = checkpoint.restore(place / "first")
    expected = network.block(mx.cpu())(mx.nd.array(network.data.normalise(network.data.test.images)))[
        1
    ].asnumpy()
    files = sorted(map(str, (place / "pics").rglob("*.png")))
    status, out, _ = run(capsys, "predict", place / "first", "--json", place / "pics")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and [row["file"] for row in rows] == files
    classes = [f"digit {n}" for n in range(10)]
    found = np.array([[row["probabilities"][name] for name in classes] for row in rows])
    for probabilities in expected:  # of float32 sums that a batch of another size takes in another order
        assert np.abs(found - probabilities).max(axis=1).min() < 1e-5
    for row in rows:
        assert row["class"] == max(row["probabilities"], key=row["probabilities"].get)


def test_lines_for_a_reader_are_at_most_80_columns_wide(place, capsys):
    status, out, _ = run(
        capsys, "predict", place / "first", place / "photos", place / "pics" / "digit 0" / "0000.png"
    )
    assert status == 0 and len(out.splitlines()) == 4
    for line in out.splitlines():
        assert len(line) <= 80 and line.startswith("…") and "  digit " in line
    names = [f"a rather long name of class {n}" for n in range(9)]
    (line,) = predict._lines(["x" * 90], np.full((1, 9), 1 / 9), names)
    assert len(line) == 80


def test_a_picture_on_stdin_is_the_picture_in_its_file(place, capsys, monkeypatch):
    file = place / "photos" / "digit 1" / "0001.jpg"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    _, piped, _ = run(capsys, "predict", place / "first", "--json", "-")
    _, named, _ = run(capsys, "predict", place / "first", "--json", file, "--checkpoint", "last")
    assert json.loads(piped) == json.loads(named) | {"file": "-"}


def test_predicting_needs_no_data_but_the_runs_own_scale(place, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "load", None)
    assert run(capsys, "predict", place / "first", place / "photos")[0] == 0


def test_a_network_for_images_of_one_size_takes_no_other(tmp_path, capsys):
    out = tmp_path / "digits"
    assert cli.main(["train", "--epochs", "1", "--batch-size", "256", "--out", str(out)]) == 0
    described = data.description.read(out / "data.json")
    part = data.load("digits").test
    for number in range(3):
        file = tmp_path / f"{number}.png"
        # A scan's 16 is the picture's 255: as a scanner would give it.
        file.write_bytes(encoded(np.rint(part.images[number][0] * (255 / 16)).astype(np.uint8)))
        seen = described.normalised(file.read_bytes())
        expected = data.part.normalised(
            part.images[number : number + 1], *map(np.float32, (described.mean, described.std))
        )
        np.testing.assert_allclose(seen, expected[0], atol=0.01)  # 255 / 16 is no whole number
    capsys.readouterr()
    (tmp_path / "large.png").write_bytes(encoded(pixels(0)))
    status, out_text, errors = run(capsys, "predict", out, tmp_path / "0.png", tmp_path / "large.png")
    assert (status, out_text) == (2, "")
    assert errors == f"mx-notes: {tmp_path}/large.png: 28x28 pixels, the network takes 8x8: resize it\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "empty"),
        (b"text", "not a JPEG, PNG, WebP or BMP picture"),
        (encoded(pixels(0))[:99], "damaged"),
    ],
)
def test_what_cannot_be_predicted_is_one_line_and_nothing_is_printed(
    place, tmp_path, capsys, content, reason
):
    file = tmp_path / "it.png"
    if content is not None:
        file.write_bytes(content)
    status, out, errors = run(capsys, "predict", place / "first", place / "photos", file)
    assert (status, out, errors) == (2, "", f"mx-notes: {file}: {reason}\n")


def test_other_faults_of_predicting_are_one_line(place, tmp_path, capsys):
    for arguments, message in (
        ([place, place / "photos"], f"{place}: has no recipe.json, so it is not the folder of a run"),
        (
            [place / "first", tmp_path],
            f"{tmp_path}: no pictures in this folder (.jpg, .jpeg, .png, .webp, .bmp)",
        ),
        (
            [place / "first", "--checkpoint", "x", tmp_path],
            "--checkpoint x: expected best, last or one of step-",
        ),
        ([place / "first", "caf\udce9.png"], r"the name 'caf\udce9.png' is not printable UTF-8; rename it"),
    ):
        status, out, errors = run(capsys, "predict", *arguments)
        assert (
            (status, out) == (2, "") and errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1
        )


def test_a_second_run_begins_with_the_first_and_goes_on_as_it_was(place, tmp_path, capsys):
    pics = tmp_path / "seven"
    for number in range(7):
        (pics / f"digit {number}").parent.mkdir(exist_ok=True)
        (pics / f"digit {number}").symlink_to(place / "pics" / f"digit {number}")
    out = tmp_path / "second"
    arguments = [
        "--data",
        "folder",
        "--data-dir",
        pics,
        "--set",
        "lr_head=10",
        "--freeze",
        "conv0|batchnorm0|stage1",
    ]
    status, text, _ = run(capsys, "train", *arguments, *TINY, "--from", place / "first", "--out", out)
    assert status == 0
    assert "taken  105 arrays\n" in text and "new      2 arrays: cifarresnetv10_dense0_weight 7x64;" in text
    assert (
        "backward ran once per batch, after its forward" in " ".join(text.split()) and "REFUTED" not in text
    )
    began = json.loads((out / "began_from.json").read_text())
    assert len(began["taken"]) == 105 and len(began["new"]) == len(began["left"]) == 2
    first, second = (
        checkpoint.load(next(run.glob("checkpoints/step-*[1-9]")))[0] for run in (place / "first", out)
    )
    frozen = "cifarresnetv10_stage1_conv0_weight"
    np.testing.assert_array_equal(first[frozen].asnumpy(), second[frozen].asnumpy())
    # Before its first epoch has ended, too, a run goes on without the file that it began with.
    for path in (out / "checkpoints").glob("step-*[1-9]"):
        checkpoint.folder.disk.remove(path)
    (out / "metrics.jsonl").unlink()
    assert run(capsys, "train", "--resume", out)[0] == 0
    again = checkpoint.load(next(out.glob("checkpoints/step-*[1-9]")))[0]
    for name, array in second.items():
        np.testing.assert_array_equal(array.asnumpy(), again[name].asnumpy())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "folder"], "folder: --data-dir must name the folder with a folder of pictures"),
        (["--data-dir", "pics"], "data_dir=pics: digits has no files; leave it out"),
        (["--batch-size", "1000000"], "batch_size=1000000: more than the 1349 training images"),
        (["--from", "nowhere"], "--from nowhere: no such file or folder"),
        (["--from", "pics"], "--from pics: neither a run's folder nor a checkpoint's"),
        (["--from", "first", "--resume", "first"], "--from: a resumed run goes on with its own parameters"),
        (["--from", "first", "--model", "resnet18_v1"], "--from first: none of its 107 arrays has the name"),
        (["--freeze", "stage9"], "freeze=stage9: no layer's name begins so"),
        (["--set", "lr_head=0"], "lr_head=0.0: expected a number above 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(place, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    status, out, errors = run(
        capsys, "train", "--epochs", "1", *arguments, *([] if "--resume" in arguments else ["--out", "new"])
    )
    assert (status, out) == (2, "") and errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1
    assert not Path("new").exists()


def test_pictures_that_moved_to_another_class_are_not_gone_on_with(tmp_path, capsys):
    pics = write(tmp_path / "pics", range(40))
    arguments = ["--data", "folder", "--data-dir", pics, "--out", tmp_path / "run"]
    assert run(capsys, "train", *arguments, *TINY)[0] == 0
    (pics / "digit 0" / "0000.png").rename(pics / "digit 1" / "moved.png")
    status, _, errors = run(capsys, "train", "--resume", tmp_path / "run")
    assert status == 2 and errors.count("\n") == 1
    assert errors.startswith(
        f"mx-notes: {pics}: not the classes and numbers of images that the run began with"
    )


def test_other_classes_than_the_runs_are_refused(place, tmp_path, capsys):
    for number in range(10):
        (tmp_path / f"number {number}").symlink_to(place / "pics" / f"digit {number}")
    status, _, errors = run(capsys, "evaluate", place / "first", "--data-dir", tmp_path)
    assert status == 2 and "its classes are not those of" in errors
    assert run(capsys, "evaluate", place / "first")[0] == 0
