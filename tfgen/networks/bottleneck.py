"""Strided convolutions with a bottleneck of 1x1 convolutions: the networks of Patrick Sullivan's notes of August 2017,
figures 1 to 4.

Convolutions halve the side down to 4x4, 1x1 convolutions thin that map to 32 channels, 512 numbers; the way back
doubles the side. Initial weights are Glorot's, Keras's default and the study's. Images are in [0, 1] on both ends.
Functions return functional keras.Models and know no loss.
"""

import keras
from keras import layers

from tfgen import UserError
from tfgen.networks import dcgan
from tfgen.networks.dropout import Dropout

MIDDLE, THIN = (
    96,
    32,
)  # channels of the two 1x1 convolutions: the notes' "filter size 32" is their code's width, not a kernel


def widths(image_size, width=1.0):
    """Channels from the picture inwards, 64 doubled per halving up to 256, times `width`: [64, 128, 256, 256] for
    64x64.

    Raises:
        UserError: for an image size that is no power of two from 8, or a width of 0 or less.
    """
    return [scaled(64 * min(2**i, 4), width) for i in range(len(dcgan.widths(image_size, width)))]


def scaled(channels, width):
    """`channels` times `width`, at least 1."""
    return max(1, round(channels * width))


def halve(filters):
    """The convolution k5 s2."""
    return layers.Conv2D(filters, 5, 2, "same")


def double(filters):
    """The transposed convolution k5 s2."""
    return layers.Conv2DTranspose(filters, 5, 2, "same")


def pointwise(filters):
    """The convolution k1."""
    return layers.Conv2D(filters, 1)


def leaky_relu():
    """The slope of .2 that every network of the study takes."""
    return layers.LeakyReLU(negative_slope=0.2)


def block(layer, x, activation, batch_norm, dropout=0.0):
    """Layer, batch normalization, activation, dropout; the layer keeps its bias, as the study's did."""
    x = layer(x)
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = activation()(x)
    return Dropout(dropout)(x) if dropout else x


def check_activation(critic_activation):
    """The name of a critic's last activation. Raises UserError for an unknown one."""
    if critic_activation not in ("linear", "sigmoid"):
        raise UserError(f"critic_activation must be linear or sigmoid, not {critic_activation!r}.")
    return critic_activation


def _features(x, image_size, width, norms):
    """Picture (B, H, W, C) -> (B, 16 * thin), 512 at the study's width.

    `norms(i)` says whether layer i is normalised.
    """
    thinning = [pointwise(scaled(channels, width)) for channels in (MIDDLE, THIN)]
    for i, layer in enumerate([*map(halve, widths(image_size, width)), *thinning]):
        x = block(layer, x, leaky_relu, norms(i))
    return layers.Flatten()(x)


def _picture(z, image_shape, width, batch_norm, activation):
    """Latents (B, Z) -> what `activation` makes of (B, H, W, C)."""
    side, thin, (*outer, inner) = dcgan.SMALLEST, scaled(THIN, width), widths(image_shape[0], width)
    x = block(layers.Dense(side * side * thin), z, layers.ReLU, batch_norm)
    x = layers.Reshape((side, side, thin))(x)
    x = block(pointwise(scaled(MIDDLE, width)), x, layers.ReLU, batch_norm)
    x = block(pointwise(inner), x, layers.ReLU, batch_norm)
    for filters in reversed(outer):
        x = block(double(filters), x, layers.ReLU, batch_norm)  # side * 2
    return layers.Activation(activation, dtype="float32")(double(image_shape[2])(x))


def encoder(image_shape, latent_dim, width=1.0):
    """q(z | x): image (B, H, W, C) -> mean (B, latent_dim), log_var (B, latent_dim); figure 1.

    The study's second head was an unbounded "stddev", whose logarithm has no floor at 0: here it is the variance's
    logarithm.
    """
    image = keras.Input(image_shape, name="image")
    x = _features(image, image_shape[0], width, norms=lambda i: True)
    heads = {name: layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_var")}
    return keras.Model(image, heads, name="encoder")


def decoder(image_shape, latent_dim, width=1.0):
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], probabilities; figure 2, without batch
    normalization.
    """
    z = keras.Input((latent_dim,), name="z")
    return keras.Model(z, _picture(z, image_shape, width, False, "sigmoid"), name="decoder")


def generator(image_shape, latent_dim, width=1.0):
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]; figure 4."""
    z = keras.Input((latent_dim,), name="z")
    x = _picture(z, image_shape, width, True, "tanh")
    return keras.Model(z, layers.Rescaling(0.5, offset=0.5, dtype="float32")(x), name="generator")


def discriminator(image_shape, width=1.0, batch_norm=True, activation="linear"):
    """Image (B, H, W, C) -> logits (B, 1); figure 3, with one output where the study's June code averaged the map of
    512.

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        batch_norm: whether all layers but the first are normalised; not for a critic whose slope is penalised.
        activation: "linear" or "sigmoid", of the output.
    """
    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(2.0, offset=-1.0)(image)  # the study fed it [-1, 1]
    x = _features(x, image_shape[0], width, norms=lambda i: batch_norm and i > 0)
    return keras.Model(
        image, layers.Dense(1, check_activation(activation), dtype="float32", name="logits")(x), name="discriminator"
    )
