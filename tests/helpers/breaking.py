"""A training that breaks off after a step, with a checkpoint of it."""

from mx_notes import checkpoint
from mx_notes.callbacks import Callback
from mx_notes.checkpoint import State


class Broken(Exception):
    pass


class BreakAt(Callback):
    """Save a checkpoint after this step, or in the validation after it, and raise Broken."""

    def __init__(self, out, step, in_validation=False):
        self.out, self.step = out, step
        self.moment = "on_validation_step" if in_validation else "on_step_end"

    def on_step_end(self, run, meter):
        self.look(run, "on_step_end")

    def on_validation_step(self, run):
        self.look(run, "on_validation_step")

    def look(self, run, moment):
        if (moment, run.step) == (self.moment, self.step):
            checkpoint.save(self.out, State.of(run))
            raise Broken
