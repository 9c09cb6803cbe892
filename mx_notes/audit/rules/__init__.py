"""What must hold of a step, or of a run: one file a rule, found by themselves.

A module of this folder whose name does not begin with _ holds one class derived from Rule:

    class BackwardOnce(Rule):
        \"\"\"Each gradient is written by exactly one backward pass per device between two updates.\"\"\"

        id, severity = "backward-once", ERROR

        def on_step(self, step: Step) -> Findings | NothingToCheck: ...
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType

from ._rule import (
    ERROR,
    NOTHING_TO_CHECK,
    WARNING,
    Findings,
    Message,
    NothingToCheck,
    Rule,
    Severity,
    first,
    warning,
)

__all__ = [
    "ERROR",
    "NOTHING_TO_CHECK",
    "WARNING",
    "Findings",
    "Message",
    "NothingToCheck",
    "Rule",
    "Severity",
    "first",
    "rules",
    "warning",
]


@functools.cache
def rules() -> dict[str, type[Rule]]:
    """All rules by id, in alphabetical order."""
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    return {kind.id: kind for kind in sorted(map(_rule_in, modules), key=lambda kind: kind.id)}


def _rule_in(module: ModuleType) -> type[Rule]:
    (kind,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Rule) and each.__module__ == module.__name__
    )
    return kind
