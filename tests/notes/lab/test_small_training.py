"""Small trainings: when they reach a loss, and that networks side by side share nothing."""

import numpy as np
import pytest

from mx_notes.notes.lab import small_networks, splits
from mx_notes.notes.lab.small_training import Curve, train, train_side_by_side
from mx_notes.runtime import mx


def test_a_loss_is_reached_when_the_mean_of_the_latest_steps_falls_below_it():
    losses = [1.3] * 20 + [0.2] * 9
    assert Curve(losses).steps_to(0.3, window=9) == 20 + 9  # the first window without a high loss
    assert Curve([2.0] * 30).steps_to(0.3, window=9) == 30
    assert Curve([float("nan")] * 30).steps_to(0.3, window=9) == 30


class Alike(mx.init.Initializer):
    """Gives each of some networks side by side the same weights, whatever the shape of their arrays."""

    def __init__(self, networks):
        super().__init__(networks=networks)
        self.networks = networks

    def _init_weight(self, name, array):
        own = np.random.default_rng(1).normal(0, 0.1, array.size // self.networks)
        array[:] = np.tile(own, self.networks).reshape(array.shape)


def test_networks_side_by_side_train_as_each_does_alone():
    seeds = (1, 2, 3)
    parts = [splits.digits(seed).few(64) for seed in seeds]
    settings = {
        "epochs": 3,
        "batch_size": 16,
        "augment": lambda images, rng, done: images + rng.normal(0, 0.1, images.shape).astype("float32"),
    }
    net = small_networks.convolutional(batch_norm=True, count=3)
    together = train_side_by_side(net, parts, seeds=seeds, initializer=Alike(3), **settings)
    for seed, part, curve in zip(seeds, parts, together, strict=True):
        net = small_networks.convolutional(batch_norm=True)
        alone = train(net, part, seed=seed, initializer=Alike(1), **settings)
        # The same arithmetic by other kernels: float32's rounding, which 12 updates enlarge.
        np.testing.assert_allclose(curve.step_loss, alone.step_loss, rtol=1e-4)
        assert curve.test_accuracy == pytest.approx(alone.test_accuracy, abs=0.005)
