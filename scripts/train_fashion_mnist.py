"""Train ResNet-20 on Fashion-MNIST with the callbacks that `mx-notes train` uses.

    python scripts/train_fashion_mnist.py [FOLDER]

The data comes from Debian's package dataset-fashion-mnist, or is downloaded. FOLDER (by default
runs/fashion-mnist) gets metrics.jsonl, TensorBoard events and checkpoints.
"""

import sys
from pathlib import Path

from mx_notes import checkpoint
from mx_notes.callbacks import Checkpoints, MetricsFile, Progress, StopOnNonFinite, TensorBoard
from mx_notes.recipes import preset
from mx_notes.training import fit, score, start

out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/fashion-mnist")
out.mkdir(parents=True)

recipe = preset("fashion-mnist")
run = start(recipe)
fit(run, [StopOnNonFinite(out), Progress(), MetricsFile(out), TensorBoard(out), Checkpoints(out)])

best = checkpoint.place(out, run.best_step)
run.module.set_params(*checkpoint.load(best))
test = score(run.module, run.data.evaluation("test", recipe.batch_size))
print(f"test accuracy {test.accuracy:.4f} with the parameters of {best}, seed {recipe.seed}")
