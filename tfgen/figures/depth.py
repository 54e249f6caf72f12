"""Predicted and true depth, and the effect of the noise."""

import numpy as np
from matplotlib.axes import Axes

from tfgen import latents
from tfgen.data.source import Source
from tfgen.figures.grids import close_together, mosaic, sheet, show
from tfgen.figures.text import Figure
from tfgen.protocols import Run


def depth_rows(run: Run, n: int = 8) -> Figure:
    """Test pictures, their true depth and the predicted one, with a color bar in meters; unknown depth is gray.

    Raises:
        UserError: if the data set has no depth.
    """
    test, truth, predicted, far = _depths(run, n)
    figure = Figure((1.5 * len(test) + 1, 5.4), layout="constrained")
    axes = figure.subplots(3, len(test), squeeze=False)
    for column, image, true, guess in zip(axes.T, test.floats(), truth, predicted, strict=True):
        show(column[0], image)
        _depth(column[1], np.where(true > 0, true, np.nan), far)
        _depth(column[2], guess, far)
    for axis, label in zip(axes[:, 0], ("color", "true depth", "predicted"), strict=True):
        axis.set_ylabel(label)
    figure.colorbar(axes[1, 0].images[0], ax=axes, label="depth in meters", shrink=0.8)
    close_together(figure)
    return figure


def predicted_depth(images: np.ndarray, depth: np.ndarray) -> Figure:
    """Color pictures above their predicted depth, with a color bar in meters.

    Args:
        images: (n, H, W, 3) in [0, 1].
        depth: (n, H, W, 1) in [0, 1], where 1 is 10 m.
    """
    far = 10 * float(depth.max())
    columns = min(8, len(images))
    figure = Figure((1.5 * columns + 1, 3.2 * -(-len(images) // columns)), layout="constrained")
    axes = figure.subplots(2 * -(-len(images) // columns), columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for i, (image, each) in enumerate(zip(images, depth, strict=True)):
        row, column = divmod(i, columns)
        show(axes[2 * row, column], image)
        _depth(axes[2 * row + 1, column], 10 * each, far)
    figure.colorbar(axes[1, 0].images[0], ax=axes, label="depth in meters", shrink=0.8)
    close_together(figure)
    return figure


def depth_montages(run: Run, columns: int = 8) -> Figure:
    """Square montages of test pictures, of their true depth and of the predicted one; unknown depth is gray.

    The last title gives the error of the pictures shown.

    Raises:
        UserError: if the data set has no depth.
    """
    test, truth, predicted, far = _depths(run, columns * columns)
    error = np.sqrt(np.mean((predicted - truth)[truth > 0] ** 2))
    figure = Figure((16, 5.4), layout="constrained")
    color, true, guess = figure.subplots(1, 3)
    show(color, sheet(test.floats(), columns) / 255, f"{len(test)} test pictures")
    _depth(true, mosaic(np.where(truth > 0, truth, np.nan), columns, np.nan), far)
    true.set_title("true depth")
    _depth(guess, mosaic(predicted, columns, np.nan), far)
    guess.set_title(f"predicted depth, RMSE {error:.2f} m")
    figure.colorbar(guess.images[0], ax=[true, guess], label="depth in meters", shrink=0.8)
    return figure


def _depths(run: Run, n: int) -> tuple[Source, np.ndarray, np.ndarray, float]:
    """(n test pictures, their depth, the predicted one, both (n, H, W, 1), a limit above all), in meters.

    The pictures are from all over the set, because neighbors may be frames of one film; all of them if there are fewer.
    """
    test = run.source("test")
    test = test[np.unique(np.linspace(0, len(test) - 1, n).astype(int))]
    truth, predicted = test.metres(), 10 * latents.depths(run.model, test.floats())
    return test, truth, predicted, float(np.ceil(max(truth.max(), predicted.max())))


def _depth(axis: Axes, depth: np.ndarray, far: float, cmap: str = "viridis") -> None:
    """A map (H, W[, 1]) from 0 to `far` in colors; gray where it is NaN."""
    axis.set_facecolor("0.8")
    axis.imshow(np.ma.masked_invalid(depth).squeeze(), cmap=cmap, vmin=0, vmax=far)
    axis.set(xticks=[], yticks=[])


def noise_sampler(run: Run, n: int = 8) -> Figure:
    """The depth of one test picture for n * n noise samples, and the standard deviation of each pixel."""
    image = run.source("test").floats(slice(1))
    depth = 10 * latents.depths(run.model, np.repeat(image, n * n, axis=0))
    deviation = np.std(depth, axis=0, dtype=np.float64)
    figure = Figure((14, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    show(left, image[0], "color")
    _depth(middle, mosaic(depth, n, np.nan), float(np.ceil(depth.max())))
    middle.set_title(f"depth for {n * n} noise samples")
    figure.colorbar(middle.images[0], ax=middle, label="meters", shrink=0.8)
    _depth(right, deviation, max(deviation.max(), 1e-6), cmap="magma")
    right.set_title(f"standard deviation over noise samples\nmean variance {np.mean(deviation**2):.2g} m²")
    figure.colorbar(right.images[0], ax=right, label="meters", shrink=0.8)
    return figure
