"""The names that NumPy has lost since MXNet 1.9.1 was released, which MXNet and programs of its time still read.

They are found through NumPy's own `__getattr__`, when NumPy itself lacks them.
"""

from __future__ import annotations

import ast
import builtins
import math
import os
import sys
from collections.abc import Callable
from functools import cache, partial, wraps
from types import SimpleNamespace
from typing import Any

from .old_names import OldNames, note

# Names that NumPy dropped in 1.20, 1.24 and 2.0 to 2.5, and what to write today. A name of NumPy's or Python's
# own is also what the old name then means.
TODAY = {
    **{name: name for name in ("bool", "int", "float", "complex", "object", "str")},
    **{"long": "int", "unicode": "str", "math": "math"},
    **dict.fromkeys(("PINF", "Inf", "Infinity", "infty"), "np.inf"),
    **{"NaN": "np.nan", "NAN": "np.nan", "NINF": "-np.inf", "PZERO": "0.0", "NZERO": "-0.0"},
    **{"float_": "np.float64", "longfloat": "np.longdouble", "singlecomplex": "np.complex64"},
    **{"complex_": "np.complex128", "cfloat": "np.complex128"},
    **{"longcomplex": "np.clongdouble", "clongfloat": "np.clongdouble"},
    **{"unicode_": "np.str_", "str0": "np.str_", "string_": "np.bytes_", "bytes0": "np.bytes_"},
    **{
        "bool8": "np.bool_",
        "object0": "np.object_",
        "void0": "np.void",
        "int0": "np.intp",
        "uint0": "np.uintp",
    },
    **{"alltrue": "np.all", "sometrue": "np.any", "product": "np.prod", "cumproduct": "np.cumprod"},
    **{"row_stack": "np.vstack", "trapz": "np.trapezoid", "round_": "np.round", "mat": "np.asmatrix"},
    **{"rank": "np.ndim", "issubsctype": "np.issubdtype", "issubclass_": "issubclass"},
    **{"compare_chararrays": "np.char.compare_chararrays", "chararray": "np.char.chararray"},
    **{"format_parser": "np.rec.format_parser", "DataSource": "np.lib.npyio.DataSource"},
    **{"byte_bounds": "np.lib.array_utils.byte_bounds", "add_docstring": "np.lib.add_docstring"},
    **{"add_newdoc": "np.lib.add_newdoc", "tracemalloc_domain": "np.lib.tracemalloc_domain"},
    **{"safe_eval": "ast.literal_eval", "disp": "print", "asscalar": "a.item()", "alen": "len(a)"},
    **{
        "in1d": "np.isin(np.ravel(a), b)",
        "msort": "np.sort(a, axis=0)",
        "asfarray": "np.asarray(a, np.float64)",
    },
    **{
        "fastCopyAndTranspose": "a.T.copy()",
        "obj2sctype": "np.dtype(a).type",
        "sctype2char": "np.dtype(a).char",
    },
    **{
        "issctype": "issubclass(a, np.generic)",
        "find_common_type": "np.result_type",
        "compat": "str, bytes, os",
    },
    **{"maximum_sctype": "np.float64", "cast": "np.asarray(a, dtype)", "nbytes": "np.dtype(t).itemsize"},
    **{"recfromtxt": "np.genfromtxt", "recfromcsv": "np.genfromtxt"},
}
FINANCIAL = ("fv", "ipmt", "irr", "mirr", "nper", "npv", "pmt", "ppmt", "pv", "rate")


def restore_numpy_names() -> None:
    """Give NumPy the names that it lacks; `prepare` does. NumPy before 1.24 lacks none that MXNet reads."""
    import numpy as np

    version = np.lib.NumpyVersion(np.__version__)
    if version >= "1.24.0":
        OldNames.give_back(np, partial(_value, np), "np")
    if version >= "2.3.0" and not hasattr(np.fromstring, "__wrapped__"):
        np.fromstring = _of_bytes_too(np, np.fromstring)


