"""Networks for short trainings: a generator that starts from a draft, and a discriminator without normalization.

The draft is a linear function of scores and codes: principal components of the training pictures, and how their mean
changes with each code. Convolutions add to it. Before training, samples are therefore those of a normal distribution
with the pictures' mean and largest covariances, or of a mixture of such distributions, and training only adds what that
lacks. `draft` sets it.

Images are in [0, 1] at both ends. Functions return functional keras.Models, independent of losses.
"""

import math
from typing import Any

import keras
import numpy as np
import scipy.stats
import tensorflow as tf
from keras import layers

from tfgen import UserError
from tfgen.networks import blocks
from tfgen.networks.blocks import ImageShape, Tensor, activate, head

NEAR_ONE = 0.95  # the draft's values are in -.95 to .95, because the tanh of no number is 1
LAST = 16  # channels of the generator's last level, at width 1
SHARPNESS = 512.0  # of the borders between clusters: of 32, five sixths of the latents choose one with .99 or more
FAR = 10.0  # a border that no latent reaches
LEAST = 64  # pictures per cluster, on average
leaky_relu = blocks.leaky_relu(0.2)


def widths(image_size: int, width: float = 1.0) -> list[int]:
    """Channels per level from the image inwards: [32, 64, 128, 256] for 64x64. See `blocks.widths`."""
    return blocks.widths(image_size, 32, width)


def enlarge(x: Tensor) -> Tensor:
    """Doubles the side by bilinear interpolation."""
    return layers.UpSampling2D(interpolation="bilinear")(x)


def generator(
    image_shape: ImageShape,
    latent_dim: int,
    code_dim: int = 0,
    width: float = 1.0,
    clusters: int = 0,
    of_each_code: bool = False,
) -> keras.Model:
    """Latents (B, latent_dim), with codes (B, code_dim) if code_dim > 0 -> image (B, H, W, C) in [0, 1].

    The draft is a linear function of scores and codes. The scores are the latents or, with clusters, those of a mixture
    of as many normal distributions: the first latent chooses one, and the others are the place in it. With
    `of_each_code`, for codes that are one-hot classes, each class has as many clusters of its own.

    The side is doubled by bilinear interpolation before convolutions k3: transposed convolutions leave a checkerboard
    for long, and repeated pixels a grid. Each level sees the draft, and adds to an image, which is enlarged for the
    next one (Karras et al. 2020, arXiv:1912.04958, section 4.1). The result is added to the draft before the tanh. The
    draft is 0 until it is set.
    """
    side, channels = blocks.smallest(image_shape[0]), widths(image_shape[0], width)
    z = keras.Input((latent_dim,), name="z")
    codes = keras.Input((code_dim,), name="codes") if code_dim else None
    scores = z
    if clusters and latent_dim < 2:
        raise UserError("latent_dim must be at least 2: the first latent chooses a cluster.")
    if clusters:
        own = of_each_code and code_dim > 1
        mixture = Mixture(clusters, code_dim if own else 1, name="mixture", trainable=False)
        scores = mixture([z, codes] if own else z)
    known = layers.Concatenate()([scores, codes]) if code_dim else scores
    drafted = layers.Dense(math.prod(image_shape), kernel_initializer="zeros", trainable=False, name="draft")(known)
    drafted = layers.Reshape(image_shape)(drafted)
    x = layers.Reshape((side, side, channels[-1]))(layers.Dense(side * side * channels[-1])(known))
    x = activate(x, leaky_relu)
    small = keras.initializers.RandomNormal(stddev=0.002)  # the first pictures are the draft
    added = None
    for filters in reversed([blocks.scaled(LAST, width), *channels[:-1]]):
        side *= 2
        factor = image_shape[0] // side
        there = layers.AveragePooling2D(factor)(drafted) if factor > 1 else drafted
        x = layers.Conv2D(filters, 3, padding="same")(layers.Concatenate()([enlarge(x), there]))
        x = activate(x, leaky_relu)
        level = layers.Conv2D(image_shape[2], 3, padding="same", kernel_initializer=small)(x)
        added = level if added is None else layers.Add()([level, enlarge(added)])
    image = blocks.tanh_image(layers.Add()([added, drafted]))
    return keras.Model({"z": z, "codes": codes} if code_dim else z, image, name="generator")


