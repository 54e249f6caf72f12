"""The bottleneck networks, depth from color, its errors, and what came with them: likelihood, depth in batches, flags
of true or false.
"""

import dataclasses

import eager
import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, latents, losses, scores
from tfgen.data.batches import batches
from tfgen.data.source import Source
from tfgen.metrics import depth as depth_metrics
from tfgen.models.depth_wgan import DepthWGAN
from tfgen.models.vae import VAE
from tfgen.networks import bottleneck, conditioning
from tfgen.studies import STUDIES

SHAPE = (16, 16, 3)
PRESETS = STUDIES["sullivan2017"]


def build(name, shape=SHAPE, **arguments):
    keras.utils.set_random_seed(0)
    return PRESETS[name].build(shape, width=1 / 8, **arguments)


@pytest.fixture(scope="module")
def rgbd():
    """32 random pictures with random depth from 1 mm to 12 m, and an eighth of holes."""
    random = np.random.default_rng(0)
    depth = random.integers(1, 12_000, (32, 16, 16, 1), np.uint16) * (random.random((32, 16, 16, 1)) > 1 / 8)
    return Source(
        "rgbd",
        random.integers(0, 256, (32, *SHAPE), np.uint8),
        np.zeros((32, 0), np.uint8),
        depth=depth.astype(np.uint16),
    )


@pytest.fixture(scope="module")
def small(rgbd):
    """The same at 8x8, where networks have a layer less."""
    return dataclasses.replace(rgbd, images=rgbd.images[:, :8, :8], depth=rgbd.depth[:, :8, :8])


# Networks
# ----------------------------------------------------------------------------------------------------------------------


def conv(kernel, inputs, outputs):
    """Weights and biases of a convolution of either direction."""
    return kernel**2 * inputs * outputs + outputs


@pytest.mark.usefixtures("no_optimizers")
def test_parameter_counts():
    """Each by hand from the notes' tables at 64x64x3; the VAE's decoder and WGAN-GP's critic are without batch
    normalization.
    """
    features = (
        sum(conv(5, *pair) for pair in [(3, 64), (64, 128), (128, 256), (256, 256)])
        + conv(1, 256, 96)
        + conv(1, 96, 32)
    )
    up = (
        200 * 512
        + 512
        + conv(1, 32, 96)
        + conv(1, 96, 256)
        + sum(conv(5, *pair) for pair in [(256, 256), (256, 128), (128, 64), (64, 3)])
    )
    norms = 2 * (64 + 128 + 256 + 256 + 96 + 32)
    generator = up + 2 * (512 + 96 + 256 + 256 + 128 + 64)
    gan = {"discriminator": features + norms - 2 * 64 + 513, "generator": generator}
    expected = {
        "vae": {"encoder": features + norms + 2 * (512 * 200 + 200), "decoder": up},
        "gan": gan,
        "wgan": gan,
        "wgan_gp": {"discriminator": features + 513, "generator": generator},
    }
    assert expected["vae"] == {"encoder": 2_902_544, "decoder": 2_798_563} and gan == {
        "discriminator": 2_697_729,
        "generator": 2_801_187,
    }
    for name, counts in expected.items():
        assert PRESETS[name].build((64, 64, 3)).parameters() == counts


