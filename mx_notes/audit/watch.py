"""One audit: hooks, recorder and rules together, and what they found."""

from __future__ import annotations

import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from html import escape
from importlib import metadata

import numpy as np

from ..runtime import mx
from .attest import Attestation, Witness
from .confirm.confirmation import Confirmation
from .confirm.gradient_check import BUDGET, Derivatives
from .events import NOWHERE
from .finding import Finding, Severity, StepEvents
from .hooks.attach import attached
from .hooks.listener import Listener
from .hooks.telling import Unreadable, audience, pay, strict, unreported
from .ignores import ignores_in, users_files
from .report.accepting import accept
from .report.summary import RuleState, State, Summary, plural
from .rules import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule, rules
from .settings import Settings
from .trace.recorder import Recorder
from .trace.step import Noted, RunFacts, Step

FIRST_STEPS = 12  # kept for the timeline, however long the training
ELSEWHERE = "backward passes ran in other threads, where they are not seen: no rule judges their graphs"
FRAME = """<iframe srcdoc="{}" title="audit" style="width: 100%; height: 30rem; border: 0; resize: vertical; \
overflow: auto"></iframe>"""
CALLS = ("forward", "backward", "update", "micro-batches")


class AuditError(AssertionError):
    """The audit found that the training is wrong; the message lists the findings."""


class StopAudit(SystemExit):
    """Raised in the audited program after the last step that was asked for: it ends with status 0."""

    def __init__(self) -> None:
        super().__init__(0)


