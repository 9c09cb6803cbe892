"""CIFAR-10 in its binary form: records of one label byte and 3 × 32 × 32 pixel bytes."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np

from ..errors import UserError

RECORD = 1 + 3 * 32 * 32
RECORDS = 10_000  # in each file
TRAINING_FILES = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST_FILE = "test_batch.bin"
FOLDER = "cifar-10-batches-bin"
ARCHIVE = "cifar-10-binary.tar.gz"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) uint8 and labels (N,) int32 of one file.

    Raises UserError if its size is not that of whole records, or a label is not one of the ten.
    """
    try:
        size = path.stat().st_size
        if size == 0 or size % RECORD or size > RECORD * RECORDS:
            raise UserError(
                f"{path}: {size} bytes, expected 1 to {RECORDS} records of {RECORD}; truncated, or not CIFAR-10's"
                " binary version"
            )
        records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    labels = records[:, 0].astype(np.int32)
    wrong = np.flatnonzero(labels >= len(CLASSES))
    if len(wrong):
        raise UserError(f"{path}: label {labels[wrong[0]]} in record {wrong[0]}, expected 0 to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32), labels


def extract(archive: Path, folder: Path) -> Path:
    """The six batch files of the archive, in `folder`; nothing else in the archive is looked at.

    Each must be a regular file of exactly the right size: no link, no path that leads elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{FOLDER}/{name}": name for name in (*TRAINING_FILES, TEST_FILE)}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = wanted.pop(member.name, None)
                if name is None:
                    continue
                if not member.isreg() or member.size != RECORD * RECORDS:
                    raise UserError(f"{archive}: its member {member.name} is not a file of {RECORD * RECORDS} bytes")
                part = folder / f"{name}.part"
                part.write_bytes(tar.extractfile(member).read())
                part.replace(folder / name)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(f"{archive}: cannot be unpacked: {error}") from None
    if wanted:
        raise UserError(f"{archive}: has no {sorted(wanted)[0]}; not CIFAR-10's binary version")
    return folder
