"""How long a training step takes with each number of OpenMP threads, quiet and beside one busy process.

    python benchmarks/threads.py            # ResNet-20 on images of several sizes: about 6 minutes
    python benchmarks/threads.py --steps 10

Each number is the median of the steps of a process of its own; the busy process is a Python loop that the
benchmark starts. From its table `mx_notes.runtime.threads` has the size of work below which it takes one thread.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

from mx_notes.runtime.openmp import at_opening

SIZES = (
    (32, 8),
    (64, 8),
    (32, 16),
    (64, 16),
    (32, 28),
    (128, 28),
    (128, 32),
)  # examples of a batch, pixels of an image's side
SPINS = (None, 10_000, 0)  # GOMP_SPINCOUNT: how often an idle thread looks for work before it sleeps


def step_time(batch: int, side: int, steps: int) -> float:
    """The median of the seconds that a step takes in this process."""
    from mx_notes.recipes import preset
    from mx_notes.runtime import mx
    from mx_notes.training.start import bind

    _, module = bind(preset("digits").override([f"batch_size={batch}"]), 10, (3, side, side), 100, [mx.cpu()])
    images = mx.nd.random.normal(shape=(batch, 3, side, side))
    labels = mx.nd.random.randint(0, 10, (batch,)).astype("float32")
    data = mx.io.DataBatch([images], [labels])
    times = []
    for _ in range(steps + 3):
        began = time.perf_counter()
        module.forward_backward(data)
        module.update()
        mx.nd.waitall()
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:])


@contextmanager
def busy(processes: int):
    """Keep so many cores busy inside the `with`."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def measure(batch: int, side: int, threads: int, spins: int | None, steps: int) -> float:
    """The step's seconds in a process with so many threads."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    if spins is not None:
        environment["GOMP_SPINCOUNT"] = str(spins)
    command = [sys.executable, __file__, "--child", str(batch), str(side), "--steps", str(steps)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(step_time(*options.child, options.steps))
        return
    print("ms a step: median; quiet / beside one busy process")
    many = at_opening().count
    for batch, side in SIZES:
        for threads, spins in ((1, None), *((many, spins) for spins in SPINS)):
            quiet = measure(batch, side, threads, spins, options.steps)
            with busy(1):
                beside = measure(batch, side, threads, spins, options.steps)
            spinning = "" if spins is None else f", GOMP_SPINCOUNT={spins}"
            print(
                f"{batch} x {side} x {side}: {1e3 * quiet:7.1f} / {1e3 * beside:7.1f}  {threads} threads{spinning}",
                flush=True,
            )


if __name__ == "__main__":
    main()
