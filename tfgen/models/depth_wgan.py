"""Sullivan 2017, depth from color: the WGAN-GP of Gulrajani et al. 2017 (arXiv:1704.00028) on pictures with depth."""

from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, losses, noise
from tfgen.models.base import Batch
from tfgen.models.gan import GAN, Loss
from tfgen.models.inputs import given_pictures, latents, told


@keras.saving.register_keras_serializable("tfgen")
class DepthWGAN(GAN):
    """A conditional WGAN-GP that predicts depth: the critic separates true from predicted depth.

    The generator also minimizes the error. Where the true depth has holes, the critic sees 0 in both depth maps, so
    that it cannot recognize the true one by its holes.

    Args:
        generator: {"image": (B, H, W, C), "noise": (B, H, W, 1) if it takes any} -> depth (B, H, W, 1) in [0, 1].
        discriminator: picture and depth (B, H, W, C + 1) in [0, 1] -> scores of patches (B, h, w, 1); it rescales its
            input to [-1, 1].
        gp_weight: lambda, the weight of the penalty.
        rmse_weight: weight of the error relative to the critic's score.
        d_steps: critic steps per generator step.
    """

    logs = ("d_loss", "g_loss", "rmse", "gradient_penalty", "wasserstein")

    condition = "depth"
    has_prior = False

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        gp_weight: float = 10.0,
        rmse_weight: float = 1.0,
        d_steps: int = 5,
    ) -> None:
        super().__init__(generator, discriminator, "wasserstein", noise.uniform, d_steps)
        self.gp_weight = gp_weight
        self.rmse_weight = rmse_weight

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.generator.input["image"].shape[1:]

    def discriminator_loss(self, batch: Batch, draw: int) -> Loss:
        """E[D(x, G(x))] - E[D(x, y)] + lambda * penalty for a picture x and its depth y (equation 7).

        d_loss is logged without the penalty.
        """
        real, fake = self.pair(batch["depth"], batch), self.pair(self.fake(batch, draw), batch)
        loss = self.adversarial.discriminator(self.judge(real, batch), self.judge(fake, batch))
        mix = noise.unit(batch["key"], noise.stream(draw, 1), (tf.shape(real)[0], 1, 1, 1))
        penalty = losses.gradient_penalty(lambda pairs: self.judge(pairs, batch), real, fake, mix, input_scale=2.0)
        return loss + self.gp_weight * penalty, {"d_loss": loss, "gradient_penalty": penalty, "wasserstein": -loss}

    def generator_loss(self, batch: Batch, draw: int) -> Loss:
        """-E[D(x, G(x))] + rmse_weight * RMSE.

        This is eq. 5 with the sign that eq. 7 requires, and the root of the mean, as in the code of the notes.
        """
        depth = self.fake(batch, draw)
        loss = self.adversarial.generator(None, self.judge(self.pair(depth, batch), batch))
        rmse = losses.root_mean_squared_error(batch["depth"], depth, batch["mask"])
        return loss + self.rmse_weight * rmse, {"g_loss": loss, "rmse": rmse}

    def judge(self, images: tf.Tensor, batch: Batch) -> tf.Tensor:
        """Scores (B, 1) of pictures with their depth (B, H, W, C + 1), averaged over patches before the penalty."""
        return tf.reduce_mean(self.discriminator(images, training=True), axis=[1, 2])

    def pair(self, depth: tf.Tensor, batch: Batch) -> tf.Tensor:
        """The batch's pictures with a depth map, set to 0 where the true depth is unknown: (B, H, W, C + 1)."""
        return tf.concat([batch["image"], batch["mask"] * depth], axis=-1)

    def fake(self, batch: Batch, draw: int) -> tf.Tensor:
        """Predicted depth (B, H, W, 1) of the batch's pictures."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return tf.cast(self.generator(self.inputs(batch["image"], z), training=True), tf.float32)

    def sample_latents(self, key: Any, draw: int, n: Any) -> tf.Tensor:
        """Draws noise (n, H, W, 1) from U(-1, 1)."""
        return self.prior(key, draw, (n, *self.generator.output_shape[1:]))

    def inputs(self, images: Any, z: Any) -> dict[str, Any]:
        """The generator's inputs: pictures (n, H, W, C) and, if it uses noise, z (n, H, W, 1)."""
        return {"image": tf.convert_to_tensor(images)} | ({"noise": z} if "noise" in self.generator.input else {})

    @property
    def input_signature(self) -> Any:
        shapes = {"z": self.generator.output_shape[1:], "image": self.image_shape}
        return tuple(tf.TensorSpec((None, *shape), tf.float32, name) for name, shape in shapes.items())

    def sample(self, n: int, seed: int = 0) -> tf.Tensor:
        """Raises UserError, because depth is predicted from pictures."""
        raise UserError("a DepthWGAN predicts the depth of given pictures: call predict_depth(images).")

    def predict_depth(self, images: Any, seed: int = 0) -> tf.Tensor:
        """Predicts the depth (n, H, W, 1) of pictures (n, H, W, C) in [0, 1]; 1 is 10 m. `seed` selects the noise."""
        return self.generate(self.sample_latents((seed, 0), 0, len(images)), images)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Predicts depth (n, H, W, 1) in [0, 1] from noise (n, H, W, 1) and pictures (n, H, W, C)."""
        z = latents(z, (None, *self.image_shape[:2], 1))
        images = given_pictures(told(self, condition, z, "pictures (n, H, W, C)"), self.image_shape)
        return self.generator(self.inputs(images, z), training=False)
