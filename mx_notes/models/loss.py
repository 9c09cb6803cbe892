"""A network as a Symbol, and with a loss whose gradient is the gradient of the mean of the batch's losses."""

from __future__ import annotations

from ..runtime import mx


def logits_symbol(net: mx.gluon.HybridBlock) -> mx.sym.Symbol:
    """Turn the network into a Symbol: data (N, C, H, W) to the scores (N, classes) before softmax."""
    with mx.name.NameManager():
        output = net(mx.sym.var("data"))
    # Networks with auxiliary classifiers (NASNet) give several outputs, their own first.
    return output[0] if isinstance(output, (tuple, list)) else output


def mean_cross_entropy(net: mx.gluon.HybridBlock) -> mx.sym.Symbol:
    """Turn the network with its loss into a Symbol, with its outputs in float32.

    data (N, C, H, W) and softmax_label (N,) to [mean loss (1,), probabilities (N, classes)]; loss = mean over the batch of -log softmax(logits)[label]; its `backward()` gives the gradient of that
    mean. The mean is a node of the graph, so a batch of any size is averaged over its own examples, and
    the optimiser has nothing to rescale. Outputs: `loss_loss`, `probabilities_output`; the examples'
    own losses (N,) are the internal output `losses_output`.
    """
    scores = mx.sym.cast(logits_symbol(net), dtype="float32", name="logits")
    label = mx.sym.var("softmax_label")
    log_probabilities = mx.sym.log_softmax(scores, name="log_probabilities")
    losses = mx.sym.negative(mx.sym.pick(log_probabilities, label, name="picked"), name="losses")
    loss = mx.sym.make_loss(mx.sym.mean(losses, name="mean"), name="loss")
    probabilities = mx.sym.BlockGrad(mx.sym.softmax(scores, name="softmax"), name="probabilities")
    return mx.sym.Group([loss, probabilities])
