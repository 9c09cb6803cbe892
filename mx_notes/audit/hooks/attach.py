"""Where MXNet is touched: every road to forward, backward and update passes through these functions.

Module, Executor, Gluon, `autograd.backward`, `autograd.grad` and hand-written loops all end in a
handful of C functions, called as attributes of one `ctypes.CDLL` object, `mxnet.base._LIB`. Setting
such an attribute replaces the function for every caller. `attached` does so while at least one listener
is there and puts the very same objects back afterwards.

    class Counter(Listener):
        backwards = 0
        def before_executor_backward(self, executor, head_gradients):
            self.backwards += 1

    with attached(Counter()) as counter:
        module.fit(...)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...runtime import mx
from .c_functions import C_FUNCTIONS
from .listener import Listener, operator_names
from .methods import methods
from .telling import anybody, leave, listen, reported, unreported

_originals: list[tuple[object, str, object]] = []


@contextmanager
def attached(listener: Listener) -> Iterator[Listener]:
    """Report this thread's calls of MXNet to the listener inside the `with`.

    Nesting works, exceptions pass through.
    """
    if not anybody():
        _install()
    listen(listener)
    try:
        with reported():
            with unreported():
                listener.begin()
            yield listener
    finally:
        leave(listener)
        if not anybody():
            _remove()


def _install() -> None:
    operator_names()
    for name, wrap in C_FUNCTIONS.items():
        original = getattr(mx.base._LIB, name)
        _replace(mx.base._LIB, name, original, wrap(original))
    for kind, name, wrap in methods():
        original = getattr(kind, name)
        _replace(kind, name, original, functools.wraps(original)(wrap(original)))


def _replace(owner: object, name: str, original: object, replacement: Callable) -> None:
    _originals.append((owner, name, original))
    setattr(owner, name, replacement)


def _remove() -> None:
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)
