"""Scores as values: every number has a meaning, any model can be scored, nothing outlives its run."""

import dataclasses
import gc
import json
import re
import tracemalloc
import types
import weakref

import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, commands, scores
from tfgen.data.source import Source
from tfgen.export.formats import FORMATS
from tfgen.metrics import classifier, extractor
from tfgen.studies import STUDIES

PRESETS = [(study, model, preset) for study, presets in STUDIES.items() for model, preset in presets.items()]


@pytest.fixture
def trained(monkeypatch):
    """The classifiers that are trained, one pass each: how well they read is no matter here."""
    trained, train = [], classifier.train_classifier

    def one_pass(images, attributes, epochs, **options):
        trained.append(train(images, attributes, 1, **options))
        return trained[-1]

    monkeypatch.setattr(classifier, "train_classifier", one_pass)
    return trained


@pytest.mark.trace
@pytest.mark.parametrize(
    "study, model, choice",
    [
        ("dlcv2018", "vae", {}),
        ("sullivan2017", "vae", {"image_size": 32}),
        ("dlcv2018", "acgan", {}),
        ("dlcv2018", "gan", {}),
        ("dlcv2018", "infogan", {"dataset": "digits"}),  # labels, which the codes are compared with
        ("dlcv2018", "infogan_mixed", {"dataset": "digits"}),
        ("sullivan2017", "depth_wgan", {"image_size": 32, "batch_size": 4}),
        ("digits", "cgan", {}),
    ],
)
def test_every_number_has_a_meaning_and_every_meaning_a_number(tmp_path, finished, trained, study, model, choice):
    run = finished(tmp_path / "run", study, model, **choice)
    score = run.preset.score
    numbers = score(run, run.model)
    likelihoods = {name for name in score.meanings if name.startswith("log_likelihood")}  # of a Bernoulli decoder
    without = likelihoods if (study, model) == ("dlcv2018", "vae") else set()
    assert numbers.keys() == score.meanings.keys() - without and all(np.isfinite(value) for value in numbers.values())
    assert score.best in numbers


def test_what_else_changes_with_the_condition(monkeypatch):
    """Pictures whose three pixels are their attributes. The condition switches the first, and the second for half."""
    n = 200
    random = np.random.default_rng(0)
    attributes = random.integers(0, 2, (n, 3)).astype(np.uint8)
    source = Source("toy", attributes[:, None, :, None] * np.uint8(255), attributes, ("A", "B", "C"))
    run = types.SimpleNamespace(source=lambda split: source, record={"attributes": ["A"]})
    before = np.column_stack([np.zeros(n), attributes[:, 1:]])
    after = np.column_stack([np.ones(n), np.where(np.arange(n) % 2, 1 - before[:, 1], before[:, 1]), before[:, 2]])
    pairs = np.concatenate([before, after])[:, None, :, None]
    monkeypatch.setattr(scores.features, "classifier_of", lambda run, of: None)
    monkeypatch.setattr(classifier, "read", lambda reader, images: images[:, 0, :, 0] > 0.5)
    monkeypatch.setattr(scores.conditions.latents, "attribute_pairs", lambda model, n: pairs)
    monkeypatch.setattr(scores.conditions, "input_changes", lambda model, changes: {})
    monkeypatch.setattr(scores.conditions, "measure_conditional", lambda run, model, split: {})
    found = scores.conditions.measure_attribute_fidelity(run, None)
    assert found["switched"] == 1 and found["others_kept"] == 0.75 and found["attribute_accuracy"] == 1
    assert found["others_kept_chance"] == pytest.approx(0.5, abs=0.1)


def test_the_scores_of_all_presets_are_those_tested():
    found = {id(preset.score.meanings) for _, _, preset in PRESETS}
    tested = [("dlcv2018", name) for name in ("vae", "acgan", "gan", "infogan", "infogan_mixed")]
    tested += [("sullivan2017", "depth_wgan"), ("digits", "cgan")]
    assert found == {id(STUDIES[study][model].score.meanings) for study, model in tested}