def _of_bytes_too(np, fromstring: Callable) -> Callable:
    """Give `fromstring` its binary mode back, in which most programs of MXNet's time read MNIST's files."""

    @wraps(fromstring)
    def either(string, dtype=float, count=-1, *, sep="", like=None):
        if sep:
            options = {} if like is None else {"like": like}
            return fromstring(string, dtype, count, sep=sep, **options)
        note("np.fromstring of bytes")
        content = string.encode("latin1") if isinstance(string, str) else string
        return np.frombuffer(content, dtype, count).copy()

    return either


def _value(np, name: str) -> Any:
    if name in FINANCIAL:
        return _moved_to_numpy_financial(name)
    made = _made(np)
    if name in made:
        return made[name]
    place = TODAY[name]  # or KeyError
    if not place.startswith("np."):
        return getattr(builtins, place)
    value = np
    for part in place.split(".")[1:]:
        value = getattr(value, part)
    return value


@cache
def _made(np) -> dict[str, Any]:
    """The old names for which there is no other name today, only another expression."""

    def in1d(ar1, ar2, assume_unique=False, invert=False):
        return np.isin(np.ravel(ar1), ar2, assume_unique=assume_unique, invert=invert)

    def asfarray(a, dtype=np.float64):
        return np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64)

    def find_common_type(array_types, scalar_types):
        # Arrays decide, unless a scalar is of a higher kind (integer, real, complex).
        arrays, scalars = list(map(np.dtype, array_types)), list(map(np.dtype, scalar_types))
        if not arrays or not scalars:
            return np.result_type(*arrays, *scalars)
        of_arrays, of_scalars = np.result_type(*arrays), np.result_type(*scalars)
        return of_scalars if "buifc".find(of_scalars.kind) > "buifc".find(of_arrays.kind) else of_arrays

    def disp(mesg, device=None, linefeed=True):
        (device or sys.stdout).write(f"{mesg}\n" if linefeed else f"{mesg}")

    def recfromtxt(fname, **options):
        options.setdefault("dtype", None)
        return np.genfromtxt(fname, **options).view(np.recarray)

    def recfromcsv(fname, **options):
        return recfromtxt(fname, **{"delimiter": ",", "names": True, "case_sensitive": "lower", **options})

    def maximum_sctype(t):
        widest = {"i": np.int64, "u": np.uint64, "f": np.longdouble, "c": np.clongdouble}
        return widest.get(np.dtype(t).kind, np.dtype(t).type)

    def issubclass_(arg1, arg2):
        return isinstance(arg1, type) and issubclass(arg1, arg2)

    types = {np.dtype(code).type for code in np.typecodes["All"] if code not in "SUVMmO"}
    return {
        **{"PZERO": 0.0, "NZERO": -0.0, "NINF": -np.inf, "math": math},
        **{"in1d": in1d, "asfarray": asfarray, "find_common_type": find_common_type, "disp": disp},
        **{"recfromtxt": recfromtxt, "recfromcsv": recfromcsv, "maximum_sctype": maximum_sctype},
        **{"issubclass_": issubclass_, "safe_eval": ast.literal_eval},
        **{"msort": lambda a: np.sort(a, axis=0), "fastCopyAndTranspose": lambda a: np.array(a.T, copy=True)},
        **{"asscalar": lambda a: a.item(), "alen": lambda a: len(np.array(a, ndmin=1))},
        **{
            "obj2sctype": lambda rep, default=None: np.dtype(rep).type,
            "sctype2char": lambda t: np.dtype(t).char,
        },
        **{"issctype": lambda rep: isinstance(rep, type) and issubclass(rep, np.generic)},
        **{"issubsctype": lambda arg1, arg2: issubclass(np.dtype(arg1).type, np.dtype(arg2).type)},
        "cast": {t: (lambda a, t=t: np.asarray(a).astype(t)) for t in types},
        "nbytes": {t: np.dtype(t).itemsize for t in types},
        "compat": SimpleNamespace(
            basestring=str, unicode=str, long=int, integer_types=(int,), asstr=str, os_fspath=os.fspath
        ),
    }


def _moved_to_numpy_financial(name: str) -> Callable:
    def function(*args, **kwargs):
        raise RuntimeError(f"numpy.{name} has left NumPy; it is numpy_financial.{name}")

    function.__name__ = name
    return function
