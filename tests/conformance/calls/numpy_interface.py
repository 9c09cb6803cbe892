"""mx.np and mx.npx."""

import mxnet as mx
import numpy as np
from mxnet import npx

from . import grid, spelled

A = mx.np.array(grid(2, 3))
V = mx.np.array(grid(4))


def in_numpy_mode(call):
    npx.set_np()
    try:
        return call()
    finally:
        npx.reset_np()


def assigned(array, key, value):
    array = array.copy()
    array[key] = value
    return array


CALLS = {
    **spelled(
        {
            "zeros": lambda n: mx.np.zeros(n(2, 3)),
            "ones": lambda n: mx.np.ones(n(2, 3)),
            "full": lambda n: mx.np.full(n(2, 3), np.float32(2)),
            "empty": lambda n: mx.np.empty(n(2, 3)).shape,
            "reshape": lambda n: A.reshape(n(3, 2)),
            "transpose": lambda n: A.transpose(n(1, 0)),
            "tile": lambda n: mx.np.tile(A, n(2, 1)),
            "broadcast_to": lambda n: mx.np.broadcast_to(mx.np.ones((1, 3)), n(2, 3)),
            "sum over axes": lambda n: mx.np.sum(A, axis=tuple(n(0, 1))),
            "mean over axes": lambda n: A.mean(axis=tuple(n(0, 1))),
            "random.uniform": lambda n: mx.np.random.uniform(np.float64(0), 1, size=n(2, 3)).shape,
            "random.normal": lambda n: mx.np.random.normal(size=n(2, 3)).shape,
            "random.randint": lambda n: mx.np.random.randint(0, np.int64(9), size=n(2, 3)).shape,
            "split": lambda n: mx.np.split(V, tuple(n(1, 3))),
            "moveaxis": lambda n: mx.np.moveaxis(mx.np.zeros((2, 3, 4)), tuple(n(0, 1)), (2, 0)).shape,
            "npx.reshape": lambda n: npx.reshape(A, n(3, 2)),
        }
    ),
    **{
        f"pad, {mode}": lambda mode=mode: mx.np.pad(A, ((1, 1), (0, 1)), mode=mode)
        for mode in ("constant", "edge", "reflect", "symmetric")
    },
    "pad by np.int64": lambda: mx.np.pad(A, ((np.int64(1), np.int64(0)), (0, 1)), mode="edge"),
    "pad by one number": lambda: mx.np.pad(A, 1),
    "pad of a symbol": lambda: mx.sym.np.pad(mx.sym.np.ones((2, 2)), ((1, 1), (1, 1)), mode="constant").name[
        :3
    ],
    "array out of range": lambda: mx.np.array([-1, 256], dtype="uint8"),
    "array of a scalar": lambda: mx.np.array(np.float32(3)),
    "array of an int": lambda: mx.np.array(np.int64(3)),
    "array of bool": lambda: mx.np.array([True, False], dtype=bool),
    "array of words": lambda: mx.np.array(["a"]),
    "index by mask": lambda: V[V > 1],
    "index by np.int64": lambda: A[np.int64(1), np.int64(2)],
    "index by slices": lambda: A[:, np.int64(0) : np.int64(2)],
    "index by NumPy arrays": lambda: A[np.array([0, 1]), np.array([1, 2])],
    "assign by mask": lambda: assigned(V, V > 1, 0),
    "assign by np.int64": lambda: assigned(A, (np.int64(0), np.int64(1)), np.float64(7)),
    "assign a row": lambda: assigned(A, np.int64(1), np.array([7, 8, 9])),
    "times np.float32": lambda: A * np.float32(2),
    "np.float32 times": lambda: np.float32(2) * A,
    "np.float64 plus": lambda: np.float64(2) + A,
    "plus np.int64": lambda: A + np.int64(2),
    "numpy.add": lambda: np.add(A, 1),
    "numpy.sum": lambda: np.sum(A),
    "numpy.mean": lambda: np.mean(A, axis=0),
    "numpy.max": lambda: np.max(A, axis=0),
    "numpy.any": lambda: np.any(A, axis=0),
    "numpy.all": lambda: np.all(A, axis=0),
    "numpy.prod": lambda: np.prod(A, axis=0),
    "numpy.clip": lambda: np.clip(A, 0, 2),
    "numpy.reshape": lambda: np.reshape(A, (3, 2)),
    "numpy.concatenate": lambda: np.concatenate([A, A]),
    "numpy.unique": lambda: np.unique(A),
    "numpy.sort": lambda: np.sort(-A),
    "numpy.median": lambda: np.median(V),
    "numpy.percentile": lambda: np.percentile(V, 50),
    "numpy.linalg.norm": lambda: np.linalg.norm(A),
    "numpy.meshgrid": lambda: np.meshgrid(V, V)[0].shape,
    "numpy.round": lambda: np.round(A * 0.3, 1),
    "numpy.nan_to_num": lambda: np.nan_to_num(A),
    "numpy.fix": lambda: np.fix(A * 1.5),
    "quantile": lambda: mx.np.quantile(V, 0.5, interpolation="lower"),
    "einsum": lambda: mx.np.einsum("ij,ij->i", A, A),
    "tensordot": lambda: mx.np.tensordot(A, A, axes=((np.int64(1),), (np.int64(1),))),
    "var": lambda: A.var(),
    "argsort": lambda: mx.np.argsort(-V),
    "where": lambda: mx.np.where(A > 2, A, mx.np.zeros_like(A)),
    "cumsum": lambda: mx.np.cumsum(A, axis=np.int64(1)),
    "full_like": lambda: mx.np.full_like(A, np.float64(2)),
    "linspace": lambda: mx.np.linspace(np.float64(0), 1, np.int64(3)),
    "arange": lambda: mx.np.arange(np.int64(1), np.int64(9), np.int64(2)),
    "resize": lambda: mx.np.resize(V, (2, 3)),
    "bool mean": lambda: (V > 1).mean(),
    "item": lambda: mx.np.array(1, dtype="int32").item(),
    "float()": lambda: float(A.sum()),
    "float of asnumpy()": lambda: float(mx.np.ones((1,)).asnumpy()),
    "text": lambda: (repr(A), str(mx.np.array(3.0))),
    "constants": lambda: (mx.np.PINF, mx.np.NINF, mx.np.bool is bool or mx.np.bool is np.bool_),
    "in1d": lambda: mx.np.in1d(V, mx.np.array([1.0])),
    "trapz": lambda: float(mx.np.trapz(V)),
    "one_hot": lambda: npx.one_hot(mx.np.array([0, 2]), np.int64(3)),
    "pick": lambda: npx.pick(A, mx.np.array([1, 2])),
    "topk": lambda: npx.topk(A, k=np.int64(2)),
    "convolution": lambda: npx.convolution(
        mx.np.ones((1, 1, 3, 3)),
        mx.np.ones((2, 1, 2, 2)),
        kernel=tuple(np.array([2, 2])),
        num_filter=2,
        no_bias=True,
    ),
    "a layer": lambda: in_numpy_mode(lambda: _layer()),
    "split_and_load": lambda: in_numpy_mode(
        lambda: mx.gluon.utils.split_and_load(
            mx.np.array(grid(5, 2)), [mx.cpu(0), mx.cpu(1)], even_split=False
        )
    ),
    "split_data": lambda: in_numpy_mode(
        lambda: mx.gluon.utils.split_data(mx.np.array(grid(6, 2)), np.int64(3))
    ),
}


def _layer():
    net = mx.gluon.nn.Dense(np.int64(2), in_units=np.int64(3))
    net.initialize(mx.init.One())
    net.hybridize()
    return net(mx.np.array(grid(2, 3)))
