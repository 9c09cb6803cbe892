import gc

import pytest

from mx_notes import audit
from mx_notes.runtime import mx


@pytest.fixture
def without_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def arrays_alive() -> int:
    return sum(issubclass(type(thing), mx.nd.NDArray) for thing in gc.get_objects())


def test_one_audit_after_another_keeps_no_arrays(without_collection):
    network = mx.gluon.nn.Dense(3, in_units=4)
    network.initialize()
    trainer = mx.gluon.Trainer(network.collect_params(), "sgd")
    alive, watches = [], []
    for _ in range(6):
        with audit() as watch:
            for _ in range(2):
                with mx.autograd.record():
                    loss = network(mx.nd.ones((2, 4))).mean()
                loss.backward()
                trainer.step(1)
        watches.append(watch)
        alive.append(arrays_alive())
    # What a watch keeps, such as its steps' records, are no arrays of the program.
    assert alive[-1] <= alive[0], alive
