"""The latents that figures and scores use, and the pictures generated from them.

The latents of an autoencoder are the outputs of its encoder. A condition is an input of a generator in addition to z,
such as a class or an attribute. Codes are those of InfoGAN.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from tfgen import UserError, noise
from tfgen.data.source import Source
from tfgen.models.base import GenerativeModel, in_batches

# All figures and scores use the same latents; the figures of dlcv2018 were drawn with the seed 1002.
KEY = (1002, 0)
PART = 256  # pictures that are generated at a time


def prior_samples(model: GenerativeModel, n: int) -> np.ndarray:
    """Pictures (n, H, W, C) in [0, 1] from n latents of the prior, with batch normalization in inference mode."""
    return model.sample(n, KEY[0]).numpy()


def told(model: GenerativeModel, source: Source) -> np.ndarray | None:
    """What a model is told of each picture of a source, (n, K): its attributes, or its class as a one-hot vector.

    None for models without a condition, and for sources that lack it. The source has the attributes that the model is
    conditioned on and no others.
    """
    if model.condition == "attributes" and source.attributes is not None:
        return source.attributes.astype(np.float32)
    if model.condition == "label" and source.labels is not None:
        return np.eye(model.classes, dtype=np.float32)[source.labels]
    return None


def conditional_samples(model: GenerativeModel, conditions: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, C) in [0, 1] with the conditions (n, K), each from a latent of its own."""
    z = np.asarray(model.sample_latents(KEY, 0, len(conditions)))
    parts = [slice(i, i + PART) for i in range(0, len(z), PART)]
    return np.concatenate([np.asarray(model.generate(z[part], conditions[part])) for part in parts])


def attribute_pairs(model: GenerativeModel, n: int) -> np.ndarray:
    """Pictures (2 n, H, W, C) in [0, 1] from n latents: first all with condition 0, then all with condition 1."""
    z = model.sample_latents(KEY, 0, n)
    return np.concatenate([model.generate(z, np.full((n, 1), value, np.float32)).numpy() for value in (0, 1)])


def reconstructions(model: GenerativeModel, images: np.ndarray) -> np.ndarray:
    """Pictures decoded from the mean codes of images (n, H, W, C) in [0, 1], the same shape."""
    return in_batches(model.decoder, model.encode(images)["mean"])


def posterior_reconstructions(model: GenerativeModel, images: np.ndarray, n: int) -> np.ndarray:
    """Pictures (m, n, H, W, C) decoded from n posterior samples of each of m pictures."""
    code = {name: np.repeat(values, n, axis=0) for name, values in model.encode(images).items()}
    decoded = in_batches(model.decoder, model.sample_posterior(code, KEY, 0))
    return decoded.reshape(-1, n, *decoded.shape[1:])


def manifold(model: GenerativeModel, n: int = 20, reach: float = 0.95) -> np.ndarray:
    """Pictures (n * n, H, W, C) of a grid over a two-dimensional latent space.

    Each row has one value of the second dimension, and the first row has the largest. Both dimensions take evenly
    spaced quantiles of the normal distribution, from 1 - reach to reach, so that the prior has equal probability
    between neighbors.

    Raises:
        UserError: if the model's latent does not have two dimensions.
    """
    if model.latent_dim != 2:
        raise UserError(
            f"this figure needs 2 latents, but the model has {model.latent_dim}: train it with --latent_dim 2."
        )
    steps = [statistics.NormalDist().inv_cdf(share) for share in np.linspace(1 - reach, reach, n)]
    first, second = np.meshgrid(steps, steps[::-1])
    return in_batches(model.decoder, np.stack([first.ravel(), second.ravel()], axis=1).astype(np.float32))


def encoded(model: GenerativeModel, images: np.ndarray, sample: int | None = None) -> np.ndarray:
    """The latents of pictures: the encoder's mean, or a sample from the posterior.

    Args:
        model: an autoencoder.
        images: (n, H, W, C) in [0, 1].
        sample: None for the mean, or the number of a sample. A model without a posterior always gives the mean.
    """
    code = model.encode(images)
    if sample is None or not model.has_posterior:
        return code["mean"]
    return np.asarray(model.sample_posterior(code, KEY, sample))


