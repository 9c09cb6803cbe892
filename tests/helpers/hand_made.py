"""Steps made by hand for a rule to judge: the audit's own classes, filled with a few numbers.

loss = softmax_loss(dense(leaf("data", shape=(4, 8))), labels=[0, 1, 2, 0])
assert MeanLoss().on_step(step(look(loss), update("weight", rescale=1 / 4))) == []
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from mx_notes.audit.events import AUTOGRAD, Event, Kind, Place
from mx_notes.audit.graph.graph import LEAF, Graph, Node, Output
from mx_notes.audit.rules import Message, Rule
from mx_notes.audit.trace.ledger import Buffer
from mx_notes.audit.trace.step import (
    Look,
    Note,
    Noted,
    RunFacts,
    Schedule,
    Step,
    Update,
    UpdateSample,
    WeightCopy,
)
from mx_notes.runtime import mx

LINE = Place("train.py", 12)  # of a step's first update
_handles = count(1_000_000)


# The graph


def leaf(
    name: str,
    values: Any = None,
    *,
    shape: Sequence[int] | None = None,
    parameter: bool = False,
    handle: int = 0,
) -> Node:
    """Data, labels or a parameter, with values or with a shape only."""
    return _filled(Node(LEAF, name, parameter=parameter, handle=handle), values, shape)


def node(
    op: str,
    *inputs: Node | Output,
    values: Any = None,
    shape: Sequence[int] | None = None,
    name: str = "",
    **attributes: object,
) -> Node:
    """An operator, with values or with a shape only; its attributes become text, as in MXNet."""
    sources = [each if isinstance(each, Output) else Output(each) for each in inputs]
    texts = {key: str(value) for key, value in attributes.items()}
    return _filled(Node(op, name or op, texts, sources), values, shape)


def dense(source: Node, units: int = 3, *, values: Any = None, name: str = "dense", handle: int = 0) -> Node:
    """A dense layer with weight and bias that puts out `values` (N, units), or zeros: undecided.

    handle: of the weight's array.
    """
    rows, width = source.shape_of(0)[0], int(np.prod(source.shape_of(0)[1:]))
    values = np.zeros((rows, units), np.float32) if values is None else np.asarray(values)
    weight = leaf(f"{name}_weight", shape=(values.shape[1], width), parameter=True, handle=handle)
    bias = leaf(f"{name}_bias", shape=values.shape[1:], parameter=True)
    return node("FullyConnected", source, weight, bias, values=values, name=name, num_hidden=values.shape[1])


def relu(source: Node) -> Node:
    """A relu."""
    return _act("relu", source, lambda x: np.maximum(x, 0))


def sigmoid(source: Node) -> Node:
    """A sigmoid."""
    return _act("sigmoid", source, lambda x: 1 / (1 + np.exp(-x)))


def softmax_loss(scores: Node, labels: Sequence[float]) -> Node:
    """The operators of Gluon's SoftmaxCrossEntropyLoss, from scores (N, classes) to a loss for each example, (N,)."""
    logarithms = _log_softmax(scores.fetch(0))
    chosen = np.clip(np.asarray(labels, int), 0, logarithms.shape[1] - 1)[:, np.newaxis]
    picked = np.take_along_axis(logarithms, chosen, axis=1)
    log_softmax = node("log_softmax", scores, values=logarithms, axis=-1)
    pick = node("pick", log_softmax, leaf("label", labels), values=picked, axis=-1, keepdims=True)
    negated = node("_mul_scalar", pick, values=-picked, scalar=-1.0)
    return node("mean", negated, values=-picked[:, 0], axis=0, exclude=True)


def softmax_output(scores: Node, labels: Sequence[float], **attributes: object) -> Node:
    """The symbol's SoftmaxOutput of scores (N, classes)."""
    known, shape = scores.fetch(0), scores.shape_of(0)
    values = None if known is None else np.exp(_log_softmax(known))
    label = leaf("softmax_label", labels)
    return node("SoftmaxOutput", scores, label, values=values, shape=shape, **attributes)


def mean(source: Node) -> Node:
    """The mean of all elements, (1,)."""
    return node("mean", source, shape=(1,))


def look(
    *heads: Node,
    gradients: Iterable[Any] | None = None,
    executor: bool = False,
    device: str = "cpu(0)",
) -> Look:
    """The graph above these heads. gradients: of the heads, where not ones. executor: it is a bound symbol."""
    given = [None] * len(heads) if gradients is None else [np.asarray(each) for each in gradients]
    return Look(Graph([Output(head) for head in heads], given, executor), device)


def _log_softmax(values: np.ndarray) -> np.ndarray:
    values = values - values.max(axis=1, keepdims=True).astype(np.float64)
    return values - np.log(np.exp(values).sum(axis=1, keepdims=True))


