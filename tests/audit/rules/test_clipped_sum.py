import pytest
from hand_made import facts, note, sample, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.clipped_sum import ClippedSum
from mx_notes.audit.trace.step import Noted

MEAN = 1 / 64


def by_norm(limit: float, norm: float, rescale: float = MEAN):
    """A step in which clip_global_norm met this norm."""
    return step(note(Noted.NORM_CLIPPED, 27, numbers=(limit, norm)), update(rescale=rescale))


def scaled(norm: float, rescale: float = MEAN):
    """A step in which a gradient was scaled by hand, and had this norm then."""
    made = sample(before=[1.0], gradient=[norm])
    return step(note(Noted.GRADIENT_SCALED, 27), made, update(rescale=rescale))


def by_element(limit: float, values: list[float], rescale: float = MEAN):
    """A step in which a gradient's elements were clipped, and had these values then."""
    made = sample(before=[1.0] * len(values), gradient=values)
    return step(note(Noted.ELEMENTS_CLIPPED, 27, numbers=(limit,)), made, update(rescale=rescale))


def after(*steps):
    rule = ClippedSum()
    for each in steps:
        assert rule.on_step(each) == []
    return rule


def test_a_sum_is_clipped_to_the_limit_of_a_mean():
    finding = the_finding(after(*[by_norm(1.0, 40.0)] * 4), facts())
    assert finding.severity is WARNING and finding.place == ("train.py", 27) and finding.step == 1
    assert "clipped to 1 in 4 of 4 steps while it is a sum over 64 examples" in finding.text
    assert "0.0156 is left of a norm of 0.625" in finding.text
    assert "limit times the batch size" in finding.text


@pytest.mark.parametrize(
    "steps",
    [
        [by_norm(64.0, 90.0)] * 4,  # the limit of a sum
        [by_norm(16.0, 20.0)] * 4,  # 0.25 for the mean
        [by_norm(1.0, 40.0)] * 2,  # too few
        [*[by_norm(1.0, 40.0)] * 8, *[by_norm(1.0, 0.5)] * 2],  # it acts now and then
        [by_norm(1.0, 3.0, rescale=0.5)] * 4,  # the mean, 1.5, is clipped as well, and a little
    ],
)
def test_a_limit_that_may_be_meant_for_the_sum(steps):
    assert after(*steps).at_end(facts()) is NOTHING_TO_CHECK


def test_a_mean_that_is_not_divided_again_has_nothing_to_check():
    assert ClippedSum().on_step(by_norm(1.0, 40.0, rescale=1.0)) is NOTHING_TO_CHECK
    assert ClippedSum().on_step(step(update(rescale=MEAN))) is NOTHING_TO_CHECK


def test_by_hand_it_is_told_by_the_norm_that_is_always_the_same():
    finding = the_finding(after(*[scaled(1.0)] * 3), facts())
    assert "the norm of the gradients is clipped to 1 in 3 of 3 steps" in finding.text
    assert after(scaled(1.0), scaled(1.4), scaled(0.7)).at_end(facts()) is NOTHING_TO_CHECK


def test_elements_at_the_limit():
    finding = the_finding(after(*[by_element(0.1, [0.1, -0.1, 0.02])] * 3), facts())
    assert "many an element of the gradients is clipped to 0.1" in finding.text
    rare = [0.1] + [0.01] * 99
    assert after(*[by_element(0.1, rare)] * 3).at_end(facts()) is NOTHING_TO_CHECK


def test_devices_clipped_before_their_sum():
    summed = note(Noted.CLIPPED_BEFORE_SUM, 33, numbers=(2.0,))
    finding = the_finding(ClippedSum(), step(summed, update(rescale=MEAN)))
    assert finding.severity is WARNING and finding.place == ("train.py", 33)
    assert "each device are clipped by themselves" in finding.text and "allreduce_grads()" in finding.text


@pytest.mark.parametrize(
    ("scales", "found"),
    [
        ([(0.5, 0.4), (0.3, 0.2), (0.6, 0.7)], True),
        ([(0.5, 0.4), (0.3, 0.2)], False),  # too few
        ([(0.5, 0.5), (0.3, 0.3), (0.6, 0.6)], False),  # the same: summed before
        ([(0.6, 0.4)] * 3, False),  # shares of a batch
    ],
)
def test_devices_scaled_by_hand_each_by_its_own_norm(scales, found):
    rule = ClippedSum()
    for pair in scales:
        notes = [
            note(Noted.GRADIENT_SCALED, 33, "weight", (scale,), detail=f"cpu({i})")
            for i, scale in enumerate(pair)
        ]
        rule.on_step(step(*notes, update(rescale=1.0)))
    answer = rule.at_end(facts())
    assert (answer is not NOTHING_TO_CHECK) == found
    if found:
        assert answer[0].place == ("train.py", 33) and "each device" in answer[0].text


def test_what_is_clipped_after_the_update_changes_nothing():
    late = note(Noted.CLIPPED_AFTER_UPDATE, 34, numbers=(1.0, 3.0))
    finding = the_finding(ClippedSum(), step(late, update(rescale=1.0)))
    assert finding.severity is WARNING and finding.place == ("train.py", 34)
    assert "clip before trainer.step" in finding.text