@pytest.mark.usefixtures("no_optimizers")
def test_parameter_counts_of_the_depth_model():
    """studies.md: about 8.08 M with the noise channel, and 1.16 M."""
    down = (
        sum(conv(5, *pair) for pair in [(4, 64), (64, 128), (128, 256), (256, 256)])
        + conv(1, 256, 96)
        + conv(1, 96, 32)
    )
    # After each layer on the way up, the one of its size on the way down is joined.
    up = conv(1, 32, 96) + conv(1, 96 + 96, 256)
    up += sum(conv(5, *pair) for pair in [(256 + 256, 256), (256 + 256, 128), (128 + 128, 64), (64 + 64, 1)])
    critic = conv(5, 4, 64) + conv(5, 64, 128) + conv(5, 128, 256) + conv(1, 256, 512) + conv(1, 512, 1)
    assert (down + up, critic) == (8_078_305, 1_162_945)
    counts = lambda **arguments: PRESETS["depth_wgan"].build((64, 64, 3), **arguments).parameters()
    assert counts() == counts(dropout=True) == {"discriminator": critic, "generator": down + up}
    assert counts(noise=False)["generator"] == down + up - 25 * 64
    # All layers but the first and the last.
    assert counts(batch_norm=True)["generator"] == down + up + 2 * (
        128 + 256 + 256 + 96 + 32 + 96 + 256 + 256 + 128 + 64
    )


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3)])
def test_shapes_and_ranges(shape):
    random = np.random.default_rng(0)
    z, images = (1000 * random.standard_normal((5, *part)).astype(np.float32) for part in [(7,), shape])
    for network in (bottleneck.decoder(shape, 7, 1 / 8), bottleneck.generator(shape, 7, 1 / 8)):
        pictures = network(z, training=False).numpy()
        assert pictures.shape == (5, *shape)
        assert 0 <= pictures.min() < 0.5 < pictures.max() <= 1
    depth = conditioning.depth_generator(shape, 1 / 8)({"image": images, "noise": images[..., :1]}).numpy()
    assert depth.shape == (5, *shape[:2], 1)
    assert 0 <= depth.min() < 0.5 < depth.max() <= 1
    assert conditioning.patch_critic(shape, 1 / 8)(images).shape == (5, shape[0] // 8, shape[1] // 8, 1)
    assert bottleneck.discriminator(shape, 1 / 8)(images).shape == (5, 1)
    assert {name: head.shape for name, head in bottleneck.encoder(shape, 7, 1 / 8)(images).items()} == {
        "mean": (5, 7),
        "log_var": (5, 7),
    }


def test_the_patch_critic_of_64_sees_8_by_8_patches():
    assert conditioning.patch_critic((64, 64, 4), 1 / 8).output_shape == (None, 8, 8, 1)


def test_layer_details_of_the_study():
    model = PRESETS["vae"].build((64, 64, 3))
    assert bottleneck.widths(64) == [64, 128, 256, 256]
    kinds = lambda network: [type(layer).__name__ for layer in network.layers]
    assert {layer.negative_slope for layer in model.encoder.layers if "leaky" in layer.name} == {0.2}
    assert kinds(model.encoder).count("BatchNormalization") == 6 and "BatchNormalization" not in kinds(model.decoder)
    generator = conditioning.depth_generator((64, 64, 3), 1 / 8, dropout=True, batch_norm=True)
    assert [kinds(generator).count(kind) for kind in ("Dropout", "BatchNormalization", "LeakyReLU", "ReLU")] == [
        10,
        10,
        6,
        5,
    ]
    optimizer = model.optimizers["autoencoder"]
    assert (type(optimizer).__name__, optimizer.rho, optimizer.momentum, optimizer.epsilon) == (
        "RMSpropFromOne",
        0.9,
        0.01,
        1e-10,
    )
    assert float(optimizer.learning_rate) == pytest.approx(1e-3)


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
def test_critics_end_linear_or_in_a_sigmoid():
    shape = (8, 8, 3)
    images = 100 * np.random.default_rng(0).standard_normal((8, 8, 8, 4))
    scores_of = lambda model: model.discriminator(images[..., : model.discriminator.input_shape[-1]]).numpy()
    for name in ("wgan", "wgan_gp", "depth_wgan"):
        linear, faithful = (
            scores_of(build(name, shape, **arguments)) for arguments in ({}, {"critic_activation": "sigmoid"})
        )
        np.testing.assert_allclose(faithful, 1 / (1 + np.exp(-linear.astype(np.float64))), rtol=1e-4, atol=1e-6)
        with pytest.raises(UserError, match="linear or sigmoid"):
            build(name, shape, critic_activation="tanh")


# Bernoulli likelihood
# ----------------------------------------------------------------------------------------------------------------


def test_bernoulli_likelihood_is_summed_over_pixels_and_negative():
    """Two pixels: -ln .9 - ln .8 for (1, 0) said to be (.9, .2); a gray pixel said to be gray costs ln 2; the mean is
    over the pictures.
    """
    images = tf.constant([1.0, 0.0, 0.5, 1.0], shape=(2, 1, 2, 1))
    decoded = tf.constant([0.9, 0.2, 0.5, 0.5], shape=(2, 1, 2, 1))
    expected = (-np.log(0.9) - np.log(0.8) + 2 * np.log(2)) / 2
    assert float(losses.bernoulli_nll(images, decoded)) == pytest.approx(expected, rel=1e-6)


def test_bernoulli_likelihood_is_best_at_the_truth_and_finite_at_the_ends():
    images = tf.constant([0.3], shape=(1, 1, 1, 1))
    at = lambda p: float(losses.bernoulli_nll(images, tf.fill((1, 1, 1, 1), p)))
    assert at(0.3) == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), rel=1e-6)
    assert at(0.3) < min(at(0.25), at(0.35)) and np.isfinite([at(0.0), at(1.0)]).all()
    decoded = tf.Variable(tf.zeros((1, 1, 1, 1)))
    with tf.GradientTape() as tape:
        loss = losses.bernoulli_nll(images, decoded)
    assert np.isfinite(tape.gradient(loss, decoded).numpy()).all()


