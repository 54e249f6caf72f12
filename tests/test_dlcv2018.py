"""WGAN, WGAN-GP and InfoGAN: penalties, bounds and codes in closed form."""

import functools

import eager
import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfgen import latents, losses, noise
from tfgen.data.batches import batches
from tfgen.models.gan import GAN
from tfgen.models.infogan import InfoGAN
from tfgen.models.wgan import WGAN
from tfgen.models.wgan_gp import WGANGP
from tfgen.studies import STUDIES

SHAPE = (16, 16, 3)


def build(name, **arguments):
    keras.utils.set_random_seed(0)
    return STUDIES["dlcv2018"][name].build(SHAPE, width=1 / 8, **arguments)


built = functools.cache(build)  # for tests that change nothing in it


# Penalty
# ----------------------------------------------------------------------------------------------------------------------


def pictures(n=6, side=4, channels=3, seed=0):
    return tf.constant(np.random.default_rng(seed).random((n, side, side, channels)), tf.float32)


@pytest.mark.parametrize("side, channels", [(2, 1), (4, 3)])
def test_penalty_of_a_linear_critic(side, channels):
    """D(x) = 2 sum(x) on n values has slope 2 sqrt(n) everywhere: the penalty is (2 sqrt(n) - 1)^2."""
    real, fake = pictures(5, side, channels), pictures(5, side, channels, 1)
    penalty = losses.gradient_penalty(
        lambda x: 2 * tf.reduce_sum(x, axis=[1, 2, 3]), real, fake, tf.fill((5, 1, 1, 1), 0.3)
    )
    assert float(penalty) == pytest.approx((2 * np.sqrt(side * side * channels) - 1) ** 2, rel=1e-5)


def test_penalty_is_per_picture_and_not_per_batch():
    """Slopes 1 and 3 in one batch cost (0 + 4) / 2; one norm over the batch would cost (sqrt(10) - 1)^2."""
    slopes = tf.constant([1.0, 3.0])
    critic = lambda x: slopes * x[:, 0, 0, 0]
    assert float(losses.gradient_penalty(critic, pictures(2), pictures(2), tf.zeros((2, 1, 1, 1)))) == pytest.approx(
        2.0, rel=1e-5
    )


def test_penalty_is_taken_between_the_two():
    """D(x) = x^2 / 2 has slope x: at real 3 and fake 1, the mix tells where it is taken."""
    real, fake = tf.fill((1, 1, 1, 1), 3.0), tf.fill((1, 1, 1, 1), 1.0)
    for mix in (0.0, 0.25, 1.0):
        penalty = losses.gradient_penalty(
            lambda x: 0.5 * tf.reduce_sum(x**2, axis=[1, 2, 3]), real, fake, tf.fill((1, 1, 1, 1), mix)
        )
        assert float(penalty) == pytest.approx((1 + 2 * mix - 1) ** 2, abs=1e-4)


def test_penalty_in_the_critics_own_range():
    """A critic that rescales [0, 1] to [-1, 1] first has twice the slope over [0, 1]; in its own range it is 1."""
    critic = lambda x: (2 * x - 1)[:, 0, 0, 0]
    arguments = (critic, pictures(3), pictures(3), tf.zeros((3, 1, 1, 1)))
    assert float(losses.gradient_penalty(*arguments)) == pytest.approx(1.0, rel=1e-5)
    assert float(losses.gradient_penalty(*arguments, input_scale=2.0)) == pytest.approx(0.0, abs=1e-6)


def test_penalty_at_slope_zero_has_a_finite_gradient():
    weight = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(
            lambda x: weight * tf.reduce_sum(x, axis=[1, 2, 3]), pictures(), pictures(), tf.zeros((6, 1, 1, 1))
        )
    assert float(penalty) == pytest.approx(1.0, rel=1e-4) and np.isfinite(float(tape.gradient(penalty, weight)))


def test_column_penalty_of_the_homework():
    """Its norm runs over the height alone: D(x) = 2 sum(x) on 4 x 4 x 3 has column slopes 2 sqrt(4), whatever the width
    and channels.
    """
    penalty = losses.column_gradient_penalty(
        lambda x: 2 * tf.reduce_sum(x, axis=[1, 2, 3]), pictures(), pictures(), tf.zeros((6, 1, 1, 1))
    )
    assert float(penalty) == pytest.approx((2 * 2 - 1) ** 2, rel=1e-5)


