"""Losses as pure functions: adversarial losses, reconstruction errors and Kullback-Leibler divergences."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError


def _alike(**tensors: Any) -> None:
    """Raises ValueError if two tensors have different shapes, because broadcasting would pair up wrong elements."""
    (first, a), (second, b) = ((name, tf.convert_to_tensor(x).shape) for name, x in tensors.items())
    if not a.is_compatible_with(b):
        raise ValueError(f"{first} and {second} must have the same shape, not {tuple(a)} and {tuple(b)}.")


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor | float) -> tf.Tensor:
    """Mean binary cross-entropy -t log s(l) - (1 - t) log(1 - s(l)) in nats, s the logistic function.

    Args:
        logits: any shape.
        targets: the same shape, or one number for all; in [0, 1].

    Returns:
        float32 scalar.

    Raises:
        ValueError: if the two shapes differ.
    """
    logits, targets = tf.cast(logits, tf.float32), tf.cast(targets, tf.float32)
    if targets.shape.rank != 0:
        _alike(logits=logits, targets=targets)
    targets = tf.broadcast_to(targets, tf.shape(logits))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))


def _mean(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.cast(x, tf.float32))


def categorical_cross_entropy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Mean over the batch of -sum_k t_k log softmax(l)_k, in nats.

    Args:
        logits: (B, K).
        targets: (B, K), each row sums to 1.

    Returns:
        float32 scalar.
    """
    _alike(logits=logits, targets=targets)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=tf.cast(logits, tf.float32)))


