"""One function a kind of figure: (run, ...) -> matplotlib Figure.

Sizes, titles and colours are those of the homework's report.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_limits

from tfgen import UserError, latents
from tfgen.metrics import distances, sharpness

TRUE, FALSE = "royalblue", "tomato"
# Lines are told apart by colour (Okabe and Ito's, for all kinds of colour vision) and by stroke, for print in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STROKES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def grid(images, columns, figsize):
    """Pictures in rows, left to right, filling the figure: no axes, gaps of a twentieth of a picture.

    Args:
        images: (n, H, W, C) in [0, 1], n a multiple of `columns`.
        columns: pictures in a row.
        figsize: inches, wide and high.
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


def sheet(images, columns, gap=2):
    """Pictures in rows, pixel by pixel: (n, H, W, C) in [0, 1] -> (rows * (H + gap) + gap, columns * (W + gap) + gap[,
    3]) uint8.
    """
    return mosaic(np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8), columns, 255, gap).squeeze(
        axis=2 if images.shape[-1] == 1 else ()
    )


def mosaic(images, columns, fill, gap=2):
    """Arrays (n, H, W, C) in rows, with `fill` between and around them: (rows * (H + gap) + gap, columns * (W + gap) +
    gap, C).
    """
    n, height, width, channels = images.shape
    tiles = np.full((-(-n // columns) * columns, height + gap, width + gap, channels), fill, images.dtype)
    tiles[:n, gap:, gap:] = images
    rows = tiles.reshape(-1, columns, *tiles.shape[1:]).swapaxes(1, 2).reshape(-1, columns * (width + gap), channels)
    return np.pad(rows, ((0, gap), (0, gap), (0, 0)), constant_values=fill)


def tiles(sheet, size, gap=2):
    """What `sheet` was made of, but for a last row that was not full: its array -> (n, size, size, C) float32 in [0,
    1].
    """
    step, sheet = size + gap, np.atleast_3d(sheet)[gap:, gap:]
    rows, columns = len(sheet) // step, sheet.shape[1] // step
    cells = sheet.reshape(rows, step, columns, step, -1)[:, :size, :, :size].swapaxes(1, 2)
    return cells.reshape(rows * columns, size, size, -1) / np.float32(255)


def show(axis, image, title="", **options):
    """One picture (H, W, C) in [0, 1] on an axis, without ticks and frame, so that the axis may still have labels."""
    axis.imshow(np.clip(image, 0, 1).squeeze(), **{"cmap": "gray", "vmin": 0, "vmax": 1} | options)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    if title:
        axis.set_title(title)


def close_together(figure):
    """Brings the pictures of a constrained layout as near to each other as their labels allow."""
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)


def rows_of(pictures, columns):
    """A figure of rows of pictures, [(label, (columns or more, H, W, C) in [0, 1])], and its axes (rows, columns)."""
    figure = Figure((columns + 2, len(pictures) * 1.05 + 0.3), layout="constrained")
    axes = _fill(figure.subplots(len(pictures), columns, squeeze=False), pictures)
    close_together(figure)
    return figure, axes


def _fill(axes, pictures):
    """Shows rows of pictures, [(label, pictures)], on axes (rows, columns), and returns these."""
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)  # of a place that stays empty too
    for row, (label, images) in zip(axes, pictures):
        for axis, image in zip(row, images):
            show(axis, image)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return axes


def _line(i):
    return {"color": COLOURS[i % len(COLOURS)], "linestyle": STROKES[i % len(STROKES)]}


def _panels(titles):
    """A figure of 16 x 6 inches with two panels of one title each, over training iterations."""
    figure = Figure((16, 6))
    axes = figure.subplots(1, 2)
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
    return figure, axes


def learning_curves(run, panels):
    """Two logs, one a panel, as one line over the training iterations.

    `panels` maps the log's name to the panel's title.
    """
    history = run.history()
    figure, axes = _panels(panels.values())
    for axis, log in zip(axes, panels):
        axis.plot(history["iteration"], history[log], color="C0", linewidth=1)
    return figure


def reconstructions(run, n=10):
    """Row 1: the first n test pictures, or as many as there are; row 2: what the decoder makes of their mean codes."""
    images = run.source("test").floats(slice(n))
    n = len(images)
    return grid(np.concatenate([images, latents.reconstructions(run.model, images)]), n, (2 * n, 4))


def examples(source, n, columns=8):
    """The first n pictures of a source, each with its class or the attributes it has, or beside its depth, black where
    near or unknown.
    """
    source = source[:n].decoded()
    columns, images = min(columns, len(source)), source.floats()
    if source.depth is not None:
        far = np.maximum(source.depth.max(axis=(1, 2, 3), keepdims=True), 1)
        images = np.concatenate([images, np.repeat(source.depth / far, images.shape[-1], axis=-1)], axis=2)
    rows, (height, width) = -(-len(images) // columns), images.shape[1:3]
    figure = Figure(
        (1.5 * columns * width / height, (2.3 if len(source.attribute_names) > 3 else 1.9) * rows), layout="constrained"
    )
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


def samples(run, n=32, columns=8):
    """n pictures of latents drawn from the prior."""
    return grid(latents.prior_samples(run.model, n), columns, (2 * columns, 2 * (n // columns)))


def latent_tsne(run, attribute, most=10_000):
    """t-SNE (van der Maaten and Hinton 2008) of the mean codes of the test set, coloured by one attribute, or by class
    where it has none.

    Of more than `most` pictures as many are drawn by lot, and the figure says so.
    """
    from sklearn.manifold import TSNE  # takes a second to import, and few commands need it

    source, chosen = run.source("test"), np.arange(len(run.source("test")))
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(latents.KEY).choice(len(chosen), most, replace=False))
    groups = _groups(source, attribute)
    codes = run.model.encode(source.floats(chosen))["mean"].reshape(len(chosen), -1)
    if len(codes) < 5:
        raise UserError(f"{source.name} has {len(codes)} pictures, too few for t-SNE: use 5 or more.")
    # scikit-learn's defaults, but for the seed and for sets smaller than its perplexity of 30 allows. Other numbers of
    # threads give other points, and beside another busy program several take many times as long as one.
    with threadpool_limits(1):
        points = TSNE(
            n_components=2,
            perplexity=min(30, (len(codes) - 1) / 3),
            init="pca" if codes.shape[1] > 1 else "random",
            random_state=0,
        ).fit_transform(codes)
    figure = Figure((8, 8))
    axis = figure.subplots()
    for label, (members, look) in groups.items():
        axis.scatter(*points[members[chosen]].T, alpha=0.5, label=label, **look)
    axis.legend(loc="upper left", fontsize=16 if len(groups) == 2 else 9)
    axis.set_title(attribute if source.attribute_names else "Class", fontsize=20)
    if len(chosen) < len(source):
        axis.set_xlabel(f"{len(chosen):,} of the {len(source):,} test pictures, drawn by lot")
    return figure


def _groups(source, attribute):
    """{label: ((n,) bool, how its points look)} of the two values of an attribute, or of every class."""
    if source.attribute_names or source.labels is None:
        has = source.column(attribute).astype(bool)
        return {"True": (has, {"color": TRUE}), "False": (~has, {"color": FALSE, "marker": "^"})}
    looks = [
        {"color": f"C{i % 10}", "marker": "o^sD*vPX<>"[(i + i // 10) % 10], "s": 16}
        for i in range(source.labels.max() + 1)
    ]
    return {source.classes[i] if source.classes else str(i): (source.labels == i, look) for i, look in enumerate(looks)}


def attribute_curves(run):
    """The discriminator's attribute head on real and on generated pictures: its loss, and how often it is right.

    Every iteration in pale colour, the mean of each epoch over it. This is the accuracy on the attribute, not on real
    against generated.
    """
    history, epoch = run.history(), run.steps_per_epoch
    ends = history["iteration"][epoch - 1 :: epoch]
    figure, axes = _panels(["Training Loss of Attribute Classification", "Accuracy of Discriminator"])
    for axis, log, legend in zip(axes, ["aux", "aux_accuracy"], ["upper right", "lower right"]):
        for kind, colour, stroke in [("real", TRUE, "-"), ("fake", FALSE, "--")]:
            values = history[f"{log}_{kind}"]
            means = values[: len(ends) * epoch].reshape(-1, epoch).mean(axis=1)
            axis.plot(history["iteration"], values, color=colour, alpha=0.2, label=kind.capitalize())
            axis.plot(
                ends, means, stroke, color=colour, alpha=0.7, linewidth=3, label=f"{kind.capitalize()} (per epoch)"
            )
        axis.legend(loc=legend)
    return figure


def attribute_grid(run, n=10):
    """Row 1: n latents with code 0; row 2: the same latents with code 1."""
    return grid(latents.attribute_pairs(run.model, n), n, (2 * n, 4))


def category_grid(run, code):
    """10 rows of latents by the values of one categorical code; every row with its own draw of the other codes."""
    return grid(latents.category_sweep(run.model, code, 10), run.model.categories[code], (20, 20))


def mixed_code_grid(run, code):
    """4 rows of latents by ten values of one code of three: 0 is the categorical one, 1 and 2 are continuous, from -.5
    to 1.5.
    """
    if code == 0:
        return grid(latents.category_sweep(run.model, 0, 4, latents.neutral_codes(run.model)), 10, (20, 8))
    return grid(latents.continuous_sweep(run.model, code - 1, 4), 10, (20, 8))


def comparison(
    runs, log="", title="", unit="", n=8, pictures=lambda run: run.preset.samples(run.model), beside=lambda run: {}
):
    """Runs side by side: a row of pictures each, and over them the curves of one log, averaged over 1 % of the
    iterations.

    Args:
        runs: label -> Run.
        log: name of the log, or "" for pictures alone.
        title, unit: of the curves.
        n: pictures a run.
        pictures: (run) -> (n or more, H, W, C) in [0, 1]; the run's samples.
        beside: (run) -> {label: pictures} of rows to stand before, the same for all runs.
    """
    rows = beside(next(iter(runs.values()))) | {label: pictures(run) for label, run in runs.items()}
    curves = 6.0 if log else 0.0
    figure = Figure((2 + n, curves + len(rows)), layout="constrained")
    upper, lower = (
        figure.subfigures(2, 1, height_ratios=[curves, len(rows)]) if log else (None, figure.subfigures(1, 1))
    )
    if log:
        axis = upper.subplots()
        axis.set_title(title, fontsize=20)
        axis.set_xlabel("Training iterations", fontsize=16)
        axis.set_ylabel(unit)
        for i, (label, run) in enumerate(runs.items()):
            history = run.history()
            window = max(1, len(history[log]) // 100)
            means = np.convolve(history[log], np.full(window, 1 / window), "valid")
            axis.plot(history["iteration"][window - 1 :], means, label=label, **_line(i))
        axis.legend(fontsize="small", ncols=1 + len(runs) // 6)
    _fill(lower.subplots(len(rows), n, squeeze=False), rows.items())
    return figure


def depth_curves(runs, values, title, unit):
    """A panel for each depth, in it a line for each latent size: values of every iteration, averaged over each epoch,
    as csi5340 plotted them.

    Args:
        runs: label -> Run, whose builders take `depth` and `latent_dim`; the labels are not used.
        values: (run) -> (n,), of its n iterations.
        title, unit: of the values.
    """
    settings = [(run.record["arguments"]["depth"], run.record["arguments"]["latent_dim"], run) for run in runs.values()]
    depths, sizes = (sorted({setting[i] for setting in settings}) for i in (0, 1))
    figure = Figure((4 * len(depths), 4.5), layout="constrained")
    axes = figure.subplots(1, len(depths), sharey=True, squeeze=False)[0]
    for axis, depth in zip(axes, depths):
        axis.set_title(f"{title}, depth {depth}")
        axis.set_xlabel("Epochs")
        axis.xaxis.get_major_locator().set_params(integer=True)
        for _, size, run in sorted(
            (setting for setting in settings if setting[0] == depth), key=lambda setting: setting[1]
        ):
            curve, epoch = values(run), run.steps_per_epoch
            means = curve[: len(curve) // epoch * epoch].reshape(-1, epoch).mean(axis=1)
            axis.plot(1 + np.arange(len(means)), means, label=f"{size} latents", **_line(sizes.index(size)))
        axis.legend(fontsize="small")
    axes[0].set_ylabel(unit)
    return figure


def sharpness_rows(runs, n=8, of=64):
    """A row of test pictures, then of each run's samples, with the mean sharpness of `of` such pictures and its share
    of the test pictures'.
    """
    source = next(iter(runs.values())).source("test")
    pictures = {"test pictures": source.floats(slice(of))}
    for label, run in runs.items():
        if hasattr(run.model, "encode"):
            pictures[f"{label} reconstructions"] = latents.reconstructions(run.model, pictures["test pictures"])
        pictures[f"{label} samples"] = latents.prior_samples(run.model, of)
    values = {label: float(sharpness.laplacian_variance(images).mean()) for label, images in pictures.items()}
    real = values["test pictures"]
    if real == 0:
        raise UserError("the test pictures have no edges to compare with.")
    return rows_of(
        [(f"{label}\n{values[label]:.4f} ({values[label] / real:.0%})", images) for label, images in pictures.items()],
        n,
    )[0]


def farthest_sample(run, n=32):
    """Of n samples the one that is least like any test picture, enlarged, and the test picture that is nearest to it."""
    samples, test = latents.prior_samples(run.model, n), run.source("test").floats()
    indices, rms = distances.nearest(samples, test)
    worst = int(np.argmax(rms[:, 0]))
    figure = Figure((8, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    show(left, samples[worst], f"sample {worst + 1} of {n}")
    show(right, test[indices[worst, 0]], f"nearest test picture, {rms[worst, 0]:.3f} RMS away")
    return figure


def montages(run, columns=8):
    """Square montages of test pictures, their reconstructions, and samples of the prior."""
    images = run.source("test").floats(slice(columns * columns))
    samples = latents.prior_samples(run.model, columns * columns)
    parts = {
        f"{len(images)} test pictures": images,
        "their reconstructions": latents.reconstructions(run.model, images),
        f"{len(samples)} samples": samples,
    }
    figure = Figure((15, 5.4), layout="constrained")
    for axis, (title, pictures) in zip(figure.subplots(1, 3), parts.items()):
        show(axis, sheet(pictures, columns) / 255, title)
    return figure


def samples_and_test(run, n=30, columns=6):
    """Samples beside test pictures."""
    figure = Figure((10, 4.6), layout="constrained")
    parts = {"generated": latents.prior_samples(run.model, n), "test pictures": run.source("test").floats(slice(n))}
    for axis, (title, pictures) in zip(figure.subplots(1, 2), parts.items()):
        show(axis, sheet(pictures, columns) / 255, f"{len(pictures)} {title}")
    return figure


def _sheets(run, moments, spacing):
    """[(iteration, sheet (h, w[, C]) uint8)] of the run's saved samples, at most so many, spaced by np.linspace or
    np.geomspace, the last included.
    """
    paths = sorted(path for path in (run.folder / "samples").glob("*.png") if path.stem.isdecimal())
    if not paths:
        raise UserError(f"{run.folder / 'samples'} holds no sheets of samples: go on with the run, or train it again.")
    chosen = np.unique(np.rint(spacing(1, len(paths), min(moments, len(paths)))).astype(int)) - 1
    sheets = [(int(paths[i].stem), _picture(paths[i])) for i in chosen]
    for i, (_, picture) in zip(chosen, sheets):
        if picture.shape != sheets[-1][1].shape:
            raise UserError(
                f"{paths[i]} is not of the size of the sheets beside it: remove it, or train the run again."
            )
    return sheets


def _picture(path):
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except (OSError, SyntaxError) as error:  # Pillow's PNG reader raises both
        raise UserError(f"{path} cannot be read as a picture ({error}): remove it, or train the run again.") from None


def training_grids(run, moments=4):
    """The run's sheets of samples at evenly spaced moments of its training; the latents are the same."""
    chosen = _sheets(run, moments + 1, np.linspace)[1:] or _sheets(run, 1, np.linspace)
    figure = Figure((4 * len(chosen), 4 * chosen[0][1].shape[0] / chosen[0][1].shape[1] + 0.5), layout="constrained")
    for axis, (iteration, picture) in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen):
        show(axis, picture / 255, f"epoch {iteration // run.steps_per_epoch}")
    return figure


def training_strip(run, n=6, moments=10):
    """n latents, a row each, over the training, a column each: moments are denser where pictures change faster."""
    chosen = [
        (iteration, tiles(picture, run.record["image_size"]))
        for iteration, picture in _sheets(run, moments, np.geomspace)
    ]
    rows = np.rint(np.linspace(0, len(chosen[0][1]) - 1, min(n, len(chosen[0][1])))).astype(int)
    figure = Figure((1.2 * len(chosen), 1.2 * len(rows) + 0.4), layout="constrained")
    axes = figure.subplots(len(rows), len(chosen), squeeze=False)
    for column, (iteration, pictures) in zip(axes.T, chosen):
        for axis, picture in zip(column, pictures[rows]):
            show(axis, picture)
        column[0].set_title(f"{iteration:,}", fontsize=10)
    figure.suptitle("iteration", fontsize=10)
    close_together(figure)
    return figure


def training_animation(run, moments=16, width=280):
    """The run's sheets of samples over its training as frames, each with its iteration: [PIL.Image], about `width`
    pixels wide.
    """
    frames = []
    for iteration, array in _sheets(run, moments, np.geomspace):
        picture = Image.fromarray(array)  # grey stays grey, and the file small
        scale = max(1, width // picture.width)
        frame = Image.new(picture.mode, (scale * picture.width, scale * picture.height + 20), "white")
        frame.paste(picture.resize((scale * picture.width, scale * picture.height), Image.Resampling.NEAREST), (0, 20))
        ImageDraw.Draw(frame).text((4, 4), f"iteration {iteration:,}", fill="black")
        frames.append(frame)
    return frames


def class_reconstructions(run, n=5):
    """A row for each class: its first test picture, and n pictures decoded from codes drawn around its own."""
    source = run.source("test")
    if source.labels is None:
        raise UserError(f"{source.name} has no classes to take a picture of each: train on digits, mnist or cifar10.")
    first = [int(np.flatnonzero(source.labels == label)[0]) for label in np.unique(source.labels)]
    images = source.floats(np.array(first))
    drawn = latents.posterior_reconstructions(run.model, images, n)
    names = [source.classes[source.labels[i]] if source.classes else str(source.labels[i]) for i in first]
    figure, axes = rows_of([(name, [image, *pictures]) for name, image, pictures in zip(names, images, drawn)], n + 1)
    axes[0, 0].set_title("test picture", fontsize=9)
    axes[0, 1].set_title("around its code", fontsize=9)
    return figure


def depth_rows(run, n=8):
    """Test pictures from all over the set, their true depth and the predicted one, with a colour bar in metres; holes
    of the true depth are grey.
    """
    test = run.source("test")
    test = test[
        np.unique(np.linspace(0, len(test) - 1, n).astype(int))
    ].decoded()  # neighbours may be frames of one film
    if test.depth is None:
        raise UserError(f"{test.name} has no depth to compare with: train on scenes or rgbd.")
    truth, predicted = test.depth / 1000, 10 * latents.depths(run.model, test.floats())
    far = float(np.ceil(max(truth.max(), predicted.max())))
    figure = Figure((1.5 * len(test) + 1, 5.4), layout="constrained")
    axes = figure.subplots(3, len(test), squeeze=False)
    for column, image, true, guess in zip(axes.T, test.floats(), truth, predicted):
        show(column[0], image)
        _depth(column[1], np.where(true > 0, true, np.nan), far)
        _depth(column[2], guess, far)
    for axis, label in zip(axes[:, 0], ("colour", "true depth", "predicted")):
        axis.set_ylabel(label)
    figure.colorbar(axes[1, 0].images[0], ax=axes, label="depth in metres", shrink=0.8)
    close_together(figure)
    return figure


def _depth(axis, depth, far, cmap="viridis"):
    """A map (H, W[, 1]) from 0 to `far` in colours; grey where it is NaN."""
    axis.set_facecolor("0.8")
    axis.imshow(np.ma.masked_invalid(depth).squeeze(), cmap=cmap, vmin=0, vmax=far)
    axis.set(xticks=[], yticks=[])


def noise_sampler(run, n=8):
    """One test picture's depth under n * n noises, and the standard deviation of each pixel over them."""
    image = run.source("test").floats(slice(1))
    depth = 10 * latents.depths(run.model, np.repeat(image, n * n, axis=0))
    deviation = np.std(depth, axis=0, dtype=np.float64)
    figure = Figure((14, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    show(left, image[0], "colour")
    _depth(middle, mosaic(depth, n, np.nan), float(np.ceil(depth.max())))
    middle.set_title(f"depth under {n * n} noises")
    figure.colorbar(middle.images[0], ax=middle, label="metres", shrink=0.8)
    _depth(right, deviation, max(deviation.max(), 1e-6), cmap="magma")
    right.set_title(f"deviation over the noises\nmean variance {np.mean(deviation**2):.2g} m$^2$")
    figure.colorbar(right.images[0], ax=right, label="metres", shrink=0.8)
    return figure


def latent_manifold(run, n=20):
    """What each place of a two-dimensional latent plane decodes to."""
    figure = Figure((9, 9), layout="constrained")
    axis = figure.subplots()
    show(axis, sheet(latents.manifold(run.model, n), n, gap=0) / 255)
    axis.set_xlabel("first latent, quantiles .05 to .95 of N(0, 1)")
    axis.set_ylabel("second latent, quantiles .05 to .95 of N(0, 1)")
    return figure


def class_noise_grid(run, n=10):
    """A row for each class, a column for each of n latents."""
    return grid(latents.class_grid(run.model, n), n, (n, run.model.classes))


def one_class_grid(run, label, columns=5):
    """columns * columns latents told one class."""
    return grid(latents.class_grid(run.model, columns * columns, [label]), columns, (columns, columns))


def class_interpolation(run, first, second, rows=4, steps=9):
    """Rows of one latent each, told a class that turns into another in even steps."""
    pictures = latents.class_interpolation(run.model, first, second, rows, steps)
    figure = Figure((1.1 * steps, 1.1 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, steps, squeeze=False)
    for axis, picture in zip(axes.flat, pictures):
        show(axis, picture)
    for axis, share in zip(axes[0], np.linspace(0, 1, steps)):
        axis.set_title(f"{share:.0%} {second}", fontsize=9)
    close_together(figure)
    return figure


def describe(figure):
    """A figure in words, for who cannot see it: its titles, how many pictures stand how, and where each line begins and
    ends.

    An animation (a list of frames) is described by their number.
    """
    if isinstance(figure, list):
        return f"Animation of {len(figure)} frames."
    sentences, pictures, words = [], {}, []
    for axis in figure.axes:
        title = axis.get_title()
        words += [text.get_text() for text in axis.texts]
        if axis.lines:
            for line in axis.lines:
                (x, y), label = line.get_data(), line.get_label()
                name = title if label.startswith("_") else f"{title} {label}".strip()
                if len(y):
                    sentences.append(f"{name}: a line from {y[0]:.3g} at {x[0]:g} to {y[-1]:.3g} at {x[-1]:g}.")
        elif axis.collections and axis.get_legend():
            sentences += [
                f"{title}: {len(points.get_offsets()):,} points {points.get_label()}." for points in axis.collections
            ]
        elif axis.containers:
            sentences.append(f"{title or 'Histogram'}: " + "; ".join(axis.get_legend_handles_labels()[1]) + ".")
        elif axis.images and axis.get_subplotspec():
            pictures.setdefault(axis.get_subplotspec().get_gridspec(), []).append(
                f"{axis.get_ylabel()} {axis.get_xlabel()} {title}"
            )
    for gridspec, names in pictures.items():
        named = ", ".join(dict.fromkeys(" ".join(name.split()) for name in names if name.split()))
        place = (
            f"{len(names)} pictures in {gridspec.nrows} row{'s' * (gridspec.nrows > 1)} of {gridspec.ncols}"
            if len(names) > 1
            else "One picture"
        )
        sentences.append(f"{place}{f': {named}' if named else ''}.")
    if words and not sentences:
        sentences.append(f"Diagram: {', '.join(words)}.")
    return " ".join(" ".join(sentences).replace("$", "").split())
