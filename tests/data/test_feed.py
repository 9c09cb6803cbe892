import gc
import threading
import time

import numpy as np
import pytest

from mx_notes import data
from mx_notes.data import Augmentation
from mx_notes.data.feed import ahead
from mx_notes.runtime import mx

AUGMENTATION = Augmentation(reflect=0.5, translate=1, rotate=10, noise=0.1)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def arrays(batches):
    return [(batch.data[0].asnumpy(), batch.label[0].asnumpy()) for batch in batches]


def assert_same(left, right):
    assert len(left) == len(right)
    for (images, labels), (other_images, other_labels) in zip(left, right, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def threads():
    gc.collect()
    return [thread for thread in threading.enumerate() if thread.name == "batches"]


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_evaluation_feeds_every_example_once_in_order(digits, part):
    feed = digits.evaluation(part, 64)
    batches = arrays(feed.epoch(0))
    images, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
    np.testing.assert_array_equal(labels, getattr(digits, part).labels)
    np.testing.assert_array_equal(images, digits.normalise(getattr(digits, part).images))
    assert len(batches) == feed.steps and len(labels) == feed.examples


def test_training_feeds_every_example_once_a_last_batch_is_what_is_left(digits):
    feed = digits.training(100, seed=1)
    batches = arrays(feed.epoch(0))
    assert [len(labels) for _, labels in batches] == [100] * 13 + [49]
    fed = np.concatenate([images for images, _ in batches])
    expected = digits.normalise(digits.train.images)
    assert sorted(image.tobytes() for image in fed) == sorted(image.tobytes() for image in expected)


def test_order_depends_on_seed_and_epoch_alone(digits):
    feed = digits.training(128, seed=1, augmentation=AUGMENTATION)
    first = arrays(feed.epoch(3))
    list(feed.epoch(0))
    assert_same(first, arrays(feed.epoch(3)))
    assert_same(first, arrays(digits.training(128, seed=1, augmentation=AUGMENTATION).epoch(3)))
    for other in (feed.epoch(4), digits.training(128, seed=2, augmentation=AUGMENTATION).epoch(3)):
        assert not np.array_equal(first[0][1], next(other).label[0].asnumpy())


@pytest.mark.parametrize("start", [0, 1, 10, 11])
def test_start_in_mid_epoch_gives_the_same_batches(digits, start):
    feed = digits.training(128, seed=5, augmentation=AUGMENTATION)
    assert_same(arrays(feed.epoch(2))[start:], arrays(feed.epoch(2, start=start)))


def test_augmentation_differs_between_batches_and_follows_its_strength(digits):
    noise = Augmentation(noise=1.0)
    feed = digits.training(300, seed=1, augmentation=noise, strength=lambda epoch: 1 - epoch / 2)
    plain = digits.training(300, seed=1)
    for epoch, expected in ((0, 1.0), (1, 0.5), (2, 0.0)):
        differences = [
            a - b
            for (a, _), (b, _) in zip(arrays(feed.epoch(epoch)), arrays(plain.epoch(epoch)), strict=True)
        ]
        for difference in differences:
            assert difference.std() == pytest.approx(expected, rel=0.05)  # at least 9,500 normal numbers
        if expected:
            assert not np.array_equal(differences[0], differences[1])


def test_a_module_takes_the_short_last_batch(digits):
    out = mx.sym.SoftmaxOutput(
        mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.var("data")), num_hidden=10), name="softmax"
    )
    module = mx.mod.Module(out)
    module.bind([("data", (100, 1, 8, 8))], [("softmax_label", (100,))])
    module.init_params(mx.init.Zero())
    sizes = []
    for batch in digits.training(100, seed=1).epoch(0):
        module.forward_backward(batch)
        sizes.append(module.get_outputs()[0].shape[0])
        assert batch.pad == 0
    assert sizes == [100] * 13 + [49]


def test_float16(digits):
    batch = next(digits.training(32, seed=1, dtype="float16").epoch(0))
    assert batch.data[0].dtype == np.float16 and batch.provide_data[0].dtype == "float16"
    assert batch.label[0].dtype == np.float32


def test_unknown_part(digits):
    with pytest.raises(ValueError, match="train, validation, test"):
        digits.evaluation("testing", 10)


def test_leaving_early_ends_the_thread(digits):
    for _ in digits.training(16, seed=1).epoch(0):
        assert threads()
        break
    assert not threads()


def test_the_end_ends_the_thread(digits):
    list(digits.evaluation("test", 64).epoch(0))
    assert not threads()


def test_an_error_in_the_thread_reaches_the_loop(digits):
    def broken(epoch):
        raise RuntimeError("from the thread")

    with pytest.raises(RuntimeError, match="from the thread"):
        list(digits.training(64, seed=1, augmentation=AUGMENTATION, strength=broken).epoch(0))
    assert not threads()


def test_items_before_an_error_are_delivered():
    def items():
        yield from range(3)
        raise ValueError("then this")

    seen = []
    with pytest.raises(ValueError, match="then this"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [0, 1, 2]


def test_works_ahead_but_not_further_than_it_may():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    stream = ahead(items(), count=2)
    assert next(stream) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 4  # one taken, two ready, one waiting for its place
    assert list(stream) == list(range(1, 10))
