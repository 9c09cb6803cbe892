"""`mx-notes evaluate`: the numbers against scikit-learn and the training's own, and its errors."""

import json
import shutil

import numpy as np
import pytest
from sklearn.metrics import precision_score

from mx_notes import checkpoint, cli, models, training
from mx_notes.checkpoint import Network, State, restore
from mx_notes.commands import evaluate, gallery
from mx_notes.errors import UserError
from mx_notes.recipes import Recipe, preset
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run's folder with the checkpoints of two epochs, and the run."""
    folder = tmp_path_factory.mktemp("run")
    run = training.start(preset("digits").override(["epochs=2", "lr=0.02"]))
    (folder / "recipe.json").write_text(run.recipe.to_json())

    class SaveEachEpoch(training.Callback):
        def on_epoch_end(self, run):
            checkpoint.save(folder, State.of(run))

    training.fit(run, [SaveEachEpoch()])
    return folder, run


@pytest.fixture
def folder(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "run")


def test_the_numbers_are_those_of_the_training(trained):
    folder, run = trained
    result = evaluate.evaluate(restore(folder, "last"))
    expected = training.score(run.module, run.data.evaluation("test", run.recipe.batch_size))
    assert result.accuracy == expected.accuracy and result.examples == expected.examples == 299
    assert result.loss == pytest.approx(expected.loss, rel=1e-5)  # its mean is summed in float32


def test_each_class_is_counted_from_the_predictions(trained):
    folder, run = trained
    network = restore(folder, "last")
    result = evaluate.evaluate(network)
    labels = run.data.test.labels
    probabilities = network.block(mx.cpu())(mx.nd.array(run.data.normalise(run.data.test.images)))[1]
    predicted = probabilities.asnumpy().argmax(axis=1)
    for true in range(10):
        for guess in range(10):
            assert result.confusion[true, guess] == ((labels == true) & (predicted == guess)).sum()
    np.testing.assert_array_equal(result.recall, [(predicted[labels == c] == c).mean() for c in range(10)])
    np.testing.assert_array_equal(
        result.precision, precision_score(labels, predicted, average=None, zero_division=np.nan)
    )


def test_best_is_by_validation_accuracy_and_of_equals_the_latest(folder):
    first, second = sorted((folder / "checkpoints").iterdir())

    def set_accuracy(path, value):
        manifest = json.loads((path / "checkpoint.json").read_text())
        (path / "checkpoint.json").write_text(json.dumps(manifest | {"validation_accuracy": value}))

    for accuracies, best in [((0.9, 0.8), first), ((0.8, 0.8), second), ((0.1, None), first)]:
        set_accuracy(first, accuracies[0])
        set_accuracy(second, accuracies[1])
        assert restore(folder).checkpoint == best.name
    assert restore(folder, "last").checkpoint == second.name
    assert restore(folder, first.name).checkpoint == first.name


def test_the_command_prints_a_table_and_leaves_json_and_a_figure(folder, mx_notes_command):
    result = mx_notes_command("evaluate", str(folder))
    assert result.returncode == 0 and result.stderr == "", result.stderr
    written = json.loads((folder / "evaluation.json").read_text())
    assert np.mean(np.equal(written["labels"], written["predicted"])) == written["accuracy"]
    assert f"accuracy {written['accuracy']:.4f}, loss {written['loss']:.4f} on 299 images" in result.stdout
    assert "class     images  precision  recall      F1\n0             30  " in result.stdout
    assert sum(row["examples"] for row in written["classes"]) == np.sum(written["confusion"]) == 299
    assert np.trace(written["confusion"]) / 299 == written["accuracy"]
    for name in ("confusion.png", "mistakes.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"\n{folder / name}" in result.stdout
    assert not list(folder.glob("*.part"))


def test_the_mistakes_are_the_most_certain_ones(trained, tmp_path):
    network = restore(trained[0], "last")
    result = evaluate.evaluate(network)
    images, labels = network.data.normalise(network.data.test.images), network.data.test.labels
    probabilities = network.block(mx.cpu())(mx.nd.array(images))[1].asnumpy()
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    expected = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:25]
    assert 2 < len(expected) == len(result.mistakes)
    for mistake, example in zip(result.mistakes, expected, strict=True):
        # another batch size adds in another order
        assert mistake.probability == pytest.approx(probabilities[example].max(), abs=1e-5)
        assert mistake.predicted != mistake.label == labels[mistake.example]
        np.testing.assert_array_equal(mistake.image, images[mistake.example])
    gallery.draw(network, [], tmp_path / "none.png")
    assert (tmp_path / "none.png").read_bytes().startswith(b"\x89PNG")


