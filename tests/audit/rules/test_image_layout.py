import pytest
from hand_made import dense, leaf, look, mean, node, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.image_layout import ImageLayout


def convolved(shape, **attributes):
    return step(look(mean(node("Convolution", leaf("data", shape=shape), shape=(4, 16, 8, 8), **attributes))))


@pytest.mark.parametrize("colours", [1, 3, 4])
def test_rows_that_are_taken_for_channels(colours):
    finding = the_finding(ImageLayout(), convolved((4, 32, 32, colours)))
    assert finding.severity is WARNING
    assert f"is given (4, 32, 32, {colours}): its rows are taken for channels" in finding.text


@pytest.mark.parametrize(
    "right",
    [
        convolved((4, 3, 32, 32)),
        convolved((4, 3, 32, 32), layout="NCHW"),
        convolved((4, 32, 32, 3), layout="NHWC"),
        convolved((4, 3, 4, 4)),  # small, and square by chance
        convolved((4, 4, 4, 4)),
        convolved((4, 8, 8, 3)),  # eight sensors, eight times, three axes
        convolved((4, 9, 128, 1)),  # nine sensors in time
        convolved((4, 64, 30, 3)),  # features of frames, by coordinate
    ],
)
def test_layouts_that_fit(right):
    assert ImageLayout().on_step(right) == []


@pytest.mark.parametrize(
    "other",
    [dense(leaf("data", shape=(4, 8))), node("Convolution", leaf("data", shape=(4, 9, 9)), shape=(4, 1, 9))],
)
def test_what_is_no_image_is_not_judged(other):
    assert ImageLayout().on_step(step(look(mean(other)))) is NOTHING_TO_CHECK
