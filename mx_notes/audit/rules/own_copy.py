"""The rule own-copy."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import WARNING, Findings, Message, Rule


class OwnCopy(Rule):
    """A copy of a parameter has an array of its own."""

    id, severity = "own-copy", WARNING
    sees = "calls of Parameter.set_data"
    wrong = "target = Net(params=online.collect_params())  # set_data then copies an array onto itself"
    right = "target = Net()  # its own parameters"

    def on_step(self, step: Step) -> Findings:
        """Say what was noted."""
        return [
            Message(
                f"set_data gives {note.subject} its own array: the two networks share it (params=…), so that what was to be a"
                " copy moves with every update; make the second network without `params` of the first",
                place=note.place,
            )
            for note in step.noted(Noted.COPIED_ONTO_ITSELF)[:1]
        ]
