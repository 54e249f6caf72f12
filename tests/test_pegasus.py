"""The Pegasus study: counts by hand, ACAI's mixtures, who gets which gradient in VAE/GAN, how little a critic weighs,
spectral norm.
"""

import dataclasses
import functools
import types

import eager
import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import replicas
from tfgen import UserError, latents, losses, scores
from tfgen.data.batches import batches
from tfgen.data.builtin import animals, faces
from tfgen.data.builtin.painting import TEST_START
from tfgen.models.acai import mix
from tfgen.models.base import GenerativeModel
from tfgen.models.vae_gan import VAEGAN
from tfgen.networks import mirrored, pooled
from tfgen.networks.spectral import SpectralConv2D
from tfgen.studies import pegasus

SHAPE = (16, 16, 3)


def conv(k, a, b):
    return k * k * a * b + b


def dense(a, b):
    return a * b + b


def build(name, shape=SHAPE, **arguments):
    keras.utils.set_random_seed(0)
    return pegasus.PRESETS[name].build(shape, width=1 / 8, **arguments)


built = functools.cache(build)  # for tests that change nothing in it


@pytest.fixture
def batch(toy):
    return next(iter(batches(toy, 16)))


# Networks
# ----------------------------------------------------------------------------------------------------------------------

NORMS = 2 * (64 + 128 + 256)  # scale and offset of a channel
LEVELS = conv(4, 3, 64) + conv(4, 64, 128) + conv(4, 128, 256)
ENCODER = LEVELS + NORMS + 2 * dense(4096, 128)
DECODER = dense(128, 4096) + conv(4, 256, 128) + conv(4, 128, 64) + conv(4, 64, 3) + NORMS
CRITIC = LEVELS + NORMS + conv(4, 256, 1)


def acai_encoder(c, latent):
    pairs = (
        conv(3, c, c) * 2 + conv(3, c, 2 * c) + conv(3, 2 * c, 2 * c) + conv(3, 2 * c, 4 * c) + conv(3, 4 * c, 4 * c)
    )
    return conv(1, 3, c) + pairs + conv(3, 4 * c, 8 * c) + conv(3, 8 * c, latent)


def acai_decoder(c, latent):
    pairs = (
        conv(3, latent, 4 * c)
        + conv(3, 4 * c, 4 * c)
        + conv(3, 4 * c, 2 * c)
        + conv(3, 2 * c, 2 * c)
        + conv(3, 2 * c, c)
    )
    return pairs + conv(3, c, c) * 2 + conv(3, c, 3)


COUNTS = {
    "vae": {"encoder": ENCODER, "decoder": DECODER},
    "adversarial_vae": {"discriminator": CRITIC, "encoder": ENCODER, "decoder": DECODER},
    "vae_gan": {"encoder": ENCODER, "decoder": DECODER, "discriminator": CRITIC},
    "acai": {"discriminator": acai_encoder(16, 16), "encoder": acai_encoder(16, 16), "decoder": acai_decoder(16, 16)},
}


@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("name", COUNTS)
def test_trainable_parameters(name):
    assert pegasus.PRESETS[name].build((32, 32, 3)).parameters() == COUNTS[name]


def test_the_hand_counts_are_what_they_were():
    assert (ENCODER, DECODER, CRITIC, acai_encoder(16, 16), acai_decoder(16, 16)) == (
        1_708_608,
        1_187_907,
        663_873,
        166_320,
        83_619,
    )


@pytest.mark.usefixtures("no_optimizers")
def test_trainable_parameters_of_the_variants():
    counts = lambda **arguments: pegasus.adversarial_vae((32, 32, 3), **arguments).parameters()
    assert counts(dense_layers=2) == {
        "discriminator": CRITIC,
        "encoder": LEVELS + NORMS + dense(4096, 1024) + 2 * dense(1024, 128),
        "decoder": DECODER - dense(128, 4096) + dense(128, 1024) + dense(1024, 4096),
    }
    deeper = conv(3, 3, 64) - conv(4, 3, 64) + conv(4, 64, 64) + conv(3, 64, 128) - conv(4, 64, 128) + conv(4, 128, 128)
    deeper += conv(3, 128, 256) - conv(4, 128, 256) + conv(4, 256, 256) + NORMS
    mirror = conv(3, 256, 256) + conv(3, 128, 128) + conv(3, 64, 64) + NORMS
    assert counts(convolutions=2) == {
        "discriminator": CRITIC + deeper,
        "encoder": ENCODER + deeper,
        "decoder": DECODER + mirror,
    }
    assert counts(spectral_norm=True)["discriminator"] == CRITIC - NORMS


