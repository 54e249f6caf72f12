"""Decides what is written during training, and when. Saver, Scorer and Samples do the writing."""

import math
from collections.abc import Callable

import keras

from tfgen.models.average import WeightAverage
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run
from tfgen.training.samples import Samples
from tfgen.training.saver import Saver, finite
from tfgen.training.scorer import Scorer


class Recorder(keras.callbacks.Callback):
    """Counts a run's iterations and writes its history, checkpoints, scores and samples.

    Values that are NaN or infinite are never written.

    Args:
        run: the Run to train.
        generative_model: its model.
        average: running average of the model's weights, or None.
        anywhere: flag -> whether it is true on any of the machines.

    Attributes:
        iteration: the latest iteration of the run.
        failure: (iteration, log, value) if a log became NaN or infinite, else None.
        asked: whether a signal has asked to stop after the current iteration; set from outside.
        stopped: whether any machine was asked to stop.
    """

    def __init__(
        self,
        run: Run,
        generative_model: GenerativeModel,
        average: WeightAverage | None = None,
        anywhere: Callable[[bool], bool] = bool,
    ):
        super().__init__()
        self.run = run
        self.generative_model = generative_model
        self.average = average
        self.anywhere = anywhere
        self.asked = self.stopped = False
        self.failure: tuple[int, str, float] | None = None
        self.saver = Saver(run, generative_model, average)
        self.scorer = Scorer(run, generative_model, average)
        self.samples = Samples(run, generative_model, average)
        self.start()

    def start(self, redraws: int | None = None) -> None:
        """Restores the newest intact checkpoint, or writes the first one, and cuts the run's files at its iteration.

        A process that was killed before the checkpoint's score was measured is made up for by `evaluate`.

        Args:
            redraws: how often the noise was redrawn; None to use the checkpoint's number.
        """
        state = self.saver.start()
        self.iteration, self.failure = state["iteration"], None
        self.samples.remove_beyond(self.iteration)
        if self._epoch_ends():
            self.samples.write(self.iteration)
        if redraws is not None:
            state["redraws"] = redraws

    @property
    def saved(self) -> int:
        """Iteration of the newest checkpoint."""
        return self.saver.saved

    @property
    def redraws(self) -> int:
        """How often the run's noise was redrawn, once after each failure."""
        return self.saver.state["redraws"]

    @property
    def early(self) -> bool:
        """Whether the validation error has stopped improving."""
        return self.scorer.early(self.saver.state)

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.iteration += 1
        self.saver.state["score"] = None
        bad = [name for name in self.generative_model.logs if not math.isfinite(logs[name])]
        if bad:
            self._fail(bad[0], logs[bad[0]])
        else:
            self.saver.add(self.iteration, logs)
            if self.average:
                self.average.update(self.iteration)
            self._write()
        self.stopped = self.anywhere(self.asked)  # so that several machines end after the same iteration
        if self.stopped or (self.early and not self.failure):
            self.generative_model.stop_training = True

    def _write(self) -> None:
        """Writes what is due at this iteration."""
        every, at_end = self.run.settings.training.checkpoint_every, self._epoch_ends()
        due = self.scorer.due(self.iteration, self.saver.state)
        if at_end or due or (every and self.iteration % every == 0):
            self.save()
        if at_end and not self.failure:
            self.samples.write(self.iteration)
        if due and not self.failure:
            self.score()

    def score(self) -> None:
        """Evaluates the saved model if that is due. It is saved before, so that a failure or a kill loses nothing."""
        if self.scorer.due(self.iteration, self.saver.state):
            with self.saver.clock_stopped():
                changes = self.scorer.score(self.iteration, self.saver.state)
            self.saver.add_score(changes, self.scorer.numbers[1] if self.scorer.numbers else {})

    def save(self) -> None:
        """Saves the current iteration if that was not done yet; a weight that is not finite is a failure."""
        if self.iteration == self.saver.saved or self.failure:
            return
        if not finite(self.generative_model):
            self._fail("a weight", math.nan)
            return
        self.saver.save(self.iteration)

    def _fail(self, log: str, value: float) -> None:
        self.failure = (self.iteration, log, value)
        self.generative_model.stop_training = True

    def _epoch_ends(self) -> bool:
        return self.iteration % self.run.steps_per_epoch == 0
