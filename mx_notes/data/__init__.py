"""What data there is (`sources`), how it is divided into batches (`plan`), changed (`augment`) and fed (`feed`).

data = load("fashion-mnist", seed=1)
for batch in data.training(128, seed=1, augmentation=Augmentation(reflect=0.5)).epoch(0):
    module.forward_backward(batch)

Importing this does not open MXNet.
"""

from .augment import Augmentation, strength
from .dataset import Dataset
from .description import Description
from .part import Part
from .sources import load, names, survey

__all__ = ["Augmentation", "Dataset", "Description", "Part", "load", "names", "strength", "survey"]
