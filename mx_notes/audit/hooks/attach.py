"""Where MXNet is touched: every road to forward, backward and update passes through these functions.

Module, Executor, Gluon, `autograd.backward`, `autograd.grad` and hand-written loops all end in a
handful of C functions, called as attributes of one `ctypes.CDLL` object, `mxnet.base._LIB`. Setting
such an attribute replaces the function for every caller. `attached` does so while at least one listener
is there and puts the very same objects back afterwards.

    class Counter(Listener):
        backwards = 0
        def before_executor_backward(self, executor, head_gradients):
            self.backwards += 1

    counter = Counter()
    with attached(counter):
        module.fit(...)
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...runtime import mx
from .c_functions import C_FUNCTIONS
from .listener import Listener, operator_names
from .methods import methods
from .telling import Attachment, audience, audiences, deliver, unreported

UNSEEN = f"{__file__} (like importlib._bootstrap)"  # the file of the hooks' frames, as tracebacks have it

# (owner, name): the original and what stands in its place. An entry stays where the program itself has put
# something in ours' place meanwhile, which may call ours.
_installed: dict[tuple[object, str], tuple[object, Callable]] = {}
_installing = threading.RLock()


@contextmanager
def attached(
    *listeners: Listener, failed: Callable[[Exception], None] = lambda error: None
) -> Iterator[None]:
    """Tell the listeners of this thread's calls of MXNet inside the `with`.

    Nesting works, exceptions of the program pass through. failed: called with an exception that a listener
    raised, after which none of these is told any more. The `with` may be left in another thread, or never.
    """
    mine, attachment = audience(), Attachment(list(listeners), failed)
    with _installing:
        _install()
        mine.add(attachment)
    try:
        with unreported():
            deliver([(attachment, listener.begin) for listener in listeners])
        yield
    finally:
        with _installing:
            mine.remove(attachment)
            if not audiences:
                _remove()


def _install() -> None:
    operator_names()
    for name, wrap in C_FUNCTIONS.items():
        _replace(mx.base._LIB, name, wrap)
    for kind, name, wrap in methods():
        _replace(kind, name, lambda original, wrap=wrap: _unseen_by_warnings(original, wrap(original)))


def _replace(owner: object, name: str, wrap: Callable) -> None:
    if (owner, name) not in _installed:
        original = getattr(owner, name)
        ours = wrap(original)
        _installed[owner, name] = original, ours
        setattr(owner, name, ours)


def _unseen_by_warnings(original: Callable, ours: Callable) -> Callable:
    """Stand before a method of MXNet's that may warn its caller: `warnings` must not take us for the caller.

    It passes over frames of the import system, which it knows by these words in their file's name.
    """
    ours.__code__ = ours.__code__.replace(co_filename=UNSEEN)
    return functools.wraps(original)(ours)


def _remove() -> None:
    for (owner, name), (original, ours) in list(_installed.items()):
        if getattr(owner, name) is ours:
            setattr(owner, name, original)
            del _installed[owner, name]
