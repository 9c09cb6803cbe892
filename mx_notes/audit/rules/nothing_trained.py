"""The rule nothing-trained."""

from __future__ import annotations

from ..trace.step import Noted, RunFacts
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first


class NothingTrained(Rule):
    """Some parameter is updated while the audit watches."""

    id, severity = "nothing-trained", ERROR
    sees = "all forward passes, backward passes and updates of the run"
    wrong = "loss.backward()  # and no trainer.step"
    right = "loss.backward()\ntrainer.step(batch_size)"

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Say what was seen instead."""
        if run.steps or run.trained_elsewhere or run.noted(Noted.EVERYTHING_FIXED):  # which says why
            return []
        if run.failed:  # perhaps before it would have trained; its traceback says more
            return NOTHING_TO_CHECK
        if run.passes:
            seen = f"{run.passes} backward pass{'es' * (run.passes != 1)} and no update: is trainer.step (or module.update) called?"
        elif run.forwards:
            seen = f"{run.forwards} forward pass{'es' * (run.forwards != 1)} in training mode, no backward pass and no update"
        else:
            seen = "no forward pass in training mode, no backward pass, no update: nothing could be judged"
        return first([message(seen)])


def message(seen: str) -> str:
    """The words for a process in which no parameter was updated. seen: what was seen instead."""
    return f"nothing was trained while the audit watched: it saw {seen}"
