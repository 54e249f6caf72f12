"""The CSI5340 study: counts by hand, every depth at every size, the weight of its divergence, and the distances it
meant to plot.
"""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, losses
from tfgen.data.batches import batches
from tfgen.models.gan import GAN
from tfgen.networks import variable_depth
from tfgen.studies import csi5340

# Networks
# --------------------------------------------------------------------------------------------------------------


def conv(a, b):
    return 9 * a * b + b


def dense(a, b):
    return a * b + b


def norms(*channels):
    return 2 * sum(channels)


def convolutions(*channels):
    return sum(conv(a, b) for a, b in zip(channels, channels[1:]))


# 32x32x3, 7 latents. A generator of depth d is at side 2^(d + 1) when its widths have come down to the picture's
# channels.
COUNTS = {
    1: {
        "encoder": conv(3, 32) + norms(32) + dense(16 * 16 * 32, 32) + 2 * dense(32, 7),
        "decoder": dense(7, 32 * 32 * 32) + conv(32, 32) + norms(32) + conv(32, 3),
        "generator": convolutions(7, 32, 3, 3, 3, 3) + norms(32, 3, 3, 3),
        "discriminator": conv(3, 32) + dense(16 * 16 * 32, 1),
    },
    2: {
        "encoder": convolutions(3, 32, 64) + norms(32, 64) + dense(8 * 8 * 64, 64) + 2 * dense(64, 7),
        "decoder": dense(7, 16 * 16 * 64) + convolutions(64, 32, 32) + norms(32, 32) + conv(32, 3),
        "generator": convolutions(7, 64, 32, 3, 3, 3) + norms(64, 32, 3, 3),
        "discriminator": convolutions(3, 32, 64) + dense(8 * 8 * 64, 1),
    },
    4: {
        "encoder": convolutions(3, 32, 64, 128, 256)
        + norms(32, 64, 128, 256)
        + dense(2 * 2 * 256, 256)
        + 2 * dense(256, 7),
        "decoder": dense(7, 4 * 4 * 256) + convolutions(256, 128, 64, 32, 32) + norms(128, 64, 32, 32) + conv(32, 3),
        "generator": convolutions(7, 256, 128, 64, 32, 3) + norms(256, 128, 64, 32),
        "discriminator": convolutions(3, 32, 64, 128, 256) + norms(64, 128) + dense(2 * 2 * 256, 1),
    },
    5: {
        "encoder": convolutions(3, 32, 64, 128, 256, 512)
        + norms(32, 64, 128, 256, 512)
        + dense(512, 512)
        + 2 * dense(512, 7),
        "decoder": dense(7, 2 * 2 * 512)
        + convolutions(512, 256, 128, 64, 32, 32)
        + norms(256, 128, 64, 32, 32)
        + conv(32, 3),
        "generator": convolutions(7, 512, 256, 128, 64, 32, 3, 3) + norms(512, 256, 128, 64, 32, 3),
        "discriminator": convolutions(3, 32, 64, 128, 256, 512) + norms(64, 128, 256) + dense(512, 1),
    },
}


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("depth", COUNTS)
def test_trainable_parameters(depth):
    arguments = {"depth": depth, "latent_dim": 7}
    vae, gan, wgan = (
        csi5340.PRESETS[name].build((32, 32, 3), **arguments).parameters() for name in ("vae", "gan", "wgan")
    )
    assert vae | gan == COUNTS[depth]
    assert wgan == gan


@pytest.mark.trace
@pytest.mark.parametrize("image_size", [16, 32, 64])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_every_depth_at_every_size(image_size, depth):
    keras.utils.set_random_seed(0)
    shape = (image_size, image_size, 1 + 2 * (depth % 2))
    z, images = (
        100 * np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32),
        np.full((4, *shape), 0.5, np.float32),
    )
    for build in (variable_depth.decoder, variable_depth.generator):
        pictures = build(shape, 3, depth, 1 / 16)(z, training=True).numpy()
        assert pictures.shape == (4, *shape) and 0 <= pictures.min() < pictures.max() <= 1
    assert variable_depth.encoder(shape, 3, depth, 1 / 16)(images)["log_var"].shape == (4, 3)
    assert variable_depth.discriminator(shape, depth, 1 / 16)(images).shape == (4, 1)


@pytest.mark.parametrize(
    "image_size, depth, width, message",
    [
        (32, 0, 1.0, "depth must be from 1 to 6 for pictures of 32x32, not 0"),
        (16, 6, 1.0, "depth must be from 1 to 5 for pictures of 16x16, not 6"),
        (28, 3, 1.0, "image_size must be a power of two"),
        (32, 3, 0.0, "width must be more than 0"),
    ],
)
def test_what_does_not_fit(image_size, depth, width, message):
    for name in csi5340.PRESETS:
        with pytest.raises(UserError, match=message):
            csi5340.PRESETS[name].build((image_size, image_size, 1), depth=depth, width=width)


def test_networks_see_the_studys_range():
    """Gray .5 is the study's 0: it passes convolutions without a bias as nothing."""
    for network in (variable_depth.encoder((16, 16, 1), 2, 2), variable_depth.discriminator((16, 16, 1), 2)):
        first = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
        outputs = keras.Model(network.input, first.output)
        assert not np.any(outputs(np.full((1, 16, 16, 1), 0.5, np.float32)))
        assert np.any(outputs(np.ones((1, 16, 16, 1), np.float32)))