def gaussian_nll(values: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Mean over the batch of sum_k .5 (c_k - mean_k)^2: -log N(c; mean, I) without its constant.

    Args:
        values, mean: (B, K).

    Returns:
        float32 scalar.
    """
    _alike(values=values, mean=mean)
    values, mean = tf.cast(values, tf.float32), tf.cast(mean, tf.float32)
    return 0.5 * tf.reduce_mean(tf.reduce_sum(tf.math.squared_difference(values, mean), axis=-1))


@keras.saving.register_keras_serializable("tfgen")
@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """The losses that the two players minimize, as functions of logits of any shape, averaged over all elements.

    Attributes:
        discriminator: (real logits, fake logits) -> scalar.
        generator: (real logits, fake logits) -> scalar. The real logits are None unless `relativistic` is True.
        reaches_zero: whether the discriminator's loss approaches 0 when it separates real from generated pictures.
        relativistic: whether the generator's loss needs the real logits, which costs another discriminator pass.
    """

    discriminator: Callable[[Any, Any], tf.Tensor]
    generator: Callable[[Any, Any], tf.Tensor]
    reaches_zero: bool = True
    relativistic: bool = False

    def __post_init__(self) -> None:
        for part in ("discriminator", "generator"):
            object.__setattr__(self, part, _checked(getattr(self, part), self.relativistic))

    def get_config(self) -> dict[str, Any]:
        """The name of a built-in loss, else the two functions, which must be registered with Keras."""
        for name, loss in ADVERSARIAL_LOSSES.items():
            if loss is self:
                return {"name": name}
        functions = {part: getattr(self, part).__wrapped__ for part in ("discriminator", "generator")}
        flags = {"reaches_zero": self.reaches_zero, "relativistic": self.relativistic}
        return {part: keras.saving.serialize_keras_object(value) for part, value in functions.items()} | flags

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AdversarialLoss":
        """Creates a loss from its configuration."""
        if "name" in config:
            return adversarial(config["name"])
        return cls(**{part: keras.saving.deserialize_keras_object(value) for part, value in config.items()})


def _checked(function: Callable, pairs: bool) -> Callable:
    """Wraps a function to cast logits to float32 and refuse those that would be broadcast against each other."""

    @functools.wraps(function)
    def checked(real: tf.Tensor | None, fake: tf.Tensor) -> tf.Tensor:
        fake = tf.cast(fake, tf.float32)
        if real is not None:
            real = tf.cast(real, tf.float32)
            _alike(real=real if pairs else real[:1], fake=fake if pairs else fake[:1])  # else their numbers may differ
        return function(real, fake)

    return checked


def _discriminator_cross_entropy(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    return cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)


ADVERSARIAL_LOSSES = {
    # Goodfellow et al. 2014 (arXiv:1406.2661), section 3: G maximizes log D(G(z)). At equilibrium 2 ln 2 and ln 2.
    "non_saturating": AdversarialLoss(_discriminator_cross_entropy, lambda real, fake: cross_entropy(fake, 1.0)),
    # The same paper, eq. 1: G minimizes log(1 - D(G(z))).
    "minimax": AdversarialLoss(_discriminator_cross_entropy, lambda real, fake: -cross_entropy(fake, 0.0)),
    # Mao et al. 2016 (arXiv:1611.04076), eq. 9, (a, b, c) = (0, 1, 1), both halved.
    "least_squares": AdversarialLoss(
        lambda real, fake: 0.5 * _mean((real - 1.0) ** 2) + 0.5 * _mean(fake**2),
        lambda real, fake: 0.5 * _mean((fake - 1.0) ** 2),
    ),
    # Arjovsky et al. 2017 (arXiv:1701.07875), algorithm 1: the critic maximizes E[D(real)] - E[D(fake)]. Its
    # Lipschitz constant must be bounded.
    "wasserstein": AdversarialLoss(
        lambda real, fake: _mean(fake) - _mean(real), lambda real, fake: -_mean(fake), reaches_zero=False
    ),
    # Lim and Ye 2017 (arXiv:1705.02894); Miyato et al. 2018 (arXiv:1802.05957), eq. 16 and 17.
    "hinge": AdversarialLoss(
        lambda real, fake: _mean(tf.nn.relu(1.0 - real)) + _mean(tf.nn.relu(1.0 + fake)),
        lambda real, fake: -_mean(fake),
    ),
    # Jolicoeur-Martineau 2018 (arXiv:1807.00734), section 4.1: compares each real picture with one generated
    # picture. Both losses are ln 2 for equal logits.
    "relativistic": AdversarialLoss(
        lambda real, fake: cross_entropy(real - fake, 1.0),
        lambda real, fake: cross_entropy(fake - real, 1.0),
        relativistic=True,
    ),
}


def adversarial(loss: AdversarialLoss | str) -> AdversarialLoss:
    """The AdversarialLoss of that name, or the one given. Raises UserError for an unknown name."""
    if isinstance(loss, AdversarialLoss):
        return loss
    try:
        return ADVERSARIAL_LOSSES[loss]
    except KeyError:
        raise UserError(
            f"there is no adversarial loss {loss!r}: choose from {', '.join(ADVERSARIAL_LOSSES)}."
        ) from None


@keras.saving.register_keras_serializable("tfgen")
def jensen_shannon(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Estimates the Jensen-Shannon divergence of real and generated pictures: ln 2 - (BCE(real, 1) + BCE(fake, 0)) / 2.

    Args:
        real, fake: logits, any shape.

    Returns:
        float32 scalar, in nats. For the optimal discriminator it equals the divergence, from 0 to ln 2. For any other
        discriminator it is lower, and negative if the discriminator is worse than a constant one.

    Source: Goodfellow et al. 2014 (arXiv:1406.2661), theorem 1.
    """
    return math.log(2.0) - 0.5 * _discriminator_cross_entropy(real, fake)


@keras.saving.register_keras_serializable("tfgen")
def fake_probability(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """E[D(G(z))], the mean probability of being real that the discriminator gives to generated pictures.

    It is also the mean size of the gradient of the minimax loss, E[log(1 - D)], at the logits; that of the
    non-saturating loss, -E[log D], is 1 minus it.

    Args:
        real, fake: logits, any shape.

    Returns:
        float32 scalar in (0, 1).
    """
    return tf.reduce_mean(tf.sigmoid(tf.cast(fake, tf.float32)))


@keras.saving.register_keras_serializable("tfgen")
def jensen_shannon_of_probabilities(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The same estimate from probabilities of being real instead of logits.

    The optimal least-squares discriminator with targets 0 and 1 outputs such probabilities. As a linear output is not
    restricted to [0, 1], values are clipped to [.01, .99].

    Source: Mao et al. 2016 (arXiv:1611.04076), eq. 5.
    """
    real, fake = (tf.clip_by_value(tf.cast(p, tf.float32), 0.01, 0.99) for p in (real, fake))
    return jensen_shannon(*(tf.math.log(p) - tf.math.log1p(-p) for p in (real, fake)))


def kl_divergence(mean: tf.Tensor, log_var: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)) = .5 sum_z(mean^2 + exp(log_var) - log_var - 1), in nats.

    Args:
        mean: (B, Z).
        log_var: (B, Z), the logarithm of the variance.

    Returns:
        (B,) float32, non-negative; 0 only for the standard normal distribution.

    Source: Kingma and Welling 2013 (arXiv:1312.6114), appendix B.
    """
    mean, log_var = tf.cast(mean, tf.float32), tf.cast(log_var, tf.float32)
    return 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_var) - log_var - 1.0, axis=-1)


@keras.saving.register_keras_serializable("tfgen")
def mean_squared_error(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Mean over batch, pixels and channels of (x - x')^2; images in [0, 1]. Returns a float32 scalar."""
    _alike(images=images, reconstructions=reconstructions)
    return tf.reduce_mean(tf.math.squared_difference(tf.cast(images, tf.float32), tf.cast(reconstructions, tf.float32)))


@keras.saving.register_keras_serializable("tfgen")
def bernoulli_nll(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Mean over the batch of -sum_pixels [x log x' + (1 - x) log(1 - x')], in nats per picture.

    The minimum, at x' = x, is the entropy of the pictures, which is 0 only if all values are 0 or 1.

    Args:
        images: (B, H, W, C), in [0, 1].
        reconstructions: the same shape, probabilities. If they come directly from Keras's sigmoid, as the output of a
            float32 layer, Keras computes the value and its gradient from the logits, and both are exact for any logit.
            Other probabilities are clipped to [1e-7, 1 - 1e-7]; beyond a logit of 16.1, their gradient is 0.

    Returns:
        float32 scalar.

    Source: Kingma and Welling 2013 (arXiv:1312.6114), appendix C.1, eq. 11.
    """
    _alike(images=images, reconstructions=reconstructions)
    # A cast to another type, like any other operation, would hide the logits from Keras; one to float32 does nothing.
    cross_entropy = keras.ops.binary_crossentropy(tf.cast(images, tf.float32), tf.cast(reconstructions, tf.float32))
    return tf.reduce_mean(tf.reduce_sum(cross_entropy, axis=[1, 2, 3]))


def root_mean_squared_error(values: tf.Tensor, predictions: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Root of the mean of (x - x')^2 where the mask is 1, over the global batch; 0 for an empty mask.

    Args:
        values, predictions: (B, H, W, C).
        mask: (B, H, W, C) of 0 and 1.

    Returns:
        float32 scalar.
    """
    squares, known = tf.reduce_sum((mask * (tf.cast(predictions, tf.float32) - values)) ** 2), tf.reduce_sum(mask)
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync > 1:  # the mean of roots is not the root of the mean
        squares, known = context.all_reduce(tf.distribute.ReduceOp.SUM, [squares, known])
    return tf.sqrt(squares / tf.maximum(known, 1.0) + 1e-12)  # the square root has no derivative at 0


@keras.saving.register_keras_serializable("tfgen")
def gradient_penalty(
    critic: Callable, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor, input_scale: float = 1.0
) -> tf.Tensor:
    """E[(||grad D(x)||_2 - 1)^2] at x = mix * real + (1 - mix) * fake, one point between each pair of pictures.

    Args:
        critic: pictures (B, H, W, C) -> scores (B, ...). It must not have batch normalization: the penalty is per
            picture.
        real: (B, H, W, C), in [0, 1].
        fake: the same shape.
        mix: (B, 1, 1, 1), uniform in [0, 1], one number per picture.
        input_scale: factor by which the critic rescales its input; the norm is taken in the rescaled range.

    Returns:
        float32 scalar, not yet multiplied by lambda.

    Source: Gulrajani et al. 2017 (arXiv:1704.00028), eq. 3, section 4.
    """
    gradient = _input_gradient(critic, real, fake, mix) / input_scale
    norms = tf.sqrt(tf.reduce_sum(gradient**2, axis=[1, 2, 3]) + 1e-12)  # the square root has no derivative at 0
    return tf.reduce_mean((norms - 1.0) ** 2)


@keras.saving.register_keras_serializable("tfgen")
def column_gradient_penalty(
    critic: Callable, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor, input_scale: float = 1.0
) -> tf.Tensor:
    """The penalty of dlcv2018, with the norm over the height only: each column and channel is driven to a norm of 1.

    The arguments are those of `gradient_penalty`.
    """
    gradient = _input_gradient(critic, real, fake, mix) / input_scale
    norms = tf.sqrt(tf.reduce_sum(gradient**2, axis=1) + 1e-12)
    return tf.reduce_mean((norms - 1.0) ** 2)


def _input_gradient(critic: Callable, real: tf.Tensor, fake: tf.Tensor, mix: tf.Tensor) -> tf.Tensor:
    between = mix * real + (1.0 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = tf.reduce_sum(tf.cast(critic(between), tf.float32))
    return tf.cast(tape.gradient(scores, between), tf.float32)
