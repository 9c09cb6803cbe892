"""One audit: hooks, recorder and rules together, and what they found."""

from __future__ import annotations

import gc
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from ..runtime import mx
from .attest import Attestation, Witness
from .hooks.attach import attached
from .hooks.telling import unreported
from .rules import RULES, Finding
from .trace.recorder import Recorder
from .trace.step import Message, Step

FIRST_STEPS = 12  # kept for the timeline, however long the training


class AuditError(AssertionError):
    """The audit found that the training is wrong; the message lists the findings."""


class StopAudit(BaseException):
    """Raised in the audited program after the last step that was asked for."""


class Watch:
    """What one audit has seen. `findings` holds the first of each kind, `repeats` how often it came."""

    def __init__(self, max_steps: int | None = None, attest: bool = False) -> None:
        self.findings: list[Finding] = []
        self.repeats: dict[Finding, int] = {}
        self.checked: dict[str, int] = {}  # rule: the steps on which it had something to check
        self.first_steps: list[Step] = []
        self.found_on: dict[int, list[Finding]] = defaultdict(list)  # the first steps: what they repeat
        self.script: str | None = getattr(sys.modules["__main__"], "__file__", None)
        self.recorder = Recorder(on_step=self._judge)
        self._max_steps = max_steps
        self._witness = Witness(self.recorder) if attest else None
        self._finished = False
        self._memory: dict[str, dict] = {id: {} for id in RULES}
        self._rules = {True: list(RULES.values()), False: [r for r in RULES.values() if not r.close]}
        self._seen: dict[tuple, Finding] = {}

    @property
    def steps(self) -> list[Step]:
        """The latest step records, at most 1,000."""
        return list(self.recorder.steps)

    @property
    def number_of_steps(self) -> int:
        """All steps, kept or not."""
        return self.recorder.number_of_steps

    @property
    def attestation(self) -> Attestation | None:
        """What MXNet's profiler says of the first steps, if it was asked."""
        return self._witness.attestation if self._witness else None

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that the training is wrong."""
        return [finding for finding in self.findings if finding.severity == "error"]

    def raise_for_findings(self, allow: tuple[str, ...] = ()) -> None:
        """Raise AuditError if there is a finding of severity `error` from a rule not in `allow`."""
        wrong = [finding for finding in self.errors if finding.rule not in allow]
        if wrong:
            raise AuditError("\n".join(f"{f.rule}, step {f.step}: {f.message}" for f in wrong))

    def report(self) -> str:
        """The report as text."""
        from .report.text import text

        return text(self)

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing, with a timeline of the first steps."""
        from .report.html import html

        return html(self)

    def to_json(self) -> str:
        """The report as JSON, schema 1."""
        totals = self.recorder.totals
        per_step = {
            kind: {str(times): n for (k, times), n in sorted(totals.items()) if k == kind}
            for kind in ("forward", "backward", "update")
        }
        findings = [
            {
                "rule": f.rule,
                "severity": f.severity,
                "step": f.since,
                "message": f.message,
                "file": f.file,
                "line": f.line,
            }
            for f in self.findings
        ]
        report = {
            "schema": 1,
            "steps": self.number_of_steps,
            "per_step": per_step,
            "findings": findings,
            "checked": [id for id in RULES if self.checked.get(id)],
        }
        if self.attestation:
            report["attestation"] = vars(self.attestation) | {"contradicted": self.attestation.contradicted}
        return json.dumps(report, indent=1) + "\n"

    def finish(self) -> None:
        """Judge the last step and the run; once."""
        if self._finished:
            return
        self._finished = True
        with unreported(), _nothing_collected():
            self._max_steps = None
            self.recorder.finish()
            buffers = list(self.recorder.ledger.weights.values())
            self._memory["non-finite"]["buffers"] = buffers
            self._memory["frozen-parameter"]["buffers"] = [*buffers, *self.recorder.ledger.departed]
            self._memory["frozen-parameter"]["handed"] = set().union(*self.recorder.handed.values())
            self._memory["learning-rate"]["schedules"] = list(self.recorder.schedules.values())
            for rule in RULES.values():
                for check in rule.at_end:
                    messages = self._ask(rule, check)
                    if messages is not None:
                        self._enter(rule, messages, None)
            if self._witness:
                self._witness.finish(self.number_of_steps)

    def _judge(self, step: Step) -> None:
        if step.number <= FIRST_STEPS:
            self.first_steps.append(step)
        for rule in self._rules[step.deep]:
            messages = self._ask(rule, rule.on_step, step)
            if messages is not None:
                self._enter(rule, messages, step)
        if self._witness:
            self._witness.on_step(step)
        if self._max_steps is not None and step.number >= self._max_steps:
            raise StopAudit

    def _ask(self, rule, check, *step: Step):
        try:
            return check(*step, self._memory[rule.id])
        except mx.base.MXNetError:
            # An operator of the program has failed, and the first to read its output is told. That is
            # the program itself, here called back, unless it has ended.
            if not self._finished:
                raise
            return None

    def _enter(self, rule, messages, step: Step | None) -> None:
        if step or rule.id not in self.checked:
            self.checked[rule.id] = self.checked.get(rule.id, 0) + 1
        if not messages:
            return
        seen = []
        for message in messages:
            if isinstance(message, str):
                message = Message(message)
            severity, file, line = message.severity or rule.severity, message.file, message.line
            if step and not file:
                file, line = step.file, step.line
            number = step.number if step else None
            since = number or message.step or self.number_of_steps
            finding = Finding(rule.id, severity, message.text, number, file, line, since)
            kind = (rule.id, severity, file, line)
            first = self._seen.setdefault(kind, finding)
            if first is finding:
                self.findings.append(finding)
            if first not in seen:
                seen.append(first)
                self.repeats[first] = self.repeats.get(first, 0) + 1
        if step and step.number <= FIRST_STEPS:
            self.found_on[step.number] += seen


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A network that only cycles hold must not be freed while its arrays are looked at by their handles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def audit(max_steps: int | None = None, attest: bool = False) -> Iterator[Watch]:
    """Audit what MXNet does inside the `with`; an exception in it passes through.

    max_steps: raise StopAudit in the program after so many steps. attest: hold the hooks' counts of the
    first steps against those of MXNet's profiler; networks must be bound inside the `with`.
    """
    with unreported():
        watch = Watch(max_steps, attest)
    # Finished while the hooks still hear of arrays that are freed: their handles must not be used any more.
    with attached(watch.recorder):
        try:
            yield watch
        finally:
            watch.finish()
