"""Strided convolutions with a bottleneck of 1x1 convolutions: the networks of Patrick Sullivan's notes of August 2017,
figures 1 to 4.

Convolutions halve the side down to 4x4, or `blocks.smallest` if it is no power of two, and 1x1 convolutions reduce that
map to 32 channels, 512 numbers; the decoder doubles the side again. Initial weights are Glorot's, Keras's default and
the study's. Images are in [0, 1] at both ends. Functions return functional keras.Models, independent of losses.
"""

from collections.abc import Callable

import keras
from keras import layers

from tfgen import UserError
from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, MakeLayer, Tensor, scaled
from tfgen.networks.dropout import Dropout

# Channels of the two 1x1 convolutions: the notes' "filter size 32" is the width in their code, not a kernel size.
MIDDLE, THIN = 96, 32
leaky_relu = blocks.leaky_relu(0.2)  # in all networks of the study


def widths(image_size: int, width: float = 1.0) -> list[int]:
    """Channels per level from the image inwards, at most 256: [64, 128, 256, 256] for 64x64. See `blocks.widths`."""
    return blocks.widths(image_size, 64, width, most=256)


def halve(filters: int) -> keras.layers.Layer:
    """A convolution k5 s2."""
    return layers.Conv2D(filters, 5, 2, "same")


def double(filters: int) -> keras.layers.Layer:
    """A transposed convolution k5 s2."""
    return layers.Conv2DTranspose(filters, 5, 2, "same")


def pointwise(filters: int) -> keras.layers.Layer:
    """A convolution k1."""
    return layers.Conv2D(filters, 1)


def block(
    layer: keras.layers.Layer, x: Tensor, activation: MakeLayer, batch_norm: bool, dropout: float = 0.0
) -> Tensor:
    """Applies the layer, optional batch normalization, the activation, and dropout if the rate is positive."""
    x = blocks.activate(layer(x), activation, batch_norm)
    return Dropout(dropout)(x) if dropout else x


def check_activation(activation: str) -> str:
    """The name of a critic's output activation. Raises UserError unless it is "linear" or "sigmoid"."""
    if activation not in ("linear", "sigmoid"):
        raise UserError(f"critic_activation must be linear or sigmoid, not {activation!r}.")
    return activation


def _features(x: Tensor, image_size: int, width: float, norms: Callable[[int], bool]) -> Tensor:
    """Image (B, H, W, C) -> (B, h * h * thin), 512 at the study's width and size.

    `norms(i)` says whether to normalize layer i.
    """
    thinning = [pointwise(scaled(channels, width)) for channels in (MIDDLE, THIN)]
    for i, layer in enumerate([*map(halve, widths(image_size, width)), *thinning]):
        x = block(layer, x, leaky_relu, norms(i))
    return layers.Flatten()(x)


def _image(z: Tensor, image_shape: ImageShape, width: float, batch_norm: bool) -> Tensor:
    """Latents (B, Z) -> values (B, H, W, C) that an output activation is still to be applied to."""
    thin, (*outer, inner) = scaled(THIN, width), widths(image_shape[0], width)
    side = blocks.smallest(image_shape[0])
    x = block(layers.Dense(side * side * thin), z, layers.ReLU, batch_norm)
    x = layers.Reshape((side, side, thin))(x)
    x = block(pointwise(scaled(MIDDLE, width)), x, layers.ReLU, batch_norm)
    x = block(pointwise(inner), x, layers.ReLU, batch_norm)
    for filters in reversed(outer):
        x = block(double(filters), x, layers.ReLU, batch_norm)  # side * 2
    return double(image_shape[2])(x)


def encoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, each (B, latent_dim); figure 1.

    The study's second head was an unbounded "stddev", and its logarithm has no lower limit. Here it is the logarithm of
    the variance.
    """
    image = keras.Input(image_shape, name="image")
    x = _features(image, image_shape[0], width, norms=lambda i: True)
    return keras.Model(image, blocks.latent_heads(x, latent_dim), name="encoder")


def decoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], as probabilities; figure 2, without batch
    normalization.
    """
    z = keras.Input((latent_dim,), name="z")
    x = _image(z, image_shape, width, batch_norm=False)
    return keras.Model(z, layers.Activation("sigmoid", dtype="float32")(x), name="decoder")


def generator(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]; figure 4."""
    z = keras.Input((latent_dim,), name="z")
    x = _image(z, image_shape, width, batch_norm=True)
    return keras.Model(z, blocks.tanh_image(x), name="generator")


def discriminator(
    image_shape: ImageShape, width: float = 1.0, batch_norm: bool = True, activation: str = "linear"
) -> keras.Model:
    """Image (B, H, W, C) -> logits (B, 1); figure 3, with one output where the study's code of June averaged the map
    of 512 values.

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        batch_norm: whether to normalize all layers except the first; False for a critic with a gradient penalty.
        activation: activation of the output, "linear" or "sigmoid".

    Raises:
        UserError: for another activation.
    """
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)  # the study's input was in [-1, 1]
    x = _features(x, image_shape[0], width, norms=lambda i: batch_norm and i > 0)
    logits = blocks.head(x, 1, "logits", activation=check_activation(activation))
    return keras.Model(image, logits, name="discriminator")
