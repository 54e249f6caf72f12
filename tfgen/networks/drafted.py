"""Networks for short trainings: a generator that starts from a draft, and a discriminator without normalization.

The draft is a linear function of the latents and codes: principal components of the training pictures, and how their
mean changes with each code. Convolutions add to it. Before training, samples are therefore those of a normal
distribution with the pictures' mean and largest covariances, and training only adds what that lacks. `draft` sets it.

Images are in [0, 1] at both ends. Functions return functional keras.Models, independent of losses.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, Tensor, activate, head

NEAR_ONE = 0.95  # the draft's values are in -.95 to .95, because the tanh of no number is 1
leaky_relu = blocks.leaky_relu(0.2)


def widths(image_size: int, width: float = 1.0) -> list[int]:
    """Channels per level from the image inwards: [32, 64, 128, 256] for 64x64. See `blocks.widths`."""
    return blocks.widths(image_size, 32, width)


def generator(image_shape: ImageShape, latent_dim: int, code_dim: int = 0, width: float = 1.0) -> keras.Model:
    """Latents (B, latent_dim), with codes (B, code_dim) if code_dim > 0 -> image (B, H, W, C) in [0, 1].

    The side is doubled by repeating pixels before convolutions k3, because transposed convolutions leave a checkerboard
    for long. The result is added to the draft before the tanh. The draft is 0 until it is set.
    """
    side, channels = blocks.smallest(image_shape[0]), widths(image_shape[0], width)
    z = keras.Input((latent_dim,), name="z")
    codes = keras.Input((code_dim,), name="codes") if code_dim else None
    given = layers.Concatenate()([z, codes]) if code_dim else z
    x = layers.Reshape((side, side, channels[-1]))(layers.Dense(side * side * channels[-1])(given))
    x = activate(x, leaky_relu)
    for filters in reversed([blocks.scaled(16, width), *channels[:-1]]):
        x = layers.Conv2D(filters, 3, padding="same")(layers.UpSampling2D()(x))  # side * 2
        x = activate(x, leaky_relu)
    small = keras.initializers.RandomNormal(stddev=0.002)  # the first pictures are the draft
    x = layers.Conv2D(image_shape[2], 3, padding="same", kernel_initializer=small)(x)
    pixels = int(np.prod(image_shape))
    drafted = layers.Dense(pixels, kernel_initializer="zeros", trainable=False, name="draft")(given)
    image = blocks.tanh_image(layers.Add()([x, layers.Reshape(image_shape)(drafted)]))
    return keras.Model({"z": z, "codes": codes} if code_dim else z, image, name="generator")


def draft(
    generator: keras.Model,
    images: np.ndarray,
    codes: np.ndarray | None = None,
    components: int = 64,
    seed: int = 0,
) -> None:
    """Sets the draft of a generator: z and codes -> mean + sum_i z_i s_i u_i + sum_k (codes_k - mean_k) v_k.

    For normal latents, these are pictures from a normal distribution whose mean and largest principal components, u_i
    with the standard deviations s_i, are those of the pictures, after what the codes explain, v_k, is taken away by
    least squares. It works on arctanh(.95 (2 x - 1)).

    Args:
        generator: from `generator`.
        images: (n, H, W, C) in [0, 1]; a few thousand are enough.
        codes: (n, K), if the generator takes codes.
        components: number of principal components, at most as many as latents. Further latents are for what the
            convolutions add.
        seed: seed of the randomized decomposition.
    """
    from sklearn.decomposition import PCA

    layer = generator.get_layer("draft")
    values = np.arctanh(NEAR_ONE * (2.0 * images.reshape(len(images), -1) - 1.0)).astype(np.float32)
    mean = values.mean(axis=0)
    values -= mean
    shift = np.zeros((0, values.shape[1]), np.float32)
    if codes is not None:
        mean_codes = codes.mean(axis=0)
        shift = np.linalg.lstsq(codes - mean_codes, values, rcond=None)[0].astype(np.float32)
        values -= (codes - mean_codes) @ shift
        mean = mean - mean_codes @ shift
    latent_dim = layer.kernel.shape[0] - len(shift)
    found = PCA(min(components, latent_dim, *values.shape), svd_solver="randomized", random_state=seed).fit(values)
    basis = np.zeros((latent_dim, values.shape[1]), np.float32)
    basis[: found.n_components_] = found.components_ * np.sqrt(found.explained_variance_)[:, None]
    layer.set_weights([np.concatenate([basis, shift]), mean.astype(np.float32)])


def discriminator(image_shape: ImageShape, code_dim: int = 0, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> logits (B, 1); with code_dim > 0 {"logits", "codes": (B, code_dim) logits}.

    Convolutions k4 s2 and the deviation of the features within groups of the batch, by which it can see that generated
    pictures are too much alike.
    """
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)
    channels = widths(image_shape[0], width)
    for filters in channels:
        x = activate(layers.Conv2D(filters, 4, 2, "same")(x), leaky_relu, batch_norm=False)  # side / 2
    x = layers.Concatenate()([x, BatchDeviation()(x)])
    x = activate(layers.Conv2D(channels[-1], 3, padding="same")(x), leaky_relu, batch_norm=False)
    x = layers.Flatten()(x)
    outputs = {"logits": head(x, 1, "logits")}
    if code_dim:
        outputs["codes"] = head(x, code_dim, "codes")
    return keras.Model(image, outputs if code_dim else outputs["logits"], name="discriminator")


@keras.saving.register_keras_serializable("tfgen")
class BatchDeviation(layers.Layer):
    """Features (B, h, w, C) -> their standard deviation over a group of pictures, averaged: (B, h, w, 1).

    A group are four consecutive pictures, or what is left of the batch: the same groups on any number of replicas.

    Source: Karras et al. 2018 (arXiv:1710.10196), section 3; groups as in their code.
    """

    GROUP = 4

    def call(self, x: Tensor) -> Tensor:
        n = tf.shape(x)[0]
        groups = tf.range(n) // self.GROUP
        x = tf.cast(x, tf.float32)

        def mean(values: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.math.segment_mean(values, groups), groups)

        deviation = tf.sqrt(mean(tf.math.squared_difference(x, mean(x))) + 1e-8)  # the root has no derivative at 0
        deviation = tf.reduce_mean(deviation, axis=[1, 2, 3], keepdims=True)
        return tf.cast(tf.broadcast_to(deviation, (n, *x.shape[1:3], 1)), self.compute_dtype)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], 1)
