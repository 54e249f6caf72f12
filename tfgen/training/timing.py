"""How long a run takes on this machine: measured on a few of its training steps."""

import dataclasses
import tempfile
import time

import keras
import tensorflow as tf

from tfgen.models.base import GenerativeModel
from tfgen.runs import Run
from tfgen.training.loop import built, fit, reproducible
from tfgen.training.recorder import Recorder

SECONDS, STEPS = 3.0, 20  # steps are measured for so long, or so many


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds that parts of a run take on this machine.

    Attributes:
        start: building and tracing the model, once each time the run is started.
        iteration: one iteration.
        epoch: the checkpoint and the sheet of samples at the end of each epoch.
    """

    start: float
    iteration: float
    epoch: float

    def left(self, run: Run) -> float:
        """Seconds until the end of a run, without scoring; 0 for a run that is done."""
        if run.done:
            return 0.0
        left = run.iterations - run.iteration
        return self.start + left * self.iteration + left / run.steps_per_epoch * self.epoch

    def epochs(self, run: Run, seconds: float) -> int:
        """How many epochs of a new run fit into so many seconds, without scoring; at least 1."""
        return max(1, int((seconds - self.start) / (run.steps_per_epoch * self.iteration + self.epoch)))

    def scaled(self, factor: float) -> "Timing":
        """The Timing of a run whose iterations have `factor` times as many operations."""
        return dataclasses.replace(self, iteration=self.iteration * factor)


class _Clock(keras.callbacks.Callback):
    """Takes the time of steps, and ends training after SECONDS or STEPS. The first step, which is traced, is apart."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.times.append(time.perf_counter())
        if len(self.times) > 1 and (self.times[-1] - self.times[0] > SECONDS or len(self.times) > STEPS):
            self.model.stop_training = True

    @property
    def seconds(self) -> float:
        """Seconds per step."""
        return (self.times[-1] - self.times[0]) / (len(self.times) - 1)


def measure(run: Run, strategy: tf.distribute.Strategy) -> Timing:
    """Measures a planned run by training a copy of it, from new weights, in a temporary folder.

    Takes a few seconds, and the time of tracing. The run's own folder is neither read nor written.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="tfgen-") as temporary, reproducible(run.settings.training):
        model, average = built(run, strategy)
        # In one endless epoch, no step has the work of an epoch's end.
        training = dataclasses.replace(run.settings.training, epochs=1, checkpoint_every=0, early_stopping=0)
        settings = dataclasses.replace(run.settings, training=training, steps_per_epoch=10**9)
        copy = Run(temporary, settings)
        copy.sources = run.sources
        recorder, clock = Recorder(copy, model, average), _Clock()
        fit(copy, strategy, model, run.training_source(), recorder, [clock])
        start = clock.times[0] - began
        ended = time.perf_counter()
        recorder.save()
        recorder.samples.write(recorder.iteration)
        return Timing(start, clock.seconds, time.perf_counter() - ended)


def cost(model: GenerativeModel) -> float:
    """A measure of the cost of an iteration, to compare models of one class with different arguments.

    Counts the multiplications of all networks' dense and convolutional layers for one picture, once for each player's
    step.
    """
    count = 0.0
    for network in model.networks().values():
        for layer in network.layers:
            kernel = getattr(layer, "kernel", None)
            if kernel is None:
                continue
            places = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
            count += float(tf.size(kernel)) * float(tf.reduce_prod([1, *places.shape[1:-1]]))
    return count * (getattr(model, "d_steps", 1) + getattr(model, "g_steps", 1))


def duration(seconds: float) -> str:
    """A time in words, rounded as an estimate should be: "42 minutes"."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            number = seconds / size
            return f"{number:.1f} {unit}" if number < 9.95 and unit != "minutes" else f"{number:.0f} {unit}"
    return f"{max(1, round(seconds))} second{'s' * (round(seconds) > 1)}"
