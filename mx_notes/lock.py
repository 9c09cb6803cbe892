"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import UserError

NAME = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel frees however the process ends.

    Raises UserError if another process holds it, or if the folder can't be written to.
    """
    lock = FileLock(folder / NAME, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"{folder}: another run is training into it") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
