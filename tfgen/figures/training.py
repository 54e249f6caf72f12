"""Samples of the same latents during training, from the sheets that the run saved."""

import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from tfgen import UserError
from tfgen.figures.grids import close_together, sheet, show, tiles
from tfgen.figures.text import Figure
from tfgen.protocols import Run


def _sheets(run: Run, moments: int, spacing: Callable[..., np.ndarray]) -> list[tuple[int, np.ndarray]]:
    """At most `n` of the run's sheets, including the last one: [(iteration, (h, w[, C]) uint8)].

    `spacing` is np.linspace or np.geomspace.
    """
    paths = sorted(path for path in (run.folder / "samples").glob("*.png") if path.stem.isdecimal())
    if not paths:
        raise UserError(f"{run.folder / 'samples'} contains no sheets of samples: continue the run or train it again.")
    chosen = np.unique(np.rint(spacing(1, len(paths), min(moments, len(paths)))).astype(int)) - 1
    sheets = [(int(paths[i].stem), _picture(paths[i])) for i in chosen]
    for i, (_, picture) in zip(chosen, sheets, strict=True):
        if picture.shape != sheets[-1][1].shape:
            raise UserError(f"{paths[i]} differs in size from the other sheets: remove it or train the run again.")
    return sheets


def _picture(path: pathlib.Path) -> np.ndarray:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError) as error:  # Pillow's PNG reader raises both
        raise UserError(f"{path} cannot be read as a picture ({error}): remove it or train the run again.") from None


def saved_samples(run: Run) -> list[tuple[int, np.ndarray]]:
    """All sheets of samples that a run saved, always of the same n latents.

    Returns:
        [(iteration, pictures (n, H, W, C) float32 in [0, 1])].
    """
    sheets = _sheets(run, sys.maxsize, np.linspace)
    return [(iteration, tiles(picture, run.record["image_size"])) for iteration, picture in sheets]


def training_grids(run: Run, moments: int = 4) -> Figure:
    """The run's sheets of samples after 2/5, 3/5, 4/5 and all of the epochs, as in csi5340."""
    return _rows_of_sheets({"": _over_epochs(run, moments)})


def reconstruction_grids(run: Run, moments: int = 4) -> Figure:
    """The training pictures of which the run's sheets are reconstructions, then sheets as in `training_grids`."""
    return _rows_of_sheets({"": _beside_originals(run, moments)})


def compared_reconstructions(runs: Mapping[str, Run], moments: int = 4) -> Figure:
    """A row of `reconstruction_grids` for each run, {label: run}."""
    return _rows_of_sheets({label: _beside_originals(run, moments) for label, run in runs.items()})


def _over_epochs(run: Run, moments: int) -> list[tuple[str, np.ndarray]]:
    """At most `moments` of the run's sheets: [(title, (h, w[, C]) uint8)]."""
    chosen = _sheets(run, moments, lambda first, last, n: np.linspace(first, last, n + 2)[2:])
    return [(f"epoch {iteration // run.steps_per_epoch}", picture) for iteration, picture in chosen]


def _beside_originals(run: Run, moments: int) -> list[tuple[str, np.ndarray]]:
    originals = sheet(run.preset.training_pictures(run), run.preset.sample_columns)
    return [("training pictures", originals), *_over_epochs(run, moments)]


def _rows_of_sheets(rows: Mapping[str, Sequence[tuple[str, np.ndarray]]]) -> Figure:
    """{label of a row: [(title, sheet (h, w[, C]) uint8)]} -> a figure; all sheets have one size."""
    columns = max(len(row) for row in rows.values())
    height, width = next(iter(rows.values()))[0][1].shape[:2]
    figure = Figure((4 * columns, len(rows) * (4 * height / width + 0.5)), layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (label, row) in zip(axes, rows.items(), strict=True):
        for axis in line[len(row) :]:
            axis.set_axis_off()
        for axis, (title, picture) in zip(line, row, strict=False):
            show(axis, picture / 255, title)
        line[0].set_ylabel(label, fontsize=14)
    return figure


def training_strip(run: Run, n: int = 6, moments: int = 10) -> Figure:
    """n latents (rows) during training (columns). Early columns are denser, because pictures change faster then."""
    chosen = [
        (iteration, tiles(picture, run.record["image_size"]))
        for iteration, picture in _sheets(run, moments, np.geomspace)
    ]
    rows = np.rint(np.linspace(0, len(chosen[0][1]) - 1, min(n, len(chosen[0][1])))).astype(int)
    figure = Figure((1.2 * len(chosen), 1.2 * len(rows) + 0.4), layout="constrained")
    axes = figure.subplots(len(rows), len(chosen), squeeze=False)
    for column, (iteration, pictures) in zip(axes.T, chosen, strict=True):
        for axis, picture in zip(column, pictures[rows], strict=True):
            show(axis, picture)
        column[0].set_title(f"{iteration:,}", fontsize=10)
    figure.suptitle("iteration", fontsize=10)
    close_together(figure)
    return figure


def training_animation(run: Run, moments: int = 16, width: int = 280) -> list[Image.Image]:
    """The run's sheets of samples as frames of an animation about `width` pixels wide, labeled with the iteration."""
    frames = []
    for iteration, array in _sheets(run, moments, np.geomspace):
        picture = Image.fromarray(array)  # gray stays gray, and the file small
        scale = max(1, width // picture.width)
        frame = Image.new(picture.mode, (scale * picture.width, scale * picture.height + 20), "white")
        frame.paste(picture.resize((scale * picture.width, scale * picture.height), Image.Resampling.NEAREST), (0, 20))
        ImageDraw.Draw(frame).text((4, 4), f"iteration {iteration:,}", fill="black")
        frames.append(frame)
    return frames
