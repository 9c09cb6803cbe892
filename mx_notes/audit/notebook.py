"""`%%audit`: a notebook's cell under the audit, with the report below it.

%load_ext mx_notes

%%audit watch
for batch in batches: ...
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FIRST_LINE = "# %%audit\n"  # in place of the magic's own line: a report's line numbers are those of the cell


def load(shell: InteractiveShell) -> None:
    """Give the notebook `%%audit`."""

    def audit_cell(line: str, cell: str) -> None:
        """Run the cell under the audit and show the report: %%audit [NAME for the Watch]."""
        _run(shell, line.strip(), cell)

    shell.register_magic_function(audit_cell, "cell", "audit")


def _run(shell: InteractiveShell, name: str, cell: str) -> None:
    from IPython.core.error import UsageError
    from IPython.display import display

    from ..errors import UserError
    from .settings import settings_for
    from .watch import StopAudit, audit

    if name and not name.isidentifier():
        raise UsageError(f"%%audit {name}: expected nothing, or a name for the Watch")
    try:
        settings = settings_for(Path.cwd())
    except UserError as error:
        raise UsageError(str(error)) from None
    # IPython names the inner cell by this counter, which newer releases have moved on already.
    count, shell.execution_count = shell.execution_count, max(len(shell.user_ns.get("In", ())) - 1, 1)
    try:
        with audit(max_steps=settings.max_steps, settings=settings) as watch:
            result = shell.run_cell(FIRST_LINE + cell, store_history=False)
    finally:
        shell.execution_count = count
    if name:
        shell.user_ns[name] = watch
    display(watch)
    with suppress(StopAudit):
        result.raise_error()  # so that the cell has failed, for those who run all of them
