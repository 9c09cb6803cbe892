"""Comments by which a program accepts what the audit finds on a line.

trainer.step(1)  # mx-notes: ignore[mean-loss] the sum is meant here
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from ..errors import UserError, nearest
from .events import Place, is_users
from .finding import Ignore
from .places import in_words, lines

COMMENT = re.compile(r"#\s*mx-notes:\s*ignore\b(?:\[([^\]]*)\])?\s*(.*)")
_BETWEEN = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


def known_rules() -> list[str]:
    """The rules' ids, in alphabetical order, without opening MXNet: a rule's file bears its name."""
    files = (Path(__file__).parent / "rules").glob("[!_]*.py")
    return sorted(file.stem.replace("_", "-") for file in files)


def expect_rule(rule: str, where: str) -> str:
    """The rule's id. Raises UserError, one line with the nearest, if there is no such rule."""
    if rule not in known_rules():
        raise UserError(
            f"{where}: no such rule; {nearest(rule, known_rules(), '`mx-notes audit --rules` lists them')}"
        )
    return rule


def ignores_in(file: str) -> list[Ignore]:
    """The comments of a program, each with the lines of its statement; as far as the file is Python."""
    source = lines(file)
    return list(_ignores(file, source)) if any("mx-notes:" in line for line in source) else []


def _ignores(file: str, source: list[str]) -> Iterator[Ignore]:
    comments: list[tuple[int, re.Match]] = []
    first = None  # line of the statement under way
    try:
        for token in tokenize.generate_tokens(iter([f"{line}\n" for line in source]).__next__):
            match = COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
            if match:
                comments.append((token.start[0], match))
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and first is None):
                for line, found in comments:
                    yield _ignore(file, line, first or line, token.start[0], found)
                comments, first = [], None
            elif token.type not in _BETWEEN:
                first = first or token.start[0]
    except (tokenize.TokenError, SyntaxError):
        return


def _ignore(file: str, line: int, first: int, last: int, found: re.Match) -> Ignore:
    rules = tuple(filter(None, (rule.strip() for rule in (found[1] or "").split(","))))
    return Ignore(file, line, first, last, rules, found[2].strip())


def fault(ignore: Ignore) -> str | None:
    """What is wrong with a comment, in one line: it names no rule, or one that there is not."""
    where = in_words(Place(ignore.file, ignore.line))
    if not ignore.rules:
        return f"{where}: ignore names no rule, expected `# mx-notes: ignore[RULE]`"
    try:
        for rule in ignore.rules:
            expect_rule(rule, f"{where}: ignore[{rule}]")
    except UserError as error:
        return str(error)
    return None


def users_files(also: Iterable[str | None]) -> list[str]:
    """The files of the user's modules that this process has loaded, and these."""
    # Not by vars(): that would load a module that waits for its first use.
    names = [
        object.__getattribute__(module, "__dict__").get("__file__")
        for module in list(sys.modules.values())
        if issubclass(type(module), ModuleType)
    ]
    files = dict.fromkeys(file for file in [*also, *names] if isinstance(file, str))
    return [file for file in files if is_users(file)]
