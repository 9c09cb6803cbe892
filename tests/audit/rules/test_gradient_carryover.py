from hand_made import step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.gradient_carryover import GradientCarryover


def test_a_gradient_that_still_holds_what_the_last_update_used():
    kept = update("fc_weight", "add", uncleared=True)
    finding = the_finding(GradientCarryover(), step(kept, update("fc_bias", "add")))
    assert finding.severity is ERROR
    assert "the gradient of fc_weight has grad_req='add' and was not cleared" in finding.text
    assert "call zero_grad() after each update" in finding.text


def test_of_many_parameters_three_are_named():
    kept = [update(name, "add", uncleared=True) for name in "abcd"]
    assert "of a, b, c and 1 more" in the_finding(GradientCarryover(), step(*kept)).text


def test_gradients_that_were_cleared_are_right():
    assert GradientCarryover().on_step(step(update("fc_weight", "add"))) == []


def test_gradients_that_do_not_accumulate_have_nothing_to_check():
    for seen in (update("fc_weight", "write", uncleared=True), update(buffer=None, uncleared=True)):
        assert GradientCarryover().on_step(step(seen)) is NOTHING_TO_CHECK
    assert GradientCarryover().on_step(step()) is NOTHING_TO_CHECK
