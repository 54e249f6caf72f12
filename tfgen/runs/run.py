"""A run: its settings and its folder."""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import pathlib
import platform
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgen import UserError, __version__, data, latents, program, settings
from tfgen.models.average import WeightAverage
from tfgen.runs import files
from tfgen.runs.checkpoints import Checkpoints
from tfgen.runs.history import EVALUATIONS, HISTORY, Evaluations, History
from tfgen.settings import DEFAULT_STUDY, VALIDATION, DataSettings, RunSettings, TrainingSettings
from tfgen.studies import STUDIES

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgen.data.source import Source
    from tfgen.models.base import GenerativeModel
    from tfgen.studies.study import Preset

RECORD, PICTURES = "record.json", "pictures.txt"
VALIDATION_SEED = 2018  # the same pictures are held out in all runs on the same data
PREPARED = 8_192  # training pictures that weights are set from before training
WITHOUT_COUNTER = "0.1.0"  # checkpoints of this version do not contain the model's step counter


def versions() -> dict[str, str]:
    """name -> version of everything that results may depend on."""
    packages = ["tensorflow", "keras", "numpy", "scikit-learn", "pillow"]
    return {
        "python": platform.python_version(),
        "tfgen": __version__,
        **{name: importlib.metadata.version(name) for name in packages},
    }


