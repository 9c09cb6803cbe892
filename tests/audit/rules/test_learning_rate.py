from dataclasses import replace

import pytest
from hand_made import facts, note, step, the_finding

from mx_notes.audit.events import Place
from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.learning_rate import LearningRate
from mx_notes.audit.trace.step import Course, Noted, Rates, Schedule, Settings, Shape


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


# A rate given beside a schedule


@pytest.mark.parametrize(("own", "severity"), [(0.01, ERROR), (0.1, WARNING)])
def test_a_schedule_that_starts_from_a_rate_of_its_own(own, severity):
    kept = note(Noted.SCHEDULE_KEEPS_RATE, 20, "CosineScheduler", (0.5, own))
    finding = the_finding(LearningRate(), step(kept, rates={1: Rates(own, own)}))
    assert finding.severity is severity and finding.place == ("train.py", 20)
    assert (
        f"learning_rate=0.5 was given beside a CosineScheduler that starts from its own base_lr, {own}"
        in (finding.text)
    )


def test_a_warm_up_that_climbs_to_a_rate_of_its_own():
    kept = note(Noted.WARM_UP_KEEPS_RATE, 20, "FactorScheduler", (0.5, 0.01))
    finding = the_finding(LearningRate(), step(kept, rates={1: Rates(0.001, 0.001)}))
    assert finding.severity is WARNING
    assert "climbs to its own base_lr, 0.01, after which the rate jumps to learning_rate=0.5" in finding.text


# Schedules of optimisers, after the run

STEPS = Settings(Shape.STEPS, first=50, last=0, factor=0.5, warm_up=0, rate=0.1)
MILESTONES = Settings(Shape.MILESTONES, first=44, last=88, factor=0.1, warm_up=0, rate=0.1)
COSINE = Settings(Shape.ANNEALED, first=132, last=132, factor=0.0, warm_up=0, rate=0.1)


def course(settings: Settings, updates: int, **fields) -> Course:
    """A schedule that was followed for so many updates of 64 examples."""
    fields = {"began": 0, "first_rate": 0.1, "rate": 0.1, "rescale": 1 / 64} | fields
    return Course(settings, Place("train.py", 20), updates=updates, **fields)


def judged(*courses: Course, **fields):
    return LearningRate().at_end(facts(courses=list(courses), **fields))


def the_text(*courses: Course) -> str:
    (finding,) = judged(*courses)
    assert finding.severity is WARNING and finding.place == ("train.py", 20)
    return finding.text


@pytest.mark.parametrize("settings", [STEPS, MILESTONES])
def test_a_first_change_that_never_came(settings):
    early = replace(settings, first=2816, last=2816)
    assert "after update 2816, and the run made 110: it never did; it saw 7040 examples" in (
        the_text(course(early, 110))
    )
    beyond = replace(settings, first=10_000)
    assert the_text(course(beyond, 110)).endswith("it never did")


def test_a_schedule_annealed_over_many_more_updates():
    text = the_text(course(replace(COSINE, first=8448, last=8448), 132, rate=0.0999))
    assert (
        "made for 8448 updates, and the run made 132: the learning rate came from 0.1 to 0.0999 only" in text
    )
    assert "was it meant in examples?" in text


@pytest.mark.parametrize(
    "followed",
    [
        course(STEPS, 51),
        course(MILESTONES, 132),
        course(COSINE, 132),
        course(COSINE, 34),  # more than a quarter
        course(replace(STEPS, first=10_000, warm_up=10), 110),  # there for its warm-up
        course(replace(STEPS, first=10_000, factor=1), 110),  # changes nothing
        course(replace(STEPS, first=100), 39),  # too short a run to tell
    ],
)
def test_schedules_that_fit_their_run(followed):
    assert judged(followed) == []


def test_an_audit_that_ended_the_run_does_not_judge_its_length():
    assert judged(course(replace(STEPS, first=2816), 110), stopped=True) == []


def test_a_factor_after_every_few_updates():
    text = the_text(course(replace(STEPS, first=1, factor=0.9), 132, rate=1e-7))
    assert "multiplies the rate by 0.9 after every 1 updates: it was below 1% after 44 of 132" in text
    assert judged(course(replace(STEPS, first=1, factor=0.99), 132, rate=0.02)) == []


@pytest.mark.parametrize("settings", [STEPS, MILESTONES, COSINE])
def test_a_run_that_goes_on_while_its_schedule_starts_over(settings):
    text = the_text(course(settings, 66, epoch=3, epochs=3))
    assert "goes on with begin_epoch=3, but the schedule of its learning rate starts over" in text
    assert "begin_num_update=66" in text


def test_states_that_were_loaded_under_the_same_schedule():
    before, after = course(MILESTONES, 132), course(MILESTONES, 132, restored=True)
    (finding,) = judged(before, after)
    assert "the optimiser's states of an earlier run" in finding.text


@pytest.mark.parametrize(
    "resumed",
    [
        course(MILESTONES, 132, began=66, epoch=3, epochs=3),  # begin_num_update was given
        course(replace(MILESTONES, first=22, last=44), 66, epoch=3, epochs=3),  # counted from here
        course(replace(COSINE, first=66, last=66), 66, epoch=3, epochs=3),
        course(STEPS, 88, began=22, epoch=1, epochs=3),
    ],
)
def test_schedules_that_go_on(resumed):
    assert judged(course(MILESTONES, 132), resumed) == []


def test_begin_num_update_in_epochs():
    text = the_text(course(COSINE, 68, began=2, epoch=2, epochs=3))
    assert "begin_num_update=2 is the number of epochs that are done" in text and "(44 here)" in text
