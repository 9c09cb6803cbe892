"""Recipes: settings, their errors, and the schedules."""

import pytest

from mx_notes.errors import UserError
from mx_notes.recipes import PRESETS, Recipe, Schedule, preset


def rates(recipe: Recipe, steps_per_epoch: int = 10) -> list[float]:
    schedule = Schedule(recipe, steps_per_epoch, base_lr=recipe.learning_rate)
    return [schedule(update) for update in range(1, recipe.epochs * steps_per_epoch + 1)]


def test_settings_change_any_knob_and_keep_its_type():
    recipe = preset("digits").override(["lr=0.05", "epochs=3", "schedule=constant", "batch-size=32"])
    assert (recipe.learning_rate, recipe.epochs, recipe.schedule, recipe.batch_size) == (
        0.05,
        3,
        "constant",
        32,
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("learning_rat=1", "did you mean learning_rate?"),
        ("epochs=three", "epochs=three: expected a whole number"),
        ("batch_size=0", "batch_size=0: expected a whole number of at least 1"),
        ("lr=nan", "learning_rate=nan: expected a finite number"),
        ("lr=-1", "learning_rate=-1.0: expected a number above 0"),
        ("schedule=cosin", "schedule=cosin: expected one of constant, step, cosine"),
        ("epochs", "--set epochs: not name=value"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(setting, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        preset("digits").override([setting])


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match="did you mean fashion-mnist"):
        preset("fashion_mnist")


def test_step_schedule_is_the_notes():
    recipe = PRESETS["cifar10"].override(["epochs=6"])
    assert rates(recipe) == [0.1] * 50 + [pytest.approx(0.01)] * 10


def test_warm_up_rises_to_the_full_rate_and_cosine_falls_to_almost_nothing():
    values = rates(Recipe(epochs=10, schedule="cosine", warmup_epochs=1.0, learning_rate=0.4))
    assert values[0] == pytest.approx(0.04)
    assert max(values) == pytest.approx(0.4)
    assert values.index(max(values)) in (9, 10)
    assert values[-1] < 0.001
    assert values[10:] == sorted(values[10:], reverse=True)
