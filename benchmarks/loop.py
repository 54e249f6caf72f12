"""What the training loop costs beside the compiled training step, and the time to the first step of a command.

    python benchmarks/loop.py [--model gan] [--width 1/8] [--batch_size 16]

A round trains a new run with callbacks, logs, progress and data, as `train` does, and then takes as many bare steps on
one batch in the same process; the rounds' median ratio is printed. The last lines are a command of its own, on an empty
cache: `train --model acgan` on the built-in faces until its first iteration, the drawing of the faces included.
"""

import argparse
import io
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stderr
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS, STEPS = 5, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="gan", help="a model of dlcv2018")
    parser.add_argument("--width", default="1/8", help="multiplier of all channels")
    parser.add_argument("--batch_size", type=int, default=16)
    arguments = parser.parse_args()
    ratios = []
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            loop, bare = one_round(folder, arguments.model, float(Fraction(arguments.width)), arguments.batch_size)
        ratios.append(loop / bare)
        print(f"round {number + 1}: loop {loop * 1e3:.2f} ms, bare step {bare * 1e3:.2f} ms per iteration", flush=True)
    print(f"the loop takes {statistics.median(ratios) - 1:+.1%} of the bare step's time (median of {ROUNDS} rounds)")
    print(first_step())


def one_round(folder: str, model: str, width: float, batch_size: int) -> tuple[float, float]:
    """Median seconds of an iteration in the package's loop and of a bare step."""
    from tfgen import training  # before TensorFlow, which reads what tfgen sets

    # isort: split
    import tensorflow as tf

    options = {"examples": batch_size * STEPS // 2, "epochs": 1, "split": "train", "batch_size": batch_size}
    run = training.plan("dlcv2018", model, arguments={"width": width}, run=folder + "/run", **options)
    times: list[float] = []
    loop_module, progress = training.loop, training.loop.Progress

    class Timed(progress):  # the last of the callbacks
        def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            super().on_train_batch_end(batch, logs)
            times.append(time.perf_counter())

    loop_module.Progress = Timed
    with redirect_stderr(io.StringIO()):
        training.train(run)
    loop_module.Progress = progress
    loop = statistics.median(b - a for a, b in zip(times[10:], times[11:], strict=False))

    built = run.build()
    images = tf.constant(run.training_source().floats(slice(batch_size * built.batches_per_step)))
    batch = {"image": images, "attributes": tf.zeros((len(images), 1))}

    @tf.function
    def step(number: tf.Tensor) -> dict[str, tf.Tensor]:
        key = tf.stack([tf.constant(0, tf.int64), number])
        return built.train_step(batch | {"key": tf.tile(key[None], (len(images), 1))})

    times.clear()
    with loop_module.reproducible(run.settings.training):  # the same deterministic operations
        for number in range(STEPS):
            for value in step(tf.constant(number, tf.int64)).values():
                value.numpy()
            times.append(time.perf_counter())
    return loop, statistics.median(b - a for a, b in zip(times[10:], times[11:], strict=False))


def first_step() -> str:
    """Runs `train --model acgan` until its first iteration, and says how long that took."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder, "PYTHONPATH": str(HERE.parent)}
        command = [
            sys.executable,
            str(HERE.parent / "tfgen_cli.py"),
            "train",
            "--model",
            "acgan",
            "--run",
            f"{folder}/run",
        ]
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, "--checkpoint_every", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        history = pathlib.Path(folder, "run", "history.csv")
        while not (history.exists() and len(history.read_text().splitlines()) > 1):
            if process.poll() is not None:
                raise SystemExit("the training ended before its first step")
            time.sleep(0.05)
        seconds = time.monotonic() - began
        process.terminate()
        process.wait()
    return (
        f"train --model acgan: {seconds:.1f} s from the start of the command to the first iteration and its checkpoint"
    )


if __name__ == "__main__":
    main()
