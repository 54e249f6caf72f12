"""Kingma and Welling 2013, Auto-Encoding Variational Bayes (arXiv:1312.6114)."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.autoencoder import Autoencoder
from tfgen.models.base import Batch, GenerativeModel, Logs

Loss = tuple[tf.Tensor, Logs]


@keras.saving.register_keras_serializable("tfgen")
class VAE(Autoencoder, GenerativeModel):
    """A VAE. It minimizes reconstruction + kl_weight * KL(q(z|x) || N(0, I)).

    Args:
        encoder: image (B, H, W, C) -> {"mean": (B, Z), "log_var": (B, Z)}.
        decoder: z (B, Z) -> image (B, H, W, C) in [0, 1].
        kl_weight: weight of the KL divergence.
        kl_reduction: "sum" or "mean" over the Z latent dimensions; applies to the loss and the log.
        reconstruction: (images, decoded) -> scalar: losses.mean_squared_error, or losses.bernoulli_nll if the decoder
            outputs probabilities; it should then end in a sigmoid, in float32.
    """

    players = {"autoencoder": ("encoder", "decoder")}
    logs: tuple[str, ...] = ("reconstruction", "kl")
    has_posterior = True

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        kl_weight: float = 1.0,
        kl_reduction: str = "sum",
        reconstruction: Callable = losses.mean_squared_error,
    ) -> None:
        super().__init__()
        if kl_reduction not in ("sum", "mean"):
            raise UserError(f"kl_reduction must be sum or mean, not {kl_reduction!r}.")
        self.encoder = encoder
        self.decoder = decoder
        self.reconstruction = reconstruction
        self.kl_weight = kl_weight
        self.kl_reduction = kl_reduction

    @property
    def latent_dim(self) -> int:
        """Z, how many numbers a latent has."""
        return self.decoder.input_shape[-1]

    @property
    def kl_scale(self) -> float:
        """Factor of the sum over z: 1, or 1 / Z for the mean."""
        return 1.0 if self.kl_reduction == "sum" else 1.0 / self.latent_dim

    @property
    def beta(self) -> float:
        """The equivalent weight: the loss is proportional to (error summed over pixels) + beta * (KL summed over z)."""
        values = math.prod(self.image_shape) if self.reconstruction is losses.mean_squared_error else 1
        return self.kl_weight * self.kl_scale * values

    def train_step(self, data: Any) -> Logs:
        return self.update("autoencoder", self.negative_bound, self.batch(data))

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """The error from one sampled code per picture, as in training, and the KL divergence."""
        code = self.encoder(images, training=False)
        decoded = self.decoder(self.sample_posterior(code, (self.seed, -1), 0), training=False)
        return {"reconstruction": self.reconstruction(images, decoded), "kl": self.divergence(code)}

    def negative_bound(self, batch: Batch, draw: int) -> Loss:
        """Algorithm 1 with one sample per picture: (scalar, logs)."""
        code, images = self.decode_sample(batch, draw)
        reconstruction, kl = self.reconstruction(batch["image"], images), self.divergence(code)
        return reconstruction + self.kl_weight * kl, {"reconstruction": reconstruction, "kl": kl}

    def divergence(self, code: dict[str, tf.Tensor]) -> tf.Tensor:
        """KL(q(z|x) || N(0, I)) in nats: scalar, the mean over the batch, summed or averaged over z."""
        return self.kl_scale * tf.reduce_mean(losses.kl_divergence(code["mean"], code["log_var"]))

    def decode_sample(self, batch: Batch, draw: int) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """(code, pictures decoded from one sample of the posterior), with batch statistics."""
        code = self.encoder(batch["image"], training=True)
        decoded = self.decoder(self.sample_posterior(code, batch["key"], draw), training=True)
        return code, tf.cast(decoded, tf.float32)

    def sample_posterior(self, code: dict[str, Any], key: Any, draw: int) -> tf.Tensor:
        """z = mean + exp(log_var / 2) * eps, eps ~ N(0, I) (section 2.4): (B, Z)."""
        eps = noise.normal(key, draw, (tf.shape(code["mean"])[0], self.latent_dim))
        mean, log_var = (tf.cast(code[name], tf.float32) for name in ("mean", "log_var"))
        return mean + tf.exp(0.5 * log_var) * eps

    def sample_latents(self, key: Any, draw: int, n: Any) -> tf.Tensor:
        """Draws n latents (n, Z) from the prior N(0, I)."""
        return noise.normal(key, draw, (n, self.latent_dim))

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) in [0, 1] from latents of the prior; the same ones for the same seed."""
        return self.generate(self.sample_latents((seed, 0), 0, n))