def draft(
    generator: keras.Model,
    images: np.ndarray,
    codes: np.ndarray | None = None,
    components: int | None = None,
    seed: int = 0,
) -> None:
    """Sets the draft of a generator: scores and codes -> mean + sum_i scores_i s_i u_i + sum_k (codes_k - mean_k) v_k.

    For normal scores, these are pictures from a normal distribution whose mean and largest principal components, u_i
    with the standard deviations s_i, are those of the pictures, after what the codes explain, v_k, is taken away by
    least squares. (The clusters of each code explain it themselves; all v_k are then 0.) It works on
    arctanh(.95 (2 x - 1)). The clusters, if the generator has them, are those of k-means in
    the space of the scores, each with its share, mean and covariance (Ledoit and Wolf 2004, A well-conditioned
    estimator for large-dimensional covariance matrices).

    Args:
        generator: from `generator`.
        images: (n, H, W, C) in [0, 1]; a few thousand are enough.
        codes: (n, K), if the generator takes codes.
        components: number of principal components; None, or more than there are scores, pictures or pixels, for as
            many as possible. Further latents are for what the convolutions add.
        seed: seed of the randomized decomposition and of k-means.
    """
    from sklearn.decomposition import PCA

    layer = generator.get_layer("draft")
    values = np.arctanh(NEAR_ONE * (2.0 * images.reshape(len(images), -1) - 1.0)).astype(np.float32)
    mean = values.mean(axis=0)
    values -= mean
    mixture = _mixture_of(generator)
    classes = mixture.classes if mixture else 1
    shift = np.zeros((0 if codes is None else codes.shape[1], values.shape[1]), np.float32)
    if codes is not None and classes == 1:
        mean_codes = codes.mean(axis=0)
        shift = np.linalg.lstsq(codes - mean_codes, values, rcond=None)[0].astype(np.float32)
        values -= (codes - mean_codes) @ shift
        mean = mean - mean_codes @ shift
    n = layer.kernel.shape[0] - len(shift)
    found = PCA(min(components or n, n, *values.shape), svd_solver="randomized", random_state=seed).fit(values)
    deviations = np.sqrt(found.explained_variance_)
    varied = deviations > 1e-4 * max(deviations[0], 1.0)  # others are rounding errors
    basis = np.zeros((n, values.shape[1]), np.float32)
    basis[: len(varied)][varied] = found.components_[varied] * deviations[varied, None]
    layer.set_weights([np.concatenate([basis, shift]), mean.astype(np.float32)])
    if mixture and np.any(varied):
        scores = found.transform(values)[:, varied] / deviations[varied]
        assert classes == 1 or codes is not None
        kinds = [scores] if codes is None or classes == 1 else [scores[codes[:, k] > 0.5] for k in range(classes)]
        parts = [_clusters(own, mixture.clusters, n, seed) for own in kinds]
        shares, means, factors = (np.array(part) for part in zip(*parts, strict=True))
        mixture.place(shares, means, factors)


