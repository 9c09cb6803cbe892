import pytest
from hand_made import leaf, look, mean, node, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.embedding_range import EmbeddingRange


def looked_up(ids, op="Embedding"):
    table = leaf("embedding_weight", shape=(10, 4), parameter=True)
    return step(look(mean(node(op, leaf("tokens", ids), table, shape=(2, 2, 4)))))


@pytest.mark.parametrize(
    ("ids", "outside", "row"),
    [
        ([[0, 10], [3, 4]], "10", "the last"),
        ([[0, 9], [-2, 4]], "-2", "the first"),
        ([[99, -1]], "99", "the last"),
    ],
)
def test_ids_outside_the_table(ids, outside, row):
    finding = the_finding(EmbeddingRange(), looked_up(ids))
    assert finding.severity is ERROR
    assert f"id {outside} is outside the 10 rows of the embedding embedding_weight, 0 to 9" in finding.text
    assert f"MXNet gives it {row} row" in finding.text


@pytest.mark.parametrize("ids", [[[0, 9], [3, 4]], [[-1, 9], [3, -1]]])  # -1 marks what is masked later
def test_ids_that_have_a_row(ids):
    assert EmbeddingRange().on_step(looked_up(ids)) == []


def test_without_an_embedding_there_is_nothing_to_check():
    assert EmbeddingRange().on_step(step(look(mean(leaf("data", shape=(4, 8)))))) is NOTHING_TO_CHECK