def test_initial_weights_of_the_games():
    for network in (variable_depth.generator((32, 32, 3), 100, 4), variable_depth.discriminator((32, 32, 3), 4)):
        convolutions = [
            layer for layer in network.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose))
        ]
        kernels = [layer.kernel.numpy() for layer in convolutions]
        assert len(kernels) > 3
        for kernel in kernels:
            assert kernel.std() == pytest.approx(0.02, rel=0.15)
        gains = np.concatenate(
            [layer.gamma.numpy() for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        )
        assert gains.mean() == pytest.approx(1, abs=0.01) and gains.std() == pytest.approx(0.02, rel=0.2)


# Losses
# --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_optimizers")
def test_beta_of_the_study():
    """studies.md: .0025 on 3072 values in [-1, 1] is 7.68 there, where each squared error is four of ours."""
    assert csi5340.vae((32, 32, 3), width=1 / 16).beta == pytest.approx(0.0025 * 3072 / 4)
    assert csi5340.vae((32, 32, 1), width=1 / 16, kl_weight=0.025 / 4).beta == pytest.approx(0.025 * 1024 / 4)


@pytest.mark.trace
def test_the_loss_is_a_quarter_of_the_studys(toy):
    """MSE in [-1, 1] + .0025 * sum over z, recomputed in the study's range."""
    model = csi5340.vae((16, 16, 3), width=1 / 8)
    batch = next(iter(batches(toy, 16)))
    loss, logs = model.negative_bound(batch, 0)
    code = model.encoder(batch["image"], training=True)
    decoded = model.decoder(model.sample_posterior(code, batch["key"], 0), training=True)
    mse = tf.reduce_mean(((2 * batch["image"] - 1) - (2 * decoded - 1)) ** 2)
    kl = tf.reduce_mean(-0.5 * tf.reduce_sum(1 + code["log_var"] - code["mean"] ** 2 - tf.exp(code["log_var"]), axis=1))
    assert float(4 * loss) == pytest.approx(float(mse + 0.0025 * kl), rel=1e-4)
    assert float(4 * logs["reconstruction"]) == pytest.approx(float(mse), rel=1e-4)
    assert float(logs["kl"]) == pytest.approx(float(kl), rel=1e-4)


LOGITS = losses.jensen_shannon, lambda p: np.log(p) - np.log1p(-p)
PROBABILITIES = losses.jensen_shannon_of_probabilities, lambda p: p


@pytest.mark.parametrize("estimate, output", [LOGITS, PROBABILITIES])
def test_jensen_shannon_of_two_points(estimate, output):
    """p_real = (3/4, 1/4), p_fake = (1/2, 1/2): the best discriminator says p_real / (p_real + p_fake), its estimate is
    the divergence.
    """
    p, q = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    best = p / (p + q)
    real, fake = np.repeat(best, [3, 1]), best
    divergence = 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum()
    told = lambda real, fake: float(estimate(*(tf.constant(output(x), tf.float32) for x in (real, fake))))
    assert told(real, fake) == pytest.approx(divergence, abs=1e-6)
    assert told(0.9 * real, 0.9 * fake) < divergence
    assert told(np.full(4, 0.5), np.full(4, 0.5)) == pytest.approx(0, abs=1e-6)  # it cannot tell
    assert told(np.full(4, 0.5), np.full(4, 0.9)) < 0  # worse than a guess


def test_jensen_shannon_of_the_perfect():
    perfect = tf.fill((4, 1), 30.0)
    assert float(losses.jensen_shannon(perfect, -perfect)) == pytest.approx(math.log(2))
    # Least squares reads its outputs as no surer than .99, and those beyond [0, 1] as sure.
    assert float(losses.jensen_shannon_of_probabilities(tf.ones(4), tf.zeros(4))) == pytest.approx(
        math.log(2) + math.log(0.99), rel=1e-5
    )
    assert float(losses.jensen_shannon_of_probabilities(tf.fill(4, 1.7), tf.fill(4, -2.0))) == pytest.approx(
        math.log(2 * 0.99), rel=1e-5
    )


@pytest.mark.parametrize("adversarial", ["least_squares", "non_saturating"])
def test_jsd_is_logged_beside_the_loss(adversarial, toy):
    """Answers of 1/2 everywhere: least squares' loss is 1/4, cross-entropy's 2 ln 2, and both discriminators see no
    difference.
    """
    model = csi5340.gan((16, 16, 3), width=1 / 8, adversarial=adversarial)
    assert model.logs == ("d_loss", "g_loss", "jsd") and GAN.logs == ("d_loss", "g_loss")
    answer, expected = (0.5, 0.25) if adversarial == "least_squares" else (0.0, 2 * math.log(2))
    model.discriminator = lambda images, training: tf.fill((len(images), 1), answer)
    loss, logs = model.discriminator_loss(next(iter(batches(toy, 16))), 0)
    assert float(loss) == float(logs["d_loss"]) == pytest.approx(expected)
    assert float(logs["jsd"]) == pytest.approx(0, abs=1e-6)


def test_cross_entropys_jsd_is_its_loss_turned(toy):
    model = csi5340.gan((16, 16, 3), width=1 / 8, adversarial="non_saturating")
    logs = model.discriminator_loss(next(iter(batches(toy, 16))), 0)[1]
    assert float(logs["jsd"]) == pytest.approx(math.log(2) - float(logs["d_loss"]) / 2, abs=1e-6)


def test_wgan_takes_pytorchs_steps(toy):
    """v = .99 v + .01 g^2, step 5e-5 g / (sqrt(v) + 1e-8): at gradients far below Keras's epsilon the first step is ten
    learning rates.
    """
    optimizer = csi5340.wgan((16, 16, 3), width=1 / 8).optimizers["generator"]
    variable, twin = keras.Variable([1.0, 1.0]), type(optimizer).from_config(optimizer.get_config())
    twin.build([variable])
    twin.apply([tf.constant([1e-6, -1e-3])], [variable])
    assert variable.numpy() - 1 == pytest.approx([-5e-4, 5e-4], rel=1e-2)
