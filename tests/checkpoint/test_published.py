"""Training that begins with published parameters, from a server on this machine."""

import hashlib
import zipfile

import pytest
from web import serving

from mx_notes import checkpoint, cli
from mx_notes.runtime import gluoncv, mx

MODEL = "cifar_resnet20_v1"
TRAIN = ["train", "--pretrained", "--epochs", "1", "--set", "lr=1e-9", "--out", "run"]


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """A function that publishes a file of parameters under the digest of other bytes, or its own."""
    folder = tmp_path / "site" / "gluon" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def made(content, digest_of=None, inside="{name}.params"):
        digest = hashlib.sha1(digest_of or content).hexdigest()
        monkeypatch.setitem(gluoncv.model_zoo.model_store._model_sha1, MODEL, digest)
        name = f"{MODEL}-{digest[:8]}"
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.writestr(inside.format(name=name), content)
        return folder / f"{name}.zip"

    with serving(tmp_path / "site") as address:
        monkeypatch.setenv("MXNET_GLUON_REPO", address)
        yield made


def test_a_run_begins_with_what_fits_and_keeps_the_file(publish, tmp_path, capsys):
    net = gluoncv.model_zoo.get_model(MODEL, classes=10)
    net.initialize(mx.init.Xavier())
    net(mx.nd.ones((1, 3, 32, 32)))
    net.save_parameters("net.params")
    archive = publish((tmp_path / "net.params").read_bytes())
    assert cli.main(TRAIN) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "left 1 arrays: features.0.weight 16x3x3x3" in said  # digits have one channel
    own = {name.split("_", 1)[1]: value for name, value in net.collect_params().items()}
    found = checkpoint.restore(tmp_path / "run").parameters
    (dense,) = (name for name in found if name.endswith("dense0_weight"))
    theirs = next(value for name, value in own.items() if name.endswith("dense0_weight"))
    # At a rate of 1e-9 a weight does not move.
    assert abs(found[dense] - theirs.data()).max().asscalar() < 1e-6
    archive.unlink()  # the second time it is there
    assert cli.main([*TRAIN[:-1], "again"]) == 0


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"other", {"digest_of": b"wanted"}, "another file (SHA-1 "),
        (b"x", {"inside": "../{name}.params"}, "no archive with "),
    ],
)
def test_another_file_is_one_line_and_leaves_nothing(publish, tmp_path, capsys, content, options, words):
    publish(content, **options)
    assert cli.main(TRAIN) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line and line.startswith(f"mx-notes: {MODEL}-")
    assert not (tmp_path / "run").exists() and not [*(tmp_path / "cache").rglob("*.*")]


def test_a_damaged_archive_is_one_line(publish, tmp_path, capsys):
    archive = publish(bytes(range(256)) * 99)
    name = f"{archive.stem}.params"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, bytes(range(256)) * 99)
    begin = 30 + len(name)  # behind the local header
    content = bytearray(archive.read_bytes())
    content[begin : begin + 40] = b"\xff" * 40
    archive.write_bytes(content)
    assert cli.main(TRAIN) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no archive with {name}" in line and not (tmp_path / "run").exists()


def test_what_makes_no_sense_is_one_line(tmp_path, capsys):
    (tmp_path / "net.params").touch()
    (tmp_path / "recipe.json").write_text("{}")
    for arguments, words in [
        (["--from", tmp_path / "net.params"], "--from names other parameters; leave one of them out"),
        (["--resume", tmp_path], "a resumed run goes on with its own parameters; leave it out"),
        (["--set", "model=hrnet_w18_c"], "GluonCV publishes no parameters of hrnet_w18_c"),
    ]:
        assert cli.main(["train", "--pretrained", *map(str, arguments)]) == 2
        assert capsys.readouterr().err == f"mx-notes: --pretrained: {words}\n"
