"""Which latents and codes a figure or a score looks at: models in, arrays of pictures out."""

import numpy as np
import tensorflow as tf

from tfgen.models.base import in_batches

KEY = (1002, 0)  # every figure and score looks at the same latents; the homework's own figures were drawn with the seed 1002


def prior_samples(model, n):
    """Pictures (n, H, W, C) in [0, 1] of n latents of the prior, batch normalization in inference mode."""
    return model.sample(KEY, n).numpy()


def attribute_pairs(model, n):
    """Pictures (2 n, H, W, C) in [0, 1] of n latents: first all with code 0, then the same latents with code 1."""
    z = model.sample_latents(KEY, 0, n)
    return np.concatenate([model.generate(z, np.full((n, 1), code, np.float32)).numpy() for code in (0, 1)])


def reconstructions(model, images):
    """Pictures decoded from the mean codes of images (n, H, W, C) in [0, 1], the same shape."""
    return in_batches(model.decoder, model.encode(images)["mean"])


def category_sweep(model, code, rows, others=None):
    """Pictures (rows * n, H, W, C) of an InfoGAN: along a row one categorical code takes its n values, all else in the row stays.

    Args:
        model: InfoGAN.
        code: number of the categorical code.
        rows: each has a latent of its own, and a draw of the other codes of its own unless `others` is given.
        others: (K,) codes to have in every row.
    """
    start, n = sum(model.categories[:code]), model.categories[code]
    codes = model.sample_codes(KEY, 0, rows).numpy() if others is None else np.tile(others, (rows, 1))
    codes = np.repeat(codes, n, axis=0)
    codes[:, start : start + n] = np.tile(np.eye(n), (rows, 1))
    return _rows(model, codes, rows)


def continuous_sweep(model, code, rows, low=-0.5, high=1.5, n=10):
    """Pictures (rows * n, H, W, C) of an InfoGAN: along a row one continuous code goes from low to high, in and beyond the [0, 1] of training.

    Every categorical code has its last value and the other continuous codes are .5; each row has a latent of its own.
    """
    codes = np.tile(neutral_codes(model), (rows * n, 1))
    codes[:, sum(model.categories) + code] = np.tile(np.linspace(low, high, n), rows)
    return _rows(model, codes, rows)


def neutral_codes(model):
    """(K,): the last value of every categorical code, .5 for every continuous one."""
    return np.concatenate([*(np.eye(n)[-1] for n in model.categories), np.full(model.continuous, 0.5)]).astype(np.float32)


def _rows(model, codes, rows):
    z = np.repeat(model.sample_latents(KEY, 0, rows), len(codes) // rows, axis=0)
    return model.generate(tf.constant(z), codes.astype(np.float32)).numpy()


def interpolate(model, a, b, n):
    """Pictures on straight lines between the mean codes of pictures, both ends included.

    Args:
        model: with an encoder and a decoder.
        a, b: pictures (m, H, W, C) in [0, 1], where the lines start and end.
        n: pictures on a line, 2 or more.

    Returns:
        (m, n, H, W, C).
    """
    start, end = (model.encode(images)["mean"][:, None] for images in (a, b))
    share = np.linspace(0, 1, n, dtype=np.float32).reshape(1, n, *[1] * (start.ndim - 2))
    codes = (1 - share) * start + share * end
    pictures = in_batches(model.decoder, codes.reshape(-1, *start.shape[2:]))
    return pictures.reshape(*codes.shape[:2], *pictures.shape[1:])


def colour_matches(images, candidates):
    """Indices (n,): for each picture (n, H, W, C) the candidate (m, H, W, C) whose centre pixel is nearest in RGB (Euclidean)."""
    ours, theirs = (x[:, x.shape[1] // 2, x.shape[2] // 2].astype(np.float64) for x in (images, candidates))
    return np.argmin(np.sum((ours[:, None] - theirs) ** 2, axis=-1), axis=1)


def depths(model, images, draw=0):
    """A DepthWGAN's depth (n, H, W, 1) in [0, 1] of any number of pictures (n, H, W, C) in [0, 1]; `draw` tells noises apart."""
    z = model.sample_latents(KEY, draw, len(images))
    return in_batches(model.generator, model.inputs(images, z), batch_size=64)


def depth_samples(model, n=8):
    """Pictures (3 n, H, W, 3) in [0, 1]: the first n built-in test scenes, their true depth, and a DepthWGAN's; far is white, 10 m."""
    from tfgen.data.builtin import scenes  # no other samples need it

    images, depth = scenes.draw(scenes.TEST_START, scenes.TEST_START + n, image_size=model.generator.output_shape[1])
    images = images / np.float32(255)
    return np.concatenate([images, *(np.repeat(maps, 3, axis=-1) for maps in (depth / np.float32(10_000), depths(model, images)))])


def class_grid(model, n, classes=None):
    """Pictures (rows * n, H, W, C) of a CGAN: a row for each of these class numbers, or for every class, in each the same n latents."""
    z, codes = model.sample_latents(KEY, 0, n), np.eye(model.classes, dtype=np.float32)
    codes = codes if classes is None else codes[list(classes)]
    return model.generate(tf.tile(z, (len(codes), 1)), np.repeat(codes, n, axis=0)).numpy()


def class_interpolation(model, first, second, n, steps=9):
    """Pictures (n * steps, H, W, C) of a CGAN: along a row one latent, and a code that goes straight from one class to another."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    start, end = np.eye(model.classes, dtype=np.float32)[[first, second]]
    return _rows(model, np.tile((1 - share) * start + share * end, (n, 1)), n)
