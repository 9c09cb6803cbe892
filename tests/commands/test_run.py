"""`mx-notes run` is `python SCRIPT` in which `import mxnet` works, for the script and for its children."""

import os
import signal
import subprocess
import sys
import time

import pytest

SUM = "import mxnet as mx\nprint(mx.nd.ones((2, 3)).sum().asscalar())\n"

CHILDREN = {
    "itself": SUM,
    **{
        f"multiprocessing, {method}": f"""
import multiprocessing
def total():
    import mxnet as mx
    print(mx.nd.ones((2, 3)).sum().asscalar(), flush=True)
if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=total)
    process.start()
    process.join()
"""
        for method in ("fork", "spawn", "forkserver")
    },
    "subprocess": f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {SUM!r}], check=True)",
    "workers that load data": """
import mxnet as mx
data = mx.gluon.data.ArrayDataset(mx.nd.ones((6, 1)))
print(sum(batch.sum() for batch in mx.gluon.data.DataLoader(data, 2, num_workers=2)).asscalar())
""",
    "threads": """
import threading
import numpy as np
import mxnet as mx
def total():
    print(mx.nd.ones((np.int64(2), np.int64(3))).sum().asscalar())
thread = threading.Thread(target=total)
thread.start()
thread.join()
""",
}


NOTEBOOK = f"""
import nbformat
from nbclient import NotebookClient
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({SUM!r})])
NotebookClient(notebook, timeout=120).execute()
print(notebook.cells[0].outputs[0].text)
"""


def python(*arguments, **options):
    options = {"capture_output": True, "text": True, "timeout": 120, "check": False} | options
    return subprocess.run([sys.executable, *map(str, arguments)], **options)


@pytest.mark.parametrize("name", CHILDREN)
def test_mxnet_opens_in_the_script_and_in_its_children(name, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CHILDREN[name])
    result = python("-m", "mx_notes", "run", script)
    assert (result.stdout, result.returncode) == ("6.0\n", 0), result.stderr


def test_a_script_is_run_as_python_runs_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, __main__\nprint(__name__, __file__, sys.argv, sys.path, sys.flags, sorted(globals()))\n"
        "print(sys.stdin.read(), 'mxnet' in sys.modules, 'numpy' in sys.modules)\nsys.exit(7)"
    )
    alone = python(script, "--epochs", "3", input="typed")
    run = python("-m", "mx_notes", "run", script, "--epochs", "3", input="typed")
    assert (run.stdout, run.stderr, run.returncode) == (alone.stdout, alone.stderr, 7)


def test_a_module_of_a_package_runs_as_dash_m(tmp_path):
    package = tmp_path / "trainer"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "main.py").write_text(f"import sys\nprint(__package__, sys.argv[1:])\n{SUM}")
    run = python("-m", "mx_notes", "run", "-m", "trainer.main", "--epochs", "3", cwd=tmp_path)
    assert run.stdout == "trainer ['--epochs', '3']\n6.0\n"


