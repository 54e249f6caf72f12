"""One table of models at toy size and one contract over it; then what is particular to each."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, losses, models
from tfgen.data.batches import batches, steps_per_epoch
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.networks import Dropout
from tfgen.studies import STUDIES

MODELS = [(study, model) for study, presets in STUDIES.items() for model in presets]
# The costly tests run on one preset of each class.
ONE_OF_EACH = [
    ("dlcv2018", "vae"),
    ("dlcv2018", "gan"),
    ("dlcv2018", "wgan_gp"),
    ("dlcv2018", "acgan"),
    ("dlcv2018", "infogan_mixed"),
    ("sullivan2017", "wgan"),
    ("sullivan2017", "depth_wgan"),
    ("pegasus", "adversarial_vae"),
    ("pegasus", "vae_gan"),
    ("pegasus", "acai"),
    ("digits", "cgan"),
    ("modern", "acgan"),
]
SHAPE = (8, 8, 3)


def build(study, model, shape=SHAPE, **arguments):
    """A toy-sized model that runs eagerly: a few steps are done before one is traced."""
    keras.utils.set_random_seed(0)
    preset = STUDIES[study][model]
    few = {"d_steps": min(2, preset.defaults()["d_steps"])} if "d_steps" in preset.defaults() else {}
    model = preset.build(shape, **{"width": 1 / 16} | few | arguments)
    model.run_eagerly = True
    return model


@pytest.fixture(scope="module")
def small(toy):
    """The session's toy set at half its size."""
    return dataclasses.replace(toy, images=toy.images[:, ::2, ::2], depth=toy.depth[:, ::2, ::2])


def weights(model):
    return {name: [v.numpy() for v in network.weights] for name, network in model.networks().items()}


def slots(model):
    return [v.numpy() for optimizer in model.optimizers.values() for v in optimizer.variables]


def fit(model, source, stop, start=0):
    steps = batches(source, 16, 0, start, stop, per_step=model.batches_per_step)
    history = model.fit(steps, epochs=1, verbose=0, shuffle=False).history
    return {name: values[0] for name, values in history.items()}


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


@pytest.mark.trace
@pytest.mark.parametrize("study, name", MODELS)
def test_a_step_logs_what_it_declares_and_moves_every_variable(study, name, toy):
    # At the study's rate, TensorFlow 1's RMSProp moves a clipped critic by less than float32 resolves.
    rate = {"learning_rate": 0.1} if (study, name) == ("sullivan2017", "wgan") else {}
    model = build(study, name, (16, 16, 3), width=1 / 8, **rate)
    before = {id(v): v.numpy() for network in model.networks().values() for v in network.trainable_variables}
    logs = fit(model, toy, 2)
    assert set(logs) == set(model.logs)
    assert all(np.isfinite(value) for value in logs.values())
    still = [
        v.path
        for network in model.networks().values()
        for v in network.trainable_variables
        if np.array_equal(v.numpy(), before[id(v)])
    ]
    # A bias before batch normalization is removed with the mean: its gradient is zero up to rounding.
    assert all("bias" in path for path in still)


@pytest.mark.trace
def test_one_of_each_class_is_tested():
    classes = {getattr(models, name) for name in models.__all__} - {models.GenerativeModel}
    assert {type(build(*one)) for one in ONE_OF_EACH} == classes


@pytest.mark.trace
@pytest.mark.parametrize("study, name", ONE_OF_EACH)
def test_an_update_moves_only_the_players_networks(study, name, small):
    model = build(study, name)
    batch = next(iter(batches(small, 16)))
    losses_of = {"autoencoder": "negative_bound"}
    for player, names in model.players.items():
        before = {name: [v.numpy() for v in network.trainable_variables] for name, network in model.networks().items()}
        model.update(player, getattr(model, losses_of.get(player, f"{player}_loss")), batch)
        for name, network in model.networks().items():
            assert same([v.numpy() for v in network.trainable_variables], before[name]) == (name not in names)


