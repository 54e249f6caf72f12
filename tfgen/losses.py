"""Objectives as pure functions: adversarial pairs of logits, reconstruction and Kullback-Leibler terms."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tfgen import UserError


def cross_entropy(logits, targets):
    """Mean binary cross-entropy -t log s(l) - (1 - t) log(1 - s(l)) in nats, s the logistic function.

    Args:
        logits: any shape.
        targets: the same shape, or a scalar for all; in [0, 1].

    Returns:
        float32 scalar.
    """
    logits = tf.cast(logits, tf.float32)
    targets = tf.broadcast_to(tf.cast(targets, tf.float32), tf.shape(logits))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))


def _mean(x):
    return tf.reduce_mean(tf.cast(x, tf.float32))


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """What the two players minimise, as functions of logits of any shape, averaged over all of them.

    Attributes:
        discriminator: (real logits, fake logits) -> scalar.
        generator: (fake logits) -> scalar.
    """

    discriminator: Callable
    generator: Callable


def _discriminator_cross_entropy(real, fake):
    return cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)


ADVERSARIAL_LOSSES = {
    # Goodfellow et al. 2014 (arXiv:1406.2661), section 3: G maximises log D(G(z)). At equilibrium 2 ln 2 and ln 2.
    "non_saturating": AdversarialLoss(_discriminator_cross_entropy, lambda fake: cross_entropy(fake, 1.0)),
    # The same paper, eq. 1: G minimises log(1 - D(G(z))).
    "minimax": AdversarialLoss(_discriminator_cross_entropy, lambda fake: -cross_entropy(fake, 0.0)),
    # Mao et al. 2016 (arXiv:1611.04076), eq. 9, (a, b, c) = (0, 1, 1), both halved.
    "least_squares": AdversarialLoss(
        lambda real, fake: 0.5 * _mean((real - 1.0) ** 2) + 0.5 * _mean(fake**2), lambda fake: 0.5 * _mean((fake - 1.0) ** 2)
    ),
    # Lim and Ye 2017 (arXiv:1705.02894); Miyato et al. 2018 (arXiv:1802.05957), eq. 16 and 17.
    "hinge": AdversarialLoss(lambda real, fake: _mean(tf.nn.relu(1.0 - real)) + _mean(tf.nn.relu(1.0 + fake)), lambda fake: -_mean(fake)),
}


def adversarial(name):
    """The AdversarialLoss of that name. Raises UserError for an unknown one."""
    try:
        return ADVERSARIAL_LOSSES[name]
    except KeyError:
        raise UserError(f"there is no adversarial loss {name!r}: choose from {', '.join(ADVERSARIAL_LOSSES)}.") from None


def kl_divergence(mean, log_var):
    """KL(N(mean, exp(log_var)) || N(0, I)) = .5 sum_z(mean^2 + exp(log_var) - log_var - 1), in nats.

    Args:
        mean: (B, Z).
        log_var: (B, Z), the logarithm of the variance.

    Returns:
        (B,) float32, not negative, 0 only for the standard normal.

    Source: Kingma and Welling 2013 (arXiv:1312.6114), appendix B.
    """
    mean, log_var = tf.cast(mean, tf.float32), tf.cast(log_var, tf.float32)
    return 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_var) - log_var - 1.0, axis=-1)


def mean_squared_error(images, reconstructions):
    """Mean over batch, pixels and channels of (x - x')^2; images in [0, 1]. Returns a float32 scalar."""
    return tf.reduce_mean(tf.math.squared_difference(tf.cast(images, tf.float32), tf.cast(reconstructions, tf.float32)))
