"""The command line: the parser, and one call for each verb. A verb's command is imported when it is called."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import recipes
from ..errors import UserError
from . import output_flags, training_verbs


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
        description="Run MXNet programs on today's Python, find out whether they train as they should, and train networks that do.",
        epilog="Start with: mx-notes audit YOUR_SCRIPT.py, or mx-notes train",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="say which mx_notes this is")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    training_verbs.add(verbs)

    run = verbs.add_parser(
        "run",
        help="run any MXNet program, unchanged, on this Python and NumPy",
        description="Run SCRIPT as `python SCRIPT ARGS` would, with MXNet prepared when it is imported, in SCRIPT and in all its children. The exit status is the script's own, or 2 if there is nothing to run.",
        epilog="examples:\n  mx-notes run train.py --epochs 3\n  mx-notes run -m package.module",
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
    )
    output_flags.add(audit)
    audit.add_argument("-v", "--verbose", action="store_true", help="list each rule with what became of it")
    audit.add_argument("--live", action="store_true", help="print each finding as soon as it is found")
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
    budget = "hold gradients against the loss's own derivative for so long at most (default: 5; 0: don't)"
    audit.add_argument("--check-gradients", type=float, default=True, metavar="SECONDS", help=budget)
    _add_mend(audit)
    audit.add_argument("--rules", action="store_true", help="list the rules, and run nothing")
    audit.add_argument("--explain", metavar="RULE", help="explain this rule, and run nothing")
    _add_program(audit)
    audit.set_defaults(verb=_audit)

    notes = verbs.add_parser(
        "notes",
        help="test each statement of the note, and put the evidence on a page",
        description="Run an experiment per statement of the note and write DIR/index.html and DIR/evidence.json. Exit status: 0 every claim was measured, 1 one could not be, 2 bad input.",
        epilog="examples:\n  mx-notes notes --quick\n  mx-notes notes --only softmax momentum --out page",
    )
    notes.add_argument(
        "--only", nargs="+", metavar="ID", help="test only these statements (--list shows their names)"
    )
    notes.add_argument("--quick", action="store_true", help="smaller samples: about a minute instead of four")
    notes.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the seed of everything random (default: 1)"
    )
    notes.add_argument(
        "--out",
        type=Path,
        default=Path("runs", "notes"),
        metavar="DIR",
        help="the folder for page and evidence (default: runs/notes)",
    )
    notes.add_argument("--list", action="store_true", help="list the statements and measure nothing")
    notes.set_defaults(verb=_notes)

    evaluate = verbs.add_parser(
        "evaluate",
        help="score a run's network on the test part of its data",
        description="Print accuracy, loss and a table of the classes, and write evaluation.json and confusion.png into RUN.",
    )
    evaluate.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    _add_network(evaluate)
    _add_data_dir(evaluate)
    evaluate.add_argument("--device", help="where to compute (default: the recipe's device)")
    evaluate.set_defaults(verb=_evaluate)

    _add_predict(verbs)

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
    _add_data_dir(export)
    export.set_defaults(verb=_export)

    bench = verbs.add_parser(
        "bench",
        help="how fast a network trains here, where the time goes, and what to change",
        description="Train MODEL on random images for a few seconds in each of several settings (threads, batch sizes).",
        epilog="example:\n  mx-notes bench --model resnet18_v1 --batch-size 16",
    )
    bench.add_argument(
        "--model", default="cifar_resnet20_v1", help="the network (default: cifar_resnet20_v1)"
    )
    bench.add_argument(
        "--batch-size", type=int, default=128, metavar="N", help="images in a batch (default: 128)"
    )
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
        help="list instead, of these programs (or folders), the names that today's NumPy and Python lack, and what MXNet computes wrong",
    )
    doctor.set_defaults(verb=_doctor)
    for verb in verbs.choices.values():
        verb.formatter_class = _Help
    return parser


class _Help(argparse.RawDescriptionHelpFormatter):
    """Fills descriptions to the terminal's width, and leaves examples as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


