"""A profiler trace of training steps."""

import keras
import tensorflow as tf

from tfgen import program
from tfgen.training.recorder import Recorder


class Profile(keras.callbacks.Callback):
    """Writes a trace of iterations 11 to 20 after the start to the run's profile/, for TensorBoard's profiler and
    Perfetto.
    """

    FIRST, LAST = 10, 20

    def __init__(self, recorder: Recorder):
        super().__init__()
        self.folder = recorder.run.folder / "profile"
        self.running = False

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if batch == self.FIRST:
            tf.profiler.experimental.start(str(self.folder))
            self.running = True

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if batch + 1 == self.LAST:
            self.on_train_end()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.running:
            tf.profiler.experimental.stop()
            self.running = False
            program.tell(f"the trace was written to {self.folder}.")