@pytest.mark.trace
@pytest.mark.parametrize("study, model, preset", PRESETS, ids=[f"{study}-{model}" for study, model, _ in PRESETS])
def test_meanings_are_words_and_the_best_is_one_of_them(study, model, preset):
    assert preset.score.best in preset.score.meanings
    assert all(len(text) > 15 and not text.endswith(".") for text in preset.score.meanings.values())
    assert preset.score.test_error == preset.build((32, 32, 3 if model != "cgan" else 1), width=1 / 8).autoencodes


def test_the_model_that_is_given_is_scored(tmp_path, finished):
    run = finished(tmp_path / "run", "dlcv2018", "vae")
    other = run.build()
    other.decoder.set_weights([weight + 0.1 for weight in other.decoder.get_weights()])
    mine, others = (scores.reconstruction_errors(run, model)["test_mse_mean_code"] for model in (run.model, other))
    assert mine != others


@pytest.mark.trace
def test_costly_parts_are_computed_once_and_end_with_their_run(tmp_path, finished, trained):
    run = finished(tmp_path / "run", "dlcv2018", "gan")
    first = scores.sample_quality(run, run.model)
    assert scores.sample_quality(run, run.model) == first and len(trained) == 1
    kept = [weakref.ref(run), weakref.ref(trained.pop()), weakref.ref(scores.samples.reference(run, "test"))]
    assert all(reference() is not None for reference in kept)
    del run
    gc.collect()
    assert all(reference() is None for reference in kept)


def test_meanings_of_named_numbers():
    meanings = scores.depth_errors.meanings
    assert meanings["mean_map_rmse"] == f"for the training set's mean depth map: {meanings['rmse']}"
    codes = scores.code_quality(3).meanings
    assert codes["code_2_nmi"].startswith("normalized mutual information of categorical code 3")
    assert "code_3_nmi" not in codes


# Rivals
# ---------------------------------------------------------------------------------------------------------------------


class Data:
    """A run that has data: splits of pictures (n, 8, 8, 1) uint8."""

    features = None

    def __init__(self, **splits):
        self.splits = {
            name: Source(name, images, np.zeros((len(images), 0), np.uint8)) for name, images in splits.items()
        }
        self.source = self.splits.__getitem__

    def untrained(self):
        return of(np.full((1, 8, 8, 1), 128, np.uint8))


def of(images):
    """A model whose samples are these pictures, again and again."""
    return types.SimpleNamespace(
        sample=lambda n, seed: tf.constant(images[np.arange(n) % len(images)] / np.float32(255))
    )


def bars(n, seed):
    """Pictures of two crossing bars, thick or thin, at random places: no Gaussian."""
    random, images = np.random.default_rng(seed), np.zeros((n, 8, 8, 1), np.uint8)
    for image, (row, column), thick in zip(images, random.integers(0, 7, (n, 2)), random.integers(1, 3, n)):
        image[row : row + thick] = random.integers(150, 256)
        image[:, column : column + thick] = random.integers(150, 256)
    return images


@pytest.fixture
def pixels(monkeypatch):
    """The features are 24 random projections of the pixels: no classifier is trained."""
    projection = np.random.default_rng(0).standard_normal((64, 24)).astype(np.float32)
    monkeypatch.setattr(scores.features, "classifier_of", lambda run, of="": None)
    monkeypatch.setattr(scores.features, "read_by_classifier", lambda run, of: "nothing")
    even = {"largest_step": 1.0, "largest_step_crossfade": 1.0}
    monkeypatch.setattr(scores.samples, "measure_walks", lambda run, model: even)
    monkeypatch.setattr(classifier, "features", lambda reader, images: images.reshape(len(images), -1) @ projection)


