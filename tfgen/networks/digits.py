"""The VAE and the GAN of TensorFlow's tutorials on MNIST (cvae, dcgan), with the types of layers of the digits study.

The tutorials' images are 28x28 and their decoders start from 7x7, a quarter of the side. Images are in [0, 1]
at both ends. Functions return functional keras.Models, independent of losses.
"""

import keras
from keras import layers

from tfgen.networks import blocks
from tfgen.networks.batch_norm import BatchNormalization
from tfgen.networks.blocks import ImageShape, Tensor, scaled
from tfgen.networks.dropout import Dropout


def encoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, each (B, latent_dim); convolutions without padding, as in
    the tutorial.
    """
    blocks.halvings(image_shape[0])  # raises for an invalid side
    image = keras.Input(image_shape, name="image")
    x = layers.Conv2D(scaled(32, width), 3, 2, activation="relu")(image)
    x = layers.Conv2D(scaled(64, width), 3, 2, activation="relu")(x)
    return keras.Model(image, blocks.latent_heads(layers.Flatten()(x), latent_dim), name="encoder")


def decoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], each value a probability."""
    side, channels = blocks.quarter(image_shape), scaled(32, width)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(side * side * channels, activation="relu")(z)
    x = layers.Reshape((side, side, channels))(x)
    x = layers.Conv2DTranspose(scaled(64, width), 3, 2, "same", activation="relu")(x)
    x = layers.Conv2DTranspose(channels, 3, 2, "same", activation="relu")(x)
    x = layers.Conv2DTranspose(image_shape[2], 3, 1, "same", activation="sigmoid", dtype="float32")(x)
    return keras.Model(z, x, name="decoder")


def _activate(x: Tensor) -> Tensor:
    # The tutorial uses Keras's defaults throughout, so this is not `blocks.normalize`.
    return layers.LeakyReLU(negative_slope=0.3)(BatchNormalization()(x))


def generator(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]; no layer has a bias."""
    side, channels = blocks.quarter(image_shape), scaled(256, width)
    z = keras.Input((latent_dim,), name="z")
    x = _activate(layers.Dense(side * side * channels, use_bias=False)(z))
    x = layers.Reshape((side, side, channels))(x)
    x = _activate(layers.Conv2DTranspose(scaled(128, width), 5, 1, "same", use_bias=False)(x))
    x = _activate(layers.Conv2DTranspose(scaled(64, width), 5, 2, "same", use_bias=False)(x))
    x = layers.Conv2DTranspose(image_shape[2], 5, 2, "same", use_bias=False)(x)
    return keras.Model(z, blocks.tanh_image(x), name="generator")


def discriminator(image_shape: ImageShape, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> logits (B, 1)."""
    blocks.halvings(image_shape[0])  # raises for an invalid side
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)  # the tutorial's input was in [-1, 1]
    for channels in (64, 128):
        x = layers.Conv2D(scaled(channels, width), 5, 2, "same")(x)
        x = Dropout(0.3)(layers.LeakyReLU(negative_slope=0.3)(x))
    return keras.Model(image, blocks.head(layers.Flatten()(x), 1, "logits"), name="discriminator")