class Run:
    """A run: its folder and its settings.

    Args:
        folder: path of the run.
        settings: its RunSettings.
        best: whether to read the checkpoint with the best score instead of the newest.
        chief: whether this process writes the run's files; of several machines, only one does.

    Attributes:
        restored: iteration of the checkpoint that `model` was read from, None before. It is not the newest if that one
            is damaged.
        sources: split -> Source that was read; runs on the same data may share them.
        parts: split -> Source without the validation part, and that part.
        features: path of the network on whose features pictures are compared, None for the data set's classifier.
        checkpoint_bytes: size of one checkpoint, once the run is planned.
    """

    def __init__(self, folder: str | os.PathLike, settings: RunSettings, best: bool = False, chief: bool = True):
        self.folder = pathlib.Path(folder)
        self.settings = settings
        self.best = best
        self.chief = chief
        self.restored: int | None = None
        self.sources: dict[str, Source] = {}
        self.parts: dict[str, Source] = {}
        self.features: str | os.PathLike | None = None
        self.checkpoint_bytes = 0

    @classmethod
    def open(
        cls, folder: str | os.PathLike, best: bool | None = False, data_dir: str | os.PathLike | None = None
    ) -> "Run":
        """Opens the run in an existing folder.

        Args:
            folder: path of the run.
            best: whether to read the checkpoint with the best score instead of the newest; None to read it if there is
                one, and to say so.
            data_dir: folder of its data set, if that was moved since it was trained; built-in data have none.

        Raises:
            UserError: if there is no run, if this version of tfgen cannot read it, or if other data are in `data_dir`.
        """
        folder = os.path.expanduser(folder) if isinstance(folder, str) else folder  # a Path is taken as it is
        path = pathlib.Path(folder) / RECORD
        try:
            run = RunSettings.from_record(_completed(json.loads(path.read_text())))
            preset = STUDIES.get(run.study, {}).get(run.model)
            for name, default in (preset.defaults() if preset else {}).items():
                value = run.arguments.get(name, default)
                if not settings.OF_ARGUMENTS[type(default)].holds(value):
                    raise ValueError(f"its argument {name} is {value!r}")
        except FileNotFoundError:
            raise UserError(
                f"{folder} is not a run: it has no {RECORD}; train one with "
                f"`{program.command('train', '--model', 'acgan')}`."
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError) as error:
            raise UserError(
                f"{path} cannot be read as a run's record ({_said(error)}){_written_by(path)}: restore the file, "
                "or start a new run with another --run."
            ) from None
        unknown = run.arguments.keys() - preset.defaults().keys() if preset else set()
        if preset is None or unknown:
            gone = f"{run.model} with {', '.join(sorted(unknown))}" if unknown else f"{run.study} {run.model}"
            raise UserError(
                f"{folder} is a run of {gone}{_written_by(path)}, which this version of tfgen does not have: "
                "use the version of tfgen that trained it."
            )
        training = dataclasses.replace(
            run.training, split=run.training.split or preset.split, validation=run.training.validation or 0.0
        )
        arguments, reading = preset.defaults() | run.arguments, run.data
        if data_dir and reading.data_dir:
            reading = dataclasses.replace(reading, data_dir=os.path.abspath(os.path.expanduser(data_dir)))
        opened = cls(folder, dataclasses.replace(run, arguments=arguments, training=training, data=reading), bool(best))
        if best is None and (scored := opened.checkpoints.best()) is not None:
            if scored != opened._newest:
                program.tell(
                    f"{folder}: the best checkpoint is used, iteration {scored}; --newest uses that of iteration "
                    f"{opened._newest}."
                )
            opened.best = True
        if opened.settings.data.data_dir != run.data.data_dir:
            opened.check_data()
        return opened

    @property
    def record(self) -> dict[str, Any]:
        """The settings as record.json holds them."""
        return self.settings.to_record()

    @property
    def fresh(self) -> bool:
        """Whether nothing was written yet."""
        return not (self.folder / RECORD).exists()

    def set_epochs(self, epochs: int) -> None:
        """Sets the number of epochs of a run that has not started."""
        self.settings = dataclasses.replace(
            self.settings, training=dataclasses.replace(self.settings.training, epochs=epochs)
        )

    def write_record(self) -> None:
        """Writes record.json, and pictures.txt if pictures were read from files."""
        files.write_json(self.folder / RECORD, self.record)
        if self.pictures:
            with files.replacing(self.folder / PICTURES) as temporary:
                temporary.write_bytes(b"".join(b"%s  %s\n" % picture for picture in self.pictures))

    @property
    def preset(self) -> "Preset":
        """The study's Preset."""
        return STUDIES[self.settings.study][self.settings.model]

    def source(self, split: str) -> "Source":
        """The Source of one split, with pictures of this run's size and all attributes.

        Args:
            split: "train", "test", or "all" for both, without the validation part; or "validation", a random part of
                the training set that does not depend on the run's seed.

        Raises:
            UserError: for "validation" if the run has no such part.
        """
        share = self.settings.training.validation
        if split != "test" and share:
            if split == "all" and split not in self.parts:
                self.parts[split] = self.source("train") + self.source("test")
            elif split not in self.parts:
                self.parts["validation"], self.parts["train"] = self._read("train").apart(share, VALIDATION_SEED)
            return self.parts[split]
        if split == "validation":
            raise UserError(f"{self.folder} was trained without a validation part.")
        return self._read(split)

    def _read(self, split: str) -> "Source":
        if split not in self.sources:
            self.sources[split] = data.read(self.settings.data, split)
        return self.sources[split]

    def check_data(self) -> None:
        """Raises UserError if the data are not those that the run was trained with, and says what has changed."""
        source = self.training_source()
        known = self.settings.data_fingerprint
        if known not in (source.fingerprint(), source.fingerprint(by_name=True)):
            raise UserError(
                f"{self.folder} was not trained on {source.name} as it is now ({self._changed(len(source))}): restore "
                "the data, correct --data_dir, or start a new run with --new or another --run."
            )

    @functools.cached_property
    def pictures(self) -> list[tuple[bytes, bytes]]:
        """(digest, name) of each picture of the run's split, with the validation part; empty if the pictures were not
        read from one file each.
        """
        split, share = self.settings.filled("split"), self.settings.training.validation
        found = []
        for part in ("train", "test") if split == "all" and share else (split,):
            source = self._read(part)
            names, digests = source.file_names(), source.digests()
            if names is None or digests is None:
                return []
            short = (hashlib.blake2b(row.tobytes(), digest_size=8).hexdigest().encode() for row in digests)
            found += [(digest, name.replace(b"\n", b" ")) for digest, name in zip(short, names, strict=True)]
        return found

    def _changed(self, pictures: int) -> str:
        """What has changed in the data since the run was trained, as far as it is known."""
        now = self.pictures
        try:
            lines = (self.folder / PICTURES).read_bytes().removesuffix(b"\n").split(b"\n")
            before = [(digest, name) for digest, name in (line.split(b"  ", 1) for line in lines)]
        except (OSError, ValueError):
            before = []
        if now and before:
            added, gone = _lacking(now, before), _lacking(before, now)
            told = [
                _counted("added", added - gone),
                _counted("removed", gone - added),
                _counted("changed", added & gone),
            ]
            return "; ".join(filter(None, told)) or "the labels, attributes or order of its pictures differ"
        if self.settings.pictures not in (None, pictures):
            return f"it has {pictures:,} training pictures instead of {self.settings.pictures:,}"
        return "its pictures, labels or attributes differ"

    @property
    def seen_test(self) -> bool:
        """Whether the model is trained on the test set too, so that its scores on it are those of pictures it knows."""
        return self.settings.training.split == "all"

    def training_source(self) -> "Source":
        """The training data: the run's split with the attributes that the model is conditioned on."""
        return self.source(self.settings.filled("split")).select(self.settings.attributes)

    def build(self) -> "GenerativeModel":
        """The compiled model with fresh weights."""
        import keras

        size, training = self.settings.data.image_size, self.settings.training
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(settings.PRECISIONS[training.precision])
        try:
            model = self.preset.build((size, size, self.settings.channels), **self.settings.arguments)
        finally:
            keras.config.set_dtype_policy(before)
        if training.jit:
            model.jit_compile = True
        if training.sync_bn:
            synchronize(model)
        return model

    def untrained(self) -> "GenerativeModel":
        """The model as training starts: `build`, with the weights that the study sets from the training pictures."""
        model = self.build()
        if self.preset.prepare:
            source = self.training_source()
            places = np.unique(np.linspace(0, len(source) - 1, PREPARED).astype(int))
            self.preset.prepare(model, source.floats(places), latents.told(model, source[places]))
        return model

    def average(self, model: "GenerativeModel") -> WeightAverage | None:
        """The WeightAverage of a model of this run, None if the run has none. Call it in the model's strategy scope."""
        decay = self.settings.training.ema
        return WeightAverage(model, decay) if decay else None

    def checkpoint(self, model: "GenerativeModel", average: WeightAverage | None = None) -> "tf.train.Checkpoint":
        """The checkpoint of a model of this run, in the format of the tfgen version that started the run."""
        older = self.settings.started_with == WITHOUT_COUNTER != __version__
        return checkpoint(model, average, counter=not older)

    @functools.cached_property
    def model(self) -> "GenerativeModel":
        """The model with the newest, or best, checkpoint's weights or their moving average.

        Raises UserError if there is none.
        """
        model = self.build()
        average = self.average(model)
        iteration = self.iteration if self.best else None
        state = self.checkpoints.restore(
            self.checkpoint(model, average), lambda said: program.tell(f"{self.folder}: {said}"), iteration
        )
        if not state or state["iteration"] == 0:
            raise UserError(f"{self.folder} has no checkpoint yet: continue it with `{self.command()}`.")
        self.restored = state["iteration"]
        if average:
            average.use()
        return model

    @property
    def checkpoints(self) -> Checkpoints:
        """The Checkpoints of this run."""
        return Checkpoints(self.folder / "checkpoints", self.settings.training.keep)

    @property
    def _newest(self) -> int:
        return max(self.checkpoints.iterations(), default=0)

    @property
    def iteration(self) -> int:
        """Iteration of the newest, or best, checkpoint; 0 before the first.

        Raises UserError if no checkpoint has a score.
        """
        if not self.best:
            return self._newest
        best = self.checkpoints.best()
        if best is None:
            raise UserError(
                f"{self.folder} was trained without scores, so it has no best checkpoint: train with "
                "--evaluate_every N."
            )
        return best

    @property
    def seconds(self) -> float:
        """Training time up to the checkpoint that was read; before that, up to the newest or best."""
        return self.checkpoints.state(self.restored or self.iteration).get("seconds", 0.0)

    @property
    def done(self) -> bool:
        """Whether the run has reached its last iteration or stopped early."""
        waited = self.checkpoints.state(self._newest).get("waited", 0)
        return self._newest >= self.iterations or 0 < self.settings.training.early_stopping <= waited

    @property
    def steps_per_epoch(self) -> int:
        """Number of iterations in one epoch."""
        return self.settings.filled("steps_per_epoch")

    @property
    def iterations(self) -> int:
        """Total number of iterations."""
        return self.settings.filled("epochs") * self.steps_per_epoch

    def history(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,) int, log: (n,) float} up to the newest checkpoint."""
        return History(self.folder / HISTORY).read(self._newest)

    def evaluations(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,), "seconds": (n,), name: (n,)} of the evaluations during training; empty without any."""
        return Evaluations(self.folder / EVALUATIONS).read()

    def command(self) -> str:
        """The command that trains or resumes this run, with the flags that differ from the study's settings."""
        run, preset = self.settings, self.preset
        size = data.dataset(run.filled("dataset"), run.data.data_dir).image_size
        words = [
            *settings.words(run.data, DataSettings(preset.data, image_size=size)),
            *settings.words(run.training, self._usual()),
        ]
        for name, value in run.arguments.items():
            if value != preset.defaults()[name] and name != "classes":  # follows from the data
                words += [f"--{name}", value]
        for name in run.attributes:
            if name not in preset.attributes:
                words += ["--attribute", name]
        return train_command(run.study, run.model, *words, "--run", self.folder)

    def _usual(self) -> TrainingSettings:
        """The settings of training that a run has without flags, or with those that it has for its evaluation."""
        run, preset = self.settings, self.preset
        share = VALIDATION if run.training.evaluate_every else 0.0
        epochs = preset.epochs_on(run.pictures, run.filled("batch_size")) if run.pictures else preset.epochs
        return TrainingSettings(epochs, preset.batch_size, split=preset.split, validation=share, ema=preset.ema)

    def lock(self) -> contextlib.AbstractContextManager:
        """Locks the folder for this process. Raises UserError if another process has the lock."""
        return files.lock(self.folder)


