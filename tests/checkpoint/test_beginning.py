"""What a run takes from another network's parameters, however they were saved, and what it refuses."""

import pickle

import numpy as np
import pytest

from mx_notes import checkpoint, models, training
from mx_notes.checkpoint import State, begin_from
from mx_notes.errors import UserError
from mx_notes.recipes import preset
from mx_notes.runtime import gluoncv, mx

HEAD = {"cifarresnetv10_dense0_weight", "cifarresnetv10_dense0_bias"}


def started(*settings):
    return training.start(preset("digits").override(["batch_size=64", *settings]))


def held(run):
    mx.nd.waitall()
    arguments, auxiliary = run.module.parameters()
    return {name: array.asnumpy() for name, array in (arguments | auxiliary).items()}


def network(classes=10):
    """As another program has it: its prefix counts the networks before it."""
    net = gluoncv.model_zoo.get_model("cifar_resnet20_v1", classes=classes)
    mx.random.seed(5)
    np.random.seed(5)
    net.initialize(models.initializer())
    net.hybridize()
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net


def by_structure(net, folder):
    net.save_parameters(str(folder / "net.params"))
    return folder / "net.params"


def by_export(net, folder):
    net.export(str(folder / "net"), epoch=3)
    (folder / "net-0001.params").write_bytes(b"an older one")
    return folder / "net-symbol.json"


def by_parameters_of_export(net, folder):
    return by_export(net, folder).with_name("net-0003.params")


def by_name(net, folder):
    values = {name: parameter.data() for name, parameter in net.collect_params().items()}
    mx.nd.save(str(folder / "net.params"), values)
    return folder / "net.params"


def by_name_without_prefix(net, folder):
    values = {name.partition("_")[2]: p.data() for name, p in net.collect_params().items()}
    mx.nd.save(str(folder / "net.params"), values)
    return folder / "net.params"


@pytest.mark.parametrize(
    "save", [by_structure, by_export, by_parameters_of_export, by_name, by_name_without_prefix]
)
def test_parameters_are_taken_however_mxnet_saved_them(tmp_path, save):
    network()  # so that the next one has another prefix
    net, run = network(), started()
    before = held(run)
    began = begin_from(run, save(net, tmp_path))
    theirs = {name.partition("_")[2]: p.data().asnumpy() for name, p in net.collect_params().items()}
    assert not began.new and not began.left and began.taken.keys() == before.keys()
    for name, array in held(run).items():
        np.testing.assert_array_equal(array, theirs[name.partition("_")[2]])


def test_another_number_of_classes_leaves_the_head_new(tmp_path):
    run = started()
    before = held(run)
    began = begin_from(run, by_structure(network(classes=7), tmp_path))
    assert began.new.keys() == HEAD and began.left == {"output.weight": (7, 64), "output.bias": (7,)}
    after = held(run)
    assert {name for name in before if np.array_equal(before[name], after[name])} >= HEAD
    text = began.text()
    assert "output.weight 7x64; output.bias 7" in text
    assert max(map(len, text.splitlines()[1:])) <= 80  # the file's name is as long as it is


@pytest.mark.parametrize("device", ["cpu", "cpu:0,cpu:1"])
def test_a_run_or_a_checkpoint_to_begin_with(tmp_path, device):
    run = started()
    for batch, _ in zip(run.feed.epoch(0), range(2), strict=False):
        run.module.forward_backward(batch)
        run.module.update()
        run.step += 1
    place = checkpoint.save(tmp_path, State.of(run))
    (tmp_path / checkpoint.RECIPE).write_text(run.recipe.to_json())
    for path in (tmp_path, place):
        fresh = started("seed=2", f"device={device}")
        assert begin_from(fresh, path).source == str(place)
        for name, array in held(run).items():
            np.testing.assert_array_equal(held(fresh)[name], array)
    # The weights that a KVStore keeps are the new ones, too: a step goes on from them.
    batch = next(fresh.feed.epoch(0))
    fresh.module.forward_backward(batch)
    fresh.module.update()
    weight = "cifarresnetv10_stage3_conv1_weight"
    assert 0 < np.abs(held(fresh)[weight] - held(run)[weight]).max() < 0.1


def save(folder, **values):
    path = folder / "other.params"
    mx.nd.save(str(path), {name: mx.nd.array(value) for name, value in values.items()})
    return path


def pickled(folder):
    (folder / "net.params").write_bytes(pickle.dumps({"conv0_weight": np.zeros(3)}))
    return folder / "net.params"


def not_finite(folder):
    net = network()
    net.output.bias.set_data(mx.nd.full(10, float("nan")))
    return by_structure(net, folder)


def lonely_symbol(folder):
    by_export(network(), folder)
    for path in folder.glob("*.params"):
        path.unlink()
    return folder / "net-symbol.json"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere.params", "nowhere.params: no such file or folder"),
        (lambda folder: folder, "neither a run's folder nor a checkpoint's"),
        (pickled, "net.params: not a whole file of MXNet arrays: it doesn't begin as one"),
        (
            lambda folder: save(folder, cifarresnetv10_conv0_weight=np.zeros((16, 5, 3, 3))),
            r"none of its 1 arrays has the name and shape of a weight of cifar_resnet20_v1: there"
            r" 'cifarresnetv10_conv0_weight' of shape \(16, 5, 3, 3\)",
        ),
        (not_finite, "output.bias has numbers that are NaN or infinite"),
        (lonely_symbol, "no net-0000.params beside it"),
    ],
)
def test_what_nothing_can_be_taken_from_is_one_line(tmp_path, make, message):
    run = started()
    before = held(run)
    with pytest.raises(UserError, match=message) as caught:
        begin_from(run, make(tmp_path))
    assert "\n" not in str(caught.value)
    for name, array in held(run).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_layer_is_taken_whole_or_not_at_all(tmp_path):
    path = by_name(network(), tmp_path)
    values = mx.nd.load(str(path))
    gone = next(name for name in values if name.endswith("stage2_batchnorm1_gamma"))
    del values[gone]
    mx.nd.save(str(path), values)
    layer = gone.partition("_")[2].removesuffix("gamma")
    began = begin_from(started(), path)
    assert [name.partition("_")[2] for name in began.new] == [
        layer + part for part in ("gamma", "beta", "running_mean", "running_var")
    ]
    assert len(began.left) == 3


def test_a_layer_is_not_frozen_as_it_was_drawn(tmp_path):
    path = by_structure(network(classes=7), tmp_path)
    with pytest.raises(UserError, match=r"--freeze dense0: freezes dense0, of which .* has no parameters"):
        begin_from(started("freeze=dense0"), path)
