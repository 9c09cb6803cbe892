"""The user's own pictures, in a folder of their classes' folders: in memory where they fit, else decoded ahead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import disk
from ..errors import UserError
from ..runtime import threads
from . import class_folders
from .dataset import Dataset
from .formats import picture
from .formats.picture import Unreadable
from .part import Part, deviations, normalised
from .plan import Plan
from .split import TEST_FRACTION, TEST_SEED, held_out

IN_MEMORY = 1 << 30  # bytes, of the pictures of all parts as they are trained on
SAMPLED = 256  # pictures that mean and deviation are taken from, if they stay on disk, and the usual size
LARGEST_EDGE = 224  # pixels, where the recipe says none
NAMED = 5  # unreadable files in a message; the others are counted
AT_A_TIME = 64  # pictures that a thread takes


@dataclass(frozen=True)
class PicturePart:
    """A part of a data set whose pictures stay in their files, decoded for each batch by all cores."""

    paths: np.ndarray  # (N,) of str
    labels: np.ndarray  # (N,) int32
    edge: int  # pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image as the network gets it."""
        return 3, self.edge, self.edge

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel, (3,) float32, of pixels 0 to 255, over a sample of the pictures."""
        sample = np.unique(np.linspace(0, len(self.labels) - 1, min(len(self.labels), SAMPLED)).astype(int))
        pixels = self.pixels(sample).astype(np.float64)
        return deviations(pixels.mean(axis=(0, 2, 3)), np.square(pixels).mean(axis=(0, 2, 3)))

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """Decode the pictures of these numbers: (n, 3, H, W) uint8."""
        with ThreadPoolExecutor(threads().count) as pool:
            return self._decoded(pool, numbers)

    def batches(
        self, plan: Plan, epoch: int, start: int, mean: np.ndarray, std: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Normalised images, (n, 3, H, W) float32, and labels, (n,), of this worker's share of each batch, from `start` on."""
        order = plan.order(epoch)
        with ThreadPoolExecutor(threads().count) as pool:
            for batch in range(start, plan.steps):
                examples = order[batch * plan.batch_size :][plan.own(batch)]
                yield normalised(self._decoded(pool, examples), mean, std), self.labels[examples]

    def _decoded(self, pool: ThreadPoolExecutor, numbers: np.ndarray) -> np.ndarray:
        def one(number: int) -> np.ndarray:
            try:
                return decoded(self.paths[number], self.edge)
            except Unreadable as error:  # it was whole when the run began
                raise UserError(f"{self.paths[number]}: {error}") from None

        return np.stack(list(pool.map(one, numbers)))

    def check(self, where: str, shape: tuple[int, ...], classes: int) -> None:
        """Accept it: labels are the folders' numbers, and `load` has decoded every picture."""


def load(folder: Path | None, edge: int, validation: float, seed: int) -> Dataset:
    """Load the pictures in `folder/CLASS/`, or in `folder/train/CLASS/` with `val` and `test` beside it.

    edge: height and width of an image, in pixels, that the middle square of each picture is resized to; 0: the
    median of their shorter edges, at most 224. Without `val` the fraction `validation` of each class is held out,
    drawn with the seed; with neither `val` nor `test` a sixth before that, the same for every seed. Raises
    UserError for what `class_folders.scan` refuses, a class too small to be divided, and files that are no whole
    pictures, which it names and counts.
    """
    if folder is None:
        raise UserError("folder: expected a data_dir")
    listing = class_folders.scan(folder)
    files, source = _divided(listing, folder, validation, seed)
    everything = [path for paths, _ in files.values() for path in paths]
    edge = edge or _usual_edge(everything)
    fits = len(everything) * 3 * edge**2 <= IN_MEMORY
    images = _all_decoded(folder, everything, edge, fits)
    parts, begin = {}, 0
    for name, (paths, labels) in files.items():
        own = images[begin : begin + len(paths)]
        parts[name] = Part(own, labels) if fits else PicturePart(np.array(paths), labels, edge)
        begin += len(paths)
    test = parts.get("test", parts["validation"])
    return Dataset("folder", listing.classes, parts["train"], parts["validation"], test, source, resized=True)


def decoded(path: str | Path, edge: int) -> np.ndarray:
    """The picture in a file as the network gets it, but for its scale: (3, edge, edge) uint8. Raises Unreadable."""
    return picture.fitted(picture.rgb(content(path), edge), edge)


