import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import softmax as claim

scores = st.lists(st.floats(-50, 50), min_size=2, max_size=10).map(np.array)


@pytest.fixture(scope="module")
def evidence():
    return claim.measure(Setting(quick=True))


def numbers(**changed):
    """What a run would see in which everything that the note says holds."""
    holds = {
        "sum_off_one": 2e-16,
        "gradients": {"autograd, log_softmax": 3e-16, "SoftmaxOutput": 3e-16, "central differences": 1e-10},
        "drawn": {"P": 0.4},
        "printed_wrongly": [],
        "change_on_doubling": 0.0,
        "change_on_shifting": 1e-16,
        "off_exponential_of_difference": 1e-15,
    }
    return holds | changed


def test_the_example_to_six_digits(evidence):
    p = scipy.special.softmax([1.0, 5.0, 3.0])
    np.testing.assert_allclose(evidence.numbers["probabilities"], p, rtol=0, atol=5e-7)
    np.testing.assert_allclose(evidence.numbers["gradient"], p - [0, 1, 0], rtol=0, atol=5e-7)
    rows = evidence.tables[0].rows
    assert [row[1] for row in rows] == ["0.015876", "0.866813", "0.117310"]


def test_digits_that_the_note_cut_off_are_found():
    assert claim.printed_wrongly() == [
        "0.015 for 0.015876",
        "0.866 for 0.866813",
        "0.015 for 0.015876",
        "-0.134 for -0.133187",
    ]
    assert claim.rounds_to(0.1173104, "0.117")
    assert not claim.rounds_to(0.1176, "0.117")


def test_every_road_to_the_gradient_agrees(evidence):
    found = dict(evidence.numbers["gradients"])
    # Central differences at step 1e-5: truncation and rounding of 1e-10 each, with a margin.
    assert found.pop("central differences") < 1e-8
    assert len(found) == 3
    assert max(found.values()) < 1e-12  # float64, numbers of at most 1


def test_a_wrong_gradient_is_told_from_the_right_one():
    logits = np.random.default_rng(0).normal(size=(3, 10))
    found = claim.gradient_differences(logits, np.array([1, 2, 3]))
    assert max(found.values()) < 1e-8
    assert np.abs(claim.central_differences(logits[0], 1) - claim.gradient(logits[0], 2)).max() > 0.5


@given(scores, st.floats(-50, 50))
def test_sums_to_one_and_ignores_a_shift(x, shift):
    p = claim.softmax(x)
    assert p.sum() == pytest.approx(1, abs=1e-14) and (p >= 0).all()
    # Adding the shift rounds scores of up to 100, by 1e-14 each.
    np.testing.assert_allclose(claim.softmax(x + shift), p, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(p, scipy.special.softmax(x), rtol=1e-13)


@given(scores)
def test_loss_and_gradient_fit_each_other(x):
    p = claim.softmax(x)
    assert claim.loss(x, 0) == pytest.approx(-scipy.special.log_softmax(x)[0], rel=1e-12, abs=1e-13)
    assert claim.gradient(x, 0).sum() == pytest.approx(0, abs=1e-14)
    np.testing.assert_array_equal(claim.gradient(x, 1)[1], p[1] - 1)


def test_rows_are_apart():
    x = np.random.default_rng(1).normal(size=(4, 5))
    np.testing.assert_array_equal(claim.softmax(x)[2], claim.softmax(x[2]))


def test_the_formula_as_written_overflows_and_the_shift_cures_it(evidence):
    assert np.isnan(claim.naive_softmax(np.array([1000.0, 999.0]))).any()
    assert np.isfinite(claim.naive_softmax(np.array([88.0, 0.0]))).all()
    assert np.isnan(claim.naive_softmax(np.array([89.0, 0.0]))).any()  # e^88.72 is the end of float32
    assert np.isfinite(claim.naive_softmax(np.array([709.0, 0.0]), np.float64)).all()
    assert np.isnan(claim.naive_softmax(np.array([710.0, 0.0]), np.float64)).any()
    overflow = evidence.numbers["overflow"]
    assert all(answers == [None, None] for road, answers in overflow.items() if "as written" in road)
    expected = scipy.special.softmax([2.0, 1.0, 0.0])
    for road in ("largest subtracted", "mx.nd.softmax, float32"):
        np.testing.assert_allclose(overflow[road][0], expected, rtol=1e-6)  # float32
    assert claim.loss(np.array([0.0, 1000.0]), 0) == 1000.0


def test_all_elements_are_drawn(evidence):
    counts = np.array(evidence.numbers["drawn"]["counts"])
    assert counts.sum() == 20_000 and (counts > 0).all()


def test_doubling_is_not_proportional(evidence):
    assert evidence.numbers["change_on_doubling"] > 0.1
    assert evidence.numbers["change_on_shifting"] < 1e-13
    assert evidence.numbers["off_exponential_of_difference"] < 1e-12


def test_verdicts():
    assert claim.verdict(numbers())[0] is Verdict.CONFIRMED
    for proportion in ({"change_on_doubling": 0.3}, {"printed_wrongly": ["0.015 for 0.015876"]}):
        decided, _, _, correction = claim.verdict(numbers(**proportion))
        assert decided is Verdict.CORRECTED and correction
    for damage in (
        {"sum_off_one": 1e-3},
        {"gradients": {"SoftmaxOutput": 1e-6, "central differences": 1e-10}},
        {"gradients": {"SoftmaxOutput": 1e-16, "central differences": 1e-3}},
        {"drawn": {"P": 1e-6}},
    ):
        assert claim.verdict(numbers(**damage))[0] is Verdict.REFUTED


def test_evidence_can_be_shown(evidence):
    assert len(evidence.deciding) < 180 and evidence.deciding.endswith(".")
    assert [figure.svg[:4] for figure in evidence.figures] == ["<svg"] * 2
    assert all(len(row) == len(table.columns) for table in evidence.tables for row in table.rows)
