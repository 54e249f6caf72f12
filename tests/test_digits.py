"""The digits study: counts by hand, a CGAN that is told the class on both sides, and a reader that says whether it
shows it.
"""

import dataclasses
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgen import UserError, commands, data, figures, latents, losses, runs, scores, training
from tfgen.data.batches import batches
from tfgen.data.source import Source
from tfgen.figures import latent_space
from tfgen.metrics import classifier, distances
from tfgen.networks import conditioning
from tfgen.networks import digits as networks
from tfgen.studies import digits, pegasus

SHAPE = (16, 16, 3)


def conv(k, a, b):
    return k * k * a * b + b


def dense(a, b):
    return a * b + b


COUNTS = {
    # Without padding 32 goes to 15 and to 7.
    "vae": {
        "encoder": conv(3, 1, 32) + conv(3, 32, 64) + 2 * dense(7 * 7 * 64, 2),
        "decoder": dense(2, 8 * 8 * 32) + conv(3, 32, 64) + conv(3, 64, 32) + conv(3, 32, 1),
    },
    "gan": {
        "generator": (100 + 2) * 8 * 8 * 256 + 25 * (256 * 128 + 128 * 64 + 64) + 2 * (128 + 64),
        "discriminator": conv(5, 1, 64) + conv(5, 64, 128) + dense(8 * 8 * 128, 1),
    },
    "wgan": {
        "generator": (100 + 2) * 8 * 8 * 256 + 25 * (256 * 128 + 128 * 64 + 64) + 2 * (128 + 64),
        "discriminator": conv(5, 1, 64) + conv(5, 64, 128) + dense(8 * 8 * 128, 1),
    },
    "cgan": {
        "generator": dense(138, 8 * 8 * 138) + conv(4, 138, 128) + conv(4, 128, 128) + conv(7, 128, 1),
        "discriminator": conv(3, 11, 64) + conv(3, 64, 128) + dense(128, 1),
    },
}


@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("name", COUNTS)
def test_trainable_parameters(name):
    assert digits.PRESETS[name].build((32, 32, 1)).parameters() == COUNTS[name]


def test_the_tutorials_own_counts():
    """At 28x28 the examples' summaries are known: conditional_gan's discriminator does not depend on the side."""
    assert COUNTS["vae"] == {"encoder": 31_364, "decoder": 43_393}
    assert COUNTS["gan"] == {"generator": 2_697_152, "discriminator": 214_785}
    assert COUNTS["cgan"] == {"generator": 1_778_945, "discriminator": 80_385}


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3)])
def test_shapes_and_ranges(shape):
    random = np.random.default_rng(0)
    images, z = random.random((5, *shape), np.float32), 100 * random.standard_normal((5, 7)).astype(np.float32)
    codes = np.eye(10, dtype=np.float32)[:5]
    drawn = [
        networks.decoder(shape, 7, 1 / 8)(z),
        networks.generator(shape, 7, 1 / 8)(z),
        conditioning.class_generator(shape, 7, 10, 1 / 8)({"z": z, "codes": codes}),
    ]
    for pictures in drawn:
        assert pictures.shape == (5, *shape) and 0 <= np.min(pictures) < 0.5 < np.max(pictures) <= 1
    assert networks.encoder(shape, 7, 1 / 8)(images)["mean"].shape == (5, 7)
    assert networks.discriminator(shape, 1 / 8)(images).shape == (5, 1)
    assert conditioning.class_discriminator(shape, 10, 1 / 8)({"image": images, "codes": codes}).shape == (5, 1)


@pytest.mark.parametrize("name", COUNTS)
def test_sizes_that_do_not_fit(name):
    with pytest.raises(UserError, match="image_size must be a multiple of 4"):
        digits.PRESETS[name].build((36, 36, 1))


