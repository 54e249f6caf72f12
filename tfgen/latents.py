"""Which latents and codes a figure or a score looks at: models in, arrays of pictures out."""

import statistics

import numpy as np
import tensorflow as tf

from tfgen import UserError
from tfgen.models.base import in_batches

KEY = (
    1002,
    0,
)  # every figure and score looks at the same latents; the homework's own figures were drawn with the seed 1002


def prior_samples(model, n):
    """Pictures (n, H, W, C) in [0, 1] of n latents of the prior, batch normalization in inference mode."""
    return model.sample(n, KEY[0]).numpy()


def attribute_pairs(model, n):
    """Pictures (2 n, H, W, C) in [0, 1] of n latents: first all with code 0, then the same latents with code 1."""
    z = model.sample_latents(KEY, 0, n)
    return np.concatenate([model.generate(z, np.full((n, 1), code, np.float32)).numpy() for code in (0, 1)])


def reconstructions(model, images):
    """Pictures decoded from the mean codes of images (n, H, W, C) in [0, 1], the same shape."""
    return in_batches(model.decoder, model.encode(images)["mean"])


def posterior_reconstructions(model, images, n, draw=0):
    """Pictures (m, n, H, W, C) decoded from n codes drawn from the posterior of each of m pictures: around it, as a VAE
    sees it.
    """
    code = {name: np.repeat(values, n, axis=0) for name, values in model.encode(images).items()}
    decoded = in_batches(model.decoder, model.sample_posterior(code, KEY, draw))
    return decoded.reshape(-1, n, *decoded.shape[1:])


def manifold(model, n=20, reach=0.95):
    """Pictures (n * n, H, W, C) of the plane of a two-dimensional latent, a row for each value of its second number,
    the largest first.

    Each number takes the normal distribution's quantiles from 1 - reach to reach, evenly: as much of the prior lies
    between any two.

    Raises:
        UserError: if the model has more than two latents.
    """
    if model.latent_dim != 2:
        raise UserError(f"a plane shows 2 latents and this model has {model.latent_dim}: train it with --latent_dim 2.")
    steps = [statistics.NormalDist().inv_cdf(share) for share in np.linspace(1 - reach, reach, n)]
    first, second = np.meshgrid(steps, steps[::-1])
    return in_batches(model.decoder, np.stack([first.ravel(), second.ravel()], axis=1).astype(np.float32))


def codes_of(model, images, draw=None):
    """The mean codes of pictures, or given the number of a draw, of a model with a posterior, codes drawn from it."""
    code = model.encode(images)
    return (
        code["mean"] if draw is None or "log_var" not in code else np.asarray(model.sample_posterior(code, KEY, draw))
    )


def mixtures(model, a, b, share, draw=0):
    """Pictures (n, H, W, C) of codes (1 - share) * code(a) + share * code(b), each drawn from its posterior if the
    model has one.

    Args:
        model: with an encoder and a decoder.
        a, b: pictures (n, H, W, C) in [0, 1].
        share: (n,), 0 for a and 1 for b.
        draw: tells draws from the same posteriors apart.
    """
    start, end = codes_of(model, a, 2 * draw), codes_of(model, b, 2 * draw + 1)
    share = np.reshape(share, (-1, *[1] * (start.ndim - 1))).astype(np.float32)
    return in_batches(model.decoder, (1 - share) * start + share * end)


