"""Commands as a user gives them, in this process; a real process where signals and exit codes are the matter."""

import html
import itertools
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from tensorflow.python.framework import config

from tfgen import commands, export, settings, training
from tfgen.models.gan import GAN
from tfgen.runs import Run

ROOT = pathlib.Path(__file__).parent.parent
TOY = ["--smoke", "--examples", "64", "--batch_size", "16", "--image_size", "16"]
TINY = [*tiny.TOY]  # the same on the tests' own study


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Runs and reports go to a temporary folder."""
    monkeypatch.chdir(tmp_path)


def process(*words, script=ROOT / "tfgen_cli.py", **options):
    return subprocess.Popen(
        [sys.executable, script, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file())


def test_list_shows_every_preset(tfgen):
    code, out, _ = tfgen("list")
    assert code == 0
    for text in [
        "dlcv2018 vae",
        "dlcv2018 gan",
        "dlcv2018 acgan",
        "encoder 5,274,368",
        "generator 1,108,643",
        "--kl_weight 0.01",
        "conditioned on Smiling",
        "fig1_2.jpg",
        "fig3_3.jpg",
        "faces, digits, animals",
        "300 epochs, batch_size 64",
        "18,750 iterations, batch_size 32",
    ]:
        assert text in out


@pytest.mark.trace
@pytest.mark.parametrize("model", ["vae", "gan", "acgan"])
def test_train_score_report_export(tfgen, model):
    code, out, err = tfgen("train", "--model", model, *TOY, "--run", "r")
    assert code == 0 and f"Trained {8 if model == 'vae' else 16} iterations" in out
    run = Run.open("r")
    assert run.iteration == run.iterations
    # The record rebuilds the run: what was trained on what, with what.
    record = json.loads(pathlib.Path("r/record.json").read_text())
    assert {"study", "model", "arguments", "dataset", "image_size", "seed", "data_fingerprint"} <= set(record)
    assert record["versions"]["tensorflow"] == tf.__version__ == run.settings.versions["tensorflow"]
    history = run.history()
    assert list(history) == ["iteration", *run.model.logs]
    np.testing.assert_array_equal(history["iteration"], np.arange(1, run.iterations + 1))
    assert all(np.isfinite(column).all() for column in history.values())
    sheets = sorted(pathlib.Path("r/samples").glob("*.png"))
    assert [sheet.name for sheet in sheets] == [f"{i * run.steps_per_epoch:07d}.png" for i in range(3)]
    assert np.asarray(Image.open(sheets[0])).shape == np.asarray(Image.open(sheets[2])).shape
    assert not np.array_equal(Image.open(sheets[0]), Image.open(sheets[2]))

    code, out, _ = tfgen("evaluate", "r")
    assert code == 0
    scores = json.loads(pathlib.Path("r/scores.json").read_text())
    assert (
        scores.keys() - {"iteration", "format"} <= run.preset.score.meanings.keys()
    )  # or the page would not show them
    assert scores.pop("iteration") == run.iterations and scores.pop("format")
    for name, value in scores.items():  # deviations are in the table, with two digits
        assert f"{value:.2g}" in out if name.endswith("_deviation") else f"{value:.4g}" in out or f"{value:.6g}" in out
    assert ("trained on the training and the test set together" in out) == (model != "vae")

    code, out, _ = tfgen("report", "r", "--out", "figures")
    drawn = {*run.preset.figures, f"dlcv2018_{model}_networks.png", "index.html"}
    assert code == 0 and set(files("figures")) == drawn
    for name in run.preset.figures:
        assert f"figures/{name} from r" in out
        assert Image.open(f"figures/{name}").format == "JPEG"
    for other in {"vae", "gan", "acgan"} - {model}:
        assert re.search(rf"missing fig.*: python tfgen_cli.py train --model {other}\n", out)

    code, out, _ = tfgen("export", "r")
    assert code == 0
    for name in run.model.networks():
        assert re.search(
            rf"r/exports/{name}: outputs after reloading differ by at most \S+ \(batches of 1 and 17\)", out
        )


@pytest.mark.trace
def test_several_runs_are_evaluated_and_all_are_opened_before(tfgen, tiny_study):
    for name in ("a", "b"):
        tfgen("train", "--model", "vae", *TINY, "--run", name)
    code, out, err = tfgen("evaluate", "a", "nowhere")
    assert code == 2 and "nowhere is not a run" in err and not pathlib.Path("a/scores.json").exists()
    code, out, _ = tfgen("evaluate", "a", "b")
    assert code == 0 and out.startswith("a\n") and "\n\nb\n" in out
    assert pathlib.Path("a/scores.json").exists() and pathlib.Path("b/scores.json").exists()


@pytest.mark.trace
def test_exported_networks_give_the_same_numbers(tfgen, tiny_study):
    tfgen("train", "--model", "acgan", *TINY, "--run", "r")
    tfgen("export", "r", "--out", "exported")
    run = Run.open("r")
    reloaded = tf.saved_model.load("exported/generator")
    for n in (1, 17):
        inputs = {"z": run.model.sample_latents((7, n), 0, n), "codes": tf.cast(tf.range(n)[:, None] % 2, tf.float32)}
        np.testing.assert_allclose(reloaded.serve(inputs), run.model.generate(inputs["z"], inputs["codes"]), atol=1e-5)


@pytest.mark.trace
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_networks_trained_in_half_precision_are_exported_in_single_precision(tfgen, tiny_study, precision):
    tfgen("train", "--model", "acgan", *TINY, "--precision", precision, "--run", "r")
    code, out, err = tfgen("export", "r", "--out", "exported")
    assert code == 0, err
    run, reloaded = Run.open("r"), tf.saved_model.load("exported/generator")
    z, codes = run.model.sample_latents((7, 0), 0, 8), tf.cast(tf.range(8)[:, None] % 2, tf.float32)
    served, ours = reloaded.serve({"z": z, "codes": codes}), run.model.generate(z, codes)
    np.testing.assert_allclose(served, ours, atol=0.05)
    with tf.Graph().as_default():  # no layer computes in half precision
        graph = tf.compat.v1.Session().graph
        tf.compat.v1.saved_model.load(tf.compat.v1.Session(graph=graph), ["serve"], "exported/generator")
        half = {tf.float16, tf.bfloat16}
        assert not any(tensor.dtype in half for op in graph.get_operations() for tensor in op.outputs)


@pytest.mark.trace
def test_exported_endpoints_name_their_inputs(tfgen, tiny_study):
    tfgen("train", "--model", "acgan", *TINY, "--run", "r")
    tfgen("export", "r", "--out", "exported")
    for network, names in (("generator", {"z", "codes"}), ("discriminator", {"image"})):
        serve = tf.saved_model.load(f"exported/{network}").signatures["serving_default"]
        assert set(serve.structured_input_signature[1]) == names
        assert serve(
            **{name: tf.zeros((3, *spec.shape[1:])) for name, spec in serve.structured_input_signature[1].items()}
        )


@pytest.mark.trace
def test_export_writes_all_networks_or_none(tfgen, tiny_study, monkeypatch):
    tfgen("train", "--model", "gan", *TINY, "--run", "r")
    tfgen("export", "r")
    before = files("r/exports")
    measured = itertools.cycle([0.0, 1.0])  # of the first network, of the second
    monkeypatch.setattr(export.formats, "difference", lambda *others: next(measured))
    for out in ("other", "r/exports"):
        code, _, err = tfgen("export", "r", "--out", out)
        assert code == 2 and "nothing was exported" in err
    assert not [*pathlib.Path("other").iterdir()] and files("r/exports") == before


@pytest.mark.trace
def test_export_replaces_its_own_and_nothing_else(tfgen, tiny_study):
    tfgen("train", "--model", "gan", *TINY, "--run", "r")
    assert tfgen("export", "r")[0] == 0
    before = files("r/exports")
    assert tfgen("export", "r")[0] == 0 and files("r/exports") == before
    pathlib.Path("mine/generator").mkdir(parents=True)
    pathlib.Path("mine/generator/thesis.txt").write_text("years of work")
    code, _, err = tfgen("export", "r", "--out", "mine")
    assert code == 2 and "mine/generator exists and is not an export" in err
    assert pathlib.Path("mine/generator/thesis.txt").read_text() == "years of work"


@pytest.mark.trace
def test_report_is_the_same_to_the_byte_and_takes_the_last_trained(tfgen, tiny_study):
    tfgen("train", "--model", "acgan", *TINY, "--run", "runs/a")
    tfgen("train", "--model", "acgan", *TINY, "--run", "runs/b", "--seed", 1)
    _, out, _ = tfgen("report")
    assert "report/tiny_acgan_pairs.jpg from runs/b" in out
    first = {name: pathlib.Path("report", name).read_bytes() for name in files("report")}
    tfgen("report")
    assert {name: pathlib.Path("report", name).read_bytes() for name in files("report")} == first
    _, out, _ = tfgen("report", "runs/a")
    assert "report/tiny_acgan_pairs.jpg from runs/a" in out
    assert pathlib.Path("report/tiny_acgan_pairs.jpg").read_bytes() != first["tiny_acgan_pairs.jpg"]


def test_report_without_runs_names_every_command(tfgen):
    code, out, _ = tfgen("report")
    assert code == 0 and all(
        re.fullmatch(
            r"report/index.html|missing .*: python tfgen_cli.py (train --model \w+|experiment dlcv2018/\w+)", line
        )
        for line in out.splitlines()
    )
    for name in [
        "fig1_2",
        "fig1_3",
        "fig1_4",
        "fig1_5",
        "fig2_2",
        "fig2_3",
        "fig3_2",
        "fig3_3",
        "fig4_1",
        "fig4_01",
        "fig4_2",
        "fig4_02",
    ]:
        assert f"{name}.jpg" in out


@pytest.mark.trace
def test_report_of_an_unfinished_run_gives_the_command_that_goes_on(tfgen, tiny_study):
    tfgen("train", "--model", "vae", *TINY, "--run", "r", "--kl_weight", "0.5", "--keep", 3)
    for iteration in (4, 8):  # as if killed in the first epoch
        shutil.rmtree(f"r/checkpoints/{iteration:07d}")
    _, out, _ = tfgen("report", "r")
    (line,) = [line.split(": ", 1)[1] for line in out.splitlines() if "tiny_vae" in line]
    words = shlex.split(line)[2:]
    assert words[:2] == ["train", "--study"]
    assert tfgen(*words)[0] == 0  # the very command continues this very run
    assert Run.open("r").iteration == 8


ESTIMATE = re.compile(
    r"about [\d.]+ (second|seconds|minutes|hours|days) on this machine: ([\d.e-]+) s per iteration, "
    r"([\d.e-]+) s per epoch for its checkpoint and samples, and ([\d.e+]+) s to start"
)


@pytest.mark.trace
def test_dry_run_says_how_long_it_takes_and_writes_nothing(tfgen, tiny_study):
    code, out, _ = tfgen("train", "--model", "vae", *TINY, "--epochs", 50_000, "--dry_run")
    assert code == 0 and files(".") == []
    assert "64 pictures of 16x16" in out and "50000 epochs of 4 iterations of 16 pictures, 0 of 200000" in out
    iteration, epoch = map(float, ESTIMATE.search(out).groups()[1:3])
    assert 0 < iteration < 5 and 0 < epoch < 30
    assert re.search(r"about [\d.]+ (minutes|hours|days) on", out)


@pytest.mark.trace
def test_dry_run_of_a_run_that_is_resumed_leaves_it_as_it_is(tfgen, tiny_study):
    tfgen("train", "--model", "vae", *TINY, "--run", "r")
    before = {name: (pathlib.Path(name).stat().st_mtime_ns, pathlib.Path(name).read_bytes()) for name in files(".")}
    _, out, _ = tfgen("train", "--model", "vae", *TINY, "--run", "r", "--dry_run")
    assert "8 of 8 iterations done" in out and not ESTIMATE.search(out)
    _, out, _ = tfgen("train", "--model", "vae", *TINY, "--epochs", 3, "--run", "r", "--dry_run")
    assert "8 of 12 iterations done" in out and ESTIMATE.search(out)
    after = {name: (pathlib.Path(name).stat().st_mtime_ns, pathlib.Path(name).read_bytes()) for name in files(".")}
    assert after == before


def test_an_estimate_counts_the_iterations_that_are_left(recorded, tiny_study):
    timing = training.Timing(start=10, iteration=0.5, epoch=2)
    assert timing.left(recorded("half", "tiny", "vae", iterations=4)) == 10 + 4 * 0.5 + 1 * 2  # of 8, of 2 epochs
    assert timing.scaled(3).left(recorded("other", "tiny", "vae", iterations=4)) == 10 + 4 * 1.5 + 1 * 2
    assert timing.left(recorded("done", "tiny", "vae", iterations=8)) == 0


def test_times_in_words():
    words = {0.2: "1 second", 7: "7 seconds", 89: "89 seconds", 150: "2 minutes", 5300: "88 minutes", 9000: "2.5 hours"}
    assert {seconds: training.duration(seconds) for seconds in words} == words
    assert training.duration(86_400 * 12) == "12 days"


@pytest.mark.trace
def test_an_experiment_trains_its_variants_once_and_draws_them(tfgen, tiny_study):
    command = ["experiment", "tiny/weight", *TOY]
    code, out, _ = tfgen(*command)
    assert code == 0 and "report/tiny_weight.jpg" in out
    folders = sorted(pathlib.Path("runs/tiny/weight-smoke").iterdir())
    assert [Run.open(folder).settings.arguments["kl_weight"] for folder in folders] == [1e-2, 1e-4]
    before = pathlib.Path("report/tiny_weight.jpg").read_bytes()
    code, out, _ = tfgen(*command)
    assert code == 0 and out.count("8 of 8 iterations done") == 2  # nothing is trained again
    assert pathlib.Path("report/tiny_weight.jpg").read_bytes() == before


@pytest.mark.trace
def test_reproduce_trains_models_and_experiments_of_a_study_and_draws_all_figures(tfgen, tiny_study):
    code, out, _ = tfgen("reproduce", "tiny", *TOY)
    assert code == 0
    first, *lines = out.splitlines()
    # Beforehand: three models, and of the experiment the one variant that is not a model's own run.
    assert re.fullmatch(r"tiny on this machine: 4 runs, 48 iterations, about \d+ (seconds?|minutes)", first)
    assert re.fullmatch(r"  tiny/weight: 1 run, 8 iterations, about \d+ (seconds?|minutes)", lines[3])
    assert [str(path.parent) for path in pathlib.Path("runs").glob("*/*/*/record.json")] == [
        "runs/tiny/weight-smoke/1e-4"
    ]
    runs = {path.parent.name: Run.open(path.parent) for path in pathlib.Path("runs").glob("*/record.json")}
    assert sorted(runs) == ["tiny-acgan-faces-smoke", "tiny-gan-faces-smoke", "tiny-vae-faces-smoke"]
    networks = [f"tiny_{model}_networks.png" for model in ("vae", "gan", "acgan")]
    assert files("report") == sorted(
        [*networks, "index.html", "tiny_weight.jpg", *(name for run in runs.values() for name in run.preset.figures)]
    )
    assert "missing" not in out
    before = files("runs")
    code, out, err = tfgen("reproduce", "tiny", *TOY)
    assert code == 0 and out.startswith("tiny on this machine: 4 runs, finished\n") and "measuring" not in err
    assert files("runs") == before


NO_TRAINING = {
    "a flag that one model refuses": ["tiny", "--early_stopping", "3"],
    "a flag of no model": ["tiny", "--n_critic", "3"],
    "a value of the last model": ["tiny", "--attribute", "Hat"],
    "an attribute for a study without": ["digits", "--attribute", "Male"],
    "a batch that is too large for one": ["tiny", "--batch_size", "100"],
}


@pytest.mark.parametrize("words", NO_TRAINING.values(), ids=NO_TRAINING)
def test_reproduce_refuses_bad_input_before_anything_is_trained(tfgen, tiny_study, monkeypatch, words):
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trained"))
    code, _, err = tfgen("reproduce", *words, *TOY[:3], *TOY[5:])
    assert code == 2 and err.startswith("tfgen_cli.py: ") and files(".") == []


@pytest.fixture
def planned(monkeypatch):
    """Commands that train only plan: {folder: settings} of what they would train."""
    trained = {}
    monkeypatch.setattr(
        training, "train", lambda run, strategy: trained.update({str(run.folder): run.settings}) or True
    )
    monkeypatch.setattr(training, "measure", lambda *_: training.Timing(1, 2, 3))
    monkeypatch.setattr(commands, "report", lambda *_, **__: None)
    return trained


def test_reproduce_gives_arguments_and_attributes_to_the_models_that_take_them(tiny_study, planned):
    options = {"smoke": True, "image_size": 16, "examples": 64, "batch_size": 16, "say": print}
    commands.reproduce("tiny", attribute="Male", kl_weight=0.5, g_steps=3, **options)
    vae, gan, acgan, *variants = planned.values()
    assert (vae.arguments["kl_weight"], gan.arguments["g_steps"], acgan.attributes) == (0.5, 3, ("Male",))
    assert "kl_weight" not in gan.arguments and vae.attributes == ()
    # What an experiment varies stays as its labels say.
    assert [run.arguments["kl_weight"] for run in variants] == [1e-2, 1e-4]


def test_an_experiment_refuses_what_it_varies(tfgen, tiny_study):
    code, _, err = tfgen("experiment", "tiny/weight", *TOY, "--kl_weight", "0.5")
    assert code == 2 and "--kl_weight is what the runs of tiny/weight differ in" in err and files(".") == []


def test_the_cost_of_a_model_counts_multiplications_and_the_steps_of_its_players():
    image, z = keras.Input((8, 8, 2)), keras.Input((3,))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same")(image)  # 4x4 places of 3x3x2x5
    discriminator = keras.Model(image, keras.layers.Dense(1)(keras.layers.Flatten()(x)))
    x = keras.layers.Reshape((4, 4, 1))(keras.layers.Dense(16)(z))
    generator = keras.Model(z, keras.layers.Conv2DTranspose(2, 4, strides=2, padding="same")(x))  # 4x4 of 4x4x1x2
    count = 16 * 90 + 80 + 48 + 16 * 32
    assert training.cost(GAN(generator, discriminator)) == 2 * count
    assert training.cost(GAN(generator, discriminator, d_steps=3)) == 4 * count


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
def test_every_experiment_names_models_and_arguments_that_exist():
    from tfgen.studies import EXPERIMENTS, find

    assert set(EXPERIMENTS) == {
        "dlcv2018/kl_weight",
        "dlcv2018/penalty",
        "dlcv2018/blur",
        "sullivan2017/regularizers",
        "csi5340/vae",
        "csi5340/gan",
        "csi5340/wgan",
        "csi5340/vae_final",
        "csi5340/gan_final",
        "csi5340/wgan_final",
        "csi5340/kl_weight",
        "csi5340/steps",
        "pegasus/variants",
        "digits/adversarial",
        "digits/collapse",
        "digits/convergence",
        "modern/since2018",
    }
    for name, experiment in EXPERIMENTS.items():
        for study, model, changes in experiment.models(name.split("/")[0]).values():
            preset = find(study, model)
            assert preset.convert({key: str(value) for key, value in changes.items()}) == changes
            log = getattr(experiment.draw, "keywords", {}).get("log")
            assert not log or log in preset.build((32, 32, 3), width=1 / 8, **changes).logs


@pytest.mark.trace
def test_digits_train_a_vae(tfgen):
    assert tfgen("train", "--model", "vae", "--dataset", "digits", *TOY)[0] == 0
    assert np.asarray(Image.open("runs/vae-digits-smoke/samples/0000004.png")).ndim == 2
    code, out, err = tfgen("report")  # digits have no attributes, and so fig1_5 is colored by class
    assert code == 0 and "report/fig1_5.jpg from" in out


def hashes(folder):
    run = Run.open(folder)
    return {name: [v.numpy().tobytes() for v in network.weights] for name, network in run.model.networks().items()}


@pytest.mark.trace
def test_more_epochs_go_on_and_equal_an_uninterrupted_run(tfgen, tiny_study):
    tfgen("train", "--model", "gan", *TINY, "--epochs", 3, "--run", "whole")
    tfgen("train", "--model", "gan", *TINY, "--epochs", 1, "--run", "parts")
    code, out, _ = tfgen("train", "--model", "gan", *TINY, "--epochs", 3, "--run", "parts")
    assert code == 0 and "8 of 24 iterations done" in out
    assert pathlib.Path("parts/history.csv").read_bytes() == pathlib.Path("whole/history.csv").read_bytes()
    assert hashes("parts") == hashes("whole")
    code, out, _ = tfgen("train", "--model", "gan", *TINY, "--epochs", 3, "--run", "parts")
    assert code == 0 and "24 of 24 iterations done" in out


@pytest.mark.trace
def test_annealed_rates_fall_to_0_and_go_on_where_they_were(tfgen, tiny_study):
    command = ["train", "--model", "gan", *TINY, "--epochs", 3, "--schedule", "linear", "--run", "r"]
    tfgen(*command)
    run = Run.open("r")
    rates = {player: float(optimizer.learning_rate) for player, optimizer in run.model.optimizers.items()}
    assert rates == pytest.approx({"discriminator": 2e-4 / 24, "generator": 2e-4 / 24})  # the last of 24 iterations
    assert "--schedule linear" in run.command()
    whole, history = hashes("r"), pathlib.Path("r/history.csv").read_bytes()
    shutil.rmtree("r/checkpoints/0000024")  # as if killed in the third epoch
    code, out, _ = tfgen(*command)
    assert code == 0 and "16 of 24 iterations done" in out
    assert hashes("r") == whole and pathlib.Path("r/history.csv").read_bytes() == history
    code, _, err = tfgen(*command, "--epochs", 4)
    assert code == 2 and "was trained with epochs 3, not 4" in err


@pytest.mark.trace
def test_history_rows_after_the_checkpoint_are_trained_again(tfgen, tiny_study):
    tfgen("train", "--model", "vae", *TINY, "--epochs", 1, "--run", "r")
    history = pathlib.Path("r/history.csv")
    before = history.read_bytes()
    history.write_bytes(before + b"5,0.1,0.2\n6,0.1")
    tfgen("train", "--model", "vae", *TINY, "--epochs", 2, "--run", "r")
    np.testing.assert_array_equal(Run.open("r").history()["iteration"], np.arange(1, 9))
    assert history.read_bytes().startswith(before)


@pytest.mark.trace
def test_ctrl_c_saves_and_the_same_command_continues(tiny_study):
    words = ["train", "--model", "vae", *TINY, "--epochs", "100000", "--run", "r"]
    running = process(*words, script=tiny.CLI)
    deadline = time.monotonic() + 120
    while not any(path.name > "0000000" for path in pathlib.Path("r/checkpoints").glob("[0-9]*")):  # two at a time stay
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    refused = process(*words, script=tiny.CLI)
    _, err = refused.communicate(timeout=120)
    assert refused.returncode == 2 and f"is being trained by process {running.pid}" in err
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in err
    done = int(re.search(r"Stopped and saved at iteration (\d+) of 400000", out)[1])
    run = Run.open("r")
    assert run.iteration == done == run.history()["iteration"][-1]
    assert f"python {ROOT}/tfgen_cli.py{run.command().split('tfgen_cli.py')[1]}\n" in out


BAD = {
    "a parameter of Python's": (["train", "--model", "vae", "--say", "x"], "unknown flag --say"),
    "another one": (["experiment", "dlcv2018/kl_weight", "--name", "x"], "unknown flag --name"),
    "a third": (["reproduce", "digits", "--study", "x"], "unknown flag --study"),
    "a number too large": (["train", "--model", "vae", "--learning_rate", "1e400"], "--learning_rate"),
    "a share too large": (["train", "--model", "vae", "--ema", "1e999999999"], "'1e999999999' is not"),
    "a folder that TensorFlow cannot read": (["train", "--model", "vae", "--run", "vae [1]"], "without any of * ? [ ]"),
    "no command": ([], "required"),
    "unknown command": (["tain"], "there is no command 'tain': did you mean train?"),
    "unknown action": (["data", "shwo", "--dataset", "faces"], "there is no command 'shwo': did you mean show?"),
    "a word that is like no command": (["xyzzy"], "there is no command 'xyzzy': choose from train, experiment"),
    "size of a sheet": (["data", "show", "--dataset", "digits", "--image_size", "36"], "'36' is not a multiple of 4"),
    "unknown model": (["train", "--model", "dcgan"], "has no model 'dcgan': choose from vae, gan, acgan"),
    "unknown study": (["train", "--model", "vae", "--study", "dlcv2019"], "no study 'dlcv2019': choose from dlcv2018"),
    "no model": (["train"], "--model"),
    "unknown data set": (
        ["train", "--model", "vae", "--dataset", "cats"],
        "no data set 'cats': choose from faces, digits, animals",
    ),
    "unknown argument": (
        ["train", "--model", "vae", "--kl_wieght", "1"],
        "--kl_wieght is not an argument of this model (did you mean --kl_weight?): it takes --width, --latent_dim",
    ),
    "misspelt setting": (["train", "--model", "vae", "--epoch", "3"], "(did you mean --epochs?)"),
    "misspelt switch": (["train", "--model", "vae", "--dryrun"], "--dryrun needs a value: did you mean --dry_run?"),
    "argument of another model": (["train", "--model", "vae", "--g_steps", "2"], "--g_steps is not an argument"),
    "argument without value": (["train", "--model", "vae", "--kl_weight"], "--kl_weight needs a value"),
    "stray word": (["train", "--model", "vae", "faster"], "expected a flag, --NAME VALUE, not 'faster'"),
    "text for a number": (
        ["train", "--model", "vae", "--latent_dim", "many"],
        "--latent_dim takes a positive integer, not 'many' (default 512)",
    ),
    "zero": (["train", "--model", "vae", "--latent_dim", "0"], "--latent_dim takes a positive integer"),
    "negative weight": (["train", "--model", "vae", "--kl_weight", "-1"], "--kl_weight takes a non-negative number"),
    "not a number": (["train", "--model", "vae", "--kl_weight", "nan"], "--kl_weight takes a non-negative number"),
    "divided by zero": (["train", "--model", "vae", "--width", "1/0"], "--width takes a non-negative number"),
    "no width": (["train", "--model", "vae", *TOY, "--width", "0"], "width must be more than 0"),
    "bad reduction": (["train", "--model", "vae", *TOY, "--kl_reduction", "max"], "kl_reduction must be"),
    "bad adversarial": (
        ["train", "--model", "gan", *TOY, "--adversarial", "mse"],
        "no adversarial loss 'mse': choose from",
    ),
    "zero epochs": (["train", "--model", "vae", "--epochs", "0"], "'0' is not a positive integer"),
    "batch size text": (
        ["train", "--model", "vae", "--batch_size", "64.0"],
        "'64.0' is not a positive integer",
    ),
    "odd image size": (
        ["train", "--model", "vae", "--image_size", "50"],
        "'50' is not a multiple of 4 from 8 to 512 that is 4, 5, 6 or 7 times a power of two, such as 28, 48, 64 or 96",
    ),
    "huge image size": (
        ["train", "--model", "vae", "--image_size", "4096"],
        "'4096' is not a multiple of 4 from 8 to 512",
    ),
    "batch larger than the data": (
        ["train", "--model", "vae", *TOY, "--batch_size", "65"],
        "fewer than one batch of 65",
    ),
    "attribute for a VAE": (
        ["train", "--model", "vae", "--attribute", "Male"],
        "the model vae is not conditioned on attributes: leave out --attribute",
    ),
    "unknown attribute": (
        ["train", "--model", "acgan", *TOY, "--attribute", "Hat"],
        "no attribute 'Hat': choose from Bangs",
    ),
    "ACGAN without attributes": (
        ["train", "--model", "acgan", "--dataset", "digits"],
        "digits/train + digits/test has no attribute 'Smiling'",
    ),
    "CGAN without labels": (
        ["train", "--study", "digits", "--model", "cgan", *TOY, "--dataset", "faces"],
        "cgan needs pictures with labels",
    ),
    "depth without depth": (
        ["train", "--study", "sullivan2017", "--model", "depth_wgan", *TOY, "--dataset", "faces"],
        "depth_wgan needs pictures with depth",
    ),
    "celeba without a folder": (["train", "--model", "vae", "--dataset", "celeba"], "--data_dir DIR"),
    "a folder for built-in data": (["train", "--model", "vae", "--data_dir", "."], "built in and takes no --data_dir"),
    "a folder that is not there": (
        ["train", "--model", "vae", "--dataset", "celeba", "--data_dir", "nowhere"],
        "nowhere is not a folder",
    ),
    "unknown experiment": (
        ["experiment", "dlcv2018/width"],
        "no experiment 'dlcv2018/width': choose from dlcv2018/kl_weight",
    ),
    "unknown study to reproduce": (["reproduce", "dlcv2019"], "no study 'dlcv2019': choose from dlcv2018"),
    "report of no run": (["report", "nowhere"], "nowhere is not a run"),
    "evaluate no run": (["evaluate", "nowhere"], "nowhere is not a run"),
    "export of no run": (["export", "nowhere"], "nowhere is not a run"),
    "flag of another command": (["export", "nowhere", "--epochs", "3"], "unknown flag --epochs"),
    "misspelt flag": (["report", "--bst"], "unknown flag --bst: did you mean --best?"),
}


@pytest.mark.parametrize("words, sentence", BAD.values(), ids=BAD)
def test_a_mistake_is_one_sentence_and_exit_code_2(tfgen, words, sentence):
    code, out, err = tfgen(*words)
    assert code == 2
    assert sentence in err
    assert err.startswith("tfgen_cli.py: ") and err.count("\n") == 1 and len(err) < 600, err
    assert files(".") == []


@pytest.mark.trace
def test_other_arguments_in_the_same_folder_are_refused(tfgen, tiny_study):
    tfgen("train", "--model", "vae", *TINY, "--run", "r")
    before = {name: pathlib.Path("r", name).stat().st_mtime_ns for name in files("r")}
    for words, difference in [
        (["--seed", 1], "was trained with seed 0, not 1"),
        (
            ["--batch_size", 32, "--seed", 1],
            "was trained with batch_size 16, not 32; seed 0, not 1: use the old value",
        ),
        (["--kl_weight", 0.5], "kl_weight 0.01, not 0.5"),
    ]:
        code, _, err = tfgen("train", "--model", "vae", *TINY, "--run", "r", *words)
        assert code == 2 and difference in err
    code, _, err = tfgen("train", "--model", "gan", *TINY, "--run", "r")
    assert code == 2 and "was trained with model vae, not gan" in err
    assert {name: pathlib.Path("r", name).stat().st_mtime_ns for name in files("r")} == before


def test_a_folder_with_other_files_is_left_alone(tfgen):
    pathlib.Path("r").mkdir()
    pathlib.Path("r/thesis.txt").write_text("years of work")
    code, _, err = tfgen("train", "--model", "vae", *TOY, "--run", "r")
    assert code == 2 and "r contains other files and is not a run" in err and files("r") == ["thesis.txt"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"study": "dlcv2018"}', '{"study": "x", "model": "y", "arguments": {}}']
)
def test_damaged_records(tfgen, text):
    pathlib.Path("r").mkdir()
    pathlib.Path("r/record.json").write_text(text)
    for command in ("report", "evaluate", "export"):
        code, _, err = tfgen(command, "r")
        assert code == 2 and "tfgen_cli.py: r" in err
    code, out, err = tfgen("train", "--model", "vae", *TOY, "--run", "r")
    assert code == 2 and pathlib.Path("r/record.json").read_text() == text


DAMAGE = [
    ("arguments", None), ("arguments", []), ("study", ["dlcv2018"]), ("model", {}), ("channels", None), ("channels", 2),
    ("attributes", "Smiling"), ("attributes", [1]), ("steps_per_epoch", "x"), ("steps_per_epoch", -1), ("pictures", {}),
    ("versions", []), ("reading", None), ("batch_size", 0), ("seed", -1), ("schedule", 3), ("image_size", 25),
    ("keep", "two"), ("unknown_setting", 1),
]  # fmt: skip


@pytest.mark.parametrize("key, value", DAMAGE, ids=map(str, DAMAGE))
def test_a_record_with_a_value_of_the_wrong_kind(tfgen, recorded, key, value):
    path = recorded("r", "dlcv2018", "vae").folder / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    for command in (["evaluate", "r"], ["train", "--model", "vae", *TOY, "--run", "r", "--dry_run"]):
        code, _, err = tfgen(*command)
        assert code == 2 and "r/record.json cannot be read as a run's record (" in err
        assert len(err.strip().splitlines()) == 1 and "Error(" not in err


@pytest.mark.parametrize("name, value", [("width", None), ("latent_dim", 1.5), ("latent_dim", -1), ("kl_weight", "x")])
def test_a_record_with_an_argument_of_the_wrong_kind(tfgen, recorded, name, value):
    path = recorded("r", "dlcv2018", "vae").folder / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"arguments": record["arguments"] | {name: value}}))
    code, _, err = tfgen("evaluate", "r")
    assert code == 2 and f"its argument {name} is {value!r}" in err


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 5_000, '{"reading": {"only": 5}}'])
def test_records_that_are_hostile(tfgen, recorded, text):
    path = recorded("r", "dlcv2018", "vae").folder / "record.json"
    path.write_text(text if text[0] != "{" else json.dumps(json.loads(path.read_text()) | json.loads(text)))
    code, _, err = tfgen("evaluate", "r")
    assert code == 2 and "cannot be read as a run's record" in err


@pytest.mark.trace
def test_training_in_a_thread_of_a_notebook(tiny_study):
    """Only the main thread may handle signals."""
    from tfgen import commands

    done = []
    options = {"image_size": 16, "examples": 64, "batch_size": 16, "epochs": 1, "run": "r", "say": done.append}
    thread = threading.Thread(target=lambda: done.append(commands.train("vae", "tiny", **options)))
    config.disable_op_determinism()
    try:
        thread.start()
        thread.join(120)
        assert done[-1].iteration == done[-1].iterations == 4
        assert not config.is_op_determinism_enabled()
    finally:
        tf.config.experimental.enable_op_determinism()
    assert commands.report("r", out="report").page.exists()  # one run may be named by itself


def test_what_a_notebook_does_after_training_goes_on_as_it_would_have():
    """Its random numbers do not begin again with those of the run's seed, and its operations are as fast as before."""
    from tfgen.training.loop import reproducible

    def drawn():
        return random.random(), np.random.random()  # noqa: NPY002

    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    expected = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    config.disable_op_determinism()
    try:
        with pytest.raises(KeyError), reproducible(settings.TrainingSettings(seed=3)):
            assert config.is_op_determinism_enabled() and drawn() != expected
            raise KeyError
        assert not config.is_op_determinism_enabled() and drawn() == expected
    finally:
        tf.config.experimental.enable_op_determinism()


