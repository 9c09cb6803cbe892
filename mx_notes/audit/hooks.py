"""Where MXNet is touched: every road to forward, backward and update passes through these functions.

Module, Executor, Gluon, `autograd.backward`, `autograd.grad` and hand-written loops all end in a
handful of C functions, called as attributes of one `ctypes.CDLL` object, `mxnet.base._LIB`. Setting
such an attribute replaces the function for every caller. `attached` does so while at least one listener
is there and puts the very same objects back afterwards.

    class Counter(Listener):
        backwards = 0
        def before_executor_backward(self, executor, head_gradients):
            self.backwards += 1

    with attached(Counter()) as counter:
        module.fit(...)
"""

from __future__ import annotations

import ctypes
import functools
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..runtime import mx

_pointers = ctypes.POINTER(ctypes.c_void_p)


class Listener:
    """Override the moments you want to see; handles are integers, the addresses of MXNet's objects.

    A method must not change what it is given. MXNet called from inside a listener is not reported.
    """

    def batch_loaded(self, batch: mx.io.DataBatch) -> None:
        """Before a Module copies a batch into its executors and runs them forward."""

    def batch_padded(self) -> None:
        """An NDArrayIter filled a short batch with examples from the beginning (last_batch_handle='pad')."""

    def optimizer_refused(self, optimizer: mx.optimizer.Optimizer, rate: float) -> None:
        """`Module.init_optimizer` was called again, with this learning rate, and did nothing."""

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Before each forward and backward called on the Python object of an executor."""

    def before_executor_forward(self, executor: int, training: bool) -> None:
        """`MXExecutorForward`."""

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """`MXExecutorBackwardEx`."""

    def after_executor_backward(self, executor: int) -> None:
        """The backward pass is in the engine's queue (it need not have run)."""

    def before_autograd_backward(self, heads: list[int], head_gradients: list[int], returned: bool) -> None:
        """`MXAutogradBackwardEx`; `returned`: gradients go to new arrays, as `autograd.grad` asks."""

    def after_autograd_backward(self) -> None:
        """The backward pass is in the engine's queue."""

    def variables_marked(self, variables: list[int], requests: list[int], gradients: list[int]) -> None:
        """`MXAutogradMarkVariables`: what `attach_grad` and a Gluon parameter's initialisation call."""

    def parameter_initialised(self, parameter: mx.gluon.Parameter) -> None:
        """A Gluon parameter got its arrays."""

    def gradient_fetched(self, variable: int, gradient: int) -> None:
        """`MXNDArrayGetGrad`: `variable.grad` made a new handle for the gradient buffer."""

    def recording_set(self, on: bool, resumed: bool) -> None:
        """`autograd.record()` was entered or left; `resumed`: `autograd.pause()` inside it was."""

    def training_set(self, on: bool) -> None:
        """`autograd.train_mode()` or `predict_mode()` was entered or left."""

    def operator_invoked(self, call: OperatorCall) -> None:
        """`MXImperativeInvokeEx` returned."""

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """`MXInvokeCachedOpEx`: a hybridised block is called."""

    def cached_op_invoked(self, op: int, inputs: list[int], outputs: list[int]) -> None:
        """A hybridised block has been called."""

    def cached_op_created(self, op: mx.nd.CachedOp, symbol: mx.sym.Symbol) -> None:
        """A block was hybridised."""

    def array_freed(self, array: int) -> None:
        """`MXNDArrayFree`: the address may be used again."""

    def array_read(self, array: int) -> None:
        """`asnumpy` has copied the array's values."""

    def array_written(self, array: int) -> None:
        """Values were copied into the array from NumPy."""

    def before_save(self, arrays: list[int]) -> None:
        """`mx.nd.save` and everything built on it."""

    def waited_for_all(self) -> None:
        """`mx.nd.waitall()`: nothing is in flight."""

    def before_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """`Updater.__call__`: of Module, of Trainer, or of a local KVStore."""

    def after_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """The update is in the engine's queue."""

    def before_push(self, keys: list, values: list[list]) -> None:
        """`KVStore.push` (and the first half of `pushpull`)."""

    def pulled(self, keys: list, arrays: list[list]) -> None:
        """`KVStore.pull` (and the second half of `pushpull`)."""


