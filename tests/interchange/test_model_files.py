"""`mx-notes export PREFIX EPOCH`: files that MXNet itself saved, and what is wrong with others."""

import json

import numpy as np
import onnxruntime
import pytest

from mx_notes import cli
from mx_notes.errors import UserError
from mx_notes.interchange import model_files
from mx_notes.runtime import mx


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A Module's checkpoint `net` of epoch 3, of images of 3×8×8; returns the module."""
    monkeypatch.chdir(tmp_path)
    hidden = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=4, name="c1")
    scores = mx.sym.FullyConnected(mx.sym.Activation(hidden, act_type="relu"), num_hidden=5, name="fc")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"))
    module.bind([("data", (2, 3, 8, 8))], [("softmax_label", (2,))])
    module.init_params(mx.init.Xavier())
    module.save_checkpoint("net", 3)
    return module


def outputs(path, images):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"data": images})[
        0
    ]


def test_a_checkpoint_of_module(files, tmp_path, capsys):
    images = np.random.default_rng(1).normal(size=(2, 3, 8, 8)).astype(np.float32)
    np.save("images.npy", images)
    assert cli.main(["export", "net", "3", "--shape", "3,8,8", "--input", "images.npy"]) == 0
    said = capsys.readouterr().out
    assert "net-0003.onnx: ONNX opset 13, data (batch, 3, 8, 8) to softmax (batch, 5)" in said
    assert "on 5 random examples" in said and "on 2 real examples" in said
    files.forward(mx.io.DataBatch([mx.nd.array(images)], [mx.nd.zeros(2)]), is_train=False)
    # float32 sums in another order
    np.testing.assert_allclose(outputs("net-0003.onnx", images), files.get_outputs()[0].asnumpy(), atol=1e-6)


def test_what_gluon_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(4, 3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.PReLU(), mx.gluon.nn.Dense(5))
    net.initialize()
    net.hybridize()
    images = mx.nd.random.normal(shape=(3, 3, 8, 8))
    expected = net(images).asnumpy()
    net.export("gluon")
    assert cli.main(["export", "gluon-symbol.json", "0", "mine.onnx", "--shape", "data=3,8,8"]) == 0
    np.testing.assert_allclose(outputs("mine.onnx", images.asnumpy()), expected, atol=1e-6)


def test_arrays_of_numpys_shapes(files):
    mx.util.set_np_shape(True)  # MXNet then marks the arrays in its file otherwise
    try:
        files.save_checkpoint("net", 4)
    finally:
        mx.util.set_np_shape(False)
    assert model_files.read(model_files.Path("net"), 4).parameters.keys() == {
        *("c1_weight", "c1_bias", "fc_weight", "fc_bias")
    }


BAD = [
    ("net 3", "net-0003.params: has no data; if that is an input, give one example's shape: --shape 3,"),
    (
        "net 3 --shape 3,9,8",
        "--shape: with data (3, 9, 8), fc_weight has shape (5, 168), but in net-0003.params",
    ),
    ("net 3 --shape 3,8", "--shape: the network cannot take data (3, 8): "),
    ("net 3 --shape a,b", "--shape a,b: expected the numbers of one example's shape, such as 3,224,224"),
    ("net 3 --shape x=3,8,8", "--shape x=3,8,8: no input 'x'; the inputs are data"),
    ("net 4 --shape 3,8,8", "net-0004.params: No such file or directory"),
    ("other 3 --shape 3,8,8", "other-symbol.json: No such file or directory"),
    ("net 3 gone/x.onnx --shape 3,8,8", "gone/x.onnx: no folder gone"),
    (
        "net 3 --shape 3,8,8 --input other.npy",
        "other.npy: data has shape (2, 3, 9, 8), expected numbers of shape",
    ),
    ("net 3 --shape 3,8,8 --input pickle.npy", "pickle.npy: not a NumPy file of numbers"),
    ("net 3 --shape 3,8,8 --input gone.npy", "gone.npy: No such file or directory"),
    ("net x.onnx --shape 3,8,8", "export net x.onnx: a run has its own shape and images"),
    ("net", "export: expected RUN FILE, or PREFIX EPOCH [FILE] --shape 3,224,224"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_status_2(files, tmp_path, capsys, arguments, message):
    np.save("other.npy", np.zeros((2, 3, 9, 8)))
    np.save("pickle.npy", np.array([{}]), allow_pickle=True)
    before = sorted(tmp_path.iterdir())
    assert cli.main(["export", *arguments.split()]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"mx-notes: {message}") and said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph["nodes"][2]["inputs"].append([99, 0, 0]),
        lambda graph: graph["nodes"][0].pop("op"),
        lambda graph: graph["heads"].clear(),
        lambda graph: graph["heads"][0].__setitem__(0, 1000),
        lambda graph: graph["nodes"][0].update(inputs=[[0, 0, 0]]),
        lambda graph: graph["arg_nodes"].append(-5),
        lambda graph: graph.update(nodes=7),
    ],
)
def test_a_damaged_graph_does_not_reach_mxnet(files, tmp_path, change):
    path = tmp_path / "net-symbol.json"
    graph = json.loads(path.read_text())
    change(graph)
    path.write_text(json.dumps(graph))
    with pytest.raises(UserError, match=r"net-symbol\.json: "):
        model_files.read(tmp_path / "net", 3)


def test_a_cut_parameter_file(files, tmp_path):
    path = tmp_path / "net-0003.params"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"net-0003\.params: not a whole file of MXNet arrays"):
        model_files.read(tmp_path / "net", 3)
