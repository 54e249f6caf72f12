"""Models trained for real, minutes each on two cores: what they are for, in numbers.

Sizes are small and rates high, so that minutes suffice.
"""

import pytest

import tfgen_cli
from tfgen import scores
from tfgen.runs import Run

pytestmark = pytest.mark.slow
EVEN = [
    "--width",
    "1/2",
    "--d_learning_rate",
    "1e-4",
    "--g_learning_rate",
    "4e-4",
    "--schedule",
    "linear",
]  # the demo's settings
SMALL = ["--image_size", "16", "--width", "1/4"]


def train(folder, model, *words, seed=0):
    command = ["tfgen_cli.py", "train", "--model", model, "--seed", str(seed), "--run", str(folder), *words]
    assert tfgen_cli.main(tfgen_cli.parse(command)) == 0
    return Run.open(folder)


@pytest.mark.parametrize("seed", [0, 1])
def test_vae_reconstructs_faces_it_has_not_seen(tmp_path, seed):
    run = train(tmp_path / "vae", "vae", "--examples", "4096", "--epochs", "6", "--width", "1/2", seed=seed)
    errors = scores.reconstruction_errors(run, run.model)
    assert errors["test_mse_over_variance"] < 0.25
    assert (
        errors["test_mse_mean_code"] < errors["test_mse_sampled_code"]
    )  # the mean code is the best guess, a sampled one adds noise
    history = run.history()
    assert history["reconstruction"][-20:].mean() < history["reconstruction"][:20].mean() / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_acgan_faces_smile_when_told(tmp_path, seed):
    run = train(tmp_path / "acgan", "acgan", "--examples", "4096", "--epochs", "20", *EVEN, seed=seed)
    fidelity = scores.attribute_fidelity(run, run.model)
    assert fidelity["classifier_test_accuracy"] > 0.97
    assert fidelity["switched"] > 0.75


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
    assert quality["code_0_nmi"] >= 0.5
    assert quality["frechet"] < quality["frechet_untrained"] / 4
    assert quality["recall"] > 0.1


@pytest.mark.parametrize("study, model, epochs, words", [
    ("dlcv2018", "gan", 50, []),
    ("dlcv2018", "wgan_gp", 30, ["--learning_rate", "5e-4"]),
    ("sullivan2017", "gan", 40, ["--learning_rate", "2e-4"]),
    ("sullivan2017", "wgan", 18, ["--learning_rate", "5e-4"]),
    ("sullivan2017", "wgan_gp", 18, ["--learning_rate", "5e-4"]),
    ("csi5340", "gan", 50, ["--depth", "3", "--width", "1"]),
    ("csi5340", "wgan", 45, ["--depth", "3", "--width", "1/2", "--learning_rate", "5e-4"]),
    ("digits", "gan", 250, ["--learning_rate", "2e-4"]),
])  # fmt: skip
def test_generators_beat_untrained_ones_and_do_not_collapse(tmp_path, study, model, epochs, words):
    data = ["--dataset", "digits", "--batch_size", "64", "--epochs", str(epochs)]
    run = train(tmp_path / "run", model, "--study", study, *data, *SMALL, *words)
    quality = scores.sample_quality(run, run.model)
    assert quality["frechet"] < quality["frechet_untrained"] / 2
    assert quality["recall"] > 0.1


def test_depth_wgan_sees_depth(tmp_path):
    words = [
        "--study",
        "sullivan2017",
        "--batch_norm",
        "true",
        "--d_steps",
        "1",
        "--learning_rate",
        "1e-3",
        "--schedule",
        "linear",
        "--batch_size",
        "32",
    ]
    run = train(tmp_path / "run", "depth_wgan", *words, "--image_size", "32", "--width", "3/8", "--epochs", "14")
    errors = scores.depth_errors(run, run.model)
    assert errors["rmse"] <= errors["mean_map_rmse"] / 2


@pytest.mark.parametrize(
    "model, words", [("adversarial_vae", ["--width", "1/2"]), ("acai", ["--learning_rate", "1e-3"])]
)
def test_autoencoders_beat_the_mean_picture_threefold(tmp_path, model, words):
    run = train(tmp_path / "run", model, "--study", "pegasus", "--epochs", "4", *words)
    errors = scores.reconstruction_errors(run, run.model)
    assert errors["test_mse_over_mean_picture"] < 1 / 3
