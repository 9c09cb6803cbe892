import numpy as np
import pytest
from hand_made import leaf, look, mean, node, step, the_finding

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.counted_padding import CountedPadding

N, T, WORDS = 8, 6, 20
LENGTHS = [6, 5, 4, 3, 2, 6, 5, 4]


def sentences(padding=0):
    ids = np.arange(N * T).reshape(N, T) % (WORDS - 1) + 1
    for row, length in zip(ids, LENGTHS, strict=True):
        row[length:] = padding
    return ids


def scores_of(ids):
    weight = leaf("table", shape=(WORDS, 3), parameter=True)
    embedded = node("Embedding", leaf("data", ids), weight, shape=(*ids.shape, 3))
    head = leaf("w", shape=(WORDS, 3), parameter=True)
    return node("FullyConnected", embedded, head, shape=(*ids.shape, WORDS))


def picked(ids, labels):
    log_softmax = node("log_softmax", scores_of(ids), shape=(*ids.shape, WORDS), axis=-1)
    return node("pick", log_softmax, leaf("label", labels), shape=(*ids.shape, 1), axis=-1)


def following(ids):
    """The next word of each."""
    return np.concatenate([ids[:, 1:], np.zeros((N, 1), int)], axis=1)


@pytest.mark.parametrize("turned", [False, True], ids=["batch first", "time first"])
def test_labels_beside_padding_count(turned):
    ids, labels = sentences(), following(sentences())
    loss = picked(ids.T, labels.T) if turned else picked(ids, labels)
    finding = the_finding(CountedPadding(), step(look(mean(loss))))
    assert finding.severity is WARNING
    assert "27% of the positions" in finding.text  # 13 of 48
    assert "id 0 to the end" in finding.text and "multiply by a mask" in finding.text


def test_softmax_output_with_and_without_use_ignore():
    ids, labels = sentences(), following(sentences())
    scores = node("Reshape", scores_of(ids), shape=(N * T, WORDS))
    for settings, number in (({}, 1), ({"use_ignore": True, "ignore_label": 0}, 0)):
        loss = node(
            "SoftmaxOutput", scores, leaf("label", labels.ravel()), shape=scores.shape_of(0), **settings
        )
        assert len(CountedPadding().on_step(step(look(loss, executor=True)))) == number


def test_a_mask_leaves_the_padding_out():
    ids = sentences()
    loss = picked(ids, following(ids))
    masked = node("broadcast_mul", loss, leaf("mask", (ids > 0)[..., np.newaxis]), shape=(N, T, 1))
    assert CountedPadding().on_step(step(look(mean(masked)))) == []
    gradient = (ids > 0).astype(float)
    assert CountedPadding().on_step(step(look(loss, gradients=[gradient]))) == []


@pytest.mark.parametrize("ids", [sentences(padding=5), np.arange(N * T).reshape(N, T) % WORDS])
def test_without_padding_there_is_nothing_to_check(ids):
    """5 is a word, too."""
    assert CountedPadding().on_step(step(look(mean(picked(ids, following(ids)))))) is NOTHING_TO_CHECK
