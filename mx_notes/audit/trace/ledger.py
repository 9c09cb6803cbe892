"""The books on gradient buffers: which backward pass wrote them, who read them, what was updated with them."""

from __future__ import annotations

import ctypes
import weakref
from collections import Counter
from dataclasses import dataclass, field

from ...runtime import mx

CLEARING = {
    "zeros_like",
    "reset_arrays",
    "_zeros",
    "_full",
    "_set_value",
    "_slice_assign_scalar",
    "_npi_zeros_like",
}
DEPARTED = 10_000  # parameters remembered after their arrays were freed
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
    weight: int  # handle of the parameter's array
    device: str = ""
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


@dataclass
class Ledger:
    """All buffers, found by the handle of the gradient or of the parameter."""

    gradients: dict[int, Buffer] = field(default_factory=dict)
    weights: dict[int, Buffer] = field(default_factory=dict)
    executors: dict[int, tuple[weakref.ref, list[Buffer]]] = field(default_factory=dict)
    variables: dict[int, Buffer] = field(default_factory=dict)  # those that autograd knows, by the parameter
    departed: list[Buffer] = field(default_factory=list)  # parameters that are gone: some of them
    marked: Counter = field(default_factory=Counter)  # variables without a name so far, by kind and device

    def mark(self, variable: int, request: str, gradient: int, kind: str = "variable") -> None:
        """`MXAutogradMarkVariables`; "null" takes the variable out."""
        old = self.variables.pop(variable, None)
        if request == "null":
            return
        device = _device(variable)
        if old is None:
            self.marked[kind, device] += 1
        # The n-th variable of one device is the n-th of another, where a program copies its parameters.
        name = old.name if old else f"{kind} {self.marked[kind, device]}"
        buffer = Buffer(name, request, variable, device, is_parameter=bool(old))
        self.variables[variable] = self.weights[variable] = self.gradients[gradient] = buffer

    def find(self, array: mx.nd.NDArray) -> None:
        """Learn of a variable that was made before the audit began; its request can't be asked for."""
        gradient = mx.base.NDArrayHandle()
        failed = mx.base._LIB.MXNDArrayGetGrad(array.handle, ctypes.byref(gradient))
        if not failed and gradient.value:
            self.mark(array.handle.value, "unknown", gradient.value, kind="earlier variable")
            del self.gradients[gradient.value]
            mx.nd.NDArray(gradient)  # frees the handle, so that it may be another array's soon

    def name(self, parameter: mx.gluon.Parameter) -> None:
        """Learn a Gluon parameter's name, request and arrays."""
        if parameter._data is None or parameter._grad is None or parameter.grad_req == "null":
            return
        for data, gradient in zip(parameter._data, parameter._grad, strict=True):
            handle = data.handle.value
            buffer = self.variables.get(handle)
            if buffer is None:
                self.mark(handle, parameter.grad_req, gradient.handle.value, kind="parameter")
                buffer = self.variables[handle]
            self.gradients[gradient.handle.value] = buffer
            buffer.name, buffer.device, buffer.is_parameter = parameter.name, str(data.context), True

    def alias(self, variable: int, gradient: int) -> None:
        """A new handle for the gradient of a variable: somebody looks at it."""
        buffer = self.variables.get(variable)
        if buffer is not None:
            self.gradients[gradient] = buffer
            self.consume(buffer)

    def enter_executor(self, executor: mx.executor.Executor) -> list[Buffer]:
        """The buffers that an executor's backward pass writes."""
        handle = executor.handle.value
        known = self.executors.get(handle)
        if known is not None and known[0]() is executor:
            return known[1]
        buffers = []
        requests = requests_of(executor)
        for name, gradient in zip(executor._symbol.list_arguments(), executor.grad_arrays, strict=True):
            if gradient is None or requests[name] == "null":
                continue
            weight = executor.arg_dict[name].handle.value
            buffer = self.gradients.get(gradient.handle.value)
            if buffer is None or buffer.weight != weight:
                buffer = Buffer(name, requests[name], weight, str(gradient.context))
                self.gradients[gradient.handle.value] = self.weights[weight] = buffer
            buffers.append(buffer)
        self.executors[handle] = (weakref.ref(executor), buffers)
        return buffers

    def consume(self, buffer: Buffer) -> None:
        """Somebody has used this gradient, and so the pass that wrote it."""
        buffer.read = True
        if buffer.last is not None:
            buffer.last.consumed = True

    def forget(self, array: int) -> None:
        """The handle was freed."""
        self.gradients.pop(array, None)
        buffer = self.weights.pop(array, None)
        if buffer is not None:
            self.variables.pop(array, None)
            if buffer.is_parameter and buffer.ever and len(self.departed) < DEPARTED:
                self.departed.append(buffer)

    def before_autograd_backward(self) -> set[int]:
        """Lower the flags by which MXNet tells which gradients are fresh; returns those that were up."""
        fresh = {handle for handle in self.variables if _is_fresh(handle)}
        for handle in fresh:
            _set_fresh(handle, False)
        return fresh

    def after_autograd_backward(self, fresh_before: set[int]) -> list[Buffer]:
        """The buffers that the backward pass wrote; the flags that it left down are put up again."""
        written = [handle for handle in self.variables if _is_fresh(handle)]
        for handle in fresh_before.difference(written):
            _set_fresh(handle, True)
        return [self.variables[handle] for handle in written]


def requests_of(executor: mx.executor.Executor) -> dict[str, str]:
    """The executor's `grad_req`, by argument."""
    names = executor._symbol.list_arguments()
    request = executor._grad_req
    if isinstance(request, dict):
        return {name: request.get(name, "null") for name in names}
    requests = [request] * len(names) if isinstance(request, str) else request
    return dict(zip(names, requests, strict=True))


_flag = ctypes.c_int()
_flag_pointer = ctypes.byref(_flag)


def _is_fresh(variable: int) -> bool:
    mx.base._LIB.MXNDArrayGetGradState(ctypes.c_void_p(variable), _flag_pointer)
    return bool(_flag.value)


_type, _number = ctypes.c_int(), ctypes.c_int()


def _device(array: int) -> str:
    mx.base._LIB.MXNDArrayGetContext(ctypes.c_void_p(array), ctypes.byref(_type), ctypes.byref(_number))
    return f"{mx.Context.devtype2str[_type.value]}({_number.value})"


def _set_fresh(variable: int, fresh: bool) -> None:
    mx.base._LIB.MXNDArraySetGradState(ctypes.c_void_p(variable), ctypes.c_int(fresh))
