"""A training run, its numbers so far, and the moments at which callbacks are told of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import UserError
from ..parallel.workers import Workers
from ..recipes import Recipe
from ..runtime import mx

if TYPE_CHECKING:
    from ..data import Dataset
    from ..data.feed import Feed
    from ..parallel import TrainedModule


@dataclass
class Score:
    """Mean loss and accuracy over a number of examples."""

    loss: float
    accuracy: float
    examples: int


class Meter:
    """Loss and accuracy so far, on all workers.

    A step's numbers are read when the next step is under way: reading waits for the engine, and for the
    other workers, and a step late there is nothing left to wait for.
    """

    def __init__(self, workers: Workers | None = None) -> None:
        self._workers = workers or Workers()
        self.examples = self.correct = 0
        self.loss_sum = 0.0
        self.last_loss = float("nan")  # mean loss of the latest batch that was read
        self.steps_read = 0
        self._pending = None

    def add(self, outputs: list[mx.nd.NDArray], label: mx.nd.NDArray, copies: int = 1) -> None:
        """Take a batch's mean loss (1,) and probabilities (N, classes), and its labels (N,), of this worker.

        copies: on how many workers each of these examples is.
        """
        loss, probabilities = outputs
        label = label.as_in_context(probabilities.context)
        correct = (probabilities.argmax(axis=1) == label).sum()
        self.catch_up()
        self._pending = (loss.copy(), correct, len(label), copies)

    def catch_up(self) -> None:
        """Wait for the latest batch's numbers and read them, too."""
        if self._pending is None:
            return
        loss, correct, examples, copies = self._pending
        self._pending = None
        losses, correct, examples = self._workers.collect(
            [float(loss.asscalar()) * examples, float(correct.asscalar()), examples]
        ).T
        self.last_loss = losses.sum() / examples.sum()
        self.loss_sum += losses.sum() / copies
        self.correct += int(correct.sum()) // copies
        self.examples += int(examples.sum()) // copies
        self.steps_read += 1

    def score(self) -> Score:
        """Wait for the last batch; returns the means over all examples. Raises UserError if there are none."""
        self.catch_up()
        if not self.examples:
            raise UserError("nothing to score: this part of the data is empty")
        return Score(self.loss_sum / self.examples, self.correct / self.examples, self.examples)


@dataclass
class Run:
    """A training run, as callbacks see it."""

    recipe: Recipe
    data: Dataset
    symbol: mx.sym.Symbol  # the network with its loss; the module's own symbol is changed for speed
    module: TrainedModule
    feed: Feed  # of this worker's share of each batch
    workers: Workers = field(default_factory=Workers)  # of the job; by default there is this process alone
    epoch: int = 0  # from 0; during a callback, the epoch that is running or has just ended
    batch: int = 0  # batches of the epoch done; 0 again when it has ended
    step: int = 0  # updates made so far
    seconds: float = 0.0  # the epoch's time so far, from its first batch on, without the validation
    meter: Meter = field(
        default_factory=Meter
    )  # loss and accuracy of the epoch's batches done, on all workers
    history: list[dict] = field(default_factory=list)  # one row an epoch, as in metrics.jsonl

    @property
    def learning_rate(self) -> float:
        """The rate of the latest update; before the first update, its rate."""
        return self.module.learning_rate(max(self.step, 1))

    @property
    def stalled(self) -> bool:
        """Whether the last `patience` epochs have brought no better validation accuracy."""
        accuracies = [row["validation_accuracy"] for row in self.history]
        patience = self.recipe.patience
        return 0 < patience < len(accuracies) and max(accuracies[:-patience]) >= max(accuracies[-patience:])

    @property
    def best_step(self) -> int | None:
        """The step that ended the epoch of the best validation accuracy (of equals the latest)."""
        if not self.history:
            return None
        best = max(self.history, key=lambda row: (row["validation_accuracy"], row["epoch"]))
        return best["epoch"] * self.feed.steps


class Callback:
    """Override the moments you need."""

    def on_train_begin(self, run: Run) -> None:
        """Before the first batch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of `run.epoch`."""

    def on_step_end(self, run: Run, meter: Meter) -> None:
        """After an update was handed to the engine; `meter` has read all steps but this one."""

    def on_validation_step(self, run: Run) -> None:
        """After a batch of the epoch's validation was handed to the engine."""

    def on_epoch_end(self, run: Run) -> None:
        """After the validation; `run.history[-1]` is the epoch's row."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch."""
