"""What the audit costs: the same training bare and audited, block by block in one process.

    python benchmarks/audit.py                     # all workloads, about 15 minutes
    python benchmarks/audit.py --only perceptron   # half a minute

A block is so many steps, sampled ones among them, on which the rules recompute things. A bare block runs beside
each audited one, first and second in turn. What an audit costs once, however long the training, stands apart: to
begin, the verdict, and the first steps (a quarter of a block), where most is recomputed.
"""

import argparse
import itertools
import statistics
import tempfile
import time
import timeit
import tracemalloc
from collections.abc import Callable
from typing import NamedTuple

from mx_notes import audit
from mx_notes.audit import process
from mx_notes.models import build
from mx_notes.runtime import mx, threads

BUCKETS = (10, 20, 30, 40)


class Workload(NamedTuple):
    """A training step to take again and again, in rounds of two blocks."""

    make: Callable[[], Callable[[], None]]
    steps: int  # of a block
    rounds: int
    wanted: float  # the largest ratio


def perceptron() -> Callable[[], None]:
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(256, activation="relu"), mx.gluon.nn.Dense(10))
    return by_module(net, (128, 784))


def resnet() -> Callable[[], None]:
    return by_module(build("cifar_resnet20_v1", 10, (3, 32, 32)), (128, 3, 32, 32))


def by_module(net: mx.gluon.Block, shape: tuple[int, ...]) -> Callable[[], None]:
    """Training by Module; a loop reads a number now and then: without it the queue grows with the steps."""
    data, label = mx.sym.Variable("data"), mx.sym.Variable("softmax_label")
    symbol = mx.sym.SoftmaxOutput(net(data), label, normalization="batch", name="softmax")
    bound = mx.mod.Module(symbol)
    bound.bind([("data", shape)], [("softmax_label", shape[:1])])
    begin(bound, rescale_grad=1.0)
    labels = mx.nd.random.randint(0, 10, shape[:1]).astype("float32")
    batch = mx.io.DataBatch([mx.nd.random.normal(shape=shape)], [labels])

    def step() -> None:
        bound.forward_backward(batch)
        bound.update()
        bound.get_outputs()[0].wait_to_read()

    return step


def lstm_buckets() -> Callable[[], None]:
    """Two layers of LSTM, unrolled to sentences of several lengths, as in MXNet's example of bucketing."""
    words, width, size = 1000, 100, 32

    def unrolled(length: int):
        stack = mx.rnn.SequentialRNNCell()
        for layer in range(2):
            stack.add(mx.rnn.LSTMCell(width, prefix=f"lstm{layer}_"))
        embedded = mx.sym.Embedding(mx.sym.var("data"), input_dim=words, output_dim=width, name="embedding")
        outputs, _ = stack.unroll(length, embedded, merge_outputs=True)
        scores = mx.sym.FullyConnected(mx.sym.reshape(outputs, (-1, width)), num_hidden=words, name="out")
        label = mx.sym.reshape(mx.sym.var("softmax_label"), (-1,))
        return mx.sym.SoftmaxOutput(scores, label, name="softmax"), ("data",), ("softmax_label",)

    bound = mx.mod.BucketingModule(unrolled, default_bucket_key=max(BUCKETS))
    bound.bind([("data", (size, max(BUCKETS)))], [("softmax_label", (size, max(BUCKETS)))])
    begin(bound)
    batches = []
    for length in BUCKETS:
        shape = (size, length)
        tokens = mx.nd.random.randint(0, words, shape).astype("float32")
        described = [mx.io.DataDesc("data", shape)], [mx.io.DataDesc("softmax_label", shape)]
        batches.append(mx.io.DataBatch([tokens], [tokens], 0, None, length, *described))
    turn = itertools.cycle(batches)

    def step() -> None:
        bound.forward_backward(next(turn))
        bound.update()
        bound.get_outputs()[0].wait_to_read()

    return step


def lstm_gluon() -> Callable[[], None]:
    """A Gluon cell, unrolled operator by operator while autograd records: many calls, each of little work."""
    cell, out = mx.gluon.rnn.LSTMCell(100), mx.gluon.nn.Dense(50, flatten=False)
    for block in (cell, out):
        block.initialize(mx.init.Xavier())
    parameters = {**cell.collect_params(), **out.collect_params()}
    trainer = mx.gluon.Trainer(parameters, "sgd", {"learning_rate": 0.01})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    data, label = (
        mx.nd.random.normal(shape=(32, 35, 100)),
        mx.nd.random.randint(0, 50, (32, 35)).astype("float32"),
    )

    def step() -> None:
        with mx.autograd.record():
            outputs, _ = cell.unroll(35, data, merge_outputs=True)
            loss = loss_of(out(outputs), label)
        loss.backward()
        trainer.step(32)
        loss.wait_to_read()

    return step