class OperatorCall:
    """One imperative operator: read its parts only when needed, they cost more than the call."""

    __slots__ = ("_arguments",)

    def __init__(self, arguments: tuple) -> None:
        self._arguments = arguments

    @property
    def name(self) -> str:
        """The operator's name in MXNet's registry."""
        return operator_names()[self._arguments[0].value]

    @property
    def inputs(self) -> list[int]:
        """Handles of the inputs."""
        return _handles(self._arguments[2], self._arguments[1].value)

    @property
    def outputs(self) -> list[int]:
        """Handles of the outputs, new or given by `out=`."""
        return _handles(self._arguments[4]._obj, self._arguments[3]._obj.value)

    @property
    def attributes(self) -> dict[str, str]:
        """The operator's parameters as MXNet got them, as text."""
        count, keys, values = self._arguments[5].value, self._arguments[6], self._arguments[7]
        return {keys[i].decode(): values[i].decode() for i in range(count)}


@functools.cache
def operator_names() -> dict[int, str]:
    """The names of all operators by the handle that `MXImperativeInvokeEx` gets."""
    library, names = mx.base._LIB, {}
    count, creators = ctypes.c_uint(), _pointers()
    mx.base.check_call(library.MXSymbolListAtomicSymbolCreators(ctypes.byref(count), ctypes.byref(creators)))
    for i in range(count.value):
        name = ctypes.c_char_p()
        mx.base.check_call(
            library.MXSymbolGetAtomicSymbolName(ctypes.c_void_p(creators[i]), ctypes.byref(name))
        )
        names[creators[i]] = name.value.decode()
    return names


def _handles(array: Any, count: int) -> list[int]:
    return [array[i] for i in range(count)] if count else []


_listeners: list[Listener] = []
_inside = threading.local()  # .listener is set while a listener runs: its own calls are not reported
_originals: list[tuple[object, str, object]] = []


@contextmanager
def attached(listener: Listener) -> Iterator[Listener]:
    """Report MXNet's calls to the listener inside the `with`; nesting works, exceptions pass through."""
    if not _listeners:
        _install()
    _listeners.append(listener)
    try:
        yield listener
    finally:
        _listeners.remove(listener)
        if not _listeners:
            _remove()


@contextmanager
def unreported() -> Iterator[None]:
    """Calls to MXNet inside this `with` reach no listener: for the audit's own arithmetic."""
    before = getattr(_inside, "listener", False)
    _inside.listener = True
    try:
        yield
    finally:
        _inside.listener = before


def _tell(moment: str, *arguments: Any) -> None:
    _inside.listener = True
    try:
        for listener in tuple(_listeners):
            getattr(listener, moment)(*arguments)
    finally:
        _inside.listener = False


def _install() -> None:
    library = mx.base._LIB
    operator_names()
    for name, wrap in _C_FUNCTIONS.items():
        _replace(library, name, wrap)
    _replace(mx.executor.Executor, "forward", _sees_executor)
    _replace(mx.executor.Executor, "backward", _sees_executor)
    _replace(mx.nd.CachedOp, "__init__", _sees_cached_op)
    _replace(mx.optimizer.Updater, "__call__", _updates)
    _replace(mx.gluon.Parameter, "_init_grad", _initialises)
    _replace(mx.module.executor_group.DataParallelExecutorGroup, "forward", _loads_batch)
    _replace(mx.mod.Module, "init_optimizer", _may_refuse)
    _replace(mx.io.NDArrayIter, "getpad", _pads)
    _replace(mx.kvstore.KVStore, "push", _pushes)
    _replace(mx.kvstore.KVStore, "pull", _pulls)
    _replace(mx.kvstore.KVStore, "pushpull", _pushes_and_pulls)


def _replace(owner: object, name: str, wrap: Any) -> None:
    original = getattr(owner, name)
    _originals.append((owner, name, original))
    setattr(
        owner, name, functools.wraps(original)(wrap(original)) if isinstance(owner, type) else wrap(original)
    )


