import numpy as np
import pytest
from hand_made import dense, facts, leaf, look, node, softmax_loss, step, the_finding, update

from mx_notes.audit.rules import NOTHING_TO_CHECK, WARNING
from mx_notes.audit.rules.repeated_batch import RepeatedBatch
from mx_notes.runtime import mx


@pytest.fixture(scope="module", autouse=True)
def iterator():
    """The program's iterator, which has more than one batch."""
    return mx.io.NDArrayIter(np.zeros((8, 1)), batch_size=4)


EPOCH = "abcdefghijklmnopqrstuvwx"  # with fewer batches the same order is by chance more often


def feed(rule, batches, *seen):
    """Feed these batches, told by a letter each, one a step; returns what is found, by step."""
    answers = (
        rule.on_step(step(*seen, number=number, batches=[ord(batch)]))
        for number, batch in enumerate(batches, start=1)
    )
    return {number: found[0].text for number, found in enumerate(answers, start=1) if found}


def finding_at_the_end(batches):
    rule = RepeatedBatch()
    assert feed(rule, batches[:-1]) == {}
    return the_finding(rule, step(number=len(batches), batches=[ord(batches[-1])]))


# Batches that come again


@pytest.mark.parametrize(("batches", "since"), [("abbb", 4), ("aaa", 3), ("abbbbbbb", 4)])
def test_the_same_batch_to_the_end_of_an_iterator_that_has_more(batches, since):
    rule = RepeatedBatch()
    assert feed(rule, batches) == {}
    finding = the_finding(rule, facts())
    assert finding.severity is WARNING and finding.step == since
    assert finding.text.startswith("three steps in a row were fed the same batch, and so were all after them")


def test_each_batch_taken_several_times_moves_on():
    """As "free" adversarial training takes each."""
    rule = RepeatedBatch()
    assert feed(rule, "aaaabbbbcccc") == {}
    assert rule.at_end(facts()) is NOTHING_TO_CHECK


def test_epochs_in_the_same_order():
    finding = finding_at_the_end(EPOCH + EPOCH[:4])
    assert finding.severity is WARNING
    assert finding.text.startswith("each epoch of 24 batches feeds them in the same order")
    assert "shuffle the training data" in finding.text


@pytest.mark.parametrize("batches", ["abcdefgh", "abcdefdbcafe", "abab", "abcdefabcdef", "aabbccdd"])
def test_batches_that_move_on_are_right(batches):
    assert feed(RepeatedBatch(), batches) == {}


def test_the_same_order_is_said_once():
    assert len(feed(RepeatedBatch(), EPOCH * 4)) == 1


def test_devices_that_exchange_their_parts_are_fed_something_else():
    rule = RepeatedBatch()
    assert [rule.on_step(step(batches=parts)) for parts in ([1, 2], [2, 1], [1, 2])] == [[], [], []]


# Batches whose order must stay


def text(state):
    """A recurrent layer that begins with this state."""
    inputs = leaf("data", shape=(5, 2, 8)), leaf("parameters", shape=(99,), parameter=True)
    return look(node("RNN", *inputs, leaf("state", state), shape=(5, 2, 4)))


def unrolled(state):
    """A cell at two times, with the same weights."""
    weight = leaf("h2h_weight", shape=(4, 4), parameter=True)
    first = node("FullyConnected", leaf("state", state), weight, shape=(2, 4))
    return look(node("FullyConnected", node("tanh", first, shape=(2, 4)), weight, shape=(2, 4)))


@pytest.mark.parametrize("recurrent", [text, unrolled])
def test_a_text_that_goes_on_from_batch_to_batch_keeps_its_order(recurrent):
    assert feed(RepeatedBatch(), EPOCH + "abcd", recurrent(np.ones((2, 4)))) == {}
    assert list(feed(RepeatedBatch(), EPOCH + "abcd", recurrent(np.zeros((2, 4))))) == [28]


def test_a_state_that_is_trained_is_not_carried():
    learned = leaf("state", np.ones((2, 4)), parameter=True)
    layer = node(
        "RNN", leaf("data", shape=(5, 2, 8)), leaf("parameters", shape=(99,), parameter=True), learned
    )
    assert list(feed(RepeatedBatch(), EPOCH + "abcd", look(layer))) == [28]


def test_the_state_before_the_first_batch_is_not_carried():
    rule = RepeatedBatch()
    assert rule.on_step(step(text(np.ones((2, 4))), number=1, batches=[1])) == []
    zeros = text(np.zeros((2, 4)))
    answers = [rule.on_step(step(zeros, number=n, batches=[1 + (n - 1) % 24])) for n in range(2, 29)]
    assert [len(found) for found in answers] == [0] * 26 + [1]


