"""Huang et al. 2025, The GAN is dead; long live the GAN! A Modern GAN Baseline (arXiv:2501.05441)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import Batch, Logs
from tfgen.models.gan import GAN, Loss
from tfgen.models.inputs import latents, one_hot, shaped_codes, told


@keras.saving.register_keras_serializable("tfgen")
class R3GAN(GAN):
    """A GAN whose discriminator compares pairs of a real and a generated picture and has small gradients at both.

    The discriminator minimizes E[softplus(D(fake) - D(real))] + gamma / 2 (E[|grad D(real)|^2] + E[|grad D(fake)|^2])
    and the generator E[softplus(D(real) - D(fake))] (eq. 4 to 6). With these penalties, training converges locally.

    A generator that takes codes is conditioned on them. The discriminator then predicts the codes of real pictures, and
    the generator makes pictures whose codes it predicts right.

    Args:
        generator: z (B, Z), or {"z": (B, Z), "codes": (B, K)} -> image (B, H, W, C) in [0, 1].
        discriminator: image -> logits (B, 1), or {"logits": (B, 1), "codes": (B, K) logits}; it has no batch
            normalization, because the penalty is per picture.
        condition: the field of a batch that the codes are: "attributes" (B, K), each 0 or 1, "label" (B,), from 0 to
            K - 1, or None.
        gamma: weight of the penalties, for pictures in [-1, 1] as in the paper.
        penalty_every: the penalties are computed in every so many steps, with so many times the weight (Karras et al.
            2020, arXiv:1912.04958, section 3.1).
        code_weight: weight of the cross-entropy of the codes.
        prior: distribution of the latents.
        project: (generator, images, codes or None) -> latents (B, Z) that belong to pictures, or None. With it, the
            generator's loss has a further term, reconstruction_weight E[|x - G(z(x))|], on every second picture: it
            ties latents to pictures and keeps colors (Isola et al. 2017, arXiv:1611.07004, eq. 3).
        reconstruction_weight: weight of this mean absolute error, for pictures in [0, 1].
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        condition: str | None = None,
        gamma: float = 1.0,
        penalty_every: int = 4,
        code_weight: float = 1.0,
        prior: Callable = noise.normal,
        project: Callable | None = None,
        reconstruction_weight: float = 10.0,
    ) -> None:
        super().__init__(generator, discriminator, "relativistic", prior)
        if condition not in (None, "attributes", "label"):
            raise UserError(f"condition must be attributes, label or None, not {condition!r}.")
        self.condition = condition
        self.gamma = gamma
        self.penalty_every = penalty_every
        self.code_weight = code_weight
        self.project = project
        self.reconstruction_weight = reconstruction_weight
        if condition:
            self.logs = (*self.logs, "aux_real", "aux_fake", "aux_accuracy_real", "aux_accuracy_fake")
        if project:
            self.logs = (*self.logs, "reconstruction")

    @property
    def latent_dim(self) -> int:
        return (self.generator.input["z"] if self.condition else self.generator.input).shape[-1]

    @property
    def code_dim(self) -> int:
        """K, the number of attributes or classes."""
        return self.generator.input["codes"].shape[-1]

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return self.code_dim

    def codes(self, batch: Batch) -> tf.Tensor:
        """The attributes (B, K) or the one-hot labels (B, K) of the batch."""
        return batch["attributes"] if self.condition == "attributes" else one_hot(batch["label"], self.code_dim)

    def train_step(self, data: Any) -> Logs:
        batch, tape = self.with_fake(self.batch(data), draw=0)
        logs = self.update("discriminator", self.discriminator_loss, batch, draw=0)
        return logs | self.update("generator", self.generator_loss, batch, draw=0, tape=tape)

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """Eq. 4 with both penalties, and the cross-entropy of the codes of real pictures."""
        fake = self.fake(batch, draw)
        judged = self.outputs(batch["image"])
        loss = self.adversarial.discriminator(judged["logits"], self.judge(fake, batch))
        total = loss + 0.5 * self.gamma * self.penalty(batch, fake)
        if not self.condition:
            return total, {"d_loss": loss}
        aux, accuracy = self.read(judged["codes"], batch)
        return total + self.code_weight * aux, {"d_loss": loss, "aux_real": aux, "aux_accuracy_real": accuracy}

    def generator_loss(self, batch: Batch, draw: int) -> Loss:
        """Eq. 4 with the players' parts exchanged, the cross-entropy of the codes of generated pictures, and the error
        of reconstructed ones.
        """
        judged = self.outputs(self.fake(batch, draw))
        loss = self.adversarial.generator(self.real_scores(batch), judged["logits"])
        total, logs = loss, {"g_loss": loss}
        if self.condition:
            aux, accuracy = self.read(judged["codes"], batch)
            total, logs = total + self.code_weight * aux, logs | {"aux_fake": aux, "aux_accuracy_fake": accuracy}
        if self.project:
            error = self.reconstruction(batch)
            total, logs = total + self.reconstruction_weight * error, logs | {"reconstruction": error}
        return total, logs

    def reconstruction(self, batch: Batch) -> tf.Tensor:
        """E[|x - G(z(x))|] over every second picture, which are the same on any number of replicas."""
        assert self.project is not None
        half = {name: batch[name][::2] for name in ("image", self.condition) if name}
        codes = self.codes(half) if self.condition else None
        z = tf.stop_gradient(self.project(self.generator, half["image"], codes))
        made = tf.cast(self.generator(self.inputs(z, half), training=True), tf.float32)
        return tf.reduce_mean(tf.abs(made - half["image"]))

    def penalty(self, batch: Batch, fake: tf.Tensor) -> tf.Tensor:
        """E[|grad D(real)|^2] + E[|grad D(fake)|^2] times `penalty_every`, in every so many steps; else 0."""

        def squares(images: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(images)
                scores = tf.reduce_sum(self.judge(images, batch))
            gradient = tf.cast(tape.gradient(scores, images), tf.float32) / 2.0  # of pictures in [-1, 1]
            return tf.reduce_mean(tf.reduce_sum(gradient**2, axis=[1, 2, 3]))

        def both() -> tf.Tensor:
            return self.penalty_every * (squares(batch["image"]) + squares(fake))

        if self.penalty_every == 1:
            return both()
        step = tf.reshape(batch["key"], [-1, 2])[0, 1]
        return tf.cond(step % self.penalty_every == 0, both, lambda: tf.zeros(()))

    def outputs(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The discriminator's outputs, {"logits": (B, 1)} and "codes" (B, K) if the model is conditional."""
        judged = self.discriminator(images, training=True)
        return judged if self.condition else {"logits": judged}

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        return tf.cast(self.outputs(images)["logits"], tf.float32)

    def read(self, logits: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """The cross-entropy of predicted codes (B, K) in nats, and the share of them that is right."""
        codes = self.codes(batch)
        if self.condition == "attributes":
            right = tf.equal(logits > 0.0, codes > 0.5)
            return losses.cross_entropy(logits, codes), tf.reduce_mean(tf.cast(right, tf.float32))
        right = tf.equal(tf.argmax(logits, axis=-1), tf.argmax(codes, axis=-1))
        return losses.categorical_cross_entropy(logits, codes), tf.reduce_mean(tf.cast(right, tf.float32))

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """As many generated pictures as the batch has, with its codes; those of `with_fake`, if there are."""
        if "fake" in batch:
            return batch["fake"]
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return tf.cast(self.generator(self.inputs(z, batch), training=True), tf.float32)

    def inputs(self, z: tf.Tensor, batch: Batch) -> Any:
        """The generator's inputs: latents, and the codes of the batch if the model is conditional."""
        return {"z": z, "codes": self.codes(batch)} if self.condition else z

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Generates n pictures (n, H, W, C) from latents of the prior, with every combination of codes in turn."""
        z = self.sample_latents((seed, 0), 0, n)
        if self.condition == "attributes":
            return self.generate(z, (tf.range(n)[:, None] // 2 ** tf.range(self.code_dim)) % 2)
        return self.generate(z, tf.range(n) % self.classes if self.condition else None)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Generates pictures (n, H, W, C) from latents (n, Z), and attributes (n, K) or (n,), labels (n,) or codes."""
        if not self.condition:
            return super().generate(z)
        z = latents(z, self.generator.input["z"].shape)
        codes = told(self, condition, z, f"{self.condition} (n,) or codes (n, K)")
        if codes.shape.rank == 1:
            codes = one_hot(codes, self.code_dim) if self.condition == "label" else codes[:, None]
        return self.generator({"z": z, "codes": shaped_codes(codes, (None, self.code_dim), "codes")}, training=False)
