"""MXNet's Python methods that the hooks stand before: what its C functions don't tell, such as an update's parts."""

from __future__ import annotations

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
        if pad and self.last_batch_handle == "pad" and not quiet():
            tell("batch_padded")
        return pad

    return getpad


def _schedules(original):
    def call(self, num_update):
        if not quiet():
            tell("schedule_asked", self, num_update)
        return original(self, num_update)

    return call


def _may_refuse(original):
    def init_optimizer(self, *arguments, **keywords):
        ignored = self.optimizer_initialized and not keywords.get("force_init", False)
        original(self, *arguments, **keywords)
        if ignored and not quiet():
            tell("optimizer_refused", self._optimizer, keywords.get("optimizer_params"))

    return init_optimizer


def _sees_cached_op(original):
    def init(self, sym, flags=()):
        original(self, sym, flags)
        if not quiet():
            tell("cached_op_created", self, sym, flags)

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
        tell("before_update", self, index, grad, weight)
        with unreported():
            original(self, index, grad, weight)
        tell("after_update", self, index, grad, weight)

    return call


def _updates_directly(original):
    def update(self, index, weight, grad, state):
        if quiet():
            return original(self, index, weight, grad, state)
        tell("before_direct_update", self, index, grad, weight, state)
        with unreported():
            original(self, index, weight, grad, state)
        tell("after_direct_update", self, index, grad, weight, state)

    return update


def _pushes(original):
    def push(self, key, value, priority=0):
        if not quiet():
            tell("before_push", self, key, value)
        return original(self, key, value, priority)

    return push


def _pulls(original):
    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        original(self, key, out, priority, ignore_sparse)
        if not quiet():
            tell("pulled", self, key, out)

    return pull


def _pushes_and_pulls(original):
    def pushpull(self, key, value, out=None, priority=0):
        if not quiet():
            tell("before_push", self, key, value)
        original(self, key, value, out, priority)
        if not quiet():
            tell("pulled", self, key, value if out is None else out)

    return pushpull


def _sends_optimizer(original):
    def set_optimizer(self, optimizer):
        original(self, optimizer)
        if not quiet():
            tell("optimizer_sent", self, optimizer)

    return set_optimizer


def _copies(original):
    def set_data(self, data):
        mine = [array.handle.value for array in self._data or ()]
        if not quiet() and isinstance(data, mx.nd.NDArray) and mine == [data.handle.value]:
            tell("copied_onto_itself", self)
        return original(self, data)

    return set_data


def _changes_number(original):
    def setattr(self, name, value):
        if type(value) in (int, float) and not quiet():
            before = vars(self).get(name)
            if type(before) in (int, float) and before != value and vars(self).get("_active"):
                tell("number_changed", self, name, before, value)
        return original(self, name, value)

    return setattr


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
        (mx.gluon.Parameter, "set_data", _copies),
        (mx.gluon.HybridBlock, "__setattr__", _changes_number),
        (mx.module.executor_group.DataParallelExecutorGroup, "forward", _loads_batch),
        (mx.mod.Module, "init_optimizer", _may_refuse),
        (mx.io.NDArrayIter, "getpad", _pads),
        *((getattr(mx.lr_scheduler, name), "__call__", _schedules) for name in schedulers),
        (mx.kvstore.KVStore, "push", _pushes),
        (mx.kvstore.KVStore, "pull", _pulls),
        (mx.kvstore.KVStore, "pushpull", _pushes_and_pulls),
        (mx.kvstore.KVStore, "set_optimizer", _sends_optimizer),
    ]
