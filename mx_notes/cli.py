"""The command line: one verb, one call. MXNet is loaded only by the verbs that need it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import recipes
from .errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mx-notes` and return its exit status: 0 done, 1 refuted, 2 bad input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return options.verb(options)
    except UserError as error:
        print(f"mx-notes: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mx-notes",
        description="Train a Gluon ResNet with MXNet and see, step by step, that it trains as it should.",
        epilog="Start with: mx-notes train",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    train = verbs.add_parser(
        "train",
        help="train a network and confirm what was done",
        description="Train a recipe through Module.forward_backward, under hooks that count and check every step.",
        epilog="examples:\n  mx-notes train\n  mx-notes train --recipe fashion-mnist --epochs 3\n"
        "  mx-notes train --recipe cifar10 --data-dir ~/cifar --set lr=0.05 --set schedule=cosine",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument(
        "--recipe", default="digits", help=f"one of {', '.join(recipes.PRESETS)} (default: digits)"
    )
    train.add_argument(
        "--out", type=Path, help="a new folder for the run's files (default: runs/RECIPE-NUMBER)"
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KNOB=VALUE",
        dest="settings",
        help="change any knob of the recipe; `mx-notes recipes` lists them",
    )
    for knob in ("data-dir", "model", "epochs", "batch-size", "seed", "device"):
        train.add_argument(f"--{knob}", help=f"the same as --set {knob.replace('-', '_')}=")
    train.set_defaults(verb=_train)

    audit = verbs.add_parser(
        "audit",
        help="run a training script as it is, and judge each of its steps",
        description="Run SCRIPT as `python SCRIPT ARGS` would, under hooks at MXNet's C API, and report what does not hold. Exit status: 0 no error found, 1 errors found, 2 the audit could not run.",
        epilog="example:\n  mx-notes audit --max-steps 200 --json report.json train.py --epochs 3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    audit.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON too")
    audit.add_argument("--max-steps", type=int, metavar="N", help="stop the script after N steps")
    audit.add_argument("script", type=Path, metavar="SCRIPT")
    audit.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS")
    audit.set_defaults(verb=_audit)

    listing = verbs.add_parser("recipes", help="list the recipes and their knobs")
    listing.add_argument("name", nargs="?", help="show this one as JSON")
    listing.set_defaults(verb=_recipes)

    models = verbs.add_parser("models", help="list the networks, or show one's table of layers")
    models.add_argument("name", nargs="?", help="for example resnet50_v1")
    models.set_defaults(verb=_models)

    doctor = verbs.add_parser(
        "doctor", help="show versions, threads, devices and data, and what is wrong with them"
    )
    doctor.add_argument("--data-dir", help="where else to look for data")
    doctor.set_defaults(verb=_doctor)
    return parser


def _train(options: argparse.Namespace) -> int:
    settings = [
        f"{knob}={getattr(options, knob)}"
        for knob in ("data_dir", "model", "epochs", "batch_size", "seed", "device")
        if getattr(options, knob) is not None
    ]
    recipe = recipes.preset(options.recipe).override(settings + options.settings)

    from .watched import train

    return train(recipe, options.out or _new_folder(options.recipe))


def _new_folder(name: str) -> Path:
    number = 1
    while (folder := Path("runs", f"{name}-{number}")).exists():
        number += 1
    return folder


def _audit(options: argparse.Namespace) -> int:
    if options.max_steps is not None and options.max_steps < 1:
        raise UserError(f"--max-steps {options.max_steps}: expected a whole number of at least 1")
    from .audit.runner import run

    watch, status = run(options.script, options.arguments, options.max_steps)
    sys.stdout.flush()
    print(watch.report(), file=sys.stderr)
    if status:
        print(f"the script itself ended with status {status}", file=sys.stderr)
    if options.json:
        try:
            options.json.write_text(watch.to_json())
        except OSError as error:
            raise UserError(f"--json {options.json}: cannot be written: {error.strerror}") from None
    return 1 if watch.errors else 0


def _recipes(options: argparse.Namespace) -> int:
    if options.name:
        print(recipes.preset(options.name).to_json(), end="")
        return 0
    for name, recipe in recipes.PRESETS.items():
        print(f"{name:14} {recipe.model} on {recipe.data}, {recipe.epochs} epochs, batch {recipe.batch_size}")
    print("\nmx-notes recipes NAME prints one with all its knobs")
    return 0


def _models(options: argparse.Namespace) -> int:
    if options.name:
        from .size_table import size_table

        print(size_table(options.name).text())
    else:
        from .models import names

        print("\n".join(names()))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from . import doctor

    return doctor.report(options.data_dir)