def test_rivals_fail_each_in_its_way(pixels):
    run = Data(train=bars(600, 0), test=bars(200, 1))
    found = scores.sample_quality(run, of(bars(200, 2)))
    assert found.keys() == scores.sample_quality.meanings.keys() - {"classifier_test_accuracy"}
    assert found["pictures"] == 200
    assert found["frechet"] < 3 * found["frechet_copies"] and found["frechet_train"] < 3 * found["frechet_train_unseen"]
    assert found["nearest"] == pytest.approx(1, abs=0.2) and min(found["precision"], found["recall"]) > 0.6
    for rival in ("pixels", "gaussian", "pca"):
        assert found[f"nearest_{rival}"] > 1.4
    assert found["nearest_copies"] == 0 and found["precision_copies"] > 0.6
    assert found["recall_untrained"] == 0 and found["frechet_untrained"] > 10 * found["frechet"]


def test_copies_are_random_training_pictures_and_their_deviation_is_over_draws(pixels):
    """The first 200 training pictures are dark; those of the test set are like the other 800."""
    train, test = bars(1000, 0), bars(200, 1)
    train[:200] //= 8
    numbers = scores.samples.reference(Data(train=train, test=test), "test").numbers
    first = scores.samples.reference(Data(train=train[:200], test=test), "test").numbers  # "the first n"
    assert numbers["frechet_copies"] < first["frechet_copies"] / 5
    assert 0 < numbers["frechet_copies_deviation"] < numbers["frechet_copies"] / 2
    assert numbers["frechet_train_copies"] < numbers["frechet_train_unseen"]


def test_rivals_are_fitted_to_random_pictures_of_a_large_training_set(pixels, monkeypatch):
    monkeypatch.setattr(scores.features, "FITTED", 50)
    run = Data(
        train=np.arange(200, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 1), np.uint8), test=bars(9, 1)
    )
    values = np.rint(scores.features.fitted_pictures(run)[:, 0, 0, 0] * 255)
    assert len(set(values)) == 50 and values.max() > 150 and 70 < values.mean() < 130


@pytest.mark.parametrize("score, least", [
    (scores.sample_quality, 7), (scores.code_quality(1, 2), 7), (scores.reconstruction_errors, 2),
    (scores.label_fidelity, 7),
])  # fmt: skip
@pytest.mark.parametrize("few", ["train", "test"])
def test_too_few_pictures_are_refused_before_training(pixels, score, least, few):
    enough = {"train": bars(9, 0), "test": bars(9, 1)}
    score.check(Data(**enough | {few: bars(least, 2)}))
    if least > 1:
        name = {"train": "training", "test": "testing"}[few]
        sentence = f"has {least - 1} pictures? for {name}, but the scores of this model need at least {least}"
        with pytest.raises(UserError, match=sentence):
            score.check(Data(**enough | {few: bars(least - 1, 2)}))


def test_copies_and_collapse_are_warned_of_and_new_pictures_are_not(pixels):
    """Real pictures that were never seen pass the bounds, 20 times of 20."""
    score, found = scores.sample_quality, []
    for seed in range(20):
        run = Data(train=bars(1000, 10 + seed), validation=bars(300, 40 + seed))
        found.append(score(run, of(bars(300, 70 + seed)), "validation"))
    assert not any(score.warnings(numbers) for numbers in found)
    run = Data(train=bars(1000, 10), test=bars(300, 40))
    copied = score.warnings(score(run, of(bars(1000, 10)[:300])))
    (sentence,) = copied  # the distance is 0 but for rounding
    assert re.match(r"the samples are nearly copies of training pictures: nearest is (0|\de-\d\d), but", sentence)
    collapsed = score.warnings(score(run, of(bars(3, 70))))
    assert [sentence.split(":")[0] for sentence in collapsed] == [
        "the samples are like hardly any of the real pictures",
        "many samples are nearly the same, so the generator may have collapsed",
    ]
    few = Data(train=bars(100, 0), test=bars(20, 1))  # of so few, real pictures may be below the bounds
    assert not score.warnings(score(few, of(bars(3, 70))))


def test_the_least_pictures_are_enough(pixels):
    numbers = scores.sample_quality(Data(train=bars(7, 0), test=bars(7, 1)), of(bars(7, 2)))
    assert np.all(np.isfinite([*numbers.values()]))


