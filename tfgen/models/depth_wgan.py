"""Patrick Sullivan's notes of August 2017, depth from colour: Gulrajani et al.

2017 (arXiv:1704.00028) on pairs of picture and depth.
"""

import tensorflow as tf

from tfgen import losses, noise
from tfgen.models.gan import GAN


class DepthWGAN(GAN):
    """A critic tells a picture with its depth from a picture with the generator's; the generator also minimises the
    error.

    Where the true depth has holes, the critic sees 0 in both: the holes do not betray which is which.

    Args:
        generator: {"image": (B, H, W, C), "noise": (B, H, W, 1) if it takes any} -> depth (B, H, W, 1) in [0, 1].
        discriminator: picture and depth (B, H, W, C + 1) in [0, 1] -> scores of patches (B, h, w, 1); it rescales its
            input to [-1, 1].
        gp_weight: lambda.
        rmse_weight: weight of the error beside the critic's score.
        d_steps: critic steps to one of the generator.
    """

    logs = ("d_loss", "g_loss", "rmse", "gradient_penalty", "wasserstein")

    def __init__(self, generator, discriminator, gp_weight=10.0, rmse_weight=1.0, d_steps=5):
        super().__init__(generator, discriminator, losses.adversarial("wasserstein"), noise.uniform, d_steps)
        self.gp_weight = gp_weight
        self.rmse_weight = rmse_weight

    def discriminator_loss(self, batch, draw):
        """E[D(x, G(x))] - E[D(x, y)] + lambda * penalty, x a picture and y its depth (eq.

        7); d_loss is logged without the penalty.
        """
        real, fake = self.pair(batch["depth"], batch), self.pair(self.fake(batch, draw), batch)
        loss = self.adversarial.discriminator(self.judge(real, batch), self.judge(fake, batch))
        mix = noise.unit(batch["key"], noise.stream(draw, 1), (tf.shape(real)[0], 1, 1, 1))
        penalty = losses.gradient_penalty(lambda pairs: self.judge(pairs, batch), real, fake, mix, input_scale=2.0)
        return loss + self.gp_weight * penalty, {"d_loss": loss, "gradient_penalty": penalty, "wasserstein": -loss}

    def generator_loss(self, batch, draw):
        """-E[D(x, G(x))] + rmse_weight * RMSE: eq.

        5 with the sign that eq. 7 asks for, and the root of the mean, as in the notes' code.
        """
        depth = self.fake(batch, draw)
        loss = self.adversarial.generator(self.judge(self.pair(depth, batch), batch))
        rmse = losses.root_mean_squared_error(batch["depth"], depth, batch["mask"])
        return loss + self.rmse_weight * rmse, {"g_loss": loss, "rmse": rmse}

    def judge(self, images, batch):
        """Scores (B, 1) of pictures with their depth (B, H, W, C + 1): the mean over patches, whose slope is the one to
        penalise.
        """
        return tf.reduce_mean(self.discriminator(images, training=True), axis=[1, 2])

    def pair(self, depth, batch):
        """The batch's pictures with this depth where the true one is known: (B, H, W, C + 1)."""
        return tf.concat([batch["image"], batch["mask"] * depth], axis=-1)

    def fake(self, batch, draw):
        """Depth (B, H, W, 1) of the batch's pictures."""
        z = self.sample_latents(batch["key"], draw, tf.shape(batch["image"])[0])
        return self.generator(self.inputs(batch["image"], z), training=True)

    def sample_latents(self, key, draw, n):
        """Noise (n, H, W, 1) from U(-1, 1)."""
        return self.prior(key, draw, (n, *self.generator.output_shape[1:]))

    def inputs(self, images, z):
        """What the generator is given of pictures (n, H, W, C) and noise (n, H, W, 1)."""
        return {"image": tf.convert_to_tensor(images)} | ({"noise": z} if "noise" in self.generator.input else {})

    def generate(self, images, z):
        """Depth (n, H, W, 1) in [0, 1] of pictures (n, H, W, C) and noise (n, H, W, 1), batch normalization in
        inference mode.
        """
        return self.generator(self.inputs(images, z), training=False)
