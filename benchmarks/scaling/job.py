"""A job on this machine whose workers do what they are asked; `python job.py MODEL` is one of them."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from machines import Machines

from mx_notes.errors import UserError

FIRST_KEY = 1 << 17  # of the arrays that are exchanged without training


class Processes:
    """Processes of one thread each: `workers` of a job with a scheduler and `servers`, or of none (no KVStore).

    machines: one for each process of the job, the scheduler on the first, then the servers; without them
    all are on this machine's loopback.
    """

    def __init__(self, model: str, workers: int, servers: int = 1, machines: Machines | None = None) -> None:
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)]),
        }
        train = [sys.executable, __file__, model]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._started = 0
        self._machines = machines
        self._others = []
        if servers:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            environment |= {
                "DMLC_PS_ROOT_URI": machines.address(0) if machines else "127.0.0.1",
                "DMLC_PS_ROOT_PORT": str(port),
                "DMLC_NUM_WORKER": str(workers),
                "DMLC_NUM_SERVER": str(servers),
            }
            serve = [sys.executable, "-m", "mx_notes", "train"]
            for role in ("scheduler", *["server"] * servers):
                self._others.append(self._start(serve, environment | {"DMLC_ROLE": role}))
            environment["DMLC_ROLE"] = "worker"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._workers = [self._start(train, environment, **pipes) for _ in range(workers)]
        self.workers = workers

    def _start(self, command: list[str], environment: dict[str, str], **pipes) -> subprocess.Popen:
        address, before = "127.0.0.1", []
        if self._machines:
            address, before = self._machines.address(self._started), self._machines.on(self._started)
        self._started += 1
        environment = environment | {"DMLC_NODE_HOST": address}
        return subprocess.Popen([*before, *command], env=environment, stderr=self._log, **pipes)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._workers:
            process.stdin.close()
        for process in [*self._workers, *self._others]:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:  # a worker died, and the others wait for it
                process.kill()

    def ask(self, request: str, *arguments: float) -> float:
        """Have all workers do it; the longest of their seconds, if it is timed. Raises UserError with the log if one has died."""
        try:
            for process in self._workers:
                print(json.dumps([request, *arguments]), file=process.stdin, flush=True)
            return max(json.loads(process.stdout.readline()) or 0.0 for process in self._workers)
        except (BrokenPipeError, json.JSONDecodeError):
            self._log.seek(0)
            raise UserError(f"a worker failed: {self._log.read()[-2000:]}") from None

    def server_seconds(self) -> dict[str, float]:
        """Seconds of processor that each thread of the server has had."""
        return _seconds(self._others[1].pid)

    def worker_seconds(self) -> dict[str, float]:
        """The same of the first worker."""
        return _seconds(self._workers[0].pid)


def classes(model: str) -> int:
    """Of the data set that the network was published for."""
    return 10 if model.startswith("cifar_") else 1000


def _seconds(process: int) -> dict[str, float]:
    # In nanoseconds, first in each line (Documentation/scheduler/sched-stats.rst of Linux).
    files = Path(f"/proc/{process}/task").glob("*/schedstat")
    return {file.parent.name: int(file.read_text().split()[0]) * 1e-9 for file in files}


def loopback() -> int:
    """Bytes that have gone over this machine's loopback since it was started, headers of TCP/IP included."""
    (line,) = (
        each for each in Path("/proc/net/dev").read_text().splitlines() if each.strip().startswith("lo:")
    )
    return int(line.split()[1])


class Worker:
    """A worker, which trains on one batch, or exchanges arrays with the server without training."""

    def __init__(self, model: str, workers) -> None:
        from mx_notes import models
        from mx_notes.models.faster import faster
        from mx_notes.parallel import DataParallel
        from mx_notes.recipes import Recipe
        from mx_notes.runtime import mx
        from mx_notes.training import optimizer, seed_everything

        self._workers, self._shape = workers, models.usual_shape(model)
        self._arrays: dict[tuple[int, int], list] = {}
        recipe = Recipe(data="cifar10", model=model, learning_rate=0.01)
        seed_everything(recipe.seed)
        net = models.build(model, classes(model), self._shape)
        symbol = faster(models.mean_cross_entropy(net), [mx.cpu()], self._shape)
        # Without a job too, so that all but the network is the same.
        self._module = DataParallel(symbol, [mx.cpu()], workers)
        self._bound = self._batch(1)
        self._module.bind(self._bound.provide_data, self._bound.provide_label)
        self._module.init_params(models.initializer())
        with warnings.catch_warnings():  # that rescale_grad is not 1/batch_size: see training.optimizer
            warnings.filterwarnings("ignore", message="Optimizer created manually")
            self._module.init_optimizer(kvstore=None, optimizer=optimizer(recipe, 1000, self._module))

    def _batch(self, size: int):
        import numpy as np

        from mx_notes.data.feed import data_batch

        images = np.random.default_rng(1).standard_normal((size, *self._shape), np.float32)
        return data_batch(images, np.arange(size) % 10, "float32", size * self._workers.count)

    def train(self, size: int, steps: int) -> float:
        """Seconds per step, after one that is not timed, as `training.fit` does it; size: of this worker's batch."""
        from mx_notes.runtime import mx
        from mx_notes.training import Meter

        batch, meter, began = self._batch(size), Meter(self._workers), 0.0
        for step in range(1 + steps):
            self._module.forward_backward(batch)
            self._module.update()
            meter.add(self._module.get_outputs(), batch.label[0])
            if step == 0:
                meter.catch_up()
                mx.nd.waitall()
                began = time.perf_counter()
        meter.catch_up()
        mx.nd.waitall()
        return (time.perf_counter() - began) / steps

    def exchange(self, arrays: int, elements: int, rounds: int) -> float:
        """Seconds per round, in which so many arrays are pushed and pulled."""
        from mx_notes.runtime import mx

        if (arrays, elements) not in self._arrays:
            self._arrays[arrays, elements] = [mx.nd.zeros(elements) for _ in range(arrays)]
        places = list(self._arrays)
        key = FIRST_KEY + sum(number for number, _ in places[: places.index((arrays, elements))])
        began = time.perf_counter()
        for _ in range(rounds):
            for number, array in enumerate(self._arrays[arrays, elements]):
                self._workers.sum(key + number, [array], priority=-number)
            mx.nd.waitall()
        return (time.perf_counter() - began) / rounds


def main() -> None:
    """Answer [request, arguments...] on stdin until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what MXNet prints is no answer
    from mx_notes.parallel.workers import joined

    with joined() as workers:
        worker = Worker(sys.argv[1], workers)
        for line in sys.stdin:
            request, *arguments = json.loads(line)
            print(json.dumps(getattr(worker, request)(*arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