@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("name", COUNTS)
def test_trainable_parameters_at_28(name):
    """With MNIST's own size the counts are those in the tutorials' summaries."""
    expected = {
        "vae": {
            "encoder": conv(3, 1, 32) + conv(3, 32, 64) + 2 * dense(6 * 6 * 64, 2),
            "decoder": dense(2, 7 * 7 * 32) + conv(3, 32, 64) + conv(3, 64, 32) + conv(3, 32, 1),
        },
        "gan": {"generator": 2_305_472, "discriminator": 212_865},
        "wgan": {"generator": 2_305_472, "discriminator": 212_865},
        "cgan": {
            "generator": dense(138, 7 * 7 * 138) + conv(4, 138, 128) + conv(4, 128, 128) + conv(7, 128, 1),
            "discriminator": 80_385,
        },
    }
    assert digits.PRESETS[name].build((28, 28, 1)).parameters() == expected[name]


@pytest.mark.trace
def test_layer_details_of_the_tutorial():
    discriminator = networks.discriminator((32, 32, 1))
    assert {layer.rate for layer in discriminator.layers if isinstance(layer, keras.layers.Dropout)} == {0.3}
    slopes = lambda network: {
        layer.negative_slope for layer in network.layers if isinstance(layer, keras.layers.LeakyReLU)
    }
    assert slopes(discriminator) == slopes(networks.generator((32, 32, 1), 100)) == {0.3}
    assert (
        slopes(conditioning.class_discriminator((32, 32, 1), 10))
        == slopes(conditioning.class_generator((32, 32, 1), 128, 10))
        == {0.2}
    )


def test_vae_weighs_the_divergence_as_the_bound_does():
    assert digits.vae(SHAPE, width=1 / 8).beta == 1


# CGAN
# ----------------------------------------------------------------------------------------------------------------------


def cgan(**arguments):
    keras.utils.set_random_seed(0)
    return digits.cgan(SHAPE, width=1 / 8, **arguments)


@pytest.fixture
def batch(toy):
    return next(iter(batches(toy, 16)))


def test_codes_are_the_labels_one_hot(batch):
    model = cgan()
    np.testing.assert_array_equal(model.codes({"label": tf.constant([3, 0, 9])}), np.eye(10)[[3, 0, 9]])
    assert (model.classes, model.latent_dim) == (10, 128) and cgan(classes=3).classes == 3
    with pytest.raises(UserError, match="CGAN needs pictures with label"):
        model.train_step({name: values for name, values in batch.items() if name != "label"})


def test_both_networks_are_told_the_label(batch):
    model = cgan()
    batch["label"] = tf.zeros(16, tf.int32)
    other = batch | {"label": tf.ones(16, tf.int32)}
    assert np.abs(model.fake(batch, 0) - model.fake(other, 0)).max() > 1e-3
    assert np.abs(model.judge(batch["image"], batch) - model.judge(batch["image"], other)).min() > 1e-5
    codes = model.codes(batch)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(codes)
        judged = model.discriminator({"image": batch["image"], "codes": codes})
        drawn = tf.reduce_sum(model.generator({"z": tf.ones((16, 128)), "codes": codes}) ** 2, axis=[1, 2, 3])
    for output in (judged, drawn):
        assert np.all(np.abs(tape.gradient(output, codes)).max(axis=1) > 0)


def test_the_same_label_goes_to_both(batch):
    """Real and generated pictures come with the same codes, so that no discriminator tells them by those."""
    model = cgan()
    seen = []

    class Spy:
        def __init__(self, network):
            self.network, self.input = network, network.input

        def __call__(self, inputs, training):
            seen.append(inputs["codes"])
            return self.network(inputs, training=training)

    model.discriminator, model.generator = Spy(model.discriminator), Spy(model.generator)
    model.discriminator_loss(batch, 0)
    model.generator_loss(batch, 1)
    assert len(seen) == 5
    for codes in seen:
        np.testing.assert_array_equal(codes, tf.one_hot(batch["label"], 10))


def test_samples_take_the_classes_in_turn():
    model = cgan(classes=3)
    z = model.sample_latents((7, 0), 0, 7)
    expected = model.generate(z, np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2, 0]])
    np.testing.assert_array_equal(model.sample(7, seed=7), expected)


