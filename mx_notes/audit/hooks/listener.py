"""The moments of an MXNet program that the hooks report, and what a listener is told."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...runtime import mx


class Listener:
    """Override the moments you want to see; handles are integers, the addresses of MXNet's objects.

    A method must not change what it is given. MXNet called from inside a listener is not reported.
    """

    def begin(self) -> None:
        """From here on the listener is told; of what was freed before it was not."""

    def batch_loaded(self, batch: mx.io.DataBatch) -> None:
        """Before a Module copies a batch into its executors and runs them forward."""

    def batch_padded(self) -> None:
        """An NDArrayIter filled a short batch with examples from the beginning (last_batch_handle='pad')."""

    def optimizer_refused(self, optimizer: mx.optimizer.Optimizer, parameters: Any) -> None:
        """`Module.init_optimizer` was called again, with these `optimizer_params`, and did nothing."""

    def schedule_asked(self, schedule: mx.lr_scheduler.LRScheduler, number: Any) -> None:
        """A program (not an optimiser) asks a schedule for the rate after `number` updates."""

    def optimizer_made(self, optimizer: mx.optimizer.Optimizer) -> None:
        """An optimiser was constructed, by whatever class."""

    def multipliers_set(self, optimizer: mx.optimizer.Optimizer, of: str, given: dict) -> None:
        """`set_lr_mult` or `set_wd_mult` was called (of: "lr" or "wd") with multipliers by name or index."""

    def before_fit(self, module: mx.mod.BaseModule, begin_epoch: int, num_epoch: int | None) -> None:
        """`module.fit`."""

    def states_restored(self, updater: mx.optimizer.Updater) -> None:
        """`Updater.set_states`: of `load_states` and `load_optimizer_states`."""

    def iterator_begun(self, iterator: mx.io.DataIter) -> None:
        """`iter(iterator)`: a loop begins, from wherever the iterator is."""

    def iterator_advanced(self, iterator: mx.io.DataIter, ended: bool) -> None:
        """A loop has asked an iterator for a batch; ended: there was none left."""

    def parameters_selected(self, block: mx.gluon.Block, pattern: str, found: mx.gluon.ParameterDict) -> None:
        """`block.collect_params(pattern)` was called."""

    def nothing_selected_used(self, found: mx.gluon.ParameterDict) -> None:
        """A program does something with each parameter of a ParameterDict that has none."""

    def before_parameters_loaded(self, owner: Any, given: Iterable[str]) -> None:
        """A Block or ParameterDict is about to take values for its parameters from a file, or by these names."""

    def arrays_loaded(self, names: list[str]) -> None:
        """`mx.nd.load` has read arrays with these names from a file."""

    def parameter_loaded(self, parameter: mx.gluon.Parameter) -> None:
        """A Gluon parameter has taken a loaded value."""

    def parameters_loaded(self, owner: Any, failed: bool) -> None:
        """The Block or ParameterDict has taken what it could, or raised."""

    def parameters_given(self, module: mx.mod.BaseModule, given: dict, ignored: bool) -> None:
        """A module's `init_params` or `set_params`, called by `fit` or the program, took these values or ignored them.

        given: by parameter.
        """

    def norm_clipped(self, arrays: list[mx.nd.NDArray], largest: float, norm: Any) -> None:
        """`gluon.utils.clip_global_norm` has scaled arrays; norm: what it was before, a number or an array (1,)."""

    def executor_seen(self, executor: mx.executor.Executor) -> None:
        """Before each forward and backward called on the Python object of an executor."""

    def before_executor_forward(self, executor: int, training: bool) -> None:
        """`MXExecutorForward`."""

    def before_executor_backward(self, executor: int, head_gradients: list[int]) -> None:
        """`MXExecutorBackwardEx`."""

    def after_executor_backward(self, executor: int) -> None:
        """The backward pass is in the engine's queue (it need not have run)."""

    def before_autograd_backward(
        self, heads: list[int], head_gradients: list[int], returned: bool, differentiable: bool
    ) -> None:
        """`MXAutogradBackwardEx`; `returned`: gradients go to new arrays, as `autograd.grad` asks.

        `differentiable`: with create_graph=True, so that they are part of the computation.
        """

    def after_autograd_backward(self, returned: dict[int, int]) -> None:
        """The backward pass is in the engine's queue; the gradients that it returned, by their variables."""

    def variables_marked(self, variables: list[int], requests: list[int], gradients: list[int]) -> None:
        """`MXAutogradMarkVariables`: what `attach_grad` and a Gluon parameter's initialisation call."""

    def parameter_initialised(self, parameter: mx.gluon.Parameter) -> None:
        """A Gluon parameter got its arrays."""

    def copied_onto_itself(self, parameter: mx.gluon.Parameter) -> None:
        """`Parameter.set_data` is called with the parameter's own array."""

    def number_changed(self, block: mx.gluon.HybridBlock, name: str, before: complex, after: complex) -> None:
        """Another number is about to be set as an attribute of a block that is hybridised."""

    def gradient_fetched(self, variable: int, gradient: int) -> None:
        """`MXNDArrayGetGrad`: `variable.grad` made a new handle for the gradient buffer."""

    def freshness_lowered(self, variable: int) -> None:
        """Before `MXNDArraySetGradState` says that a variable's gradient is used: a Trainer is about to update it."""

    def recording_set(self, on: bool, resumed: bool) -> None:
        """`autograd.record()` was entered or left; `resumed`: `autograd.pause()` inside it was."""

    def training_set(self, on: bool) -> None:
        """`autograd.train_mode()` or `predict_mode()` was entered or left."""

    def before_operator(self, call: OperatorCall) -> None:
        """`MXImperativeInvokeEx`: an operator is called."""

    def operator_invoked(self, call: OperatorCall) -> None:
        """`MXImperativeInvokeEx` has returned.

        Its caller still has to fetch the outputs from memory that MXNet uses again at the next call: here,
        and in `cached_op_invoked`, a listener must not run operators itself.
        """

    def before_cached_op(self, op: int, inputs: list[int]) -> None:
        """`MXInvokeCachedOpEx`: a hybridised block is called."""

    def cached_op_invoked(self, op: int, inputs: list[int], outputs: list[int]) -> None:
        """A hybridised block has been called."""

    def cached_op_created(self, op: mx.nd.CachedOp, symbol: mx.sym.Symbol, flags: Any) -> None:
        """A block was hybridised. flags: pairs; "data_indices": which of the symbol's inputs are no parameters."""

    def function_recorded(
        self, inputs: list[int], outputs: list[int], function: mx.autograd.Function | None
    ) -> None:
        """An `autograd.Function` was called in a recorded scope."""

    def viewed(self, array: int, view: int, rows: tuple[int, int] | None) -> None:
        """A view of an array, which shares its memory, got a handle: of these rows, or of all in another shape."""

    def handle_freed(self, handle: int) -> None:
        """An array, an executor or a hybridised block was freed: its address may be used again."""

    def array_awaited(self, array: int) -> None:
        """`wait_to_read` has waited for the array."""

    def array_read(self, array: int) -> None:
        """`asnumpy` has copied the array's values."""

    def array_written(self, array: int) -> None:
        """Values were copied into the array from NumPy."""

    def before_save(self, arrays: list[int]) -> None:
        """`mx.nd.save` and everything built on it."""

    def waited_for_all(self) -> None:
        """`mx.nd.waitall()`: nothing is in flight."""

    def before_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """`Updater.__call__`, of Module, of Trainer, or of a local KVStore: one of each, or lists."""

    def after_update(self, updater: mx.optimizer.Updater, index: Any, gradient: Any, weight: Any) -> None:
        """The update is in the engine's queue."""

    def before_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """A program calls `optimizer.update` itself, with a state that it keeps."""

    def after_direct_update(
        self, optimizer: mx.optimizer.Optimizer, index: Any, gradient: Any, weight: Any, state: Any
    ) -> None:
        """That update is in the engine's queue."""

    def optimizer_sent(self, store: mx.kv.KVStore, optimizer: mx.optimizer.Optimizer) -> None:
        """`KVStore.set_optimizer`: the store, or its servers, will update with a copy of this."""

    def before_push(self, store: mx.kv.KVStore, key: Any, value: Any) -> None:
        """`KVStore.push` (and the first half of `pushpull`): one key or several, each with an array or one a device."""

    def pulled(self, store: mx.kv.KVStore, key: Any, out: Any) -> None:
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
        return handles_of(self._arguments[2], self._arguments[1].value)

    @property
    def outputs(self) -> list[int]:
        """Handles of the outputs, new or given by `out=`."""
        return handles_of(self._arguments[4]._obj, self._arguments[3]._obj.value)

    @property
    def attributes(self) -> dict[str, str]:
        """The operator's parameters as MXNet got them, as text."""
        count, keys, values = self._arguments[5].value, self._arguments[6], self._arguments[7]
        return {keys[i].decode(): values[i].decode() for i in range(count)}


@dataclass
class PackedCall:
    """An imperative operator that MXNet's Python calls past `MXImperativeInvokeEx`; it has what an OperatorCall has."""

    name: str
    inputs: list[int]
    attributes: dict[str, str]
    outputs: list[int] = field(default_factory=list)


@functools.cache
def operator_names() -> dict[int, str]:
    """The names of all operators by the handle that `MXImperativeInvokeEx` gets."""
    library, names = mx.base._LIB, {}
    count, creators = ctypes.c_uint(), ctypes.POINTER(ctypes.c_void_p)()
    mx.base.check_call(library.MXSymbolListAtomicSymbolCreators(ctypes.byref(count), ctypes.byref(creators)))
    for i in range(count.value):
        name = ctypes.c_char_p()
        mx.base.check_call(
            library.MXSymbolGetAtomicSymbolName(ctypes.c_void_p(creators[i]), ctypes.byref(name))
        )
        names[creators[i]] = name.value.decode()
    return names


def handles_of(array: Any, count: int) -> list[int]:
    """The first `count` handles of a C array of them; none of a null pointer."""
    return array[:count] if count else []
