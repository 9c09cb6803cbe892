"""`scipy.sparse.csr.csr_matrix`, which MXNet reads at every `nd.array`.

mxnet/ndarray/utils.py:141, mxnet/ndarray/sparse.py:827 and 975. SciPy 1.8 has renamed the module
`scipy.sparse.csr` and warns at each reading, SciPy 2 drops it.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace


def needed() -> bool:
    """Whether SciPy is there, whose new names hold for every version since 2008."""
    from mxnet.ndarray import utils

    return utils.spsp is not None


def mend() -> None:
    """Show these two modules a `scipy.sparse` with its old module."""
    from mxnet.ndarray import sparse, utils

    seen = ModuleType("scipy.sparse")
    seen.__dict__.update(vars(utils.spsp))
    seen.csr = SimpleNamespace(csr_matrix=utils.spsp.csr_matrix)
    utils.spsp = sparse.spsp = seen
