"""Gulrajani et al. 2017, Improved Training of Wasserstein GANs (arXiv:1704.00028)."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.base import Batch
from tfgen.models.gan import GAN, Loss


@keras.saving.register_keras_serializable("tfgen")
class WGANGP(GAN):
    """A Wasserstein GAN whose critic is held to slope 1 by a penalty.

    Args:
        generator, discriminator: as of a GAN; the critic without batch normalization, its scores unbounded.
        gp_weight: lambda.
        prior: what latents are drawn from.
        d_steps, g_steps: steps of the critic and of the generator.
        penalty: (critic, real, fake, mix, input_scale) -> scalar.
        mix_per_image: one point a segment, as in section 4, or one fraction for the whole batch.
        input_scale: factor by which the critic rescales its input; the slope is taken in the critic's own range.
    """

    logs = ("d_loss", "g_loss", "wasserstein", "gradient_penalty")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        gp_weight: float = 10.0,
        prior: Callable = noise.normal,
        d_steps: int = 5,
        g_steps: int = 1,
        penalty: Callable = losses.gradient_penalty,
        mix_per_image: bool = True,
        input_scale: float = 1.0,
    ) -> None:
        super().__init__(generator, discriminator, "wasserstein", prior, d_steps, g_steps)
        self.gp_weight = gp_weight
        self.penalty = penalty
        self.mix_per_image = mix_per_image
        self.input_scale = input_scale

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """Algorithm 1, lines 4 to 8: E[D(fake)] - E[D(real)] + lambda * penalty; d_loss is without the penalty."""
        real, fake = batch["image"], self.fake(batch, draw)
        loss = self.adversarial.discriminator(self.judge(real, batch), self.judge(fake, batch))
        penalty = self.penalty(
            lambda images: self.judge(images, batch), real, fake, self.mix(batch, draw), self.input_scale
        )
        return loss + self.gp_weight * penalty, {"d_loss": loss, "wasserstein": -loss, "gradient_penalty": penalty}

    def mix(self, batch: Batch, draw: int) -> tf.Tensor:
        """Where on the segments from real to fake the slope is taken: (B, 1, 1, 1) in [0, 1]."""
        n, stream = tf.shape(batch["image"])[0], noise.stream(draw, 1)
        return (
            noise.unit(batch["key"], stream, (n, 1, 1, 1))
            if self.mix_per_image
            else tf.fill((n, 1, 1, 1), noise.one(batch["key"], stream))
        )
