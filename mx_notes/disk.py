"""Files that are there whole or not at all, and reading that takes nothing for granted."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError

LARGEST_JSON = 4 << 20  # bytes: the rows of 10,000 epochs take 2.5 MB
LOCK = ".lock"
PART = ".part"  # ends the name of a file or folder that is being written or removed; readers pass over it


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Turn an OSError inside the `with` into a UserError, one line: `what` cannot be written, and why."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{what}: cannot be written: {error.strerror}") from None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an OSError inside the `with` into a UserError, one line: the file cannot be read, and why."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Put a file or folder in place as a whole: create it at the path that this yields, beside `path`.

    At the end of the `with` it is brought down to the disk and renamed to `path`; a reader of `path` finds
    the old content or the new. After an exception it is removed. Raises OSError.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")  # two processes do not share it
    try:
        yield part
        flush(part)
        part.replace(path)
        flush(path.parent)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def replace(path: Path, text: str) -> None:
    """Give a file this text, whole. Raises OSError."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


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


def remove(folder: Path) -> None:
    """Remove a folder so that no reader finds it without some of its files. Raises OSError."""
    part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}{PART}")
    folder.rename(part)
    shutil.rmtree(part)


def flush(path: Path) -> None:
    """Bring a file's content, or a folder's names, down to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, largest: int | None = None) -> bytes:
    """Read a regular file of at most `largest` bytes.

    Raises UserError, naming the file, if it can't be read, is larger, or is a symbolic link, a pipe or a
    device.
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


def parse_json(content: bytes, path: Path, largest: int = LARGEST_JSON) -> dict:
    """The JSON object in a file's content; raises UserError naming the file for anything else."""
    if len(content) > largest:
        raise UserError(f"{path}: {len(content)} bytes, expected at most {largest}")
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
    with writing(folder):
        try:
            lock.acquire()
        except Timeout:  # an OSError, too
            raise UserError(f"{folder}: another run is training into it") from None
    try:
        yield
    finally:
        lock.release()
