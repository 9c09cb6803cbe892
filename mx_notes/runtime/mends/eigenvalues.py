"""The gradients of the eigenvalues of mx.np.linalg.eigvalsh and eigh, which are 0."""

from __future__ import annotations

from typing import Any

from ._door import Call, answer

FILE = "src/operator/numpy/linalg/np_eigvals.cc"


def apply() -> None:
    """Take the gradient from vᵀ A v, of which the eigenvalues are the values."""
    answer(("_npi_eigvalsh",), lambda call: _eigh(call)[0])
    answer(("_npi_eigh",), lambda call: _with_gradient(call, *call.original(*call.inputs)))


def _eigh(call: Call) -> Any:
    options = {key: value for key, value in call.attributes.items() if key == "UPLO"}
    return call.F.np.linalg.eigh(call.inputs[0], **options)


def _with_gradient(call: Call, values: Any, vectors: Any) -> list[Any]:
    np = call.F.np

    def constant(x: Any) -> Any:
        return call.F.BlockGrad(x.as_nd_ndarray()).as_np_ndarray()

    fixed = constant(vectors)
    product = np.sum(np.matmul(call.inputs[0], fixed) * fixed, axis=-2)
    return [constant(values) + (product - constant(product)), vectors]
