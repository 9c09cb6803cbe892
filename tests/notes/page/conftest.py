"""A page's record with real tables and figures, and a claim that could not be measured."""

import pytest

from mx_notes.notes.claim import Setting, claims
from mx_notes.notes.claim_processes import Outcome
from mx_notes.notes.record import Record, Result

ERROR = "RuntimeError: " + "a_name_that_does_not_break_" * 4 + "<b>& so on</b>"


@pytest.fixture(scope="session")
def record():
    modules, setting = claims(), Setting(quick=True)
    results = [
        Result(modules["momentum"], Outcome(None, ERROR, 0.1)),
        Result(modules["softmax"], Outcome(modules["softmax"].measure(setting), "", 1.25)),
        Result(modules["resnet-table"], Outcome(modules["resnet-table"].measure(setting), "", 2.5)),
    ]
    return Record.of(setting, results, seconds=4.0)
