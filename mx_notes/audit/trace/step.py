"""What was seen of one step: its events in order, with the numbers that rules need."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...runtime import mx
from ..events import AUTOGRAD, NOWHERE, RETURNED, Event, Kind, Place
from ..graph.graph import Graph, Node
from ..graph.values import read, sample_of
from .ledger import Buffer


class Noted(Enum):
    """What the trace saw happen; a rule says what it means."""

    BACKWARD_WITHOUT_FORWARD = "backward of an executor without a forward pass of this batch before it"
    BACKWARD_WITHOUT_RECORDING = "backward of autograd without a recorded forward pass since the last one"
    BACKWARD_OF_INFERENCE = "backward of an executor whose forward pass ran in inference mode"
    BACKWARD_ELSEWHERE = "update with gradients that a backward pass of another thread wrote"
    UPDATE_BEFORE_BACKWARD = "update of a parameter whose batch has gone forward and not yet backward"
    MODE_CHANGED_IN_FLIGHT = (
        "a forward pass changed the mode of its executor's pass before, for which nobody had waited"
    )
    UPDATE_OF_INFERENCE = "update with a gradient whose forward pass ran in predict mode"
    FORWARD_WITHOUT_BACKWARD = "forward of an executor in training mode that no backward pass followed"
    RECORDING_WITHOUT_BACKWARD = "recorded forward pass that was never differentiated"
    STATISTICS_READ_EARLY = "running statistics were read while their backward pass was in flight"
    STATISTICS_READ_STALE = "running statistics were read before their backward pass had written them"
    CHANGED_SINCE_FORWARD = "an array that a forward pass has read was written before its backward pass"
    OUTPUT_AS_GRADIENT = "backward with the outputs themselves as their gradients"
    NUMBER_COMPILED_IN = "a hybridised graph was used that has an earlier value of a number compiled in"
    COPIED_ONTO_ITSELF = "a parameter was set to its own array"
    OPTIMIZER_REPLACED = "a network goes on training under a new optimiser of the same kind"
    SERVERS_KEEP_RATE = "servers apply the rate that they got with the optimiser, not the one asked for since"
    ITERATOR_EXHAUSTED = "a loop got no batch of an iterator that had ended before and was not reset"
    SELECTION_EMPTY = "a pattern of collect_params matches no parameter, and the result was used"
    SELECTION_ANCHORED = "likewise; the pattern is found inside of names, but not at their beginning"
    VALUES_UNMATCHED = "values were loaded or given for parameters, and no name was a parameter's"
    VALUES_MOSTLY_UNMATCHED = "likewise, and few names were"
    VALUES_IGNORED = "a module that was initialised before was given values that it ignored"
    VALUES_IGNORED_LATE = "likewise, and it had an optimiser already"
    MULTIPLIER_OF_TRAINER = (
        "set_lr_mult or set_wd_mult of a Trainer's optimiser, which asks the parameters instead"
    )
    MULTIPLIER_OF_SYMBOL = "an update used another multiplier than the one on the symbol's variable"
    MULTIPLIER_UNKNOWN = "a multiplier for a parameter that the optimiser does not know by this name"
    MULTIPLIERS_REPLACED = "multipliers were set again, without some names, before any update had used them"
    EVERYTHING_FIXED = "backward of an executor none of whose arrays has a gradient"
    SCHEDULE_KEEPS_RATE = "a schedule begins with its own rate, not with the learning rate given beside it"
    WARM_UP_KEEPS_RATE = "a warm-up climbs to another rate than the learning rate given beside it"
    NORM_CLIPPED = "gradients were clipped by their norm"
    CLIPPED_AFTER_UPDATE = "gradients were clipped by their norm after the update had read them"
    CLIPPED_BEFORE_SUM = "gradients were clipped by their norm before they were summed over devices"
    ELEMENTS_CLIPPED = "the elements of a gradient were clipped"
    GRADIENT_SCALED = "a gradient was multiplied in place by a number or an array"
    BYTES_WRAPPED = "a pass reads numbers that did not fit into the 8 bits in which they were computed"
    GRADIENT_NOT_FINITE = "gradients had a sum of squares that is not finite"


class Note(NamedTuple):
    """One thing noted, with the line of the program that was running."""

    what: Noted
    place: Place
    subject: str = ""  # the parameter or running statistic, where there is one
    numbers: tuple[float, ...] = ()
    detail: str = ""  # what else the program's author should be told by name


@dataclass
class UpdateSample:
    """One parameter's update by an optimiser, with copies (N,) of about one in `every` elements of its arrays.

    They are made without waiting for the engine; reading them waits.
    """

    name: str
    optimizer: mx.optimizer.Optimizer
    shape: tuple[int, ...]
    every: int
    gradient: mx.nd.NDArray
    weight_before: mx.nd.NDArray
    state_before: Any
    # From here on as of the update itself: a schedule may change them.
    learning_rate: float = 0.0  # with the parameter's own multiplier
    weight_decay: float = 0.0  # likewise
    count: int = 0  # of the parameter's updates, this one included
    momentum: float = 0.0
    rescale: float = 1.0
    clip: float | None = None
    weight_after: mx.nd.NDArray | None = None

    @classmethod
    def before(
        cls, name: str, optimizer: mx.optimizer.Optimizer, gradient: Any, weight: Any, state: Any, every: int
    ) -> UpdateSample | None:
        """Sample what the update will read; None of sparse and empty arrays.

        Copying a row-sparse gradient that is still being computed corrupts MXNet's memory.
        """
        samples = sample_of(gradient, every), sample_of(weight, every)
        if any(sample is None for sample in samples):
            return None
        return cls(name, optimizer, weight.shape, every, *samples, _sampled(state, every))

    def after(self, index: Any, weight: mx.nd.NDArray) -> UpdateSample:
        """Sample what the update wrote, and enter the numbers that it used."""
        optimizer = self.optimizer
        self.learning_rate, self.weight_decay = (
            plain(optimizer._get_lr(index)),
            plain(optimizer._get_wd(index)),
        )
        self.count = optimizer._index_update_count.get(index, 0)
        self.momentum = getattr(optimizer, "momentum", 0.0)
        self.rescale, self.clip = plain(optimizer.rescale_grad), optimizer.clip_gradient
        self.weight_after = sample_of(weight, self.every)
        return self


def plain(number: Any) -> float:
    """A number of an optimiser's, which may be an array of MXNet's, as Python's; waits for an array.

    NaN for an object that is no number: what a program's own optimiser makes of it, nobody else can tell.
    """
    try:
        return float(read(number).item()) if isinstance(number, mx.nd.NDArray) else float(number)
    except (TypeError, ValueError):
        return math.nan


def _sampled(state: Any, every: int) -> Any:
    if isinstance(state, (tuple, list)):
        return tuple(_sampled(part, every) for part in state)
    return sample_of(state, every) if isinstance(state, mx.nd.NDArray) else state


@dataclass(slots=True)
class Update:
    """One parameter's update on one device, and what had happened to its gradient before it."""

    name: str
    buffer: Buffer | None  # None: the gradient was not seen being made
    optimizer: type | None = None  # None: by hand
    remembers: bool = False  # the optimiser keeps a state from update to update
    updater: int = 0  # tells two updaters apart
    passes: int = 1  # backward passes into the gradient since the last update
    stale: bool = False  # none, and nobody else wrote it either
    uncleared: bool = False  # grad_req "add", and still holding what the last update used
    fresh_state: bool = False  # the updater had no state for it yet
    rescale: float | None = None  # the factor on the gradient that the optimiser applies; None: unknown
    rate: float | None = None  # by hand: the factor that is a learning rate, unless it has a rescale in it

    @property
    def accumulates(self) -> bool:
        """Whether backward passes add to the gradient instead of overwriting it."""
        return self.buffer is not None and self.buffer.request == "add"


