"""`mx-notes export`: a network as ONNX, compared with MXNet before the file gets its name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import disk
from ..checkpoint.network import Network, restore
from ..checkpoint.state import versions
from ..errors import UserError
from ..interchange import model_files
from ..interchange.agreement import TOLERANCE, Agreement, Inputs, agreement, random_batches
from ..interchange.explicit_graph import explicit
from ..interchange.translation import OPSET, Shapes, line, translate
from ..runtime import mx
from ..terminal import narrow

if TYPE_CHECKING:
    import onnx

IMAGES = 256  # of a run's test part, on which ONNX Runtime must agree with MXNet
BATCH = 51  # 256 = 5 × 51 + 1: two sizes, one of them a single image
RANDOM = (4, 1)  # batches of random inputs for other models


def export_run(folder: Path, target: Path, which: str = "best", data_dir: str | None = None) -> int:
    """Export the network of the run in a folder to the new file `target`, and print the comparison.

    Raises UserError, leaving nothing behind, where `target` exists, the network has an operator that
    MXNet cannot write as ONNX, or ONNX Runtime's probabilities are not MXNet's within TOLERANCE.
    """
    _expect_new(target)
    network = restore(folder, which, data_dir)
    model = to_onnx(network)
    result = compare(model, network)
    _write(model, target)
    _say(
        f"{target}: {network.recipe.model} with the parameters of {network.checkpoint}, ONNX opset {OPSET},"
        f" any batch size",
        f"ONNX Runtime against MXNet on {result.examples} test images of {network.data.name}: largest difference"
        f" of a probability {result.difference:.1e} (tolerance {TOLERANCE:.0e}), the same class for"
        f" {result.same_class} of {result.examples}",
    )
    return 0


def export_model(
    prefix: Path, epoch: int, target: Path | None, shapes: list[str], real: Path | None = None
) -> int:
    """Export any model that MXNet saved, to the new file `target`, by default PREFIX-EPOCH.onnx.

    shapes: of one example of each input, such as 3,224,224 or, of several inputs, data=3,224,224. real: an
    .npy file of examples, or an .npz file of those of each input. Raises UserError as `export_run` does.
    """
    prefix = prefix.with_name(prefix.name.removesuffix("-symbol.json"))
    what = f"{prefix}-{epoch:04d}"
    target = target or Path(f"{what}.onnx")
    _expect_new(target)
    model = model_files.read(prefix, epoch)
    inputs = _inputs(model, shapes, f"{what}.params")
    batches = [*random_batches(model.symbol, inputs, RANDOM)]
    examples = [] if real is None else [_real(real, inputs)]
    exported = translate(model.symbol, model.parameters, inputs, what)
    results = [
        agreement(exported, model.symbol, model.parameters, some, what)
        for some in (batches, examples)
        if some
    ]
    _describe(exported, {"inputs": {name: ["batch", *shape] for name, shape in inputs.items()}})
    _write(exported, target)
    _say(
        f"{target}: ONNX opset {OPSET}, {_sizes(exported.graph.input)} to {_sizes(exported.graph.output)}",
        *(
            f"ONNX Runtime against MXNet on {result.examples} {kind} examples: largest difference"
            f" {result.difference:.1e} (tolerance {TOLERANCE:.0e})"
            for kind, result in zip(("random", "real"), results, strict=False)
        ),
    )
    return 0


def to_onnx(network: Network) -> onnx.ModelProto:
    """Translate the network into a checked ONNX model: data (batch, C, H, W) float32 to probabilities (batch, classes).

    Class names, normalisation and versions are in its metadata, as JSON. Raises UserError for a network
    with an operator that MXNet has no translation of.
    """
    symbol, shape = network.symbol["probabilities_output"], network.data.shape
    model = translate(symbol, network.parameters, {"data": shape}, network.recipe.model)
    model.graph.doc_string = (
        "An image classifier, trained with MXNet; see the metadata for its input and its classes."
    )
    _describe(model, _metadata(network))
    return model


def compare(model: onnx.ModelProto, network: Network) -> Agreement:
    """Compute the probabilities of the first test images with both, in batches of two sizes; see `agreement`."""
    symbol = network.symbol["probabilities_output"]
    return agreement(model, symbol, network.parameters, _test_images(network), network.recipe.model)


def _test_images(network: Network) -> Iterable[Inputs]:
    images = 0
    for batch in network.data.evaluation("test", BATCH).epoch(0):
        data = batch.data[0].asnumpy()[: IMAGES - images]
        yield {"data": data}
        images += len(data)
        if images == IMAGES:
            return


def _expect_new(target: Path) -> None:
    if target.exists():
        raise UserError(f"{target}: already exists; name a new file")
    if not target.parent.is_dir():
        raise UserError(f"{target}: no folder {target.parent}")


def _write(model: onnx.ModelProto, target: Path) -> None:
    with disk.writing(target), disk.whole(target) as part:
        part.write_bytes(model.SerializeToString())


def _say(*sentences: str) -> None:
    for sentence in sentences:
        print(narrow(sentence))


def _describe(model: onnx.ModelProto, values: dict[str, object]) -> None:
    import onnx

    values = values | {"versions": versions() | {"onnx": onnx.__version__}}
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in values.items()})


def _metadata(network: Network) -> dict[str, object]:
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
    }


def _inputs(model: model_files.Model, shapes: list[str], parameters: str) -> Shapes:
    """Read the shapes as the user gave them, one for each argument that is neither parameter nor label."""
    open_ends = [name for name in explicit(model.symbol).list_inputs() if name not in model.parameters]
    found: Shapes = {}
    for text in shapes:
        name, named, numbers = text.rpartition("=")
        if not named:
            name = "data" if "data" in open_ends or not open_ends else open_ends[0]
        if name not in open_ends:
            raise UserError(f"--shape {text}: no input {name!r}; the inputs are {', '.join(open_ends)}")
        try:
            shape = tuple(int(number) for number in numbers.split(","))
        except ValueError:
            shape = ()
        if not shape or min(shape) < 1:
            raise UserError(f"--shape {text}: expected the numbers of one example's shape, such as 3,224,224")
        found[name] = shape
    missing = [name for name in open_ends if name not in found]
    if missing:
        raise UserError(
            f"{parameters}: has no {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; if that is an"
            f" input, give one example's shape: --shape {'' if len(open_ends) == 1 else missing[0] + '='}3,224,224"
        )
    _expect_fitting(model, found, parameters)
    return {name: found[name] for name in open_ends}


def _expect_fitting(model: model_files.Model, inputs: Shapes, parameters: str) -> None:
    """Raise UserError unless MXNet finds the parameters' own shapes for inputs of these."""
    symbol = explicit(model.symbol)
    given = ", ".join(f"{name} {shape}" for name, shape in inputs.items())
    try:
        # Not infer_shape: where it fails, it prints before it raises.
        arguments, _, auxiliary = symbol.infer_shape_partial(
            **{name: (1, *shape) for name, shape in inputs.items()}
        )
    except mx.MXNetError as error:
        raise UserError(f"--shape: the network cannot take {given}: {line(error)}") from None
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    for name, shape in zip(names, [*arguments, *auxiliary], strict=True):
        if name not in inputs and shape != model.parameters[name].shape:
            raise UserError(
                f"--shape: with {given}, {name} has shape {shape}, but in {parameters}"
                f" {model.parameters[name].shape}"
            )


def _real(path: Path, inputs: Shapes) -> Inputs:
    """Read examples from an .npy file, or of each input from an .npz file; nothing is unpickled."""
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {next(iter(inputs)): loaded}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'not a NumPy file'}") from None
    except (ValueError, EOFError):
        raise UserError(f"{path}: not a NumPy file of numbers") from None
    for name, shape in inputs.items():
        has = arrays[name].shape if name in arrays else None
        if not has or has[1:] != shape or not has[0] or arrays[name].dtype.kind not in "fiub":
            raise UserError(
                f"{path}: {name} {f'has shape {has}' if has else 'is missing'}, expected numbers of shape"
                f" (examples, {', '.join(map(str, shape))})"
            )
    return {name: arrays[name].astype(np.float32) for name in inputs}


def _sizes(values) -> str:
    """The names and shapes of a graph's inputs or outputs, as text."""
    texts = []
    for value in values:
        axes = value.type.tensor_type.shape.dim
        texts.append(
            f"{value.name} ({', '.join(axis.dim_param or str(axis.dim_value or '?') for axis in axes)})"
        )
    return ", ".join(texts)
