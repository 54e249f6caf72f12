"""Training curves."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tfgen.figures.grids import COLOURS
from tfgen.figures.text import Figure, legend
from tfgen.protocols import Run

TRUE, FALSE = "royalblue", "tomato"
STROKES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def line_style(i: int) -> dict[str, Any]:
    """Color and stroke of the i-th line; different strokes distinguish lines in grayscale prints."""
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STROKES[i % len(STROKES)]}


def epoch_means(values: np.ndarray, steps_per_epoch: int) -> np.ndarray:
    """The mean over each complete epoch of values (n,), one per iteration."""
    return values[: len(values) // steps_per_epoch * steps_per_epoch].reshape(-1, steps_per_epoch).mean(axis=1)


def all_steps(history: Mapping[str, np.ndarray], log: str) -> np.ndarray:
    """The values of a log in the order of its player's steps, (n * s,) for n iterations of s steps.

    `log` itself has the last step of each iteration, and `log`_1, `log`_2, ... the steps before it.
    """
    earlier = itertools.takewhile(history.__contains__, (f"{log}_{step}" for step in itertools.count(1)))
    return np.stack([*(history[name] for name in earlier), history[log]], axis=1).ravel()


def _panels(titles: Iterable[str]) -> tuple[Figure, Iterable[Axes]]:
    """A figure of 16 x 6 inches with two titled panels over training iterations."""
    figure = Figure((16, 6))
    axes = figure.subplots(1, 2)
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
    return figure, axes


def learning_curves(run: Run, panels: Mapping[str, str]) -> Figure:
    """Two logs over training iterations, one per panel. `panels` maps the name of a log to the title of its panel.

    A loss is drawn over all steps of its player, of which an iteration may have several.
    """
    history = run.history()
    figure, axes = _panels(panels.values())
    for axis, log in zip(axes, panels, strict=True):
        values = all_steps(history, log)
        axis.plot(np.arange(1, 1 + len(values)), values, color="C0", linewidth=1)
    return figure


def attribute_curves(run: Run) -> Figure:
    """Loss and accuracy of an ACGAN's attribute head, on real and on generated pictures.

    Every iteration is drawn in a pale color, with the mean of each epoch on top. The accuracy is that on the attribute,
    not on real versus generated.
    """
    history, epoch = run.history(), run.steps_per_epoch
    ends = history["iteration"][epoch - 1 :: epoch]
    figure, (loss, accuracy) = _panels(["Training Loss of Attribute Classification", "Accuracy of Discriminator"])
    for axis, log in ((loss, "aux"), (accuracy, "aux_accuracy")):
        for kind, colour, stroke in [("real", TRUE, "-"), ("fake", FALSE, "--")]:
            values, label = history[f"{log}_{kind}"], kind.capitalize()
            axis.plot(history["iteration"], values, color=colour, alpha=0.2, label=label)
            means = epoch_means(values, epoch)
            axis.plot(ends, means, stroke, color=colour, alpha=0.7, linewidth=3, label=f"{label} (per epoch)")
    legend(loss, loc="upper right")
    legend(accuracy, loc="lower right")
    return figure
