"""Which modules are claims, and what each must say."""

import re
from pathlib import Path

from mx_notes.audit.rules import rules
from mx_notes.notes import claims as folder
from mx_notes.notes.claim import Verdict, claims, known
from mx_notes.notes.page.subset_font import signs

ROOT = Path(__file__).parents[2]


def test_a_module_is_a_claim_unless_its_name_begins_with_an_underscore():
    modules = {path.stem for path in Path(folder.__file__).parent.glob("[!_]*.py")}
    found = claims()
    assert {module.__name__.rpartition(".")[2] for module in found.values()} == modules
    assert len(found) == len(modules)  # no id stands twice
    assert sorted(found) == sorted(known())


def test_a_guess_has_two_or_three_answers_one_of_them_for_each_verdict_that_decides():
    for claim in (module.CLAIM for module in claims().values()):
        assert claim.question.endswith("?"), claim.id
        assert {Verdict.CONFIRMED, Verdict.REFUTED} <= claim.answers.keys() <= set(Verdict), claim.id
        assert Verdict.INCONCLUSIVE not in claim.answers, claim.id
        assert len(set(claim.answers.values())) == len(claim.answers), claim.id


def test_the_rules_and_programs_that_a_claim_points_at_are_there():
    anchors = set(re.findall(r"^## (.+)$", (ROOT / "docs" / "rules.md").read_text(), re.M))
    for claim in (module.CLAIM for module in claims().values()):
        assert set(claim.rules) <= rules().keys() & anchors, claim.id
        for command in claim.commands:
            assert command.startswith("mx-notes "), claim.id
            assert all((ROOT / word).is_file() for word in command.split() if word.endswith(".py")), command


def test_the_font_has_every_chinese_sign_of_the_page():
    style = (ROOT / "mx_notes" / "notes" / "page" / "chinese.css").read_text()
    covered = {chr(int(code, 16)) for code in re.findall(r"U\+([0-9A-F]+)", style)}
    assert covered == set(signs())  # else: make font
