"""docs/python.md: each of its blocks runs, in its order, in an empty folder."""

import re
from pathlib import Path

import numpy as np

from mx_notes import cli

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_every_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(blocks) == 7
    names = {"__name__": "page"}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{PAGE.name}, block {number}", "exec"), names)
    assert not names["watch"].summary().errors
    assert names["probabilities"].shape == (8, 10)
    assert len(names["losses"].values) == 2 * 43 and np.isfinite(names["losses"].values).all()
    assert names["mine"].shape == (3, 16, 16)
    assert cli.main(["evaluate", "runs/mine"]) == 0  # it is a run like any other
