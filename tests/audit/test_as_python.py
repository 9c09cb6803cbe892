"""`mx-notes audit SCRIPT` is `python SCRIPT` with a report after it: output, status, files are the script's own."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mx_notes.commands import child

TRAINING = """
import os, sys
import mxnet as mx

def train(steps=3):
    mx.random.seed(1)
    net = mx.gluon.nn.Dense(1, in_units=4)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
    for _ in range(steps):
        with mx.autograd.record():
            loss = mx.gluon.loss.L2Loss()(net(mx.nd.random.normal(shape=(8, 4))), mx.nd.ones((8, 1)))
        loss.backward()
        trainer.step(8)
    print(net.weight.data().asnumpy().tobytes().hex())
"""

SCRIPTS = {
    "what Python gives a script": """
import sys, __main__
print(__name__, __file__, sys.argv, sys.path[0], __builtins__, type(__loader__), __spec__, __package__, __doc__)
print(sorted(globals()), __main__.__dict__ is globals(), sys.flags, sys.stdin.read())
""",
    "no future of ours": "def f(x: 1 + 1): pass\nprint(f.__annotations__)",
    "exit with a number": "raise SystemExit(7)",
    "exit with words": "import sys\nsys.exit('no data')",
    "exit with a list": "import sys\nsys.exit([1])",
    "exit without a value": "import sys\nsys.exit()",
    "not Python": "def f(:\n",
    "not text": b"\xff\xfe\x00",
    "a traceback": "def f():\n    1 / 0\nf()",
    "its own excepthook": "import sys\nsys.excepthook = lambda *a: print('caught', a[0])\n1 / 0",
    "atexit, last in first out": """
import atexit
for number in range(3):
    atexit.register(print, number)
""",
    "os._exit": "import os\nprint('out', flush=True)\nos._exit(3)",
    "another folder, and a file": "import os\nos.mkdir('run')\nos.chdir('run')\nopen('log', 'w').write('x')",
    "a warning with its line": "import warnings\ndef f():\n    warnings.warn('old', stacklevel=2)\nf()",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "training": TRAINING + "train()",
    "training, then exit": TRAINING + "train()\nraise SystemExit(5)",
    "training, then an error": TRAINING + "train()\nraise KeyError('lost')",
    "training, then os._exit": TRAINING + "train()\nsys.stdout.flush()\nos._exit(4)",
    "an error of MXNet's own": TRAINING + "mx.nd.ones((2, 3)) + mx.nd.ones((4, 5))",
    "an error of MXNet's that nobody waits for": TRAINING
    + "x = mx.nd.random.normal(0, -1, shape=(2,))\ntrain()",
    "an error that nobody waits for, then exit": TRAINING
    + "train()\nx = mx.nd.random.normal(0, -1, shape=(2,)) + 1\ntrain()\nraise SystemExit(3)",
    "an error inside of MXNet's own loop": TRAINING
    + """
train()
def stop(at):
    raise KeyError(at.nbatch)
data = mx.io.NDArrayIter(mx.nd.ones((8, 4)), mx.nd.ones((8,)), 4)
loss = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2), name="softmax")
mx.mod.Module(loss).fit(data, num_epoch=1, batch_end_callback=stop)
""",
    "a patch of MXNet's": TRAINING
    + """
step = mx.gluon.Trainer.step
def mine(self, *arguments, **options):
    print("step", arguments)
    return step(self, *arguments, **options)
mx.gluon.Trainer.step = mine
train()
print(mx.gluon.Trainer.step is mine)
""",
    "a forked child": TRAINING
    + """
pid = os.fork()
if pid == 0:
    train()
    sys.stdout.flush()
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    **{
        f"multiprocessing, {method}": TRAINING
        + f"""
if __name__ == "__main__":
    import multiprocessing
    process = multiprocessing.get_context({method!r}).Process(target=train)
    process.start()
    process.join()
    print(process.exitcode)
"""
        for method in ("fork", "spawn", "forkserver")
    },
    "a subprocess": TRAINING
    + """
if len(sys.argv) > 1 and sys.argv[-1] == "child":
    train()
else:
    import subprocess
    print(subprocess.run([sys.executable, __file__, "child"], capture_output=True, text=True))
""",
    "workers that load data": TRAINING
    + """
data = mx.gluon.data.ArrayDataset(mx.nd.ones((16, 4)))
for batch in mx.gluon.data.DataLoader(data, 4, num_workers=2):
    print(batch.shape)
train()
""",
}


