"""Symbols opened up: their nodes, with values that are computed again, once, from the same inputs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property

import numpy as np

from ...runtime import mx
from ...runtime.drawing import draws
from .graph import Graph, Node, Output
from .operators import WORTH_A_VALUE, depends_on_mode
from .values import LARGEST, numpy_of, wait_for


def opened(symbol: mx.sym.Symbol) -> tuple[dict[Node, list[int]], list[Output]]:
    """A symbol's nodes, inputs before users, each with its outputs' positions among the internals; and the heads."""
    parsed = json.loads(symbol.tojson())
    nodes: list[Node] = []
    for node in parsed["nodes"]:
        sources = [Output(nodes[source], index) for source, index, *_ in node["inputs"]]
        nodes.append(Node(node["op"], node["name"], node.get("attrs", {}), sources))
    places = _places(parsed, symbol.get_internals().list_outputs())
    heads = [Output(nodes[source], index) for source, index, *_ in parsed["heads"]]
    return dict(zip(nodes, places, strict=True)), heads


def mode_matters(symbol: mx.sym.Symbol) -> bool:
    """Whether a symbol computes something else in training than in prediction."""
    return any(depends_on_mode(node.op, node.attributes) for node in opened(symbol)[0])


class SymbolPart:
    """A symbol with the arrays it was run on.

    An output is known by its position among the symbol's internal outputs, since names may stand twice.
    Values inside the symbol are computed together at the first request.
    """

    def __init__(self, symbol: mx.sym.Symbol, arrays: list[mx.nd.NDArray], training: bool) -> None:
        """arrays: one for each name in `symbol.list_inputs()`, in that order."""
        self._symbol, self._arrays = symbol, arrays
        self._internals = symbol.get_internals()
        self._values: dict[int, np.ndarray] = {}
        self._places, self.heads = opened(symbol)
        self.nodes = list(self._places)
        # Leaves to keep beside what is computed from them: an executor gets its next batch in the same arrays.
        self.fed: list[Node] = []
        self._input_at = {self._places[leaf][0]: number for number, leaf in enumerate(self.leaves)}
        for node, places in self._places.items():
            node.fetch, node.shape_of = self._fetcher(places), self._shaper(places)
        # In training mode Dropout would draw from the user's random numbers; others draw in either mode.
        self._training = training and not any(draws(n.op, n.attributes) for n in self.nodes)

    @property
    def leaves(self) -> list[Node]:
        """The nodes of the symbol's inputs, in their order."""
        return [node for node in self.nodes if node.is_leaf]

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        names = self._symbol.list_inputs()
        arguments = set(self._symbol.list_arguments())
        known = {name: a.shape for name, a in zip(names, self._arrays, strict=True) if name in arguments}
        _, shapes, _ = self._internals.infer_shape_partial(**known)
        return [tuple(shape) for shape in shapes or []]

    def _shaper(self, places: list[int]) -> Callable[[int], tuple[int, ...] | None]:
        def shape_of(index: int) -> tuple[int, ...] | None:
            return self._shapes[places[index]] if index < len(places) and self._shapes else None

        return shape_of

    def _fetcher(self, places: list[int]) -> Callable[[int], np.ndarray | None]:
        def fetch(index: int) -> np.ndarray | None:
            if index >= len(places):
                return None
            place = places[index]
            if place not in self._values:
                if place in self._input_at:
                    return numpy_of(self._arrays[self._input_at[place]])
                self._evaluate(self._together(place))
            return self._values.get(place)

        return fetch

    def _together(self, place: int) -> set[int]:
        """The outputs to compute in one forward pass: all activations, or whatever rules look at."""
        if place in self._activations:
            return self._activations
        return self._worth_a_value | ({place} if place in self._determined else set())

    @cached_property
    def _determined(self) -> set[int]:
        """The outputs that depend on no random number drawn in this symbol."""
        random: set[Node] = set()
        for node in self.nodes:
            if draws(node.op, node.attributes, self._training) or any(
                each.node in random for each in node.inputs
            ):
                random.add(node)
        return {place for node, places in self._places.items() if node not in random for place in places}

    @cached_property
    def _activations(self) -> set[int]:
        return self._determined & {places[0] for node, places in self._places.items() if node.activation}

    @cached_property
    def _worth_a_value(self) -> set[int]:
        # An input may be another graph's: of what feeds a hybridised loss.
        outputs = [
            output
            for node in self.nodes
            if node.kind in WORTH_A_VALUE
            for output in (*node.inputs, Output(node))
            if not output.node.is_leaf and output.index < len(self._places.get(output.node, ()))
        ]
        return self._determined & {self._places[output.node][output.index] for output in outputs}

    def _evaluate(self, places: Iterable[int]) -> None:
        wanted = self._affordable(set(places) - self._values.keys())
        if not wanted:
            return
        group = mx.sym.Group([self._internals[place] for place in wanted])
        # A cached op takes its inputs by their order; in an executor two of one name would be one.
        given = self._given(group)
        if given is None:
            return
        for array in given:
            wait_for(array)  # what fails from here on is no operator of the program's
        with suppress(mx.base.MXNetError), mx.autograd.pause(train_mode=self._training):
            outputs = mx.nd.CachedOp(group)(*given)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            self._values |= {place: output.asnumpy() for place, output in zip(wanted, outputs, strict=True)}
            self._keep_fed()

    def _keep_fed(self) -> None:
        for leaf in self.fed:
            place = self._places[leaf][0]
            value = None if place in self._values else numpy_of(self._arrays[self._input_at[place]])
            self._values |= {} if value is None else {place: value}

    def _affordable(self, places: Iterable[int]) -> list[int]:
        """Those whose values fit into LARGEST bytes together, the smaller first."""
        sizes = {place: 4 * math.prod(self._shapes[place]) for place in places} if self._shapes else {}
        total, chosen = 0, []
        for place in sorted(sizes, key=sizes.__getitem__):
            total += sizes[place]
            if total <= LARGEST:
                chosen.append(place)
        return sorted(chosen)

    def _given(self, group: mx.sym.Symbol) -> list[mx.nd.NDArray] | None:
        """The arrays for a part's inputs; running statistics as copies, which the operators may write."""
        positions: dict[str, list[int]] = {}
        for position, name in enumerate(self._symbol.list_inputs()):
            positions.setdefault(name, []).append(position)
        auxiliary = set(group.list_auxiliary_states())
        given = []
        for name in group.list_inputs():
            if len(positions[name]) > 1:
                return None
            array = self._arrays[positions[name][0]]
            given.append(array.copy() if name in auxiliary else array)
        return given


