"""Networks that are told something beside their latents: a picture whose depth is asked for, or a class."""

import keras
from keras import layers

from tfgen.networks.bottleneck import (
    MIDDLE,
    THIN,
    block,
    check_activation,
    double,
    halve,
    leaky_relu,
    pointwise,
    scaled,
    widths,
)


def depth_generator(image_shape, width=1.0, noise=True, batch_norm=False, dropout=False):
    """{"image": (B, H, W, C) in [0, 1], "noise": (B, H, W, 1) in [-1, 1]} -> depth (B, H, W, 1) in [0, 1].

    Down to 4x4 with 32 channels and back up, each layer's output joined by that of its size on the way down.

    Args:
        image_shape: (H, W, C).
        width: multiplier of all channels.
        noise: whether it is given noise; without it {"image"} is its only input.
        batch_norm, dropout: of every layer but the first and the last; half of the values are dropped.

    Source: figure 5 of Patrick Sullivan's notes of August 2017. The noise is in their code only.
    """
    inputs = {"image": keras.Input(image_shape, name="image")}
    x = layers.Rescaling(2.0, offset=-1.0)(inputs["image"])  # the study's networks work in [-1, 1]
    if noise:
        inputs["noise"] = keras.Input((*image_shape[:2], 1), name="noise")
        x = layers.Concatenate()([x, inputs["noise"]])
    channels, middle, rate = widths(image_shape[0], width), scaled(MIDDLE, width), 0.5 if dropout else 0.0
    x = block(halve(channels[0]), x, leaky_relu, False)
    skips = [x]
    for layer in [*map(halve, channels[1:]), pointwise(middle)]:
        x = block(layer, x, leaky_relu, batch_norm, rate)
        skips.append(x)
    x = block(pointwise(scaled(THIN, width)), x, leaky_relu, batch_norm, rate)  # (B, 4, 4, 32)
    for layer in [pointwise(middle), pointwise(channels[-1]), *map(double, reversed(channels[:-1]))]:
        x = block(layer, x, layers.ReLU, batch_norm, rate)
        x = layers.Concatenate()([x, skips.pop()])
    x = layers.Activation("tanh", dtype="float32")(double(1)(x))
    return keras.Model(inputs, layers.Rescaling(0.5, offset=0.5, dtype="float32")(x), name="generator")


def patch_critic(image_shape, width=1.0, activation="linear"):
    """Picture (B, H, W, C) -> a score for each patch (B, H / 8, W / 8, 1).

    Args:
        image_shape: (H, W, C), its channels those of picture and depth together.
        width: multiplier of all channels.
        activation: "linear" or "sigmoid", of the scores.

    Source: figure 6 of the same notes.
    """
    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(2.0, offset=-1.0)(image)
    for channels in (64, 128, 256):
        x = block(halve(scaled(channels, width)), x, leaky_relu, False)
    x = block(pointwise(scaled(512, width)), x, leaky_relu, False)
    scores = layers.Conv2D(1, 1, activation=check_activation(activation), dtype="float32", name="scores")(x)
    return keras.Model(image, scores, name="discriminator")


def class_generator(image_shape, latent_dim, classes, width=1.0):
    """{"z": (B, latent_dim), "codes": (B, classes) one-hot} -> image (B, H, W, C) in [0, 1].

    Source: Keras's example conditional_gan, whose 28x28 pictures start from 7x7: here from a quarter of any side.
    """
    widths(image_shape[0], width)  # refuses sizes and widths that do not fit
    inputs = {"z": keras.Input((latent_dim,), name="z"), "codes": keras.Input((classes,), name="codes")}
    side, channels = image_shape[0] // 4, scaled(latent_dim + classes, width)
    x = layers.Concatenate()([inputs["z"], inputs["codes"]])
    x = leaky_relu()(layers.Dense(side * side * channels)(x))
    x = layers.Reshape((side, side, channels))(x)
    for _ in range(2):
        x = leaky_relu()(layers.Conv2DTranspose(scaled(128, width), 4, 2, "same")(x))  # side * 2
    x = layers.Conv2D(image_shape[2], 7, padding="same", activation="sigmoid", dtype="float32")(x)
    return keras.Model(inputs, x, name="generator")


def class_discriminator(image_shape, classes, width=1.0):
    """{"image": (B, H, W, C) in [0, 1], "codes": (B, classes) one-hot} -> logits (B, 1); each code is one more channel
    of the picture.

    Source: the same example.
    """
    inputs = {"image": keras.Input(image_shape, name="image"), "codes": keras.Input((classes,), name="codes")}
    codes = layers.UpSampling2D(image_shape[:2])(layers.Reshape((1, 1, classes))(inputs["codes"]))
    x = layers.Concatenate()([inputs["image"], codes])
    for channels in (64, 128):
        x = leaky_relu()(layers.Conv2D(scaled(channels, width), 3, 2, "same")(x))  # side / 2
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(1, dtype="float32", name="logits")(x), name="discriminator")
