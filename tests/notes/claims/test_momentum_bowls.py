"""The two lines of momentum against theory."""

import numpy as np
import pytest

from mx_notes.notes.claims import _momentum_bowls as bowls
from mx_notes.notes.claims.momentum_speeds_up import CONDITIONS

# The two lines


def test_without_momentum_the_path_is_that_of_plain_descent():
    path = bowls.descend(0.0, 0.03, 40)
    assert path.shape == (41, 2)
    np.testing.assert_array_equal(path[0], bowls.START)
    factors = (1 - 0.03 * np.array(bowls.BOWL)) ** np.arange(41)[:, None]
    np.testing.assert_allclose(path, bowls.START * factors, rtol=1e-12, atol=1e-12)  # float64, 40 steps


def test_with_momentum_the_path_follows_the_recurrence():
    """w[t+1] = w[t] + mu (w[t] - w[t-1]) - rate c w[t], which is the two lines without v."""
    mu, rate, c = 0.9, 0.03, np.array(bowls.BOWL)
    path = bowls.descend(mu, rate, 60)
    expected = path[1:-1] + mu * (path[1:-1] - path[:-2]) - rate * c * path[1:-1]
    np.testing.assert_allclose(path[2:], expected, rtol=0, atol=1e-12)  # float64, numbers up to 10


def test_the_rate_inside_or_outside_is_the_same_until_it_changes():
    drop = bowls.rate_drop()
    assert drop["off_before"] < 1e-12  # float64
    # v has reached 10 rates: 0.9 of them and a tenth of a rate, against 10 tenths
    assert drop["times_at_drop"] == pytest.approx((0.9 * 10 + 0.1) / 1, rel=1e-4)
    assert drop["inside"][-1] == pytest.approx(drop["outside"][-1], rel=0.02)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_bowls_take_the_steps_of_theory(condition):
    found = bowls.bowl(condition)
    for way in ("plain", "momentum"):
        # The theory is of many steps: the first ones shift it by a step or a few per cent.
        assert found[way] == pytest.approx(found[f"{way}_theory"], rel=0.06, abs=1)
    # A double root: t times the factor to the t, so some more.
    assert found["best_theory"] < found["best"] < 1.6 * found["best_theory"]
