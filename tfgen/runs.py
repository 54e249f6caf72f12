"""A run folder: what was run, its history, checkpoints, samples and exports.

record.json          study, model, arguments, data, seed, versions: all that rebuilds the model
history.csv          one row an iteration: its number and the training step's logs
checkpoints/         weights and slots, the newest and the best; see `checkpoints.py`
samples/             a sheet of pictures an epoch, from latents that stay the same
exports/  scores.json
"""

import contextlib
import csv
import fcntl
import functools
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import sys

import numpy as np

from tfgen import UserError, checkpoints, data
from tfgen.models.average import WeightAverage
from tfgen.studies import DEFAULT_STUDY, STUDIES

# How a run is trained, beside the model's own arguments, and what is meant where nothing is said.
SETTINGS = {
    "schedule": "constant",  # of the learning rates: a name in callbacks.SCHEDULES, or PLAYER=NAME,...
    "precision": "float32",  # of the layers
    "ema": 0.0,  # decay of the running average of the weights that pictures are drawn with
    "jit": False,  # whether XLA compiles the training step; it draws other noise, as good
    "sync_bn": False,  # whether batch normalization sees the global batch on several devices
    "early_stopping": 0,  # epochs without a better test error after which an autoencoder stops
    "score_every": 0,  # epochs between scores of the test set, the best of which keeps its checkpoint
    "checkpoint_every": 0,  # iterations between checkpoints, beside those at each epoch's end
    "keep": 2,  # how many of the newest checkpoints stay
    "seed": 0,
}
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
RECORD = "record.json"
KEYS = {
    "study",
    "model",
    "arguments",
    "dataset",
    "data_dir",
    "image_size",
    "reading",
    "examples",
    "attributes",
    "batch_size",
    "epochs",
    "steps_per_epoch",
    "channels",
}
LOCK = ".lock"


@contextlib.contextmanager
def replacing(path):
    """A temporary path to write to, put in place of `path` at the end and removed on an error: nobody sees half a file."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path, value):
    """Writes `value` at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def versions():
    """name -> version of what a result may depend on."""
    packages = ["tfgen", "tensorflow", "keras", "numpy", "scikit-learn", "pillow"]
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


