"""Larsen et al. 2015, Autoencoding beyond pixels using a learned similarity metric (arXiv:1512.09300)."""

from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import Batch, Logs
from tfgen.models.vae import VAE, Loss


@keras.saving.register_keras_serializable("tfgen")
class VAEGAN(VAE):
    """A VAE whose likelihood is of a discriminator's features in the place of pixels, and whose decoder is a GAN's
    generator.

    Three players, each with its own share of three terms (algorithm 1): the encoder minimises L_prior + L_features, the
    decoder gamma * L_features - L_GAN, the discriminator L_GAN. L_features is -log N(features of x; features of x', I)
    but for its constant.

    Args:
        encoder, decoder: as of a VAE.
        discriminator: image -> {"logits": (B, 1), "features": (B, F)}.
        adversarial: AdversarialLoss that stands for L_GAN; reconstructions and decoded draws of the prior are its
            generated pictures.
        gamma: weight of the decoder's L_features, a sum over all F.
    """

    players = {"encoder": ("encoder",), "decoder": ("decoder",), "discriminator": ("discriminator",)}
    logs = ("reconstruction", "kl", "g_loss", "d_loss")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        adversarial: losses.AdversarialLoss | str = "non_saturating",
        gamma: float = 1e-5,
    ) -> None:
        super().__init__(encoder, decoder, kl_weight=1.0)
        self.discriminator = discriminator
        self.adversarial = losses.adversarial(adversarial)
        if self.adversarial.relativistic:
            raise UserError(
                "a VAEGAN has two generated pictures to a real one: choose another loss than a relativistic one."
            )
        self.gamma = gamma

    def train_step(self, data: Any) -> Logs:
        batch = self.batch(data)
        logs = self.update("encoder", self.encoder_loss, batch, draw=0)
        logs |= self.update("decoder", self.decoder_loss, batch, draw=0)
        return logs | self.update("discriminator", self.discriminator_loss, batch, draw=0)

    def encoder_loss(self, batch: Batch, draw: int) -> Loss:
        """L_prior + L_features: (scalar, {"reconstruction", "kl"}), in nats.

        No judgement of the discriminator's reaches the encoder.
        """
        code, images = self.decode_sample(batch, draw)
        reconstruction = losses.gaussian_nll(self.judge(batch["image"])["features"], self.judge(images)["features"])
        kl = self.divergence(code)
        return reconstruction + kl, {"reconstruction": reconstruction, "kl": kl}

    def decoder_loss(self, batch: Batch, draw: int) -> Loss:
        """gamma * L_features - L_GAN: (scalar, {"g_loss"})."""
        reconstructed = self.judge(self.decode_sample(batch, draw)[1])
        generated = self.judge(self.fake(batch, draw))
        reconstruction = losses.gaussian_nll(self.judge(batch["image"])["features"], reconstructed["features"])
        loss = self.adversarial.generator(None, tf.concat([reconstructed["logits"], generated["logits"]], axis=0))
        return self.gamma * reconstruction + loss, {"g_loss": loss}

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """L_GAN: (scalar, {"d_loss"}).

        Both kinds of generated pictures together weigh as much as the real, as in the authors' code.
        """
        real = self.judge(batch["image"])["logits"]
        fake = [self.judge(images)["logits"] for images in (self.decode_sample(batch, draw)[1], self.fake(batch, draw))]
        loss = self.adversarial.discriminator(real, tf.concat(fake, axis=0))
        return loss, {"d_loss": loss}

    def judge(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the discriminator makes of pictures of one kind, with batch statistics of their own."""
        return self.discriminator(images, training=True)

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """As many pictures decoded from the prior as the batch has real ones."""
        z = self.sample_latents(batch["key"], noise.stream(draw, 1), tf.shape(batch["image"])[0])
        return tf.cast(self.decoder(z, training=True), tf.float32)

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """L_features from one sampled code a picture, and L_prior."""
        code = self.encoder(images, training=False)
        decoded = self.decoder(self.sample_posterior(code, (self.seed, -1), 0), training=False)
        real, read = (self.discriminator(pictures, training=False)["features"] for pictures in (images, decoded))
        return {"reconstruction": losses.gaussian_nll(real, read), "kl": self.divergence(code)}
