"""Files and folders get their names whole or not at all."""

import os

import pytest

from mx_notes import disk
from mx_notes.errors import UserError


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with disk.whole(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_put_in_place_whole(tmp_path):
    with disk.whole(tmp_path / "folder") as part:
        part.mkdir()
        (part / "inside").touch()
        assert not (tmp_path / "folder").exists()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["inside"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("make", [lambda part: part.touch(), lambda part: part.mkdir(), lambda part: None])
def test_after_an_exception_all_is_as_before(tmp_path, make):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), disk.whole(path) as part:
        make(part)
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_any_new_file(tmp_path):
    disk.replace(tmp_path / "whole", "text")
    (tmp_path / "plain").touch()
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_cannot_be_written_or_read_is_one_line(tmp_path):
    with pytest.raises(UserError) as caught, disk.writing("--out x"):
        disk.replace(tmp_path / "gone" / "file", "text")
    assert str(caught.value) == "--out x: cannot be written: No such file or directory"
    with pytest.raises(UserError) as caught, disk.reading(tmp_path / "gone"):
        (tmp_path / "gone").read_bytes()
    assert str(caught.value) == f"{tmp_path / 'gone'}: cannot be read: No such file or directory"


def test_a_folder_is_removed_under_another_name(tmp_path, monkeypatch):
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "file").touch()
    names = []
    monkeypatch.setattr(disk.shutil, "rmtree", lambda path: names.append(path.name))
    disk.remove(tmp_path / "step")
    assert os.listdir(tmp_path) == names and names[0].endswith(disk.PART)