def mixtures(
    model: GenerativeModel, a: np.ndarray, b: np.ndarray, share: Sequence[float] | np.ndarray, sample: int = 0
) -> np.ndarray:
    """Pictures (n, H, W, C) of mixed latents, (1 - share) * latent(a) + share * latent(b).

    Args:
        model: an autoencoder; latents are sampled from the posterior if it has one.
        a, b: pictures (n, H, W, C) in [0, 1].
        share: (n,), 0 for a and 1 for b.
        sample: number of the sample from the posteriors.
    """
    start, end = encoded(model, a, 2 * sample), encoded(model, b, 2 * sample + 1)
    share = np.reshape(share, (-1, *[1] * (start.ndim - 1))).astype(np.float32)
    return in_batches(model.decoder, (1 - share) * start + share * end)


def category_sweep(model: GenerativeModel, code: int, rows: int, others: np.ndarray | None = None) -> np.ndarray:
    """Pictures (rows * n, H, W, C) of an InfoGAN: in each row, one categorical code takes each of its n values.

    Args:
        model: InfoGAN.
        code: index of the categorical code.
        rows: number of rows; each has its own latent, and its own sample of the other codes unless `others` is given.
        others: (K,) codes for every row.
    """
    start, n = sum(model.categories[:code]), model.categories[code]
    codes = model.sample_codes(KEY, 0, rows).numpy() if others is None else np.tile(others, (rows, 1))
    codes = np.repeat(codes, n, axis=0)
    codes[:, start : start + n] = np.tile(np.eye(n), (rows, 1))
    return _rows(model, codes, rows)


def continuous_sweep(
    model: GenerativeModel, code: int, rows: int, low: float = -0.5, high: float = 1.5, n: int = 10
) -> np.ndarray:
    """Pictures (rows * n, H, W, C) of an InfoGAN: in each row, one continuous code goes from low to high.

    The code was trained on [0, 1]. Every categorical code has its last value, and the other continuous codes are .5.
    Each row has its own latent.
    """
    codes = np.tile(neutral_codes(model), (rows * n, 1))
    codes[:, sum(model.categories) + code] = np.tile(np.linspace(low, high, n), rows)
    return _rows(model, codes, rows)


def neutral_codes(model: GenerativeModel) -> np.ndarray:
    """Codes (K,) of an InfoGAN: the last value of every categorical code, .5 for every continuous code."""
    last = (np.eye(n)[-1] for n in model.categories)
    return np.concatenate([*last, np.full(model.continuous, 0.5)]).astype(np.float32)


