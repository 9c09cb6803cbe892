"""Files from the network: checked by their digest before they get their name, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from .. import disk
from ..errors import UserError

CHUNK = 1 << 20  # bytes
TIMEOUT = 20  # seconds without an answer


def cache() -> Path:
    """The folder for downloads: $XDG_CACHE_HOME/mx_notes, by default ~/.cache/mx_notes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mx_notes"


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The file's digest, in hexadecimal. Raises UserError if it can't be read."""
    digest = hashlib.new(kind)
    with disk.reading(path), path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(
    urls: Sequence[str],
    target: Path,
    wanted: str,
    size_limit: int,
    content: Callable[[Path], bytes] | None = None,
) -> Path:
    """Download `target` from the first of the mirrors that has the right file; returns `target`.

    wanted: the SHA-256 of the file, or of `content(file)` where each mirror compresses anew; of 40 digits, the SHA-1,
    where the publisher tells no other. size_limit: bytes. Raises
    UserError with every mirror's answer if none has it, and leaves nothing behind.
    """
    answers = []
    with disk.writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                with disk.whole(target) as part:
                    _fetch(url, part, wanted, size_limit, content, target.name)
                return target
            except UserError as answer:
                answers.append(f"{url}: {answer}")
    raise UserError(f"{target.name} could not be downloaded: {'; '.join(answers)}")


def _fetch(
    url: str, part: Path, wanted: str, size_limit: int, content: Callable[[Path], bytes] | None, title: str
) -> None:
    """Download into `part`. Raises UserError for any fault, and for another file than is wanted."""
    kind, name = ("sha1", "SHA-1") if len(wanted) == 40 else ("sha256", "SHA-256")
    try:
        _copy(url, part, size_limit, title)
        digest = hashlib.new(kind, content(part)).hexdigest() if content else digest_of(part, kind)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
            error = error.reason
        raise UserError(str(error) or type(error).__name__) from None
    except UserError as error:
        raise UserError(str(error).removeprefix(f"{part}: ")) from None
    if digest != wanted:
        raise UserError(f"another file ({name} {digest[:12]}…, expected {wanted[:12]}…)")


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
