"""Settings as values: flags, records, resumed runs and comparisons come from their fields."""

import dataclasses
import json
import math
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sentences import say

import tfgen_cli
from tfgen import UserError, commands, data, program, settings
from tfgen.runs import Run
from tfgen.settings import DataSettings, RunSettings, TrainingSettings
from tfgen.studies import STUDIES

ROOT = pathlib.Path(__file__).parent.parent
TOY = {"smoke": True, "examples": 64, "batch_size": 16, "image_size": 16}
ALL = settings.described(DataSettings) | settings.described(TrainingSettings)
RECORDED = [name for name, (_, about) in ALL.items() if about.record]


def another(default, about):
    """A value of a setting that is not its default: a usual one, or one of the choices that its kind lists."""
    usual = {settings.NAMES.takes: "bird,horse", settings.PATH.takes: "/pictures", settings.TEXT.takes: "linear"}
    for text in [usual.get(about.kind.takes, "0.5"), "16", "5", *re.findall(r"\w+", about.kind.takes)]:
        try:
            value = about.kind.parse(text)
        except ValueError:
            continue
        if value != default:
            return value
    raise AssertionError(f"no text for {about.kind.takes}")


OTHER = {name: another(default, about) for name, (default, about) in ALL.items()}
GIVEN = {"dataset": "faces", "image_size": 32, "epochs": 2, "batch_size": 4}


def run_settings(**changes):
    reading, training, _ = settings.split(GIVEN | changes)
    return RunSettings("dlcv2018", "vae", {"width": 1.0}, (), reading, training, 3, 8, "abc", 2, {"tfgen": "0.1.0"})


def test_values_of_every_kind_are_tried():
    """The values of OTHER are found by kind, so that a new setting is tested like the others."""
    assert all(about.help and OTHER[name] != default for name, (default, about) in ALL.items())
    some = {
        "dataset": "linear", "data_dir": "/pictures", "image_size": 16, "cache_gb": 0.5, "only": ("bird", "horse"),
        "channels": 1, "skip_bad": True, "epochs": 16, "precision": "bfloat16", "ema": 0.5, "devices": 16,
    }  # fmt: skip
    assert {name: OTHER[name] for name in some} == some


@pytest.mark.parametrize("name", ALL)
def test_a_setting_is_a_flag_of_train(name):
    value = OTHER[name]
    words = (
        [f"--{name}"] if value is True else [f"--{name}", ",".join(value) if isinstance(value, tuple) else str(value)]
    )
    arguments = tfgen_cli.parse(["tfgen_cli.py", "train", "--model", "vae", *words])
    assert getattr(arguments, name) == value and tfgen_cli.given(arguments)[name] == value
    assert getattr(tfgen_cli.parse(["tfgen_cli.py", "train", "--model", "vae"]), name) is None


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_setting_goes_through_json_and_the_command_line(name):
    run = run_settings(**{name: OTHER[name]})
    again = RunSettings.from_record(json.loads(json.dumps(run.to_record())))
    assert again == dataclasses.replace(run, started_with="0.1.0") and again != run_settings()
    part = "data" if name in settings.described(DataSettings) else "training"
    words = settings.words(getattr(run, part), getattr(run_settings(), part))
    arguments = tfgen_cli.parse(["tfgen_cli.py", "train", "--model", "vae", *words])
    assert tfgen_cli.given(arguments) == {name: OTHER[name]}


@pytest.mark.parametrize("name", RECORDED)
def test_what_a_resumed_run_may_change(name):
    conflicts = run_settings().conflicts(run_settings(**{name: OTHER[name]}))
    assert len(conflicts) == (not ALL[name][1].resume) and all(text.startswith(f"{name} ") for text in conflicts)


def test_what_the_settings_of_0_2_0_declare():
    """A resumed run may change only what leaves the weights of every iteration as they were; the fingerprint watches
    over the pictures. Runs that are compared may differ only in what changes nothing that is drawn.
    """
    free = {"data_dir", "skip_bad", "epochs", "evaluate_every", "early_stopping", "checkpoint_every", "keep"}
    fixed = {"dataset", "image_size", "examples", "only", "channels", "crop", "depth_unit"}
    fixed |= {"split", "validation", "batch_size", "schedule", "seed", "precision", "ema", "sync_bn", "jit"}
    abouts = {name: ALL[name][1] for name in free | fixed}
    assert {name for name, about in abouts.items() if about.resume} == free
    assert {name for name, about in abouts.items() if not about.compare} == {
        "evaluate_every",
        "checkpoint_every",
        "keep",
    }
    assert {name for name, about in abouts.items() if not about.machines} == {"data_dir"}


def test_epochs_change_only_where_the_rates_do_not_depend_on_them():
    before, after = (run_settings(schedule="cosine", epochs=epochs) for epochs in (2, 3))
    assert before.conflicts(after) == ["epochs 2, not 3"]


