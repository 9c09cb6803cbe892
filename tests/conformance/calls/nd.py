"""mx.nd: shapes, indices, conversions, operators."""

import copy
import math
import pickle

import mxnet as mx
import numpy as np
from mxnet import nd

from . import grid, spelled

A = nd.array(grid(2, 3))
WIDE = nd.array(grid(2, 6))
IMAGE = nd.array(grid(1, 2, 4, 4))


def assigned(shape, key, value, dtype="float32"):
    x = nd.zeros(shape, dtype=dtype)
    x[key] = value
    return x


CALLS = {
    **spelled(
        {
            "zeros": lambda n: nd.zeros(n(2, 3)),
            "ones": lambda n: nd.ones(n(2, 3)),
            "empty": lambda n: nd.empty(n(2, 3)).shape,
            "full": lambda n: nd.full(n(2, 3), np.float64(1.5)),
            "reshape": lambda n: A.reshape(n(3, 2)),
            "reshape by name": lambda n: A.reshape(shape=n(3, 2)),
            "nd.reshape": lambda n: nd.reshape(A, shape=n(3, 2)),
            "transpose": lambda n: nd.transpose(A, axes=n(1, 0)),
            "A.transpose": lambda n: A.transpose(n(1, 0)),
            "slice": lambda n: nd.slice(A, begin=n(0, 1), end=n(2, 3)),
            "tile": lambda n: nd.tile(A, reps=n(2, 2)),
            "A.tile": lambda n: A.tile(n(2, 1)),
            "broadcast_to": lambda n: nd.broadcast_to(nd.ones((1, 3)), shape=n(2, 3)),
            "sum over axes": lambda n: nd.sum(A, axis=n(0, 1)),
            "mean over axes": lambda n: A.mean(axis=n(0, 1)),
            "max over axes": lambda n: A.max(axis=n(0, 1)),
            "expand and squeeze": lambda n: nd.zeros((1, 2, 1)).squeeze(axis=n(0, 2)).shape,
            "pad": lambda n: nd.pad(
                IMAGE, mode="constant", pad_width=n(0, 0, 0, 0, 1, 1, 0, 1), constant_value=np.float32(7)
            ),
            "random.uniform": lambda n: nd.random.uniform(shape=n(2, 3)).shape,
            "random.normal": lambda n: nd.random.normal(np.float64(0), np.float32(1), shape=n(2, 3)).shape,
            "random.randint": lambda n: nd.random.randint(np.int64(0), 9, shape=n(2, 3)).shape,
            "random.multinomial": lambda n: nd.random.multinomial(nd.array([0.5, 0.5]), shape=n(2, 3)).shape,
            "Convolution": lambda n: nd.Convolution(
                IMAGE,
                nd.ones((2, 2, 3, 3)),
                nd.zeros(2),
                kernel=n(3, 3),
                stride=n(1, 1),
                pad=n(1, 1),
                num_filter=2,
            ),
            "Pooling": lambda n: nd.Pooling(IMAGE, kernel=n(2, 2), stride=n(2, 2), pool_type="max"),
            "ROIPooling": lambda n: nd.ROIPooling(
                IMAGE, nd.array([[0, 0, 0, 3, 3]]), pooled_size=n(2, 2), spatial_scale=np.float32(1)
            ),
            "one_hot of shape": lambda n: nd.one_hot(nd.array([0, 2]), np.int64(3)).reshape(n(3, 2)),
            "A[rows:, columns]": lambda n: WIDE[n(0, 1)[0] : n(2, 2)[0], n(1, 5)[0] : n(5, 5)[0]],
        }
    ),
    "reshape by a product": lambda: nd.ones((2, 3, 4)).reshape((2, np.prod((3, 4)))).shape,
    "reshape by a shape's parts": lambda: nd.ones((2, 3, 4)).reshape((np.int64(0), -1)).shape,
    "step in a slice": lambda: WIDE[:, np.int64(0) : np.int64(6) : np.int64(2)],
    "scalar index": lambda: WIDE[np.int64(1), np.int64(3)],
    "one np.int64 index": lambda: WIDE[np.int64(1)],
    "negative np.int64 index": lambda: WIDE[np.int64(-1), np.int32(-2)],
    "index by list": lambda: WIDE[[0, 1], [1, 2]],
    "index by NumPy array": lambda: WIDE[:, np.array([1, 3])],
    "index by two arrays": lambda: WIDE[np.array([0, 1]), np.array([1, 2])],
    "index by nd": lambda: WIDE[nd.array([1, 0])],
    "slice_axis": lambda: nd.slice_axis(A, axis=np.int64(1), begin=np.int64(1), end=np.int64(3)),
    "split": lambda: nd.split(A, num_outputs=np.int64(3), axis=np.int64(1)),
    "concat": lambda: nd.concat(A, A, dim=np.int64(0)),
    "stack": lambda: nd.stack(A, A, axis=np.int64(1)).shape,
    "take": lambda: nd.take(A, nd.array(np.array([1, 0])), axis=np.int64(1)),
    "pick": lambda: nd.pick(A, nd.array(np.array([1, 2])), axis=np.int64(1)),
    "topk": lambda: nd.topk(A, k=np.int64(2), ret_typ="value"),
    "argmax": lambda: A.argmax(axis=np.int64(1)),
    "sort": lambda: nd.sort(-A, axis=np.int64(1)),
    "clip": lambda: nd.clip(A, np.float32(1), np.float64(3)),
    "repeat": lambda: A.repeat(np.int64(2), axis=np.int64(0)),
    "swapaxes": lambda: A.swapaxes(np.int64(0), np.int64(1)),
    "expand_dims": lambda: A.expand_dims(np.int64(1)).shape,
    "flip": lambda: A.flip(np.int64(1)),
    "arange": lambda: nd.arange(np.int64(1), np.int64(9), np.float64(2.5)),
    "eye": lambda: nd.eye(np.int64(2), np.int64(3)),
    "linspace": lambda: nd.linspace(np.float64(0), np.float64(1), np.int64(3)),
    "dropout outside training": lambda: nd.Dropout(A, p=np.float64(0.5)),
    "Embedding": lambda: nd.Embedding(nd.array([1]), A, input_dim=np.int64(2), output_dim=np.int64(3)),
    "FullyConnected": lambda: nd.FullyConnected(A, nd.ones((4, 3)), num_hidden=np.int64(4), no_bias=True),
    "LRN": lambda: nd.LRN(IMAGE, nsize=np.int64(3), alpha=np.float64(1e-4)).shape,
    "UpSampling": lambda: nd.UpSampling(IMAGE, scale=np.int64(2), sample_type="nearest").shape,
    "MultiBoxPrior": lambda: (
        nd.contrib.MultiBoxPrior(
            IMAGE, sizes=list(np.linspace(0.2, 0.3, 2)), ratios=tuple(np.array([1.0, 2.0]))
        ).shape
    ),
    "MultiBoxPrior, float32": lambda: nd.contrib.MultiBoxPrior(
        nd.zeros((1, 1, 1, 1)), sizes=tuple(np.float32([0.25, 0.5])), ratios=(np.float32(1),)
    ),
    "box_nms": lambda: nd.contrib.box_nms(
        nd.array([[0.9, 0, 0, 1, 1], [0.8, 0, 0, 1, 1]]),
        np.float64(0.5),
        score_index=np.int64(0),
        coord_start=1,
    ),
    "array: out of range, uint8": lambda: nd.array([-1, 256, 300], dtype="uint8"),
    "array: out of range, int8": lambda: nd.array([200], dtype=np.int8),
    "array: out of range, int32": lambda: nd.array([2**31], dtype="int32"),
    "array of a NumPy array out of range": lambda: nd.array(np.array([-1]), dtype="uint8"),
    "array of a scalar": lambda: nd.array(np.float32(3)),
    "array of NumPy arrays": lambda: nd.array([np.array([1, 2]), np.array([3, 4])]),
    "array of float64": lambda: nd.array(grid(2, 2, dtype="float64")),
    "array of bool": lambda: nd.array(np.array([True, False]), dtype=bool),
    "array, ragged": lambda: nd.array([[1, 2], [3]]),
    "array of words": lambda: nd.array(["a"]),
    "assign out of range": lambda: assigned((3,), slice(None), -1, "uint8"),
    "assign one out of range": lambda: assigned((3,), 1, 300, "uint8"),
    "assign a list out of range": lambda: assigned((2,), slice(None), [-1, 300], "uint8"),
    "assign by np slices": lambda: assigned(
        (4, 6), (slice(np.int64(0), np.int64(2)), slice(1, np.int64(5), 2)), 1
    ),
    "assign by np scalars": lambda: assigned((4, 6), (np.int64(0), np.int64(2)), np.float32(2)),
    "assign rows": lambda: assigned((3, 2), np.int64(1), np.array([5, 6])),
    "assign by arrays": lambda: assigned((3, 3), (np.array([0, 1]), np.array([1, 2])), 5),
    "float()": lambda: float(nd.ones((1,))),
    "int()": lambda: int(nd.array([3])),
    "bool()": lambda: bool(nd.ones((1,))),
    "float of asnumpy()": lambda: float(A.mean().asnumpy()),
    "int of asnumpy()": lambda: int(A.sum().asnumpy()),
    "complex of asnumpy()": lambda: complex(A.sum().asnumpy()),
    "%f of asnumpy()": lambda: "%.3f" % A.mean().asnumpy(),  # noqa: UP031
    "%d of asnumpy()": lambda: "%d" % A.sum().asnumpy(),  # noqa: UP031
    "format of asscalar()": lambda: f"{A.mean().asscalar():.3f}",
    "round of asnumpy()": lambda: np.round(A.mean().asnumpy(), 1),
    "math.sqrt of asnumpy()": lambda: math.sqrt(A.sum().asnumpy()),
    "assign asnumpy() to an item": lambda: _set_item(A.sum().asnumpy()),
    "text of asnumpy()": lambda: (str(A.sum().asnumpy()), repr(A.sum().asnumpy())),
    "pickled asnumpy()": lambda: pickle.loads(pickle.dumps(A.sum().asnumpy())),
    "copied asnumpy()": lambda: copy.deepcopy(A.sum().asnumpy()),
    "float of two values": lambda: float(A[0].asnumpy()),
    "mean of asnumpy()": lambda: np.mean([A.sum().asnumpy(), A.max().asnumpy()]),
    "concatenated asnumpy()": lambda: np.concatenate([A.sum().asnumpy(), A.max().asnumpy()]),
    "asnumpy() times a float": lambda: A.sum().asnumpy() * 0.5,
    "asnumpy() of one value, compared": lambda: A.sum().asnumpy() > 3,
    "asscalar of float16": lambda: nd.ones((1,), dtype="float16").asscalar(),
    "np.float64 times nd": lambda: np.float64(2) * A,
    "np.float32 plus nd": lambda: np.float32(2) + A,
    "np.int64 minus nd": lambda: np.int64(2) - A,
    "nd times np.float64": lambda: A * np.float64(2),
    "nd plus NumPy array": lambda: A + grid(2, 3),
    "NumPy array plus nd": lambda: grid(2, 3) + A,
    "nd to a NumPy power": lambda: A ** np.float32(2),
    "nd > np.float32": lambda: np.float32(1) < A,
    "np.all of a comparison": lambda: bool(np.all(A == A)),
    "np.all of another": lambda: bool(np.all(A == A + 1)),
    "np.sum": lambda: np.sum(A),
    "np.mean": lambda: np.mean(A),
    "np.max": lambda: np.max(A),
    "np.argmax": lambda: np.argmax(A, axis=1),
    "in-place by np scalars": lambda: _in_place(),
    "dtype": lambda: [
        nd.ones((2,), dtype=d).asnumpy().dtype.name for d in ("float16", np.int8, bool, int, float)
    ],
    "astype": lambda: A.astype(np.dtype("int32")).dtype is np.int32,
    "text": lambda: (repr(A), str(nd.ones((1,)))),
    "text of a scalar": lambda: (repr((A.sum().asscalar(), 1)), str([A.max().asscalar()])),
    "pickle": lambda: pickle.loads(pickle.dumps(A)),
    "copy.deepcopy": lambda: copy.deepcopy(A),
    "moveaxis": lambda: nd.moveaxis(nd.zeros((2, 3, 4)), (0, 1), (2, 0)).shape,
    "moveaxis by np.int64": lambda: nd.moveaxis(nd.zeros((2, 3, 4)), np.int64(0), np.int64(2)).shape,
    "sparse csr": lambda: nd.sparse.csr_matrix(
        ([1.0, 2], ([0, 1], [1, 0])), shape=tuple(np.array([2, 2]))
    ).asnumpy(),
    "sparse zeros": lambda: nd.sparse.zeros("csr", tuple(np.array([2, 2]))).asnumpy(),
    "sparse rows": lambda: nd.sparse.row_sparse_array(
        (np.ones((2, 3)), [0, 2]), shape=tuple(np.array([4, 3]))
    ).asnumpy(),
    "sparse from SciPy": lambda: nd.array(__import__("scipy.sparse").sparse.csr_matrix(np.eye(2))).asnumpy(),
    "sparse to SciPy": lambda: nd.array(np.eye(2)).tostype("csr").asscipy().toarray(),
    "from_numpy": lambda: nd.from_numpy(grid(2, 2)),
    "foreach": lambda: mx.nd.contrib.foreach(lambda d, s: (d + s, s + 1), nd.ones((3, 2)), nd.zeros((2,)))[0],
    "np.array of nd": lambda: np.array(A).shape,
    "np.testing of nd": lambda: np.testing.assert_allclose(A, A.asnumpy()),
    "array of nds": lambda: nd.array([A[0], A[1]]),
    "the name of bool": lambda: nd.ones((1,), dtype=bool).dtype.__name__,
    "a program's own sum": lambda: 0.0 + A.sum().asscalar(),
    "a program's own sum of float16": lambda: 60000.0 + nd.full((1,), 60000, dtype="float16").asscalar(),
    "uint8 plus 300": lambda: nd.ones((2,), dtype="uint8").asnumpy() + 300,
    "uint8 times a scalar": lambda: nd.ones((2,), dtype="uint8").asnumpy() * np.int64(300),
    "float32 times np.float64": lambda: A.asnumpy() * np.float64(0.5),
    "a range over a scalar": lambda: list(range(nd.array([3], dtype="int32").asscalar())),
}


def _set_item(value):
    numbers = np.zeros(3)
    numbers[0] = value
    return numbers


def _in_place():
    x = nd.ones((2,))
    x += np.float64(1)
    x *= np.int64(3)
    x /= np.float32(2)
    return x
