"""What a run is, as typed values: how its data are read, how it is trained, and what was found in the data.

A setting is one field. Its default, its help text, and what it means for a run stand there and nowhere else. The flags
of the command line, the record in a run's folder, the check of a resumed run, the command that a run prints, the
comparison of runs in a report, and what several machines must agree on all come from the fields. A new setting of the
training is a new field of TrainingSettings, and the code that reads `run.settings.training.NAME`.

Imports neither NumPy nor TensorFlow, so that `--help` is quick.
"""

import dataclasses
import fractions
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from tfgen import UserError

DEFAULT_STUDY = "dlcv2018"
FIRST = "0.1.0"  # the version that wrote records without their version
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}  # -> Keras's dtype policy


@dataclasses.dataclass(frozen=True)
class Kind:
    """The values that a setting may have.

    Attributes:
        takes: what they are, in words.
        read: text -> value; raises ValueError or ZeroDivisionError for other texts.
        holds: whether a value is one of them.
        metavar: stands for the value in help texts; empty for a switch.
    """

    takes: str
    read: Callable[[str], Any]
    holds: Callable[[Any], bool]
    metavar: str = ""

    def parse(self, text: str) -> Any:
        """The value of a text. Raises ValueError with a message for the user."""
        try:
            value = self.read(text)
        except (ValueError, KeyError, ZeroDivisionError):
            raise ValueError(f"{text!r} is not {self.takes}") from None
        if not self.holds(value):
            raise ValueError(f"{text!r} is not {self.takes}")
        return value

    def named(self, metavar: str) -> "Kind":
        """The same values, shown as `metavar` in help texts."""
        return dataclasses.replace(self, metavar=metavar)


def one_of(*values: Any) -> Kind:
    """The Kind of a few texts or numbers."""
    texts = {str(value): value for value in values}
    *most, last = texts
    return Kind(f"{', '.join(most)} or {last}", texts.__getitem__, values.__contains__, "|".join(texts))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError
    return int(text)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(text: str) -> float:
    return float(fractions.Fraction(text))


POSITIVE = Kind("a whole number of at least 1", _whole, lambda value: _is_whole(value) and value >= 1, "N")
SEED = Kind("a whole number from 0 to 4294967295", _whole, lambda value: _is_whole(value) and 0 <= value < 2**32, "N")
NUMBER = Kind("a number of at least 0", _number, lambda value: _is_number(value) and value >= 0, "X")
AMOUNT = Kind("a number above 0", _number, lambda value: _is_number(value) and value > 0, "X")
SHARE = Kind("a number from 0 to below 1", _number, lambda value: _is_number(value) and 0 <= value < 1, "X")
TEXT = Kind("a name", str, lambda value: isinstance(value, str), "NAME")
PATH = Kind("a path", os.path.expanduser, lambda value: isinstance(value, str | os.PathLike), "DIR")
NAMES = Kind(
    "a list of names, separated by commas",
    lambda text: tuple(text.split(",")),
    lambda value: isinstance(value, tuple) and all(isinstance(one, str | int) for one in value),
    "A,B",
)
SIZES = (8, 16, 32, 64, 128, 256, 512)
SIZE = Kind("a power of two from 8 to 512, because networks halve and double it", _whole, SIZES.__contains__, "PIXELS")
BOOLEAN = Kind(
    "true or false", lambda text: {"true": True, "false": False}[text.lower()], lambda v: isinstance(v, bool)
)
DEVICES = Kind(
    "a whole number of at least 1, or all",
    lambda text: text if text == "all" else _whole(text),
    lambda value: value == "all" or POSITIVE.holds(value),
    "N|all",
)
OF_ARGUMENTS = {bool: BOOLEAN, int: POSITIVE, float: NUMBER, str: TEXT}  # type of a builder's default -> Kind


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known of a field beside its name, type and default.

    Attributes:
        kind: its values.
        help: for the user, without the default.
        resume: whether a run may go on with another value; a function decides it from the new RunSettings. Only for
            what does not change the weights that an iteration leaves.
        compare: whether two runs must have the same value to be shown side by side in an experiment's figure.
        record: whether it is part of the run's record; else it holds for one command.
        machines: whether the several machines that train one run must have the same value.
        group: the key of the record that it is kept below, of those that only some data sets take.
    """

    kind: Kind
    help: str
    resume: "bool | Callable[[RunSettings], bool]" = False
    compare: bool = True
    record: bool = True
    machines: bool = True
    group: str = ""


def setting(default: Any, kind: Kind, help: str, **more: Any) -> Any:
    """A dataclass field with its Setting."""
    return dataclasses.field(default=default, metadata={"setting": Setting(kind, help, **more)})


def described(settings: Any) -> dict[str, tuple[Any, Setting]]:
    """name -> (default, Setting) of every setting of a dataclass, or of an instance of it."""
    return {
        field.name: (field.default, field.metadata["setting"])
        for field in dataclasses.fields(settings)
        if "setting" in field.metadata
    }


class _Checked:
    """Settings that are checked when they are made; those of some data sets only, by the data set's reader."""

    def __post_init__(self) -> None:
        for name, (default, about) in described(self).items():
            value = getattr(self, name)
            if isinstance(value, list):
                value = tuple(value)
                object.__setattr__(self, name, value)
            if value != default and not about.group and not about.kind.holds(value):
                raise UserError(f"--{name} takes {about.kind.takes}, not {value!r}.")


