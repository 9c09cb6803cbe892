"""The fixture `training_audit`, as a user's own test file meets it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "ci.md"
LOOP = """
from mx_notes.runtime import mx

def train(backwards=1, update=True):
    net = mx.gluon.nn.Dense(3)
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for seed in range(6):
        mx.random.seed(seed)
        data, label = mx.nd.random.normal(shape=(16, 5)), mx.nd.arange(16) % 3
        for _ in range(backwards):
            with mx.autograd.record():
                loss = loss_of(net(data), label)
            loss.backward()
        if update:
            trainer.step(16)
"""


@pytest.fixture
def outcome(tmp_path):
    """Run pytest on a test file, in a process of its own; returns its exit status and output."""

    def run(source: str, *options: str) -> tuple[int, str]:
        (tmp_path / "test_mine.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_mine.py"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        return result.returncode, result.stdout

    return run


def test_right_and_wrong_loops_pass_and_fail(outcome):
    status, output = outcome(
        LOOP
        + """
def test_right(training_audit):
    train()
    training_audit.assert_backward_once()
    training_audit.assert_no_findings()

def test_two_backwards(training_audit):
    train(backwards=2)
    training_audit.assert_backward_once()

def test_two_backwards_allowed(training_audit):
    train(backwards=2)
    training_audit.assert_no_findings(allow=["backward-once"])

def test_nothing_updated(training_audit):
    train(update=False)
    training_audit.assert_backward_once()

def test_no_such_rule(training_audit):
    training_audit.assert_no_findings(allow=["backwards-once"])
"""
    )
    assert status == 1
    assert "3 failed, 2 passed" in output
    assert "backward passes per step: 2 on 6 steps" in output
    assert "backward-once, step 2" in output
    assert "test_mine.py:17" in output
    assert "no step of training was seen" in output
    assert "allow=['backwards-once']: not a rule; rules are backward-once" in output


GRADIENTS = """
import pytest
from mx_notes.runtime import mx

def train(layer):
    net = mx.gluon.nn.Sequential()
    net.add(mx.gluon.nn.Dense(8), layer, mx.gluon.nn.Dense(3))
    net.initialize(mx.init.Xavier())
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    for seed in range(2):
        mx.random.seed(seed)
        data, label = mx.nd.random.normal(shape=(16, 5)), mx.nd.ones((16, 3))
        with mx.autograd.record():
            loss = mx.gluon.loss.L2Loss()(net(data), label)
        loss.backward()
        trainer.step(16)

def test_right(training_audit):
    train(mx.gluon.nn.ELU())
    training_audit.assert_gradients()

def test_wrong(training_audit):
    train(mx.gluon.nn.SELU())
    training_audit.assert_gradients()

@pytest.mark.mx_audit(allow=["loss-derivative"])
def test_accepted(training_audit):
    train(mx.gluon.nn.SELU())
    training_audit.assert_gradients()

def test_random(training_audit):
    dropout = mx.gluon.nn.Dropout(0.5)
    dropout.hybridize()  # what it has dropped can't be seen
    train(dropout)
    training_audit.assert_gradients()

def test_no_training(training_audit):
    training_audit.assert_gradients()
"""


def test_gradients_that_are_not_the_losss_derivative_fail_and_so_does_a_test_that_judged_none(outcome):
    status, output = outcome(GRADIENTS)
    assert status == 1
    assert "3 failed, 2 passed" in output, output
    assert "loss-derivative, step 1: test_mine.py:" in output
    assert "no gradient could be judged: gradients held against the loss: in 0 of 2 backward passes" in output
    assert "Dropout draws random numbers" in output
    assert "in 0 of 0 backward passes" in output


def test_the_example_in_the_guide_runs(outcome):
    (example,) = re.findall(r"```python\n(# test_my_training.py\n.*?)```", GUIDE.read_text(), re.DOTALL)
    status, output = outcome(example)
    assert status == 0, output


def test_a_session_without_the_fixture_does_not_load_mxnet(outcome):
    status, output = outcome("import sys\ndef test_it():\n    assert 'mxnet' not in sys.modules")
    assert status == 0, output


SUITE = """
import pytest

def test_right():
    train()

def test_wrong():
    train(backwards=2)

@pytest.mark.mx_audit(allow=["backward-once", "repeated-batch"])
def test_accepted():
    train(backwards=2)

@pytest.mark.mx_audit(allow=["backward-once", "repeated-batch"])
def test_accepted_by_the_fixture(training_audit):
    train(backwards=2)
    training_audit.assert_no_findings()

def test_no_training():
    assert 1 + 1 == 2
"""


def test_every_test_that_trains_is_audited_where_asked(outcome):
    status, output = outcome(LOOP + SUITE)
    assert (status, "5 passed" in output) == (0, True), output
    status, output = outcome(LOOP + SUITE, "--mx-audit", "--strict-markers")
    assert status == 1
    assert "1 failed, 4 passed" in output
    assert "ERROR  backward-once" in output
    assert "test_mine.py:17\n      trainer.step(16)" in output
    assert max(map(len, output[output.index("audit: ") :].partition("short test")[0].splitlines())) <= 80


def test_a_marker_with_an_unknown_rule_names_the_nearest(outcome):
    _, output = outcome(
        "import pytest\n@pytest.mark.mx_audit(allow=['mean-los'])\ndef test_it():\n    pass", "--mx-audit"
    )
    assert "@pytest.mark.mx_audit mean-los: no such rule; did you mean mean-loss?" in output
