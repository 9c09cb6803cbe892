"""`mx-notes export`: the file on disk, run by ONNX Runtime, against MXNet."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.datasets import load_digits

from mx_notes import cli, data, models
from mx_notes.checkpoint import Network, restore
from mx_notes.commands import export
from mx_notes.data import Part
from mx_notes.errors import UserError
from mx_notes.recipes import Recipe
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from mx_notes import checkpoint, training
    from mx_notes.recipes import preset

    folder = tmp_path_factory.mktemp("run")
    run = training.start(preset("digits").override(["epochs=2"]))
    training.fit(run)
    (folder / "recipe.json").write_text(run.recipe.to_json())
    checkpoint.save(folder, checkpoint.State.of(run))
    return folder


def digits_in_colour(size):
    """Scanned digits of size×size pixels in three colours; 52 test images, so that the last batch is of one."""
    scans = load_digits()
    grey = np.kron(scans.images[:100] * 15, np.ones((size // 8, size // 8))).astype(np.uint8)
    images, labels = np.stack([grey, grey // 2, 255 - grey], axis=1), scans.target[:100].astype(np.int32)
    train, validation, test = (Part(images[s], labels[s]) for s in np.split(np.arange(100), [32, 48]))
    return data.Dataset("digits", tuple("0123456789"), train, validation, test, "scikit-learn")


def random_network(model, size):
    """With weights from the usual initialiser and the training images' own running statistics."""
    dataset = digits_in_colour(size)
    mx.random.seed(1)
    np.random.seed(1)
    net = models.build(model, 10, dataset.shape)
    net.initialize(models.initializer())
    net.apply(forget_the_past)
    with mx.autograd.record():
        scores = net(mx.nd.array(dataset.normalise(dataset.train.images)))
    scores.backward()  # MXNet writes the running statistics in the backward pass
    mx.nd.waitall()
    outputs = models.mean_cross_entropy(net).get_internals()
    symbol = mx.sym.Group([outputs["log_probabilities_output"], outputs["probabilities_output"]])
    parameters = {name: parameter.data() for name, parameter in net.collect_params().items()}
    return Network(Recipe(model=model), dataset, "random", symbol, parameters)


def forget_the_past(block):
    if isinstance(block, mx.gluon.nn.BatchNorm):
        block._kwargs["momentum"] = 0.0


def probabilities(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"data": images})[0]


def test_a_trained_run_is_exported_compared_and_described(run, mx_notes_command, tmp_path):
    result = mx_notes_command("export", str(run), "model.onnx")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    said = " ".join(result.stdout.split())
    assert "on 256 test images of digits: largest difference of a probability" in said
    assert "the same class for 256 of 256" in said
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]

    network = restore(run)
    images = network.data.normalise(network.data.test.images)
    expected = network.block(mx.cpu())(mx.nd.array(images))[1].asnumpy()
    for batch in (1, 37, 299):
        ours = probabilities(tmp_path / "model.onnx", images[:batch])
        # float32 sums in another order: 9e-7 was seen
        np.testing.assert_allclose(ours, expected[:batch], atol=1e-5)

    model = onnx.load(tmp_path / "model.onnx")
    assert [value.name for value in model.graph.input] == ["data"]
    properties = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert properties["classes"] == list("0123456789")
    pixels = network.data.test.images.astype(np.float32)
    mean, std = (np.array(properties[name], np.float32)[:, None, None] for name in ("mean", "std"))
    np.testing.assert_array_equal((pixels - mean) / std, images)
    assert properties["input_layout"] == "NCHW" and properties["input_shape"] == ["batch", 1, 8, 8]
    assert properties["model"] == "cifar_resnet20_v1" and properties["checkpoint"].startswith("step-")
    assert properties["versions"]["mxnet"] == mx.__version__


def test_the_same_network_gives_the_same_file(run):
    first, second = (export.to_onnx(restore(run)).SerializeToString() for _ in range(2))
    assert first == second


def test_an_existing_file_stays_as_it_is(run, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_text("mine")
    for arguments, message in [
        (["model.onnx"], "model.onnx: already exists; name a new file"),
        (["gone/model.onnx"], "gone/model.onnx: no folder gone"),
        (["/proc/model.onnx"], "/proc/model.onnx: cannot be written: "),
    ]:
        assert cli.main(["export", str(run), *arguments]) == 2
        errors = capsys.readouterr().err
        assert errors.startswith(f"mx-notes: {message}") and errors.count("\n") == 1
    assert (tmp_path / "model.onnx").read_text() == "mine"


def test_a_translation_that_computes_something_else_is_not_written(run, tmp_path, monkeypatch):
    def with_another_epsilon(network):
        model = translate(network)
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "epsilon":
                    attribute.f *= 10
        return model

    translate = export.to_onnx
    monkeypatch.setattr(export, "to_onnx", with_another_epsilon)
    with pytest.raises(UserError, match=r"not written: ONNX Runtime and MXNet differ by .* BatchNorm \("):
        export.export_run(run, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_operator_without_translation(run, tmp_path, monkeypatch):
    network = restore(run)
    probabilities = network.symbol["probabilities_output"]
    odd = mx.sym.identity(mx.sym.erfinv(probabilities), name="probabilities")
    object.__setattr__(network, "symbol", mx.sym.Group([probabilities, odd])[1])
    with pytest.raises(
        UserError, match=r"cifar_resnet20_v1: cannot be written as ONNX: .*erfinv \(in erfinv0\)"
    ):
        export.to_onnx(network)


def test_gammas_that_are_fixed_at_1_whatever_they_hold():
    network = random_network("cifar_resnet20_v2", 32)
    name = next(name for name in network.parameters if name.endswith("batchnorm0_gamma"))
    network.parameters[name][:] = 3
    export.compare(export.to_onnx(network), network)
    np.testing.assert_array_equal(network.parameters[name].asnumpy(), 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("cifar_resnet20_v1", 32),
        ("resnet18_v1", 96),
        pytest.param("resnet50_v1", 96, marks=pytest.mark.long),
        pytest.param("resnet50_v1b", 96, marks=pytest.mark.long),
        pytest.param("resnet18_v1b", 32, marks=pytest.mark.long),  # with the stem for small images
        pytest.param("resnet18_v2", 96, marks=pytest.mark.long),
        ("mobilenetv2_1.0", 64),
        ("shufflenet_v1", 96),  # Reshape with special codes, SwapAxis
    ],
)
def test_networks(model, size):
    network = random_network(model, size)
    exported = export.to_onnx(network)
    result = export.compare(exported, network)
    assert result.examples == result.same_class == 52
    # Logits of random networks are large, and float32's rounding of them with them: 3e-5 was seen.
    assert result.difference <= 1e-4
    images = network.data.normalise(network.data.test.images)
    expected = network.block(mx.cpu())(mx.nd.array(images[:37]))[1].asnumpy()
    assert 0.01 < np.median(expected.max(axis=1)) < 1 - 1e-4  # not so sure that nothing could differ
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    for batch in (1, 37):
        (ours,) = session.run(None, {"data": images[:batch]})
        np.testing.assert_allclose(ours, expected[:batch], atol=1e-4)
