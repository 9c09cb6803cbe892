"""How `dist_sync` scales: measured with 1, 2 and 4 workers here, simulated from its parts, and up to 100 workers.

    python benchmarks/scaling/one_machine.py --rounds 2              # about 7 minutes on two cores
    python benchmarks/scaling/one_machine.py --json scaling.json --figure docs/scaling.svg
    python benchmarks/scaling/one_machine.py --network cifar_resnet20_v1 --rounds 7

What is measured, with one thread a worker: how long a step's computation takes (no KVStore), what each message
costs worker and server (arrays exchanged without training), and, to compare, the training of jobs of 1, 2
and 4 workers with a server on this machine, each worker with a batch of its own. The simulation
(simulation.py) is given the former only.
"""

import argparse
import json
import math
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from job import Processes, classes, loopback
from simulation import FLOAT, Cost, Costs, Job, Segment, bounds, simulate
from tqdm import tqdm

from mx_notes.errors import UserError, at_least_one

WORKERS = (1, 2, 4)
BATCHES = {"cifar_resnet20_v1": (8, 64), "resnet50_v1": (1, 4)}  # of each worker
PROJECTED = {"cifar_resnet20_v1": 64, "resnet50_v1": 32}
SMALL, LARGE = (64, 1 << 10), (32, 1 << 18)  # arrays that are exchanged, float32 elements in each
TURN = 1.0  # seconds of computation that a turn is to have
BULK = 15  # MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN: so many operators are executed as one

GIGABIT = 1e9 / 8  # bytes/s
LATENCY = 50e-6  # seconds that a message is under way; assumed
FASTER = (1, 100)  # how many times as fast as a core here the imagined workers compute; assumed
MANY = (1, 4, 16, 100)
SERVERS = (1, 8, 32)
BANDWIDTHS = (1, 10)  # Gb/s; the figure is for the last one


@dataclass(frozen=True)
class Measured:
    """Of a network: seconds of each round, by batch size, or by batch size and workers."""

    alone: dict[int, list[float]]  # a step's computation, the other cores idle
    beside: dict[int, list[float]]  # with a second process that computes the same
    steps: dict[tuple[int, int], list[float]]  # of a job: (batch of each worker, workers)
    bytes: dict[tuple[int, int], list[float]]  # over the loopback, per worker and step


@dataclass(frozen=True)
class Exchanged:
    """Seconds of each round for arrays of a size, per array: a push and a pull by every worker."""

    wall: list[float]
    server: list[tuple[float, float]]  # of processor, of the busiest thread and of all others, per worker
    worker: list[tuple[float, float]]


def segments(model: str) -> list[Segment]:
    """The network as MXNet's executor runs it, with its keys as mx_notes.parallel numbers them."""
    from mx_notes import models
    from mx_notes.models.faster import faster
    from mx_notes.models.nodes import nodes
    from mx_notes.runtime import mx

    shape = models.usual_shape(model)
    symbol = faster(models.mean_cross_entropy(models.build(model, classes(model), shape)), [mx.cpu()], shape)
    graph = nodes(symbol)
    arguments = dict(zip(symbol.list_arguments(), symbol.infer_shape(data=(1, *shape))[0], strict=True))
    inside = symbol.get_internals()
    outputs = dict(zip(inside.list_outputs(), inside.infer_shape(data=(1, *shape))[1], strict=True))
    learned = [name for name in arguments if name not in ("data", "softmax_label")]
    keys = {name: key for key, name in enumerate(learned)}
    operators = [node for node in graph if node.op != "null"]
    work, pushed = [], []
    for begin in range(0, len(operators), BULK):
        multiply_adds, own = 0, {}
        for node in operators[begin : begin + BULK]:
            names = [graph[number].name for number in node.inputs]
            if node.op in ("Convolution", "FullyConnected"):
                places = math.prod(outputs[f"{node.name}_output"][2:])
                multiply_adds += places * math.prod(arguments[names[1]])
            own |= {keys.pop(name): math.prod(arguments[name]) for name in names if name in keys}
        work.append(multiply_adds)
        pushed.append(own)
    return [Segment(part / sum(work), own) for part, own in zip(work, pushed, strict=True)]