class Watch:
    """What one audit has seen. `findings` holds the first of each kind, `repeats` how often it came."""

    def __init__(
        self,
        max_steps: int | None = None,
        attest: bool = False,
        confirmation: Confirmation | None = None,
        on_stop: Callable[[int], None] | None = None,
        settings: Settings | None = None,
        on_step: Callable[[], None] | None = None,
        check_gradients: bool | float = True,
    ) -> None:
        self.findings: list[Finding] = []
        self.repeats: Counter[Finding] = Counter()
        self.checked: Counter[str] = Counter()  # rule: the steps on which it had something to check
        self.failures: list[str] = []  # parts of the audit that stopped
        self.remarks: list[str] = []  # what the audit could not see
        self.script: str | None = getattr(sys.modules["__main__"], "__file__", None)
        self._first_steps: list[StepEvents] = []
        self._sampled: list[int] = []
        self._found_on: dict[int, list[Finding]] = defaultdict(list)  # the first steps: what they repeat
        self._rules: list[Rule] = [kind() for kind in rules().values()]
        self._stepping = [rule for rule in self._rules if type(rule).on_step is not Rule.on_step]
        self._always_stepping = [rule for rule in self._stepping if not rule.sampled_only]
        self._stopped: set[str] = set()
        self._seen: dict[tuple, Finding] = {}
        self._max_steps, self._stops = max_steps, 0
        self._on_stop = on_stop or _stop
        self._settings, self._on_step = settings or Settings(), on_step
        self._finished = False
        self.recorder = (
            Recorder([self._judge]) if confirmation is None else confirmation.recorder(self._judge)
        )
        budget = BUDGET if check_gradients is True else float(check_gradients)
        self._witness = Witness() if attest else None
        apart = self._witness.looking_away if self._witness else nullcontext
        self._derivatives = (
            Derivatives(self.recorder.now, self.recorder.ledger, budget, apart) if budget > 0 else None
        )

    @property
    def listeners(self) -> list[Listener]:
        """What is to be attached, in this order."""
        return [*self.recorder.listeners, *([self._derivatives] if self._derivatives else [])]

    @property
    def steps(self) -> list[Step]:
        """The latest step records, at most 1,000."""
        return list(self.recorder.now.closed)

    @property
    def number_of_steps(self) -> int:
        """All steps, kept or not."""
        return self.recorder.now.steps_done

    @property
    def attestation(self) -> Attestation | None:
        """What MXNet's profiler says of the first steps, if it was asked."""
        return self._witness.attestation if self._witness else None

    @property
    def errors(self) -> list[Finding]:
        """The findings that say that the training is wrong, without those that were accepted."""
        return self.summary().errors

    def raise_for_findings(self, allow: Collection[str] = ()) -> None:
        """Raise AuditError if there is a finding of severity `error` from a rule not in `allow`."""
        wrong = [finding for finding in self.errors if finding.rule not in allow]
        if wrong:
            raise AuditError("\n".join(map(str, wrong)))

    def summary(self) -> Summary:
        """What was found, as plain data, with what was accepted set apart."""
        return accept(self.all_found(), self._settings)

    def all_found(self) -> Summary:
        """What was found, as plain data, accepted or not."""
        totals = self.recorder.now.totals
        kinds = [kind for kind in CALLS if any(of == kind for of, _ in totals)]
        order = list(Severity)
        files = users_files([self.script, *(finding.file for finding in self.findings)])
        return Summary(
            script=self.script,
            status=None,
            steps=self.number_of_steps,
            findings=[
                (finding, self.repeats[finding])
                for finding in sorted(self.findings, key=lambda each: order.index(each.severity))
            ],
            rules=[self._state(rule) for rule in self._rules],
            calls={kind: {n: totals[kind, n] for of, n in sorted(totals) if of == kind} for kind in kinds},
            failures=self.failures,
            remarks=self.remarks,
            gradients=self._derivatives.check if self._derivatives else None,
            first_steps=self._first_steps,
            found_on=self._found_on,
            attestation=self.attestation,
            versions=_versions(),
            program=self.script,
            sampled=self._sampled,
            ignores=[ignore for file in files for ignore in ignores_in(file)],
        )

    def report(self, verbose: bool = False) -> str:
        """The report as text. verbose: with a line per rule."""
        from .report.text import text

        return text(self.summary(), verbose)

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing, with a timeline of the first steps."""
        from .report.html import html

        return html(self.summary())

    def to_json(self) -> str:
        """The report as JSON; docs/ci.md has the schema."""
        from .report.json import json

        return json(self.summary())

    def __repr__(self) -> str:
        summary = self.summary()
        found = ", ".join(dict.fromkeys(finding.rule for finding, _ in summary.findings))
        return f"<Watch: {plural(summary.steps, 'step')}, {found or 'nothing found'}>"

    def _repr_html_(self) -> str:
        """The page in a notebook's cell, kept apart from the notebook's own styles by a frame."""
        return FRAME.format(escape(self.to_html()))

    def finish(self, trained_elsewhere: bool = False, failed: bool = False) -> None:
        """Judge the last step and the run; once.

        trained_elsewhere: a child process trained. failed: an exception that nobody caught ends the program.
        """
        if self._finished:
            return
        self._finished = True
        self._max_steps = None
        with unreported():
            audience().settle()
            try:
                with suppress(Unreadable):
                    self.recorder.finish()
                facts = self.recorder.facts(trained_elsewhere, stopped=self._stops > 0, failed=failed)
            except Exception as error:
                self.failed(error)
            else:
                with np.errstate(all="ignore"):
                    for rule in self._rules:
                        self._ask(rule, rule.at_end, facts)
            if self._witness:
                self._witness.finish(self.number_of_steps, self.recorder.now.passes)
            self.recorder.release()

    def failed(self, error: Exception) -> None:
        """Note that the trace itself has failed: nothing is judged from here on."""
        if strict():
            raise error
        self.failures.append(
            f"the audit stopped at step {self.number_of_steps + 1}: {_line(error)}; please report this"
        )
        self._stopped.update(rule.id for rule in self._rules)

    def _judge(self, step: Step) -> None:
        if step.number <= FIRST_STEPS:
            self._first_steps.append(StepEvents(step.number, step.sampled, step.events))
        if step.sampled:
            self._sampled.append(step.number)
        if ELSEWHERE not in self.remarks and step.noted(Noted.BACKWARD_ELSEWHERE):
            self.remarks.append(ELSEWHERE)
        with np.errstate(all="ignore") if step.sampled else nullcontext():
            for rule in self._stepping if step.sampled else self._always_stepping:
                self._ask(rule, rule.on_step, step)
        if self._witness:
            self._witness.on_step(step, self.recorder.now.passes)
        if self._on_step:
            self._on_step()
        if self._max_steps is not None and step.number >= self._max_steps:
            self._stops += 1
            self._on_stop(self._stops)

    def _ask(
        self, rule: Rule, question: Callable[..., Findings | NothingToCheck], about: Step | RunFacts
    ) -> None:
        if rule.id in self._stopped:
            return
        try:
            found = question(about)
        except Unreadable:
            return  # an operator of the program has failed, of which the program is told where it waits itself
        except Exception as error:
            if strict():
                raise
            self._stopped.add(rule.id)
            self.failures.append(
                f"rule {rule.id} stopped at step {self.number_of_steps}: {_line(error)}; please report this"
            )
            return
        if found is NOTHING_TO_CHECK:
            return
        step = about if isinstance(about, Step) else None
        if step or rule.id not in self.checked:
            self.checked[rule.id] += 1
        if found:
            self._enter(rule, found, step)

    def _enter(self, rule: Rule, messages: list[Message], step: Step | None) -> None:
        seen = []
        for message in messages:
            finding = Finding(
                rule=rule.id,
                severity=message.severity or rule.severity,
                message=message.text,
                step=step.number if step else message.step or self.number_of_steps,
                whole_run=step is None,
                place=message.place
                if message.place and message.place.file
                else step.place
                if step
                else NOWHERE,
            )
            kind = (finding.rule, finding.severity, finding.place)
            first = self._seen.setdefault(kind, finding)
            if first is finding:
                self.findings.append(finding)
            if first not in seen:
                seen.append(first)
                self.repeats[first] += 1
        if step and step.number <= FIRST_STEPS:
            self._found_on[step.number] += seen

    def _state(self, rule: Rule) -> RuleState:
        severities = {finding.severity for finding in self.findings if finding.rule == rule.id}
        checked = self.checked[rule.id]
        if severities:
            state = State.ERROR if ERROR in severities else State.WARNING
        elif rule.id in self._stopped:
            state = State.STOPPED
        else:
            state = State.HELD if checked else State.UNCHECKED
        return RuleState(rule.id, rule.sentence(), state, checked)


def _stop(times: int) -> None:
    raise StopAudit


def _versions() -> dict[str, str]:
    """The versions that a report depends on."""
    found = {
        "MXNet": mx.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }
    with suppress(metadata.PackageNotFoundError):  # run from a checkout
        found["mx_notes"] = metadata.version("mx_notes")
    return found


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


@contextmanager
def audit(
    max_steps: int | None = None,
    attest: bool = False,
    confirmation: Confirmation | None = None,
    on_stop: Callable[[int], None] | None = None,
    check_gradients: bool | float = True,
    settings: Settings | None = None,
    on_step: Callable[[], None] | None = None,
) -> Iterator[Watch]:
    """Audit what MXNet does inside the `with`; an exception in it passes through.

    max_steps: raise StopAudit in the program after so many steps. attest: hold the hooks' counts of the
    first steps against those of MXNet's profiler; networks must be bound inside the `with`. confirmation:
    recomputes gradients and updates on some steps, too. on_stop: called instead of raising StopAudit, with the
    number of steps beyond the last. check_gradients: hold the gradients of a few steps against the loss's own
    derivative, for at most 5 s of the run, or for as many seconds as are given; False or 0: don't. settings: rules that are switched off, and severities. on_step: called after each
    step was judged.
    """
    with unreported():
        watch = Watch(max_steps, attest, confirmation, on_stop, settings, on_step, check_gradients)
    with attached(*watch.listeners, failed=watch.failed):
        try:
            yield watch
        finally:
            watch.finish()
        mx.base.check_call(pay())
