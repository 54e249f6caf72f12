"""Models trained for real, minutes each on two cores: what they are for, in numbers.

Sizes are small and rates high, so that minutes suffice. No model without structure passes a bound: independent pixels,
Gaussians fitted to the pixels, the mean picture, copies of the training pictures; the first tests show it. In these
minutes, of the five studies only Wasserstein GANs have a smaller Frechet distance than a Gaussian fitted to the pixels,
and no autoencoder has a smaller error than a PCA with as many components: the bounds are those that the models pass and
the rivals do not.
"""

import functools

import numpy as np
import pytest

import tfgen_cli
from tfgen import data, scores
from tfgen.metrics import chance, classifier, distances, rivals
from tfgen.runs import Run

slow, long = pytest.mark.slow, pytest.mark.long  # a long test is slow too
STRUCTURELESS = ("pixels", "gaussian", "pca")


def shows_digits(quality, rival="", by="nearest"):
    """Whether the samples, or a rival's, are more like digits than any structureless rival's, by one of two numbers.

    They must be neither copies of training pictures nor all the same.

    Args:
        quality: the numbers of `scores.sample_quality`.
        rival: name of the rival; "" for the model.
        by: "nearest", the distance to the nearest training picture, or "frechet".
    """
    mine = {name: quality[f"{name}_{rival}" if rival else name] for name in (by, "recall", "nearest")}
    bound = 0.97 * min(quality[f"{by}_{other}"] for other in STRUCTURELESS)
    return mine[by] < bound and mine["recall"] > 0.1 and mine["nearest"] > 0.3


def reconstructs(errors, components, mean_picture=False):
    """Whether the errors, or those of the mean picture, are less than a PCA's with so many components.

    The mean picture is a PCA with none.
    """
    return (0 if mean_picture else errors["pca_components"]) >= components


@functools.cache
def structureless_digits():
    """The scores of the rivals on the built-in digits of 16x16, and the reader of digits."""
    train, test = (data.load("digits", split, image_size=16) for split in ("train", "test"))
    pictures, random = train.floats(), np.random.default_rng(0)
    reader = classifier.train_classifier(pictures, np.eye(10, dtype=np.uint8)[train.labels], 8, exclusive=True)
    real, known = (classifier.features(reader, images) for images in (test.floats(), pictures))
    novelty, n = float(np.median(distances.nearest(real, known)[1])), len(test)
    shown = {
        "pixels": rivals.independent_pixels(pictures, n, random),
        "gaussian": rivals.gaussian(pictures, n, random),
        "pca": rivals.pca_gaussian(pictures, n, random),
        "copies": pictures[random.permutation(len(pictures))[:n]],
        "mean": np.repeat(pictures.mean(axis=0)[None], n, axis=0),
        "unseen": test.floats()[random.permutation(n)],
    }
    quality = {}
    for name, images in shown.items():
        found = scores.samples.compare(real, known, novelty, classifier.features(reader, images))
        quality |= {f"{row}_{name}": value for row, value in found.items()}
    return quality, reader, shown, train


@pytest.mark.trace
@pytest.mark.parametrize("by", ["nearest", "frechet"])
@pytest.mark.parametrize("rival", [*STRUCTURELESS, "copies", "mean"])
def test_no_rival_shows_digits(rival, by):
    assert not shows_digits(structureless_digits()[0], rival, by)


@pytest.mark.trace
def test_digits_that_were_never_seen_show_digits():
    """The bounds can be passed. The recall alone does not tell a Gaussian from digits."""
    quality = structureless_digits()[0]
    assert shows_digits(quality, "unseen") and shows_digits(quality, "unseen", "frechet")
    assert quality["recall_gaussian"] > 0.1


