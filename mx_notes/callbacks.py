"""The callbacks of training, under the name that scripts have used from the beginning."""

from .training.callbacks import *  # noqa: F403
