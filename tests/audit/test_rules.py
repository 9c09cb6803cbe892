"""Shapes of bugs and of right programs that no whole program of tests/programs/bugs and tests/programs/healthy has."""

import pytest

from mx_notes import audit
from mx_notes.runtime import mx

nd = mx.nd


@pytest.fixture
def batches(digits):
    return [(batch.data[0].flatten(), batch.label[0]) for batch in digits.training(64, seed=1).epoch(0)]


def errors(watch) -> list[str]:
    return [finding.rule for finding in watch.errors]


@pytest.mark.parametrize(("keep", "found"), [(True, []), (False, ["optimizer-reset"])])
def test_an_optimiser_called_directly_is_watched_like_an_updater(batches, keep, found):
    net = mx.gluon.nn.Dense(10, in_units=64)
    net.initialize(mx.init.Xavier())
    parameters = list(net.collect_params().values())
    optimizer = mx.optimizer.SGD(learning_rate=0.1, momentum=0.9, rescale_grad=1 / 64)
    states = [optimizer.create_state(i, p.data()) for i, p in enumerate(parameters)]
    with audit() as watch:
        for data, label in batches[:8]:
            with mx.autograd.record():
                loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(data), label)
            loss.backward()
            for i, parameter in enumerate(parameters):
                state = states[i] if keep else optimizer.create_state(i, parameter.data())
                optimizer.update(i, parameter.data(), parameter.grad(), state)
    assert errors(watch) == found
    assert {"momentum", "mean-loss", "optimizer-reset"} <= {r for r, n in watch.checked.items() if n}


@pytest.mark.parametrize(("axis", "found"), [(1, []), (0, ["loss-axis"])])
def test_a_softmax_by_hand_runs_over_the_classes(batches, axis, found):
    weight, bias = nd.random.normal(scale=0.01, shape=(64, 10)), nd.zeros(10)
    for variable in (weight, bias):
        variable.attach_grad()
    with audit() as watch:
        for data, label in batches[:4]:
            with mx.autograd.record():
                scores = (nd.dot(data, weight) + bias).exp()
                loss = -nd.pick(scores / scores.sum(axis=axis, keepdims=True), label).log()
            loss.backward()
            for variable in (weight, bias):
                variable[:] = variable - 0.1 * variable.grad / 64
    assert errors(watch) == found
    assert "mean-loss" in watch.checked  # the division by 64 is seen in the arithmetic


def test_a_divergence_between_two_looks_is_found_when_it_happens(batches):
    net = mx.gluon.nn.Dense(10, in_units=64)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    with audit() as watch:
        for number, (data, label) in enumerate(batches[:14], start=1):
            with mx.autograd.record():
                loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(data), label)
                if number == 8:
                    loss = loss / 0
            loss.backward()
            trainer.step(64)
    (finding,) = watch.errors
    assert (finding.rule, finding.file) == ("non-finite", __file__)
    assert "a gradient of step 8 is not finite" in finding.message


def test_what_other_threads_do_is_not_the_training(batches):
    import threading

    net = mx.gluon.nn.Dense(10, in_units=64)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    stop = threading.Event()

    def load():
        while not stop.is_set():
            (nd.ones((4, 4)) * 2).asnumpy()

    loader = threading.Thread(target=load)
    loader.start()
    try:
        with audit() as watch:
            for data, label in batches[:10]:
                with mx.autograd.record():
                    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(data), label)
                loss.backward()
                trainer.step(64)
    finally:
        stop.set()
        loader.join()
    assert not watch.findings
    assert watch.summary().calls == {key: {1: 10} for key in ("forward", "backward", "update")}


@pytest.mark.parametrize(("copied", "found"), [(True, []), (False, ["device-divergence"])])
def test_copies_of_parameters_by_hand_are_compared_with_their_own_kind(batches, copied, found):
    devices = [mx.cpu(0), mx.cpu(1)]
    layers = [nd.random.normal(scale=0.1, shape=(64, 64)) for _ in range(2)]  # of the same shape
    copies = []
    for device in devices:
        start = layers if copied else [nd.random.normal(scale=0.1, shape=(64, 64)) for _ in range(2)]
        copies.append([layer.copyto(device) for layer in start])
        for weight in copies[-1]:
            weight.attach_grad()
    with audit() as watch:
        for data, _ in batches[:3]:
            losses = []
            for (first, second), device in zip(copies, devices, strict=True):
                part = data.copyto(device)
                with mx.autograd.record():
                    hidden = nd.relu(nd.dot(part, first))
                    losses.append(nd.dot(hidden, second).square().mean())
            for loss in losses:
                loss.backward()
            for ours, theirs in zip(*copies, strict=True):
                total = ours.grad + theirs.grad.as_in_context(devices[0])
                for weight in (ours, theirs):
                    weight -= 0.1 * total.as_in_context(weight.context)
    assert errors(watch) == found


