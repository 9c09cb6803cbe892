import pytest
from hand_made import buffer, leaf, look, mean, node, relu, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.shared_optimizer import SharedOptimizer

CRITIC, GENERATOR = 11, 22  # handles of the weights
TRUE, FALSE = 1.0, 0.0


def layer(source, handle):
    weight = leaf(f"w{handle}", shape=(3, 3), parameter=True, handle=handle)
    return node("FullyConnected", source, weight, shape=(4, 3))


def told(source, target):
    """A logistic loss of the critic's scores."""
    scores = layer(source, CRITIC)
    product = node("broadcast_mul", scores, leaf("label", [[target] * 3] * 4), shape=(4, 3))
    return mean(node("broadcast_sub", relu(scores), product, shape=(4, 3)))


def real(target=TRUE):
    return told(leaf("data", shape=(4, 3)), target)


def fake(target):
    return told(layer(leaf("noise", shape=(4, 3)), GENERATOR), target)


def detached(target):
    return told(leaf("fake", shape=(4, 3)), target)


def moved(*handles, updater=1):
    return [update(f"w{handle}", buffer=buffer(weight=handle), updater=updater) for handle in handles]


@pytest.mark.parametrize("judged", [detached, fake])
def test_the_critic_is_moved_by_the_generators_loss(judged):
    rule = SharedOptimizer()
    trained = [CRITIC, GENERATOR] if judged is fake else [CRITIC]
    assert rule.on_step(step(look(real()), look(judged(FALSE)), *moved(*trained))) == []
    finding = the_finding(rule, step(look(fake(TRUE)), *moved(CRITIC, GENERATOR), number=2))
    assert finding.severity is WARNING
    assert "trained here towards the wrong answer" in finding.text
    assert rule.on_step(step(look(fake(TRUE)), *moved(CRITIC, GENERATOR), number=3)) == []


def test_both_losses_in_one_pass():
    both = step(look(real(), fake(FALSE), fake(TRUE)), *moved(CRITIC, GENERATOR))
    assert "a Trainer (optimiser) of its own" in the_finding(SharedOptimizer(), both).text


@pytest.mark.parametrize("judged", [detached, fake])
def test_an_optimiser_each(judged):
    rule = SharedOptimizer()
    for _ in range(2):
        assert rule.on_step(step(look(real()), look(judged(FALSE)), *moved(CRITIC, updater=1))) == []
        assert rule.on_step(step(look(fake(TRUE)), *moved(GENERATOR, updater=2))) == []


def test_networks_that_work_together_may_share_one():
    rule = SharedOptimizer()
    assert rule.on_step(step(look(fake(FALSE)), *moved(CRITIC, GENERATOR))) is NOTHING_TO_CHECK
    assert rule.on_step(step(look(fake(TRUE)), *moved(CRITIC, GENERATOR))) == []  # as positives and negatives


def test_labels_that_differ_are_no_adversaries():
    scores = layer(leaf("data", shape=(4, 3)), CRITIC)
    product = node("broadcast_mul", scores, leaf("label", [[0, 1, 1]] * 4), shape=(4, 3))
    loss = mean(node("broadcast_sub", relu(scores), product, shape=(4, 3)))
    assert SharedOptimizer().on_step(step(look(loss), *moved(CRITIC))) is NOTHING_TO_CHECK
