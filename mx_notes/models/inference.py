"""A network put on a device to be asked, not trained."""

from __future__ import annotations

from collections.abc import Iterable

from ..runtime import mx


def inference_block(
    symbol: mx.sym.Symbol, parameters: dict[str, mx.nd.NDArray], inputs: Iterable[str], device: mx.Context
) -> mx.gluon.SymbolBlock:
    """Put a network on a device, for inference only, to be called with its inputs in that order.

    It is a Gluon block, not a bound executor: an inference executor on the CPU merges a convolution with
    the batch norm after it even if the convolution's own output is needed as well, as the shortcuts
    of a ResNet v2 do, and gives wrong numbers (MXNet 1.9.1, subgraph backend MKLDNN).
    """
    block = mx.gluon.SymbolBlock(symbol, [mx.sym.var(name, dtype="float32") for name in inputs])
    block.initialize(ctx=device)
    for name, parameter in block.collect_params().items():
        parameter.set_data(parameters[name])
    return block
