"""The autoencoder and the critic of Berthelot et al. 2018 (arXiv:1807.07543): pairs of convolutions k3 between average
pooling layers.

Codes are maps (B, h, h, latent_channels), with h = 4 for a power of two, see `blocks.smallest`. The
convolutions work on images in [-1, 1]; outside they are in [0, 1]. The decoder's output is not bounded.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, Tensor


def _widths(image_shape: ImageShape, width: float) -> list[int]:
    return blocks.widths(image_shape[0], 16, width)  # 16, 32, 64 for 32x32; the paper's largest are four times as wide


def _convolution(x: Tensor, filters: int, size: int = 3, activate: bool = True, **arguments: Any) -> Tensor:
    # The paper's code: He's deviation for this slope, from a normal distribution that is not truncated.
    initializer = keras.initializers.VarianceScaling(1 / (1 + 0.2**2), "fan_in", "untruncated_normal")
    x = layers.Conv2D(filters, size, 1, "same", kernel_initializer=initializer, **arguments)(x)
    return layers.LeakyReLU(negative_slope=0.2)(x) if activate else x


def _code(image: Tensor, channels: Sequence[int], latent_channels: int) -> Tensor:
    x = _convolution(blocks.to_tanh_range(image), channels[0], 1, activate=False)
    for filters in channels:
        x = _convolution(_convolution(x, filters), filters)
        x = layers.AveragePooling2D(2)(x)  # side / 2
    x = _convolution(x, 2 * channels[-1])
    return _convolution(x, latent_channels, activate=False, dtype="float32")


def encoder(image_shape: ImageShape, latent_channels: int, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> code (B, h, h, latent_channels)."""
    image = keras.Input(image_shape, name="image")
    return keras.Model(image, _code(image, _widths(image_shape, width), latent_channels), name="encoder")


def decoder(image_shape: ImageShape, latent_channels: int, width: float = 1.0) -> keras.Model:
    """Code (B, h, h, latent_channels) -> image (B, H, W, C), approximately in [0, 1]."""
    channels, side = _widths(image_shape, width), blocks.smallest(image_shape[0])
    code = keras.Input((side, side, latent_channels), name="code")
    x = code
    for filters in reversed(channels):
        x = _convolution(_convolution(x, filters), filters)
        x = layers.UpSampling2D(2)(x)  # side * 2, nearest
    x = _convolution(x, channels[0])
    x = _convolution(x, image_shape[2], activate=False, dtype="float32")
    return keras.Model(code, blocks.from_tanh_range(x), name="decoder")


def critic(image_shape: ImageShape, latent_channels: int, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> how much of a second image is mixed into it (B, 1), as the mean over the code of an encoder
    of its own.
    """
    image = keras.Input(image_shape, name="image")
    code = layers.Flatten(dtype="float32")(_code(image, _widths(image_shape, width), latent_channels))
    return keras.Model(image, ops.mean(code, axis=-1, keepdims=True), name="discriminator")
