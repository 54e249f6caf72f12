"""The difference between two replicas with half the batch each and one replica: python benchmarks/replicas.py

Measures, for every model, one step of gradient descent with synchronized batch normalization. (Adam's first step is a
sign, which magnifies rounding errors.) Prints the largest difference of any weight, relative to the largest change of
any weight of the same network.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from tfgen.data.batches import batches
from tfgen.data.source import Source
from tfgen.runs import synchronize
from tfgen.studies import STUDIES


def toy(n):
    """n random pictures of 16x16x3 with one random attribute, a label of 10 and depth with holes."""
    random = np.random.default_rng(0)
    return Source(
        "toy",
        random.integers(0, 256, (n, 16, 16, 3), np.uint8),
        random.integers(0, 2, (n, 1), np.uint8),
        ("Smiling",),
        np.arange(n, dtype=np.int32) % 10,
        random.integers(0, 9_000, (n, 16, 16, 1), np.uint16) * random.integers(0, 2, (n, 16, 16, 1), np.uint16),
    )


def step(study, name, strategy, run_eagerly=False, **arguments):
    """network -> its weights before and after a training step, [array] each, and the logs."""
    keras.utils.set_random_seed(0)
    preset = STUDIES[study][name]
    with strategy.scope():
        model = preset.build((16, 16, 3), **{"width": 1 / 8} | arguments)
        synchronize(model)
        model.compile(**{player: keras.optimizers.SGD(0.1) for player in model.optimizers}, run_eagerly=run_eagerly)
    before = {name: [v.numpy() for v in network.weights] for name, network in model.networks().items()}
    per_step = model.batches_per_step
    steps = batches(toy(32 * per_step), 32, stop=1, per_step=per_step)
    history = model.fit(steps, epochs=1, verbose=0, shuffle=False).history
    after = {name: [v.numpy() for v in network.weights] for name, network in model.networks().items()}
    return {name: (before[name], after[name]) for name in before}, {name: values[0] for name, values in history.items()}


def difference(study, name, two, run_eagerly=False, **arguments):
    """(share, log): the largest difference of one step on one replica and on two, of the weights and, relative, of the
    logs.
    """
    (one, logs), (other, other_logs) = (
        step(study, name, strategy, run_eagerly, **arguments) for strategy in (tf.distribute.get_strategy(), two)
    )
    shares = []
    for network, (before, after) in one.items():
        change = max(np.max(np.abs(b - a)) for b, a in zip(before, after))
        shares.append(max(np.max(np.abs(a - b)) for a, b in zip(after, other[network][1])) / change)
    return max(shares), max(abs(logs[log] - other_logs[log]) / max(abs(logs[log]), 1e-3) for log in logs)


if __name__ == "__main__":
    parts = [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()]
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    print(f"{'model':34s} weights   logs")
    for study, presets in STUDIES.items():
        for name in presets:
            print("{:34s} {:.1e}   {:.1e}".format(f"{study} {name}", *difference(study, name, two)), flush=True)
