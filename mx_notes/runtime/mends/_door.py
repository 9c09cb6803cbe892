"""The two functions through which every operator of MXNet is called, with some operators replaced.

MXNet generates a Python function for each operator and each of its names (mx.nd, mx.np, mx.npx, methods of
arrays, their symbolic twins). All of them end in `_imperative_invoke` or `_symbol_creator`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..opening import mxnet

Replacement = Callable[["Call"], Any]
_replacements: dict[int, list[Replacement]] = {}


@dataclass(frozen=True)
class Call:
    """One call of an operator. inputs: NDArrays, or Symbols; F: mx.nd or mx.sym, as in hybrid_forward."""

    F: Any
    inputs: list[Any]
    attributes: dict[str, Any]
    _original: Callable[[list[Any], dict[str, Any]], Any]
    _others: tuple[Replacement, ...] = ()  # that are asked after this one

    @property
    def symbolic(self) -> bool:
        """Whether a graph is built, whose shapes and requests are not known yet."""
        return self.F is mxnet().sym

    def original(self, *inputs: Any, **changed: Any) -> Any:
        """Call MXNet's own operator; `changed` attributes take the place of the caller's, None removes one."""
        attributes = {
            key: value for key, value in {**self.attributes, **changed}.items() if value is not None
        }
        return self._original(list(inputs), attributes)

    def go_on(self, *inputs: Any) -> Any:
        """Call the operator on other inputs, as the replacements after this one have it."""
        return _first(self._others, replace(self, inputs=list(inputs)), lambda: self.original(*inputs))

    def is_set(self, attribute: str) -> bool:
        """Whether a flag is given as true."""
        return str(self.attributes.get(attribute, False)) in ("True", "1", "true")


def answer(operators: tuple[str, ...], by: Replacement) -> None:
    """Have calls of the operators (names of MXNet's registry; other spellings follow) answered by a function.

    It returns the outputs, or None to leave the call to the next replacement and then to MXNet. Operators
    that this build of MXNet lacks are passed over.
    """
    if not _replacements:
        _open()
    for name in operators:
        handle = ctypes.c_void_p()
        if mxnet().base._LIB.NNGetOpHandle(name.encode(), ctypes.byref(handle)) == 0:
            _replacements.setdefault(handle.value, []).append(by)


def _open() -> None:
    mx = mxnet()
    from mxnet.ndarray import register as arrays
    from mxnet.symbol import register as symbols

    invoke, create = arrays._imperative_invoke, symbols._symbol_creator

    def imperative_invoke(handle, inputs, keys, values, out, in_numpy, output_is_list):
        answers = _replacements.get(handle)
        if not answers or out is not None:  # with `out` nothing is recorded
            return invoke(handle, inputs, keys, values, out, in_numpy, output_is_list)

        def original(others: list[Any], attributes: dict[str, Any]) -> Any:
            return invoke(
                handle, others, list(attributes), list(attributes.values()), None, in_numpy, output_is_list
            )

        call = Call(mx.nd, inputs, dict(zip(keys, values, strict=True)), original)
        with mx.util.np_shape(in_numpy or mx.util.is_np_shape()):  # else a shape of no axes is an unknown one
            return _first(answers, call, lambda: original(inputs, call.attributes))

    def symbol_creator(handle, arguments, named, keys, values, name, in_numpy, output_is_list=False):
        made = create(handle, arguments, named, keys, values, name, in_numpy, output_is_list)
        answers = _replacements.get(handle)
        if not answers:
            return made

        def original(others: list[Any], attributes: dict[str, Any]) -> Any:
            return create(
                handle,
                others,
                None,
                list(attributes),
                list(attributes.values()),
                name,
                in_numpy,
                output_is_list,
            )

        # The variables that MXNet makes for inputs which are not given, with their names and attributes.
        children = (made[0] if isinstance(made, list) else made).get_children()
        inputs = [
            child.as_np_ndarray() if in_numpy else child for child in (() if children is None else children)
        ]
        call = Call(mx.sym, inputs, dict(zip(keys, values, strict=True)), original)
        result = _first(answers, call, lambda: made)
        if not isinstance(result, list) and result.name != name:
            result._set_attr(name=name)
        return result

    arrays._imperative_invoke, symbols._symbol_creator = imperative_invoke, symbol_creator


def _first(answers: Sequence[Replacement], call: Call, otherwise: Callable[[], Any]) -> Any:
    for number, each in enumerate(answers):
        result = each(replace(call, _others=tuple(answers[number + 1 :])))
        if result is not None:
            return result
    return otherwise()
