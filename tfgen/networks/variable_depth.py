"""The networks of the CSI5340 study: depth is the number of layers that halve the side, and each doubles the channels.

The draft's layers are convolutions k3 s2. Where its decoder would end with more pixels than the image has, convolutions
that halve the side follow. The final version's games have DCGAN's layers, k4. Images are in [0, 1] at both ends.
Functions return functional keras.Models, independent of losses.
"""

from typing import Any

import keras
from keras import layers

from tfgen import UserError
from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, activate, normalize


def widths(image_size: int, depth: int, width: float = 1.0) -> list[int]:
    """Channels per layer from the image inwards, 32 doubled with each, times `width`: [32, 64, 128, 256, 512] for
    depth 5.

    Args:
        image_size: side in pixels, a power of two, at least 8.
        depth: number of layers, from 1 to one more than the side can be halved down to 1: 5 for 16x16, 6 for 32x32.
        width: multiplier of all channels; each is at least 1.

    Raises:
        UserError: if any of them is out of range.
    """
    if blocks.smallest(image_size) != 4:  # the generator doubles the side from 1x1, the decoder to twice the image's
        raise UserError(f"image_size must be a power of two for these networks, not {image_size}.")
    deepest = image_size.bit_length()  # with this depth the decoder starts at 1x1
    if not 1 <= depth <= deepest:
        raise UserError(f"depth must be from 1 to {deepest} for pictures of {image_size}x{image_size}, not {depth}.")
    return [blocks.scaled(32 * 2**i, width) for i in range(depth)]


def _halve(filters: int, **arguments: Any) -> keras.layers.Layer:
    return layers.Conv2D(filters, 3, 2, "same", **arguments)


def _double(filters: int, **arguments: Any) -> keras.layers.Layer:
    return layers.Conv2DTranspose(filters, 3, 2, "same", **arguments)


def _normal(mean: float = 0.0) -> keras.initializers.Initializer:
    # The study draws the scales of batch normalization around 0, like the kernels. Around 1 is what DCGAN does, which
    # the study follows.
    return keras.initializers.RandomNormal(mean, 0.02)


def encoder(image_shape: ImageShape, latent_dim: int, depth: int = 5, width: float = 1.0) -> keras.Model:
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, each (B, latent_dim).

    The study's second head was an unbounded sigma, and its logarithm has no lower limit. Here it is the logarithm of
    the variance.
    """
    image = keras.Input(image_shape, name="image")
    channels = widths(image_shape[0], depth, width)
    x = blocks.to_tanh_range(image)  # the study's input was in [-1, 1]
    for filters in channels:
        x = activate(_halve(filters)(x), layers.ReLU)  # side / 2, not below 1
    x = layers.Dense(channels[-1], activation="relu")(layers.Flatten()(x))
    return keras.Model(image, blocks.latent_heads(x, latent_dim), name="encoder")


def decoder(image_shape: ImageShape, latent_dim: int, depth: int = 5, width: float = 1.0) -> keras.Model:
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], through a map of twice its side."""
    channels = widths(image_shape[0], depth, width)
    side = 2 * image_shape[0] >> depth
    z = keras.Input((latent_dim,), name="z")
    x = layers.Reshape((side, side, channels[-1]))(layers.Dense(side * side * channels[-1])(z))
    for filters in [*reversed(channels[:-1]), channels[0]]:
        x = activate(_double(filters)(x), layers.ReLU)  # side * 2
    return keras.Model(z, blocks.tanh_image(_halve(image_shape[2])(x)), name="decoder")


def generator(image_shape: ImageShape, latent_dim: int, depth: int = 5, width: float = 1.0) -> keras.Model:
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1].

    From 1x1, depth + 1 layers double the side, the last of them with the image's channels. More layers with as many
    channels double or halve the side until it is the image's.
    """
    channels = widths(image_shape[0], depth, width)
    missing = image_shape[0].bit_length() - 1 - (depth + 1)
    doublings = [*reversed(channels), *[image_shape[2]] * (1 + max(missing, 0))]
    halvings = [image_shape[2]] * max(-missing, 0)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Reshape((1, 1, latent_dim))(z)
    for i, (layer, filters) in enumerate([(_double, n) for n in doublings] + [(_halve, n) for n in halvings]):
        if i:
            x = layers.ReLU()(normalize(x, gamma_initializer=_normal(1.0)))
        x = layer(filters, kernel_initializer=_normal())(x)
    return keras.Model(z, blocks.tanh_image(x), name="generator")


def discriminator(image_shape: ImageShape, depth: int = 5, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> logits (B, 1), unbounded; no batch normalization after the first and last convolution."""
    image = keras.Input(image_shape, name="image")
    channels = widths(image_shape[0], depth, width)
    x = blocks.to_tanh_range(image)
    for i, filters in enumerate(channels):
        x = _halve(filters, kernel_initializer=_normal())(x)  # side / 2, not below 1
        if 0 < i < depth - 1:
            x = normalize(x, gamma_initializer=_normal(1.0))
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(image, blocks.head(layers.Flatten()(x), 1, "logits"), name="discriminator")


def final_generator(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """The final version's generator: latents (B, latent_dim) -> image (B, H, W, C) in [0, 1].

    From 1x1 to 4x4 by a transposed convolution k4 s1, or to 7x7 by k7 for 28x28, then to the image's side by transposed
    convolutions k4 s2, the last hidden one with 128 channels. Biases and initial weights are the draft's: the final
    version's are not known.
    """
    channels, side = blocks.widths(image_shape[0], 128, width), blocks.smallest(image_shape[0])
    z = keras.Input((latent_dim,), name="z")
    x = layers.Reshape((1, 1, latent_dim))(z)
    for i, filters in enumerate([*reversed(channels), image_shape[2]]):
        if i:
            x = layers.ReLU()(normalize(x, gamma_initializer=_normal(1.0)))
        size, stride, padding = (4, 2, "same") if i else (side, 1, "valid")  # 4x4, then side * 2
        x = layers.Conv2DTranspose(filters, size, stride, padding, kernel_initializer=_normal())(x)
    return keras.Model(z, blocks.tanh_image(x), name="generator")


def final_discriminator(image_shape: ImageShape, width: float = 1.0) -> keras.Model:
    """The final version's discriminator: image (B, H, W, C) -> logits (B, 1), unbounded.

    Convolutions k4 s2 down to the smallest map, the first with 64 channels and without batch normalization.
    """
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)
    for i, filters in enumerate(blocks.widths(image_shape[0], 64, width)):
        x = layers.Conv2D(filters, 4, 2, "same", kernel_initializer=_normal())(x)  # side / 2
        if i:
            x = normalize(x, gamma_initializer=_normal(1.0))
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(image, blocks.head(layers.Flatten()(x), 1, "logits"), name="discriminator")
