import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import momentum_speeds_up as claim

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


def test_steps_with_the_velocity_are_longer_and_those_against_it_not_always_shorter():
    found = claim.directions(2)
    assert found["agree_longer"] > 0.999  # all, but for numbers that vanish in float32
    assert 0 < found["oppose_longer"] < found["oppose_uphill"] < 1


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
    assert len(evidence.deciding) < 180 and evidence.deciding.endswith(".")
    assert [figure.svg[:4] for figure in evidence.figures] == ["<svg"] * 3
    assert all(len(row) == len(table.columns) for table in evidence.tables for row in table.rows)
    assert evidence.numbers["speed"]["same rate"]["trials"] == 3
