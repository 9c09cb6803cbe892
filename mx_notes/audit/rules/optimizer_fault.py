"""The rule optimizer-fault."""

from __future__ import annotations

from collections import defaultdict

from ...runtime.known_faults import known_faults
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, NothingToCheck, Rule, first


class OptimizerFault(Rule):
    """The optimiser is none of those that MXNet is known to compute wrong."""

    id, severity, sampled_only = "optimizer-fault", WARNING, True
    sees = "the kinds of the optimisers, and how many parameters each updater has"
    wrong = 'Trainer(net.collect_params(), "nadam")  # MXNet 1.9.1 has one schedule for all parameters'
    right = 'Trainer(net.collect_params(), "adam")  # or mx-notes run --mend'

    def __init__(self) -> None:
        self.said: set[str] = set()

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for faults that the sweep has measured of an updater of several parameters."""
        parameters: dict[tuple[str, int], set[str]] = defaultdict(set)
        for update in step.updates:
            if update.optimizer is not None:
                parameters[update.optimizer.__name__.lower(), update.updater].add(update.name)
        several = {kind for (kind, _), names in parameters.items() if len(names) > 1}
        faults = [
            f for f in known_faults() if "optimizer" in f.what and several & set(f.operators) - self.said
        ]
        self.said |= several
        messages = [
            f"{fault.case}: MXNet's update is not the one that it promises ({fault.got:.4g} instead of {fault.right:.4g} in"
            f" the worst case measured); {'--mend puts it right, or take ' if fault.mended else ''}{fault.cures[0]}"
            for fault in faults
        ]
        return first(messages) if parameters else NOTHING_TO_CHECK