def _clusters(scores: np.ndarray, clusters: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shares (K,), means (K, n) and factors of the covariances (K, n, n) of the clusters of scores (N, m), m <= n.

    Clusters for which there are too few pictures have a share of 0. Neighbors in the order are alike.
    """
    from sklearn.cluster import KMeans
    from sklearn.covariance import ledoit_wolf

    m = scores.shape[1]
    shares, means, factors = np.zeros(clusters), np.zeros((clusters, n)), np.tile(np.eye(n), (clusters, 1, 1))
    if not len(scores):
        return np.eye(clusters)[0], means, factors
    fitted = KMeans(max(1, min(clusters, len(scores) // LEAST)), n_init=1, random_state=seed).fit(scores)
    centers = fitted.cluster_centers_ - fitted.cluster_centers_.mean(axis=0)
    order = np.argsort(centers @ np.linalg.svd(centers, full_matrices=False)[2][0])
    for place, k in enumerate(order):
        own = scores[fitted.labels_ == k]
        if not len(own):  # fewer different pictures than clusters
            continue
        shares[place] = len(own) / len(scores)
        means[place, :m] = own.mean(axis=0)
        covariance = ledoit_wolf(own)[0] if len(own) > 1 else np.eye(m)
        factors[place, :m, :m] = np.linalg.cholesky(covariance + 1e-4 * np.eye(m))
    return shares, means, factors


@keras.saving.register_keras_serializable("tfgen")
def project(generator: keras.Model, images: tf.Tensor, codes: tf.Tensor | None = None) -> tf.Tensor:
    """The latents (B, Z) whose draft, with codes (B, K), is nearest to pictures (B, H, W, C) in [0, 1].

    They are the scores of the draft's principal components, divided by their standard deviations; those of components
    that the draft lacks are 0. With clusters, they are the place in the cluster to which a picture most likely belongs,
    and the first latent is in the middle of what chooses this cluster.
    """
    layer = generator.get_layer("draft")
    kernel, bias = (tf.convert_to_tensor(value) for value in (layer.kernel, layer.bias))
    values = tf.reshape(BeforeTanh(dtype="float32")(images), (-1, kernel.shape[1])) - bias
    if codes is not None:
        values -= tf.cast(codes, values.dtype) @ kernel[-codes.shape[-1] :]
        kernel = kernel[: -codes.shape[-1]]
    scores = tf.math.divide_no_nan(values @ tf.transpose(kernel), tf.reduce_sum(kernel**2, axis=1))
    mixture = _mixture_of(generator)
    return mixture.latents(scores, codes) if mixture else scores


def _mixture_of(generator: keras.Model) -> "Mixture | None":
    return next((layer for layer in generator.layers if isinstance(layer, Mixture)), None)


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


def encoder(image_shape: ImageShape, latent_dim: int, width: float = 1.0) -> keras.Model:
    """Image (B, H, W, C) -> {"mean": (B, latent_dim), "log_var": (B, latent_dim)}.

    Convolutions k4 s2 add to a draft of both, which is that of a normal distribution until `draft_encoder` sets it.
    """
    image = keras.Input(image_shape, name="image")
    x = blocks.to_tanh_range(image)
    for filters in widths(image_shape[0], width):
        x = activate(layers.Conv2D(filters, 4, 2, "same")(x), leaky_relu)  # side / 2
    x = layers.Flatten()(x)
    small = keras.initializers.RandomNormal(stddev=0.002)
    values = layers.Flatten()(BeforeTanh()(image))
    drafted = layers.Dense(latent_dim, kernel_initializer="zeros", trainable=False, name="draft")(values)
    outputs = {
        "mean": layers.Add()([drafted, layers.Dense(latent_dim, kernel_initializer=small)(x)]),
        "log_var": head(x, latent_dim, "log_var", kernel_initializer=small),
    }
    return keras.Model(image, outputs, name="encoder")


def draft_encoder(encoder: keras.Model, decoder: keras.Model, noise: float) -> None:
    """Sets the draft of an encoder to the posterior of its decoder's draft.

    For x = mean + sum_i z_i s_i u_i + noise e, where z and e are normal, that of z_i is normal with the variance
    noise^2 / (s_i^2 + noise^2) and the mean u_i (x - mean) s_i / (s_i^2 + noise^2). With these, the codes of the
    pictures have the mean 0 and, where s_i is much larger than the noise, the variance 1 of the prior.

    Args:
        encoder: from `encoder`.
        decoder: from `generator`, without codes; its draft is set.
        noise: standard deviation of what the draft lacks in each value before the tanh.

    Source: Tipping and Bishop 1999, Probabilistic Principal Component Analysis, eq. 6 and 7.
    """
    kernel, bias = decoder.get_layer("draft").get_weights()
    precision = np.sum(kernel**2, axis=1) + noise**2
    weights = (kernel / precision[:, None]).T
    encoder.get_layer("draft").set_weights([weights, -bias @ weights])
    log_var = encoder.get_layer("log_var")
    log_var.bias.assign(np.log(noise**2 / precision))


@keras.saving.register_keras_serializable("tfgen")
class Mixture(layers.Layer):
    """Latents (B, Z) -> scores (B, Z - 1) from a mixture of normal distributions, at first all N(0, I).

    Cluster k is chosen where z_0 is between the borders t_k-1 and t_k. Its scores are m_k + L_k (z_1, ..., z_Z-1). Near
    a border, where a sigmoid goes from 0 to 1, the scores are between those of both clusters. With classes, each class
    has its own clusters, and the input is [z, codes]: codes (B, classes) are one-hot, or weights.

    Args:
        clusters: number of normal distributions (of each class).
        classes: number of classes.
        arguments: those of a layer.
    """

    def __init__(self, clusters: int, classes: int = 1, **arguments: Any) -> None:
        super().__init__(dtype="float32", **{key: value for key, value in arguments.items() if key != "dtype"})
        self.clusters, self.classes = clusters, classes

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"clusters": self.clusters, "classes": self.classes}

    def build(self, shape: Any) -> None:
        n, kinds = (shape[0] if self.classes > 1 else shape)[-1] - 1, self.classes * self.clusters
        self.borders = self.add_weight((self.classes, self.clusters - 1), "zeros", name="borders", trainable=False)
        self.means = self.add_weight((kinds, n), "zeros", name="means", trainable=False)
        self.factors = self.add_weight((kinds, n, n), "zeros", name="factors", trainable=False)
        even = np.full((self.classes, self.clusters), 1 / self.clusters)
        self.place(even, np.zeros((kinds, n)), np.tile(np.eye(n), (kinds, 1, 1)))

    def place(self, shares: np.ndarray, means: np.ndarray, factors: np.ndarray) -> None:
        """Sets shares (classes, clusters), means m_k (classes, clusters, n), factors L_k (classes, clusters, n, n)."""
        borders = scipy.stats.norm.ppf(np.clip(np.cumsum(shares, axis=1)[:, :-1], 0, 1)).clip(-FAR, FAR)
        # In half precision, as in the page of `explore`: else it would choose others near the borders.
        self.borders.assign(borders.astype(np.float16))
        self.means.assign(np.reshape(means, self.means.shape))
        self.factors.assign(np.reshape(factors, self.factors.shape))

    def call(self, inputs: Any) -> Tensor:
        z, codes = inputs if self.classes > 1 else (inputs, None)
        z = tf.cast(z, tf.float32)
        above = tf.sigmoid(SHARPNESS * (z[:, :1, None] - self.borders))  # (B, classes, clusters - 1)
        ends = tf.zeros_like(z[:, :1, None]) + tf.zeros((self.classes, 1))
        share = tf.concat([ends + 1.0, above], axis=2) - tf.concat([above, ends], axis=2)
        if codes is not None:
            share *= tf.cast(codes, tf.float32)[:, :, None]
        kinds, n = self.means.shape
        kernel = tf.reshape(tf.transpose(self.factors, (2, 0, 1)), (n, kinds * n))
        places = tf.reshape(z[:, 1:] @ kernel, (-1, kinds, n)) + self.means
        return tf.reduce_sum(tf.reshape(share, (-1, kinds, 1)) * places, axis=1)

    def latents(self, scores: Tensor, codes: Tensor | None = None) -> Tensor:
        """The latents (B, Z) of scores (B, Z - 1): the place in the most likely cluster, and the middle of its z_0."""
        places = tf.transpose(scores - tf.expand_dims(self.means, 1), (0, 2, 1))
        places = tf.linalg.triangular_solve(tf.convert_to_tensor(self.factors), places)  # (kinds, n, B)
        ends = tf.zeros((self.classes, 1))
        below = tf.concat([ends, 0.5 + 0.5 * tf.math.erf(self.borders / 2**0.5), ends + 1.0], axis=1)
        shares, middle = (
            tf.reshape(x, [-1]) for x in (below[:, 1:] - below[:, :-1], (below[:, 1:] + below[:, :-1]) / 2)
        )
        volume = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(self.factors)), axis=1) - tf.math.log(shares)
        distance = 0.5 * tf.reduce_sum(places**2, axis=1) + volume[:, None]  # minus the log of the density
        if self.classes > 1 and codes is not None:
            distance -= tf.math.log(tf.repeat(tf.transpose(tf.cast(codes, distance.dtype)), self.clusters, axis=0))
        best = tf.argmin(distance, axis=0)
        middle = tf.gather(tf.math.ndtri(middle), best)
        return tf.concat([middle[:, None], tf.gather(tf.transpose(places, (2, 0, 1)), best, batch_dims=1)], axis=1)

    def compute_output_shape(self, shape: Any) -> tuple:
        shape = shape[0] if self.classes > 1 else shape
        return (*shape[:-1], shape[-1] - 1)


@keras.saving.register_keras_serializable("tfgen")
class BatchDeviation(layers.Layer):
    """Features (B, h, w, C) -> their standard deviation over a group of pictures, averaged: (B, h, w, 1).

    A group is four consecutive pictures, or what is left of the batch: the same groups on any number of replicas.

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


@keras.saving.register_keras_serializable("tfgen")
class BeforeTanh(layers.Layer):
    """Pictures in [0, 1] -> the values whose tanh they are, of .95 (2 x - 1), as 1 is the tanh of no number."""

    def call(self, images: Tensor) -> Tensor:
        return tf.atanh(NEAR_ONE * (2.0 * images - 1.0))

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape
