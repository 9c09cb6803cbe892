"""Shapes of bugs and of right programs that no whole program of tests/bugs and tests/healthy has."""

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
    assert watch.recorder.totals == {("forward", 1): 10, ("backward", 1): 10, ("update", 1): 10}


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
    assert {n: count for (kind, n), count in watch.recorder.totals.items() if kind == "backward"} == {1: 5}


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
    assert watch.recorder.totals == {("forward", 1): 5, ("backward", 1): 5, ("update", 1): 5}


def test_a_run_whose_last_batch_is_short_leaves_no_handle_behind():
    from mx_notes import fit, preset, start

    for _ in range(2):  # it reshapes the module, which lets go of executors when it is done
        with audit() as watch:
            fit(start(preset("digits").override(["epochs=1"])))
        assert not watch.errors
