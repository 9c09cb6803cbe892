"""The verbs that train: `train` and `launch`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .. import recipes

if TYPE_CHECKING:
    from ..commands.train import Asked

# They are also flags of `train`.
KNOBS = ("data", "data_dir", "model", "epochs", "batch_size", "seed", "device", "freeze")


def add(verbs: argparse._SubParsersAction) -> None:
    """Add both verbs to a parser."""
    _add_train(verbs)
    _add_launch(verbs)


def _add_train(verbs: argparse._SubParsersAction) -> None:
    train = verbs.add_parser(
        "train",
        help="train a network and confirm what was done",
        description="Train a recipe through Module.forward_backward, under hooks that count and check every step.",
        epilog="examples:\n  mx-notes train\n  mx-notes train --recipe fashion-mnist --epochs 3\n"
        "  mx-notes train --recipe cifar10 --data-dir ~/cifar --set lr=0.05\n"
        "  mx-notes train --data folder --data-dir pics\n"
        "  mx-notes train --data folder --data-dir pics --from runs/folder-1 --freeze conv0\n"
        "  mx-notes train --resume runs/digits-1",
    )
    train.add_argument(
        "--recipe", help=f"one of {', '.join(recipes.PRESETS)} (default: that of --data, or digits)"
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
    for knob in KNOBS:
        train.add_argument(f"--{knob.replace('_', '-')}", help=f"short for --set {knob}=VALUE")
    train.add_argument(
        "--from",
        type=Path,
        dest="start_from",
        metavar="FILE",
        help="begin with what fits of a run's folder, a .params file, or PREFIX-symbol.json",
    )
    train.add_argument(
        "--pretrained",
        action="store_true",
        help="begin with what fits of the parameters that GluonCV publishes for the model: a download",
    )
    train.add_argument(
        "--resume",
        type=Path,
        metavar="RUN",
        help="go on with the run in this folder, from its newest checkpoint",
    )
    train.add_argument(
        "--override", action="store_true", help="resume although the recipe was changed since the checkpoint"
    )
    train.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="save after every N steps, not only after each epoch",
    )
    train.add_argument(
        "--keep",
        type=int,
        default=2,
        metavar="N",
        help="keep the newest N checkpoints, and the best (default: 2)",
    )
    train.set_defaults(verb=_train)


def _add_launch(verbs: argparse._SubParsersAction) -> None:
    launch = verbs.add_parser(
        "launch",
        help="train with several workers on this machine",
        description="Start a job on this machine: a scheduler, servers and workers, each `mx-notes COMMAND`, that divide every batch among them (MXNet's dist_sync). On several machines: docs/cluster.md.",
        epilog="examples:\n  mx-notes launch --workers 2 -- train --recipe digits\n"
        "  mx-notes launch --workers 3 -- train --resume runs/digits-1",
    )
    launch.add_argument("--workers", type=int, default=2, metavar="N", help="how many train (default: 2)")
    launch.add_argument(
        "--servers", type=int, default=1, metavar="N", help="how many add up the gradients (default: 1)"
    )
    launch.add_argument("command", nargs=argparse.REMAINDER, metavar="-- train ARGS")
    launch.set_defaults(verb=_launch)


def _train(options: argparse.Namespace) -> int:
    from ..commands.train import train

    return train(_asked(options))


def _asked(options: argparse.Namespace) -> Asked:
    from ..commands.train import Asked

    flags = [f"{knob}={value}" for knob in KNOBS if (value := getattr(options, knob)) is not None]
    return Asked(
        recipe=options.recipe,
        data=options.data,
        out=options.out,
        settings=(*flags, *options.settings),
        start_from=options.start_from,
        pretrained=options.pretrained,
        resume=options.resume,
        override=options.override,
        every=options.checkpoint_every,
        keep=options.keep,
    )


def _launch(options: argparse.Namespace) -> int:
    from ..commands.launch import launch, training

    command, parser = training(options.command), argparse.ArgumentParser(prog="mx-notes")
    _add_train(parser.add_subparsers())
    return launch(options.workers, options.servers, command, _asked(parser.parse_args(command)))
