"""The strided convolutional family of DCGAN (Radford et al. 2015, arXiv:1511.06434) as homework 4 of DLCV 2018 builds
it.

Every layer halves (or doubles) the side; the smallest map is 4x4. Images are in [0, 1] on both ends. Functions return
functional keras.Models and know no loss.
"""

import keras
from keras import layers

from tfgen import UserError

SMALLEST = 4  # side of the map between the dense layer and the convolutions


def widths(image_size, width=1.0):
    """Channels from the picture inwards, 32 doubled per halving, times `width`: [32, 64, 128, 256] for 64x64.

    Args:
        image_size: side in pixels, a power of two from 8.
        width: multiplier of all channels; each is at least 1.

    Raises:
        UserError: for any other image size, or a width of 0 or less.
    """
    halvings = (image_size // SMALLEST).bit_length() - 1
    if halvings < 1 or SMALLEST << halvings != image_size:
        raise UserError(f"image_size must be a power of two from {2 * SMALLEST}, not {image_size}.")
    if width <= 0:
        raise UserError(f"width must be more than 0, not {width}.")
    return [max(1, round(32 * width * 2**i)) for i in range(halvings)]


def _activate(x, activation, batch_norm=True):
    if batch_norm:
        # The study's normalisation: decay .9, epsilon 1e-5. The convolutions before it keep their biases, as the
        # study's did.
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return activation()(x)


def _dense(units, **arguments):
    return layers.Dense(units, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02), **arguments)


def _head(units, name):
    return _dense(units, dtype="float32", name=name)  # last layers stay in float32 under mixed precision


def _leaky_relu(slope):
    return lambda: layers.LeakyReLU(negative_slope=slope)


def _upconvolution(filters):
    return layers.Conv2DTranspose(
        filters, 4, 2, "same", kernel_initializer=keras.initializers.RandomNormal(stddev=0.02)
    )


def _features(image, channels, negative_slope, batch_norm=True):
    """Convolutions k5 s2 over the picture, then flat: (B, H, W, C) -> (B, 16 * channels[-1])."""
    x = image
    for filters in channels:
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        x = layers.Conv2D(filters, 5, 2, "same", kernel_initializer=initializer)(x)
        x = _activate(x, _leaky_relu(negative_slope), batch_norm)  # side / 2
    return layers.Flatten()(x)


def _picture(code, channels, image_channels, activation):
    """Dense to 4x4, transposed convolutions k4 s2 up to the picture: (B, Z) -> (B, H, W, C) in [0, 1]."""
    x = _dense(SMALLEST * SMALLEST * channels[-1])(code)
    x = layers.Reshape((SMALLEST, SMALLEST, channels[-1]))(x)
    x = _activate(x, activation)
    for filters in reversed(channels[:-1]):
        x = _activate(_upconvolution(filters)(x), activation)  # side * 2
    x = _upconvolution(image_channels)(x)
    x = layers.Activation("tanh", dtype="float32")(x)
    return layers.Rescaling(0.5, offset=0.5, dtype="float32")(x)


def encoder(image_shape, latent_dim, width=1.0, negative_slope=0.01):
    """q(z | x): image (B, H, W, C) -> mean (B, latent_dim), log_var (B, latent_dim)."""
    image = keras.Input(image_shape, name="image")
    x = _features(image, widths(image_shape[0], width), negative_slope)
    return keras.Model(
        image, {"mean": _head(latent_dim, "mean")(x), "log_var": _head(latent_dim, "log_var")(x)}, name="encoder"
    )


def decoder(image_shape, latent_dim, width=1.0, negative_slope=0.01):
    """p(x | z): latents (B, latent_dim) -> image (B, H, W, C) in [0, 1]."""
    z = keras.Input((latent_dim,), name="z")
    return keras.Model(
        z, _picture(z, widths(image_shape[0], width), image_shape[2], _leaky_relu(negative_slope)), name="decoder"
    )


def generator(image_shape, latent_dim, code_dim=0, width=1.0):
    """Latents (B, latent_dim), with codes (B, code_dim) if code_dim > 0 -> image (B, H, W, C) in [0, 1]."""
    z = keras.Input((latent_dim,), name="z")
    codes = keras.Input((code_dim,), name="codes") if code_dim else None
    joined = layers.Concatenate()([z, codes]) if code_dim else z
    inputs = {"z": z, "codes": codes} if code_dim else z
    return keras.Model(
        inputs, _picture(joined, widths(image_shape[0], width), image_shape[2], layers.ReLU), name="generator"
    )


def discriminator(image_shape, code_dim=0, width=1.0, negative_slope=0.1, batch_norm=True, features=False):
    """Image (B, H, W, C) -> logits (B, 1).

    Args:
        image_shape: (H, W, C).
        code_dim: if more than 0, a second head: {"logits": (B, 1), "codes": (B, code_dim)}, code logits.
        width: multiplier of all channels.
        negative_slope: of the leaky ReLU.
        batch_norm: whether layers are normalised; not for a critic whose slope is penalised.
        features: whether to return what the heads read too: {"logits": (B, 1), "features": (B, F)}.
    """
    image = keras.Input(image_shape, name="image")
    x = _features(image, widths(image_shape[0], width), negative_slope, batch_norm)
    outputs = {"logits": _head(1, "logits")(x)}
    if code_dim:
        outputs["codes"] = _head(code_dim, "codes")(x)
    if features:
        outputs["features"] = x
    return keras.Model(image, outputs if len(outputs) > 1 else outputs["logits"], name="discriminator")


def recognizer(feature_dim, categories, continuous=0, width=1.0):
    """A discriminator's features (B, feature_dim) -> {"code_0": logits (B, categories[0]), ..., "continuous": (B,
    continuous) in [0, 1]}.
    """
    features = keras.Input((feature_dim,), name="features")
    x = _activate(_dense(max(1, round(128 * width)))(features), _leaky_relu(0.01))
    outputs = {f"code_{i}": _head(n, f"code_{i}")(x) for i, n in enumerate(categories)}
    if continuous:
        outputs["continuous"] = layers.Activation("sigmoid", dtype="float32", name="continuous")(
            _dense(continuous, dtype="float32")(x)
        )
    return keras.Model(features, outputs, name="recognizer")
