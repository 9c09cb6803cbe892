"""The books on gradient buffers: which backward pass wrote them, who read them, what was updated with them."""

from __future__ import annotations

import ctypes
import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...runtime import mx
from ..graph.symbol import gradients_of
from ..graph.values import own

DEPARTED = 10_000  # parameters remembered after their arrays were freed, if their gradients were not used
REQUESTS = {0: "null", 1: "write", 2: "inplace", 3: "add"}


@dataclass(eq=False)
class Pass:
    """One backward pass."""

    number: int
    training: bool = True  # the mode of its forward
    consumed: bool = False  # some gradient that it wrote was read, or used by an update


@dataclass(eq=False)
class Buffer:
    """One gradient buffer: of one parameter on one device."""

    name: str
    request: str
    weight: int  # handle of the parameter's array: a key, not to be handed to MXNet
    device: str = ""
    array: mx.nd.NDArray | None = (
        None  # the parameter's, by a handle of the audit's own; None once it is freed
    )
    gradient: mx.nd.NDArray | None = None  # of an executor: what its backward writes, likewise
    is_parameter: bool = True  # False for a variable that nobody named, such as an input of the network
    fed: int = 0  # how often the array was filled from outside, as data is
    fed_before: int = 0  # its latest update
    passes: int = 0  # backward passes that wrote it since the last update
    ever: int = 0  # and altogether
    since: int = 0  # the step of the first of them
    latest: int = 0  # and of the last
    idle: int = 0  # steps in which it was written since the last update
    updates: int = 0
    updated: int = 0  # the step of the latest
    optimised: bool = False  # an optimiser has updated it: what else writes the parameter is no update
    last: Pass | None = None
    read: bool = False  # since it was last written
    cleared: bool = True  # since the last update
    touched: bool = False  # written by somebody else than backward since the last update

    @property
    def restored(self) -> bool:
        """Whether the parameter was given other values since its latest update.

        A program that does so after each update, as to clip them, goes on from there.
        """
        return self.fed > self.fed_before and 2 * self.fed < self.updates

    def written_by(self, backward: Pass, step: int) -> bool:
        """Note a backward pass; True if it wiped out an earlier one that nobody had used."""
        lost = (
            self.request in ("write", "inplace")
            and self.passes > 0
            and self.last is not None
            and self.last is not backward
            and not (self.last.consumed or self.read)
        )
        if self.latest != step:
            self.since, self.latest, self.idle = self.since or step, step, self.idle + 1
        self.passes, self.ever = self.passes + 1, self.ever + 1
        self.last, self.read = backward, False
        return lost

    def consume(self) -> None:
        """Note that somebody has used this gradient, and so the pass that wrote it."""
        self.read = True
        if self.last is not None:
            self.last.consumed = True

    def close(self, step: int) -> None:
        """Close the books at an update: from here on its gradient is a new one."""
        self.updates, self.updated, self.idle = self.updates + 1, step, 0
        self.passes, self.touched, self.cleared, self.read = 0, False, False, False

    @property
    def fresh(self) -> bool:
        """Whether MXNet's flag says that a backward pass wrote it and no Trainer has used it."""
        flag = ctypes.c_int()
        mx.base._LIB.MXNDArrayGetGradState(self.array.handle, ctypes.byref(flag))
        return bool(flag.value)

    @fresh.setter
    def fresh(self, fresh: bool) -> None:
        mx.base._LIB.MXNDArraySetGradState(self.array.handle, ctypes.c_int(fresh))


