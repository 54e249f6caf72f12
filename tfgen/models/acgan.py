"""Odena et al. 2016, Conditional Image Synthesis with Auxiliary Classifier GANs (arXiv:1610.09585)."""

import tensorflow as tf

from tfgen import losses
from tfgen.models.gan import GAN


class ACGAN(GAN):
    """A GAN whose discriminator also reads K binary attributes, and whose generator is told them.

    L_S is the adversarial loss, L_C the cross-entropy of the attribute head on real and on generated pictures: both
    players minimise their L_S plus L_C. The codes given to the generator are the real batch's attributes.

    Args:
        generator: {"z": (B, Z), "codes": (B, K)} -> image (B, H, W, C) in [0, 1].
        discriminator: image -> {"logits": (B, 1), "codes": (B, K)}, both logits.
        adversarial: AdversarialLoss.
    """

    logs = ("d_loss", "g_loss", "aux_real", "aux_fake", "aux_accuracy_real", "aux_accuracy_fake")

    @property
    def latent_dim(self):
        return self.generator.input["z"].shape[-1]

    def train_step(self, batch):
        # Section 3, and the homework: the generator answers for the same latents and codes that its discriminator has
        # just judged.
        logs = self.update("discriminator", self.discriminator_loss, batch, draw=0)
        return logs | self.update("generator", self.generator_loss, batch, draw=0)

    def discriminator_loss(self, batch, draw):
        """L_S + L_C on real and generated pictures; logs both halves of L_C and how often the attribute is read
        rightly.
        """
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

    def generator_loss(self, batch, draw):
        """L_S + L_C on generated pictures. L_C on real ones is constant in the generator and left out."""
        fake = self.discriminator(self.fake(batch, draw), training=True)
        adversarial = self.adversarial.generator(fake["logits"])
        return adversarial + losses.cross_entropy(fake["codes"], batch["attributes"]), {"g_loss": adversarial}

    def fake(self, batch, draw):
        """Pictures generated for the real batch's attributes."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator({"z": z, "codes": batch["attributes"]}, training=True)

    def generate(self, z, codes):
        """Pictures (n, H, W, C) of latents (n, Z) and codes (n, K) in {0, 1}, batch normalization in inference mode."""
        return self.generator({"z": z, "codes": tf.convert_to_tensor(codes)}, training=False)


def _accuracy(logits, targets):
    return tf.reduce_mean(tf.cast(tf.equal(logits > 0.0, targets > 0.5), tf.float32))
