"""Scores as values: every number has a meaning, any model can be scored, nothing outlives its run."""

import gc
import weakref

import numpy as np
import pytest

from tfgen import scores
from tfgen.metrics import classifier
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
        ("dlcv2018", "acgan", {}),
        ("dlcv2018", "gan", {}),
        ("dlcv2018", "infogan", {"dataset": "digits"}),  # labels, which the codes are compared with
        ("dlcv2018", "infogan_mixed", {"dataset": "digits"}),
        ("sullivan2017", "depth_wgan", {"image_size": 32}),
        ("digits", "cgan", {}),
    ],
)
def test_every_number_has_a_meaning_and_every_meaning_a_number(tmp_path, finished, trained, study, model, choice):
    run = finished(tmp_path / "run", study, model, **choice)
    score = run.preset.score
    numbers = score(run, run.model)
    assert numbers.keys() == score.meanings.keys() and all(np.isfinite(value) for value in numbers.values())
    assert score.best in numbers


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
    kept = [weakref.ref(run), weakref.ref(trained.pop()), weakref.ref(scores.reference(run, "test"))]
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