def _lacking(some: list[tuple[bytes, bytes]], others: list[tuple[bytes, bytes]]) -> set[bytes]:
    """The names of the pictures (digest, name) whose content is not among the others, or not as often."""
    left = collections.Counter(digest for digest, _ in others)
    left.subtract(digest for digest, _ in some)
    lacking = set()
    for digest, name in reversed(some):
        if left[digest] < 0:
            left[digest] += 1
            lacking.add(name)
    return lacking


def _counted(what: str, names: set[bytes]) -> str:
    """ "2 pictures were added: A, B"; "" if there are none."""
    if not names:
        return ""
    some = ", ".join(os.fsdecode(name) for name in sorted(names)[:3]) + ", ..." * (len(names) > 3)
    return f"{len(names):,} picture{'s were' if len(names) > 1 else ' was'} {what}: {some}"


def _completed(record: dict[str, Any]) -> dict[str, Any]:
    """A record of version 0.1.0 or later, with the names and keys of this version."""
    if "score_every" in record:  # until 0.3
        record = {"evaluate_every" if name == "score_every" else name: value for name, value in record.items()}
    if "channels" in record:
        return record
    return record | {"reading": {}, "channels": data.dataset(record["dataset"]).channels}


def _said(error: Exception) -> str:
    """What is wrong with a record, in words that fit into a sentence."""
    if isinstance(error, KeyError):
        return f"it lacks {error.args[0]}"
    return str(error).rstrip(".") or type(error).__name__


