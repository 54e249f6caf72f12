"""Gulrajani et al. 2017, Improved Training of Wasserstein GANs (arXiv:1704.00028)."""

import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.gan import GAN


class WGANGP(GAN):
    """A Wasserstein GAN whose critic is held to slope 1 by a penalty.

    Args:
        generator, discriminator: as of a GAN; the critic without batch normalization, its scores unbounded.
        gp_weight: lambda.
        prior: what latents are drawn from.
        d_steps, g_steps: steps of the critic and of the generator.
        penalty: (critic, real, fake, mix) -> scalar.
        mix_per_image: one point a segment, as in section 4, or one fraction for the whole batch.
    """

    logs = ("d_loss", "g_loss", "wasserstein", "gradient_penalty")

    def __init__(
        self,
        generator,
        discriminator,
        gp_weight=10.0,
        prior=noise.normal,
        d_steps=5,
        g_steps=1,
        penalty=losses.gradient_penalty,
        mix_per_image=True,
    ):
        super().__init__(generator, discriminator, losses.adversarial("wasserstein"), prior, d_steps, g_steps)
        self.gp_weight = gp_weight
        self.penalty = penalty
        self.mix_per_image = mix_per_image

    def discriminator_loss(self, batch, draw):
        """Algorithm 1, lines 4 to 8: E[D(fake)] - E[D(real)] + lambda * penalty; d_loss is logged without the penalty."""
        real, fake = batch["image"], self.fake(batch, draw)
        loss = self.adversarial.discriminator(self.judge(real, batch), self.judge(fake, batch))
        penalty = self.penalty(lambda images: self.judge(images, batch), real, fake, self.mix(batch, draw))
        return loss + self.gp_weight * penalty, {"d_loss": loss, "wasserstein": -loss, "gradient_penalty": penalty}

    def mix(self, batch, draw):
        """Where on the segments from real to fake the slope is taken: (B, 1, 1, 1) in [0, 1]."""
        n, stream = tf.shape(batch["image"])[0], noise.stream(draw, 1)
        return (
            noise.unit(batch["key"], stream, (n, 1, 1, 1))
            if self.mix_per_image
            else tf.fill((n, 1, 1, 1), noise.one(batch["key"], stream))
        )
