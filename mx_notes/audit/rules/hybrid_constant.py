"""The rule hybrid-constant."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import ERROR, Findings, Message, Rule


class HybridConstant(Rule):
    """A number that changes is an input of a hybridised graph, not compiled into it."""

    id, severity = "hybrid-constant", ERROR
    sees = "numbers set as attributes of blocks that are hybridised"
    wrong = "net.mix = epoch / 10  # after the first call: the graph keeps the first number"
    right = "loss = net(data, label, mx.nd.array([epoch / 10]))"

    def on_step(self, step: Step) -> Findings:
        """Say what was noted."""
        return [
            Message(
                f"{note.subject} was set to another number after the hybridised graph was made: the graph goes on with"
                f" {note.numbers[0]:g}; hand the number to the call as an array, or call hybridize() again",
                place=note.place,
            )
            for note in step.noted(Noted.NUMBER_COMPILED_IN)[:1]
        ]
