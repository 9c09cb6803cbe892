"""`mx-notes doctor SCRIPT`: calls in a program's text that MXNet is known to compute wrong.

The program is read, not run: what depends on values, shapes and types is said as a condition.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .. import disk
from ..runtime.known_faults import Fault, known_faults
from .imported import Imported

# A module of MXNet's, by the beginning that the calls of the list have; in `hybrid_forward` F is nd or sym.
FAMILIES = {
    **{f"mxnet.{name}": "F" for name in ("nd", "ndarray", "sym", "symbol")},
    **{"mxnet.gluon.nn": "nn", "mxnet.gluon.rnn": "rnn", "mxnet.gluon.loss": "gluon.loss"},
    **{"mxnet.np": "np", "mxnet.numpy": "np", "mxnet.npx": "npx", "mxnet.numpy_extension": "npx"},
    **{"mxnet.metric": "metric", "mxnet.init": "init", "mxnet.initializer": "init"},
    **{"F.np": "np", "F.npx": "npx"},
}
BY_SECOND_ARGUMENT = ("np.linalg.norm", "np.rot90")  # wrong with some numbers there, right with others
OF_SCALARS = ("_lscalar", "_rscalar", "_npi_rarctan2_scalar")  # ends of operators that MXNet has for numbers
BY_DEFAULT = ("count_include_pad",)  # flags that are on where they are not given
SETS_ADD, SETS_NULL = "grad_req='add'", "grad_req='null' of another input"


class Wrong(NamedTuple):
    """A call that MXNet answers wrong."""

    line: int
    text: str  # what is wrong, and the cure


def look(file: Path) -> list[Wrong]:
    """The calls in a file that MXNet computes wrong, by line; none of a file that is no Python of today's.

    Raises UserError if it cannot be read.
    """
    with disk.reading(file):
        content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    imported, nodes = Imported(), list(ast.walk(tree))
    for node in nodes:
        imported.enter(node)
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    given = {node.arg for node in nodes if isinstance(node, ast.keyword)}
    program = _Program(imported, "add" in words, "null" in words or "fixed_param_names" in given)
    return sorted(
        {wrong for node in nodes if isinstance(node, ast.Call) for wrong in program.faults_of(node)}
    )


class _Program(NamedTuple):
    imported: Imported
    adds: bool  # some gradient is accumulated
    freezes: bool  # some gradient is left out

    def faults_of(self, call: ast.Call) -> Iterator[Wrong]:
        name = self._name(call.func)
        optimizer = _optimizer(name, call)
        for fault, known in _calls():
            same = optimizer in fault.operators if known is None else _is_like(name, call, fault, known)
            if same and self._applies(fault):
                yield Wrong(call.lineno, f"{ast.unparse(call.func)}: {_words(fault)}")
                return

    def _name(self, function: ast.expr) -> str:
        """The name as the list has it: F.clip, np.var, nn.SELU; empty of what is not MXNet's."""
        full = self.imported.place(function)
        if not full and ast.unparse(function).startswith("F."):
            full = ast.unparse(function)
        for module in sorted(FAMILIES, key=len, reverse=True):
            if full.startswith(f"{module}."):
                return FAMILIES[module] + full.removeprefix(module)
        return full.removeprefix("mxnet.")

    def _applies(self, fault: Fault) -> bool:
        needed = _needs(fault)
        return (needed != SETS_ADD or self.adds) and (needed != SETS_NULL or self.freezes)


@cache
def _calls() -> tuple[tuple[Fault, ast.Call | None], ...]:
    """The faults that a program's text can show, each with its call; None of optimizers."""
    found = []
    for fault in known_faults():
        if "optimizer" in fault.what:
            found.append((fault, None))
            continue
        here = "as shipped" in fault.when.get("configuration", ("as shipped",))
        rare = fault.when.get("precision") == ("float64",) or fault.when.get("road") == ("nine uses",)
        try:
            tree = ast.parse(fault.case.partition(": ")[0], mode="eval")
        except SyntaxError:
            continue  # in words: it takes values to tell
        call = next((node for node in ast.walk(tree) if isinstance(node, ast.Call)), None)
        if isinstance(tree.body, ast.Attribute):  # a class, with whatever it is made of
            call = ast.Call(tree.body, [], [])
        if call is not None and here and not rare and "crash" not in fault.what:
            found.append((fault, call))
    return tuple(found)


def _is_like(name: str, call: ast.Call, fault: Fault, known: ast.Call) -> bool:
    """Whether a call of the program is, but for its values, one of the list."""
    if ast.unparse(known.func) != name:
        return False
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    for keyword in known.keywords:
        wanted = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if isinstance(wanted, str) or (wanted is True and keyword.arg not in BY_DEFAULT):
            value = given.get(keyword.arg)
            if not isinstance(value, ast.Constant) or value.value != wanted:
                return False
    if name in BY_SECOND_ARGUMENT:
        return [ast.unparse(each) for each in call.args[1:]] == [ast.unparse(each) for each in known.args[1:]]
    if any(operator.endswith(OF_SCALARS) for operator in fault.operators):
        here = [_is_number(each) for each in call.args]
        return here == [_is_number(each) for each in known.args]
    return True


def _is_number(node: ast.expr) -> bool:
    node = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _optimizer(name: str, call: ast.Call) -> str:
    """The optimizer that a call makes, or hands to a Trainer or a Module by its name."""
    if name.startswith("optimizer."):
        return name.removeprefix("optimizer.").lower()
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "optimizer")]
    words = [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return next(iter(words), "").lower()


def _needs(fault: Fault) -> str:
    """The request of gradients without which the call is right; empty if it is wrong whatever is asked for."""
    requests = fault.when.get("request", ("write",))
    if all("add" in each for each in requests):
        return SETS_ADD
    return SETS_NULL if all("alone" in each or "without" in each for each in requests) else ""


def _words(fault: Fault) -> str:
    """What is wrong, when, and what helps."""
    what = (
        f"the gradient of {', '.join(fault.of)}"
        if "gradient" in fault.what
        else f"the result ({fault.of[0]})"
    )
    roads = fault.when.get("road", ("imperative",))
    conditions = [_needs(fault), "" if "imperative" in roads else "static_alloc or a Module"]
    when = " with ".join(["", *filter(None, conditions)])
    cure = f"; right: {fault.cures[0]}" if fault.cures else ""
    mended = "; right under `mx-notes run --mend`" if fault.mended else ""
    return f"MXNet computes {what} wrong{when}{cure}{mended}"
