import math
import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mx_notes import models
from mx_notes.errors import UserError
from mx_notes.models.size_table import PAPER, differences, paper_layers, size_table
from mx_notes.runtime import gluoncv, mx

DIGITS, FASHION, CIFAR = (1, 8, 8), (1, 28, 28), (3, 32, 32)
DEPTHS = tuple(PAPER)


def one_of_each_family():
    """The first name of every file of gluoncv's that has classifiers."""
    families = {}
    for name in models.names():
        families.setdefault(gluoncv.model_zoo.model_zoo._models[name].__module__, name)
    return sorted(families.values())


def convolutions(net):
    """(kernel, stride) of the graph's convolutions, in order."""
    symbol = models.logits_symbol(net)
    found = [node for node in symbol.attr_dict().items() if "kernel" in node[1] and "num_filter" in node[1]]
    order = {name: index for index, name in enumerate(symbol.get_internals().list_outputs())}
    found.sort(key=lambda item: order[f"{item[0]}_output"])
    return [(attributes["kernel"], attributes.get("stride", "(1, 1)")) for _, attributes in found]


def bound(symbol, images, labels, seed=0):
    """An executor with parameters started from the seed, and the images and labels in place."""
    mx.random.seed(seed)
    executor = symbol.simple_bind(mx.cpu(), data=images.shape, softmax_label=labels.shape)
    start, attributes = models.initializer(), symbol.attr_dict()
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        if name not in ("data", "softmax_label"):
            start(mx.init.InitDesc(name, attributes.get(name)), array)
    executor.arg_dict["data"][:] = images
    executor.arg_dict["softmax_label"][:] = labels
    return executor


def gradients(executor):
    mx.nd.waitall()
    inputs = ("data", "softmax_label")
    return {name: array.asnumpy().copy() for name, array in executor.grad_dict.items() if name not in inputs}


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32).reshape(-1, 1, 8, 8), labels.astype(np.float32)


# Names


def test_names_are_the_image_classifiers_of_both_model_zoos():
    names = models.names()
    expected = {"cifar_resnet20_v1", "cifar_resnet56_v1", "cifar_resnet110_v1", "resnet50_v1b"}
    expected |= {f"resnet{depth}_v1" for depth in DEPTHS}
    with pytest.raises(ValueError, match="Available options") as error:
        mx.gluon.model_zoo.vision.get_model("")
    expected |= set(str(error.value).split("options are")[1].split())
    assert expected <= set(names)
    assert list(names) == sorted(set(names))


def test_names_of_other_tasks_are_left_out():
    other = (
        r"int8|ssd|yolo3|rcnn|voc|coco|ade$|citys|pose|kinetics|ucf|hmdb|sthsth|center_net|siamrpn|kitti|mhp"
    )
    assert not [name for name in models.names() if re.search(other, name)]


def test_an_unknown_name_is_an_error_that_names_the_nearest():
    with pytest.raises(UserError, match="did you mean cifar_resnet20_v1"):
        models.build("cifar_resnet20v1", 10, CIFAR)
    with pytest.raises(UserError, match="mx-notes models"):
        models.build("???", 10, CIFAR)
    with pytest.raises(UserError, match="did you mean resnet50_v1"):
        size_table("resnet50v1")


# Networks


@pytest.mark.parametrize("shape", [DIGITS, FASHION, CIFAR, (3, 64, 48)], ids=str)
@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "resnet18_v1", "resnet18_v1b", "resnet50_v1d"])
def test_channels_and_size_follow_the_data(name, shape):
    net = models.build(name, 7, shape)
    arguments, outputs, _ = models.logits_symbol(net).infer_shape(data=(2, *shape))
    assert outputs == [(2, 7)]
    assert arguments[1][1] == shape[0]  # the first weight: (out, in, height, width)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_of_each_family_builds_at_its_usual_size(channels):
    for name in one_of_each_family():
        shape = (channels, *models.usual_shape(name)[1:])
        symbol = models.mean_cross_entropy(models.build(name, 5, shape))
        assert symbol.infer_shape(data=(2, *shape))[1] == [(1,), (2, 5)], name


