"""Parts of a data set too large for memory: MXNet's RecordIO files, read by `mx.io.ImageRecordIter`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import disk, runtime
from ..errors import UserError
from .dataset import Dataset
from .formats import picture, recordio
from .formats.recordio import Records
from .part import deviations
from .plan import Plan

if TYPE_CHECKING:
    from ..runtime import mx

LARGEST_NAMES = 1 << 20  # bytes of classes.txt
SAMPLED = 256  # training images that mean and standard deviation are taken from


@dataclass(frozen=True)
class RecordPart:
    """A part of a data set whose images stay in a record file.

    MXNet decodes them, resizes them (the shorter edge to `image_size`), cuts out the middle and normalises.
    Augmentation is not the iterator's: with `seed_aug` it does the same to every batch, without it the same
    in every epoch whatever the seed, and it could be neither scheduled nor entered in mid-epoch.
    """

    records: Records
    image_size: int  # pixels

    @property
    def labels(self) -> np.ndarray:
        """(N,) int32."""
        return self.records.labels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network gets it."""
        return 3, self.image_size, self.image_size

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel, (3,) float32, of pixels 0 to 255, over a sample of the images."""
        import cv2

        count = len(self.labels)
        chosen = np.unique(np.linspace(0, count - 1, min(count, SAMPLED)).astype(int))
        means, squares = [], []
        for number in chosen:
            mean, std = cv2.meanStdDev(np.ascontiguousarray(recordio.image(self.records, int(number))))
            means.append(mean[:, 0])
            squares.append(mean[:, 0] ** 2 + std[:, 0] ** 2)
        # Each image counts the same, whatever its size.
        return deviations(np.mean(means, axis=0), np.mean(squares, axis=0))

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """Decode the images of these numbers, (n,), and make them fit: (n, 3, H, W) uint8."""
        images = [recordio.image(self.records, int(number)) for number in numbers]
        return np.stack([picture.fitted(image, self.image_size) for image in images])

    def batches(
        self, plan: Plan, epoch: int, start: int, mean: np.ndarray, std: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Normalised images, (n, 3, H, W) float32, and labels, (n,), of this worker's share of each batch.

        The iterator can leave out nothing: a start in mid-epoch decodes the batches before it, too, and each of
        several workers decodes the others' examples.
        """
        mx = runtime.mx
        try:
            for number, batch in enumerate(self._iterator(plan, epoch, mean, std)):
                if number >= start:
                    own = plan.own(number)  # the iterator fills the last batch up with images given before
                    yield batch.data[0].asnumpy()[own], batch.label[0].asnumpy()[own]
        except mx.MXNetError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{self.records.path}: MXNet cannot read it: {reason}") from None

    def _iterator(self, plan: Plan, epoch: int, mean: np.ndarray, std: np.ndarray) -> mx.io.MXDataIter:
        path, order = self.records.path, {}
        if plan.seed is not None:
            seed = np.random.default_rng([plan.seed, epoch]).integers(1 << 30)
            order = {"shuffle": True, "seed": int(seed), "path_imgidx": str(path.with_suffix(".idx"))}
        return runtime.mx.io.ImageRecordIter(
            path_imgrec=str(path),
            data_shape=self.shape,
            batch_size=min(plan.batch_size, plan.examples),
            resize=self.image_size,
            preprocess_threads=runtime.threads().count,
            prefetch_buffer=2,
            round_batch=True,
            verbose=False,
            **{f"mean_{channel}": float(value) for channel, value in zip("rgb", mean, strict=True)},
            **{f"std_{channel}": float(value) for channel, value in zip("rgb", std, strict=True)},
            **order,
        )

    def check(self, where: str, shape: tuple[int, ...], classes: int) -> None:
        """Raise UserError, naming file and record, for a label outside the classes."""
        wrong = np.flatnonzero(self.labels >= classes)
        if len(wrong):
            raise UserError(
                f"{self.records.path}: label {self.labels[wrong[0]]} of record {wrong[0]} (from 0) is outside the"
                f" {classes} classes, 0 to {classes - 1}"
            )


def load(folder: Path | None, image_size: int) -> Dataset:
    """Load the data in train.rec with train.idx, val.rec and, if they are there, test.rec and classes.txt.

    classes.txt has the name of a class on each line; without it, the classes are numbers. Raises
    UserError for a file that is missing or damaged, and for a label outside the classes.
    """
    if folder is None:
        raise UserError("imagerecord: expected a data_dir")
    for name in ("train.rec", "train.idx", "val.rec"):
        if not (folder / name).is_file():
            raise UserError(f"imagerecord: no {name} in {folder}; MXNet's tools/im2rec.py makes it")
    train, validation = recordio.scan(folder / "train.rec"), recordio.scan(folder / "val.rec")
    recordio.check_index(train, folder / "train.idx")
    test, source = validation, f"{folder} (no test.rec: val.rec is scored as the test part, too)"
    if (folder / "test.rec").is_file():
        test, source = recordio.scan(folder / "test.rec"), str(folder)
    classes = _classes(folder / "classes.txt", train)
    parts = (RecordPart(records, image_size) for records in (train, validation, test))
    dataset = Dataset("imagerecord", classes, *parts, source, resized=True)
    for records in {records.path: records for records in (train, validation, test)}.values():
        recordio.check_images(records)
    return dataset


def _classes(path: Path, train: Records) -> tuple[str, ...]:
    if not path.is_file():
        return tuple(str(label) for label in range(train.labels.max() + 1))
    try:
        text = disk.read(path.resolve(), LARGEST_NAMES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    names = tuple(line.strip() for line in text.strip().splitlines())
    if not names or not all(name and name.isprintable() for name in names):
        raise UserError(f"{path}: expected the name of a class on each line")
    return names
