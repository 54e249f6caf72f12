"""A run folder: what was run, its history, checkpoints, samples and exports.

    record.json          study, model, arguments, data, seed, versions: all that rebuilds the model
    history.csv          one row an iteration: its number and the training step's logs
    checkpoints/         weights and slots, the newest two
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

import numpy as np

from tfgen import UserError, data
from tfgen.studies import DEFAULT_STUDY, STUDIES

RECORD = "record.json"
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
        record: dict of study, model, arguments (of the preset's builder), dataset, data_dir, image_size, reading (other options of
            `data.load`), examples (at most so many of each split, or None), attributes, batch_size, epochs, seed.
        cache_gb: see `data.load`; no part of the record, because the pictures are the same.
    """

    def __init__(self, folder, record, cache_gb=None):
        self.folder = pathlib.Path(folder)
        self.record = record
        self.cache_gb = cache_gb

    @classmethod
    def open(cls, folder):
        """The run of an existing folder. Raises UserError if it holds none."""
        path = pathlib.Path(folder) / RECORD
        try:
            record = json.loads(path.read_text())
            study, model = record["study"], record["model"]
            if "channels" not in record:  # an older record
                record |= {"reading": {}, "channels": data.dataset(record["dataset"]).channels}
        except FileNotFoundError:
            raise UserError(f"{folder} is no run: it has no {RECORD}; train one with `python tfgen_cli.py train --model acgan`.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} cannot be read as a run's record ({error!r}): restore the file, or train anew under another --run.") from None
        if model not in STUDIES.get(study, {}):
            raise UserError(f"{folder} is a run of {study} {model}, which this version of tfgen lacks: use the version that trained it.")
        return cls(folder, record)

    @property
    def preset(self):
        """The study's Preset."""
        return STUDIES[self.record["study"]][self.record["model"]]

    @functools.cache
    def source(self, split):
        """The Source of one split, "train", "test" or "all", as this run sees it: its size of pictures, its attributes all."""
        record = self.record
        return data.load(
            record["dataset"], split, record["data_dir"], record["image_size"], record["examples"], self.cache_gb, **record["reading"]
        )

    def training_source(self):
        """What it trains on: the preset's split with the attributes it is conditioned on."""
        return self.source(self.preset.split).select(self.record["attributes"])

    def build(self):
        """The compiled model with fresh weights."""
        size = self.record["image_size"]
        return self.preset.build((size, size, self.record["channels"]), **self.record["arguments"])

    @functools.cached_property
    def model(self):
        """The model with the newest checkpoint's weights. Raises UserError if there is none."""
        model = self.build()
        if not self.restore(model).latest_checkpoint:
            raise UserError(f"{self.folder} has no checkpoint yet: continue it with `{self.command()}`.")
        return model

    def checkpoints(self, model):
        """The tf.train.CheckpointManager of this folder for `model`."""
        import tensorflow as tf

        return tf.train.CheckpointManager(model.checkpoint(), str(self.folder / "checkpoints"), max_to_keep=2, checkpoint_name="iteration")

    def restore(self, model):
        """Loads the newest checkpoint, if there is one, into `model`. Returns the manager."""
        import tensorflow as tf

        manager = self.checkpoints(model)
        newest = manager.latest_checkpoint
        try:
            if newest:
                manager.checkpoint.restore(newest).assert_existing_objects_matched()
        except (tf.errors.OpError, AssertionError, IndexError, ValueError) as error:
            reason = str(error).splitlines()[0][:200]
            raise UserError(f"the checkpoint {newest} cannot be restored ({reason}): restore its files, or train anew under another --run.") from None
        return manager

    @property
    def iteration(self):
        """Iterations done at the newest checkpoint; 0 before the first."""
        import tensorflow as tf

        newest = tf.train.latest_checkpoint(str(self.folder / "checkpoints"))
        return int(newest.rsplit("-", 1)[1]) if newest else 0

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
        path = self.folder / "history.csv"
        try:
            with path.open(newline="") as file:
                header, *rows = csv.reader(file)
            columns = np.array(rows, dtype=np.float64).reshape(-1, len(header)).T
            return {name: column.astype(int) if name == "iteration" else column for name, column in zip(header, columns, strict=True)}
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read as a table of numbers ({error}): train the run again under another --run.") from None

    def command(self):
        """The command line that trains, or goes on training, this run, with the flags that differ from the study's settings."""
        record, preset = self.record, self.preset
        flags = {}
        if record["dataset"] != preset.data:
            flags |= {"dataset": record["dataset"], "data_dir": record["data_dir"]}
        defaults = {"image_size": data.dataset(record["dataset"], record["data_dir"]).image_size, "batch_size": preset.batch_size, "epochs": preset.epochs, "seed": 0}
        flags |= {name: record[name] for name, default in defaults.items() if record[name] != default}
        flags |= {name: value for name, value in record["arguments"].items() if value != preset.defaults()[name]}
        flags |= {name: ",".join(value) if name == "only" else value for name, value in record["reading"].items() if name != "skip_bad"}
        flags |= {"attribute": name for name in record["attributes"] if name not in preset.attributes}
        command = train_command(record["study"], record["model"], **flags, examples=record["examples"], run=self.folder)
        return command + " --skip_bad" * ("skip_bad" in record["reading"]) + " --anneal" * record["anneal"]

    @contextlib.contextmanager
    def lock(self):
        """Holds the folder for this process; a dead process's lock is gone with it. Raises UserError while another holds it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.folder} cannot be made ({error.strerror}): choose another --run.") from None
        with (self.folder / LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise UserError(f"{self.folder} is being trained by process {file.read().strip()}: wait for it, or train under another --run.") from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def train_command(study, model, **flags):
    """The command line that trains a model of a study; flags that are None are left out."""
    flags = {"study": study if study != DEFAULT_STUDY else None, "model": model, **flags}
    return " ".join(["python tfgen_cli.py train", *(f"--{name} {shlex.quote(str(value))}" for name, value in flags.items() if value is not None)])


def find(folder="runs"):
    """The runs below a folder, the last trained first, and a sentence for each that cannot be read: ([Run], [str])."""
    found, complaints = [], []
    for path in sorted(pathlib.Path(folder).glob(f"**/{RECORD}"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            found.append(Run.open(path.parent))
        except UserError as error:
            complaints.append(str(error))
    return found, complaints
