"""`dist_sync` over links that are the bound: measured with up to 16 workers, against what the simulation says.

    python benchmarks/scaling/links.py                   # as root, with Debian's iproute2; about 13 minutes
    python benchmarks/scaling/links.py --megabits 50 --rounds 1 --figure links.svg

Each process is on a machine of its own (machines.py: a network namespace), whose link to the others is so
slow that sending takes far longer than what all processes compute on the cores they share. one_machine.py measures
what computation and messages cost; simulation.py is told that, the links' rate, and nothing else.
"""

import argparse
import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

from job import Processes
from machines import Machines
from one_machine import costs, here, measure, segments
from simulation import bounds, simulate
from tqdm import tqdm

from mx_notes.errors import UserError, at_least_one

NETWORK, BATCH = "cifar_resnet20_v1", 8  # of each worker
SERVERS, WORKERS = (1, 4), (1, 2, 4, 8, 16)  # of a job
PAYLOAD = 1448 / 1514  # of the bytes on a link: 66 of each packet are headers of Ethernet, IP and TCP
TURN = 6.0  # seconds that a round is to take


def expected(megabits: float) -> list[dict]:
    """A row of each job: what the simulation says of it, and what its step cannot be shorter than."""
    found, exchanges = measure(NETWORK, rounds=3, with_exchange=True)
    with ProcessPoolExecutor(1) as apart:  # this process stays without MXNet, and forks safely
        network = apart.submit(segments, NETWORK).result()
    message_costs, latency = costs(exchanges)
    rows = []
    for servers, workers in product(SERVERS, WORKERS):
        job = replace(
            here(network, found, BATCH, workers, message_costs, latency),
            servers=servers,
            bandwidth=megabits * 1e6 / 8 * PAYLOAD,
        )
        limits = bounds(job)
        bound = max(limits, key=limits.get)
        rows.append(
            {"workers": workers, "servers": servers, "simulated": simulate(job)}
            | {"bound": bound, "bound_seconds": limits[bound]}
        )
    return rows


def measured(row: dict, megabits: float, rounds: int) -> list[float]:
    """Seconds per step in each round."""
    workers, servers = row["workers"], row["servers"]
    steps = max(2, round(TURN / row["simulated"]))
    with (
        Machines(1 + servers + workers, megabits) as machines,
        Processes(NETWORK, workers, servers, machines) as job,
    ):
        job.ask("train", BATCH, 1)  # every key is made in the first step
        return [job.ask("train", BATCH, steps) for _ in range(rounds)]


def table(rows: list[dict], megabits: float) -> str:
    """Measured against simulated, as Markdown."""
    lines = [
        f"{NETWORK}, batches of {BATCH}, links of {megabits:g} Mb/s each way; milliseconds a step\n",
        "| workers | servers | measured (lowest to highest) | simulated | off by | bound by (no step is shorter) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        median, low, high = (1000 * of(row["seconds"]) for of in (statistics.median, min, max))
        lines.append(
            f"| {row['workers']} | {row['servers']} | {median:.0f} ({low:.0f} to {high:.0f})"
            f" | {1000 * row['simulated']:.0f} | {row['simulated'] * 1000 / median - 1:+.0%}"
            f" | {row['bound']} ({1000 * row['bound_seconds']:.0f}) |"
        )
    return "\n".join(lines)


def draw(rows: list[dict], megabits: float, file: Path) -> None:
    """Seconds per step by workers: lines simulated, dots measured."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for servers, colour in zip(SERVERS, ("#0072b2", "#e69f00"), strict=True):
        own = [row for row in rows if row["servers"] == servers]
        workers = [row["workers"] for row in own]
        label = f"{servers} server{'s' * (servers > 1)}"
        panel.plot(workers, [row["simulated"] for row in own], color=colour, label=f"{label}, simulated")
        medians = [statistics.median(row["seconds"]) for row in own]
        panel.plot(workers, medians, "o", color=colour)
    panel.set(xscale="log", yscale="log", xlabel="workers, a machine each", ylabel="seconds per step")
    counts = sorted({row["workers"] for row in rows})
    panel.set_xticks(counts, counts)
    panel.minorticks_off()
    panel.set_title(f"{NETWORK}, links of {megabits:g} Mb/s: circles measured", loc="left", fontsize=10)
    panel.legend(fontsize=7)
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabits", type=float, default=20, metavar="R", help="a second, each way")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw it: .svg, .png or .pdf")
    options = parser.parse_args()
    at_least_one(f"--rounds {options.rounds}", options.rounds)
    if not options.megabits > 0:
        raise UserError(f"--megabits {options.megabits:g}: expected a number above 0")
    with Machines(1):
        pass  # what they need is missing now, not after the measurements
    rows = expected(options.megabits)
    for row in tqdm(rows, "jobs", unit="job", file=sys.stderr):
        row["seconds"] = measured(row, options.megabits, options.rounds)
    print(table(rows, options.megabits))
    if options.json:
        options.json.write_text(json.dumps({"megabits": options.megabits, "jobs": rows}, indent=1) + "\n")
    if options.figure:
        draw(rows, options.megabits, options.figure)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"links: {error}", file=sys.stderr)
        sys.exit(2)
