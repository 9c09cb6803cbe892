"""Files that are there whole or not at all, and reading that takes nothing for granted."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError

LARGEST_JSON = 4 << 20  # bytes: of 10,000 epochs' rows, 2.5 MB
LOCK = ".lock"
PART = ".part"  # ends the name of what is still being written; readers pass over it


def write(path: Path, chunks: Iterable[bytes | memoryview]) -> tuple[str, int]:
    """Write a new file down to the disk; returns its SHA-256 and its size in bytes. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def replace(path: Path, text: str) -> None:
    """Give a file this text; whoever opens it finds the old one whole or the new one. Raises OSError."""
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    write(part, [text.encode()])
    part.rename(path)
    flush(path.parent)


def flush(folder: Path) -> None:
    """Bring a folder's new names down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, largest: int | None = None) -> bytes:
    """The bytes of a regular file, of at most `largest`.

    Raises UserError, naming it, for a file that can't be read, is larger, or is a symbolic link, a pipe or
    a device.
    """
    try:
        with open(path, "rb", opener=_without_following) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path}: not a regular file")
            if largest is not None and status.st_size > largest:
                raise UserError(f"{path}: {status.st_size} bytes, expected at most {largest}")
            return file.read()
    except OSError as error:
        link = path.is_symlink()
        raise UserError(f"{path}: {'a symbolic link, not a file' if link else error.strerror}") from None
    except MemoryError:
        raise UserError(f"{path}: too large for the memory") from None


def _without_following(path: str, flags: int) -> int:
    # O_NONBLOCK: opening a pipe would wait for its other end.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def parse_json(content: bytes, path: Path) -> dict:
    """The JSON object in a file's content; raises UserError naming the file for anything else."""
    if len(content) > LARGEST_JSON:
        raise UserError(f"{path}: {len(content)} bytes, expected at most {LARGEST_JSON}")
    try:
        value = json.loads(content.decode())
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    except RecursionError:
        raise UserError(f"{path}: not JSON as written here (nested too deeply)") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: expected a JSON object")
    return value


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder, which the kernel frees however the process ends.

    Raises UserError if another process holds it, or if the folder can't be written to.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
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
