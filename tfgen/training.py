"""From arguments to a trained run: what will be trained, under which strategy, with which callbacks."""

import contextlib
import csv
import datetime
import os
import re
import shutil
import signal
import sys
import time

import keras
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from tfgen import UserError, data, figures, runs
from tfgen.data import batches
from tfgen.studies import DEFAULT_STUDY, find

SMOKE = {"epochs": 2, "examples": 256, "batch_size": 64, "width": 1 / 8}  # a minute of everything at toy size


def plan(study, model, *, arguments, run=None, smoke=False, dataset=None, data_dir=None, image_size=None, reading=None, cache_gb=None,
         attribute=None, examples=None, batch_size=None, epochs=None, anneal=False, seed=0):
    """The Run that these choices name, new or there already; None means the study's own.

    Reads (or draws) and checks the data, writes nothing.

    Args:
        study, model: keys of STUDIES.
        arguments: dict of the builder's arguments that differ from its defaults.
        run: folder; the default is runs/MODEL-DATASET, or runs/STUDY-MODEL-DATASET for another study than the homework.
        smoke: toy size.
        dataset, data_dir, image_size, cache_gb: see `tfgen.data.load`.
        reading: dict of its options.
        attribute: the one to condition on, for models that do.
        examples: at most so many of each split.
        batch_size, epochs, seed: integers.
        anneal: whether every player's learning rate falls linearly to 0 over the epochs.

    Raises:
        UserError: for arguments that do not fit the model, and for a folder that holds a run with others.
    """
    preset = find(study, model)
    if attribute and not preset.attributes:
        raise UserError(f"--attribute goes with models that are given attributes, and {model} is given none.")
    dataset = dataset or preset.data
    prefix = "" if study == DEFAULT_STUDY else f"{study}-"
    folder = run or f"runs/{prefix}{model}-{dataset}{'-smoke' if smoke else ''}"
    if smoke:
        arguments = {"width": SMOKE["width"]} | arguments
    record = {
        "study": study,
        "model": model,
        "arguments": preset.defaults() | arguments,
        "dataset": dataset,
        "data_dir": data_dir and os.path.abspath(data_dir),
        "image_size": image_size or data.dataset(dataset, data_dir).image_size,
        "reading": {option: value for option, value in (reading or {}).items() if value},
        "examples": examples or (SMOKE["examples"] if smoke else None),
        "attributes": [attribute] if attribute else list(preset.attributes),
        "batch_size": batch_size or (min(SMOKE["batch_size"], preset.batch_size) if smoke else preset.batch_size),
        "epochs": epochs or (SMOKE["epochs"] if smoke else preset.epochs),
        "anneal": anneal,
        "seed": seed,
    }
    new = runs.Run(folder, record, cache_gb)
    source = new.training_source()
    for field in preset.needs:
        if getattr(source, field) is None:
            raise UserError(f"{model} is trained on pictures with {field}, which {source.name} does not have: choose another --dataset.")
    record["channels"] = source.images.shape[-1]
    record["data_fingerprint"] = source.fingerprint()
    record["steps_per_epoch"] = batches.steps_per_epoch(source, record["batch_size"])
    record["versions"] = runs.versions()
    record["seconds"] = 0.0
    if not (new.folder / runs.RECORD).exists():
        if new.folder.exists() and any(path.name != runs.LOCK for path in new.folder.iterdir()):
            raise UserError(f"{new.folder} holds other files and no run: choose another --run.")
        return new
    old = runs.Run.open(folder).record
    free = {"arguments", "versions", "seconds"} | (set() if anneal else {"epochs"})  # may differ between two parts of a run; arguments come one by one
    settings = [{name: value for name, value in r.items() if name not in free} | r["arguments"] for r in (old, record)]
    for name, value in settings[1].items():
        if settings[0].get(name) != value:
            raise UserError(f"{folder} was trained with {name} {settings[0].get(name)}, not {value}: give --run another name, or the old value to continue it.")
    new.record = old | {"epochs": record["epochs"]}
    return new


def train(run):
    """Trains a planned run from its newest checkpoint, or from the start, to its last iteration. Returns whether it got there.

    Ctrl-C and SIGTERM end it after the iteration at hand, with a checkpoint.
    """
    with run.lock():
        strategy = default_strategy(run.record["batch_size"])
        keras.utils.set_random_seed(run.record["seed"])
        with strategy.scope():
            model = run.build()
            rates = {player: float(optimizer.learning_rate) for player, optimizer in model.optimizers.items()}
            manager = run.restore(model)
        start = run.iteration
        if start >= run.iterations:
            return True
        runs.write_json(run.folder / runs.RECORD, run.record)
        source = run.training_source()
        steps = batches.batches(source, run.record["batch_size"], run.record["seed"], start, run.iterations)
        recorder = Recorder(run, model, manager, start)
        with stopping_on_signals(model):
            # One pass over all remaining steps: the iteration, not Keras's epoch, is what a resumed run counts on.
            callbacks = [recorder, Progress(run, start)] + [Annealing(run, model, rates, start)] * run.record["anneal"]
            try:
                model.fit(steps, epochs=1, verbose=0, shuffle=False, callbacks=callbacks)
            except tf.errors.OpError as error:
                recorder.save()
                bad = re.search(r"UserError: (.*)", str(error))  # a file decoded while training is damaged: tf.data wraps what Python raised
                if not bad:
                    raise
                raise UserError(bad[1]) from None
        recorder.save()
        return recorder.iteration == run.iterations


