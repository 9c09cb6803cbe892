"""What is seen of updates: by an optimiser, by a KVStore that runs one, and by hand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from ...runtime import mx
from ..graph.graph import shallow_copy
from ..hooks.listener import OperatorCall
from .derived import Derived, Share
from .ledger import CLEARING, Buffer
from .resets import Resets
from .step import Message, UpdateSample, WeightCopy, whereabouts
from .stores import StoreSteps, name_of, text

OPTIMIZER_OPERATORS = {
    *("sgd_update", "sgd_mom_update", "nag_mom_update", "adam_update", "rmsprop_update", "signsgd_update"),
}
FINITE_EVERY = 8  # steps: whether all gradients are finite, asked without waiting for the answer


class UpdateSteps(StoreSteps):
    """Updates, and the operators between a backward pass and its update."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._before: list[tuple | None] = []
        self._stateless: list[bool] = []
        self._derived, self._resets = Derived(), Resets()
        self._asked: dict[int, float] = {}  # optimizer.lr of optimisers with a scheduler, as first seen
        self._refused: tuple[mx.optimizer.Optimizer, float] | None = None
        self._finite: tuple[int, tuple, list, mx.nd.NDArray] | None = None  # a question that is under way
        self.handed: dict[int, set[str]] = {}  # optimiser of a Trainer: the parameters that it is to train
        self.schedules: dict[int, tuple[int, int]] = {}  # horizon, largest number asked by the program itself

    def finish(self) -> None:
        """Close the last step, whose gradients are looked at whatever its number."""
        if self._step.updates:
            with suppress(mx.base.MXNetError):  # of an operator of the program, which has ended
                self._settle_finite()
        super().finish()

    def _before_judging(self, step: Any) -> None:
        super()._before_judging(step)
        if step.number % FINITE_EVERY == FINITE_EVERY - 1:
            self._settle_finite()

    # By an optimiser

    def optimizer_refused(self, optimizer: mx.optimizer.Optimizer, rate: float) -> None:
        """`Module.init_optimizer` was called again and ignored."""
        self._refused = (optimizer, rate)

    def schedule_asked(self, schedule: mx.lr_scheduler.LRScheduler, number: int) -> None:
        """The program itself asks a schedule for its rate, as in `trainer.set_learning_rate(schedule(epoch))`."""
        steps = getattr(schedule, "max_update", None) or getattr(schedule, "step", None) or 0
        horizon = max(steps, default=0) if isinstance(steps, (list, tuple)) else steps
        self.schedules[id(schedule)] = (horizon, max(number, self.schedules.get(id(schedule), (0, 0))[1]))

    def before_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Copy what the update will read."""
        indices[:] = [text(index) for index in indices]
        self._stateless = [index not in updater.states for index in indices]
        reset = self._resets.before_update(updater, weights, all(self._stateless))
        if any(self._stateless):
            buffers = [self.ledger.gradients.get(gradient.handle.value) for gradient in gradients]
            if any(buffer is not None and buffer.restored for buffer in buffers):
                self._stateless, reset = [False] * len(indices), None  # a new start, from other values
        if reset:
            self._trouble("optimizer-reset", reset)
        if self._step.deep:
            self._before = [
                # Copying a row-sparse gradient that is still being computed corrupts MXNet's memory.
                (gradient.copy(), weight.copy(), _copy(updater.states.get(index)))
                if gradient.stype == weight.stype == "default"
                else None
                for index, gradient, weight in zip(indices, gradients, weights, strict=True)
            ]

    def after_update(
        self, updater: mx.optimizer.Updater, indices: list, gradients: list, weights: list
    ) -> None:
        """Enter the update, and copy what it wrote."""
        optimizer, step = updater.optimizer, self._step
        step.rates[id(optimizer)] = self._rates(optimizer)
        serial, number = self._serials.of(updater), self._serials.of(optimizer)
        if number not in self.handed:
            given = optimizer.param_dict.values()
            self.handed[number] = {p.name for p in given if p.grad_req != "null" and p.lr_mult}
        before = self._before or [None] * len(indices)
        for index, gradient, weight, copies, stateless in zip(
            indices, gradients, weights, before, self._stateless, strict=True
        ):
            name = name_of(optimizer, index)
            found = self.ledger.gradients.get(gradient.handle.value)
            if copies:
                rate, decay = optimizer._get_lr(index), optimizer._get_wd(index)
                count = optimizer._index_update_count.get(index, 0)
                after = weight.copy()
                kept = getattr(optimizer, "momentum", 0.0), optimizer.rescale_grad, optimizer.clip_gradient
                step.samples.append(UpdateSample(name, optimizer, rate, decay, count, *kept, *copies, after))
                step.weights.append(WeightCopy(name, after))
            buffers = [found] if found else self._pushed.get(index, []) or [None]
            for buffer in buffers:
                self._updated(name, buffer, optimizer, serial, stateless, optimizer.rescale_grad)
                if buffer is not None:
                    buffer.optimised, buffer.fed_before = True, buffer.fed
        self._before = []
        if step.number % FINITE_EVERY == 0 and self._looks:
            self._ask_finite(gradients, [name_of(optimizer, index) for index in indices], weights)

    def _rates(self, optimizer: mx.optimizer.Optimizer) -> tuple[float, float]:
        """The learning rate that was asked for, and the one in use."""
        used = float(optimizer.learning_rate)
        asked = used if optimizer.lr is None else float(optimizer.lr)
        if self._refused and self._refused[0] is optimizer:
            asked = self._refused[1]
        elif optimizer.lr_scheduler is not None:
            first = self._asked.setdefault(self._serials.of(optimizer), asked)
            asked = used if asked == first else asked  # nobody has set it since the scheduler took over
        return asked, used

    def _ask_finite(self, gradients: list, names: list[str], weights: list) -> None:
        dense = [g for g in gradients if g.stype == "default" and np.dtype(g.dtype) == np.float32]
        if dense and self._finite is None:
            classic = [g.as_nd_ndarray() for g in dense]  # of mx.np
            # multi_all_finite takes 40 times as long as the sums of squares, which overflow from 1e19 on.
            answer = mx.nd.multi_sum_sq(*classic, num_arrays=len(dense))
            self._finite = (self._step.number, whereabouts(), list(zip(names, weights, strict=True)), answer)

    def _settle_finite(self) -> None:
        """Read the answer: by now it costs no waiting."""
        if self._finite is None:
            return
        (number, where, weights, answer), self._finite = self._finite, None
        if np.isfinite(answer.asnumpy()).all():
            return
        bad = [name for name, weight in weights if not np.isfinite(weight.asnumpy()).all()]
        seen = f"; {bad[0]} is not finite either" if bad else ""
        message = (
            f"a gradient of step {number} is not finite{seen}: lower the learning rate, or look at the data"
        )
        self._step.troubles.append(("non-finite", Message(message, None, *where)))

    # By hand

    def _gradient_made(self, array: int, buffer: Buffer) -> None:
        """`autograd.grad` returned this gradient."""
        self._derived.made(array, Share(buffer))

    def viewed(self, kind: str, array: int, view: int) -> None:
        """A part of a gradient, or of what was computed from one, is that too."""
        super().viewed(kind, array, view)
        for share in self._shares([array]):
            self._derived.made(view, share)

    def _shares(self, arrays: list[int]) -> list[Share]:
        gradients = self.ledger.gradients
        return [Share(gradients[a]) for a in arrays if a in gradients] + self._derived.among(arrays)

    def _computed(self, call: OperatorCall) -> None:
        """An operator ran outside of `record()`: does it read a gradient, or write a parameter?"""
        ledger, inputs = self.ledger, call.inputs
        read = [ledger.gradients[handle] for handle in inputs if handle in ledger.gradients]
        for buffer in read:
            ledger.consume(buffer)
        shares = self._shares(inputs)
        share = self._derived.follow(call, shares) if shares else None
        for handle in call.outputs:
            if handle in ledger.gradients:
                self._gradient_written(ledger.gradients[handle], call, handle in inputs)
            elif handle in ledger.weights:
                self._derived.forget(handle)
                self._weight_written(ledger.weights[handle], call, share)
        if read and call.name == "reset_arrays":
            for buffer in read:
                buffer.cleared = True

    def _gradient_written(self, buffer: Buffer, call: OperatorCall, in_place: bool) -> None:
        buffer.touched = True
        scalar = call.attributes.get("scalar")
        if call.name in CLEARING or not in_place or (call.name == "_mul_scalar" and float(scalar or 1) == 0):
            buffer.cleared = True

    def _weight_written(self, buffer: Buffer, call: OperatorCall, share: Share | None) -> None:
        by_operator = call.name in OPTIMIZER_OPERATORS
        # Operators of mx.np are not all seen: there a gradient that was read is taken for one that was used.
        by_hand = not buffer.optimised and (share or (buffer.read and mx.util.is_np_array()))
        # Otherwise it is filled with data, restored, clipped or averaged, or taken elsewhere for a moment.
        if not buffer.ever or not (by_operator or by_hand):
            buffer.fed += 1
            return
        rescale = rate = None
        if by_operator:
            rescale = float(call.attributes.get("rescale_grad", 1))
        elif share is not None:
            parts = max(1, sum(event[0] == "backward" for event in self._step.events))
            rescale = share.rescale({size * part for size in self._sizes for part in range(1, parts + 1)})
            rate = share.factor if rescale is None and share.divisors is not None else None
        self._updated_by_hand(buffer, rescale, rate)

    def _updated_by_hand(self, buffer: Buffer, rescale: float | None, rate: float | None = None) -> None:
        self._updated(buffer.name, buffer, rescale=rescale, rate=rate)
        buffer.fed_before = buffer.fed
        if self._step.deep and self._looks:
            step, backward = self._step, buffer.last.number if buffer.last else 0
            weight = shallow_copy(buffer.weight)
            self._deferred.append(
                lambda: step.weights.append(WeightCopy(buffer.name, weight.copy(), backward))
            )

    def array_written(self, array: int) -> None:
        """Values came from NumPy: data, a cleared gradient, or a parameter updated by hand."""
        ledger = self.ledger
        if array in ledger.gradients:
            buffer = ledger.gradients[array]
            buffer.touched = buffer.cleared = True
        elif array in ledger.weights:
            buffer = ledger.weights[array]
            if buffer.ever and buffer.read and not buffer.optimised:
                self._updated_by_hand(buffer, None)
            else:
                buffer.fed += 1

    def array_freed(self, array: int) -> None:
        """Its address may be another array's soon."""
        super().array_freed(array)
        self.ledger.forget(array)
        self._derived.forget(array)


def _copy(state: Any) -> Any:
    if isinstance(state, (tuple, list)):
        return tuple(_copy(part) for part in state)
    return state.copy() if isinstance(state, mx.nd.NDArray) else state
