"""What data there is, where it is found, and how it is split."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import numpy as np

from ..errors import UserError
from . import cifar, download, idx
from .dataset import Dataset, Part

TEST_SPLIT_SEED = 0  # of digits: fixed, so that every run is scored on the same images

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
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")

CIFAR_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)


def load(
    name: str,
    *,
    data_dir: str | Path | None = None,
    validation: float = 0.1,
    seed: int = 1,
    image_size: int = 224,
):
    """A data set by name, its validation part drawn from the training data with the seed.

    data_dir: where else to look for its files. image_size: of imagerecord only. Raises UserError for an
    unknown name, and for files that are missing or damaged.
    """
    if name not in _LOADERS:
        near = get_close_matches(name, _LOADERS, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(_LOADERS)}"
        raise UserError(f"no data set {name!r}: {hint}")
    folder = Path(data_dir) if data_dir else None
    if folder is not None and not folder.is_dir():
        raise UserError(f"data_dir={folder}: no such folder")
    if name == "imagerecord":
        from .records import load as load_records

        return load_records(folder, validation, seed, image_size)
    classes, training, test, source = _LOADERS[name](folder)
    _check_counts(name, training)
    train, held_out = _split(training, validation, seed)
    return Dataset(name, classes, train, held_out, test, source)


def names() -> tuple[str, ...]:
    """The data sets that `load` knows."""
    return tuple(_LOADERS)


def survey(data_dir: str | Path | None = None) -> list[tuple[str, bool, str]]:
    """(name, found, where or what to do) of each data set; reads no data and downloads nothing."""
    folder = Path(data_dir) if data_dir else None
    fashion, binaries = _fashion_folder(folder), _cifar_folder(folder)
    records = folder is not None and (folder / "train.rec").is_file()
    return [
        ("digits", True, "inside scikit-learn"),
        (
            "fashion-mnist",
            fashion is not None,
            str(fashion or "apt-get install dataset-fashion-mnist, or --data-dir, or downloaded at first use"),
        ),
        (
            "cifar10",
            binaries is not None,
            str(binaries or f"--data-dir with {cifar.FOLDER} or {cifar.ARCHIVE}, or downloaded at first use"),
        ),
        ("imagerecord", records, str(folder) if records else "--data-dir with train.rec (see the README)"),
        ("synthetic", True, "made from the seed"),
    ]


def _digits(folder: Path | None):
    from sklearn.datasets import load_digits

    digits = load_digits()
    part = Part(digits.images.astype(np.uint8)[:, None], digits.target.astype(np.int32))
    training, test = _split(part, 1 / 6, TEST_SPLIT_SEED)
    return tuple("0123456789"), training, test, "scikit-learn"


def _fashion_mnist(folder: Path | None):
    found = _fashion_folder(folder) or _download_fashion()
    arrays = {}
    for name in FASHION_FILES:
        arrays[name] = idx.read(_variant(found, name), 3 if "images" in name else 1)
    parts = []
    for prefix in ("train", "t10k"):
        images, labels = arrays[f"{prefix}-images-idx3-ubyte"], arrays[f"{prefix}-labels-idx1-ubyte"]
        parts.append(Part(images[:, None], labels.astype(np.int32)))
    return FASHION_CLASSES, *parts, str(found)


def _variant(folder: Path, name: str) -> Path:
    plain = folder / name
    return plain if plain.is_file() else folder / f"{name}.gz"


def _fashion_folder(folder: Path | None) -> Path | None:
    places = [folder, folder / "fashion-mnist"] if folder else []
    places += [FASHION_DEBIAN, download.cache() / "fashion-mnist"]
    return next((p for p in places if all(_variant(p, name).is_file() for name in FASHION_FILES)), None)


def _download_fashion() -> Path:
    folder = download.cache() / "fashion-mnist"
    for name, digest in FASHION_FILES.items():
        target = folder / f"{name}.gz"
        if target.is_file():
            continue
        urls = [f"{mirror}{name}.gz" for mirror in FASHION_MIRRORS]
        try:
            download.fetch(urls, target, digest, 64 << 20, content=idx.raw_bytes)
        except UserError as error:
            raise UserError(
                f"fashion-mnist is not here: apt-get install dataset-fashion-mnist, or give its four files by"
                f" --data-dir ({error})"
            ) from None
    return folder


def _cifar10(folder: Path | None):
    found = _cifar_folder(folder) or _unpack_cifar(folder)
    parts = [cifar.read(found / name) for name in cifar.TRAINING_FILES]
    images, labels = zip(*parts, strict=True)
    return (
        cifar.CLASSES,
        Part(np.concatenate(images), np.concatenate(labels)),
        Part(*cifar.read(found / cifar.TEST_FILE)),
        str(found),
    )


def _cifar_folder(folder: Path | None) -> Path | None:
    places = [folder, folder / cifar.FOLDER] if folder else []
    places.append(download.cache() / cifar.FOLDER)
    files = (*cifar.TRAINING_FILES, cifar.TEST_FILE)
    return next((p for p in places if all((p / name).is_file() for name in files)), None)


def _unpack_cifar(folder: Path | None) -> Path:
    archive = folder / cifar.ARCHIVE if folder else None
    if archive is None or not archive.is_file():
        pickled = folder is not None and any(folder.rglob("data_batch_1"))
        hint = " (the pickled version there is never read: unpickling runs what is in the file)" if pickled else ""
        target = download.cache() / cifar.ARCHIVE
        try:
            urls = [mirror + cifar.ARCHIVE for mirror in CIFAR_MIRRORS]
            archive = target if target.is_file() else download.fetch(urls, target, CIFAR_SHA256, 200 << 20)
        except UserError as error:
            raise UserError(
                f"cifar10 is not here: give {cifar.ARCHIVE} or {cifar.FOLDER} by --data-dir{hint} ({error})"
            ) from None
    return cifar.extract(archive, download.cache() / cifar.FOLDER)


def _synthetic(folder: Path | None):
    """Ten classes of 8×8 images: a prototype each, and noise of the same size. For tests and timings."""
    rng = np.random.default_rng(0)
    prototypes = rng.standard_normal((10, 1, 8, 8), dtype=np.float32)

    def part(count: int) -> Part:
        labels = rng.integers(0, 10, count, dtype=np.int32)
        noise = rng.standard_normal((count, 1, 8, 8), dtype=np.float32)
        return Part(prototypes[labels] + noise, labels)

    return tuple("0123456789"), part(2000), part(500), "made from a fixed seed"


def _check_counts(name: str, part: Part) -> None:
    if len(part.images) != len(part.labels):
        raise UserError(f"{name}: {len(part.images)} training images but {len(part.labels)} labels")


def _split(part: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    """The part without, and with only, that fraction of each class, drawn with the seed."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(part.labels), bool)
    for label in np.unique(part.labels):
        members = rng.permutation(np.flatnonzero(part.labels == label))
        held_out[members[: round(fraction * len(members))]] = True
    return (
        Part(part.images[~held_out], part.labels[~held_out]),
        Part(part.images[held_out], part.labels[held_out]),
    )


_LOADERS = {
    "digits": _digits,
    "fashion-mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "imagerecord": None,
    "synthetic": _synthetic,
}
