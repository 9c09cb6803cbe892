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
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..runtime import mx
from .listener import Listener, OperatorCall, handles_of, operator_names

_listeners: list[Listener] = []
# .quiet is False in the threads that attached a listener, and True again while a listener runs. What other
# threads do, such as those of a DataLoader or those in which custom operators run, is not the training.
_thread = threading.local()
_originals: list[tuple[object, str, object]] = []


@contextmanager
def attached(listener: Listener) -> Iterator[Listener]:
    """Report this thread's calls of MXNet to the listener inside the `with`.

    Nesting works, exceptions pass through.
    """
    if not _listeners:
        _install()
    _listeners.append(listener)
    before, _thread.quiet = _quiet(), False
    try:
        with unreported():
            listener.begin()
        yield listener
    finally:
        _thread.quiet = before
        _listeners.remove(listener)
        if not _listeners:
            _remove()


@contextmanager
def unreported() -> Iterator[None]:
    """Calls to MXNet inside this `with` reach no listener: for the audit's own arithmetic."""
    before, _thread.quiet = _quiet(), True
    try:
        yield
    finally:
        _thread.quiet = before


def _quiet() -> bool:
    return getattr(_thread, "quiet", True)


def _tell(moment: str, *arguments: Any) -> None:
    before, _thread.quiet = _quiet(), True
    try:
        for listener in tuple(_listeners):
            getattr(listener, moment)(*arguments)
    finally:
        _thread.quiet = before


def _install() -> None:
    library = mx.base._LIB
    operator_names()
    for name, wrap in _C_FUNCTIONS.items():
        _replace(library, name, wrap)
    _replace(mx.executor.Executor, "forward", _sees_executor)
    _replace(mx.executor.Executor, "backward", _sees_executor)
    _replace(mx.nd.CachedOp, "__init__", _sees_cached_op)
    _replace(mx.optimizer.Updater, "__call__", _updates)
    for kind in {*mx.optimizer.Optimizer.opt_registry.values()}:
        if "update" in vars(kind):
            _replace(kind, "update", _updates_directly)
    _replace(mx.gluon.Parameter, "_init_grad", _initialises)
    _replace(mx.module.executor_group.DataParallelExecutorGroup, "forward", _loads_batch)
    _replace(mx.mod.Module, "init_optimizer", _may_refuse)
    _replace(mx.io.NDArrayIter, "getpad", _pads)
    for name in ("FactorScheduler", "MultiFactorScheduler", "PolyScheduler", "CosineScheduler"):
        _replace(getattr(mx.lr_scheduler, name), "__call__", _schedules)
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
        if not _quiet():
            _tell("before_executor_forward", executor.value, bool(training.value))
        return original(executor, training)

    return forward


def _executor_backward(original):
    def backward(executor, count, head_gradients, *rest):
        if _quiet():
            return original(executor, count, head_gradients, *rest)
        _tell("before_executor_backward", executor.value, handles_of(head_gradients, count.value))
        status = original(executor, count, head_gradients, *rest)
        _tell("after_executor_backward", executor.value)
        return status

    return backward


def _autograd_backward(original):
    def backward(count, heads, head_gradients, *rest):
        if _quiet():
            return original(count, heads, head_gradients, *rest)
        # The longer form: variables' number, variables, retain_graph, create_graph, is_train, their gradients.
        asked = int(getattr(rest[0], "value", rest[0])) if len(rest) > 1 else 0
        differentiable = asked > 0 and bool(rest[3].value)
        number = getattr(count, "value", count)
        seeds = handles_of(head_gradients, number) if isinstance(head_gradients, ctypes.Array) else []
        _tell("before_autograd_backward", handles_of(heads, number), seeds, asked > 0, differentiable)
        status = original(count, heads, head_gradients, *rest)
        made = zip(rest[1], handles_of(rest[5]._obj, asked), strict=False) if asked and not status else ()
        _tell("after_autograd_backward", {} if differentiable else dict(made))
        return status

    return backward


def _mark_variables(original):
    def mark(count, variables, requests, gradients):
        status = original(count, variables, requests, gradients)
        if not _quiet():
            number = getattr(count, "value", count)
            numbers = ctypes.cast(requests, ctypes.POINTER(ctypes.c_uint))
            _tell(
                "variables_marked",
                handles_of(variables, number),
                [numbers[i] for i in range(number)],
                handles_of(gradients, number),
            )
        return status

    return mark


def _get_grad(original):
    def get_grad(variable, gradient):
        status = original(variable, gradient)
        if not _quiet() and gradient._obj.value:
            _tell("gradient_fetched", variable.value, gradient._obj.value)
        return status

    return get_grad


def _set_recording(original):
    def set_recording(on, previous):
        status = original(on, previous)
        if not _quiet() and bool(on.value) != bool(previous._obj.value):
            # Called by autograd.set_recording: that by a scope's __enter__ or __exit__, or by Function.__call__.
            resumed = bool(on.value) and sys._getframe(2).f_code.co_name in ("__exit__", "__call__")
            _tell("recording_set", bool(on.value), resumed)
        return status

    return set_recording


def _set_training(original):
    def set_training(on, previous):
        status = original(on, previous)
        if not _quiet() and bool(on.value) != bool(previous._obj.value):
            _tell("training_set", bool(on.value))
        return status

    return set_training


def _invoke(original):
    def invoke(*arguments):
        if _quiet():
            return original(*arguments)
        call = OperatorCall(arguments)
        _tell("before_operator", call)
        status = original(*arguments)
        if not status:
            _tell("operator_invoked", call)
        return status

    return invoke


