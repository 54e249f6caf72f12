"""Mirza and Osindero 2014, Conditional Generative Adversarial Nets (arXiv:1411.1784)."""

import tensorflow as tf

from tfgen import UserError
from tfgen.models.gan import GAN


class CGAN(GAN):
    """A GAN both of whose networks are told the class: the game of eq. 2, D(x | y) against G(z | y), y the real batch's
    labels one-hot.

    Args:
        generator: {"z": (B, Z), "codes": (B, K) one-hot} -> image (B, H, W, C) in [0, 1].
        discriminator: {"image": (B, H, W, C), "codes": (B, K)} -> logits (B, 1).
        adversarial, prior, d_steps, g_steps, readings: as of a GAN.
    """

    @property
    def latent_dim(self):
        return self.generator.input["z"].shape[-1]

    @property
    def classes(self):
        return self.generator.input["codes"].shape[-1]

    def codes(self, batch):
        """The batch's labels one-hot (B, K)."""
        if "label" not in batch:
            raise UserError(
                "a CGAN is told the class of every picture, and this data set has none: train on digits or mnist."
            )
        return tf.one_hot(batch["label"], self.classes)

    def judge(self, images, batch):
        return self.discriminator({"image": images, "codes": self.codes(batch)}, training=True)

    def fake(self, batch, draw):
        """Pictures generated for the real batch's labels."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator({"z": z, "codes": self.codes(batch)}, training=True)

    def sample(self, key, n):
        """n pictures (n, H, W, C) of latents from the prior, their classes 0, 1, ... in turn."""
        return self.generate(self.sample_latents(key, 0, n), tf.one_hot(tf.range(n) % self.classes, self.classes))

    def generate(self, z, codes):
        """Pictures (n, H, W, C) of latents (n, Z) and codes (n, K), one-hot or between, batch normalization in
        inference mode.
        """
        return self.generator({"z": z, "codes": tf.convert_to_tensor(codes)}, training=False)
