"""A run that cannot be lost: killed, on a full disk, with flipped bits, with numbers that are none, it ends as it would
have.

Most tests use the tests' own study; one test resumes a convolutional model, and the slow one kills three models.
"""

import dataclasses
import errno
import fcntl
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image

import tfgen_cli
from tfgen import commands, figures
from tfgen.models.gan import GAN
from tfgen.runs import Run, files
from tfgen.runs.checkpoints import Checkpoints
from tfgen.scores import Score
from tfgen.training.saver import finite

pytestmark = pytest.mark.trace
ROOT = pathlib.Path(__file__).parent.parent
TOY = [*tiny.TOY]
GAN_TOY = ["train", "--model", "gan", *TOY]
VAE_TOY = ["train", "--model", "vae", *TOY]
CONVOLUTIONAL = ["train", "--model", "gan", *(word for word in TOY if word not in ("--study", tiny.NAME))]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, tiny_study):
    monkeypatch.chdir(tmp_path)


def outcome(folder):
    """name -> bytes of what must not depend on how often a run was stopped: weights and slots, the history, the
    samples.
    """
    folder = pathlib.Path(folder)
    reader = tf.train.load_checkpoint(str(max((folder / "checkpoints").glob("[0-9]*")) / "weights"))
    names = [
        name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    ]  # it counts the layers of a process
    kept = {
        path.relative_to(folder): path.read_bytes()
        for path in (folder / "history.csv", *(folder / "samples").glob("*.png"))
    }
    return kept | {name: reader.get_tensor(name).tobytes() for name in names}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A GAN's run of 24 iterations, never stopped, all its checkpoints kept."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    words = ["tfgen_cli.py", *GAN_TOY, "--epochs", "3", "--keep", "9", "--run", str(folder)]
    with tiny.registered():
        assert tfgen_cli.main(tfgen_cli.parse(words)) == 0
    return folder


@pytest.fixture
def part(whole):
    """The run in r, as if it had been stopped at iteration 16. The command that resumes it is REST."""
    shutil.copytree(whole, "r")
    shutil.rmtree("r/checkpoints/0000024")


REST = [*GAN_TOY, "--epochs", "3", "--keep", "9", "--run", "r"]


def iterations(folder):
    return Run.open(folder).checkpoints.iterations()


