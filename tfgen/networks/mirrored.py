"""The autoencoder of the Pegasus study and the critic that mirrors its encoder.

Every level of the encoder halves the side, down to 4x4 for a power of two, see `blocks.smallest`, and every level of
the decoder doubles it again. The study gives no widths, kernel sizes or slopes; these are the ones of the other
studies. Images are in [0, 1]. Functions return functional keras.Models, independent of losses.
"""

from collections.abc import Sequence

import keras
from keras import layers

from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, MakeLayer, Tensor, activate
from tfgen.networks.spectral import SpectralConv2D

HIDDEN = 1024  # units of a second dense layer: the study says how many layers there are, not how wide they are

_leaky_relu = blocks.leaky_relu(0.2)


def _widths(image_shape: ImageShape, width: float) -> list[int]:
    return blocks.widths(image_shape[0], 64, width)  # 64, 128, 256 for 32x32


def _levels(
    image: Tensor,
    channels: Sequence[int],
    convolutions: int,
    convolution: MakeLayer = layers.Conv2D,
    batch_norm: bool = True,
) -> tuple[Tensor, Tensor]:
    """The last convolution's output, and the same activated, both (B, h, h, channels[-1]) with h = blocks.smallest(H).

    A level is convolutions k3 s1, then one convolution k4 s2.
    """
    last = x = image
    for filters in channels:
        for _ in range(convolutions - 1):
            x = activate(convolution(filters, 3, 1, "same")(x), _leaky_relu, batch_norm)
        last = convolution(filters, 4, 2, "same")(x)  # side / 2
        x = activate(last, _leaky_relu, batch_norm)
    return last, x


def _hidden(x: Tensor, dense_layers: int, width: float) -> Tensor:
    for _ in range(dense_layers - 1):
        x = _leaky_relu()(layers.Dense(blocks.scaled(HIDDEN, width))(x))
    return x


def encoder(
    image_shape: ImageShape, latent_dim: int, width: float = 1.0, dense_layers: int = 1, convolutions: int = 1
) -> keras.Model:
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, each (B, latent_dim).

    Args:
        image_shape: (H, W, C).
        latent_dim: size of the code.
        width: multiplier of all channels.
        dense_layers: number of dense layers between the convolutions and the code; the heads for mean and log_var are
            the last of them.
        convolutions: number of convolutions in a level.
    """
    image = keras.Input(image_shape, name="image")
    x = layers.Flatten()(_levels(image, _widths(image_shape, width), convolutions)[1])
    x = _hidden(x, dense_layers, width)
    return keras.Model(image, blocks.latent_heads(x, latent_dim), name="encoder")


def decoder(
    image_shape: ImageShape, latent_dim: int, width: float = 1.0, dense_layers: int = 1, convolutions: int = 1
) -> keras.Model:
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1].

    The arguments are those of `encoder`, which it mirrors.
    """
    channels, side = _widths(image_shape, width), blocks.smallest(image_shape[0])
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(side * side * channels[-1])(_hidden(z, dense_layers, width))
    x = activate(layers.Reshape((side, side, channels[-1]))(x), _leaky_relu)
    for level, filters in reversed([*enumerate([image_shape[2], *channels[:-1]])]):
        for _ in range(convolutions - 1):
            x = activate(layers.Conv2D(channels[level], 3, 1, "same")(x), _leaky_relu)
        x = layers.Conv2DTranspose(filters, 4, 2, "same")(x)  # side * 2
        if level:
            x = activate(x, _leaky_relu)
    return keras.Model(z, layers.Activation("sigmoid", dtype="float32")(x), name="decoder")


def critic(
    image_shape: ImageShape,
    width: float = 1.0,
    convolutions: int = 1,
    spectral_norm: bool = False,
    features: bool = False,
) -> keras.Model:
    """The encoder's convolutions and a last one over its smallest map: image (B, H, W, C) -> logits (B, 1).

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        convolutions: number of convolutions in a level.
        spectral_norm: whether to use spectral normalization instead of batch normalization, which would cancel it.
        features: whether to return the last level's convolution before its activation too: {"logits": (B, 1),
            "features": (B, F)}.
    """
    image = keras.Input(image_shape, name="image")
    convolution = SpectralConv2D if spectral_norm else layers.Conv2D
    last, x = _levels(image, _widths(image_shape, width), convolutions, convolution, batch_norm=not spectral_norm)
    x = convolution(1, blocks.smallest(image_shape[0]), 1, "valid", dtype="float32")(x)
    outputs = {"logits": layers.Flatten(dtype="float32", name="logits")(x)}
    if features:
        outputs["features"] = layers.Flatten(dtype="float32", name="features")(last)
    return keras.Model(image, outputs if features else outputs["logits"], name="discriminator")
