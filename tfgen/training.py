"""From arguments to a trained run: what will be trained, on which devices, to the end in spite of what comes between."""

import contextlib
import functools
import json
import os
import re
import signal
import zlib

import keras
import tensorflow as tf

from tfgen import UserError, callbacks, data, devices, runs
from tfgen.data import batches
from tfgen.studies import DEFAULT_STUDY, find

SMOKE = {"epochs": 2, "examples": 256, "batch_size": 64, "width": 1 / 8}  # a minute of everything at toy size
TRIES = 3  # at going on with other noise where a log is no finite number
FREE = {
    "arguments",
    "versions",
    "pictures",
    "epochs",
    "steps_per_epoch",
    "checkpoint_every",
    "keep",
}  # may differ between two parts of a run; arguments are compared one by one


def plan(
    study,
    model,
    *,
    arguments,
    run=None,
    new=False,
    smoke=False,
    dataset=None,
    data_dir=None,
    image_size=None,
    reading=None,
    cache_gb=None,
    attribute=None,
    examples=None,
    batch_size=None,
    epochs=None,
    chief=True,
    **settings,
):
    """The Run that these choices name, new or there already; None means the study's own.

    Reads (or draws) and checks the data, writes nothing.

    Args:
        study, model: keys of STUDIES.
        arguments: dict of the builder's arguments that differ from its defaults.
        run: folder; the default is runs/MODEL-DATASET, or runs/STUDY-MODEL-DATASET for another study than the homework.
        new: whether to start beside a run that is there, in that folder's name with -2, -3, ...
        smoke: toy size.
        dataset, data_dir, image_size, cache_gb: see `tfgen.data.load`.
        reading: dict of its options.
        attribute: the one to condition on, for models that do.
        examples: at most so many of each split.
        batch_size, epochs: integers.
        chief: whether this process writes the run.
        settings: see `runs.SETTINGS`.

    Raises:
        UserError: for arguments that do not fit the model, and for a folder that holds a run with others.
    """
    if unknown := set(settings) - set(runs.SETTINGS):
        raise TypeError(f"no settings are called {', '.join(sorted(unknown))}")
    preset = find(study, model)
    if attribute and not preset.attributes:
        raise UserError(f"--attribute goes with models that are given attributes, and {model} is given none.")
    dataset = dataset or preset.data
    folder = run or f"runs/{'' if study == DEFAULT_STUDY else f'{study}-'}{model}-{dataset}{'-smoke' if smoke else ''}"
    if new:
        folder = unused(folder)
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
    }
    planned = runs.Run(
        folder, record | {name: value for name, value in settings.items() if value is not None}, cache_gb
    )
    record = planned.record
    check_settings(preset, model, record)
    source = planned.training_source()
    if record["score_every"]:
        planned.source("test")  # is there, or nothing begins
    for field in preset.needs:
        if getattr(source, field) is None:
            raise UserError(
                f"{model} is trained on pictures with {field}, which {source.name} does not have: choose another --dataset."
            )
    record["channels"] = source.images.shape[-1]
    record["pictures"], record["data_fingerprint"] = len(source), source.fingerprint()
    record["steps_per_epoch"] = batches.steps_per_epoch(source, record["batch_size"])
    record["versions"] = runs.versions()
    if (planned.folder / runs.RECORD).exists():
        refuse_others(runs.Run.open(folder).record, record, folder)
    elif chief and planned.folder.exists() and any(not path.name.startswith(".") for path in planned.folder.iterdir()):
        raise UserError(f"{planned.folder} holds other files and no run: choose another --run.")
    return planned


def unused(folder):
    """The folder's name, with the first of -2, -3, ... that is not there if it is."""
    names = (f"{folder}-{i}" if i > 1 else folder for i in range(1, 10_000))
    return next(name for name in names if not os.path.lexists(name))


def check_settings(preset, model, record):
    """Fills in what follows from a record's settings. Raises UserError for those that do not fit the model."""
    if record["precision"] not in runs.PRECISIONS:
        raise UserError(f"--precision takes {', '.join(runs.PRECISIONS)}, not {record['precision']!r}.")
    if record["early_stopping"]:
        if not preset.score.test_error:
            raise UserError(
                f"--early_stopping goes with autoencoders, which have a test error, and {model} is none: leave it out."
            )
        record["score_every"] = 1


def refuse_others(old, new, folder):
    """Raises UserError that shows how the record of a run differs from that of another run asked for in its folder."""
    free = FREE - ({"epochs"} if new["schedule"] != "constant" else set())
    before, after = (
        {name: value for name, value in record.items() if name not in free} | record["arguments"]
        for record in (old, new)
    )
    different = [
        f"{name} {before.get(name)}, not {value}" for name, value in after.items() if before.get(name) != value
    ]
    if different:
        raise UserError(
            f"{folder} was trained with {'; '.join(different)}: give the old value to continue it, or --new or another --run to train beside it."
        )


