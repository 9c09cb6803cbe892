"""The rules' descriptions: in the terminal, and docs/rules.md, which is written from them."""

from pathlib import Path

import pytest

from mx_notes.audit.report import handbook
from mx_notes.audit.rules import rules
from mx_notes.commands import audit
from mx_notes.errors import UserError

ROOT = Path(__file__).parents[3]


def test_the_page_of_rules_is_up_to_date():
    assert (ROOT / "docs" / "rules.md").read_text() == handbook.document(), "run `make docs`"


@pytest.mark.parametrize("id", rules())
def test_a_rule_is_explained_in_80_columns(id):
    rule, text = rules()[id], handbook.explain(id)
    assert " ".join(rule.sentence().split()) in " ".join(text.split())
    assert all(line in text for line in f"{rule.wrong}\n{rule.right}".splitlines())
    code = [f"    {line}" for line in f"{rule.wrong}\n{rule.right}".splitlines()]
    assert all(len(line) <= 80 or line in code for line in text.splitlines())


def test_the_list_has_each_rule_with_its_severity():
    lines = handbook.listing().splitlines()
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == set(rules())
    assert max(map(len, lines)) <= 80


def test_an_unknown_rule_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="--explain mean-los: no such rule; did you mean mean-loss"):
        audit.explain("mean-los")
