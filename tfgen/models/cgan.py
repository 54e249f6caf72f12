"""Mirza and Osindero 2014, Conditional Generative Adversarial Nets (arXiv:1411.1784)."""

from typing import Any

import keras
import tensorflow as tf

from tfgen.models.base import Batch
from tfgen.models.gan import GAN
from tfgen.models.inputs import told


@keras.saving.register_keras_serializable("tfgen")
class CGAN(GAN):
    """A GAN both of whose networks are told the class.

    The game of eq. 2, D(x | y) against G(z | y), y the real batch's labels one-hot.

    Args:
        generator: {"z": (B, Z), "codes": (B, K) one-hot} -> image (B, H, W, C) in [0, 1].
        discriminator: {"image": (B, H, W, C), "codes": (B, K)} -> logits (B, 1).
        adversarial, prior, d_steps, g_steps, readings: as of a GAN.
    """

    condition = "label"

    @property
    def latent_dim(self) -> int:
        return self.generator.input["z"].shape[-1]

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return self.generator.input["codes"].shape[-1]

    def codes(self, batch: Batch) -> tf.Tensor:
        """The batch's labels one-hot (B, K)."""
        return tf.one_hot(batch["label"], self.classes)

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        return self.discriminator({"image": images, "codes": self.codes(batch)}, training=True)

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Pictures generated for the real batch's labels."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator({"z": z, "codes": self.codes(batch)}, training=True)

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """n pictures (n, H, W, C) of latents from the prior, their classes 0, 1, ... in turn."""
        return self.generate(self.sample_latents((seed, 0), 0, n), tf.range(n) % self.classes)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Pictures (n, H, W, C) of latents (n, Z) and labels (n,), or codes (n, K), one-hot or mixed."""
        codes = told(self, condition, "labels (n,) or codes (n, K)")
        codes = tf.one_hot(tf.cast(codes, tf.int32), self.classes) if codes.shape.rank == 1 else codes
        return self.generator({"z": z, "codes": codes}, training=False)
