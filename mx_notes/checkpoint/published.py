"""Parameters that GluonCV publishes for its networks: downloaded when they are asked for, and held against its SHA-1."""

from __future__ import annotations

import os
import zipfile
import zlib
from functools import partial
from pathlib import Path

from .. import disk
from ..data import download
from ..errors import UserError
from ..runtime import gluoncv

LARGEST = 1 << 30  # bytes of a file; VGG-19's has 575 million


def published(model: str) -> Path:
    """Return the file of a model's published parameters, from the cache or from the network.

    $MXNET_GLUON_REPO names another site, as for Gluon itself. Raises UserError for a model without published
    parameters, a site that does not answer, and any other file than GluonCV knows the SHA-1 of; it knows no SHA-256.
    """
    store = gluoncv.model_zoo.model_store
    digest = store._model_sha1.get(model)
    if digest is None:
        raise UserError(f"--pretrained: GluonCV publishes no parameters of {model}")
    name = f"{model}-{digest[:8]}"
    target = download.cache() / "models" / f"{name}.params"
    if not target.is_file() or download.digest_of(target, "sha1") != digest:
        site = os.environ.get("MXNET_GLUON_REPO") or store.apache_repo_url
        inside, archive = partial(_inside, name=target.name), target.with_suffix(".zip")
        download.fetch([f"{site.rstrip('/')}/gluon/models/{name}.zip"], archive, digest, LARGEST, inside)
        with disk.writing(target):
            with disk.whole(target) as part:
                part.write_bytes(inside(archive))
            archive.unlink()
    return target


def _inside(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as file:
            if file.getinfo(name).file_size > LARGEST:
                raise UserError(f"more than {LARGEST} bytes")
            return file.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):  # damaged, or encrypted
        raise UserError(f"no archive with {name}") from None
