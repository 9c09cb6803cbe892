"""`mx-notes predict`: the classes that a run's network sees in pictures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from ..checkpoint.network import Network, restore_alone
from ..data import Description, pictures
from ..data.formats.picture import LARGEST_FILE, SUFFIXES, Unreadable
from ..errors import UserError
from ..runtime import mx

STDIN = "-"
BATCH = 64  # pictures
LIKELIEST = 3  # classes in a line, fewer if their names are long
WIDTH, LEFT = 80, 24  # columns: of a line, and of those at least for the file's name
LONGEST = 20  # characters of a class's name


def report(folder: Path, files: Sequence[str], which: str = "best", as_json: bool = False) -> int:
    """Print what the network of the run in a folder sees in each picture, when all of them are read.

    Raises UserError, having printed nothing, for the first file that it can't be asked about.
    """
    network = restore_alone(folder, which)
    if not network.data.white:
        raise UserError(f"{folder}: its data, {network.data.name}, are no pictures")
    found = list(found_in(files))
    probabilities = predict(network, found)
    lines = _json_lines if as_json else _lines
    for line in lines(found, probabilities, network.data.classes):
        print(line)
    return 0


def predict(network: Network[Description], files: Sequence[str]) -> np.ndarray:
    """The probability of each class for the picture in each file ("-": on stdin), (files, classes) float32.

    Raises UserError that names the first file that is no whole picture, or of a size that the network can't take.
    """
    block, found, left = network.block(mx.cpu()), [], iter(files)
    while names := list(islice(left, BATCH)):
        images = np.stack([_image(name, network.data) for name in names])
        found.append(block(mx.nd.array(images))[1].asnumpy())
    return np.concatenate(found)


def found_in(files: Sequence[str]) -> Iterator[str]:
    """Name the pictures: each file as it is, of a folder those in it and in its folders that end like one.

    Raises UserError for what is not there, and a folder without pictures.
    """
    for file in files:
        if not file.isprintable():
            raise UserError(f"the name {file!r} is not printable UTF-8; rename it")
        if file == STDIN or not os.path.isdir(file):
            yield file
            continue
        inside = sorted(
            os.path.join(place, name)
            for place, _, names in os.walk(file)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        )
        if not inside:
            raise UserError(f"{file}: no pictures in this folder ({', '.join(SUFFIXES)})")
        yield from found_in(inside)


def _image(name: str, data: Description) -> np.ndarray:
    try:
        content = sys.stdin.buffer.read(LARGEST_FILE) if name == STDIN else pictures.content(name)
        return data.normalised(content)
    except Unreadable as error:
        raise UserError(f"{'stdin' if name == STDIN else name}: {error}") from None


def _lines(files: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> Iterator[str]:
    """At most WIDTH columns each: the file's name, cut in front if need be, and the likeliest classes."""
    names = [_cut(name, LONGEST) for name in classes]
    for file, row in zip(files, probabilities, strict=True):
        text, *others = (
            f"{names[number]} {row[number]:.4f}" for number in np.argsort(-row, kind="stable")[:LIKELIEST]
        )
        for other in others:
            if len(text) + 2 + len(other) <= WIDTH - LEFT - 2:
                text = f"{text}  {other}"
        room = WIDTH - 2 - len(text)
        yield f"{file if len(file) <= room else f'…{file[1 - room :]}'}  {text}"


def _json_lines(files: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> Iterator[str]:
    for file, row in zip(files, probabilities, strict=True):
        order = np.argsort(-row, kind="stable")
        values = {
            "file": file,
            "class": classes[order[0]],
            "probability": float(row[order[0]]),
            "probabilities": {classes[number]: float(row[number]) for number in order},
        }
        yield json.dumps(values, ensure_ascii=False)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
