"""What happened, and on which line of the user's program: plain data that needs no MXNet."""

from __future__ import annotations

import functools
import sys
from enum import Enum
from typing import NamedTuple

AUTOGRAD, RETURNED = "autograd", "autograd.grad"  # sources of events that are no executor


class Place(NamedTuple):
    """A line of the user's program; (None, None) where none is running."""

    file: str | None = None
    line: int | None = None


NOWHERE = Place()


class Kind(Enum):
    """The kinds of events."""

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"


class Event(NamedTuple):
    """One pass of an executor or of autograd, or the update of one parameter.

    source: an executor's handle; AUTOGRAD, whose forward is a recorded scope; RETURNED, a backward pass that
    returned its gradients; or the parameter's name.
    """

    kind: Kind
    source: object
    training: bool = True  # the mode of a forward pass
    device: str = ""  # of an update


def users_place() -> Place:
    """The line of the user's code that is running: in the innermost frame outside of the libraries."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            return Place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return NOWHERE


@functools.cache
def is_users(file: str) -> bool:
    """Whether a file, or a cell of IPython's, is the user's own and no library's."""
    libraries = ("/site-packages/", "/mx_notes/", "/lib/python3")
    return (not file.startswith("<") or file.startswith("<ipython-input-")) and not any(
        part in file.replace("\\", "/") for part in libraries
    )