def _invoke_cached_op(original):
    def invoke(op, count, inputs, output_count, outputs, stypes):
        if _quiet():
            return original(op, count, inputs, output_count, outputs, stypes)
        given = handles_of(inputs, count.value)
        _tell("before_cached_op", op.value, given)
        status = original(op, count, inputs, output_count, outputs, stypes)
        if not status:
            _tell("cached_op_invoked", op.value, given, handles_of(outputs._obj, output_count._obj.value))
        return status

    return invoke


def _record_function(original):
    def record(count, inputs, output_count, outputs, *rest):
        status = original(count, inputs, output_count, outputs, *rest)
        if not status and not _quiet():
            made = handles_of(outputs, output_count.value)
            _tell("function_recorded", handles_of(inputs, count.value), made)
        return status

    return record


def _view(kind, original):
    def view(array, *arguments):
        status = original(array, *arguments)
        if not status and not _quiet():
            _tell("viewed", kind, array.value, arguments[-1]._obj.value)
        return status

    return view


def _free(original):
    def free(array):
        for listener in _listeners:
            listener.array_freed(array.value)
        return original(array)

    return free


def _copy_to_cpu(original):
    def copy(array, data, size):
        status = original(array, data, size)
        if not _quiet():
            _tell("array_read", array.value)
        return status

    return copy


def _copy_from_cpu(original):
    def copy(array, data, size):
        status = original(array, data, size)
        if not _quiet():
            _tell("array_written", array.value)
        return status

    return copy


def _save(original):
    def save(path, count, arrays, keys):
        if not _quiet():
            _tell("before_save", handles_of(arrays, count.value))
        return original(path, count, arrays, keys)

    return save


def _wait_all(original):
    def wait():
        status = original()
        if not _quiet():
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
    "MXCustomFunctionRecord": _record_function,
    "MXNDArrayReshape64": functools.partial(_view, "reshape"),
    "MXNDArraySlice": functools.partial(_view, "slice"),
    "MXNDArrayAt": functools.partial(_view, "slice"),
    "MXNDArrayFree": _free,
    "MXNDArraySyncCopyToCPU": _copy_to_cpu,
    "MXNDArraySyncCopyFromCPU": _copy_from_cpu,
    "MXNDArraySave": _save,
    "MXNDArrayWaitAll": _wait_all,
}


def _sees_executor(original):
    def method(self, *arguments, **keywords):
        if not _quiet():
            _tell("executor_seen", self)
        return original(self, *arguments, **keywords)

    return method


def _loads_batch(original):
    def forward(self, data_batch, is_train=None):
        if not _quiet():
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


def _schedules(original):
    def call(self, num_update):
        if not _quiet():
            _tell("schedule_asked", self, int(num_update))
        return original(self, num_update)

    return call


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
        if not _quiet():
            _tell("cached_op_created", self, sym, dict(flags).get("data_indices"))

    return init


def _initialises(original):
    def init_grad(self):
        original(self)
        if not _quiet():
            _tell("parameter_initialised", self)

    return init_grad


def _updates(original):
    def call(self, index, grad, weight):
        if _quiet():
            return original(self, index, grad, weight)
        several = isinstance(index, (list, tuple))
        parts = (list(index), list(grad), list(weight)) if several else ([index], [grad], [weight])
        _tell("before_update", self, *parts)
        with unreported():
            original(self, index, grad, weight)
        _tell("after_update", self, *parts)

    return call


class Direct:
    """Stands for the Updater where a program calls `optimizer.update` with a state that it keeps itself."""

    def __init__(self, optimizer: mx.optimizer.Optimizer) -> None:
        self._optimizer = weakref.ref(optimizer)
        self.states: dict = {}

    @property
    def optimizer(self) -> mx.optimizer.Optimizer:
        """The optimiser that is called."""
        return self._optimizer()


_direct: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _updates_directly(original):
    def update(self, index, weight, grad, state):
        if _quiet() or isinstance(index, (list, tuple)):
            return original(self, index, weight, grad, state)
        updater = _direct.setdefault(self, Direct(self))
        if updater.states.get(index, state) is not state:
            del updater.states[index]  # a state made anew is none
        else:
            updater.states[index] = state
        parts = [index], [grad], [weight]
        _tell("before_update", updater, *parts)
        with unreported():
            original(self, index, weight, grad, state)
        updater.states[index] = state
        _tell("after_update", updater, *parts)

    return update


def _by_key(key: Any, value: Any) -> tuple[list, list[list]]:
    """KVStore takes one key or several, and for each one array or one per device."""
    if not isinstance(key, (list, tuple)):
        key, value = [key], [value]
    return list(key), [list(v) if isinstance(v, (list, tuple)) else [v] for v in value]


def _pushes(original):
    def push(self, key, value, priority=0):
        if not _quiet():
            _tell("before_push", *_by_key(key, value))
        return original(self, key, value, priority)

    return push


def _pulls(original):
    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        original(self, key, out, priority, ignore_sparse)
        if not _quiet():
            _tell("pulled", *_by_key(key, out))

    return pull


def _pushes_and_pulls(original):
    def pushpull(self, key, value, out=None, priority=0):
        if not _quiet():
            _tell("before_push", *_by_key(key, value))
        original(self, key, value, out, priority)
        if not _quiet():
            _tell("pulled", *_by_key(key, value if out is None else out))

    return pushpull
