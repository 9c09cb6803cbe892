"""Training speed: mx_notes, stock MXNet, a Gluon loop and PyTorch, the same work in turns on one machine.

    pip install --no-deps -r requirements-bench.txt   # PyTorch, besides requirements.txt
    python benchmarks/speed.py                           # ResNet-20, batch 128: about 4 minutes
    python benchmarks/speed.py --network resnet50_v1 --batch-size 16 --json r50.json --figure r50.svg
    python benchmarks/speed.py --image-size 8 --batch-size 32    # a digits step
    python benchmarks/speed.py --end-to-end              # with the input pipeline, against batches in memory

Each contender is a process of its own (contenders/). All start from the same parameters, and train on the
same batch; before anything is timed the losses of their first five steps must agree to 1e-4, so that nobody
is ahead by doing less. Then they take turns, and a ratio is the median of the rounds' own ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contenders.serve import CONTENDERS, NETWORKS
from tqdm import tqdm

from mx_notes.errors import UserError, at_least_one
from mx_notes.runtime import running_others, threads, threads_for

BENCHMARKS = Path(__file__).parent
OURS = "mx_notes"
LOSSES, TOLERANCE = 5, 1e-4  # steps, relative
MOVED = 10 * TOLERANCE  # so much the losses change at least, else they would agree without any training
STOCK_PARALLEL_SIZE = "200000"  # MXNet's own value, where mx_notes finds it set
TURN = 4.0  # seconds that a turn is to take


class Contender:
    """A process that answers, with so many OpenMP threads; stock MXNet chooses its own."""

    def __init__(self, name: str, network: str, folder: Path, threads: int) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        if name == "stock MXNet":
            del environment["OMP_NUM_THREADS"]
            environment["MXNET_CPU_PARALLEL_SIZE"] = STOCK_PARALLEL_SIZE
        command = [sys.executable, "-m", "contenders.serve", name, network, str(folder)]
        self.name = name
        self._log = (folder / f"{name}.log").open("w+")
        self._process = subprocess.Popen(
            command,
            cwd=BENCHMARKS,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def ask(self, request: str, argument: int | None = None):
        """What it answers; raises UserError with the end of its log if it has died."""
        try:
            print(json.dumps({request: argument}), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self._log.seek(0)
            raise UserError(f"{self.name} failed: {self._log.read()[-2000:]}") from None

    def end(self) -> None:
        """It ends with its input."""
        self._process.communicate()


def begin(names: list[str], network: str, batch: int, size: int, folder: Path) -> list[Contender]:
    """Start the contenders on the same parameters and batch of images, size × size pixels.

    mx_notes has the threads that it chooses for such a batch, the others all cores.
    """
    command = [sys.executable, "-m", "contenders.start", network, str(batch), str(size), str(folder)]
    subprocess.run(command, cwd=BENCHMARKS, check=True)
    chosen = threads_for(batch * size**2).count
    return [Contender(name, network, folder, chosen if name == OURS else threads().count) for name in names]


def same_work(contenders: list[Contender]) -> dict[str, list[float]]:
    """The first losses; raises UserError if they differ, or show no training."""
    losses = {each.name: each.ask("losses", LOSSES) for each in contenders}
    expected = losses[OURS]
    for name, found in losses.items():
        if not all(abs(a / b - 1) <= TOLERANCE for a, b in zip(found, expected, strict=True)):
            raise UserError(f"{name} computes something else: losses {found}, {OURS}'s {expected}")
    if abs(expected[-1] / expected[0] - 1) < MOVED:
        raise UserError(f"nothing shown: the losses hardly change, {expected}")
    return losses


def compare(network: str, batch: int, size: int, names: list[str], rounds: int) -> dict:
    """Time the contenders in turns."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = begin(names, network, batch, size, Path(folder))
        losses = same_work(contenders)
        steps = {each: max(2, round(TURN / (each.ask("train", 2) / 2))) for each in contenders}
        speeds, gemm, others = {name: [] for name in names}, [], []
        for number in tqdm(range(rounds), f"{network}, batch {batch}", unit="round", file=sys.stderr):
            others.append(running_others())
            for each in contenders if number % 2 else reversed(contenders):
                each.ask("train", 2)  # what it has in memory may have gone cold while the others ran
                speeds[each.name].append(batch * steps[each] / each.ask("train", steps[each]))
                if each.name == OURS:
                    gemm.append(each.ask("gemm"))
        memory = {each.name: each.ask("memory") for each in contenders}
        for each in contenders:
            each.end()
    from mx_notes.commands.bench import flop  # opens MXNet here too, when nothing is timed any more

    rate, work = statistics.median(gemm), flop(network, (3, size, size))
    return {
        "network": network,
        "batch_size": batch,
        "image_size": size,
        "threads": threads_for(batch * size**2).count,
        "other_threads": others,
        "gemm_gflops": rate,
        "losses": losses,
        "contenders": {
            name: {
                "images_per_second": speeds[name],
                "median": statistics.median(speeds[name]),
                "ratio": statistics.median(o / s for o, s in zip(speeds[OURS], speeds[name], strict=True)),
                "share_of_gemm": statistics.median(speeds[name]) * work * 1e-9 / rate,
                "peak_mib": memory[name],
            }
            for name in names
        },
    }