@pytest.mark.trace
def test_linear_critic_reaches_its_known_optimum():
    """Between two points at distance d, max w d - lambda (|w| - 1)^2 is at |w| = 1 + d / (2 lambda)."""
    d, gp_weight = 0.8, 10.0
    critic = keras.Sequential(
        [
            keras.Input((1, 1, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"),
        ]
    )
    at_zero = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros"), keras.layers.Reshape((1, 1, 1))]
    )
    model = WGANGP(at_zero, critic, gp_weight)
    model.compile(discriminator=keras.optimizers.SGD(0.02), generator=keras.optimizers.SGD(0.0))
    batch = {"image": tf.fill((4, 1, 1, 1), d), "key": tf.zeros((4, 2), tf.int64)}
    step = tf.function(lambda: model.update("discriminator", model.discriminator_loss, batch))
    for _ in range(200):
        logs = step()
    norm = 1 + d / (2 * gp_weight)
    assert float(critic.weights[0].numpy()[0, 0]) == pytest.approx(norm, rel=1e-4)
    assert float(logs["wasserstein"]) == pytest.approx(norm * d, rel=1e-3)
    assert float(logs["gradient_penalty"]) == pytest.approx((norm - 1) ** 2, rel=1e-2)


def test_mix_is_one_number_a_picture_or_one_a_batch():
    batch = {"image": pictures(64), "key": tf.zeros((64, 2), tf.int64)}
    right, faithful = built("wgan_gp"), built("wgan_gp_faithful")
    mix = right.mix(batch, 0).numpy()
    assert mix.shape == (64, 1, 1, 1) and len(np.unique(mix)) == 64 and mix.min() >= 0 and mix.max() <= 1
    assert mix.mean() == pytest.approx(0.5, abs=0.12)  # uniform, not normal
    assert len(np.unique(faithful.mix(batch, 0))) == 1
    assert not np.array_equal(mix, right.mix(batch, 1))


def test_the_right_and_the_faithful_settings():
    right, faithful = built("wgan_gp"), built("wgan_gp_faithful")
    normalised = lambda model: any("batch_norm" in layer.name for layer in model.discriminator.layers)
    assert not normalised(right) and normalised(faithful)
    assert ((right.d_steps, right.g_steps), (faithful.d_steps, faithful.g_steps)) == ((5, 1), (1, 2))
    settings = lambda model: [(o.beta_1, o.beta_2, round(float(o.learning_rate), 7)) for o in model.optimizers.values()]
    assert settings(right) == [(0.0, 0.9, 1e-4)] * 2 and settings(faithful) == [(0.5, 0.999, 2e-4)] * 2


# WGAN
# ----------------------------------------------------------------------------------------------------------------------


def wgan(clip=0.01):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(16 * 16 * 3, activation="sigmoid"), keras.layers.Reshape(SHAPE)]
    )
    critic = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
    )
    model = WGAN(generator, critic, clip)
    model.compile(discriminator=keras.optimizers.RMSprop(5e-3), generator=keras.optimizers.RMSprop(5e-3))
    return model


def test_clipping_keeps_every_weight_in_the_box(toy):
    model = wgan()
    before = [v.numpy() for v in model.generator.weights]
    eager.fit(model, batches(toy, 16, stop=3))
    for weight in model.discriminator.weights:
        assert np.abs(weight.numpy()).max() <= np.float32(0.01)
    assert (
        max(np.abs(weight.numpy()).max() for weight in model.generator.weights) > 0.01
    )  # the generator is not clipped
    assert not np.array_equal(before[0], model.generator.weights[0].numpy())


@pytest.mark.trace
def test_clipping_on_two_replicas(toy, two_replicas):
    with two_replicas.scope():
        model = wgan()
    model.fit(batches(toy, 16, stop=2), epochs=1, verbose=0, shuffle=False)
    for weight in model.discriminator.weights:
        for replica in two_replicas.experimental_local_results(weight.value):
            assert np.abs(replica.numpy()).max() <= np.float32(0.01)


def test_five_critic_steps_on_fresh_latents(toy):
    model = wgan()
    seen = []
    model.sample_latents = lambda key, draw, n: seen.append(draw) or GAN.sample_latents(model, key, draw, n)
    model.train_step(next(iter(batches(toy, 16))))
    assert seen == [0, 1, 2, 3, 4, 5]


# InfoGAN
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_optimizers")
def test_parameter_counts():
    model = STUDIES["dlcv2018"]["infogan"].build((64, 64, 3))
    assert model.parameters() == {"discriminator": 1_083_137, "generator": 1_161_891, "recognizer": 531_122}
    model = STUDIES["dlcv2018"]["wgan_gp_faithful"].build((64, 64, 3))
    assert model.parameters() == {"discriminator": 1_083_137, "generator": 1_104_547}


def test_codes_are_one_hot_then_uniform():
    model = built("infogan_mixed")
    codes = model.sample_codes((0, 0), 0, 5000).numpy()
    assert codes.shape == (5000, 12)
    assert set(np.unique(codes[:, :10])) == {0, 1} and (codes[:, :10].sum(axis=1) == 1).all()
    assert codes[:, :10].mean(axis=0) == pytest.approx(np.full(10, 0.1), abs=0.02)
    assert codes[:, 10:].mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)
    assert codes[:, 10:].var(axis=0) == pytest.approx([1 / 12, 1 / 12], rel=0.1)
    assert built("infogan").sample_codes((0, 0), 0, 7).shape == (7, 50)


