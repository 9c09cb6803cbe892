"""`mx-notes` as a user meets it: what it prints, leaves behind, and returns."""

import contextlib
import fcntl
import importlib.metadata
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time

import pytest


def test_training_digits_prints_the_confirmation_and_leaves_a_whole_run(mx_notes_command, tmp_path):
    result = mx_notes_command("train", "--epochs", "2", "--out", "run", "--seed", "3")
    assert result.returncode == 0, result.stderr
    assert "seed 3" in result.stdout
    said = " ".join(result.stdout.split())
    assert "86 batches: 86 forward, 86 backward, 86 updates; backward ran once per batch" in said
    run = tmp_path / "run"
    assert json.loads((run / "recipe.json").read_text())["epochs"] == 2
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row.get("epoch") for row in rows] == [1, 2, None]
    assert 0.1 < rows[-1]["test_accuracy"] <= 1
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((run / "tensorboard").iterdir())) == 1
    assert 1 <= len(list((run / "checkpoints").iterdir())) <= 2
    best = max(rows[:2], key=lambda row: (row["validation_accuracy"], row["epoch"]))["epoch"] * 43
    assert (run / "best").resolve() == run / "checkpoints" / f"step-{best:08d}"
    assert rows[-1]["checkpoint"] == (run / "best").resolve().name
    assert (run / "best" / "model-symbol.json").is_file()
    assert "\r" not in result.stderr  # no bars where nobody watches

    again = mx_notes_command("train", "--out", "run")
    assert again.returncode == 2
    assert again.stderr == (
        "mx-notes: --out run: already holds a run; name a new folder, or go on with it by --resume run\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "digit"], "no recipe 'digit': did you mean digits?"),
        (["--model", "cifar_resnet21_v1"], "no model 'cifar_resnet21_v1': did you mean cifar_resnet20_v1?"),
        (["--set", "data=fashon-mnist"], "no data set 'fashon-mnist': did you mean fashion-mnist?"),
        (["--batch-size", "0"], "batch_size=0: expected a whole number of at least 1"),
        (["--device", "gpu:3"], "device 'gpu:3': "),
        (["--set", "lrr=1"], "--set lrr=1: no such knob; did you mean lr?"),
        (["--set", "dtype=float16"], "dtype=float16: MXNet multiplies float16 matrices on a GPU only"),
        (["--data-dir", "nowhere"], "data_dir=nowhere: no such folder"),
        (["--out", "/proc/run"], "--out /proc/run: cannot be written"),
    ],
)
def test_bad_input_is_one_line_status_2_and_leaves_nothing(mx_notes_command, tmp_path, arguments, message):
    result = mx_notes_command("train", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(f"mx-notes: {message}")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["train", "--out"], ["train", "--resume"], ["evaluate"], ["audit"], ["export", "run"]]
)
def test_a_name_too_long_for_the_disk_is_one_line(mx_notes_command, tmp_path, arguments):
    result = mx_notes_command(*arguments, "a" * 300)
    assert result.returncode == 2
    assert result.stderr.startswith("mx-notes: ")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_is_named(mx_notes_command, tmp_path):
    names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]
    for name in names:
        (tmp_path / f"{name}-ubyte").write_bytes(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c1234")
    result = mx_notes_command("train", "--recipe", "fashion-mnist", "--data-dir", ".", "--out", "run")
    assert result.returncode == 2
    assert "train-images-idx3-ubyte: its header says 2x28x28 bytes, 4 follow" in result.stderr
    assert not (tmp_path / "run").exists()


def test_ctrl_c_saves_what_was_trained(tmp_path):
    command = [sys.executable, "-m", "mx_notes", "train", "--epochs", "500", "--out", "run"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("epoch   2"):
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted after step" in errors and errors.count("\n") == 2
    assert "Traceback" not in errors
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    assert int(newest.name.removeprefix("step-")) >= 86


def test_ctrl_c_in_a_terminal_leaves_a_clean_line(tmp_path):
    """In a terminal there is a bar, in the middle of whose line the interruption comes."""
    command = [sys.executable, "-m", "mx_notes", "train", "--epochs", "500", "--out", "my run", "--keep", "3"]
    terminal, inside = pty.openpty()
    training = subprocess.Popen(
        command,
        cwd=tmp_path,
        **dict.fromkeys(("stdin", "stdout", "stderr"), inside),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(
            0, termios.TIOCSCTTY, 0
        ),  # Ctrl-C is a signal only of one's own terminal
    )
    os.close(inside)
    shown = b""
    while b"epoch   2/500" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    with contextlib.suppress(OSError):  # EIO: the program has ended
        while more := os.read(terminal, 4096):
            shown += more
    assert training.wait() == 130
    os.close(terminal)
    # What a terminal keeps of a line is what was written after the last return to its beginning (and ESC [K).
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in shown.decode().split("\n")]
    lines = [line.removeprefix("\x1b[K") for line in lines]
    assert re.fullmatch(r"interrupted after step \d+ \(SIGINT\), which is saved; go on with:", lines[-3])
    assert lines[-2:] == ["mx-notes train --resume 'my run' --keep 3", ""]


def test_no_line_of_a_training_is_longer_than_80_columns(mx_notes_command):
    result = mx_notes_command(
        "train", "--epochs", "1", "--set", "clip_gradient=0.5", "--set", "batch_size=50"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    said = " ".join(result.stdout.split())
    assert "v = 0.9 v - lr g, w = w + v, elements of g cut to ±0.5 (checked on 2 steps" in said
    assert "test accuracy" in said and ", loss " in said


def test_doctor_says_that_nothing_is_wrong(mx_notes_command):
    result = mx_notes_command("doctor")
    assert result.returncode == 0, result.stdout
    for word in ("python", "mxnet", "threads", "features", "devices", "digits", "nothing is wrong"):
        assert word in result.stdout


def test_the_version_is_the_projects(mx_notes_command):
    result = mx_notes_command("--version")
    assert (result.returncode, result.stdout) == (0, f"mx-notes {importlib.metadata.version('mx_notes')}\n")


def test_help_teaches(mx_notes_command):
    assert "mx-notes train --recipe fashion-mnist" in mx_notes_command("train", "--help").stdout


WITHOUT_MXNET = """
import sys
sys.modules["mxnet"] = None  # importing it fails
from mx_notes import cli
for line in sys.stdin:
    print(cli.main(line.split()), flush=True)
"""


def test_bad_input_that_needs_no_mxnet_is_refused_before_it_is_opened(tmp_path):
    wrong = {
        "audit nosuch.py": "nosuch.py: no such file",
        "audit --explain nosuch": "--explain nosuch: no such rule; `mx-notes audit --rules` lists them",
        "audit --ignore mean-los x.py": "--ignore mean-los: no such rule; did you mean mean-loss?",
        "run nosuch.py": "nosuch.py: no such file",
        "doctor nosuch.py": "nosuch.py: no such file",
        "train --set lr=a": "learning_rate=a: expected a number",
        "train --resume nosuch": "--resume nosuch: no such folder, expected a run's",
        "train --from nosuch": "--from nosuch: no such file or folder",
        "train --data folder": "folder: --data-dir must name the folder with a folder of pictures for each class",
        "evaluate nosuch": "nosuch: no such folder, expected a run's",
        "predict nosuch cat.jpg": "nosuch: no such folder, expected a run's",
        "compare nosuch other": "nosuch: no such folder, expected a run's",
        "export nosuch": "export: expected RUN FILE, or PREFIX EPOCH [FILE] --shape 3,224,224",
        "export nosuch net.onnx": "nosuch: no such folder, expected a run's",
        "notes --only nosuch": "--only nosuch: no such claim; `mx-notes notes --list` lists them",
        "notes --seed -1": "--seed -1: expected 0 or more",
    }
    (tmp_path / "x.py").touch()
    command = [sys.executable, "-c", WITHOUT_MXNET]
    done = subprocess.run(command, input="\n".join(wrong), capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == ["2"] * len(wrong), done.stderr
    assert done.stderr.splitlines() == [f"mx-notes: {message}" for message in wrong.values()]