@pytest.mark.trace
@pytest.mark.parametrize("study, name", ONE_OF_EACH)
def test_a_traced_step_is_the_eager_one(study, name, small):
    eager, traced = build(study, name), build(study, name)
    for model in (eager, traced):  # the first step of an optimizer that divides by the gradient's size is a sign
        descent = {player: keras.optimizers.SGD(1e-3) for player in model.players}
        model.compile(**descent, run_eagerly=model is eager)
    logs, traced_logs = fit(eager, small, 1), fit(traced, small, 1)
    assert traced_logs == pytest.approx(logs, rel=1e-4, abs=1e-5)
    for network, values in weights(eager).items():
        for ours, theirs in zip(values, weights(traced)[network], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.trace
@pytest.mark.parametrize("study, name", ONE_OF_EACH)
@pytest.mark.parametrize("saved_by", ["checkpoint", "keras"])
def test_restored_with_slots_it_goes_on_as_if_never_stopped(study, name, saved_by, small, tmp_path):
    whole = build(study, name)
    fit(whole, small, 1)
    if saved_by == "checkpoint":
        path = whole.checkpoint().write(str(tmp_path / "half"))
        resumed = build(study, name)
        resumed.checkpoint().read(path).assert_consumed()
    else:
        whole.save(tmp_path / "half.keras")
        resumed = keras.models.load_model(tmp_path / "half.keras")
        assert type(resumed) is type(whole) and resumed.get_compile_config() == whole.get_compile_config()
    assert int(resumed.step) == 1
    logs, resumed_logs = fit(whole, small, 2, start=1), fit(resumed, small, 2, start=1)
    assert resumed_logs == pytest.approx(logs, rel=1e-4, abs=1e-6)
    for network, values in weights(whole).items():
        for ours, theirs in zip(values, weights(resumed)[network], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(slots(whole), slots(resumed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def arrays(source, model):
    """The source's pictures, and what the model is conditioned on, as a Keras user has them."""
    batch = next(iter(batches(source, len(source))))
    return batch["image"].numpy(), None if model.condition is None else batch[model.condition].numpy()


@pytest.mark.trace
@pytest.mark.parametrize("study, name", ONE_OF_EACH)
def test_it_trains_on_plain_arrays_and_uses_the_same_latents_again(study, name, small):
    """Twice from the same weights: the step counter, not a hidden state, decides which latents are drawn."""
    first, second = build(study, name), build(study, name)
    x, y = arrays(small, first)
    logs = first.fit(x, y, batch_size=32, shuffle=False, verbose=0).history
    again = second.fit((x, y) if y is not None else x, batch_size=32, shuffle=False, verbose=0).history
    assert set(logs) == set(first.logs) and all(np.isfinite(values[0]) for values in logs.values())
    assert int(first.step) == -(-2 // first.batches_per_step) and logs == again


@pytest.mark.trace
@pytest.mark.parametrize("study, name", ONE_OF_EACH)
def test_what_it_is_called_with_is_what_it_generates(study, name, small):
    model = build(study, name)
    x, _ = arrays(small, model)
    if model.autoencodes:
        assert model(x[:3]).shape == (3, *SHAPE)
        np.testing.assert_allclose(model(x[:3]), model.reconstruct(x[:3]), atol=1e-6)
        return
    if name == "depth_wgan":
        depth = model.predict_depth(x[:3], seed=5)
        z = model.sample_latents((5, 0), 0, 3)
        assert depth.shape == (3, 8, 8, 1) and np.array_equal(model((z, x[:3])), depth)
        return
    pictures = model.sample(4, seed=5)
    assert pictures.shape == (4, *SHAPE)
    np.testing.assert_array_equal(pictures, model.sample(4, seed=5))
    assert not np.array_equal(pictures, model.sample(4, seed=6))
    z, condition = model.sample_latents((5, 0), 0, 4), {"acgan": np.arange(4) % 2, "cgan": np.arange(4)}.get(name)
    if name == "infogan_mixed":
        condition = model.sample_codes((5, 0), 0, 4)
    np.testing.assert_array_equal(pictures, model(z) if condition is None else model((z, condition)))


def plain_gan(d_steps=1):
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8 * 8 * 3, activation="sigmoid"), keras.layers.Reshape(SHAPE)]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Conv2D(4, 5, 2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model = GAN(generator, discriminator, losses.adversarial("non_saturating"), d_steps=d_steps, g_steps=2)
    model.compile(discriminator=keras.optimizers.SGD(0.1), generator=keras.optimizers.SGD(0.1))
    return model


def plain_critic():
    return plain_gan(d_steps=2)


def plain_vae():
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(image)
    encoder = keras.Model(image, {"mean": keras.layers.Dense(4)(flat), "log_var": keras.layers.Dense(4)(flat)})
    decoder = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8 * 8 * 3, activation="sigmoid"), keras.layers.Reshape(SHAPE)]
    )
    model = VAE(encoder, decoder, kl_weight=1e-2)
    model.compile(autoencoder=keras.optimizers.SGD(0.1))
    return model


@pytest.mark.trace
@pytest.mark.parametrize("make", [plain_gan, plain_critic, plain_vae])
def test_two_replicas_equal_one(make, small, two_replicas):
    one = make()
    logs = fit(one, small, 3)
    with two_replicas.scope():
        two = make()
    two_logs = fit(two, small, 3)
    for network, values in weights(one).items():
        for ours, theirs in zip(values, weights(two)[network], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert logs == pytest.approx(two_logs, rel=1e-4)


def plain(source):
    return next(iter(batches(source, len(source))))["image"].numpy()


@pytest.mark.trace
@pytest.mark.parametrize("make", [plain_gan, plain_critic, plain_vae])
def test_two_replicas_equal_one_without_a_key_in_the_batches(make, small, two_replicas):
    one = make()
    logs = one.fit(plain(small), batch_size=16, epochs=2, shuffle=False, verbose=0).history
    with two_replicas.scope():
        two = make()
    two_logs = two.fit(plain(small), batch_size=16, epochs=2, shuffle=False, verbose=0).history
    assert one.step.numpy() == two.step.numpy() == 8 / one.batches_per_step
    for network, values in weights(one).items():
        for ours, theirs in zip(values, weights(two)[network], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    for log, values in logs.items():
        assert two_logs[log] == pytest.approx(values, rel=1e-4)


def test_optimizers_must_be_the_players():
    model = build("dlcv2018", "gan")
    with pytest.raises(ValueError, match="discriminator"):
        model.compile(generator=keras.optimizers.SGD())


# VAE ------------------------------------------------------------------------------------------------------------------


def test_beta_of_the_homework_and_of_its_teachers_hint():
    """studies.md: 1e-2 on the mean over z is .24 on the sum of squares' scale, the hint's 1e-5 on the sum is .123."""
    preset = STUDIES["dlcv2018"]["vae"]
    assert preset.build((64, 64, 3), width=1 / 16).beta == pytest.approx(0.24)
    assert preset.build((64, 64, 3), width=1 / 16, kl_weight=1e-5, kl_reduction="sum").beta == pytest.approx(0.12288)


def test_equal_betas_train_alike(small):
    """Mean over 512 with 1e-2 and the sum with 1e-2 / 512 are the same loss; only the logged divergence differs, by
    512.
    """
    mean, total = build("dlcv2018", "vae"), build("dlcv2018", "vae", kl_weight=1e-2 / 512, kl_reduction="sum")
    logs, total_logs = fit(mean, small, 2), fit(total, small, 2)
    assert total_logs["reconstruction"] == pytest.approx(logs["reconstruction"], rel=1e-5)
    assert total_logs["kl"] == pytest.approx(512 * logs["kl"], rel=1e-4)


def test_posterior_samples_have_the_encoders_moments():
    model = build("dlcv2018", "vae", latent_dim=2)
    code = {"mean": tf.tile([[1.0, -2.0]], [100_000, 1]), "log_var": tf.tile([[0.0, np.log(4.0)]], [100_000, 1])}
    z = model.sample_posterior(code, (0, 0), 0).numpy()
    assert z.mean(axis=0) == pytest.approx([1, -2], abs=0.03)
    assert z.std(axis=0) == pytest.approx([1, 2], rel=0.02)


@pytest.mark.trace
def test_linear_vae_reaches_its_known_optimum():
    """x is y (1, 1, 1, 1) / 2 with y from N(0, s): a linear VAE keeps the direction iff s exceeds beta / 2, and then
    leaves beta / 2 of error.

    Minimising |x - x'|^2 + beta KL is probabilistic PCA with noise sigma^2 = beta / 2 (Lucas et al. 2019,
    arXiv:1911.02469): at the optimum the squared error of a kept direction with a sampled code is sigma^2, and its
    divergence log(s / sigma^2) / 2.
    """
    s, beta = 1.0, 0.2
    keras.utils.set_random_seed(0)
    image = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(image)
    encoder = keras.Model(
        image, {"mean": keras.layers.Dense(1)(flat), "log_var": keras.layers.Dense(1, kernel_initializer="zeros")(flat)}
    )
    decoder = keras.Sequential([keras.Input((1,)), keras.layers.Dense(4), keras.layers.Reshape((2, 2, 1))])
    model = VAE(encoder, decoder, kl_weight=beta / 4)
    assert model.beta == pytest.approx(beta)
    model.compile(autoencoder=keras.optimizers.Adam(1e-2))
    y = np.random.default_rng(0).normal(0, np.sqrt(s), (4096, 1, 1, 1))
    batch = {"image": tf.constant(np.tile(y / 2, (1, 2, 2, 1)), tf.float32)}
    step = tf.function(model.train_step)
    tail = []
    for i in range(1500):
        logs = step(batch | {"key": tf.constant([[0, i]], tf.int64)})
        tail.append((float(logs["reconstruction"]) * 4, float(logs["kl"])))
    error, kl = np.mean(tail[-200:], axis=0)
    assert error == pytest.approx(beta / 2, rel=0.05)
    assert kl == pytest.approx(0.5 * np.log(s / (beta / 2)), rel=0.05)


# GAN ------------------------------------------------------------------------------------------------------------------


def test_steps_of_each_player_and_fresh_latents(small):
    model = build("dlcv2018", "gan", d_steps=1, g_steps=2)
    seen = []
    model.sample_latents = lambda key, draw, n: seen.append(draw) or GAN.sample_latents(model, key, draw, n)
    model.train_step(next(iter(batches(small, 16))))
    assert seen == [0, 1, 2]
    assert [int(model.optimizers[player].iterations) for player in ("discriminator", "generator")] == [1, 2]


def test_each_critic_step_has_its_own_batch_and_all_losses_are_logged(small):
    """Algorithm 1 of WGAN, line 3, and of WGAN-GP, line 5."""
    model = build("dlcv2018", "wgan_gp", d_steps=3)
    seen, compute = [], model.discriminator_loss
    model.discriminator_loss = lambda batch, draw: seen.append(batch["image"].numpy()) or compute(batch, draw)
    rows = next(iter(batches(small, 16, per_step=3)))
    logs = model.train_step(rows)
    assert len(seen) == 3 and all(len(images) == 16 for images in seen)
    dealt = np.stack(seen, axis=1).reshape(rows["image"].shape)
    np.testing.assert_array_equal(dealt, rows["image"])
    assert len({float(logs[name]) for name in ("d_loss", "d_loss_1", "d_loss_2")}) == 3


def test_an_epoch_of_several_batches_a_step_is_one_pass(small):
    seen = [batch["image"].numpy() for batch in batches(small, 8, per_step=3, stop=steps_per_epoch(small, 8, 3))]
    assert len(seen) == 2 and len(np.unique(np.concatenate(seen), axis=0)) == 48
    with pytest.raises(UserError, match="the 9 batches of 8 of one step: choose --batch_size 7 or less"):
        steps_per_epoch(small, 8, 9)


@pytest.mark.trace
@pytest.mark.parametrize("kind", ["array", "data set", "data set of unknown batches", "larger than the data"])
def test_fit_joins_the_batches_of_a_step(kind, small):
    model, x = plain_gan(d_steps=2), plain(small)
    shapes = []
    compute = model.discriminator_loss
    model.discriminator_loss = lambda batch, draw: shapes.append(batch["image"].shape[0]) or compute(batch, draw)
    model.run_eagerly = True
    if kind == "array":
        model.fit(x, batch_size=16, verbose=0)
    elif kind == "larger than the data":
        model.fit(x, batch_size=48, verbose=0)
    else:
        model.fit(tf.data.Dataset.from_tensor_slices(x).batch(16, drop_remainder=kind == "data set"), verbose=0)
        with pytest.raises(UserError, match="must be in"):
            model.fit(tf.data.Dataset.from_tensor_slices(2 * x).batch(16), verbose=0)
    assert shapes == ([32, 32] if kind == "larger than the data" else [16] * 4)
    assert int(model.step) == len(shapes) / 2


@pytest.mark.parametrize("name", ["acgan", "infogan", "infogan_mixed"])
def test_one_generator_pass_for_both_players_changes_nothing(name, small):
    """Two passes with the same latents are those of section 3 of the paper, and of the homework."""
    found, seen = [], []
    for shared in (True, False):
        model = build("dlcv2018", name)
        if not shared:
            model.with_fake = lambda batch, draw: (batch, None)
        draw = model.sample_latents
        model.sample_latents = lambda *drawn, draw=draw: seen.append(drawn[1]) or draw(*drawn)
        for batch in batches(small, 16, stop=3):
            logs = model.train_step(batch)
        found.append((logs, weights(model)))
    passes = {"acgan": 1}.get(name, 2)  # InfoGAN's third update is of a generator that has changed
    assert seen == [0] * 3 * (2 * passes + 1)
    (logs, shared), (expected_logs, expected) = found
    for log, value in expected_logs.items():
        np.testing.assert_allclose(logs[log], value, rtol=1e-4, atol=1e-5)
    for network, values in expected.items():
        for ours, theirs in zip(shared[network], values, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)  # a step of Adam is 2e-4


def test_a_generator_with_dropout_has_a_pass_for_each_player(small):
    """Two passes drop different values."""
    model = build("dlcv2018", "acgan")
    inputs = model.generator.input
    image = keras.layers.Rescaling(1.0)(Dropout(0.5)(model.generator(inputs)))
    model.generator = keras.Model(inputs, image)
    batch = model.batch(next(iter(batches(small, 16))))
    assert model.with_fake(batch, 0) == (batch, None)
    assert not np.array_equal(model.fake(batch, 0), model.fake(batch, 0))


def test_discriminator_reaches_its_known_optimum():
    """Two points, p(a) = 3/4 real and 1/2 generated: the best logit is log(p_real / p_fake) at each (Goodfellow et al.,
    proposition 1).
    """
    discriminator = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    identity = keras.Sequential([keras.Input((1,)), keras.layers.Reshape((1, 1, 1))])
    model = GAN(identity, discriminator, losses.adversarial("non_saturating"))
    model.compile(discriminator=keras.optimizers.Adam(0.05), generator=keras.optimizers.SGD(0.0))
    real = tf.constant([1.0, 1, 1, 0], shape=(4, 1, 1, 1))
    model.sample_latents = lambda key, draw, n: tf.constant([1.0, 1, 0, 0], shape=(4, 1))
    step = tf.function(lambda: model.update("discriminator", model.discriminator_loss, {"image": real, "key": None}))
    for _ in range(600):
        logs = step()
    at = discriminator(np.array([1.0, 0.0], np.float32).reshape(2, 1, 1, 1)).numpy().ravel()
    assert at == pytest.approx([np.log(0.75 / 0.5), np.log(0.25 / 0.5)], abs=1e-2)
    # The loss at the optimum is 2 ln 2 - 2 JSD.
    p, q = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    jsd = 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum()
    assert float(logs["d_loss"]) == pytest.approx(2 * np.log(2) - 2 * jsd, abs=1e-4)


def test_acgan_logs_are_what_its_heads_say(small):
    """With a discriminator that always answers (logit 0, code logit 2), every term is known."""
    model = build("dlcv2018", "acgan")
    answer = lambda images, training: {"logits": tf.zeros((len(images), 1)), "codes": tf.fill((len(images), 1), 2.0)}
    model.discriminator = answer
    batch = next(iter(batches(small, 16)))
    share = float(tf.reduce_mean(batch["attributes"]))
    loss, logs = model.discriminator_loss(batch, 0)
    aux = np.log1p(np.exp(-2)) * share + np.log1p(np.exp(2)) * (1 - share)
    assert float(logs["d_loss"]) == pytest.approx(2 * np.log(2))
    assert float(logs["aux_real"]) == pytest.approx(aux, rel=1e-5) == float(logs["aux_fake"])
    assert float(logs["aux_accuracy_real"]) == pytest.approx(share)
    assert float(loss) == pytest.approx(2 * np.log(2) + 2 * aux, rel=1e-5)
    loss, _ = model.generator_loss(batch, 0)
    assert float(loss) == pytest.approx(np.log(2) + aux, rel=1e-5)
