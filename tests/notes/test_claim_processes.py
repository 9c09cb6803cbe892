"""Claims in processes of their own: the same numbers however many run, in types that JSON has a form for."""

import numpy as np
import pytest

from mx_notes.notes.claim import Setting
from mx_notes.notes.claim_processes import measure, plain
from mx_notes.notes.lab.intervals import Interval

TRAINING = """from mx_notes.notes.lab import small_networks, small_training, splits
    net = small_networks.perceptron(8)
    curve = small_training.train(net, splits.digits(setting.seed), epochs=1, seed=setting.seed)
    numbers = dict(losses=curve.step_loss, names=list(net.collect_params()))"""


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_number_of_workers(plant):
    modules = plant(dict.fromkeys(("one", "two", "three"), TRAINING))
    names = {name: module.__name__ for name, module in modules.items()}
    outcomes = [outcome for workers in (1, 3) for _, outcome in measure(names, Setting(seed=7), workers)]
    assert [outcome.error for outcome in outcomes] == [""] * 6
    first = outcomes[0].evidence.numbers
    assert len(first["losses"]) == 18
    # Bit for bit, and even the names that Gluon counts are the same: no claim sees another.
    assert all(outcome.evidence.numbers == first for outcome in outcomes)


def test_dataclasses_and_numpy_get_json_types():
    numbers = {16: Interval(np.float64(0.5), 0.0, 1.0, trials=3), "steps": (np.arange(2), [np.ones(1)])}
    assert plain(numbers) == {
        "16": {"mean": 0.5, "low": 0.0, "high": 1.0, "trials": 3},
        "steps": [[0, 1], [[1.0]]],
    }


def test_what_json_has_no_form_for_is_named():
    with pytest.raises(TypeError, match=r"evidence holds a set, which JSON has no form for: \{1\}"):
        plain({"a": [1, {1}]})
