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