def test_scores_of_many_pictures_are_those_in_one_piece(monkeypatch):
    """Pictures are read in pieces, and the classifier is trained on some: all may not fit into memory."""
    run = Data(train=bars(300, 0), test=bars(100, 1))
    model = types.SimpleNamespace(
        encode=lambda images: {"mean": images.reshape(len(images), -1)[:, :3]},
        decoder=lambda z, training: tf.tile(tf.reduce_mean(z, axis=1)[:, None, None, None], (1, 8, 8, 1)),
        has_posterior=False,
    )
    whole, most = scores.reconstruction.measure_reconstruction(run, model), []
    monkeypatch.setattr(scores.features, "PIECE", 16)
    floats = Source.floats
    monkeypatch.setattr(Source, "floats", lambda self, *chosen: most.append(floats(self, *chosen)) or most[-1])
    in_pieces = scores.reconstruction.measure_reconstruction(Data(train=bars(300, 0), test=bars(100, 1)), model)
    assert in_pieces == pytest.approx(whole, rel=1e-5)
    test = run.source("test").images / 255
    assert whole["test_variance"] == pytest.approx(np.var(test), rel=1e-6)
    assert whole["test_mse_mean_code"] == pytest.approx(
        np.mean((test - np.mean(test.reshape(100, -1)[:, :3], axis=1)[:, None, None, None]) ** 2), rel=1e-5
    )
    assert sorted(map(len, most))[-2] == 16  # but for those that the PCA is fitted to


def test_active_latents_and_divergence_of_a_known_posterior():
    """Of three latents, one is N(+-1, 1), one N(0, 1), and one N(0, 1/4)."""
    run = Data(train=bars(30, 0), test=bars(40, 1))
    mean = np.column_stack([np.where(np.arange(40) % 2, 1.0, -1.0), np.zeros(40), np.zeros(40)]).astype(np.float32)
    log_var = np.tile(np.log([1.0, 1.0, 0.25]), (40, 1)).astype(np.float32)
    model = types.SimpleNamespace(
        encode=lambda images: {"mean": mean[: len(images)], "log_var": log_var[: len(images)]},
        sample_posterior=lambda code, key, draw: code["mean"],
        decoder=lambda z, training: tf.zeros((len(z), 8, 8, 1)),
        has_posterior=True,
    )
    found = scores.reconstruction.measure_reconstruction(run, model)
    assert found["code_size"] == 3 and found["active_latents"] == 1
    assert found["kl"] == pytest.approx(0.5 + 0.5 * (0.25 - np.log(0.25) - 1), rel=1e-5)


def test_memory_does_not_grow_with_the_number_of_test_pictures():
    """2,048 pictures of 64x64 are 100 MB as float32. Twice as many take no more memory."""
    model = types.SimpleNamespace(
        encode=lambda images: {"mean": images.reshape(len(images), -1)[:, :2].copy()},
        decoder=lambda z, training: tf.zeros((len(z), 64, 64, 3)),
        has_posterior=False,
    )
    peaks = []
    for n in (2048, 4096):
        pictures = np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), np.uint8)
        run = Data(train=pictures[:32], test=pictures)
        tracemalloc.start()  # NumPy's arrays are counted
        scores.reconstruction.measure_reconstruction(run, model)
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 5 and peaks[0] < 90, peaks


def test_a_classifier_is_trained_on_some_pictures_of_many(monkeypatch):
    seen = []
    monkeypatch.setattr(scores.features, "READ", 50)
    monkeypatch.setattr(
        classifier,
        "train_classifier",
        lambda images, given, *_, **__: seen.append((images, given)) or classifier.build(images.shape[1:], 7),
    )
    run = Data(train=np.arange(200, dtype=np.uint8)[:, None, None, None] * np.ones((8, 8, 1), np.uint8))
    run.splits["train"] = dataclasses.replace(run.splits["train"], labels=np.arange(200, dtype=np.int32) % 7)
    scores.classifier_of(run)
    ((images, classes),) = seen
    values = np.rint(images[:, 0, 0, 0] * 255).astype(int)
    assert len(set(values)) == 50 and values.max() > 150 and classes.shape == (50, 7)
    np.testing.assert_array_equal(np.argmax(classes, axis=1), values % 7)


