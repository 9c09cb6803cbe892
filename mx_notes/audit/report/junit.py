"""The audit as JUnit's XML, which CI servers show as tests: one suite a process, one test a rule."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from ..finding import Finding
from ..places import in_words
from .summary import RuleState, State, Summary
from .text import printable


def junit(summary: Summary) -> str:
    """Errors are failures, warnings are words beside a test that passed; nothing to look at is skipped."""
    suites = Xml.Element("testsuites", name="mx_notes audit")
    for process in summary.processes:
        _suite(suites, process)
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _suite(suites: Xml.Element, summary: Summary) -> None:
    name = printable(summary.script or "audit")
    suite = Xml.SubElement(suites, "testsuite", name=name)
    known = [rule.id for rule in summary.rules]
    # A script that opened no MXNet has findings and no rules.
    lone = [
        RuleState(f.rule, "", State(f.severity.value), 0) for f, _ in summary.findings if f.rule not in known
    ]
    for rule in [*summary.rules, *lone]:
        found = [finding for finding, _ in summary.findings if finding.rule == rule.id]
        case = Xml.SubElement(suite, "testcase", classname="mx_notes.audit", name=rule.id)
        if rule.state is State.ERROR:
            Xml.SubElement(case, "failure", message=printable(found[0].message)).text = _said(found)
        elif rule.state is State.WARNING:
            Xml.SubElement(case, "system-out").text = _said(found)
        elif rule.state is State.ACCEPTED:
            accepted = [each.words for each in summary.accepted if each.finding.rule == rule.id]
            Xml.SubElement(case, "system-out").text = printable("\n".join(["accepted", *accepted]))
        elif rule.state is State.UNCHECKED:
            Xml.SubElement(case, "skipped", message="nothing to look at")
        elif rule.state is State.STOPPED:
            Xml.SubElement(case, "error", message="the rule stopped")
    if summary.status is not None:
        case = Xml.SubElement(suite, "testcase", classname="mx_notes.audit", name="the script's status")
        if summary.status:
            Xml.SubElement(case, "failure", message=f"the script ended with status {summary.status}")
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("tests", str(len(suite)))


def _said(findings: list[Finding]) -> str:
    return printable(
        "\n".join(
            f"{each.severity.value} ({each.when}) {in_words(each.place)}: {each.message}" for each in findings
        )
    )