def test_class_grid_has_a_class_a_row_and_a_latent_a_column():
    model = cgan(classes=4)
    grid = latents.class_grid(model, 3).reshape(4, 3, *SHAPE)
    z = model.sample_latents(latents.KEY, 0, 3)
    for row in range(4):
        np.testing.assert_allclose(grid[row], model.generate(z, np.eye(4, dtype=np.float32)[[row] * 3]), atol=1e-6)
    np.testing.assert_allclose(latents.class_grid(model, 3, [2, 2]), np.concatenate([grid[2], grid[2]]), atol=1e-6)


def test_class_interpolation_goes_from_class_to_class_in_even_steps():
    model = cgan()
    rows = latents.class_interpolation(model, 2, 5, n=3).reshape(3, 9, *SHAPE)
    np.testing.assert_allclose(rows[:, 0], latents.class_grid(model, 3, [2]), atol=1e-6)
    np.testing.assert_allclose(rows[:, -1], latents.class_grid(model, 3, [5]), atol=1e-6)
    code = np.zeros((3, 10), np.float32)
    code[:, 2], code[:, 5] = 0.75, 0.25
    np.testing.assert_allclose(rows[:, 2], model.generate(model.sample_latents(latents.KEY, 0, 3), code), atol=1e-6)


# Classes
# ----------------------------------------------------------------------------------------------------------------------


def labeled(labels, classes=()):
    """Pictures of 8x8 with these labels, five of each."""
    labels = np.repeat(np.array(labels, np.int32), 5)
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 8, 8, 1), np.uint8)
    return Source("some/train", images, np.zeros((len(labels), 0), np.uint8), labels=labels, classes=classes)


@pytest.fixture
def planned(monkeypatch, tmp_path):
    """planned(source, ...) -> a planned run of the CGAN on a source."""

    def plan(source, given=None, **choice):
        read = lambda reading, split: source.only(reading.only) if reading.only else source
        monkeypatch.setattr(data, "read", read)
        arguments = {"width": 1 / 16} | (given or {})
        return training.plan("digits", "cgan", arguments=arguments, image_size=8, batch_size=4, run=tmp_path, **choice)

    return plan


@pytest.mark.parametrize(
    "labels, classes, only, expected",
    [
        ([0, 1], (), None, ("0", "1")),
        ([0, 1, 2], ("cat", "dog", "owl"), None, ("cat", "dog", "owl")),
        (range(14), (), None, tuple(map(str, range(14)))),
        ([3, 8], (), None, ("3", "8")),
        ([3, 8], tuple("0123456789"), None, ("3", "8")),
        (range(10), (), ("5", "3"), ("5", "3")),
        ([1, 2], ("", "A", "B"), None, ("A", "B")),  # EMNIST's letters count from 1
        ([0, 2], ("a,b", "c", "d"), None, ("a,b", "d")),
    ],
)
def test_the_number_of_classes_is_that_of_the_data(planned, labels, classes, only, expected):
    run = planned(labeled(labels, classes), only=only)
    assert run.settings.arguments["classes"] == len(expected)
    assert run.build().classes == len(expected)
    source = run.source("train")
    assert source.class_names == expected and set(source.labels) == set(range(len(expected)))
    run.folder.mkdir(exist_ok=True)
    run.write_record()
    # A record is enough to build the model.
    assert runs.Run.open(run.folder).build().classes == len(expected)
    assert "--classes" not in run.command()


def test_a_run_on_some_classes_is_resumed_by_its_own_command_and_by_the_first(planned):
    source = labeled([3, 8])
    first = planned(source)
    assert planned(source).settings == first.settings == planned(source, only=("3", "8")).settings
    assert "--only 3,8" in first.command()


def test_classes_that_do_not_fit_are_refused_before_training(planned):
    with pytest.raises(UserError, match="cgan needs at least two classes, but some/train has only 7"):
        planned(labeled([7]))
    with pytest.raises(UserError, match="some/train has 3 classes, not 10: leave out --classes"):
        planned(labeled(range(3)), {"classes": 10})
    assert planned(labeled(range(3)), {"classes": 3}).build().classes == 3