def test_an_autoencoders_rivals_are_fitted_to_the_training_pictures():
    """Pictures of three directions; the test pictures are brighter. A PCA as long as the code gets all of it or not."""
    random = np.random.default_rng(0)
    basis = np.kron(np.eye(3, 4).reshape(3, 2, 2), np.ones((4, 4)))  # three of four blocks
    train, test = (np.rint(random.uniform(0, 200, (n, 3)) @ basis.reshape(3, 64)).astype(np.uint8) for n in (300, 100))
    test = np.where(test > 0, np.minimum(test + 50, 250), 0).astype(np.uint8)
    run = Data(train=train.reshape(-1, 8, 8, 1), test=test.reshape(-1, 8, 8, 1))
    found = {}
    for length in (2, 3):
        model = types.SimpleNamespace(
            encode=lambda images, length=length: {"mean": np.zeros((len(images), length), np.float32)},
            decoder=lambda z, training: tf.zeros((len(z), 8, 8, 1)),
            has_posterior=False,
        )
        found[length] = scores.reconstruction.measure_reconstruction(run, model)
    images, mean = test / 255, train.mean(axis=0) / 255
    assert found[2]["mean_picture_mse"] == pytest.approx(np.mean((images - mean) ** 2), rel=1e-4)
    assert found[2]["mean_picture_mse"] > 1.3 * np.mean((images - images.mean(axis=0)) ** 2)  # the test set's own mean
    zero = np.mean(images**2)  # the error of the models, which decode black: worse than the mean picture
    assert found[3]["test_mse_mean_code"] == pytest.approx(zero, rel=1e-4) and found[3]["pca_components"] == 0
    assert found[3]["pca_mse"] < 1e-5 < 1e-3 < found[2]["pca_mse"] < found[2]["mean_picture_mse"]


# Inputs
# ---------------------------------------------------------------------------------------------------------------------


class Codes:
    """An InfoGAN of one categorical code of 4 values and two continuous ones. The last one is ignored."""

    categories, continuous = (4,), 2

    def sample_latents(self, key, draw, n):
        return np.random.default_rng(draw).random((n, 1)).astype(np.float32)

    def sample_codes(self, key, draw, n):
        random = np.random.default_rng(10 + draw)
        return np.concatenate([np.eye(4)[random.integers(0, 4, n)], random.random((n, 2))], axis=1).astype(np.float32)

    def generate(self, z, condition):
        return np.stack([z[:, 0], np.argmax(condition[:, :4], axis=1) / 3, condition[:, 4]], axis=1).reshape(
            -1, 3, 1, 1
        )

    def read_codes(self, images):
        """What the pictures show; of the ignored code, the mean."""
        shown = np.rint(3 * images[:, 1, 0, 0]).astype(int)
        continuous = np.stack([images[:, 2, 0, 0], np.full(len(images), 0.5)], axis=1)
        return {"code_0": np.eye(4)[shown], "continuous": continuous}


def test_an_input_that_is_ignored_has_a_change_of_0_and_cannot_be_read():
    found = scores.codes.measure_codes_read_back(Codes())
    assert found["continuous_1_change"] == 0 and found["continuous_1_r2"] == pytest.approx(0, abs=0.02)
    assert (
        found["continuous_0_r2"] == pytest.approx(1) and found["code_0_read"] == 1 > found["code_0_read_chance"] == 0.25
    )
    # Three numbers make the picture, each a part of the whole change.
    parts = [found[f"{name}_change"] for name in ("z", "code_0", "continuous_0")]
    assert min(parts) > 0.2 and sum(parts) == pytest.approx(1, abs=1e-6)
    assert found.keys() <= scores.code_quality(1, 2).meanings.keys()