BERNOULLI = [("sullivan2017", "vae"), ("pegasus", "vae"), ("pegasus", "adversarial_vae"), ("digits", "vae")]


def sure(study, name, logit):
    """A VAE whose decoder has this logit everywhere, and the bias that sets it."""
    model = STUDIES[study][name].build((16, 16, 1), width=1 / 16)
    kernel, bias = model.decoder.trainable_variables[-2:]
    kernel.assign(tf.zeros(kernel.shape))
    bias.assign([logit])
    return model, bias


@pytest.mark.parametrize(
    "study, name, traced",
    [
        *((*one, False) for one in BERNOULLI),
        *(pytest.param(*one, True, marks=pytest.mark.trace) for one in BERNOULLI[2:]),
    ],
)
def test_bernoulli_likelihood_and_its_gradient_are_exact_for_any_logit(study, name, traced):
    """For a value x and a logit l they are log(1 + e^l) - x l and s(l) - x, in 64 bits; s(16.7) is 1 in 32 bits."""
    model, bias = sure(study, name, 0.0)

    def value_and_gradient(x):
        batch = {"image": tf.fill((2, 16, 16, 1), x), "key": tf.zeros((2, 2), tf.int64)}
        with tf.GradientTape() as tape:
            value = model.negative_bound(batch, 0)[1]["reconstruction"]
        return value, tape.gradient(value, bias.value)[0]

    call = tf.function(value_and_gradient) if traced else value_and_gradient
    for logit in (-100.0, -30.0, -16.5, -3.0, 0.0, 3.0, 16.5, 30.0, 100.0):
        bias.assign([logit])
        for x in (0.0, 0.3, 1.0):
            value, gradient = (float(result) / 256 for result in call(tf.constant(x)))
            x = np.float64(np.float32(x))
            assert value == pytest.approx(np.logaddexp(0, logit) - x * logit, rel=1e-5)
            assert gradient == pytest.approx(np.exp(-np.logaddexp(0, -logit)) - x, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("study, name", BERNOULLI)
def test_bernoulli_likelihood_of_validation_is_exact_too(study, name):
    model, _ = sure(study, name, 30.0)
    assert float(model.validation_logs(tf.zeros((2, 16, 16, 1)))["reconstruction"]) == pytest.approx(256 * 30, rel=1e-5)


def test_bernoulli_likelihood_of_other_probabilities_is_that_of_clipped_ones():
    images, decoded = np.random.default_rng(0).random((2, 4, 8, 8, 3)).astype(np.float32)
    decoded[0] = np.round(decoded[0])
    p = np.clip(decoded.astype(np.float64), np.float32(1e-7), np.float32(1) - np.float32(1e-7))
    expected = -np.sum(images * np.log(p) + (1 - images) * np.log1p(-p), axis=(1, 2, 3)).mean()
    assert float(losses.bernoulli_nll(images, decoded)) == pytest.approx(expected, rel=1e-4)


def test_the_vae_minimises_likelihood_and_divergence(toy):
    model = build("vae", kl_weight=0.5)
    batch = next(iter(batches(toy, 16)))
    loss, logs = model.negative_bound(batch, 0)
    assert float(loss) == pytest.approx(float(logs["reconstruction"]) + 0.5 * float(logs["kl"]), rel=1e-6)
    # Untrained, every value is said to be about 1/2, which costs ln 2 whatever it is.
    assert float(logs["reconstruction"]) == pytest.approx(16 * 16 * 3 * np.log(2), rel=0.05)
    assert model.beta == pytest.approx(0.5)


def test_mean_squared_error_stays_the_vaes_default():
    assert (
        VAE(None, keras.Sequential([keras.Input((1,)), keras.layers.Dense(4)]), 1.0).reconstruction
        is losses.mean_squared_error
    )


# Depth in batches
# --------------------------------------------------------------------------------------------------------------------


def test_batches_hold_depth_and_its_mask():
    """Millimeters to meters / 10, cut at 1; 0 is a hole."""
    millimetres = np.array([0, 1, 2500, 10_000, 10_001, 65_535], np.uint16)
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1)
    source = Source("depths", images, np.zeros((6, 0), np.uint8), depth=millimetres.reshape(6, 1, 1, 1))
    batch = next(iter(batches(source, 6)))
    order = np.rint(batch["image"].numpy().ravel() * 255).astype(int)
    np.testing.assert_allclose(
        batch["depth"].numpy().ravel(), np.array([0, 1e-4, 0.25, 1, 1, 1], np.float32)[order], rtol=1e-6
    )
    np.testing.assert_array_equal(batch["mask"].numpy().ravel(), (order > 0).astype(np.float32))
    assert batch["depth"].shape == batch["mask"].shape == (6, 1, 1, 1)


