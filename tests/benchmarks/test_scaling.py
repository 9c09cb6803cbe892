"""The simulation of `dist_sync` where the answer is known."""

import pytest
from simulation import FLOAT, Cost, Costs, Job, Segment, bounds, simulate

FREE = Costs(*[Cost(0.0, 0.0)] * 4)
COSTLY = Costs(*[Cost(2e-5, 5e-10)] * 4)
ONE_KEY = [Segment(1.0, {0: 250_000})]  # a megabyte
MANY_KEYS = [Segment(1 / 50, {key: 17_000}) for key in range(50)]


def test_without_communication_a_step_is_its_computation():
    job = Job(MANY_KEYS, 0.1, workers=7, servers=2, costs=FREE)
    assert simulate(job) == pytest.approx(0.1)  # all sums in one order: rounding only


def test_workers_that_share_cores_take_turns():
    job = Job(MANY_KEYS, 0.1, workers=4, servers=1, costs=FREE, cores=2)
    assert simulate(job) == pytest.approx(0.2)
    assert bounds(job)["cores"] == pytest.approx(0.2)


def test_one_array_goes_to_the_server_and_back():
    """Sums leave the server one after another; who has got one first pushes first, so pushes don't queue."""
    seconds, workers = 1_000_000 / 1e8, 5
    job = Job(ONE_KEY, 0.1, workers, servers=1, costs=FREE, bandwidth=1e8)
    assert simulate(job) == pytest.approx(0.1 + (workers + 1) * seconds)
    assert bounds(job)["server's link"] == pytest.approx(workers * seconds)


def test_the_request_for_a_sum_waits_for_what_was_pushed_before_it():
    two = [Segment(1.0, {0: 250_000, 1: 250_000})]
    job = Job(two, 0.1, workers=1, servers=1, costs=FREE, bandwidth=1e8)
    assert simulate(job) == pytest.approx(0.1 + 4 * 0.01)  # both go up before the first comes down


def test_latency_is_paid_four_times():
    """The push, the answer to it, the request, the sum: what one array's exchange takes beyond its bytes."""
    job = Job(ONE_KEY, 0.1, workers=1, servers=1, costs=FREE, latency=0.01)
    assert simulate(job) == pytest.approx(0.14)


@pytest.mark.parametrize("bandwidth", [None, 1e8])
@pytest.mark.parametrize("workers", [1, 3, 20])
def test_no_step_is_shorter_than_its_bounds(workers, bandwidth):
    for servers in (1, 4):
        job = Job(MANY_KEYS, 0.01, workers, servers, COSTLY, bandwidth=bandwidth, latency=5e-5)
        assert simulate(job) >= 0.999 * max(bounds(job).values())


def test_a_large_array_is_split_over_the_servers_and_a_small_one_is_not():
    large, small = ([Segment(1.0, {0: elements})] for elements in (4_000_000, 999_999))
    pieces = Job(large, 0.1, 2, 4, FREE).messages()
    assert {server for *_, server, _ in pieces} == {0, 1, 2, 3}
    assert sum(size for *_, size in pieces) == 4_000_000 * FLOAT
    assert len(Job(small, 0.1, 2, 4, FREE).messages()) == 1
