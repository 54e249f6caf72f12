"""One function for each figure: (run, ...) -> matplotlib Figure. Each file contains one kind of figure.

Sizes, titles and colors are those of the report that dlcv2018's figures come from.
"""

from tfgen.figures.comparisons import attribute_rows, comparison, latent_curves, sharpness_rows, size_of
from tfgen.figures.conditions import (
    attribute_grid,
    category_grid,
    class_interpolation,
    class_noise_grid,
    mixed_code_grid,
    one_class_grid,
)
from tfgen.figures.curves import attribute_curves, learning_curves, line_style
from tfgen.figures.dataset import examples
from tfgen.figures.depth import depth_montages, depth_rows, noise_sampler, predicted_depth
from tfgen.figures.grids import close_together, fill_rows, grid, mosaic, rows_of, sheet, show, tiles
from tfgen.figures.histograms import histogram
from tfgen.figures.latent_space import class_reconstructions, latent_manifold, latent_tsne
from tfgen.figures.pictures import farthest_sample, montages, reconstructions, samples, samples_and_real
from tfgen.figures.text import Figure, legend
from tfgen.figures.training import (
    compared_reconstructions,
    reconstruction_grids,
    saved_samples,
    training_animation,
    training_grids,
    training_strip,
)
from tfgen.figures.words import describe

__all__ = [
    "Figure",
    "attribute_curves",
    "attribute_grid",
    "attribute_rows",
    "category_grid",
    "class_interpolation",
    "class_noise_grid",
    "class_reconstructions",
    "close_together",
    "compared_reconstructions",
    "comparison",
    "depth_montages",
    "depth_rows",
    "describe",
    "examples",
    "farthest_sample",
    "fill_rows",
    "grid",
    "histogram",
    "latent_curves",
    "latent_manifold",
    "latent_tsne",
    "learning_curves",
    "legend",
    "line_style",
    "mixed_code_grid",
    "montages",
    "mosaic",
    "noise_sampler",
    "one_class_grid",
    "predicted_depth",
    "reconstruction_grids",
    "reconstructions",
    "rows_of",
    "samples",
    "samples_and_real",
    "saved_samples",
    "sharpness_rows",
    "sheet",
    "show",
    "size_of",
    "tiles",
    "training_animation",
    "training_grids",
    "training_strip",
]
