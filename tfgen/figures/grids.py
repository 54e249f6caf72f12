"""Grids of pictures: as figures without axes, as pixel arrays, and with labeled rows."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from tfgen.figures.text import Figure

# Okabe and Ito's colors, which people with any kind of color vision can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def grid(images: np.ndarray, columns: int, figsize: tuple[float, float]) -> Figure:
    """A grid of pictures that fills the figure, without axes, with gaps of a twentieth of a picture.

    Args:
        images: (n, H, W, C) in [0, 1], n a multiple of `columns`.
        columns: pictures in a row.
        figsize: width and height in inches.
    """
    figure = Figure(figsize)
    axes = figure.subplots(
        len(images) // columns,
        columns,
        squeeze=False,
        gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1, "wspace": 0.05, "hspace": 0.05},
    )
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1, aspect="auto")
        axis.set_axis_off()
    return figure


def sheet(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """A grid of pictures as a pixel array, with white gaps.

    Args:
        images: (n, H, W, C) in [0, 1].
        columns: pictures in a row.
        gap: pixels between and around them.

    Returns:
        (rows * (H + gap) + gap, columns * (W + gap) + gap[, 3]) uint8.
    """
    rows = mosaic(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8), columns, 255, gap)
    return rows.squeeze(axis=2 if images.shape[-1] == 1 else ())


def mosaic(images: np.ndarray, columns: int, fill: float, gap: int = 2) -> np.ndarray:
    """A grid of arrays (n, H, W, C), with `fill` between and around them.

    Returns:
        (rows * (H + gap) + gap, columns * (W + gap) + gap, C).
    """
    n, height, width, channels = images.shape
    tiles = np.full((-(-n // columns) * columns, height + gap, width + gap, channels), fill, images.dtype)
    tiles[:n, gap:, gap:] = images
    rows = tiles.reshape(-1, columns, *tiles.shape[1:]).swapaxes(1, 2).reshape(-1, columns * (width + gap), channels)
    return np.pad(rows, ((0, gap), (0, gap), (0, 0)), constant_values=fill)


def tiles(sheet: np.ndarray, size: int, gap: int = 2) -> np.ndarray:
    """The pictures (n, size, size, C) float32 in [0, 1] of a `sheet`; its last row is assumed to be full."""
    step, sheet = size + gap, np.atleast_3d(sheet)[gap:, gap:]
    rows, columns = len(sheet) // step, sheet.shape[1] // step
    cells = sheet.reshape(rows, step, columns, step, -1)[:, :size, :, :size].swapaxes(1, 2)
    return cells.reshape(rows * columns, size, size, -1) / np.float32(255)


def show(axis: Axes, image: np.ndarray, title: str = "") -> None:
    """Shows one picture (H, W, C) in [0, 1] on an axis without ticks and frame; labels remain possible."""
    axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    if title:
        axis.set_title(title)


def close_together(figure: Figure) -> None:
    """Places the pictures of a constrained layout as close together as their labels allow."""
    figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)


def rows_of(
    pictures: Sequence[tuple[str, Sequence[np.ndarray] | np.ndarray]], columns: int
) -> tuple[Figure, np.ndarray]:
    """A figure of rows of pictures, [(label, (columns or more, H, W, C) in [0, 1])], and its axes (rows, columns)."""
    figure = Figure((columns + 2, len(pictures) * 1.05 + 0.3), layout="constrained")
    axes = fill_rows(figure.subplots(len(pictures), columns, squeeze=False), pictures)
    close_together(figure)
    return figure, axes


def fill_rows(axes: np.ndarray, pictures: Iterable[tuple[str, Iterable[np.ndarray]]]) -> np.ndarray:
    """Shows rows of pictures, [(label, pictures)], on axes (rows, columns), and returns the axes."""
    for axis in axes.flat:  # axes that stay empty too
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for row, (label, images) in zip(axes, pictures, strict=False):
        for axis, image in zip(row, images, strict=False):
            show(axis, image)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return axes