@pytest.mark.parametrize("change", [
    {"channels": 1}, {"attributes": ("Male",)}, {"arguments": {"width": 0.5}}, {"model": "gan"},
])  # fmt: skip
def test_a_resumed_run_must_be_the_same_run(change):
    assert len(run_settings().conflicts(dataclasses.replace(run_settings(), **change))) == 1


@pytest.mark.parametrize("name", RECORDED)
def test_which_runs_are_compared_and_what_machines_agree_on(name):
    one, other = run_settings(), run_settings(**{name: OTHER[name]})
    about = ALL[name][1]
    assert (one.compared() == other.compared()) == (not about.compare)
    assert (one.compared("data") == other.compared("data")) == (name in settings.described(TrainingSettings))
    assert (one.everywhere() == other.everywhere()) == (not about.machines)


@pytest.mark.parametrize("name, value", [
    ("epochs", 0), ("epochs", 1.5), ("epochs", True), ("batch_size", "many"), ("ema", 1.0), ("ema", math.nan),
    ("seed", -1), ("seed", 2**32), ("precision", "int8"), ("image_size", 50), ("devices", 0), ("cache_gb", -1),
    ("jit", "yes"),
])  # fmt: skip
def test_values_that_a_setting_does_not_take(name, value):
    with pytest.raises(UserError) as error:
        settings.split({name: value})
    assert say(error).startswith(f"--{name} takes ")


@pytest.mark.parametrize("kind, text, value", [
    (settings.AMOUNT, "10/255", 10 / 255), (settings.SHARE, ".999", 0.999), (settings.NUMBER, "1/16", 1 / 16),
    (settings.SEED, "0", 0), (settings.DEVICES, "all", "all"), (settings.NAMES, "bird,3", ("bird", "3")),
])  # fmt: skip
def test_texts(kind, text, value):
    assert kind.parse(text) == value


@pytest.mark.parametrize("kind, text", [
    (settings.AMOUNT, "0"), (settings.AMOUNT, "inf"), (settings.NUMBER, "nan"), (settings.NUMBER, "1/0"),
    (settings.NUMBER, "-1"),
    (settings.SEED, "4294967296"), (settings.POSITIVE, "-1"), (settings.POSITIVE, "1.0"), (settings.BOOLEAN, "yes"),
])  # fmt: skip
def test_texts_that_are_no_values(kind, text):
    with pytest.raises(ValueError, match=f"'{text}' is not "):
        kind.parse(text)


@pytest.mark.trace
def test_parameters_of_presets_are_those_of_the_built_models():
    for presets in STUDIES.values():
        for name, preset in presets.items():
            dataset = data.DATASETS[preset.data]
            model = preset.build((dataset.image_size, dataset.image_size, dataset.channels))
            assert preset.parameters == model.parameters(), name


# Runs of version 0.1.0


OLD = {
    "schedule": "constant", "precision": "float32", "ema": 0.0, "jit": False, "sync_bn": False, "early_stopping": 0,
    "evaluate_every": 0, "checkpoint_every": 0, "keep": 2, "seed": 0, "study": "dlcv2018", "model": "gan",
    "arguments": {"width": 0.125, "latent_dim": 100, "adversarial": "non_saturating", "d_steps": 1, "g_steps": 2,
                  "d_learning_rate": 0.0002, "g_learning_rate": 0.0002},
    "dataset": "faces", "data_dir": None, "image_size": 16, "reading": {}, "examples": 64, "attributes": [],
    "batch_size": 16, "epochs": 2, "channels": 3, "pictures": 128, "data_fingerprint": "340fd7d5b39dbab4",
    "steps_per_epoch": 8,
    "versions": {"python": "3.11.7", "tfgen": "0.1.0", "tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6",
                 "scikit-learn": "1.9.1", "pillow": "13.0.0"},
}  # fmt: skip


@pytest.fixture
def old(tmp_path, monkeypatch):
    """old(record) -> a folder with the record."""
    monkeypatch.chdir(tmp_path)

    def write(record):
        pathlib.Path("old").mkdir()
        pathlib.Path("old/record.json").write_text(json.dumps(record))
        return "old"

    return write


def test_a_record_of_0_1_0_opens(old):
    run = Run.open(old(OLD))
    assert run.settings.started_with == "0.1.0" and run.iterations == 16
    assert {name: run.record[name] for name in OLD} == OLD  # a setting that is newer has its default
    assert shlex.split(run.command())[-2:] == ["--run", "old"]


def test_a_record_of_the_first_runs_opens(old):
    run = Run.open(old({name: value for name, value in OLD.items() if name not in ("reading", "channels", "versions")}))
    assert run.settings.channels == 3 and run.settings.data.only is None and run.settings.started_with == "0.1.0"


