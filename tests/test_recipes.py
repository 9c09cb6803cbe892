"""Recipes: settings, their errors, and the schedules."""

import json

import pytest

from mx_notes import recipes
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
        ("epochs", "^--set epochs: expected a value, as in epochs=40$"),
        ("learning_rate", "^--set learning_rate: expected a value, as in learning_rate=0.05$"),
        ("nosuch=1", "^--set nosuch=1: no such knob; `mx-notes recipes digits` lists the knobs$"),
    ],
)
def test_a_wrong_setting_says_what_would_be_right(setting, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        preset("digits").override([setting])


@pytest.mark.parametrize("name", PRESETS)
def test_a_recipe_is_read_as_it_was_written(name, tmp_path):
    recipe = PRESETS[name].override(["seed=12345678901234567890", "lr=1e30", "data_dir=ä b"])
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    assert recipes.read(tmp_path / "recipe.json") == recipe


def test_whole_numbers_are_numbers_and_missing_knobs_have_their_defaults():
    assert Recipe.from_json('{"learning_rate": 1}') == Recipe(learning_rate=1.0)
    assert type(Recipe.from_json('{"learning_rate": 1}').learning_rate) is float


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a recipe in JSON: Expecting value"),
        (b"\xff\xfe", "'utf-8' codec can't decode"),
        (b"[]", "expected one JSON object of knobs"),
        (b"[" * 30_000, "not a recipe in JSON"),
        (b'{"seed": ' + b"9" * 9_000 + b"}", "not a recipe in JSON"),
        (b'{"learning_rate": ' + b"9" * 400 + b"}", "learning_rate=9999"),
        (b'{"colour": "red"}', "no such knob: 'colour'"),
        (b'{"epochs": 2.5}', "epochs=2.5: expected a whole number"),
        (b'{"epochs": true}', "epochs=True: expected a whole number"),
        (b'{"epochs": "3"}', "epochs='3': expected a whole number"),
        (b'{"epochs": null}', "epochs=None: expected a whole number"),
        (b'{"momentum": NaN}', "momentum=nan: expected a finite number"),
        (b'{"learning_rate": 1e999}', "learning_rate=inf: expected a finite number"),
        (b'{"data_dir": "a\\nb"}', "expected text in one line"),
        (b'{"data_dir": "\\u0000"}', "expected text in one line"),
        (b'{"data_dir": "\\ud800"}', "expected text in one line"),
        (b'{"image_size": 1000000}', "image_size=1000000: expected at most 4096 pixels"),
        (b" " * 100_000 + b"{}", "100002 bytes, expected at most 65536"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path, content, message):
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        recipes.read(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_recipe_that_is_not_there_or_a_link_to_something_else(tmp_path):
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("gone", "link", "."):
        with pytest.raises(UserError, match=str(tmp_path)):
            recipes.read(tmp_path / name)


def test_older_files_have_knobs_that_are_gone():
    older = '{"seed": 7, "kvstore": "dist_sync", "gradient_compression": 0.0}'
    assert Recipe.from_json(older) == Recipe(seed=7)
    for knob, value, only in [
        ("kvstore", "dist_async", "'dist_sync'"),
        ("gradient_compression", 0.5, "0"),
        ("gradient_compression", None, "0"),
    ]:
        with pytest.raises(UserError) as caught:
            Recipe.from_json(json.dumps({knob: value}))
        assert str(caught.value) == f"{knob}={value!r}: expected {only}: this is no longer a knob"


@pytest.mark.parametrize("setting", ["kvstore=dist_sync", "gradient_compression=0"])
def test_knobs_that_are_gone_cannot_be_set(setting):
    with pytest.raises(UserError, match="no such knob"):
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


def test_knobs_are_set_as_values_too():
    recipe = preset("digits").override(lr=1, epochs=3, schedule="constant")
    assert (recipe.learning_rate, recipe.epochs, recipe.schedule) == (1.0, 3, "constant")
    assert type(recipe.learning_rate) is float
    for knobs, message in [
        ({"epoch": 3}, "no such knob: epoch; did you mean epochs?"),
        ({"epochs": 2.5}, "epochs=2.5: expected a whole number"),
        ({"epochs": 0}, "epochs=0: expected a whole number of at least 1"),
    ]:
        with pytest.raises(UserError, match=message.replace("?", r"\?")):
            preset("digits").override(**knobs)
