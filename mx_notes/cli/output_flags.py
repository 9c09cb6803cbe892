"""The flags that say where a report goes: `--format html --output FILE`, or `--html FILE`, any number of times."""

from __future__ import annotations

import argparse
from pathlib import Path

FORMATS = ("text", "json", "html", "github", "sarif", "junit")


def add(parser: argparse.ArgumentParser) -> None:
    """Give a verb these flags; the parsed ones are `outputs`, a list of (flag, format, file)."""
    parser.add_argument(
        "--format",
        action=Format,
        choices=FORMATS,
        help="how to report (default: text); can be given several times",
    )
    parser.add_argument(
        "--output",
        action=Output,
        type=Path,
        metavar="FILE",
        help="the file for the --format before it",
    )
    for form in ("json", "html"):
        parser.add_argument(
            f"--{form}",
            action=Short,
            type=Path,
            metavar="FILE",
            help=f"short for --format {form} --output FILE",
        )
    parser.set_defaults(outputs=[])


class Format(argparse.Action):
    """Begins an entry of `outputs`: flag, format, file."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Add the entry."""
        namespace.outputs = [*namespace.outputs, (option_string, values, None)]


class Output(argparse.Action):
    """Gives the last entry its file."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Complete the entry."""
        if not namespace.outputs or namespace.outputs[-1][2]:
            parser.error(f"--output {values}: say its --format before it")
        namespace.outputs = [*namespace.outputs[:-1], (option_string, namespace.outputs[-1][1], values)]


class Short(argparse.Action):
    """--json FILE."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Add a whole entry."""
        namespace.outputs = [*namespace.outputs, (option_string, self.dest, values)]