def _written_by(path: pathlib.Path) -> str:
    """ ", written by tfgen X" if a record says so and X is another version than this, else ""."""
    try:
        version = str(json.loads(path.read_text())["versions"]["tfgen"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    this = versions()["tfgen"]
    return "" if version == this else f", written by tfgen {version} (this is {this})"


def synchronize(model: "GenerativeModel") -> None:
    """Synchronizes a model's batch normalization across replicas."""
    import keras

    for network in model.networks().values():
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True


def checkpoint(
    model: "GenerativeModel", average: WeightAverage | None = None, counter: bool = True
) -> "tf.train.Checkpoint":
    """The tf.train.Checkpoint of a model and of its WeightAverage, if any, with or without the model's step counter."""
    more = {"average": average.checkpoint()} if average else {}
    return model.checkpoint(**more) if counter else model.checkpoint(counter=False, **more)


def share_sources(opened: Iterable[Run]) -> None:
    """Lets runs of the same data set read it once."""
    shared: dict[str, dict[str, Source]] = {}
    for run in opened:
        data = json.dumps([run.record[key] for key in ("dataset", "data_dir", "image_size", "examples", "reading")])
        run.sources = shared.setdefault(data, run.sources)


def train_command(study: str, model: str, *words: object) -> str:
    """The command that trains a model of a study, with additional flags."""
    return program.command("train", *([] if study == DEFAULT_STUDY else ["--study", study]), "--model", model, *words)


def find(
    folder: str | os.PathLike = "runs", best: bool | None = False, data_dir: str | os.PathLike | None = None
) -> tuple[list[Run], list[str]]:
    """Finds the runs below a folder, and a sentence for each that cannot be read. The arguments are as in `Run.open`.

    The most recent run comes first; the runs of experiments, which are in subfolders, come last.
    """
    found, complaints = [], []
    for path in sorted(
        pathlib.Path(os.path.expanduser(folder) if isinstance(folder, str) else folder).glob(f"**/{RECORD}"),
        key=lambda path: (len(path.parts), -path.stat().st_mtime),
    ):
        try:
            found.append(Run.open(path.parent, best, data_dir))
        except UserError as error:
            complaints.append(str(error))
    return found, complaints