def train(run, strategy=None, tensorboard=False, profile=False):
    """Trains a planned run from its newest checkpoint, or from the start, to its last iteration. Returns whether it got
    there.

    Ctrl-C and SIGTERM end it after the iteration at hand, with a checkpoint. Where a log or a weight is no finite
    number, it goes back to the checkpoint before and on with other noise.

    Args:
        run: from `plan`.
        strategy: from `devices.strategy`, None for one device.
        tensorboard, profile: whether to write for TensorBoard what `callbacks` says.

    Raises:
        UserError: if the batch cannot be shared by the devices, another process trains the run, the disk is full, or it
            fails for the fourth time at one place.
    """
    strategy = strategy or tf.distribute.get_strategy()
    chief = devices.is_chief(strategy)
    check_devices(run.record, strategy)
    if not (run.record["jit"] or tf.config.list_physical_devices("GPU")):  # with it Keras compiles nothing
        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(run.record["seed"])
    with strategy.scope():
        model = run.build()
        average = run.average(model)
    schedule = callbacks.Schedule(
        run, model, schedules(run.record["schedule"], model.players)
    )  # before a checkpoint brings a rate that has fallen
    with stopping_together(strategy, run), run.lock() if chief else contextlib.nullcontext():
        if chief:
            runs.write_json(run.folder / runs.RECORD, run.record)
        recorder = callbacks.Recorder(run, model, average, chief, functools.partial(devices.anywhere, strategy))
        same_everywhere(strategy, run, recorder)
        if recorder.iteration >= run.iterations or recorder.early:
            return True
        progress = callbacks.Progress(recorder)
        with stopping_on_signals(recorder), contextlib.closing(progress):
            source = run.training_source()
            more = [schedule, *([callbacks.Watch(recorder, source.floats(slice(64))), progress] if chief else [])]
            more += [
                kind(recorder)
                for kind, wanted in ((callbacks.TensorBoard, tensorboard), (callbacks.Profile, profile))
                if wanted and chief
            ]
            tries, place = 0, None
            while not recorder.stopped:
                fit(run, strategy, model, source, recorder, more)
                recorder.save()
                if not recorder.failure:
                    break
                tries, place = tries + 1 if recorder.saved == place else 1, recorder.saved
                go_back(recorder, tries)
        return recorder.early or recorder.iteration == run.iterations


def check_devices(record, strategy):
    """Raises UserError for settings of a record that the devices cannot follow."""
    replicas = strategy.num_replicas_in_sync
    if record["batch_size"] % replicas:
        raise UserError(
            f"a batch of {record['batch_size']} cannot be shared evenly by {replicas} devices: choose a --batch_size that {replicas} divides."
        )
    if record["jit"] and replicas > 1:
        raise UserError("--jit compiles for one device: give --devices 1, or leave --jit out.")
    if record["score_every"] and devices.several_machines(strategy):
        raise UserError(
            "--score_every and --early_stopping go with one machine: leave them out, and `score` the run when it is done."
        )


def same_everywhere(strategy, run, recorder):
    """Raises UserError if several machines were not given the same run."""
    text = json.dumps(
        {name: value for name, value in run.record.items() if name not in ("versions", "data_dir")}, sort_keys=True
    )
    if not devices.agree(strategy, zlib.crc32(text.encode()) >> 8):
        raise UserError(
            "the machines were given different arguments, seeds or data: give all of them the same command."
        )
    if not devices.agree(strategy, recorder.iteration):
        raise UserError(
            f"the machines find different checkpoints in {run.folder}: it must be one folder, on a disk that all of them share."
        )


@contextlib.contextmanager
def stopping_together(strategy, run):
    """Within, what TensorFlow raises where another machine has stopped is a UserError."""
    try:
        yield
    except tf.errors.OpError:
        if not devices.several_machines(strategy):
            raise
        # The step at hand was done in part: nothing is saved.
        raise UserError(
            "another machine of this run has stopped or cannot be reached: give every machine the same command again; it goes on from iteration "
            f"{run.iteration}."
        ) from None


def fit(run, strategy, model, source, recorder, more):
    """Trains until the end, a signal or a failure."""
    # One pass over all remaining steps: the iteration, not Keras's epoch, is what a resumed run counts on.
    steps = devices.feed(
        strategy,
        source,
        run.record["batch_size"],
        seed=run.record["seed"],
        start=recorder.iteration,
        stop=run.iterations,
        redraws=recorder.state["redraws"],
    )
    try:
        model.fit(
            steps,
            epochs=1,
            steps_per_epoch=run.iterations - recorder.iteration,
            verbose=0,
            shuffle=False,
            callbacks=[recorder, *more],
        )
    except tf.errors.OpError as error:
        bad = re.search(
            r"UserError: (.*)", str(error)
        )  # a file decoded while training is damaged: tf.data wraps what Python raised
        if not bad:
            raise
        recorder.save()
        raise UserError(bad[1]) from None


def go_back(recorder, tries):
    """Takes a failed run back to its newest checkpoint and other noise. Raises UserError after TRIES."""
    iteration, log, value = recorder.failure
    failed = f"{log} was {value} at iteration {iteration}"
    if tries > TRIES:
        raise UserError(
            f"{failed} again, with other noise too: the checkpoint of iteration {recorder.saved} is whole; try lower learning rates or --precision float32 with --new."
        )
    redraws = recorder.state["redraws"] + 1
    recorder.start()
    recorder.state["redraws"] = redraws
    callbacks.tell(f"{failed}: back to iteration {recorder.iteration} and on with other noise ({tries} of {TRIES}).")


def schedules(text, players):
    """player -> name of its schedule, of "NAME" for all or "PLAYER=NAME,...", where those left out stay constant.

    Raises:
        UserError: for a name that is none.
    """
    named = dict.fromkeys(players, "constant")
    for part in text.split(","):
        player, equals, name = part.rpartition("=")
        if name not in callbacks.SCHEDULES or (equals and player not in named):
            raise UserError(
                f"--schedule takes {', '.join(callbacks.SCHEDULES)}, or PLAYER=NAME,... with players of {', '.join(named)}, not {text!r}."
            )
        named |= {player: name} if equals else dict.fromkeys(players, name)
    return named


@contextlib.contextmanager
def stopping_on_signals(recorder):
    """Within, the first SIGINT or SIGTERM lets training end after its iteration; the second kills as usual."""

    def stop(number, frame):
        recorder.asked = True
        for number in previous:
            signal.signal(number, previous[number])

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
