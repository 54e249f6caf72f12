"""Pictures generated from the same latents with different attributes, classes and codes."""

import numpy as np

from tfgen import latents
from tfgen.figures.grids import close_together, grid, show
from tfgen.figures.text import Figure
from tfgen.protocols import Run


def attribute_grid(run: Run, n: int = 10) -> Figure:
    """Row 1: n latents without the attribute. Row 2: the same latents with the attribute."""
    return grid(latents.attribute_pairs(run.model, n), n, (2 * n, 4))


def category_grid(run: Run, code: int) -> Figure:
    """10 latents (rows) and all values of one categorical code (columns). Each row has its own other codes."""
    return grid(latents.category_sweep(run.model, code, 10), run.model.categories[code], (20, 20))


def mixed_code_grid(run: Run, code: int) -> Figure:
    """4 latents (rows) and ten values of one of three codes (columns).

    Code 0 is the categorical one; 1 and 2 are continuous, from -.5 to 1.5.
    """
    if code == 0:
        return grid(latents.category_sweep(run.model, 0, 4, latents.neutral_codes(run.model)), 10, (20, 8))
    return grid(latents.continuous_sweep(run.model, code - 1, 4), 10, (20, 8))


def class_noise_grid(run: Run, n: int = 10) -> Figure:
    """One row for each class, one column for each of n latents; see `latents.class_grid`."""
    pictures = latents.class_grid(run.model, n)
    return grid(pictures, n, (n, len(pictures) // n))


def classes_named(run: Run, *wanted: str) -> list[tuple[int, str]]:
    """(number, name) of classes of a CGAN: of those named, or of the first and the last if one of them does not exist,
    of the last if only one is wanted.
    """
    names = run.source("train").class_names
    if not set(wanted) <= set(names):
        wanted = (names[0], names[-1])[-len(wanted) :]
    return [(names.index(name), name) for name in wanted]


def one_class_grid(run: Run, wanted: str, columns: int = 5) -> Figure:
    """Pictures of columns * columns latents of the class of that name, or of the last class if there is none."""
    ((label, name),) = classes_named(run, wanted)
    pictures = latents.class_grid(run.model, columns * columns, [label])
    figure = Figure((columns, columns + 0.2), layout="constrained")
    for axis, picture in zip(figure.subplots(columns, columns, squeeze=False).flat, pictures, strict=True):
        show(axis, picture)
    figure.suptitle(f"class {name}", fontsize=9, parse_math=False)
    close_together(figure)
    return figure


def class_interpolation(run: Run, wanted: tuple[str, str], rows: int = 4, steps: int = 9) -> Figure:
    """Interpolation from one class to another in even steps; one latent per row.

    The classes have the two names that are wanted, or are the first and the last.
    """
    (first, start), (second, end) = classes_named(run, *wanted)
    pictures = latents.class_interpolation(run.model, first, second, rows, steps)
    figure = Figure((1.1 * steps, 1.1 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, steps, squeeze=False)
    for axis, picture in zip(axes.flat, pictures, strict=True):
        show(axis, picture)
    for axis, share in zip(axes[0], np.linspace(0, 1, steps), strict=True):
        axis.set_title(f"{share:.0%} {end}", fontsize=9, parse_math=False)
    axes[0, 0].set_title(f"all {start}", fontsize=9, parse_math=False)
    close_together(figure)
    return figure
