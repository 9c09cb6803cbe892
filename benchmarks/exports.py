"""Which of the networks of `mx-notes models` ONNX can take, how far ONNX Runtime is from MXNet, and PyTorch from both.

    python benchmarks/exports.py                           # all of them: about an hour on two cores
    python benchmarks/exports.py alexnet resnet50_v1b
    python benchmarks/exports.py --torch                   # and opened by onnx2torch (pip install onnx2torch)

Each network has random weights (He et al.) and batch norms, and as many classes as ImageNet. The
images are random, of 96×96 where the network takes them, otherwise of the size that it was published for. Compared
are the scores before softmax: the largest difference of a score, divided by the largest score where that is above 1.
Exit status: 1 if a network is refused or differs.
"""

import argparse
import sys
import time

import numpy as np

from mx_notes import models
from mx_notes.errors import UserError
from mx_notes.interchange.agreement import TOLERANCE, agreement, random_batches, relative_difference
from mx_notes.interchange.translation import translate
from mx_notes.models.inference import inference_block
from mx_notes.runtime import mx, threads

SMALL = 96  # pixels; below 65 the networks get another stem
BATCHES = (2, 1)


def network(name):
    """The scores as a symbol, its parameters, and the shape of an image."""
    net, shape = built(name)
    symbol = models.logits_symbol(net)
    arguments, _, auxiliary = symbol.infer_shape(data=(1, *shape))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    generator = np.random.default_rng(1)
    sizes = dict(zip(names, [*arguments, *auxiliary], strict=True))
    return symbol, {n: drawn(n, size, generator) for n, size in sizes.items() if n != "data"}, shape


def drawn(name, shape, generator):
    """Numbers for a parameter, none of them 0 or 1 as at the beginning of a training."""
    if name.endswith("gamma"):
        values = generator.uniform(0.3, 0.6, shape)  # residual networks stay within float32
    elif name.endswith("var"):
        values = generator.uniform(0.5, 1.5, shape)
    else:
        deviation = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        values = generator.normal(0, deviation, shape)
    return mx.nd.array(values, dtype="float32")


def built(name):
    usual = models.usual_shape(name)
    try:
        shape = usual if name.startswith("cifar_") else (3, SMALL, SMALL)
        return models.build(name, 1000, shape), shape
    except UserError:
        return models.build(name, 1000, usual), usual


def in_pytorch(exported, symbol, parameters, batch):
    """How far PyTorch's scores are from MXNet's, as text, or what it does not take."""
    import torch
    from onnx2torch import convert

    torch.set_num_threads(threads().count)
    try:
        module = convert(exported).eval()
        with torch.no_grad():
            ours = module(torch.from_numpy(batch["data"])).numpy()
    except Exception as error:  # whatever the importer meets
        return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
    theirs = inference_block(symbol, parameters, ["data"], mx.cpu())(mx.nd.array(batch["data"]))
    return f"{relative_difference(ours, theirs.asnumpy()):.1e}"


def _count(where, total, failed):
    print(
        f"{where}: {total - len(failed)} of {total} networks agree with MXNet within {TOLERANCE:.0e}", end=""
    )
    print(f"; not: {', '.join(failed)}" if failed else "")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NETWORK", help="default: all")
    parser.add_argument("--torch", action="store_true", help="open each in PyTorch, too")
    options = parser.parse_args()
    failed, elsewhere = [], []
    print(f"{'network':28} {'image':>9} {'ONNX Runtime':>12}{'   PyTorch' if options.torch else ''}  seconds")
    for name in options.names or models.names():
        began = time.perf_counter()
        try:
            symbol, parameters, shape = network(name)
            exported = translate(symbol, parameters, {"data": shape}, name)
            batches = list(random_batches(symbol, {"data": shape}, BATCHES))
            found = agreement(exported, symbol, parameters, batches, name)
            there = ""
            if options.torch:
                there = f"  {in_pytorch(exported, symbol, parameters, batches[0]):>8}"
                if not there.strip()[0].isdigit() or not float(there) <= TOLERANCE:
                    elsewhere.append(name)
        except UserError as error:
            failed.append(name)
            print(error, flush=True)
            continue
        size = f"{shape[1]}×{shape[2]}"
        seconds = time.perf_counter() - began
        print(f"{name:28} {size:>9} {found.difference:12.1e}{there}  {seconds:7.0f}", flush=True)
    total = len(options.names or models.names())
    _count("ONNX Runtime", total, failed)
    if options.torch:
        _count("PyTorch", total - len(failed), elsewhere)
    return 1 if failed or elsewhere else 0


if __name__ == "__main__":
    sys.exit(main())
