"""The pytest fixture `training_audit`, and `--mx-audit`, which audits every test that trains.

def test_my_loop(training_audit):
    train(epochs=1)
    training_audit.assert_backward_once()
    training_audit.assert_gradients()
    training_audit.assert_no_findings(allow=["input-scale"])

@pytest.mark.mx_audit(allow=["mean-loss"])    # these rules' findings are accepted in this test
def test_another(): ...
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .settings import Settings
    from .watch import Watch

MARKER = "mx_audit"
FIXTURE = "training_audit"


class AuditWarning(pytest.PytestWarning):
    """A finding of severity `warning` in a test under --mx-audit."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--mx-audit."""
    parser.getgroup("mx_notes").addoption(
        "--mx-audit",
        action="store_true",
        help="audit the MXNet training in every test; an error fails the test",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", f"{MARKER}(allow): rules whose findings the audit of this test accepts"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run the test under the audit, where --mx-audit asks for it and the test has none of its own."""
    if not item.config.getoption("--mx-audit") or FIXTURE in getattr(item, "fixturenames", ()):
        return (yield)
    from .watch import audit

    settings = _settings(item)
    with audit(settings=settings) as watch:
        result = yield
    if watch.number_of_steps:
        _judge(item, watch, settings.strict)
    return result


def _judge(item: pytest.Item, watch: Watch, strict: bool) -> None:
    summary = watch.summary()
    if summary.errors or (strict and summary.warnings):
        pytest.fail(watch.report(), pytrace=False)
    for finding in summary.warnings:
        item.warn(AuditWarning(str(finding)))


def _settings(item: pytest.Item) -> Settings:
    """What pyproject.toml and the test's marker say. Raises UsageError for what is wrong there."""
    from ..errors import UserError
    from .settings import settings_for

    allowed = [rule for mark in item.iter_markers(MARKER) for rule in mark.kwargs.get("allow", ())]
    try:
        return settings_for(item.path.parent).ignoring(allowed, f"@pytest.mark.{MARKER}")
    except UserError as error:
        raise pytest.UsageError(str(error)) from None


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

    def assert_gradients(self) -> None:
        """The gradients of the first backward passes are the derivative of their loss; some could be judged.

        A backward pass written by hand counts, too; where it is meant to be another, as a straight-through estimator
        is, `@pytest.mark.mx_audit(allow=["loss-derivative"])` accepts it.
        """
        from .rules.changed_since_forward import ChangedSinceForward
        from .rules.loss_derivative import LossDerivative

        summary = self.watch.summary()
        rules = (LossDerivative.id, ChangedSinceForward.id)
        wrong = [str(finding) for finding, _ in summary.findings if finding.rule in rules]
        assert not wrong, "\n".join(wrong)
        assert summary.gradients.passes, f"no gradient could be judged: {summary.gradients.text}"

    def assert_no_findings(self, allow: Collection[str] = ()) -> None:
        """No rule found anything that is not accepted, of either severity; there was a step at all.

        Accepted is what the rules in `allow` found, the test's marker, a comment or pyproject.toml. Raises
        ValueError for an id that is not a rule's.
        """
        from .rules import rules

        unknown = set(allow) - set(rules())
        if unknown:
            raise ValueError(f"allow={sorted(unknown)}: not a rule; rules are {', '.join(rules())}")
        watch = self.watch
        assert watch.number_of_steps, "no step of training was seen: nothing was updated inside the test"
        found = [finding for finding, _ in watch.summary().findings]
        assert all(finding.rule in allow for finding in found), watch.report()


@pytest.fixture
def training_audit(request: pytest.FixtureRequest) -> Iterator[TrainingAudit]:
    """Audit the MXNet training in this test; see mx_notes.audit.pytest_plugin."""
    from .watch import audit  # opens MXNet, so only where it is asked for

    with ExitStack() as stack:
        yield TrainingAudit(stack.enter_context(audit(settings=_settings(request.node))), stack)
