"""Chen et al. 2016, InfoGAN (arXiv:1606.03657): codes that can be recognized in the pictures."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.base import Batch, Logs
from tfgen.models.gan import GAN, Loss
from tfgen.models.inputs import given_pictures, latents, shaped_codes, told


@keras.saving.register_keras_serializable("tfgen")
class InfoGAN(GAN):
    """A GAN with codes as additional input of the generator, and a recognizer that predicts them from the picture.

    A third optimizer trains the generator and the recognizer to minimize the cross-entropy CE of the codes, which
    maximizes the bound L_I = H(c) - CE <= I(c; G(z, c)) (eq. 5). H(c) is constant: it appears in the log only.

    A continuous code has the density q = N(mean, s^2). Training minimizes its squared error, as for a fixed s. The log
    has the bound for the best s, -.5 log(2 pi e MSE) nats for each code, because H(c) = 0: .5 log(6 / (pi e)) = -.176
    if the recognizer always answers .5, ln K - .176 if it reads which of K equal parts of [0, 1] the code is in. As s
    is that of the batch, the value is 1 / 2B too high.

    Args:
        generator: {"z": (B, Z), "codes": (B, K)} -> image (B, H, W, C) in [0, 1].
        discriminator: image -> {"logits": (B, 1), "features": (B, F)}.
        recognizer: features -> {"code_0": logits (B, n_0), ..., "continuous": (B, m) in [0, 1] if m > 0}.
        adversarial: AdversarialLoss.
        categories: n_0, n_1, ...: number of values of each categorical code.
        continuous: m, the number of continuous codes, uniform in [0, 1].
        continuous_weight: weight of .5 (c - mean)^2 relative to the cross-entropy of the categorical codes. The code of
            the paper's authors has a weight of 1 for codes in [-1, 1], where squared errors are 4 times as large.
        shared_trunk: whether the recognizer's optimizer also updates the discriminator's layers up to the features, as
            in the paper, where the two networks share all convolutions.
    """

    players = {
        "discriminator": ("discriminator",),
        "generator": ("generator",),
        "recognizer": ("generator", "recognizer"),
    }
    logs: tuple[str, ...] = ("d_loss", "g_loss", "q_loss", "mutual_information")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        recognizer: keras.Model,
        adversarial: losses.AdversarialLoss | str = "non_saturating",
        categories: Sequence[int] = (10,),
        continuous: int = 0,
        continuous_weight: float = 4.0,
        shared_trunk: bool = False,
        prior: Callable = noise.uniform,
    ) -> None:
        super().__init__(generator, discriminator, adversarial, prior)
        if shared_trunk:
            self.players = self.players | {"recognizer": ("generator", "recognizer", "discriminator")}
        if continuous:
            self.logs = (*self.logs, "continuous_information")
        self.recognizer = recognizer
        self.categories = tuple(categories)
        self.continuous = continuous
        self.continuous_weight = continuous_weight
        self.shared_trunk = shared_trunk

    @property
    def latent_dim(self) -> int:
        return self.generator.input["z"].shape[-1]

    @functools.cached_property
    def beyond_features(self) -> frozenset[int]:
        """Identities of the discriminator's variables that its features do not depend on."""
        trunk = keras.Model(self.discriminator.input, self.discriminator.output["features"])
        kept = {id(variable) for variable in trunk.trainable_variables}
        return frozenset(id(variable) for variable in self.discriminator.trainable_variables) - kept

    def player_variables(self, player: str) -> list[keras.Variable]:
        variables = super().player_variables(player)
        if player != "recognizer":
            return variables
        return [variable for variable in variables if id(variable) not in self.beyond_features]

    def train_step(self, data: Any) -> Logs:
        batch = self.batch(data)
        shared, tape = self.with_fake(batch, draw=0)
        logs = self.update("discriminator", self.discriminator_loss, shared, draw=0)
        logs |= self.update("generator", self.generator_loss, shared, draw=0, tape=tape)
        # The generator has changed: the same latents give other pictures.
        return logs | self.update("recognizer", self.recognizer_loss, batch, draw=0)

    def recognizer_loss(self, batch: Batch, draw: int) -> Loss:
        """-log q(c | G(z, c)) up to constants: (scalar, logs in nats).

        "q_loss" is the categorical codes' cross-entropy, "mutual_information" the bound of all codes, and
        "continuous_information" the continuous codes' part of it.
        """
        codes = self.sample_codes(batch["key"], draw, tf.shape(batch["image"])[0])
        read = self.recognizer(self.discriminator(self.fake(batch, draw), training=True)["features"], training=True)
        *categorical, continuous = tf.split(codes, [*self.categories, self.continuous], axis=-1)
        cross_entropy = sum(
            (losses.categorical_cross_entropy(read[f"code_{i}"], code) for i, code in enumerate(categorical)),
            tf.zeros(()),
        )
        information = sum(math.log(n) for n in self.categories) - cross_entropy
        if not self.continuous:
            return cross_entropy, {"q_loss": cross_entropy, "mutual_information": information}
        loss = cross_entropy + self.continuous_weight * losses.gaussian_nll(continuous, read["continuous"])
        errors = tf.reduce_mean((continuous - tf.cast(read["continuous"], tf.float32)) ** 2, axis=0)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:  # the mean of logarithms is not the logarithm of the mean
            errors = context.all_reduce(tf.distribute.ReduceOp.MEAN, errors)
        continuous_information = -0.5 * tf.reduce_sum(tf.math.log(2 * math.pi * math.e * tf.maximum(errors, 1e-12)))
        return loss, {
            "q_loss": cross_entropy,
            "mutual_information": information + continuous_information,
            "continuous_information": continuous_information,
        }

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        return super().judge(images, batch)["logits"]

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Pictures generated from new latents and codes; those of `with_fake`, if there are."""
        if "fake" in batch:
            return batch["fake"]
        n = tf.shape(batch["image"])[0]
        inputs = {"z": self.sample_latents(batch["key"], draw, n), "codes": self.sample_codes(batch["key"], draw, n)}
        return self.generator(inputs, training=True)

    def sample_codes(self, key: Any, draw: int, n: Any) -> tf.Tensor:
        """Draws n codes (n, K): uniform one-hot categories, then continuous codes from U(0, 1)."""
        uniform = noise.unit(key, noise.stream(draw, 1), (n, len(self.categories) + self.continuous))
        drawn = [tf.one_hot(tf.cast(uniform[:, i] * size, tf.int32), size) for i, size in enumerate(self.categories)]
        return tf.concat([*drawn, uniform[:, len(self.categories) :]], axis=-1)

    def read_codes(self, images: Any) -> dict[str, tf.Tensor]:
        """The recognizer's outputs for pictures (n, H, W, C), with batch normalization in inference mode."""
        features = self.discriminator(given_pictures(images, self.image_shape), training=False)["features"]
        return self.recognizer(features, training=False)

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) from latents and codes that are drawn as in training."""
        return self.generate(self.sample_latents((seed, 0), 0, n), self.sample_codes((seed, 0), 0, n))

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents (n, Z) and codes (n, K), in the format of `sample_codes`."""
        z = latents(z, self.generator.input["z"].shape)
        codes = told(self, condition, z, "codes (n, K), as sample_codes draws them")
        codes = shaped_codes(codes, self.generator.input["codes"].shape, "codes")
        return self.generator({"z": z, "codes": codes}, training=False)