def outcome(command, folder, environment):
    """Exit status, both streams, and the files that were left."""
    folder.mkdir()
    result = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=b"typed",
        capture_output=True,
        timeout=120,
        check=False,
    )
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return result.returncode, result.stdout, result.stderr, files


def audit_command(*arguments):
    return [sys.executable, "-m", "mx_notes", "audit", *map(str, arguments)]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.long] * n.startswith("multiprocessing")) for n in SCRIPTS]
)
def test_output_status_and_files_are_the_scripts_own(name, tmp_path):
    script = tmp_path / "script.py"
    source = SCRIPTS[name]
    script.write_bytes(source if isinstance(source, bytes) else source.encode())
    # MXNet 1.9.1 needs preparation to be imported at all; other scripts are held against Python itself.
    environment = child.environment() if source is not bytes and "mxnet" in str(source) else os.environ
    alone = outcome([sys.executable, script, "--epochs", "3"], tmp_path / "alone", environment)
    report = tmp_path / "report.json"
    status, output, errors, files = outcome(
        audit_command("--json", report, script, "--epochs", "3"), tmp_path / "audited", os.environ
    )
    assert output == alone[1]
    assert errors.partition(b"audit: ")[0] == alone[2]
    assert files == alone[3]
    # A script that was killed by a signal: 128 + its number, as a shell says.
    own_status = 128 - alone[0] if alone[0] < 0 else alone[0]
    summary = json.loads(report.read_text())
    assert summary["status"] == own_status
    assert status == (1 if any(f["severity"] == "error" for f in summary["findings"]) else own_status)


@pytest.mark.parametrize(
    "beginning",
    [
        "from mx_notes.runtime import mx",
        "import importlib.util\nprint(importlib.util.find_spec('mxnet').name)",
    ],
)
def test_mxnet_is_seen_whoever_looks_for_it_or_opens_it(beginning, tmp_path):
    script, report = tmp_path / "script.py", tmp_path / "report.json"
    script.write_text(f"{beginning}\n{TRAINING}\ntrain()")
    assert subprocess.run(audit_command("--json", report, script)).returncode == 0
    assert json.loads(report.read_text())["steps"] == 3


