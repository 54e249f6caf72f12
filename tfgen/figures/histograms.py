"""Histograms."""

import numpy as np
from matplotlib.axes import Axes

from tfgen.figures.grids import COLOURS


def histogram(axis: Axes, values: np.ndarray, bins: np.ndarray, label: str, real: bool) -> None:
    """Draws a translucent histogram of values (n,) as shares; the histogram of real pictures is hatched."""
    colour, hatch = (COLOURS[0], "//") if real else (COLOURS[1], None)
    weights = np.full(len(values), 1 / len(values))
    axis.hist(
        values, bins.tolist(), weights=weights, alpha=0.5, edgecolor="black", label=label, color=colour, hatch=hatch
    )
