"""Two logical CPU devices, one session-wide MirroredStrategy, and toy data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker:  # a core for each: two processes of two threads on two cores stand in each other's way
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

import pytest
import tensorflow as tf

import tfgen_cli
from benchmarks import replicas, report

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
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
    """finished(folder, study, model, ...) -> a Run as if trained for two epochs: weights as they begin, a history that
    is made up, three sheets.
    """

    def make(folder, study, model, iterations=8, **choice):
        sizes = {"image_size": 16, "examples": 64, "batch_size": 16, "epochs": 2}
        arguments = {"width": 1 / 8} | choice.pop("arguments", {})
        return report.untrained(folder, study, model, iterations, arguments=arguments, **sizes | choice)

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
