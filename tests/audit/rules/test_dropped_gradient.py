import pytest
from hand_made import dense, leaf, look, mean, node, softmax_loss, softmax_output, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.dropped_gradient import DroppedGradient

SCORES = dense(leaf("data", shape=(4, 8)))
LABELS = [0, 1, 2, 0]


def weighted(loss):
    return node("broadcast_mul", loss, leaf("weights", [[1.0], [2.0], [1.0], [1.0]]), shape=(4, 3))


@pytest.mark.parametrize("executor", [False, True])
def test_a_weight_on_the_output_of_a_loss_operator(executor):
    head = weighted(softmax_output(SCORES, LABELS))
    finding = the_finding(DroppedGradient(), step(look(head, executor=executor)))
    assert finding.severity is ERROR
    assert "SoftmaxOutput starts a gradient of its own and drops the one from above" in finding.text
    assert "what broadcast_mul and all beyond make of its output" in finding.text


@pytest.mark.parametrize("op", ["LinearRegressionOutput", "SVMOutput"])
def test_all_operators_that_start_a_gradient(op):
    loss = node(op, SCORES, leaf("label", shape=(4, 3)), shape=(4, 3))
    assert op in the_finding(DroppedGradient(), step(look(mean(loss)))).text


def test_a_block_above_a_loss_blocks_nothing():
    watched = node("BlockGrad", node("MakeLoss", SCORES, shape=(4, 3)), shape=(4, 3), name="watched")
    finding = the_finding(
        DroppedGradient(), step(look(softmax_output(SCORES, LABELS), watched, executor=True))
    )
    assert (
        "MakeLoss starts a gradient of its own, although watched (BlockGrad) stands above it" in finding.text
    )


def test_a_loss_operator_that_is_a_head_may_also_be_looked_at():
    loss = softmax_output(SCORES, LABELS)
    guess = node("argmax", loss, shape=(4,))
    assert DroppedGradient().on_step(step(look(loss, guess, executor=True))) == []


def test_a_softmax_output_that_passes_gradient_on():
    policy = softmax_output(SCORES, LABELS, out_grad=True)
    assert DroppedGradient().on_step(step(look(weighted(policy)))) == []


def test_one_whose_gradient_is_scaled_to_0_starts_none():
    watched = node("MakeLoss", SCORES, shape=(4, 3), grad_scale=0.0)
    assert DroppedGradient().on_step(step(look(mean(watched)))) is NOTHING_TO_CHECK


def test_other_losses_pass_gradient_on():
    assert DroppedGradient().on_step(step(look(mean(softmax_loss(SCORES, LABELS))))) is NOTHING_TO_CHECK