@dataclass
class Ledger:
    """All buffers, found by the handle of the gradient or of the parameter."""

    gradients: dict[int, Buffer] = field(default_factory=dict)
    weights: dict[int, Buffer] = field(default_factory=dict)
    executors: dict[int, tuple[weakref.ref, list[Buffer]]] = field(default_factory=dict)
    variables: dict[int, Buffer] = field(default_factory=dict)  # those that autograd knows, by the parameter
    departed: list[Buffer] = field(default_factory=list)  # parameters that are gone: some of them
    marked: Counter = field(default_factory=Counter)  # variables without a name so far, by kind and device
    pushed: dict[object, list[Buffer]] = field(default_factory=dict)  # by the key of a KVStore

    def mark(self, variable: int, request: str, gradient: int, kind: str = "variable") -> Buffer | None:
        """Open the books on a variable (`MXAutogradMarkVariables`); "null" takes it out."""
        old = self.variables.pop(variable, None)
        if request == "null":
            return None
        array = own(variable)
        device = str(array.ctx)
        if old is None:
            self.marked[kind, device] += 1
        # The n-th variable of one device is the n-th of another, where a program copies its parameters.
        name = old.name if old else f"{kind} {self.marked[kind, device]}"
        buffer = Buffer(name, request, variable, device, array, is_parameter=bool(old))
        self.variables[variable] = self.weights[variable] = buffer
        if gradient:
            self.gradients[gradient] = buffer
        return buffer

    def find(self, array: mx.nd.NDArray) -> None:
        """Learn of a variable that was made before the audit began; its request can't be asked for."""
        gradient = mx.base.NDArrayHandle()
        failed = mx.base._LIB.MXNDArrayGetGrad(array.handle, ctypes.byref(gradient))
        if not failed and gradient.value:
            mx.nd.NDArray(gradient)  # frees the handle, so that it may be another array's soon
            self.mark(array.handle.value, "unknown", 0, kind="earlier variable")

    def name(self, parameter: mx.gluon.Parameter) -> None:
        """Learn a Gluon parameter's name, request and arrays."""
        if parameter._data is None or parameter._grad is None or parameter.grad_req == "null":
            return
        for data, gradient in zip(parameter._data, parameter._grad, strict=True):
            handle = data.handle.value
            buffer = self.variables.get(handle)
            if buffer is None:
                buffer = self.mark(handle, parameter.grad_req, gradient.handle.value, kind="parameter")
            self.gradients[gradient.handle.value] = buffer
            buffer.name, buffer.device, buffer.is_parameter = parameter.name, str(data.ctx), True

    def name_of(self, variable: int) -> str | None:
        """The name of a variable that autograd knows."""
        buffer = self.variables.get(variable)
        return buffer.name if buffer is not None else None

    def alias(self, variable: int, gradient: int) -> None:
        """Learn of a new handle for the gradient of a variable: somebody looks at it."""
        buffer = self.variables.get(variable)
        if buffer is not None:
            self.gradients[gradient] = buffer
            buffer.consume()

    def enter_executor(self, executor: mx.executor.Executor) -> list[Buffer]:
        """The buffers that an executor's backward pass writes."""
        handle = executor.handle.value
        known = self.executors.get(handle)
        if known is not None and known[0]() is executor:
            return known[1]
        buffers = []
        requests = requests_of(executor)
        for name, gradient in gradients_of(executor).items():
            if gradient is None or requests[name] == "null":
                continue
            weight = executor.arg_dict[name]
            buffer = self.gradients.get(gradient.handle.value)
            if buffer is None or buffer.weight != weight.handle.value:
                handle_of_weight, array = weight.handle.value, own(weight.handle.value)
                buffer = Buffer(name, requests[name], handle_of_weight, str(gradient.ctx), array)
                buffer.gradient = own(gradient.handle.value)
                self.gradients[gradient.handle.value] = self.weights[handle_of_weight] = buffer
            buffers.append(buffer)
        self.executors[handle] = (weakref.ref(executor), buffers)
        return buffers

    def consume(self, arrays: Iterable[int]) -> None:
        """Note that the gradients among these arrays are used."""
        for array in arrays:
            if array in self.gradients:
                self.gradients[array].consume()

    def forget(self, array: int) -> None:
        """Another array may get this handle, which was freed."""
        self.gradients.pop(array, None)
        buffer = self.weights.pop(array, None)
        if buffer is not None:
            buffer.array = buffer.gradient = None  # else the parameter's memory would stay
            self.variables.pop(array, None)
            unused = buffer.passes > bool(buffer.updates)  # gradients that no update has used
            if buffer.is_parameter and unused and len(self.departed) < DEPARTED:
                self.departed.append(buffer)

    def release(self) -> None:
        """Let go of all arrays."""
        for buffer in [*self.weights.values(), *self.gradients.values()]:
            buffer.array = buffer.gradient = None
        for table in (self.gradients, self.weights, self.executors, self.variables, self.pushed):
            table.clear()

    def lower_flags(self, buffers: list[Buffer]) -> list[Buffer]:
        """Lower the flags by which MXNet tells which gradients are fresh; returns the buffers that had one up."""
        fresh = [buffer for buffer in buffers if buffer.fresh]
        for buffer in fresh:
            buffer.fresh = False
        return fresh

    def raise_flags(self, buffers: list[Buffer], fresh_before: list[Buffer]) -> list[Buffer]:
        """Which of the buffers a backward pass has written; flags that it left down are put up again."""
        written = [buffer for buffer in buffers if buffer.array is not None and buffer.fresh]
        for buffer in set(fresh_before).difference(written):
            if buffer.array is not None:
                buffer.fresh = True
        return written


def requests_of(executor: mx.executor.Executor) -> dict[str, str]:
    """The executor's `grad_req`, by argument."""
    names = executor._symbol.list_arguments()
    request = executor._grad_req
    if isinstance(request, dict):
        return {name: request.get(name, "null") for name in names}
    requests = [request] * len(names) if isinstance(request, str) else request
    return dict(zip(names, requests, strict=True))
