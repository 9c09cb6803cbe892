"""Downloads, from a server on this machine."""

import contextlib
import gzip
import hashlib
import shutil

import pytest
from web import serving

from mx_notes import data
from mx_notes.data import download, sources
from mx_notes.data.formats import idx
from mx_notes.errors import UserError

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()
LIMIT = 1 << 20


@pytest.fixture
def site(tmp_path):
    """(folder, address) of a web server on this machine."""
    folder = tmp_path / "site"
    folder.mkdir()
    with serving(folder) as address:
        yield folder, address


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "new" / "file"


def left_behind(target):
    return list(target.parent.iterdir()) if target.parent.exists() else []


def test_a_good_file(site, target):
    (site[0] / "good").write_bytes(CONTENT)
    assert download.fetch([site[1] + "good"], target, DIGEST, LIMIT) == target
    assert left_behind(target) == [target] and target.read_bytes() == CONTENT
    (target.parent / "plain").touch()
    assert target.stat().st_mode == (target.parent / "plain").stat().st_mode  # others may read it, too


def test_the_second_mirror_when_the_first_has_none_and_when_it_has_another(site, target):
    (site[0] / "good").write_bytes(CONTENT)
    (site[0] / "other").write_bytes(CONTENT[::-1])
    download.fetch([site[1] + name for name in ("missing", "other", "good")], target, DIGEST, LIMIT)
    assert left_behind(target) == [target] and target.read_bytes() == CONTENT


def test_compressed_anew_by_the_mirror(site, target):
    (site[0] / "good.gz").write_bytes(gzip.compress(CONTENT, 1))
    download.fetch([site[1] + "good.gz"], target, DIGEST, LIMIT, content=idx.raw_bytes)
    assert idx.raw_bytes(target) == CONTENT


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "HTTP Error 404"),
        ("wrong", CONTENT[1:], r"another file \(SHA-256 "),
        ("broken", CONTENT, "broke off after 10240 of 999999 bytes|IncompleteRead"),
        ("large", bytes(LIMIT + 1), "more than 1048576 bytes"),
        ("cut.gz", gzip.compress(CONTENT)[:-9], "damaged"),
        ("noise.gz", b"\x1f\x8b\x08\x00" + bytes(range(100)), "damaged"),
    ],
)
def test_a_bad_answer_is_told_and_leaves_nothing(site, target, name, content, message):
    if content is not None:
        (site[0] / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        download.fetch([site[1] + name], target, DIGEST, LIMIT, content=idx.raw_bytes)
    assert site[1] + name in str(caught.value) and "\n" not in str(caught.value)
    assert left_behind(target) == []


def test_nobody_answers(target):
    with pytest.raises(UserError, match=r"file could not be downloaded: http://127\.0\.0\.1:9/file: "):
        download.fetch(["http://127.0.0.1:9/file"], target, DIGEST, LIMIT)
    assert left_behind(target) == []


def test_interrupted(site, target):
    (site[0] / "good").write_bytes(CONTENT)

    def interrupt(path):
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        download.fetch([site[1] + "good"], target, DIGEST, LIMIT, content=interrupt)
    assert left_behind(target) == []


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without Fashion-MNIST."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "FASHION_DEBIAN", tmp_path / "debian")


@pytest.mark.skipif(not sources.FASHION_DEBIAN.is_dir(), reason="apt-get install dataset-fashion-mnist")
def test_fashion_mnist_from_the_network(site, tmp_path, nowhere, monkeypatch):
    for name in sources.FASHION_FILES:
        shutil.copy(f"/usr/share/datasets/fashion-mnist/{name}.gz", site[0])
    monkeypatch.setattr(sources, "FASHION_MIRRORS", (site[1] + "empty/", site[1]))
    dataset = data.load("fashion-mnist")
    assert len(dataset.train.labels) + len(dataset.validation.labels) == 60_000
    assert dataset.source == str(tmp_path / "cache" / "mx_notes" / "fashion-mnist")
    monkeypatch.setattr(sources, "FASHION_MIRRORS", ())
    assert data.load("fashion-mnist").source == dataset.source


def test_fashion_mnist_not_to_be_had(site, nowhere, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "FASHION_MIRRORS", (site[1],))
    with pytest.raises(UserError) as caught:
        data.load("fashion-mnist", data_dir=tmp_path)
    message = str(caught.value)
    for part in (
        str(tmp_path / "debian"),
        "apt-get install dataset-fashion-mnist",
        "--data-dir",
        site[1],
        "404",
    ):
        assert part in message
    assert "\n" not in message
    assert left_behind(tmp_path / "cache" / "mx_notes" / "fashion-mnist" / "any") == []
