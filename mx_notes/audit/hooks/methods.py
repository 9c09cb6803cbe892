"""MXNet's Python methods that the hooks stand before: what its C functions don't tell, such as an update's parts."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

from ...runtime import mx
from .listener import PackedCall
from .telling import quiet, tell, unreported

EACH = ("setattr", "initialize", "zero_grad", "reset_ctx", "keys", "values", "items")  # of a ParameterDict


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
    # What nobody has written down is not asked for: `fit` hands its default on.
    default = inspect.signature(mx.mod.BaseModule.fit).parameters["optimizer_params"].default

    def init_optimizer(self, *arguments, **keywords):
        ignored = self.optimizer_initialized and not keywords.get("force_init", False)
        original(self, *arguments, **keywords)
        if ignored and not quiet():
            asked, optimizer = keywords.get("optimizer_params"), keywords.get("optimizer")
            if isinstance(optimizer, mx.optimizer.Optimizer):  # for which there are no optimizer_params
                asked = None if optimizer is self._optimizer else {"learning_rate": optimizer.lr}
            tell("optimizer_refused", self._optimizer, None if asked is default else asked)

    return init_optimizer


def _makes_optimizer(original):
    def init(self, *arguments, **keywords):
        with unreported():  # it calls set_lr_mult({})
            original(self, *arguments, **keywords)
        if not quiet():
            tell("optimizer_made", self)

    return init


def _sets_multipliers(of, original):
    def set_multipliers(self, multipliers):
        original(self, multipliers)
        if not quiet():
            tell("multipliers_set", self, of, multipliers)

    return set_multipliers


def _fits(original):
    signature = inspect.signature(original)

    def fit(self, *arguments, **keywords):
        if not quiet():
            given = signature.bind(self, *arguments, **keywords).arguments
            tell("before_fit", self, given.get("begin_epoch", 0), given.get("num_epoch"))
        return original(self, *arguments, **keywords)

    return fit


def _restores_states(original):
    def set_states(self, states):
        original(self, states)
        if not quiet():
            tell("states_restored", self)

    return set_states


def _begins(original):
    def __iter__(self):
        if not quiet():
            tell("iterator_begun", self)
        return original(self)

    return __iter__


def _advances(original):
    def __next__(self):
        if quiet():
            return original(self)
        try:
            batch = original(self)
        except StopIteration:
            tell("iterator_advanced", self, True)
            raise
        tell("iterator_advanced", self, False)
        return batch

    return __next__


def _selects(original):
    def collect_params(self, select=None):
        if not select or quiet():
            return original(self, select)
        with unreported():  # it calls itself for the children
            found = original(self, select)
        tell("parameters_selected", self, select, found)
        return found

    return collect_params


def _uses_each(original):
    def method(self, *arguments, **keywords):
        if not self._params and not quiet():
            tell("nothing_selected_used", self)
        return original(self, *arguments, **keywords)

    return method


def _loads(original):
    def load(self, source, *arguments, **keywords):
        if quiet():
            return original(self, source, *arguments, **keywords)
        tell("before_parameters_loaded", self, source if isinstance(source, dict) else ())
        failed = True
        try:
            original(self, source, *arguments, **keywords)
            failed = False
        finally:
            tell("parameters_loaded", self, failed)

    return load


def _takes_loaded(original):
    def load_init(self, *arguments, **keywords):
        original(self, *arguments, **keywords)
        if not quiet():
            tell("parameter_loaded", self)

    return load_init


def _is_given_parameters(original):
    signature = inspect.signature(original)

    def method(self, *arguments, **keywords):
        before, caller = self.params_initialized, sys._getframe(1).f_locals.get("self")
        original(self, *arguments, **keywords)
        # A SequentialModule hands all values to each of its modules.
        if not quiet() and not isinstance(caller, mx.mod.SequentialModule):
            bound = signature.bind(self, *arguments, **keywords)
            bound.apply_defaults()
            given = {**(bound.arguments["arg_params"] or {}), **(bound.arguments["aux_params"] or {})}
            if given:
                tell("parameters_given", self, given, before and not bound.arguments["force_init"])

    return method


def _clips(original):
    def clip_global_norm(arrays, max_norm, check_isfinite=True):
        norm = original(arrays, max_norm, check_isfinite)
        if not quiet():
            tell("norm_clipped", arrays, max_norm, norm)
        return norm

    return clip_global_norm


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


def _is_an_operator(original):
    """Stand before `mx.np.tensordot`, in 1.9.1 the only operator that goes through `MXNetFuncCall` instead."""

    def tensordot(a, b, axes):
        if quiet():
            return original(a, b, axes)
        arrays = [each.handle.value for each in (a, b) if isinstance(each, mx.nd.NDArray)]
        call = PackedCall(*_named(axes, arrays))
        tell("before_operator", call)
        made = original(a, b, axes)
        call.outputs.append(made.handle.value)
        tell("operator_invoked", call)
        return made

    return tensordot


def _named(axes: Any, arrays: list[int]) -> tuple[str, list[int], dict[str, str]]:
    if isinstance(axes, (list, tuple)) and len(axes) == 2:
        each = [tuple(one) if isinstance(one, (list, tuple)) else (one,) for one in axes]
        return "_npi_tensordot", arrays, {"a_axes_summed": str(each[0]), "b_axes_summed": str(each[1])}
    return "_npi_tensordot_int_axes", arrays, {"axes": str(axes)}


def methods() -> list[tuple[Any, str, Any]]:
    """Class or module, name, and what wraps the method of that name."""
    schedulers = ("FactorScheduler", "MultiFactorScheduler", "PolyScheduler", "CosineScheduler")
    optimizers = {*mx.optimizer.Optimizer.opt_registry.values()}
    return [
        (mx.executor.Executor, "forward", _sees_executor),
        (mx.executor.Executor, "backward", _sees_executor),
        (mx.nd.CachedOp, "__init__", _sees_cached_op),
        (mx.nd.numpy._api_internal, "tensordot", _is_an_operator),
        (mx.optimizer.Updater, "__call__", _updates),
        *((kind, "update", _updates_directly) for kind in optimizers if "update" in vars(kind)),
        (mx.gluon.Parameter, "_init_grad", _initialises),
        (mx.gluon.Parameter, "set_data", _copies),
        (mx.gluon.HybridBlock, "__setattr__", _changes_number),
        (mx.module.executor_group.DataParallelExecutorGroup, "forward", _loads_batch),
        (mx.mod.Module, "init_optimizer", _may_refuse),
        (mx.mod.BaseModule, "fit", _fits),
        *((kind, "init_params", _is_given_parameters) for kind in (mx.mod.Module, mx.mod.BucketingModule)),
        (mx.mod.Module, "set_params", _is_given_parameters),
        (mx.optimizer.Optimizer, "__init__", _makes_optimizer),
        (mx.optimizer.Optimizer, "set_lr_mult", functools.partial(_sets_multipliers, "lr")),
        (mx.optimizer.Optimizer, "set_wd_mult", functools.partial(_sets_multipliers, "wd")),
        (mx.optimizer.Updater, "set_states", _restores_states),
        (mx.gluon.Block, "collect_params", _selects),
        *((mx.gluon.ParameterDict, name, _uses_each) for name in EACH),
        (mx.gluon.Block, "load_parameters", _loads),
        (mx.gluon.ParameterDict, "load_dict", _loads),
        (mx.gluon.Parameter, "_load_init", _takes_loaded),
        (mx.gluon.utils, "clip_global_norm", _clips),
        (mx.io.DataIter, "__iter__", _begins),
        (mx.io.DataIter, "__next__", _advances),
        (mx.io.NDArrayIter, "getpad", _pads),
        *((getattr(mx.lr_scheduler, name), "__call__", _schedules) for name in schedulers),
        (mx.kvstore.KVStore, "push", _pushes),
        (mx.kvstore.KVStore, "pull", _pulls),
        (mx.kvstore.KVStore, "pushpull", _pushes_and_pulls),
        (mx.kvstore.KVStore, "set_optimizer", _sends_optimizer),
    ]
