"""The second witness: which operators MXNet's engine executed, as its own profiler counts them.

The hooks count calls in Python. A backward pass that the engine runs executes the gradient of each layer
with parameters once (`_backward_Convolution` and so on): as often as there are such layers in the graphs
of the passes that the hooks counted, no more and no less. Held against each other over the first steps.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..runtime import mx
from .finding import Attestation
from .graph.operators import WITH_GRADIENT_OPERATOR
from .graph.values import wait_for_all
from .trace.step import Step

STEPS = 3  # the first ones, all of which are looked at closely
BACKWARD_CALLS = ("MXExecutorBackwardEx", "MXAutogradBackwardEx", "MXAutogradBackward")
MERGING = "MXNET_EXEC_BULK_EXEC_TRAIN"


class Witness:
    """The profiler over the first steps. Make it before the program binds its networks."""

    def __init__(self) -> None:
        self.attestation: Attestation | None = None
        self._expected: Counter = Counter()
        self._compared = 0
        self._folder = tempfile.TemporaryDirectory()
        # Operators that the engine merges would be counted under one name.
        self._merging = os.environ.get(MERGING)
        os.environ[MERGING] = "0"
        mx.profiler.set_config(
            profile_symbolic=True,
            profile_imperative=True,
            profile_api=True,
            aggregate_stats=True,
            filename=str(Path(self._folder.name, "profile.json")),
        )
        mx.profiler.set_state("run")

    @contextmanager
    def looking_away(self) -> Iterator[None]:
        """What runs inside is the audit's own, and is not counted."""
        if self.attestation is not None:
            yield
            return
        wait_for_all()
        mx.profiler.pause()
        try:
            yield
        finally:
            mx.nd.waitall()
            mx.profiler.resume()

    def on_step(self, step: Step, passes: int) -> None:
        """Count a step's backward passes and the layers in their graphs; after the last, ask the profiler.

        passes: backward passes that the hooks have counted so far.
        """
        if self.attestation is not None:
            return
        self._compared += len(step.looks)
        for look in step.looks:
            for node in look.graph.of_kind(*WITH_GRADIENT_OPERATOR):
                if any(each.node.is_leaf and each.node.parameter for each in node.inputs):
                    self._expected[f"_backward_{node.op.removeprefix('_')}"] += 1
        if step.number == STEPS:
            self.finish(step.number, passes)

    def finish(self, steps: int, passes: int) -> None:
        """Stop the profiler and compare, unless that has been done."""
        if self.attestation is not None:
            return
        mx.nd.waitall()
        executed = _counts(mx.profiler.dumps(reset=True, format="json"))
        mx.profiler.set_state("stop")
        if self._merging is None:
            del os.environ[MERGING]
        else:
            os.environ[MERGING] = self._merging
        self._folder.cleanup()
        self.attestation = Attestation(
            steps,
            passes,
            sum(executed[name] for name in BACKWARD_CALLS),
            self._compared,
            dict(self._expected),
            {name: executed[name] for name in self._expected},
        )


def _counts(table: str) -> Counter:
    """How often everything in the profiler's table ran, by name."""
    counts: Counter = Counter()
    for kind in json.loads(table).get("Time", {}).values():
        for name, numbers in kind.items():
            counts[name] += int(numbers["Count"])
    return counts
