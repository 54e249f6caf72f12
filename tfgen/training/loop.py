"""Trains a planned run to its end, and handles signals, failures and damaged files."""

import contextlib
import functools
import json
import random
import re
import signal
import threading
import types
import zlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import config  # TensorFlow exports only what enables determinism

from tfgen import UserError, program
from tfgen.data.source import Source
from tfgen.models.average import WeightAverage
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run
from tfgen.settings import TrainingSettings
from tfgen.training import devices
from tfgen.training.profile import Profile
from tfgen.training.progress import Progress
from tfgen.training.recorder import Recorder
from tfgen.training.schedule import Schedule
from tfgen.training.tensorboard import TensorBoard
from tfgen.training.watch import Watch

TRIES = 3  # attempts to continue with different noise after a log has become NaN or infinite


def train(run: Run, strategy: tf.distribute.Strategy | None = None) -> bool:
    """Trains a planned run from its newest checkpoint, or from the start, to its last iteration.

    Ctrl-C and SIGTERM end training after the current iteration, with a checkpoint. When a loss or weight becomes NaN or
    infinite, training goes back to the previous checkpoint and continues with different noise.

    Args:
        run: Run from `plan`.
        strategy: from `devices.strategy`; None for one device.

    Returns:
        Whether it reached its end; False after Ctrl-C or SIGTERM.

    Raises:
        UserError: if the batch cannot be split across the devices, another process trains the run, the disk is full, or
            training fails for the fourth time after the same checkpoint.
    """
    strategy = strategy or tf.distribute.get_strategy()
    check_devices(run, strategy)
    with contextlib.ExitStack() as within:
        within.enter_context(reproducible(run.settings.training))
        model, average = built(run, strategy)
        schedule = Schedule(run, model)  # reads the initial rates, before a checkpoint restores lower ones
        within.enter_context(_stopping_together(strategy, run))
        within.enter_context(run.lock() if run.chief else contextlib.nullcontext())
        if run.chief:
            run.write_record()
        recorder = Recorder(run, model, average, functools.partial(devices.anywhere, strategy))
        same_everywhere(strategy, run, recorder)
        recorder.score()
        if recorder.iteration >= run.iterations or recorder.early:
            return True
        progress = Progress(recorder)
        with _stopping_on_signals(recorder), contextlib.closing(progress):
            source = run.training_source()
            beside = [schedule]
            if run.chief:
                beside += [Watch(recorder, source.floats(slice(64))), progress]
                beside += [TensorBoard(recorder)] if run.settings.training.tensorboard else []
                beside += [Profile(recorder)] if run.settings.training.profile else []
            _fit_until_done(run, strategy, model, source, recorder, beside)
        return recorder.early or recorder.iteration == run.iterations


@contextlib.contextmanager
def reproducible(training: TrainingSettings) -> Iterator[None]:
    """A context with deterministic operations and the seed of a run.

    At the end, what the process had before is put back, as it may be a notebook with work of its own: deterministic
    operations or not, and Python's and NumPy's generators of random numbers. Keras's and TensorFlow's keep the seed.
    """
    deterministic = config.is_op_determinism_enabled()
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  the user's, not ours
    keras.utils.set_random_seed(training.seed)
    if not (training.jit or tf.config.list_physical_devices("GPU")):  # Keras refuses to compile with it
        tf.config.experimental.enable_op_determinism()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if not deterministic:
            config.disable_op_determinism()


def built(run: Run, strategy: tf.distribute.Strategy) -> tuple[GenerativeModel, WeightAverage | None]:
    """The run's model with fresh weights and the moving average of its weights; call it in a `reproducible` context."""
    with strategy.scope():
        model = run.build() if run.iteration else run.untrained()
        return model, run.average(model)


def check_devices(run: Run, strategy: tf.distribute.Strategy) -> None:
    """Raises UserError for settings that the devices do not support."""
    replicas, training = strategy.num_replicas_in_sync, run.settings.training
    if training.batch_size % replicas:
        raise UserError(
            f"a batch of {training.batch_size} cannot be split evenly across {replicas} devices: "
            f"choose a --batch_size that is divisible by {replicas}."
        )
    if training.jit and replicas > 1:
        raise UserError("--jit works on one device only: use --devices 1, or leave out --jit.")
    if training.evaluate_every and devices.several_machines(strategy):
        raise UserError(
            "--evaluate_every and --early_stopping work on one machine only: leave them out, and run `evaluate` when "
            "training is done."
        )


