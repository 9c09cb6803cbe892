import numpy as np
import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import losses_averaged as claim
from mx_notes.runtime import mx

N = claim.EXAMPLES


@pytest.fixture(scope="module")
def evidence():
    return claim.measure(Setting(quick=True))


def numbers(buffers=(1.0, N), distance=1e-6, wrong=1e-6, off=1e-9):
    return {
        "ways": {f"way {b:g}": {"buffers": [b, b], "distance": [distance, 1e-7]} for b in buffers},
        "wrong": {"the sum": {"distance": [wrong]}},
        "off_the_derivative": [off],
        "batch_norm_in_halves": 0.5,
    }


def test_own_gradients_are_those_of_the_formula():
    """By the last bias, an example's own gradient is its probabilities, less 1 at its class."""
    net, (images,), (labels,) = claim.start(1, claim.ONE)
    own = claim.own_gradients(net, images, labels)
    with mx.autograd.record():  # batch norm as in training
        p = net(images).softmax().asnumpy()
    names = [parameter.name for parameter in claim.learned(net)]
    assert names[-1].endswith("bias") and own.shape[0] == N
    expected = p - np.eye(10)[labels.asnumpy().astype(int)]
    np.testing.assert_allclose(own[:, -10:], expected, atol=1e-5)  # float32 scores of some tens


def test_every_way_applies_the_mean(evidence):
    for way, found in evidence.numbers["ways"].items():
        assert max(found["distance"]) < claim.SAME, way  # float32 through 20 layers in another order
        np.testing.assert_allclose(found["applied"], 1, rtol=claim.SAME)
    buffers = {way: round(found["buffers"][0], 3) for way, found in evidence.numbers["ways"].items()}
    assert buffers["Module, mean in the graph"] == buffers["Gluon, mean of the losses, step(1)"] == 1
    assert buffers["Module, SoftmaxOutput"] == buffers["Module, SoftmaxOutput, 2 devices"] == N


def test_what_is_wrong_is_off_by_its_factor(evidence):
    wrong = list(evidence.numbers["wrong"].values())
    assert [found["expected"] for found in wrong] == [[N], [1 / N], [2]]
    for found in wrong:
        np.testing.assert_allclose(found["applied"], found["expected"], rtol=claim.SAME)
        assert max(found["distance"]) < claim.SAME
    # By linearity, but for rounding: the parts of the mean add up to it.
    np.testing.assert_allclose(evidence.numbers["one_loss_alone"], 1 / N, rtol=1e-9)


def test_backward_gives_the_derivative(evidence, monkeypatch):
    # Rounding of the difference of two losses: 1e-16 over steps of 1e-9.
    assert max(evidence.numbers["off_the_derivative"]) < 1e-5
    monkeypatch.setattr(
        claim, "cross_entropy", lambda scores, labels: mx.nd.BlockGrad(scores[:, 0]) + scores[:, 1]
    )
    assert claim.off_the_derivative(1) > 0.1


def test_fewer_losses_are_as_far_off_as_sampling_says():
    own = np.random.default_rng(0).normal(0.5, 1, (N, 1000))
    measured = claim.subsets(own, np.random.default_rng(1), draws=200)
    used = np.array(list(measured))
    # 200 draws of nearly independent parameters: a few per cent; at all losses both are 0
    np.testing.assert_allclose(list(measured.values()), claim.theory(own, used), rtol=0.05, atol=1e-12)


def test_factor_and_distance():
    mean = np.array([3.0, 4.0])
    assert claim.factor(2 * mean, mean) == 2
    assert claim.factor(np.array([-4.0, 3.0]), mean) == 0
    assert claim.distance(np.array([3.0, 4.5]), mean) == pytest.approx(0.1)


def test_verdicts():
    assert claim.verdict(numbers(buffers=(1.0, 1.0)))[0] is Verdict.CONFIRMED
    decided, _, _, correction = claim.verdict(numbers())
    assert decided is Verdict.CORRECTED and "1 of 2 ways" in correction
    assert claim.verdict(numbers(distance=0.01))[0] is Verdict.REFUTED
    assert claim.verdict(numbers(buffers=(1.0, 16.0)))[0] is Verdict.REFUTED
    assert claim.verdict(numbers(wrong=0.5))[0] is Verdict.INCONCLUSIVE
    assert claim.verdict(numbers(off=0.01))[0] is Verdict.INCONCLUSIVE


def test_evidence_can_be_shown(evidence):
    assert len(evidence.deciding) < 180 and evidence.deciding.endswith(".")
    assert evidence.figures[0].svg.startswith("<svg")
    assert all(len(row) == len(table.columns) for table in evidence.tables for row in table.rows)
