"""Kingma and Welling 2013, Auto-Encoding Variational Bayes (arXiv:1312.6114)."""

import math

import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import GenerativeModel, in_batches


class VAE(GenerativeModel):
    """Minimises reconstruction + kl_weight * KL(q(z|x) || N(0, I)).

    Args:
        encoder: image (B, H, W, C) -> {"mean": (B, Z), "log_var": (B, Z)}.
        decoder: z (B, Z) -> image (B, H, W, C) in [0, 1].
        kl_weight: weight of the divergence.
        kl_reduction: "sum" over the Z latent dimensions, or their "mean": how the divergence is weighted and logged.
        reconstruction: (images, decoded) -> scalar, losses.mean_squared_error, or losses.bernoulli_nll for a decoder of
            probabilities.
    """

    players = {"autoencoder": ("encoder", "decoder")}
    logs = ("reconstruction", "kl")
    autoencodes = has_posterior = True

    def __init__(self, encoder, decoder, kl_weight, kl_reduction="sum", reconstruction=losses.mean_squared_error):
        super().__init__()
        if kl_reduction not in ("sum", "mean"):
            raise UserError(f"kl_reduction must be sum or mean, not {kl_reduction!r}.")
        self.encoder = encoder
        self.decoder = decoder
        self.latent_dim = decoder.input_shape[-1]
        self.reconstruction = reconstruction
        self.kl_weight = kl_weight
        self.kl_scale = 1.0 if kl_reduction == "sum" else 1.0 / self.latent_dim

    @property
    def beta(self):
        """The loss is proportional to (error summed over pixels) + beta * (KL summed over z), however it is written."""
        values = math.prod(self.decoder.output_shape[1:]) if self.reconstruction is losses.mean_squared_error else 1
        return self.kl_weight * self.kl_scale * values

    def train_step(self, batch):
        return self.update("autoencoder", self.negative_bound, batch)

    def negative_bound(self, batch, draw):
        """Algorithm 1 with one sample a picture: (scalar, logs)."""
        code = self.encoder(batch["image"], training=True)
        z = self.sample_posterior(code, batch["key"], draw)
        reconstruction = self.reconstruction(batch["image"], self.decoder(z, training=True))
        kl = self.kl_scale * tf.reduce_mean(losses.kl_divergence(code["mean"], code["log_var"]))
        return reconstruction + self.kl_weight * kl, {"reconstruction": reconstruction, "kl": kl}

    def sample_posterior(self, code, key, draw):
        """z = mean + exp(log_var / 2) * eps, eps ~ N(0, I) (section 2.4): (B, Z)."""
        eps = noise.normal(key, draw, (tf.shape(code["mean"])[0], self.latent_dim))
        return code["mean"] + tf.exp(0.5 * code["log_var"]) * eps

    def sample_latents(self, key, draw, n):
        """n latents (n, Z) of the prior N(0, I)."""
        return noise.normal(key, draw, (n, self.latent_dim))

    def sample(self, key, n):
        """n pictures (n, H, W, C) of latents from the prior."""
        return self.generate(self.sample_latents(key, 0, n))

    def generate(self, z):
        """Pictures (n, H, W, C) of latents (n, Z), batch normalization in inference mode."""
        return self.decoder(z, training=False)

    def encode(self, images):
        """{"mean", "log_var"}, each (n, Z), of any number of pictures (n, H, W, C) in [0, 1], as NumPy arrays."""
        return in_batches(self.encoder, images)