def test_a_class_that_is_never_predicted_has_no_precision(trained):
    network = restore(trained[0], "last")
    weight = next(name for name in network.parameters if name.endswith("dense0_bias"))
    network.parameters[weight][3] = -1e6
    result = evaluate.evaluate(network)
    assert np.isnan(result.precision[3]) and result.recall[3] == 0 and result.f1[3] == 0
    assert "\n3             30          –  0.0000  0.0000\n" in evaluate.text(network, result)
    assert json.loads(evaluate.to_json(network, result))["classes"][3]["precision"] is None


def test_of_many_classes_those_with_the_most_mistakes_are_shown(trained, tmp_path):
    confusion = np.diag(np.full(100, 9))
    confusion[42, 17] = 5
    ones = np.ones(100)
    none = np.empty(0, int)
    result = evaluate.Evaluation(905, 900 / 905, 0.1, confusion, ones, ones, ones, none, none, [])
    network = restore(trained[0], "last")
    object.__setattr__(network.data, "classes", tuple(f"kind {n}" for n in range(100)))
    text = evaluate.text(network, result)
    assert "(25 of 100 classes: those with the most mistakes)" in text
    assert "\nkind 42 " in text and "\nkind 17 " in text and text.count("kind ") == 25
    evaluate.draw_confusion(network, result, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 10_000


@pytest.mark.parametrize("model", ["cifar_resnet20_v2", "resnet18_v2", "resnet18_v1"])
def test_inference_computes_what_the_training_graph_does(model, digits):
    """An inference executor does not, for a ResNet v2: see `Network.block`."""
    net = models.build(model, 10, digits.shape)
    net.initialize(models.initializer())
    images = mx.nd.array(digits.normalise(digits.train.images[:64]))
    with mx.autograd.record():
        scores = net(images)
    scores.backward()
    mx.nd.waitall()
    outputs = models.mean_cross_entropy(net).get_internals()
    symbol = mx.sym.Group([outputs["log_probabilities_output"], outputs["probabilities_output"]])
    parameters = {name: parameter.data() for name, parameter in net.collect_params().items()}
    network = Network(Recipe(model=model), digits, "none", symbol, parameters)
    probabilities = network.block(mx.cpu())(images)[1].asnumpy()
    # The same kernels; a graph and single calls may add a residual in another order.
    np.testing.assert_allclose(probabilities, net(images).softmax().asnumpy(), atol=1e-6)


def bad_runs():
    def remove(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def recipe(settings):
        return lambda run: (run / "recipe.json").write_text(preset("digits").override(settings).to_json())

    def flip(run):
        for path in run.glob("checkpoints/*/model-0000.params"):
            content = bytearray(path.read_bytes())
            content[1000] ^= 1
            path.write_bytes(content)

    return {
        "no such folder, expected a run's": remove,
        "has no recipe.json, so it is not the folder of a run": lambda run: remove(run / "recipe.json"),
        "recipe.json: not a recipe in JSON": lambda run: (run / "recipe.json").write_text("{"),
        "recipe.json: no such knob: 'colour'": lambda run: (run / "recipe.json").write_text('{"colour": 1}'),
        "run: has no checkpoint": lambda run: remove(run / "checkpoints"),
        "model-0000.params: damaged, its": flip,
        "the recipe's network has": recipe(["model=resnet18_v1"]),
        "data_dir=gone: no such folder": recipe(["data=fashion-mnist", "data_dir=gone"]),
        "File name too long": recipe(["data=fashion-mnist", "data_dir=" + "x" * 9999]),
        "device 'gpu:7': ": recipe(["device=gpu:7"]),
        "no model 'resnet18': did you mean": recipe(["model=resnet18"]),
    }


@pytest.mark.parametrize("message", bad_runs())
def test_a_folder_that_cannot_be_evaluated(folder, message):
    bad_runs()[message](folder)
    with pytest.raises(UserError) as caught:
        evaluate.report(folder)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_bad_input_is_one_line_and_status_2(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for arguments, message in [
        (["gone"], "gone: no such folder, expected a run's"),
        (["file"], "file: not a folder, expected a run's"),
        (["run", "--checkpoint", "../run"], "--checkpoint ../run: expected best, last or one of step-0000"),
    ]:
        assert cli.main(["evaluate", *arguments]) == 2
        errors = capsys.readouterr().err
        assert errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1


def test_the_checkpoints_symbol_is_not_read(folder):
    for path in folder.glob("checkpoints/*/model-symbol.json"):
        path.write_text("[" * 100_000)
    assert evaluate.evaluate(restore(folder)).examples == 299
