"""A notebook under `%%audit`, run as Jupyter runs it."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NETWORK = """
%load_ext mx_notes
import mxnet as mx
mx.random.seed(1)
net = mx.gluon.nn.Dense(3)
net.initialize(mx.init.Xavier())
trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01})
loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
"""
LOOP = """%%audit watch
for _ in range(4):
    data, label = mx.nd.random.normal(shape=(16, 5)), mx.nd.arange(16) % 3
    with mx.autograd.record():
        loss = loss_of(net(data), label).mean()
    loss.backward()
    trainer.step(16)
"""


def executed(tmp_path, *cells):
    """The outputs of each cell, as {MIME type: content} or {"text": …}."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    return [
        [{**output.get("data", {}), "text": output.get("text", "")} for output in cell.outputs]
        for cell in notebook.cells
    ]


def test_a_cell_is_audited_and_the_report_names_cells_and_lines(tmp_path):
    *_, audited, again = executed(tmp_path, NETWORK, LOOP, "print(watch.report())\nwatch")
    assert "<iframe" in audited[-1]["text/html"]
    assert "mean-loss" in audited[-1]["text/html"]
    assert "mean-loss" in audited[-1]["text/plain"]
    text, shown = again
    assert "cell 2, line 7\n      trainer.step(16)" in text["text"]
    assert shown["text/html"] == audited[-1]["text/html"]


def test_a_comment_in_a_cell_accepts(tmp_path):
    accepting = LOOP.replace("trainer.step(16)", "trainer.step(16)  # mx-notes: ignore[mean-loss] a test")
    *_, again = executed(tmp_path, NETWORK, accepting, "print(watch.errors, watch.report())")
    assert again[0]["text"].startswith("[] audit: 4 steps, nothing found")
    assert "mean-loss at cell 2, line 7, by a comment (a test)" in again[0]["text"]


def test_a_cell_that_fails_has_failed(tmp_path):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        executed(tmp_path, NETWORK, "%%audit\n1 / 0")