def test_a_signal_reaches_the_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import time\nopen('begun', 'w').close()\ntime.sleep(60)")
    command = [sys.executable, "-m", "mx_notes", "run", script]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.py"], "missing.py: no such file"),
        (["."], ".: a folder without __main__.py, expected a Python script"),
        (["book.ipynb"], "say `import mx_notes` in its first cell"),
        ([], "name the SCRIPT to run, or -m MODULE"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(arguments, words, tmp_path):
    (tmp_path / "book.ipynb").write_text("{}")
    result = python("-m", "mx_notes", "run", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr


def test_without_mxnet_the_cure_is_named(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import mxnet")
    hide = (
        "import importlib.util as u, sys; find = u.find_spec;"
        "u.find_spec = lambda n, *a: None if n == 'mxnet' else find(n, *a);"
        "from mx_notes.cli import main; sys.exit(main(['run', sys.argv[1]]))"
    )
    result = python("-c", hide, script)
    assert result.returncode == 2
    assert "mxnet is not installed: run `pip install --no-deps mxnet==1.9.1 gluoncv" in result.stderr


def test_importing_mx_notes_is_enough_and_costs_nothing_before_mxnet():
    code = "import mx_notes, sys; print({'numpy', 'mxnet'} & set(sys.modules)); import mxnet; print('open')"
    assert python("-W", "error", "-c", code).stdout == "set()\nopen\n"


def test_old_names_are_found_and_the_places_that_read_them_are_listed_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\nprint(np.asscalar(np.ones(1)))\nfor _ in range(2):\n    print(np.asscalar(np.ones(1)))\n"
        "from numpy import alen\nprint(alen([1, 2]), np.float(3))\n"
        "import collections, os\nfrom collections import Mapping\n"
        "print(issubclass(collections.OrderedDict, Mapping), os.errno.EEXIST)\nprint(hasattr(collections, 'Nosuch'))\n"
    )
    result = python("-m", "mx_notes", "run", script)
    assert result.stdout == "1.0\n1.0\n1.0\n2 3.0\nTrue 17\nFalse\n"
    assert result.stderr == (
        f"mx-notes: old names in use: np.asscalar ({script}:2), np.asscalar ({script}:4), np.alen ({script}:5),"
        f" np.float ({script}:6), collections.Mapping ({script}:8), os.errno ({script}:9); `mx-notes doctor SCRIPT` says what to write today\n"
    )


def test_bytes_are_read_as_mnists_readers_read_them(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\nread = np.fromstring(b'\\x00\\x01\\x07\\x00', dtype=np.uint8)\nread[0] = 5\n"
        "print(read.tolist(), np.fromstring(b'\\x01\\x00', '<i2', 1).tolist(), np.fromstring(b'', np.int8).tolist())\n"
        "print(np.fromstring('1 2', dtype=int, sep=' ').tolist())\n"
    )
    result = python("-W", "ignore::DeprecationWarning", "-m", "mx_notes", "run", script)
    assert result.stdout == "[5, 1, 7, 0] [1] []\n[1, 2]\n", result.stderr


def test_enable_and_disable_are_for_every_program_of_the_environment(tmp_path):
    python("-m", "venv", "--without-pip", tmp_path / "venv", check=True)
    own = tmp_path / "venv" / "bin" / "python"
    folder = subprocess.run(
        [own, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True
    ).stdout.strip()
    # What this test's own environment has, the new one has, too.
    with open(os.path.join(folder, "a_others.pth"), "w") as file:
        file.write(
            "".join(
                f"import site; site.addsitedir({place!r})\n" for place in sys.path if "site-packages" in place
            )
        )

    def mx_notes(verb):
        return subprocess.run([own, "-m", "mx_notes", verb], cwd=tmp_path, capture_output=True, text=True)

    def plain():
        return subprocess.run([own, "-c", SUM], cwd=tmp_path, capture_output=True, text=True).stdout

    assert plain() == ""
    enabled = mx_notes("enable")
    assert enabled.returncode == 0, enabled.stderr
    assert f"wrote {folder}/mx_notes_enabled.pth" in enabled.stdout
    assert plain() == "6.0\n"
    assert f"works in every program: {folder}" in mx_notes("doctor").stdout
    (tmp_path / "test_old.py").write_text(f"def test_sum():\n    exec({SUM!r})\n")
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    for command, words in ((["-m", "pytest", "-q", "test_old.py"], "1 passed"), (["notebook.py"], "6.0\n")):
        done = subprocess.run([own, *command], cwd=tmp_path, capture_output=True, text=True)
        assert words in done.stdout, done.stdout + done.stderr
    assert f"removed {folder}" in mx_notes("disable").stdout
    assert plain() == ""
    assert "nothing to disable" in mx_notes("disable").stdout


def test_mend_puts_right_what_mxnet_computes_wrong_and_says_so(mx_notes_command, tmp_path):
    script = tmp_path / "selu.py"
    script.write_text(
        "import mxnet as mx\nx = mx.nd.array([-1.0])\nx.attach_grad()\nnet = mx.gluon.nn.SELU()\n"
        "with mx.autograd.record():\n    y = net(x)\ny.backward()\nprint(x.grad.asscalar())"
    )
    alone, mended = mx_notes_command("run", str(script)), mx_notes_command("run", "--mend", str(script))
    # The derivative at -1 is 1.0507 * 1.67326 * exp(-1); MXNet gives 0.5904.
    assert abs(float(mended.stdout) - 0.646769) < 1e-6 < abs(float(alone.stdout) - 0.646769)
    assert (
        alone.stderr == ""
        and mended.stderr.startswith("mx-notes: MXNet mended: ")
        and " selu," in mended.stderr
    )
