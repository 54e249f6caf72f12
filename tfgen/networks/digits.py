"""The VAE and the GAN of TensorFlow's tutorials on MNIST (cvae, dcgan), from which the digits study takes its kinds of
layers.

The tutorials' pictures are 28x28 and their decoders start from 7x7: here from a quarter of any side. Images are in [0,
1] on both ends. Functions return functional keras.Models and know no loss.
"""

import keras
from keras import layers

from tfgen.networks.bottleneck import scaled
from tfgen.networks.dcgan import widths
from tfgen.networks.dropout import Dropout


def _quarter(image_shape, width):
    widths(image_shape[0], width)  # refuses sizes and widths that do not fit
    return image_shape[0] // 4


def encoder(image_shape, latent_dim, width=1.0):
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, (B, latent_dim) each; convolutions without padding, as in
    the tutorial.
    """
    _quarter(image_shape, width)
    image = keras.Input(image_shape, name="image")
    x = layers.Conv2D(scaled(32, width), 3, 2, activation="relu")(image)
    x = layers.Conv2D(scaled(64, width), 3, 2, activation="relu")(x)
    x = layers.Flatten()(x)
    heads = {name: layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_var")}
    return keras.Model(image, heads, name="encoder")


def decoder(image_shape, latent_dim, width=1.0):
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], each value a probability."""
    side, channels = _quarter(image_shape, width), scaled(32, width)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(side * side * channels, activation="relu")(z)
    x = layers.Reshape((side, side, channels))(x)
    x = layers.Conv2DTranspose(scaled(64, width), 3, 2, "same", activation="relu")(x)
    x = layers.Conv2DTranspose(channels, 3, 2, "same", activation="relu")(x)
    x = layers.Conv2DTranspose(image_shape[2], 3, 1, "same", activation="sigmoid", dtype="float32")(x)
    return keras.Model(z, x, name="decoder")


def _normalised(x):
    return layers.LeakyReLU(negative_slope=0.3)(
        layers.BatchNormalization()(x)
    )  # Keras's defaults throughout are the tutorial's


def generator(image_shape, latent_dim, width=1.0):
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]; no layer has a bias."""
    side, channels = _quarter(image_shape, width), scaled(256, width)
    z = keras.Input((latent_dim,), name="z")
    x = _normalised(layers.Dense(side * side * channels, use_bias=False)(z))
    x = layers.Reshape((side, side, channels))(x)
    x = _normalised(layers.Conv2DTranspose(scaled(128, width), 5, 1, "same", use_bias=False)(x))
    x = _normalised(layers.Conv2DTranspose(scaled(64, width), 5, 2, "same", use_bias=False)(x))
    x = layers.Conv2DTranspose(image_shape[2], 5, 2, "same", use_bias=False)(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return keras.Model(z, layers.Rescaling(0.5, offset=0.5, dtype="float32")(x), name="generator")


def discriminator(image_shape, width=1.0):
    """Image (B, H, W, C) -> logits (B, 1)."""
    _quarter(image_shape, width)
    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(2.0, offset=-1.0)(image)  # the tutorial fed it [-1, 1]
    for channels in (64, 128):
        x = layers.Conv2D(scaled(channels, width), 5, 2, "same")(x)
        x = Dropout(0.3)(layers.LeakyReLU(negative_slope=0.3)(x))
    return keras.Model(
        image, layers.Dense(1, dtype="float32", name="logits")(layers.Flatten()(x)), name="discriminator"
    )