def test_batches_without_depth_have_none(toy):
    assert not {"depth", "mask"} & set(next(iter(batches(dataclasses.replace(toy, depth=None), 4))))


# Depth WGAN
# ----------------------------------------------------------------------------------------------------------------------


def test_root_mean_squared_error_is_over_known_pixels():
    """Errors 3 and 4 known, 100 in a hole: sqrt((9 + 16) / 2); with nothing known 0, and finite gradients at 0."""
    values, predictions, mask = (tf.constant(x, shape=(1, 1, 3, 1)) for x in ([1.0, 1, 0], [4.0, 5, 100], [1.0, 1, 0]))
    assert float(losses.root_mean_squared_error(values, predictions, mask)) == pytest.approx(np.sqrt(12.5))
    assert float(losses.root_mean_squared_error(values, predictions, 0 * mask)) == pytest.approx(0, abs=1e-5)
    predictions = tf.Variable(values)
    with tf.GradientTape() as tape:
        loss = losses.root_mean_squared_error(values, predictions, mask)
    assert np.isfinite(tape.gradient(loss, predictions).numpy()).all()


@pytest.mark.parametrize(
    "loss_name, player", [("discriminator_loss", "discriminator"), ("generator_loss", "generator")]
)
def test_holes_change_nothing(rgbd, loss_name, player):
    """Another truth in the holes leaves both losses and all their gradients as they are."""
    model = build("depth_wgan")
    batch = next(iter(batches(rgbd, 8)))
    other = batch | {"depth": tf.where(batch["mask"] > 0, batch["depth"], 0.77)}
    results = []
    for given in (batch, other):
        with tf.GradientTape() as tape:
            loss, logs = getattr(model, loss_name)(given, 0)
        results.append([loss, *logs.values(), *tape.gradient(loss, model.player_variables(player))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.trace
def test_predictions_in_holes_change_nothing(rgbd):
    """Nothing the generator says in a hole costs, and no gradient asks it to change there."""
    model = build("depth_wgan")
    batch = next(iter(batches(rgbd, 8)))
    known = tf.random.stateless_uniform((8, 16, 16, 1), (0, 0))
    results = []
    for inside in (0.1, 0.9):
        said = tf.Variable(tf.where(batch["mask"] > 0, known, inside))
        model.fake = lambda batch, draw: tf.identity(said)
        for loss_name in ("discriminator_loss", "generator_loss"):
            with tf.GradientTape() as tape:
                loss, _ = getattr(model, loss_name)(batch, 0)
            gradient = tape.gradient(loss, said).numpy()
            results.append((float(loss), gradient))
            assert not gradient[batch["mask"].numpy() == 0].any() and gradient[batch["mask"].numpy() == 1].any()
    for (ours, gradient), (theirs, other) in zip(results[:2], results[2:]):
        assert ours == theirs
        np.testing.assert_array_equal(gradient, other)


def linear_depth_wgan(slopes, **arguments):
    """A critic D = 2 x 2 patches of slope * (sum of its inputs in [-1, 1]), a generator that always says 1/2."""

    class Critic:
        trainable_variables = []

        def __call__(self, pairs, training):
            return tf.reshape(slopes, (-1, 1, 1, 1)) * tf.nn.avg_pool2d(
                tf.reduce_sum(2 * pairs - 1, axis=-1, keepdims=True), 2, 2, "VALID"
            )

    model = DepthWGAN(conditioning.depth_generator((8, 8, 3), 1 / 8), None, **arguments)
    model.discriminator = Critic()
    model.fake = lambda batch, draw: tf.fill(tf.shape(batch["depth"]), 0.5)
    return model


def plain_batch(depth):
    """Pictures of 8x8x3 at 1/4 with one known depth each."""
    n = len(depth)
    depth = tf.reshape(tf.constant(depth, tf.float32), (n, 1, 1, 1)) * tf.ones((n, 8, 8, 1))
    return {
        "image": tf.fill((n, 8, 8, 3), 0.25),
        "depth": depth,
        "mask": tf.ones((n, 8, 8, 1)),
        "key": tf.zeros((n, 2), tf.int64),
    }


def test_every_term_against_a_linear_critic():
    """D is s times the mean over 64 places of the sum over 4 channels of 2 v - 1: its slope in [-1, 1] is s sqrt(4 *
    64) / 64.

    Slopes 4 and 12 give norms 1 and 3, one a picture, over color and depth: the penalty is (0 + 4) / 2.
    """
    model = linear_depth_wgan(tf.constant([4.0, 12.0]), gp_weight=10.0, rmse_weight=3.0)
    batch = plain_batch([0.9, 0.4])
    loss, logs = model.discriminator_loss(batch, 0)
    # Color is the same on both sides; of depth .9 against .5, and .4 against .5, 2 (fake - real) s is left.
    d_loss = np.mean([4 * 2 * (0.5 - 0.9), 12 * 2 * (0.5 - 0.4)])
    assert float(logs["d_loss"]) == pytest.approx(d_loss, rel=1e-5) == -float(logs["wasserstein"])
    assert float(logs["gradient_penalty"]) == pytest.approx(2.0, rel=1e-5)
    assert float(loss) == pytest.approx(d_loss + 20, rel=1e-5)
    loss, logs = model.generator_loss(batch, 0)
    # Color 1/4 is -1/2 three times, depth 1/2 is 0: D(fake) = -1.5 s.
    assert float(logs["g_loss"]) == pytest.approx(1.5 * 8, rel=1e-5)
    rmse = np.sqrt((0.4**2 + 0.1**2) / 2)
    assert float(logs["rmse"]) == pytest.approx(rmse, rel=1e-5)
    assert float(loss) == pytest.approx(12 + 3 * rmse, rel=1e-5)


def test_the_depth_model_reads_its_noise_unless_built_without(rgbd):
    images = rgbd.images[:4] / np.float32(255)
    with_noise, without = build("depth_wgan"), build("depth_wgan", noise=False)
    assert list(without.generator.input) == ["image"]
    for model, differs in [(with_noise, True), (without, False)]:
        a, b, again = (latents.depths(model, images, draw) for draw in (0, 1, 0))
        np.testing.assert_array_equal(a, again)
        assert np.array_equal(a, b) == (not differs)
        np.testing.assert_allclose(a, model.generate(model.sample_latents(latents.KEY, 0, 4), images), atol=1e-6)
    z = with_noise.sample_latents(latents.KEY, 0, 100).numpy()
    assert z.shape == (100, 16, 16, 1) and -1 <= z.min() < -0.99 and 0.99 < z.max() <= 1


def test_five_critic_steps_on_fresh_noise(small):
    model = build("depth_wgan", (8, 8, 3))
    seen = []
    model.sample_latents = lambda key, draw, n: seen.append(draw) or DepthWGAN.sample_latents(model, key, draw, n)
    model.train_step(next(iter(batches(small, 8))))
    assert seen == [0, 1, 2, 3, 4, 5]
    settings = [(o.beta_1, o.beta_2, round(float(o.learning_rate), 7)) for o in model.optimizers.values()]
    assert settings == [(0.5, 0.9, 1e-4)] * 2


@pytest.mark.trace
def test_the_variants_train_on_two_replicas(small, two_replicas):
    """Dropout is the one layer with a random state of its own."""
    with two_replicas.scope():
        variant = {"noise": False, "batch_norm": True, "dropout": True, "critic_activation": "sigmoid"}
        model = build("depth_wgan", (8, 8, 3), **variant, d_steps=1)
    logs = eager.fit(model, batches(small, 8, stop=2), two_replicas)
    assert set(logs) == set(model.logs) and np.isfinite(list(logs.values())).all()


@pytest.mark.trace
def test_depth_is_learnt_where_it_can_be_seen():
    """Depth is the picture's brightness: from the error of about the best constant to less than a third of it."""
    images = (
        np.random.default_rng(0)
        .integers(0, 256, (256, 2, 2, 1), np.uint8)
        .repeat(4, axis=1)
        .repeat(4, axis=2)
        .repeat(3, axis=3)
    )
    source = Source("shades", images, np.zeros((256, 0), np.uint8), depth=(images[..., :1].astype(np.uint16) + 1) * 39)
    model = build("depth_wgan", (8, 8, 3), learning_rate=2e-3, d_steps=1)
    history = []
    model.fit(
        batches(source, 32, stop=120),
        epochs=1,
        verbose=0,
        shuffle=False,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: history.append(logs["rmse"]))],
    )
    constant = np.std(source.depth / 10_000)
    assert np.mean(history[:5]) > 0.8 * constant and np.mean(history[-20:]) < 0.3 * constant


