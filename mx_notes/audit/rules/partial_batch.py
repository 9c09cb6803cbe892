"""The rule partial-batch."""

from __future__ import annotations

from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, NothingToCheck, Rule, first, warning
from ._applied import applied, near


class PartialBatch(Rule):
    """A short last batch is weighted by its own number of examples."""

    id, severity = "partial-batch", ERROR
    sees = (
        "the recorded graph from the losses to the heads, the factor that the optimiser applies, and padding"
    )
    wrong = "trainer.step(batch_size)  # also for the last batch, which is shorter"
    right = "trainer.step(data.shape[0])"
    note = "The batch's losses are averaged before backward."

    def __init__(self) -> None:
        self.full: tuple[float, int] | None = None  # weight and number of the losses of the first batch

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare the weight of a smaller batch with that of the first."""
        if step.padding:
            return [
                warning(
                    f"{step.padding} examples of the batch are repeated to fill it (NDArrayIter's default): they count"
                    " twice in this epoch; last_batch_handle='discard' or 'roll_over' does not repeat any"
                )
            ]
        gradient = applied(step)
        if gradient is None or not gradient.known:
            return NOTHING_TO_CHECK
        total, elements = gradient.rescale * gradient.weight, gradient.elements
        self.full = self.full or (total, elements)
        full_total, full = self.full
        if elements >= full:
            return NOTHING_TO_CHECK
        if not (near(full_total, 1) and near(total, elements / full)):
            return []
        return first(
            [
                f"a batch of {elements} is weighted as if it had {full} examples: its gradient is divided by the full"
                " batch size; divide by its own number (step(data.shape[0]), or step(loss.size) where each token has a loss)"
            ]
        )
