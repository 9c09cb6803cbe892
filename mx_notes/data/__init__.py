"""What data there is (`sources`), what is done to a batch (`augment`), how batches are fed (`batches`).

data = load("fashion-mnist", seed=1)
for batch in data.training(128, seed=1, augmentation=Augmentation(reflect=0.5)).epoch(0):
    module.forward_backward(batch)
"""

from .augment import Augmentation, strength
from .dataset import Dataset, Part
from .sources import load, names, survey

__all__ = ["Augmentation", "Dataset", "Part", "load", "names", "strength", "survey"]
