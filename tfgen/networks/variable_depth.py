"""The networks of the CSI5340 study's draft: one convolution k3 s2 more or less is one of depth, and their widths
double with it.

Where the way back from the latents goes beyond the picture's side, convolutions that halve end it. Images are in [0, 1]
on both ends. Functions return functional keras.Models and know no loss.
"""

import keras
from keras import layers

from tfgen import UserError
from tfgen.networks import dcgan


def widths(image_size, depth, width=1.0):
    """Channels from the picture inwards, 32 doubled per layer, times `width`: [32, 64, 128, 256, 512] for depth 5.

    Args:
        image_size: side in pixels, a power of two from 8.
        depth: number of layers, from 1 to one more than the picture has halvings: 5 for 16x16, 6 for 32x32.
        width: multiplier of all channels; each is at least 1.

    Raises:
        UserError: for any of them out of its range.
    """
    dcgan.widths(image_size, width)  # refuses sizes and widths
    deepest = image_size.bit_length()  # there the decoder starts at 1x1
    if not 1 <= depth <= deepest:
        raise UserError(f"depth must be from 1 to {deepest} for pictures of {image_size}x{image_size}, not {depth}.")
    return [max(1, round(32 * width * 2**i)) for i in range(depth)]


def _normalise(x, **arguments):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **arguments)(x)


def _halve(filters, **arguments):
    return layers.Conv2D(filters, 3, 2, "same", **arguments)


def _double(filters, **arguments):
    return layers.Conv2DTranspose(filters, 3, 2, "same", **arguments)


def _normal(mean=0.0):
    # The study draws the gains of batch normalization about 0 like the kernels; about 1 is DCGAN's way, which it
    # follows.
    return keras.initializers.RandomNormal(mean, 0.02)


def _range(x):
    x = layers.Activation("tanh", dtype="float32")(x)
    return layers.Rescaling(0.5, offset=0.5, dtype="float32")(x)


def encoder(image_shape, latent_dim, depth=5, width=1.0):
    """q(z | x): image (B, H, W, C) -> {"mean", "log_var"}, (B, latent_dim) each.

    The study's second head was sigma without a bound, whose logarithm has no floor at 0: here it is the variance's
    logarithm.
    """
    image = keras.Input(image_shape, name="image")
    channels = widths(image_shape[0], depth, width)
    x = layers.Rescaling(2.0, offset=-1.0)(image)  # the study fed it [-1, 1]
    for filters in channels:
        x = layers.ReLU()(_normalise(_halve(filters)(x)))  # side / 2, not below 1
    x = layers.Dense(channels[-1], activation="relu")(layers.Flatten()(x))
    heads = {name: layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_var")}
    return keras.Model(image, heads, name="encoder")


def decoder(image_shape, latent_dim, depth=5, width=1.0):
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1], through a map of twice its side."""
    channels = widths(image_shape[0], depth, width)
    side = 2 * image_shape[0] >> depth
    z = keras.Input((latent_dim,), name="z")
    x = layers.Reshape((side, side, channels[-1]))(layers.Dense(side * side * channels[-1])(z))
    for filters in [*reversed(channels[:-1]), channels[0]]:
        x = layers.ReLU()(_normalise(_double(filters)(x)))  # side * 2
    return keras.Model(z, _range(_halve(image_shape[2])(x)), name="decoder")


def generator(image_shape, latent_dim, depth=5, width=1.0):
    """Latents (B, latent_dim) -> image (B, H, W, C) in [0, 1].

    From 1x1 depth + 1 layers double the side, the last down to the picture's channels; more of that width then bring it
    to its size.
    """
    channels = widths(image_shape[0], depth, width)
    missing = image_shape[0].bit_length() - 1 - (depth + 1)
    doublings = [*reversed(channels), *[image_shape[2]] * (1 + max(missing, 0))]
    halvings = [image_shape[2]] * max(-missing, 0)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Reshape((1, 1, latent_dim))(z)
    for i, (layer, filters) in enumerate([(_double, n) for n in doublings] + [(_halve, n) for n in halvings]):
        if i:
            x = layers.ReLU()(_normalise(x, gamma_initializer=_normal(1.0)))
        x = layer(filters, kernel_initializer=_normal())(x)
    return keras.Model(z, _range(x), name="generator")


def discriminator(image_shape, depth=5, width=1.0):
    """Image (B, H, W, C) -> logits (B, 1), unbounded: the first and the last convolution without batch normalization."""
    image = keras.Input(image_shape, name="image")
    channels = widths(image_shape[0], depth, width)
    x = layers.Rescaling(2.0, offset=-1.0)(image)
    for i, filters in enumerate(channels):
        x = _halve(filters, kernel_initializer=_normal())(x)  # side / 2, not below 1
        if 0 < i < depth - 1:
            x = _normalise(x, gamma_initializer=_normal(1.0))
        x = layers.LeakyReLU(negative_slope=0.2)(x)
    return keras.Model(
        image, layers.Dense(1, dtype="float32", name="logits")(layers.Flatten()(x)), name="discriminator"
    )