def flip(path, at=0.5):
    """Turns one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 1
    path.write_bytes(content)


# Killed
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_killed_nine_times_runs_end_with_the_same_bytes():
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "kill.py", "9"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"9 kills in \d+ runs; 0 runs ended differently", done.stdout), done.stdout


def test_what_a_killed_process_leaves_is_cleared_away(tfgen, whole, part):
    """Between history and checkpoint, within a checkpoint, between checkpoint and samples, within the samples."""
    history = pathlib.Path("r/history.csv")
    history.write_text("".join(history.read_text().splitlines(True)[:20]) + "20,.")
    shutil.copytree("r/checkpoints/0000016", "r/checkpoints/.part-0000017")
    pathlib.Path("r/samples/0000016.png").rename("r/samples/.0000016.part.png")
    assert tfgen(*REST)[0] == 0
    assert outcome("r") == outcome(whole)
    assert not [*pathlib.Path("r").rglob(".*part*")]


# Checkpoints
# ---------------------------------------------------------------------------------------------------------------------


def test_the_newest_stay_and_the_sums_are_what_sha256sum_says(tfgen):
    tfgen(*GAN_TOY, "--run", "r", "--checkpoint_every", 3, "--keep", 3)
    assert iterations("r") == [12, 15, 16]
    (folder,) = pathlib.Path("r/checkpoints").glob("*16")
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count(": OK") == 3


def test_settings_that_may_change_leave_the_weights_as_they_were(tfgen, whole, part):
    """So does scoring; see test_validation.py."""
    assert tfgen(*REST, "--checkpoint_every", 5, "--keep", 5)[0] == 0
    assert iterations("r") == [0, 8, 16, 20, 24]
    assert outcome("r") == outcome(whole)


@pytest.mark.parametrize(
    "name, at",
    [("weights.data-00000-of-00001", 0.5), ("weights.index", 0.9), ("state.json", 0.3), ("SHA256SUMS", 0.01)],
)
def test_a_flipped_bit_in_the_newest_checkpoint_is_noticed_and_the_one_before_used(tfgen, whole, part, name, at):
    flip(pathlib.Path("r/checkpoints/0000016", name), at)
    code, _, err = tfgen(*REST)
    assert code == 0 and "the checkpoint r/checkpoints/0000016 is damaged" in err
    assert outcome("r") == outcome(whole)


@pytest.mark.parametrize("at", [0.001, 0.2, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("name", ["weights.data-00000-of-00001", "weights.index", "state.json", "SHA256SUMS"])
def test_no_flipped_bit_goes_unseen(whole, name, at):
    kept = Checkpoints(whole.parent / "flipped")
    shutil.copytree(whole / "checkpoints" / "0000024", kept.path(24))
    assert kept.fault(24) is None
    flip(kept.path(24) / name, at)
    assert kept.fault(24) is not None
    shutil.rmtree(kept.folder)


def test_a_truncated_checkpoint_is_passed_over_by_readers_too(tfgen):
    tfgen(*GAN_TOY, "--run", "r")
    data = pathlib.Path("r/checkpoints/0000016/weights.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:1000])
    code, out, err = tfgen("evaluate", "r")
    assert code == 0 and "0000016 is damaged (weights.data-00000-of-00001 is damaged)" in err
    assert json.loads(pathlib.Path("r/scores.json").read_text())["iteration"] == 8
    (pathlib.Path("r/checkpoints/0000008") / "weights.index").unlink()
    for command in (["export", "r"], [*GAN_TOY, "--run", "r", "--epochs", 3]):
        code, _, err = tfgen(*command)
        assert (
            code == 2
            and "no checkpoint in r/checkpoints is intact: restore one from a backup, or start a new run with --new"
            in err
        )


def test_a_history_shorter_than_its_checkpoint_is_refused(tfgen):
    tfgen(*VAE_TOY, "--run", "r")
    history = pathlib.Path("r/history.csv")
    history.write_text("".join(history.read_text().splitlines(True)[:-1]))
    code, _, err = tfgen(*VAE_TOY, "--run", "r", "--epochs", 3)
    assert code == 2 and "r/history.csv does not contain all of the checkpoint's 8 iterations" in err


def test_a_history_without_its_checkpoints_is_left_alone(tfgen, part):
    """A folder of checkpoints on a disk that is not mounted."""
    shutil.rmtree("r/checkpoints")
    pathlib.Path("r/checkpoints").symlink_to("nowhere")
    before = pathlib.Path("r/history.csv").read_bytes()
    code, _, err = tfgen(*REST)
    assert code == 2 and "r has a history but no checkpoint: restore r/checkpoints" in err
    assert pathlib.Path("r/history.csv").read_bytes() == before and len([*pathlib.Path("r/samples").iterdir()]) == 4


@pytest.mark.parametrize("content", [b"", b"iteration,d_loss,g_loss\n1,2\n\n", b"\xff\xfe"])
def test_a_damaged_history_is_refused(tfgen, part, content):
    pathlib.Path("r/history.csv").write_bytes(content)
    code, _, err = tfgen(*REST)
    assert code == 2 and "from a backup, or start a new run with --new" in err and "Traceback" not in err


def test_killed_while_the_first_record_was_written(tfgen):
    pathlib.Path("r").mkdir()
    pathlib.Path("r/.record.part.json").write_text("{")
    assert tfgen(*VAE_TOY, "--run", "r")[0] == 0


def test_a_report_beside_a_run_that_is_writing_its_history(tfgen, part):
    with open("r/history.csv", "a") as file:
        file.write("25,.1,.2\n26,.")
    assert len(Run.open("r").history()["iteration"]) == 16


# Disks
# ---------------------------------------------------------------------------------------------------------------------


def test_a_disk_that_fills_up_stops_the_run_and_spoils_nothing(tmp_path):
    """On a real file system, in a mount namespace of its own, that another program fills; then with room again."""
    train = f"{sys.executable} {tiny.CLI} {' '.join(GAN_TOY)} --width 1 --epochs 12 --run r"
    script = f"""
        set -e
        mkdir small && mount -t tmpfs -o size=20m none small && cd small
        {train} > ../out 2>&1 &
        while kill -0 $! && [ ! -e r/checkpoints/0000008 ]; do sleep .02; done
        while kill -0 $! 2> /dev/null; do cat /dev/zero >> fill 2> /dev/null || true; done
        wait $! || echo $? > ../code
        ls -A r/checkpoints > ../left
        rm fill
        {train} > ../more 2>&1
        cp -r r ../r
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    if not (tmp_path / "out").exists():
        pytest.skip(f"this system lets no test mount a file system: {done.stderr.strip()}")
    out = (tmp_path / "out").read_text()
    assert (tmp_path / "code").read_text() == "2\n", out
    assert re.search("No space left|free some space", out) and "run the command again" in out
    assert "Traceback" not in out
    left = [int(name) for name in (tmp_path / "left").read_text().split()]  # none is incomplete
    assert len(left) == 2 and 8 <= left[1] == left[0] + 8 < 96
    assert done.returncode == 0, (tmp_path / "more").read_text()
    subprocess.run(train.replace("--run r", "--run whole").split(), check=True, capture_output=True)
    assert outcome("r") == outcome("whole")


