"""Plans a run: fills in and checks all settings before anything is written."""

import dataclasses
import importlib.util
import math
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, __version__, data, runs, settings
from tfgen.data import batches
from tfgen.models.base import GenerativeModel
from tfgen.settings import DEFAULT_STUDY, VALIDATION, DataSettings, RunSettings, TrainingSettings
from tfgen.studies import find
from tfgen.studies.study import Preset
from tfgen.training import fitting
from tfgen.training.schedule import schedules

NUMBERS_SINCE = "0.3.0"  # earlier versions compute other numbers from the same settings
# A tiny model that trains in seconds.
SMOKE_EPOCHS, SMOKE_EXAMPLES, SMOKE_BATCH, SMOKE_WIDTH = 2, 256, 64, 1 / 8


def plan(
    study: str,
    model: str,
    *,
    arguments: dict[str, Any] | None = None,
    attribute: str | None = None,
    run: str | os.PathLike | None = None,
    new: bool = False,
    smoke: bool = False,
    chief: bool = True,
    keep_epochs: bool = False,
    others: Iterable[runs.Run] = (),
    **options: Any,
) -> runs.Run:
    """Plans a new run, or one to be resumed. None means the study's default.

    Reads (or draws) and checks the data, but writes nothing.

    Args:
        study, model: keys of STUDIES.
        arguments: arguments of the model's builder that differ from its defaults.
        attribute: attribute to condition on, for models that are conditioned on attributes.
        run: folder; the default is runs/MODEL-DATASET, or runs/STUDY-MODEL-DATASET for studies other than dlcv2018.
        new: whether to append -2, -3, ... to the folder's name if it exists.
        smoke: whether to train a tiny model.
        chief: whether this process writes the run.
        keep_epochs: whether a run that is resumed keeps its number of epochs.
        others: runs that were planned before; runs on the same data read them once.
        options: fields of DataSettings and TrainingSettings.

    Raises:
        UserError: for settings that do not fit the model, and for a folder that contains another run.
    """
    preset = find(study, model)
    reading, training, unknown = settings.split(options)
    if unknown:
        raise TypeError(f"no settings are called {', '.join(sorted(unknown))}")
    if attribute and not preset.attributes:
        raise UserError(f"the model {model} is not conditioned on attributes: leave out --attribute.")
    reading, training = _filled(preset, reading, training, smoke)
    suffix = f"{model}-{reading.dataset}{'-smoke' if smoke else ''}"
    folder = os.path.expanduser(run or f"runs/{'' if study == DEFAULT_STUDY else f'{study}-'}{suffix}")
    if new:
        folder = unused(folder)
    if training.early_stopping and not preset.score.test_error:
        raise UserError(
            f"--early_stopping needs a reconstruction error, which only autoencoders have: leave it out for {model}."
        )
    before = runs.Run.open(folder).settings if (pathlib.Path(folder) / runs.RECORD).exists() else None
    training = dataclasses.replace(training, validation=_validation(training, before, folder))
    if before and keep_epochs:
        training = dataclasses.replace(training, epochs=before.training.epochs)
    narrow = {"width": SMOKE_WIDTH} if smoke else {}
    if any(letter in str(folder) for letter in "*?[]\\"):
        raise UserError(
            f"TensorFlow cannot read checkpoints from {folder}: choose another --run, without any of * ? [ ] \\ in it."
        )
    planned = runs.Run(
        folder,
        RunSettings(
            study,
            model,
            preset.defaults() | narrow | preset.convert(arguments or {}),
            (attribute,) if attribute else tuple(preset.attributes),
            reading,
            training,
            channels=0,
            versions=runs.versions(),
            started_with=__version__,
        ),
        chief=chief,
    )
    planned.sources = next((other.sources for other in others if other.settings.data == reading), planned.sources)
    planned.settings = _with_data(planned, preset.convert(arguments or {}))
    if before:
        if _minor(before.started_with) < _minor(NUMBERS_SINCE):
            raise UserError(
                f"{folder} was started with tfgen {before.started_with}, which orders the data and takes steps "
                "differently: it can be drawn, scored and exported, but not resumed; start a new run with --new or "
                "another --run."
            )
        _refuse_others(before, planned, folder)
        planned.settings = dataclasses.replace(planned.settings, started_with=before.started_with)
    elif chief and planned.folder.exists() and any(not path.name.startswith(".") for path in planned.folder.iterdir()):
        raise UserError(f"{planned.folder} contains other files and is not a run: choose another --run.")
    _check_later(planned)
    return planned


def _check_later(run: runs.Run) -> None:
    """Raises UserError if something is lacking that the run will need after hours of training."""
    training = run.settings.training
    if training.tensorboard and not importlib.util.find_spec("tensorboard"):
        raise UserError("--tensorboard needs the package tensorboard: install it with `pip install tensorboard`.")
    if training.evaluate_every:
        run.preset.score.check(run, "validation")
    if run.chief and not run.done:
        runs.check_writable(run.folder, "--run")
        check_room([run])


