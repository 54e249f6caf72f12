"""Goodfellow et al. 2014, Generative Adversarial Nets (arXiv:1406.2661)."""

import itertools

import tensorflow as tf

from tfgen import noise
from tfgen.models.base import GenerativeModel


class GAN(GenerativeModel):
    """Two players: the discriminator tells real from generated, the generator is judged by it.

    Args:
        generator: z (B, Z) -> image (B, H, W, C) in [0, 1].
        discriminator: image -> logits (B, 1).
        adversarial: AdversarialLoss both minimise.
        prior: noise.uniform or noise.normal, what latents are drawn from.
        d_steps, g_steps: updates of each player a training step, every one with latents of its own.
        readings: name -> (real logits, fake logits) -> scalar: what else to log of the discriminator, as
            losses.jensen_shannon.
    """

    players = {"discriminator": ("discriminator",), "generator": ("generator",)}
    logs = ("d_loss", "g_loss")

    def __init__(self, generator, discriminator, adversarial, prior=noise.uniform, d_steps=1, g_steps=1, readings=()):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.adversarial = adversarial
        self.prior = prior
        self.d_steps = d_steps
        self.g_steps = g_steps
        self.readings = dict(readings)
        self.logs = (*self.logs, *self.readings)

    @property
    def latent_dim(self):
        return self.generator.input_shape[-1]

    def train_step(self, batch):
        logs, draws = {}, itertools.count()
        for _ in range(self.d_steps):
            logs |= self.update("discriminator", self.discriminator_loss, batch, next(draws))
        for _ in range(self.g_steps):
            logs |= self.update("generator", self.generator_loss, batch, next(draws))
        return logs

    def discriminator_loss(self, batch, draw):
        """(scalar, {"d_loss"} and the readings); real and generated pictures pass one by one, each with its own batch
        statistics.
        """
        real, fake = self.judge(batch["image"], batch), self.judge(self.fake(batch, draw), batch)
        loss = self.adversarial.discriminator(real, fake)
        return loss, {"d_loss": loss} | {name: read(real, fake) for name, read in self.readings.items()}

    def generator_loss(self, batch, draw):
        """(scalar, {"g_loss"})."""
        loss = self.adversarial.generator(self.judge(self.fake(batch, draw), batch))
        return loss, {"g_loss": loss}

    def judge(self, images, batch):
        """The discriminator's logits (B, 1) of real or generated pictures; `batch` holds what they are conditioned on."""
        return self.discriminator(images, training=True)

    def fake(self, batch, draw):
        """As many generated pictures as the batch has real ones."""
        return self.generator(self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0]), training=True)

    def sample_latents(self, key, draw, n):
        """n latents (n, Z) of the prior."""
        return self.prior(key, draw, (n, self.latent_dim))

    def sample(self, key, n):
        """n pictures (n, H, W, C) of latents from the prior."""
        return self.generate(self.sample_latents(key, 0, n))

    def generate(self, z):
        """Pictures (n, H, W, C) of latents (n, Z), batch normalization in inference mode."""
        return self.generator(z, training=False)
