"""The autoencoder and the critic of Berthelot et al. 2018 (arXiv:1807.07543): pairs of convolutions k3 between average
poolings.

Codes are maps (B, 4, 4, latent_channels). The convolutions see and make pictures in [-1, 1]; outside they are in [0,
1]. Nothing bounds what the decoder gives.
"""

import keras
from keras import layers, ops

from tfgen.networks.dcgan import SMALLEST, widths


def _widths(image_shape, width):
    return widths(image_shape[0], width / 2)  # 16, 32, 64 for 32x32; the paper's largest nets are four times as wide


def _convolution(x, filters, size=3, activate=True, **arguments):
    # The paper's code: He's deviation for this slope, from a normal distribution that is not truncated.
    initializer = keras.initializers.VarianceScaling(1 / (1 + 0.2**2), "fan_in", "untruncated_normal")
    x = layers.Conv2D(filters, size, 1, "same", kernel_initializer=initializer, **arguments)(x)
    return layers.LeakyReLU(negative_slope=0.2)(x) if activate else x


def _code(image, channels, latent_channels):
    x = layers.Rescaling(2.0, offset=-1.0)(image)
    x = _convolution(x, channels[0], 1, activate=False)
    for filters in channels:
        x = _convolution(_convolution(x, filters), filters)
        x = layers.AveragePooling2D(2)(x)  # side / 2
    x = _convolution(x, 2 * channels[-1])
    return _convolution(x, latent_channels, activate=False, dtype="float32")


def encoder(image_shape, latent_channels, width=1.0):
    """Image (B, H, W, C) -> code (B, 4, 4, latent_channels)."""
    image = keras.Input(image_shape, name="image")
    return keras.Model(image, _code(image, _widths(image_shape, width), latent_channels), name="encoder")


def decoder(image_shape, latent_channels, width=1.0):
    """Code (B, 4, 4, latent_channels) -> image (B, H, W, C) about [0, 1]."""
    channels = _widths(image_shape, width)
    code = keras.Input((SMALLEST, SMALLEST, latent_channels), name="code")
    x = code
    for filters in reversed(channels):
        x = _convolution(_convolution(x, filters), filters)
        x = layers.UpSampling2D(2)(x)  # side * 2, nearest
    x = _convolution(x, channels[0])
    x = _convolution(x, image_shape[2], activate=False, dtype="float32")
    return keras.Model(code, layers.Rescaling(0.5, offset=0.5, dtype="float32")(x), name="decoder")


def critic(image_shape, latent_channels, width=1.0):
    """Image (B, H, W, C) -> how much of another picture is mixed into it (B, 1): the mean of all of a second encoder's
    code.
    """
    image = keras.Input(image_shape, name="image")
    code = layers.Flatten(dtype="float32")(_code(image, _widths(image_shape, width), latent_channels))
    return keras.Model(image, ops.mean(code, axis=-1, keepdims=True), name="discriminator")
