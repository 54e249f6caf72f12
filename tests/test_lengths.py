"""How long the presets train: as long as their study, whatever data they are trained on."""

import dataclasses

import pytest
import tiny

from tfgen import studies, training
from tfgen.runs import Run
from tfgen.studies import STUDIES

# study: model -> (pictures of the study's data, its passes over them), as its report or code says
STUDY = {
    "dlcv2018": {"vae": (40_000, 144)} | dict.fromkeys(
        ["gan", "acgan", "wgan_gp", "wgan_gp_faithful", "infogan", "infogan_mixed"], (42_621, 300)
    ),
    "sullivan2017": {
        "vae": (162_770, 100), "gan": (162_770, 50), "wgan": (162_770, 20 * 5), "wgan_gp": (162_770, 100),
        "depth_wgan": (47_584, 200),
    },
    "csi5340": {"vae": (60_000, 40), "gan": (60_000, 40), "wgan": (60_000, 48), "wgan_long": (60_000, 96)},
    "pegasus": dict.fromkeys(["vae", "adversarial_vae", "vae_gan", "acai"], (10_000, 1000)),
    "digits": {"vae": (60_000, 10), "gan": (60_000, 50), "wgan": (60_000, 49), "cgan": (70_000, 20)},
}  # fmt: skip
EVERY = [(study, model) for study, models in STUDY.items() for model in models]


def iterations(preset, pictures):
    """Iterations that a preset makes on so many pictures."""
    per_epoch = pictures // (preset.batch_size * preset.defaults().get("d_steps", 1))
    return preset.epochs_on(pictures, preset.batch_size) * per_epoch


@pytest.mark.parametrize("study, model", EVERY)
def test_on_the_studys_data_its_epochs(study, model):
    pictures, epochs = STUDY[study][model]
    preset = STUDIES[study][model]
    assert abs(preset.epochs_on(pictures, preset.batch_size) / epochs - 1) < 0.03


def test_every_model_of_the_two_studies_of_digits_has_a_length_in_iterations():
    assert all(preset.iterations for study in ("digits", "csi5340") for preset in STUDIES[study].values())


@pytest.mark.parametrize("study, model", EVERY)
def test_iterations_do_not_depend_on_the_data(study, model):
    preset = STUDIES[study][model]
    if preset.iterations:
        for pictures in (1500 if study in ("digits", "csi5340") else 8192, 60_000):
            assert abs(iterations(preset, pictures) / preset.iterations - 1) < 0.03


def test_a_preset_has_one_length():
    for changes in ({"iterations": 10}, {"epochs": None}):
        with pytest.raises(ValueError, match="either epochs or iterations"):
            dataclasses.replace(tiny.PRESETS["vae"], **changes)
    assert tiny.PRESETS["vae"].length == "300 epochs"


def test_a_plan_fills_in_the_epochs_and_the_command_resumes_it(tiny_study, tmp_path):
    counted = {name: dataclasses.replace(tiny.PRESETS[name], epochs=None, iterations=4000) for name in ("vae", "gan")}
    studies.STUDIES["tiny"] = tiny.PRESETS | counted
    options = {"image_size": 16, "batch_size": 16}
    few = training.plan("tiny", "vae", run=tmp_path / "few", examples=64, **options)
    many = training.plan("tiny", "vae", run=tmp_path / "many", examples=640, **options)
    assert (few.settings.training.epochs, many.settings.training.epochs) == (1000, 100)
    assert few.iterations == many.iterations == 4000
    assert "--epochs" not in few.command() and "--batch_size 16" in few.command()
    given = training.plan("tiny", "vae", run=tmp_path / "few", examples=64, epochs=7, **options)
    assert given.iterations == 28 and "--epochs 7" in given.command()
    # More critic steps see the same pictures, as in the studies: such runs can be compared.
    one = training.plan("tiny", "gan", run=tmp_path / "one", examples=64, **options)
    three = training.plan("tiny", "gan", run=tmp_path / "three", examples=64, arguments={"d_steps": 3}, **options)
    assert one.settings.training.epochs == three.settings.training.epochs == 500
    assert (one.iterations, three.iterations) == (4000, 1000)
    few.folder.mkdir()
    few.write_record()
    assert Run.open(few.folder).settings.training.epochs == 1000
    assert training.plan("tiny", "vae", run=few.folder, examples=64, **options).iterations == 4000


def test_a_tiny_run_has_pictures_for_all_batches_of_a_step(tmp_path):
    run = training.plan("sullivan2017", "wgan", run=tmp_path / "r", smoke=True, image_size=16)
    assert run.settings.training.batch_size == 16 and run.steps_per_epoch == 3
