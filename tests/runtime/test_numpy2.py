"""What the mends of `runtime.numpy2` must not change, beside what tests/conformance holds."""

import copy
import pickle

import numpy as np
import pytest

from mx_notes.runtime import mx, numpy2
from mx_notes.runtime.numpy2 import scalar_sums

NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


def test_every_mend_is_of_a_file_that_names_its_places():
    for kind in (*numpy2.OF_MXNET, *numpy2.OF_GLUONCV):
        assert "mxnet/" in kind.__doc__ or "gluoncv/" in kind.__doc__


def test_metrics_keep_no_scalar_narrower_than_64_bits():
    metric = mx.metric.Loss()
    for _ in range(50):
        metric.update(None, [mx.nd.full((1000,), 2, dtype="float16")])
    assert metric.sum_metric == 100_000  # float16 ends at 65504
    assert metric.get()[1] == 2
    assert repr(metric.get()) == "('loss', 2.0)"
    with pytest.raises(AttributeError, match="sum_metric"):
        del metric.sum_metric
        metric.sum_metric  # noqa: B018


def test_perplexity_of_lists_that_do_not_match_is_refused_as_before():
    metric = mx.metric.Perplexity(None)
    with pytest.raises(AssertionError):
        metric.update([mx.nd.array([0])], [])


def test_a_programs_own_sums_are_in_double_precision():
    half, small = mx.nd.full((1,), 60_000, dtype="float16"), mx.nd.array([200], dtype="uint8")
    assert sum([half.asscalar()] * 3) == 180_000
    assert sum([half.asnumpy()[0]] * 3) == 180_000
    assert small.asscalar() + 100 == 300
    third = mx.nd.array([0.1]).asscalar()
    assert type(0.0 + third) is np.float64
    assert third != 0.1  # as float64, as before NumPy 2
    assert (third * third).dtype == np.float32  # between scalars of MXNet nothing has changed


@pytest.mark.skipif(not NUMPY_2, reason="nothing is mended")
@pytest.mark.parametrize("narrow", scalar_sums.NARROW)
def test_a_scalar_that_widens_is_the_scalar_that_it_was(narrow):
    value = scalar_sums.widening(narrow(3))
    assert isinstance(value, narrow)
    assert (repr(value), str(value), hash(value), type(value).__name__) == (
        *(repr(narrow(3)), str(narrow(3)), hash(narrow(3))),
        narrow.__name__,
    )
    assert type(pickle.loads(pickle.dumps(value))) is narrow
    assert copy.deepcopy(value) == value
    assert np.array([value]).dtype == (value * np.ones(2, narrow)).dtype == narrow
    assert (2 + value, value - 1, 7 // value, 2**value, -value if narrow(0) - 1 < 0 else -3) == (
        5,
        2,
        2,
        8,
        -3,
    )


def test_arrays_of_one_value_are_arrays():
    one = mx.nd.ones((2, 3)).sum().asnumpy()
    assert isinstance(one, np.ndarray)
    assert (one.shape, one.dtype, repr(one)) == ((1,), np.float32, "array([6.], dtype=float32)")
    assert type(pickle.loads(pickle.dumps(one, protocol=5))) is np.ndarray
    assert type(mx.nd.ones((2,)).asnumpy()) is np.ndarray
    with pytest.raises(TypeError):
        float(np.concatenate([one, one]))


def test_numbers_within_shapes_are_numbers_in_every_thread():
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(mx.nd.zeros((np.int64(2), np.int64(3))).shape))
    thread.start()
    thread.join()
    assert found == [(2, 3)]


def test_a_name_with_np_in_it_stays_as_it_is():
    assert mx.sym.var("x", attr={"__note__": "np.zeros"}).attr("__note__") == "np.zeros"
