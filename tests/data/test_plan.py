"""A plan gives every example once an epoch, to one worker, or to all where there are too few."""

import numpy as np
import pytest

from mx_notes.data.plan import Plan


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize(("examples", "batch_size"), [(10, 4), (8, 4), (3, 10), (1, 1)])
def test_every_example_is_in_one_batch(examples, batch_size, seed):
    plan = Plan(examples, batch_size, seed)
    sizes = [plan.size(batch) for batch in range(plan.steps)]
    assert sum(sizes) == examples and all(size == batch_size for size in sizes[:-1])
    assert sorted(plan.order(3)) == list(range(examples))


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_workers_divide_a_batch_the_larger_shares_first(workers):
    plans = [Plan(23, 10, worker=worker, workers=workers) for worker in range(workers)]
    for batch in (0, 1):
        own = [plan.own(batch) for plan in plans]
        assert np.concatenate(own).tolist() == list(range(10))
        sizes = [len(places) for places in own]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] - sizes[-1] <= 1
    # Of three examples each of five workers has all.
    assert [plan.copies(2) for plan in plans] == [5 if workers == 5 else 1] * workers
    if workers == 5:
        assert [plan.own(2).tolist() for plan in plans] == [[0, 1, 2]] * 5


def test_the_order_is_of_seed_and_epoch():
    assert Plan(50, 8).order(4).tolist() == list(range(50))
    first = Plan(50, 8, seed=1)
    assert first.order(4).tolist() == Plan(50, 16, 1, 1, 2).order(4).tolist()
    assert first.order(4).tolist() != first.order(5).tolist()
    assert first.order(4).tolist() != Plan(50, 8, seed=2).order(4).tolist()
