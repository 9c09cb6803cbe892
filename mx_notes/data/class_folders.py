"""A folder whose folders are the classes: its files by name alone, nothing of them is read."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from .. import disk
from ..errors import UserError
from .formats.picture import SUFFIXES

PARTS = ("train", "val", "test")
PASSED_OVER = ("Thumbs.db", "desktop.ini")  # and names that begin with a dot: what file managers leave behind


@dataclass(frozen=True)
class Listing:
    """The files of each part, by class, in the order of their names."""

    classes: tuple[str, ...]
    parts: dict[str, dict[str, list[Path]]]  # of PARTS, those that are there; "" alone where there are none


def scan(folder: Path) -> Listing:
    """List `folder/CLASS/*`, or, where it has a folder `train`, `folder/train/CLASS/*` and so `val` and `test`.

    Raises UserError for a class without files, fewer than two classes, two spellings of a class, a class that is
    not in `train`, pictures and folders out of place, and names that are not printable UTF-8.
    """
    inside = {path.name for path in _entries(folder) if path.is_dir()}
    if "train" not in inside or not inside <= {*PARTS}:
        if "train" in inside and inside & {"val", "test", "valid", "validation"}:
            other = min(inside - {*PARTS})
            raise UserError(
                f"{folder}: has train and {other}; beside train, val and test expected no other folder"
            )
        files = _classes(folder)
        return Listing(_checked(folder, files), {"": files})
    found = {part: _classes(folder / part) for part in PARTS if part in inside}
    classes = _checked(folder / "train", found["train"])
    for part, files in found.items():
        _expect_known(folder / part, files, classes)
    return Listing(classes, found)


def _classes(folder: Path) -> dict[str, list[Path]]:
    """The files of each class's folder."""
    files = {}
    for path in _entries(folder):
        if path.is_dir():
            files[path.name] = _files(path)
        elif path.suffix.lower() in SUFFIXES:
            raise UserError(f"{path}: a picture beside the classes' folders; move it into its class's folder")
    return files


def _files(folder: Path) -> list[Path]:
    found = _entries(folder)
    for path in found:
        if path.is_dir():
            raise UserError(
                f"{path}: a folder in a class's folder, which should hold nothing but its pictures"
            )
    if not found:
        raise UserError(f"{folder}: no pictures; remove this class's folder, or fill it")
    return found


def _entries(folder: Path) -> list[Path]:
    with disk.reading(folder):
        names = sorted(os.listdir(folder))
    for name in names:
        if not name.isprintable():  # what is not UTF-8 comes as surrogates
            raise UserError(f"{folder}: the name {name!r} in it is not printable UTF-8; rename it")
    return [folder / name for name in names if not name.startswith(".") and name not in PASSED_OVER]


def _checked(folder: Path, files: dict[str, list[Path]]) -> tuple[str, ...]:
    if len(files) < 2:
        what = f"only the class {min(files)!r}" if files else "no folders of classes"
        raise UserError(f"{folder}: {what}; expected CLASS/PICTURE of at least two classes")
    seen: dict[str, str] = {}
    for name in files:
        same = seen.setdefault(_spelt(name), name)
        if same != name:
            raise UserError(f"{folder}: {same!r} and {name!r} look like one class; join or rename them")
    return tuple(files)


def _expect_known(folder: Path, files: dict[str, list[Path]], classes: tuple[str, ...]) -> None:
    if not files:
        raise UserError(f"{folder}: no folders of classes")
    for name in files:
        if name not in classes:
            raise UserError(f"{folder / name}: train has no class of this name")


def _spelt(name: str) -> str:
    """A class's name without what a slip of the pen changes: case, spaces, hyphens, composed accents."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in plain if letter not in " _-")