class Run:
    """A folder and the record that is, or will be, in it.

    Args:
        folder: path of the run.
        record: dict of study, model, arguments (of the preset's builder), dataset, data_dir, image_size, reading (other
            options of `data.load`), examples (at most so many of each split, or None), attributes, batch_size, epochs,
            and what differs from SETTINGS.
        cache_gb: see `data.load`; no part of the record, because the pictures are the same.
        best: whether to read the checkpoint with the best score, not the newest.

    Attributes:
        restored: iteration of the checkpoint that `model` was read from: not the newest where that is damaged. None
            before.
    """

    def __init__(self, folder, record, cache_gb=None, best=False):
        self.folder = pathlib.Path(folder)
        self.record = SETTINGS | record
        self.cache_gb = cache_gb
        self.best = best
        self.restored = None
        self.sources = {}  # split -> Source; runs of the same data may share them

    @classmethod
    def open(cls, folder, best=False):
        """The run of an existing folder. Raises UserError if it holds none."""
        path = pathlib.Path(folder) / RECORD
        try:
            record = json.loads(path.read_text())
            study, model = str(record["study"]), str(record["model"])
            if "channels" not in record:  # an older record
                record |= {"reading": {}, "channels": data.dataset(record["dataset"]).channels}
            if lacking := KEYS - record.keys():
                raise KeyError(*sorted(lacking))
            arguments = dict(record["arguments"])
        except FileNotFoundError:
            raise UserError(
                f"{folder} is no run: it has no {RECORD}; train one with `python tfgen_cli.py train --model acgan`."
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path} cannot be read as a run's record ({error!r}): restore the file, or train anew under another --run."
            ) from None
        defaults = STUDIES.get(study, {})[model].defaults() if model in STUDIES.get(study, {}) else None
        if defaults is None or arguments.keys() - defaults.keys():
            gone = (
                f"{study} {model}"
                if defaults is None
                else f"{model} with {', '.join(sorted(arguments.keys() - defaults.keys()))}"
            )
            raise UserError(
                f"{folder} is a run of {gone}, which this version of tfgen lacks: use the version that trained it."
            )
        return cls(folder, record | {"arguments": defaults | arguments}, best=best)

    @property
    def preset(self):
        """The study's Preset."""
        return STUDIES[self.record["study"]][self.record["model"]]

    def source(self, split):
        """The Source of one split, "train", "test" or "all", as this run sees it: its size of pictures, its attributes
        all.
        """
        if split not in self.sources:
            record = self.record
            self.sources[split] = data.load(
                record["dataset"],
                split,
                record["data_dir"],
                record["image_size"],
                record["examples"],
                self.cache_gb,
                **record["reading"],
            )
        return self.sources[split]

    def training_source(self):
        """What it trains on: the preset's split with the attributes it is conditioned on."""
        return self.source(self.preset.split).select(self.record["attributes"])

    def build(self):
        """The compiled model with fresh weights."""
        import keras

        size, before = self.record["image_size"], keras.config.dtype_policy()
        keras.config.set_dtype_policy(PRECISIONS[self.record["precision"]])
        try:
            model = self.preset.build((size, size, self.record["channels"]), **self.record["arguments"])
        finally:
            keras.config.set_dtype_policy(before)
        if self.record["jit"]:
            model.jit_compile = True
        if self.record["sync_bn"]:
            synchronize(model)
        return model

    def average(self, model):
        """The WeightAverage of a model of this run, to be made in the model's scope; None if the run has none."""
        return WeightAverage(model, self.record["ema"]) if self.record["ema"] else None

    @functools.cached_property
    def model(self):
        """The model with the newest, or best, checkpoint's weights or their running average.

        Raises UserError if there is none.
        """
        model = self.build()
        average = self.average(model)
        complain = functools.partial(print, f"{self.folder}:", file=sys.stderr)
        state = self.checkpoints.restore(checkpoint(model, average), complain, self.iteration if self.best else None)
        if not state or state["iteration"] == 0:
            raise UserError(f"{self.folder} has no checkpoint yet: continue it with `{self.command()}`.")
        self.restored = state["iteration"]
        if average:
            average.use()
        return model

    @property
    def checkpoints(self):
        """Its Checkpoints."""
        return checkpoints.Checkpoints(self.folder / "checkpoints", self.record["keep"])

    @property
    def iteration(self):
        """Iterations done at the newest, or best, checkpoint; 0 before the first.

        Raises UserError if no checkpoint has a score.
        """
        if not self.best:
            return max(self.checkpoints.iterations(), default=0)
        best = self.checkpoints.best()
        if best is None:
            raise UserError(
                f"{self.folder} was trained without scores, so no checkpoint is its best: train with --score_every N."
            )
        return best

    @property
    def seconds(self):
        """Training time up to the checkpoint that was read, or the newest, or best."""
        return self._state(self.restored or self.iteration).get("seconds", 0.0)

    @property
    def done(self):
        """Whether it has got to its last iteration, or stopped early."""
        newest = max(self.checkpoints.iterations(), default=0)
        return newest >= self.iterations or 0 < self.record["early_stopping"] <= self._state(newest).get("waited", 0)

    def _state(self, iteration):
        try:
            return dict(json.loads((self.checkpoints.path(iteration) / checkpoints.STATE).read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    @property
    def steps_per_epoch(self):
        """Iterations in one epoch."""
        return self.record["steps_per_epoch"]

    @property
    def iterations(self):
        """Iterations when done."""
        return self.record["epochs"] * self.steps_per_epoch

    def history(self):
        """{"iteration": (n,) int, log: (n,) float} of the iterations done."""
        path, n = self.folder / "history.csv", max(self.checkpoints.iterations(), default=0)
        try:
            with path.open(newline="") as file:
                header, *rows = csv.reader(file)
            columns = (
                np.array(rows[:n], dtype=np.float64).reshape(-1, len(header)).T
            )  # those after the checkpoint are trained again
            history = dict(zip(header, columns, strict=True))
            if not np.array_equal(history.get("iteration"), np.arange(1, n + 1)):
                raise ValueError(f"it lacks iterations of the checkpoint's {n}")
        except (OSError, ValueError, csv.Error) as error:
            raise UserError(
                f"{path} cannot be read as a table of numbers ({error}): train the run again under another --run."
            ) from None
        return history | {"iteration": history["iteration"].astype(int)}

    def command(self):
        """The command line that trains, or goes on training, this run, with the flags that differ from the study's
        settings.
        """
        record, preset = self.record, self.preset
        flags = {}
        if record["dataset"] != preset.data:
            flags |= {"dataset": record["dataset"], "data_dir": record["data_dir"]}
        defaults = {
            "image_size": data.dataset(record["dataset"], record["data_dir"]).image_size,
            "batch_size": preset.batch_size,
            "epochs": preset.epochs,
        } | SETTINGS
        flags |= {name: record[name] for name, default in defaults.items() if record[name] != default}
        flags |= {name: value for name, value in record["arguments"].items() if value != preset.defaults()[name]}
        flags |= {
            name: ",".join(value) if name == "only" else value
            for name, value in record["reading"].items()
            if name != "skip_bad"
        }
        flags |= {"attribute": name for name in record["attributes"] if name not in preset.attributes}
        switches = [
            name for name in ("skip_bad", "jit", "sync_bn") if record["reading"].get(name) or flags.pop(name, False)
        ]
        command = train_command(record["study"], record["model"], **flags, examples=record["examples"], run=self.folder)
        return " ".join([command, *(f"--{name}" for name in switches)])

    @contextlib.contextmanager
    def lock(self):
        """Holds the folder for this process; a dead process's lock is gone with it.

        Raises UserError while another holds it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.folder} cannot be made ({error.strerror}): choose another --run.") from None
        with (self.folder / LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise UserError(
                    f"{self.folder} is being trained by process {file.read().strip()}: wait for it, or train under another --run."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def synchronize(model):
    """Lets a model's batch normalization take the statistics of all replicas together."""
    import keras

    for network in model.networks().values():
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True


def checkpoint(model, average=None):
    """The tf.train.Checkpoint of a model and, if it has one, its WeightAverage."""
    return model.checkpoint(**({"average": average.checkpoint()} if average else {}))


def train_command(study, model, **flags):
    """The command line that trains a model of a study; flags that are None are left out."""
    flags = {"study": study if study != DEFAULT_STUDY else None, "model": model, **flags}
    return " ".join(
        [
            "python tfgen_cli.py train",
            *(f"--{name} {shlex.quote(str(value))}" for name, value in flags.items() if value is not None),
        ]
    )


def find(folder="runs", best=False):
    """The runs below a folder, and a sentence for each that cannot be read: ([Run], [str]).

    The last trained comes first, but an experiment's, which lie deeper, after the others.
    """
    found, complaints = [], []
    for path in sorted(
        pathlib.Path(folder).glob(f"**/{RECORD}"), key=lambda path: (len(path.parts), -path.stat().st_mtime)
    ):
        try:
            found.append(Run.open(path.parent, best))
        except UserError as error:
            complaints.append(str(error))
    return found, complaints
