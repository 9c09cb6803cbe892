from hand_made import step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.backward_once import BackwardOnce


def test_an_update_with_a_gradient_that_no_pass_has_written_since_the_last_update():
    finding = the_finding(BackwardOnce(), step(update("fc_weight", stale=True), update("fc_bias")))
    assert finding.severity is ERROR
    assert "a stale gradient of fc_weight:" in finding.text
    assert "call backward once before each update" in finding.text


def test_a_gradient_that_a_second_pass_overwrote_unused():
    finding = the_finding(BackwardOnce(), step(update("fc_weight"), lost=["fc_weight"], number=2))
    assert finding.severity is ERROR
    assert "overwrote the gradient of fc_weight" in finding.text
    assert "add the losses" in finding.text and "grad_req='add'" in finding.text


def test_before_the_first_update_a_pass_may_have_been_a_dry_run():
    assert BackwardOnce().on_step(step(update("fc_weight"), lost=["fc_weight"], number=1)) == []


def test_an_overwritten_gradient_is_found_though_no_update_was_seen_to_use_it():
    finding = the_finding(BackwardOnce(), step(update(buffer=None), lost=["fc_weight"], number=2))
    assert "overwrote" in finding.text


def test_both_at_once_are_two_findings():
    stale, lost = BackwardOnce().on_step(step(update("a", stale=True), lost=["b"], number=2))
    assert "stale gradient of a" in stale.text and "gradient of b" in lost.text


def test_of_many_parameters_three_are_named():
    updates = [update(name, stale=True) for name in "abcde"]
    assert "of a, b, c and 2 more" in the_finding(BackwardOnce(), step(*updates)).text
    assert "of a, b, c:" in the_finding(BackwardOnce(), step(*updates[:3])).text


def test_one_pass_before_each_update_is_right():
    assert BackwardOnce().on_step(step(update("fc_weight"), update("fc_bias"))) == []


def test_gradients_that_were_not_seen_being_made_are_not_judged():
    assert BackwardOnce().on_step(step(update(buffer=None, stale=True))) is NOTHING_TO_CHECK
    assert BackwardOnce().on_step(step()) is NOTHING_TO_CHECK
