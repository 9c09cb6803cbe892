"""The rules described, from their own classes: for a terminal, and as docs/rules.md.

python -m mx_notes.audit.report.handbook > docs/rules.md    # make docs
"""

from __future__ import annotations

import textwrap

from ..rules import Rule, rules

WIDTH = 80
INTRODUCTION = """\
# The rules

`mx-notes audit SCRIPT` asks each of these after every step of a training, or after the last. An `error` says that the
training is wrong, a `warning` that it is worth a look. Rules that need graphs or values look at sampled steps: the
first three, each new shape of batch, then steps 16, 64, 256 and so on. `mx-notes audit --explain RULE` prints one of
them.

This page is written by `make docs` from the rules' own classes in `mx_notes/audit/rules`.
"""


def listing() -> str:
    """Each rule: id, severity, sentence; 80 columns."""
    return "\n".join(_row(id, rule) for id, rule in rules().items())


def _row(id: str, rule: type[Rule]) -> str:
    head = f"{id:20} {rule.severity.value:8} "
    return textwrap.fill(rule.sentence(), WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def explain(id: str) -> str:
    """One rule for a terminal of WIDTH columns. Raises KeyError for an unknown id."""
    rule = rules()[id]
    parts = [f"{id} ({rule.severity.value})", _filled(f"{rule.sentence()}.")]
    parts += [_filled(paragraph) for paragraph in _more(rule)]
    parts += [
        _filled(f"Sees: {rule.sees}."),
        f"Wrong:\n{_indented(rule.wrong)}",
        f"Right:\n{_indented(rule.right)}",
    ]
    if rule.note:
        parts.append(_filled(f"In the note: {rule.note}"))
    return "\n\n".join(parts)


def document() -> str:
    """All rules as Markdown."""
    return "\n".join([INTRODUCTION, *(_section(id, rule) for id, rule in rules().items())])


def _section(id: str, rule: type[Rule]) -> str:
    parts = [f"## {id}", f"**{rule.severity.value.capitalize()}.** {rule.sentence()}.", *_more(rule)]
    parts.append(f"Sees: {rule.sees}.")
    parts.append(f"```python\n# wrong\n{rule.wrong}\n# right\n{rule.right}\n```")
    if rule.note:
        parts.append(f"In the note: {rule.note}")
    return "\n\n".join(parts) + "\n"


def _more(rule: type[Rule]) -> list[str]:
    """The paragraphs of the docstring after its sentence."""
    return [" ".join(paragraph.split()) for paragraph in (rule.__doc__ or "").split("\n\n")[1:]]


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH)


def _indented(code: str) -> str:
    return textwrap.indent(code, "    ")


if __name__ == "__main__":
    print(document(), end="")
