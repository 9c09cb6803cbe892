"""What it costs a program to be opened by mx_notes: Python's start, `import mxnet`, and a training step.

    python benchmarks/doors.py                 # about two minutes

Each figure is of a process of its own, with and without in turns. Without: the names that MXNet reads are put
into NumPy, else it does not open, and nothing is mended.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

WITHOUT = """
import sys
from mx_notes.runtime import restore_numpy_names
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "mx_notes.on_import"]
restore_numpy_names()
"""
IMPORT = """
import time
began = time.perf_counter()
import mxnet as mx
print(time.perf_counter() - began)
"""
STEPS = (
    IMPORT.replace("print", "str")
    + """
from mxnet import autograd, gluon
net = gluon.nn.HybridSequential()
net.add(gluon.nn.Conv2D(8, 3, activation="relu"), gluon.nn.Dense(10))
net.initialize()
net.hybridize()
trainer, loss_of = gluon.Trainer(net.collect_params(), "adam"), gluon.loss.SoftmaxCELoss()
data, label, metric = mx.nd.random.normal(shape=(16, 1, 12, 12)), mx.nd.arange(16) % 10, mx.metric.Accuracy()

def step():
    with autograd.record():
        output = net(data)
        loss = loss_of(output, label)
    loss.backward()
    trainer.step(16)
    metric.update([label], [output])
    return loss.mean().asscalar()

for _ in range(100):
    step()
began = time.perf_counter()
for _ in range(500):
    step()
print((time.perf_counter() - began) / 500)
"""
)


def seconds(code: str) -> float:
    command = [sys.executable, "-W", "ignore", "-c", code]
    variables = os.environ | {"OMP_NUM_THREADS": "1"}
    return float(subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout)


def start(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    kinds = {
        "start of Python, ms": (lambda: start("import mx_notes"), lambda: start("pass")),
        "import mxnet, ms": (lambda: seconds("import mx_notes" + IMPORT), lambda: seconds(WITHOUT + IMPORT)),
        "training step, ms": (lambda: seconds("import mx_notes" + STEPS), lambda: seconds(WITHOUT + STEPS)),
    }
    for name, (ours, plain) in kinds.items():
        pairs = [(1e3 * ours(), 1e3 * plain()) for _ in range(rounds)]
        with_it, without = (statistics.median(column) for column in zip(*pairs, strict=True))
        difference = statistics.median(a - b for a, b in pairs)
        print(f"{name:22} {with_it:9.3f} with, {without:9.3f} without; {difference:+.3f} by rounds")


if __name__ == "__main__":
    main()
