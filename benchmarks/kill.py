"""Kills real runs at random times and compares the results with uninterrupted runs: python benchmarks/kill.py [KILLS]

One third of the kills happen at any time after the start of the process, the others soon after a new checkpoint. As
there is a checkpoint per iteration, many kills happen while the next one is written. Exits with 1 if any byte of the
last checkpoint's weights and slots, the history or the samples differs.
"""

import hashlib
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

COMMAND = [sys.executable, pathlib.Path(__file__).parent.parent / "tfgen_cli.py", "train", "--checkpoint_every", "1"]
TOY = ["--smoke", "--examples", "64", "--batch_size", "16", "--image_size", "16", "--epochs", "30"]
MODELS = [
    ["--study", "digits", "--model", "gan", "--ema", ".99", "--schedule", "cosine"],  # dropout, moving statistics
    ["--study", "dlcv2018", "--model", "vae"],
    ["--study", "dlcv2018", "--model", "infogan_mixed"],  # three optimizers
]


def start(words, run):
    return subprocess.Popen(
        [*COMMAND, *words, *TOY, "--run", run], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def newest(run):
    return max((int(path.name) for path in (run / "checkpoints").glob("[0-9]*")), default=-1)


def outcome(run):
    """path -> SHA-256 of what must not depend on how often a run was stopped."""
    weights = next((run / "checkpoints" / f"{newest(run):07d}").glob("weights.data*"))
    paths = [weights, run / "history.csv", *(run / "samples").glob("*.png")]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def kill_until_done(words, run, moments, most):
    """Trains a run to its end, killing it up to `most` times. Returns how often it was, and at which iterations."""
    killed = []
    while True:
        process, before, began = start(words, run), newest(run), time.monotonic()
        if len(killed) < most:
            if moments.random() < 1 / 3:
                wait = moments.uniform(0, 8)
                while process.poll() is None and time.monotonic() < began + wait:
                    time.sleep(0.005)
            else:
                while process.poll() is None and newest(run) <= before:
                    time.sleep(0.002)
                time.sleep(moments.uniform(0, 0.5))
            if process.poll() is None:
                process.kill()
                killed.append(newest(run))
        _, err = process.communicate()
        if process.returncode == 0:
            return killed
        if process.returncode != -signal.SIGKILL:
            sys.exit(f"{run} ended with {process.returncode}:\n{err}")


def main(kills):
    moments, done, rounds, different = random.Random(0), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while done < kills:
            words = [*MODELS[rounds % len(MODELS)], "--seed", str(rounds)]
            whole, often = pathlib.Path(folder) / f"whole-{rounds}", pathlib.Path(folder) / f"killed-{rounds}"
            if start(words, whole).wait():
                sys.exit(f"{' '.join(words)} does not train")
            most = min(15, -(-kills // len(MODELS)), kills - done)  # every model has its share
            killed = kill_until_done(words, often, moments, most)
            same = outcome(whole) == outcome(often) and not list(often.rglob(".*part*"))
            done, rounds, different = done + len(killed), rounds + 1, different + (not same)
            result = "the same bytes" if same else "DIFFERENT"
            print(f"{' '.join(words)}: {result} after {len(killed)} kills at iterations {killed}", flush=True)
    print(f"{done} kills in {rounds} runs; {different} runs ended differently from an uninterrupted run")
    return different > 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
