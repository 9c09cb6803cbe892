"""Python runs this file at its start where mx_notes has put this folder on PYTHONPATH, as `mx-notes audit` does.

It has `import mxnet` work in this process and in its children, then steps aside for the sitecustomize module
that Python would have found without it.
"""

import importlib
import os
import sys


def _begin() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != here]
    home = os.path.dirname(os.path.dirname(here))
    sys.path.append(home)  # mx_notes may not be installed for this Python, or be run from a checkout
    try:
        from mx_notes.on_import import give_back_old_names, prepare_on_import

        place, _, name = os.environ.get("MX_NOTES_THEN", "").partition(":")
        prepare_on_import((lambda: getattr(importlib.import_module(place), name)()) if name else None)
        give_back_old_names()
    finally:
        sys.path.remove(home)


def _give_way() -> None:
    own = sys.modules.pop("sitecustomize")
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = own


_begin()
_give_way()
