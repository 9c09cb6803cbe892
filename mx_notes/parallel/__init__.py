"""One batch on several devices, of one process or of many."""

import importlib


def __getattr__(name: str):
    # At the first use: MXNet, opened in a process that is to be a job's server, would serve at once.
    if name in ("DataParallel", "shares"):
        return getattr(importlib.import_module(".data_parallel", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
