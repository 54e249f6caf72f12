"""Comparisons of several runs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfgen import UserError, latents
from tfgen.figures.curves import epoch_means, line_style
from tfgen.figures.grids import close_together, fill_rows, rows_of
from tfgen.figures.text import Figure, legend
from tfgen.metrics import sharpness
from tfgen.protocols import Run

Runs = Mapping[str, Run]  # label -> run


def samples_of(run: Run) -> np.ndarray:
    """Sample pictures (n, H, W, C) in [0, 1] of a run, as in the sheets it saves during training."""
    return run.preset.sample(run, run.model)


def comparison(
    runs: Runs,
    log: str = "",
    title: str = "",
    unit: str = "",
    n: int = 8,
    pictures: Callable[[Run], np.ndarray] = samples_of,
    beside: Callable[[Run], Mapping[str, np.ndarray]] = lambda run: {},
) -> Figure:
    """Curves of one log, averaged over 1 % of the iterations, above a row of pictures for each run.

    Args:
        runs: label -> Run.
        log: name of the log, or "" for pictures only.
        title, unit: title and unit of the curves.
        n: number of pictures per run.
        pictures: (run) -> (n or more, H, W, C) in [0, 1].
        beside: (run) -> {label: pictures} for rows at the top that are the same for all runs.
    """
    rows = {**beside(next(iter(runs.values()))), **{label: pictures(run) for label, run in runs.items()}}
    curves = 6.0 if log else 0.0
    figure = Figure((2 + n, curves + len(rows)), layout="constrained")
    if log:
        upper, lower = figure.subfigures(2, 1, height_ratios=[curves, len(rows)], squeeze=False)[:, 0]
        axis = upper.subplots()
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
        axis.set_ylabel(unit)
        for i, (label, run) in enumerate(runs.items()):
            history = run.history()
            window = max(1, len(history[log]) // 100)
            means = np.convolve(history[log], np.full(window, 1 / window), "valid")
            axis.plot(history["iteration"][window - 1 :], means, label=label, **line_style(i))
        legend(axis, fontsize="small", ncols=1 + len(runs) // 6)
    else:
        lower = figure.subfigures(1, 1)
    fill_rows(lower.subplots(len(rows), n, squeeze=False), rows.items())
    return figure


def attribute_rows(runs: Runs, n: int = 10) -> Figure:
    """Two rows for each run of a model conditioned on an attribute: n latents without it, and the same with it.

    If all runs were evaluated during training, below them the Frechet distance to the validation part over the time.

    Args:
        runs: label -> Run.
        n: number of latents.
    """
    rows = []
    for label, run in runs.items():
        pictures = latents.attribute_pairs(run.model, n)
        name = run.record["attributes"][0]
        rows += [(f"{label}\nwithout {name}", pictures[:n]), (f"{label}\nwith {name}", pictures[n:])]
    evaluated = {label: run.evaluations() for label, run in runs.items()}
    if not all("frechet" in found for found in evaluated.values()):
        return rows_of(rows, n)[0]
    figure = Figure((n + 2, len(rows) * 1.05 + 3.8), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=[len(rows) * 1.05, 3.5])
    above, below = parts
    fill_rows(above.subplots(len(rows), n, squeeze=False), rows)
    close_together(figure)
    axis = below.subplots()
    for i, (label, found) in enumerate(evaluated.items()):
        axis.plot(found["seconds"] / 60, found["frechet"], marker=".", label=label, **line_style(i))
    axis.set(xlabel="minutes of training", ylabel="Frechet distance\n(validation part)", yscale="log")
    legend(axis)
    return figure


def depth_of(run: Run) -> str:
    """ "depth 3" for a run of a model with the argument `depth`."""
    return f"depth {run.record['arguments']['depth']}"


def size_of(run: Run) -> str:
    """ "32x32" for a run on pictures of that size."""
    return "{0}x{0}".format(run.record["image_size"])


def latent_curves(
    runs: Runs, values: Callable[[Run], np.ndarray], title: str, unit: str, panel: Callable[[Run], str] = depth_of
) -> Figure:
    """Values averaged over each epoch, with a panel for each depth or size and a line for each latent size.

    As in csi5340.

    Args:
        runs: label -> Run of a model with the argument `latent_dim`; the labels are not used.
        values: (run) -> (n,), one value for each of its n iterations.
        title, unit: title and unit of the values.
        panel: (run) -> title of its panel, in addition to `title`.
    """
    by_setting = {(panel(run), run.record["arguments"]["latent_dim"]): run for run in runs.values()}
    panels, sizes = (sorted({setting[i] for setting in by_setting}) for i in (0, 1))
    figure = Figure((4 * max(len(panels), 2), 4.5), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, name in zip(axes, panels, strict=True):
        axis.set_title(f"{title}, {name}")
        axis.set_xlabel("Epochs")
        axis.xaxis.get_major_locator().set_params(integer=True)
        for i, size in enumerate(sizes):
            if (name, size) in by_setting:
                run = by_setting[name, size]
                means = epoch_means(values(run), run.steps_per_epoch)
                axis.plot(1 + np.arange(len(means)), means, label=f"{size} latents", **line_style(i))
        legend(axis, fontsize="small")
    axes[0].set_ylabel(unit)
    return figure


def sharpness_rows(runs: Runs, n: int = 8, of: int = 64, grain: float = 0.035) -> Figure:
    """A row of test pictures, of gray with grain, of samples of each run, and of reconstructions of an autoencoder.

    Labels give the detail of `of` pictures in a fine and a coarse band, relative to that of the test pictures; see
    `tfgen.metrics.sharpness.detail`. The gray pictures have no edges: what they show in the fine band is no sharpness.

    Args:
        runs: label -> Run.
        n: number of pictures per row.
        of: number of pictures that are measured.
        grain: standard deviation of the noise on the gray pictures.

    Raises:
        UserError: if the test pictures are all flat.
    """
    source = next(iter(runs.values())).source("test")
    real = source.floats(slice(of))
    noise = np.random.default_rng(0).normal(0.5, grain, (*real.shape[:-1], 1))
    pictures = {"test pictures": real, "gray with grain": np.broadcast_to(noise, real.shape)}
    for label, run in runs.items():
        if run.model.autoencodes:
            pictures[f"{label} reconstructions"] = latents.reconstructions(run.model, real)
        pictures[f"{label} samples"] = latents.prior_samples(run.model, of)
    values = {label: np.mean(sharpness.detail(images), axis=1) for label, images in pictures.items()}
    if not np.all(values["test pictures"]):
        raise UserError("the test pictures have no edges to compare with: use other pictures.")
    rows = []
    for label, images in pictures.items():
        fine, coarse = values[label] / values["test pictures"]
        rows.append((f"{label}\nfine {fine:.0%}\ncoarse {coarse:.0%}", images))
    return rows_of(rows, n)[0]
