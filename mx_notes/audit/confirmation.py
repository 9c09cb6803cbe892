"""The note's three statements, held against a training run that is watched: what `mx-notes train` prints last.

with confirmed() as confirmation:
    fit(run)
print(confirmation.text())
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..runtime import mx
from . import examples, momentum
from .hooks import attached
from .recorder import Recorder
from .trace import Step

CHECKED_STEPS = (2, 20, 100)  # not the first: there v is 0, and a wrong momentum would not show
MEAN_TOLERANCE = 1e-4  # float32 sums over the batch in another order
UPDATE_TOLERANCE = 1e-6  # float32 rounding of a few operations


@dataclass
class Line:
    """One statement: what was found, and whether it holds."""

    text: str
    holds: bool


class Confirmation:
    """Counts every step of a run; on CHECKED_STEPS recomputes the gradient and the update."""

    def __init__(self) -> None:
        self.recorder = Recorder(
            deep=lambda number: number in CHECKED_STEPS,
            looks=False,
            on_backward=self._expect_gradient,
            on_step=self._compare,
        )
        self._expected: dict | None = None
        self._mean: list[float] = []  # relative differences, one a checked batch
        self._update: list[float] = []  # one a checked step, the worst of its parameters
        self._momentum: set[float] = set()

    def _expect_gradient(self, step: Step, executor: mx.executor.Executor) -> None:
        losses = examples.losses_symbol(executor._symbol)
        self._expected = None if losses is None else examples.mean_gradient(executor, losses)

    def _compare(self, step: Step) -> None:
        if not step.samples:
            return
        applied = {s.name: s.gradient.asnumpy() * s.optimizer.rescale_grad for s in step.samples}
        if self._expected and self._expected.keys() <= applied.keys():
            self._mean.append(examples.relative_difference(self._expected, applied))
        self._expected = None
        sgd = [s for s in step.samples if isinstance(s.optimizer, mx.optimizer.SGD)]
        if sgd:
            self._update.append(max(momentum.relative_difference(sample) for sample in sgd))
            self._momentum |= {sample.optimizer.momentum for sample in sgd}

    def lines(self) -> list[Line]:
        """What was seen, after the run."""
        self.recorder.finish()
        return [self._counts(), self._mean_line(), self._update_line()]

    def text(self) -> str:
        """The lines as `mx-notes train` prints them."""
        first, *others = self.lines()
        return "\n".join([f"audit   {first.text}", *(f"        {line.text}" for line in others)])

    @property
    def holds(self) -> bool:
        """Whether every statement was checked and holds."""
        return all(line.holds for line in self.lines())

    def _counts(self) -> Line:
        recorder = self.recorder
        steps = recorder.number_of_steps
        sums = {
            kind: sum(times * n for (k, times), n in recorder.totals.items() if k == kind)
            for kind in ("forward", "backward", "update")
        }
        once = all(recorder.totals[kind, 1] == steps for kind in sums)
        text = f"{steps} batches: {sums['forward']} forward, {sums['backward']} backward, {sums['update']} updates; "
        if steps and once and not recorder.out_of_order:
            return Line(text + "backward ran once per batch, after its forward", True)
        wrong = (
            f"not in order first at step {recorder.out_of_order[0]}"
            if recorder.out_of_order
            else "not once per batch"
        )
        return Line(text + f"REFUTED: {wrong}", False)

    def _mean_line(self) -> Line:
        if not self._mean:
            return Line("gradient: not checked (the run was too short, or its loss is not a mean)", False)
        worst = max(self._mean)
        return _line(
            "gradient = mean of the batch's losses", "batches", len(self._mean), worst, MEAN_TOLERANCE
        )

    def _update_line(self) -> Line:
        if not self._update:
            return Line("update: not checked (the run was too short, or not SGD)", False)
        rate = "/".join(f"{value:g}" for value in sorted(self._momentum))
        text = f"update = momentum {rate} as written: v = {rate} v - lr g, w = w + v"
        return _line(text, "steps", len(self._update), max(self._update), UPDATE_TOLERANCE)


def _line(text: str, what: str, count: int, worst: float, tolerance: float) -> Line:
    holds = worst <= tolerance
    found = f"(checked on {count} {what}, max. relative difference {worst:.1e}"
    return Line(f"{text} {found})" if holds else f"{text}: REFUTED {found}, tolerance {tolerance:g})", holds)


@contextmanager
def confirmed() -> Iterator[Confirmation]:
    """Watch the training inside the `with`."""
    confirmation = Confirmation()
    with attached(confirmation.recorder):
        yield confirmation