@pytest.mark.parametrize(
    "name", ["resnet18_v1", "resnet18_v2", "se_resnet18_v1", "resnet18_v1b", "resnest14"]
)
def test_small_images_keep_their_size_up_to_the_first_stage(name):
    small, large = (convolutions(models.build(name, 10, (3, size, size))) for size in (32, 224))
    assert small[0] == ("(3, 3)", "(1, 1)")
    assert large[0][1] == "(2, 2)"
    table = size_table(name, CIFAR, 10)
    first = [layer for layer in table.layers if layer.group == "stage 1"]
    assert {layer.output[1:] for layer in first if len(layer.output) == 3 and layer.output[1] > 1} == {
        (32, 32)
    }


def test_a_cifar_network_is_the_same_whatever_the_image_size():
    small, large = (convolutions(models.build("cifar_resnet20_v1", 10, (3, size, size))) for size in (8, 128))
    assert small == large


@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "resnet18_v1", "resnet18_v1b", "hrnet_w18_small_v1_c"])
def test_every_build_has_the_same_names(name):
    shape = (3, 32, 32)
    first = models.build(name, 10, shape)
    second = models.build(name, 10, shape)
    assert models.logits_symbol(first).list_inputs() == models.logits_symbol(second).list_inputs()
    assert list(first.collect_params()) == list(second.collect_params())


def test_parameters_saved_from_one_build_load_into_the_next(digits, tmp_path):
    images = mx.nd.array(digits[0][:4])
    first, second = (models.build("resnet18_v1b", 10, DIGITS) for _ in range(2))
    first.initialize(models.initializer())
    expected = first(images).asnumpy()
    first.collect_params().save(str(tmp_path / "net.params"))
    second.collect_params().load(str(tmp_path / "net.params"))
    np.testing.assert_array_equal(second(images).asnumpy(), expected)


@pytest.mark.parametrize("name", ["cifar_resnet20_v1", "resnet18_v1", "resnet18_v1b", "mobilenet0.25"])
def test_a_network_runs_on_real_images(name, digits):
    executor = bound(models.mean_cross_entropy(models.build(name, 10, DIGITS)), digits[0][:8], digits[1][:8])
    loss, probabilities = (output.asnumpy() for output in executor.forward(is_train=True))
    assert loss.shape == (1,) and np.isfinite(loss).all()
    # float32 sums of 10 numbers of at most 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_images_that_are_too_small_are_one_line_and_nothing_is_printed(capfd):
    with pytest.raises(UserError) as error:
        models.build("vgg16", 10, DIGITS)
    assert str(error.value).startswith("vgg16 cannot take images of 8x8 pixels: it is made for 224x224")
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


# The loss