def test_a_category_that_is_changed_is_another_one():
    for n in (1, 2, 3, 10):
        places = np.arange(200)
        others = scores.conditions._another(places, n)
        assert n == 1 or np.all(others != places % n)
        assert set(others) == set(range(n)) and len({*zip(places % n, others)}) == max(n * (n - 1), 1)


def test_a_generator_that_shows_one_picture_changes_with_nothing():
    model = types.SimpleNamespace(
        sample_latents=lambda key, draw, n: np.zeros((n, 1)), generate=lambda z, condition: np.ones((len(z), 2, 2, 1))
    )
    inputs = {"attribute": (np.zeros((8, 1)), np.ones((8, 1)))}
    assert scores.conditions.input_changes(model, inputs) == {"z_change": 0, "attribute_change": 0}


# Tables
# ---------------------------------------------------------------------------------------------------------------------


def test_a_table_has_the_rivals_beside_each_number():
    numbers = {
        "pictures": 9,
        "frechet": 12.3456,
        "frechet_copies": 4.0,
        "frechet_copies_deviation": 0.25,
        "recall": 0.5,
    }
    score = scores.sample_quality
    assert score.table(numbers) == [
        ["", "model", "untrained", "pixels", "gaussian", "pca", "copies"],
        ["frechet", "12.35", "", "", "", "", "4 +- 0.25"],
        ["recall", "0.5", "", "", "", "", ""],
    ]
    assert score.others(numbers) == {"pictures": 9}
    assert score.legend(numbers).keys() == {"untrained", "pixels", "gaussian", "pca", "copies"}
    assert score.table({"pictures": 9}) == [] and score.others({"pictures": 9}) == {"pictures": 9}


@pytest.mark.parametrize("study, model, preset", PRESETS, ids=[f"{study}-{model}" for study, model, _ in PRESETS])
def test_every_score_has_rivals_whose_numbers_and_columns_are_explained(study, model, preset):
    score = preset.score
    assert score.best in score.rivals
    for name, beside in score.rivals.items():
        assert {name, *beside.values()} <= score.meanings.keys() and beside.keys() <= scores.COLUMNS.keys()


# Conditions, walks, likelihoods
# ---------------------------------------------------------------------------------------------------------------------


class Half:
    """A model whose pictures are gray, brighter by what it is told if it `listens`, with noise from the latent."""

    condition, has_prior, code_dim = "attributes", True, 1

    def __init__(self, listens=True):
        self.listens = listens

    def sample_latents(self, key, draw, n):
        return tf.random.stateless_normal((n, 64), (draw, 0))

    def generate(self, z, condition=None):
        told = tf.convert_to_tensor(np.asarray(condition, np.float32))[:, 0] * self.listens
        pictures = 0.3 + 0.4 * told[:, None] + 0.05 * tf.convert_to_tensor(z)
        return tf.reshape(pictures, (-1, 8, 8, 1))


def halves(n, seed):
    """Pictures as `Half` draws them, with their attribute."""
    attributes = np.random.default_rng(seed).integers(0, 2, (n, 1))
    images = (
        0.3 + 0.4 * attributes[:, :, None, None] + 0.05 * np.random.default_rng(seed + 1).normal(0, 1, (n, 8, 8, 1))
    )
    return Source("halves", np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8), attributes.astype(np.uint8), ("A",))


@pytest.mark.trace
def test_pictures_that_fit_their_conditions_have_a_small_joint_distance(pixels):
    run = Data(test=bars(9, 0), train=bars(9, 0))
    run.splits, run.record = {"train": halves(400, 0), "test": halves(200, 2)}, {"attributes": ["A"]}
    run.source = run.splits.__getitem__
    run.untrained = lambda: types.SimpleNamespace(sample=lambda n, seed: tf.zeros((n, 8, 8, 1)))
    fits, deaf = (scores.conditions.measure_conditional(run, Half(listens)) for listens in (True, False))
    assert fits["frechet_joint"] < 3 * fits["frechet_joint_copies"]
    assert (
        fits["frechet_joint_chance"] > 20 * fits["frechet_joint"] and deaf["frechet_joint"] > 20 * fits["frechet_joint"]
    )
    # What a picture shows is fully known from the condition: trained on such pictures, a classifier reads real ones.
    assert fits["reverse_fidelity"] > 0.95 > 0.85 > deaf["reverse_fidelity"]
    assert 0.5 <= fits["reverse_fidelity_chance"] < 0.65