def check_room(planned: Iterable[runs.Run]) -> None:
    """Raises UserError if the disk has less room than the checkpoints of the runs take together."""
    total = 0
    for run in planned:
        there = next(path for path in (run.folder.absolute(), *run.folder.absolute().parents) if path.exists())
        disk = shutil.disk_usage(there)
        # While the newest is written, the others are still there.
        count = run.settings.training.keep + 1 - len(run.checkpoints.iterations())
        total += run.checkpoint_bytes * max(1, count)
        if total > disk.free:
            raise UserError(
                f"the checkpoints of {run.folder} need {_size(total)}, but its disk has {_size(disk.free)} left: free "
                "some space, or choose a smaller --keep or another --run."
                if total == run.checkpoint_bytes * max(1, count)
                else f"the checkpoints of the runs up to {run.folder} need {_size(total)}, but the disk has "
                f"{_size(disk.free)} left: free some space, or choose a smaller --keep."
            )


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.1f} MB"


def _minor(version: str) -> list[int]:
    return [int(number) for number in version.split(".")[:2]]


def _validation(training: TrainingSettings, before: RunSettings | None, folder: str) -> float:
    """The share of the training set to hold out: as given, as in the run that is resumed, or the default.

    Raises UserError if there is none but the run is to be evaluated.
    """
    share = training.validation
    if share is None:
        share = before.filled("validation") if before else VALIDATION if training.evaluate_every else 0.0
    if training.evaluate_every and not share:
        raise UserError(
            f"{folder} was trained without a validation part, which --evaluate_every and --early_stopping need: leave "
            "them out, or start a new run with --new or another --run."
            if before
            else "--evaluate_every and --early_stopping need a validation part: leave out --validation 0."
        )
    return share


def unused(folder: str) -> str:
    """The folder's name if it does not exist; otherwise with the first suffix of -2, -3, ... that is free."""
    names = (f"{folder}-{i}" if i > 1 else folder for i in range(1, 10_000))
    return next(name for name in names if not os.path.lexists(name))


def _filled(
    preset: Preset, reading: DataSettings, training: TrainingSettings, smoke: bool
) -> tuple[DataSettings, TrainingSettings]:
    """The settings, with the defaults of the study or of a tiny model for those that are None, except the epochs."""
    dataset = reading.dataset or preset.data
    folder = os.path.abspath(os.path.expanduser(reading.data_dir)) if reading.data_dir else None
    reading = dataclasses.replace(
        reading,
        dataset=dataset,
        data_dir=folder,
        image_size=reading.image_size or data.dataset(dataset, folder).image_size,
        examples=reading.examples or (SMOKE_EXAMPLES if smoke else None),
    )
    small = SMOKE_BATCH // 4 if preset.defaults().get("d_steps", 1) > 1 else SMOKE_BATCH  # several batches a step
    training = dataclasses.replace(
        training,
        epochs=training.epochs or (SMOKE_EPOCHS if smoke else None),
        batch_size=training.batch_size or (min(small, preset.batch_size) if smoke else preset.batch_size),
        evaluate_every=1 if training.early_stopping else training.evaluate_every,
        split=training.split or preset.split,
        ema=preset.ema if training.ema is None else training.ema,
    )
    return reading, training


def _with_data(run: runs.Run, given: dict[str, Any]) -> RunSettings:
    """The run's settings, completed from its data. Raises UserError if the data do not fit the model.

    `given` are the arguments of the builder that the user gave.
    """
    _ = run.pictures  # digests of all files, before some are held out
    source = run.training_source()
    for field in run.preset.needs:
        if getattr(source, field) is None:
            raise UserError(
                f"{run.settings.model} needs pictures with {field}, which {source.name} does not have: "
                "choose another --dataset."
            )
    fitting.fit_classes(run, given)
    fitting.warn_of_constants(run)
    source = run.training_source()
    run.settings = dataclasses.replace(run.settings, channels=source.images.shape[-1])
    model, training = run.build(), run.settings.training
    schedules(training.schedule, model.players)
    run.checkpoint_bytes = _bytes(model) + (_bytes(model, slots=False) if training.ema else 0)
    epochs = training.epochs or run.preset.epochs_on(len(source), run.settings.filled("batch_size"))
    return dataclasses.replace(
        run.settings,
        training=dataclasses.replace(training, epochs=epochs),
        pictures=len(source),
        data_fingerprint=source.fingerprint(),
        steps_per_epoch=batches.steps_per_epoch(source, run.settings.filled("batch_size"), model.batches_per_step),
    )


def _bytes(model: GenerativeModel, slots: bool = True) -> int:
    """Size of a model's weights and of its optimizers' slots."""
    parts = [*model.networks().values(), *(model.optimizers.values() if slots else ())]
    variables = [v for part in parts for v in (part.weights if isinstance(part, keras.Model) else part.variables)]
    return sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables)


def _refuse_others(old: RunSettings, new: runs.Run, folder: str) -> None:
    """Raises UserError with the differences if the run in the folder has other settings or data than the requested."""
    conflicts = old.conflicts(new.settings)
    if conflicts:
        raise UserError(
            f"{folder} was trained with {'; '.join(conflicts)}: use the old value to resume it, or "
            "start a new run with --new or another --run."
        )
    if old.data_fingerprint != new.settings.data_fingerprint:
        before = runs.Run(folder, dataclasses.replace(old, data=new.settings.data))
        before.sources, before.parts = new.sources, new.parts
        before.check_data()