@pytest.mark.parametrize(
    "nth", [1, 2, 5, 7]
)  # the history's, a file's, the folder's, that of the folder of checkpoints
def test_whatever_write_fails_the_checkpoint_before_is_whole(tfgen, whole, part, monkeypatch, nth):
    calls = iter(range(1, 1000))

    def full(path, sync=files.sync):
        if next(calls) >= nth:
            raise OSError(28, "No space left on device")
        sync(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync", full)
        code, _, err = tfgen(*REST)
    assert code == 2 and "No space left on device" in err and "run the command again" in err
    assert not [*pathlib.Path("r").rglob(".*part*")]
    assert tfgen(*REST)[0] == 0
    assert outcome("r") == outcome(whole)


def test_a_disk_without_locks_and_fsync_is_told_of_once(tfgen, whole, monkeypatch):
    """As some network disks answer; the run goes on, and ends as on any other disk."""

    def unsupported(*_):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(files, "_told", set())
    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", unsupported)
        patch.setattr(os, "fsync", unsupported)
        code, _, err = tfgen(*REST)
    assert code == 0, err
    assert err.count("has no locks (Operation not supported): make sure that no other process trains this run") == 1
    assert err.count("cannot confirm that files are written (Operation not supported)") == 1
    assert outcome("r") == outcome(whole)


def test_a_folder_that_cannot_be_synchronized(tmp_path, monkeypatch, capsys):
    """Some file systems let a folder not be opened; a file that cannot be is an error."""
    opened = os.open

    def refused(path, *rest):
        if pathlib.Path(path) in (tmp_path, tmp_path / "file"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *rest)

    (tmp_path / "file").touch()
    monkeypatch.setattr(files, "_told", set())
    monkeypatch.setattr(os, "open", refused)
    files.sync(tmp_path)
    assert "cannot confirm that files are written (Permission denied)" in capsys.readouterr().err
    with pytest.raises(PermissionError):
        files.sync(tmp_path / "file")


# Numbers that are none
# ---------------------------------------------------------------------------------------------------------------------


def poison(monkeypatch, where):
    """Makes the generator's loss NaN where `where(key)` of a batch is true."""
    loss = GAN.generator_loss

    def poisoned(self, batch, draw):
        value, logs = loss(self, batch, draw)
        value = tf.where(where(batch["key"][0]), np.nan, value)
        return value, logs | {"g_loss": value}

    monkeypatch.setattr(GAN, "generator_loss", poisoned)


def test_a_bad_number_is_rolled_back_with_other_noise(tfgen, monkeypatch):
    poison(monkeypatch, lambda key: (key[0] == 0) & (key[1] == 10))  # of iteration 11, with the first draw of noise
    code, _, err = tfgen(*GAN_TOY, "--epochs", 3, "--run", "r")
    assert (
        code == 0
        and "g_loss was nan at iteration 11: back to iteration 8, continuing with different noise (1 of 3)." in err
    )
    history = Run.open("r").history()
    np.testing.assert_array_equal(history["iteration"], np.arange(1, 25))
    assert all(np.isfinite(column).all() for column in history.values())
    assert finite(Run.open("r").model)
    assert json.loads(pathlib.Path("r/checkpoints/0000024/state.json").read_text())["redraws"] == 1
    # If it is stopped afterwards, it resumes with that noise.
    tfgen(*GAN_TOY, "--epochs", 2, "--run", "parts")
    tfgen(*GAN_TOY, "--epochs", 3, "--run", "parts")
    assert outcome("parts") == outcome("r")


def test_weights_that_are_no_numbers_are_never_saved(tfgen, monkeypatch):
    """The last loss of an epoch is finite, its gradient is not: the log shows it an iteration later, the checkpoint
    must not.
    """
    loss = GAN.generator_loss

    def poisoned(self, batch, draw):
        value, logs = loss(self, batch, draw)
        return value * tf.where((batch["key"][0, 0] == 0) & (batch["key"][0, 1] == 15), np.nan, 1.0), logs

    monkeypatch.setattr(GAN, "generator_loss", poisoned)
    code, _, err = tfgen(*GAN_TOY, "--epochs", 3, "--g_steps", 1, "--run", "r")
    assert code == 0 and "a weight was nan at iteration 16: back to iteration 8" in err
    assert finite(Run.open("r").model)


def test_after_three_tries_it_stops_and_says_what_to_try(tfgen, monkeypatch):
    poison(monkeypatch, lambda key: key[1] == 10)
    code, _, err = tfgen(*GAN_TOY, "--epochs", 3, "--run", "r")
    assert code == 2 and err.count("back to iteration 8") == 3
    assert (
        "g_loss was nan at iteration 11 again, even with different noise: the checkpoint of iteration 8 is good; try "
        "lower learning rates" in err
    )
    assert iterations("r") == [0, 8] and finite(Run.open("r").model)


def test_a_diverging_run_in_the_real_world(tfgen):
    code, _, err = tfgen(*VAE_TOY, "--learning_rate", "1e30", "--run", "r")
    assert code == 2 and "again, even with different noise: the checkpoint of iteration 0 is good" in err


# Warnings
# ---------------------------------------------------------------------------------------------------------------------


def test_a_discriminator_that_has_won_is_told_of_once(tfgen, monkeypatch):
    def loss(self, batch, draw):  # tells all apart
        return 0.0 * tf.reduce_mean(self.judge(batch["image"], batch)), {"d_loss": tf.constant(0.01)}

    monkeypatch.setattr(GAN, "discriminator_loss", loss)
    _, _, err = tfgen(*GAN_TOY, "--epochs", 5, "--run", "r")
    assert err.count("the discriminator has separated real from generated pictures for 3 epochs") == 1


def test_collapsed_samples_are_told_of_once(tfgen, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(GAN, "sample_latents", lambda self, key, draw, n: tf.zeros((n, self.latent_dim)))
        _, _, err = tfgen(*GAN_TOY, "--epochs", 5, "--run", "r")
    assert err.count("the samples have been nearly identical for 3 epochs") == 1
    _, _, err = tfgen(*GAN_TOY, "--epochs", 5, "--run", "other")
    assert "nearly identical" not in err


# The best, and the running average
# ---------------------------------------------------------------------------------------------------------------------


def test_the_best_by_its_score_stays(tfgen):
    # Of 72 pictures, 7 are held out: 65 are four batches and a rest.
    words = [*VAE_TOY, "--examples", 72, "--run", "r", "--evaluate_every", 2, "--keep", 1]
    _, _, err = tfgen(*words, "--epochs", 4, "--learning_rate", "1e-2")
    scored = [
        (float(error), 4 * int(epoch))
        for epoch, error in re.findall(r"epoch (\d+): test_mse_mean_code ([\d.e-]+)", err)
    ]
    assert [iteration for _, iteration in scored] == [8, 16]
    # Three epochs that spoil it: a rate at which it gets worse without leaving the numbers.
    record = json.loads(pathlib.Path("r/record.json").read_text())
    record["arguments"]["learning_rate"] = 10.0
    pathlib.Path("r/record.json").write_text(json.dumps(record))
    _, _, err = tfgen(*words, "--epochs", 8, "--learning_rate", "10")
    scored += [
        (float(error), 4 * int(epoch))
        for epoch, error in re.findall(r"epoch (\d+): test_mse_mean_code ([\d.e-]+)", err)
    ]
    best = min(scored)[1]
    assert best < 32 and iterations("r") == [best, 32] and Run.open("r").checkpoints.best() == best
    _, out, said = tfgen("evaluate", "r", "--newest")
    assert "best checkpoint" not in said
    _, best_out, said = tfgen("evaluate", "r")  # the best is used where there is one
    assert f"r: the best checkpoint is used, iteration {best}; --newest uses that of iteration 32." in said
    assert tfgen("evaluate", "r", "--best")[1] == best_out
    on_test = [float(re.search(r"test_mse_mean_code +(\S+)", text)[1]) for text in (out, best_out)]
    assert on_test[1] < on_test[0]
    runs = [Run.open("r"), Run.open("r", best=True)]
    mse = [run.preset.score(run, run.model, "validation")["test_mse_mean_code"] for run in runs]
    assert (
        mse[1] == pytest.approx(min(scored)[0], rel=1e-4)
        and mse[0] == pytest.approx(scored[-1][0], rel=1e-4)
        and mse[1] < mse[0]
    )
    assert json.loads(pathlib.Path("r/scores.json").read_text())["iteration"] == best


def test_evaluations_by_iterations_are_kept_in_a_table(tfgen):
    """Every 3 iterations of 16, whatever the epochs; TensorBoard has them too."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = [*VAE_TOY, "--examples", 72, "--run", "r", "--epochs", 4, "--evaluate_every", "3it", "--tensorboard"]
    code, _, err = tfgen(*words)
    assert code == 0 and "iteration 15: test_mse_mean_code" in err
    found = Run.open("r").evaluations()
    assert found["iteration"].tolist() == [3, 6, 9, 12, 15] and np.all(np.diff(found["seconds"]) > 0)
    printed = re.findall(r"iteration \d+: test_mse_mean_code ([\d.e-]+)", err)
    np.testing.assert_allclose(found["test_mse_mean_code"], np.array(printed, float), rtol=1e-4)
    assert "pca_mse" not in found  # the rivals' numbers are always the same
    read = EventAccumulator("r/tensorboard", size_guidance={"tensors": 0}).Reload()
    events = read.Tensors("validation/test_mse_mean_code")
    assert [event.step for event in events] == [3, 6, 9, 12, 15]
    assert Run.open("r").checkpoints.best() in (3, 6, 9, 12, 15)


def test_evaluations_are_those_of_an_uninterrupted_run(tfgen, monkeypatch):
    words = [*VAE_TOY, "--examples", 72, "--epochs", 4, "--evaluate_every", "3it"]
    assert tfgen(*words, "--run", "whole")[0] == 0
    seen = []

    def dies(self, run, model, split="test", call=Score.__call__):
        seen.append(1)
        if len(seen) == 3:
            raise OSError(28, "No space left on device")
        return call(self, run, model, split)

    with monkeypatch.context() as patch:
        patch.setattr(Score, "__call__", dies)
        assert tfgen(*words, "--run", "r")[0] == 2
    assert Run.open("r").evaluations()["iteration"].tolist() == [3, 6]
    assert tfgen(*words, "--run", "r")[0] == 0
    whole, resumed = (Run.open(name).evaluations() for name in ("whole", "r"))
    for name in whole:
        assert name == "seconds" or np.array_equal(whole[name], resumed[name]), name


@pytest.mark.parametrize("value", ["0", "0it", "it", "-3", "1.5", "3its"])
def test_an_interval_that_is_none_is_refused(tfgen, value):
    code, _, err = tfgen(*VAE_TOY, f"--evaluate_every={value}", "--run", "r")
    assert code == 2 and "is not a positive integer, or iterations such as 500it" in err


def test_the_names_of_0_3_still_work(tfgen):
    assert tfgen(*VAE_TOY, "--examples", 72, "--run", "r", "--score_every=2")[0] == 0
    assert tfgen("score", "r")[0] == 0
    path = pathlib.Path("r/record.json")
    record = json.loads(path.read_text())
    record["score_every"] = record.pop("evaluate_every")
    path.write_text(json.dumps(record))
    assert Run.open("r").settings.training.evaluate_every == 2


def test_early_stopping_ends_after_its_patience(tfgen):
    """With a learning rate of 0, and no batch normalization, the error never falls after the first epoch."""
    words = [
        *VAE_TOY,
        "--examples",
        72,
        "--run",
        "r",
        "--epochs",
        9,
        "--early_stopping",
        2,
        "--learning_rate",
        0,
    ]
    code, out, err = tfgen(*words)
    assert (
        code == 0
        and "Trained 12 iterations" in out
        and "stopping early because the validation error had not improved for 2 epochs" in out
    )
    assert err.count("test_mse_mean_code") == 3 and "the best so far" in err
    before = outcome("r")
    code, out, _ = tfgen(*words)
    assert code == 0 and "12 of 36 iterations done" in out and outcome("r") == before  # it is done


def test_the_running_average_is_what_it_says(tfgen):
    """Against the weights of every iteration, averaged by hand; what is drawn, scored and exported is the average."""
    words = [*GAN_TOY, "--run", "r", "--ema", ".9", "--checkpoint_every", 1, "--keep", 100]
    tfgen(*words)
    run, plain = Run.open("r"), Run.open("r")
    training = dataclasses.replace(plain.settings.training, ema=0.0)
    plain.settings = dataclasses.replace(plain.settings, training=training)
    average = None
    for n in range(0, 17):
        model = plain.build()
        plain.checkpoints.restore(plain.checkpoint(model), print, n)
        weights = [v.numpy() for v in model.generator.weights if v.dtype == "float32"]
        decay = min(0.9, (1 + n) / (10 + n))
        average = weights if n == 0 else [decay * a + (1 - decay) * w for a, w in zip(average, weights)]
    averaged = [v.numpy() for v in run.model.generator.weights if v.dtype == "float32"]
    for ours, theirs in zip(averaged, average, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert not np.allclose(averaged[0], weights[0], atol=1e-6)
    sheet = np.asarray(Image.open("r/samples/0000016.png"))
    np.testing.assert_array_equal(figures.sheet(run.preset.samples(run.model), run.preset.sample_columns), sheet)
    # The discriminator, which draws nothing, has its own weights.
    np.testing.assert_array_equal(run.model.discriminator.weights[0].numpy(), model.discriminator.weights[0].numpy())


def test_with_an_average_it_goes_on_as_if_never_stopped(tfgen):
    tfgen(*CONVOLUTIONAL, "--epochs", 3, "--ema", ".9", "--schedule", "generator=cosine", "--run", "whole")
    shutil.copytree("whole", "r")
    shutil.rmtree("r/checkpoints/0000024")
    tfgen(*CONVOLUTIONAL, "--epochs", 3, "--ema", ".9", "--schedule", "generator=cosine", "--run", "r")
    assert outcome("r") == outcome("whole")


@pytest.mark.parametrize("text, last", [
    ("linear", {"discriminator": 1 / 24, "generator": 1 / 24}),
    ("cosine", dict.fromkeys(["discriminator", "generator"], 0.5 + 0.5 * np.cos(np.pi * 23 / 24))),
    ("generator=linear", {"discriminator": 1.0, "generator": 1 / 24}),
])  # fmt: skip
def test_schedules_of_each_player(tfgen, text, last):
    tfgen(*GAN_TOY, "--epochs", 3, "--schedule", text, "--run", "r")
    run = Run.open("r")
    rates = {player: float(optimizer.learning_rate) for player, optimizer in run.model.optimizers.items()}
    assert rates == pytest.approx({player: 2e-4 * share for player, share in last.items()}, rel=1e-5)
    assert f"--schedule {text}" in run.command()


# Beside it
# ---------------------------------------------------------------------------------------------------------------------


def test_new_starts_beside_the_old(tfgen):
    tfgen(*VAE_TOY, "--run", "r")
    before = outcome("r")
    code, out, _ = tfgen(*VAE_TOY, "--run", "r", "--seed", 1, "--new")
    assert code == 0 and out.startswith("r-2: ")
    tfgen(*VAE_TOY, "--run", "r", "--new")
    assert Run.open("r-2").settings.training.seed == 1 and outcome("r-3") == before == outcome("r")


def test_a_dead_process_leaves_no_lock(tfgen):
    pathlib.Path("r").mkdir()
    pathlib.Path("r/.lock").write_text("4194304")
    assert tfgen(*VAE_TOY, "--run", "r")[0] == 0


def test_tensorboard_reads_what_was_logged(tfgen):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert tfgen(*GAN_TOY, "--run", "r", "--tensorboard", "--profile", "--epochs", 3)[0] == 0
    events = EventAccumulator("r/tensorboard", size_guidance={"tensors": 0, "images": 0}).Reload()
    assert {"d_loss", "g_loss", "samples", "train_step"} <= set(events.Tags()["tensors"])
    logged = [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events.Tensors("d_loss")]
    history = Run.open("r").history()
    assert [step for step, _ in logged] == history["iteration"].tolist()
    np.testing.assert_allclose([value for _, value in logged], history["d_loss"], rtol=1e-6)
    assert [event.step for event in events.Tensors("samples")] == [8, 16, 24]
    assert [*pathlib.Path("r/profile").rglob("*.xplane.pb")]


def test_tensorboard_of_a_run_that_was_killed_has_every_step_once(tfgen, whole):
    """What was logged after the checkpoint is dropped; so is an event that was being written."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert tfgen(*REST, "--tensorboard")[0] == 0
    shutil.rmtree("r/checkpoints/0000024")
    (events,) = pathlib.Path("r/tensorboard").glob("*.tfevents.*")
    events.write_bytes(events.read_bytes()[:-7])
    assert tfgen(*REST, "--tensorboard")[0] == 0
    assert tfgen(*REST[:-5], "4", *REST[-4:], "--tensorboard")[0] == 0
    read = EventAccumulator("r/tensorboard", size_guidance={"tensors": 0}, purge_orphaned_data=False).Reload()
    assert [event.step for event in read.Tensors("d_loss")] == list(range(1, 33))
    assert [event.step for event in read.Tensors("samples")] == [8, 16, 24, 32]


# What a run needs later
# ---------------------------------------------------------------------------------------------------------------------


def test_pictures_without_labels_are_judged_on_random_features(tfgen):
    pathlib.Path("pictures").mkdir()
    for i in range(80):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 3), np.uint8)).save(f"pictures/{i}.png")
    words = [*CONVOLUTIONAL, "--dataset", "folder", "--data_dir", "pictures", "--run", "r"]
    code, _, err = tfgen(*words, "--epochs", 1, "--evaluate_every", 1, "--validation", 0.2)
    assert code == 0 and "epoch 1: frechet" in err, err
    code, out, err = tfgen("evaluate", "r")
    assert code == 0 and "Features: a network with random weights, as the pictures have neither labels nor" in out, err


