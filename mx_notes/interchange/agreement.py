"""ONNX Runtime held against MXNet, on inputs of several batch sizes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import runtime
from ..checkpoint.arrays import to_mxnet
from ..errors import UserError
from ..models.inference import inference_block
from ..models.nodes import nodes
from ..runtime import mx
from .explicit_graph import explicit
from .translation import Shapes, line, onnx_name

if TYPE_CHECKING:
    import onnx
    import onnxruntime

# Of a probability, or of an output's largest value if that is above 1. Both compute in float32 and add in other
# orders, which moved a probability by up to 3e-5 in random networks of 50 layers. An epsilon of 1e-4 instead of
# 1e-5 in a trained ResNet-20 moved one by 7e-4.
TOLERANCE = 1e-4
Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """ONNX Runtime's outputs against MXNet's."""

    examples: int
    difference: float  # the largest of a value, divided by the output's largest where that is above 1
    same_class: int  # examples for which both find the same place of the first output the largest


def agreement(
    model: onnx.ModelProto,
    symbol: mx.sym.Symbol,
    parameters: dict[str, mx.nd.NDArray],
    batches: Iterable[Inputs],
    what: str,
) -> Agreement:
    """Compute the outputs of each batch with both, and return how they agree.

    symbol: as it was given to `translate`; its labels, which decide nothing in inference, are zeros. Raises
    UserError, which begins with `what` and names the operator, if ONNX Runtime refuses the model or differs
    by more than TOLERANCE.
    """
    block, examples, same, difference = None, 0, 0, 0.0
    for batch in batches:
        labels = _labels(symbol, parameters, batch)
        if block is None:
            block = inference_block(symbol, parameters, (*batch, *labels), mx.cpu())
            try:
                session = _session(model)
            except Exception as error:
                raise _refused(error, model, symbol, parameters, batch, what) from None
        theirs = [array.asnumpy() for array in _called(block, batch | labels)]
        try:
            ours = session.run(None, batch)
        except Exception as error:  # its errors share no class of their own
            raise _refused(error, model, symbol, parameters, batch, what) from None
        for mine, other in zip(ours, theirs, strict=True):
            # np.maximum hands a NaN on, max() might not
            difference = float(np.maximum(difference, relative_difference(mine, other)))
        examples += len(next(iter(batch.values())))
        same += int(np.sum(_places(ours[0]) == _places(theirs[0])))
        if not difference <= TOLERANCE:
            raise UserError(
                f"{what}: not written: ONNX Runtime and MXNet differ by {difference:.1e} in an output"
                f" ({examples} examples, tolerance {TOLERANCE:.0e})"
                f"{first_difference(model, symbol, parameters, batch)}"
            )
    return Agreement(examples, difference, same)


def _refused(error: Exception, model, symbol, parameters, batch: Inputs, what: str) -> UserError:
    where = first_difference(model, symbol, parameters, batch)
    return UserError(f"{what}: not written: ONNX Runtime refuses what MXNet writes{where}: {line(error)}")


def _places(output: np.ndarray) -> np.ndarray:
    return output.reshape(len(output), -1).argmax(axis=1)


def relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of a value, of the largest value where that is above 1; inf for another shape."""
    if ours.shape != theirs.shape:
        return float("inf")
    difference = np.abs(ours.astype(np.float64) - theirs)
    return float(difference.max() / np.maximum(1, np.abs(theirs).max()))


def first_difference(
    model: onnx.ModelProto, symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray], batch: Inputs
) -> str:
    """Say at which operator of the graph ONNX Runtime first differs or stops: ", first in Pooling (pool1)".

    Nothing, if that is at none of those whose output both have.
    """
    inside = explicit(symbol, {name: array.shape[1:] for name, array in batch.items()}).get_internals()
    # Not of zeros and ones, whose shape may be left open until something is computed with them.
    operators = {node.name: node.op for node in nodes(inside) if node.inputs}
    made = {name for node in model.graph.node for name in node.output}
    shared = [name for name in inside.list_outputs() if onnx_name(name) in made & operators.keys()]
    block = inference_block(mx.sym.Group([inside[name] for name in shared]), parameters, batch, mx.cpu())
    theirs = [array.asnumpy() for array in _called(block, batch)]
    names = [onnx_name(name) for name in shared]

    def fails(count: int) -> bool:
        """Whether one of the first `count` is not MXNet's."""
        try:
            ours = _session(model, names[:count]).run(None, batch)
        except Exception:
            return True
        return not all(relative_difference(*pair) <= TOLERANCE for pair in zip(ours, theirs, strict=False))

    count = 1 + bisect_left(range(1, len(names) + 1), True, key=fails)
    return f", first in {operators[names[count - 1]]} ({names[count - 1]})" if count <= len(names) else ""


def random_batches(symbol: mx.sym.Symbol, inputs: Shapes, sizes: Iterable[int]) -> Iterable[Inputs]:
    """Draw batches of those sizes: normal numbers, and for an Embedding row numbers; always the same ones."""
    generator = np.random.default_rng(1)
    graph = nodes(symbol)
    rows = {
        graph[node.inputs[0]].name: int(node.attributes["input_dim"])
        for node in graph
        if node.op == "Embedding"
    }
    for size in sizes:
        yield {
            name: (
                generator.integers(rows[name], size=(size, *shape))
                if name in rows
                else generator.standard_normal((size, *shape))
            ).astype(np.float32)
            for name, shape in inputs.items()
        }


def _session(model: onnx.ModelProto, outputs: list[str] | None = None) -> onnxruntime.InferenceSession:
    """Open the model, with these of its tensors as outputs instead of its own."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if outputs is not None:
        own, model = model, onnx.ModelProto()
        model.CopyFrom(own)
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        # What nobody asks for is computed, too: the nodes after the last that is asked for go.
        last = max(n for n, node in enumerate(model.graph.node) if set(node.output) & set(outputs))
        del model.graph.node[last + 1 :]
    options.intra_op_num_threads = runtime.threads().count
    options.log_severity_level = 4  # what stops it is raised, and said in one line
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _labels(symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray], batch: Inputs) -> Inputs:
    shapes, _, _ = symbol.infer_shape(**{name: array.shape for name, array in batch.items()})
    return {
        name: np.zeros(shape, np.float32)
        for name, shape in zip(symbol.list_arguments(), shapes, strict=True)
        if name not in parameters and name not in batch
    }


def _called(block: mx.gluon.SymbolBlock, inputs: Inputs) -> list[mx.nd.NDArray]:
    outputs = block(*map(to_mxnet, inputs.values()))
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]
