"""Every set of operator names, once.

MXNet has many operators two or three times: of NDArray, of `mx.np`, with and without broadcasting. `kind_of`
gives the spellings of one operator one name, its kind; the sets below are sets of kinds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ...runtime.drawing import NUMPY_SAMPLERS, draws

# What `mx.np` and `mx.npx` (after their prefix) and older interfaces call an operator, by its kind.
_SPELLINGS = {
    "abs": ("absolute",),
    "broadcast_add": ("add", "elemwise_add", "_grad_add"),
    "broadcast_sub": ("subtract", "elemwise_sub"),
    "broadcast_mul": ("multiply", "elemwise_mul"),
    "broadcast_div": ("true_divide", "elemwise_div"),
    "_plus_scalar": ("add_scalar",),
    "_minus_scalar": ("subtract_scalar",),
    "_rminus_scalar": ("rsubtract_scalar",),
    "_mul_scalar": ("multiply_scalar",),
    "_div_scalar": ("true_divide_scalar",),
    "_rdiv_scalar": ("rtrue_divide_scalar",),
    "_power_scalar": ("power_scalar",),
    "_copy": ("copy",),
    "_full": ("full_like",),
    "Reshape": ("reshape",),
    "Concat": ("concatenate",),
    "batch_dot": ("matmul",),
    "linalg_gemm2": ("_linalg_gemm2",),
    "BatchNorm": ("_contrib_SyncBatchNorm", "BatchNorm_v1"),
    "sum": ("nansum",),
    "make_loss": ("MakeLoss",),
}
_KINDS = {spelling: kind for kind, spellings in _SPELLINGS.items() for spelling in spellings}
_PREFIXES = ("_npi_", "_npx_", "_np_")


def kind_of(op: str) -> str:
    """The kind of an operator that MXNet's registry has under the name `op`: "broadcast_add" of "_npi_add"."""
    if op in NUMPY_SAMPLERS:  # "_npi_gamma" is no spelling of "gamma"
        return op
    for prefix in _PREFIXES:
        op = op.removeprefix(prefix)
    return _KINDS.get(op, op)


FUSED_RELU = "_contrib_BatchNormWithReLU"  # gluon.nn.BatchNormReLU
BATCH_NORM = {"BatchNorm", FUSED_RELU}
# What may compute something else in training than in prediction; of a custom operator or a subgraph nobody can tell.
MODAL = {
    *("Dropout", "RNN", "LeakyReLU", "BatchNorm", "BatchNorm_v1", "_contrib_SyncBatchNorm", FUSED_RELU),
    *("Custom", "_CustomFunction", "_Native", "_foreach", "_while_loop", "_cond"),
}
ACTIVATIONS = {"relu", "sigmoid", "tanh", "softsign", "softrelu"}
REACH = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
}  # least, largest

SHAPE_ONLY = {
    *("Reshape", "Flatten", "expand_dims", "transpose", "squeeze", "SwapAxis", "reshape_like"),
    *("Cast", "amp_cast", "_copy", "_copyto", "BlockGrad"),
}
LINEAR_LAYERS = {"FullyConnected", "Convolution"}
PRODUCTS = {"dot", "batch_dot", "linalg_gemm2"}
TAKES_DATA = {
    *(LINEAR_LAYERS | PRODUCTS | BATCH_NORM),
    *("Deconvolution", "RNN", "Embedding", "Pooling", "LayerNorm"),
}
WITH_GRADIENT_OPERATOR = {
    *(LINEAR_LAYERS | BATCH_NORM),
    *("Deconvolution", "LayerNorm", "RNN", "dot", "Embedding"),
}

ADDING, SUBTRACTING = {"broadcast_add", "add_n"}, {"broadcast_sub"}
MULTIPLYING, DIVIDING = {"broadcast_mul"}, {"broadcast_div"}
NEGATIVE, NEGATING = {"negative"}, {"negative", "_rminus_scalar"}
PLUS_A_NUMBER, A_NUMBER_LESS = {"_plus_scalar"}, {"_rminus_scalar"}
FACTORS: Mapping[str, Callable[[float], float]] = {
    "_mul_scalar": lambda scalar: scalar,
    "_div_scalar": lambda scalar: 1 / scalar,
}
MEANS, SUMS = {"mean"}, {"sum"}
SQUARES, LOGS = {"square"}, {"log"}
LOG_SOFTMAX, SOFTMAX = {"log_softmax"}, {"softmax", "SoftmaxActivation"}
PICKS = {"pick"}


def depends_on_mode(op: str, attributes: Mapping[str, str]) -> bool:
    """Whether an operator computes something else in training than in prediction."""
    if op in ("Dropout", "RNN", "LeakyReLU"):
        return draws(op, attributes, True) != draws(op, attributes, False)
    return op in MODAL and attributes.get("use_global_stats", "False") not in ("True", "1")


# No gradient goes through these.
_COMPARING = ("equal", "not_equal", "greater", "greater_equal", "lesser", "lesser_equal")
FLAT = {
    *("BlockGrad", "argmax", "argmin", "argmax_channel", "argsort", "one_hot", "zeros_like", "ones_like"),
    *("sign", "round", "rint", "floor", "ceil", "fix", "trunc", "logical_not", "shape_array", "size_array"),
    *(f"broadcast_{how}" for how in _COMPARING),
    *(f"_{how}" for how in _COMPARING),
    *(f"_{how}_scalar" for how in _COMPARING),
    *("less", "less_equal", "less_scalar", "less_equal_scalar"),
    *_COMPARING,
    *(f"{how}_scalar" for how in _COMPARING),
}

# A gradient from above is ignored by these: each starts its own.
CLASSIFYING_OUTPUTS = {"SoftmaxOutput", "SVMOutput", "softmax_cross_entropy"}
REGRESSION_OUTPUTS = {"LinearRegressionOutput", "LogisticRegressionOutput", "MAERegressionOutput"}
LOSS_OUTPUTS = {"SoftmaxOutput", "SVMOutput", *REGRESSION_OUTPUTS, "make_loss"}

# Rules look at what goes into and comes out of these.
WORTH_A_VALUE = {
    *(LOSS_OUTPUTS | LOG_SOFTMAX | SOFTMAX | MEANS | SUMS | LOGS | PICKS),
    *("softmax_cross_entropy", "one_hot"),
}

OPTIMIZER_UPDATES = {
    *("sgd_update", "sgd_mom_update", "nag_mom_update", "adam_update", "rmsprop_update", "signsgd_update"),
}
CLEARING = {
    *("zeros_like", "reset_arrays", "_zeros", "_full", "_set_value", "_slice_assign_scalar"),
}
