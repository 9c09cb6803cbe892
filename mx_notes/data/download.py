"""Files from the network: checked by SHA-256 before they get their name, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from ..errors import UserError

CHUNK = 1 << 20
TIMEOUT = 20  # seconds without an answer


def cache() -> Path:
    """The folder for downloads: $XDG_CACHE_HOME/mx_notes, by default ~/.cache/mx_notes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mx_notes"


def fetch(
    urls: Sequence[str], target: Path, sha256: str, size_limit: int, content: Callable[[Path], bytes] = Path.read_bytes
) -> Path:
    """Download `target` from the first of the mirrors that has the right file.

    sha256 is that of `content(file)`, for what is compressed anew by each mirror. Raises UserError
    with every mirror's answer if none has it.
    """
    answers = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{target.parent}: cannot be written: {error.strerror}") from None
    for url in urls:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, suffix=".part") as part:
            try:
                _copy(url, part, size_limit, target.name)
                digest = hashlib.sha256(content(Path(part.name))).hexdigest()
            except (OSError, EOFError, ValueError, UserError) as error:
                answers.append(f"{url}: {getattr(error, 'reason', error)}")
                continue
            if digest != sha256:
                answers.append(f"{url}: another file (SHA-256 {digest[:12]}…, expected {sha256[:12]}…)")
                continue
            os.link(part.name, target)
            return target
    raise UserError(f"{target.name} could not be downloaded: " + "; ".join(answers))


def _copy(url: str, file, size_limit: int, name: str) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "mx_notes"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        with tqdm(total=total or None, desc=name, unit="B", unit_scale=True, disable=None, leave=False) as bar:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > size_limit:
                    raise UserError(f"more than {size_limit} bytes")
    file.flush()
