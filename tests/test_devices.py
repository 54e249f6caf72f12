"""One device, several, several machines: the same latents, batches, gradients and weights to float error."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import tfgen_cli
from benchmarks import replicas
from tfgen import UserError
from tfgen.data.batches import batches
from tfgen.runs import Run
from tfgen.settings import DataSettings, RunSettings, TrainingSettings
from tfgen.studies import STUDIES
from tfgen.training import devices

pytestmark = pytest.mark.trace
ROOT = pathlib.Path(__file__).parent.parent
TOY = ["--smoke", "--examples", "64", "--batch_size", "16", "--image_size", "16"]
QUICK = [
    ("dlcv2018", "vae"),
    ("dlcv2018", "wgan_gp_faithful"),
    ("dlcv2018", "infogan_mixed"),
    ("sullivan2017", "depth_wgan"),
    ("modern", "acgan"),
]
SLOW = [("dlcv2018", "gan"), ("dlcv2018", "acgan"), ("dlcv2018", "wgan_gp"), ("sullivan2017", "wgan"),
        ("pegasus", "adversarial_vae"), ("pegasus", "vae_gan"), ("pegasus", "acai"), ("digits", "cgan")]  # fmt: skip


# Two replicas
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "study, name, run_eagerly",
    [
        *((*one, True) for one in QUICK),
        pytest.param("digits", "gan", False, marks=pytest.mark.trace),  # dropout, and the traced one
        *(pytest.param(*one, False, marks=pytest.mark.slow) for one in [*QUICK, *SLOW]),
    ],
)
def test_a_step_on_two_replicas_equals_one(study, name, run_eagerly, two_replicas):
    """One of each class; `benchmarks/replicas.py` goes through all presets."""
    few = {"d_steps": 2} if "d_steps" in STUDIES[study][name].defaults() else {}
    weights, logs = replicas.difference(study, name, two_replicas, run_eagerly, **few)
    assert weights < 1e-4 and logs < 1e-4


def test_what_the_recognizer_moves_with_a_shared_trunk_is_the_same_too(two_replicas):
    weights, logs = replicas.difference("dlcv2018", "infogan_mixed", two_replicas, run_eagerly=True, shared_trunk=True)
    assert weights < 1e-4 and logs < 1e-4


def test_without_synchronized_statistics_replicas_differ(two_replicas, monkeypatch):
    """What the equality above rests on is really on: it does not hold without."""
    monkeypatch.setattr(replicas, "synchronize", lambda model: None)
    weights, _ = replicas.difference("dlcv2018", "gan", two_replicas, run_eagerly=True)
    assert weights > 1e-3


def process(*words, script=ROOT / "tfgen_cli.py", **environment):
    command = [sys.executable, script, *map(str, words)]
    return subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def weights(folder):
    return {name: [v.numpy() for v in network.weights] for name, network in Run.open(folder).model.networks().items()}


def train(*words):
    assert tfgen_cli.main(tfgen_cli.parse(["tfgen_cli.py", "train", *map(str, words)])) == 0


def close(one, other):
    for name, arrays in one.items():
        for ours, theirs in zip(arrays, other[name], strict=True):
            np.testing.assert_allclose(
                ours, theirs, atol=2e-3
            )  # Adam's steps are 2e-4 each, whatever the gradient's size


def same_gradients(one, other):
    """Adam's slots of two runs, which hold the gradients' size where its steps hide it: summed over replicas, they
    would be double or fourfold.
    """
    slots = []
    for folder in (one, other):
        reader = tf.train.load_checkpoint(str(max(pathlib.Path(folder, "checkpoints").glob("[0-9]*")) / "weights"))
        names = sorted(name for name in reader.get_variable_to_shape_map() if "_optimizer/_variables/" in name)
        slots.append(np.concatenate([array.ravel() for array in map(reader.get_tensor, names) if array.ndim]))
    assert np.linalg.norm(slots[0] - slots[1]) < 0.1 * np.linalg.norm(slots[0])


@pytest.mark.trace
def test_devices_of_one_machine(tmp_path, monkeypatch):
    """The command on two parts of the processor, stopped and gone on with on one, against the command on one."""
    monkeypatch.chdir(tmp_path)
    words = ["--model", "vae", *TOY, "--sync_bn", "--run"]
    two = process("train", *words, "two", "--devices", 2, "--ema", ".9")
    out, _ = two.communicate(timeout=300)
    assert two.returncode == 0 and "on 2 devices" in out, out
    train(*words, "one", "--ema", ".9")
    close(weights("one"), weights("two"))
    same_gradients("one", "two")
    one, other = Run.open("one").history(), Run.open("two").history()
    np.testing.assert_allclose(one["reconstruction"], other["reconstruction"], rtol=1e-3)
    assert "--sync_bn" in Run.open("two").command()
    train(*words, "two", "--ema", ".9", "--epochs", 3)
    assert Run.open("two").iteration == 12


ONE_WORKER = '{"cluster": {"worker": ["localhost:1"]}, "task": {"type": "%s", "index": %d}}'


@pytest.mark.parametrize("environment, devices_, sentence", [
    ("{", None, "TF_CONFIG cannot be read"),
    ('{"cluster": {}, "task": {"type": "worker", "index": 0}}', None, "TF_CONFIG cannot be read"),
    (ONE_WORKER % ("worker", 1), None, "names the task worker 1, which is not in its cluster"),
    (ONE_WORKER % ("ps", 0), None, "names the task ps 0"),
    (ONE_WORKER % ("worker", 0), 2, "--devices is for one machine"),
])  # fmt: skip
def test_devices_that_are_none(environment, devices_, sentence, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", environment)
    with pytest.raises(UserError, match=re.escape(sentence)):
        devices.strategy(devices_)


@pytest.mark.trace
def test_a_batch_that_cannot_be_shared(tmp_path):
    done = process("train", "--model", "vae", *TOY, "--run", tmp_path / "r", "--devices", 3)
    out, _ = done.communicate(timeout=120)
    assert (
        done.returncode == 2
        and "a batch of 16 cannot be split evenly across 3 devices: choose a --batch_size that is divisible by 3."
        in out
    )
    assert not (tmp_path / "r").exists()


def test_each_machine_gets_its_rows_and_all_of_them_are_the_batch(toy):
    whole = list(batches(toy, 16, 3, 1, 5))
    first, second = (list(batches(toy, 16, 3, 1, 5, parts=4, mine=mine)) for mine in ((0, 3), (3, 1)))
    assert (len(first), len(second)) == (12, 4)
    for step, batch in enumerate(whole):
        parts = [*first[3 * step : 3 * step + 3], second[step]]
        for name, values in batch.items():
            np.testing.assert_array_equal(values, np.concatenate([part[name] for part in parts]))


# Machines
# ---------------------------------------------------------------------------------------------------------------------


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def machines(n, *words):
    """n real processes on loopback."""
    workers = [f"localhost:{port}" for port in free_ports(n)]
    configs = [json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}}) for i in range(n)]
    return [process("train", *words, TF_CONFIG=config) for config in configs]


@pytest.mark.slow
def test_machines_that_were_given_different_arguments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workers = [f"localhost:{port}" for port in free_ports(2)]
    running = []
    for i in range(2):
        config = json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}})
        running.append(process("train", "--model", "vae", *TOY, "--seed", i, "--run", "r", TF_CONFIG=config))
    outs = [one.communicate(timeout=200)[0] for one in running]
    assert [one.returncode for one in running] == [2, 2], outs
    assert any("the machines were given different arguments, seeds or data" in out for out in outs) and not any(
        "Traceback" in out for out in outs
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [["--study", "pegasus", "--model", "acai"], ["--model", "gan"], ["--model", "vae"]],
    ids=["acai", "gan", "vae"],
)
def test_two_machines_end_as_one_would(tmp_path, monkeypatch, words):
    """Each writes its weights at the end through a script that does what the command does; the chief's files are the
    only ones.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worker.py").write_text(
        "import sys, numpy as np, tfgen_cli\n"
        "from tfgen.training.recorder import Recorder\n"
        "made = []\n"
        "init = Recorder.__init__\n"
        "Recorder.__init__ = lambda self, *a, **k: (made.append(self), init(self, *a, **k))[1]\n"
        "code = tfgen_cli.main(tfgen_cli.parse(['tfgen_cli.py', *sys.argv[2:]]))\n"
        "np.savez(sys.argv[1], *[v.numpy() for n in made[0].generative_model.networks().values() for v in n.weights])\n"
        "sys.exit(code)\n"
    )
    words = ["train", *words, *TOY, "--sync_bn", "--epochs", "2", "--run"]
    workers = [f"localhost:{port}" for port in free_ports(2)]
    running = []
    for i in range(2):
        config = json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}})
        command = [sys.executable, "worker.py", f"weights-{i}.npz", *words, "two"]
        environment = os.environ | {"TF_CONFIG": config, "PYTHONPATH": str(ROOT)}
        running.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    outs = [one.communicate(timeout=300)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], outs
    first, second = (np.load(f"weights-{i}.npz") for i in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first.files)
    assert "Trained" in outs[0] and "Trained" not in outs[1]
    train(*words[1:], "one")
    close(weights("one"), weights("two"))
    same_gradients("one", "two")
    one, other = Run.open("one").history(), Run.open("two").history()
    for log in set(one) - {"iteration"}:
        np.testing.assert_allclose(one[log], other[log], rtol=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_machine_that_dies_ends_the_others_and_all_go_on_from_the_checkpoint(tmp_path, monkeypatch, victim):
    monkeypatch.chdir(tmp_path)
    words = ["--model", "gan", *TOY, "--epochs", 100_000, "--run", "r"]
    running = machines(2, *words)
    deadline = time.monotonic() + 200
    while not pathlib.Path("r/checkpoints/0000024").exists():
        assert time.monotonic() < deadline and all(one.poll() is None for one in running)
        time.sleep(0.05)
    running[victim].kill()
    died = time.monotonic()
    out, _ = running[1 - victim].communicate(timeout=100)
    assert time.monotonic() - died < 60
    assert running[1 - victim].returncode == 2 and "Traceback" not in out
    assert (
        "another machine of this run has stopped or cannot be reached: run the same command on every machine again"
        in out
    )
    running[victim].communicate()
    before = Run.open("r").iteration
    again = machines(2, *words)
    while Run.open("r").iteration < before + 16:
        assert time.monotonic() < deadline + 200 and all(one.poll() is None for one in again)
        time.sleep(0.05)
    for one in again:
        one.send_signal(signal.SIGINT)
    outs = [one.communicate(timeout=100)[0] for one in again]
    assert (
        [one.returncode for one in again] == [130, 130]
        and f"{before} of" in outs[0]
        and "Stopped and saved at iteration" in outs[0]
    ), outs
    history = Run.open("r").history()
    np.testing.assert_array_equal(history["iteration"][:before], np.arange(1, before + 1))


# Precision and compilation
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("study, name, precision", [
    ("dlcv2018", "vae", "bfloat16"),
    ("dlcv2018", "acgan", "float16"),
    ("dlcv2018", "wgan_gp", "bfloat16"),
    ("dlcv2018", "infogan_mixed", "float16"),
    ("sullivan2017", "depth_wgan", "float16"),
    ("pegasus", "acai", "float16"),
    ("pegasus", "vae_gan", "bfloat16"),
    ("digits", "gan", "float16"),
])  # fmt: skip
def test_half_precision_is_nearly_single_precision(study, name, precision, toy):
    """Losses are float32 and nearly those of float32; a step moves the weights, which stay float32, the same way."""
    logs, moves = {}, {}
    for kind in ("float32", precision):
        keras.utils.set_random_seed(0)
        mild = (
            {"rmse_weight": 1.0} if name == "depth_wgan" else {}
        )  # with 1,024 times 32,768 the first steps overflow, and are rightly left out
        data, training = DataSettings(image_size=16), TrainingSettings(precision=kind)
        model = Run("r", RunSettings(study, name, {"width": 1 / 4} | mild, (), data, training, channels=3)).build()
        assert kind == "float32" or any(
            layer.compute_dtype == kind for network in model.networks().values() for layer in network.layers
        )
        model.run_eagerly = True
        before = [v.numpy() for network in model.networks().values() for v in network.trainable_variables]
        history = model.fit(batches(toy, 32, stop=1), epochs=1, verbose=0, shuffle=False).history
        logs[kind] = {log: values[0] for log, values in history.items()}
        moves[kind] = [
            v.numpy() - b
            for v, b in zip([v for network in model.networks().values() for v in network.trainable_variables], before)
        ]
        assert all(v.dtype == "float32" for network in model.networks().values() for v in network.weights)
    assert logs[precision] == pytest.approx(logs["float32"], rel=0.1, abs=0.05)
    ours, theirs = (np.concatenate([move.ravel() for move in moves[kind]]) for kind in (precision, "float32"))
    assert np.mean(np.sign(ours) == np.sign(theirs)) > 0.8  # Adam's first step is the gradient's sign
    assert keras.config.dtype_policy().name == "float32"


def test_float16_scales_the_loss_of_every_player_and_unscales_the_gradient(toy):
    """By gradient descent: with the scale forgotten on either side, moves would differ by 32,768."""
    moves = {}
    for precision in ("float32", "mixed_float16"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(precision)
        try:
            model = STUDIES["dlcv2018"]["gan"].build((16, 16, 3), width=1 / 4)
            model.compile(**{player: keras.optimizers.SGD(0.1) for player in model.players}, run_eagerly=True)
        finally:
            keras.config.set_dtype_policy("float32")
        before = {name: [v.numpy() for v in network.trainable_variables] for name, network in model.networks().items()}
        model.fit(batches(toy, 32, stop=1), epochs=1, verbose=0, shuffle=False)
        moves[precision] = {
            name: np.concatenate([(v.numpy() - b).ravel() for v, b in zip(network.trainable_variables, before[name])])
            for name, network in model.networks().items()
        }
    for name, ours in moves["mixed_float16"].items():
        theirs = moves["float32"][name]
        assert np.linalg.norm(ours - theirs) < 0.05 * np.linalg.norm(theirs)


@pytest.mark.parametrize("replica", [0, 1])
def test_one_replicas_overflow_leaves_the_step_out_on_all(replica, toy, two_replicas):
    """Keras asks the first replica alone."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with two_replicas.scope():
            model = STUDIES["dlcv2018"]["vae"].build((16, 16, 3), width=1 / 8)
    finally:
        keras.config.set_dtype_policy("float32")
    loss = model.negative_bound

    def overflowing(batch, draw):
        value, logs = loss(batch, draw)
        here = tf.distribute.get_replica_context().replica_id_in_sync_group == replica
        return tf.where(here, np.float32(np.inf), 1.0) * value, logs

    model.negative_bound, model.run_eagerly = overflowing, True
    before = [v.numpy() for v in model.player_variables("autoencoder")]
    model.fit(batches(toy, 32, stop=1), epochs=1, verbose=0, shuffle=False)
    for v, b in zip(model.player_variables("autoencoder"), before):
        np.testing.assert_array_equal(v.numpy(), b)
    assert float(model.optimizers["autoencoder"].dynamic_scale.numpy()) == 2.0**14


@pytest.mark.trace
def test_jit_compiles_the_step(tmp_path, monkeypatch, tiny_study):
    """XLA draws other noise of the same seed; the first divergence depends on none."""
    monkeypatch.chdir(tmp_path)
    words = ["--model", "vae", *tiny.TOY, "--epochs", 1, "--run"]
    train(*words, "plain")
    compiled = process("train", *words, "compiled", "--jit", script=tiny.CLI, TF_CPP_MIN_LOG_LEVEL="0")
    out, _ = compiled.communicate(timeout=300)
    assert compiled.returncode == 0 and "Compiled cluster using XLA" in out, out
    plain, compiled = Run.open("plain").history(), Run.open("compiled").history()
    assert compiled["kl"][0] == pytest.approx(plain["kl"][0], rel=1e-4)
    np.testing.assert_allclose(compiled["reconstruction"], plain["reconstruction"], rtol=0.05)
    assert "--jit" in Run.open("compiled").command()
