"""R3GAN's losses by hand, and what makes the modern networks modern."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.decomposition import PCA

from tfgen import UserError, data, losses, noise
from tfgen.models import R3GAN
from tfgen.networks import drafted
from tfgen.runs import Run
from tfgen.studies import modern

N, SHAPE = 8, (2, 2, 1)


def networks(codes=0):
    """A linear discriminator D(x) = a sum(x) and a generator whose pictures are all sigmoid(b)."""
    z, image = keras.Input((3,), name="z"), keras.Input(SHAPE)
    taken = {"z": z, "codes": keras.Input((codes,), name="codes")} if codes else z
    x = keras.layers.Concatenate()([z, taken["codes"]]) if codes else z
    x = keras.layers.Dense(4, "sigmoid", kernel_initializer="zeros")(x)
    generator = keras.Model(taken, keras.layers.Reshape(SHAPE)(x))
    flat = keras.layers.Flatten()(image)
    logits = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(flat)
    judged = {"logits": logits, "codes": keras.layers.Dense(codes)(flat)} if codes else logits
    return generator, keras.Model(image, judged)


def batch(step=0, **more):
    image = np.full((N, *SHAPE), 0.75, np.float32)
    return {"image": tf.constant(image), "key": tf.constant([0, step], tf.int64)} | more


def test_losses_by_hand():
    """D is 3 at real pictures and 2 at generated ones; its gradient is 1 at each of 4 pixels, 1/2 in [-1, 1]."""
    model = R3GAN(*networks(), gamma=3.0, penalty_every=1)
    total, logs = model.discriminator_loss(batch(), 0)
    assert float(logs["d_loss"]) == pytest.approx(np.log1p(np.exp(2.0 - 3.0)), rel=1e-6)
    assert float(model.penalty(batch(), model.fake(batch(), 0))) == pytest.approx(2 * 4 / 4, rel=1e-6)
    assert float(total - logs["d_loss"]) == pytest.approx(3.0 / 2 * 2.0, rel=1e-5)
    assert float(model.generator_loss(batch(), 0)[0]) == pytest.approx(np.log1p(np.exp(3.0 - 2.0)), rel=1e-6)


def test_lazy_penalties_are_the_same_on_average():
    model = R3GAN(*networks(), penalty_every=4)
    found = [float(model.penalty(batch(step), model.fake(batch(step), 0))) for step in range(8)]
    assert found == pytest.approx([8.0, 0, 0, 0] * 2, rel=1e-6) and np.mean(found) == pytest.approx(2.0)


def test_the_penalty_moves_the_discriminator():
    """Without pictures to tell apart, only the penalty has a gradient: 2 a N pixels / 4 for each of both terms."""
    generator, discriminator = networks()
    model = R3GAN(generator, discriminator, gamma=1.0, penalty_every=1)
    same = batch() | {"image": model.fake(batch(), 0)}
    with tf.GradientTape() as tape:
        loss, _ = model.discriminator_loss(same, 0)
    # (gamma / 2) * 2 * sum_i a_i^2 / 4: the derivative by each a_i is a_i / 2.
    np.testing.assert_allclose(tape.gradient(loss, discriminator.trainable_variables[0].value), 0.5, rtol=1e-5)


@pytest.mark.parametrize("condition, given", [
    ("attributes", {"attributes": tf.constant([[0.0, 1.0]] * N)}),
    ("label", {"label": tf.constant([1] * N)}),
])  # fmt: skip
def test_codes_of_real_pictures_train_the_discriminator_and_of_generated_ones_the_generator(condition, given):
    model = R3GAN(*networks(codes=2), condition, code_weight=2.0, penalty_every=1, gamma=0.0)
    real = model.discriminator(batch()["image"])["codes"]
    fake = model.discriminator(model.fake(batch(**given), 0))["codes"]
    cross_entropy = losses.cross_entropy if condition == "attributes" else losses.categorical_cross_entropy
    codes = tf.constant([[0.0, 1.0]] * N)
    total, logs = model.discriminator_loss(batch(**given), 0)
    assert float(total - logs["d_loss"]) == pytest.approx(2 * float(cross_entropy(real, codes)), rel=1e-4)
    total, logs = model.generator_loss(batch(**given), 0)
    assert float(total - logs["g_loss"]) == pytest.approx(2 * float(cross_entropy(fake, codes)), rel=1e-4)
    assert set(logs) == {"g_loss", "aux_fake", "aux_accuracy_fake"}


def test_reconstructions_of_every_second_picture_train_the_generator():
    """All pictures of the generator are 1/2 before training, and all real ones are 3/4."""
    seen = []

    def project(generator, images, codes):
        seen.append((len(images), codes))
        return tf.ones((len(images), 3))

    model = R3GAN(*networks(), project=project, reconstruction_weight=8.0)
    total, logs = model.generator_loss(batch(), 0)
    assert float(logs["reconstruction"]) == pytest.approx(0.25)
    assert float(total - logs["g_loss"]) == pytest.approx(8 * 0.25) and seen == [(N // 2, None)]
    assert "reconstruction" not in modern.gan((16, 16, 1), width=1 / 16, reconstruction_weight=0.0).logs
    assert "reconstruction" in model.logs and "reconstruction" not in R3GAN(*networks()).logs


def test_unknown_conditions_are_refused():
    with pytest.raises(UserError, match="condition must be attributes, label or None, not 'class'"):
        R3GAN(*networks(codes=2), "class")


def pictures(n=512, side=16):
    """Pictures whose brightness is a normal number, and whose left half is lighter where the code is 1."""
    rng = np.random.default_rng(0)
    codes = (rng.uniform(size=(n, 1)) < 0.5).astype(np.float32)
    x = 0.5 + 0.1 * rng.normal(size=(n, 1, 1, 1)) * np.ones((n, side, side, 1))
    x[:, :, : side // 2] += 0.2 * codes[:, :, None, None]
    return np.clip(x, 0.01, 0.99).astype(np.float32), codes


def test_before_training_the_pictures_are_those_of_the_fitted_distribution():
    images, codes = pictures()
    generator = drafted.generator((16, 16, 1), 8, 1, width=1 / 16)
    drafted.draft(generator, images, codes)
    z = noise.normal((0, 0), 0, (2000, 8))
    for code in (0.0, 1.0):
        made = generator({"z": z, "codes": tf.fill((2000, 1), code)}, training=False).numpy()
        real = images[codes[:, 0] == code]
        for half in (slice(0, 8), slice(8, 16)):
            found, expected = made[:, :, half].mean(axis=(1, 2, 3)), real[:, :, half].mean(axis=(1, 2, 3))
            assert found.mean() == pytest.approx(expected.mean(), abs=0.02)
            assert found.std() == pytest.approx(expected.std(), rel=0.15)
    assert images[codes[:, 0] == 1].mean() - images[codes[:, 0] == 0].mean() == pytest.approx(0.1, abs=0.02)


def test_projected_pictures_are_their_own_drafts():
    """The pictures have two degrees of freedom before the tanh, and a code: the draft has all three."""
    rng = np.random.default_rng(0)
    codes = (rng.uniform(size=(256, 1)) < 0.5).astype(np.float32)
    ways = rng.normal(size=(3, 16 * 16)).astype(np.float32)
    values = np.concatenate([rng.normal(size=(256, 2)), codes], axis=1) @ (0.2 * ways)
    images = ((np.tanh(values) / drafted.NEAR_ONE + 1) / 2).reshape(-1, 16, 16, 1).astype(np.float32)
    images = np.clip(images, 0, 1)
    generator = drafted.generator((16, 16, 1), 8, 1, width=1 / 16)
    drafted.draft(generator, images, codes)
    z = drafted.project(generator, images[:9], codes[:9])
    made = generator({"z": z, "codes": tf.constant(codes[:9])}, training=False).numpy()
    # The draft of x is the tanh of its values, .95 (2 x - 1), as a picture.
    expected = (drafted.NEAR_ONE * (2 * images[:9] - 1) + 1) / 2
    assert np.abs(made - expected).mean() < 0.01 < np.abs(np.roll(made, 1, axis=0) - expected).mean()
    scores = drafted.project(generator, images, codes)
    np.testing.assert_allclose(np.std(scores, axis=0)[:2], 1, atol=0.05)  # the prior's deviation
    assert z.shape == (9, 8)


def two_kinds(n=600, side=16):
    """Pictures that are light on the left or on the right, with brightness that varies more in the first kind."""
    rng = np.random.default_rng(0)
    left = rng.uniform(size=n) < 2 / 3
    x = 0.5 + np.where(left, 0.1, 0.02)[:, None, None, None] * rng.normal(size=(n, 1, 1, 1)) * np.ones((side, side, 1))
    x[left, :, : side // 2] += 0.2
    x[~left, :, side // 2 :] += 0.2
    return np.clip(x, 0.01, 0.99).astype(np.float32), left


def test_a_mixture_draws_each_kind_as_often_and_as_varied_as_it_is():
    """One normal distribution would draw pictures between both kinds."""
    images, left = two_kinds()
    generator = drafted.generator((16, 16, 1), 4, width=1 / 16, clusters=2)
    drafted.draft(generator, images, components=2)
    made = generator(noise.normal((0, 0), 0, (3000, 4)), training=False).numpy()
    sides = made[:, :, :8].mean(axis=(1, 2, 3)) - made[:, :, 8:].mean(axis=(1, 2, 3))
    assert np.mean(np.abs(np.abs(sides) - 0.2) < 0.08) > 0.97
    assert np.mean(sides > 0) == pytest.approx(left.mean(), abs=0.04)
    for kind, own in ((sides > 0.1, left), (sides < -0.1, ~left)):
        assert made[kind].mean(axis=(1, 2, 3)).std() == pytest.approx(images[own].mean(axis=(1, 2, 3)).std(), rel=0.25)


def test_pictures_are_projected_into_their_own_cluster():
    images, left = two_kinds()
    generator = drafted.generator((16, 16, 1), 4, width=1 / 16, clusters=2)
    drafted.draft(generator, images, components=2)
    z = drafted.project(generator, tf.constant(images)).numpy()
    border = float(generator.get_layer("mixture").borders[0, 0])
    assert len(set((z[left, 0] > border).tolist())) == len(set((z[~left, 0] > border).tolist())) == 1
    assert (z[left, 0] > border)[0] != (z[~left, 0] > border)[0]
    assert np.all(z[:, 1:3].std(axis=0) < 1.1) and np.all(z[:, 1:3].std(axis=0) > 0.5)  # shrinkage widens a cluster
    made = generator(z, training=False).numpy()
    assert np.abs(made - images).mean() < 0.02


def test_each_class_has_its_own_clusters():
    """Samples of a class are its pictures, and a picture is projected into its class, also if another one is nearer."""
    images, left = two_kinds()
    codes = np.column_stack([left, ~left]).astype(np.float32)
    generator = drafted.generator((16, 16, 1), 4, 2, width=1 / 16, clusters=3, of_each_code=True)
    drafted.draft(generator, images, codes, components=2)
    z = noise.normal((0, 0), 0, (600, 4))
    for kind, sign in enumerate((1, -1)):
        told = tf.one_hot(tf.fill(600, kind), 2)
        made = generator({"z": z, "codes": told}, training=False).numpy()
        sides = made[:, :, :8].mean(axis=(1, 2, 3)) - made[:, :, 8:].mean(axis=(1, 2, 3))
        assert np.mean(np.abs(sides - sign * 0.2) < 0.08) > 0.97
        own = images[codes[:, kind] > 0.5]
        assert made.mean(axis=(1, 2, 3)).std() == pytest.approx(own.mean(axis=(1, 2, 3)).std(), rel=0.3)
    own = drafted.project(generator, tf.constant(images), tf.constant(codes)).numpy()
    made = generator({"z": tf.constant(own), "codes": tf.constant(codes)}, training=False).numpy()
    assert np.abs(made - images).mean() < 0.02
    other = drafted.project(generator, tf.constant(images), tf.constant(codes[:, ::-1])).numpy()
    assert np.all(np.isfinite(other)) and np.mean(other[:, 1:] ** 2) > 2 * np.mean(own[:, 1:] ** 2)


def test_before_the_draft_is_set_a_mixture_is_one_normal_distribution():
    z = keras.Input((6,))
    scores = keras.Model(z, drafted.Mixture(3)(z))
    drawn = noise.normal((0, 0), 0, (50, 6))
    np.testing.assert_allclose(scores(drawn), drawn[:, 1:], atol=1e-5)


def test_a_mixture_needs_two_latents():
    with pytest.raises(UserError, match="latent_dim must be at least 2"):
        modern.gan((16, 16, 1), latent_dim=1)


@pytest.mark.parametrize("images", [
    np.zeros((100, 16, 16, 1), np.float32), np.ones((1, 16, 16, 1), np.float32),
    np.repeat(two_kinds(5)[0], 500, axis=0),
])  # fmt: skip
def test_pictures_that_are_alike(images):
    generator = drafted.generator((16, 16, 1), 8, width=1 / 16, clusters=32)
    drafted.draft(generator, images)
    z = drafted.project(generator, tf.constant(images[:9]))
    assert np.all(np.isfinite(z)) and np.all(np.isfinite(generator(noise.normal((0, 0), 0, (50, 8)))))
    assert np.abs(z).max() < 100


def test_what_a_draft_can_be_set_with():
    images, left = two_kinds(64)
    cgan, acgan = modern.cgan((16, 16, 1), classes=2, width=1 / 16), modern.acgan((16, 16, 1), width=1 / 16)
    modern.set_draft(cgan, images, left.astype(int))
    modern.set_draft(acgan, images, left.astype(np.float32))
    with pytest.raises(UserError, match="conditioned on label"):
        modern.set_draft(cgan, images, None)
    with pytest.raises(UserError, match="pixel_noise must be more than 0, not 0"):
        modern.vae((16, 16, 1), pixel_noise=0.0)


def test_half_precision():
    images, _ = two_kinds(32)
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        gan = modern.gan((16, 16, 1), width=1 / 16)
        modern.set_draft(gan, images, None)
        history = gan.fit(images, batch_size=16, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(np.isfinite(values[0]) for values in history.values())


def test_most_latents_choose_one_cluster():
    scores = keras.Sequential([keras.Input((2,)), drafted.Mixture(32, name="mixture")])
    scores.get_layer("mixture").place(np.full((1, 32), 1 / 32), np.arange(32)[:, None], np.zeros((32, 1, 1)))
    chosen = scores(noise.normal((0, 0), 0, (20_000, 2))).numpy()[:, 0]
    whole = np.abs(chosen - np.round(chosen)) < 0.01
    assert np.mean(whole) == pytest.approx(5 / 6, abs=0.03)
    np.testing.assert_allclose(np.bincount(np.round(chosen).astype(int)) / 20_000, 1 / 32, atol=0.01)


def test_fewer_pictures_than_clusters():
    images, _ = two_kinds(5)
    generator = drafted.generator((16, 16, 1), 4, width=1 / 16, clusters=8)
    drafted.draft(generator, images)
    z = drafted.project(generator, tf.constant(images))
    assert np.all(np.isfinite(z)) and np.all(np.isfinite(generator(z)))


def test_a_vae_starts_as_probabilistic_principal_components():
    """Its codes have the prior's mean and variance, and its error is that of a PCA with as many components."""
    images = data.load("faces", "train", image_size=16, examples=512).floats()
    vae = modern.vae((16, 16, 3), width=1 / 4, latent_dim=16)
    modern.set_vae_draft(vae, images, None)
    code = vae.encode(images)
    np.testing.assert_allclose(code["mean"].mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(code["mean"].var(axis=0) + np.exp(code["log_var"]).mean(axis=0), 1, atol=0.1)
    assert np.all(code["log_var"] < 0) and np.all(np.diff(code["log_var"].mean(axis=0)) > 0)  # the later, the vaguer
    flat = images.reshape(len(images), -1)
    found = PCA(16).fit(flat)
    linear = np.mean((found.inverse_transform(found.transform(flat)) - flat) ** 2)
    assert np.mean((vae.reconstruct(images) - images) ** 2) < 1.15 * linear


def test_training_leaves_the_draft_as_it_is():
    images, codes = pictures(64)
    keras.utils.set_random_seed(0)
    gan = modern.acgan((16, 16, 1), width=1 / 16)
    drafted.draft(gan.generator, images, codes)
    before = gan.generator.get_layer("draft").get_weights()
    gan.fit(images, codes, batch_size=16, verbose=0)
    after = gan.generator.get_layer("draft").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert gan.with_fake(gan.batch((images[:8], codes[:8])), 0)[1] is not None  # one pass serves both players


def test_more_latents_than_components_add_nothing_to_the_draft():
    images, _ = pictures(64)
    generator = drafted.generator((16, 16, 1), 12, width=1 / 16)
    drafted.draft(generator, images, components=3)
    kernel = generator.get_layer("draft").get_weights()[0]
    assert np.any(kernel[:3]) and not np.any(kernel[3:])


def test_deviation_within_groups_of_four():
    x = np.zeros((6, 1, 1, 2), np.float32)
    x[:4, 0, 0, 0] = [0, 2, 0, 2]  # deviation 1; of the other channel 0
    x[4:, 0, 0, 1] = [0, 6]  # deviation 3
    found = drafted.BatchDeviation()(x)
    np.testing.assert_allclose(np.ravel(found), [0.5] * 4 + [1.5] * 2, atol=1e-3)


@pytest.mark.trace
def test_a_run_starts_from_the_draft_and_resumes_with_it(tfgen, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "--study", "modern", "--model", "acgan", "--smoke", "--width", "1/16", "--run", "r"]
    code, _, err = tfgen(*words)
    assert code == 0, err
    run = Run.open("r")
    start, end = run.untrained(), run.model
    kernels = [model.generator.get_layer("draft").get_weights()[0] for model in (start, end)]
    assert np.any(kernels[0]) and np.array_equal(*kernels)
    assert run.settings.training.ema == 0.998 and "--ema" not in run.command()
