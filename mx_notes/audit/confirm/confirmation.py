"""The note's three statements, held against a training run that is watched: what `mx-notes train` prints last.

with confirmed() as confirmation:
    fit(run)
print(confirmation.text())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ...runtime import mx
from ..hooks.attach import attached
from ..trace.recorder import Recorder
from ..trace.step import Step, UpdateSample
from . import per_example as examples
from . import sgd as momentum

CHECKED_STEPS = (2, 20, 100)  # not the first: there v is 0, and a wrong momentum would not show
MEAN_TOLERANCE = 1e-4  # float32 sums over the batch in another order
HALF_MEAN_TOLERANCE = 2e-2  # float16 rounds each of them to 5e-4
UPDATE_TOLERANCE = 1e-6  # float32 rounding of a few operations


@dataclass
class Line:
    """One statement: what was found, and whether it holds."""

    text: str
    holds: bool


class Confirmation:
    """Counts every step of a run; on CHECKED_STEPS recomputes the gradient and the update.

    With several workers each has one, and a step is checked by all: `total` gives the sum of an array (n,) over
    the workers, and `where` says in words where the batch is, such as "on 2 workers".
    """

    def __init__(self, total: Callable[[np.ndarray], np.ndarray] = lambda own: own, where: str = "") -> None:
        self._total, self._where = total, where
        self.recorder = Recorder(
            deep=lambda number: number in CHECKED_STEPS,
            looks=False,
            on_backward=self._expect_gradient,
            on_step=self._compare,
        )
        self._sums: dict[int, tuple[dict, int]] = {}  # of the step: its executors' sums of gradients
        self._mean: list[float] = []  # relative differences, one a checked batch
        self._update: list[float] = []  # one a checked step, the worst of its parameters
        self._momentum: set[float] = set()
        self._devices = 1
        self._half = False  # whether gradients are float16

    def _expect_gradient(self, step: Step, executor: mx.executor.Executor) -> None:
        losses = examples.losses_symbol(executor._symbol)
        if losses is not None:
            self._sums[executor.handle.value] = examples.gradient_sum(executor, losses)

    def _compare(self, step: Step) -> None:
        if not step.samples:
            return
        self._devices = max(self._devices, len({event[1] for event in step.events if event[0] == "backward"}))
        self._half = self._half or any(sample.gradient.dtype == np.float16 for sample in step.samples)
        applied = {s.name: s.gradient.asnumpy() * s.optimizer.rescale_grad for s in step.samples}
        if self._sums:
            expected = examples.mean_of([self._over_all_workers(list(self._sums.values()))])
            if expected.keys() <= applied.keys():
                self._mean.append(examples.relative_difference(expected, applied))
        self._sums = {}
        sgd = [s for s in step.samples if isinstance(s.optimizer, mx.optimizer.SGD)]
        if sgd:
            self._update.append(max(map(_update_difference, sgd)))
            self._momentum |= {sample.optimizer.momentum for sample in sgd}

    def _over_all_workers(
        self, parts: list[tuple[dict[str, np.ndarray], int]]
    ) -> tuple[dict[str, np.ndarray], int]:
        """The sum of the examples' own gradients over devices and workers, and how many examples they are."""
        own = {name: sum(sums[name] for sums, _ in parts) for name in parts[0][0]}
        count = sum(count for _, count in parts)
        total = self._total(np.concatenate([array.ravel() for array in own.values()] + [[count]]))
        ends = np.cumsum([array.size for array in own.values()])
        pieces = zip(own.items(), np.split(total[:-1], ends[:-1]), strict=True)
        return {name: piece.reshape(array.shape) for (name, array), piece in pieces}, int(total[-1])

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
            each = f" on each of {self._devices} devices" if self._devices > 1 else ""
            return Line(text + f"backward ran once per batch{each}, after its forward", True)
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
        tolerance = HALF_MEAN_TOLERANCE if self._half else MEAN_TOLERANCE
        what = f"gradient = mean of the batch's losses{self._places()}"
        return _line(what, "batches", len(self._mean), worst, tolerance)

    def _places(self) -> str:
        """Where the batch's losses are, if not in one place."""
        devices = f"{self._devices} devices" if self._devices > 1 else ""
        if self._where:
            return f" {self._where} of {devices}" if devices else f" {self._where}"
        return f" over {devices}" if devices else ""

    def _update_line(self) -> Line:
        if not self._update:
            return Line("update: not checked (the run was too short, or not SGD)", False)
        rate = "/".join(f"{value:g}" for value in sorted(self._momentum))
        text = f"update = momentum {rate} as written: v = {rate} v - lr g, w = w + v"
        return _line(text, "steps", len(self._update), max(self._update), UPDATE_TOLERANCE)


def _update_difference(sample: UpdateSample) -> float:
    """`momentum.relative_difference`; of a float16 weight, only what is more than its own rounding.

    The float16 weight is the float32 master copy after the update, rounded: half a unit of float16 is no
    difference. What is beyond comes from the master copy and has the tolerance of float32.
    """
    written = momentum.elements(sample.weight_after)
    if written.dtype != np.float16:
        return momentum.relative_difference(sample)
    expected = momentum.expected_weight(sample)
    beyond = np.abs(written - expected) - np.spacing(np.abs(written)).astype(np.float64) / 2
    return float(max(beyond.max(), 0) / max(np.abs(expected).max(), 1e-30))


def _line(text: str, what: str, count: int, worst: float, tolerance: float) -> Line:
    holds = worst <= tolerance
    found = f"(checked on {count} {what}, max. relative difference {worst:.1e}"
    return Line(f"{text} {found})" if holds else f"{text}: REFUTED {found}, tolerance {tolerance:g})", holds)


@contextmanager
def confirmed(
    total: Callable[[np.ndarray], np.ndarray] = lambda own: own, where: str = ""
) -> Iterator[Confirmation]:
    """Watch the training inside the `with`; total and where: as for `Confirmation`."""
    confirmation = Confirmation(total, where)
    with attached(confirmation.recorder):
        yield confirmation
