"""What a program asks for and does not get, and what looks like it, in training runs of a few steps."""

import gc

import pytest

from mx_notes import audit
from mx_notes.runtime import mx

nd, sym = mx.nd, mx.sym


@pytest.fixture(autouse=True)
def without_earlier_audits():
    """An audit begins with all arrays that are alive: those of earlier audits are cycles until they are collected."""
    gc.collect()


def found(watch) -> list[tuple[str, str]]:
    """Rule and severity of each finding; of none it is silent that it points at this file."""
    assert all(finding.file == __file__ for finding in watch.findings)
    return [(finding.rule, finding.severity.value) for finding in watch.findings]


def symbol(weight=None):
    net = sym.FullyConnected(sym.var("data"), weight=weight, num_hidden=8, name="body")
    net = sym.FullyConnected(sym.relu(net), num_hidden=4, name="head")
    return sym.SoftmaxOutput(net, name="softmax")


def batches(number: int = 3) -> mx.io.NDArrayIter:
    data = nd.random.normal(shape=(8 * number, 6))
    return mx.io.NDArrayIter(data, nd.array([0, 1, 2, 3] * 2 * number), 8, shuffle=True)


def module(net=None, **settings) -> mx.mod.Module:
    made = mx.mod.Module(symbol() if net is None else net, **settings)
    made.bind([("data", (8, 6))], [("softmax_label", (8,))])
    made.init_params(mx.init.Xavier())
    return made


def train(made: mx.mod.Module, data: mx.io.DataIter) -> None:
    for batch in data:
        made.forward_backward(batch)
        made.update()


def network(prefix: str = "net_") -> mx.gluon.nn.Sequential:
    net = mx.gluon.nn.Sequential(prefix=prefix)
    with net.name_scope():
        net.add(*(mx.gluon.nn.Dense(4, in_units=4) for _ in range(4)))
    net.initialize(mx.init.Xavier())
    return net


def values(*names: str) -> dict:
    shapes = {"body_weight": (8, 6), "body_bias": (8,), "head_weight": (4, 8), "head_bias": (4,)}
    return {name: nd.ones(shapes.get(name, (2,))) for name in names}


# Iterators


def test_score_without_reset_scores_nothing():
    made, data = module(), batches()
    with audit() as watch:
        made.init_optimizer(optimizer_params={"learning_rate": 0.1})
        train(made, data)
        made.score(data, "acc", reset=False)
    assert found(watch) == [("exhausted-iterator", "error")]


def test_a_prefetching_iterator_is_an_iterator_like_others():
    made, data = module(), mx.io.PrefetchingIter(batches())
    with audit() as watch:
        made.init_optimizer(optimizer_params={"learning_rate": 0.1})
        train(made, data)
        train(made, data)
    assert found(watch) == [("exhausted-iterator", "error")]


def test_an_iterator_that_never_had_a_batch_was_not_used_up():
    made = module()
    empty = mx.io.NDArrayIter(nd.ones((4, 6)), nd.zeros(4), 4, last_batch_handle="discard")
    empty.num_data = 0
    with audit() as watch:
        made.init_optimizer(optimizer_params={"learning_rate": 0.1})
        for data in (batches(), empty, empty):
            train(made, data)
    assert not watch.errors


# Values


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["old_weight", "old_bias"], [("ignored-values", "error")]),
        (["old_a", "old_b", "old_c", "body_bias"], [("ignored-values", "warning")]),
        (["body_weight", "body_bias", "old_head"], []),  # another head
        (["body_weight"], []),  # one layer, all of it taken
    ],
)
def test_set_params_that_may_leave_out_what_it_likes(names, expected):
    made, data = module(), batches()
    with audit() as watch:
        made.set_params(values(*names), {}, allow_missing=True, allow_extra=True)
        made.init_optimizer(optimizer_params={"learning_rate": 0.1})
        train(made, data)
    assert found(watch) == expected


def test_a_load_that_fails_is_the_programs_and_the_next_one_is_seen(tmp_path):
    net, path = network(), str(tmp_path / "net.params")
    network().save_parameters(path)
    with audit() as watch:
        with pytest.raises(ValueError, match="not present"):
            net[0].load_parameters(path, allow_missing=True)
        net.load_parameters(path)
        mx.nd.load(path)
        net[0].load_parameters(path, allow_missing=True, ignore_extra=True)
    assert ("ignored-values", "error") in found_of(watch, "ignored-values")
    assert "of 8 values given, none went to the 2 parameters of Dense" in str(watch.findings)


def found_of(watch, rule: str) -> list[tuple[str, str]]:
    return [(each.rule, each.severity.value) for each in watch.findings if each.rule == rule]


def test_names_without_dots_are_compared_with_prefixed_names():
    net = network("one_")
    given = {p.name: p.data() for p in network("two_").collect_params().values()}
    with audit() as watch:
        net.collect_params().load_dict(given, allow_missing=True, ignore_extra=True)
        net.collect_params().load_dict({p.name: p.data() for p in net.collect_params().values()})
    assert found_of(watch, "ignored-values") == [("ignored-values", "error")]


