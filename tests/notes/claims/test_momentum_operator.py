"""The two lines of momentum against MXNet's operator."""

import pytest

from mx_notes.notes.claims._momentum_operator import bits, limits

# MXNet's


def test_the_two_lines_are_mxnets_to_the_bit():
    found = bits(seed=3, steps=50)
    for way in ("sgd_mom_update", "optimizer.SGD", "the same in MXNet's order"):
        assert found[way] == {"share_different": 0, "largest_difference": 0}
    folded = found["SGD with weight decay in dw"]
    assert folded["share_different"] > 0
    assert folded["largest_difference"] < 1e-5  # 50 steps of float32, numbers of 1


@pytest.mark.parametrize("mu", [0.5, 0.9])
def test_steps_reach_their_limits(mu):
    found = limits(mu)
    assert found["constant"] == pytest.approx(1 / (1 - mu), rel=1e-5)  # float32
    assert found["alternating"] == pytest.approx(1 / (1 + mu), rel=1e-5)