def _rows(model: GenerativeModel, condition: np.ndarray, rows: int) -> np.ndarray:
    """Pictures for rows of conditions; each row has its own latent."""
    z = np.repeat(model.sample_latents(KEY, 0, rows), len(condition) // rows, axis=0)
    return model.generate(tf.constant(z), condition.astype(np.float32)).numpy()


def interpolate(model: GenerativeModel, a: np.ndarray, b: np.ndarray, n: int, sample: int | None = None) -> np.ndarray:
    """Pictures on straight lines between the latents of pictures, including both ends.

    Args:
        model: an autoencoder.
        a, b: pictures (m, H, W, C) in [0, 1] at the start and the end of the lines.
        n: number of pictures on each line, at least 2.
        sample: None for lines between mean codes; a number for lines between samples of the posteriors.

    Returns:
        (m, n, H, W, C).
    """
    numbers = (None, None) if sample is None else (2 * sample, 2 * sample + 1)
    start, end = (encoded(model, images, number)[:, None] for images, number in zip((a, b), numbers, strict=True))
    share = np.linspace(0, 1, n, dtype=np.float32).reshape(1, n, *[1] * (start.ndim - 2))
    z = (1 - share) * start + share * end
    pictures = in_batches(model.decoder, z.reshape(-1, *start.shape[2:]))
    return pictures.reshape(*z.shape[:2], *pictures.shape[1:])


def colour_matches(images: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Indices (n,) of the candidates with the center pixel nearest in RGB (Euclidean) to that of each picture.

    Args:
        images: (n, H, W, C).
        candidates: (m, H, W, C).
    """
    ours, theirs = (x[:, x.shape[1] // 2, x.shape[2] // 2].astype(np.float64) for x in (images, candidates))
    return np.argmin(np.sum((ours[:, None] - theirs) ** 2, axis=-1), axis=1)


def between(start: np.ndarray, end: np.ndarray, steps: int, prior: Callable | None = None) -> np.ndarray:
    """Latents (steps, Z) from one latent (1, Z) to another, including both.

    Latents of a normal prior go along the arc between them, because the middle of a straight line would be shorter than
    any latent that the model was trained on (White 2016, arXiv:1609.04468); all others go along the straight line.
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    cosine = np.sum(start * end) / max(np.linalg.norm(start) * np.linalg.norm(end), 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    if prior is not noise.normal or np.sin(angle) < 1e-3:
        return (1 - share) * start + share * end
    return (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)


def walks(model: GenerativeModel, n: int, steps: int = 9) -> np.ndarray:
    """Pictures (n, steps, H, W, C) of n walks between two latents of the prior, as `between` goes.

    Both ends of a walk have the same condition or codes.
    """
    start, end = (np.asarray(model.sample_latents(KEY, draw, n)) for draw in (3, 4))
    prior = getattr(model, "prior", noise.normal)  # that of a VAE is normal
    z = np.stack([between(a[None], b[None], steps, prior) for a, b in zip(start, end, strict=True)])
    codes: np.ndarray | None = None
    if model.condition == "label":
        codes = np.eye(model.classes, dtype=np.float32)[np.arange(n) % model.classes]
    elif model.condition == "attributes":
        codes = (np.arange(n)[:, None] // 2 ** np.arange(model.code_dim) % 2).astype(np.float32)
    elif hasattr(model, "sample_codes"):
        codes = np.asarray(model.sample_codes(KEY, 3, n))
    made = [
        np.asarray(model.generate(*((z[i],) if codes is None else (z[i], np.repeat(codes[i : i + 1], steps, 0)))))
        for i in range(n)
    ]
    return np.stack(made)


def depths(model: GenerativeModel, images: np.ndarray, sample: int = 0) -> np.ndarray:
    """The depth (n, H, W, 1) in [0, 1] that a DepthWGAN predicts for pictures (n, H, W, C) in [0, 1].

    `sample` is the number of the noise sample.
    """
    z = model.sample_latents(KEY, sample, len(images))
    return in_batches(model.generator, model.inputs(images, z), batch_size=64)


MOST_ROWS = 100  # classes in a grid


def class_grid(model: GenerativeModel, n: int, classes: Iterable[int] | None = None) -> np.ndarray:
    """Pictures (rows * n, H, W, C) of a CGAN: one row for each class, with the same n latents in each row.

    Args:
        model: CGAN.
        n: number of latents.
        classes: class numbers; by default all classes, or `MOST_ROWS` of them, evenly spaced.

    Raises:
        UserError: for a class that the model does not have.
    """
    spaced = np.linspace(0, model.classes - 1, min(model.classes, MOST_ROWS)).astype(int)
    condition = _one_hot(model, spaced if classes is None else classes)
    z = model.sample_latents(KEY, 0, n)
    return model.generate(tf.tile(z, (len(condition), 1)), np.repeat(condition, n, axis=0)).numpy()


def _one_hot(model: GenerativeModel, classes: Iterable[int]) -> np.ndarray:
    """(n, K) one-hot conditions of n class numbers. Raises UserError for a class that the model does not have."""
    classes = list(classes)
    if max(classes) >= model.classes:
        raise UserError(
            f"this model has {model.classes} classes, so there is no class {max(classes)}: train it on more classes."
        )
    return np.eye(model.classes, dtype=np.float32)[classes]


def class_interpolation(model: GenerativeModel, first: int, second: int, n: int, steps: int = 9) -> np.ndarray:
    """Pictures (n * steps, H, W, C) of a CGAN: in each row, the condition goes linearly from one class to another.

    Each of the n rows has its own latent.
    """
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    start, end = _one_hot(model, [first, second])
    return _rows(model, np.tile((1 - share) * start + share * end, (n, 1)), n)
