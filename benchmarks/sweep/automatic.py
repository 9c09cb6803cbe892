"""Cases for every operator of MXNet's registry that can be called with arrays alone: nobody has to think of it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from typing import Any

from mx_notes.runtime import mx
from mx_notes.runtime.drawing import draws

from .case import Case, positive

# Meant so: their gradient is by definition not the derivative of what they return.
MEANT = {
    *("BlockGrad", "MakeLoss", "make_loss", "_sparse_make_loss", "IdentityAttachKLSparseReg"),
    *("_contrib_round_ste", "_contrib_sign_ste", "_contrib_gradientmultiplier"),
    *(
        "LinearRegressionOutput",
        "LogisticRegressionOutput",
        "MAERegressionOutput",
        "SoftmaxOutput",
        "SVMOutput",
    ),
}
# Not functions of numbers, or not MXNet's public operators.
NOT_CALLED = (
    "_backward",
    "_contrib_backward",
    "_npi_backward",
    "_image",
    "_cv",
    "_imdecode",
    "_random",
    "_sample",
    "_contrib_dgl",
)
NOT_CALLED += (
    "_contrib_quant",
    "_sg_",
    "_scatter_",
    "_CachedOp",
    "_Native",
    "_NDArray",
    "_Custom",
    "Custom",
    "_npi_hsplit_backward",
)
NOT_CALLED += (
    "_set_value",
    "_onehot_encode",
    "_npi_constraint",
    "_npx_constraint",
    "_crop_assign",
    "_CrossDevice",
    "_broadcast_backward",
)
# Cases of `tables` alone: inputs that are statistics or conditions, matrices that must be symmetric.
IN_TABLES = (
    "BatchNorm",
    "_contrib_SyncBatchNorm",
    "_contrib_BatchNormWithReLU",
    "_npi_where",
    "_linalg_syevd",
    "_npi_eig",
    "_npi_norm",
)
# Ranges of inputs, tried in turn until the result is finite and has a derivative: arccosh has none below 1.
RANGES = ((0.25, 0.85), (1.2, 2.2))


@cache
def registry() -> dict[str, tuple[str, ...]]:
    """The operators of this build by their first name, with all their names."""
    library, check = mx.base._LIB, mx.base.check_call
    number, names = ctypes.c_uint(), ctypes.POINTER(ctypes.c_char_p)()
    check(library.MXListAllOpNames(ctypes.byref(number), ctypes.byref(names)))
    found: dict[int, list[str]] = {}
    for index in range(number.value):
        found.setdefault(handle(names[index].decode()), []).append(names[index].decode())
    return {aliases[0]: tuple(aliases) for aliases in found.values()}


def handle(name: str) -> int:
    """The operator's address, which all its names share."""
    found = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.NNGetOpHandle(name.encode(), ctypes.byref(found)))
    return found.value


def arguments(name: str) -> list[tuple[str, str]]:
    """The operator's arguments and their types, as MXNet documents them."""
    texts = [ctypes.c_char_p() for _ in range(4)]  # name, description, variable-argument key, return type
    number = ctypes.c_uint()
    lists = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]  # names, types, descriptions
    mx.base.check_call(
        mx.base._LIB.MXSymbolGetAtomicSymbolInfo(
            ctypes.c_void_p(handle(name)),
            ctypes.byref(texts[0]),
            ctypes.byref(texts[1]),
            ctypes.byref(number),
            *map(ctypes.byref, lists),
            ctypes.byref(texts[2]),
            ctypes.byref(texts[3]),
        )
    )
    return [(lists[0][i].decode(), lists[1][i].decode()) for i in range(number.value)]


def invoke(F: Any, name: str, *inputs: Any) -> Any:
    """Call an operator by its registered name, through the door of every generated function."""
    in_numpy = name.startswith(("_np_", "_npi_", "_npx_"))
    if F is mx.nd:
        from mxnet.ndarray import register

        return register._imperative_invoke(handle(name), list(inputs), [], [], None, in_numpy, False)
    from mxnet.symbol import register

    automatic = register.NameManager._current.value.get(None, name.lower())
    return register._symbol_creator(handle(name), list(inputs), None, [], [], automatic, in_numpy)


def cases() -> Iterator[Case]:
    """A case for each operator in each range; where the number of inputs varies, with two."""
    for name, aliases in registry().items():
        unusable = (
            name.startswith((*NOT_CALLED, *IN_TABLES))
            or any(draws(alias, {}) for alias in aliases)
            or "update" in name
            or {*aliases} & MEANT
        )
        if unusable:
            continue
        kinds = [kind for _, kind in arguments(name)]
        arrays = [kind for kind in kinds if kind.startswith(("NDArray-or-Symbol", "ndarray-or-symbol"))]
        if not arrays or any("required" in kind and kind not in arrays for kind in kinds):
            continue
        inputs = [f"x{i}" for i in range(2 if "[]" in arrays[0] else len(arrays))]
        for low, high in RANGES:
            yield Case(
                f"invoke(F, '{name}', {', '.join(inputs)})",
                {each: positive(3, 3, low=low + 0.017 * i, high=high) for i, each in enumerate(inputs)},
                "np" if name.startswith(("_np_", "_npi_", "_npx_")) else "nd",
                variables={"invoke": invoke},
                note=f"{low} to {high}",
            )
