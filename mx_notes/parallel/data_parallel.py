"""One batch on several devices, of one worker or of many, and one update from all of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UserError
from ..runtime import mx
from .module import TrainedModule
from .workers import Workers


def shares(examples: int, devices: int) -> list[int]:
    """How many examples of a batch each device gets: as equal as can be, the larger shares first."""
    return [examples // devices + (device < examples % devices) for device in range(devices)]


class DataParallel(TrainedModule):
    """A Module on several devices, of one worker or of many, that updates as one device with the whole batch would.

    Each device runs its share of the batch forward and backward. The gradient at the head of each example's
    loss is 1/N, with N the number of examples in the whole batch, so that the KVStore's sum over the devices
    is the gradient of the batch's mean loss, whatever the shares. The KVStore also keeps the weights and
    updates them, once, so that the devices cannot drift apart. A batch of fewer examples than devices goes to
    the first device alone. With several workers, each has such a KVStore, which gets the sum over all workers.

    Batch norm normalises each share by the share's own mean and variance; one device would take the whole
    batch's. `gluon.contrib.nn.SyncBatchNorm(num_devices=k)` takes them over all devices, exactly where the
    shares are equal (on CPUs only with MXNET_CPU_WORKER_NTHREADS above k: its threads wait for each other).
    Running statistics differ from device to device while training; before an inference every device gets
    their mean.
    """

    def __init__(
        self, symbol: mx.sym.Symbol, devices: list[mx.Context], workers: Workers | None = None, **options: Any
    ) -> None:
        """Split the batches of a network with its loss, as `models.mean_cross_entropy` makes it.

        workers: those of the job, if there is one. options: as Module's.
        """
        internals = symbol.get_internals()
        outputs = mx.sym.Group([internals["losses_output"], internals["probabilities_output"]])
        super().__init__(outputs, ("data",), ("softmax_label",), context=devices, **options)
        self._workers = workers or Workers()
        self._whole = 0  # examples of the batch, on all workers
        self._first: TrainedModule | None = None  # the first device alone, sharing its arrays
        self._few = False  # whether the batch went to the first device alone
        self._averaged = False  # whether running statistics are the same on all devices

    def bind(self, data_shapes: list, label_shapes: list | None = None, **options: Any) -> None:
        """As Module's; raises UserError for a batch of fewer examples than there are devices."""
        batch, devices = data_shapes[0].shape[0], len(self.devices)
        if batch < devices:
            raise UserError(
                f"a batch of {batch} on {devices} devices: each needs an example; use a larger batch_size or fewer devices"
            )
        self._work_load_list = shares(batch, devices)
        super().bind(data_shapes, label_shapes, **options)

    def init_optimizer(self, kvstore: mx.kv.KVStore | None = None, *arguments: Any, **options: Any) -> None:
        """As Module's; without a KVStore, one on the devices makes the sums (GPUs) or one on the CPU."""
        if kvstore is None:
            on_gpus = all(context.device_type == "gpu" for context in self.devices)
            kvstore = mx.kv.create("device" if on_gpus else "local")
        super().init_optimizer(kvstore, *arguments, **options)
        if not self._update_on_kvstore:
            raise UserError("MXNET_UPDATE_ON_KVSTORE=0: on several devices the KVStore updates; unset it")
        self._updater = kvstore._updater
        self._first = None

    def set_params(self, *arguments: Any, **options: Any) -> None:
        """As Module's, which alone would leave the KVStore's own weights as they were, and update those next."""
        super().set_params(*arguments, **options)
        store = self._kvstore
        if store is not None:
            updater = store._updater
            store._set_updater(_assign)
            store.push(self._param_names, [self._arg_params[name] for name in self._param_names])
            store._set_updater(updater)

    def forward(self, data_batch: mx.io.DataBatch, is_train: bool | None = None) -> None:
        """As Module's, for a batch of any number of examples."""
        training = self.for_training if is_train is None else is_train
        if not training and not self._averaged:
            self._average_statistics()
        self._averaged = not training
        examples, devices = len(data_batch.data[0]), len(self.devices)
        self._whole = getattr(data_batch, "whole", examples)
        self._few = examples < devices
        if self._few:
            self._on_first(data_batch).forward(data_batch, training)
        else:
            self._exec_group.workload = shares(examples, devices)
            super().forward(data_batch, training)

    def backward(self, out_grads: None = None) -> None:
        """Compute the gradient of the whole batch's mean loss, a part of it on each device."""
        executors = (self._first if self._few else self).executors
        # All made before the first backward: SyncBatchNorm keeps a device's thread until the others have come.
        heads = []
        for executor in executors:
            losses, probabilities = executor.outputs
            heads.append(
                [mx.nd.full(losses.shape, 1 / self._whole, losses.context), probabilities.zeros_like()]
            )
        for executor, head in zip(executors, heads, strict=True):
            executor.backward(head)

    def update(self) -> None:
        """Sum the gradients over the devices, update once, and give every device the new weights."""
        if self._workers.connected:
            self._update_with_workers()
        elif self._few:
            self._first.update()
            self._kvstore.pull(self._param_names, self._exec_group.param_arrays)
            self._params_dirty = True
        else:
            super().update()

    def _update_with_workers(self) -> None:
        gradients = (self._first if self._few else self)._exec_group.grad_arrays
        for index, name in enumerate(self._param_names):
            if gradients[index][0] is None:
                continue
            # The last layers' gradients are ready first, but the next step needs the first layers' weights first.
            self._workers.sum(index, gradients[index], priority=-index)
            self._kvstore.push(name, gradients[index][:1], priority=-index)
            self._kvstore.pull(name, self._exec_group.param_arrays[index], priority=-index)
        self._params_dirty = True

    def get_outputs(self, merge_multi_context: bool = True) -> list[mx.nd.NDArray]:
        """[mean loss (1,), probabilities (N, classes)] of the whole batch, or of this worker's share."""
        losses, probabilities = self._parts()
        return [losses.mean(), probabilities]

    def _parts(self) -> list[mx.nd.NDArray]:
        """The losses (N,) and the probabilities (N, classes)."""
        return self._first.get_outputs() if self._few else super().get_outputs()

    def _on_first(self, batch: mx.io.DataBatch) -> TrainedModule:
        if self._first is None:
            self._first = TrainedModule(
                self.symbol,
                self.data_names,
                self._label_names,
                context=self.devices[0],
                fixed_param_names=self._fixed_param_names,
            )
            self._first.bind(batch.provide_data, batch.provide_label, shared_module=self)
        return self._first

    def statistics(self) -> list[dict[str, np.ndarray]]:
        """Copy the auxiliary states of each device of each worker, in this order; needs all workers."""
        own = super().statistics()
        if not own[0]:
            return [{}]
        ends = np.cumsum([array.size for array in own[0].values()])
        numbers = np.concatenate([array.ravel() for each in own for array in each.values()])
        return [
            {
                name: part.astype(array.dtype).reshape(array.shape)
                for (name, array), part in zip(own[0].items(), np.split(row, ends[:-1]), strict=True)
            }
            for row in self._workers.collect(numbers).reshape(-1, ends[-1])
        ]

    def _average_statistics(self) -> None:
        found = self.statistics()
        for name, arrays in zip(self._aux_names, self._exec_group.aux_arrays, strict=True):
            average = mean([each[name] for each in found])
            for array in arrays:
                array[:] = average

    def _optimizer_key(self, index: int) -> str:
        return self.parameter_names[index]  # a KVStore's optimiser knows names only


def mean(arrays: list[np.ndarray]) -> np.ndarray:
    """The mean of equally shaped arrays. If all are equal it is their value to the last bit."""
    first, *others = arrays
    return first + sum(other - first for other in others) / len(arrays) if others else first


def _assign(key: str, value: mx.nd.NDArray, stored: mx.nd.NDArray) -> None:
    stored[:] = value