def test_backward_counts_are_per_gradient_not_added_over_devices(batches):
    devices = [mx.cpu(0), mx.cpu(1)]
    net = mx.gluon.nn.Dense(10, in_units=64)
    net.initialize(mx.init.Xavier(), ctx=devices)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    with audit() as watch:
        for data, label in batches[:5]:
            parts = zip(
                *(mx.gluon.utils.split_and_load(array, devices) for array in (data, label)), strict=True
            )
            for part, of in parts:
                with mx.autograd.record():
                    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(part), of)
                loss.backward()
            trainer.step(64)
    assert not watch.errors
    assert watch.summary().calls["backward"] == {1: 5}


def test_filling_an_input_that_has_a_gradient_is_not_an_update(batches):
    symbol = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=10, name="fc")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(symbol, name="softmax"))
    module.bind([("data", (64, 64))], [("softmax_label", (64,))], inputs_need_grad=True)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    with audit() as watch:
        for data, label in batches[:5]:
            module.forward_backward(mx.io.DataBatch([data], [label]))
            module.get_input_grads()[0].asnumpy()
            module.update()
    assert watch.number_of_steps == 5
    assert watch.summary().calls == {key: {1: 5} for key in ("forward", "backward", "update")}


def test_a_run_whose_last_batch_is_short_leaves_no_handle_behind():
    from mx_notes import fit, preset, start

    for _ in range(2):  # it reshapes the module, which lets go of executors when it is done
        with audit() as watch:
            fit(start(preset("digits").override(["epochs=1"])))
        assert not watch.errors


def classifier() -> mx.gluon.nn.HybridSequential:
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(16, activation="relu", in_units=64), mx.gluon.nn.Dense(10, in_units=16))
    net.initialize(mx.init.Xavier())
    return net


def backward(net, data, label) -> None:
    with mx.autograd.record():
        loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(data), label)
    loss.backward()


def sgd(parameters, momentum: float = 0.9) -> mx.gluon.Trainer:
    return mx.gluon.Trainer(parameters, "sgd", {"learning_rate": 0.05, "momentum": momentum})


def test_sharpness_aware_minimisation_makes_one_update_a_step(batches):
    net = classifier()
    parameters = list(net.collect_params().values())
    trainer = sgd(net.collect_params())
    with audit() as watch:
        for data, label in batches[:6]:
            backward(net, data, label)
            saved = [parameter.data().copy() for parameter in parameters]
            for parameter in parameters:  # uphill
                parameter.set_data(parameter.data() + 0.05 * parameter.grad() / parameter.grad().norm())
            backward(net, data, label)
            for parameter, before in zip(parameters, saved, strict=True):
                parameter.set_data(before)
            trainer.step(len(label))
    assert errors(watch) == []
    assert watch.number_of_steps in (6, 7)  # the first way uphill may still be taken for an update


@pytest.mark.parametrize(("restored", "found"), [(True, []), (False, ["optimizer-reset"])])
def test_a_new_trainer_loses_nothing_where_the_weights_are_new_too(batches, restored, found):
    net = classifier()
    start = {name: parameter.data().copy() for name, parameter in net.collect_params().items()}
    with audit() as watch:
        for _ in range(2):
            trainer = sgd(net.collect_params())
            for data, label in batches[:6]:
                backward(net, data, label)
                trainer.step(len(label))
            if restored:
                for name, parameter in net.collect_params().items():
                    parameter.set_data(start[name])
    assert errors(watch) == found


def test_a_network_through_which_an_image_is_optimised_need_not_be_trained(batches):
    net = classifier()
    image = batches[0][0][:1].copy()
    image.attach_grad()
    optimizer = mx.optimizer.Adam(learning_rate=0.05)
    state = optimizer.create_state(0, image)
    with audit() as watch:
        for _ in range(12):
            backward(net, image, nd.array([3]))
            optimizer.update(0, image, image.grad, state)
    assert "frozen-parameter" not in [finding.rule for finding in watch.findings]


