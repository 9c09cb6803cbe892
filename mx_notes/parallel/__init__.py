"""One batch on several devices, of one process or of many."""

import importlib

_NAMES = {"DataParallel": "data_parallel", "shares": "data_parallel", "TrainedModule": "module"}
__all__ = ["DataParallel", "TrainedModule", "shares"]


def __getattr__(name: str):
    # At the first use: MXNet, opened in a process that is to be a job's server, would serve at once.
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
