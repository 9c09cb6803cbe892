"""The rule running-statistics."""

from __future__ import annotations

from ..trace.step import Noted, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule

CURE = "call mx.nd.waitall() before reading, saving or evaluating"


class RunningStatistics(Rule):
    """Batch norm's running statistics are settled before anything reads them.

    On the CPU MXNet 1.9.1 writes them in the backward pass without telling its engine, so nothing waits.
    """

    id, severity = "running-statistics", ERROR
    sees = "which backward passes write running statistics, and the first reads of these before a waitall"
    wrong = "module.forward_backward(batch)\nmodule.update()\nmodule.get_params()"
    right = "module.forward_backward(batch)\nmodule.update()\nmx.nd.waitall()\nmodule.get_params()"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say what was noted while the step ran: an error where the values read lacked the step."""
        if not step.statistics:
            return NOTHING_TO_CHECK
        messages = []
        for note in step.noted(Noted.STATISTICS_READ_EARLY, Noted.STATISTICS_READ_STALE):
            if note.what is Noted.STATISTICS_READ_STALE:
                text = f"{note.subject} was read before the last step's backward pass had written it, and lacks that step: {CURE}"
                messages.append(Message(text, place=note.place))
            else:
                text = (
                    f"{note.subject} was read while the backward pass that writes it may be under way: {CURE}"
                )
                messages.append(Message(text, WARNING, place=note.place))
        return messages