def test_data_in_front_of_a_dense_layer_is_no_state():
    assert list(feed(RepeatedBatch(), EPOCH + "abcd", look(dense(leaf("data", np.ones((4, 8))))))) == [28]


def test_a_dense_layer_that_is_used_twice_is_no_recurrent_one():
    """As the discriminator of a GAN is, on real and on generated examples."""
    weight = leaf("weight", shape=(4, 4), parameter=True)
    twice = [node("FullyConnected", leaf("data", np.ones((2, 4))), weight, shape=(2, 4)) for _ in range(2)]
    assert list(feed(RepeatedBatch(), EPOCH + "abcd", look(node("add_n", *twice, shape=(2, 4))))) == [28]


# Batches of a single class


def labelled(*classes, n=16):
    labels = np.resize(classes, n)
    return look(softmax_loss(dense(leaf("data", shape=(n, 8))), labels))


def looked_at(classes):
    """The findings of a run whose labels are of these classes in each step that is looked at."""
    rule = RepeatedBatch()
    numbers = [1, 2, 3, 4, 16, 64, 256]
    steps = (step(labelled(*own), number=n, batches=[n]) for n, own in zip(numbers, classes, strict=False))
    return [message.text for each in steps for message in rule.on_step(each)]


@pytest.mark.parametrize("classes", [[[0], [0], [0], [0], [3]], [[0], [0], [0, 1], [1], [1, 2], [7]]])
def test_batches_of_one_class_after_the_other(classes):
    assert set(looked_at(classes)) == {
        "batch after batch is of a single class: the data is sorted, shuffle it"
    }


@pytest.mark.parametrize(
    "classes",
    [
        [[0], [0], [0, 1], [0], [0], [0]],  # the other class is rare
        [[4], [1], [7], [7], [2], [0]],  # a class for each batch, in random order
    ],
)
def test_batches_of_one_class_that_are_meant(classes):
    assert looked_at(classes) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (labelled(2), labelled(1)),
        (labelled(2), labelled(1, 2)),
        (labelled(1, 2), labelled(2)),
        (labelled(2, n=15), labelled(2, n=15)),  # may be chance
    ],
)
def test_batches_of_several_classes_are_right(first, second):
    rule = RepeatedBatch()
    answers = [rule.on_step(step(seen, batches=[n])) for n, seen in enumerate((first, second))]
    assert answers == [[], []]


def test_the_labels_of_several_devices_count_together():
    rule, parts = RepeatedBatch(), (labelled(2, n=8), labelled(2, n=8))
    for number in (1, 2):
        assert rule.on_step(step(*parts, number=number, batches=[number])) == []
    other = labelled(3, n=8), labelled(3, n=8)
    assert "single class" in the_finding(rule, step(*other, number=16, batches=[16])).text


def test_networks_that_take_turns_tell_true_from_false():
    rule = RepeatedBatch()
    turns = [step(labelled(1), update(updater=n % 2), number=n, batches=[n]) for n in range(1, 7)]
    assert [rule.on_step(each) for each in turns] == [[]] * 6


def test_a_step_that_was_fed_nothing_new_has_nothing_to_check():
    assert RepeatedBatch().on_step(step()) is NOTHING_TO_CHECK


@pytest.mark.parametrize(("batches", "length"), [("abc" * 8, 3), ("ab" * 18, 2)])
def test_a_short_epoch_has_its_own_length(batches, length):
    found = feed(RepeatedBatch(), batches)
    assert [text.split(" batches")[0] for text in found.values()] == [f"each epoch of {length}"]


def test_few_batches_in_a_new_order_each_epoch_are_right():
    random = np.random.RandomState(1)
    epochs = ["".join(random.permutation(list("abcdef"))) for _ in range(150)]
    assert any(one[:4] == epochs[0][:4] for one in epochs[1:])  # by chance
    assert feed(RepeatedBatch(), "".join(epochs)) == {}


# Labels


def with_labels(labels, batches="abcd"):
    rule = RepeatedBatch()
    pairs = zip(labels, batches, strict=False)
    found = [
        rule.on_step(step(number=n, batches=[ord(b)], labels=[ord(y)])) for n, (y, b) in enumerate(pairs, 1)
    ]
    return [messages[0].text for messages in found if messages]


def test_the_same_labels_for_other_data():
    (text,) = with_labels("xxxx")
    assert "three different batches in a row have the same labels" in text


@pytest.mark.parametrize(("labels", "batches"), [("xyxx", "abcd"), ("xxx", "aba")])
def test_labels_that_move_or_stay_with_the_data(labels, batches):
    assert with_labels(labels, batches) == []
