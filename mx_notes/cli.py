"""The command line: the parser, and one call for each verb. A verb's command is imported when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import output_flags, recipes
from .errors import UserError

if TYPE_CHECKING:
    from .commands.train import Asked

KNOBS = ("data_dir", "model", "epochs", "batch_size", "seed", "device")  # they are also flags of `train`


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `mx-notes` and return its exit status: 0 done, 1 refuted, 2 bad input, 130 or 143 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return options.verb(options)
    except UserError as error:
        print(f"mx-notes: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mx-notes: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        if error.filename is None:
            raise
        # Of a file name that is too long, say.
        print(f"mx-notes: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


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
        "  mx-notes train --recipe cifar10 --data-dir ~/cifar --set lr=0.05 --set schedule=cosine\n"
        "  mx-notes train --resume runs/digits-1",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("--recipe", help=f"one of {', '.join(recipes.PRESETS)} (default: digits)")
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
        train.add_argument(f"--{knob.replace('_', '-')}", help=f"the same as --set {knob}=")
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

    launch = verbs.add_parser(
        "launch",
        help="train with several workers on this machine",
        description="Start a job on this machine: a scheduler, servers and workers, each `mx-notes COMMAND`, that divide every batch among them (MXNet's dist_sync). On several machines: docs/cluster.md.",
        epilog="examples:\n  mx-notes launch --workers 2 -- train --recipe digits\n"
        "  mx-notes launch --workers 3 -- train --resume runs/digits-1",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    launch.add_argument("--workers", type=int, default=2, metavar="N", help="how many train (default: 2)")
    launch.add_argument(
        "--servers", type=int, default=1, metavar="N", help="how many add up the gradients (default: 1)"
    )
    launch.add_argument("command", nargs=argparse.REMAINDER, metavar="-- train ARGS")
    launch.set_defaults(verb=_launch)

    run = verbs.add_parser(
        "run",
        help="run any MXNet program, unchanged, on this Python and NumPy",
        description="Run SCRIPT as `python SCRIPT ARGS` would, with MXNet prepared when it is imported, in SCRIPT and in all its children. The exit status is the script's own, or 2 if there is nothing to run.",
        epilog="examples:\n  mx-notes run train.py --epochs 3\n  mx-notes run -m package.module",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_mend(run)
    _add_program(run)
    run.set_defaults(verb=_run)

    enable = verbs.add_parser("enable", help="have `import mxnet` work in every program of this environment")
    enable.set_defaults(verb=_enable)
    disable = verbs.add_parser("disable", help="undo `enable`")
    disable.set_defaults(verb=_disable)

    audit = verbs.add_parser(
        "audit",
        help="run a training script as it is, and judge each of its steps",
        description="Run SCRIPT as `python SCRIPT ARGS` would, under hooks at MXNet's C API, and report what does not hold. Exit status: 1 an error was found, 2 the audit could not run, otherwise the script's own.",
        epilog="example:\n  mx-notes audit --max-steps 200 --json report.json train.py --epochs 3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    output_flags.add(audit)
    audit.add_argument("-v", "--verbose", action="store_true", help="list each rule with what became of it")
    audit.add_argument("--live", action="store_true", help="print a finding when it is found, too")
    audit.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="accept what this rule finds"
    )
    audit.add_argument(
        "--baseline", type=Path, metavar="FILE", help="accept what an earlier report (--json) has found"
    )
    audit.add_argument("--strict", action="store_true", help="a warning counts as an error does")
    audit.add_argument("--max-steps", type=int, metavar="N", help="stop the script after N steps")
    audit.add_argument(
        "--attest",
        action="store_true",
        help="hold the hooks' counts of the first steps against those of MXNet's own profiler",
    )
    _add_mend(audit)
    audit.add_argument("--rules", action="store_true", help="list the rules instead")
    audit.add_argument("--explain", metavar="RULE", help="explain one of them instead")
    _add_program(audit)
    audit.set_defaults(verb=_audit)

    notes = verbs.add_parser(
        "notes",
        help="test each statement of the note, and put the evidence on a page",
        description="Run an experiment per statement of the note and write DIR/index.html and DIR/evidence.json. Exit status: 0 every claim was measured, 1 one could not be, 2 bad input.",
        epilog="examples:\n  mx-notes notes --quick\n  mx-notes notes --only softmax momentum --out page",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    notes.add_argument("--only", nargs="+", metavar="ID", help="these claims; the others are left out")
    notes.add_argument("--quick", action="store_true", help="smaller samples: a minute instead of ten")
    notes.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random (default: 1)")
    notes.add_argument(
        "--out", type=Path, default=Path("runs", "notes"), metavar="DIR", help="default: runs/notes"
    )
    notes.add_argument("--list", action="store_true", help="list the claims and measure nothing")
    notes.set_defaults(verb=_notes)

    evaluate = verbs.add_parser(
        "evaluate",
        help="score a run's network on the test part of its data",
        description="Print accuracy, loss and a table of the classes, and write evaluation.json and confusion.png into RUN.",
    )
    evaluate.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    _add_network(evaluate)
    evaluate.add_argument("--device", help="default: the recipe's")
    evaluate.set_defaults(verb=_evaluate)

    compare = verbs.add_parser(
        "compare",
        help="hold runs against each other: knobs, curves, accuracy with intervals, speed",
        description="Print in what the runs differ, with their test accuracy image by image where `mx-notes evaluate` has been there, and draw their curves over each other.",
    )
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the folder of a run")
    compare.add_argument(
        "--figure", type=Path, default=Path("comparison.png"), metavar="FILE", help="default: comparison.png"
    )
    compare.set_defaults(verb=_compare)

    export = verbs.add_parser(
        "export",
        usage="mx-notes export RUN FILE [options]\n       mx-notes export PREFIX EPOCH [FILE] --shape 3,224,224 [options]",
        help="write a network as ONNX, compared with MXNet",
        description="Write FILE with the network of a run (its probabilities as output, class names and normalisation in the metadata), or of any model that MXNet saved as PREFIX-symbol.json and PREFIX-0000.params; for any batch size. Nothing is written if ONNX Runtime computes something else than MXNet.",
        epilog="examples:\n  mx-notes export runs/digits-1 digits.onnx\n  mx-notes export resnet 0 resnet.onnx --shape 3,224,224",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument(
        "network", type=Path, metavar="RUN | PREFIX", help="a run's folder, or a model's files"
    )
    export.add_argument(
        "rest", nargs="*", metavar="FILE", help="a new file; for a PREFIX, the EPOCH before it"
    )
    export.add_argument(
        "--shape", action="append", default=[], metavar="[NAME=]SHAPE", help="of one example of an input"
    )
    export.add_argument(
        "--input", type=Path, metavar="FILE", help="compare on these examples, too (.npy, .npz)"
    )
    _add_network(export)
    export.set_defaults(verb=_export)

    bench = verbs.add_parser(
        "bench",
        help="how fast a network trains here, where the time goes, and what to change",
        description="Train MODEL on random images for a few seconds in each of several settings (threads, batch sizes).",
        epilog="example:\n  mx-notes bench --model resnet18_v1 --batch-size 16",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench.add_argument("--model", default="cifar_resnet20_v1", help="default: cifar_resnet20_v1")
    bench.add_argument("--batch-size", type=int, default=128, metavar="N", help="default: 128")
    bench.set_defaults(verb=_bench)

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
    doctor.add_argument(
        "scripts",
        type=Path,
        nargs="*",
        metavar="SCRIPT",
        help="list instead the names in these programs (or folders) that today's NumPy and Python lack",
    )
    doctor.set_defaults(verb=_doctor)
    return parser


def _add_mend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mend",
        action="store_true",
        help="put right what MXNet itself computes wrong and Python can mend (docs/operators.md)",
    )


def _add_program(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m", dest="module", nargs=argparse.REMAINDER, metavar="MODULE", help="run a module instead"
    )
    parser.add_argument("script", type=Path, nargs="?", metavar="SCRIPT")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGS")


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoint",
        default="best",
        metavar="NAME",
        help="best (validation accuracy; the default), last, or a folder's name in RUN/checkpoints",
    )
    parser.add_argument("--data-dir", help="where the data is now, if not where the recipe says")


def _train(options: argparse.Namespace) -> int:
    from .commands.train import train

    return train(_asked(options))


def _asked(options: argparse.Namespace) -> Asked:
    from .commands.train import Asked

    flags = [f"{knob}={value}" for knob in KNOBS if (value := getattr(options, knob)) is not None]
    return Asked(
        recipe=options.recipe,
        out=options.out,
        settings=(*flags, *options.settings),
        resume=options.resume,
        override=options.override,
        every=options.checkpoint_every,
        keep=options.keep,
    )


def _launch(options: argparse.Namespace) -> int:
    from .commands.launch import launch, training

    command = training(options.command)
    return launch(options.workers, options.servers, command, _asked(_parser().parse_args(command)))


def _run(options: argparse.Namespace) -> int:
    from .commands.run import run

    run(options.script, options.module, options.arguments, options.mend)


def _enable(options: argparse.Namespace) -> int:
    from .commands.enable import enable

    return enable()


def _disable(options: argparse.Namespace) -> int:
    from .commands.enable import disable

    return disable()


def _audit(options: argparse.Namespace) -> int:
    from .commands import audit

    if options.rules or options.explain is not None:
        return audit.explain(options.explain)
    return audit.report(
        audit.Asked(
            script=options.script,
            module=options.module,
            arguments=options.arguments,
            max_steps=options.max_steps,
            attest=options.attest,
            mend=options.mend,
            outputs=[(flag, audit.Format(form), file) for flag, form, file in options.outputs],
            ignore=options.ignore,
            strict=options.strict,
            baseline=options.baseline,
            live=options.live,
            verbose=options.verbose,
        )
    )


def _notes(options: argparse.Namespace) -> int:
    from .commands import notes

    return notes.report(options.only, options.seed, options.quick, options.out, options.list)


def _evaluate(options: argparse.Namespace) -> int:
    from .commands import evaluate

    return evaluate.report(options.run, options.checkpoint, options.data_dir, options.device)


def _compare(options: argparse.Namespace) -> int:
    from .commands import compare

    return compare.report(options.runs, options.figure)


def _export(options: argparse.Namespace) -> int:
    from .commands import export

    return export.report(
        options.network, options.rest, options.shape, options.input, options.checkpoint, options.data_dir
    )


def _bench(options: argparse.Namespace) -> int:
    from .commands import bench

    return bench.report(options.model, options.batch_size)


def _recipes(options: argparse.Namespace) -> int:
    from .commands import list_recipes

    return list_recipes.report(options.name)


def _models(options: argparse.Namespace) -> int:
    from .commands import list_models

    return list_models.report(options.name)


def _doctor(options: argparse.Namespace) -> int:
    from .commands import doctor, old_spellings

    if options.scripts:
        return old_spellings.report(options.scripts)
    return doctor.report(options.data_dir)
