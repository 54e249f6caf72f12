"""Descriptions of figures, used as alternative texts on the page."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tfgen.figures.text import unlabeled


def describe(figure: Figure | list[Image.Image]) -> str:
    """Describes a figure for people who cannot see it.

    The description contains the titles, the arrangement of pictures, and the first and last value of each line; for an
    animation (a list of frames), the number of frames.
    """
    if isinstance(figure, list):
        return f"Animation of {len(figure)} frames."
    sentences: list[str] = []
    words: list[str] = []
    pictures: dict[Any, list[str]] = {}
    for axis in figure.axes:
        words += [text.get_text() for text in axis.texts]
        if axis.lines:
            sentences += _lines(axis)
        elif axis.collections and axis.get_legend():
            groups = ((len(np.asarray(points.get_offsets())), points.get_label()) for points in axis.collections)
            sentences += [f"{axis.get_title()}: {n:,} points {label}." for n, label in groups]
        elif axis.containers:
            labels = axis.get_legend_handles_labels()[1]
            sentences.append(f"{axis.get_title() or 'Histogram'}: {'; '.join(labels)}.")
        elif axis.images and (place := axis.get_subplotspec()):
            name = f"{axis.get_ylabel()} {axis.get_xlabel()} {axis.get_title()}"
            pictures.setdefault(place.get_gridspec(), []).append(" ".join(name.split()))
    for gridspec, names in pictures.items():
        arrangement = f"{len(names)} pictures in {gridspec.nrows} row{'s' * (gridspec.nrows > 1)} of {gridspec.ncols}"
        named = ", ".join(dict.fromkeys(filter(None, names)))
        sentences.append(f"{arrangement if len(names) > 1 else 'One picture'}{f': {named}' if named else ''}.")
    if words and not sentences:
        sentences.append(f"Diagram: {', '.join(filter(None, words))}.")
    return " ".join(" ".join(sentences).split())


def _lines(axis: Axes) -> list[str]:
    sentences = []
    for line in axis.lines:
        (x, y), label, title = np.asarray(line.get_data()), str(line.get_label()), axis.get_title()
        name = title if unlabeled(label) else f"{title} {label}".strip()
        if len(y):
            sentences.append(f"{name}: a line from {y[0]:.3g} at {x[0]:g} to {y[-1]:.3g} at {x[-1]:g}.")
    return sentences
