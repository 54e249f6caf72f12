"""Conditional networks: conditioned on an image, to estimate its depth, or on a class."""

import keras
from keras import layers

from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, scaled
from tfgen.networks.bottleneck import (
    MIDDLE,
    THIN,
    block,
    check_activation,
    double,
    halve,
    leaky_relu,
    pointwise,
    widths,
)


def depth_generator(
    image_shape: ImageShape,
    width: float = 1.0,
    noise: bool = True,
    batch_norm: bool = False,
    dropout: bool = False,
) -> keras.Model:
    """{"image": (B, H, W, C) in [0, 1], "noise": (B, H, W, 1) in [-1, 1]} -> depth (B, H, W, 1) in [0, 1].

    An encoder down to the smallest map with 32 channels, and a decoder with skip connections from encoder layers
    of the same size.

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        noise: whether there is a noise input; otherwise {"image"} is the only input.
        batch_norm: whether to normalize all layers except the first and the last.
        dropout: whether to drop half of the values of the same layers.

    Source: figure 5 of Patrick Sullivan's notes of August 2017. The noise is only in their code.
    """
    inputs = {"image": keras.Input(image_shape, name="image")}
    x = blocks.to_tanh_range(inputs["image"])  # the study's networks work in [-1, 1]
    if noise:
        inputs["noise"] = keras.Input((*image_shape[:2], 1), name="noise")
        x = layers.Concatenate()([x, inputs["noise"]])
    channels, middle, rate = widths(image_shape[0], width), scaled(MIDDLE, width), 0.5 if dropout else 0.0
    x = block(halve(channels[0]), x, leaky_relu, False)
    skips = [x]
    for layer in [*map(halve, channels[1:]), pointwise(middle)]:
        x = block(layer, x, leaky_relu, batch_norm, rate)
        skips.append(x)
    x = block(pointwise(scaled(THIN, width)), x, leaky_relu, batch_norm, rate)  # (B, h, h, 32)
    for layer in [pointwise(middle), pointwise(channels[-1]), *map(double, reversed(channels[:-1]))]:
        x = block(layer, x, layers.ReLU, batch_norm, rate)
        x = layers.Concatenate()([x, skips.pop()])
    return keras.Model(inputs, blocks.tanh_image(double(1)(x)), name="generator")


def patch_critic(image_shape: ImageShape, width: float = 1.0, activation: str = "linear") -> keras.Model:
    """Image (B, H, W, C) -> a score for each patch (B, H / 8, W / 8, 1), rounded up.

    Args:
        image_shape: (H, W, C), where C counts the channels of image and depth together.
        width: multiplier of all channels.
        activation: activation of the scores, "linear" or "sigmoid".

    Raises:
        UserError: for another activation.

    Source: figure 6 of the same notes.
    """
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)
    for channels in (64, 128, 256):
        x = block(halve(scaled(channels, width)), x, leaky_relu, False)
    x = block(pointwise(scaled(512, width)), x, leaky_relu, False)
    scores = layers.Conv2D(1, 1, activation=check_activation(activation), dtype="float32", name="scores")(x)
    return keras.Model(image, scores, name="discriminator")


def class_generator(image_shape: ImageShape, latent_dim: int, classes: int, width: float = 1.0) -> keras.Model:
    """{"z": (B, latent_dim), "codes": (B, classes) one-hot} -> image (B, H, W, C) in [0, 1].

    Source: Keras's example conditional_gan. Its images of 28x28 start from 7x7, a quarter of the side.
    """
    side, channels = blocks.quarter(image_shape), scaled(latent_dim + classes, width)
    inputs = {"z": keras.Input((latent_dim,), name="z"), "codes": keras.Input((classes,), name="codes")}
    x = layers.Concatenate()([inputs["z"], inputs["codes"]])
    x = leaky_relu()(layers.Dense(side * side * channels)(x))
    x = layers.Reshape((side, side, channels))(x)
    for _ in range(2):
        x = leaky_relu()(layers.Conv2DTranspose(scaled(128, width), 4, 2, "same")(x))  # side * 2
    x = layers.Conv2D(image_shape[2], 7, padding="same", activation="sigmoid", dtype="float32")(x)
    return keras.Model(inputs, x, name="generator")


def class_discriminator(image_shape: ImageShape, classes: int, width: float = 1.0) -> keras.Model:
    """{"image": (B, H, W, C) in [0, 1], "codes": (B, classes) one-hot} -> logits (B, 1); each code is one more channel
    of the image.

    Source: the same example.
    """
    inputs = {"image": keras.Input(image_shape, name="image"), "codes": keras.Input((classes,), name="codes")}
    codes = layers.UpSampling2D(image_shape[:2])(layers.Reshape((1, 1, classes))(inputs["codes"]))
    x = layers.Concatenate()([inputs["image"], codes])
    for channels in (64, 128):
        x = leaky_relu()(layers.Conv2D(scaled(channels, width), 3, 2, "same")(x))  # side / 2
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, blocks.head(x, 1, "logits"), name="discriminator")
