"""An audited script followed while it runs: its findings told, its report so far told and kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from .. import disk
from ..audit import handover
from ..audit.finding import Finding
from ..audit.report.summary import Summary
from ..audit.report.text import finding_text, text

PATIENCE = 5  # seconds that a request waits for the end of the step under way


class Following:
    """Looks into the folder of the handover, and tells and keeps what is new there.

    summary: what is known so far, by the script's process id. keep: writes the files. live: tell each finding.
    """

    def __init__(
        self,
        folder: Path,
        summary: Callable[[int], Summary],
        keep: Callable[[Summary], None],
        live: bool,
        colour: bool,
    ) -> None:
        self._folder, self._summary, self._keep = folder, summary, keep
        self._live, self._colour = live, colour
        self._told: set[Finding] = set()
        self._asked: tuple[float, int] | None = None  # when a report was asked for, by the clock and the file
        self._newest = 0  # the report so far that was last looked at
        self._next = monotonic() + handover.EVERY

    def request(self, pid: int) -> None:
        """Have the report so far told, once the step under way is over."""
        self._asked = monotonic(), handover.request(self._folder)

    def look(self, pid: int) -> None:
        """Tell and keep what is new, if anything is."""
        newest, now = handover.written(self._folder), monotonic()
        new, self._newest = newest > self._newest, newest
        asked = self._asked and (newest > self._asked[1] or now > self._asked[0] + PATIENCE)
        due = newest and now >= self._next
        if not asked and not due and not (new and self._live):
            return
        summary = self._summary(pid)
        if self._live:
            self._tell(summary)
        if asked:
            self._asked = None
            print(text(summary, colour=self._colour), file=sys.stderr, flush=True)
        if asked or due:
            self._next = now + handover.EVERY
            self._keep(summary)

    def _tell(self, summary: Summary) -> None:
        for finding, steps in (each for process in summary.processes for each in process.findings):
            if finding not in self._told:
                self._told.add(finding)
                print(finding_text(finding, steps, self._colour), file=sys.stderr, flush=True)


def store(flag: str, file: Path, content: str) -> None:
    """Write a report: a file as a whole, anything else, such as a pipe, as it comes. Raises UserError."""
    # A file's name in the report may hold bytes that are not UTF-8.
    content = content.encode("utf-8", "replace").decode()
    with disk.writing(f"{flag} {file}"):
        if file.is_file() or not os.path.lexists(file):
            disk.replace(file.resolve(), content)
        else:
            file.write_text(content, encoding="utf-8")