def default_strategy(batch_size):
    """MirroredStrategy where there are several GPUs, else none. Raises UserError if they cannot share a batch evenly."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    if gpus < 2:
        return tf.distribute.get_strategy()
    if batch_size % gpus:
        raise UserError(f"a batch of {batch_size} cannot be shared evenly by {gpus} GPUs: choose a --batch_size that {gpus} divides.")
    return tf.distribute.MirroredStrategy()


@contextlib.contextmanager
def stopping_on_signals(model):
    """Within, the first SIGINT or SIGTERM lets `model.fit` end after its iteration; the second kills as usual."""

    def stop(number, frame):
        model.stop_training = True
        for number in previous:
            signal.signal(number, previous[number])

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Recorder(keras.callbacks.Callback):
    """Writes the run: the history's rows, and at the end of each epoch a checkpoint and a sheet of samples."""

    def __init__(self, run, generative_model, manager, iteration):
        super().__init__()
        self.run = run
        self.generative_model = generative_model
        self.manager = manager
        self.iteration = self.saved = iteration
        self.rows = []
        self.began = time.monotonic()
        self.history = run.folder / "history.csv"
        if iteration == 0:
            shutil.rmtree(run.folder / "samples", ignore_errors=True)
            self._write_history([["iteration", *generative_model.logs]])
            self._sheet()
        else:
            with self.history.open(newline="") as file:
                self._write_history(list(csv.reader(file))[: iteration + 1])  # rows written after the checkpoint are trained again

    def _write_history(self, rows):
        with runs.replacing(self.history) as temporary, temporary.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def on_train_batch_end(self, batch, logs=None):
        self.iteration += 1
        self.rows.append([self.iteration, *(f"{logs[name]:.9g}" for name in self.generative_model.logs)])  # 9 digits hold a float32
        if self.iteration % self.run.steps_per_epoch == 0:
            self.save()
            self._sheet()

    def save(self):
        """Writes what is not written yet: first the history, then the checkpoint, so that no checkpoint is ahead of its history."""
        if self.iteration == self.saved:
            return
        with self.history.open("a", newline="") as file:
            csv.writer(file).writerows(self.rows)
        self.rows.clear()
        self.manager.save(checkpoint_number=self.iteration)
        self.saved = self.iteration
        now = time.monotonic()
        self.run.record["seconds"] += now - self.began
        self.began = now
        runs.write_json(self.run.folder / runs.RECORD, self.run.record)

    def _sheet(self):
        path = self.run.folder / "samples" / f"{self.iteration:07d}.png"
        path.parent.mkdir(exist_ok=True)
        sheet = figures.sheet(self.run.preset.samples(self.generative_model), self.run.preset.sample_columns)
        with runs.replacing(path) as temporary:
            Image.fromarray(sheet).save(temporary)


class Annealing(keras.callbacks.Callback):
    """Lets every player's learning rate fall linearly from its own to 0 over the run, as a function of the iteration."""

    def __init__(self, run, generative_model, rates, start):
        super().__init__()
        self.run = run
        self.optimizers = generative_model.optimizers
        self.rates = rates
        self.start = start

    def on_train_batch_begin(self, batch, logs=None):
        left = 1.0 - (self.start + batch) / self.run.iterations
        for player, optimizer in self.optimizers.items():
            optimizer.learning_rate.assign(left * self.rates[player])


class Progress(keras.callbacks.Callback):
    """A bar with iteration, epoch, time left, images a second and the logs; a line an epoch where the output is no terminal."""

    def __init__(self, run, start):
        super().__init__()
        self.run = run
        self.bar = tqdm(total=run.iterations, initial=start, unit="it", dynamic_ncols=True, disable=None, leave=True)
        self.start = self.iteration = start

    def on_train_begin(self, logs=None):
        self.began = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.iteration += 1
        rate = (self.iteration - self.start) / (time.monotonic() - self.began)
        epoch = -(-self.iteration // self.run.steps_per_epoch)
        where = f"epoch {epoch}/{self.run.record['epochs']}"
        numbers = " ".join(f"{name} {value:.4f}" for name, value in logs.items())
        speed = f"{rate * self.run.record['batch_size']:.0f} images/s"
        if not self.bar.disable:
            self.bar.set_description(where, refresh=False)
            self.bar.set_postfix_str(f"{speed}, {numbers}", refresh=False)
            self.bar.update()
        elif self.iteration % self.run.steps_per_epoch == 0:
            left = datetime.timedelta(seconds=round((self.run.iterations - self.iteration) / rate))
            print(f"{where}, iteration {self.iteration}/{self.run.iterations}, {left} left, {speed}, {numbers}", file=sys.stderr, flush=True)

    def on_train_end(self, logs=None):
        self.bar.close()