def test_samples_are_scenes_truth_and_prediction():
    samples = PRESETS["depth_wgan"].samples(build("depth_wgan"))
    assert samples.shape == (24, *SHAPE) and samples.min() >= 0 and samples.max() <= 1
    colour, truth, predicted = np.split(samples, 3)
    assert colour.std() > 0.05 and truth.std() > 0.02
    for maps in (truth, predicted):
        np.testing.assert_array_equal(maps[..., 0], maps[..., 2])


# Depth errors
# ----------------------------------------------------------------------------------------------------------------------


def test_errors_by_hand():
    """Truth 1 and 4 m, said to be 2 and 4 m, and a hole."""
    truth, prediction = (np.array(x).reshape(1, 1, 3, 1) for x in ([1.0, 4, 0], [2.0, 4, 9]))
    found = depth_metrics.errors(truth, prediction, truth > 0)
    assert found == pytest.approx(
        {
            "rmse": np.sqrt(0.5),
            "abs_rel": 0.5,
            "sq_rel": 0.5,
            "log_rmse": np.log(2) / np.sqrt(2),
            "scale_invariant_log": np.log(2) / 2,
            "delta_1": 0.5,
            "delta_2": 0.5,
            "delta_3": 0.5,
        }
    )


def test_errors_of_scaled_depth():
    """1.5 times too far, each map by its own factor: only the scale-invariant error is 0; 1.5 lies between 1.25 and
    1.25^2.
    """
    truth = np.random.default_rng(0).uniform(1, 9, (2, 4, 4, 1))
    factors = np.array([1.5, 1 / 1.5]).reshape(2, 1, 1, 1)
    found = depth_metrics.errors(truth, truth * factors, truth > 0)
    assert found["scale_invariant_log"] == pytest.approx(0, abs=1e-9) and found["log_rmse"] == pytest.approx(
        np.log(1.5)
    )
    assert (found["delta_1"], found["delta_2"], found["delta_3"]) == (0, 1, 1)
    assert found["abs_rel"] == pytest.approx((0.5 + 1 / 3) / 2)