@dataclass
class WeightCopy:
    """Copies (N,) of some elements of a parameter on one device after its update, the same of each device's."""

    name: str
    values: mx.nd.NDArray
    shape: tuple[int, ...]
    backward: int = 0  # the pass that made its gradient, where the update was by hand

    @classmethod
    def of(cls, name: str, array: mx.nd.NDArray, every: int, backward: int = 0) -> list[WeightCopy]:
        """Copy a parameter; no copy of a sparse or empty one."""
        values = sample_of(array, every)
        return [] if values is None else [cls(name, values, array.shape, backward)]


@dataclass
class Look:
    """The graph of a backward pass of a sampled step, taken before the pass ran."""

    graph: Graph
    device: str
    training: bool = True  # the mode of its forward pass


@dataclass(frozen=True)
class Derivative:
    """A backward pass held against difference quotients of its loss: the first parameter whose gradient is another.

    got, wanted: what the gradient says and what the loss does along one random direction.
    """

    parameters: int = 0  # that were judged
    operators: int = 0  # between them and the loss; where nothing was judged, in the graph
    difference: float = 0.0  # the largest along a direction, relative to the gradient's size
    name: str = ""  # of the parameter; empty: all gradients are right
    got: float = 0.0
    wanted: float = 0.0
    culprit: Node | None = None  # the operator whose own backward is wrong
    uses: int = 1  # of the parameter
    adds: bool = False  # with grad_req="add"
    left: str = ""  # why the pass, or a part of it, was not judged


class Rates(NamedTuple):
    """An optimiser's learning rate: the one that the program asked for, the one in use."""

    asked: float
    used: float


