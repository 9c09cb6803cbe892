"""What 2-bit compression of the gradients does to the test accuracy of digits, two workers on this machine.

    python scripts/bench_compression.py               # three thresholds, three seeds: about 6 minutes on two cores
    python scripts/bench_compression.py --epochs 4 --seeds 1 --thresholds none 0.05

Each entry is a training of its own, from the beginning, by `mx-notes launch`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from tqdm import tqdm

from mx_notes.errors import UserError

THRESHOLDS = ["none", "0.01", "0.002"]
WORKERS = 2


def measure(epochs: int, seeds: list[int], thresholds: list[str]) -> list[dict]:
    """A row of each training: its threshold, its seed, its accuracy on the test images."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for threshold, seed in tqdm(list(product(thresholds, seeds)), "trainings", file=sys.stderr):
            out = Path(folder, f"{threshold}-{seed}")
            train(epochs, seed, "0" if threshold == "none" else threshold, out)
            *_, last = (out / "metrics.jsonl").read_text().splitlines()
            accuracy = json.loads(last)["test_accuracy"]
            rows.append({"threshold": threshold, "seed": seed, "epochs": epochs, "test_accuracy": accuracy})
    return rows


def train(epochs: int, seed: int, compression: str, out: Path) -> None:
    """Raises UserError, with what it said, if the job ends with another status than 0."""
    command = [sys.executable, "-m", "mx_notes", "launch", "--workers", str(WORKERS), "--", "train"]
    command += ["--recipe", "digits", "--epochs", str(epochs), "--seed", str(seed)]
    command += ["--set", f"gradient_compression={compression}", "--out", str(out)]
    job = subprocess.run(command, capture_output=True, text=True)
    if job.returncode:
        said = (job.stderr or job.stdout).strip().removeprefix("mx-notes: ")
        raise UserError(said or f"a training ended with status {job.returncode}")


def table(rows: list[dict]) -> str:
    """The rows as Markdown: a line for each threshold, a column for each seed, and the means."""
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    lines = [
        cells("threshold", *(f"seed {seed}" for seed in seeds), "mean"),
        cells(*["---"] * (len(seeds) + 2)),
    ]
    for threshold in dict.fromkeys(row["threshold"] for row in rows):
        found = [row["test_accuracy"] for row in rows if row["threshold"] == threshold]
        lines.append(cells(threshold, *(f"{each:.1%}" for each in [*found, statistics.mean(found)])))
    return "\n".join(lines)


def cells(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=15, metavar="N", help="of each training (default: 15)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default: 1 2 3")
    parser.add_argument(
        "--thresholds",
        nargs="+",
        default=THRESHOLDS,
        metavar="T",
        help=f"none, or gradient_compression= of a training (default: {' '.join(THRESHOLDS)})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every training")
    options = parser.parse_args()
    rows = measure(options.epochs, options.seeds, options.thresholds)
    print(f"digits, {options.epochs} epochs, {WORKERS} workers: accuracy on the test images\n\n{table(rows)}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"bench_compression: {error}", file=sys.stderr)
        sys.exit(2)