@pytest.mark.trace
@pytest.mark.parametrize("rival", [*STRUCTURELESS, "copies", "mean"])
def test_no_rival_is_the_digit_that_is_asked_for(rival):
    """Pictures that do not know what is asked: the bounds of label fidelity and mutual information are far from it."""
    _, reader, shown, _ = structureless_digits()
    images = shown[rival]
    asked, seen = np.arange(len(images)) % 10, classifier.read_class(reader, images)
    assert np.mean(seen == asked) < 0.3 and chance.nmi(asked, seen) < 0.3


def test_the_mean_picture_does_not_reconstruct():
    assert not reconstructs({"pca_components": 12.0}, 2, mean_picture=True) and reconstructs(
        {"pca_components": 12.0}, 8
    )


# Half the study's learning rate for the discriminator and twice for the generator, both falling to 0.
EVEN = ["--d_learning_rate", "1e-4", "--g_learning_rate", "4e-4", "--schedule", "linear"]
SMALL = ["--image_size", "16", "--width", "1/4"]


def train(folder, model, *words, seed=0):
    command = ["tfgen_cli.py", "train", "--model", model, "--seed", str(seed), "--run", str(folder), *words]
    assert tfgen_cli.main(tfgen_cli.parse(command)) == 0
    return Run.open(folder)


@slow
@pytest.mark.parametrize("words, seed", [
    (["--image_size", "32", "--examples", "2048", "--epochs", "10"], 0),
    pytest.param(["--examples", "4096", "--epochs", "6"], 0, marks=long),
    pytest.param(["--examples", "4096", "--epochs", "6"], 1, marks=long),
])  # fmt: skip
def test_vae_reconstructs_faces_it_has_not_seen(tmp_path, words, seed):
    run = train(tmp_path / "vae", "vae", *words, "--width", "1/2", seed=seed)
    errors = scores.reconstruction_errors(run, run.model)
    assert reconstructs(errors, 8)
    assert (
        errors["test_mse_mean_code"] < errors["test_mse_sampled_code"]
    )  # the mean code is the best guess, a sampled one adds noise
    history = run.history()
    assert history["reconstruction"][-20:].mean() < history["reconstruction"][:20].mean() / 2


@slow
@long
@pytest.mark.parametrize("seed", [0, 1])
def test_acgan_faces_smile_when_told(tmp_path, seed):
    """Shorter trainings depend on chance: of eight with 2,880 iterations of 32x32, between .13 and .81 switched."""
    words = ["--width", "1/2", "--examples", "4096", "--epochs", "20"]
    run = train(tmp_path / "acgan", "acgan", *words, *EVEN, seed=seed)
    fidelity = scores.attribute_fidelity(run, run.model)
    assert fidelity["attribute_accuracy"] > 0.97
    assert fidelity["switched"] > 0.75 and fidelity["switched_low"] > 0.5 > fidelity["switched_chance"]
    assert fidelity["z_change"] > 0.1


@slow
def test_modern_acgan_passes_its_rivals(tmp_path):
    words = ["--study", "modern", "--image_size", "32", "--examples", "4096", "--epochs", "10", "--schedule", "linear"]
    run = train(tmp_path / "acgan", "acgan", *words)
    fidelity, quality = scores.attribute_fidelity(run, run.model), scores.sample_quality(run, run.model)
    assert fidelity["attribute_accuracy"] > 0.97
    assert fidelity["switched"] > 0.85 and fidelity["switched_low"] > 0.8 and fidelity["z_change"] > 0.1
    rivals = [quality[f"frechet_{name}"] for name in (*STRUCTURELESS, "untrained")]
    assert quality["frechet"] < 0.9 * min(rivals)
    assert quality["recall"] > 0.2 and quality["nearest"] > 0.3  # no copies


@slow
def test_modern_vae_is_better_than_as_many_components(tmp_path):
    words = ["--study", "modern", "--image_size", "32", "--examples", "4096", "--epochs", "8", "--schedule", "linear"]
    run = train(tmp_path / "vae", "vae", *words)
    errors = scores.reconstruction_errors(run, run.model)
    assert errors["test_mse_mean_code"] < errors["pca_mse"]


