"""`mx-notes train`: what was asked for is checked here, before MXNet is opened; a `Session` does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import recipes
from ..errors import UserError, at_least_one
from ..parallel import cluster
from ..recipes import Recipe
from .going_on import KEPT


@dataclass(frozen=True)
class Asked:
    """The arguments of a training; `every` and `keep` as in `Session`."""

    recipe: str | None = None  # a preset's name
    data: str | None = None  # a data set's name; without `recipe`, its own preset if it has one
    out: Path | None = None
    settings: tuple[str, ...] = ()  # name=value changes of the recipe
    start_from: Path | None = None  # a run's folder or a file, whose parameters the run begins with
    pretrained: bool = False  # begin with the parameters that GluonCV publishes for the model
    resume: Path | None = None  # the folder of a run to go on with
    override: bool = False  # go on although the recipe was changed
    every: int | None = None
    keep: int = KEPT

    def check(self) -> Recipe:
        """Raise UserError for arguments that make no sense; returns the recipe of a new run."""
        at_least_one(f"--checkpoint-every {self.every}", 1 if self.every is None else self.every)
        at_least_one(f"--keep {self.keep}", self.keep)
        if self.resume and (self.recipe or self.out):
            raise UserError(
                "--resume: goes on in the run's own folder, with its recipe; leave out --recipe and --out"
            )
        for flag, given in (("--from", self.start_from), ("--pretrained", self.pretrained)):
            if self.resume and given:
                raise UserError(f"{flag}: a resumed run goes on with its own parameters; leave it out")
        if self.start_from and self.pretrained:
            raise UserError("--pretrained: --from names other parameters; leave one of them out")
        if self.resume and not cluster.role():  # of several workers, only the first needs the folder
            recipes.of_run(self.resume, f"--resume {self.resume}")
        if self.start_from and not self.start_from.exists():
            raise UserError(f"--from {self.start_from}: no such file or folder")
        recipe = recipes.preset(self.preset).override(list(self.settings))
        if not self.resume:
            recipe.expect_data_dir()
        return recipe

    @property
    def preset(self) -> str:
        """The name of the preset that the settings change."""
        return self.recipe or (self.data if self.data in recipes.PRESETS else "digits")

    def folder(self) -> Path:
        """The run's folder, by default the first of runs/RECIPE-1, runs/RECIPE-2, … that is not there yet."""
        if self.resume or self.out:
            return self.resume or self.out
        number = 1
        while (folder := Path("runs", f"{self.preset}-{number}")).exists():
            number += 1
        return folder


def train(asked: Asked) -> int:
    """Train as asked and return the exit status: see `Session.finish`.

    Under the role of a scheduler or server, serve the job instead, whatever was asked.
    """
    if cluster.role() in ("scheduler", "server"):
        return cluster.serve()
    recipe = asked.check()
    # They open MXNet, which a server must not do in this way.
    from ..checkpoint.published import published
    from .session import Session

    with Session(asked.folder(), asked.every, asked.keep) as session:
        if asked.resume:
            return session.finish(session.resume(asked.settings, asked.override))
        start_from = published(recipe.model) if asked.pretrained else asked.start_from
        return session.finish(session.begin(recipe, start_from))
