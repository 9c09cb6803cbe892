"""`mx-notes doctor SCRIPT` names the calls that MXNet computes wrong, without running the script."""

import pytest

from mx_notes.commands import old_spellings
from mx_notes.commands.wrong_operators import look

HEAD = """\
import mxnet as mx, numpy
from mxnet import gluon, nd, np as mnp
from mxnet.gluon.nn import SELU as Activation
"""


@pytest.fixture
def found(tmp_path):
    """The lines and names of what is found in a program whose first line of its own is line 4."""

    def look_at(*lines: str) -> list[tuple[int, str]]:
        (tmp_path / "program.py").write_text(HEAD + "\n".join(lines) + "\n")
        return [(wrong.line, wrong.text.partition(": ")[0]) for wrong in look(tmp_path / "program.py")]

    return look_at


def test_layers_functions_losses_metrics_initializers_and_optimizers(found):
    assert found(
        "net.add(gluon.nn.SELU(), Activation(), gluon.nn.ELU())",
        "y = mnp.var(x, axis=1) + mx.np.std(x)",
        "loss_of = gluon.loss.PoissonNLLLoss(compute_full=True)",
        "score, start = mx.metric.MSE(), mx.init.Bilinear()",
        'trainer = gluon.Trainer(net.collect_params(), "nadam")',
        "module.init_optimizer(optimizer='nadam'); mx.optimizer.Nadam(0.1)",
        "layer = gluon.rnn.LSTM(8, use_sequence_length=True)",
    ) == [
        (4, "Activation"),
        (4, "gluon.nn.SELU"),
        (5, "mnp.var"),
        (5, "mx.np.std"),
        (6, "gluon.loss.PoissonNLLLoss"),
        (7, "mx.init.Bilinear"),
        (7, "mx.metric.MSE"),
        (8, "gluon.Trainer"),
        (9, "module.init_optimizer"),
        (9, "mx.optimizer.Nadam"),
        (10, "gluon.rnn.LSTM"),
    ]


def test_in_hybrid_forward_f_is_mxnet(found):
    assert found("F.np.where(c, x, 0.0)", "F.LeakyReLU(x, act_type='selu')", "F.np.var(x)") == [
        (4, "F.np.where"),
        (5, "F.LeakyReLU"),
        (6, "F.np.var"),
    ]


def test_what_is_right_is_not_named(found):
    assert not found(
        "numpy.var(x); numpy.where(c, x, 0.0); x.mean()",
        "mnp.where(c, x, y); mnp.rot90(x, 0); mnp.linalg.norm(x)",
        "nd.LeakyReLU(x, act_type='elu'); nd.LeakyReLU(x, act_type=kind)",
        "gluon.loss.PoissonNLLLoss(); gluon.rnn.LSTM(8)",
        "gluon.Trainer(parameters, 'adam')",
    )


def test_what_is_wrong_under_a_request_is_named_where_a_program_asks_for_it(found):
    calls = (
        "nd.clip(w, low, high); nd.linalg.gemm2(x, w)",
        "gluon.nn.Dense(3); mx.sym.FullyConnected(x, num_hidden=3)",
    )
    assert found(*calls) == []
    adding = found(*calls, "net.collect_params().setattr('grad_req', 'add')")
    assert adding == [(4, "nd.clip"), (4, "nd.linalg.gemm2")]
    frozen = [(5, "gluon.nn.Dense"), (5, "mx.sym.FullyConnected")]
    assert found(*calls, "net.weight.grad_req = 'null'") == frozen
    assert found(*calls, "mx.mod.Module(net, fixed_param_names=names)") == frozen


def test_a_line_says_what_is_wrong_when_and_what_helps(tmp_path, capsys):
    file = tmp_path / "program.py"
    file.write_text(HEAD + "nd.clip(w, 0, 1)\nw.attach_grad('add')\nopen('never run', 'w')\n")
    assert old_spellings.report([file]) == 0
    assert capsys.readouterr().out == (
        f"{file}:4: nd.clip: MXNet computes the gradient of x wrong with grad_req='add'; right: read the array through a"
        f" copy: x * 1; right under `mx-notes run --mend`\nno old names in {file}\n"
    )
    assert not (tmp_path / "never run").exists()