def test_errors_of_the_truth_and_of_nothing():
    truth = np.full((2, 4, 4, 1), 3.0)
    found = depth_metrics.errors(truth, truth, truth > 0)
    assert [found.pop(f"delta_{k}") for k in (1, 2, 3)] == [1, 1, 1] and set(found.values()) == {0}
    assert np.isfinite(list(depth_metrics.errors(truth, 0 * truth, truth > 0).values())).all()
    with pytest.raises(ValueError, match="no pixel"):
        depth_metrics.errors(truth, truth, truth < 0)


def test_mean_map_is_over_known_pixels():
    depth = np.array([[2.0, 0, 0], [4.0, 6, 0]]).reshape(2, 1, 3, 1)
    np.testing.assert_allclose(depth_metrics.mean_map(depth, depth > 0).ravel(), [3, 6, 4])


def test_scores_of_a_depth_run(rgbd):
    """Every error is beside the mean map's; the output varies with the noise only where the model takes any."""
    run = type("Run", (), {"source": lambda self, split: rgbd, "model": build("depth_wgan")})()
    found = scores.depth_errors(run, run.model)
    names = {"rmse", "abs_rel", "sq_rel", "log_rmse", "scale_invariant_log", "delta_1", "delta_2", "delta_3"}
    assert set(found) == {"pictures", "noise_deviation", "picture_deviation"} | names | {
        f"mean_map_{name}" for name in names
    }
    known, metres = rgbd.depth > 0, rgbd.depth / 1000
    residual = (metres - depth_metrics.mean_map(metres, known))[known]
    assert found["mean_map_rmse"] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-4)
    assert found["pictures"] == 32 and found["noise_deviation"] > 0
    assert scores.depth_errors(run, build("depth_wgan", noise=False))["noise_deviation"] == 0


def test_scores_need_depth(toy):
    run = type("Run", (), {"source": lambda self, split: dataclasses.replace(toy, depth=None)})()
    with pytest.raises(UserError, match="toy has no depth"):
        scores.depth_errors(run, None)


# Flags
# ----------------------------------------------------------------------------------------------------------------------


def test_flags_of_true_or_false():
    preset = PRESETS["depth_wgan"]
    assert preset.convert({"noise": "false", "batch_norm": "True", "d_steps": "2"}) == {
        "noise": False,
        "batch_norm": True,
        "d_steps": 2,
    }
    for text in ("1", "yes", ""):
        with pytest.raises(UserError, match=f"--noise takes true or false, not '{text}'"):
            preset.convert({"noise": text})