def test_too_few_pictures_to_score_are_refused_before_training(tfgen):
    sentence = "1 picture for validation, but the scores of this model need at least 2"
    words = [*VAE_TOY, "--examples", 19, "--validation", 0.05, "--evaluate_every", 1, "--run", "r", "--dry_run"]
    code, _, err = tfgen(*words)
    assert code == 2 and sentence in err and "Traceback" not in err, err


def test_a_score_that_fails_loses_nothing_and_is_made_up_for(tfgen, monkeypatch):
    """The epoch is saved before it is scored, and what is scored later is what would have been."""
    words = [*VAE_TOY, "--examples", 72, "--run", "r", "--evaluate_every", 1, "--epochs", 3]
    assert tfgen(*words[:-5], "whole", *words[-4:])[0] == 0

    def broken(self, run, model, split="test"):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Score, "__call__", broken)
        code, _, err = tfgen(*words)
    assert code == 2 and "No space left on device" in err
    assert iterations("r")[-1] == 4 and Run.open("r").checkpoints.state(4)["score"] is None
    code, _, err = tfgen(*words)
    assert code == 0 and [line for line in err.splitlines() if "test_mse_mean_code" in line]
    assert outcome("r") == outcome("whole")
    both = [Run.open(folder).checkpoints for folder in ("r", "whole")]
    assert both[0].best() == both[1].best() and both[0].iterations() == both[1].iterations()
    assert [both[0].state(i) | {"seconds": 0} for i in both[0].iterations()] == [
        both[1].state(i) | {"seconds": 0} for i in both[1].iterations()
    ]


