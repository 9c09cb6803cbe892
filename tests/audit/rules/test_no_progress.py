import numpy as np
import pytest
from hand_made import dense, facts, leaf, look, mean, node, softmax_loss, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.no_progress import NoProgress

LABELS = np.arange(16) % 4


def classified(sureness, labels=LABELS, classes=4):
    """A network that gives the right class's score this much above the others'."""
    scores = np.zeros((len(labels), classes))
    scores[np.arange(len(labels)), labels] = sureness
    return look(softmax_loss(dense(leaf("data", shape=(len(labels), 8)), values=scores), labels))


def regressed(error):
    targets = np.arange(16.0)[:, None]
    guess = dense(leaf("data", shape=(16, 8)), values=targets + error)
    difference = node("broadcast_sub", guess, leaf("label", targets), shape=(16, 1))
    return look(mean(node("square", difference, shape=(16, 1))))


def trained(seen, updaters=(1,)):
    rule = NoProgress()
    for number, (at, graph) in enumerate(seen.items()):
        one = update(updater=updaters[number % len(updaters)])
        assert rule.on_step(step(graph, one, number=at)) is NOTHING_TO_CHECK
    return rule


def test_the_loss_of_a_constant_guess_after_64_steps():
    finding = the_finding(trained({1: classified(0), 64: classified(0.01)}), facts(steps=80))
    assert finding.severity is WARNING
    assert finding.text.startswith("after 64 steps the loss is still that of a constant guess")
    assert "learning rate" in finding.text and "shuffled together" in finding.text


def test_a_loss_that_has_become_worse():
    finding = the_finding(trained({1: classified(0), 64: classified(-9)}), facts(steps=80))
    assert "the loss has become worse than at the start" in finding.text
    assert "far too large" in the_finding(trained({1: regressed(3), 64: regressed(1e9)}), facts()).text


@pytest.mark.parametrize("late", [classified(1), classified(0.3), regressed(1)])
def test_a_loss_that_has_left_it(late):
    assert trained({1: classified(0), 64: late}).at_end(facts()) == []


def test_a_few_steps_are_too_few():
    assert trained({1: classified(0), 16: classified(0)}).at_end(facts()) is NOTHING_TO_CHECK


def test_many_classes_take_longer():
    labels = np.arange(32)
    slow = {64: classified(0, labels, 1000), 256: classified(0, labels, 1000)}
    assert trained(slow).at_end(facts()) is NOTHING_TO_CHECK
    assert trained(slow | {1024: classified(0, labels, 1000)}).at_end(facts())


def test_networks_that_take_turns_have_no_such_loss():
    rivals = trained({1: classified(0), 2: classified(0), 64: classified(0)}, updaters=(1, 2))
    assert rivals.at_end(facts()) is NOTHING_TO_CHECK


@pytest.mark.parametrize("labels", [LABELS[:8], np.zeros(16, int)])
def test_small_batches_and_batches_of_one_class_do_not_tell(labels):
    assert trained({64: classified(0, labels)}).at_end(facts()) is NOTHING_TO_CHECK
