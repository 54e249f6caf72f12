"""Goodfellow et al. 2014, Generative Adversarial Nets (arXiv:1406.2661)."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.base import Batch, GenerativeModel, Logs
from tfgen.models.inputs import latents

Loss = tuple[tf.Tensor, Logs]


@keras.saving.register_keras_serializable("tfgen")
class GAN(GenerativeModel):
    """A GAN: the discriminator separates real from generated pictures, and the generator tries to fool it.

    Args:
        generator: z (B, Z) -> image (B, H, W, C) in [0, 1].
        discriminator: image -> logits (B, 1).
        adversarial: AdversarialLoss of both players, or its name in `losses.ADVERSARIAL_LOSSES`.
        prior: distribution of the latents, noise.uniform or noise.normal.
        d_steps, g_steps: number of updates of each player in a training step, each with its own latents. Each
            discriminator step has its own batch of real pictures. `d_loss` and `g_loss` are those of a player's last
            step; `d_loss_1`, `g_loss_1` and so on, those of the steps before it.
        readings: name -> function of (real logits, fake logits) that returns another scalar to log, such as
            losses.jensen_shannon.
    """

    players = {"discriminator": ("discriminator",), "generator": ("generator",)}
    logs: tuple[str, ...] = ("d_loss", "g_loss")
    averaged = ("generator",)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        adversarial: losses.AdversarialLoss | str = "non_saturating",
        prior: Callable = noise.uniform,
        d_steps: int = 1,
        g_steps: int = 1,
        readings: Mapping[str, Callable] | None = None,
    ) -> None:
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.adversarial = losses.adversarial(adversarial)
        self.prior = prior
        self.d_steps = d_steps
        self.g_steps = g_steps
        self.readings = dict(readings or {})
        earlier = [f"d_loss_{i}" for i in range(1, d_steps)] + [f"g_loss_{i}" for i in range(1, g_steps)]
        self.logs = (*self.logs, *self.readings, *earlier)

    @property
    def batches_per_step(self) -> int:
        return self.d_steps

    @property
    def latent_dim(self) -> int:
        """Z, the size of a latent."""
        return self.generator.input_shape[-1]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.generator.output_shape[1:]

    def train_step(self, data: Any) -> Logs:
        batches, draws = dealt(self.batch(data), self.d_steps), itertools.count()
        logs: Logs = {}
        for i, batch in enumerate(batches, 1):
            loss = numbered(self.discriminator_loss, "d_loss", i, self.d_steps)
            logs |= self.update("discriminator", loss, batch, next(draws))
        for i in range(1, self.g_steps + 1):
            loss = numbered(self.generator_loss, "g_loss", i, self.g_steps)
            logs |= self.update("generator", loss, batches[-1], next(draws))
        return logs

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """(scalar, {"d_loss"} and the readings). Real and generated pictures have separate batch statistics."""
        real, fake = self.judge(batch["image"], batch), self.judge(self.fake(batch, draw), batch)
        loss = self.adversarial.discriminator(real, fake)
        return loss, {"d_loss": loss} | {name: read(real, fake) for name, read in self.readings.items()}

    def generator_loss(self, batch: Batch, draw: int) -> Loss:
        """(scalar, {"g_loss"})."""
        fake = self.judge(self.fake(batch, draw), batch)
        loss = self.adversarial.generator(self.real_scores(batch), fake)
        return loss, {"g_loss": loss}

    def real_scores(self, batch: Batch) -> tf.Tensor | None:
        """The logits (B, 1) of real pictures for a relativistic generator loss; None for other losses."""
        return self.judge(batch["image"], batch) if self.adversarial.relativistic else None

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        """The discriminator's logits (B, 1) for real or generated pictures; `batch` contains their condition."""
        return self.discriminator(images, training=True)

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """As many generated pictures as the batch has real ones."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return tf.cast(self.generator(z, training=True), tf.float32)

    def with_fake(self, batch: Batch, draw: int) -> tuple[Batch, tf.GradientTape | None]:
        """Generates the pictures that the updates of both players use, if they use the same latents.

        One pass of the generator then replaces two equal ones. Its moving statistics are updated as often as by two. A
        generator with other state, such as dropout, would generate other pictures in its second pass: it has two.

        Returns:
            The batch, with the pictures as "fake", and the tape of the pass for the generator's `update`; for a
            generator with other state, the batch as it is and None.
        """
        statistics, state = [], 0
        for layer in self.generator.layers:
            if layer.trainable and isinstance(layer, keras.layers.BatchNormalization):
                statistics += [(value, layer.momentum) for value in (layer.moving_mean, layer.moving_variance)]
            kept = [value for value in layer.non_trainable_variables if value.name == "seed_generator_state"]
            state += len(layer.non_trainable_variables if layer.trainable else kept)
        if len(statistics) != state:
            return batch, None
        before = [tf.identity(value.value) for value, _ in statistics]
        with tf.GradientTape() as tape:
            batch = batch | {"fake": self.fake(batch, draw)}
        for (value, momentum), old in zip(statistics, before, strict=True):
            value.assign(value + momentum * (value - old))  # the same step towards the same batch again
        return batch, tape

    def sample_latents(self, key: Any, draw: int, n: Any) -> tf.Tensor:
        """Draws n latents (n, Z) from the prior."""
        return self.prior(key, draw, (n, self.latent_dim))

    @property
    def input_signature(self) -> Any:
        inputs = self.generator.input
        if not isinstance(inputs, dict):
            return tf.TensorSpec((None, *inputs.shape[1:]), tf.float32, "z")
        return tuple(tf.TensorSpec((None, *inputs[name].shape[1:]), tf.float32, name) for name in ("z", "codes"))

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) in [0, 1] from latents of the prior; the same ones for the same seed."""
        return self.generate(self.sample_latents((seed, 0), 0, n))

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents (n, Z), with batch normalization in inference mode."""
        return self.generator(latents(z, self.generator.input.shape), training=False)


def dealt(batch: Batch, n: int) -> list[Batch]:
    """Deals the rows of a batch out to n batches: rows 0, n, 2n, ... to the first, and so on.

    Replicas have consecutive rows, so that each of the n batches is the same on any number of replicas. A batch of
    fewer than n rows, the last one of an array, is dealt out more than once.
    """
    if n == 1:
        return [batch]
    rows = batch["image"].shape[0] or tf.shape(batch["image"])[0]
    return [{name: value if name == "key" else value[i % rows :: n] for name, value in batch.items()} for i in range(n)]


def numbered(loss_fn: Callable, log: str, i: int, n: int) -> Callable:
    """The loss of step i of n of a player, which is also logged with its number if it is not the last."""

    def numbered_loss(batch: Batch, draw: int) -> Loss:
        loss, logs = loss_fn(batch, draw)
        return loss, logs | {f"{log}_{i}": logs[log]}

    return numbered_loss if i < n else loss_fn
