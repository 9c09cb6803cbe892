"""Prepares a process for MXNet when it first says `import mxnet`, whoever says it; costs nothing until then.

Importing mx_notes puts the hook in place, and so does each of its doors: `mx-notes run`, `enable`, `audit`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

_packages = {"mxnet", "gluoncv"}
_AWAITED = "sklearn.base"  # by MXNet, once that is open (see `runtime.late`)
_afterwards: list[Callable[[], None]] = []


def give_back_old_names() -> None:
    """Let the program find what Python has lost at once, and what NumPy has lost when it imports it.

    `prepare_on_import` alone does so at the import of MXNet, which may stand below.
    """
    from .runtime.numpy_names import restore_numpy_names
    from .runtime.python_names import restore_python_names

    restore_python_names()
    if "numpy" in sys.modules:
        restore_numpy_names()
    else:
        _packages.add("numpy")


def prepare_on_import(then: Callable[[], None] | None = None) -> None:
    """Have MXNet prepared and mended (see `runtime.opening`) when it is imported, and `then` called after.

    Where MXNet is open already, `then` is called at once.
    """
    if then and "mxnet" in sys.modules:
        then()
    elif then:
        _afterwards.append(then)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Stands before Python's own finders, and gives the packages that they find another loader."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> object | None:
        """Find MXNet, GluonCV, scikit-learn and NumPy as Python would."""
        if name not in _packages and not (name == _AWAITED and "mxnet" in sys.modules):
            return None
        after = sys.meta_path[sys.meta_path.index(self) + 1 :]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in after)), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader:
    """Loads a package in a process that has been prepared, and gives the module the loader that it would have had."""

    def __init__(self, loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str):
        return getattr(self._loader, name)

    def create_module(self, spec) -> ModuleType | None:
        """As Python's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the package's own start between preparing for it and mending it."""
        from .runtime.opening import opening

        module.__loader__ = module.__spec__.loader = self._loader
        with opening(module.__name__):
            self._loader.exec_module(module)
        if module.__name__ == "mxnet":
            while _afterwards:
                _afterwards.pop(0)()
