"""Two logical CPU devices, one session-wide MirroredStrategy, and toy data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker:  # a core for each: two processes of two threads on two cores stand in each other's way
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfgen_cli
from benchmarks import replicas
from tfgen import figures, runs, training

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
)


@pytest.fixture(scope="session")
def two_replicas():
    """A second MirroredStrategy in one process breaks the collectives, so there is this one."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def toy():
    """64 random pictures; see `replicas.toy`."""
    return replicas.toy(64)


@pytest.fixture
def finished():
    """finished(folder, study, model, ...) -> a Run as if trained for two epochs: weights as they begin, a history that is made up, three sheets."""

    def make(folder, study, model, iterations=8, **choice):
        keras.utils.set_random_seed(0)
        sizes = {"image_size": 16, "examples": 64, "batch_size": 16, "epochs": 2, "run": folder}
        arguments = {"width": 1 / 8} | choice.pop("arguments", {})
        run = training.plan(study, model, arguments=arguments, **sizes | choice)
        (run.folder / "samples").mkdir(parents=True)
        runs.write_json(run.folder / runs.RECORD, run.record)
        model = run.build()
        rows = [[i, *(1 + np.cos(i + k) / i for k in range(len(model.logs)))] for i in range(1, iterations + 1)]
        with (run.folder / "history.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["iteration", *model.logs], *rows])
        run.checkpoints.write(runs.checkpoint(model, run.average(model)), {"iteration": iterations, "redraws": 0, "seconds": 61.0, "score": None, "best": None, "waited": 0})
        sheet = figures.sheet(run.preset.samples(model), run.preset.sample_columns)
        for iteration in range(0, iterations + 1, 4):
            Image.fromarray(sheet).save(run.folder / "samples" / f"{iteration:07d}.png")
        return runs.Run.open(folder)

    return make


@pytest.fixture
def tfgen(capsys):
    """tfgen("train", "--model", "vae") -> (exit code, stdout, stderr)."""

    def command(*words):
        try:
            code = tfgen_cli.main(tfgen_cli.parse(["tfgen_cli.py", *map(str, words)]))
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return command
