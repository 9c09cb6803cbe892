import pytest
from hand_made import facts, note, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.learning_rate import LearningRate
from mx_notes.audit.trace.step import Noted, Rates, Schedule


def after(*rates):
    """The rule after a run whose steps were taken at these rates."""
    rule = LearningRate()
    for rate in rates:
        assert rule.on_step(step(rates={1: Rates(rate, rate)})) == []
    return rule


# On a step


def test_a_rate_that_was_asked_for_and_is_not_in_use():
    finding = the_finding(LearningRate(), step(rates={1: Rates(asked=0.01, used=0.1)}))
    assert finding.severity is ERROR
    assert "the learning rate 0.01 was asked for, 0.1 is applied" in finding.text
    assert "a scheduler overrules optimizer.lr" in finding.text and "force_init=True" in finding.text


def test_servers_that_keep_the_rate_they_got_first():
    kept = note(Noted.SERVERS_KEEP_RATE, line=40, numbers=(0.01, 0.1))
    finding = the_finding(LearningRate(), step(kept, rates={1: Rates(0.01, 0.01)}))
    assert finding.severity is ERROR
    assert "the learning rate 0.01 was asked for, the servers apply 0.1" in finding.text
    assert "give it a schedule, or update on the workers" in finding.text
    assert finding.place == ("train.py", 40)


def test_rates_are_compared_to_the_sixth_digit():
    assert the_finding(LearningRate(), step(rates={1: Rates(0.1 * (1 + 2e-6), 0.1)}))
    assert LearningRate().on_step(step(rates={1: Rates(0.1 * (1 + 5e-7), 0.1)})) == []


def test_the_rate_asked_for_is_right():
    assert LearningRate().on_step(step(rates={1: Rates(0.1, 0.1), 2: Rates(0.02, 0.02)})) == []


def test_one_of_two_optimisers_is_enough():
    assert the_finding(LearningRate(), step(rates={1: Rates(0.1, 0.1), 2: Rates(0.02, 0.2)}))


def test_updates_by_hand_have_no_rate_to_check():
    assert LearningRate().on_step(step()) is NOTHING_TO_CHECK


# After the run


def test_a_schedule_that_was_asked_for_epochs():
    finding = the_finding(after(*[0.1] * 10), facts(schedules=[Schedule(horizon=20, largest=2)]))
    assert finding.severity is WARNING
    assert "a schedule over 20 updates was asked with numbers up to 2, after 10 updates" in finding.text
    assert "it counts updates, is it told epochs?" in finding.text


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(horizon=20, largest=10),  # asked for updates
        Schedule(horizon=8, largest=2),  # a quarter of its way: perhaps
        Schedule(horizon=16, largest=3),  # more than a quarter of the updates: perhaps
        Schedule(horizon=21, largest=2),  # the run was too short to tell
        Schedule(horizon=0, largest=2),  # made for nobody knows how many
    ],
)
def test_a_schedule_that_may_have_been_asked_for_updates(schedule):
    assert after(*[0.1] * 10).at_end(facts(schedules=[schedule])) == []


def test_of_several_schedules_one_is_named():
    found = the_finding(after(*[0.1] * 10), facts(schedules=[Schedule(9, 2), Schedule(20, 2)]))
    assert "over 9 updates" in found.text


def test_a_rate_that_fell_at_once_and_stayed():
    finding = the_finding(after(*[0.1] * 3, *[0.05] * 3, *[0.019] * 34), facts(steps=40))
    assert finding.severity is WARNING
    assert "the learning rate fell from 0.1 to 0.019 in the first 6 of 40 steps" in finding.text
    assert "were the milestones meant as epochs?" in finding.text
    assert finding.step == 6


@pytest.mark.parametrize(
    "rates",
    [
        [0.1] * 40,
        [0.0] * 40,
        [*[0.1] * 7, *[0.001] * 33],  # late
        [*[0.1] * 3, *[0.021] * 37],  # by little
        [*[0.001] * 3, *[0.1] * 37],  # a warm-up
    ],
)
def test_other_courses_of_the_rate_are_right(rates):
    assert after(*rates).at_end(facts(steps=40)) == []


def test_a_short_run_without_a_schedule_has_nothing_to_check():
    short = after(0.1, *[0.001] * 38)
    assert short.at_end(facts(steps=39)) is NOTHING_TO_CHECK
    assert short.at_end(facts(steps=39, schedules=[Schedule(100, 39)])) == []
    assert LearningRate().at_end(facts()) is NOTHING_TO_CHECK
