"""Models trained for real, minutes each on two cores: what they are for, in numbers."""

import pytest

import tfgen_cli
from tfgen import scores
from tfgen.runs import Run

pytestmark = pytest.mark.slow
EVEN = ["--width", "1/2", "--d_learning_rate", "1e-4", "--g_learning_rate", "4e-4", "--anneal"]  # the demo's settings


def train(folder, model, seed, *words):
    command = ["tfgen_cli.py", "train", "--model", model, "--seed", str(seed), "--run", str(folder), *words]
    assert tfgen_cli.main(tfgen_cli.parse(command)) == 0
    return Run.open(folder)


@pytest.mark.parametrize("seed", [0, 1])
def test_vae_reconstructs_faces_it_has_not_seen(tmp_path, seed):
    run = train(tmp_path / "vae", "vae", seed, "--examples", "4096", "--epochs", "6", "--width", "1/2")
    errors = scores.reconstruction_errors(run)
    assert errors["test_mse_over_variance"] < 0.25
    assert errors["test_mse_mean_code"] < errors["test_mse_sampled_code"]  # the mean code is the best guess, a sampled one adds noise
    history = run.history()
    assert history["reconstruction"][-20:].mean() < history["reconstruction"][:20].mean() / 2


@pytest.mark.parametrize("seed", [0, 1])
def test_acgan_faces_smile_when_told(tmp_path, seed):
    run = train(tmp_path / "acgan", "acgan", seed, "--examples", "4096", "--epochs", "20", *EVEN)
    fidelity = scores.attribute_fidelity(run)
    assert fidelity["classifier_test_accuracy"] > 0.97
    assert fidelity["switched"] > 0.75