def measure(model: str, rounds: int, with_exchange: bool) -> tuple[Measured, dict]:
    """All that is measured with this network's processes, which take turns."""
    batches = BATCHES[model]
    grid = [(batch, workers) for batch in batches for workers in WORKERS]
    found = Measured(
        *({batch: [] for batch in batches} for _ in range(2)),
        *({each: [] for each in grid} for _ in range(2)),
    )
    with ExitStack() as stack:
        alone, beside = (stack.enter_context(Processes(model, count, servers=0)) for count in (1, 2))
        jobs = {count: stack.enter_context(Processes(model, count)) for count in WORKERS}
        for batch in batches:
            alone.ask("train", batch, 1)  # the first is slower
        for _ in tqdm(range(rounds), model, unit="round", file=sys.stderr):
            for batch in batches:
                found.alone[batch].append(alone.ask("train", batch, 2))
                steps = max(2, round(TURN / found.alone[batch][-1]))
                found.beside[batch].append(beside.ask("train", batch, steps))
                for workers, job in jobs.items():
                    before = loopback()
                    found.steps[batch, workers].append(job.ask("train", batch, steps))
                    found.bytes[batch, workers].append((loopback() - before) / (1 + steps) / workers)
        sizes = [(1, SMALL[1]), SMALL, LARGE] if with_exchange else []
        return found, {
            (count, size): exchanged(job, *size, rounds) for count, job in jobs.items() for size in sizes
        }


