"""The rule mean-loss: where a batch's losses are divided by their number, once, and where they are not."""

import numpy as np
import pytest
from hand_made import (
    dense,
    leaf,
    look,
    mean,
    node,
    note,
    sample,
    softmax_loss,
    softmax_output,
    step,
    the_finding,
    update,
)

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.mean_loss import MeanLoss
from mx_notes.audit.trace.step import Noted
from mx_notes.runtime import mx

N = 4
SUM, TWICE = f"is that of the sum of {N} losses, not of their mean", "is divided by the batch size twice"
ADDED = {"request": "add", "passes": 2}  # two backward passes, under grad_req="add"


def scores(n=N, name="dense", batch=0):
    data = leaf("data", np.full((n, 8), batch), handle=100 + batch)
    return dense(data, values=np.full((n, 3), batch), name=name)


def losses(n=N, batch=0):
    """A loss for each of n examples of one of several batches."""
    return softmax_loss(scores(n, batch=batch), ((batch + np.arange(n)) % 3).tolist())


def output(**attributes):
    return look(softmax_output(scores(), [0, 1, 2, 0], **attributes), executor=True)


def scaled(op, source, scalar):
    return node(op, source, shape=source.shape_of(0), scalar=scalar)


def made(op, **attributes):
    return look(node(op, losses(), shape=(N,), **attributes), executor=True)


def regression(op, **attributes):
    return look(node(op, scores(), leaf("label", shape=(N, 3)), shape=(N, 3), **attributes), executor=True)


def total(source):
    return node("sum", source, shape=(1,))


def holds(*looks, **applied):
    return MeanLoss().on_step(step(*looks, update(**applied))) == []


def finding_in(*looks, **applied):
    finding = the_finding(MeanLoss(), step(*looks, update(**applied)))
    assert finding.severity is ERROR
    return finding.text


# One pass


SUMS = {
    "a loss for each example": look(losses()),
    "their sum": look(total(losses())),
    "a sum over the first axis": look(node("sum", losses(), shape=(1,), axis=0)),
    "SoftmaxOutput": output(),
    "SVMOutput": regression("SVMOutput"),
    "LinearRegressionOutput": regression("LinearRegressionOutput"),
    "make_loss": made("make_loss"),
    "MakeLoss": made("MakeLoss"),
    "MakeLoss of a batch, to which a vector is one example": made("MakeLoss", normalization="batch"),
    "head gradients of 1": look(losses(), gradients=[np.ones(N)], executor=True),
}
MEANS = {
    "their mean": look(mean(losses())),
    "a mean whose sign changes below it": look(node("negative", mean(losses()), shape=(1,))),
    "their sum, divided": look(scaled("_div_scalar", total(losses()), N)),
    "a mean of losses with a factor of their own": look(mean(scaled("_mul_scalar", losses(), 0.5))),
    "a mean of another shape": look(node("mean", node("Reshape", losses(), shape=(2, 2)), shape=(1,))),
    "a difference": look(
        node(
            "elemwise_sub", mean(losses()), node("sum", leaf("constant", shape=(1,)), shape=(1,)), shape=(1,)
        )
    ),
    "SoftmaxOutput of a batch": output(normalization="batch"),
    "SoftmaxOutput of valid labels": output(normalization="valid"),
    "SoftmaxOutput with a factor": output(grad_scale=1 / N),
    "a regression with a factor": regression("LinearRegressionOutput", grad_scale=1 / N),
    "MakeLoss of a batch of columns": look(
        node("MakeLoss", losses(), shape=(N, 1), normalization="batch"), executor=True
    ),
    "make_loss of a mean": look(node("make_loss", mean(losses()), shape=(1,)), executor=True),
    "head gradients of 1/N": look(losses(), gradients=[np.full(N, 1 / N)], executor=True),
}


@pytest.mark.parametrize("seen", SUMS.values(), ids=SUMS)
def test_a_sum_is_to_be_divided_by_the_optimiser(seen):
    assert holds(seen, rescale=1 / N)
    assert SUM in finding_in(seen, rescale=1.0)


@pytest.mark.parametrize("seen", MEANS.values(), ids=MEANS)
def test_a_mean_is_not_to_be_divided_again(seen):
    assert holds(seen, rescale=1.0)
    text = finding_in(seen, rescale=1 / N)
    assert TWICE in text
    assert "either average the loss, or let the optimiser divide" in text


def test_the_finding_says_how_much_the_losses_weigh():
    text = finding_in(look(losses()), rescale=1.0)
    assert "the losses' weights add up to 4 instead of 1, with rescale_grad 1" in text