def test_the_distance_of_pairs_is_that_of_their_concatenation(pixels, monkeypatch):
    """Conditions are scaled to the mean length of the features."""
    run = Data(test=bars(9, 0), train=bars(9, 0))
    run.splits, run.record = {"train": halves(400, 0), "test": halves(200, 2)}, {"attributes": ["A"]}
    run.source = run.splits.__getitem__
    run.untrained = lambda: types.SimpleNamespace(sample=lambda n, seed: tf.zeros((n, 8, 8, 1)))
    monkeypatch.setattr(scores.conditions, "_reverse_fidelity", lambda run, model, split: {})
    found = scores.conditions.measure_conditional(run, Half())
    test = run.source("test")
    asked = test.attributes.astype(np.float32)
    real = scores.features.extract(run, test.floats())
    shown = scores.features.extract(run, Half().generate(Half().sample_latents(None, 0, 200), asked).numpy())
    scale = np.linalg.norm(real, axis=1).mean() / asked.mean()
    joined = [np.hstack([points, scale * asked]) for points in (real, shown)]
    assert found["frechet_joint"] == pytest.approx(scores.samples.distances.frechet(*joined), rel=1e-4)


class Jumps:
    """A model of one latent that draws black below 0 and white above, or that goes evenly from black to white."""

    condition = None

    def __init__(self, even):
        self.even = even

    def sample_latents(self, key, draw, n):
        return tf.fill((n, 1), -1.0 if draw == 3 else 1.0)

    def prior(self):
        """Not the normal one: walks are straight lines."""

    def generate(self, z):
        level = z / 2 + 0.5 if self.even else np.float32(z > 0)
        return tf.ones((1, 8, 8, 1)) * tf.reshape(level, (-1, 1, 1, 1))


def test_a_jump_is_the_largest_step_of_a_walk(monkeypatch):
    monkeypatch.setattr(scores.features, "extract", lambda run, images: images.reshape(len(images), -1))
    even, jump = (scores.samples.measure_walks(None, Jumps(kind)) for kind in (True, False))
    assert even["largest_step"] == pytest.approx(1, rel=1e-4) and even["largest_step_crossfade"] == pytest.approx(
        1, rel=1e-4
    )
    assert jump["largest_step"] == pytest.approx(8)  # one of eight steps is the whole way
    assert jump["largest_step_crossfade"] == pytest.approx(1, rel=1e-4)


def test_the_importance_weighted_bound_of_known_likelihoods():
    """A decoder that ignores z has the likelihood of its probabilities, whatever the posterior, for many samples."""
    images = np.random.default_rng(0).integers(0, 2, (5, 4, 4, 1)).astype(np.float32)
    mean, log_var = np.full((5, 2), 0.5, np.float32), np.full((5, 2), np.log(0.5), np.float32)

    def model(mean, log_var):
        def sample(code, key, draw):
            noise = np.random.default_rng(draw).standard_normal((5, 2))
            return (code["mean"] + np.exp(0.5 * code["log_var"]) * noise).astype(np.float32)

        return types.SimpleNamespace(
            encode=lambda images: {"mean": mean, "log_var": log_var},
            sample_posterior=sample,
            decoder=lambda z, training: tf.fill((len(z), 4, 4, 1), 0.25),
        )

    exact = np.mean(np.sum(images * np.log(0.25) + (1 - images) * np.log(0.75), axis=(1, 2, 3)))
    bound = scores.reconstruction.importance_weighted_bound
    prior = model(np.zeros_like(mean), np.zeros_like(log_var))
    assert bound(prior, images, 1) == pytest.approx(exact, rel=1e-5)  # the weights are all 1
    other = model(mean, log_var)
    kl = 0.5 * 2 * (0.25 + 0.5 - np.log(0.5) - 1)
    singles = np.mean([bound(model(mean, log_var), images, 1)])
    assert singles < exact and abs(singles - (exact - kl)) < 1
    assert bound(other, images, 2000) == pytest.approx(exact, abs=0.1)
    assert bound(other, images, 1) < bound(other, images, 50) + 0.5


