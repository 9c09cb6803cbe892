"""Learning-rate schedules: their values, their trainings, and the verdict's criterion."""

import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import large_rate_first as learning_rate
from mx_notes.notes.claims.large_rate_first import after_drop, cosine, name, stepped, verdict
from mx_notes.notes.lab.intervals import interval

BETTER = interval([0.010, 0.012, 0.009, 0.011, 0.013])
WORSE = interval([-0.010, -0.012, -0.009, -0.011, -0.013])
EQUAL = interval([0.001, -0.001, 0.002, -0.002, 0.0])
NOISE = interval([0.03, -0.03, 0.02, -0.02, 0.0])


@pytest.fixture(scope="module")
def evidence():
    """A quick run on two seeds, too few to decide but all there is to measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning_rate, "QUICK_LOOKS", (2,))
        return learning_rate.measure(Setting(quick=True))


def test_the_note_s_schedule_is_200_epochs_of_240_at_a_tenth_then_a_hundredth():
    assert stepped(199.9 / 240, learning_rate.NOTE) == 0.1
    assert stepped(200 / 240, learning_rate.NOTE) == pytest.approx(0.01)


def test_a_drop_at_0_or_1_is_a_constant_rate():
    assert {stepped(done, 0) for done in (0, 0.5, 0.99)} == {learning_rate.LARGE / 10}
    assert {stepped(done, 1) for done in (0, 0.5, 0.99)} == {learning_rate.LARGE}


def test_cosine_falls_from_the_large_rate_to_0():
    assert cosine(0) == pytest.approx(0.1)
    assert cosine(0.5) == pytest.approx(0.05)
    assert cosine(1) == pytest.approx(0, abs=1e-15)  # the cosine of float64's pi


@pytest.mark.slow
def test_every_schedule_is_trained_on_every_seed(evidence):
    accuracies = evidence.numbers["test_accuracy"]
    assert "constant small" in accuracies and "constant large" in accuracies
    (seeds,) = {len(values) for values in accuracies.values()}
    assert seeds == 2 and f"{seeds} seeds" in evidence.sample
    # A tenth is guessing; every schedule learns digits.
    assert all(min(values) > 0.5 for values in accuracies.values())
    assert "no cosine" in evidence.sample


@pytest.mark.slow
def test_until_they_drop_two_schedules_are_the_same_training(evidence):
    losses = evidence.numbers["loss_by_step"]
    late, never = losses[name(learning_rate.NOTE)], losses["constant large"]
    # The update after step 300 of 360 is the first at a tenth: until then the same arithmetic, bit for bit.
    assert [run[:301] for run in late] == [run[:301] for run in never]
    assert [run[301] for run in late] != [run[301] for run in never]


def test_a_planted_jump_after_the_drop_is_found():
    calm = [1.0] * 120
    jump = [1.0] * 100 + [1.5] * 20  # the drop is at 100 of 120
    assert after_drop(calm) == 1
    assert after_drop(jump) == 1.5


def test_planted_effects_decide_the_verdict():
    assert verdict(BETTER, BETTER, BETTER)[0] is Verdict.CONFIRMED
    assert verdict(BETTER, BETTER, EQUAL)[0] is Verdict.CORRECTED  # an early drop does as well
    assert verdict(BETTER, BETTER, NOISE)[0] is Verdict.INCONCLUSIVE
    assert verdict(NOISE, BETTER, BETTER)[0] is Verdict.INCONCLUSIVE
    assert verdict(EQUAL, EQUAL, EQUAL)[0] is Verdict.INCONCLUSIVE
    assert verdict(WORSE, BETTER, BETTER)[0] is Verdict.REFUTED
    assert verdict(NOISE, WORSE, BETTER)[0] is Verdict.REFUTED
