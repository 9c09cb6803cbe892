"""CIFAR-10 in its binary form: records of one label byte and 3 x 32 x 32 pixel bytes."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

import numpy as np

from ... import disk
from ...errors import UserError

RECORD = 1 + 3 * 32 * 32
RECORDS = 10_000  # in each file
TRAINING_FILES = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST_FILE = "test_batch.bin"
FILES = (*TRAINING_FILES, TEST_FILE)
FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
CHUNK = 1 << 20  # bytes
LARGEST = 1 << 28  # bytes that the archive may hold, decompressed: CIFAR-10's has 184 million
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_all(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int32 of each of the six files.

    Raises UserError if one is damaged, or has another number of images than the others: CIFAR-10's
    have 10,000 each, so it would be cut off between two records.
    """
    parts = {name: read(folder / name) for name in FILES}
    most = max(len(labels) for _, labels in parts.values())
    for name, (_, labels) in parts.items():
        if len(labels) != most:
            raise UserError(f"{folder / name}: {len(labels)} images, others have {most}; truncated")
    return parts


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int32 of one file.

    Raises UserError if it does not hold 1 to 10,000 whole records, or if a label is not one of the ten.
    """
    with disk.reading(path):
        size = path.stat().st_size
        if size == 0 or size % RECORD or size > RECORD * RECORDS:
            raise UserError(
                f"{path}: {size} bytes, expected 1 to {RECORDS} records of {RECORD}; truncated, or not"
                " CIFAR-10's binary version"
            )
        records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int32)
    wrong = np.flatnonzero(labels >= len(CLASSES))
    if len(wrong):
        raise UserError(f"{path}: label {labels[wrong[0]]} in record {wrong[0]} (from 0), expected 0 to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


def extract(archive: Path, folder: Path) -> Path:
    """Unpack the six batch files of the archive into `folder`, which it returns; all else in it is passed over.

    Raises UserError unless each is a regular file of exactly the right size: no link, no path that leads
    elsewhere.
    """
    wanted = {f"{FOLDER}/{name}": name for name in FILES}
    try:
        _check_size(archive)
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = wanted.pop(member.name, None)
                if name is not None:
                    _extract(tar, member, archive, folder / name)
    # For damaged headers tarfile raises the last three, too.
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, MemoryError, OverflowError) as error:
        raise UserError(f"{archive}: cannot be unpacked into {folder}: {error}") from None
    if wanted:
        raise UserError(f"{archive}: has no {min(wanted)}; not CIFAR-10's binary version")
    return folder


def _check_size(archive: Path) -> None:
    """Decompress the archive once: a small file of gigabytes of zeros would keep tarfile busy for long."""
    size = 0
    with gzip.open(archive) as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > LARGEST:
                raise UserError(f"{archive}: holds more than {LARGEST} bytes, not CIFAR-10's binary version")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, target: Path) -> None:
    if not member.isreg() or member.size != RECORD * RECORDS:
        raise UserError(f"{archive}: its member {member.name} is not a file of {RECORD * RECORDS} bytes")
    with disk.whole(target) as part:
        part.write_bytes(tar.extractfile(member).read())
