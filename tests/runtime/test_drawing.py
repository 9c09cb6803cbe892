"""Which operators draw random numbers: held against what they do."""

import pytest

from mx_notes.runtime import mx
from mx_notes.runtime.drawing import draws

nd, np = mx.nd, mx.np


@pytest.mark.parametrize(
    ("operator", "attributes", "training", "expected"),
    [
        ("Dropout", {"p": "0.5"}, True, True),
        ("Dropout", {"p": "0.5"}, False, False),
        ("Dropout", {"p": "0.5", "mode": "always"}, False, True),
        ("Dropout", {"p": "0"}, True, False),
        ("RNN", {"p": "0.2"}, True, True),
        ("RNN", {}, True, False),
        ("LeakyReLU", {"act_type": "rrelu"}, True, True),
        ("LeakyReLU", {"act_type": "leaky"}, True, False),
        ("_random_normal", {}, False, True),
        ("_sample_multinomial", {}, False, True),
        ("_random_pdf_normal", {}, True, False),
        ("_npi_gamma", {}, False, True),
        ("gamma", {}, True, False),
        ("Custom", {}, False, True),
        ("Convolution", {}, True, False),
    ],
)
def test_it_is_told_by_name_parameters_and_mode(operator, attributes, training, expected):
    assert draws(operator, attributes, training) is expected


@pytest.mark.parametrize(
    ("operator", "run"),
    [
        ("_random_normal", lambda: nd.random.normal(shape=(2,))),
        ("_sample_gamma", lambda: nd.random.gamma(nd.ones(2), nd.ones(2))),
        ("_shuffle", lambda: nd.random.shuffle(nd.arange(9))),
        ("_npi_bernoulli", lambda: mx.npx.random.bernoulli(0.5, size=(9,))),
        ("_npi_gamma", lambda: np.random.gamma(2.0, size=(2,))),
        ("gamma", lambda: nd.gamma(nd.ones(2))),
        ("_random_pdf_normal", lambda: nd.random_pdf_normal(nd.ones((1, 2)), nd.ones(1), nd.ones(1))),
    ],
)
def test_what_draws_gives_other_numbers_the_second_time(operator, run):
    numbers = [run().asnumpy().tolist() for _ in range(8)]
    assert (numbers.count(numbers[0]) < 8) is draws(operator, {})
