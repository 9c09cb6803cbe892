"""The one door to the private parts of MXNet's Module, through which they are read and restored."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..runtime import mx

Arrays = dict[str, mx.nd.NDArray]


class TrainedModule(mx.mod.Module):
    """A Module whose parameters, optimiser and running statistics can be read and restored to the bit.

    The arrays that the methods return are the Module's own, not copies: wait for the engine before reading
    them (`mx.nd.waitall`), and write into them to change them.
    """

    @property
    def devices(self) -> list[mx.Context]:
        """The devices that the module is bound to."""
        return self._context

    @property
    def executors(self) -> list[mx.executor.Executor]:
        """The bound graph of each device."""
        return self._exec_group.execs

    @property
    def parameter_names(self) -> list[str]:
        """The names of the arguments that are not inputs, in the order of their numbers in the optimiser."""
        return self._exec_group.param_names

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Arguments and auxiliary states on the first device, by name.

        `get_params` averages over the devices, even over a single one, and so rounds.
        """
        first = self.executors[0]
        return {name: first.arg_dict[name] for name in self.parameter_names}, first.aux_dict

    def statistics(self) -> list[dict[str, np.ndarray]]:
        """Copy the auxiliary states, such as batch norm's running statistics, of each device."""
        mx.nd.waitall()  # MXNet writes them unannounced
        return [
            {name: array.asnumpy() for name, array in executor.aux_dict.items()}
            for executor in self.executors
        ]

    def learning_rate(self, update: int) -> float:
        """The rate that the optimiser's schedule gives for an update (1 is the first)."""
        return self._optimizer.lr_scheduler(update)

    def optimizer_arrays(self) -> Arrays:
        """The optimiser's own arrays: "momentum:NAME" and, of float16 parameters, "master:NAME" (float32)."""
        found, names = {}, self._optimizer.idx2name
        for key, state in self._updater.states.items():
            # MXNet keeps None, a momentum, or (momentum, master weight).
            momentum, master = state if isinstance(state, tuple) else (state, None)
            name = names.get(key, key)
            found |= {f"momentum:{name}": momentum, f"master:{name}": master}
        return {name: array for name, array in found.items() if array is not None}

    def update_counts(self) -> dict[str, int]:
        """How often each parameter was updated; the largest count is where the schedule is."""
        found: dict[str, int] = {}
        names = self._optimizer.idx2name
        for counts in self._optimizer._all_index_update_counts.values():  # one for each device
            for key, count in counts.items():
                name = names.get(key, key)
                found[name] = max(count, found.get(name, 0))
        return found

    def restore_optimizer(self, counts: dict[str, int]) -> Arrays:
        """Set the counts of updates, by parameter, and make the optimiser's arrays anew; returns them, to be filled."""
        optimizer = self._optimizer
        for index, name in enumerate(self.parameter_names):
            if name not in counts:
                continue
            key, (weight, *_) = self._optimizer_key(index), self._exec_group.param_arrays[index]
            self._updater.states[key] = optimizer.create_state_multi_precision(key, weight)
            self._updater.states_synced[key] = False  # to be brought to the device that updates
            # A KVStore on GPUs spreads the parameters over them: which device updates this one is not known.
            for device in {0, *(context.device_id for context in self.devices)}:
                optimizer._set_current_context(device)
                optimizer._index_update_count[key] = counts[name]
        optimizer.num_update = max(counts.values(), default=0)
        return self.optimizer_arrays()

    def update(self) -> None:
        """As Module's, but parameters of like size together.

        MXNet updates a few neighbours in one operator, which counts to the largest one's size for each of them.
        """
        if self._update_on_kvstore:
            super().update()
            return
        self._params_dirty = True
        group = self._exec_group
        trained = [number for number in self._by_size if group.grad_arrays[number][0] is not None]
        self._updater(
            trained,
            [group.grad_arrays[number][0] for number in trained],
            [group.param_arrays[number][0] for number in trained],
        )

    @cached_property
    def _by_size(self) -> list[int]:
        """The numbers of the parameters, the smallest first."""
        arrays = self._exec_group.param_arrays
        return sorted(range(len(arrays)), key=lambda number: arrays[number][0].size)

    def _optimizer_key(self, index: int) -> int | str:
        """The optimiser's key for the parameter of that number."""
        return index
