"""Batch sizes: how the rate is scaled, what is trained, and the verdict's criterion."""

import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import batch_size
from mx_notes.notes.claims.batch_size import (
    MARGIN,
    RATE,
    REFERENCE,
    SCALINGS,
    WARM_UP,
    correction,
    rate,
    verdict,
)
from mx_notes.notes.lab.intervals import interval, sides

SAME = interval([0.001, -0.002, 0.003, 0.0, -0.001])
LOSS = interval([-0.20, -0.22, -0.19, -0.21, -0.23])
NOISE = interval([0.05, -0.05, 0.04, -0.04, -0.02])
FASTER = interval([2.3, 2.2, 2.4, 2.3, 2.2])


@pytest.fixture(scope="module")
def evidence():
    """A quick run on two seeds, too few to decide but all there is to measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_size, "QUICK_LOOKS", (2,))
        return batch_size.measure(Setting(quick=True))


def test_the_scaled_rate_is_reached_over_the_warm_up():
    batch = 16 * REFERENCE
    for scaling, factor in (("fixed", 1), ("square root", 4), ("linear", 16)):
        assert rate(0.0, batch, scaling) == pytest.approx(RATE)
        assert rate(WARM_UP / 2, batch, scaling) == pytest.approx(RATE * (1 + factor) / 2)
        assert rate(WARM_UP, batch, scaling) == rate(1.0, batch, scaling) == pytest.approx(RATE * factor)


def test_every_scaling_gives_the_reference_the_same_rate():
    assert {rate(0.5, REFERENCE, scaling) for scaling in SCALINGS} == {RATE}


@pytest.mark.slow
def test_every_batch_is_trained_and_timed_on_every_seed(evidence):
    for by_batch in evidence.numbers["test_accuracy"].values():
        assert by_batch.keys() == {16, 64, 1024}
        assert {len(values) for values in by_batch.values()} == {2}
    assert all(min(speeds) > 0 for speeds in evidence.numbers["images_per_second"].values())
    assert "2 seeds" in evidence.sample and "only" in evidence.sample


@pytest.mark.slow
def test_every_scaling_of_the_reference_is_the_same_training(evidence):
    accuracy = evidence.numbers["test_accuracy"]
    assert accuracy["fixed"][REFERENCE] == accuracy["square root"][REFERENCE] == accuracy["linear"][REFERENCE]


def test_planted_effects_decide_the_verdict():
    all_fail = {32: SAME, 64: LOSS, 1024: LOSS}
    some_hold = {32: SAME, 64: SAME, 256: NOISE, 1024: LOSS}
    assert verdict(FASTER, LOSS, all_fail)[0] is Verdict.CONFIRMED
    assert verdict(FASTER, LOSS, some_hold)[0] is Verdict.CORRECTED
    assert verdict(FASTER, LOSS, {32: SAME, 64: NOISE, 1024: LOSS})[0] is Verdict.INCONCLUSIVE
    assert verdict(NOISE, LOSS, all_fail)[0] is Verdict.INCONCLUSIVE  # speed undecided
    assert verdict(FASTER, NOISE, all_fail)[0] is Verdict.INCONCLUSIVE
    assert verdict(FASTER, SAME, all_fail)[0] is Verdict.REFUTED  # a large batch loses nothing
    assert verdict(FASTER, LOSS, {32: SAME, 64: SAME, 1024: SAME})[0] is Verdict.REFUTED  # proportional
    assert verdict(LOSS, LOSS, all_fail)[0] is Verdict.REFUTED  # slower


def test_the_correction_names_where_linear_scaling_stops():
    holds, fails = sides({32: SAME, 64: SAME, 128: NOISE, 256: LOSS, 1024: LOSS}, -MARGIN)
    assert (holds, fails) == ([32, 64], [256, 1024])
    text = correction(holds, fails)
    assert "a batch of 64" in text and "stops holding at 256" in text