def begin(bound: mx.mod.BaseModule, **settings: float) -> None:
    bound.init_params(mx.init.Xavier())
    bound.init_optimizer(
        optimizer="sgd", optimizer_params={"learning_rate": 0.01, "momentum": 0.9, **settings}
    )


WORKLOADS = {
    "perceptron": Workload(perceptron, 2000, 9, 1.10),
    "lstm_buckets": Workload(lstm_buckets, 200, 5, 1.30),
    "lstm_gluon": Workload(lstm_gluon, 200, 5, 1.30),
    "cifar_resnet20_v1": Workload(resnet, 100, 5, 1.01),
}


class Spent(NamedTuple):
    """The seconds that a block of training takes."""

    wall: float
    thread: float  # the processor time of the program's own thread, in which the hooks run


def spent(step: Callable[[], None], steps: int) -> Spent:
    """Take so many steps, to the last operator."""
    wall, thread = time.perf_counter(), time.thread_time()
    for _ in range(steps):
        step()
    mx.nd.waitall()
    return Spent(time.perf_counter() - wall, time.thread_time() - thread)


def compare(name: str, check_gradients: bool) -> None:
    """Print the workload's ratio, and what an audit costs once."""
    make, steps, rounds, wanted = WORKLOADS[name]
    first = steps // 4
    step = make()
    spent(step, 20)
    bare, audited, once = [], [], []
    for number in range(rounds):
        if number % 2:
            bare.append(spent(step, steps))
        began = time.perf_counter()
        with audit(check_gradients=check_gradients) as watch:
            spent(step, first)
            start = time.perf_counter() - began
            audited.append(spent(step, steps))
            began = time.perf_counter()
        end = time.perf_counter() - began
        if not number % 2:
            bare.append(spent(step, steps))
        once.append(start - first * bare[-1].wall / steps + end)
    assert watch.number_of_steps == first + steps and not watch.errors, watch.report()
    ratios = [with_it.wall / without.wall for with_it, without in zip(audited, bare, strict=True)]
    more = [with_it.thread - without.thread for with_it, without in zip(audited, bare, strict=True)]
    each = statistics.median(block.wall for block in bare) / steps
    thread = statistics.median(more) / steps
    print(
        f"{name}: {1e3 * each:.2f} ms a step bare\n"
        f"  audited / bare over {steps} steps: median {statistics.median(ratios):.3f},"
        f" {min(ratios):.3f} to {max(ratios):.3f} in {rounds} rounds (wanted: at most {wanted:.2f})\n"
        f"  its thread's processor time: +{1e3 * thread:.2f} ms a step, {thread / each:.1%} of the step\n"
        f"  once, to begin and in the first {first} steps: {statistics.median(once):.2f} s",
        flush=True,
    )


def memory() -> None:
    """Python's memory of one audit after 1,000 steps and after 5,000."""
    step = perceptron()
    tracemalloc.start()
    with audit():
        spent(step, 1000)
        first = tracemalloc.get_traced_memory()[0]
        spent(step, 4000)
        last = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"the trace's memory: {first / 1e6:.2f} MB after 1,000 steps, {last / 1e6:.2f} MB after 5,000")


def live() -> None:
    """Print how long `mx-notes audit --live` looks for a new finding after a step without one."""
    step = perceptron()
    with tempfile.TemporaryDirectory() as folder:
        watched = process._Process(folder=folder, live=True, options={})
        watched.begin()
        spent(step, 100)
        assert not watched._watch.findings
        each = min(timeit.repeat(watched._after_step, number=1000, repeat=20)) / 1000
        watched.finish()
    print(f"--live, a step without a finding: {1e6 * each:.2f} µs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=WORKLOADS)
    parser.add_argument(
        "--no-derivatives", action="store_true", help="do not hold gradients against the loss's derivative"
    )
    asked = parser.parse_args()
    print(f"MXNet {mx.__version__}, {threads().count} threads")
    for name in [asked.only] if asked.only else WORKLOADS:
        compare(name, check_gradients=not asked.no_derivatives)
    memory()
    live()
