from hand_made import buffer, note, step, the_finding, update

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.optimizer_reset import OptimizerReset
from mx_notes.audit.trace.step import Noted
from mx_notes.runtime import mx

SGD, ADAM = mx.optimizer.SGD, mx.optimizer.Adam
BUFFERS = {name: buffer(name) for name in ("fc_weight", "fc_bias", "body_weight")}


def trained(*names, by=1, fresh=False, remembers=True, optimizer=SGD):
    """A step in which one updater updates these parameters. fresh: it has just made their states."""
    return step(
        *(
            update(
                name,
                buffer=BUFFERS[name],
                updater=by,
                fresh_state=fresh,
                remembers=remembers,
                optimizer=optimizer,
            )
            for name in names
        )
    )


def begun(*names, **more):
    """A rule that has seen an optimiser's first step."""
    rule = OptimizerReset()
    assert rule.on_step(trained(*names, fresh=True, **more)) is NOTHING_TO_CHECK
    return rule


def test_an_optimiser_made_anew():
    finding = the_finding(begun("fc_weight", "fc_bias"), trained("fc_weight", "fc_bias", by=2, fresh=True))
    assert finding.severity is ERROR
    assert "the optimiser's state of fc_weight and 1 more was thrown away" in finding.text
    assert "make the Trainer (or call init_optimizer) once, before the loop over epochs" in finding.text


def test_a_state_that_the_same_optimiser_has_lost():
    finding = the_finding(begun("fc_weight"), trained("fc_weight", fresh=True))
    assert "the optimiser's state of fc_weight was thrown away" in finding.text


def test_a_network_that_goes_on_under_a_new_optimiser():
    finding = the_finding(OptimizerReset(), step(update(), note(Noted.OPTIMIZER_REPLACED, line=50)))
    assert finding.severity is ERROR
    assert "this network was trained before, by an optimiser that is gone" in finding.text
    assert "save and load its optimizer states" in finding.text
    assert finding.place == ("train.py", 50)


def test_each_loss_of_the_state_is_found():
    rule = begun("fc_weight")
    for updater in (2, 3):
        assert the_finding(rule, trained("fc_weight", by=updater, fresh=True))
        assert rule.on_step(trained("fc_weight", by=updater)) == []


def test_a_state_that_is_kept_is_right():
    rule = begun("fc_weight")
    assert [rule.on_step(trained("fc_weight")) for _ in range(3)] == [[], [], []]


def test_a_new_optimiser_with_the_old_ones_state_is_right():
    assert begun("fc_weight").on_step(trained("fc_weight", by=2)) == []


def test_another_set_of_parameters_is_another_phase():
    fine_tuning = trained("fc_weight", "body_weight", by=2, fresh=True)
    assert begun("fc_weight").on_step(fine_tuning) == []


def test_another_kind_of_optimiser_is_another_phase():
    assert begun("fc_weight").on_step(trained("fc_weight", by=2, fresh=True, optimizer=ADAM)) == []


def test_what_never_had_a_state_loses_none():
    rule = begun("fc_weight", remembers=False)
    assert rule.on_step(trained("fc_weight", remembers=False)) is NOTHING_TO_CHECK
    anew = trained("fc_weight", by=2, fresh=True, remembers=False)
    assert rule.on_step(anew) is NOTHING_TO_CHECK
    assert rule.on_step(trained("fc_weight", by=3, fresh=True)) == []


def test_two_optimisers_that_take_turns_keep_their_states():
    rule = begun("fc_weight")
    assert rule.on_step(trained("body_weight", by=2, fresh=True)) is NOTHING_TO_CHECK
    turns = [trained("fc_weight"), trained("body_weight", by=2)] * 2
    assert [rule.on_step(each) for each in turns] == [[]] * 4


def test_updates_by_hand_and_gradients_not_seen_have_nothing_to_check():
    rule = OptimizerReset()
    for seen in (trained("fc_weight", optimizer=None, remembers=False), step(update(buffer=None)), step()):
        assert [rule.on_step(seen) for _ in range(2)] == [NOTHING_TO_CHECK] * 2
