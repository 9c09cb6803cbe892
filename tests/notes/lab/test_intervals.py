"""The intervals that statistical claims rest on."""

import numpy as np
import pytest

from mx_notes.notes.lab.intervals import Interval, difference, interval, percent, points, sides


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = [abs((i := interval(rng.normal(3, 2, 6))).mean - 3) <= i.high - i.mean for _ in range(2000)]
    assert 0.93 < np.mean(held) < 0.97  # 95% of 2,000: a standard deviation is 0.5 points


def test_a_paired_difference_is_sharper_than_the_spread_between_seeds():
    spread = np.linspace(0.8, 0.9, 8)
    assert difference(spread + 0.01 + 1e-4 * np.arange(8), spread).above_zero
    assert not difference(spread, spread[::-1]).above_zero


def test_accuracies_are_shown_in_per_cent():
    assert percent([0.96, 0.97, 0.98]) == "97.0 ± 2.5"
    assert points(Interval(0.05, 0.04, 0.06, 8)) == "+5.0 [+4.0, +6.0]"
    assert points(Interval(-0.00001, -0.04, 0.0626, 8), decimals=2) == "+0.00 [-4.00, +6.26]"


def test_an_interval_of_logarithms_becomes_one_of_the_geometric_mean():
    times = interval(np.log([1, 4])).exp()
    assert times.mean == pytest.approx(2)
    assert times.low * times.high == pytest.approx(4)  # as far from 2 on both sides, as a ratio


def test_an_interval_across_the_limit_is_on_neither_side():
    intervals = {
        "above": Interval(2, 1, 3, 5),
        "below": Interval(-2, -3, -1, 5),
        "across": Interval(1, 0, 2, 5),
    }
    assert sides(intervals, 0.5) == (["above"], ["below"])
