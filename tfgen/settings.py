"""The settings of a run as typed values: how its data are read, how it is trained, and what was found in the data.

Each setting is one field with its default, its help text, and its rules. The flags of the command line, the record in a
run's folder, the check of a resumed run, the command that a run prints, the comparison of runs in a report, and the
check that several machines agree are all derived from the fields. To add a training setting, add a field to
TrainingSettings and read it as `run.settings.training.NAME`.

This module imports neither NumPy nor TensorFlow, so that `--help` is fast.
"""

import dataclasses
import itertools
import math
import numbers
import os
from collections.abc import Callable, Iterator
from typing import Any

from tfgen import UserError

DEFAULT_STUDY = "dlcv2018"
VALIDATION = 0.1  # share held out if a new run is evaluated while it is trained
FIRST = "0.1.0"  # the version that wrote records without their version
FORMATS = ("saved_model", "onnx", "keras")  # of exports
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}  # -> Keras's dtype policy


@dataclasses.dataclass(frozen=True)
class Kind:
    """The values that a setting can take.

    Attributes:
        takes: the values in words, for messages.
        read: text -> value; raises ValueError, KeyError or ZeroDivisionError for other texts.
        holds: value -> whether it is allowed.
        metavar: placeholder for the value in help texts; empty for a switch.
    """

    takes: str
    read: Callable[[str], Any]
    holds: Callable[[Any], bool]
    metavar: str = ""

    def parse(self, text: str) -> Any:
        """Converts a text to a value. Raises ValueError with a message for the user."""
        try:
            value = self.read(text)
        except (ValueError, KeyError, ZeroDivisionError, OverflowError):
            raise ValueError(f"{text!r} is not {self.takes}") from None
        if not self.holds(value):
            raise ValueError(f"{text!r} is not {self.takes}")
        return value

    def named(self, metavar: str) -> "Kind":
        """The same Kind with another placeholder in help texts."""
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
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _number(text: str) -> float:
    numerator, slash, denominator = text.partition("/")
    return float(numerator) / float(denominator) if slash else float(text)


POSITIVE = Kind("a positive integer", _whole, lambda value: _is_whole(value) and value >= 1, "N")
EVERY = Kind(
    "a positive integer, or iterations such as 500it",
    lambda text: f"{_whole(text.removesuffix('it'))}it" if text.endswith("it") else _whole(text),
    lambda value: (
        POSITIVE.holds(value)
        or (isinstance(value, str) and value.endswith("it") and value[:-2].isdecimal() and int(value[:-2]) >= 1)
    ),
    "N",
)
SEED = Kind("an integer from 0 to 4294967295", _whole, lambda value: _is_whole(value) and 0 <= value < 2**32, "N")
NUMBER = Kind("a non-negative number", _number, lambda value: _is_number(value) and value >= 0, "X")
AMOUNT = Kind("a positive number", _number, lambda value: _is_number(value) and value > 0, "X")
SHARE = Kind(
    "a number that is at least 0 and less than 1", _number, lambda value: _is_number(value) and 0 <= value < 1, "X"
)
TEXT = Kind("a name", str, lambda value: isinstance(value, str), "NAME")
PATH = Kind("a path", os.path.expanduser, lambda value: isinstance(value, str | os.PathLike), "DIR")
NAMES = Kind(
    "a comma-separated list of names",
    lambda text: tuple(text.split(",")),
    lambda value: isinstance(value, tuple) and all(isinstance(one, str | int) for one in value),
    "A,B",
)
# Networks halve the side down to 4, 5, 6 or 7 pixels, and some start from a quarter of it.
SIZES = tuple(side << i for i in range(8) for side in (4, 5, 6, 7) if 8 <= side << i <= 512 and (side << i) % 4 == 0)
SIZE = Kind(
    "a multiple of 4 from 8 to 512 that is 4, 5, 6 or 7 times a power of two, such as 28, 48, 64 or 96",
    _whole,
    lambda value: _is_whole(value) and value in SIZES,
    "PIXELS",
)
BOOLEAN = Kind(
    "true or false", lambda text: {"true": True, "false": False}[text.lower()], lambda v: isinstance(v, bool)
)
DEVICES = Kind(
    "a positive integer or all",
    lambda text: text if text == "all" else _whole(text),
    lambda value: value == "all" or POSITIVE.holds(value),
    "N|all",
)


MOST_SEEDS = 10_000  # their pictures are in memory together, for the sheet


def _seeds(text: str) -> list[int]:
    parts = [[_whole(number) for number in part.split("-")] for part in text.split(",")]
    ranges = [range(part[0], part[-1] + 1) for part in parts]
    if any(len(part) > 2 for part in parts) or not all(map(len, ranges)) or sum(map(len, ranges)) > MOST_SEEDS:
        raise ValueError
    return [*dict.fromkeys(itertools.chain(*ranges))]