def table(result: dict) -> str:
    """The result as text."""
    lines = [
        f"{result['network']}, batch {result['batch_size']} of {result['image_size']} pixels' side; mx_notes with"
        f" {result['threads']} threads; float32 products {result['gemm_gflops']:.0f} GFLOP/s; first {LOSSES} losses"
        f" agree to {TOLERANCE:g}",
        f"{'':30} {'images/s':>9} {'lowest':>8} {'highest':>8} {'mx_notes /':>11} {'of GEMM':>8} {'peak MiB':>9}",
    ]
    for name, row in result["contenders"].items():
        speeds = row["images_per_second"]
        lines.append(
            f"{name:30} {row['median']:9.1f} {min(speeds):8.1f} {max(speeds):8.1f} {row['ratio']:11.2f}"
            f" {row['share_of_gemm']:8.0%} {row['peak_mib']:9.0f}"
        )
    best = max(
        (n for n in result["contenders"] if n.startswith("PyTorch")), key=_median(result), default=None
    )
    if any(result["other_threads"]):
        lines.append(
            f"BUSY: beside up to {max(result['other_threads'])} other threads, so these are no results"
        )
    if best:
        lines.append(f"mx_notes / PyTorch's best ({best}): {result['contenders'][best]['ratio']:.2f}")
    return "\n".join(lines)


def _median(result: dict):
    return lambda name: result["contenders"][name]["median"]


def draw(results: list[dict], file: Path) -> None:
    """Bars of images/s with their spread, a panel per result."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        len(results), squeeze=False, figsize=(7, 0.6 + 2.6 * len(results)), layout="constrained"
    )
    for panel, result in zip(panels[:, 0], results, strict=True):
        rows = list(result["contenders"].items())[::-1]
        medians = [row["median"] for _, row in rows]
        low = [row["median"] - min(row["images_per_second"]) for _, row in rows]
        high = [max(row["images_per_second"]) - row["median"] for _, row in rows]
        colours = ["#0072b2" if name == OURS else "#999999" for name, _ in rows]
        panel.barh([name for name, _ in rows], medians, xerr=[low, high], color=colours, capsize=3)
        panel.set_title(f"{result['network']}, batch {result['batch_size']}", loc="left")
        panel.set_xlabel("images per second (median; lines: lowest and highest round)")
    figure.savefig(file)


def end_to_end(recipe: str, network: str, rounds: int) -> str:
    """Images/s from disk and augmented, against the same steps on batches that are in memory."""
    with tempfile.TemporaryDirectory() as folder:
        (run,) = begin([recipe], network, 2, NETWORKS[network], Path(folder))
        run.ask("in_memory", 2)
        steps = round(2 * TURN / (run.ask("in_memory", 4) / 4))
        ratios = []
        for _ in tqdm(range(rounds), "end to end", unit="round", file=sys.stderr):
            fed = run.ask("fed", steps)
            ratios.append(run.ask("in_memory", steps) / fed)
        run.end()
    median = statistics.median(ratios)
    return (
        f"{recipe}, {network}: with the whole input pipeline {median:.3f} of the speed on batches in memory"
        f" ({min(ratios):.3f} to {max(ratios):.3f} in {rounds} rounds of {steps} steps)"
    )


def both_ends(network: str, rounds: int) -> None:
    """Print `end_to_end` of Fashion-MNIST from its files, and from a folder of 32×32 PNG."""
    print(end_to_end("fashion-mnist", network, rounds), flush=True)
    with tempfile.TemporaryDirectory() as pictures:
        write = [sys.executable, BENCHMARKS.parent / "scripts" / "write_pictures.py", pictures]
        subprocess.run(
            [*write, "--data", "fashion-mnist", "--images", "20000", "--size", "32x32"], check=True
        )
        os.environ["PICTURES"] = pictures
        print(end_to_end("folder", network, rounds), flush=True)


def help_seconds() -> float:
    """How long `mx-notes --help` takes: the median of seven."""
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mx_notes", "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--network", choices=NETWORKS, default="cifar_resnet20_v1", help="default: %(default)s"
    )
    parser.add_argument("--batch-size", type=int, nargs="+", default=[128], metavar="N", help="default: 128")
    parser.add_argument(
        "--image-size", type=int, metavar="N", help="pixels of a side; default: as the network was published"
    )
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default: 7")
    parser.add_argument(
        "--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="CONTENDER"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw it: .svg, .png or .pdf")
    parser.add_argument(
        "--end-to-end",
        action="store_true",
        help="instead: what the input pipeline costs, of files and of folders",
    )
    options = parser.parse_args()
    size = NETWORKS[options.network] if options.image_size is None else options.image_size
    for flag, number in (
        ("--rounds", options.rounds),
        ("--batch-size", min(options.batch_size)),
        ("--image-size", size),
    ):
        at_least_one(f"{flag} {number}", number)
    if options.end_to_end:
        if options.json or options.figure or options.batch_size != [128] or options.image_size:
            raise UserError("--end-to-end: has the recipe's batch and image size, and prints only")
        both_ends(options.network, options.rounds)
        return
    names = [name for name in CONTENDERS if name == OURS or name in options.only]
    results = []
    for batch in options.batch_size:
        results.append(compare(options.network, batch, size, names, options.rounds))
        print(table(results[-1]), flush=True)
    print(f"mx-notes --help: {help_seconds():.2f} s")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.figure:
        draw(results, options.figure)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"speed: {error}", file=sys.stderr)
        sys.exit(2)
