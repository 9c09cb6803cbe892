"""What a TrainedModule tells of itself is what MXNet's own methods do, and can be put back."""

import numpy as np
import pytest
from small_network import bound, network, parameters, take

from mx_notes.parallel import TrainedModule
from mx_notes.runtime import mx


@pytest.fixture(params=[1, 2], ids=["one device", "two devices"])
def trained(request, digits):
    module = bound(network(lambda: mx.gluon.nn.BatchNorm(prefix="norm_")), request.param, 16)
    take(module, digits, [16, 16, 7])
    mx.nd.waitall()
    return module


def test_parameters_are_those_of_get_params(trained):
    arguments, auxiliary = trained.parameters()
    expected, _ = trained.get_params()
    assert list(arguments) == trained.parameter_names and arguments.keys() == expected.keys()
    for name, array in arguments.items():
        np.testing.assert_allclose(array.asnumpy(), expected[name].asnumpy(), rtol=1e-6)  # their float32 mean
    assert auxiliary.keys() == {"net_norm_running_mean", "net_norm_running_var"}


def test_statistics_are_copies_of_each_devices(trained):
    found = trained.statistics()
    assert len(found) == len(trained.devices) == len(trained.executors)
    for own, executor in zip(found, trained.executors, strict=True):
        for name, values in own.items():
            assert (values == executor.aux_dict[name].asnumpy()).all()
    if len(found) == 2:
        assert (found[0]["net_norm_running_mean"] != found[1]["net_norm_running_mean"]).any()


def test_the_optimisers_arrays_and_counts_can_be_put_back(trained, digits):
    counts = trained.update_counts()
    assert counts == dict.fromkeys(trained.parameter_names, 3)
    momentum = {name: array.asnumpy() for name, array in trained.optimizer_arrays().items()}
    assert momentum.keys() == {f"momentum:{name}" for name in trained.parameter_names}
    fresh = trained.restore_optimizer(counts)
    assert fresh.keys() == momentum.keys()
    assert not any(array.asnumpy().any() for array in fresh.values())
    for name, array in fresh.items():
        array[:] = momentum[name]
    take(trained, digits, [16])
    assert set(trained.update_counts().values()) == {4}
    weights = next(name for name in momentum if name.endswith("weight"))
    assert (trained.optimizer_arrays()[weights].asnumpy() != momentum[weights]).any()


def test_update_gives_the_bits_of_modules_own(digits):
    def after(make, together):
        module = bound(network(), 1, 16, make)
        module._optimizer.aggregate_num = together
        take(module, digits, [16, 16, 7])
        return parameters(module)

    ours = after(lambda symbol, devices: TrainedModule(symbol, context=devices), 16)
    own = after(lambda symbol, devices: mx.mod.Module(symbol, context=devices), 4)
    assert all((ours[name] == own[name]).all() for name in own)
