"""Go on in PyTorch with a network that MXNet trained: the same outputs, and the same losses from the same weights.

    mx-notes train --out runs/digits
    mx-notes export runs/digits digits.onnx
    python scripts/continue_in_pytorch.py runs/digits digits.onnx     # needs: pip install onnx2torch

onnx2torch makes PyTorch's own layers of the file: a module that trains, saves and exports as any. For comparison MXNet
trains on from the same weights, on the same batches: SGD at a constant rate, momentum from 0, the same weight decay.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx2torch import convert

from mx_notes.checkpoint import restore
from mx_notes.runtime import mx
from mx_notes.training import Run, start


def probabilities(module: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    module.eval()
    with torch.no_grad():
        return module(torch.from_numpy(images)).numpy()


def optimizer(module: torch.nn.Module, learning_rate: float, momentum: float, weight_decay: float):
    # MXNet takes no weight decay of biases and of batch norm's beta, which is its bias in PyTorch.
    decayed = [p for name, p in module.named_parameters() if not name.endswith("bias")]
    others = [p for name, p in module.named_parameters() if name.endswith("bias")]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum)


def train(module: torch.nn.Module, sgd: torch.optim.Optimizer, batches) -> list[float]:
    """One step for each batch; returns the losses."""
    losses = []
    module.train()
    for batch in batches:
        images, labels = torch.from_numpy(batch.data[0].asnumpy()), torch.from_numpy(batch.label[0].asnumpy())
        # The network's output is probabilities: -log p is the cross entropy.
        loss = torch.nn.functional.nll_loss(module(images).log(), labels.long())
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        losses.append(loss.item())
    return losses


def train_in_mxnet(run: Run, batches) -> list[float]:
    losses = []
    for batch in batches:
        run.module.forward_backward(batch)
        losses.append(float(run.module.get_outputs()[0].asscalar()))
        run.module.update()
    return losses


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("file", type=Path, help="what `mx-notes export` made of it")
    parser.add_argument("--steps", type=int, default=20, help="default: 20")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: 0.001")
    options = parser.parse_args()
    network = restore(options.run)
    module = convert(onnx.load(options.file))

    images, labels = network.data.normalise(network.data.test.images), network.data.test.labels
    theirs = network.block(mx.cpu())(mx.nd.array(images))[1].asnumpy()
    ours = probabilities(module, images)
    print(f"{len(images)} test images: largest difference of a probability {np.abs(ours - theirs).max():.1e}")
    print(
        f"accuracy: MXNet {(theirs.argmax(1) == labels).mean():.4f}, PyTorch {(ours.argmax(1) == labels).mean():.4f}"
    )

    recipe = network.recipe.override(
        learning_rate=options.lr, schedule="constant", warmup_epochs=0.0, clip_gradient=0.0
    )
    run = start(recipe)
    arguments = run.module.symbol.list_arguments()
    run.module.set_params(
        {name: array for name, array in network.parameters.items() if name in arguments},
        {name: array for name, array in network.parameters.items() if name not in arguments},
    )
    batches = list(islice(run.feed.epoch(0), options.steps))
    in_mxnet = train_in_mxnet(run, batches)
    sgd = optimizer(module, options.lr, recipe.momentum, recipe.weight_decay)
    in_pytorch = train(module, sgd, batches)
    print("\nstep   loss in MXNet   in PyTorch   difference")
    for step, (a, b) in enumerate(zip(in_mxnet, in_pytorch, strict=True), 1):
        print(f"{step:4}   {a:13.6f}   {b:10.6f}   {b - a:+10.1e}")
    after = probabilities(module, images)
    print(f"\nafter {len(batches)} steps in PyTorch: accuracy {(after.argmax(1) == labels).mean():.4f}")


if __name__ == "__main__":
    main()
