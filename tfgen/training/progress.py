"""Progress on the terminal."""

import datetime
import sys
import time

import keras
from tqdm import tqdm

from tfgen.training.recorder import Recorder


class Progress(keras.callbacks.Callback):
    """A progress bar with iteration, epoch, ETA, images per second and the logs.

    If stderr is not a terminal, prints one line per epoch.
    """

    def __init__(self, recorder: Recorder):
        super().__init__()
        self.recorder, self.run = recorder, recorder.run
        self.bar = tqdm(
            total=self.run.iterations,
            initial=recorder.iteration,
            unit="it",
            dynamic_ncols=True,
            disable=None if self.run.chief else True,
        )

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.start, self.began = self.recorder.iteration, time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        iteration, training = self.recorder.iteration, self.run.settings.training
        rate = (iteration - self.start) / (time.monotonic() - self.began)
        epoch = -(-iteration // self.run.steps_per_epoch)
        where = f"epoch {epoch}/{training.epochs}"
        shown = {name: value for name, value in logs.items() if not name[-1].isdigit()}  # of each player the last step
        numbers = " ".join(f"{name} {value:.4f}" for name, value in shown.items())
        per_step = self.recorder.generative_model.batches_per_step
        speed = f"{rate * training.batch_size * per_step:.0f} images/s"
        if not self.bar.disable:
            self.bar.set_description(where, refresh=False)
            self.bar.set_postfix_str(f"{speed}, {numbers}", refresh=False)
            self.bar.update(iteration - self.bar.n)
        elif iteration % self.run.steps_per_epoch == 0 and self.run.chief:
            left = datetime.timedelta(seconds=round((self.run.iterations - iteration) / rate))
            line = f"{where}, iteration {iteration}/{self.run.iterations}, {left} left, {speed}, {numbers}"
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Closes the bar and leaves it on the terminal."""
        self.bar.close()
