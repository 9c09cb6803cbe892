"""Which modules are claims."""

from pathlib import Path

from mx_notes.notes import claims as folder
from mx_notes.notes.claim import claims


def test_a_module_is_a_claim_unless_its_name_begins_with_an_underscore():
    modules = {path.stem for path in Path(folder.__file__).parent.glob("[!_]*.py")}
    found = claims()
    assert {module.__name__.rpartition(".")[2] for module in found.values()} == modules
    assert len(found) == len(modules)  # no id stands twice
