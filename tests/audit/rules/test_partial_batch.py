import pytest
from hand_made import dense, leaf, look, mean, softmax_loss, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.partial_batch import PartialBatch


def losses(n):
    return softmax_loss(dense(leaf("data", shape=(n, 8))), [number % 3 for number in range(n)])


def summed(n, rescale, **more):
    """A step on n examples whose losses are added and divided by the optimiser."""
    return step(look(losses(n)), update(rescale=rescale), **more)


def after(first):
    """A rule that has seen its first batch, with which the later ones are compared."""
    rule = PartialBatch()
    assert rule.on_step(first) is NOTHING_TO_CHECK
    return rule


def test_a_short_batch_that_is_divided_by_the_full_size():
    finding = the_finding(after(summed(8, 1 / 8)), summed(2, 1 / 8))
    assert finding.severity is ERROR
    assert "a batch of 2 is weighted as if it had 8 examples" in finding.text
    assert "divide by its own number (step(data.shape[0]), or step(loss.size)" in finding.text


def test_with_several_workers_it_is_their_examples_that_count():
    rule = after(summed(8, 1 / 16, workers=2))
    assert the_finding(rule, summed(2, 1 / 16, workers=2))
    assert rule.on_step(summed(2, 1 / 4, workers=2)) == []


def test_a_short_batch_that_is_divided_by_its_own_size_is_right():
    assert after(summed(8, 1 / 8)).on_step(summed(2, 1 / 2)) == []


def test_the_mean_of_a_short_batch_is_right():
    first, last = (step(look(mean(losses(n))), update(rescale=1.0)) for n in (8, 2))
    assert after(first).on_step(last) == []


def test_a_training_that_is_wrong_from_the_first_batch_is_left_to_another_rule():
    assert after(summed(8, 1.0)).on_step(summed(2, 1.0)) == []


@pytest.mark.parametrize("n", [8, 9])
def test_only_a_batch_shorter_than_the_first_is_short(n):
    assert after(summed(8, 1 / 8)).on_step(summed(n, 1 / 8)) is NOTHING_TO_CHECK


def test_examples_that_are_repeated_to_fill_the_batch():
    finding = the_finding(PartialBatch(), step(padding=3))
    assert finding.severity is WARNING
    assert "3 examples of the batch are repeated to fill it" in finding.text
    assert "last_batch_handle='discard' or 'roll_over'" in finding.text


@pytest.mark.parametrize(
    "seen", [step(), step(update(rescale=1.0)), step(look(losses(2)), update(rescale=None))]
)
def test_a_weight_that_cannot_be_told_is_not_judged(seen):
    assert PartialBatch().on_step(seen) is NOTHING_TO_CHECK