def category_sweep(model, code, rows, others=None):
    """Pictures (rows * n, H, W, C) of an InfoGAN: along a row one categorical code takes its n values, all else in the
    row stays.

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
    """Pictures (rows * n, H, W, C) of an InfoGAN: along a row one continuous code goes from low to high, in and beyond
    the [0, 1] of training.

    Every categorical code has its last value and the other continuous codes are .5; each row has a latent of its own.
    """
    codes = np.tile(neutral_codes(model), (rows * n, 1))
    codes[:, sum(model.categories) + code] = np.tile(np.linspace(low, high, n), rows)
    return _rows(model, codes, rows)


def neutral_codes(model):
    """(K,): the last value of every categorical code, .5 for every continuous one."""
    return np.concatenate([*(np.eye(n)[-1] for n in model.categories), np.full(model.continuous, 0.5)]).astype(
        np.float32
    )


def _rows(model, codes, rows):
    z = np.repeat(model.sample_latents(KEY, 0, rows), len(codes) // rows, axis=0)
    return model.generate(tf.constant(z), codes.astype(np.float32)).numpy()


def interpolate(model, a, b, n, draw=None):
    """Pictures on straight lines between the codes of pictures, both ends included.

    Args:
        model: with an encoder and a decoder.
        a, b: pictures (m, H, W, C) in [0, 1], where the lines start and end.
        n: pictures on a line, 2 or more.
        draw: None for mean codes; a number for codes drawn from the posteriors, one at each end of a line.

    Returns:
        (m, n, H, W, C).
    """
    draws = (None, None) if draw is None else (2 * draw, 2 * draw + 1)
    start, end = (codes_of(model, images, number)[:, None] for images, number in zip((a, b), draws))
    share = np.linspace(0, 1, n, dtype=np.float32).reshape(1, n, *[1] * (start.ndim - 2))
    codes = (1 - share) * start + share * end
    pictures = in_batches(model.decoder, codes.reshape(-1, *start.shape[2:]))
    return pictures.reshape(*codes.shape[:2], *pictures.shape[1:])


def colour_matches(images, candidates):
    """Indices (n,): for each picture (n, H, W, C) the candidate (m, H, W, C) whose centre pixel is nearest in RGB
    (Euclidean).
    """
    ours, theirs = (x[:, x.shape[1] // 2, x.shape[2] // 2].astype(np.float64) for x in (images, candidates))
    return np.argmin(np.sum((ours[:, None] - theirs) ** 2, axis=-1), axis=1)


def depths(model, images, draw=0):
    """A DepthWGAN's depth (n, H, W, 1) in [0, 1] of any number of pictures (n, H, W, C) in [0, 1]; `draw` tells noises
    apart.
    """
    z = model.sample_latents(KEY, draw, len(images))
    return in_batches(model.generator, model.inputs(images, z), batch_size=64)


def depth_samples(model, n=8):
    """Pictures (3 n, H, W, 3) in [0, 1]: the first n built-in test scenes, their true depth, and a DepthWGAN's; far is
    white, 10 m.
    """
    from tfgen.data.builtin import scenes  # no other samples need it

    images, depth = scenes.draw(scenes.TEST_START, scenes.TEST_START + n, image_size=model.generator.output_shape[1])
    images = images / np.float32(255)
    return np.concatenate(
        [images, *(np.repeat(maps, 3, axis=-1) for maps in (depth / np.float32(10_000), depths(model, images)))]
    )


def class_grid(model, n, classes=None):
    """Pictures (rows * n, H, W, C) of a CGAN: a row for each of these class numbers, or for every class, in each the
    same n latents.
    """
    codes = _codes(model, range(model.classes) if classes is None else classes)
    z = model.sample_latents(KEY, 0, n)
    return model.generate(tf.tile(z, (len(codes), 1)), np.repeat(codes, n, axis=0)).numpy()


def _codes(model, classes):
    """(n, K) one-hot codes of n class numbers. Raises UserError for one that the model lacks."""
    if max(classes) >= model.classes:
        raise UserError(
            f"this model has {model.classes} classes, and so none of number {max(classes)}: train it on more."
        )
    return np.eye(model.classes, dtype=np.float32)[list(classes)]


def class_interpolation(model, first, second, n, steps=9):
    """Pictures (n * steps, H, W, C) of a CGAN: along a row one latent, and a code that goes straight from one class to
    another.
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    start, end = _codes(model, [first, second])
    return _rows(model, np.tile((1 - share) * start + share * end, (n, 1)), n)