def read_loss(read, codes, categories, continuous=0, **arguments):
    """The loss and the logs of an InfoGAN when its recognizer answers `read`."""
    keras.utils.set_random_seed(0)
    model = InfoGAN(
        None,
        lambda images, training: {"features": images},
        lambda features, training: read,
        "non_saturating",
        categories,
        continuous,
        **arguments,
    )
    model.fake = lambda batch, draw: batch["image"]
    model.sample_codes = lambda key, draw, n: tf.constant(codes, tf.float32)
    return model.recognizer_loss({"image": tf.zeros((len(codes), 1)), "key": None}, 0)


def bound(*arguments):
    return read_loss(*arguments)[1]


def test_bound_is_0_at_chance_and_the_codes_entropy_when_read_perfectly():
    random = np.random.default_rng(0)
    hot = [np.eye(10)[random.integers(0, 10, 32)] for _ in range(5)]
    codes = np.concatenate(hot, axis=1)
    chance = bound({f"code_{i}": tf.zeros((32, 10)) for i in range(5)}, codes, (10,) * 5)
    assert float(chance["q_loss"]) == pytest.approx(5 * np.log(10), rel=1e-6)  # 11.513 nats
    assert float(chance["mutual_information"]) == pytest.approx(0, abs=1e-5)
    perfect = bound({f"code_{i}": tf.constant(100 * code, tf.float32) for i, code in enumerate(hot)}, codes, (10,) * 5)
    assert float(perfect["mutual_information"]) == pytest.approx(11.513, abs=1e-3)


def test_gaussian_likelihood_of_continuous_codes():
    values, mean = tf.constant([[0.2, 0.9], [0.5, 0.5]]), tf.constant([[0.0, 0.5], [0.5, 0.5]])
    assert float(losses.gaussian_nll(values, mean)) == pytest.approx(0.5 * (0.04 + 0.16) / 2)
    # It is -log N(c; mean, I) without the constant log(2 pi) per pair of codes.
    log_density = lambda c, m: -0.5 * (c - m) ** 2 - 0.5 * np.log(2 * np.pi)
    expected = -np.mean([log_density(0.2, 0.0) + log_density(0.9, 0.5), 2 * log_density(0.5, 0.5)]) - np.log(2 * np.pi)
    assert float(losses.gaussian_nll(values, mean)) == pytest.approx(expected)


def test_continuous_codes_have_the_weight_of_the_papers_code():
    """There, codes are in [-1, 1], and their likelihood is that of a deviation of 1, with a weight of 1."""
    codes, means = np.random.default_rng(0).random((2, 32, 2)).astype(np.float32)
    model = built("infogan_mixed")
    weight = lambda given: given.get_config()["continuous_weight"]
    loss, _ = read_loss({"continuous": means}, codes, (), 2, continuous_weight=weight(model))
    theirs = -scipy.stats.norm.logpdf(2 * codes - 1, 2 * means - 1, 1).sum(axis=1) - np.log(2 * np.pi)
    assert float(loss) == pytest.approx(theirs.mean(), rel=1e-5)
    assert float(read_loss({"continuous": means}, codes, (), 2)[0]) == pytest.approx(theirs.mean(), rel=1e-5)
    assert (
        weight(built("infogan_mixed", **STUDIES["dlcv2018"]["infogan_mixed"].convert({"continuous_weight": "0.1"})))
        == 0.1
    )


def continuous_bound(codes, means):
    """The bound of one continuous code, in nats."""
    logs = bound({"continuous": tf.constant(means[:, None], tf.float32)}, codes[:, None], (), 1)
    assert logs["mutual_information"] == logs["continuous_information"]
    return float(logs["continuous_information"])


def test_bound_of_a_continuous_code_read_not_at_all_or_in_part():
    """Told which of K equal parts a code is in, one knows exactly ln K nats. A Gaussian is not the uniform density that
    remains, which costs .5 log(pi e / 6) = .176 nats.
    """
    codes = (np.arange(12_000) + 0.5) / 12_000
    for parts in (1, 2, 10, 100):
        middles = (np.floor(codes * parts) + 0.5) / parts
        assert continuous_bound(codes, middles) == pytest.approx(np.log(parts) - 0.17649, abs=1e-3)
    assert np.isfinite(continuous_bound(codes, codes)) and continuous_bound(codes, codes) > 10
    assert continuous_bound(codes, 1 - codes) < -0.17


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.3, 0.9])
def test_bound_of_a_continuous_code_is_below_the_information_of_a_noisy_channel(wrong):
    """One sees which of ten parts a code is in, but with this probability any of the ten at random. The information is
    known, and the best answer is the mean of the code given what is seen.
    """
    random = np.random.default_rng(0)
    codes = random.random(200_000)
    seen = np.where(random.random(codes.size) < wrong, random.integers(0, 10, codes.size), np.floor(10 * codes))
    means = (1 - wrong) * (seen + 0.5) / 10 + wrong * 0.5
    right = 1 - wrong + wrong / 10
    information = np.log(10) + right * np.log(right) + (0.9 * wrong * np.log(wrong / 10) if wrong else 0)
    assert continuous_bound(codes, means) < information - 0.1


