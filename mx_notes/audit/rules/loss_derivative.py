"""The rule loss-derivative."""

from __future__ import annotations

from ...runtime.known_faults import Fault, known_faults
from ..graph.graph import Node
from ..graph.hand_written import CUSTOM
from ..graph.tape import FUNCTION
from ..trace.step import Derivative, Noted, Step
from . import ERROR, NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule
from ._words import title

HAND_WRITTEN = (FUNCTION, CUSTOM)
OUT_OF_ORDER = (
    Noted.UPDATE_BEFORE_BACKWARD,
    Noted.BACKWARD_WITHOUT_FORWARD,
    Noted.CHANGED_SINCE_FORWARD,
    Noted.BACKWARD_OF_INFERENCE,
)


SUMMED = 8  # gradients of one array that MXNet sums by one operator; beyond, it adds each in place


class LossDerivative(Rule):
    """The gradient of backward is the derivative of the loss."""

    id, severity = "loss-derivative", ERROR
    sees = "difference quotients of the loss along random directions, on a few sampled steps, for at most 5 s"
    wrong = "gluon.nn.SELU()  # of MXNet 1.9.1, whose gradient is another function's"
    right = "gluon.nn.ELU()  # or the same program under mx-notes run --mend"
    note = "Backward computes the derivative of the loss by each weight."

    def __init__(self) -> None:
        self.out_of_order = False  # other numbers went backward than forward, which other rules say
        self.said: set[str] = set()  # operators, and parameters for which none was found

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Say which gradient is not the derivative, and which operator makes it so."""
        self.out_of_order = self.out_of_order or bool(step.noted(*OUT_OF_ORDER))
        judged = [each for each in step.derivatives if each.parameters and not self.out_of_order]
        wrong = {each.culprit.name if each.culprit else each.name: each for each in judged if each.name}
        new = [name for name in wrong if name not in self.said]
        self.said.update(new)
        return [_message(wrong[name]) for name in new] if judged else NOTHING_TO_CHECK


def _message(found: Derivative) -> Message:
    numbers = (
        f"along one direction it says {found.got:.4g} where the difference quotient is {found.wanted:.4g}"
    )
    node = found.culprit
    if found.left:
        more = f"{found.left}: a larger --check-gradients may find it"
        text = f"the gradient of {found.name} is not the derivative of the loss: {numbers}; {more}"
        return Message(text, WARNING)  # where gradients explode, rounding alone can do this
    if node is None:
        how = f"no operator is wrong alone, but {found.name} is used {found.uses} times, and the sum of its gradients is"
        how = how if found.uses > 1 else "no operator is wrong alone"
        text = (
            f"the gradient of {found.name} is not the derivative of the loss: {numbers}; {how}{_cure(found)}"
        )
        return Message(text, None if found.uses > SUMMED else WARNING)
    if node.op in HAND_WRITTEN:
        name = node.attributes.get("op_type", node.name)
        text = f"the backward pass of {name}, written by hand, is not the derivative of its forward pass: for"
        text = f"{text} {found.name} {numbers}; is it meant so, as a straight-through estimator is?"
        return Message(text, place=node.place, severity=WARNING)
    text = f"the gradient of {found.name} is not the derivative of the loss: {numbers}; MXNet computes"
    return Message(f"{text} the backward pass of {title(node)} wrong{_cure(found)}", place=node.place)


def _cure(found: Derivative) -> str:
    faults = [fault for fault in known_faults() if found.culprit and _fits(fault, found.culprit)]
    if any(fault.mended for fault in faults):
        return ": --mend puts it right (docs/operators.md)"
    cures = [fault.cures[0] for fault in faults if fault.cures]
    return f": measured to be right instead: {cures[0]}" if cures else ""


def _fits(fault: Fault, node: Node) -> bool:
    return "gradient" in fault.what and node.op in fault.operators
