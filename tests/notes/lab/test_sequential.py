"""Trials are added until a verdict is reached, and looking often does not make errors frequent."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.lab.intervals import interval
from mx_notes.notes.lab.sequential import ERROR, told, until_decided

LOOKS = (4, 8, 16)


def sign(trials, confidence):
    found = interval(trials, confidence)
    if found.above_zero:
        return Verdict.CONFIRMED
    return Verdict.REFUTED if found.below_zero else Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("decided_from", "number"), [(3, 4), (5, 8), (9, 16), (17, 16)])
def test_trials_stop_at_the_first_look_that_decides(decided_from, number):
    def judge(trials, confidence):
        return Verdict.CONFIRMED if len(trials) >= decided_from else Verdict.INCONCLUSIVE

    trials, confidence = until_decided(LOOKS, Setting(seed=7), list, judge)
    assert trials == list(range(7, 7 + number))  # each with a seed of its own, none twice
    assert confidence == pytest.approx(1 - ERROR / 3)


def test_where_there_is_no_effect_one_is_found_in_at_most_5_percent_of_the_runs():
    rng = np.random.default_rng(0)
    runs = 2000
    wrong = 0
    for _ in range(runs):
        noise = rng.normal(size=16)
        trials, confidence = until_decided(LOOKS, Setting(seed=0), noise.take, sign)
        wrong += sign(trials, confidence) is not Verdict.INCONCLUSIVE
    # Bonferroni bounds it by 5%; three standard errors of 2,000 runs are 1.5%.
    assert 0.01 < wrong / runs < ERROR + 0.015


def test_several_looks_are_said_and_a_single_one_is_not():
    assert told((16,), 0.95) == ""
    assert "after 4, 8 and 16 seeds" in told(LOOKS, 1 - ERROR / 3)
