"""Claims planted by a test."""

import importlib

import pytest

CLAIM = """
import os
import numpy as np
from mx_notes.errors import UserError
from mx_notes.notes.claim import Claim, Evidence, Verdict
CLAIM = Claim("{name}", "momentum", 1, "quote", "statement", "question?", {{}}, "method", "criterion")
def measure(setting):
    {body}
    return Evidence(Verdict.CONFIRMED, "decided", "reason", numbers)
"""


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Write modules with claims, as {id: body of measure}, and import them."""

    def write(bodies):
        for name, body in bodies.items():
            (tmp_path / f"planted_{name}.py").write_text(CLAIM.format(name=name, body=body))
        monkeypatch.syspath_prepend(tmp_path)
        return {name: importlib.import_module(f"planted_{name}") for name in bodies}

    return write
