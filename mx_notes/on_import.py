"""Prepares a process for MXNet when it first says `import mxnet`, whoever says it; costs nothing until then."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from types import ModuleType


def prepare_on_import(then: Callable[[], None] | None = None) -> None:
    """Have `runtime.prepare` run before MXNet is imported, and `then` after.

    Where MXNet is open already, nothing is prepared, and `then` is called at once.
    """
    if "mxnet" not in sys.modules:
        sys.meta_path.insert(0, _Finder(then))
    elif then:
        then()


class _Finder:
    """Stands before Python's own finders until MXNet is loaded; to be looked for is not enough."""

    def __init__(self, then: Callable[[], None] | None) -> None:
        self._then = then

    def find_spec(self, name: str, path: object = None, target: object = None) -> object | None:
        """Find MXNet as Python would, with another loader."""
        if name != "mxnet":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._loaded, self._then)
        return spec

    def _loaded(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)


class _Loader:
    """Prepares the process, loads MXNet, and gives the module the loader that it would have had."""

    def __init__(self, loader, loaded: Callable[[], None], then: Callable[[], None] | None) -> None:
        self._loader, self._loaded, self._then = loader, loaded, then

    def __getattr__(self, name: str):
        return getattr(self._loader, name)

    def create_module(self, spec) -> ModuleType | None:
        """Prepare the process while MXNet is not among the modules yet; then as Python's own loader."""
        from .runtime.opening import prepare

        prepare()
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run MXNet's own start, without its warning about `distutils`."""
        module.__loader__ = module.__spec__.loader = self._loader
        self._loaded()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="distutils Version classes are deprecated")
            self._loader.exec_module(module)
        if self._then:
            self._then()
