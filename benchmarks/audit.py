"""What the audit costs: the same training bare and audited, block by block in one process.

    python benchmarks/audit.py                     # both networks, about 12 minutes
    python benchmarks/audit.py --only perceptron   # half a minute

A block is a whole audit, from `with audit()` to its verdict, over so many steps; its sampled steps, on
which the rules recompute things, are in it. The bare block runs beside it, first and second in turn.
"""

import argparse
import statistics
import time
import tracemalloc

from mx_notes import audit
from mx_notes.models import build
from mx_notes.runtime import mx, threads

# name: (network, shape of a batch, steps of a block, rounds, largest ratio wanted)
WORKLOADS = {
    "perceptron": (lambda: perceptron(), (128, 784), 2000, 9, 1.10),
    "cifar_resnet20_v1": (
        lambda: build("cifar_resnet20_v1", 10, (3, 32, 32)),
        (128, 3, 32, 32),
        400,  # an epoch of CIFAR-10 has 391
        3,
        1.01,
    ),
}


def perceptron():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(256, activation="relu"), mx.gluon.nn.Dense(10))
    return net


def module(name: str) -> tuple[mx.mod.Module, mx.io.DataBatch]:
    make, shape, *_ = WORKLOADS[name]
    data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label")
    symbol = mx.sym.SoftmaxOutput(make()(data), label, normalization="batch", name="softmax")
    bound = mx.mod.Module(symbol)
    bound.bind([("data", shape)], [("softmax_label", shape[:1])])
    bound.init_params(mx.init.Xavier())
    bound.init_optimizer(
        optimizer="sgd",
        optimizer_params={"learning_rate": 0.01, "momentum": 0.9, "rescale_grad": 1.0},
    )
    batch = mx.io.DataBatch(
        [mx.nd.random.normal(shape=shape)], [mx.nd.random.randint(0, 10, shape[:1]).astype("float32")]
    )
    return bound, batch


def seconds(bound: mx.mod.Module, batch: mx.io.DataBatch, steps: int) -> float:
    """One block of training, to the last operator."""
    began = time.perf_counter()
    for _ in range(steps):
        bound.forward_backward(batch)
        bound.update()
        # A training loop reads a number now and then; without it the queue grows with the steps.
        bound.get_outputs()[0].wait_to_read()
    mx.nd.waitall()
    return time.perf_counter() - began


def compare(name: str) -> None:
    *_, steps, rounds, wanted = WORKLOADS[name]
    bound, batch = module(name)
    seconds(bound, batch, 20)
    ratios, bare, inside = [], [], []
    for number in range(rounds):
        if number % 2:
            bare.append(seconds(bound, batch, steps))
        began = time.perf_counter()
        with audit() as watch:
            inside.append(seconds(bound, batch, steps))
        whole = time.perf_counter() - began
        if not number % 2:
            bare.append(seconds(bound, batch, steps))
        ratios.append(whole / bare[-1])
    assert watch.number_of_steps == steps and not watch.errors
    median = statistics.median(ratios)
    print(
        f"{name:18} {1e3 * statistics.median(bare) / steps:8.2f} ms a step bare; audited / bare over {steps} steps: median"
        f" {median:.3f}, {min(ratios):.3f} to {max(ratios):.3f} in {rounds} rounds (wanted: at most {wanted:.2f})",
        flush=True,
    )


def memory() -> None:
    """Python's memory of one audit after 1,000 steps and after 5,000."""
    bound, batch = module("perceptron")
    tracemalloc.start()
    with audit():
        seconds(bound, batch, 1000)
        first = tracemalloc.get_traced_memory()[0]
        seconds(bound, batch, 4000)
        last = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"the trace's memory: {first / 1e6:.2f} MB after 1,000 steps, {last / 1e6:.2f} MB after 5,000")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=WORKLOADS)
    only = parser.parse_args().only
    print(f"MXNet {mx.__version__}, {threads().count} threads")
    for name in [only] if only else WORKLOADS:
        compare(name)
    memory()
