"""What is seen of a KVStore of several workers, whose servers may make the updates: they run elsewhere."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

from ...runtime import mx
from .ledger import Buffer
from .serials import Serials
from .step import WeightCopy
from .steps import Steps


@dataclass(frozen=True)
class Sent:
    """An optimiser as it was when the servers got their copy."""

    optimizer: weakref.ref
    rate: float
    rescale: float


class StoreSteps(Steps):
    """Gradients pushed, weights pulled."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._serials = Serials()
        self._pushed: dict[Any, list[Buffer]] = {}
        self._workers: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # of a store
        self._sent: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # to a store's servers

    def optimizer_sent(self, store: mx.kv.KVStore, optimizer: mx.optimizer.Optimizer) -> None:
        """From now on the servers update, as this optimiser would now."""
        if "dist" in store.type:
            self._sent[store] = Sent(weakref.ref(optimizer), _rate(optimizer), optimizer.rescale_grad)

    def before_push(self, store: mx.kv.KVStore, keys: list, values: list[list]) -> None:
        """A KVStore gets gradients: under which key, and of how many workers it adds them."""
        gradients = self.ledger.gradients
        for key, arrays in zip(keys, values, strict=True):
            found = [gradients.get(array.handle.value) for array in arrays]
            self._pushed[text(key)] = [buffer for buffer in found if buffer is not None]
        if store not in self._workers:
            kind = store.type
            self._workers[store] = store.num_workers if "dist" in kind and "async" not in kind else 1
        if self._workers[store] > 1:
            self._step.workers = self._workers[store]

    def pulled(self, store: mx.kv.KVStore, keys: list, arrays: list[list]) -> None:
        """Weights come from servers that update: these parameters were updated."""
        sent = self._sent.get(store)
        optimizer = sent.optimizer() if sent else None
        if optimizer is None:
            return
        step, asked = self._step, _rate(optimizer)
        for key, copies in zip(map(text, keys), arrays, strict=True):
            name = name_of(optimizer, key)
            for buffer in self._pushed.pop(key, []):
                self._updated(name, buffer, optimizer, self._serials.of(store), rescale=sent.rescale)
                buffer.optimised, buffer.fed_before = True, buffer.fed
                step.rates[id(optimizer)] = (sent.rate, sent.rate)
            if step.deep:
                step.weights += [WeightCopy(name, copy.copy()) for copy in copies]
        if step.rates and asked != sent.rate:
            self._trouble(
                "learning-rate",
                f"the learning rate {asked:.4g} was asked for, the servers apply {sent.rate:.4g}: they got the optimiser"
                " once, by set_optimizer, and hear of no change; give it a schedule, or update on the workers"
                " (update_on_kvstore=False)",
            )


def _rate(optimizer: mx.optimizer.Optimizer) -> float:
    schedule = optimizer.lr_scheduler
    return float(optimizer.lr if schedule is None else schedule.base_lr)


def text(key: Any) -> Any:
    """A key as Python has it: MXNet hands names over as bytes."""
    return key.decode() if isinstance(key, bytes) else key


def name_of(optimizer: mx.optimizer.Optimizer, index: Any) -> str:
    """The name of the parameter that an optimiser knows by this index, or key of a store."""
    if index in optimizer.param_dict:
        return optimizer.param_dict[index].name
    return str(optimizer.idx2name.get(index, index))
