import numpy as np
import pytest
from hand_made import dense, leaf, look, node, sample, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.batch_norm import BatchNorm


def batch_norm(shape=(4, 8, 5, 5), op="BatchNorm", mean=0, **attributes):
    parts = {"gamma": 1, "beta": 0, "running_mean": mean, "running_var": 1}
    inputs = [leaf(f"bn_{part}", np.full(8, value), parameter=True) for part, value in parts.items()]
    return node(op, leaf("data", shape=shape), *inputs, shape=shape, name="bn", **attributes)


@pytest.mark.parametrize("op", ["BatchNorm", "_contrib_SyncBatchNorm", "_contrib_BatchNormWithReLU"])
def test_running_statistics_in_place_of_the_batchs(op):
    finding = the_finding(BatchNorm(), step(look(batch_norm(op=op, use_global_stats=True))))
    assert finding.severity is WARNING
    assert f"bn ({op}) has use_global_stats=True" in finding.text
    assert "normalises by the running statistics, not the batch's" in finding.text


def test_running_statistics_that_were_trained_are_a_frozen_bodys():
    assert BatchNorm().on_step(step(look(batch_norm(use_global_stats=True, mean=0.3)))) == []


@pytest.mark.parametrize(("shape", "axis"), [((1, 8), 1), ((1, 8), -1), ((1, 8, 1, 1), 1), ((1, 1, 1, 8), 3)])
def test_one_value_per_channel(shape, axis):
    finding = the_finding(BatchNorm(), step(look(batch_norm(shape, axis=axis))))
    assert finding.severity is WARNING
    assert "one value per channel (a batch of one example)" in finding.text


def test_an_operator_without_a_name_of_its_own_is_named_once():
    nameless = batch_norm(use_global_stats=True)
    nameless.name = "BatchNorm"
    assert the_finding(BatchNorm(), step(look(nameless))).text.startswith("BatchNorm has use_global_stats")


def test_one_image_has_many_values_per_channel():
    assert BatchNorm().on_step(step(look(batch_norm((1, 8, 5, 5))))) == []


@pytest.mark.parametrize("settings", [{}, {"fix_gamma": True}])  # the default is True
def test_a_gamma_that_is_held_and_decayed(settings):
    decayed = sample("bn_gamma", before=[1.0], weight_decay=1e-4)
    finding = the_finding(BatchNorm(), step(look(batch_norm(**settings)), decayed))
    assert finding.severity is WARNING
    assert "bn_gamma is held at 1" in finding.text
    assert "set fix_gamma=False, or its wd_mult to 0" in finding.text


def test_a_gamma_may_be_held_or_decayed():
    decayed = sample("bn_gamma", before=[1.0], weight_decay=1e-4)
    assert BatchNorm().on_step(step(look(batch_norm(fix_gamma=False)), decayed)) == []
    assert BatchNorm().on_step(step(look(batch_norm(fix_gamma=True)), sample("bn_gamma", before=[1.0]))) == []


def test_two_faults_are_two_findings():
    faults = BatchNorm().on_step(step(look(batch_norm((1, 8), use_global_stats=True))))
    assert len(faults) == 2


def test_without_a_batch_norm_there_is_nothing_to_check():
    assert BatchNorm().on_step(step(look(dense(leaf("data", shape=(4, 8)))))) is NOTHING_TO_CHECK
    assert BatchNorm().on_step(step()) is NOTHING_TO_CHECK
