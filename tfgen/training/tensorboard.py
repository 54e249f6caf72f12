"""A run's logs for TensorBoard."""

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfgen import UserError
from tfgen.training.recorder import Recorder


class TensorBoard(keras.callbacks.Callback):
    """Writes the logs of every iteration, the samples of every epoch and the step's graph to the run's tensorboard/."""

    def __init__(self, recorder: Recorder):
        super().__init__()
        try:
            import tensorboard  # noqa: F401  tf.summary needs it
        except ImportError:
            raise UserError(
                "--tensorboard needs the package tensorboard: install it with `pip install tensorboard`."
            ) from None
        self.recorder = recorder
        self.writer = tf.summary.create_file_writer(str(recorder.run.folder / "tensorboard"))

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
            sheet = self.recorder.run.folder / "samples" / f"{iteration:07d}.png"
            if iteration % self.recorder.run.steps_per_epoch == 0 and sheet.exists():
                with Image.open(sheet) as picture:
                    tf.summary.image("samples", np.atleast_3d(np.asarray(picture))[None])

    def on_train_end(self, logs: dict | None = None) -> None:
        self.writer.flush()
