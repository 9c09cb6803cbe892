from hand_made import LINE, facts, note, sample, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.everything_fixed import EverythingFixed
from mx_notes.audit.trace.step import Noted, Rates

FIXED = note(Noted.EVERYTHING_FIXED, line=30)
RATES = {1: Rates(0.1, 0.1)}


def weights(*rates: float, **fields):
    """A step that updates a weight at each of these learning rates."""
    samples = [sample(f"weight{i}", before=[1.0], learning_rate=rate) for i, rate in enumerate(rates)]
    return step(*samples, *(update(each.name) for each in samples), **({"rates": RATES} | fields))


def test_a_network_without_gradients_that_is_never_updated():
    finding = the_finding(EverythingFixed(), facts(steps=0, passes=5, notes=[FIXED]))
    assert finding.severity is ERROR and finding.place == ("train.py", 30)
    assert "every parameter of the network is fixed" in finding.text


def test_a_fixed_network_beside_one_that_is_trained():
    assert EverythingFixed().at_end(facts(steps=5, notes=[FIXED])) is NOTHING_TO_CHECK
    elsewhere = facts(steps=0, notes=[FIXED], trained_elsewhere=True)
    assert EverythingFixed().at_end(elsewhere) is NOTHING_TO_CHECK


def test_every_multiplier_is_zero():
    rule = EverythingFixed()
    assert rule.on_step(weights(0.0, 0.0)) == []
    finding = the_finding(rule, facts())
    assert finding.severity is ERROR and finding.place == LINE
    assert "lr_mult 0" in finding.text


def test_some_multiplier_is_not_zero_or_not_for_long():
    for steps in ([weights(0.0, 0.1)], [weights(0.0), weights(0.1)], [weights(0.0, rates={1: Rates(0, 0)})]):
        rule = EverythingFixed()
        for each in steps:
            rule.on_step(each)
        assert rule.at_end(facts()) is NOTHING_TO_CHECK


def test_a_parameter_whose_update_was_not_copied_may_move():
    rule = EverythingFixed()
    rule.on_step(step(sample(before=[1.0]), update("weight"), update("sparse"), rates=RATES))
    assert rule.at_end(facts()) is NOTHING_TO_CHECK
