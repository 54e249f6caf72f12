"""Two logical CPU devices, one session-wide MirroredStrategy, and toy data."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

worker = os.environ.get("PYTEST_XDIST_WORKER")
if worker:  # a core for each: two processes of two threads on two cores stand in each other's way
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

import numpy as np
import pytest
import tensorflow as tf

from tfgen.data.source import Source

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
)


@pytest.fixture(scope="session")
def two_replicas():
    """A second MirroredStrategy in one process breaks the collectives, so there is this one."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def toy():
    """64 random pictures of 16x16x3 with one random attribute, a label of 10 and depth with holes."""
    random = np.random.default_rng(0)
    return Source(
        "toy",
        random.integers(0, 256, (64, 16, 16, 3), np.uint8),
        random.integers(0, 2, (64, 1), np.uint8),
        ("Smiling",),
        np.arange(64, dtype=np.int32) % 10,
        random.integers(0, 9_000, (64, 16, 16, 1), np.uint16) * random.integers(0, 2, (64, 16, 16, 1), np.uint16),
    )