def test_a_module_of_a_package_runs_as_dash_m(tmp_path):
    package = tmp_path / "trainer"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "words.py").write_text("word = 'beside'")
    (package / "main.py").write_text(
        "import sys\nfrom .words import word\nprint(word, __name__, __package__, sys.argv)"
    )
    alone = subprocess.run(
        [sys.executable, "-m", "trainer.main", "--epochs", "3"], cwd=tmp_path, capture_output=True, check=True
    )
    audited = subprocess.run(
        audit_command("-m", "trainer.main", "--epochs", "3"), cwd=tmp_path, capture_output=True, check=False
    )
    assert audited.stdout == alone.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_script(tmp_path, number, status):
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nopen('begun', 'w').close()\ntry:\n    time.sleep(60)\nfinally:\n    print('left')"
    )
    audited = subprocess.Popen(
        audit_command(script), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    audited.send_signal(number)
    output, errors = audited.communicate(timeout=60)
    assert audited.returncode in (1, status)  # 1: nothing trained, where the script had time to end by itself
    assert f"the script itself ended with status {status}" in errors
    assert output == ("left\n" if number == signal.SIGINT else "")


def test_a_signal_that_comes_again_does_not_cost_the_report(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import time\nopen('begun', 'w').close()\ntime.sleep(60)")
    audited = subprocess.Popen(audit_command(script), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    for pause in (0, 0.01, 0.1):  # `timeout` sends it twice
        time.sleep(pause)
        audited.send_signal(signal.SIGTERM)
    _, errors = audited.communicate(timeout=60)
    assert "the script itself ended with status 143" in errors


def test_a_stop_and_going_on_again_is_no_signal(monkeypatch):
    # After SIGSTOP and SIGCONT Python's sigtimedwait may return what no signal has filled in.
    unfilled, wait = [signal.struct_siginfo([32764] * 7)], signal.sigtimedwait
    monkeypatch.setattr(signal, "sigtimedwait", lambda *asked: unfilled.pop() if unfilled else wait(*asked))
    _, status = child.run(
        [sys.executable, "-c", "import time; time.sleep(0.5); exit(7)"],
        os.environ,
        each_second=lambda pid: None,
    )
    assert status == 7 and not unfilled


def test_a_script_whose_own_except_takes_all_ends_after_max_steps(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        TRAINING
        + "for attempt in range(1000):\n    try:\n        train(2)\n    except:\n        print('again')\n"
    )
    report = tmp_path / "report.json"
    audited = subprocess.run(
        audit_command("--max-steps", "3", "--json", report, script),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert audited.returncode == 0
    assert audited.stdout.count(b"again") < 10
    assert json.loads(report.read_text())["steps"] < 10


def test_each_process_that_trains_has_a_part_of_the_report(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS["multiprocessing, fork"])
    report = tmp_path / "report.json"
    audited = subprocess.run(
        audit_command("--json", report, script), capture_output=True, text=True, check=False
    )
    assert audited.returncode == 0, audited.stderr
    summary = json.loads(report.read_text())
    assert (summary["steps"], summary["findings"]) == (0, [])
    assert [child["steps"] for child in summary["children"]] == [3]
    assert "in a child process" in audited.stderr


def test_workers_that_load_data_are_no_training(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPTS["workers that load data"])
    report = tmp_path / "report.json"
    subprocess.run(audit_command("--json", report, script), capture_output=True, check=True)
    summary = json.loads(report.read_text())
    assert (summary["steps"], summary["children"]) == (3, [])


def test_what_a_terminal_would_obey_is_shown(tmp_path):
    script = tmp_path / "\x1b[31mred.py"
    script.write_text(
        "import mxnet as mx\nnet = mx.gluon.nn.Dense(1, prefix='\x1b[2J')\n" + TRAINING + "train()"
    )
    audited = subprocess.run(
        audit_command("--max-steps", "0", script), capture_output=True, text=True, check=False
    )
    assert audited.returncode == 2
    script.write_text("1 / 0")
    audited = subprocess.run(audit_command(script), capture_output=True, text=True, check=False)
    assert "\x1b" not in audited.stderr.partition("audit: ")[2]


NOTHING = {
    "backward passes without an update": (
        """
net = mx.gluon.nn.Dense(1)
net.initialize()
for _ in range(5):
    with mx.autograd.record():
        loss = net(mx.nd.ones((2, 3))).mean()
    loss.backward()
""",
        "5 backward passes",
    ),
    "forward passes only": (
        """
net = mx.gluon.nn.Dense(1)
net.initialize()
for _ in range(5):
    with mx.autograd.record():
        loss = net(mx.nd.ones((2, 3))).mean()
""",
        "forward",
    ),
    "MXNet without a network": ("mx.nd.ones((2, 3)).asnumpy()", "no forward pass in training mode"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_script_that_trains_nothing_is_told_what_it_did(name, tmp_path):
    source, words = NOTHING[name]
    script = tmp_path / "script.py"
    script.write_text("import mxnet as mx\n" + source)
    audited = subprocess.run(audit_command(script), capture_output=True, text=True, check=False)
    assert audited.returncode == 1
    assert "ERROR  nothing-trained" in audited.stderr
    assert words in " ".join(audited.stderr.split())  # lines are wrapped


def test_a_script_that_fails_before_it_trains_is_not_accused_besides(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import mxnet as mx\nmx.nd.array(open('no such file').read())")
    audited = subprocess.run(audit_command(script), capture_output=True, text=True, check=False)
    assert audited.returncode == 1
    assert "FileNotFoundError" in audited.stderr
    assert "audit: 0 steps, nothing found" in audited.stderr
    assert audited.stderr.endswith("the script itself ended with status 1\n")
