"""The rule image-layout."""

from __future__ import annotations

from ..trace.step import Step
from . import NOTHING_TO_CHECK, WARNING, Findings, Message, NothingToCheck, Rule, first

COLOURS = {1, 3, 4}  # grey, RGB, RGBA
SMALLEST = 16  # pixels of a side: eight sensors, eight times and three axes are no image


class ImageLayout(Rule):
    """Images are fed in the layout that their convolution takes."""

    id, severity, sampled_only = "image-layout", WARNING, True
    sees = "the shapes of data that convolutions take, on sampled steps"
    wrong = "net(images)  # (N, 32, 32, 3), as image files are read"
    right = "net(images.transpose((0, 3, 1, 2)))  # (N, 3, 32, 32)"

    def on_step(self, step: Step) -> Findings | NothingToCheck:
        """Look at the shape of the data of each first convolution."""
        checked, messages = False, []
        for look in step.looks:
            for node in look.graph.of_kind("Convolution"):
                source = node.inputs[0]
                shape = source.shape or ()
                if not source.node.is_leaf or source.node.parameter or len(shape) != 4:
                    continue
                checked = True
                _, channels, height, width = shape
                taken = node.attributes.get("layout", "None") in ("None", "NCHW")
                if taken and channels == height >= SMALLEST and width in COLOURS:
                    text = (
                        f"a convolution that takes (N, channels, height, width) is given {shape}: its rows are taken for"
                        " channels; transpose((0, 3, 1, 2)), as ToTensor does"
                    )
                    messages.append(Message(text, place=node.place))
        return first(messages) if checked else NOTHING_TO_CHECK
