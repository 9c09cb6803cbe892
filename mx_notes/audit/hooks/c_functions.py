"""MXNet's C functions that the hooks stand before: every road to forward and backward passes through them."""

from __future__ import annotations

import ctypes
import sys

from .listener import OperatorCall, handles_of
from .telling import audiences, pay, quiet, tell


def _executor_forward(original):
    def forward(executor, training):
        if not quiet():
            tell("before_executor_forward", executor.value, bool(training.value))
        return original(executor, training)

    return forward


def _executor_backward(original):
    def backward(executor, count, head_gradients, *rest):
        if quiet():
            return original(executor, count, head_gradients, *rest)
        tell("before_executor_backward", executor.value, handles_of(head_gradients, count.value))
        status = original(executor, count, head_gradients, *rest)
        tell("after_executor_backward", executor.value)
        return status

    return backward


def _autograd_backward(original):
    def backward(count, heads, head_gradients, *rest):
        if quiet():
            return original(count, heads, head_gradients, *rest)
        # The longer form: variables' number, variables, retain_graph, create_graph, is_train, their gradients.
        asked = int(getattr(rest[0], "value", rest[0])) if len(rest) > 1 else 0
        differentiable = asked > 0 and bool(rest[3].value)
        number = getattr(count, "value", count)
        seeds = handles_of(head_gradients, number) if isinstance(head_gradients, ctypes.Array) else []
        tell("before_autograd_backward", handles_of(heads, number), seeds, asked > 0, differentiable)
        status = original(count, heads, head_gradients, *rest)
        made = zip(rest[1], handles_of(rest[5]._obj, asked), strict=False) if asked and not status else ()
        tell("after_autograd_backward", {} if differentiable else dict(made))
        return status

    return backward


def _mark_variables(original):
    def mark(count, variables, requests, gradients):
        status = original(count, variables, requests, gradients)
        if not quiet():
            number = getattr(count, "value", count)
            numbers = ctypes.cast(requests, ctypes.POINTER(ctypes.c_uint))
            tell(
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
        if not quiet() and gradient._obj.value:
            tell("gradient_fetched", variable.value, gradient._obj.value)
        return status

    return get_grad


def _set_freshness(original):
    def set_freshness(variable, fresh):
        if not quiet() and not getattr(fresh, "value", fresh):
            tell("freshness_lowered", variable.value)
        return original(variable, fresh)

    return set_freshness


def _set_recording(original):
    def set_recording(on, previous):
        status = original(on, previous)
        if not quiet() and bool(on.value) != bool(previous._obj.value):
            # Called by autograd.set_recording: that by a scope's __enter__ or __exit__, or by Function.__call__.
            resumed = bool(on.value) and sys._getframe(2).f_code.co_name in ("__exit__", "__call__")
            tell("recording_set", bool(on.value), resumed)
        return status

    return set_recording


def _set_training(original):
    def set_training(on, previous):
        status = original(on, previous)
        if not quiet() and bool(on.value) != bool(previous._obj.value):
            tell("training_set", bool(on.value))
        return status

    return set_training


def _invoke(original):
    def invoke(*arguments):
        if quiet():
            return original(*arguments)
        call = OperatorCall(arguments)
        tell("before_operator", call)
        status = original(*arguments)
        if not status:
            tell("operator_invoked", call)
        return status

    return invoke


def _invoke_cached_op(original):
    def invoke(op, count, inputs, output_count, outputs, stypes):
        if quiet():
            return original(op, count, inputs, output_count, outputs, stypes)
        given = handles_of(inputs, count.value)
        tell("before_cached_op", op.value, given)
        status = original(op, count, inputs, output_count, outputs, stypes)
        if not status:
            tell("cached_op_invoked", op.value, given, handles_of(outputs._obj, output_count._obj.value))
        return status

    return invoke


def _record_function(original):
    def record(count, inputs, output_count, outputs, *rest):
        status = original(count, inputs, output_count, outputs, *rest)
        if not status and not quiet():
            made = handles_of(outputs, output_count.value)
            # Called by Function.__call__, which does not hand itself over.
            function = sys._getframe(1).f_locals.get("self")
            tell("function_recorded", handles_of(inputs, count.value), made, function)
        return status

    return record


def _reshape(original):
    def reshape(array, *arguments):
        status = original(array, *arguments)
        if not status and not quiet():
            tell("viewed", array.value, arguments[-1]._obj.value, None)
        return status

    return reshape


def _rows(original):
    def rows(array, first, *rest):
        status = original(array, first, *rest)
        if not status and not quiet():
            end = rest[0].value if len(rest) > 1 else first.value + 1
            tell("viewed", array.value, rest[-1]._obj.value, (first.value, end))
        return status

    return rows


def _free(original):
    def free(handle):
        for audience in audiences:  # whichever thread frees it, before its address can be another object's
            audience.freed[handle.value] = None
        return original(handle)

    return free


def _wait(original):
    def wait(array):
        status = pay() or original(array)
        if not quiet():
            tell("array_awaited", array.value)
        return status

    return wait


def _copy_to_cpu(original):
    def copy(array, data, size):
        status = pay() or original(array, data, size)
        if not quiet():
            tell("array_read", array.value)
        return status

    return copy


def _copy_from_cpu(original):
    def copy(array, data, size):
        status = original(array, data, size)
        if not quiet():
            tell("array_written", array.value)
        return status

    return copy


def _save(original):
    def save(path, count, arrays, keys):
        if not quiet():
            tell("before_save", handles_of(arrays, count.value))
        return original(path, count, arrays, keys)

    return save


def _load(original):
    def load(path, count, arrays, name_count, names):
        status = original(path, count, arrays, name_count, names)
        if not status and not quiet():
            tell("arrays_loaded", [names._obj[i].decode() for i in range(name_count._obj.value)])
        return status

    return load


def _wait_all(original):
    def wait():
        status = pay() or original()
        if not quiet():
            tell("waited_for_all")
        return status

    return wait


C_FUNCTIONS = {
    "MXExecutorForward": _executor_forward,
    "MXExecutorBackwardEx": _executor_backward,
    "MXAutogradBackwardEx": _autograd_backward,
    "MXAutogradBackward": _autograd_backward,
    "MXAutogradMarkVariables": _mark_variables,
    "MXNDArrayGetGrad": _get_grad,
    "MXNDArraySetGradState": _set_freshness,
    "MXAutogradSetIsRecording": _set_recording,
    "MXAutogradSetIsTraining": _set_training,
    "MXImperativeInvokeEx": _invoke,
    "MXInvokeCachedOpEx": _invoke_cached_op,
    "MXCustomFunctionRecord": _record_function,
    "MXNDArrayReshape64": _reshape,
    "MXNDArraySlice": _rows,
    "MXNDArrayAt": _rows,
    "MXNDArrayFree": _free,
    "MXExecutorFree": _free,
    "MXFreeCachedOp": _free,
    "MXNDArrayWaitToRead": _wait,
    "MXNDArraySyncCopyToCPU": _copy_to_cpu,
    "MXNDArraySyncCopyFromCPU": _copy_from_cpu,
    "MXNDArraySave": _save,
    "MXNDArrayLoad": _load,
    "MXNDArrayWaitAll": _wait_all,
}
