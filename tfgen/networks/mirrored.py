"""The autoencoder of the Pegasus study and the critic that mirrors its encoder.

Every level of the encoder halves the side, down to 4x4, and the decoder's double it again. The study gives no widths,
kernels or slopes; these are those of its siblings. Functions return functional keras.Models and know no loss; pictures
are in [0, 1].
"""

import keras
from keras import layers

from tfgen.networks.dcgan import SMALLEST, widths
from tfgen.networks.spectral import SpectralConv2D

HIDDEN = 1024  # units of a second dense layer: the study says how many layers, not how wide


def _widths(image_shape, width):
    return widths(image_shape[0], 2 * width)  # 64, 128, 256 for 32x32


def _activate(x, batch_norm=True):
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return layers.LeakyReLU(negative_slope=0.2)(x)


def _levels(image, channels, convolutions, convolution=layers.Conv2D, batch_norm=True):
    """(last convolution's output, the same activated), both (B, 4, 4, channels[-1]): a level ends in its one
    convolution k4 s2.
    """
    x = image
    for filters in channels:
        for _ in range(convolutions - 1):
            x = _activate(convolution(filters, 3, 1, "same")(x), batch_norm)
        last = convolution(filters, 4, 2, "same")(x)  # side / 2
        x = _activate(last, batch_norm)
    return last, x


def _hidden(x, dense_layers, width):
    for _ in range(dense_layers - 1):
        x = layers.LeakyReLU(negative_slope=0.2)(layers.Dense(max(1, round(HIDDEN * width)))(x))
    return x


def encoder(image_shape, latent_dim, width=1.0, dense_layers=1, convolutions=1):
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, (B, latent_dim) each.

    Args:
        image_shape: (H, W, C).
        latent_dim: Z.
        width: multiplier of all channels.
        dense_layers: between convolutions and code, the heads of mean and of log_var being the last of them.
        convolutions: in a level.
    """
    image = keras.Input(image_shape, name="image")
    x = layers.Flatten()(_levels(image, _widths(image_shape, width), convolutions)[1])
    x = _hidden(x, dense_layers, width)
    outputs = {name: layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_var")}
    return keras.Model(image, outputs, name="encoder")


def decoder(image_shape, latent_dim, width=1.0, dense_layers=1, convolutions=1):
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1].

    Arguments as of `encoder`, whose mirror it is.
    """
    channels = _widths(image_shape, width)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(SMALLEST * SMALLEST * channels[-1])(_hidden(z, dense_layers, width))
    x = _activate(layers.Reshape((SMALLEST, SMALLEST, channels[-1]))(x))
    for level, filters in reversed([*enumerate([image_shape[2], *channels[:-1]])]):
        for _ in range(convolutions - 1):
            x = _activate(layers.Conv2D(channels[level], 3, 1, "same")(x))
        x = layers.Conv2DTranspose(filters, 4, 2, "same")(x)  # side * 2
        if level:
            x = _activate(x)
    return keras.Model(z, layers.Activation("sigmoid", dtype="float32")(x), name="decoder")


def critic(image_shape, width=1.0, convolutions=1, spectral_norm=False, features=False):
    """The encoder's convolutions and a last one over its 4x4 map: image (B, H, W, C) -> logits (B, 1).

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        convolutions: in a level.
        spectral_norm: in the place of batch normalization: what a kernel is divided by, the normalization after it
            takes off again.
        features: whether to return the last level's convolution before its activation too: {"logits": (B, 1),
            "features": (B, F)}.
    """
    image = keras.Input(image_shape, name="image")
    convolution = SpectralConv2D if spectral_norm else layers.Conv2D
    last, x = _levels(image, _widths(image_shape, width), convolutions, convolution, batch_norm=not spectral_norm)
    logits = layers.Flatten(dtype="float32", name="logits")(convolution(1, SMALLEST, 1, "valid", dtype="float32")(x))
    outputs = (
        {"logits": logits, "features": layers.Flatten(dtype="float32", name="features")(last)} if features else logits
    )
    return keras.Model(image, outputs, name="discriminator")