@pytest.mark.trace
def test_a_run_of_0_1_0_can_be_used_but_not_resumed(old):
    """Its checkpoints do not contain the model's step counter."""
    run = Run.open(old(OLD))
    state = {"iteration": 16, "redraws": 0, "seconds": 1.0, "score": None, "best": None, "waited": 0}
    run.checkpoints.write(run.checkpoint(run.build()), state)
    reader = tf.train.load_checkpoint(str(run.checkpoints.path(16) / "weights"))
    assert not [name for name in reader.get_variable_to_shape_map() if name.startswith("step/")]
    assert Run.open("old").model.sample(2).shape == (2, 16, 16, 3)
    with pytest.raises(UserError, match="old was started with tfgen 0.1.0, which orders the data .* differently"):
        commands.train("gan", run="old", **TOY, say=lambda text: None)


@pytest.mark.parametrize("change, sentence", [
    ({"model": "biggan"}, "old is a run of dlcv2018 biggan, written by tfgen 9.9"),
    ({"arguments": {"depth": 3}}, "old is a run of gan with depth, written by tfgen 9.9"),
    ({"warmup": 5}, "it has unknown settings: warmup), written by tfgen 9.9"),
    ({"epochs": "many"}, "--epochs takes a positive integer, not 'many'), written by tfgen 9.9"),
])  # fmt: skip
def test_what_another_version_wrote_is_refused_with_its_version(old, change, sentence):
    with pytest.raises(UserError) as error:
        Run.open(old(OLD | {"versions": {"tfgen": "9.9"}} | change))
    assert sentence in say(error)


# Commands as functions


@pytest.mark.trace
def test_commands_take_and_return_values(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = []
    run = commands.train("vae", run="r", kl_weight=0.5, **TOY, say=said.append)
    assert run.done and run.settings.arguments["kl_weight"] == 0.5 and "8 iterations done" in said[0]
    numbers = commands.evaluate("r")
    assert numbers["test_mse_mean_code"] > 0 and json.loads(pathlib.Path("r/scores.json").read_text())["iteration"] == 8
    made = commands.report(["r"], out="figures")
    assert made.page == pathlib.Path("figures/index.html") and made.page.exists()
    assert pathlib.Path("figures/fig1_3.jpg") in made.drawn and not made.failed and not made.complaints
    assert {path.parts[:2] for path, _ in commands.export("r").values()} == {("r", "exports")}
    sheet, source = commands.show("digits", examples=4)
    assert sheet == pathlib.Path("digits-train.png") and sheet.exists() and len(source) == 4
    assert capsys.readouterr().out == ""
    with pytest.raises(UserError, match="--kl_wieght is not an argument of this model"):
        commands.train("vae", kl_wieght=1.0)
    with pytest.raises(UserError, match="--kl_weight takes a non-negative number"):
        commands.train("vae", kl_weight=-1.0)


@pytest.mark.trace
def test_a_data_set_that_was_moved_resumes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("here/pictures").mkdir(parents=True)
    for i in range(40):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)).save(f"here/pictures/{i}.png")
    words = {"run": "r", "dataset": "folder", "image_size": 16, "batch_size": 8, "width": 1 / 8}
    commands.train("vae", data_dir="here/pictures", epochs=1, **words, say=lambda text: None)
    pathlib.Path("here").rename("there")
    run = commands.train("vae", data_dir="there/pictures", epochs=2, **words, say=lambda text: None)
    assert run.done and Run.open("r").settings.data.data_dir == str(tmp_path / "there/pictures")
    Image.new("RGB", (16, 16)).save("there/pictures/more.png")
    with pytest.raises(UserError, match="1 picture was added: pictures.more.png"):
        commands.train("vae", data_dir="there/pictures", epochs=3, **words, say=lambda text: None)


# The program


@pytest.mark.parametrize("script, expected, name", [
    ("tfgen_cli.py", "python tfgen_cli.py evaluate 'my run'", "tfgen_cli.py"),
    ("../code/tfgen_cli.py", "python ../code/tfgen_cli.py evaluate 'my run'", "tfgen_cli.py"),
    ("/home/me/.venv/bin/tfgen", "tfgen evaluate 'my run'", "tfgen"),
])  # fmt: skip
def test_commands_are_named_as_they_were_typed(monkeypatch, script, expected, name):
    monkeypatch.setattr(program, "_script", "tfgen")
    program.typed(script)
    assert program.command("evaluate", "my run") == expected and program.name() == name


@pytest.mark.parametrize("flag", ["--run", "--data_dir"])
def test_a_home_folder_in_a_path(monkeypatch, flag):
    monkeypatch.setenv("HOME", "/home/me")
    arguments = tfgen_cli.parse(["tfgen_cli.py", "train", "--model", "vae", f"{flag}=~/x"])
    assert getattr(arguments, flag[2:]) == "/home/me/x"
    assert tfgen_cli.parse(["tfgen_cli.py", "report", "~/x"]).runs == ["/home/me/x"]


@pytest.mark.trace
@pytest.mark.parametrize("words", [["data", "list"], ["list"]])
def test_a_closed_pipe_ends_silently(words):
    running = subprocess.Popen(
        [sys.executable, ROOT / "tfgen_cli.py", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    running.stdout.close()  # as `| head` does when it has seen enough
    assert running.stderr.read() == "" and running.wait(60) == 141
