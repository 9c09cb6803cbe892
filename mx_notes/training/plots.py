"""Figures of a training run."""

from __future__ import annotations

import math
from pathlib import Path


def curves(history: list[dict], path: Path, title: str) -> None:
    """Draw losses, accuracies and learning rate of each epoch (rows as in metrics.jsonl) to a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    loss, accuracy, rate = figure.subplots(1, 3)
    for axes, training, validation in (
        (loss, "loss", "validation_loss"),
        (accuracy, "train_accuracy", "validation_accuracy"),
    ):
        for name, label, colour in ((training, "training", "#0072b2"), (validation, "validation", "#d55e00")):
            values = [row.get(name, math.nan) for row in history]
            axes.plot(epochs, values, color=colour, marker=".", label=label)
        axes.legend()
    loss.set(ylabel="loss (nats)", yscale="log")
    accuracy.set(ylabel="accuracy")
    rate.plot(epochs, [row["learning_rate"] for row in history], color="#009e73", marker=".")
    rate.set(ylabel="learning rate at the epoch's end")
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
