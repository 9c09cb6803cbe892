import pytest
from hand_made import dense, leaf, look, mean, node, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.broadcast_pairs import BroadcastPairs

N = 4
COLUMN = dense(leaf("data", shape=(N, 8)), 1)
ROW = leaf("label", shape=(N,))


def meet(first, second, op="broadcast_sub", shape=(N, N)):
    return step(look(mean(node(op, first, second, shape=shape))))


@pytest.mark.parametrize("op", ["broadcast_sub", "_npi_subtract", "broadcast_mul", "_npi_true_divide"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_column_of_guesses_meets_a_row_of_targets(op, turned):
    pair = (ROW, COLUMN) if turned else (COLUMN, ROW)
    finding = the_finding(BroadcastPairs(), meet(*pair, op=op))
    assert finding.severity is ERROR
    assert f"{op} of shapes (4, 1) and (4,) makes (4, 4)" in finding.text
    assert "reshape((-1, 1))" in finding.text


def test_a_row_of_losses_meets_a_column_of_weights():
    losses = node("mean", COLUMN, shape=(N,), axis=0, exclude=True)
    assert (
        "(4, 4)"
        in the_finding(BroadcastPairs(), meet(losses, leaf("weight", shape=(N, 1)), "broadcast_mul")).text
    )


@pytest.mark.parametrize(
    ("first", "second", "shape"),
    [
        (COLUMN, leaf("label", shape=(N, 1)), (N, 1)),  # one shape
        (COLUMN, leaf("row", shape=(1, N)), (N, N)),  # written out
        (COLUMN, leaf("number", shape=(1,)), (N, 1)),
        (COLUMN, node("Flatten", COLUMN, shape=(N,)), (N, N)),  # distances within the batch
        (leaf("a", shape=(N, 1)), leaf("b", shape=(N,)), (N, N)),  # a mask
        (dense(leaf("data", shape=(N, 8)), 3), leaf("bias", shape=(3,)), (N, 3)),
        (dense(leaf("data", shape=(6, 8)), 1), leaf("grid", shape=(N,)), (6, N)),  # anchors
    ],
)
def test_other_shapes_and_pairs_that_are_meant(first, second, shape):
    assert BroadcastPairs().on_step(meet(first, second, shape=shape)) == []


def test_without_arithmetic_there_is_nothing_to_check():
    assert BroadcastPairs().on_step(step(look(mean(COLUMN)))) is NOTHING_TO_CHECK
