"""The rule repeated-batch."""

from __future__ import annotations

import gc
import math
from itertools import pairwise

import numpy as np

from ...runtime import mx
from ..graph.graph import Node, Output, above_shape
from ..trace.step import Look, RunFacts, Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, first
from ._classes import classifications

CERTAIN = 1e5  # orders in which a shuffle could have dealt out the batches that came again, before they are no chance


class Order:
    """Whether batches come again in the order in which they came before."""

    def __init__(self) -> None:
        self._start = self._epoch = 0  # the batch that has come again, and after how many others; 0: none has
        self._orders = 1.0  # in which the batches since could have come

    def next(self, seen: list[tuple]) -> int:
        """After how many batches the same ones come in the same order, for certain; 0: they do not.

        Called with each batch more. Of n shuffled batches the first to come again is one of n, the next one of n - 1.
        """
        now = len(seen) - 1
        if self._epoch and seen[now] != seen[now - self._epoch]:
            self._start, self._epoch, self._orders = now, 0, 1.0
        elif not self._epoch and now and seen[now] == seen[self._start]:
            self._epoch = now - self._start
        if self._epoch:
            come = now - self._start - self._epoch
            self._orders *= self._epoch - come % self._epoch
        return self._epoch if self._orders >= CERTAIN else 0


class RepeatedBatch(Rule):
    """The data moves from step to step, and epochs differ in their order."""

    id, severity = "repeated-batch", WARNING
    sees = "fingerprints of the first 1,000 batches, and labels on sampled steps"
    wrong = "batch = next(iter(loader))\n[step(batch) for _ in range(100)]"
    right = "[step(batch) for batch in loader]  # DataLoader(..., shuffle=True)"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []  # of each step, what it was fed
        self.labels: list[tuple[int, ...]] = []
        self.same_order = self.carries_state = self.takes_turns = self.labels_stuck = False
        self.stuck: Message | None = None  # the same batch again and again, from some step on …
        self.advanced = False  # … and another one after it: each is taken several times on purpose
        self.order = Order()
        self.trained: frozenset[int] | None = None  # the updaters of the first step that was looked at
        self.pure: list[tuple[int, float]] = []  # the looks whose labels were all of one class: step, class

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Compare what is fed with what was fed before."""
        if step.looks and self._is_sorted(step):
            return first(["batch after batch is of a single class: the data is sorted, shuffle it"])
        if not step.batches:
            return NOTHING_TO_CHECK
        seen = self.seen
        seen.append(tuple(step.batches))
        self.labels.append(tuple(step.labels))
        if self._same_labels_again():
            return first(
                [
                    "three different batches in a row have the same labels: does the iterator advance them with the data?"
                ]
            )
        if self.stuck is not None:
            self.advanced |= seen[-1] != seen[-2]
        elif len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3]:
            text = "three steps in a row were fed the same batch, and so were all after them: is the iterator advanced?"
            self.stuck = Message(text, place=step.place, step=step.number)
            self.advanced = not _is_more_to_see()  # or the batch is the whole of the data
        self.carries_state |= step.number > 1 and any(map(_carries_state, step.looks))
        epoch = self.order.next(seen)
        if epoch and not (self.stuck or self.same_order or self.carries_state):
            self.same_order = True
            return first(
                [f"each epoch of {epoch} batches feeds them in the same order: shuffle the training data"]
            )
        return []

    def at_end(self, run: RunFacts) -> Findings | NothingToCheck:
        """Say that the data stood still, if it never moved again."""
        return [self.stuck] if self.stuck is not None and not self.advanced else NOTHING_TO_CHECK

    def _same_labels_again(self) -> bool:
        labels, batches = self.labels[-3:], self.seen[-3:]
        if len(labels) < 3 or not labels[0] or len(set(labels)) > 1 or len(set(batches)) < 3:
            return False
        said, self.labels_stuck = self.labels_stuck, True
        return not said

    def _is_sorted(self, step: Step) -> bool:
        """Whether batches are of a single class each, and of the same one in two steps in a row more often than not.

        If there is but one such class, it may be the usual one, beside which others are rare. Networks that take
        turns, as in a GAN, are told true from false: there it means nothing.
        """
        trained = frozenset(update.updater for update in step.updates)
        self.trained = self.trained or trained
        self.takes_turns |= trained != self.trained
        labels = [label.value for look in step.looks for _, label, _ in classifications(look.graph)]
        values = [value for value in labels if value is not None]
        classes = {label for value in values for label in np.unique(value)}
        if len(classes) != 1 or sum(v.size for v in values) < 16:
            return False
        self.pure.append((step.number, classes.pop()))
        if self.takes_turns or len({one for _, one in self.pure}) == 1:
            return False
        in_a_row = [a == b for (i, a), (j, b) in pairwise(self.pure) if j == i + 1]
        return 2 * sum(in_a_row) > len(in_a_row)


def _is_more_to_see() -> bool:
    """Whether the program has an iterator or a loader of more than one batch."""
    there = gc.get_objects()
    iterators = [each for each in there if issubclass(type(each), mx.io.DataIter)]
    loaders = [each for each in there if issubclass(type(each), mx.gluon.data.DataLoader)]
    whole = [getattr(each, "num_data", math.inf) <= each.batch_size for each in iterators]
    return not all(whole) or any(len(each) > 1 for each in loaders)


def _carries_state(look: Look) -> bool:
    """Whether a recurrent layer begins with the state in which the last batch left it.

    Then the text, or the time series, goes on from batch to batch: its order must stay.
    """
    graph = look.graph
    if any(_begins_with(node.inputs[2]) for node in graph.of_kind("RNN") if len(node.inputs) > 2):
        return True
    layers: dict[Node, list[Output]] = {}  # cells are unrolled: the same weights for each time
    for node in graph.of_kind("FullyConnected"):
        layers.setdefault(node.inputs[1].node, []).append(node.inputs[0])
    return any(
        len(times) > 1 and sum(source.node.is_leaf for source in times) == 1 and any(map(_begins_with, times))
        for times in layers.values()
    )


def _begins_with(state: Output) -> bool:
    leaf = above_shape(state)
    if not leaf.is_leaf or leaf.parameter:
        return False
    values = Output(leaf).value
    return values is not None and bool(values.any())
