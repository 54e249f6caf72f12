"""Samples and reconstructions, with test pictures for comparison."""

import numpy as np

from tfgen import latents
from tfgen.figures.grids import grid, sheet, show
from tfgen.figures.text import Figure
from tfgen.metrics import distances
from tfgen.protocols import Run

SPLITS = {"train": "training", "test": "test"}  # as titles name them


def reconstructions(run: Run, n: int = 10) -> Figure:
    """Row 1: the first n test pictures, or as many as there are. Row 2: their reconstructions from the mean codes."""
    images = run.source("test").floats(slice(n))
    n = len(images)
    return grid(np.concatenate([images, latents.reconstructions(run.model, images)]), n, (2 * n, 4))


def samples(run: Run, n: int = 32, columns: int = 8) -> Figure:
    """n pictures generated from latents of the prior."""
    return grid(latents.prior_samples(run.model, n), columns, (2 * columns, 2 * (n // columns)))


def farthest_sample(run: Run, n: int = 32) -> Figure:
    """The one of n samples that is farthest from all test pictures, enlarged, next to its nearest test picture."""
    samples, test = latents.prior_samples(run.model, n), run.source("test").floats()
    indices, rms = distances.nearest(samples, test)
    worst = int(np.argmax(rms[:, 0]))
    figure = Figure((8, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    show(left, samples[worst], f"sample {worst + 1} of {n}")
    show(right, test[indices[worst, 0]], f"nearest test picture, {rms[worst, 0]:.3f} RMS away")
    return figure


def montages(run: Run, columns: int = 8) -> Figure:
    """Square montages of test pictures, their reconstructions, and samples of the prior."""
    images = run.source("test").floats(slice(columns * columns))
    samples = latents.prior_samples(run.model, columns * columns)
    parts = {
        f"{len(images)} test pictures": images,
        "their reconstructions": latents.reconstructions(run.model, images),
        f"{len(samples)} samples": samples,
    }
    figure = Figure((15, 5.4), layout="constrained")
    for axis, (title, pictures) in zip(figure.subplots(1, 3), parts.items(), strict=True):
        show(axis, sheet(pictures, columns) / 255, title)
    return figure


def samples_and_real(run: Run, n: int = 30, columns: int = 6, split: str = "test") -> Figure:
    """Samples next to the first pictures of a split, "test" or "train"."""
    figure = Figure((10, 4.6), layout="constrained")
    real = run.source(split).floats(slice(n))
    parts = {"generated": latents.prior_samples(run.model, n), f"{SPLITS[split]} pictures": real}
    for axis, (title, pictures) in zip(figure.subplots(1, 2), parts.items(), strict=True):
        show(axis, sheet(pictures, columns) / 255, f"{len(pictures)} {title}")
    return figure
