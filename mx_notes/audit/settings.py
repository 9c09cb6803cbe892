"""What a project has decided about the audit: `[tool.mx-notes]` in its pyproject.toml.

[tool.mx-notes]
ignore = ["RULE"]                  # these rules' findings are accepted
severity = { partial-batch = "error" }    # or "warning"
max-steps = 200
strict = true                             # warnings count as errors do
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..disk import reading
from ..errors import UserError, nearest
from .finding import Severity
from .ignores import expect_rule
from .places import shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = "mx-notes"
KEYS = ("ignore", "severity", "max-steps", "strict")


@dataclass(frozen=True)
class Settings:
    """Rules that are switched off, with where that was said; severities other than the rules' own; the rest."""

    ignored: Mapping[str, str] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    max_steps: int | None = None
    strict: bool = False

    def ignoring(self, rules: list[str], where: str) -> Settings:
        """These settings with more rules switched off. Raises UserError for an unknown one."""
        more = {expect_rule(rule, f"{where} {rule}"): where for rule in rules}
        return replace(self, ignored={**self.ignored, **more})


def settings_for(folder: Path) -> Settings:
    """Read the settings in the pyproject.toml nearest to a folder: there or in a folder around it.

    Raises UserError, one line that names the file, for a damaged file or a setting that there is not.
    """
    folder = folder.absolute()
    found = (each / "pyproject.toml" for each in (folder, *folder.parents))
    file = next((each for each in found if each.is_file()), None)
    if file is None:
        return Settings()
    with reading(file):
        content = file.read_bytes()
    try:
        project = tomllib.loads(content.decode())
    except ValueError as error:  # of TOML, of UTF-8
        raise UserError(f"{shown(str(file))}: not TOML: {error}") from None
    tool = project.get("tool", {})
    table = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
    return _settings(table, shown(str(file)))


def _settings(table: Any, file: str) -> Settings:
    def expect(holds: bool, what: str, wanted: str) -> None:
        if not holds:
            raise UserError(f"{file}: {what}: expected {wanted}")

    expect(isinstance(table, dict), f"[tool.{TABLE}]", "a table")
    for key in table:
        if key not in KEYS:
            raise UserError(f"{file}: [tool.{TABLE}] {key}: no such setting; {nearest(key, KEYS)}")
    ignored, severity = table.get("ignore", []), table.get("severity", {})
    steps, strict = table.get("max-steps"), table.get("strict", False)
    of_words = isinstance(ignored, list) and all(isinstance(rule, str) for rule in ignored)
    expect(of_words, "ignore", 'a list of rules, such as ["RULE"]')
    expect(isinstance(severity, dict), "severity", 'a table, such as { RULE = "warning" }')
    for rule, word in severity.items():
        expect_rule(rule, f"{file}: severity {rule}")
        expect(word in list(Severity), f"severity {rule} = {word!r}", '"error" or "warning"')
    whole = steps is None or (isinstance(steps, int) and not isinstance(steps, bool) and steps >= 1)
    expect(whole, f"max-steps = {steps!r}", "a whole number of at least 1")
    expect(isinstance(strict, bool), f"strict = {strict!r}", "true or false")
    return Settings(
        ignored={expect_rule(rule, f"{file}: ignore {rule}"): file for rule in ignored},
        severity={rule: Severity(word) for rule, word in severity.items()},
        max_steps=steps,
        strict=strict,
    )