def _places(graph: dict, names: list[str]) -> list[list[int]]:
    """For each node the positions of its outputs among the internals, which come in the order of the nodes.

    names: of the internals. `node_row_ptr` counts hidden outputs, too, which are not among them.
    """
    places: list[list[int]] = []
    position, nodes, counted = 0, graph["nodes"], graph["node_row_ptr"]
    for number, node in enumerate(nodes):
        most = counted[number + 1] - counted[number]
        mine, following = [position], nodes[number + 1]["name"] if number + 1 < len(nodes) else ""
        position += 1
        while len(mine) < most and position < len(names) and names[position].startswith(node["name"] + "_"):
            name, taken = names[position], [names[place] for place in mine]
            if name in taken or (following != node["name"] and f"{name}_".startswith(f"{following}_")):
                break
            mine.append(position)
            position += 1
        places.append(mine)
    return places


def gradients_of(executor: mx.executor.Executor) -> dict[str, mx.nd.NDArray | None]:
    """The arrays into which an executor's backward writes, by argument; none where it was bound without any."""
    return executor.grad_dict if executor.grad_arrays else {}


def of_executor(executor: mx.executor.Executor, head_gradients: list[mx.nd.NDArray]) -> Graph:
    """The graph of a bound executor whose arrays hold the batch."""
    symbol = executor._symbol
    arrays = executor.arg_dict | executor.aux_dict
    part = SymbolPart(symbol, [arrays[name] for name in symbol.list_inputs()], training=True)
    auxiliary, gradients = set(executor.aux_dict), gradients_of(executor)
    for node in part.leaves:
        node.parameter = node.name in auxiliary or gradients.get(node.name) is not None
    part.fed = [node for node in part.leaves if not node.parameter]
    return Graph(part.heads, [numpy_of(gradient) for gradient in head_gradients], executor=True)
