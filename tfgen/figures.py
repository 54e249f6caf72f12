"""One function a kind of figure: (run, ...) -> matplotlib Figure. Sizes, titles and colours are those of the homework's report."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from tfgen import latents

TRUE, FALSE = "royalblue", "tomato"


def grid(images, columns, figsize):
    """Pictures in rows, left to right, filling the figure: no axes, gaps of a twentieth of a picture.

    Args:
        images: (n, H, W, C) in [0, 1], n a multiple of `columns`.
        columns: pictures in a row.
        figsize: inches, wide and high.
    """
    figure = Figure(figsize)
    axes = figure.subplots(
        len(images) // columns, columns, squeeze=False, gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1, "wspace": 0.05, "hspace": 0.05}
    )
    for axis, image in zip(axes.flat, images, strict=True):
        axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1, aspect="auto")
        axis.set_axis_off()
    return figure


def sheet(images, columns, gap=2):
    """Pictures in rows, pixel by pixel: (n, H, W, C) in [0, 1] -> (rows * (H + gap) + gap, columns * (W + gap) + gap[, 3]) uint8."""
    n, height, width, channels = images.shape
    tiles = np.full((-(-n // columns) * columns, height + gap, width + gap, channels), 255, np.uint8)
    tiles[:n, gap:, gap:] = np.rint(np.clip(images, 0, 1) * 255)
    rows = tiles.reshape(-1, columns, *tiles.shape[1:]).swapaxes(1, 2).reshape(-1, columns * (width + gap), channels)
    return np.pad(rows, ((0, gap), (0, gap), (0, 0)), constant_values=255).squeeze()


def _panels(titles):
    """A figure of 16 x 6 inches with two panels of one title each, over training iterations."""
    figure = Figure((16, 6))
    axes = figure.subplots(1, 2)
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
    return figure, axes


def learning_curves(run, panels):
    """Two logs, one a panel, as one line over the training iterations. `panels` maps the log's name to the panel's title."""
    history = run.history()
    figure, axes = _panels(panels.values())
    for axis, log in zip(axes, panels):
        axis.plot(history["iteration"], history[log], color="C0", linewidth=1)
    return figure


def reconstructions(run, n=10):
    """Row 1: the first n test pictures; row 2: what the decoder makes of their mean codes."""
    images = run.source("test").floats(slice(n))
    return grid(np.concatenate([images, latents.reconstructions(run.model, images)]), n, (2 * n, 4))


def examples(source, n, columns=8):
    """The first n pictures of a source, each with its class or the attributes it has, or beside its depth, black where near or unknown."""
    source = source[:n].decoded()
    columns, images = min(columns, len(source)), source.floats()
    if source.depth is not None:
        far = np.maximum(source.depth.max(axis=(1, 2, 3), keepdims=True), 1)
        images = np.concatenate([images, np.repeat(source.depth / far, images.shape[-1], axis=-1)], axis=2)
    rows, (height, width) = -(-len(images) // columns), images.shape[1:3]
    figure = Figure((1.5 * columns * width / height, (2.3 if len(source.attribute_names) > 3 else 1.9) * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes, images)):
        axis.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1)
        axis.set_title(_caption(source, i), fontsize=7)
    figure.suptitle(f"{source.name}: the first {len(images)}")
    return figure


def _caption(source, i):
    words = [name.replace("_", " ") for name, value in zip(source.attribute_names, source.attributes[i]) if value]
    if source.labels is not None:
        words.insert(0, source.classes[source.labels[i]] if source.classes else str(source.labels[i]))
    if source.depth is not None:
        words.append(f"up to {source.depth[i].max() / 1000:.1f} m, {np.mean(source.depth[i] == 0):.0%} unknown")
    return textwrap.fill(", ".join(words), 24 if source.depth is None else 48, max_lines=5, placeholder=" ...")


def samples(run):
    """4 x 8 pictures of latents drawn from the prior."""
    return grid(latents.prior_samples(run.model, 32), 8, (16, 8))


def latent_tsne(run, attribute):
    """t-SNE (van der Maaten and Hinton 2008) of the mean codes of the whole test set, coloured by one attribute."""
    from sklearn.manifold import TSNE  # takes a second to import, and few commands need it

    source = run.source("test")
    codes = run.model.encode(source.floats())["mean"]
    # scikit-learn's defaults, but for the seed and for sets smaller than its perplexity of 30 allows.
    points = TSNE(n_components=2, perplexity=min(30, (len(codes) - 1) / 3), random_state=0).fit_transform(codes)
    chosen = source.column(attribute).astype(bool)
    figure = Figure((8, 8))
    axis = figure.subplots()
    axis.scatter(*points[chosen].T, color=TRUE, alpha=0.5, label="True")
    axis.scatter(*points[~chosen].T, color=FALSE, alpha=0.5, label="False")
    axis.legend(loc="upper left", fontsize=16)
    axis.set_title(attribute, fontsize=20)
    return figure


def attribute_curves(run):
    """The discriminator's attribute head on real and on generated pictures: its loss, and how often it is right.

    Every iteration in pale colour, the mean of each epoch over it. This is the accuracy on the attribute, not on real against generated.
    """
    history, epoch = run.history(), run.steps_per_epoch
    ends = history["iteration"][epoch - 1 :: epoch]
    figure, axes = _panels(["Training Loss of Attribute Classification", "Accuracy of Discriminator"])
    for axis, log, legend in zip(axes, ["aux", "aux_accuracy"], ["upper right", "lower right"]):
        for kind, colour in [("real", TRUE), ("fake", FALSE)]:
            values = history[f"{log}_{kind}"]
            means = values[: len(ends) * epoch].reshape(-1, epoch).mean(axis=1)
            axis.plot(history["iteration"], values, color=colour, alpha=0.2, label=kind.capitalize())
            axis.plot(ends, means, color=colour, alpha=0.7, linewidth=3, label=f"{kind.capitalize()} (per epoch)")
        axis.legend(loc=legend)
    return figure


def attribute_grid(run, n=10):
    """Row 1: n latents with code 0; row 2: the same latents with code 1."""
    return grid(latents.attribute_pairs(run.model, n), n, (2 * n, 4))


def category_grid(run, code):
    """10 rows of latents by the values of one categorical code; every row with its own draw of the other codes."""
    return grid(latents.category_sweep(run.model, code, 10), run.model.categories[code], (20, 20))


def mixed_code_grid(run, code):
    """4 rows of latents by ten values of one code of three: 0 is the categorical one, 1 and 2 are continuous, from -.5 to 1.5."""
    if code == 0:
        return grid(latents.category_sweep(run.model, 0, 4, latents.neutral_codes(run.model)), 10, (20, 8))
    return grid(latents.continuous_sweep(run.model, code - 1, 4), 10, (20, 8))


def comparison(runs, log, title, n=8):
    """Runs side by side: a row of samples each, and over them the curves of one log, averaged over 1 % of the iterations.

    Args:
        runs: label -> Run.
        log: name of the log, or "" for pictures alone.
        title: of the curves.
        n: samples a run.
    """
    curves = 6.0 if log else 0.0
    figure = Figure((2 + n, curves + len(runs)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[curves, len(runs)]) if log else (None, figure.subfigures(1, 1))
    if log:
        axis = upper.subplots()
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
        for label, run in runs.items():
            history = run.history()
            window = max(1, len(history[log]) // 100)
            means = np.convolve(history[log], np.full(window, 1 / window), "valid")
            axis.plot(history["iteration"][window - 1 :], means, label=label)
        axis.legend(fontsize="small", ncols=1 + len(runs) // 6)
    rows = lower.subplots(len(runs), n, squeeze=False)
    for row, (label, run) in zip(rows, runs.items()):
        for axis, image in zip(row, run.preset.samples(run.model)):
            axis.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure
