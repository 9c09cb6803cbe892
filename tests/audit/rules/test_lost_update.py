import pytest
from hand_made import sample, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.lost_update import LostUpdate
from mx_notes.runtime import mx

BEFORE = [1.0, 2.0, 3.0, 4.0]


def updated(after=BEFORE, dtype="float16", rate=0.1, **options):
    return step(sample("w", before=BEFORE, after=after, dtype=dtype, learning_rate=rate, **options))


def test_a_float16_weight_that_does_not_move_twice_in_a_row():
    rule = LostUpdate()
    assert rule.on_step(updated()) == []
    finding = the_finding(rule, updated([1.5, 2.0, 3.0, 4.0]))
    assert finding.severity is WARNING
    assert "most of w, in float16, did not move" in finding.text
    assert "multi_precision=True" in finding.text


@pytest.mark.parametrize(
    "right",
    [
        updated([1.5, 2.5, 3.5, 4.0]),
        updated(gradient=[0.0] * 4),  # nothing was to move
        updated(optimizer=mx.optimizer.SGD(multi_precision=True)),
    ],
)
def test_weights_that_move_or_are_not_to(right):
    rule = LostUpdate()
    assert [rule.on_step(right) for _ in range(3)] == [[], [], []]


@pytest.mark.parametrize("other", [updated(dtype="float32"), updated(rate=0.0)])
def test_other_types_and_a_rate_of_0_are_not_judged(other):
    assert LostUpdate().on_step(other) is NOTHING_TO_CHECK
