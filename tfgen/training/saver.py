"""The history and checkpoints during training."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from tfgen import UserError, program
from tfgen.models.average import WeightAverage
from tfgen.models.base import GenerativeModel
from tfgen.runs import EVALUATIONS, HISTORY, Evaluations, History, Run

FRESH = {"iteration": 0, "redraws": 0, "seconds": 0.0, "score": None, "best": None, "waited": 0, "scored": 0}


class Saver:
    """Writes the history and checkpoints so that the two agree even if the process is killed.

    The history is written before the checkpoint, and rows after the checkpoint are dropped on the next start. Only the
    chief writes.

    Attributes:
        state: the run's numbers at the current iteration, saved with the weights; see FRESH.
        saved: iteration of the newest checkpoint.
    """

    def __init__(self, run: Run, generative_model: GenerativeModel, average: WeightAverage | None):
        self.run = run
        self.logs = generative_model.logs
        self.checkpoint = run.checkpoint(generative_model, average)
        self.history = History(run.folder / HISTORY)
        self.evaluations = Evaluations(run.folder / EVALUATIONS)
        self.rows: list[list] = []
        self.began = time.monotonic()
        self.state: dict[str, Any] = {}
        self.saved = 0

    def start(self) -> dict[str, Any]:
        """Restores the newest intact checkpoint, or writes the first, and cuts the history there. Returns the state."""
        found = self.run.checkpoints.restore(self.checkpoint, program.tell)
        self.state = found or dict(FRESH)
        self.saved = self.state["iteration"]
        self.rows.clear()
        if self.run.chief:
            self._bring_files_to(found)
        return self.state

    def _bring_files_to(self, found: dict[str, Any] | None) -> None:
        if not found and len(self.history):
            raise UserError(
                f"{self.run.folder} has a history but no checkpoint: restore {self.run.checkpoints.folder}, "
                "or start a new run with --new."
            )
        self.history.cut(self.logs, self.saved)
        self.evaluations.cut(self.saved)
        self.run.checkpoints.remove_beyond(self.saved)
        for path in self.run.folder.glob(".history.part.*"):  # left incomplete by a killed process
            path.unlink(missing_ok=True)
        if not found:
            self.run.checkpoints.write(self.checkpoint, self.state)

    def add(self, iteration: int, logs: dict[str, float]) -> None:
        """Keeps an iteration's logs for the next save."""
        self.rows.append([iteration, *(f"{logs[name]:.9g}" for name in self.logs)])  # 9 digits hold a float32

    def save(self, iteration: int) -> None:
        """Writes the history up to an iteration, then its checkpoint."""
        now = time.monotonic()
        self.state |= {"iteration": iteration, "seconds": self.state["seconds"] + now - self.began}
        self.began, self.saved = now, iteration
        if self.run.chief:
            self.history.append(self.rows)
            self.run.checkpoints.write(self.checkpoint, self.state)
        self.rows.clear()

    @contextlib.contextmanager
    def clock_stopped(self) -> Iterator[None]:
        """A context whose time does not count as training."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.began += time.monotonic() - began

    def add_score(self, changes: dict[str, Any], numbers: dict[str, float]) -> None:
        """Adds an evaluation to the run's evaluations.csv, and the changes of the state to the current checkpoint."""
        self.state |= changes
        if self.run.chief:
            self.evaluations.add(self.saved, self.state["seconds"], numbers)
            self.run.checkpoints.add(self.saved, changes)


def finite(model: GenerativeModel) -> bool:
    """Whether all weights and slots of a GenerativeModel are finite numbers."""
    variables = [
        v
        for part in (*model.networks().values(), *model.optimizers.values())
        for v in (part.weights if isinstance(part, keras.Model) else part.variables)
    ]
    return all(
        bool(tf.reduce_all(tf.math.is_finite(v.value))) for v in variables if v.dtype.startswith(("float", "bfloat"))
    )
