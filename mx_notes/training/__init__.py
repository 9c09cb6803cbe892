"""Training as the note describes it: the whole batch forward, one backward on its mean loss, update.

run = start(preset("digits"))
fit(run, callbacks=[Progress()])
score(run.module, run.data.evaluation("test", 64)).accuracy
"""

from .callbacks import Callback
from .loop import Meter, Run, Score, bind, draws_numbers, fit, score, seed_everything, start

__all__ = [
    "Callback",
    "Meter",
    "Run",
    "Score",
    "bind",
    "draws_numbers",
    "fit",
    "score",
    "seed_everything",
    "start",
]
