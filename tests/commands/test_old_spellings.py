"""`mx-notes doctor SCRIPT` lists old names with today's, without running the script."""

import pytest

from mx_notes.commands import old_spellings
from mx_notes.errors import UserError

PROGRAM = """\
import os, numpy, numpy as np, cPickle
import PIL.Image as image
from collections import Iterable, OrderedDict
from numpy import asscalar as scalar, float32
from xml.etree import ElementTree
x = np.zeros(3, dtype=np.float)
print(numpy.product(x), np.inf, os.getcwd(), np.float32)
x.tostring(); x.tobytes(); ElementTree.tostring(x); x.ptp(axis=0)
image.ANTIALIAS
open("never run", "w")
numpy.fromstring(x, dtype=numpy.uint8); numpy.fromstring(x, sep=",")
"""


def test_each_old_name_has_its_line_and_what_to_write_today(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.py").write_text(PROGRAM)
    found = old_spellings.look(tmp_path / "old.py")
    assert [(old.line, old.name, old.today, old.works) for old in found] == [
        (1, "import cPickle", "pickle", False),
        (3, "from collections import Iterable", "collections.abc.Iterable", True),
        (4, "from numpy import asscalar", "a.item()", True),
        (6, "np.float", "float", True),
        (7, "numpy.product", "np.prod", True),
        (8, ".ptp()", "np.ptp(a)", False),
        (8, ".tostring()", "tobytes()", False),
        (9, "image.ANTIALIAS", "Image.LANCZOS", False),
        (11, "numpy.fromstring", "np.frombuffer(…).copy()", True),
    ]
    assert old_spellings.report([tmp_path]) == 1
    assert capsys.readouterr().out.endswith(
        f"9 old names in {tmp_path / 'old.py'}, 4 of which must be changed\n"
    )
    assert not (tmp_path / "never run").exists()


def test_names_that_run_gives_back_are_no_failure(tmp_path, capsys):
    (tmp_path / "old.py").write_text("import numpy as np\nnp.int\n")
    assert old_spellings.report([tmp_path / "old.py"]) == 0
    assert "np.int -> int  (works under `mx-notes run`)" in capsys.readouterr().out
    (tmp_path / "old.py").write_text("import numpy as np\nnp.int_\n")
    assert old_spellings.report([tmp_path / "old.py"]) == 0
    assert capsys.readouterr().out == f"no old names in {tmp_path / 'old.py'}\n"


def test_a_program_of_python_2_is_named(tmp_path):
    (tmp_path / "old.py").write_text("x = 1\nprint 'hello'\n")
    assert [(old.line, old.works) for old in old_spellings.look(tmp_path / "old.py")] == [(2, False)]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.py: no such file"):
        old_spellings.report([tmp_path / "nowhere.py"])
