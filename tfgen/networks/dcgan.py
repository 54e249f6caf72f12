"""The convolutional networks of DCGAN (Radford et al. 2015, arXiv:1511.06434) as homework 4 of DLCV 2018 builds them.

Every layer halves or doubles the side; the smallest map is 4x4 for a power of two, see `blocks.smallest`. Images are in
[0, 1] at both ends. Functions return functional keras.Models, independent of losses.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, MakeLayer, Tensor, activate, head, leaky_relu


def widths(image_size: int, width: float = 1.0) -> list[int]:
    """Channels per level from the image inwards: [32, 64, 128, 256] for 64x64. See `blocks.widths`."""
    return blocks.widths(image_size, 32, width)


def _dense(units: int, **arguments: Any) -> keras.layers.Layer:
    return layers.Dense(units, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02), **arguments)


def _double(filters: int) -> keras.layers.Layer:
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    return layers.Conv2DTranspose(filters, 4, 2, "same", kernel_initializer=initializer)


def _features(image: Tensor, channels: Sequence[int], negative_slope: float, batch_norm: bool = True) -> Tensor:
    """Convolutions k5 s2 over the image, then flattened: (B, H, W, C) -> (B, h * h * channels[-1])."""
    x = image
    for filters in channels:
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        x = layers.Conv2D(filters, 5, 2, "same", kernel_initializer=initializer)(x)  # side / 2
        x = activate(x, leaky_relu(negative_slope), batch_norm)
    return layers.Flatten()(x)


def _image(z: Tensor, image_shape: ImageShape, width: float, activation: MakeLayer) -> Tensor:
    """A dense layer to the smallest map, then transposed convolutions k4 s2: (B, Z) -> (B, H, W, C) in [0, 1]."""
    side, (*outer, inner) = blocks.smallest(image_shape[0]), widths(image_shape[0], width)
    x = _dense(side * side * inner)(z)
    x = activate(layers.Reshape((side, side, inner))(x), activation)
    for filters in reversed(outer):
        x = activate(_double(filters)(x), activation)  # side * 2
    return blocks.tanh_image(_double(image_shape[2])(x))


def encoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0, negative_slope: float = 0.01) -> keras.Model:
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, each (B, latent_dim)."""
    image = keras.Input(image_shape, name="image")
    x = _features(image, widths(image_shape[0], width), negative_slope)
    return keras.Model(image, blocks.latent_heads(x, latent_dim, _dense), name="encoder")


def decoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0, negative_slope: float = 0.01) -> keras.Model:
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]."""
    z = keras.Input((latent_dim,), name="z")
    return keras.Model(z, _image(z, image_shape, width, leaky_relu(negative_slope)), name="decoder")


def generator(image_shape: ImageShape, latent_dim: int, code_dim: int = 0, width: float = 1.0) -> keras.Model:
    """Latents (B, latent_dim), with codes (B, code_dim) if code_dim > 0 -> image (B, H, W, C) in [0, 1]."""
    z = keras.Input((latent_dim,), name="z")
    codes = keras.Input((code_dim,), name="codes") if code_dim else None
    x = layers.Concatenate()([z, codes]) if code_dim else z
    inputs = {"z": z, "codes": codes} if code_dim else z
    return keras.Model(inputs, _image(x, image_shape, width, layers.ReLU), name="generator")


def discriminator(
    image_shape: ImageShape,
    code_dim: int = 0,
    width: float = 1.0,
    negative_slope: float = 0.1,
    batch_norm: bool = True,
    features: bool = False,
) -> keras.Model:
    """Image (B, H, W, C) -> logits (B, 1).

    Args:
        image_shape: (H, W, C).
        code_dim: if more than 0, the number of outputs of a second head: {"logits": (B, 1), "codes": (B, code_dim)},
            the codes as logits.
        width: multiplier of all channels.
        negative_slope: slope of the leaky ReLU.
        batch_norm: whether to normalize the layers; False for a critic with a gradient penalty.
        features: whether to return the input of the heads too: {"logits": (B, 1), "features": (B, F)}.
    """
    image = keras.Input(image_shape, name="image")
    x = _features(image, widths(image_shape[0], width), negative_slope, batch_norm)
    outputs = {"logits": head(x, 1, "logits", _dense)}
    if code_dim:
        outputs["codes"] = head(x, code_dim, "codes", _dense)
    if features:
        outputs["features"] = x
    return keras.Model(image, outputs if len(outputs) > 1 else outputs["logits"], name="discriminator")


def recognizer(feature_dim: int, categories: Sequence[int], continuous: int = 0, width: float = 1.0) -> keras.Model:
    """A discriminator's features -> the codes that the image was generated from.

    Args:
        feature_dim: number F of features; the input is (B, F).
        categories: number of values of each categorical code.
        continuous: number of continuous codes.
        width: multiplier of the hidden layer's 128 units.

    Returns:
        A model whose output is {"code_0": logits (B, categories[0]), ...} and, if there are continuous codes,
        "continuous": (B, continuous) in [0, 1].
    """
    features = keras.Input((feature_dim,), name="features")
    x = activate(_dense(blocks.scaled(128, width))(features), leaky_relu(0.01))
    outputs = {f"code_{i}": head(x, n, f"code_{i}", _dense) for i, n in enumerate(categories)}
    if continuous:
        x = _dense(continuous, dtype="float32")(x)
        outputs["continuous"] = layers.Activation("sigmoid", dtype="float32", name="continuous")(x)
    return keras.Model(features, outputs, name="recognizer")
