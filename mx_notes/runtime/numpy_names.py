"""The names that NumPy has lost since MXNet 1.9.1 was released, which MXNet and programs of its time still read.

They are found through NumPy's own `__getattr__`, when NumPy itself lacks them. Where a program reads one, the
place is noted, and one line at the program's end lists them.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import math
import os
import sys
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

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
_LIBRARIES = tuple(f"{os.sep}{folder}{os.sep}" for folder in ("site-packages", "dist-packages"))


def restore_numpy_names() -> None:
    """Give NumPy the names that it lacks; `prepare` does. NumPy before 1.24 lacks none that MXNet reads."""
    import numpy as np

    found = np.__getattr__
    if not isinstance(found, _Names) and np.lib.NumpyVersion(np.__version__) >= "1.24.0":
        np.__getattr__ = _Names(np, found)


class _Names:
    """NumPy's `__getattr__`, which Python calls for a name that the module does not have."""

    def __init__(self, np, otherwise: Callable[[str], Any]) -> None:
        self._np, self._otherwise = np, otherwise
        self._places: dict[tuple[str, str, int], None] = {}

    def __call__(self, name: str) -> Any:
        if name not in TODAY and name not in FINANCIAL:
            return self._otherwise(name)
        value = _value(self._np, name)
        reader = sys._getframe(1)
        file = reader.f_code.co_filename
        if not file.startswith("<frozen") and not any(folder in file for folder in _LIBRARIES):
            self._note(name, file, reader.f_lineno)
        return value

    def _note(self, name: str, file: str, line: int) -> None:
        if not self._places:
            atexit.register(self._tell, os.getpid())
        self._places[name, file, line] = None

    def _tell(self, pid: int) -> None:
        if pid == os.getpid():  # not in a fork
            shown = [f"np.{name} ({file}:{line})" for name, file, line in list(self._places)[:8]]
            rest = len(self._places) - len(shown)
            words = ", ".join(shown) + (f" and {rest} more" if rest else "")
            print(
                f"mx-notes: old NumPy names in use: {words}; `mx-notes doctor SCRIPT` says what to write today",
                file=sys.stderr,
            )


def _value(np, name: str) -> Any:
    if name in FINANCIAL:
        return _moved_to_numpy_financial(name)
    made = _made(np)
    if name in made:
        return made[name]
    place = TODAY[name]
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