@dataclasses.dataclass(frozen=True)
class DataSettings(_Checked):
    """How a data set is read. None is the data set's, or the study's, own choice."""

    dataset: str | None = setting(
        None, TEXT, "faces, digits, ..., or a name from tensorflow-datasets; see `data list` (default: the study's)"
    )
    # May change when the data set is moved: the fingerprint says whether the pictures are the same.
    data_dir: str | None = setting(None, PATH, "folder of a data set that is not built in", resume=True, machines=False)
    image_size: int | None = setting(None, SIZE, "side length of the pictures, a power of two from 8 to 512")
    examples: int | None = setting(None, POSITIVE, "use at most the first N pictures of each split")
    cache_gb: float | None = setting(
        None,
        AMOUNT.named("GB"),
        "keep decoded data sets up to this size in memory (default: a quarter of the memory)",
        record=False,
    )
    only: tuple[str, ...] | None = setting(
        None, NAMES, "use only these classes of a labelled data set, for example bird,horse", group="reading"
    )
    channels: int | None = setting(None, one_of(1, 3), "convert pictures to grey (1) or color (3)", group="reading")
    crop: int | None = setting(
        None,
        POSITIVE.named("PIXELS"),
        "side length of the central square taken from CelebA's official pictures: 178, 148 or 108",
        group="reading",
    )
    depth_unit: float | None = setting(
        None,
        AMOUNT.named("METERS"),
        "what one step of a depth picture's values means, for example .001 or 10/255",
        group="reading",
    )
    # May change: the fingerprint says whether the pictures are the same.
    skip_bad: bool = setting(
        False, BOOLEAN, "skip missing and damaged files, and print how many", resume=True, group="reading"
    )

    def options(self) -> dict[str, Any]:
        """The settings given that only some data sets take, less `only`: name -> value."""
        return {
            name: getattr(self, name)
            for name, (default, about) in described(self).items()
            if about.group and name != "only" and getattr(self, name) != default
        }


