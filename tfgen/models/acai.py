"""Berthelot et al. 2018, Improving Interpolation in Autoencoders via an Adversarial Regularizer (arXiv:1807.07543)."""

from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.autoencoder import Autoencoder
from tfgen.models.base import Batch, GenerativeModel, Logs

Loss = tuple[tf.Tensor, Logs]


@keras.saving.register_keras_serializable("tfgen")
class ACAI(Autoencoder, GenerativeModel):
    """An autoencoder trained so that mixtures of two codes decode to pictures that look unmixed.

    The critic d predicts the smaller mixing weight alpha from a decoded mixture x_alpha, and 0 for pictures that are
    not mixtures (eq. 2). Encoder and decoder minimize the squared error + adv_weight * E[d(x_alpha)^2] (eq. 3).

    Args:
        encoder: image (B, H, W, C) -> code (B, h, w, c).
        decoder: code -> image (B, H, W, C), approximately in [0, 1].
        discriminator: image -> alpha (B, 1), unbounded.
        adv_weight: lambda, the weight of the regularizer relative to the squared error of pictures in [-1, 1].
        gamma: share of the picture in its average with its reconstruction, for which the critic must predict 0.
    """

    has_prior = False
    players = {"discriminator": ("discriminator",), "encoder_decoder": ("encoder", "decoder")}
    logs = ("d_loss", "reconstruction", "regularizer")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        adv_weight: float = 0.5,
        gamma: float = 0.2,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.discriminator = discriminator
        self.adv_weight = adv_weight
        self.gamma = gamma

    def train_step(self, data: Any) -> Logs:
        batch = self.batch(data)
        logs = self.update("discriminator", self.discriminator_loss, batch, draw=0)
        return logs | self.update("encoder_decoder", self.encoder_decoder_loss, batch, draw=0)

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """Eq. 2: E[(d(x_alpha) - alpha)^2] + E[d(gamma x + (1 - gamma) x')^2]."""
        images, codes = batch["image"], self.codes(batch)
        alpha = self.sample_alpha(batch, draw)
        unmixed = self.gamma * images + (1.0 - self.gamma) * self.decoded(codes)
        loss = losses.mean_squared_error(alpha[:, 0, 0], self.judge(self.decoded(mix(codes, alpha))))
        loss += tf.reduce_mean(self.judge(unmixed) ** 2)
        return loss, {"d_loss": loss}

    def encoder_decoder_loss(self, batch: Batch, draw: int) -> Loss:
        """Eq. 3. `reconstruction` is logged in [0, 1]."""
        codes = self.codes(batch)
        reconstruction = losses.mean_squared_error(batch["image"], self.decoded(codes))
        mixed = self.decoded(mix(codes, self.sample_alpha(batch, draw)))
        regularizer = tf.reduce_mean(self.judge(mixed) ** 2)
        # The paper's pictures are in [-1, 1]: a squared error is four times what it is in [0, 1].
        return 4.0 * reconstruction + self.adv_weight * regularizer, {
            "reconstruction": reconstruction,
            "regularizer": regularizer,
        }

    def codes(self, batch: Batch) -> tf.Tensor:
        """Codes (B, h, w, c) of the batch's pictures, float32 as are the outputs of all three networks here."""
        return tf.cast(self.encoder(batch["image"], training=True), tf.float32)

    def decoded(self, codes: tf.Tensor) -> tf.Tensor:
        """Pictures (B, H, W, C) of codes (B, h, w, c)."""
        return tf.cast(self.decoder(codes, training=True), tf.float32)

    def judge(self, images: tf.Tensor) -> tf.Tensor:
        """The critic's estimate (B, 1) of the weight of the lesser code in pictures (B, H, W, C)."""
        return tf.cast(self.discriminator(images, training=True), tf.float32)

    def sample_alpha(self, batch: Batch, draw: int) -> tf.Tensor:
        """Draws the smaller mixing weights (B, 1, 1, 1), uniform in [0, .5]."""
        uniform = noise.unit(batch["key"], noise.stream(draw, 1), (tf.shape(batch["image"])[0], 1, 1, 1))
        return 0.5 - tf.abs(uniform - 0.5)

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """The squared error of the reconstructions, for values in [0, 1]."""
        return {"reconstruction": losses.mean_squared_error(images, self.call(images))}

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Raises UserError, because the distribution of the codes is unknown."""
        raise UserError("ACAI has no prior to sample: mix the codes of two pictures, as `latents.interpolate` does.")


def mix(codes: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Mixes each code with a partner's: alpha * code + (1 - alpha) * partner, (B, h, w, c).

    Partners are neighbors in the batch, which has a random order; the last of an odd number is its own partner. The
    authors reverse the batch, but the reversed part of a replica would have different pairs than the whole batch; pairs
    of neighbors stay together.
    """
    n = tf.shape(codes)[0]
    partner = tf.minimum(tf.bitwise.bitwise_xor(tf.range(n), 1), n - 1)
    return alpha * codes + (1.0 - alpha) * tf.gather(codes, partner)
