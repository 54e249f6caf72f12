"""Time and memory against the number of pictures, their side, the batch and the replicas.

    python benchmarks/scaling.py [--pictures 1000,5000,25000,100000] [--out scaling.png]

Each point is a process of its own. The training steps are those of dlcv2018's VAE at width 1/4, on built-in faces.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

SIDES, BATCHES, REPLICAS = (32, 64, 128), (16, 32, 64, 128, 256), (1, 2)
PICTURES = (1_000, 5_000, 25_000, 100_000)
POINT = {"pictures": 1_000, "side": 64, "batch": 64, "replicas": 1}
STEPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", default=",".join(map(str, PICTURES)), help="numbers of pictures, at 32x32")
    parser.add_argument("--out", default="scaling.png", help="path of the plot")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        print(json.dumps(measure(**json.loads(arguments.point))))
        return
    pictures = tuple(map(int, arguments.pictures.split(",")))
    swept = {"pictures": pictures, "side": SIDES, "batch": BATCHES, "replicas": REPLICAS}
    found: dict[str, list[dict]] = {}
    for name, values in swept.items():
        for value in values:
            point = POINT | ({"side": 32} if name == "pictures" else {}) | {name: value}
            found.setdefault(name, []).append({name: value} | run(point))
            print(json.dumps(found[name][-1]), flush=True)
    plot(found, arguments.out)


def run(point: dict) -> dict:
    """Measures a point in a process of its own."""
    command = [sys.executable, __file__, "--point", json.dumps(point)]
    with tempfile.TemporaryDirectory() as cache:  # pictures are drawn again
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(pictures: int, side: int, batch: int, replicas: int) -> dict:
    """Seconds to draw the pictures, seconds per training step, and the peak memory of the process in MiB."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfgen import data
    from tfgen.studies import STUDIES
    from tfgen.training import devices

    # isort: split
    import keras
    import tensorflow as tf

    logical = [tf.config.LogicalDeviceConfiguration()] * replicas
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], logical)
    began = time.perf_counter()
    source = data.load("faces", "train", image_size=side, examples=pictures)
    drawn = time.perf_counter() - began
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)]) if replicas > 1 else None
    strategy = strategy or tf.distribute.get_strategy()
    with strategy.scope():
        model = STUDIES["dlcv2018"]["vae"].build((side, side, 3), width=1 / 4)
    times: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: times.append(time.perf_counter()))
    feed = devices.feed(strategy, source, batch, seed=0, stop=STEPS + 2)
    model.fit(feed, epochs=1, steps_per_epoch=STEPS + 2, verbose=0, shuffle=False, callbacks=[clock])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"draw": drawn, "step": (times[-1] - times[1]) / STEPS, "memory": memory}


def plot(found: dict[str, list[dict]], path: str) -> None:
    """A row of plots for each quantity that was changed: time and memory, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, rows = pyplot.subplots(2, len(found), figsize=(3.5 * len(found), 6), layout="constrained")
    for (above, below), (name, points) in zip(rows.T, found.items(), strict=True):
        x = [point[name] for point in points]
        for quantity, axes in (("step", above), ("draw", above), ("memory", below)):
            if quantity == "draw" and name != "pictures":
                continue
            label = {"step": "training step", "draw": "drawing the pictures", "memory": "peak memory"}[quantity]
            axes.plot(x, [point[quantity] for point in points], "o-", label=label)
        for axes, label in ((above, "seconds"), (below, "MiB")):
            axes.set(xscale="log", yscale="log", xlabel=name, ylabel=label)
            axes.set_xticks(x, [f"{value:,}" for value in x], minor=False)
            axes.minorticks_off()
            axes.legend()
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
