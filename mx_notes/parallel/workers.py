"""The workers of a job, on one machine or on many: processes that train one network and add up their gradients.

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
    """The job's workers, as one of them sees them; without a KVStore, this process alone.

    `sum`, `total`, `collect`, `texts`, `broadcast`, `together` and `expect_same` need all of them: each worker
    must call the same ones in the same order, and waits there for the others.
    """

    def __init__(self, store: mx.kv.KVStore | None = None) -> None:
        self._store = store
        self.rank = store.rank if store else 0
        self.count = store.num_workers if store else 1
        # The signal by which a worker was asked to stop, known to all since the last `collect`; 0: none.
        self.stop = 0
        self._unwatch = cluster.watch(store, f"worker {self.rank}") if store else lambda: None
        self._asked = 0
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

        Values pushed under a key must depend on those pulled before, as a gradient does on the weights:
        a server takes two pushes of one worker for the pushes of two workers.
        """
        self._make(key, arrays[0])
        self._store.push(key, arrays, priority)
        self._store.pull(key, arrays[0], priority)

    def total(self, values: np.ndarray) -> np.ndarray:
        """Add up all workers' values, (n,) float64."""
        return self._exchange("float64", values) if self.connected else values

    def collect(self, values: Sequence[float]) -> np.ndarray:
        """Gather each worker's numbers, exactly: (workers, n) float64, a row for each rank."""
        rows = np.zeros((self.count, len(values) + 1))
        rows[self.rank] = [*values, self._asked]
        rows = np.frombuffer(self._merge(rows.tobytes())).reshape(rows.shape)
        self.stop = int(rows[:, -1].max())
        return rows[:, :-1]

    def texts(self, text: str) -> list[str]:
        """Gather each worker's text, by rank."""
        own = text.encode()
        size = int(self.collect([len(own)]).max())
        rows = self.collect(np.frombuffer(own.ljust(size, b"\0"), np.uint8))
        return [row.astype(np.uint8).tobytes().rstrip(b"\0").decode() for row in rows]

    def broadcast(self, content: bytes) -> bytes:
        """Give worker 0's content to all workers; the content that the others pass is ignored."""
        size = int(self.collect([len(content)])[0, 0])
        return self._merge(content if self.rank == 0 else bytes(size))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Have all workers raise Agreed if the `with` block fails on one of them; it may not need the others."""
        failure = ""
        try:
            yield
        except UserError as error:
            failure = str(error)
        for rank, text in enumerate(self.texts(failure)):
            if text:
                raise Agreed(f"worker {rank}: {text}" if rank else text)

    def expect_same(self, **facts: object) -> None:
        """Have all workers raise Agreed if a worker's facts differ from worker 0's."""
        first, *others = map(json.loads, self.texts(json.dumps(facts)))
        for rank, theirs in enumerate(others, 1):
            for name, value in theirs.items():
                if value != first[name]:
                    raise Agreed(f"worker {rank}: {name} {value!r}, but {first[name]!r} on worker 0")

    def close(self) -> None:
        """Leave the job, when all do."""
        mx.nd.waitall()
        self.collect([])  # a worker that dies before this, such as worker 0 while it saves, is noticed
        self._unwatch()
        self._store = None  # the KVStore's destructor waits for the others

    def _merge(self, own: bytes) -> bytes:
        """Merge the workers' byte strings, which have one length, by adding them.

        At each position at most one worker may have another byte than 0: then the sum is that byte.
        """
        if not self.connected:
            return own
        values = np.frombuffer(own, np.uint8)
        chunks = (values[begin : begin + CHUNK] for begin in range(0, len(values), CHUNK))
        return b"".join(self._exchange("float32", chunk).astype(np.uint8).tobytes() for chunk in chunks)

    def _exchange(self, dtype: str, values: np.ndarray) -> np.ndarray:
        # Always the same array for a key: so MXNet pulls into it before it pushes the next values.
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
    """Join the job that MXNet's environment variables describe; without them, this process is alone.

    An error of this worker only is printed here and ends the process at once, with status 2: the others
    can't go on, and leaving in good order would mean waiting for them.
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
