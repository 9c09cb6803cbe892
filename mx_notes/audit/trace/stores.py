"""What is seen of a KVStore of several workers, whose servers may make the updates: they run elsewhere."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from ...runtime import mx
from ..hooks.listener import Listener
from .ledger import Ledger
from .optimizers import Optimizers, name_of, text
from .resets import remembers
from .step import Noted, Rates, WeightCopy
from .steps import OpenStep


@dataclass(frozen=True)
class Sent:
    """An optimiser as it was when the servers got their copy."""

    optimizer: weakref.ref
    rate: float
    rescale: float


class Stores(Listener):
    """Gradients pushed, weights pulled."""

    def __init__(self, now: OpenStep, books: Ledger, optimizers: Optimizers) -> None:
        self._now, self._books, self._optimizers = now, books, optimizers
        self._workers: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # of a store
        self._sent: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # to a store's servers

    def optimizer_sent(self, store: mx.kv.KVStore, optimizer: mx.optimizer.Optimizer) -> None:
        """From now on the servers update, as this optimiser would now."""
        if "dist" in store.type:
            self._sent[store] = Sent(weakref.ref(optimizer), _rate(optimizer), optimizer.rescale_grad)

    def before_push(self, store: mx.kv.KVStore, key: Any, value: Any) -> None:
        """A KVStore gets gradients: under which key, and of how many workers it adds them."""
        gradients = self._books.gradients
        for each, arrays in _by_key(key, value):
            found = [gradients.get(array.handle.value) for array in arrays]
            self._books.pushed[each] = [buffer for buffer in found if buffer is not None]
        if store not in self._workers:
            kind = store.type
            self._workers[store] = store.num_workers if "dist" in kind and "async" not in kind else 1
        if self._workers[store] > 1:
            self._now.step.workers = self._workers[store]

    def pulled(self, store: mx.kv.KVStore, key: Any, out: Any) -> None:
        """Weights come from servers that update: these parameters were updated."""
        sent = self._sent.get(store)
        optimizer = sent.optimizer() if sent else None
        if optimizer is None:
            return
        step, asked = self._now.step, _rate(optimizer)
        facts = {"optimizer": type(optimizer), "remembers": remembers(optimizer), "rescale": sent.rescale}
        for each, copies in _by_key(key, out):
            name = name_of(optimizer, each)
            for buffer in self._books.pushed.pop(each, []):
                self._now.updated(name, buffer, updater=self._optimizers.number_of(store), **facts)
                buffer.optimised, buffer.fed_before = True, buffer.fed
                step.rates[self._optimizers.number_of(optimizer)] = Rates(sent.rate, sent.rate)
            if step.sampled:
                for copy in copies:
                    step.weights += WeightCopy.of(name, copy, self._now.stride(copy))
        if step.rates and asked != sent.rate:
            self._now.note(Noted.SERVERS_KEEP_RATE, numbers=(asked, sent.rate))


def _by_key(key: Any, value: Any) -> list[tuple[Any, list]]:
    """Each key with its arrays: KVStore takes one key or several, and for each one array or one per device."""
    if not isinstance(key, (list, tuple)):
        key, value = [key], [value]
    arrays = [list(each) if isinstance(each, (list, tuple)) else [each] for each in value]
    return list(zip(map(text, key), arrays, strict=True))


def _rate(optimizer: mx.optimizer.Optimizer) -> float:
    schedule = optimizer.lr_scheduler
    return float(optimizer.lr if schedule is None else schedule.base_lr)