def test_labels_beyond_the_classes_are_refused():
    """tf.one_hot makes an all-zero code of them."""
    model = cgan(classes=3)
    np.testing.assert_array_equal(model.one_hot(tf.constant([2, 0])), np.eye(3)[[2, 0]])
    for labels in ([0, 3], [-1]):
        with pytest.raises(
            UserError, match="labels must be class numbers from 0 to 2, because this model has 3 classes"
        ):
            model.generate(np.zeros((len(labels), 128), np.float32), labels)
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be class numbers from 0 to 2"):
            tf.function(model.one_hot)(tf.constant(labels))


@pytest.mark.trace
def test_a_wrong_label_in_a_later_batch_stops_the_training():
    model = digits.cgan((8, 8, 1), width=1 / 16, classes=3)
    labels = np.array([0, 1, 2, 0, 1, 5], np.int32)
    batched = tf.data.Dataset.from_tensor_slices((np.zeros((6, 8, 8, 1), np.float32), labels)).batch(2)
    with pytest.raises(UserError, match="labels must be class numbers from 0 to 2"):
        model.fit(batched, verbose=0)


@pytest.mark.parametrize(
    "classes, eights, ends",
    [
        (tuple("0123456789"), "8", "25"),
        (("3", "8"), "8", "38"),
        (("5", "2", "7"), "7", "25"),
        (("$a$", "b"), "b", None),
    ],
)
def test_figures_choose_classes_that_exist_and_call_them_by_their_names(classes, eights, ends):
    model = digits.cgan((8, 8, 1), width=1 / 16, classes=len(classes))
    run = Run(model=model, source=lambda split: labeled(range(len(classes)), classes))
    assert {"digits_cgan_eights.jpg", "digits_cgan_interpolation.jpg"} <= digits.PRESETS["cgan"].figures.keys()
    draw = lambda name: digits.PRESETS["cgan"].figures[f"digits_cgan_{name}.jpg"].draw(run)
    grid = draw("eights")
    assert grid.get_suptitle() == f"class {eights}"
    shown = latents.class_grid(model, 25, [classes.index(eights)])
    np.testing.assert_allclose(grid.axes[7].images[0].get_array(), shown[7].squeeze(), atol=1e-6)
    start, end = ends or classes
    strip = draw("interpolation")
    assert [axis.get_title() for axis in strip.axes[:9:4]] == [f"all {start}", f"50% {end}", f"100% {end}"]
    rows = latents.class_interpolation(model, classes.index(start), classes.index(end), 4)
    np.testing.assert_allclose(strip.axes[8].images[0].get_array(), rows[8].squeeze(), atol=1e-6)
    assert len(draw("classes").axes) == 10 * len(classes)


def test_a_grid_of_very_many_classes_shows_a_hundred():
    class Many(Painter):
        classes = 1000
        generator = lambda self, inputs, training: np.argmax(inputs["codes"], axis=1)
        generate = lambda self, z, condition: tf.argmax(condition, axis=1)

    found = latents.class_grid(Many(), 2)
    assert len(found) == 200 and (found[0], found[-1]) == (0, 999)


# Scores
# ----------------------------------------------------------------------------------------------------------------------