def _remove() -> None:
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)


def _executor_forward(original):
    def forward(executor, training):
        if not getattr(_inside, "listener", False):
            _tell("before_executor_forward", executor.value, bool(training.value))
        return original(executor, training)

    return forward


def _executor_backward(original):
    def backward(executor, count, head_gradients, *rest):
        if getattr(_inside, "listener", False):
            return original(executor, count, head_gradients, *rest)
        _tell("before_executor_backward", executor.value, _handles(head_gradients, count.value))
        status = original(executor, count, head_gradients, *rest)
        _tell("after_executor_backward", executor.value)
        return status

    return backward


def _autograd_backward(original):
    def backward(count, heads, head_gradients, *rest):
        if getattr(_inside, "listener", False):
            return original(count, heads, head_gradients, *rest)
        returned = len(rest) > 1 and bool(getattr(rest[0], "value", rest[0]))
        number = getattr(count, "value", count)
        seeds = _handles(head_gradients, number) if isinstance(head_gradients, ctypes.Array) else []
        _tell("before_autograd_backward", _handles(heads, number), seeds, returned)
        status = original(count, heads, head_gradients, *rest)
        _tell("after_autograd_backward")
        return status

    return backward


def _mark_variables(original):
    def mark(count, variables, requests, gradients):
        status = original(count, variables, requests, gradients)
        if not getattr(_inside, "listener", False):
            number = getattr(count, "value", count)
            numbers = ctypes.cast(requests, ctypes.POINTER(ctypes.c_uint))
            _tell(
                "variables_marked",
                _handles(variables, number),
                [numbers[i] for i in range(number)],
                _handles(gradients, number),
            )
        return status

    return mark


def _get_grad(original):
    def get_grad(variable, gradient):
        status = original(variable, gradient)
        if not getattr(_inside, "listener", False) and gradient._obj.value:
            _tell("gradient_fetched", variable.value, gradient._obj.value)
        return status

    return get_grad


def _set_recording(original):
    def set_recording(on, previous):
        status = original(on, previous)
        if not getattr(_inside, "listener", False) and bool(on.value) != bool(previous._obj.value):
            # Called by autograd.set_recording, that by the scope's __enter__ or __exit__.
            resumed = bool(on.value) and sys._getframe(2).f_code.co_name == "__exit__"
            _tell("recording_set", bool(on.value), resumed)
        return status

    return set_recording


def _set_training(original):
    def set_training(on, previous):
        status = original(on, previous)
        if not getattr(_inside, "listener", False) and bool(on.value) != bool(previous._obj.value):
            _tell("training_set", bool(on.value))
        return status

    return set_training


def _invoke(original):
    def invoke(*arguments):
        status = original(*arguments)
        if not status and not getattr(_inside, "listener", False):
            call = OperatorCall(arguments)
            _inside.listener = True
            try:
                for listener in _listeners:
                    listener.operator_invoked(call)
            finally:
                _inside.listener = False
        return status

    return invoke


def _invoke_cached_op(original):
    def invoke(op, count, inputs, output_count, outputs, stypes):
        if getattr(_inside, "listener", False):
            return original(op, count, inputs, output_count, outputs, stypes)
        given = _handles(inputs, count.value)
        _tell("before_cached_op", op.value, given)
        status = original(op, count, inputs, output_count, outputs, stypes)
        if not status:
            _tell("cached_op_invoked", op.value, given, _handles(outputs._obj, output_count._obj.value))
        return status

    return invoke


def _free(original):
    def free(array):
        for listener in _listeners:
            listener.array_freed(array.value)
        return original(array)

    return free


def _copy_to_cpu(original):
    def copy(array, data, size):
        status = original(array, data, size)
        if not getattr(_inside, "listener", False):
            _tell("array_read", array.value)
        return status

    return copy


def _copy_from_cpu(original):
    def copy(array, data, size):
        status = original(array, data, size)
        if not getattr(_inside, "listener", False):
            _tell("array_written", array.value)
        return status

    return copy


