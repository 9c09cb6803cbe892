"""MXNet/Gluon training made inspectable.

    from mx_notes import audit, fit, preset, start
    run = start(preset("digits"))
    with audit() as watch:
        fit(run)

The names are imported when they are first used: `import mx_notes` does not load MXNet. A plain
`import mxnet` works from then on.
"""

import importlib

from .on_import import prepare_on_import

_NAMES = {
    "fit": "training",
    "score": "training",
    "start": "training",
    "Recipe": "recipes",
    "preset": "recipes",
    "UserError": "errors",
}
__all__ = ["Recipe", "UserError", "audit", "fit", "preset", "score", "start"]


def __getattr__(name: str):
    if name == "audit":
        return importlib.import_module(".audit", __name__)
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)


def load_ipython_extension(shell) -> None:
    """`%load_ext mx_notes`: the notebook has `%%audit`."""
    from .audit import notebook

    notebook.load(shell)


prepare_on_import()
