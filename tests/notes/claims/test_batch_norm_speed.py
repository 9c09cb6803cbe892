import numpy as np

from mx_notes.notes.claims._batch_norm_speed import Speed


def test_steps_saved_are_without_minus_with():
    trials = [np.ones((2, 1))] * 2
    speed = Speed((0.1,), trials, trials, [0.1, 0.1], [[60, 62, 58], [30, 32, 28]], epochs=1)
    assert speed.saved.mean == 30
    assert speed.saved.above_zero
