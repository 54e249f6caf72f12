"""Examples of a data set."""

import textwrap

import numpy as np

from tfgen.data.source import Source
from tfgen.figures.text import Figure


def examples(source: Source, n: int, columns: int = 8) -> Figure:
    """The first n pictures of a source with their classes and attributes, and with depth maps if there are any.

    Depth is black where it is near or unknown.
    """
    source = source[:n].decoded()
    columns, images = min(columns, len(source)), source.floats()
    if source.depth is not None:
        metres = source.metres()
        far = np.maximum(metres.max(axis=(1, 2, 3), keepdims=True), np.float32(0.001))
        images = np.concatenate([images, np.repeat(metres / far, images.shape[-1], axis=-1)], axis=2)
    rows, (height, width) = -(-len(images) // columns), images.shape[1:3]
    row_height = 2.3 if len(source.attribute_names) > 3 else 1.9
    figure = Figure((1.5 * columns * width / height, row_height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes, images, strict=False)):
        axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(_caption(source, i), fontsize=7)
    figure.suptitle(f"{source.name}: the first {len(images)}")
    return figure


def _caption(source: Source, i: int) -> str:
    present = zip(source.attribute_names, source.attributes[i], strict=True)
    words = [name.replace("_", " ") for name, value in present if value]
    if source.labels is not None:
        words.insert(0, source.class_names[source.labels[i]])
    if source.depth is not None:
        metres = source.metres(np.array([i]))
        words.append(f"up to {metres.max():.1f} m, {np.mean(metres == 0):.0%} unknown")
    return textwrap.fill(", ".join(words), 24 if source.depth is None else 48, max_lines=5, placeholder=" ...")
