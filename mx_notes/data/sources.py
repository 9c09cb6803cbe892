"""What data there is, where it is found, and how it is split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import UserError, nearest
from . import class_folders, download, pictures, records
from .dataset import Dataset
from .formats import cifar, idx
from .part import Part
from .split import TEST_FRACTION, TEST_SEED, held_out

FASHION_CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
# SHA-256 of the decompressed files: mirrors compress them anew.
FASHION_FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FASHION_MIRRORS = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/fashion-mnist/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)
FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
FASHION_HELP = "apt-get install dataset-fashion-mnist, or name the folder of its four files by --data-dir"

CIFAR_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR_BYTES = 170_052_171
CIFAR_MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
)
CIFAR_HELP = f"name the folder that has {cifar.ARCHIVE} or {cifar.FOLDER} by --data-dir"

RECORD_FILES = ("train.rec", "train.idx", "val.rec")

Loaded = tuple[tuple[str, ...], Part, Part, str]  # classes, training and test data, where they came from


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    validation: float = 0.1,
    seed: int = 1,
    image_size: int = 0,
) -> Dataset:
    """Load a data set by name; `validation` of each class of its training data is held out, drawn with the seed.

    data_dir: where to look first for its files. image_size: pixels, of imagerecord, which has a validation file
    of its own (0: 224), and of folder (0: the pictures' own). Raises UserError for an unknown name, files that
    are missing or damaged, and a data_dir without any of them.
    """
    if name not in _LOADERS:
        raise UserError(f"no data set {name!r}: {nearest(name, _LOADERS)}")
    if not 0 < validation < 1:
        raise UserError(f"validation={validation}: expected a fraction of the training data between 0 and 1")
    folder = Path(data_dir) if data_dir else None
    if folder is not None and not folder.is_dir():
        raise UserError(f"data_dir={folder}: no such folder")
    if name == "imagerecord":
        return records.load(folder, image_size or 224)
    if name == "folder":
        return pictures.load(folder, image_size, validation, seed)
    if folder is not None and name in _WITHOUT_FILES:
        raise UserError(
            f"data_dir={folder}: {name} has no files; leave it out, or name the data that are there by --data"
        )
    classes, training, test, source = _LOADERS[name](folder)
    if len(training.images) != len(training.labels):
        raise UserError(f"{source}: {len(training.images)} training images but {len(training.labels)} labels")
    white = _WITHOUT_FILES.get(name, 255.0)
    return Dataset(name, classes, *_split(training, validation, seed), test, source, white)


def names() -> tuple[str, ...]:
    """The data sets that `load` knows."""
    return tuple(_LOADERS)


def survey(data_dir: str | Path | None = None) -> list[tuple[str, bool, str]]:
    """Look for each data set: (name, found, where or what to do). Reads no data and downloads nothing."""
    folder = Path(data_dir) if data_dir else None
    fashion = _complete(_fashion_folders(folder), FASHION_FILES)
    binaries = _complete(_cifar_folders(folder), cifar.FILES) or _cifar_archive(folder)
    record_files = _complete([folder] if folder else [], RECORD_FILES)
    downloaded = "downloaded at the first use"
    return [
        ("digits", True, "inside scikit-learn"),
        ("fashion-mnist", fashion is not None, str(fashion or f"{FASHION_HELP}; else {downloaded}")),
        ("cifar10", binaries is not None, str(binaries or f"{CIFAR_HELP}; else {downloaded}")),
        (
            "imagerecord",
            record_files is not None,
            str(record_files or f"--data-dir with {', '.join(RECORD_FILES)}"),
        ),
        ("folder", *_found_folders(folder)),
        ("synthetic", True, "made from a fixed seed"),
    ]


def _found_folders(folder: Path | None) -> tuple[bool, str]:
    try:
        classes = class_folders.scan(folder).classes if folder else ()
    except UserError as error:
        return False, str(error)
    return bool(classes), str(folder) if classes else "--data-dir with a folder of pictures for each class"


def _digits(folder: Path | None) -> Loaded:
    from sklearn.datasets import load_digits

    digits = load_digits()
    part = Part(digits.images.astype(np.uint8)[:, None], digits.target.astype(np.int32))
    return tuple("0123456789"), *_split(part, TEST_FRACTION, TEST_SEED), "scikit-learn"


def _fashion_mnist(folder: Path | None) -> Loaded:
    _refuse_incomplete(folder)
    found = _complete(_fashion_folders(folder), FASHION_FILES) or _download_fashion(folder)
    _refuse_ignored(folder, found, "fashion-mnist")
    return FASHION_CLASSES, _idx_part(found, "train"), _idx_part(found, "t10k"), str(found)


def _idx_part(folder: Path, prefix: str) -> Part:
    images = idx.read(_plain_or_gz(folder, f"{prefix}-images-idx3-ubyte"), 3)
    labels = idx.read(_plain_or_gz(folder, f"{prefix}-labels-idx1-ubyte"), 1)
    return Part(images[:, None], labels.astype(np.int32))


def _plain_or_gz(folder: Path, name: str) -> Path:
    plain = folder / name
    return plain if plain.is_file() else folder / f"{name}.gz"


def _complete(folders: Sequence[Path], files: Sequence[str]) -> Path | None:
    """The first folder that has all the files, plain or compressed by gzip."""
    return next((p for p in folders if all(_plain_or_gz(p, name).is_file() for name in files)), None)


def _fashion_folders(folder: Path | None) -> list[Path]:
    given = [folder, folder / "fashion-mnist"] if folder else []
    return [*given, FASHION_DEBIAN, download.cache() / "fashion-mnist"]


def _refuse_incomplete(folder: Path | None) -> None:
    """Raise UserError if the user's folder has some of the four files: it is not passed over for another place."""
    missing = [name for name in FASHION_FILES if folder and not _plain_or_gz(folder, name).is_file()]
    if 0 < len(missing) < len(FASHION_FILES):
        raise UserError(
            f"{folder}: has no {missing[0]} or {missing[0]}.gz, but others of fashion-mnist's files"
        )


def _refuse_ignored(folder: Path | None, found: Path, name: str) -> None:
    """Raise UserError if the user's folder has nothing of the data set, which was found elsewhere."""
    if folder is not None and folder not in (found, found.parent):
        raise UserError(
            f"data_dir={folder}: has none of {name}'s files; leave it out to use those in {found}"
        )


def _download_fashion(folder: Path | None) -> Path:
    target = download.cache() / "fashion-mnist"
    for name, digest in FASHION_FILES.items():
        if _plain_or_gz(target, name).is_file():
            continue
        urls = [f"{mirror}{name}.gz" for mirror in FASHION_MIRRORS]
        try:
            download.fetch(urls, target / f"{name}.gz", digest, 64 << 20, content=idx.raw_bytes)
        except UserError as error:
            raise _not_found("fashion-mnist", _fashion_folders(folder), FASHION_HELP, error) from None
    return target


def _not_found(name: str, places: Sequence[Path], help: str, error: UserError) -> UserError:
    return UserError(f"{name} is not in {', '.join(map(str, places))}: {help} ({error})")


def _cifar10(folder: Path | None) -> Loaded:
    found = _complete(_cifar_folders(folder), cifar.FILES) or _unpack_cifar(folder)
    if folder is None or not (folder / cifar.ARCHIVE).is_file():
        _refuse_ignored(folder, found, "cifar10")
    parts = cifar.read_all(found)
    images, labels = zip(*(parts[name] for name in cifar.TRAINING_FILES), strict=True)
    training = Part(np.concatenate(images), np.concatenate(labels))
    return cifar.CLASSES, training, Part(*parts[cifar.TEST_FILE]), str(found)


def _cifar_folders(folder: Path | None) -> list[Path]:
    given = [folder, folder / cifar.FOLDER] if folder else []
    return [*given, download.cache() / cifar.FOLDER]


def _cifar_archive(folder: Path | None) -> Path | None:
    places = [place / cifar.ARCHIVE for place in (folder, download.cache()) if place]
    return next((path for path in places if path.is_file()), None)


def _unpack_cifar(folder: Path | None) -> Path:
    archive = _cifar_archive(folder)
    if archive is None:
        archive = download.cache() / cifar.ARCHIVE
        urls = [mirror + cifar.ARCHIVE for mirror in CIFAR_MIRRORS]
        try:
            download.fetch(urls, archive, CIFAR_SHA256, CIFAR_BYTES)
        except UserError as error:
            hint = CIFAR_HELP + _pickled(folder)
            raise _not_found("cifar10", _cifar_folders(folder), hint, error) from None
    elif download.digest_of(archive) != CIFAR_SHA256:
        raise UserError(f"{archive}: not CIFAR-10's binary archive (its SHA-256 is not {CIFAR_SHA256[:12]}…)")
    return cifar.extract(archive, download.cache() / cifar.FOLDER)


def _pickled(folder: Path | None) -> str:
    places = [folder, folder / "cifar-10-batches-py"] if folder else []
    for place in places:
        for name in ("cifar-10-python.tar.gz", "data_batch_1"):
            if (place / name).is_file():
                return (
                    f"; {place / name} is the pickled version, which is never read: unpickling runs its code"
                )
    return ""


def synthetic(
    examples: int = 2500, classes: int = 10, shape: tuple[int, int, int] = (1, 8, 8), seed: int = 0
) -> tuple[Part, Part]:
    """Training and test (a fifth) data, float32: a random prototype for each class, plus as much noise.

    For tests and timings; a network can learn it.
    """
    rng = np.random.default_rng(seed)
    prototypes = rng.standard_normal((classes, *shape), dtype=np.float32)

    def part(count: int) -> Part:
        labels = rng.integers(0, classes, count, dtype=np.int32)
        noise = rng.standard_normal((count, *shape), dtype=np.float32)
        return Part(prototypes[labels] + noise, labels)

    return part(examples - examples // 5), part(examples // 5)


def _synthetic(folder: Path | None) -> Loaded:
    return tuple("0123456789"), *synthetic(), "made from a fixed seed"


def _split(part: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    """Divide a part into two: the second has that fraction of each class, drawn with the seed."""
    chosen = held_out(part.labels, fraction, seed)
    return (
        Part(part.images[~chosen], part.labels[~chosen]),
        Part(part.images[chosen], part.labels[chosen]),
    )


_LOADERS: dict[str, Callable[[Path | None], Loaded] | None] = {
    "digits": _digits,
    "fashion-mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "imagerecord": None,  # by records.load: it stays on disk
    "folder": None,  # by pictures.load
    "synthetic": _synthetic,
}
# Data that come with no files of the user's, and the value of a white pixel in them: 0 if they are no pictures.
_WITHOUT_FILES = {"digits": 16.0, "synthetic": 0.0}