# Training by the clock
# ---------------------------------------------------------------------------------------------------------------------


def test_minutes_set_the_epochs_and_are_kept(tfgen, tiny_study, monkeypatch):
    """Of a minute, 10 s are used before, 2 s start the run, and an epoch takes 4 iterations and its end: .6 s."""
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(commands, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(training, "measure", lambda run, strategy: training.Timing(start=2, iteration=0.1, epoch=0.2))
    words = ["train", "--study", "tiny", "--model", "vae", "--examples", 64, "--batch_size", 16, "--image_size", 16]
    code, out, err = tfgen(*words, "--minutes", 1.005, "--dry_run")
    assert code == 0 and "80 epochs of 4 iterations" in out, err
    clock = iter([100.0, 110.0, 200.0])
    words += ["--schedule", "linear", "--run", "r"]  # rates that depend on the number of epochs
    code, out, err = tfgen(*words, "--minutes", 0.21)
    assert code == 0 and "1 epochs of 4 iterations" in out, err
    assert Run.open("r").settings.training.epochs == 1 and "minutes" not in Run.open("r").command()
    code, out, err = tfgen(*words, "--minutes", 1000)
    assert code == 0 and "4 of 4 iterations done" in out, err


def test_minutes_of_an_experiment_are_those_of_each_variant(tfgen, tiny_study, monkeypatch):
    """2 s start a run, and an epoch takes 4 iterations and its end: .6 s. A resumed run keeps its epochs."""
    monkeypatch.setattr(training, "measure", lambda run, strategy: training.Timing(start=2, iteration=0.1, epoch=0.2))
    words = ["experiment", "tiny/weight", "--examples", 64, "--batch_size", 16, "--image_size", 16]
    code, out, err = tfgen(*words, "--minutes", 0.055)
    assert code == 0 and out.count("2 epochs of 4 iterations") == 2, out + err
    code, out, err = tfgen(*words, "--minutes", 1000)
    assert code == 0 and out.count("8 of 8 iterations done") == 2, out + err
    code, _, err = tfgen(*words, "--minutes", 1, "--epochs", 3)
    assert code == 2 and "--minutes sets the number of epochs" in err


@pytest.mark.trace
def test_minutes_are_measured(tfgen, tiny_study):
    """What the run takes is what was asked for, within what a shared machine does; it is at least an epoch."""
    words = ["train", "--study", "tiny", "--model", "vae", "--examples", 64, "--batch_size", 16, "--image_size", 16]
    assert tfgen(*words, "--minutes", 0.5, "--run", "r")[0] == 0
    run = Run.open("r")
    assert run.done and run.settings.training.epochs > 1
    assert tfgen(*words, "--minutes", 0.001, "--run", "short")[0] == 0 and Run.open("short").iterations == 4


@pytest.mark.parametrize("words, sentence", [
    (["--minutes", 1, "--epochs", 3], "--minutes sets the number of epochs: leave out --epochs."),
    (["--minutes", 0], "'0' is not a positive number"),
])  # fmt: skip
def test_minutes_that_cannot_be(tfgen, tiny_study, words, sentence):
    code, _, err = tfgen("train", "--study", "tiny", "--model", "vae", "--run", "r", *words)
    assert code == 2 and sentence in err and not pathlib.Path("r").exists()


def test_paths_that_look_like_flags_can_be_pasted():
    from tfgen import program

    assert program.command("evaluate", pathlib.Path("-dash")).endswith(" evaluate ./-dash")
    assert program.command("evaluate", pathlib.Path("~/t")).endswith(" evaluate './~/t'")
    assert program.command("evaluate", pathlib.Path("my run")).endswith(" evaluate 'my run'")


@pytest.mark.trace
def test_a_damaged_run_does_not_keep_the_others_from_the_report(tfgen, tiny_study):
    tfgen("train", "--model", "gan", *TINY, "--run", "runs/good")
    pathlib.Path("runs/bad").mkdir()
    pathlib.Path("runs/bad/record.json").write_text("{")
    code, out, err = tfgen("report")
    assert code == 2 and "runs/bad/record.json cannot be read" in err
    assert files("report") == [
        "index.html",
        "tiny_gan_curves.jpg",
        "tiny_gan_epochs.jpg",
        "tiny_gan_networks.png",
        "tiny_gan_samples.jpg",
    ]


def test_a_run_folder_that_cannot_be_made(tfgen):
    pathlib.Path("file").write_text("")
    for command in (["train", "--model", "vae", *TOY, "--run", "file/r"], ["report", "--out", "file/r"]):
        code, _, err = tfgen(*command)
        assert code == 2 and "file/r cannot be created" in err


@pytest.mark.trace
def test_a_damaged_history_is_named(tfgen, tiny_study):
    tfgen("train", "--model", "vae", *TINY, "--run", "r")
    pathlib.Path("r/history.csv").write_text("iteration,reconstruction,kl\n1,0.5\n")
    code, _, err = tfgen("report", "r")
    assert code == 2 and "r/history.csv cannot be read as a table of numbers" in err
    assert "tiny_vae_curves.jpg could not be drawn: " in err
    assert files("report") == [
        "index.html",
        "tiny_vae_epochs.jpg",
        "tiny_vae_networks.png",
        "tiny_vae_samples.jpg",
    ]


@pytest.mark.trace
def test_an_exit_code_and_a_clean_terminal_in_a_real_process():
    done = process("train", "--model", "dcgan")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 2 and out == ""
    models = "vae, gan, acgan, wgan_gp, wgan_gp_faithful, infogan, infogan_mixed"
    assert err == f"tfgen_cli.py: the study dlcv2018 has no model 'dcgan': choose from {models}.\n"


def test_numbers_that_cannot_be_kept_are_printed(tfgen, finished, tiny_study):
    run = finished("r", "tiny", "gan")
    (run.folder / "scores.json").mkdir()  # as root, a folder without permissions can be written to
    code, out, err = tfgen("evaluate", "r")
    assert code == 2 and re.search(r"^\w+ +[\d.e+-]+$", out, re.MULTILINE)
    assert "the numbers were not kept, because r/scores.json cannot be written" in err
    with pytest.raises(commands.NotKept) as caught:
        commands.evaluate("r")
    assert caught.value.numbers["frechet"] > 0


@pytest.mark.parametrize("words", [("experiment", "tiny/weight", *TOY), ("reproduce", "tiny", *TOY)])
def test_a_folder_that_cannot_be_written_to_is_told_of_before_the_training(tfgen, tiny_study, words):
    code, _, err = tfgen(*words, "--out", "/proc/self/task")
    assert code == 2 and "/proc/self/task cannot be written to" in err
    assert not pathlib.Path("runs").exists()


def test_a_report_folder_that_cannot_be_written_to(tfgen, finished, tiny_study):
    finished("r", "tiny", "vae")
    code, out, err = tfgen("report", "r", "--out", "/proc/self/task")
    assert code == 2 and not out and err.count("\n") == 1 and "/proc/self/task cannot be written to" in err


def test_home_folders_in_every_path(tfgen, finished, tiny_study, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    finished(home / "r", "tiny", "vae")
    write_pictures(home / "data")
    for command in ("report", "evaluate", "export", "sample", "reconstruct", "interpolate"):
        more = {"reconstruct": ["~/data/0.png"], "interpolate": ["~/data/0.png", "~/data/1.png"]}.get(command, [])
        out = [] if command == "evaluate" else [f"--out=~/{command}"]
        code, _, err = tfgen(command, "~/r", *more, *out)
        assert code == 0, err
        assert not out or any((home / command).iterdir())
    assert tfgen("data", "show", "--dataset=folder", "--data_dir=~/data", "--out=~/s.png")[0] == 0
    assert (
        tfgen("train", "--model=vae", *TINY, "--dataset=folder", "--data_dir=~/data", "--run=~/n", "--dry_run")[0] == 0
    )
    # The same from Python.
    assert Run.open("~/r").folder == home / "r"
    assert commands.sample("~/r", seeds=[1], out="~/p")[0].is_relative_to(home)
    assert commands.export("~/r", out="~/e")["encoder"][0].is_relative_to(home)
    options = {"dataset": "folder", "data_dir": "~/data", "image_size": 16, "batch_size": 4, "epochs": 1}
    planned = commands.train("vae", "tiny", run="~/m", dry_run=True, say=len, **options)
    assert planned.folder == home / "m" and planned.settings.data.data_dir == str(home / "data")
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def test_a_run_whose_name_looks_like_a_home_folder(tfgen, finished, tiny_study):
    finished("~nobody-of-this-name", "tiny", "vae")
    place = pathlib.Path("~nobody-of-this-name")
    assert Run.open(place).folder == place
    for command in ("evaluate", "report", "export"):
        code, _, err = tfgen(command, f"./{place}")
        assert code == 0, err


def write_pictures(folder, n=40):
    folder.mkdir()
    for i in range(n):
        Image.fromarray(np.full((16, 16, 3), 5 * i, np.uint8)).save(folder / f"{i}.png")


@pytest.mark.trace
def test_printed_commands_can_be_pasted(tfgen, tiny_study):
    name = "my run (1) & it's $HOME"
    code, out, err = tfgen("train", "--model", "vae", *TINY, "--epochs", "1", "--run", name)
    assert code == 0, err
    lines = [shlex.split(line) for line in out.splitlines() if "tfgen_cli.py" in line]
    assert [line[2:] for line in lines] == [["evaluate", name], ["report", name], ["export", name]]
    words = shlex.split(Run.open(name).command())
    assert words[-2:] == ["--run", name]
    assert tfgen(*words[2:])[0] == 0
    code, _, err = tfgen("report", name)
    assert code == 0, err
    page = html.unescape(pathlib.Path("report/index.html").read_text())
    assert f"tfgen_cli.py report {shlex.quote(name)}" in page and f"--run {shlex.quote(name)}" in page


def test_the_place_of_files_to_download_can_be_pasted():
    from tfgen.data.readers import catalog

    parts = catalog.NAME.fullmatch("celeb_a")
    said = catalog.by_hand(parts, pathlib.PurePosixPath("/my data (1)"), None)
    assert "--data_dir '/my data (1)/" in said


@pytest.mark.trace
def test_paths_that_are_no_utf_8(tfgen, tiny_study, tmp_path):
    folder = os.fsdecode(b"caf\xe9")
    write_pictures(pathlib.Path(folder))
    words = ("--dataset", "folder", "--data_dir", folder)
    code, _, err = tfgen("train", "--model", "vae", *TINY, *words, "--epochs", "1", "--run", "r")
    assert code == 0, err
    assert Run.open("r").settings.data.data_dir == str(tmp_path / folder)
    code, _, err = tfgen("report", "r")
    assert code == 0, err
    assert "caf\ufffd" in pathlib.Path("report/index.html").read_text(encoding="utf-8")
    for encoding, shown in {"utf-8": b"caf\xe9", "ascii": b"caf\\udce9", "latin-1": b"caf\\udce9"}.items():
        environment = os.environ | {"PYTHONIOENCODING": f"{encoding}:strict", "LC_ALL": "C"}
        process_ = [sys.executable, ROOT / "tfgen_cli.py", "data", "show", *words, "--out", f"{folder}.png"]
        done = subprocess.run(process_, env=environment, capture_output=True)
        assert done.returncode == 0 and shown in done.stdout, done