def same_everywhere(strategy: tf.distribute.Strategy, run: Run, recorder: Recorder) -> None:
    """Raises UserError if several machines do not train the same run."""
    text = json.dumps(run.settings.everywhere(), sort_keys=True)
    if not devices.agree(strategy, zlib.crc32(text.encode()) >> 8):
        raise UserError(
            "the machines were given different arguments, seeds or data: run the same command on all of them."
        )
    if not devices.agree(strategy, recorder.iteration):
        raise UserError(
            f"the machines find different checkpoints in {run.folder}: "
            "the folder must be on a disk that all of them share."
        )


@contextlib.contextmanager
def _stopping_together(strategy: tf.distribute.Strategy, run: Run) -> Iterator[None]:
    """A context that turns TensorFlow's error after another machine has stopped into a UserError."""
    try:
        yield
    except tf.errors.OpError:
        if not devices.several_machines(strategy):
            raise
        # The current step is incomplete: nothing is saved.
        raise UserError(
            "another machine of this run has stopped or cannot be reached: run the same command on every machine again "
            f"to resume from iteration {run.iteration}."
        ) from None


def _fit_until_done(
    run: Run,
    strategy: tf.distribute.Strategy,
    model: GenerativeModel,
    source: Source,
    recorder: Recorder,
    beside: list[keras.callbacks.Callback],
) -> None:
    """Trains until the end or a signal; after a failure, again from the previous checkpoint."""
    tries, place = 0, None
    while not recorder.stopped:
        fit(run, strategy, model, source, recorder, beside)
        recorder.save()
        if not recorder.failure:
            break
        tries, place = tries + 1 if recorder.saved == place else 1, recorder.saved
        _go_back(recorder, recorder.failure, tries)


def fit(
    run: Run,
    strategy: tf.distribute.Strategy,
    model: GenerativeModel,
    source: Source,
    recorder: Recorder,
    beside: list[keras.callbacks.Callback],
) -> None:
    """Trains until the end, a signal or a failure."""
    # One pass over all remaining steps: a resumed run counts iterations, not Keras's epochs.
    steps = devices.feed(
        strategy,
        source,
        run.settings.filled("batch_size"),
        seed=run.settings.training.seed,
        start=recorder.iteration,
        stop=run.iterations,
        redraws=recorder.redraws,
        per_step=model.batches_per_step,
    )
    try:
        model.fit(
            steps,
            epochs=1,
            steps_per_epoch=run.iterations - recorder.iteration,
            verbose=0,
            shuffle=False,
            callbacks=[recorder, *beside],
        )
    except tf.errors.OpError as error:
        # A file decoded while training is damaged: tf.data wraps what Python raised.
        bad = re.search(r"UserError: (.*)", str(error))
        if not bad:
            raise
        recorder.save()
        raise UserError(bad[1]) from None


def _go_back(recorder: Recorder, failure: tuple[int, str, float], tries: int) -> None:
    """Takes a failed run back to its newest checkpoint, with different noise. Raises UserError after TRIES."""
    iteration, log, value = failure
    failed = f"{log} was {value} at iteration {iteration}"
    if tries > TRIES:
        raise UserError(
            f"{failed} again, even with different noise: the checkpoint of iteration {recorder.saved} is good; "
            "try lower learning rates or --precision float32 with --new."
        )
    recorder.start(redraws=recorder.redraws + 1)
    program.tell(
        f"{failed}: back to iteration {recorder.iteration}, continuing with different noise ({tries} of {TRIES})."
    )


@contextlib.contextmanager
def _stopping_on_signals(recorder: Recorder) -> Iterator[None]:
    """A context in which the first SIGINT or SIGTERM ends training after the iteration; the second kills as usual."""

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return

    def stop(number: int, frame: types.FrameType | None) -> None:
        recorder.asked = True
        for number in previous:
            signal.signal(number, previous[number])

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
