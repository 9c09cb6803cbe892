"""MXNet's graph and parameters as a checked ONNX model, by MXNet's own translator.

translate(symbol, parameters, {"data": (3, 224, 224)})
"""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..models.nodes import nodes
from ..runtime import mx
from .explicit_graph import explicit

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 13, 7  # mx2onnx writes these, of 2020: every runtime since reads them
Shapes = dict[str, tuple[int, ...]]


def translate(
    symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray], inputs: Shapes, what: str
) -> onnx.ModelProto:
    """Translate a network into a checked ONNX model that takes any batch size.

    parameters: arguments and auxiliary states; inputs: the shape of one example of each other argument.
    Labels of loss operators are no inputs. Raises UserError, which begins with `what`, naming the
    operator that cannot be translated.
    """
    import onnx

    _expect_any_batch(symbol, inputs, what)
    symbol = explicit(symbol, inputs)
    _expect_translators(symbol, what)
    model = _translated(symbol, _with_fixed_gammas(symbol, parameters), inputs, what)
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    weights = {tensor.name for tensor in graph.initializer}
    _keep(graph.initializer, lambda tensor: tensor.name in used)
    # As inputs, too, weights could be fed: ONNX Runtime warns, and cannot fold them.
    _keep(graph.input, lambda value: value.name not in weights)
    _in_order(graph, symbol)
    _name_the_batch(graph, symbol, inputs)
    _widen_slopes(graph, symbol, inputs)
    model.opset_import[0].version, model.ir_version = OPSET, IR_VERSION
    model.producer_name = "mx_notes"
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(f"{what}: what MXNet writes is not valid ONNX: {line(error)}") from None
    return model


def line(error: Exception) -> str:
    """The error's text in one line, at most 200 characters, without the place in MXNet's own source."""
    text = re.sub(r"^MXNetError: |\[[0-9:]{8}\] \S+: ", "", str(error))
    return " ".join(text.split())[:200] or type(error).__name__


def _translator() -> type:
    from mxnet.onnx.mx2onnx import _export_onnx

    return _export_onnx.MXNetGraph


def _expect_any_batch(symbol: mx.sym.Symbol, inputs: Shapes, what: str) -> None:
    for size in (1, 2, 3):
        try:
            # Not infer_shape: where it fails, it prints before it raises.
            symbol.infer_shape_partial(**{name: (size, *shape) for name, shape in inputs.items()})
        except mx.MXNetError as error:
            raise UserError(f"{what}: its graph does not take batches of {size}: {line(error)}") from None


def _expect_translators(symbol: mx.sym.Symbol, what: str) -> None:
    known = set().union(*_translator().registry_.values())
    missing = {node.op: node.name for node in nodes(symbol) if node.op not in known}
    if missing:
        raise UserError(
            f"{what}: cannot be written as ONNX: MXNet's exporter does not know"
            f" {', '.join(f'{op} (in {name})' for op, name in missing.items())}"
        )


def _translated(
    symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray], inputs: Shapes, what: str
) -> onnx.ModelProto:
    """Have MXNet's own translator write the network."""
    import onnx

    # In the order in which the graph has them.
    shapes = [inputs[name] for name in symbol.list_inputs() if name in inputs]
    with tempfile.TemporaryDirectory() as folder, _translating() as at:
        path = Path(folder, "model.onnx")
        try:
            mx.onnx.export_model(
                symbol,
                parameters,
                [(1, *shape) for shape in shapes],
                onnx_file_path=str(path),
                dynamic=True,
                dynamic_input_shapes=[(None, *shape) for shape in shapes],
            )
        # AttributeError, NotImplementedError, AssertionError: it has no error of its own.
        except Exception as error:
            where = f"{at[-1]}: " if at else ""
            raise UserError(f"{what}: MXNet cannot write it as ONNX: {where}{line(error)}") from None
        return onnx.load(path)


@contextlib.contextmanager
def _translating() -> Iterator[list[str]]:
    """Yield the operators that the translator came to, as text; inside, it says nothing, and obeys OPSET.

    It checks what it writes by the rules of the newest opset, which it does not write.
    """
    import onnx

    translator, came_to = _translator(), []
    convert, rules = translator.convert_layer, onnx.checker.DEFAULT_CONTEXT
    newest = dict(rules.opset_imports)

    def convert_layer(node, **arguments):
        came_to.append(f"{node['op']} (in {node['name']})")
        return convert(node, **arguments)

    translator.convert_layer, rules.opset_imports = staticmethod(convert_layer), {"": OPSET}
    try:
        # Its warnings are about names that onnx has given up.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield came_to
    finally:
        translator.convert_layer, rules.opset_imports = staticmethod(convert), newest


def _with_fixed_gammas(
    symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray]
) -> dict[str, mx.nd.NDArray]:
    """Set to 1 each gamma that MXNet takes for 1: its translator doesn't know `fix_gamma`."""
    graph = nodes(symbol)
    fixed = {
        graph[node.inputs[1]].name
        for node in graph
        if node.op == "BatchNorm" and node.attributes["fix_gamma"] in ("True", "1")
    }
    return {name: mx.nd.ones_like(array) if name in fixed else array for name, array in parameters.items()}


def onnx_name(output: str) -> str:
    """The translator's name for an output of a symbol, such as fc for fc_output."""
    for ending, number in (("_statecell_output", "2"), ("_state_output", "1")):  # of an RNN
        if output.endswith(ending):
            return output.removesuffix(ending) + number
    return re.sub("_output([0-9]*)$", r"\1", output)


def _in_order(graph: onnx.GraphProto, symbol: mx.sym.Symbol) -> None:
    """Put the outputs in the symbol's order."""
    found = {value.name: value for value in graph.output}
    ordered = [found[onnx_name(name)] for name in symbol.list_outputs()]
    del graph.output[:]
    graph.output.extend(ordered)


def _name_the_batch(graph: onnx.GraphProto, symbol: mx.sym.Symbol, inputs: Shapes) -> None:
    """Say of each output which axis is the batch, and how long those are that do not depend on it."""
    for value in graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    for value, two, three in zip(
        graph.output, *(_shapes(symbol, inputs, size) for size in (2, 3)), strict=True
    ):
        for axis, few, more in zip(value.type.tensor_type.shape.dim, two, three, strict=True):
            if few == more:
                axis.dim_value = few
            elif (few, more) == (2, 3):
                axis.dim_param = "batch"


def _widen_slopes(graph: onnx.GraphProto, symbol: mx.sym.Symbol, inputs: Shapes) -> None:
    """Give the slopes of a PRelu, one for each channel, the axes that ONNX broadcasts them along."""
    prelus = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "PRelu"}
    inside = symbol.get_internals()
    axes = {}
    for name, shape in zip(inside.list_outputs(), _shapes(inside, inputs, 1), strict=True):
        if onnx_name(name) in prelus:
            axes[prelus[onnx_name(name)]] = len(shape)
    for tensor in graph.initializer:
        if tensor.name in axes and len(tensor.dims) == 1:
            tensor.dims.extend([1] * (axes[tensor.name] - 2))


def _shapes(symbol: mx.sym.Symbol, inputs: Shapes, size: int) -> list[tuple[int, ...]]:
    """The shapes of the outputs for a batch of that size."""
    return symbol.infer_shape(**{name: (size, *shape) for name, shape in inputs.items()})[1]


def _keep(entries, condition) -> None:
    kept = [entry for entry in entries if condition(entry)]
    del entries[:]
    entries.extend(kept)