def _save(original):
    def save(path, count, arrays, keys):
        if not getattr(_inside, "listener", False):
            _tell("before_save", _handles(arrays, count.value))
        return original(path, count, arrays, keys)

    return save


def _wait_all(original):
    def wait():
        status = original()
        if not getattr(_inside, "listener", False):
            _tell("waited_for_all")
        return status

    return wait


_C_FUNCTIONS = {
    "MXExecutorForward": _executor_forward,
    "MXExecutorBackwardEx": _executor_backward,
    "MXAutogradBackwardEx": _autograd_backward,
    "MXAutogradBackward": _autograd_backward,
    "MXAutogradMarkVariables": _mark_variables,
    "MXNDArrayGetGrad": _get_grad,
    "MXAutogradSetIsRecording": _set_recording,
    "MXAutogradSetIsTraining": _set_training,
    "MXImperativeInvokeEx": _invoke,
    "MXInvokeCachedOpEx": _invoke_cached_op,
    "MXNDArrayFree": _free,
    "MXNDArraySyncCopyToCPU": _copy_to_cpu,
    "MXNDArraySyncCopyFromCPU": _copy_from_cpu,
    "MXNDArraySave": _save,
    "MXNDArrayWaitAll": _wait_all,
}


def _sees_executor(original):
    def method(self, *arguments, **keywords):
        if not getattr(_inside, "listener", False):
            _tell("executor_seen", self)
        return original(self, *arguments, **keywords)

    return method


def _loads_batch(original):
    def forward(self, data_batch, is_train=None):
        if not getattr(_inside, "listener", False):
            _tell("batch_loaded", data_batch)
        return original(self, data_batch, is_train)

    return forward


def _pads(original):
    def getpad(self):
        pad = original(self)
        if pad and self.last_batch_handle == "pad":
            _tell("batch_padded")
        return pad

    return getpad


def _may_refuse(original):
    def init_optimizer(self, *arguments, **keywords):
        ignored = self.optimizer_initialized and not keywords.get("force_init", False)
        original(self, *arguments, **keywords)
        rate = dict(keywords.get("optimizer_params") or ()).get("learning_rate")
        if ignored and rate is not None:
            _tell("optimizer_refused", self._optimizer, float(rate))

    return init_optimizer


def _sees_cached_op(original):
    def init(self, sym, flags=()):
        original(self, sym, flags)
        if not getattr(_inside, "listener", False):
            _tell("cached_op_created", self, sym)

    return init


def _initialises(original):
    def init_grad(self):
        original(self)
        if not getattr(_inside, "listener", False):
            _tell("parameter_initialised", self)

    return init_grad


def _updates(original):
    def call(self, index, grad, weight):
        if getattr(_inside, "listener", False):
            return original(self, index, grad, weight)
        several = isinstance(index, (list, tuple))
        parts = (list(index), list(grad), list(weight)) if several else ([index], [grad], [weight])
        _tell("before_update", self, *parts)
        _inside.listener = True
        try:
            original(self, index, grad, weight)
        finally:
            _inside.listener = False
        _tell("after_update", self, *parts)

    return call


def _by_key(key: Any, value: Any) -> tuple[list, list[list]]:
    """KVStore takes one key or several, and for each one array or one per device."""
    if not isinstance(key, (list, tuple)):
        key, value = [key], [value]
    return list(key), [list(v) if isinstance(v, (list, tuple)) else [v] for v in value]


def _pushes(original):
    def push(self, key, value, priority=0):
        if not getattr(_inside, "listener", False):
            _tell("before_push", *_by_key(key, value))
        return original(self, key, value, priority)

    return push


def _pulls(original):
    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        original(self, key, out, priority, ignore_sparse)
        if not getattr(_inside, "listener", False):
            _tell("pulled", *_by_key(key, out))

    return pull


def _pushes_and_pulls(original):
    def pushpull(self, key, value, out=None, priority=0):
        if not getattr(_inside, "listener", False):
            _tell("before_push", *_by_key(key, value))
        original(self, key, value, out, priority)
        if not getattr(_inside, "listener", False):
            _tell("pulled", *_by_key(key, value if out is None else out))

    return pushpull