def _act(kind: str, source: Node, function: Callable[[np.ndarray], np.ndarray]) -> Node:
    known = source.fetch(0)
    values = None if known is None else function(known)
    return node("Activation", source, values=values, shape=source.shape_of(0), name=kind, act_type=kind)


def _filled(made: Node, values: Any, shape: Sequence[int] | None) -> Node:
    array = None if values is None else np.asarray(values)
    known = shape if array is None else array.shape
    made.fetch = lambda index: array if index == 0 else None
    made.shape_of = lambda index: known if index == 0 else None
    return made


# The step

_LISTS = {
    Event: "events",
    Look: "looks",
    Note: "notes",
    Update: "updates",
    UpdateSample: "samples",
    WeightCopy: "weights",
}


def step(*seen: Event | Look | Note | Update | UpdateSample | WeightCopy, number: int = 1, **fields) -> Step:
    """A sampled step in which these were seen, each kind in its order."""
    made = Step(number, sampled=True, place=LINE, **fields)
    for each in seen:
        getattr(made, _LISTS[type(each)]).append(each)
    return made


def forward(training: bool = True, source: object = AUTOGRAD) -> Event:
    """A forward pass."""
    return Event(Kind.FORWARD, source, training)


def note(
    what: Noted, line: int = 7, subject: str = "", numbers: tuple[float, ...] = (), detail: str = ""
) -> Note:
    """Something noted while that line of train.py ran."""
    return Note(what, Place("train.py", line), subject, numbers, detail)


def update(name: str = "weight", request: str = "write", **fields) -> Update:
    """An update by SGD of a parameter whose gradient has this grad_req; a `buffer=None` was not seen."""
    fields = {"buffer": buffer(name, request), "optimizer": mx.optimizer.SGD} | fields
    return Update(name, **fields)


def sample(
    name: str = "weight",
    *,
    before: Any,
    after: Any = None,
    gradient: Any = None,
    state: Any = None,
    optimizer: mx.optimizer.Optimizer | None = None,
    shape: Sequence[int] | None = None,
    dtype: str = "float32",
    device: int = 0,
    **numbers,
) -> UpdateSample:
    """An update whose arrays were copied whole.

    after: by default as before. gradient: by default ones. shape: the parameter's, by default the copies' (N,).
    """
    after = before if after is None else after
    gradient = np.ones(len(before)) if gradient is None else gradient
    arrays = [mx.nd.array(values, dtype=dtype, ctx=mx.cpu(device)) for values in (gradient, before, after)]
    return UpdateSample(
        name,
        optimizer or mx.optimizer.SGD(),
        tuple(shape or arrays[0].shape),
        every=1,
        gradient=arrays[0],
        weight_before=arrays[1],
        state_before=state,
        weight_after=arrays[2],
        **numbers,
    )


def copy_of(name: str, values: Any, device: int = 0, backward: int = 0) -> WeightCopy:
    """One device's copy of a parameter after its update. backward: the pass behind an update by hand."""
    return WeightCopy.of(name, mx.nd.array(values, ctx=mx.cpu(device)), 1, backward)[0]


# The run


def buffer(name: str = "weight", request: str = "write", **fields) -> Buffer:
    """A parameter's gradient buffer."""
    fields = {"weight": next(_handles), "device": "cpu(0)"} | fields
    return Buffer(name, request, **fields)


def facts(
    *buffers: Buffer,
    departed: Iterable[Buffer] = (),
    handed: Iterable[str] = (),
    schedules: Iterable[Schedule] = (),
    steps: int = 10,
    passes: int | None = None,
    forwards: int | None = None,
    trained_elsewhere: bool = False,
    **fields,
) -> RunFacts:
    """A run that is over; by default with one pass forward and one backward in each step."""
    passes, forwards = steps if passes is None else passes, steps if forwards is None else forwards
    lists = list(buffers), list(departed), set(handed), list(schedules)
    return RunFacts(steps, passes, forwards, trained_elsewhere, *lists, **fields)


def stacked(*samples: UpdateSample, names: Sequence[str] | None = None) -> Step:
    """A sampled step of a network of dense layers with these weights, in their order or in that of `names`."""
    source = leaf("data", shape=(1, 2))
    for name in names or [sample.name for sample in samples]:
        source = node("FullyConnected", source, leaf(name, shape=(2, 2), parameter=True), shape=(1, 2))
    return step(look(source), *samples)


# The judgement


def the_finding(rule: Rule, about: Step | RunFacts) -> Message:
    """The one thing that the rule finds in a step or a run, with its severity filled in."""
    found = rule.on_step(about) if isinstance(about, Step) else rule.at_end(about)
    assert isinstance(found, list) and len(found) == 1, found
    return replace(found[0], severity=found[0].severity or rule.severity)
