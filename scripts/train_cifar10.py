"""Train a CIFAR ResNet on the note's schedule: a rate of 0.1 for most of the epochs, then 0.01.

    python scripts/train_cifar10.py FOLDER [EPOCHS]

FOLDER holds cifar-10-binary.tar.gz or what is in it. The recipe's 240 epochs take days on a small
processor: with EPOCHS the schedule is scaled, the rate falling after five sixths of them.
"""

import sys

from mx_notes.callbacks import Progress
from mx_notes.recipes import preset
from mx_notes.training import fit, score, start

if len(sys.argv) < 2:
    sys.exit(__doc__)
recipe = preset("cifar10").override([f"data_dir={sys.argv[1]}"])
if len(sys.argv) > 2:
    recipe = recipe.override([f"epochs={sys.argv[2]}"])

run = start(recipe)
fit(run, [Progress()])
test = score(run.module, run.data.evaluation("test", recipe.batch_size))
print(f"test accuracy {test.accuracy:.4f} after {recipe.epochs} epochs, seed {recipe.seed}")
