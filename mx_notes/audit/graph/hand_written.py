"""Forward passes that a program has written itself, run again where they do nothing but compute."""

from __future__ import annotations

import copy
import gc
from types import FunctionType, ModuleType

from ...runtime import mx
from .graph import Node

CUSTOM = "Custom"  # the operator behind every mx.operator.CustomOp
CREATOR = "register.<locals>.do_register.<locals>.creator"  # what `mx.operator.register` leaves with MXNet
# In the names that a function uses: it draws random numbers, or can be seen from outside.
DOING = (
    "rand",
    "normal",
    "uniform",
    "sampl",
    "shuffle",
    "multinomial",
    "dropout",
    "print",
    "write",
    "open",
    "log_",
    "append",
)


class CannotReplay(Exception):
    """Some operator can't be run again, or not to the same result; the words say which."""


def call_function(node: Node, inputs: list[mx.nd.NDArray]) -> list[mx.nd.NDArray]:
    """Call an `autograd.Function` again, as a copy of its own. Raises CannotReplay."""
    if node.function is None or not _is_plain(type(node.function).forward):
        raise CannotReplay(f"{node.name} is the program's own and may do more than compute")
    again = copy.copy(node.function)
    again._used = False
    try:
        made = again(*inputs)
    except Exception:  # of whatever kind: it was written for other arrays
        raise CannotReplay(f"{node.name} can't be called again") from None
    return list(made) if isinstance(made, (list, tuple)) else [made]


def expect_plain(node: Node) -> None:
    """Expect that a custom operator does nothing but compute, in the methods that a call of it runs.

    Raises CannotReplay.
    """
    name = node.attributes.get("op_type", "")
    made_by = _properties().get(name)
    kinds = [made_by, *_kinds_used(made_by)] if made_by is not None else []
    methods = [each for kind in kinds for each in vars(kind).values() if isinstance(each, FunctionType)]
    methods = [each for each in methods if each.__name__ != "backward"]
    if len(kinds) != 2 or not all(_is_plain(each, kinds[1]) for each in methods):
        raise CannotReplay(f"the operator {name} is the program's own and may do more than compute")


def _properties() -> dict[str, type]:
    """The classes that were registered as custom operators: MXNet keeps them in functions of its own alone."""
    found = {}
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__qualname__ == CREATOR:
            kept = dict(zip(each.__code__.co_freevars, each.__closure__, strict=True))
            found[kept["reg_name"].cell_contents] = kept["prop_cls"].cell_contents
    return found


def _kinds_used(made_by: type) -> list[type]:
    """The classes of operators that the registered class makes."""
    make = vars(made_by).get("create_operator")
    if not isinstance(make, FunctionType):
        return []
    named = (make.__globals__.get(name) for name in make.__code__.co_names)
    return [each for each in named if isinstance(each, type) and issubclass(each, mx.operator.CustomOp)]


def _is_plain(function: FunctionType, but: type | None = None) -> bool:
    """Whether a function only calls MXNet and NumPy: run again, it must draw no number and print no word.

    but: a class of the program that it may make.
    """
    code = getattr(function, "__code__", None)
    if (
        code is None
        or set(code.co_freevars) - {"__class__"}  # of super()
        or any(word in name.lower() for name in code.co_names for word in DOING)
    ):
        return False
    known = function.__globals__
    foreign = [
        known[name] for name in code.co_names if name in known and not isinstance(known[name], ModuleType)
    ]
    return not any(callable(each) and each is not but for each in foreign)
