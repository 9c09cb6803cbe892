"""Small trainings: when they reach a loss."""

from mx_notes.notes.lab.small_training import Curve


def test_a_loss_is_reached_when_the_mean_of_the_latest_steps_falls_below_it():
    losses = [1.3] * 20 + [0.2] * 9
    assert Curve(losses).steps_to(0.3, window=9) == 20 + 9  # the first window without a high loss
    assert Curve([2.0] * 30).steps_to(0.3, window=9) == 30
    assert Curve([float("nan")] * 30).steps_to(0.3, window=9) == 30