class _Version(argparse.Action):
    """Prints the version and ends; reads it only when asked, for that takes as long as all the rest."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        import importlib.metadata

        print(f"mx-notes {importlib.metadata.version('mx_notes')}")
        parser.exit()


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


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", help="where the data is now, if not where the recipe says")


def _add_predict(verbs: argparse._SubParsersAction) -> None:
    predict = verbs.add_parser(
        "predict",
        help="say which class a run's network sees in pictures",
        description="Print a line for each picture: its file, and the most probable classes.",
        epilog="examples:\n  mx-notes predict runs/folder-1 cat.jpg holidays/\n"
        "  curl -s https://example.org/cat.jpg | mx-notes predict runs/folder-1 --json -",
    )
    predict.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    predict.add_argument(
        "files", nargs="+", metavar="FILE", help="a picture, a folder of pictures, or - for one on stdin"
    )
    predict.add_argument(
        "--json", action="store_true", help="print a JSON object a line, with each class's probability"
    )
    _add_network(predict)
    predict.set_defaults(verb=_predict)


def _run(options: argparse.Namespace) -> int:
    from ..commands.run import run

    run(options.script, options.module, options.arguments, options.mend)


def _enable(options: argparse.Namespace) -> int:
    from ..commands.enable import enable

    return enable()


def _disable(options: argparse.Namespace) -> int:
    from ..commands.enable import disable

    return disable()


def _audit(options: argparse.Namespace) -> int:
    from ..commands import audit

    if options.rules or options.explain is not None:
        return audit.explain(options.explain)
    return audit.report(
        audit.Asked(
            script=options.script,
            module=options.module,
            arguments=options.arguments,
            max_steps=options.max_steps,
            attest=options.attest,
            check_gradients=options.check_gradients,
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
    from ..commands import notes

    return notes.report(options.only, options.seed, options.quick, options.out, options.list)


def _evaluate(options: argparse.Namespace) -> int:
    recipes.of_run(options.run)  # before MXNet is opened
    from ..commands import evaluate

    return evaluate.report(options.run, options.checkpoint, options.data_dir, options.device)


def _predict(options: argparse.Namespace) -> int:
    recipes.of_run(options.run)
    from ..commands import predict

    return predict.report(options.run, options.files, options.checkpoint, options.json)


def _compare(options: argparse.Namespace) -> int:
    from ..commands import compare

    return compare.report(options.runs, options.figure)


def _export(options: argparse.Namespace) -> int:
    network, rest = options.network, options.rest
    of_model = bool(rest) and len(rest) <= 2 and rest[0].isdecimal()
    if not of_model and len(rest) != 1:
        raise UserError("export: expected RUN FILE, or PREFIX EPOCH [FILE] --shape 3,224,224")
    if not of_model and (options.shape or options.input):
        raise UserError(
            f"export {network} {rest[0]}: a run has its own shape and images; leave out --shape and --input"
        )
    if not of_model:
        recipes.of_run(network)
    from ..commands import export

    if of_model:
        return export.export_model(
            network, int(rest[0]), Path(rest[1]) if rest[1:] else None, options.shape, options.input
        )
    return export.export_run(network, Path(rest[0]), options.checkpoint, options.data_dir)


def _bench(options: argparse.Namespace) -> int:
    from ..commands import bench

    return bench.report(options.model, options.batch_size)


def _recipes(options: argparse.Namespace) -> int:
    from ..commands import list_recipes

    return list_recipes.report(options.name)


def _models(options: argparse.Namespace) -> int:
    from ..commands import list_models

    return list_models.report(options.name)


def _doctor(options: argparse.Namespace) -> int:
    from ..commands import doctor, old_spellings

    if options.scripts:
        return old_spellings.report(options.scripts)
    return doctor.report(options.data_dir)