def _assigned(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, _number(value)


def _numbered(text: str) -> tuple[int, float]:
    name, value = _assigned(text)
    return _whole(name), value


# What to generate: for example 0-63 or 3,17,20-25; Smiling=1; 3=7; 3,17.
SEEDS = Kind(
    f"a list of at most {MOST_SEEDS:,} integers and ranges such as 0-63 or 3,17",
    _seeds,
    lambda value: 0 < len(value) <= MOST_SEEDS and all(map(SEED.holds, value)),
    "0-63",
)
ASSIGNED = Kind(
    "an attribute and a value from 0 to 1, such as Smiling=1",
    _assigned,
    lambda value: bool(value[0]) and 0 <= value[1] <= 1,
    "NAME=VALUE",
)
NUMBERED = Kind(
    "the number of a code and its value, such as 3=7", _numbered, lambda value: _is_number(value[1]), "CODE=VALUE"
)
PAIR = Kind("two seeds such as 3,17", _seeds, lambda value: len(value) == 2 and all(map(SEED.holds, value)), "A,B")
STEPS = Kind("an integer from 2 to 1000", _whole, lambda value: _is_whole(value) and 2 <= value <= 1000, "N")
OF_ARGUMENTS = {bool: BOOLEAN, int: POSITIVE, float: NUMBER, str: TEXT}  # type of a builder's default -> Kind


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known about a field besides its name, type and default.

    Attributes:
        kind: the allowed values.
        help: help text for the user, without the default.
        resume: whether a run may be resumed with another value, or a function of the new RunSettings that decides it.
            Only for settings that do not change the weights after an iteration.
        compare: whether two runs must have the same value to be compared in an experiment's figure.
        record: whether it is part of the run's record; otherwise it applies to one command only.
        machines: whether all machines that train one run must have the same value.
        group: key of the record under which it is stored; for settings that only some data sets take.
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
    """Checks values when they are set. Readers of data sets check the settings that only they take."""

    def __post_init__(self) -> None:
        for name, (default, about) in described(self).items():
            value = getattr(self, name)
            if isinstance(value, list):
                value = tuple(value)
            elif not isinstance(value, bool | int | float) and isinstance(value, numbers.Real):  # NumPy's
                value = int(value) if isinstance(value, numbers.Integral) else float(value)
            object.__setattr__(self, name, value)
            if value != default and not about.group and not about.kind.holds(value):
                raise UserError(f"--{name} takes {about.kind.takes}, not {value!r}.")
            if about.kind is PATH and value is not None:
                object.__setattr__(self, name, os.path.expanduser(value))


@dataclasses.dataclass(frozen=True)
class DataSettings(_Checked):
    """How a data set is read. None means the default of the data set or the study."""

    dataset: str | None = setting(
        None, TEXT, "faces, digits, ..., or a name from tensorflow-datasets; see `data list` (default: as in the study)"
    )
    # May change when the data set is moved: the fingerprint shows whether the pictures are the same.
    data_dir: str | None = setting(None, PATH, "folder of a data set that is not built in", resume=True, machines=False)
    image_size: int | None = setting(None, SIZE, "side length of the pictures, from 8 to 512: 28, 32, 48, 64, 96, ...")
    examples: int | None = setting(None, POSITIVE, "use at most the first N pictures of each split")
    cache_gb: float | None = setting(
        None,
        NUMBER.named("GB"),
        "keep decoded data sets of up to this size in memory (default: a quarter of the memory)",
        record=False,
    )
    only: tuple[str, ...] | None = setting(
        None, NAMES, "use only these classes of a labeled data set, for example bird,horse", group="reading"
    )
    channels: int | None = setting(None, one_of(1, 3), "convert pictures to gray (1) or color (3)", group="reading")
    crop: int | None = setting(
        None,
        POSITIVE.named("PIXELS"),
        "side length of the central square to cut from CelebA's official pictures: 178, 148 or 108",
        group="reading",
    )
    depth_unit: float | None = setting(
        None,
        AMOUNT.named("METERS"),
        "meters per unit of the values in depth pictures, for example .001 or 10/255",
        group="reading",
    )
    white: int | None = setting(
        None,
        POSITIVE.named("LEVEL"),
        "value of white in 16-bit grayscale pictures, for example 4095 for 12 bits",
        group="reading",
    )
    # May change: the fingerprint shows whether the pictures are the same.
    skip_bad: bool = setting(
        False, BOOLEAN, "skip missing and damaged files, and print their number", resume=True, group="reading"
    )

    def options(self) -> dict[str, Any]:
        """The given settings that only some data sets take, except `only`: name -> value."""
        return {
            name: getattr(self, name)
            for name, (default, about) in described(self).items()
            if about.group and name != "only" and getattr(self, name) != default
        }


@dataclasses.dataclass(frozen=True)
class TrainingSettings(_Checked):
    """How a run is trained, besides the model's own arguments. None means the study's default."""

    # With a schedule the rates depend on the number of epochs.
    epochs: int | None = setting(
        None,
        POSITIVE,
        "passes over the data; a larger number extends a finished run (default: as in the study)",
        resume=lambda run: run.training.schedule == "constant",
    )
    batch_size: int | None = setting(None, POSITIVE, "pictures per batch (default: as in the study)")
    split: str | None = setting(
        None,
        one_of("train", "all"),
        "pictures to train on: train, or all for training and test set together (default: as in the study)",
    )
    validation: float | None = setting(
        None,
        SHARE,
        "share of the training set to hold out, for --evaluate_every and --early_stopping (default: .1 with one of "
        "them, otherwise 0)",
    )
    schedule: str = setting(
        "constant",
        TEXT,
        "change of learning rates over the epochs: constant, linear or cosine, or PLAYER=NAME,... for single players",
    )
    seed: int = setting(0, SEED, "random seed for the weights, the order of the data, and the latents")
    precision: str = setting(
        "float32", one_of(*PRECISIONS).named("TYPE"), "precision of the layers: float32, bfloat16 or float16"
    )
    ema: float | None = setting(
        None,
        SHARE.named("DECAY"),
        "generate pictures with a moving average of the weights with this decay, for example .999 (default: as in the "
        "study, mostly 0, which is none)",
    )
    # Evaluation does not change the weights.
    evaluate_every: int | str = setting(
        0,
        EVERY,
        "evaluate on the validation part every N epochs, or iterations as 500it, and also keep the best checkpoint",
        resume=True,
        compare=False,
    )
    # Like `epochs`, it changes when training ends, not what happens until then.
    early_stopping: int = setting(
        0,
        POSITIVE.named("EPOCHS"),
        "evaluate every epoch, and stop an autoencoder when its validation error has not improved for this many epochs",
        resume=True,
    )
    checkpoint_every: int = setting(
        0,
        POSITIVE,
        "also save a checkpoint every N iterations, not only at the end of each epoch",
        resume=True,
        compare=False,
    )
    keep: int = setting(2, POSITIVE, "number of recent checkpoints to keep", resume=True, compare=False)
    sync_bn: bool = setting(False, BOOLEAN, "synchronize the statistics of batch normalization across devices")
    jit: bool = setting(False, BOOLEAN, "compile the training step with XLA (for GPUs)")
    # These apply to one process; a run can be resumed without them or with other values.
    devices: int | str | None = setting(
        None,
        DEVICES,
        "number of devices of this machine (default: all GPUs); set TF_CONFIG to use several machines",
        record=False,
    )
    tensorboard: bool = setting(
        False, BOOLEAN, "write logs and samples for TensorBoard to the run's tensorboard/", record=False
    )
    profile: bool = setting(False, BOOLEAN, "write a trace of ten iterations to the run's profile/", record=False)


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """The settings of a run: everything needed to rebuild its model and read its data again.

    Attributes:
        study, model: keys of `tfgen.studies.STUDIES`.
        arguments: all arguments of the model's builder.
        attributes: names of the attributes that the model is conditioned on.
        data, training: how the data are read, and how the model is trained.
        channels, pictures, data_fingerprint, steps_per_epoch: what was found in the data.
        versions: package -> version, in the latest training.
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
        """The value of a setting that every planned run has, although its type allows None.

        Raises ValueError if it is None.
        """
        place = next(one for one in (self, self.data, self.training) if hasattr(one, name))
        value = getattr(place, name)
        if value is None:
            raise ValueError(f"the run has no {name} yet")
        return value

    def to_record(self) -> dict[str, Any]:
        """The settings as a dict for JSON; each group of settings is a dict of its own."""
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
        """The settings of a record; settings that it does not contain have their default.

        Raises:
            KeyError, TypeError, ValueError, UserError: if it is not a record of this or an older version.
        """
        for name, holds in RECORDED.items():
            if name in record and not holds(record[name]):
                raise ValueError(f"its {name} is {record[name]!r}")
        reading = DataSettings(**_part(DataSettings, record))
        training = TrainingSettings(**_part(TrainingSettings, record))
        own = {field.name for field in dataclasses.fields(cls)} - {"data", "training"}
        known = own | _recorded("") | {"reading"}
        if unknown := [*(record.keys() - known), *(record["reading"].keys() - _recorded("reading"))]:
            raise ValueError(f"it has unknown settings: {', '.join(sorted(unknown))}")
        for name in ("dataset", "image_size", "batch_size", "epochs", "steps_per_epoch"):
            if record[name] is None:
                raise ValueError(f"it has no {name}")
        for name, (default, about) in described(reading).items():
            value = getattr(reading, name)
            if about.group and value != default and not about.kind.holds(value):
                raise ValueError(f"its {name} is {value!r}")
        whole = {name: record[name] for name in own if name in record}
        started = record.get("started_with") or dict(record.get("versions") or {}).get("tfgen", FIRST)
        whole |= {"attributes": tuple(record["attributes"]), "started_with": started}
        return cls(data=reading, training=training, **whole)

    def conflicts(self, other: "RunSettings") -> list[str]:
        """A text for each setting in which `other`, this run to be resumed, differs although a resumed run must not.

        The data are compared by their fingerprint; see `tfgen.runs.Run.check_data`.
        """
        for name in ("study", "model"):
            if getattr(self, name) != getattr(other, name):
                return [f"{name} {getattr(self, name)}, not {getattr(other, name)}"]
        pairs = [(name, self.arguments.get(name), value) for name, value in other.arguments.items()]
        for (name, about, before), (_, _, after) in zip(_settings(self), _settings(other), strict=True):
            free = about.resume(other) if callable(about.resume) else about.resume
            if about.record and not free:
                pairs.append((name, before, after))
        pairs += [(name, getattr(self, name), getattr(other, name)) for name in ("attributes", "channels")]
        return [f"{name} {_shown(before)}, not {_shown(after)}" for name, before, after in pairs if before != after]

    def compared(self, *parts: str) -> dict[str, Any]:
        """name -> value of the settings that must be equal in compared runs; `parts` are "data" and "training"."""
        values = {name: value for name, about, value in _settings(self, *parts) if about.compare and about.record}
        return values | {"color_channels": self.channels}

    @property
    def evaluated_every(self) -> int:
        """Iterations from one evaluation during training to the next, 0 if there are none."""
        every = self.training.evaluate_every
        return int(every[:-2]) if isinstance(every, str) else every * (self.steps_per_epoch or 1)

    def everywhere(self) -> dict[str, Any]:
        """The part of the record that must be the same on all machines that train the run."""
        differing = {name for name, about, _ in _settings(self) if not about.machines}
        return {name: value for name, value in self.to_record().items() if name not in {*differing, "versions"}}


RECORDED: dict[str, Callable[[Any], bool]] = {  # what a record may hold beside the settings with a Kind
    "study": TEXT.holds,
    "model": TEXT.holds,
    "arguments": lambda value: isinstance(value, dict),
    "attributes": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "reading": lambda value: isinstance(value, dict),
    "channels": (1, 3).__contains__,
    "pictures": lambda value: value is None or POSITIVE.holds(value),
    "data_fingerprint": lambda value: value is None or isinstance(value, str),
    "steps_per_epoch": lambda value: value is None or POSITIVE.holds(value),
    "versions": lambda value: isinstance(value, dict),
    "started_with": lambda value: isinstance(value, str),
}


def _settings(run: RunSettings, *parts: str) -> Iterator[tuple[str, Setting, Any]]:
    """Yields (name, Setting, value) for the settings of a run, or of some of its parts."""
    for part in parts or ("data", "training"):
        values = getattr(run, part)
        for name, (_, about) in described(values).items():
            yield name, about, getattr(values, name)


def _part(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    """The settings of a dataclass that are in a record."""
    abouts = {name: about for name, (_, about) in described(kind).items() if about.record}
    places = {name: record[about.group] if about.group else record for name, about in abouts.items()}
    return {name: place[name] for name, place in places.items() if name in place}


def _recorded(group: str) -> set[str]:
    """Names of the settings that a record stores under a group; "" for those without a group."""
    abouts = [*described(DataSettings).items(), *described(TrainingSettings).items()]
    return {name for name, (_, about) in abouts if about.record and about.group == group}


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def words(values: DataSettings | TrainingSettings, defaults: DataSettings | TrainingSettings) -> list[str]:
    """The command-line flags for the recorded settings that differ from `defaults`."""
    found = []
    for name, (_, about) in described(values).items():
        value = getattr(values, name)
        if about.record and value != getattr(defaults, name):
            found += [f"--{name}"] if about.kind is BOOLEAN else [f"--{name}", _shown(value)]
    return found


def split(options: dict[str, Any]) -> tuple[DataSettings, TrainingSettings, dict[str, Any]]:
    """Splits settings by name into data settings, training settings, and the rest, which are the model's arguments.

    None means not given. Raises UserError for values that a setting does not accept.
    """
    given = {name: value for name, value in options.items() if value is not None}
    parts = [
        {name: given.pop(name) for name in described(kind) if name in given}
        for kind in (DataSettings, TrainingSettings)
    ]
    return DataSettings(**parts[0]), TrainingSettings(**parts[1]), given
