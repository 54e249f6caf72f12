"""A run's logs for TensorBoard."""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfgen.runs import replacing
from tfgen.training.recorder import Recorder


class TensorBoard(keras.callbacks.Callback):
    """Writes the logs of every iteration, the samples of every epoch and the step's graph to the run's tensorboard/.

    What was written after the checkpoint from which training continues is dropped, as in the run's history.
    """

    def __init__(self, recorder: Recorder):
        super().__init__()
        self.recorder = recorder
        self.folder = recorder.run.folder / "tensorboard"

    def on_train_begin(self, logs: dict | None = None) -> None:
        for path in self.folder.glob("*.tfevents.*"):
            cut(path, self.recorder.iteration)
        self.writer = tf.summary.create_file_writer(str(self.folder))

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if batch == 0:
            tf.summary.trace_on(graph=True)

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        iteration = self.recorder.iteration
        with self.writer.as_default(iteration):
            if batch == 0:
                tf.summary.trace_export("train_step")
            for name, value in logs.items():
                tf.summary.scalar(name, value)
            evaluated = self.recorder.scorer.numbers
            if evaluated and evaluated[0] == iteration:
                for name, value in evaluated[1].items():
                    tf.summary.scalar(f"validation/{name}", value)
            sheet = self.recorder.run.folder / "samples" / f"{iteration:07d}.png"
            if iteration % self.recorder.run.steps_per_epoch == 0 and sheet.exists():
                with Image.open(sheet) as picture:
                    tf.summary.image("samples", np.atleast_3d(np.asarray(picture))[None])

        if self.recorder.saved == iteration:  # after a kill, nothing up to the checkpoint is missing
            self.writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        self.writer.close()


def cut(path: pathlib.Path, iteration: int) -> None:
    """Drops the events after an iteration, and an incomplete last event, from a file of TensorBoard's events."""
    kept, dropped = [], False
    try:
        for record in tf.data.TFRecordDataset(str(path)):
            if tf.compat.v1.Event.FromString(record.numpy()).step <= iteration:
                kept.append(record.numpy())
            else:
                dropped = True
    except tf.errors.DataLossError:  # the process was killed while it wrote
        dropped = True
    if dropped:
        with replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
            for record in kept:
                writer.write(record)
