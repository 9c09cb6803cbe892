"""Files from the network: checked by SHA-256 before they get their name, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from ..errors import UserError

CHUNK = 1 << 20
TIMEOUT = 20  # seconds without an answer


def cache() -> Path:
    """The folder for downloads: $XDG_CACHE_HOME/mx_notes, by default ~/.cache/mx_notes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mx_notes"


@contextmanager
def sibling(target: Path) -> Iterator[Path]:
    """A new empty file beside `target`, to be renamed to it when it is complete; otherwise removed."""
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    part.touch(exist_ok=False)  # not tempfile's: nobody else could read the file, under its own name either
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The file's SHA-256, in hexadecimal. Raises UserError if it can't be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()


def fetch(
    urls: Sequence[str],
    target: Path,
    sha256: str,
    size_limit: int,
    content: Callable[[Path], bytes] | None = None,
) -> Path:
    """Download `target` from the first of the mirrors that has the right file.

    sha256: of the file, or of `content(file)` for what each mirror compresses anew. size_limit: bytes. Raises
    UserError with every mirror's answer if none has it; nothing is left behind then.
    """
    answers = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            with sibling(target) as part:
                answer = _try(url, part, sha256, size_limit, content, target.name)
                if answer is None:
                    part.replace(target)
                    return target
                answers.append(f"{url}: {answer}")
    except OSError as error:
        raise UserError(f"{target.parent}: cannot be written: {error.strerror}") from None
    raise UserError(f"{target.name} could not be downloaded: {'; '.join(answers)}")


def _try(
    url: str, part: Path, sha256: str, size_limit: int, content: Callable[[Path], bytes] | None, name: str
) -> str | None:
    """Download into `part`; what is wrong with it, or None."""
    try:
        _copy(url, part, size_limit, name)
        digest = hashlib.sha256(content(part)).hexdigest() if content else sha256_of(part)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
            error = error.reason
        return str(error) or type(error).__name__
    except UserError as error:
        return str(error).removeprefix(f"{part}: ")
    return None if digest == sha256 else f"another file (SHA-256 {digest[:12]}…, expected {sha256[:12]}…)"


def _copy(url: str, part: Path, size_limit: int, name: str) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "mx_notes"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, part.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        style = {"unit": "B", "unit_scale": True, "leave": False, "disable": None}  # None: if not a terminal
        with tqdm(total=total or None, desc=name, **style) as bar:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > size_limit:
                    raise UserError(f"more than {size_limit} bytes")
        if total and file.tell() != total:
            raise UserError(f"broke off after {file.tell()} of {total} bytes")