def test_ignored_labels_do_not_count():
    def ignoring(**attributes):
        seen = softmax_output(scores(), [0, 1, -1, -1], use_ignore=True, **attributes)
        return look(seen, executor=True)

    assert holds(ignoring(normalization="valid"), rescale=1.0)
    assert holds(ignoring(), rescale=1 / 2)
    assert holds(ignoring(), rescale=1 / N)  # a half of an example's weight is 0


def tokens(n=N):
    """Losses (n, 5) of sequences."""
    layer = node("FullyConnected", leaf("data", shape=(n, 5, 8)), shape=(n, 5))
    return node("square", layer, shape=(n, 5))


def test_tokens_may_be_averaged_over_examples_or_over_all_of_them():
    assert holds(look(tokens()), rescale=1 / N)
    assert holds(look(tokens()), rescale=1 / (5 * N))
    assert holds(look(mean(tokens())), rescale=1.0)
    assert "is that of the sum of" in finding_in(look(tokens()), rescale=1.0)


@pytest.mark.parametrize(
    ("divided", "rescale"),
    [(lambda sums: scaled("_div_scalar", total(sums), N), 1 / N), (mean, 1 / N), (mean, 1 / (5 * N))],
)
def test_tokens_may_be_divided_twice_by_either_number(divided, rescale):
    assert TWICE in finding_in(look(divided(tokens())), rescale=rescale)


def test_of_a_single_sequence_the_tokens_are_the_losses():
    assert "is that of the sum of 5 losses" in finding_in(look(tokens(n=1)), rescale=1.0)
    assert holds(look(tokens(n=1)), rescale=1 / 5)


def test_numbers_that_meet_no_layer_are_examples_all_the_same():
    difference = node(
        "elemwise_sub", leaf("x", shape=(N,)), leaf("mean", shape=(1,), parameter=True), shape=(N,)
    )
    assert holds(look(node("square", difference, shape=(N,))), rescale=1 / N)
    assert SUM in finding_in(look(node("square", difference, shape=(N,))), rescale=1.0)


def test_a_penalty_on_the_weights_is_no_loss_of_examples():
    decay = scaled("_mul_scalar", total(leaf("weight", shape=(3, 8), parameter=True)), 0.5)
    penalised = look(node("elemwise_add", mean(losses()), decay, shape=(1,)))
    assert holds(penalised, rescale=1.0)
    assert TWICE in finding_in(penalised, rescale=1 / N)


def test_each_of_several_heads_is_judged():
    assert holds(look(losses(), losses()), rescale=1 / N)
    assert TWICE in finding_in(look(losses(), mean(losses())), rescale=1 / N)


def severity_of_a_sum(*others, optimizer, **numbers):
    applied = sample(before=np.ones(3), optimizer=optimizer, **numbers)
    return the_finding(MeanLoss(), step(look(losses()), update(rescale=1.0), applied, *others)).severity


def test_a_factor_is_only_a_warning_where_the_optimiser_divides_it_out():
    adam = mx.optimizer.Adam()
    assert severity_of_a_sum(optimizer=adam) is WARNING
    assert severity_of_a_sum(optimizer=mx.optimizer.SGD()) is ERROR
    assert severity_of_a_sum(optimizer=adam, weight_decay=1e-4) is ERROR  # which counts less beside a sum
    assert severity_of_a_sum(optimizer=adam, clip=5.0) is ERROR
    assert severity_of_a_sum(note(Noted.GRADIENT_SCALED), optimizer=adam) is ERROR  # clipped by the program


def test_a_factor_that_is_no_number_of_examples_is_left_in_peace():
    weighted = scaled("_mul_scalar", mean(losses()), 0.3)
    assert holds(look(weighted), rescale=1.0)
    assert holds(look(weighted), look(weighted, device="cpu(1)"), rescale=0.5)
    assert holds(look(weighted), look(weighted), **ADDED, rescale=1.0)


def test_a_factor_must_be_right_to_the_second_digit():
    assert SUM in finding_in(look(losses()), rescale=1.01)
    assert holds(look(losses()), rescale=1.05)


# Short batches


def test_a_short_batch_that_is_divided_by_the_full_size_is_left_to_another_rule():
    rule = MeanLoss()
    assert rule.on_step(step(look(losses(N * N)), update(rescale=1 / N**2))) == []
    assert rule.on_step(step(look(losses()), update(rescale=1 / N**2))) == []
    assert SUM in the_finding(rule, step(look(losses()), update(rescale=1.0))).text


# Updates by hand


def test_a_rate_by_hand_that_is_much_too_large_for_a_mean():
    assert SUM in finding_in(look(losses()), optimizer=None, rate=0.5)