def content(path: str | Path) -> bytes:
    """Read a picture's file, or the file that a link leads to. Raises Unreadable."""
    real = Path(os.path.realpath(path))
    try:
        return disk.read(real, picture.LARGEST_FILE)
    except UserError as error:
        raise Unreadable(str(error).removeprefix(f"{real}: ")) from None


Files = tuple[list[str], np.ndarray]  # paths and labels of a part


def _divided(
    listing: class_folders.Listing, folder: Path, validation: float, seed: int
) -> tuple[dict[str, Files], str]:
    """The files of the parts train, validation and, if it is another, test; and where they come from, in words."""
    parts, source = listing.parts, str(folder)
    found = {name: _labelled(files, listing.classes) for name, files in parts.items()}
    if "" in found:
        _expect_enough(parts[""], 3, "one each to train, validate and test")
        rest, test = _two(found[""], TEST_FRACTION, TEST_SEED)
        train, held = _two(rest, validation, seed)
        return {"train": train, "validation": held, "test": test}, source
    if "val" in found:
        if "test" not in found:
            source = f"{folder} (no test: val is scored as the test part, too)"
        order = {"train": "train", "val": "validation", "test": "test"}
        return {order[name]: files for name, files in found.items()}, source
    _expect_enough(parts["train"], 2, "one to train, one to validate")
    train, held = _two(found["train"], validation, seed)
    files = {"train": train, "validation": held}
    if "test" in found:
        return files | {"test": found["test"]}, source
    return files, f"{folder} (no val, no test: what is held out of train is scored as the test part, too)"


def _labelled(files: dict[str, list[Path]], classes: tuple[str, ...]) -> Files:
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [numbers[name] for name, paths in files.items() for _ in paths]
    return [str(path) for paths in files.values() for path in paths], np.array(labels, np.int32)


def _expect_enough(files: dict[str, list[Path]], least: int, why: str) -> None:
    for paths in files.values():
        if len(paths) < least:
            raise UserError(
                f"{paths[0].parent}: holds {len(paths)}, expected at least {least} pictures: {why}"
            )


def _two(files: Files, fraction: float, seed: int) -> tuple[Files, Files]:
    """Divide by class; the second has that fraction, and at least one, of each, and leaves at least one."""
    paths, labels = files
    chosen = held_out(labels, fraction, seed, at_least=1)
    first, second = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    if len(np.unique(labels[first])) < len(np.unique(labels)):
        raise UserError(f"validation={fraction}: leaves a class nothing to train on; use a smaller fraction")
    return tuple(([paths[n] for n in numbers], labels[numbers]) for numbers in (first, second))


def _usual_edge(paths: Sequence[str]) -> int:
    """The median of the pictures' shorter edges, at most LARGEST_EDGE, of a sample."""
    edges = []
    for number in np.unique(np.linspace(0, len(paths) - 1, min(len(paths), SAMPLED)).astype(int)):
        try:
            edges.append(min(picture.size(content(paths[number]))))
        except Unreadable:  # is named with all others
            continue
    known = [edge for edge in edges if edge]
    return int(min(np.median(known), LARGEST_EDGE)) if known else LARGEST_EDGE


def _all_decoded(folder: Path, paths: Sequence[str], edge: int, kept: bool) -> np.ndarray:
    """Decode every picture on all cores; returns them, (N, 3, edge, edge) uint8, if they are to be kept.

    Raises UserError that names the first files that are no whole pictures, and counts all.
    """
    images = np.empty((len(paths) if kept else 0, 3, edge, edge), np.uint8)

    def decode(numbers: np.ndarray) -> list[str]:
        wrong = []
        for number in numbers:
            try:
                pixels = decoded(paths[number], edge)
            except Unreadable as error:
                wrong.append(f"{os.path.relpath(paths[number], folder)} ({error})")
                continue
            if kept:
                images[number] = pixels
        return wrong

    chunks = np.array_split(np.arange(len(paths)), -(-len(paths) // AT_A_TIME))
    with ThreadPoolExecutor(threads().count) as pool:
        wrong = sorted(text for found in pool.map(decode, chunks) for text in found)
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        one = "is no whole picture" if len(wrong) == 1 else "are no whole pictures"
        raise UserError(
            f"{folder}: {len(wrong)} of {len(paths)} files {one}: {', '.join(wrong[:NAMED])}{more}; mend or remove them"
        )
    return images
