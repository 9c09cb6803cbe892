"""Several processes, on one machine or on many, that train one network: what each knows of the others.

MXNet's KVStore `dist_sync` carries everything. It adds up what the workers push under a key and answers when
all have pushed. No optimiser runs on its servers: each worker updates its own copy of the network with the
same sum, so that schedule, momentum and counts are the same everywhere and nothing is pickled.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np

from ..errors import UserError
from ..runtime import mx
from . import cluster

# The first key that isn't a gradient's: those have 0, 1, ... MXNet multiplies keys by 9973, in 32 bits.
OWN_KEYS = 1 << 16
CHUNK = 1 << 18  # bytes that one round merges


class Agreed(UserError):
    """An error that all workers know of and end with; worker 0 says it."""


class Workers:
    """The workers of a job as one of them sees them; without a KVStore, the only one.

    `sum`, `total`, `collect`, `texts`, `broadcast`, `together` and `expect_same` need all of them: each worker
    must call the same ones in the same order, and waits there for the others.
    """

    def __init__(self, store: mx.kv.KVStore | None = None) -> None:
        self._store = store
        self.rank = store.rank if store else 0
        self.count = store.num_workers if store else 1
        # Threshold of the gradients' 2-bit compression from the first `sum` on; 0: none.
        self.compression = 0.0
        # The signal that some worker was asked to stop by, as all know since the last `collect`; 0: none.
        self.stop = 0
        self._unwatch = cluster.watch(store, f"worker {self.rank}") if store else lambda: None
        self._asked = 0
        self._sums = False  # whether there was a `sum`
        self._keys: dict[tuple, int] = {}
        self._buffers: dict[int, mx.nd.NDArray] = {}

    @property
    def connected(self) -> bool:
        """Whether there is a KVStore: also in a job of one worker."""
        return self._store is not None

    @property
    def share(self) -> tuple[int, int]:
        """(rank, count)."""
        return self.rank, self.count

    def ask_to_stop(self, signal: int) -> None:
        """Have all workers see this signal as `stop`, after the same `collect`."""
        self._asked = signal
        if not self.connected:
            self.stop = signal

    def sum(self, key: int, arrays: list[mx.nd.NDArray], priority: int = 0) -> None:
        """Make arrays[0] the sum of all workers' `arrays` (one a device), without waiting for it.

        What is pushed under a key must depend on what was pulled before, as a gradient does on the weights:
        a server takes two pushes of one worker for those of two workers.
        """
        if not self._sums:
            self._sums = True
            if self.compression:
                self._store.set_gradient_compression({"type": "2bit", "threshold": self.compression})
        self._make(key, arrays[0])
        self._store.push(key, arrays, priority)
        self._store.pull(key, arrays[0], priority)

    def total(self, values: np.ndarray) -> np.ndarray:
        """The sum of all workers' values, float64; not with compression."""
        return self._exchange("float64", values) if self.connected else values

    def collect(self, values: Sequence[float]) -> np.ndarray:
        """Each worker's numbers, (workers, n) float64, exactly; a row for each rank."""
        rows = np.zeros((self.count, len(values) + 1))
        rows[self.rank] = [*values, self._asked]
        rows = np.frombuffer(self._merge(rows.tobytes())).reshape(rows.shape)
        self.stop = int(rows[:, -1].max())
        return rows[:, :-1]

    def texts(self, text: str) -> list[str]:
        """Each worker's text."""
        own = text.encode()
        size = int(self.collect([len(own)]).max())
        rows = self.collect(np.frombuffer(own.ljust(size, b"\0"), np.uint8))
        return [row.astype(np.uint8).tobytes().rstrip(b"\0").decode() for row in rows]

    def broadcast(self, content: bytes) -> bytes:
        """Worker 0's content; the others' is ignored."""
        size = int(self.collect([len(content)])[0, 0])
        return self._merge(content if self.rank == 0 else bytes(size))

    @contextmanager
    def together(self) -> Iterator[None]:
        """For what may fail on one worker only, and does not need the others: then all raise Agreed."""
        failure = ""
        try:
            yield
        except UserError as error:
            failure = str(error)
        for rank, text in enumerate(self.texts(failure)):
            if text:
                raise Agreed(f"worker {rank}: {text}" if rank else text)

    def expect_same(self, **facts: object) -> None:
        """All raise Agreed if a worker's facts are not those of worker 0."""
        first, *others = map(json.loads, self.texts(json.dumps(facts)))
        for rank, theirs in enumerate(others, 1):
            for name, value in theirs.items():
                if value != first[name]:
                    raise Agreed(f"worker {rank}: {name} {value!r}, but {first[name]!r} on worker 0")

    def close(self) -> None:
        """Leave the job, when all do."""
        mx.nd.waitall()
        self.collect([])  # whoever dies before this, such as worker 0 while it saves, is noticed
        self._unwatch()
        self._store = None  # the KVStore's destructor waits for the others

    def _merge(self, own: bytes) -> bytes:
        """All workers' bytes laid over each other: at each place at most one worker has another byte than 0."""
        if not self.connected:
            return own
        return b"".join(self._overlay(own[begin : begin + CHUNK]) for begin in range(0, len(own), CHUNK))

    def _overlay(self, own: bytes) -> bytes:
        values = np.frombuffer(own, np.uint8)
        if not (self.compression and self._sums):
            return self._exchange("float32", values).astype(np.uint8).tobytes()
        # MXNet compresses all that a KVStore pushes to -threshold, 0 or threshold: single bits come through.
        bits = np.unpackbits(values) * np.float32(self.compression)
        return np.packbits(self._exchange("float32", bits) > self.compression / 2).tobytes()

    def _exchange(self, dtype: str, values: np.ndarray) -> np.ndarray:
        # Always the same array for a key: what is pulled into it comes before what is pushed next.
        key = self._keys.setdefault((dtype, len(values)), OWN_KEYS + len(self._keys))
        if key not in self._buffers:
            self._make(key, mx.nd.zeros(len(values), dtype=dtype))
        buffer = self._buffers[key]
        buffer[:] = values
        self._store.push(key, buffer)
        self._store.pull(key, buffer)
        return buffer.asnumpy()

    def _make(self, key: int, array: mx.nd.NDArray) -> None:
        if key not in self._buffers:
            self._store.init(key, array.zeros_like())
            self._buffers[key] = array


@contextmanager
def joined() -> Iterator[Workers]:
    """The workers of the job that MXNet's environment variables describe; without them, this process alone.

    An error of this worker only is said here, and the process ends at once, with status 2: the others can't
    go on, and to leave in good order would be to wait for them.
    """
    if cluster.role() is None:
        yield Workers()
        return
    workers = Workers(cluster.connect())
    try:
        yield workers
    except Agreed:
        workers.close()
        if workers.rank:
            raise SystemExit(2) from None
        raise
    except BaseException as error:
        _end(error, workers.rank)
    workers.close()


def _end(error: BaseException, rank: int) -> None:
    status = 1
    if isinstance(error, UserError):
        print(f"mx-notes: worker {rank}: {error}" if rank else f"mx-notes: {error}", file=sys.stderr)
        status = 2
    elif isinstance(error, KeyboardInterrupt):
        status = 130
    elif not isinstance(error, BrokenPipeError):
        traceback.print_exception(error)
    for stream in (sys.stderr, sys.stdout):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status)