def test_bound_of_all_codes_is_the_sum():
    random = np.random.default_rng(0)
    hot, continuous = np.eye(10)[random.integers(0, 10, 32)], random.random((32, 2))
    codes = np.concatenate([hot, continuous], axis=1)
    read = {"code_0": tf.constant(100 * hot, tf.float32), "continuous": tf.constant(continuous + 0.1, tf.float32)}
    logs = bound(read, codes, (10,), 2)
    of_continuous = 2 * -0.5 * np.log(2 * np.pi * np.e * 0.01)  # .884 nats each
    assert float(logs["continuous_information"]) == pytest.approx(of_continuous, rel=1e-4)
    assert float(logs["mutual_information"]) == pytest.approx(np.log(10) + of_continuous, rel=1e-4)
    assert built("infogan").logs == ("d_loss", "g_loss", "q_loss", "mutual_information")
    assert built("infogan_mixed").logs == (*built("infogan").logs, "continuous_information")


@pytest.mark.parametrize("shared", [False, True])
def test_the_recognizers_step_leaves_the_discriminator_alone_unless_they_share_its_trunk(shared, toy):
    model = build("infogan_mixed", shared_trunk=shared)
    batch = next(iter(batches(toy, 16)))
    before = {name: [v.numpy() for v in network.trainable_variables] for name, network in model.networks().items()}
    model.update("recognizer", model.recognizer_loss, batch)
    moved = {
        name: [not np.array_equal(v.numpy(), old) for v, old in zip(network.trainable_variables, before[name])]
        for name, network in model.networks().items()
    }
    assert any(moved["generator"]) and any(moved["recognizer"]) and any(moved["discriminator"]) == shared
    head = {id(v) for v in model.discriminator.get_layer("logits").trainable_variables}
    assert not any(m for m, v in zip(moved["discriminator"], model.discriminator.trainable_variables) if id(v) in head)


def test_the_three_steps_share_latents_and_codes(toy):
    model = build("infogan")
    seen = []
    model.sample_codes = lambda key, draw, n: seen.append(draw) or InfoGAN.sample_codes(model, key, draw, n)
    model.train_step(next(iter(batches(toy, 16))))
    assert set(seen) == {0}


def test_codes_and_latents_are_different_noise():
    z, u = noise.unit((0, 0), 0, (1000, 1)).numpy(), noise.unit((0, 0), noise.stream(0, 1), (1000, 1)).numpy()
    assert abs(np.corrcoef(z.ravel(), u.ravel())[0, 1]) < 0.1


# Sweeps
# ----------------------------------------------------------------------------------------------------------------------


def swept(model):
    """Latents and codes that a sweep asks the model for."""
    calls = []
    model.generate = lambda z, codes: calls.append((np.asarray(z), codes)) or tf.zeros((len(codes), 1, 1, 1))
    return calls


def test_category_sweep_varies_one_code_along_a_row():
    model = build("infogan")
    calls = swept(model)
    latents.category_sweep(model, 1, 10)
    ((z, codes),) = calls
    for row in range(10):
        part, own = codes[10 * row : 10 * row + 10], z[10 * row : 10 * row + 10]
        np.testing.assert_array_equal(part[:, 10:20], np.eye(10))
        others = np.delete(part, np.s_[10:20], axis=1)
        assert (others == others[0]).all() and (own == own[0]).all()
        assert others[0].reshape(4, 10).sum(axis=1).tolist() == [1, 1, 1, 1]
    assert len({row.tobytes() for row in z}) == 10


def test_continuous_sweep_varies_the_continuous_code_itself():
    """The homework's own sweep concatenated [continuous, categorical] and so varied two bits of the category."""
    model = build("infogan_mixed")
    calls = swept(model)
    latents.continuous_sweep(model, 1, 4)
    ((z, codes),) = calls
    np.testing.assert_array_equal(codes[:, :10], np.tile(np.eye(10)[-1], (40, 1)))
    np.testing.assert_allclose(codes[:, 11], np.tile(np.linspace(-0.5, 1.5, 10), 4), rtol=1e-6)
    assert (codes[:, 10] == 0.5).all()
