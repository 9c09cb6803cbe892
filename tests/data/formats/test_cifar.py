"""Small files in CIFAR-10's binary format, of real scanned digits in three colours."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
from sklearn.datasets import load_digits

from mx_notes import data
from mx_notes.data import download, sources
from mx_notes.data.formats import cifar
from mx_notes.errors import UserError

COUNT = 20  # images in each file
DIGITS = load_digits()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "CIFAR_MIRRORS", ("http://127.0.0.1:9/",))  # nobody answers there
    return tmp_path / "cache" / "mx_notes"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "given" / cifar.FOLDER
    folder.mkdir(parents=True)
    for number, name in enumerate(cifar.FILES):
        (folder / name).write_bytes(records(number).tobytes())
    return folder


def images(number):
    chosen = slice(number * COUNT, (number + 1) * COUNT)
    grey = np.kron(DIGITS.images[chosen] * 15, np.ones((4, 4))).astype(np.uint8)
    return np.stack([grey, grey // 2, 255 - grey], axis=1), DIGITS.target[chosen]


def records(number):
    pixels, labels = images(number)
    return np.concatenate([labels.astype(np.uint8)[:, None], pixels.reshape(COUNT, -1)], axis=1)


def archive(path, folder, members=None):
    """A .tar.gz of the folder's files, or of (TarInfo, content) members."""
    with tarfile.open(path, "w:gz") as tar:
        if members is None:
            tar.add(folder, arcname=cifar.FOLDER)
        for info, content in members or ():
            tar.addfile(info, io.BytesIO(content))
    return path


def accept(monkeypatch, path):
    """Take this small archive for the published one."""
    monkeypatch.setattr(sources, "CIFAR_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(cifar, "RECORDS", COUNT)


def check(dataset):
    assert dataset.shape == (3, 32, 32) and dataset.classes[0] == "airplane" and len(dataset.classes) == 10
    assert len(dataset.train.labels) + len(dataset.validation.labels) == 5 * COUNT
    pixels, labels = images(5)
    np.testing.assert_array_equal(dataset.test.images, pixels)
    np.testing.assert_array_equal(dataset.test.labels, labels)
    given = {image.tobytes() for number in range(5) for image in images(number)[0]}
    assert {image.tobytes() for part in (dataset.train, dataset.validation) for image in part.images} == given


@pytest.mark.parametrize("place", ["itself", "above"])
def test_reads_the_binary_version(folder, cache, place):
    check(data.load("cifar10", data_dir=folder if place == "itself" else folder.parent))
    assert not cache.exists()


def test_reads_the_archive_once(folder, cache, monkeypatch, tmp_path):
    path = archive(tmp_path / cifar.ARCHIVE, folder)
    accept(monkeypatch, path)
    check(data.load("cifar10", data_dir=tmp_path))
    path.unlink()
    check(data.load("cifar10"))
    assert sorted(p.name for p in (cache / cifar.FOLDER).iterdir()) == sorted(cifar.FILES)


def test_another_archive_is_refused(folder, cache, tmp_path):
    archive(tmp_path / cifar.ARCHIVE, folder)
    with pytest.raises(UserError, match="not CIFAR-10's binary archive"):
        data.load("cifar10", data_dir=tmp_path)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-1], "61459 bytes, expected 1 to 10000 records of 3073"),
        (lambda whole: b"", "0 bytes, expected"),
        (lambda whole: whole[: -3 * cifar.RECORD], "17 images, others have 20; truncated"),
        (lambda whole: whole * 501, "expected 1 to 10000 records"),
        (
            lambda whole: whole[: 3 * cifar.RECORD] + b"\x0a" + whole[3 * cifar.RECORD + 1 :],
            "label 10 in record 3 ",
        ),
    ],
)
def test_damaged_file(folder, cache, content, message):
    path = folder / "data_batch_3.bin"
    path.write_bytes(content(path.read_bytes()))
    with pytest.raises(UserError) as caught:
        data.load("cifar10", data_dir=folder)
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_the_pickled_version_is_not_read(cache, tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80")
    with pytest.raises(
        UserError, match=r"data_batch_1 is the pickled version, which is never read.*127\.0\.0\.1"
    ):
        data.load("cifar10", data_dir=tmp_path)


def member(name, size=cifar.RECORD * COUNT, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = (size if kind == tarfile.REGTYPE else 0), kind, "/etc/passwd"
    return info, bytes(info.size)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            [member(f"{cifar.FOLDER}/data_batch_1.bin", kind=tarfile.SYMTYPE)],
            "data_batch_1.bin is not a file of",
        ),
        (
            [member(f"{cifar.FOLDER}/data_batch_1.bin", kind=tarfile.LNKTYPE)],
            "data_batch_1.bin is not a file of",
        ),
        (
            [member(f"{cifar.FOLDER}/data_batch_1.bin", size=10)],
            "data_batch_1.bin is not a file of 61460 bytes",
        ),
        (
            [member("../data_batch_1.bin"), member("/tmp/test_batch.bin")],
            "has no cifar-10-batches-bin/data_batch_1",
        ),
        ([member("data_batch_1.bin")], "has no cifar-10-batches-bin/data_batch_1"),
    ],
)
def test_hostile_archive(monkeypatch, tmp_path, members, message):
    monkeypatch.setattr(cifar, "RECORDS", COUNT)
    path = archive(tmp_path / "a.tar.gz", None, members)
    with pytest.raises(UserError, match=message):
        cifar.extract(path, tmp_path / "out" / "in")
    assert [p.name for p in tmp_path.rglob("*.bin*")] == []


@pytest.mark.parametrize("cut", [0, 5, 500])
def test_truncated_archive(monkeypatch, folder, tmp_path, cut):
    monkeypatch.setattr(cifar, "RECORDS", COUNT)
    path = archive(tmp_path / "a.tar.gz", folder)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match=r"a\.tar\.gz: (cannot be unpacked|has no)"):
        cifar.extract(path, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.part"))


def test_an_archive_of_gigabytes_of_zeros(monkeypatch, tmp_path):
    monkeypatch.setattr(cifar, "LARGEST", 1 << 20)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(UserError, match="holds more than 1048576 bytes"):
        cifar.extract(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_header_that_claims_2_to_the_40_bytes(tmp_path):
    info = tarfile.TarInfo("name")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(UserError, match="cannot be unpacked"):
        cifar.extract(path, tmp_path / "out")


def test_survey(folder, cache, tmp_path):
    assert {name: found for name, found, _ in data.survey(folder.parent)}["cifar10"]
    assert not {name: found for name, found, _ in data.survey(tmp_path)}["cifar10"]
    assert download.cache() == cache and not cache.exists()
