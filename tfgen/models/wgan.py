"""Arjovsky et al. 2017, Wasserstein GAN (arXiv:1701.07875)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgen import noise
from tfgen.models.base import Batch, Logs
from tfgen.models.gan import GAN, Loss


@keras.saving.register_keras_serializable("tfgen")
class WGAN(GAN):
    """A Wasserstein GAN with weight clipping: the critic estimates a distance, and its weights stay in [-clip, clip].

    Args:
        generator, discriminator: as for a GAN; the critic's scores are unbounded.
        clip: largest absolute value of the critic's weights.
        prior: distribution of the latents.
        d_steps: critic steps per generator step.
    """

    logs = ("d_loss", "g_loss", "wasserstein")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        clip: float = 0.01,
        prior: Callable = noise.normal,
        d_steps: int = 5,
    ) -> None:
        super().__init__(generator, discriminator, "wasserstein", prior, d_steps)
        self.clip = clip

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """Also logs the estimate E[D(real)] - E[D(fake)], which is correct up to the critic's Lipschitz constant."""
        loss, logs = super().discriminator_loss(batch, draw)
        return loss, logs | {"wasserstein": -logs["d_loss"]}

    def update(self, player: str, loss_fn: Callable, batch: Batch, draw: int = 0, tape: Any = None) -> Logs:
        """Algorithm 1: clips the critic's weights after each of its steps."""
        logs = super().update(player, loss_fn, batch, draw, tape)
        if player == "discriminator":
            variables = [variable.value for variable in self.discriminator.trainable_variables]
            tf.distribute.get_replica_context().merge_call(_clip, args=(variables, self.clip))
        return logs


def _clip(strategy: Any, variables: list[tf.Variable], bound: float) -> None:
    for variable in variables:
        strategy.extended.update(variable, lambda v: v.assign(tf.clip_by_value(v, -bound, bound)))