def test_what_only_evaluates_may_be_left_out_on_resuming(tfgen):
    words = [*VAE_TOY, "--examples", 72, "--run", "r", "--validation", 0.1]
    assert tfgen(*words, "--evaluate_every", 1)[0] == 0
    assert tfgen(*words, "--epochs", 3)[0] == 0 and Run.open("r").done


def test_a_disk_without_room_is_noticed_before_training(tfgen, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=100_000))
    code, _, err = tfgen(*GAN_TOY, "--run", "r")
    assert code == 2 and "the checkpoints of r need" in err and "its disk has 0.1 MB left" in err, err
    assert not pathlib.Path("r").exists()


def test_the_room_that_is_asked_for_is_what_checkpoints_take(tfgen, whole):
    planned = commands.train(
        "gan", tiny.NAME, run="other", smoke=True, dry_run=True, examples=64, batch_size=16, image_size=16
    )
    path = max((whole / "checkpoints").glob("[0-9]*"))
    taken = sum(file.stat().st_size for file in path.glob("weights.data*"))
    assert planned.checkpoint_bytes == pytest.approx(taken, rel=0.05)


def test_tensorboard_without_its_package(tfgen, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else found(name))
    code, _, err = tfgen(*GAN_TOY, "--run", "r", "--tensorboard", "--dry_run")
    assert code == 2 and "--tensorboard needs the package tensorboard: install it with" in err


