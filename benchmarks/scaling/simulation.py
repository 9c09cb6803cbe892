"""A step of `dist_sync` simulated: who computes, sends and adds up what, when, and who waits for whom.

A worker computes forward and backward in segments, as MXNet's executor does. It pushes a key's gradient once
its segment's backward is done; a server adds up, and when all workers have pushed, each pulls the sum; the
next forward of that segment waits for it. A thread or a link does one thing after another, in the order in
which they come, so that the request for a sum waits for what its worker has pushed before; the threads of a
machine share its cores equally.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

FLOAT = 4  # bytes
BIG = 1_000_000  # MXNET_KVSTORE_BIGARRAY_BOUND: from how many elements on an array is split over all servers
BACKWARD = 2 / 3  # of a step's multiply-adds

Then = Callable[[], None]
Run = Callable[[float, Then], None]  # takes so many seconds, then does that


@dataclass(frozen=True)
class Segment:
    """A part of the network that MXNet executes as one: its share of the multiply-adds, its keys' elements."""

    share: float
    keys: dict[int, int]


@dataclass(frozen=True)
class Cost:
    """Seconds of processor that a message takes: one push and its pull by one worker."""

    message: float
    byte: float

    def __call__(self, size: float) -> float:
        return self.message + self.byte * size


@dataclass(frozen=True)
class Costs:
    """What a push and its pull cost the busiest network thread of a process, and its other ones."""

    worker_busiest: Cost
    worker_others: Cost
    server_busiest: Cost
    server_others: Cost


@dataclass(frozen=True)
class Job:
    """compute: seconds of a worker's step on a core of its own; bandwidth: bytes/s each way, None for no limit;
    latency: seconds a message is under way; cores: shared by all processes, None for a machine each with
    a core for every thread."""

    segments: list[Segment]
    compute: float
    workers: int
    servers: int
    costs: Costs
    bandwidth: float | None = None
    latency: float = 0.0
    cores: int | None = None

    def messages(self) -> list[tuple[int, int, int, int]]:
        """(segment, key, server, bytes) of all that a worker pushes in a step, as MXNet's KVStoreDist places it."""
        found = []
        for number, segment in enumerate(self.segments):
            for key, elements in segment.keys.items():
                if elements < BIG:
                    found.append((number, key, key * 9973 % self.servers, FLOAT * elements))
                else:
                    ends = [round(elements / self.servers * i) for i in range(self.servers + 1)]
                    found += [(number, key, i, FLOAT * (ends[i + 1] - ends[i])) for i in range(self.servers)]
        return found


def bounds(job: Job) -> dict[str, float]:
    """What a step can't be shorter than, in seconds, by what would limit it."""
    sizes = [(server, size) for *_, server, size in job.messages()]

    def busiest(cost: Callable[[float], float]) -> float:
        load = Counter()
        for server, size in sizes:
            load[server] += cost(size)
        return job.workers * max(load.values(), default=0.0)

    def total(cost: Callable[[float], float]) -> float:
        return sum(cost(size) for _, size in sizes)

    costs = job.costs
    found = {
        "compute": job.compute,
        "worker's processor": max(total(costs.worker_busiest), total(costs.worker_others)),
        "server's processor": max(busiest(costs.server_busiest), busiest(costs.server_others)),
    }
    if job.bandwidth:  # full duplex
        found["worker's link"] = total(lambda size: size / job.bandwidth)
        found["server's link"] = busiest(lambda size: size / job.bandwidth)
    if job.cores:
        all_costs = (costs.worker_busiest, costs.worker_others, costs.server_busiest, costs.server_others)
        found["cores"] = job.workers * (job.compute + sum(map(total, all_costs))) / job.cores
    return found


def simulate(job: Job) -> float:
    """Seconds per step: from one step's end to the next, once what the first left undone is in it."""
    ends = _Simulation(job, steps=4).run()
    return (ends[3] - ends[1]) / 2


def exchange(job: Job, arrays: int, elements: int) -> float:
    """Seconds to push and pull so many arrays, all ready at once, without training."""
    return simulate(
        replace(job, segments=[Segment(1.0, dict.fromkeys(range(arrays), elements))], compute=0.0)
    )


def _nothing() -> None:
    pass


def _along(stages: list[tuple[Run, float]], then: Then, begin: int = 0) -> None:
    """One stage after another, then that."""
    if begin == len(stages):
        then()
    else:
        run, seconds = stages[begin]
        run(seconds, partial(_along, stages, then, begin + 1))


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self._events: list = []
        self._number = count()

    def after(self, seconds: float, then: Then) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._number), then))

    def run(self) -> None:
        while self._events:
            self.now, _, then = heapq.heappop(self._events)
            then()


class _Cores:
    """So many cores, whose time all that is under way shares equally."""

    def __init__(self, clock: _Clock, number: int) -> None:
        self._clock, self._number = clock, number
        self._under_way: list = []  # (what `_received` will be at its end, order, then)
        self._order = count()
        self._received = 0.0  # seconds of a core that each has got, had it been there from the start
        self._since = 0.0
        self._plan = 0

    def run(self, seconds: float, then: Then) -> None:
        self._advance()
        heapq.heappush(self._under_way, (self._received + seconds, next(self._order), then))
        self._expect()

    def _rate(self) -> float:
        return min(1.0, self._number / len(self._under_way))

    def _advance(self) -> None:
        if self._under_way:
            self._received += (self._clock.now - self._since) * self._rate()
        self._since = self._clock.now

    def _expect(self) -> None:
        self._plan += 1
        if self._under_way:
            left = max(0.0, self._under_way[0][0] - self._received)
            self._clock.after(left / self._rate(), partial(self._end, self._plan))

    def _end(self, plan: int) -> None:
        if plan == self._plan:  # else something has begun or ended since
            self._advance()
            *_, then = heapq.heappop(self._under_way)
            self._expect()
            then()


