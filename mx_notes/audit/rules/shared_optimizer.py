"""The rule shared-optimizer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..events import Place
from ..graph.graph import Graph, Node, above_shape
from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule
from ._targets import targets

KEPT = 64  # terms of losses that are remembered


@dataclass(frozen=True)
class Term:
    """Scores that are all to be the same number, such as 1 for true.

    parameters: those behind the scores, by the handle of their array, in executors by name. trained: those among
    them that one optimiser updated in this step.
    """

    target: float
    parameters: frozenset[int | str]
    trained: frozenset[int | str]
    step: int
    place: Place


class SharedOptimizer(Rule):
    """Networks that work against each other have an optimiser each."""

    id, severity, sampled_only = "shared-optimizer", WARNING, True
    sees = "losses whose targets are all one number, the parameters behind them and who updates these, on sampled steps"
    wrong = 'trainer = Trainer({**generator.collect_params(), **critic.collect_params()}, "adam")'
    right = (
        'trainers = [Trainer(net.collect_params(), "adam") for net in (generator, critic)]'
        "  # step one at a time"
    )

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.found = False

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for a network that is trained to tell something apart and, by the same optimiser, not to."""
        new = [term for look in step.looks for term in _terms(look.graph, step)]
        self.terms = [*self.terms, *new][:KEPT]
        if not new or len({term.target for term in self.terms}) < 2:
            return NOTHING_TO_CHECK
        deceived = next((term for term in new if self._is_judge_trained(term)), None)
        if deceived is None or self.found:
            return []
        self.found = True
        return [
            Message(
                "the network that tells true from false is trained here towards the wrong answer, too: the optimiser that"
                " updates it updates the network that it judges with the same gradients; give each of the two networks"
                " a Trainer (optimiser) of its own, and step one at a time",
                place=deceived.place,
            )
        ]

    def _is_judge_trained(self, term: Term) -> bool:
        """Whether the term goes through one network into another, that elsewhere learns the opposite, and moves both."""
        opposed = [t for t in self.terms if t.target != term.target and t.trained]
        for alone in self.terms:
            judge = alone.parameters
            if judge < term.parameters and judge & term.trained and (term.parameters - judge) & term.trained:
                opposite = [t for t in opposed if judge <= t.parameters and judge & t.trained & term.trained]
                if opposite and alone.target == term.target:
                    return True
        return False


def _terms(graph: Graph, step: Step) -> Iterable[Term]:
    for node, target in targets(graph):
        leaf = above_shape(target)
        values = target.value if leaf.is_leaf or not leaf.inputs else None
        if values is not None and values.size > 1 and not np.ptp(values):
            parameters = frozenset(_key(each) for each in graph.above(node) if each.parameter)
            trained = _updated_together(step, parameters)
            if parameters:
                yield Term(float(values.flat[0]), parameters, trained, step.number, step.place)


def _updated_together(step: Step, parameters: frozenset[int | str]) -> frozenset[int | str]:
    """Of these parameters those that the optimiser updated that updated the most of them."""
    groups: dict[int, set[int | str]] = {}
    for update in step.updates:
        names = {update.name} | ({update.buffer.weight} if update.buffer is not None else set())
        groups.setdefault(update.updater, set()).update(names & parameters)
    return frozenset(max(groups.values(), key=len, default=()))


def _key(leaf: Node) -> int | str:
    return leaf.handle or leaf.name