def test_backward_gives_the_gradient_of_the_mean_of_the_examples_losses(digits):
    """Against each example's own gradient: one-hot head gradients through forwards of the same batch."""
    images, labels = digits[0][:4], digits[1][:4]
    symbol = models.mean_cross_entropy(models.build("cifar_resnet20_v1", 10, DIGITS))
    executor = bound(symbol, images, labels)
    executor.forward(is_train=True)
    executor.backward()
    of_the_mean = gradients(executor)

    losses = bound(symbol.get_internals()["losses_output"], images, labels)
    own = []
    for example in range(len(labels)):
        # Anew each time: an executor's second backward after one forward overwrites memory in MXNet 1.9.1.
        losses.forward(is_train=True)
        losses.backward(mx.nd.one_hot(mx.nd.array([example]), len(labels)).reshape(-1))
        own.append(gradients(losses))
    assert executor.outputs[0].asscalar() == pytest.approx(losses.outputs[0].asnumpy().mean(), rel=1e-6)
    largest = max(np.abs(gradient).max() for gradient in of_the_mean.values())
    for name, gradient in of_the_mean.items():
        mean = np.mean([each[name] for each in own], axis=0)
        # float32 through 20 layers, added up in another order: 1e-5 of the largest gradient; a sum in
        # place of the mean would be off by a factor of 4.
        np.testing.assert_allclose(gradient, mean, rtol=0, atol=1e-5 * largest, err_msg=name)
    assert any(np.abs(own[0][name] - own[1][name]).max() > 0.1 * largest for name in own[0])


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_loss_and_gradient_are_those_of_the_formula(batch, digits):
    """loss = mean of -log p[label]; d loss / d (last bias) = mean of (p - one-hot label)."""
    images, labels = digits[0][:batch], digits[1][:batch]
    executor = bound(models.mean_cross_entropy(models.build("mobilenet0.25", 10, DIGITS)), images, labels)
    executor.forward(is_train=True)
    executor.backward()
    loss, p = (output.asnumpy() for output in executor.outputs)
    picked = p[np.arange(batch), labels.astype(int)]
    assert loss[0] == pytest.approx(-np.log(picked).mean(), rel=1e-5)  # float32
    bias = next(name for name in executor.grad_dict if name.endswith("dense0_bias"))
    expected = (p - np.eye(10)[labels.astype(int)]).mean(axis=0)
    np.testing.assert_allclose(executor.grad_dict[bias].asnumpy(), expected, atol=1e-6)  # numbers up to 1


def test_half_precision_networks_have_a_float32_loss():
    net = models.build("cifar_resnet20_v1", 10, CIFAR)
    net.cast("float16")
    symbol = models.mean_cross_entropy(net)
    arguments, outputs, _ = symbol.infer_type(data=np.float16, softmax_label=np.float32)
    types = dict(zip(symbol.list_arguments(), arguments, strict=True))
    assert types["cifarresnetv10_conv0_weight"] == np.float16
    assert outputs == [np.float32, np.float32]


def test_the_symbol_survives_a_file(tmp_path, digits):
    symbol = models.mean_cross_entropy(models.build("resnet18_v1b", 10, DIGITS))
    symbol.save(str(tmp_path / "net-symbol.json"))
    loaded = mx.sym.load(str(tmp_path / "net-symbol.json"))
    assert loaded.tojson() == symbol.tojson()
    assert loaded.list_outputs() == ["loss_loss", "probabilities_output"]
    assert loaded.list_arguments() == symbol.list_arguments()
    assert {"data", "softmax_label"} <= set(loaded.list_arguments())
    states = loaded.list_auxiliary_states()
    assert states == symbol.list_auxiliary_states()
    assert len(states) == 2 * 20  # a running mean and variance for each of ResNet-18's batch norms
    results = [
        bound(each, digits[0][:4], digits[1][:4]).forward(is_train=False)[1].asnumpy()
        for each in (symbol, loaded)
    ]
    np.testing.assert_array_equal(*results)


def test_weights_start_with_variance_two_over_fan_in():
    mx.random.seed(1)
    net = models.build("cifar_resnet20_v1", 10, CIFAR)
    net.initialize(models.initializer())
    net(mx.nd.zeros((1, *CIFAR)))
    for name, parameter in net.collect_params(".*conv.*weight").items():
        weight = parameter.data().asnumpy()
        deviation = math.sqrt(2 / math.prod(weight.shape[1:]))
        # of n draws: 1 ± 1/sqrt(2 n), so at five of these a sound draw fails once in millions
        assert weight.std() / deviation == pytest.approx(1, abs=5 / math.sqrt(2 * weight.size)), name
        assert abs(weight.mean()) < 5 * deviation / math.sqrt(weight.size), name
    assert all((gamma.data().asnumpy() == 1).all() for gamma in net.collect_params(".*gamma").values())


# The size table


