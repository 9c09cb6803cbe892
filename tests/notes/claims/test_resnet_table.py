import dataclasses

import pytest

from mx_notes.models.size_table import PAPER, paper_layers
from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import resnet_table as claim
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def evidence():
    return claim.measure(Setting(quick=True))


def network(depth, **changed):
    sums = {18: 1.81e9, 34: 3.6e9}
    found = {"longest_path": depth, "blocks": [2], "paper_blocks": [2], "layers_that_differ": 0}
    return found | {"multiply_adds": sums[depth], "printed": {18: 1.8, 34: 3.6}[depth]} | changed


def test_the_longest_path_leaves_out_what_lies_beside_it():
    data = mx.sym.var("data")
    beside = mx.sym.Convolution(data, kernel=(1, 1), num_filter=4, name="stage1_shortcut")
    along = mx.sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=4, name="first")
    along = mx.sym.Convolution(mx.sym.relu(along), kernel=(3, 3), pad=(1, 1), num_filter=4, name="second")
    joined = mx.sym.elemwise_add(along, beside, name="stage1_plus")
    net = mx.sym.FullyConnected(joined, num_hidden=2)
    assert claim.longest_path(net) == 3
    assert claim.blocks(net) == {"stage 1": 1}


def test_the_five_networks_are_those_of_the_paper(evidence):
    found = evidence.numbers
    assert [int(depth) for depth in found] == list(PAPER)
    for depth, network in found.items():
        assert network["longest_path"] == int(depth)
        assert tuple(network["blocks"]) == PAPER[int(depth)][0]
        assert network["layers_that_differ"] == 0
        assert sum(network["by_group"].values()) == network["multiply_adds"]
    # 25.6 million parameters, 3.86 thousand million multiply-adds: as everyone counts ResNet-50
    assert found["50"]["parameters"] == 25_575_912
    assert found["50"]["multiply_adds"] == 3_857_973_248


def test_a_changed_layer_is_counted():
    paper = paper_layers(18)
    assert claim.differing(paper, paper) == 0
    wider = dataclasses.replace(paper[0], output=(96, 112, 112))
    assert claim.differing((wider, *paper[1:]), paper) == 2  # one too many, one missing


def test_verdicts():
    both = {depth: network(depth) for depth in (18, 34)}
    assert claim.verdict(both)[0] is Verdict.CONFIRMED
    decided, deciding, _, correction = claim.verdict(both | {34: network(34, multiply_adds=3.664e9)})
    assert decided is Verdict.CORRECTED
    assert "the printed sum in 1" in deciding and "rounds to 3.7, not 3.6" in correction
    for damage in ({"longest_path": 33}, {"layers_that_differ": 2}, {"blocks": [3]}):
        assert claim.verdict(both | {34: network(34, **damage)})[0] is Verdict.REFUTED


def test_evidence_can_be_shown(evidence):
    assert len(evidence.deciding) < 180 and evidence.deciding.endswith(".")
    assert evidence.figures[0].svg.startswith("<svg")
    assert [row[0] for row in evidence.tables[0].rows] == [f"ResNet-{depth}" for depth in PAPER]
    stages = evidence.tables[1]
    assert stages.rows[0] == ("stage 1, 56×56: 1×1 to 64, 3×3 to 64, 1×1 to 256", "", "", 3, 3, 3)