@dataclass
class Step:
    """The work from one update to the next. A sampled step also has graphs and copies of arrays."""

    number: int
    sampled: bool = False
    events: list[Event] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # buffers wiped before anybody used them
    notes: list[Note] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    derivatives: list[Derivative] = field(default_factory=list)
    samples: list[UpdateSample] = field(default_factory=list)
    weights: list[WeightCopy] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)  # fingerprints of what was fed
    labels: list[int] = field(default_factory=list)  # fingerprints of a Module's labels that are not constant
    statistics: bool = False  # a backward pass wrote batch norm's running statistics
    workers: int = 1  # whose gradients were summed
    padding: int = 0  # examples that the iterator repeated to fill the batch
    rates: dict[int, Rates] = field(default_factory=dict)  # by the number of the optimiser
    place: Place = NOWHERE  # of its first update

    @cached_property
    def finite(self) -> bool:
        """Whether the parameters that were sampled before their update were finite."""
        return all(np.isfinite(read(sample.weight_before)).all() for sample in self.samples)

    def noted(self, *what: Noted) -> list[Note]:
        """What was noted of these kinds, each thing once."""
        return noted_among(self.notes, what)

    def forget_arrays(self) -> None:
        """Let go of what was only kept for the rules."""
        self.looks, self.samples, self.weights, self.derivatives = [], [], [], []

    def count(self, kind: Kind | str) -> int:
        """How often something ran in the step, never added up over devices or networks.

        Forward passes in training mode of one executor; backward passes into one gradient; updates of one
        parameter. Where these differ, the largest number.
        """
        kind = Kind(kind)
        if kind is Kind.UPDATE:  # two parameters may have one name
            ran: list = [update.buffer or update.name for update in self.updates]
        else:
            ran = [event.source for event in self.events if event.kind is kind and event.training]
        alone = len(set(ran)) == len(ran)  # as nearly always: then it needs no counting, which is slow
        most = bool(ran) if alone else max(Counter(ran).values())
        if kind is Kind.BACKWARD and self.updates:
            # Two networks or devices have one pass each; and a pass of another step, whose gradient nobody
            # wanted, is none of this one. Of a pass in another thread only the gradient tells.
            passes = max([update.passes for update in self.updates])
            most = min(most, passes) if ran else passes
        return int(most)

    def in_order(self) -> bool:
        """Whether each backward follows its executor's forward, and the updates follow all of them."""
        forwards: set = set()
        updated = False
        for event in self.events:
            if event.kind is Kind.FORWARD and event.training:
                forwards.add(event.source)
            elif event.kind is Kind.BACKWARD:
                source = AUTOGRAD if event.source == RETURNED else event.source
                if updated or source not in forwards:
                    return False
            updated = updated or event.kind is Kind.UPDATE
        return True


@dataclass(frozen=True)
class RunFacts:
    """What rules may ask after the last step."""

    steps: int
    passes: int  # backward passes
    forwards: int  # forward passes in training mode
    trained_elsewhere: bool  # a child process trained
    buffers: list[Buffer]  # whose parameters are alive
    departed: list[Buffer]  # and some of those whose parameters are not
    handed: set[str]  # the parameters that optimisers of Trainers are to train, by name
    schedules: list[Schedule]
    courses: list[Course] = field(default_factory=list)  # of the schedules that optimisers follow
    notes: list[Note] = field(default_factory=list)  # what was noted after the last step
    stopped: bool = False  # the audit ended the program early
    failed: bool = False  # an exception that nobody caught ended it

    def noted(self, *what: Noted) -> list[Note]:
        """What was noted of these kinds after the last step, each thing once."""
        return noted_among(self.notes, what)


def noted_among(notes: list[Note], what: tuple[Noted, ...]) -> list[Note]:
    """The notes of these kinds, each thing once, as it was first noted."""
    if not notes:  # as nearly always
        return []
    found = {(note.what, note.subject): note for note in reversed(notes) if note.what in what}
    return list(found.values())[::-1]


class Shape(Enum):
    """How a schedule changes the rate."""

    STEPS = "every so many updates"
    MILESTONES = "at given updates"
    ANNEALED = "with every update, until the last"


@dataclass(frozen=True)
class Settings:
    """A schedule as it was given to an optimiser. Numbers are of updates."""

    shape: Shape
    first: int  # the update after which the rate changes first; annealed: the last
    last: int  # and changes last; 0: never
    factor: float
    warm_up: int
    rate: float  # before the first change


@dataclass(eq=False)
class Course:
    """What became of a schedule that an optimiser follows."""

    settings: Settings
    place: Place
    began: int  # the count of updates when it was first asked
    updates: int = 0  # the latest count
    first_rate: float = 0.0
    rate: float = 0.0  # the latest
    rescale: float = 1.0
    epoch: int = 0  # `fit` was told to begin with this one
    epochs: int = 0  # and to make so many; 0: unknown
    restored: bool = False  # the optimiser's states were loaded before its first update

    @property
    def made(self) -> int:
        """The updates of this run."""
        return self.updates - self.began

    @property
    def resumes(self) -> bool:
        """Whether the program goes on with a training that was interrupted."""
        return self.epoch > 0 or self.restored


@dataclass
class Schedule:
    """A learning-rate schedule that the program itself asks for rates."""

    horizon: int  # the updates that it is made for; 0: unknown
    largest: int = 0  # the largest number of updates that it was asked for
