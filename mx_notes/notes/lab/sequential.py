"""Sequential testing: add trials until a claim is decided, so that the time goes where the doubt is.

Looking more than once gives chance more than one opportunity. So each look has a share of the error that one look at
all trials would be allowed (Bonferroni): with intervals of 98.3% at each of three looks, a decision by any of them is
wrong at most as often as one by a single interval of 95%.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..claim import Setting, Verdict

ERROR = 0.05  # of all looks together
Trial = TypeVar("Trial")


def until_decided(
    looks: tuple[int, ...],
    setting: Setting,
    measure: Callable[[range], list[Trial]],
    judge: Callable[[list[Trial], float], Verdict],
) -> tuple[list[Trial], float]:
    """Run trials, each from its own seed, until the verdict is one, or after the last look.

    looks: the numbers of trials after which `judge(trials, confidence)` is asked. measure: runs a trial from each of
    these seeds. Returns the trials and the confidence of each look's intervals.
    """
    confidence = 1 - ERROR / len(looks)
    trials: list[Trial] = []
    for count in looks:
        trials.extend(measure(range(setting.seed + len(trials), setting.seed + count)))
        if judge(trials, confidence) is not Verdict.INCONCLUSIVE:
            break
    return trials, confidence


def told(looks: tuple[int, ...], confidence: float) -> str:
    """Say when the trials were looked at; nothing for a single look."""
    if len(looks) == 1:
        return ""
    return (
        f", looked at after {', '.join(map(str, looks[:-1]))} and {looks[-1]} seeds until decided (intervals of "
        f"{confidence:.1%}, so that all looks together err as one of {1 - ERROR:.0%})"
    )