class _Line:
    """A thread or a link: one thing after another, in the order in which they come."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: deque = deque()
        self._busy = False

    def do(self, seconds: float, then: Then, begun: Then = _nothing) -> None:
        """begun: what is done when it is this one's turn."""
        self._waiting.append((seconds, then, begun))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if self._busy:
            seconds, then, begun = self._waiting.popleft()
            begun()
            self._run(seconds, partial(self._done, then))

    def _done(self, then: Then) -> None:
        self._next()
        then()


class _Process:
    def __init__(self, clock: _Clock, run: Run) -> None:
        self.compute, self.busiest, self.others = (_Line(run).do for _ in range(3))
        self.up, self.down = _Line(clock.after).do, _Line(clock.after).do


class _Simulation:
    def __init__(self, job: Job, steps: int) -> None:
        self._job, self._steps = job, steps
        self._clock = _Clock()
        run = _Cores(self._clock, job.cores).run if job.cores else self._clock.after
        self._workers = [_Process(self._clock, run) for _ in range(job.workers)]
        self._servers = [_Process(self._clock, run) for _ in range(job.servers)]
        self._messages: list[list] = [[] for _ in job.segments]
        for segment, key, server, size in job.messages():
            self._messages[segment].append((key, server, size))
        self._missing = [[0] * len(job.segments) for _ in range(job.workers)]  # messages not pulled yet
        self._resume: list[Then | None] = [None] * job.workers  # what a worker will do when they are
        self._pushed: dict[tuple[int, int], list[Then]] = {}
        self._ends = [0.0] * steps

    def run(self) -> list[float]:
        """When each step's last backward ended."""
        for worker in range(self._job.workers):
            self._forward(worker, 0, 0)
        self._clock.run()
        return self._ends

    def _forward(self, worker: int, step: int, segment: int) -> None:
        if segment == len(self._job.segments):
            self._backward(worker, step, segment - 1)
        elif self._missing[worker][segment]:
            self._resume[worker] = partial(self._forward, worker, step, segment)
        else:
            seconds = self._job.compute * (1 - BACKWARD) * self._job.segments[segment].share
            self._workers[worker].compute(seconds, partial(self._forward, worker, step, segment + 1))

    def _backward(self, worker: int, step: int, segment: int) -> None:
        seconds = self._job.compute * BACKWARD * self._job.segments[segment].share
        self._workers[worker].compute(seconds, partial(self._computed, worker, step, segment))

    def _computed(self, worker: int, step: int, segment: int) -> None:
        if step < self._steps - 1:
            self._missing[worker][segment] = len(self._messages[segment])
            for key, server, size in self._messages[segment]:
                self._push(worker, segment, key, server, size)
        if segment:
            self._backward(worker, step, segment - 1)
        else:
            self._ends[step] = self._clock.now
            if step < self._steps - 1:
                self._forward(worker, step + 1, 0)

    def _push(self, worker: int, segment: int, key: int, server: int, size: int) -> None:
        sender, receiver, costs = self._workers[worker], self._servers[server], self._job.costs
        stages = [
            (sender.others, costs.worker_others(size) / 2),
            (sender.busiest, costs.worker_busiest(size) / 2),
            *self._wire(sender.up, receiver.down, size),
            (receiver.busiest, costs.server_busiest(size) / 2),
            (receiver.others, costs.server_others(size) / 2),
        ]
        _along(stages, partial(self._added, worker, segment, key, server, size))

    def _added(self, worker: int, segment: int, key: int, server: int, size: int) -> None:
        waiting = self._pushed.setdefault((key, server), [])
        waiting.append(partial(self._answer, worker, segment, server, size))
        if len(waiting) == self._job.workers:
            del self._pushed[key, server]
            for answer in waiting:
                answer()

    def _answer(self, worker: int, segment: int, server: int, size: int) -> None:
        """The server says that all have pushed, the worker asks for the sum.

        Messages of next to no size, but what was sent before them goes first: what else a worker has pushed.
        """
        asked, asking = self._servers[server], self._workers[worker]
        stages = [*self._wire(asked.up, asking.down, 0), *self._wire(asking.up, asked.down, 0)]
        _along(stages, partial(self._pull, worker, segment, server, size))

    def _pull(self, worker: int, segment: int, server: int, size: int) -> None:
        sender, receiver, costs = self._servers[server], self._workers[worker], self._job.costs
        stages = [
            (sender.others, costs.server_others(size) / 2),
            (sender.busiest, costs.server_busiest(size) / 2),
            *self._wire(sender.up, receiver.down, size),
            (receiver.busiest, costs.worker_busiest(size) / 2),
            (receiver.others, costs.worker_others(size) / 2),
        ]
        _along(stages, partial(self._pulled, worker, segment))

    def _wire(self, up: Run, down: Run, size: float) -> list[tuple[Run, float]]:
        if not self._job.bandwidth:
            return [(self._clock.after, self._job.latency)]

        def send(seconds: float, then: Then) -> None:
            # In packets: while its end is on the one link, its beginning is on the other.
            arrive = partial(down, seconds, then)
            up(seconds, _nothing, begun=partial(self._clock.after, self._job.latency, arrive))

        return [(send, size / self._job.bandwidth)]

    def _pulled(self, worker: int, segment: int) -> None:
        self._missing[worker][segment] -= 1
        if not self._missing[worker][segment] and self._resume[worker]:
            resume, self._resume[worker] = self._resume[worker], None
            resume()