@pytest.mark.parametrize(("in_one_network", "severity"), [(True, "error"), (False, "warning")])
def test_a_part_that_is_never_updated_is_an_error_in_one_network_and_may_be_meant_in_two(
    batches, in_one_network, severity
):
    trunk, head = classifier(), mx.gluon.nn.Dense(10, in_units=10)
    head.initialize(mx.init.Xavier())
    net = mx.gluon.nn.HybridSequential()
    if in_one_network:
        net.add(trunk, mx.gluon.nn.Activation("relu"), head)
    trainer = sgd(trunk.collect_params())
    with audit() as watch:
        for data, label in batches[:5]:
            backward(net if in_one_network else lambda x: head(nd.relu(trunk(x))), data, label)
            trainer.step(len(label))
    assert [(f.rule, f.severity) for f in watch.findings] == [("frozen-parameter", severity)]


def test_what_a_function_trained_is_judged_after_it_has_returned(batches):
    def main():
        net = classifier()
        trainer = sgd(net[1].collect_params())
        for data, label in batches[:5]:
            backward(net, data, label)
            trainer.step(len(label))

    with audit() as watch:
        main()
    assert errors(watch) == ["frozen-parameter"]


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize(("share", "found"), [(1 / 64, []), (1.0, ["mean-loss"]), (1 / 64**2, ["mean-loss"])])
def test_head_gradients_weigh_the_losses_of_a_module(batches, devices, share, found):
    scores = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=10)
    losses = -mx.sym.pick(mx.sym.log_softmax(scores), mx.sym.var("softmax_label"))
    with audit() as watch:
        module = mx.mod.Module(losses, context=[mx.cpu(i) for i in range(devices)])
        module.bind([("data", (64, 64))], [("softmax_label", (64,))])
        module.init_params(mx.init.Xavier())
        module.init_optimizer(optimizer=mx.optimizer.SGD(learning_rate=0.01, rescale_grad=1.0))
        for data, label in batches[:3]:
            module.forward(mx.io.DataBatch([data], [label]), is_train=True)
            module.backward([nd.full((64,), share)])
            module.update()
    assert errors(watch) == found
    assert "mean-loss" in watch.checked


@pytest.mark.parametrize(("keepdims", "found"), [(True, []), (False, ["mean-loss"])])
def test_make_loss_divides_columns_by_the_batch_size_and_vectors_by_nothing(batches, keepdims, found):
    data = mx.sym.var("data")
    error = mx.sym.square(mx.sym.FullyConnected(data, num_hidden=64) - data)
    loss = mx.sym.MakeLoss(mx.sym.mean(error, axis=1, keepdims=keepdims), normalization="batch")
    with audit() as watch:
        module = mx.mod.Module(loss, label_names=None)
        module.bind([("data", (64, 64))])
        module.init_params(mx.init.Xavier())
        module.init_optimizer(optimizer=mx.optimizer.SGD(learning_rate=0.01, rescale_grad=1.0))
        for images, _ in batches[:3]:
            module.forward_backward(mx.io.DataBatch([images]))
            module.update()
    assert errors(watch) == found
    assert {"mean-loss", "loss-derivative"} <= set(watch.checked)


def test_gradients_added_from_true_and_false_examples_are_two_tasks(batches):
    net = mx.gluon.nn.Dense(1, in_units=64)
    net.initialize(mx.init.Xavier())
    net.collect_params().setattr("grad_req", "add")
    trainer = sgd(net.collect_params())
    loss_fn = mx.gluon.loss.SigmoidBCELoss()
    with audit() as watch:
        for data, _ in batches[:4]:
            for examples, truth in ((data, 1), (nd.random.normal(shape=data.shape), 0)):
                with mx.autograd.record():
                    loss = loss_fn(net(examples), nd.full((64,), truth))
                loss.backward()
            trainer.step(64)
            net.collect_params().zero_grad()
    assert errors(watch) == []


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, []),
        ({"use_global_stats": True}, ["batch-norm"]),
        (
            {"beta_initializer": mx.init.Constant(-20)},
            ["dead-activation", "constant-output", "frozen-parameter"],
        ),
    ],
)
def test_batch_norm_and_relu_in_one_operator_are_looked_at_as_both(digits, settings, found):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(8, 3), mx.gluon.nn.BatchNormReLU(**settings), mx.gluon.nn.Dense(10))
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    with audit(attest=True) as watch:
        for _, batch in zip(range(20), digits.training(64, seed=1).epoch(0), strict=False):
            with mx.autograd.record():
                loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()(net(batch.data[0]), batch.label[0])
            loss.backward()
            trainer.step(64)
        mx.nd.waitall()
    assert [finding.rule for finding in watch.findings] == found
    assert watch.attestation.executed["_backward_contrib_BatchNormWithReLU"] == 3
    assert not watch.attestation.contradicted