def stripes(n, seed):
    """Pictures of three classes, a bright stripe at the left, in the middle or at the right, under noise: mirrored, two
    change places.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int32) % 3
    images = random.integers(0, 100, (n, 16, 16, 1), np.uint8)
    for image, label in zip(images, labels):
        image[:, 5 * label : 5 * label + 4] += 120
    return Source("stripes", images, np.zeros((n, 0), np.uint8), labels=labels)


class Painter:
    """A CGAN that paints the requested class, except for the last class, for which it paints the first."""

    classes, condition = 3, "label"

    def sample_latents(self, key, draw, n):
        return np.zeros((n, 1))

    def generator(self, inputs, training):
        painted = stripes(3, 2).images / np.float32(255)
        return painted[np.array([0, 1, 0])[np.argmax(inputs["codes"], axis=1)]]

    def generate(self, z, condition):
        return self.generator({"z": z, "codes": condition}, training=False)


class Run(types.SimpleNamespace):
    """What a score asks of a run."""

    __hash__ = object.__hash__
    features = None


@pytest.fixture(scope="module")
def striped():
    """A run on stripes, which keeps the classifier that the first score trains."""
    grey = types.SimpleNamespace(sample=lambda key, n: tf.fill((n, 16, 16, 1), 0.5))
    source = {"train": stripes(300, 0), "test": stripes(90, 1)}.get
    return Run(source=source, untrained=lambda: grey, record={"attributes": []})


@pytest.mark.trace
def test_label_fidelity_counts_what_is_shown(striped):
    seen = scores.conditions.measure_label_fidelity(striped, Painter(), n=300)
    assert seen.keys() == scores.label_fidelity.meanings.keys()
    assert seen["requests"] == 300 and seen["pictures"] == 90 and seen["classifier_test_accuracy"] == 1
    assert seen["label_fidelity"] == pytest.approx(2 / 3) and seen["label_fidelity_chance"] == pytest.approx(1 / 3)
    assert 0.60 < seen["label_fidelity_low"] < 0.62 and 0.71 < seen["label_fidelity_high"] < 0.73  # 2/3 +- 1.96 * .027
    assert seen["z_change"] == 0 < seen["label_change"]  # it paints the same for every latent


@pytest.mark.trace
def test_sample_quality_reads_classes_where_there_are_no_attributes(striped):
    model = types.SimpleNamespace(
        sample=lambda key, n: tf.constant(stripes(n, 3).images / np.float32(255)),
        sample_latents=lambda key, draw, n: np.zeros((n, 1), np.float32),
        generate=lambda z: stripes(len(z), 3).images / np.float32(255),
        condition=None,
    )
    quality = scores.sample_quality(striped, model)
    assert quality["pictures"] == 90 and min(quality["precision"], quality["recall"]) > 0.5
    assert quality["frechet"] < 3 * quality["frechet_copies"] < quality["frechet_untrained"]
    structureless = [quality[f"frechet_{rival}"] for rival in ("pixels", "gaussian", "pca")]
    assert 3 * quality["frechet"] < min(structureless) and quality["nearest_copies"] == 0 < quality["nearest"] < 3


# Figures of what goes wrong, from runs whose numbers are known
# ----------------------------------------------------------------------------------------------------------------------


class Known(Run):
    """A run whose model generates given pictures, and whose sheets of samples are given."""

    def __init__(self, test, samples, **more):
        super().__init__(
            model=types.SimpleNamespace(
                sample=lambda n, seed: tf.constant(np.resize(samples, (n, *samples.shape[1:])))
            ),
            source={"train": stripes(300, 0), "test": test}.get,
            steps_per_epoch=2,
            record={"image_size": 16, "arguments": {"adversarial": "minimax"}},
            **more,
        )


@pytest.fixture
def reader(monkeypatch):
    """A classifier of stripes, which reads the brightest third, and features with a place for each third."""
    thirds = lambda images: np.stack([images[:, :, 5 * i : 5 * i + 4].mean(axis=(1, 2, 3)) for i in range(3)], axis=1)
    monkeypatch.setattr(scores.features, "classifier_of", lambda run: types.SimpleNamespace(output_shape=(None, 3)))
    monkeypatch.setattr(classifier, "read_class", lambda reader, images: np.argmax(thirds(images), axis=1))
    monkeypatch.setattr(classifier, "features", lambda reader, images: thirds(images))


@pytest.mark.usefixtures("reader")
def test_variety_tells_collapsed_samples_from_others():
    test = stripes(90, 1)
    all_, one = stripes(90, 2).floats(), stripes(270, 2).floats()[::3]  # the other is of the first class only
    figure = digits.variety({"healthy": Known(test, all_), "collapsed": Known(test, one)}, columns=5)
    bars, titles = figure.axes[::2], [axis.get_title() for axis in figure.axes[1::2]]
    for axis, shares in zip(bars, ([1 / 3] * 3, [1 / 3] * 3, [1, 0, 0]), strict=True):
        np.testing.assert_allclose([bar.get_height() for bar in axis.patches], shares)
    healthy, collapsed = distances.pairwise(all_).mean(), distances.pairwise(one).mean()
    assert healthy > 1.5 * collapsed
    assert titles[1].startswith(f"healthy: 3 of 3 classes, mean difference {healthy:.3f}, recall ")
    assert titles[2].startswith(f"collapsed: 1 of 3 classes, mean difference {collapsed:.3f}, recall ")
    recalls = [float(title.rsplit(" ", 1)[1]) for title in titles]
    assert recalls[1] > 0.7 and recalls[2] < 0.4
    sheet = figures.tiles(np.rint(figure.axes[5].images[0].get_array() * 255), 16)
    np.testing.assert_allclose(sheet, one[:10], atol=0.003)


def sheets(folder, values):
    """Sheets of four flat pictures, one sheet every two iterations, with these values from 0 to 255."""
    (folder / "samples").mkdir(parents=True)
    for i, value in enumerate(values):
        image = figures.sheet(np.full((4, 16, 16, 1), value / 255), 2)
        Image.fromarray(image).save(folder / "samples" / f"{2 * i:07d}.png")


def test_convergence_measures_what_changes_between_epochs(tmp_path):
    history = {"iteration": np.arange(1, 17), "g_loss": np.arange(16.0)}
    settles, moves = (
        Known(stripes(90, 1), stripes(9, 0).floats(), folder=tmp_path / name, history=lambda: history)
        for name in ("settles", "moves")
    )
    sheets(settles.folder, [0, 51, 102, 102, 102, 102, 102, 102, 102])
    sheets(moves.folder, [0, 51, 0, 51, 0, 51, 0, 51, 0])
    iterations, found = digits.changes(settles)
    np.testing.assert_array_equal(iterations, [2, 4, 6, 8, 10, 12, 14, 16])
    np.testing.assert_allclose(found, [0.2, 0.2, 0, 0, 0, 0, 0, 0], atol=1e-6)
    figure = digits.convergence({"settles": settles, "moves": moves}, columns=3)
    loss, change = figure.axes[:2]
    assert [line.get_label() for line in loss.lines] == ["settles", "moves"]
    assert [line.get_label() for line in change.lines] == [
        "settles: 0.000 in the last quarter",
        "moves: 0.200 in the last quarter",
        "two test pictures",
    ]
    np.testing.assert_allclose(change.lines[1].get_xydata()[:, 1], 0.2, rtol=1e-6)
    assert [axis.get_title() for axis in figure.axes[2:5]] == ["12", "14", "16"]
    assert [axis.images[0].get_array()[0, 0] for axis in figure.axes[8:11]] == pytest.approx([0, 0.2, 0])


@pytest.mark.usefixtures("reader")
def test_saturation_draws_the_slope_of_each_loss():
    test = stripes(90, 1)
    history = {"iteration": np.arange(1, 5), "fake_probability": np.array([0.5, 0.25, 0.125, 0.125])}
    minimax, other = (Known(test, stripes(90, 2).floats(), history=lambda: history) for _ in range(2))
    other.record = {"arguments": {"adversarial": "non_saturating"}}
    probability, slope, *pictures = digits.saturation({"non-saturating": other, "minimax": minimax}).axes
    for lines, values in ((probability.lines, (0.25, 0.25)), (slope.lines, (0.75, 0.25))):
        assert [line.get_label() for line in lines] == [
            f"non-saturating: mean {values[0]:.2g}",
            f"minimax: mean {values[1]:.2g}",
        ]
    np.testing.assert_allclose(slope.lines[0].get_ydata(), [0.5, 0.75, 0.875, 0.875])
    np.testing.assert_allclose(slope.lines[1].get_ydata(), [0.5, 0.25, 0.125, 0.125])
    assert slope.get_yscale() == "log" and pictures[1].get_title().startswith("minimax: Frechet distance ")


def test_fake_probability_is_the_size_of_the_losses_gradient_at_the_logits():
    logits = tf.constant([[-3.0], [0.0], [1.5]])
    for name, size in (("minimax", lambda p: p), ("non_saturating", lambda p: 1 - p)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = losses.adversarial(name).generator(None, logits)
        gradient = np.abs(tape.gradient(loss, logits)).sum()  # the loss is a mean: the sum is the mean size
        assert gradient == pytest.approx(float(size(losses.fake_probability(None, logits))), rel=1e-5)


@pytest.mark.usefixtures("reader")
def test_critic_scores_are_those_of_the_critic_and_follow_the_samples(tmp_path):
    test = stripes(90, 1)
    history = {"iteration": np.arange(1, 11), "wasserstein": np.arange(10.0, 0, -1)}
    run = Known(test, np.full((9, 16, 16, 1), 0.25, np.float32), folder=tmp_path, history=lambda: history)
    run.model.discriminator = lambda images, training: tf.reduce_sum(images, axis=(1, 2, 3))[:, None] / 256
    sheets(tmp_path, [255, 230, 200, 170, 140, 110])  # they come nearer to the test pictures
    figure = digits.critic_scores(run, n=90, moments=3)
    left, right, *_ = figure.axes
    assert left.get_legend_handles_labels()[1] == [
        f"test pictures: mean {test.floats().mean():.2f}",
        "generated: mean 0.25",
    ]
    np.testing.assert_allclose(right.lines[0].get_xydata()[:2], [[2, 9.5], [3, 8.5]])
    assert right.get_title() == "During training: rank correlation 1.00"
    assert right.get_legend_handles_labels()[1] == ["E[D(real)] - E[D(fake)], mean of an epoch"]
    assert [axis.get_title() for axis in figure.axes if "iteration" in axis.get_title()] == [
        "iteration 0",
        "iteration 2",
        "iteration 10",
    ]


@pytest.mark.parametrize("name", ["adversarial", "collapse", "convergence"])
def test_experiments_are_short_runs_whose_settings_can_be_given(name, monkeypatch):
    experiment = digits.EXPERIMENTS[name]
    assert experiment.settings["image_size"] == 16 and experiment.settings["epochs"] <= 100
    seen = []

    def plan(strategy, study, model, arguments, chosen, **choice):
        seen.append((arguments, chosen))
        return types.SimpleNamespace(chief=False)

    monkeypatch.setattr(commands, "_strategy", lambda options: None)
    monkeypatch.setattr(commands, "_plan", plan)
    monkeypatch.setattr(commands, "_train", lambda run, *_: run)
    commands.experiment(f"digits/{name}", epochs=3)
    assert [chosen["epochs"] for _, chosen in seen] == [3, 3]
    assert all(arguments["width"] == 1 / 8 and chosen["image_size"] == 16 for arguments, chosen in seen)
    seen.clear()
    commands.experiment(f"digits/{name}", smoke=True)
    assert all("width" not in arguments and "image_size" not in chosen for arguments, chosen in seen)


# Other places where classes, attributes and sizes follow the data
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("tiny_study")
@pytest.mark.parametrize("values, warned", [([0, 0], "Smiling is 0 for all 20"), ([1, 1], "is 1"), ([0, 1], "")])
def test_a_model_told_a_constant_attribute_is_warned(monkeypatch, tmp_path, capsys, values, warned):
    images = np.zeros((20, 8, 8, 3), np.uint8)
    source = Source("some/train", images, np.resize(values, (20, 1)).astype(np.uint8), ("Smiling",))
    monkeypatch.setattr(data, "read", lambda reading, split: source)
    training.plan("tiny", "acgan", image_size=8, batch_size=4, split="train", run=tmp_path)
    said = capsys.readouterr().err
    assert (warned in said and "the model cannot learn it" in said) if warned else not said


@pytest.mark.usefixtures("reader")
def test_variety_calls_the_classes_by_their_names():
    named = dataclasses.replace(stripes(300, 0), classes=("3", "8", "9"))
    run = Known(stripes(90, 1), stripes(90, 2).floats())
    run.source = {"train": named, "test": stripes(90, 1)}.get
    figure = digits.variety({"a": run}, columns=5)
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["3", "8", "9"]


def test_only_classes_that_exist_are_in_a_legend():
    assert list(latent_space._groups(labeled([3, 8], tuple("0123456789")), "")) == ["3", "8"]


@pytest.mark.parametrize("missing", [0, 1])
def test_birds_without_horses_are_refused(missing):
    source = labeled([1 - missing], ("bird", "horse"))
    with pytest.raises(UserError, match="some/train does not contain both birds and horses"):
        pegasus.pairs(Run(source=lambda split: source), 4)