@pytest.mark.trace
@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3)])
def test_shapes_and_ranges(shape):
    random = np.random.default_rng(0)
    images, z = random.random((5, *shape), np.float32), 100 * random.standard_normal((5, 7)).astype(np.float32)
    for arguments in ({}, {"dense_layers": 2, "convolutions": 2}):
        pictures = mirrored.decoder(shape, 7, 1 / 8, **arguments)(z, training=False).numpy()
        assert pictures.shape == (5, *shape) and 0 <= pictures.min() < 0.5 < pictures.max() <= 1
        code = mirrored.encoder(shape, 7, 1 / 8, **arguments)(images)
        assert code["mean"].shape == code["log_var"].shape == (5, 7)
    judged = mirrored.critic(shape, 1 / 8, spectral_norm=True, features=True)(images)
    assert judged["logits"].shape == (5, 1) and judged["features"].shape == (5, 16 * mirrored._widths(shape, 1 / 8)[-1])
    code = pooled.encoder(shape, 3, 1 / 8)(images)
    assert code.shape == (5, 4, 4, 3)
    assert pooled.decoder(shape, 3, 1 / 8)(code).shape == (5, *shape)
    assert pooled.critic(shape, 3, 1 / 8)(images).shape == (5, 1)


def test_acai_initial_deviation():
    """He et al. 2015 for a slope of .2: sqrt(2 / (1.04 fan_in)) for ReLU's half, without its 2 in the authors' code."""
    encoder = pooled.encoder((32, 32, 3), 16)
    wide = [
        layer.kernel.numpy() for layer in encoder.layers if hasattr(layer, "kernel") and layer.kernel.shape[-1] >= 32
    ]
    assert wide
    for kernel in wide:
        assert kernel.std() == pytest.approx(1 / np.sqrt(1.04 * np.prod(kernel.shape[:3])), rel=0.05)


# Spectral norm
# ----------------------------------------------------------------------------------------------------------------------


def spectral(**arguments):
    keras.utils.set_random_seed(1)
    layer = SpectralConv2D(12, 3, 2, "same", **arguments)
    layer.build((None, 8, 8, 5))
    layer.bias.assign(np.linspace(-1, 1, 12))
    return layer


def test_spectral_norm_is_numpys():
    layer = spectral()
    kernel = layer.kernel.numpy()
    image = np.random.default_rng(0).random((2, 8, 8, 5), np.float32)
    for _ in range(100):
        layer(image, training=True)
    sigma = np.linalg.svd(kernel.reshape(45, 12), compute_uv=False)[0]
    expected = tf.nn.conv2d(image, kernel / sigma, 2, "SAME") + np.linspace(-1, 1, 12)
    np.testing.assert_allclose(layer(image, training=False), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)  # a call does not touch it
    assert np.linalg.norm(layer.u.numpy()) == pytest.approx(1, rel=1e-5)


def test_spectral_norm_steps_once_a_training_call():
    layer = spectral()
    image = np.ones((1, 8, 8, 5), np.float32)
    matrix, u = layer.kernel.numpy().reshape(45, 12), layer.u.numpy()
    layer(image, training=False)
    np.testing.assert_array_equal(layer.u.numpy(), u)
    layer(image, training=True)
    v = matrix @ u
    expected = matrix.T @ (v / np.linalg.norm(v))
    np.testing.assert_allclose(layer.u.numpy(), expected / np.linalg.norm(expected), rtol=1e-4, atol=1e-6)