def test_a_module_that_has_trained_ignores_what_fit_is_given():
    made, data = module(), batches()
    given = values("body_weight", "body_bias", "head_weight", "head_bias")
    with audit() as watch:
        for begin in range(2):
            data.reset()
            made.fit(data, begin_epoch=begin, num_epoch=begin + 1, arg_params=given if begin else None)
    assert found(watch) == [("ignored-values", "warning")]


def test_of_the_values_for_a_chain_of_modules_each_takes_its_own():
    body = sym.relu(sym.FullyConnected(sym.var("data"), num_hidden=8, name="body"))
    head = sym.SoftmaxOutput(sym.FullyConnected(sym.var("data"), num_hidden=4, name="head"), name="softmax")
    chain, data = mx.mod.SequentialModule(), batches()
    chain.add(mx.mod.Module(body, label_names=[]))
    chain.add(mx.mod.Module(head), take_labels=True, auto_wiring=True)
    chain.bind(data.provide_data, data.provide_label)
    with audit() as watch:
        given = values("body_weight", "body_bias")
        chain.init_params(mx.init.Xavier(), arg_params=given, allow_missing=True)
        chain.init_optimizer(optimizer_params={"learning_rate": 0.1})
        train(chain, data)
    assert found(watch) == []


# Multipliers


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("given", [True, False])
def test_multipliers_of_variables_on_one_device_and_several(devices, given):
    net = symbol(sym.var("body_weight", lr_mult=0.5))
    made, data = module(net, context=[mx.cpu(i) for i in range(devices)]), batches()
    with audit() as watch:
        optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=1 / 8, sym=net if given else None)
        made.init_optimizer(optimizer=optimizer)
        train(made, data)
    assert found(watch) == ([] if given else [("unused-multiplier", "error")])


@pytest.mark.parametrize(
    ("multipliers", "expected"),
    [
        ({"body_weight": 0.5, "head_weight": 2.0}, []),
        ({"body_w": 0.5, "head_weight": 2.0}, [("unused-multiplier", "warning")]),
        ({"body_w": 0.5}, [("unused-multiplier", "error")]),
        ({0: 0.5}, []),  # by index
        ({}, []),
    ],
)
def test_names_in_set_lr_mult(multipliers, expected):
    made, data = module(), batches()
    with audit() as watch:
        optimizer = mx.optimizer.SGD(learning_rate=0.1, rescale_grad=1 / 8)
        optimizer.set_lr_mult(multipliers)
        made.init_optimizer(optimizer=optimizer)
        train(made, data)
    assert found(watch) == expected


def test_decay_multipliers_matter_where_there_is_decay():
    net = symbol(sym.var("body_weight", wd_mult=0.0))
    for decay, expected in ((0.0, []), (0.1, [("unused-multiplier", "warning")])):
        made, data = module(net), batches()
        with audit() as watch:
            made.init_optimizer(optimizer=mx.optimizer.SGD(learning_rate=0.1, wd=decay, rescale_grad=1 / 8))
            train(made, data)
        assert found(watch) == expected


def test_the_multiplier_1_of_a_gluon_blocks_symbol_was_not_asked_for():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(8, activation="relu"), mx.gluon.nn.Dense(4))
    made, data = module(sym.SoftmaxOutput(net(sym.var("data")), name="softmax")), batches()
    with audit() as watch:
        names = dict(enumerate(made._param_names))
        settings = {"learning_rate": 0.1, "wd": 0.01, "rescale_grad": 1 / 8, "param_idx2name": names}
        made.init_optimizer(optimizer=mx.optimizer.SGD(**settings))
        train(made, data)
    assert found(watch) == []


# Everything fixed


def test_a_module_whose_parameters_are_all_fixed():
    net, data = symbol(), batches()
    fixed = [name for name in net.list_arguments() if name not in ("data", "softmax_label")]
    made = module(net, fixed_param_names=fixed)
    with audit() as watch:
        made.init_optimizer(optimizer_params={"learning_rate": 0.1})
        train(made, data)
    (finding,) = [each for each in watch.findings if each.rule == "everything-fixed"]
    assert finding.file == __file__


# Schedules


def test_a_warm_up_has_a_rate_of_its_own():
    made, data = module(), batches()
    schedule = mx.lr_scheduler.FactorScheduler(step=100, factor=0.5, warmup_steps=2)
    with audit() as watch:
        made.init_optimizer(optimizer_params={"learning_rate": 0.5, "lr_scheduler": schedule})
        train(made, data)
    assert found(watch) == [("learning-rate", "warning")]
    assert "climbs to its own base_lr, 0.01" in watch.findings[0].message


@pytest.mark.parametrize("done", [0, 45])
def test_a_modules_states_come_back_without_their_count(tmp_path, done):
    path, data = str(tmp_path / "states"), batches(45)
    with audit() as watch:
        for run in range(2):
            made = module()
            schedule = mx.lr_scheduler.CosineScheduler(max_update=90, base_lr=0.1)
            settings = {"lr_scheduler": schedule, "momentum": 0.9, "begin_num_update": done * run}
            made.init_optimizer(optimizer_params=settings)
            if run:
                made.load_optimizer_states(path)
            data.reset()
            train(made, data)
            made.save_optimizer_states(path)
    assert found_of(watch, "learning-rate") == ([] if done else [("learning-rate", "warning")])