@dataclasses.dataclass(frozen=True)
class TrainingSettings(_Checked):
    """How a run is trained, beside the model's own arguments. None is the study's own choice."""

    # With a schedule the rates depend on the number of epochs.
    epochs: int | None = setting(
        None,
        POSITIVE,
        "passes over the data; a larger number extends a finished run (default: the study's)",
        resume=lambda run: run.training.schedule == "constant",
    )
    batch_size: int | None = setting(None, POSITIVE, "pictures in a batch (default: the study's)")
    schedule: str = setting(
        "constant",
        TEXT,
        "how learning rates change over the epochs: constant, linear or cosine; or PLAYER=NAME,... for some players",
    )
    seed: int = setting(0, SEED, "random seed of the weights, the order of the data, and the latents")
    precision: str = setting(
        "float32", one_of(*PRECISIONS).named("TYPE"), "of the layers: float32, bfloat16 or float16"
    )
    ema: float = setting(
        0.0, SHARE.named("DECAY"), "generate pictures with a moving average of the weights, for example .999"
    )
    # Scoring reads weights and changes none.
    score_every: int = setting(
        0, POSITIVE, "evaluate every N epochs and also keep the best checkpoint", resume=True, compare=False
    )
    # Like `epochs`, says when training ends, not what it does until then.
    early_stopping: int = setting(
        0,
        POSITIVE.named("EPOCHS"),
        "evaluate every epoch, and stop an autoencoder when its test error has not improved for this many",
        resume=True,
    )
    checkpoint_every: int = setting(
        0,
        POSITIVE,
        "also save a checkpoint every N iterations, not only at the end of each epoch",
        resume=True,
        compare=False,
    )
    keep: int = setting(2, POSITIVE, "number of newest checkpoints to keep", resume=True, compare=False)
    sync_bn: bool = setting(False, BOOLEAN, "use the statistics of all devices in batch normalization")
    jit: bool = setting(False, BOOLEAN, "compile the training step with XLA; for a GPU")
    # These say where and beside what a process trains; a run may go on without them, or with others.
    devices: int | str | None = setting(
        None,
        DEVICES,
        "number of devices of this machine (default: all GPUs); for several machines set TF_CONFIG",
        record=False,
    )
    tensorboard: bool = setting(
        False, BOOLEAN, "write logs and samples for TensorBoard to the run's tensorboard/", record=False
    )
    profile: bool = setting(False, BOOLEAN, "write a trace of ten iterations to the run's profile/", record=False)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """What a run is: all that rebuilds its model and reads its data again.

    Attributes:
        study, model: keys of `tfgen.studies.STUDIES`.
        arguments: all arguments of the model's builder.
        attributes: names of the attributes that the model is conditioned on.
        data, training: see there.
        channels, pictures, data_fingerprint, steps_per_epoch: what was found in the data.
        versions: package -> version, of the last training.
        started_with: version of tfgen that started the run.
    """

    study: str
    model: str
    arguments: dict[str, Any]
    attributes: tuple[str, ...]
    data: DataSettings
    training: TrainingSettings
    channels: int
    pictures: int | None = None
    data_fingerprint: str | None = None
    steps_per_epoch: int | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    started_with: str = ""

    def filled(self, name: str) -> Any:
        """The value of a setting that a planned run has, though by itself it may be None.

        Raises ValueError if it is None.
        """
        place = next(one for one in (self, self.data, self.training) if hasattr(one, name))
        value = getattr(place, name)
        if value is None:
            raise ValueError(f"the run has no {name} yet")
        return value

    def to_record(self) -> dict[str, Any]:
        """The run as JSON holds it: one dict of all settings, those with a group in a dict of its own."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("data", "training")}
        record = own | {"attributes": list(self.attributes), "reading": {}}
        for name, about, value in _settings(self):
            value = list(value) if isinstance(value, tuple) else value
            if about.record and not about.group:
                record[name] = value
            elif about.record and value != described(DataSettings)[name][0]:
                record[about.group][name] = value
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "RunSettings":
        """The run of a record; settings that it lacks have their default.

        Raises:
            KeyError, TypeError, ValueError, UserError: for what is no record of this version or an older one.
        """
        reading = DataSettings(**_part(DataSettings, record))
        training = TrainingSettings(**_part(TrainingSettings, record))
        own = {field.name for field in dataclasses.fields(cls)} - {"data", "training"}
        known = own | _recorded("") | {"reading"}
        if unknown := [*(record.keys() - known), *(record["reading"].keys() - _recorded("reading"))]:
            raise ValueError(f"it has the unknown {', '.join(sorted(unknown))}")
        for name in ("dataset", "image_size", "batch_size", "epochs", "steps_per_epoch"):
            if record[name] is None:
                raise ValueError(f"it has no {name}")
        whole = {name: record[name] for name in own if name in record}
        started = record.get("started_with") or dict(record.get("versions") or {}).get("tfgen", FIRST)
        whole |= {"attributes": tuple(record["attributes"]), "started_with": started}
        return cls(data=reading, training=training, **whole)

    def conflicts(self, other: "RunSettings") -> list[str]:
        """How this run differs from `other`, the same run to be resumed, where a resumed run may not: a text each."""
        for name in ("study", "model"):
            if getattr(self, name) != getattr(other, name):
                return [f"{name} {getattr(self, name)}, not {getattr(other, name)}"]
        pairs = [(name, self.arguments.get(name), value) for name, value in other.arguments.items()]
        for (name, about, before), (_, _, after) in zip(_settings(self), _settings(other), strict=True):
            free = about.resume(other) if callable(about.resume) else about.resume
            if about.record and not free:
                pairs.append((name, before, after))
        pairs += [
            (name, getattr(self, name), getattr(other, name)) for name in ("attributes", "channels", "data_fingerprint")
        ]
        return [f"{name} {_shown(before)}, not {_shown(after)}" for name, before, after in pairs if before != after]

    def compared(self, *parts: str) -> dict[str, Any]:
        """name -> value of the settings that must be equal in runs shown side by side, of `parts`: data, training."""
        values = {name: value for name, about, value in _settings(self, *parts) if about.compare and about.record}
        return values | {"color_channels": self.channels}

    def everywhere(self) -> dict[str, Any]:
        """The part of the record that must be the same on all machines that train the run."""
        differing = {name for name, about, _ in _settings(self) if not about.machines}
        return {name: value for name, value in self.to_record().items() if name not in {*differing, "versions"}}


def _settings(run: RunSettings, *parts: str) -> Iterator[tuple[str, Setting, Any]]:
    """(name, Setting, value) of the settings of a run, or of some of its parts."""
    for part in parts or ("data", "training"):
        values = getattr(run, part)
        for name, (_, about) in described(values).items():
            yield name, about, getattr(values, name)


def _part(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    """The settings of a dataclass that a record has."""
    abouts = {name: about for name, (_, about) in described(kind).items() if about.record}
    places = {name: record[about.group] if about.group else record for name, about in abouts.items()}
    return {name: place[name] for name, place in places.items() if name in place}


def _recorded(group: str) -> set[str]:
    """Names of the settings that a record has below a group, or ungrouped."""
    abouts = [*described(DataSettings).items(), *described(TrainingSettings).items()]
    return {name for name, (_, about) in abouts if about.record and about.group == group}


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def words(values: DataSettings | TrainingSettings, defaults: DataSettings | TrainingSettings) -> list[str]:
    """The words of the command line that give the recorded settings where they differ from `defaults`."""
    found = []
    for name, (_, about) in described(values).items():
        value = getattr(values, name)
        if about.record and value != getattr(defaults, name):
            found += [f"--{name}"] if about.kind is BOOLEAN else [f"--{name}", _shown(value)]
    return found


def split(options: dict[str, Any]) -> tuple[DataSettings, TrainingSettings, dict[str, Any]]:
    """Settings by name -> how data are read, how a run is trained, and the others, which are the model's arguments.

    None means not given. Raises UserError for values that a setting does not take.
    """
    given = {name: value for name, value in options.items() if value is not None}
    parts = [
        {name: given.pop(name) for name in described(kind) if name in given}
        for kind in (DataSettings, TrainingSettings)
    ]
    return DataSettings(**parts[0]), TrainingSettings(**parts[1]), given
