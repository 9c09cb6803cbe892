"""What each rule owes to its reader, and how the rules are found."""

import ast
from pathlib import Path

import pytest
from hand_made import facts, step

from mx_notes.audit import rules as folder
from mx_notes.audit.rules import NOTHING_TO_CHECK, Rule, Severity, rules

AUDIT = Path(folder.__file__).parent.parent
FILES = sorted(path for path in AUDIT.glob("rules/*.py") if not path.name.startswith("_"))

each_rule = pytest.mark.parametrize("kind", rules().values(), ids=rules())
each_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])


def bases(statement: ast.stmt) -> list[str]:
    return [ast.unparse(base) for base in statement.bases] if isinstance(statement, ast.ClassDef) else []


def test_each_file_is_a_rule_and_its_name_is_the_rules_id():
    assert list(rules()) == sorted(path.stem.replace("_", "-") for path in FILES)
    for name, kind in rules().items():
        assert kind.id == name
        assert kind.__module__.rpartition(".")[2] == name.replace("-", "_")


@each_file
def test_a_file_holds_one_rule(path):
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    assert sum("Rule" in bases(statement) for statement in statements) == 1


@each_file
def test_a_rule_has_unit_tests(path):
    assert (Path(__file__).parent / f"test_{path.name}").exists()


@each_rule
def test_a_rule_is_said_in_a_sentence_of_one_line(kind):
    sentence, *_ = kind.__doc__.split("\n")
    assert sentence == f"{kind.sentence()}."
    assert sentence[0].isupper() and len(sentence) <= 100


@each_rule
def test_a_rule_says_what_it_sees_and_shows_wrong_and_right(kind):
    assert kind.sees.strip() and "\n" not in kind.sees
    for code in (kind.wrong, kind.right):
        assert code.strip() and code.count("\n") < 4
    ast.parse(kind.wrong), ast.parse(kind.right)
    assert kind.wrong != kind.right
    assert not kind.note or kind.note.endswith(".")
    assert isinstance(kind.severity, Severity)


@each_rule
def test_a_rule_keeps_its_state_to_itself(kind):
    one, other = vars(kind()), vars(kind())
    shared = [name for name in one if one[name] is other[name] and isinstance(one[name], (dict, list, set))]
    assert not shared
    assert issubclass(kind, Rule) and not hasattr(kind, "memory")


@each_rule
def test_of_an_empty_step_and_an_empty_run_a_rule_finds_nothing(kind):
    for rule_of in (lambda: kind().on_step(step()), lambda: kind().at_end(facts())):
        answer = rule_of()
        assert answer is NOTHING_TO_CHECK or answer == []


def texts_in(path: Path) -> list[str]:
    """The strings of a file, but for docstrings and the names of attributes that are asked for."""
    parts = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    skipped = {part.value for part in parts if isinstance(part, ast.Expr)}
    calls = [part for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
    skipped |= {part.args[1] for part in calls if part.func.id in ("getattr", "hasattr")}
    constants = [part.value for part in parts if isinstance(part, ast.Constant) and part not in skipped]
    return [value for value in constants if isinstance(value, str)]


def ids_in(path: Path) -> set[str]:
    """The rules that a file's strings name; momentum is a word, too, and counts where it stands alone."""
    texts = texts_in(path)
    return {name for name in rules() for text in texts if name == text or ("-" in name and name in text)}


def test_no_other_file_of_the_audit_knows_a_rule_by_its_id():
    known = {}
    for path in AUDIT.rglob("*.py"):
        own = {path.stem.replace("_", "-")} if path in FILES else set()
        if ids_in(path) - own:
            known[path.name] = ids_in(path) - own
    assert not known
