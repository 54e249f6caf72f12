"""The latent space of an autoencoder."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from tfgen import UserError, latents
from tfgen.data.source import Source
from tfgen.figures.curves import FALSE, TRUE
from tfgen.figures.grids import rows_of, sheet, show
from tfgen.figures.pictures import SPLITS
from tfgen.figures.text import Figure, legend
from tfgen.protocols import Run


def latent_tsne(run: Run, attribute: str, most: int = 10_000) -> Figure:
    """t-SNE (van der Maaten and Hinton 2008) of the mean codes of the test set, colored by an attribute.

    A data set without attributes is colored by class. If there are more than `most` pictures, a random subset of that
    size is shown, and the figure says so.

    Raises:
        UserError: if the set has fewer than five pictures, or no such attribute.
    """
    from sklearn.manifold import TSNE  # takes a second to import, and few commands need it

    source, chosen = run.source("test"), np.arange(len(run.source("test")))
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(latents.KEY).choice(len(chosen), most, replace=False))
    groups = _groups(source, attribute)
    codes = run.model.encode(source.floats(chosen))["mean"].reshape(len(chosen), -1)
    if len(codes) < 5:
        raise UserError(f"{source.name} has {len(codes)} pictures, too few for t-SNE: use 5 or more.")
    # scikit-learn's defaults, except for the seed and for sets that are too small for a perplexity of 30. A different
    # number of threads gives different points, and on a busy machine several threads are much slower than one.
    with threadpool_limits(1):
        points = TSNE(
            n_components=2,
            perplexity=min(30, (len(codes) - 1) / 3),
            init="pca" if codes.shape[1] > 1 else "random",
            random_state=0,
        ).fit_transform(codes)
    columns = -(-len(groups) // 40)
    figure = Figure((8 + 2.4 * columns * (len(groups) > 2), 8), layout="constrained")
    axis = figure.subplots()
    for label, (members, look) in groups.items():
        axis.scatter(*points[members[chosen]].T, alpha=0.5, label=_short(label), **look)
    beside: dict[str, Any] = {
        "loc": "upper left",
        "bbox_to_anchor": (1, 1),
        "ncols": columns,
    }  # over the axes, it would hide points
    legend(axis, **beside, fontsize=16 if len(groups) == 2 else 9)
    axis.set_title(attribute if source.attribute_names else "Class", fontsize=20)
    if len(chosen) < len(source):
        axis.set_xlabel(f"a random {len(chosen):,} of the {len(source):,} test pictures")
    return figure


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\u2026"


def _groups(source: Source, attribute: str) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """{label: ((n,) bool, style of the points)} for the two values of an attribute, or for every class."""
    if source.attribute_names or source.labels is None:
        has = source.column(attribute).astype(bool)
        return {"True": (has, {"color": TRUE}), "False": (~has, {"color": FALSE, "marker": "^"})}
    looks = [
        {"color": f"C{i % 10}", "marker": "o^sD*vPX<>"[(i + i // 10) % 10], "s": 16}
        for i in range(source.labels.max() + 1)
    ]
    present = np.unique(source.labels)
    return {source.class_names[i]: (source.labels == i, looks[i]) for i in present}


def latent_manifold(run: Run, n: int = 20) -> Figure:
    """The decoded pictures of a grid over a two-dimensional latent space."""
    figure = Figure((9, 9), layout="constrained")
    axis = figure.subplots()
    show(axis, sheet(latents.manifold(run.model, n), n, gap=0) / 255)
    axis.set_xlabel("first latent, quantiles .05 to .95 of N(0, 1)")
    axis.set_ylabel("second latent, quantiles .05 to .95 of N(0, 1)")
    return figure


def class_reconstructions(run: Run, n: int = 5, split: str = "test") -> Figure:
    """One row for each class: its first picture of a split, and n pictures decoded from samples of the posterior.

    Raises:
        UserError: if the data set has no classes.
    """
    source = run.source(split)
    if source.labels is None:
        raise UserError(f"{source.name} has no classes to take a picture of each: train on digits, mnist or cifar10.")
    first = [int(np.flatnonzero(source.labels == label)[0]) for label in np.unique(source.labels)]
    images = source.floats(np.array(first))
    around = latents.posterior_reconstructions(run.model, images, n)
    names = [source.class_names[source.labels[i]] for i in first]
    rows = [(name, [image, *pictures]) for name, image, pictures in zip(names, images, around, strict=True)]
    figure, axes = rows_of(rows, n + 1)
    axes[0, 0].set_title(f"{SPLITS[split]} picture", fontsize=9)
    axes[0, 1].set_title("from its posterior", fontsize=9)
    return figure
