"""The rule dropped-gradient."""

from __future__ import annotations

from ..graph.graph import Graph, Node
from ..graph.operators import FLAT, LOSS_OUTPUTS
from ..trace.step import Step
from . import ERROR, NOTHING_TO_CHECK, Findings, Message, NothingToCheck, Rule
from ._words import title


class DroppedGradient(Rule):
    """An operator that starts a gradient of its own, as SoftmaxOutput does, is the end of its graph."""

    id, severity, sampled_only = "dropped-gradient", ERROR, True
    sees = "what is computed from the output of each loss operator"
    wrong = "(SoftmaxOutput(scores, label) * weight).backward()  # the weight has no effect"
    right = "(-pick(log_softmax(scores), label) * weight).backward()"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look for loss operators that are no head."""
        checked, messages = False, []
        for look in step.looks:
            heads = {head.node for head in look.graph.heads}
            for node in look.graph.nodes:
                if node.kind in LOSS_OUTPUTS and float(node.attributes.get("grad_scale", 1)):
                    checked = True
                    if node not in heads and not node.flag("out_grad"):
                        messages.append(Message(_text(look.graph, node), place=node.place))
        return messages[:1] if checked else NOTHING_TO_CHECK


def _text(graph: Graph, node: Node) -> str:
    beyond = graph.below(node)
    blocked = next((each for each in graph.nodes if each in beyond and each.kind == "BlockGrad"), None)
    if blocked is not None and all(user.kind in FLAT for user in graph.users[node]):
        return (
            f"{title(node)} starts a gradient of its own, although {title(blocked)} stands above it: what it is given is"
            " trained as a loss; block what goes into it, not what comes out"
        )
    after = next(iter(graph.users[node]))
    return (
        f"{title(node)} starts a gradient of its own and drops the one from above: what {title(after)} and all beyond"
        " make of its output (a weight, a mixture, a mean) has no effect on the training; take a softmax and a loss"
        " that pass gradient on, or grad_scale"
    )
