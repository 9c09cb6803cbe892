"""Runs one contender: python -m contenders.serve NAME NETWORK FOLDER, then requests on stdin."""

import importlib
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np

# That all of them have, with the side of the images that each was published for, in pixels.
NETWORKS = {"cifar_resnet20_v1": 32, "resnet18_v1": 224, "resnet50_v1": 224}
# name: (module, class, arguments)
CONTENDERS = {
    "mx_notes": ("ours", "Ours", ()),
    "stock MXNet": ("stock", "Stock", ()),
    "Gluon loop": ("gluon", "Loop", ()),
    "PyTorch": ("pytorch", "Eager", (False,)),
    "PyTorch channels_last": ("pytorch", "Eager", (True,)),
    "PyTorch compile": ("pytorch", "Compiled", (False,)),
    "PyTorch compile channels_last": ("pytorch", "Compiled", (True,)),
}
ON_REAL_DATA = {
    "fashion-mnist": ("pipeline", "Pipeline", ("fashion-mnist",)),
    "folder": ("pipeline", "Pipeline", ("folder",)),
    "recipe": ("recipe", "Ours", ()),
    "recipe in PyTorch": ("recipe_pytorch", "OnPyTorch", ()),
}


def serve(name: str, network: str, folder: Path) -> None:
    """Answer {"losses": steps}, {"train": steps} and {"memory": null} until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the frameworks print is no answer
    module, kind, arguments = (CONTENDERS | ON_REAL_DATA)[name]
    parameters, batch = (dict(np.load(folder / f"{part}.npz")) for part in ("parameters", "batch"))
    made = getattr(importlib.import_module(f"contenders.{module}"), kind)
    contender = made(network, parameters, batch["data"], batch["label"], *arguments)
    for line in sys.stdin:
        ((request, steps),) = json.loads(line).items()
        if request == "memory":
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB
        else:
            answer = getattr(contender, request)(steps)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
