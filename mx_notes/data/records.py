"""Data sets too large for memory: MXNet's RecordIO files, read by `mx.io.ImageRecordIter`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .. import disk, runtime
from ..errors import UserError
from ..runtime import mx
from .dataset import Fed
from .feed import Feed
from .formats import recordio
from .formats.recordio import Records

LARGEST_NAMES = 1 << 20  # bytes of classes.txt
SAMPLED = 256  # training images that mean and standard deviation are taken from


@dataclass(frozen=True)
class RecordDataset(Fed):
    """What `Dataset` is, with the images on disk. Train, validation and test are record files."""

    name: str
    classes: tuple[str, ...]
    train: Records
    validation: Records
    test: Records
    source: str  # where it came from, and what serves as the test part
    image_size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network gets it."""
        return 3, self.image_size, self.image_size

    @cached_property
    def mean(self) -> np.ndarray:
        """Each channel's mean over a sample of the training images, (3,) float32, of pixels 0 to 255."""
        return self._moments[0]

    @cached_property
    def std(self) -> np.ndarray:
        """Each channel's standard deviation over the same sample, (3,) float32; 1 where it is 0."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        import cv2

        count = len(self.train.labels)
        chosen = np.unique(np.linspace(0, count - 1, min(count, SAMPLED)).astype(int))
        means, squares = [], []
        for number in chosen:
            mean, std = cv2.meanStdDev(np.ascontiguousarray(recordio.image(self.train, int(number))))
            means.append(mean[:, 0])
            squares.append(mean[:, 0] ** 2 + std[:, 0] ** 2)
        # Each image counts the same, whatever its size.
        mean = np.mean(means, axis=0)
        std = np.sqrt(np.maximum(np.mean(squares, axis=0) - mean**2, 0))
        return mean.astype(np.float32), np.where(std > 0, std, 1).astype(np.float32)

    def _feed_type(self) -> type[Feed]:
        return RecordFeed


class RecordFeed(Feed):
    """Batches of a record file: MXNet decodes, resizes (shorter edge), cuts out the middle, normalises.

    Augmentation is ours, not the iterator's: with `seed_aug` that does the same to every batch, without
    it the same in every epoch whatever the seed. Nor could it be scheduled or entered in mid-epoch. A
    start in mid-epoch decodes the batches before it, too, and each of several workers those of the others:
    the iterator can leave out neither.
    """

    def _prepared(self, epoch: int, start: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for number, (images, labels) in enumerate(self._decoded(epoch)):
            if number >= start:
                own = self.own(number)
                yield self._augmented(images[own], epoch, number), labels[own]

    def _decoded(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        try:
            for batch in self._iterator(epoch):
                # The iterator fills the last batch up with images that it has given before: `pad` of them.
                count = len(batch.label[0]) - batch.pad
                yield batch.data[0].asnumpy()[:count], batch.label[0].asnumpy()[:count]
        except mx.MXNetError as error:
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{self._part.path}: MXNet cannot read it: {reason}") from None

    def _iterator(self, epoch: int) -> mx.io.MXDataIter:
        data, path = self._data, self._part.path
        order = {}
        if self._seed is not None:
            seed = np.random.default_rng([self._seed, epoch]).integers(1 << 30)
            order = {"shuffle": True, "seed": int(seed), "path_imgidx": str(path.with_suffix(".idx"))}
        return mx.io.ImageRecordIter(
            path_imgrec=str(path),
            data_shape=data.shape,
            batch_size=min(self._batch_size, self.examples),
            resize=data.image_size,
            preprocess_threads=runtime.threads().count,
            prefetch_buffer=2,
            round_batch=True,
            verbose=False,
            **{f"mean_{channel}": float(value) for channel, value in zip("rgb", data.mean, strict=True)},
            **{f"std_{channel}": float(value) for channel, value in zip("rgb", data.std, strict=True)},
            **order,
        )


def load(folder: Path | None, image_size: int) -> RecordDataset:
    """The data in train.rec with train.idx, val.rec and, if they are there, test.rec and classes.txt.

    classes.txt has the name of a class on each line; without it, the classes are numbers. Raises
    UserError for a file that is missing or damaged, and for a label outside the classes.
    """
    if folder is None:
        raise UserError("imagerecord: --data-dir must name the folder with train.rec, train.idx and val.rec")
    for name in ("train.rec", "train.idx", "val.rec"):
        if not (folder / name).is_file():
            raise UserError(f"imagerecord: no {name} in {folder}; MXNet's tools/im2rec.py makes it")
    train, validation = recordio.scan(folder / "train.rec"), recordio.scan(folder / "val.rec")
    recordio.check_index(train, folder / "train.idx")
    test, source = validation, f"{folder} (no test.rec: val.rec is scored as the test part, too)"
    if (folder / "test.rec").is_file():
        test, source = recordio.scan(folder / "test.rec"), str(folder)
    classes = _classes(folder / "classes.txt", train)
    for part in {records.path: records for records in (train, validation, test)}.values():
        _check_labels(part, classes)
        recordio.check_images(part)
    return RecordDataset("imagerecord", classes, train, validation, test, source, image_size)


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


def _check_labels(part: Records, classes: tuple[str, ...]) -> None:
    wrong = np.flatnonzero(part.labels >= len(classes))
    if len(wrong):
        raise UserError(
            f"{part.path}: label {part.labels[wrong[0]]} of record {wrong[0]} (from 0) is outside the"
            f" {len(classes)} classes, 0 to {len(classes) - 1}"
        )