@pytest.mark.trace
def test_spectral_gradient_is_the_papers():
    """Eq.

    12: d/dW of <G, W / sigma> is (G - <G, W / sigma> u v') / sigma, with u and v of the largest singular value.
    """
    layer = spectral()
    image = np.random.default_rng(0).random((1, 8, 8, 5), np.float32)
    for _ in range(200):
        layer(image, training=True)
    kernel = tf.Variable(layer.kernel)
    with tf.GradientTape() as plain:
        left, (sigma, *_), right = np.linalg.svd(kernel.numpy().reshape(45, 12))
        normal = kernel / sigma
        plain.watch(normal)
        loss = tf.reduce_sum(tf.nn.conv2d(image, normal, 2, "SAME") ** 2)
    g = plain.gradient(loss, normal).numpy().reshape(45, 12)
    expected = (g - np.sum(g * normal.numpy().reshape(45, 12)) * np.outer(left[:, 0], right[0])) / sigma
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((layer(image, training=True) - layer.bias) ** 2)
    gradient = tape.gradient(loss, layer.kernel.value).numpy().reshape(45, 12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.trace
def test_only_the_optimizer_moves_a_spectral_kernel(batch):
    model = build("adversarial_vae", spectral_norm=True)
    kernels = lambda: [
        layer.kernel.numpy() for layer in model.discriminator.layers if isinstance(layer, SpectralConv2D)
    ]
    before = kernels()
    model.update("autoencoder", model.negative_bound, batch)
    assert all(np.array_equal(a, b) for a, b in zip(before, kernels(), strict=True))
    model.optimizers["discriminator"] = keras.optimizers.SGD(0.0)
    model.update("discriminator", model.discriminator_loss, batch)
    assert all(np.array_equal(a, b) for a, b in zip(before, kernels(), strict=True)) and len(before) == 3


@pytest.mark.trace
def test_spectral_norm_on_two_replicas(toy, two_replicas):
    """Without batch statistics in the critic, and with SGD, its kernels and vectors are those of one replica."""

    def make():
        keras.utils.set_random_seed(0)
        image = keras.Input(SHAPE)
        x = keras.layers.Flatten()(SpectralConv2D(4, 4, 4, "same")(image))
        model = Critic(keras.Model(image, keras.layers.Dense(1)(x)))
        model.compile(discriminator=keras.optimizers.SGD(0.1))
        return model

    def train(model, strategy=None):
        eager.fit(model, batches(toy, 16, 0, 0, 3), strategy)
        return [v.numpy() for v in model.discriminator.weights]

    one = train(make())
    with two_replicas.scope():
        two = make()
    two = train(two, two_replicas)
    assert len(one) == 5  # kernel, bias, u, and the dense layer's two
    for ours, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


class Critic(GenerativeModel):
    """A critic alone, that tells pictures from their negatives."""

    players = {"discriminator": ("discriminator",)}
    logs = ("d_loss",)

    def __init__(self, discriminator):
        super().__init__()
        self.discriminator = discriminator

    def train_step(self, batch):
        return self.update("discriminator", self.discriminator_loss, batch)

    def discriminator_loss(self, batch, draw):
        real, fake = (self.discriminator(images, training=True) for images in (batch["image"], 1 - batch["image"]))
        loss = losses.adversarial("non_saturating").discriminator(real, fake)
        return loss, {"d_loss": loss}


# Adversarial VAE
# ---------------------------------------------------------------------------------------------------------------------


def test_terms_of_the_adversarial_vae(batch):
    """A critic that always answers 2: BCE(C, 1) = log(1 + e^-2), BCE(C, 0) = log(1 + e^2)."""
    model = build("adversarial_vae", adv_weight=3.0, kl_weight=0.5)
    model.discriminator = lambda images, training: tf.fill((len(images), 1), 2.0) + 0.0 * tf.reduce_sum(images)
    loss, logs = model.discriminator_loss(batch, 0)
    assert float(loss) == float(logs["d_loss"]) == pytest.approx(np.log1p(np.exp(-2)) + np.log1p(np.exp(2)), rel=1e-5)
    loss, logs = model.negative_bound(batch, 0)
    code, images = model.decode_sample(batch, 0)
    x, y = batch["image"].numpy().astype(np.float64), images.numpy().astype(np.float64)
    likelihood = np.sum(x * np.log(y) + (1 - x) * np.log(1 - y), axis=(1, 2, 3))
    assert float(logs["reconstruction"]) == pytest.approx(-np.mean(likelihood), rel=1e-4)
    assert float(logs["kl"]) == pytest.approx(
        float(tf.reduce_mean(losses.kl_divergence(code["mean"], code["log_var"]))), rel=1e-4
    )
    assert float(logs["adversarial"]) == pytest.approx(np.log1p(np.exp(-2)), rel=1e-5)
    total = logs["reconstruction"] + 0.5 * logs["kl"] + 3.0 * logs["adversarial"]
    assert float(loss) == pytest.approx(float(total), rel=1e-5)
    assert float(logs["adversarial_share"]) == 0.0  # a constant critic has no gradient


def test_adversarial_share_by_hand(batch):
    """A critic w sum(x'): d/dx' of log(1 + exp(-s)) is -w / (1 + exp(s)) at every pixel, of the likelihood (x' - x) /
    (x' (1 - x')).
    """
    w, weight = 0.01, 5.0
    model = build("adversarial_vae", adv_weight=weight)
    model.discriminator = lambda images, training: w * tf.reduce_sum(images, axis=[1, 2, 3])[:, None]
    _, logs = model.negative_bound(batch, 0)
    x, y = batch["image"].numpy().astype(np.float64), model.decode_sample(batch, 0)[1].numpy().astype(np.float64)
    ours = weight * w / (1 + np.exp(w * y.sum(axis=(1, 2, 3)))) * np.sqrt(16 * 16 * 3)
    theirs = np.sqrt(np.sum(((y - x) / (y * (1 - y))) ** 2, axis=(1, 2, 3)))
    assert float(logs["adversarial_share"]) == pytest.approx(np.mean(ours / (ours + theirs)), rel=1e-4)
    assert 1e-4 < float(logs["adversarial_share"]) < 0.1


# VAE/GAN
# ----------------------------------------------------------------------------------------------------------------------


def gradients(model, player, batch):
    with tf.GradientTape() as tape:
        loss, _ = getattr(model, f"{player}_loss")(batch, 0)
    variables = model.player_variables(player)
    return [np.zeros(v.shape) if g is None else g.numpy() for g, v in zip(tape.gradient(loss, variables), variables)]


def largest(gradients):
    return max(np.abs(g).max() for g in gradients)


NO_GAN = losses.AdversarialLoss(
    lambda real, fake: 0.0 * tf.reduce_sum(real), lambda real, fake: 0.0 * tf.reduce_sum(fake)
)


def test_the_encoder_receives_no_adversarial_gradient(batch, monkeypatch):
    model = build("vae_gan")
    before = gradients(model, "encoder", batch)
    model.adversarial = NO_GAN
    for ours, theirs in zip(before, gradients(model, "encoder", batch), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * largest(before))
    assert largest(before) > 0
    # And all it does receive is gone with its own two terms.
    monkeypatch.setattr(losses, "gaussian_nll", lambda values, mean: 0.0 * tf.reduce_sum(mean))
    monkeypatch.setattr(losses, "kl_divergence", lambda mean, log_var: 0.0 * tf.reduce_sum(mean, axis=-1))
    assert largest(gradients(model, "encoder", batch)) == 0


def test_the_discriminator_receives_no_reconstruction_gradient(batch, monkeypatch):
    model = build("vae_gan")
    before = gradients(model, "discriminator", batch)
    model.gamma = 1e6
    monkeypatch.setattr(losses, "gaussian_nll", lambda values, mean: 0.0 * tf.reduce_sum(mean))
    for ours, theirs in zip(before, gradients(model, "discriminator", batch), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * largest(before))
    model.adversarial = NO_GAN
    assert largest(before) > 0 == largest(gradients(model, "discriminator", batch))


def test_the_decoder_receives_both(batch):
    """Its gradient is gamma times that of the features plus that of the GAN."""
    model = build("vae_gan", gamma=1e-3)
    both, adversarial = gradients(model, "decoder", batch), model.adversarial
    model.adversarial = NO_GAN
    features = gradients(model, "decoder", batch)
    model.adversarial, model.gamma = adversarial, 0.0
    gan = gradients(model, "decoder", batch)
    assert largest(features) > 0 < largest(gan)
    for whole, one, other in zip(both, features, gan, strict=True):
        np.testing.assert_allclose(whole, one + other, rtol=1e-3, atol=1e-4 * largest(both))


def test_vae_gan_values(batch):
    """Logit 1 for real pictures, -1 for reconstructions and 0 for draws of the prior; features 0, 2 and 5 times one, of
    three.
    """
    model = build("vae_gan", gamma=0.1)
    passes = {"real": (1.0, 0.0), "reconstructed": (-1.0, 2.0), "generated": (0.0, 5.0)}
    model.decode_sample = lambda batch, draw: (
        {"mean": tf.ones((16, 4)), "log_var": tf.zeros((16, 4))},
        "reconstructed",
    )
    model.fake = lambda batch, draw: "generated"

    def judge(*kinds):
        answers = [passes[images if isinstance(images, str) else "real"] for images in kinds]
        logits, features = zip(*answers)
        return {"logits": [tf.fill((16, 1), x) for x in logits], "features": [tf.fill((16, 3), x) for x in features]}

    model.judge = judge
    loss, logs = model.encoder_loss(batch, 0)
    assert float(logs["reconstruction"]) == pytest.approx(0.5 * 3 * 2**2) and float(logs["kl"]) == pytest.approx(
        0.5 * 4
    )
    assert float(loss) == pytest.approx(6 + 2)
    loss, logs = model.decoder_loss(batch, 0)
    assert float(logs["g_loss"]) == pytest.approx((np.log1p(np.e) + np.log(2)) / 2)
    assert float(loss) == pytest.approx(0.1 * 6 + float(logs["g_loss"]))
    loss, logs = model.discriminator_loss(batch, 0)
    assert (
        float(loss)
        == float(logs["d_loss"])
        == pytest.approx(np.log1p(np.exp(-1)) + (np.log1p(np.exp(-1)) + np.log(2)) / 2)
    )


@functools.cache
def portraits():
    return tf.constant(faces.paint(0, 64, image_size=16)[0], tf.float32) / 255


@pytest.mark.parametrize("change", ["brightness", "contrast", "channel"])
def test_the_feature_error_sees_changes_of_a_whole_batch(change):
    """Halved, each costs a sizable share of the error to another picture. A batch normalization that sees only the
    reconstructions removes most of it.
    """
    images = portraits()
    mean = tf.reduce_mean(images)
    reconstructed = {"brightness": images / 2, "contrast": (images + mean) / 2, "channel": images * [0.5, 1.0, 1.0]}
    keras.utils.set_random_seed(0)
    model = pegasus.PRESETS["vae_gan"].build(SHAPE)
    code = {"mean": tf.zeros((64, 4)), "log_var": tf.zeros((64, 4))}

    def error(other):
        model.decode_sample = lambda batch, draw: (code, other)
        return float(model.encoder_loss({"image": images}, 0)[1]["reconstruction"])

    to_another = error(tf.roll(images, 1, axis=0))
    assert error(images) < 1e-6 * to_another
    assert error(reconstructed[change]) > 0.2 * to_another
    apart = lambda images: model.discriminator(images, training=True)["features"]
    error_apart = lambda other: float(losses.gaussian_nll(apart(images), apart(other)))
    assert error_apart(reconstructed[change]) < 0.15 * error_apart(tf.roll(images, 1, axis=0))


def test_real_and_generated_pictures_pass_the_discriminator_together(batch):
    """As in the authors' code: two kinds for the features, three for the game."""
    model, passes = build("vae_gan"), []
    discriminator = model.discriminator
    model.discriminator = lambda images, training: (
        passes.append(len(images)) or discriminator(images, training=training)
    )
    for player, sizes in {"encoder": [32], "decoder": [48, 32], "discriminator": [48]}.items():
        getattr(model, f"{player}_loss")(batch, 0)
        assert passes == sizes
        passes.clear()


def test_vae_gan_draws_the_prior_apart_from_the_posterior(batch):
    model, drawn = build("vae_gan"), []
    model.sample_latents = lambda key, draw, n: drawn.append(VAEGAN.sample_latents(model, key, draw, n)) or drawn[-1]
    model.discriminator_loss(batch, 0)
    zero = {"mean": tf.zeros((16, 128)), "log_var": tf.zeros((16, 128))}
    assert not np.any(np.isclose(drawn[0], model.sample_posterior(zero, batch["key"], 0)))


# ACAI
# ----------------------------------------------------------------------------------------------------------------------


def test_alpha_is_uniform_in_zero_to_a_half():
    model = built("acai")
    alpha = model.sample_alpha(
        {"image": tf.zeros((20_000, 1, 1, 1)), "key": tf.constant([[3, 4]], tf.int64)}, 0
    ).numpy()
    assert alpha.shape == (20_000, 1, 1, 1)
    assert 0 <= alpha.min() < 1e-3 and 0.499 < alpha.max() <= 0.5
    assert np.histogram(alpha, 10, (0, 0.5))[0] == pytest.approx(2000, rel=0.1)


def test_acai_with_a_constant_critic(batch):
    """d = .3 everywhere: E[(.3 - alpha)^2] + .09, and 4 MSE + .5 * .09."""
    model = build("acai")
    model.discriminator = lambda images, training: tf.fill((len(images), 1), 0.3)
    alpha = model.sample_alpha(batch, 0).numpy()
    loss, logs = model.discriminator_loss(batch, 0)
    assert float(loss) == float(logs["d_loss"]) == pytest.approx(np.mean((0.3 - alpha) ** 2) + 0.09, rel=1e-5)
    loss, logs = model.encoder_decoder_loss(batch, 0)
    error = np.mean((model.decoder(model.encoder(batch["image"])).numpy() - batch["image"].numpy()) ** 2)
    assert float(logs["reconstruction"]) == pytest.approx(error, rel=1e-5)
    assert float(logs["regularizer"]) == pytest.approx(0.09, rel=1e-5)
    assert float(loss) == pytest.approx(4 * error + 0.5 * 0.09, rel=1e-5)


def test_what_the_acai_critic_is_shown(batch):
    """Flat networks that are the identity: mixtures of neighbors, then pictures, of which any mixture with themselves
    is themselves.
    """
    model, seen = build("acai"), []
    model.encoder = model.decoder = lambda x, training: x
    model.discriminator = lambda images, training: seen.append(images.numpy()) or tf.zeros((len(images), 1))
    model.discriminator_loss(batch, 0)
    x, alpha = batch["image"].numpy(), model.sample_alpha(batch, 0).numpy()
    np.testing.assert_allclose(seen[0][0], alpha[0] * x[0] + (1 - alpha[0]) * x[1], rtol=1e-5)
    np.testing.assert_allclose(seen[0][1], alpha[1] * x[1] + (1 - alpha[1]) * x[0], rtol=1e-5)
    np.testing.assert_allclose(seen[1], x, rtol=1e-5)
    model.decoder = lambda x, training: 0.0 * x
    model.discriminator_loss(batch, 0)
    np.testing.assert_allclose(seen[3], 0.2 * x, rtol=1e-5)


def test_partners_are_the_same_on_one_replica_and_on_two():
    codes = tf.reshape(tf.range(8.0), (8, 1, 1, 1))
    whole = mix(codes, 0.0).numpy().ravel()
    assert list(whole) == [1, 0, 3, 2, 5, 4, 7, 6]
    assert [*mix(codes[:4], 0.0).numpy().ravel(), *mix(codes[4:], 0.0).numpy().ravel()] == list(whole)
    assert list(mix(codes[:3], 0.0).numpy().ravel()) == [1, 0, 2]


@pytest.mark.trace
def test_acai_on_two_replicas_equals_one(toy, two_replicas):
    """Nothing in it looks over the batch but the pairs."""
    small = dataclasses.replace(toy, images=toy.images[:, :8, :8], depth=None)

    def train(model, strategy=None):
        eager.fit(model, batches(small, 16, 0, 0, 2), strategy)
        return [v.numpy() for network in model.networks().values() for v in network.weights]

    def make():
        model = build("acai", (8, 8, 3))
        model.compile(discriminator=keras.optimizers.SGD(0.1), encoder_decoder=keras.optimizers.SGD(0.1))
        return model

    one = train(make())
    with two_replicas.scope():
        two = make()
    for ours, theirs in zip(one, train(two, two_replicas), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


# Mixing and scores
# -------------------------------------------------------------------------------------------------------------------


class Shift:
    """Codes are pictures plus 1."""

    def decoder(self, codes, training):
        return codes - 1

    def encode(self, images):
        return {"mean": images + 1}


def test_interpolation_is_linear_in_the_codes():
    a, b = np.zeros((2, 4, 4, 1), np.float32), np.ones((2, 4, 4, 1), np.float32)
    b[1] = 3
    between = latents.interpolate(Shift(), a, b, 5)
    assert between.shape == (2, 5, 4, 4, 1)
    np.testing.assert_allclose(between[:, :, 0, 0, 0], [[0, 0.25, 0.5, 0.75, 1], [0, 0.75, 1.5, 2.25, 3]], atol=1e-6)


@pytest.mark.trace
@pytest.mark.parametrize("name", pegasus.PRESETS)
def test_interpolation_begins_and_ends_with_the_reconstructions(name, toy):
    model = built(name)
    images = toy.images / np.float32(255)
    between = latents.interpolate(model, images[:3], images[3:6], 4)
    assert between.shape == (3, 4, *SHAPE)
    np.testing.assert_allclose(between[:, 0], latents.reconstructions(model, images[:3]), atol=1e-5)
    np.testing.assert_allclose(between[:, -1], latents.reconstructions(model, images[3:6]), atol=1e-5)


def test_colours_match_at_the_centre():
    horses, birds = np.random.default_rng(0).random((2, 4, 4, 3)), np.random.default_rng(1).random((3, 4, 4, 3))
    horses[:, 2, 2] = [[0.9, 0.1, 0.1], [0.2, 0.2, 0.2]]
    birds[:, 2, 2] = [[0, 0, 0], [1, 0, 0], [0.2, 0.5, 0.2]]
    assert list(latents.colour_matches(horses, birds)) == [1, 2]
    # As uint8 a difference would wrap around.
    assert list(latents.colour_matches(np.uint8(horses * 255), np.uint8(birds * 255))) == [1, 2]


@pytest.mark.parametrize("shape", [SHAPE, (8, 8, 1)])
def test_sheet_of_mixtures(shape):
    keras.utils.set_random_seed(0)
    model = pegasus.acai(shape, width=1 / 8)
    sheet = pegasus.bird_to_horse(model, rows=3, n=4)
    assert sheet.shape == (12, *shape)
    images, labels = animals.paint(TEST_START, TEST_START + 48, image_size=shape[0])
    first = images[labels == animals.CLASSES.index("horse")][:1] / np.float32(255)
    first = first if shape[2] == 3 else first.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(sheet[3], latents.reconstructions(model, first)[0], atol=1e-5)


@pytest.mark.parametrize("name", pegasus.PRESETS)
def test_scores(name, toy):
    run = type("Run", (), {"model": built(name), "source": lambda self, split: toy})()
    errors = scores.reconstruction.measure_reconstruction(run, run.model)
    images = toy.images / 255.0
    assert errors["mean_picture_mse"] == pytest.approx(np.mean((images - images.mean(axis=0)) ** 2), rel=1e-4)
    assert errors["test_mse_over_mean_picture"] == pytest.approx(
        errors["test_mse_mean_code"] / errors["mean_picture_mse"]
    )
    assert ("test_mse_sampled_code" in errors) == (name != "acai")
    assert all(np.isfinite(value) for value in errors.values())


# Figures
# ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def animal_run():
    """A run of the VAE on 40 training and 24 test animals, which take turns: bird, horse."""
    sources = {split: animals.load(split, SHAPE[0], n) for split, n in (("train", 40), ("test", 24))}
    return types.SimpleNamespace(model=built("vae"), source=sources.get)


def test_pairs_are_horses_with_the_bird_of_nearest_colour(animal_run):
    test = animal_run.source("test")
    horses, birds = pegasus.pairs(animal_run, 5)
    of = {name: test.floats(np.flatnonzero(test.labels == animals.CLASSES.index(name))) for name in ("bird", "horse")}
    np.testing.assert_array_equal(horses, of["horse"][:5])
    for horse, bird in zip(horses, birds):
        centre = np.s_[SHAPE[0] // 2, SHAPE[1] // 2]
        distances_ = [np.sum((horse[centre] - candidate[centre]) ** 2) for candidate in of["bird"]]
        np.testing.assert_array_equal(bird, of["bird"][np.argmin(distances_)])
    np.testing.assert_array_equal(
        pegasus.pairs(animal_run, 30)[0], np.resize(of["horse"], (30, *SHAPE))
    )  # there are 12
    with pytest.raises(UserError, match="has no birds and horses: train on animals"):
        pegasus.pairs(types.SimpleNamespace(source=lambda split: replicas.toy(4)), 2)


def test_pegasi_mix_two_fifths_to_three_fifths_of_each_pair(animal_run):
    pictures, shares = pegasus.pegasi(animal_run)
    assert pictures.shape == (64, *SHAPE) and shares.min() >= 0.4 and shares.max() <= 0.6 and np.ptp(shares) > 0.15
    horses, birds = pegasus.pairs(animal_run, 64)
    codes = [
        np.asarray(animal_run.model.sample_posterior(animal_run.model.encode(x), latents.KEY, i))
        for i, x in enumerate((horses, birds))
    ]
    mixed = (1 - shares[:, None]) * codes[0] + shares[:, None] * codes[1]
    np.testing.assert_allclose(pictures, animal_run.model.decoder(mixed.astype(np.float32), training=False), atol=1e-5)


def grid_of(figure, columns):
    return np.reshape([axis.images[0].get_array() for axis in figure.axes], (-1, columns, *SHAPE))


@pytest.mark.trace
def test_strips_go_from_the_bird_at_the_left_to_the_horse(animal_run):
    horses, birds = pegasus.pairs(animal_run, 2)
    other = types.SimpleNamespace(model=built("acai"), source=animal_run.source)
    rows = grid_of(pegasus.strips({"VAE": animal_run, "ACAI": other}), 11)
    for i, run in enumerate((animal_run, other)):
        np.testing.assert_array_equal(rows[2 * i : 2 * i + 2, 0], birds)
        np.testing.assert_array_equal(rows[2 * i : 2 * i + 2, -1], horses)
        np.testing.assert_allclose(rows[2 * i : 2 * i + 2, 1], latents.reconstructions(run.model, birds), atol=1e-5)
        np.testing.assert_allclose(rows[2 * i : 2 * i + 2, -2], latents.reconstructions(run.model, horses), atol=1e-5)


def test_repeats_are_one_pair_with_other_codes(animal_run):
    (horse,), (bird,) = pegasus.pairs(animal_run, 1)
    rows = grid_of(pegasus.repeats(animal_run, 3), 11)
    assert (rows[:, 0] == bird).all() and (rows[:, -1] == horse).all()
    assert all(np.abs(rows[i, 5] - rows[j, 5]).max() > 0 for i, j in [(0, 1), (0, 2), (1, 2)])


@pytest.mark.trace
@pytest.mark.parametrize("draw", [pegasus.best, pegasus.successes, pegasus.neighbours])
def test_pegasi_of_a_decoder_without_bounds_are_pictures(finished, tmp_path, draw):
    """ACAI's last layer is linear: trained for a few epochs, its values go from -.03 to 1.14."""
    run = finished(tmp_path / "r", "pegasus", "acai", image_size=32)
    *_, bias = run.model.decoder.weights
    bias.assign(np.full(bias.shape, 1.5, np.float32))
    pictures, _ = pegasus.pegasi(run)
    assert pictures.min() >= 0 and pictures.max() == 1
    assert draw(run).axes


def test_neighbours_are_the_nearest_by_brute_force(animal_run):
    rows = grid_of(pegasus.neighbours(animal_run, 3, k=2), 5)
    pictures, train = pegasus.pegasi(animal_run, 3)[0], animal_run.source("train").floats()
    codes, theirs = (animal_run.model.encode(x)["mean"] for x in (train, pictures))
    for i, row in enumerate(rows):
        np.testing.assert_allclose(row[0], pictures[i], atol=1e-6)
        np.testing.assert_array_equal(row[1:3], train[np.argsort([np.sum((pictures[i] - x) ** 2) for x in train])[:2]])
        np.testing.assert_array_equal(row[3:5], train[np.argsort([np.sum((theirs[i] - x) ** 2) for x in codes])[:2]])


@pytest.mark.parametrize("likenesses", [{3: 0.3, 7: 0.7, 9: 0.52}, {3: 0.1, 7: 0.12, 9: 0.05}])
def test_the_best_is_the_sharpest_that_is_neither(animal_run, monkeypatch, likenesses):
    monkeypatch.setattr(
        pegasus, "likeness", lambda run, pictures: np.array([likenesses.get(i, 0.95 + i / 1e4) for i in range(64)])
    )
    monkeypatch.setattr(
        pegasus.sharpness,
        "laplacian_variance",
        lambda pictures: np.array([{7: 2.0, 0: 9.0}.get(i, 1.0) for i in range(64)]),
    )
    figure = pegasus.best(animal_run)
    horses, birds = pegasus.pairs(animal_run, 64)
    pictures, shares = pegasus.pegasi(animal_run)
    for axis, picture in zip(figure.axes, (birds[7], pictures[7], horses[7])):
        np.testing.assert_allclose(axis.images[0].get_array(), np.clip(picture, 0, 1), atol=1e-6)
    assert figure.axes[1].get_title() == f"number 8 of 64: {shares[7]:.0%} bird, {likenesses[7]:.0%} like a horse"


def test_further_successes_follow_the_best(animal_run, monkeypatch):
    """Three are neither bird nor horse, in the order of sharpness; the others follow by their distance from 1/2."""
    likenesses = {3: 0.3, 7: 0.7, 9: 0.52} | {20: 0.8, 21: 0.15, 22: 0.1, 23: 0.92, 24: 0.06, 25: 0.95, 26: 0.04}
    monkeypatch.setattr(
        pegasus, "likeness", lambda run, pictures: np.array([likenesses.get(i, 1.0) for i in range(64)])
    )
    sharp = {3: 2.0, 7: 3.0, 9: 1.0, 0: 9.0}
    monkeypatch.setattr(
        pegasus.sharpness, "laplacian_variance", lambda pictures: np.array([sharp.get(i, 4.0) for i in range(64)])
    )
    figure = pegasus.successes(animal_run)
    pictures, shares = pegasus.pegasi(animal_run)
    expected = [3, 9, 20, 21, 22, 23, 24, 25]  # 7 is the best one
    for axis, i in zip(figure.axes, expected, strict=True):
        np.testing.assert_allclose(axis.images[0].get_array(), np.clip(pictures[i], 0, 1), atol=1e-6)
        assert axis.get_title() == f"number {i + 1}: {shares[i]:.0%} bird,\n{likenesses[i]:.0%} like a horse"


def test_likeness_tells_birds_from_horses(animal_run):
    codes = types.SimpleNamespace(
        encode=lambda images: {"mean": images[:, ::2, ::2].reshape(len(images), -1)}
    )  # pixels do
    train = animals.load("train", SHAPE[0], 400)
    likeness = pegasus.likeness(
        types.SimpleNamespace(model=codes, source=lambda split: train), train.floats(slice(100))
    )
    assert np.mean((likeness > 0.5) == (train.labels[:100] == animals.CLASSES.index("horse"))) > 0.75


def test_uniqueness_measures_both_distances(animal_run):
    left, right = pegasus.uniqueness(animal_run, 10).axes
    pictures, train = pegasus.pegasi(animal_run, 10)[0], animal_run.source("train").floats()
    nearest = [min(np.sqrt(np.mean((x - t) ** 2)) for t in train) for x in pictures]
    between = [np.sqrt(np.mean((pictures[i] - pictures[j]) ** 2)) for i in range(10) for j in range(i)]
    assert left.get_legend_handles_labels()[1][0] == f"10 Pegasi: mean {np.mean(nearest):.3f}"
    assert right.get_legend_handles_labels()[1][0] == f"10 Pegasi: mean {np.mean(between):.3f}"
    assert all(
        sum(bar.get_height() for bar in bars) == pytest.approx(1) for axis in (left, right) for bars in axis.containers
    )


def test_the_pipeline_shows_the_pair_and_what_becomes_of_it(animal_run):
    figure = pegasus.pipeline(animal_run)
    horses, birds = pegasus.pairs(animal_run, 1)
    expected = [
        horses[0],
        birds[0],
        latents.reconstructions(animal_run.model, horses)[0],
        latents.mixtures(animal_run.model, horses, birds, [0.5])[0],
        latents.reconstructions(animal_run.model, birds)[0],
    ]
    for axis, picture in zip(figure.axes[1:], expected, strict=True):
        np.testing.assert_allclose(axis.images[0].get_array(), np.clip(picture, 0, 1), atol=1e-5)
