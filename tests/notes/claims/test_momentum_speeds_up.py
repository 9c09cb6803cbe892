import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import momentum_speeds_up as claim
from mx_notes.notes.lab import descent, fused

RATE_KEY = f"same rate / (1 - μ) = {claim.RATE}"


@pytest.fixture(scope="module")
def evidence():
    return claim.measure(Setting(quick=True))


def speed(times, low, high):
    return {"times": times, "low": low, "high": high}


def numbers(same=(4, 3, 5), effective=(2, 1.5, 2.5), different=0.0, opposed=0.0, on_bowl=10):
    """What a run would see in which momentum speeds up by more than its rate, and no step misbehaves."""
    bits = {way: {"share_different": different} for way in ("sgd_mom_update", "optimizer.SGD")}
    return {
        "bits": bits,
        "speed": {
            "same rate": speed(*same),
            RATE_KEY: speed(*effective),
            "each at its best rate": speed(2, 1, 3),
        },
        "directions": {"agree_longer": 1.0, "oppose_longer": opposed, "oppose_uphill": opposed},
        "bowls": {"10": {"plain": 69, "momentum": on_bowl}},
        "rate_drop": {"times_at_drop": 9.1, "steps_until_within_10_percent": 42},
    }


# The two lines


def test_without_momentum_the_path_is_that_of_plain_descent():
    path = claim.descend(0.0, 0.03, 40)
    assert path.shape == (41, 2)
    np.testing.assert_array_equal(path[0], descent.START)
    factors = (1 - 0.03 * np.array(descent.BOWL)) ** np.arange(41)[:, None]
    np.testing.assert_allclose(path, descent.START * factors, rtol=1e-12, atol=1e-12)  # float64, 40 steps


def test_with_momentum_the_path_follows_the_recurrence():
    """w[t+1] = w[t] + mu (w[t] - w[t-1]) - rate c w[t], which is the two lines without v."""
    mu, rate, c = 0.9, 0.03, np.array(descent.BOWL)
    path = claim.descend(mu, rate, 60)
    expected = path[1:-1] + mu * (path[1:-1] - path[:-2]) - rate * c * path[1:-1]
    np.testing.assert_allclose(path[2:], expected, rtol=0, atol=1e-12)  # float64, numbers up to 10


def test_the_rate_inside_or_outside_is_the_same_until_it_changes():
    drop = descent.rate_drop()
    assert drop["off_before"] < 1e-12  # float64
    # v has reached 10 rates: 0.9 of them and a tenth of a rate, against 10 tenths
    assert drop["times_at_drop"] == pytest.approx((0.9 * 10 + 0.1) / 1, rel=1e-4)
    assert drop["inside"][-1] == pytest.approx(drop["outside"][-1], rel=0.02)


@pytest.mark.parametrize("condition", claim.CONDITIONS)
def test_bowls_take_the_steps_of_theory(condition):
    found = descent.bowl(condition)
    for way in ("plain", "momentum"):
        # The theory is of many steps: the first ones shift it by a step or a few per cent.
        assert found[way] == pytest.approx(found[f"{way}_theory"], rel=0.06, abs=1)
    # A double root: t times the factor to the t, so some more.
    assert found["best_theory"] < found["best"] < 1.6 * found["best_theory"]


# MXNet's


def test_the_two_lines_are_mxnets_to_the_bit():
    found = fused.bits(seed=3, steps=50)
    for way in ("sgd_mom_update", "optimizer.SGD", "the same in MXNet's order"):
        assert found[way] == {"share_different": 0, "largest_difference": 0}
    folded = found["SGD with weight decay in dw"]
    assert folded["share_different"] > 0
    assert folded["largest_difference"] < 1e-5  # 50 steps of float32, numbers of 1


@pytest.mark.parametrize("mu", [0.5, 0.9])
def test_steps_reach_their_limits(mu):
    found = fused.limits(mu)
    assert found["constant"] == pytest.approx(1 / (1 - mu), rel=1e-5)  # float32
    assert found["alternating"] == pytest.approx(1 / (1 + mu), rel=1e-5)


def test_steps_with_the_velocity_are_longer_and_those_against_it_not_always_shorter():
    found = claim.directions(2)
    assert found["agree_longer"] > 0.999  # all, but for numbers that vanish in float32
    assert 0 < found["oppose_longer"] < found["oppose_uphill"] < 1


# The verdict


def test_speed_is_a_ratio_with_an_interval():
    plain = np.array([100, 120, 90, 110, 105])
    doubled = claim._speed(plain, plain // 2)
    assert doubled["times"] == pytest.approx(2, rel=0.02) and doubled["low"] > 1.9
    noise = np.random.default_rng(0).permutation(plain)
    null = claim._speed(plain, noise)
    assert null["low"] < 1 < null["high"]


def test_no_seed_chooses_its_own_rate():
    learned = {(0.0, 0.1): [1, 10, 10], (0.0, 0.2): [5, 5, 5]}
    assert claim._at_best(learned, 0.0) == [5, 5, 5]


def test_a_training_that_never_gets_there_counts_with_all_its_updates():
    assert claim.steps_to_learn(1, 0.0, 1e-6) == claim.EPOCHS * (1797 * 2 // 3 // 64)


def test_verdicts():
    assert claim.verdict(numbers())[0] is Verdict.CONFIRMED
    for amiss in ({"effective": (1, 0.95, 1.05)}, {"opposed": 0.3}, {"on_bowl": 250}):
        decided, _, _, correction = claim.verdict(numbers(**amiss))
        assert decided is Verdict.CORRECTED and correction
    assert claim.verdict(numbers(same=(1.1, 0.8, 1.4)))[0] is Verdict.INCONCLUSIVE
    assert claim.verdict(numbers(same=(0.5, 0.4, 0.6)))[0] is Verdict.REFUTED
    assert claim.verdict(numbers(different=0.01))[0] is Verdict.REFUTED


@pytest.mark.slow
def test_evidence_can_be_shown(evidence):
    assert len(evidence.deciding) < 60
    assert [figure.svg[:4] for figure in evidence.figures] == ["<svg"] * 3
    assert all(len(row) == len(table.columns) for table in evidence.tables for row in table.rows)
    assert evidence.numbers["speed"]["same rate"]["trials"] == 2
