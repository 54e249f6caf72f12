"""The Pegasus study's VAE with a critic of its reconstructions, after Makhzani et al. 2015, Adversarial Autoencoders
(arXiv:1511.05644).

The critic of that paper judges codes; the study's judges pictures, as in Larsen et al. 2015 (arXiv:1512.09300).
"""

from typing import Any

import keras
import tensorflow as tf

from tfgen import losses
from tfgen.models.base import Batch, Logs
from tfgen.models.vae import VAE, Loss


@keras.saving.register_keras_serializable("tfgen")
class AdversarialVAE(VAE):
    """A VAE with an additional adversarial term.

    With x' the reconstruction of x, the VAE minimizes its loss + adv_weight * BCE(C(x'), 1), and the critic C minimizes
    BCE(C(x), 1) + BCE(C(x'), 0).

    The KL divergence and the reconstruction error are sums over z and over pixels, about two thousand nats. The
    critic's term is one number per picture: with the study's weight of 1 it is a few thousandths of the loss.
    `adversarial_share` logs its share of the decoder's gradient.

    Args:
        encoder, decoder: as for a VAE with a Bernoulli likelihood.
        discriminator: image -> logits (B, 1).
        adv_weight: weight of the critic's term.
        kl_weight: weight of the KL divergence.
    """

    players = {"discriminator": ("discriminator",), "autoencoder": ("encoder", "decoder")}
    logs = ("d_loss", "reconstruction", "kl", "adversarial", "adversarial_share")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        discriminator: keras.Model,
        adv_weight: float = 1.0,
        kl_weight: float = 1.0,
    ) -> None:
        super().__init__(encoder, decoder, kl_weight, reconstruction=losses.bernoulli_nll)
        self.discriminator = discriminator
        self.adv_weight = adv_weight

    def train_step(self, data: Any) -> Logs:
        batch = self.batch(data)
        logs = self.update("discriminator", self.discriminator_loss, batch, draw=0)
        return logs | self.update("autoencoder", self.negative_bound, batch, draw=0)

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """(scalar, {"d_loss"}). The study writes BCE(x, 1), which means BCE(C(x), 1)."""
        real = self.discriminator(batch["image"], training=True)
        fake = self.discriminator(self.decode_sample(batch, draw)[1], training=True)
        loss = losses.cross_entropy(real, 1.0) + losses.cross_entropy(fake, 0.0)
        return loss, {"d_loss": loss}

    def negative_bound(self, batch: Batch, draw: int) -> Loss:
        """(scalar, logs). The critic also trains the encoder, because the study has one loss for both networks."""
        code, images = self.decode_sample(batch, draw)
        reconstruction, kl = self.reconstruction(batch["image"], images), self.divergence(code)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(images)
            of_pixels = self.reconstruction(batch["image"], tf.identity(images))  # the same, not computed from logits
            adversarial = losses.cross_entropy(self.discriminator(images, training=True), 1.0)
            weighted = self.adv_weight * adversarial
        logs = {
            "reconstruction": reconstruction,
            "kl": kl,
            "adversarial": adversarial,
            "adversarial_share": _share(tape.gradient(weighted, images), tape.gradient(of_pixels, images)),
        }
        return reconstruction + self.kl_weight * kl + weighted, logs


def _share(gradient: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Mean over pictures of |g| / (|g| + |other|): two gradients (B, H, W, C) -> scalar in [0, 1]. 0 / 0 is 0."""
    ours, theirs = (tf.norm(tf.reshape(g, [tf.shape(g)[0], -1]), axis=-1) for g in (gradient, other))
    return tf.reduce_mean(tf.math.divide_no_nan(ours, ours + theirs))
