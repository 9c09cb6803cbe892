"""The list of MXNet's faults is what a shortened sweep measures; and the sweep finds a fault that is made for it."""

import json

import pytest
from sweep import page, run
from sweep.case import nd, reals
from sweep.faults import COPY, KEEP_GRADIENTS, ONEDNN_OFF, faults
from sweep.judge import judge

from mx_notes.runtime import mx
from mx_notes.runtime.known_faults import FILE, known_faults


@pytest.mark.long
def test_a_fault_of_mxnet_that_appears_or_disappears_is_noticed():
    verdicts = run.sweep(run.SHORT, say=lambda line: None)
    assert len(verdicts) > 400
    wrong = {verdict["case"] for verdict in verdicts if verdict.get("wrong")}
    known = set(json.loads(FILE.read_text())["short"])
    assert wrong - known == set(), "MXNet computes these wrong, and docs/operators.md does not say so"
    assert known - wrong == set(), "docs/operators.md says that MXNet computes these wrong; it does not"


def test_a_right_operator_is_compared_on_every_road_and_accused_of_nothing():
    verdict = judge(nd("F.dot(x, y)", x=reals(2, 3), y=reals(3, 2), like="x @ y"))
    assert verdict.wrong == [] and verdict.refused == []
    assert verdict.operators == ["dot"]
    # forward: NumPy, float32, float32 hybridised; backward: write, add and each alone, of two inputs
    assert verdict.compared == 3 + 2 * 5 * (2 + 2 + 4)


def test_a_kink_is_not_taken_for_a_fault_and_rounding_inside_an_operator_neither():
    assert judge(nd("F.relu(x)", x=reals(3, 4), like="np.maximum(x, 0)")).wrong == []
    assert judge(nd("F.LeakyReLU(x, act_type='leaky', slope=0.3)", x=reals(3, 4))).wrong == []


class _WrongSquare(mx.operator.CustomOp):
    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] * in_data[0])

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0] * in_data[0])


@mx.operator.register("wrong_square")
class _WrongSquareProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        return _WrongSquare()


def test_a_wrong_backward_is_found_with_both_numbers_and_the_cure_is_tried():
    case = nd("F.Custom(x, op_type='wrong_square')", x=reals(2, 2), cure="F.square(x)")
    verdict = judge(case, roads=("imperative",), precisions=("float32",))
    assert {(each.what, each.request) for each in verdict.wrong} == {
        ("gradient", "write"),
        ("gradient", "add"),
    }
    (write,) = (each for each in verdict.wrong if each.request == "write")
    assert write.got == pytest.approx(write.right / 2, rel=1e-3)  # differences in float32
    assert write.cures == {"x * 1": False, "F.square(x)": True}


def _verdict(case, wrong=(), **more):
    tried = {
        "requests": ["write", "add", "write alone"],
        "roads": ["imperative"],
        "precisions": ["float64", "float32"],
    }
    return {
        "case": case,
        "operators": ["op"],
        "compared": 9,
        "refused": [],
        "wrong": list(wrong),
        "tried": tried,
        **more,
    }


def _wrong(request="write", precision="float32", road="imperative", cures=None):
    numbers = {"got": 0.0, "right": 1.0, "error": 1.0}
    return {
        "what": "gradient",
        "of": "x",
        "request": request,
        "road": road,
        "precision": precision,
        "cures": cures or {},
        **numbers,
    }


@pytest.mark.parametrize(
    ("shipped", "onednn_off", "when", "cures"),
    [
        (
            [_wrong("add", cures={"x * 1": True})],
            [_wrong("add", cures={"x * 1": True})],
            {"request": ["add"], "precision": ["float32"]},
            [COPY],
        ),
        (
            [_wrong("write alone")],
            [_wrong("write alone")],
            {"request": ["write alone"], "precision": ["float32"]},
            [KEEP_GRADIENTS],
        ),
        (
            [_wrong()],
            [],
            {"configuration": ["as shipped"], "request": ["write"], "precision": ["float32"]},
            [ONEDNN_OFF],
        ),
        (
            [_wrong(cures={"F.other(x)": False})],
            [_wrong()],
            {"request": ["write"], "precision": ["float32"]},
            [],
        ),
    ],
)
def test_the_conditions_of_a_fault_and_its_cures_are_read_off_the_verdicts(shipped, onednn_off, when, cures):
    (fault,) = faults(
        {"as shipped": [_verdict("op(x)", shipped)], "oneDNN off": [_verdict("op(x)", onednn_off)]}
    )
    assert (fault["when"], fault["cures"], fault["mended"]) == (when, cures, False)


def test_a_mend_counts_only_where_the_mended_case_was_compared_and_right():
    wrong = [_verdict("op(x)", [_wrong()])]
    assert faults({"as shipped": wrong, "mended": [_verdict("op(x)")]})[0]["mended"]
    assert not faults({"as shipped": wrong, "mended": wrong})[0]["mended"]
    both = [_verdict("op(x)", [_wrong(), _wrong(road="static")])]
    partly = faults({"as shipped": both, "mended": [_verdict("op(x)", [_wrong(road="static")])]})[0]
    assert (partly["mended"], partly["mended_on"]) == (False, ["imperative"])
    assert not faults({"as shipped": wrong, "mended": [_verdict("op(x)", compared=0)]})[0]["mended"]


def test_the_package_reads_the_list_and_the_page_is_written_from_it():
    data = json.loads(FILE.read_text())
    known = known_faults()
    assert [fault.case for fault in known] == [entry["case"] for entry in data["faults"]]
    (selu,) = (fault for fault in known if fault.case.startswith("nn.SELU()"))
    assert selu.operators == ("LeakyReLU",) and selu.what == ("gradient",) and selu.when == {} and selu.mended
    assert selu.got != pytest.approx(selu.right, rel=1e-2)
    assert (FILE.parents[2] / "docs" / "operators.md").read_text() == page.page(data)