@slow
@long
def test_cgan_draws_the_digit_it_is_told(tmp_path):
    words = [
        "--study",
        "digits",
        "--adversarial",
        "least_squares",
        "--epochs",
        "300",
        "--schedule",
        "linear",
        "--ema",
        ".999",
    ]
    run = train(tmp_path / "cgan", "cgan", *words, *SMALL)
    fidelity = scores.label_fidelity(run, run.model)
    assert fidelity["classifier_test_accuracy"] > 0.9
    assert fidelity["label_fidelity"] >= 0.9
    assert fidelity["z_change"] > 0.1  # not one picture for each digit


@slow
def test_infogan_finds_the_digits_without_labels(tmp_path):
    words = [
        "--shared_trunk",
        "true",
        "--g_learning_rate",
        "1e-3",
        "--q_learning_rate",
        "5e-4",
        "--latent_dim",
        "16",
        "--width",
        "1/2",
    ]
    words += ["--dataset", "digits", "--image_size", "16", "--epochs", "80"]
    run = train(tmp_path / "infogan", "infogan_mixed", *words)
    quality = run.preset.score(run, run.model)
    assert quality["code_0_nmi"] >= 0.5 > 2 * quality["code_0_nmi_chance"]
    assert shows_digits(quality)


@slow
@pytest.mark.parametrize("study, model, by, words", [
    ("dlcv2018", "gan", "nearest", ["--width", "1/4", "--epochs", "60", "--ema", ".99"]),
    ("dlcv2018", "wgan_gp", "frechet", ["--width", "1/4", "--epochs", "170", "--learning_rate", "5e-4"]),
    pytest.param("sullivan2017", "wgan_gp", "frechet",
                 ["--width", "1/4", "--epochs", "104", "--learning_rate", "5e-4"], marks=long),
    pytest.param("csi5340", "wgan", "frechet",
                 ["--depth", "3", "--width", "1/2", "--epochs", "260", "--learning_rate", "5e-4"], marks=long),
])  # fmt: skip
def test_generators_beat_structureless_rivals_and_do_not_collapse(tmp_path, study, model, by, words):
    data = ["--dataset", "digits", "--batch_size", "64", "--image_size", "16"]
    run = train(tmp_path / "run", model, "--study", study, *data, *words)
    quality = scores.sample_quality(run, run.model)
    assert shows_digits(quality, by=by)
    assert not any(shows_digits(quality, rival, by) for rival in (*STRUCTURELESS, "copies"))


@slow
@pytest.mark.parametrize("words, most", [
    (["--image_size", "16", "--epochs", "8"], 2 / 3),
    pytest.param(["--image_size", "32", "--epochs", "14"], 1 / 2, marks=long),
])  # fmt: skip
def test_depth_wgan_sees_depth(tmp_path, words, most):
    """Its rival is the mean depth map. The stabilizers of the study's notes make minutes enough."""
    words = [*words, "--width", "3/8", "--batch_size", "32", "--batch_norm", "true", "--d_steps", "1"]
    words += ["--learning_rate", "1e-3", "--schedule", "linear"]
    run = train(tmp_path / "run", "depth_wgan", "--study", "sullivan2017", *words)
    errors = scores.depth_errors(run, run.model)
    assert errors["rmse"] <= most * errors["mean_map_rmse"]


@slow
@pytest.mark.parametrize("model, words", [
    ("adversarial_vae", ["--width", "1/4", "--epochs", "3"]),
    pytest.param("adversarial_vae", ["--width", "1/2", "--epochs", "4"], marks=long),
    pytest.param("acai", ["--learning_rate", "1e-3", "--epochs", "4"], marks=long),
])  # fmt: skip
def test_autoencoders_beat_the_mean_picture_threefold(tmp_path, model, words):
    run = train(tmp_path / "run", model, "--study", "pegasus", *words)
    errors = scores.reconstruction_errors(run, run.model)
    assert errors["test_mse_over_mean_picture"] < 1 / 3 and reconstructs(errors, 4)
