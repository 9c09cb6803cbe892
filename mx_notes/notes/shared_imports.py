"""Opens what all claims need, once, in the server that their processes are forked from.

MXNet ends its engine's threads before a fork and starts them in both processes after it; in a child its OpenMP has
one thread, as claims are to have (src/initialize.cc of MXNet 1.9.1). No operator has run in the server.
"""

import importlib
import signal
from contextlib import suppress

SHARED = ("scipy.stats", "sklearn.datasets", "matplotlib.figure", "matplotlib.backends.backend_agg", "mxnet")

signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends with its parent; Ctrl-C reaches both
for name in SHARED:
    with suppress(Exception):  # the claim that needs it says what is wrong
        importlib.import_module(name)