def test_the_bound_of_a_code_that_is_read_is_its_entropy():
    class Codes:
        condition, categories, continuous = None, (4,), 1

        def sample_codes(self, key, draw, n):
            values = np.random.default_rng(draw).integers(0, 4, n)
            return np.hstack([np.eye(4)[values], np.random.default_rng(draw + 9).random((n, 1))]).astype(np.float32)

        def sample_latents(self, key, draw, n):
            return np.zeros((n, 1), np.float32)

        def generate(self, z, codes):
            return codes[:, None, None, :]

        def read_codes(self, images):
            codes = images[:, 0, 0]
            # Sure of the category; the continuous code is off by .1.
            return {"code_0": 40 * codes[:, :4], "continuous": codes[:, 4:] + 0.1}

    found = scores.codes.measure_codes_read_back(Codes())
    assert found["code_0_bound"] == pytest.approx(np.log(4)) == found["code_0_bound_most"]
    assert found["continuous_0_bound"] == pytest.approx(-0.5 * np.log(2 * np.pi * np.e * 0.01), rel=1e-4)


# Other features
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def network():
    """Colored pictures of 16x16 -> the means of their channels in rows of 4 pixels."""
    inputs = tf.keras.Input((16, 16, 3))
    return tf.keras.Model(inputs, tf.keras.layers.AveragePooling2D((4, 16))(inputs))


@pytest.mark.parametrize("form", ["keras", "saved_model", "onnx"])
def test_features_of_a_file(tmp_path, network, form):
    path = tmp_path / f"network{FORMATS[form].suffix}"
    FORMATS[form].write(network, path)
    features = extractor.load(path)
    images = np.random.default_rng(0).random((5, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(features(images), images.mean(axis=(1, 2)), atol=1e-6)
    gray = features(images[:, ::2, ::2, :1])  # repeated for three channels, and enlarged
    assert gray.shape == (5, 3) and np.ptp(gray, axis=1).max() < 1e-6
    assert extractor.digest(path) == extractor.digest(path) != extractor.digest(__file__)


def test_what_is_no_extractor_is_said(tmp_path):
    (tmp_path / "text.keras").write_text("no network")
    vectors = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    vectors.save(tmp_path / "vectors.keras")
    for name, sentence in {
        "nowhere.keras": "does not exist", "text.keras": "cannot be read as a network", "vectors.keras": "not pictures",
    }.items():  # fmt: skip
        with pytest.raises(UserError, match=sentence):
            extractor.load(tmp_path / name)


@pytest.mark.trace
def test_other_features_give_other_numbers_and_are_not_kept(tmp_path, finished, trained, network):
    run = finished(tmp_path / "run", "dlcv2018", "gan")
    own = commands.evaluate(run.folder)
    kept = (run.folder / "scores.json").read_bytes()
    network.save(tmp_path / "network.keras")
    other = commands.evaluate(run.folder, features=tmp_path / "network.keras")
    assert other["frechet"] != own["frechet"] and other["frechet_gaussian"] != own["frechet_gaussian"]
    assert (run.folder / "scores.json").read_bytes() == kept
    said = commands.describe_score(run.folder, other, tmp_path / "network.keras")
    assert "Features: network.keras (SHA-256 " in said


def test_numbers_of_another_version_are_measured_anew(tmp_path, finished):
    run = finished(tmp_path / "run", "dlcv2018", "vae")
    numbers = {"iteration": run.iteration, "test_mse_mean_code": 0.5}
    for written, known in (({}, False), ({"format": 1}, False), ({"format": scores.FORMAT}, True)):
        (run.folder / scores.SCORES).write_text(json.dumps(written | numbers))
        assert (scores.saved(run, run.iteration) is not None) == known
