"""The rule byte-overflow."""

from __future__ import annotations

from ..trace.step import Noted, RunFacts, Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule


class ByteOverflow(Rule):
    """What is computed in 8 bits for a network fits into 8 bits."""

    id, severity = "byte-overflow", ERROR
    sees = (
        "sums, differences and products of uint8 and int8 arrays of MXNet that a pass reads, on sampled steps"
    )
    wrong = "net(images - 128)  # uint8: 0 - 128 is 128"
    right = 'net(images.astype("float32") - 128)'

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say what was noted."""
        return _messages(step) or NOTHING_TO_CHECK

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Likewise, of what was read after the last step."""
        return _messages(run) or NOTHING_TO_CHECK


def _messages(seen: Step | RunFacts) -> Findings:
    found = []
    for note in seen.noted(Noted.BYTES_WRAPPED)[:1]:
        exact, stored, share = note.numbers
        text = (
            f"{share:.0%} of the numbers computed here do not fit into {note.subject}: {exact:g} became {stored:g}, and"
            ' the network is fed that; convert before the arithmetic, as in x.astype("float32")'
        )
        found.append(Message(text, place=note.place))
    return found
