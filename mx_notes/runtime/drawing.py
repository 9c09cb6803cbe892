"""Which of MXNet's operators draw random numbers: to run one again would change what the program draws next."""

from __future__ import annotations

from collections.abc import Mapping

_SAMPLERS = ("_random_", "_sample_", "_shuffle", "_image_random_", "_contrib_dgl_csr_")
_DENSITIES = "_random_pdf_"
NUMPY_SAMPLERS = frozenset(
    f"_npi_{name}"
    for name in (
        *("bernoulli", "choice", "exponential", "gamma", "gumbel", "logistic", "multinomial", "normal"),
        *("normal_n", "pareto", "powerd", "rayleigh", "uniform", "uniform_n", "weibull"),
    )
)
_FOREIGN = ("Custom", "_CustomFunction", "_Native", "_NDArray")  # what they run is not known


def draws(operator: str, attributes: Mapping[str, str], training: bool = True) -> bool:
    """Whether an operator, by its name in MXNet's registry and its parameters as text, draws random numbers.

    training: the mode in which it runs. Dropout with mode="always" draws in both.
    """
    if operator == "Dropout":
        active = training or attributes.get("mode") == "always"
        return active and float(attributes.get("p", 0.5)) > 0
    if operator == "RNN":
        return training and float(attributes.get("p", 0)) > 0
    if operator == "LeakyReLU":
        return training and attributes.get("act_type") == "rrelu"
    if operator.startswith(_SAMPLERS):
        return not operator.startswith(_DENSITIES)
    return operator in NUMPY_SAMPLERS or operator in _FOREIGN
