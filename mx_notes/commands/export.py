"""`mx-notes export`: a run's network as ONNX, compared with MXNet on real images before the file gets its name."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import disk, runtime
from ..checkpoint.network import Network, restore
from ..checkpoint.state import versions
from ..errors import UserError
from ..models.nodes import nodes
from ..runtime import mx

if TYPE_CHECKING:
    import onnx

IMAGES = 256  # of the test part, on which ONNX Runtime must agree with MXNet
BATCH = 51  # 256 = 5 × 51 + 1: two sizes, one of them a single image
# Of a probability. Both compute in float32 and add in other orders, which moved a probability by up to 3e-5 in
# random networks of 50 layers. An epsilon of 1e-4 instead of 1e-5 in a trained ResNet-20 moved one by 7e-4.
TOLERANCE = 1e-4
OPSET, IR_VERSION = 13, 7  # mx2onnx writes these, of 2020: every runtime since reads them


@dataclass(frozen=True)
class Comparison:
    """ONNX Runtime's probabilities against MXNet's."""

    images: int
    difference: float  # the largest of a probability
    same_class: int  # images of which both find the same class the most probable


def report(folder: Path, target: Path, which: str = "best", data_dir: str | None = None) -> int:
    """Export the network of the run in a folder to the new file `target`, and print the comparison.

    Raises UserError, leaving nothing behind, where `target` exists, the network has an operator that
    MXNet cannot write as ONNX, or ONNX Runtime's probabilities are not MXNet's within TOLERANCE.
    """
    if target.exists():
        raise UserError(f"{target}: already exists; name a new file")
    if not target.parent.is_dir():
        raise UserError(f"{target}: no folder {target.parent}")
    network = restore(folder, which, data_dir)
    model = to_onnx(network)
    result = compare(model, network)
    if not result.difference <= TOLERANCE:
        raise UserError(
            f"{target}: not written: ONNX Runtime and MXNet differ by {result.difference:.1e} in a probability"
            f" ({result.images} images, tolerance {TOLERANCE:.0e})"
        )
    with disk.writing(target), disk.whole(target) as part:
        part.write_bytes(model.SerializeToString())
    print(
        f"{target}: {network.recipe.model} with the parameters of {network.checkpoint}, ONNX opset {OPSET}, any batch size\n"
        f"checked by onnx.checker; ONNX Runtime against MXNet on {result.images} test images of {network.data.name}:"
        f" largest difference of a probability {result.difference:.1e} (tolerance {TOLERANCE:.0e}),"
        f" the same class for {result.same_class} of {result.images}"
    )
    return 0


def to_onnx(network: Network) -> onnx.ModelProto:
    """Translate the network into a checked ONNX model: data (batch, C, H, W) float32 to probabilities (batch, classes).

    Class names, normalisation and versions are in its metadata, as JSON. Raises UserError for a network
    with an operator that MXNet has no translation of.
    """
    import onnx

    model = _translated(network)
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    weights = {tensor.name for tensor in graph.initializer}
    _keep(graph.initializer, lambda tensor: tensor.name in used)
    # As inputs, too, weights could be fed: ONNX Runtime warns, and cannot fold them.
    _keep(graph.input, lambda value: value.name not in weights)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(network.data.classes)
    model.opset_import[0].version, model.ir_version = OPSET, IR_VERSION
    model.producer_name = "mx_notes"
    graph.doc_string = (
        "An image classifier, trained with MXNet; see the metadata for its input and its classes."
    )
    onnx.helper.set_model_props(
        model, {name: json.dumps(value) for name, value in _metadata(network).items()}
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(
            f"{network.recipe.model}: what MXNet writes is not valid ONNX: {_line(error)}"
        ) from None
    return model


def _translated(network: Network) -> onnx.ModelProto:
    """Have MXNet's own translator write the network."""
    import onnx

    symbol = network.symbol["probabilities_output"]
    shape = network.data.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        try:
            with _silent():
                mx.onnx.export_model(
                    symbol,
                    _with_fixed_gammas(symbol, network.parameters),
                    [(1, *shape)],
                    onnx_file_path=str(path),
                    dynamic=True,
                    dynamic_input_shapes=[(None, *shape)],
                )
        # AttributeError, NotImplementedError, AssertionError: it has no error of its own.
        except Exception as error:
            raise UserError(
                f"{network.recipe.model}: MXNet cannot write it as ONNX: {_line(error)}"
            ) from None
        return onnx.load(path)


def _with_fixed_gammas(
    symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray]
) -> dict[str, mx.nd.NDArray]:
    """Set to 1 each gamma that MXNet takes for 1: its translator doesn't know `fix_gamma`."""
    graph = nodes(symbol)
    fixed = {
        graph[node.inputs[1]].name
        for node in graph
        if node.op == "BatchNorm" and node.attributes.get("fix_gamma", "True") == "True"
    }
    return {name: mx.nd.ones_like(array) if name in fixed else array for name, array in parameters.items()}


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep back the translator's prints, and its warnings about names that onnx has given up."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _keep(entries, condition) -> None:
    kept = [entry for entry in entries if condition(entry)]
    del entries[:]
    entries.extend(kept)


def _metadata(network: Network) -> dict[str, object]:
    import onnx

    channels, height, width = network.data.shape
    return {
        "classes": network.data.classes,
        "mean": network.data.mean.tolist(),
        "std": network.data.std.tolist(),
        "normalisation": "(pixel - mean) / std of each channel, pixels as the data set has them",
        "channels": {1: "grey", 3: "red, green, blue"}.get(channels, ""),
        "input_layout": "NCHW",
        "input_shape": ["batch", channels, height, width],
        "model": network.recipe.model,
        "data": network.data.name,
        "checkpoint": network.checkpoint,
        "versions": versions() | {"onnx": onnx.__version__},
    }


def compare(model: onnx.ModelProto, network: Network) -> Comparison:
    """Compute the probabilities of the first test images with both, in batches of two sizes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.threads().count
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    block = network.block(mx.cpu())
    images, same_class, difference = 0, 0, 0.0
    for batch in network.data.evaluation("test", BATCH).epoch(0):
        data = batch.data[0][: IMAGES - images]
        theirs = block(data)[1].asnumpy()
        (ours,) = session.run(None, {"data": data.asnumpy()})
        # np.maximum hands a NaN on, max() might not
        difference = float(np.maximum(difference, np.abs(ours - theirs).max()))
        same_class += int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum())
        images += len(data)
        if images == IMAGES:
            break
    return Comparison(images, difference, same_class)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
