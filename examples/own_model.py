"""Your own loss and model: softplus losses, and a GAN with the R1 penalty of Mescheder et al. 2018.

Run `python examples/own_model.py [EPOCHS]` to train it on the built-in digits, save it, load it and continue.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

import tfgen
from tfgen.data.builtin import digits
from tfgen.networks import dcgan

SHAPE = (16, 16, 1)


@keras.saving.register_keras_serializable("examples")
def discriminator_softplus(real, fake):
    """Goodfellow et al. 2014, eq. 1, as a function of logits."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


@keras.saving.register_keras_serializable("examples")
def generator_softplus(real, fake):
    """The same paper's non-saturating loss; `real` is None here; only relativistic losses need it."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


@keras.saving.register_keras_serializable("examples")
class R1GAN(tfgen.GAN):
    """A GAN with a penalty on the discriminator's gradient at real pictures (arXiv:1801.04406, eq. 9)."""

    logs = ("d_loss", "g_loss", "r1")

    def __init__(self, generator, discriminator, adversarial, r1_weight=10.0):
        super().__init__(generator, discriminator, adversarial)
        self.r1_weight = r1_weight

    def discriminator_loss(self, batch, draw):
        loss, logs = super().discriminator_loss(batch, draw)
        with tf.GradientTape() as tape:
            tape.watch(batch["image"])
            scores = tf.reduce_sum(self.judge(batch["image"], batch))
        slopes = tape.gradient(scores, batch["image"])
        r1 = tf.reduce_mean(tf.reduce_sum(slopes**2, axis=[1, 2, 3]))
        return loss + self.r1_weight / 2 * r1, logs | {"r1": r1}


adversarial = tfgen.AdversarialLoss(discriminator_softplus, generator_softplus)
generator, discriminator = dcgan.generator(SHAPE, 32, width=1 / 8), dcgan.discriminator(SHAPE, width=1 / 8)
gan = R1GAN(generator, discriminator, adversarial, r1_weight=1.0)
gan.compile(**{player: keras.optimizers.Adam(5e-4, beta_1=0.5) for player in gan.players})

pictures = digits.load("train", 16, None).images / np.float32(255)
epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 2
gan.fit(pictures, batch_size=50, epochs=epochs)
gan.save("own_model.keras")

again = keras.models.load_model("own_model.keras")  # restores both optimizers and the step counter
again.fit(pictures, batch_size=50, epochs=1)
print(f"{int(again.step)} steps; pictures {again.sample(4).shape} from {again.sample(4).numpy().min():.2f} up")