@pytest.mark.parametrize("depth", DEPTHS)
def test_v1_has_the_layers_of_the_paper(depth):
    table = size_table(f"resnet{depth}_v1")
    assert table.multiply_adds == sum(layer.multiply_adds for layer in paper_layers(depth))
    assert re.match(r"  layer by layer: all \d+ have", *differences(table.layers, paper_layers(depth)))


@pytest.mark.parametrize("variant", ["v1", "v1b"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_totals_agree_with_the_paper_or_the_text_says_which_layers_differ_and_by_how_much(depth, variant):
    table = size_table(f"resnet{depth}_{variant}")
    figure, total = PAPER[depth][1], table.multiply_adds / 1e9
    text = table.text()
    if f"{total:.1f}" == str(figure):
        assert "the same at that precision" in text
        return
    assert f"{total:.3f}, {total - figure:+.3f}" in text
    paper = paper_layers(depth)
    stated = sum(map(float, re.findall(r"^  stage \d ([+-][.\d]+):", text, re.M)))
    difference = total - sum(layer.multiply_adds for layer in paper) / 1e9
    assert stated == pytest.approx(difference, abs=0.002)  # three lines, each rounded to 0.001


def test_v1b_differs_in_the_first_convolution_of_three_stages():
    lines = differences(size_table("resnet50_v1b").layers, paper_layers(50))
    assert lines[0] == (
        "  stage 2 +0.077: 1x1 convolution to 128x56x56 (0.103) "
        "where the paper has 1x1 convolution to 128x28x28 (0.026)"
    )
    assert [line.split()[1] for line in lines] == ["2", "3", "4"]


def test_a_changed_layer_is_named():
    narrower = size_table("resnet18_v1", (3, 224, 224), classes=10).layers
    (line,) = differences(narrower, paper_layers(18))
    assert "classifier -0.001: fully connected to 10 (0.000)" in line
    assert "fully connected to 1000 (0.001)" in line


@pytest.mark.parametrize(
    "name, parameters, multiply_adds",
    [
        # by hand: 9 * (3*16) * 32^2 + 6 * 9*16*16 * 32^2 + ...; 0.27 million in He et al. 2015, table 6
        ("cifar_resnet20_v1", 272_474, 40_813_184),
        ("vgg16", 138_357_544, 15_470_264_320),  # 138 million in Simonyan & Zisserman 2014, table 2
        ("mobilenetv2_1.0", None, 300_774_272),  # grouped; 300 million in Sandler et al. 2018, table 4
    ],
)
def test_sizes_of_other_networks_are_the_published_ones(name, parameters, multiply_adds):
    table = size_table(name)
    assert table.multiply_adds == multiply_adds
    if parameters:
        assert table.parameters == parameters


@pytest.mark.parametrize("name", ["resnet18_v1", "resnet18_v2", "resnet50_v1b"])
def test_parameters_are_those_that_gluon_learns(name):
    net = models.build(name, 1000, (3, 224, 224))
    net.initialize()
    net(mx.nd.zeros((1, 3, 64, 64)))  # tells the parameters their shapes, which don't depend on the size
    learned = [parameter for parameter in net.collect_params().values() if parameter.grad_req != "null"]
    assert size_table(name).parameters == sum(math.prod(parameter.shape) for parameter in learned)


def test_text_has_a_row_for_each_group_and_their_sum():
    table = size_table("resnet34_v1")
    lines = table.text().splitlines()
    assert lines[0] == "resnet34_v1 at 3x224x224"
    groups = ["stem", "stage 1", "stage 2", "stage 3", "stage 4", "classifier", "sum"]
    assert [line[:12].strip() for line in lines[2:9]] == groups
    last = [int(line.split()[-1].replace(",", "")) for line in lines[2:9]]
    assert sum(last[:-1]) == last[-1] == table.multiply_adds
    assert lines[4].split() == ["stage", "2", "128x28x28", "9", "1,116,416", "873,463,808"]
