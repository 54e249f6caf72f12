"""Larsen et al. 2015, Autoencoding beyond pixels using a learned similarity metric (arXiv:1512.09300)."""

from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import Batch, Logs
from tfgen.models.vae import VAE, Loss


@keras.saving.register_keras_serializable("tfgen")
class VAEGAN(VAE):
    """A VAE with a likelihood of a discriminator's features instead of pixels, and a decoder that is a GAN's generator.

    Three players minimize combinations of three terms (algorithm 1): the encoder L_prior + L_features, the decoder
    gamma * L_features - L_GAN, and the discriminator L_GAN. L_features is -log N(features of x; features of x', I)
    without its constant.

    As in the authors' code, real and generated pictures pass the discriminator together. With batch statistics of their
    own, a batch of reconstructions of half the brightness or contrast would have the features of the real pictures.

    Args:
        encoder, decoder: as for a VAE.
        discriminator: image -> {"logits": (B, 1), "features": (B, F)}.
        adversarial: AdversarialLoss used for L_GAN; its generated pictures are reconstructions and pictures decoded
            from the prior.
        gamma: weight of L_features, a sum over all F, in the decoder's loss.
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
                "a VAEGAN has two generated pictures for each real one, so its loss cannot be relativistic: choose "
                "another loss."
            )
        self.gamma = gamma

    def train_step(self, data: Any) -> Logs:
        batch = self.batch(data)
        logs = self.update("encoder", self.encoder_loss, batch, draw=0)
        logs |= self.update("decoder", self.decoder_loss, batch, draw=0)
        return logs | self.update("discriminator", self.discriminator_loss, batch, draw=0)

    def encoder_loss(self, batch: Batch, draw: int) -> Loss:
        """L_prior + L_features: (scalar, {"reconstruction", "kl"}), in nats.

        The encoder does not receive L_GAN.
        """
        code, images = self.decode_sample(batch, draw)
        reconstruction, kl = self.feature_error(batch["image"], images), self.divergence(code)
        return reconstruction + kl, {"reconstruction": reconstruction, "kl": kl}

    def decoder_loss(self, batch: Batch, draw: int) -> Loss:
        """gamma * L_features - L_GAN: (scalar, {"g_loss"})."""
        reconstructed, generated = self.decode_sample(batch, draw)[1], self.fake(batch, draw)
        _, *fake = self.judge(batch["image"], reconstructed, generated)["logits"]
        loss = self.adversarial.generator(None, tf.concat(fake, axis=0))
        return self.gamma * self.feature_error(batch["image"], reconstructed) + loss, {"g_loss": loss}

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """L_GAN: (scalar, {"d_loss"}).

        Both kinds of generated pictures together have the same weight as the real ones, as in the authors' code.
        """
        reconstructed, generated = self.decode_sample(batch, draw)[1], self.fake(batch, draw)
        real, *fake = self.judge(batch["image"], reconstructed, generated)["logits"]
        loss = self.adversarial.discriminator(real, tf.concat(fake, axis=0))
        return loss, {"d_loss": loss}

    def feature_error(self, real: tf.Tensor, reconstructed: tf.Tensor) -> tf.Tensor:
        """L_features (scalar, nats), with batch statistics of the real pictures and their reconstructions."""
        return losses.gaussian_nll(*self.judge(real, reconstructed)["features"])

    def judge(self, *kinds: tf.Tensor) -> dict[str, list[tf.Tensor]]:
        """The discriminator's outputs for several kinds of pictures, each (B, H, W, C), with common batch statistics.

        Returns:
            {"logits": one (B, 1) for each kind, "features": one (B, F) for each kind}.
        """
        outputs = self.discriminator(tf.concat(kinds, axis=0), training=True)
        return {name: tf.split(output, len(kinds)) for name, output in outputs.items()}

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Pictures decoded from the prior, as many as there are real ones in the batch."""
        z = self.sample_latents(batch["key"], noise.stream(draw, 1), tf.shape(batch["image"])[0])
        return tf.cast(self.decoder(z, training=True), tf.float32)

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """L_features from one sampled code per picture, and L_prior."""
        code = self.encoder(images, training=False)
        decoded = self.decoder(self.sample_posterior(code, (self.seed, -1), 0), training=False)
        real, read = (self.discriminator(pictures, training=False)["features"] for pictures in (images, decoded))
        return {"reconstruction": losses.gaussian_nll(real, read), "kl": self.divergence(code)}
