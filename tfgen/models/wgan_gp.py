"""Gulrajani et al. 2017, Improved Training of Wasserstein GANs (arXiv:1704.00028)."""

from collections.abc import Callable

import keras
import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.base import Batch
from tfgen.models.gan import GAN, Loss


@keras.saving.register_keras_serializable("tfgen")
class WGANGP(GAN):
    """A Wasserstein GAN with a gradient penalty that drives the norm of the critic's gradient to 1.

    Args:
        generator, discriminator: as for a GAN; the critic has no batch normalization and unbounded scores.
        gp_weight: lambda, the weight of the penalty.
        prior: distribution of the latents.
        d_steps, g_steps: number of steps of the critic and of the generator.
        penalty: (critic, real, fake, mix, input_scale) -> scalar.
        mix_per_image: whether each picture has its own mixing fraction, as in section 4, or the whole batch has one.
        input_scale: factor by which the critic rescales its input; the gradient is taken in the rescaled range.
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
        """Fractions (B, 1, 1, 1) in [0, 1] for the points between fake and real at which the gradient is taken."""
        n, stream = tf.shape(batch["image"])[0], noise.stream(draw, 1)
        return (
            noise.unit(batch["key"], stream, (n, 1, 1, 1))
            if self.mix_per_image
            else tf.fill((n, 1, 1, 1), noise.one(batch["key"], stream))
        )
