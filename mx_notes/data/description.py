"""What a network must know of the data it was trained on, to be asked about a picture: kept in the run's folder."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import disk
from ..errors import UserError
from .dataset import PARTS, Dataset
from .formats import picture
from .formats.picture import Unreadable
from .part import normalised

NAME = "data.json"
MOST_CHANNELS = 64


@dataclass(frozen=True)
class Description:
    """Classes, scale and sizes of a data set."""

    name: str
    source: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]  # channels, height and width of an image as the network gets it
    mean: tuple[float, ...]  # of each channel over the training part, in units of its pixels
    std: tuple[float, ...]
    white: float  # the value of a white pixel; 0: its images are no pictures
    resized: bool  # whether pictures of any size were made to fit
    examples: dict[str, list[int]]  # of each part, how many of each class

    @classmethod
    def of(cls, data: Dataset) -> Description:
        """Describe a data set."""
        return cls(
            name=data.name,
            source=data.source,
            classes=data.classes,
            shape=data.shape,
            mean=tuple(data.mean.tolist()),
            std=tuple(data.std.tolist()),
            white=data.white,
            resized=data.resized,
            examples={
                part: np.bincount(getattr(data, part).labels, minlength=len(data.classes)).tolist()
                for part in PARTS
            },
        )

    def to_json(self) -> str:
        """Write it as JSON, a field a line."""
        lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in vars(self).items())
        return "{\n " + ",\n ".join(lines) + "\n}\n"

    def normalised(self, content: bytes) -> np.ndarray:
        """Decode a picture's file as the network takes it: (C, H, W) float32. Raises Unreadable, with what is wrong."""
        channels, height, width = self.shape
        pixels = picture.rgb(content, height if self.resized else picture.LARGEST_FILE)
        if not self.resized and pixels.shape[:2] != (height, width):
            raise Unreadable(
                f"{pixels.shape[1]}x{pixels.shape[0]} pixels, the network takes {width}x{height}: resize it"
            )
        image = picture.fitted(pixels, height) if self.resized else pixels.transpose(2, 0, 1)
        image = image.astype(np.float32) * np.float32(self.white / 255)
        if channels == 1:
            # The weights of ITU-R BT.601, as OpenCV and Pillow take them.
            image = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), image, 1)[None]
        return normalised(image[None], np.array(self.mean, "float32"), np.array(self.std, "float32"))[0]


def read(path: Path) -> Description:
    """Read what `Description.to_json` wrote; raises UserError for anything else."""
    values = disk.parse_json(disk.read(path, disk.LARGEST_JSON), path)
    try:
        found = Description(**values)
        channels, height, width = (_whole(size) for size in found.shape)
        classes = tuple(_text(name) for name in found.classes)
        if not 0 < channels <= MOST_CHANNELS or not 0 < height * width <= picture.MOST_PIXELS or not classes:
            raise ValueError(f"{len(classes)} classes of images of shape {found.shape}")
        mean, std = (tuple(_number(value) for value in of) for of in (found.mean, found.std))
        if not len(mean) == len(std) == channels or min(std) <= 0:
            raise ValueError(f"mean and std of {channels} channels")
        return Description(
            name=_text(found.name),
            source=_text(found.source),
            classes=classes,
            shape=(channels, height, width),
            mean=mean,
            std=std,
            white=_number(found.white),
            resized=found.resized is True,
            examples={part: [_whole(n) for n in found.examples[part]] for part in PARTS},
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path}: not the description of a data set ({type(error).__name__}: {error})"
        ) from None


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 53:
        raise ValueError("expected a whole number from 0 on")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("expected a finite number")
    return float(value)


def _text(value: object) -> str:
    if type(value) is not str or not value.isprintable():
        raise ValueError("expected text in one line")
    return value
