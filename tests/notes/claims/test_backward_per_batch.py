import pytest

from mx_notes.notes.claim import Setting, Verdict
from mx_notes.notes.claims import backward_per_batch as claim
from mx_notes.runtime import mx


@pytest.fixture(scope="module")
def evidence():
    return claim.measure(Setting(quick=True))


class Trainer:
    def documented(self, batch):
        """Not a statement."""
        self.forward(batch)
        return self.backward()

    def bare(self):
        pass


def training(updates=40, **changed):
    """What a run would see in which backward runs once for each batch."""
    seen = {"updates": updates, "backward": updates, "backward_per_update": [1], "in_order": True}
    return seen | dict.fromkeys(("engine_backward", "whole_forwards", "whole_backwards"), updates) | changed


def numbers(control=claim.EXAMPLES, **trainings):
    each = {"updates": 2, "backward": 2 * control, "engine_backward": 2 * control}
    return {
        "statements": ["self.forward(data_batch, is_train=True)", "self.backward()"],
        "trainings": {"Module": training(), "Gluon": training()} | trainings | {"each example": each},
    }


def test_statements_are_read_from_the_syntax_tree():
    assert claim.calls(Trainer.documented) == ["self.forward(batch)", "return self.backward()"]
    assert claim.calls(Trainer.bare) == ["pass"]
    assert claim.calls(mx.mod.BaseModule.forward_backward) == [
        "self.forward(data_batch, is_train=True)",
        "self.backward()",
    ]


def test_the_timeline_is_cut_where_forward_and_backward_meet():
    names = ["Convolution", "FullyConnected", "_backward_mean", "_backward_FullyConnected"]
    names += ["_backward_Convolution", "multi_sgd_mom_update", "Convolution"]
    operators = [(name, start, start + 1) for start, name in enumerate(names)]
    passes = [(kind, [name for name, *_ in run]) for kind, run in claim.bursts(operators)]
    assert passes == [
        ("forward", ["Convolution", "FullyConnected"]),
        ("backward", ["_backward_FullyConnected", "_backward_Convolution"]),
        ("forward", ["Convolution"]),
    ]
    early = [operators[i] for i in (0, 3, 1, 4)]  # backward before the forward is through
    assert len(claim.bursts(early)) == 4


def test_verdicts():
    assert claim.verdict(numbers())[0] is Verdict.CONFIRMED
    for damage in (
        {"backward_per_update": [1, 2]},
        {"in_order": False},
        {"engine_backward": 41.0},
        {"whole_backwards": 12},
        {"whole_forwards": 12},
        {"updates": 5},
    ):
        decided, _, reason, _ = claim.verdict(numbers(Gluon=training(**damage)))
        assert decided is Verdict.REFUTED and reason.endswith("Gluon.")
    three = numbers() | {"statements": ["self.forward(batch)", "self.backward()", "self.update()"]}
    assert claim.verdict(three)[0] is Verdict.REFUTED


def test_witnesses_that_miss_the_control_decide_nothing():
    assert claim.verdict(numbers(control=1))[0] is Verdict.INCONCLUSIVE


def test_micro_batches_add_up_without_batch_norm_only():
    assert claim.accumulated(1, batch_norm=False) < 1e-5  # relative; float32 sums in another order
    assert claim.accumulated(1, batch_norm=True) > 0.01


@pytest.mark.slow
def test_both_witnesses_count_the_same(evidence):
    for name, seen in evidence.numbers["trainings"].items():
        assert seen["engine_backward"] == seen["backward"], name
        assert seen["in_order"], name
    control = evidence.numbers["trainings"]["each example"]
    assert control["backward_per_update"] == [claim.EXAMPLES]


@pytest.mark.slow
def test_the_engine_runs_each_batch_through_before_its_backward(evidence):
    for name in ("Module", "Gluon"):
        seen = evidence.numbers["trainings"][name]
        assert seen["whole_forwards"] == seen["whole_backwards"] == seen["updates"] >= 20
        assert seen["shortest_gap_us"] >= 0


@pytest.mark.slow
def test_evidence_can_be_shown(evidence):
    assert len(evidence.deciding) < 180 and evidence.deciding.endswith(".")
    assert evidence.figures[0].svg.startswith("<svg")
    assert [row[0] for row in evidence.tables[0].rows] == ["Module", "Gluon", "each example"]
