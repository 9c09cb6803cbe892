"""The note's statements, held against a training run that is watched: what `mx-notes train` prints last.

confirmation = Confirmation()
with audit(confirmation=confirmation):
    fit(run)
print(confirmation.text())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..events import Kind
from ..graph.values import read, sample_of_values
from ..trace.recorder import Recorder
from ..trace.step import Derivative, Step
from ..trace.steps import sampled_step
from . import per_example, sgd

CHECKED_STEPS = (2, 20, 100)  # not the first: there v is 0, and a wrong momentum would not show
MEAN_TOLERANCE = 1e-4  # float32 sums over the batch in another order
HALF_MEAN_TOLERANCE = 2e-2  # float16 rounds each of them to 5e-4
UPDATE_TOLERANCE = 1e-6  # float32 rounding of a few operations


@dataclass(frozen=True)
class Line:
    """One statement: what was found, and whether it holds."""

    text: str
    holds: bool


class Confirmation:
    """Counts every step of a run; on CHECKED_STEPS recomputes the gradient and the update."""

    def __init__(
        self,
        total: Callable[[np.ndarray], np.ndarray] = lambda own: own,
        where: str = "",
    ) -> None:
        """total: the sum of an array (n,) over all workers. where: where the batch is, such as "on 2 workers"."""
        self._total, self._where = total, where
        self._recorder: Recorder | None = None
        self._sums: dict[int, tuple[dict, int]] = {}  # of the step: its executors' sums of gradients
        self._mean: list[float] = []  # relative differences, one a checked batch
        self._update: list[float] = []  # one a checked step, the worst of its parameters
        self._momentum: set[float] = set()
        self._derivatives: list[Derivative] = []
        self._clip: set[float] = set()
        self._devices = 1
        self._half = False  # whether gradients are float16

    def recorder(self, *judges: Callable[[Step], None]) -> Recorder:
        """The recorder whose steps are confirmed, and judged by others."""
        self._recorder = Recorder(
            [self._compare, *judges],
            sampled=lambda number: sampled_step(number) or number in CHECKED_STEPS,
            before_backward=self._expect_gradient,
        )
        return self._recorder

    def _expect_gradient(self, step: Step, executor: mx.executor.Executor) -> None:
        """Before a backward pass of a sampled step: compute the examples' own gradients."""
        losses = per_example.losses_symbol(executor._symbol) if step.number in CHECKED_STEPS else None
        if losses is not None:
            self._sums[executor.handle.value] = per_example.gradient_sum(executor, losses)

    def _compare(self, step: Step) -> None:
        """After a step: hold the gradient applied against the mean, and the update against SGD's."""
        self._derivatives += step.derivatives
        if step.number not in CHECKED_STEPS or not step.samples:
            return
        passes = {event.source for event in step.events if event.kind is Kind.BACKWARD}
        self._devices = max(self._devices, len(passes))
        self._half = self._half or any(sample.gradient.dtype == np.float16 for sample in step.samples)
        applied = {s.name: read(s.gradient) * s.rescale for s in step.samples}
        if self._sums:
            expected = self._expected({sample.name: sample.every for sample in step.samples})
            if expected.keys() <= applied.keys():
                self._mean.append(per_example.relative_difference(expected, applied))
        self._sums = {}
        updated = [sample for sample in step.samples if isinstance(sample.optimizer, mx.optimizer.SGD)]
        if updated:
            self._update.append(max(map(sgd.relative_difference, updated)))
            self._momentum |= {sample.optimizer.momentum for sample in updated}
            self._clip |= {sample.clip for sample in updated if sample.clip}

    def _expected(self, every: dict[str, int]) -> dict[str, np.ndarray]:
        """The mean of all examples' gradients over all devices and workers: of each parameter some elements, (N,)."""
        parts = list(self._sums.values())
        own = {
            name: sample_of_values(sum(sums[name] for sums, _ in parts), every.get(name, 1))
            for name in parts[0][0]
        }
        count = sum(count for _, count in parts)
        total = self._total(np.concatenate([*own.values(), [count]]))
        ends = np.cumsum([array.size for array in own.values()])
        pieces = np.split(total[:-1], ends[:-1])
        return {name: piece / total[-1] for name, piece in zip(own, pieces, strict=True)}

    def lines(self) -> list[Line]:
        """What was seen, after the run."""
        return [self._counts(), self._mean_line(), self._update_line(), self._derivative_line()]

    def text(self) -> str:
        """The lines as `mx-notes train` prints them."""
        first, *others = self.lines()
        return "\n".join([f"audit   {first.text}", *(f"        {line.text}" for line in others)])

    @property
    def holds(self) -> bool:
        """Whether every statement was checked and holds; the derivative, only where there was time for it."""
        return all(line.holds for line in self.lines())

    def _counts(self) -> Line:
        now = self._recorder.now
        steps = now.steps_done
        sums = {
            kind.value: sum(times * n for (of, times), n in now.totals.items() if of == kind.value)
            for kind in Kind
        }
        once = all(now.totals[kind, 1] == steps for kind in sums)
        text = f"{steps} batches: {sums['forward']} forward, {sums['backward']} backward, {sums['update']} updates; "
        if steps and once and not now.out_of_order:
            each = f" on each of {self._devices} devices" if self._devices > 1 else ""
            return Line(text + f"backward ran once per batch{each}, after its forward", True)
        wrong = (
            f"not in order first at step {now.out_of_order[0]}" if now.out_of_order else "not once per batch"
        )
        return Line(text + f"REFUTED: {wrong}", False)

    def _mean_line(self) -> Line:
        if not self._mean:
            return Line("gradient: not checked (the run was too short, or its loss is not a mean)", False)
        tolerance = HALF_MEAN_TOLERANCE if self._half else MEAN_TOLERANCE
        devices = f"{self._devices} devices" if self._devices > 1 else ""
        places = [self._where, f"of {devices}" if self._where and devices else devices and f"over {devices}"]
        text = " ".join(["gradient = mean of the batch's losses", *filter(None, places)])
        return _line(text, "batches", self._mean, tolerance)

    def _update_line(self) -> Line:
        if not self._update:
            return Line("update: not checked (the run was too short, or not SGD)", False)
        rate = "/".join(f"{value:g}" for value in sorted(self._momentum))
        text = f"update = momentum {rate} as written: v = {rate} v - lr g, w = w + v"
        if self._clip:
            text += f", elements of g cut to ±{'/'.join(f'{value:g}' for value in sorted(self._clip))}"
        return _line(text, "steps", self._update, UPDATE_TOLERANCE)

    def _derivative_line(self) -> Line:
        judged = [each for each in self._derivatives if each.parameters]
        wrong = next((each for each in judged if each.name), None)
        if wrong is not None:
            numbers = f"along one direction {wrong.got:.4g}, the difference quotient is {wrong.wanted:.4g}"
            return Line(f"gradient of {wrong.name}: REFUTED, not the loss's derivative ({numbers})", False)
        if not judged:
            why = dict.fromkeys(each.left for each in self._derivatives)
            return Line(
                f"gradient: not held against the loss's derivative ({', '.join(why) or 'no step'})", True
            )
        worst = max(each.difference for each in judged)
        batches = "1 batch" if len(judged) == 1 else f"{len(judged)} batches"
        found = f"({batches}, max. relative difference {worst:.1e})"
        return Line(f"gradient = the loss's derivative {found}", True)


def _line(text: str, what: str, differences: list[float], tolerance: float) -> Line:
    worst = max(differences)
    found = f"(checked on {len(differences)} {what}, max. relative difference {worst:.1e}"
    if worst <= tolerance:
        return Line(f"{text} {found})", True)
    return Line(f"{text}: REFUTED {found}, tolerance {tolerance:g})", False)
