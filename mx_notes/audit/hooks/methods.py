"""MXNet's Python methods that the hooks stand before: what its C functions don't tell, such as an update's parts."""

from __future__ import annotations

import weakref
from typing import Any

from ...runtime import mx
from .telling import quiet, tell, unreported


def _sees_executor(original):
    def method(self, *arguments, **keywords):
        if not quiet():
            tell("executor_seen", self)
        return original(self, *arguments, **keywords)

    return method


def _loads_batch(original):
    def forward(self, data_batch, is_train=None):
        if not quiet():
            tell("batch_loaded", data_batch)
        return original(self, data_batch, is_train)

    return forward


def _pads(original):
    def getpad(self):
        pad = original(self)
        if pad and self.last_batch_handle == "pad":
            tell("batch_padded")
        return pad

    return getpad


def _schedules(original):
    def call(self, num_update):
        if not quiet():
            tell("schedule_asked", self, int(num_update))
        return original(self, num_update)

    return call


def _may_refuse(original):
    def init_optimizer(self, *arguments, **keywords):
        ignored = self.optimizer_initialized and not keywords.get("force_init", False)
        original(self, *arguments, **keywords)
        rate = dict(keywords.get("optimizer_params") or ()).get("learning_rate")
        if ignored and rate is not None:
            tell("optimizer_refused", self._optimizer, float(rate))

    return init_optimizer


def _sees_cached_op(original):
    def init(self, sym, flags=()):
        original(self, sym, flags)
        if not quiet():
            tell("cached_op_created", self, sym, dict(flags).get("data_indices"))

    return init


def _initialises(original):
    def init_grad(self):
        original(self)
        if not quiet():
            tell("parameter_initialised", self)

    return init_grad


def _updates(original):
    def call(self, index, grad, weight):
        if quiet():
            return original(self, index, grad, weight)
        several = isinstance(index, (list, tuple))
        parts = (list(index), list(grad), list(weight)) if several else ([index], [grad], [weight])
        tell("before_update", self, *parts)
        with unreported():
            original(self, index, grad, weight)
        tell("after_update", self, *parts)

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
        if quiet() or isinstance(index, (list, tuple)):
            return original(self, index, weight, grad, state)
        updater = _direct.setdefault(self, Direct(self))
        if updater.states.get(index, state) is not state or (index not in updater.states and _is_new(state)):
            updater.states.pop(index, None)  # a state made anew is none
        else:
            updater.states[index] = state
        parts = [index], [grad], [weight]
        tell("before_update", updater, *parts)
        with unreported():
            original(self, index, weight, grad, state)
        updater.states[index] = state
        tell("after_update", updater, *parts)

    return update


def _is_new(state: Any) -> bool:
    """Whether a state that was not seen before remembers nothing yet."""
    parts = state if isinstance(state, (tuple, list)) else [state]
    kept = [part for part in parts if isinstance(part, mx.nd.NDArray)]
    with unreported():
        return bool(kept) and not any(part.asnumpy().any() for part in kept)


def _by_key(key: Any, value: Any) -> tuple[list, list[list]]:
    """KVStore takes one key or several, and for each one array or one per device."""
    if not isinstance(key, (list, tuple)):
        key, value = [key], [value]
    return list(key), [list(v) if isinstance(v, (list, tuple)) else [v] for v in value]


def _pushes(original):
    def push(self, key, value, priority=0):
        if not quiet():
            tell("before_push", self, *_by_key(key, value))
        return original(self, key, value, priority)

    return push


def _pulls(original):
    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        original(self, key, out, priority, ignore_sparse)
        if not quiet():
            tell("pulled", self, *_by_key(key, out))

    return pull


def _pushes_and_pulls(original):
    def pushpull(self, key, value, out=None, priority=0):
        if not quiet():
            tell("before_push", self, *_by_key(key, value))
        original(self, key, value, out, priority)
        if not quiet():
            tell("pulled", self, *_by_key(key, value if out is None else out))

    return pushpull


def _sends_optimizer(original):
    def set_optimizer(self, optimizer):
        original(self, optimizer)
        if not quiet():
            tell("optimizer_sent", self, optimizer)

    return set_optimizer


def methods() -> list[tuple[type, str, Any]]:
    """Class, name, and what wraps the method of that name."""
    schedulers = ("FactorScheduler", "MultiFactorScheduler", "PolyScheduler", "CosineScheduler")
    optimizers = {*mx.optimizer.Optimizer.opt_registry.values()}
    return [
        (mx.executor.Executor, "forward", _sees_executor),
        (mx.executor.Executor, "backward", _sees_executor),
        (mx.nd.CachedOp, "__init__", _sees_cached_op),
        (mx.optimizer.Updater, "__call__", _updates),
        *((kind, "update", _updates_directly) for kind in optimizers if "update" in vars(kind)),
        (mx.gluon.Parameter, "_init_grad", _initialises),
        (mx.module.executor_group.DataParallelExecutorGroup, "forward", _loads_batch),
        (mx.mod.Module, "init_optimizer", _may_refuse),
        (mx.io.NDArrayIter, "getpad", _pads),
        *((getattr(mx.lr_scheduler, name), "__call__", _schedules) for name in schedulers),
        (mx.kvstore.KVStore, "push", _pushes),
        (mx.kvstore.KVStore, "pull", _pulls),
        (mx.kvstore.KVStore, "pushpull", _pushes_and_pulls),
        (mx.kvstore.KVStore, "set_optimizer", _sends_optimizer),
    ]
