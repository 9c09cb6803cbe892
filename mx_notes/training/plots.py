"""Figures of a training run."""

from __future__ import annotations

from pathlib import Path


def curves(history: list[dict], path: Path, title: str) -> None:
    """Draw loss, accuracies and learning rate of each epoch (rows as in metrics.jsonl) to a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    loss, accuracy, rate = figure.subplots(1, 3)
    loss.plot(epochs, [row["loss"] for row in history], color="#0072b2", marker=".")
    loss.set(ylabel="training loss (nats)", yscale="log")
    accuracy.plot(
        epochs, [row["train_accuracy"] for row in history], color="#0072b2", marker=".", label="training"
    )
    accuracy.plot(
        epochs,
        [row["validation_accuracy"] for row in history],
        color="#d55e00",
        marker=".",
        label="validation",
    )
    accuracy.set(ylabel="accuracy")
    accuracy.legend()
    rate.plot(epochs, [row["learning_rate"] for row in history], color="#009e73", marker=".")
    rate.set(ylabel="learning rate at the epoch's end")
    for axes in (loss, accuracy, rate):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