def exchanged(job: Processes, arrays: int, elements: int, rounds: int) -> Exchanged:
    """Exchange so many arrays, several times in each round."""
    found = Exchanged([], [], [])
    job.ask("exchange", arrays, elements, 2)
    times = max(2, 1000 // arrays // job.workers) if elements == SMALL[1] else 4
    for _ in range(rounds):
        before = job.server_seconds(), job.worker_seconds()
        found.wall.append(job.ask("exchange", arrays, elements, times) / arrays)
        after = job.server_seconds(), job.worker_seconds()
        for side, was, now, workers in zip(
            (found.server, found.worker), before, after, (job.workers, 1), strict=True
        ):
            spent = sorted((now[thread] - was.get(thread, 0.0)) / times / arrays / workers for thread in now)
            side.append((spent[-1], sum(spent[:-1])))
    return found


def costs(exchanges: dict) -> tuple[Costs, float]:
    """What a message costs, and how long it is under way on the loopback beyond what processors spend on it."""

    def cost(side: str, place: int) -> Cost:
        small, large = (
            statistics.median(
                spent[place] for count in WORKERS for spent in getattr(exchanges[count, size], side)
            )
            for size in (SMALL, LARGE)
        )
        byte = (large - small) / (FLOAT * (LARGE[1] - SMALL[1]))
        return Cost(small - byte * FLOAT * SMALL[1], byte)

    one = exchanges[1, (1, SMALL[1])]
    busy = sum(map(sum, (*one.server, *one.worker))) / len(one.wall)
    latency = (statistics.median(one.wall) - busy) / 4  # push, answer, request, pull
    sides = ("worker", 0), ("worker", 1), ("server", 0), ("server", 1)
    return Costs(*(cost(*each) for each in sides)), max(0.0, latency)


def here(
    network: list[Segment], found: Measured, batch: int, workers: int, costs: Costs, latency: float
) -> Job:
    """A job on this machine, as the simulation is told of it."""
    compute = statistics.median((found.alone if workers == 1 else found.beside)[batch])
    return Job(network, compute, workers, 1, costs, latency=latency, cores=len(os.sched_getaffinity(0)))


def inputs(networks: dict, measured: dict, costs: Costs, latency: float) -> str:
    """What the simulation is given, as text."""
    lines = ["what a push and its pull cost, in processor time    µs a message   ns a byte"]
    for name, cost in asdict(costs).items():
        lines.append(
            f"  {name.replace('_', ', '):48} {cost['message'] * 1e6:13.1f} {cost['byte'] * 1e9:11.2f}"
        )
    lines += [f"under way on the loopback: {latency * 1e6:.0f} µs a message", ""]
    for model, found in measured.items():
        keys = [size for segment in networks[model] for size in segment.keys.values()]
        for (batch, workers), seen in found.bytes.items():
            if workers == 1:
                lines.append(
                    f"{model}: {len(keys)} arrays, {FLOAT * sum(keys) / 1e6:.2f} MB pushed and as much pulled a"
                    f" step; over the loopback {statistics.median(seen) / (2 * FLOAT * sum(keys)):.3f} of that"
                ) if batch == min(found.alone) else None
        for batch in found.alone:
            lines.append(
                f"  batch {batch}: computes {1000 * statistics.median(found.alone[batch]):.0f} ms"
                f" ({_spread(found.alone[batch])}), with another process beside"
                f" {1000 * statistics.median(found.beside[batch]):.0f} ms ({_spread(found.beside[batch])})"
            )
    return "\n".join(lines)


def _spread(seconds: list[float]) -> str:
    return f"{1000 * min(seconds):.0f} to {1000 * max(seconds):.0f}"


def reproduced(networks: dict, measured: dict, costs: Costs, latency: float) -> list[dict]:
    """A row of each job that was measured: its seconds per step, and what the simulation says of them."""
    rows = []
    for model, found in measured.items():
        for (batch, workers), seconds in found.steps.items():
            simulated = simulate(here(networks[model], found, batch, workers, costs, latency))
            rows.append(
                {
                    "model": model,
                    "batch_of_a_worker": batch,
                    "workers": workers,
                    "seconds": seconds,
                    "median": statistics.median(seconds),
                    "simulated": simulated,
                }
            )
    return rows


def projected(networks: dict, measured: dict, costs: Costs) -> list[dict]:
    """A row of each imagined job, each process on a machine of its own: seconds per step and what bounds it."""
    rows, jobs = [], []
    for model, found in measured.items():
        batch = PROJECTED[model]
        (small, first), (large, last) = sorted((b, statistics.median(s)) for b, s in found.alone.items())
        compute = first + (last - first) / (large - small) * (batch - small)
        for faster, bandwidth, servers, workers in product(FASTER, BANDWIDTHS, SERVERS, MANY):
            job = Job(
                networks[model],
                compute / faster,
                workers,
                servers,
                costs,
                bandwidth=bandwidth * GIGABIT,
                latency=LATENCY,
            )
            limits = bounds(job)
            what = {"model": model, "batch_of_a_worker": batch, "faster": faster, "gigabits": bandwidth}
            size = {"servers": servers, "workers": workers, "alone": job.compute}
            bound = max(limits, key=limits.get)
            rows.append(what | size | {"bound": bound, "bound_seconds": limits[bound]})
            jobs.append(job)
    with ProcessPoolExecutor() as processes:
        seconds = list(tqdm(processes.map(simulate, jobs), "simulations", len(jobs), file=sys.stderr))
    for row, simulated in zip(rows, seconds, strict=True):
        row["seconds"] = simulated
    return rows


def reproduced_text(rows: list[dict]) -> str:
    """Measured against simulated."""
    lines = [
        f"{'a step on this machine, ms':38} {'measured (lowest to highest)':>30} {'simulated':>10} {'off by':>7}"
    ]
    for row in rows:
        what = f"{row['model']}, batch {row['batch_of_a_worker']}, {row['workers']} workers"
        found = f"{1000 * row['median']:.0f} ({_spread(row['seconds'])})"
        lines.append(
            f"{what:38} {found:>30} {1000 * row['simulated']:10.0f} {row['simulated'] / row['median'] - 1:7.0%}"
        )
    return "\n".join(lines)


def projected_text(rows: list[dict]) -> str:
    """What 100 workers get of 100 times one worker's speed."""
    lines = [
        f"{'100 workers, a machine each':52} {'step, ms':>9} {'of linear':>9}  bound by (no step is shorter)"
    ]
    for row in rows:
        if row["workers"] == MANY[-1]:
            what = f"{row['model']} in {1000 * row['alone']:.0f} ms, {row['gigabits']} Gb/s, {row['servers']} servers"
            lines.append(
                f"{what:52} {1000 * row['seconds']:9.1f} {row['alone'] / row['seconds']:9.0%}"
                f"  {row['bound']} ({1000 * row['bound_seconds']:.1f} ms)"
            )
    return "\n".join(lines)


def draw(rows: list[dict], points: list[dict], file: Path) -> None:
    """On the left measured against simulated, beside it the speed-up of each network by workers and servers."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    models = list(dict.fromkeys(row["model"] for row in rows))
    figure, panels = pyplot.subplots(1, 1 + len(models), figsize=(12, 4), layout="constrained")
    colours = ["#0072b2", "#e69f00", "#009e73"]
    left = panels[0]
    for number, (model, batch) in enumerate({(p["model"], p["batch_of_a_worker"]): None for p in points}):
        own = [p for p in points if (p["model"], p["batch_of_a_worker"]) == (model, batch)]
        workers, colour = [p["workers"] for p in own], f"C{number}"
        left.plot(workers, [p["simulated"] for p in own], color=colour, label=f"{model}, batch {batch}")
        left.plot(workers, [p["median"] for p in own], "o", color=colour)
    left.set(
        xscale="log", yscale="log", xlabel="workers on two cores", ylabel="seconds per step", xticks=WORKERS
    )
    left.set_xticklabels(WORKERS)
    left.minorticks_off()
    left.set_title("dots measured, lines simulated", loc="left", fontsize=10)
    left.set_ylim(top=20)  # room for the legend
    left.legend(fontsize=7)
    for panel, model in zip(panels[1:], models, strict=True):
        chosen = {"model": model, "gigabits": BANDWIDTHS[-1], "faster": FASTER[-1]}
        for servers, colour in zip(SERVERS, colours, strict=True):
            own = [
                row
                for row in rows
                if chosen | {"servers": servers} == {k: row[k] for k in (*chosen, "servers")}
            ]
            speed = [row["workers"] * row["alone"] / row["seconds"] for row in own]
            panel.plot(MANY, speed, "o-", color=colour, markersize=3, label=f"{servers} servers")
        panel.plot(MANY, MANY, "--", color="#999999", label="linear")
        panel.set(
            xscale="log", yscale="log", xlabel="workers, a machine each", ylabel="times one worker's speed"
        )
        panel.set_title(
            f"{model}, {1000 * own[0]['alone']:.0f} ms, {BANDWIDTHS[-1]} Gb/s", loc="left", fontsize=10
        )
        panel.legend(fontsize=7)
    figure.savefig(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", choices=BATCHES, default=list(BATCHES), help="default: both")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw it: .svg, .png or .pdf")
    options = parser.parse_args()
    at_least_one(f"--rounds {options.rounds}", options.rounds)
    measured, exchanges = {}, {}
    for model in options.network:
        measured[model], found = measure(model, options.rounds, with_exchange=not exchanges)
        exchanges |= found
    with ProcessPoolExecutor(1) as apart:  # this process stays without MXNet, and forks safely
        networks = {model: apart.submit(segments, model).result() for model in options.network}
    message_costs, latency = costs(exchanges)
    points = reproduced(networks, measured, message_costs, latency)
    rows = projected(networks, measured, message_costs)
    print(inputs(networks, measured, message_costs, latency), end="\n\n")
    print(reproduced_text(points), end="\n\n")
    print(projected_text(rows))
    if options.json:
        found = {"costs": asdict(message_costs), "latency": latency, "here": points, "projected": rows}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.figure:
        draw(rows, points, options.figure)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"one_machine: {error}", file=sys.stderr)
        sys.exit(2)
