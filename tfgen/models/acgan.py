"""Odena et al. 2016, Conditional Image Synthesis with Auxiliary Classifier GANs (arXiv:1610.09585)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import Batch, Logs
from tfgen.models.gan import GAN, Loss
from tfgen.models.inputs import latents, told


@keras.saving.register_keras_serializable("tfgen")
class ACGAN(GAN):
    """A GAN conditioned on K binary attributes, which the discriminator also predicts.

    L_S is the adversarial loss, and L_C is the cross-entropy of the attribute head on real and generated pictures. Both
    players minimize their L_S plus L_C. The generator is conditioned on the attributes of the real batch.

    Args:
        generator: {"z": (B, Z), "codes": (B, K)} -> image (B, H, W, C) in [0, 1].
        discriminator: image -> {"logits": (B, 1), "codes": (B, K)}; both are logits.
        adversarial, prior: as for a GAN.
    """

    logs = ("d_loss", "g_loss", "aux_real", "aux_fake", "aux_accuracy_real", "aux_accuracy_fake")
    condition = "attributes"

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        adversarial: losses.AdversarialLoss | str = "non_saturating",
        prior: Callable = noise.uniform,
    ) -> None:
        super().__init__(generator, discriminator, adversarial, prior)

    @property
    def latent_dim(self) -> int:
        return self.generator.input["z"].shape[-1]

    @property
    def code_dim(self) -> int:
        """K, the number of attributes."""
        return self.generator.input["codes"].shape[-1]

    def train_step(self, data: Any) -> Logs:
        # Section 3, and the homework: both updates use the same latents and codes.
        batch, tape = self.with_fake(self.batch(data), draw=0)
        logs = self.update("discriminator", self.discriminator_loss, batch, draw=0)
        return logs | self.update("generator", self.generator_loss, batch, draw=0, tape=tape)

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """L_S + L_C on real and generated pictures. Logs both parts of L_C and the accuracy of the attribute head."""
        codes = batch["attributes"]
        real = self.discriminator(batch["image"], training=True)
        fake = self.discriminator(self.fake(batch, draw), training=True)
        adversarial = self.adversarial.discriminator(real["logits"], fake["logits"])
        aux_real, aux_fake = (losses.cross_entropy(judged["codes"], codes) for judged in (real, fake))
        logs = {
            "d_loss": adversarial,
            "aux_real": aux_real,
            "aux_fake": aux_fake,
            "aux_accuracy_real": _accuracy(real["codes"], codes),
            "aux_accuracy_fake": _accuracy(fake["codes"], codes),
        }
        return adversarial + aux_real + aux_fake, logs

    def generator_loss(self, batch: Batch, draw: int) -> Loss:
        """L_S + L_C on generated pictures. L_C on real pictures does not depend on the generator and is left out."""
        fake = self.discriminator(self.fake(batch, draw), training=True)
        adversarial = self.adversarial.generator(self.real_scores(batch), fake["logits"])
        return adversarial + losses.cross_entropy(fake["codes"], batch["attributes"]), {"g_loss": adversarial}

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        return super().judge(images, batch)["logits"]

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Generated pictures, conditioned on the attributes of the real batch; those of `with_fake`, if there are."""
        if "fake" in batch:
            return batch["fake"]
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator({"z": z, "codes": batch["attributes"]}, training=True)

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) from latents of the prior, with every combination of attributes in turn."""
        codes = (tf.range(n)[:, None] // 2 ** tf.range(self.code_dim)) % 2
        return self.generate(self.sample_latents((seed, 0), 0, n), codes)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents (n, Z) and attributes in [0, 1], (n, K) or (n,) if K is 1."""
        z = latents(z, self.generator.input["z"].shape)
        codes = told(self, condition, z, "attributes (n, K), 0 or 1")
        codes = codes[:, None] if codes.shape.rank == 1 else codes
        if codes.shape[-1] != self.code_dim:
            raise UserError(
                f"this ACGAN has {self.code_dim} attributes: pass them with the shape (n, {self.code_dim})."
            )
        return self.generator({"z": z, "codes": codes}, training=False)


def _accuracy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.cast(tf.equal(logits > 0.0, targets > 0.5), tf.float32))
