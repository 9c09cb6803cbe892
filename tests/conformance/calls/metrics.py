"""mx.metric: sums over many batches, in each precision; the values are exact to the last digits."""

import copy
import pickle

import mxnet as mx
import numpy as np
from mxnet import nd

PREDICTED = [[0.25, 0.75], [0.625, 0.375], [0.125, 0.875]]
LABELS = [1, 0, 0]
TARGETS, GUESSES = [1.0, 2.0, 4.0], [1.25, 2.5, 3.0]
CLASSES = {
    "accuracy": lambda: mx.metric.Accuracy(),
    "top 1": lambda: mx.metric.TopKAccuracy(2),
    "F1": lambda: mx.metric.F1(),
    "F1, micro": lambda: mx.metric.F1("micro"),
    "MCC": lambda: mx.metric.MCC(),
    "PCC": lambda: mx.metric.PCC(),
    "cross-entropy": lambda: mx.metric.CrossEntropy(),
    "negative log-likelihood": lambda: mx.metric.NegativeLogLikelihood(),
    "perplexity": lambda: mx.metric.Perplexity(None),
    "perplexity, a label ignored": lambda: mx.metric.Perplexity(np.int64(0)),
    "a function": lambda: mx.metric.np(lambda label, predicted: np.mean(label == predicted.argmax(1))),
    "a function of float32": lambda: mx.metric.CustomMetric(lambda label, predicted: predicted[:, 0].sum()),
    "sum and number": lambda: mx.metric.CustomMetric(lambda label, predicted: (np.float32(0.1), np.int32(3))),
}
OF_NUMBERS = {
    "MAE": lambda: mx.metric.MAE(),
    "MSE": lambda: mx.metric.MSE(),
    "RMSE": lambda: mx.metric.RMSE(),
    "Pearson": lambda: mx.metric.PearsonCorrelation(),
    "Pearson, micro": lambda: mx.metric.PearsonCorrelation(average="micro"),
}


def after(metric, label, predicted, dtype, batches=50):
    label = nd.array(label, dtype=dtype)
    for batch in range(batches):
        # The batches differ by powers of two, which every precision has.
        metric.update([label], [nd.array(predicted, dtype=dtype) * (1 if batch % 2 else 0.5)])
    return metric.get()


def loss(dtype, batches, value=2.0):
    metric = mx.metric.Loss()
    for _ in range(batches):
        metric.update(None, [nd.full((1000,), value, dtype=dtype)])
    return metric


class Own(mx.metric.EvalMetric):
    """As programs write their own."""

    def __init__(self):
        super().__init__("own")

    def update(self, labels, preds):
        for pred in preds:
            self.sum_metric += pred.sum().asscalar()
            self.num_inst += pred.shape[0]


def own(dtype):
    metric = Own()
    for _ in range(50):
        metric.update(None, [nd.full((1000,), 2, dtype=dtype)])
    return metric.get(), type(metric.sum_metric).__name__


def several_devices():
    metric = mx.metric.Perplexity(None)
    labels, predicted = nd.array(LABELS), nd.array(PREDICTED)
    for _ in range(30):
        metric.update([labels, labels[:2]], [predicted, predicted[:2]])
    return metric.get(), metric.num_inst


def composite():
    metric = mx.metric.CompositeEvalMetric(["acc", "ce"])
    metric.update([nd.array(LABELS)], [nd.array(PREDICTED)])
    return metric.get(), str(metric.get_name_value()[0])


def printed():
    metric = mx.metric.Accuracy()
    metric.update([nd.array(LABELS)], [nd.array(PREDICTED)])
    return str(metric), repr(metric.get()), str(metric.get_name_value())


def local_and_global():
    metric = mx.metric.CrossEntropy()
    for _ in range(3):
        metric.update([nd.array(LABELS)], [nd.array(PREDICTED)])
    metric.reset_local()
    metric.update([nd.array(LABELS)], [nd.array(PREDICTED)])
    return metric.get(), metric.get_global()


CALLS = {
    **{
        f"{name}, {dtype}": lambda make=make, dtype=dtype: after(make(), LABELS, PREDICTED, dtype)
        for name, make in CLASSES.items()
        for dtype in ("float32", "float16")
    },
    **{
        f"{name}, {dtype}": lambda make=make, dtype=dtype: after(make(), TARGETS, GUESSES, dtype)
        for name, make in OF_NUMBERS.items()
        for dtype in ("float32", "float16")
    },
    **{
        f"loss, {dtype}, {batches}": lambda dtype=dtype, batches=batches: loss(dtype, batches).get()
        for dtype in ("float32", "float16")
        for batches in (1, 50)
    },
    "loss, many small": lambda: loss("float32", 300, value=0.0009765625).get(),
    "a program's own, float32": lambda: own("float32"),
    "a program's own, float16": lambda: own("float16"),
    "perplexity on two devices": several_devices,
    "composite": composite,
    "printed": printed,
    "local and global": local_and_global,
    "pickled": lambda: pickle.loads(pickle.dumps(loss("float16", 50))).get(),
    "copied": lambda: copy.deepcopy(loss("float16", 50)).get(),
    "type": lambda: type(loss("float32", 2).get()[1]).__name__,
    "nothing seen": lambda: mx.metric.Accuracy().get()[0],
    "config": lambda: mx.metric.Accuracy(axis=np.int64(1)).get_config()["metric"],
}
