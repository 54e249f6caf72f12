"""Mirza and Osindero 2014, Conditional Generative Adversarial Nets (arXiv:1411.1784)."""

from typing import Any

import keras
import tensorflow as tf

from tfgen.models.base import Batch
from tfgen.models.gan import GAN
from tfgen.models.inputs import latents, one_hot, shaped_codes, told


@keras.saving.register_keras_serializable("tfgen")
class CGAN(GAN):
    """A GAN with both networks conditioned on the class.

    This is the game of eq. 2, D(x | y) against G(z | y), where y are the one-hot labels of the real batch.

    Args:
        generator: {"z": (B, Z), "codes": (B, K) one-hot} -> image (B, H, W, C) in [0, 1].
        discriminator: {"image": (B, H, W, C), "codes": (B, K)} -> logits (B, 1).
        adversarial, prior, d_steps, g_steps, readings: as for a GAN.
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
        """The one-hot labels (B, K) of the batch. See `one_hot`."""
        return self.one_hot(batch["label"])

    def one_hot(self, labels: tf.Tensor) -> tf.Tensor:
        """Labels (n,) as codes (n, K). See `inputs.one_hot`."""
        return one_hot(labels, self.classes)

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        return self.discriminator({"image": images, "codes": self.codes(batch)}, training=True)

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Generated pictures, conditioned on the labels of the real batch."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator({"z": z, "codes": self.codes(batch)}, training=True)

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) from latents of the prior, with the classes 0, 1, ... in turn."""
        return self.generate(self.sample_latents((seed, 0), 0, n), tf.range(n) % self.classes)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents (n, Z) and labels (n,), or one-hot or mixed codes (n, K)."""
        z = latents(z, self.generator.input["z"].shape)
        codes = told(self, condition, z, "labels (n,) or codes (n, K)")
        codes = self.one_hot(codes) if codes.shape.rank == 1 else codes
        codes = shaped_codes(codes, self.generator.input["codes"].shape, "codes")
        return self.generator({"z": z, "codes": codes}, training=False)