@pytest.mark.parametrize("rate", [1 / N, 0.1 / N])
def test_a_factor_by_hand_that_may_hold_the_division_is_not_judged(rate):
    applied = update(optimizer=None, rate=rate)
    assert MeanLoss().on_step(step(look(losses()), applied)) is NOTHING_TO_CHECK


# Devices, workers, micro-batches


def on_devices(head):
    return [look(head(), device=f"cpu({number})") for number in range(2)]


def test_devices_whose_gradients_are_added():
    assert holds(*on_devices(losses), rescale=1 / (2 * N))
    for rescale in (1 / N, 1 / (4 * N)):  # not averaged over the devices, or twice
        assert "is scaled by the number of devices, 2" in finding_in(*on_devices(losses), rescale=rescale)


def test_workers_whose_gradients_are_added():
    def judge(rescale):
        return MeanLoss().on_step(step(look(losses()), update(rescale=rescale), workers=2))

    assert judge(1 / (2 * N)) == []
    (scaled_twice,) = judge(1 / N)
    assert "is scaled by the number of workers, 2" in scaled_twice.text
    assert "with rescale_grad 0.25" in scaled_twice.text
    (not_divided,) = judge(1.0)
    assert SUM in not_divided.text


def micro_batches(head):
    return [look(head(batch=number)) for number in range(2)]


def test_micro_batches_that_are_added():
    assert holds(*micro_batches(losses), **ADDED, rescale=1 / (2 * N))
    assert holds(*micro_batches(lambda batch: mean(losses(batch=batch))), **ADDED, rescale=1 / 2)
    text = finding_in(*micro_batches(lambda batch: mean(losses(batch=batch))), **ADDED, rescale=1.0)
    assert "is the sum of 2 micro-batches' means, not the mean over all of them" in text


def test_of_passes_that_overwrite_each_other_the_last_counts():
    first_then_last = look(losses()), look(mean(losses()))
    assert holds(*first_then_last, passes=2, rescale=1.0)
    assert SUM in finding_in(*reversed(first_then_last), passes=2, rescale=1.0)


def task(truth, name="dense"):
    """Examples that a discriminator is to tell true from false."""
    difference = node("elemwise_sub", scores(name=name), leaf("truth", np.full((N, 3), truth)), shape=(N, 3))
    return look(node("mean", node("square", difference, shape=(N, 3)), shape=(1,)))


def test_tasks_that_are_added_are_no_micro_batches():
    assert "micro-batches" in finding_in(task(1.0), task(1.0), **ADDED, rescale=1.0)
    assert holds(task(1.0), task(0.0), **ADDED, rescale=1.0)
    assert holds(task(1.0), task(1.0, name="another head"), **ADDED, rescale=1.0)


# What cannot be told


NOISE = [0.3, -0.2, 0.5, 0.1]


@pytest.mark.parametrize(
    "seen",
    [
        step(update(rescale=1.0)),
        step(look(losses())),
        step(look(losses()), update(rescale=1.0), update(rescale=0.5)),
        step(look(losses()), update(rescale=None)),
        step(look(losses()), update(optimizer=None, rate=0.5), update(optimizer=None, rate=0.4)),
        step(look(mean(leaf("weight", shape=(3, 8), parameter=True))), update(rescale=1.0)),
        step(look(losses(), gradients=[NOISE], executor=True), update(rescale=1.0)),  # computed elsewhere
        step(look(losses(), losses()), look(losses(), device="cpu(1)"), update(rescale=1.0)),  # unlike heads
        step(look(node("CTCLoss", scores())), update(rescale=1.0)),  # of an unknown shape
        step(
            look(node("SoftmaxOutput", scores(), leaf("label", shape=(N,)), shape=(N, 3)), executor=True),
            update(rescale=1.0),
        ),
    ],
)
def test_a_weight_that_cannot_be_told_is_not_judged(seen):
    assert MeanLoss().on_step(seen) is NOTHING_TO_CHECK


def test_a_step_without_a_graph_is_not_judged():
    assert MeanLoss().on_step(step()) is NOTHING_TO_CHECK


def test_the_losses_of_one_sequence_may_be_summed():
    words, sentences = leaf("data", shape=(N, 1, 8)), leaf("data", shape=(N, N, 8))
    for data, right in ((words, True), (sentences, False)):
        layer = node("RNN", data, leaf("parameters", shape=(99,), parameter=True), shape=(N, 1, 8))
        seen = look(softmax_loss(dense(layer, values=np.zeros((N, 3))), [0, 1, 2, 0]))
        found = MeanLoss().on_step(step(seen, update(rescale=1.0)))
        assert (found is NOTHING_TO_CHECK) == right
