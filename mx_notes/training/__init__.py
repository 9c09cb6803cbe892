"""Training as the note describes it: the whole batch forward, one backward on its mean loss, update.

run = start(preset("digits"))
fit(run, callbacks=[Progress()])
score(run.module, run.data.evaluation("test", 64)).accuracy
"""

from .loop import fit, score
from .run import Callback, Meter, Run, Score
from .start import bind, draws_numbers, optimizer, seed_everything, seed_step, start

__all__ = [
    "Callback",
    "Meter",
    "Run",
    "Score",
    "bind",
    "draws_numbers",
    "fit",
    "optimizer",
    "score",
    "seed_everything",
    "seed_step",
    "start",
]