BAD = {
    "schedule": (["--schedule", "exponential"], "--schedule takes constant, linear, cosine"),
    "player": (["--schedule", "critic=linear"], "for the players discriminator, generator, not 'critic=linear'"),
    "precision": (["--precision", "int8"], "'int8' is not float32, bfloat16 or float16"),
    "decay": (["--ema", "1"], "'1' is not a number that is at least 0 and less than 1"),
    "seed": (["--seed", "-1"], "'-1' is not an integer from 0 to 4294967295"),
    "early stopping of a GAN": (["--early_stopping", "3"], "--early_stopping needs a reconstruction error"),
    "devices": (["--devices", "two"], "'two' is not a positive integer"),
    "kept": (["--keep", "0"], "'0' is not a positive integer"),
}


@pytest.mark.parametrize("words, sentence", BAD.values(), ids=BAD)
def test_mistakes(tfgen, words, sentence):
    code, _, err = tfgen(*GAN_TOY, "--run", "r", *words)
    assert code == 2 and sentence in err and "Traceback" not in err
    assert not pathlib.Path("r").exists()


def test_the_best_of_a_run_without_scores(tfgen):
    tfgen(*VAE_TOY, "--run", "r")
    code, _, err = tfgen("export", "r", "--best")
    assert (
        code == 2
        and "r was trained without scores, so it has no best checkpoint: train with --evaluate_every N." in err
    )
