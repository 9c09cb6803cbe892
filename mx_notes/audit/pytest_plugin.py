"""The pytest fixture `training_audit`: inspect a training loop of your own in five lines.

def test_my_loop(training_audit):
    train(epochs=1)
    training_audit.assert_backward_once()
    training_audit.assert_no_findings(allow=["input-scale"])
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .watch import Watch


class TrainingAudit:
    """An audit of all that MXNet does in a test, up to the first question asked."""

    def __init__(self, watch: Watch, open_audit: ExitStack) -> None:
        self._watch, self._open_audit = watch, open_audit

    @property
    def watch(self) -> Watch:
        """Steps, findings and reports; the audit ends here."""
        self._open_audit.close()
        return self._watch

    def assert_backward_once(self) -> None:
        """Every step was forward, then one backward pass, then the update; there was a step at all."""
        from .rules.backward_once import BackwardOnce
        from .rules.call_order import CallOrder

        watch = self.watch
        counts = watch.summary().calls.get("backward", {})
        assert counts, "no step of training was seen: nothing was updated inside the test"
        wrong = [f for f in watch.findings if f.rule in (BackwardOnce.id, CallOrder.id)]
        said = "".join(f"\n{finding}" for finding in wrong)
        steps = ", ".join(f"{times} on {n} steps" for times, n in counts.items())
        assert set(counts) == {1} and not wrong, f"backward passes per step: {steps}{said}"

    def assert_no_findings(self, allow: Collection[str] = ()) -> None:
        """No rule found anything, of either severity, but for the rules in `allow`; there was a step at all.

        Raises ValueError for an id that is not a rule's.
        """
        from .rules import rules

        unknown = set(allow) - set(rules())
        if unknown:
            raise ValueError(f"allow={sorted(unknown)}: not a rule; rules are {', '.join(rules())}")
        watch = self.watch
        assert watch.number_of_steps, "no step of training was seen: nothing was updated inside the test"
        assert all(finding.rule in allow for finding in watch.findings), watch.report()


@pytest.fixture
def training_audit() -> Iterator[TrainingAudit]:
    """Audit the MXNet training in this test; see mx_notes.audit.pytest_plugin."""
    from .watch import audit  # opens MXNet, so only where it is asked for

    with ExitStack() as stack:
        yield TrainingAudit(stack.enter_context(audit()), stack)
