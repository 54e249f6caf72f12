"""What happens while a run trains: its files, its warnings, its learning rates, the bar."""

import contextlib
import csv
import datetime
import math
import sys
import time

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from tfgen import UserError, checkpoints, figures, losses, runs

SCHEDULES = {  # share of the run done -> share of the learning rate left
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 + 0.5 * math.cos(math.pi * done),
}


def tell(sentence):
    """Says a sentence to the user without breaking the bar."""
    tqdm.write(f"tfgen_cli.py: {sentence}", file=sys.stderr)


class Recorder(keras.callbacks.Callback):
    """Writes the run: every iteration's logs, checkpoints, scores, and a sheet of samples an epoch.

    History is written before its checkpoint and rows beyond the checkpoint are dropped on the next start, so that the
    two agree whenever the process is killed. Nothing is written that is no finite number.

    Attributes:
        iteration: of the run, the latest.
        failure: (iteration, log, value) where a log was no finite number, else None.
        asked: whether a signal has asked to end after the iteration at hand; set from outside.
        stopped: whether any machine was asked.
        early: whether the test error has stopped falling.
    """

    def __init__(self, run, generative_model, average=None, chief=True, anywhere=bool):
        super().__init__()
        self.anywhere = anywhere
        self.run = run
        self.generative_model = generative_model
        self.average = average
        self.chief = chief
        self.rows = []
        self.asked = self.stopped = False
        self.began = time.monotonic()
        self.checkpoint = runs.checkpoint(generative_model, average)
        self.start()

    def start(self):
        """Goes to the newest whole checkpoint, or writes the first; the run's files are brought to its iteration."""
        found = self.run.checkpoints.restore(self.checkpoint, tell)
        self.state = found or {"iteration": 0, "redraws": 0, "seconds": 0.0, "score": None, "best": None, "waited": 0}
        self.iteration = self.saved = self.state["iteration"]
        self.failure = None
        self.rows.clear()
        if not self.chief:
            return
        self._cut_history(found)
        self.run.checkpoints.remove_beyond(self.iteration)
        for path in [*self.run.folder.glob(".history.part.*"), *(self.run.folder / "samples").glob("*.png")]:
            if (
                not path.stem.isdecimal() or int(path.stem) > self.iteration
            ):  # half written when the process was killed, or to be made again
                path.unlink(missing_ok=True)
        if not found:
            self.run.checkpoints.write(self.checkpoint, self.state)
        if self.iteration % self.run.steps_per_epoch == 0:
            self._sheet()

    @property
    def early(self):
        patience = self.run.record["early_stopping"]
        return bool(patience) and self.state["waited"] >= patience

    def _cut_history(self, found):
        path, rows = self.run.folder / "history.csv", []
        try:
            with path.open(newline="") as file:
                rows = list(csv.reader(file))
        except FileNotFoundError:
            pass
        except (ValueError, csv.Error) as error:
            raise UserError(f"{path} is damaged ({error}): put back a copy of it, or train anew with --new.") from None
        if not found and len(rows) > 1:
            raise UserError(
                f"{self.run.folder} has a history and no checkpoint: put back {self.run.checkpoints.folder}, or train anew with --new."
            )
        rows = [["iteration", *self.generative_model.logs], *rows[1 : self.iteration + 1]]
        if [row[0] for row in rows[1:] if row] != [str(i + 1) for i in range(self.iteration)]:
            raise UserError(
                f"{path} lacks iterations of the checkpoint's {self.iteration}: put back a copy of it, or train anew with --new."
            )
        with runs.replacing(path) as temporary, temporary.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def on_train_batch_end(self, batch, logs=None):
        self.iteration += 1
        self.state["score"] = None
        bad = [name for name in self.generative_model.logs if not math.isfinite(logs[name])]
        if bad:
            self._fail(bad[0], logs[bad[0]])
            self.stopped = self.anywhere(self.asked)
            return
        self.rows.append(
            [self.iteration, *(f"{logs[name]:.9g}" for name in self.generative_model.logs)]
        )  # 9 digits hold a float32
        if self.average:
            self.average.update(self.iteration)
        every, at_end = self.run.record["checkpoint_every"], self.iteration % self.run.steps_per_epoch == 0
        if at_end:
            self._score()
        if at_end or (every and self.iteration % every == 0):
            self.save()
        if at_end and not self.failure:
            self._sheet()
        self.stopped = self.anywhere(self.asked)  # so that several machines end after the same iteration
        if self.early or self.stopped:
            self.generative_model.stop_training = True

    def _fail(self, log, value):
        self.failure = (self.iteration, log, value)
        self.generative_model.stop_training = True

    def save(self):
        """Writes what is not written yet."""
        if self.iteration == self.saved or self.failure:
            return
        if not finite(self.generative_model):
            self._fail("a weight", math.nan)
            return
        now = time.monotonic()
        self.state |= {"iteration": self.iteration, "seconds": self.state["seconds"] + now - self.began}
        self.began, self.saved = now, self.iteration
        if self.chief:
            path = self.run.folder / "history.csv"
            try:
                with path.open("a", newline="") as file:
                    csv.writer(file).writerows(self.rows)
                checkpoints.sync(path)
            except OSError as error:
                raise UserError(
                    f"{path} cannot be written ({error.strerror}): make room, then give the same command; it goes on from its last checkpoint."
                ) from None
            self.run.checkpoints.write(self.checkpoint, self.state)
        self.rows.clear()

    def _score(self):
        every, epoch = self.run.record["score_every"], self.iteration // self.run.steps_per_epoch
        if not every or epoch % every or not finite(self.generative_model):
            return
        measure = self.run.preset.score
        with self._drawing():
            numbers = measure(self.run, self.generative_model)
        name, sign = measure.best, -1 if measure.higher_is_better else 1
        score, best = sign * numbers[name], self.state["best"]
        better = math.isfinite(score) and (best is None or score < best)
        self.state |= {
            "score": score if math.isfinite(score) else None,
            "waited": 0 if better else self.state["waited"] + 1,
        }
        if better:
            self.state["best"] = score
        tell(
            f"epoch {epoch}: {name} {numbers[name]:.6g}"
            + (", the best so far" if better else "" if best is None else f", not better than {sign * best:.6g}")
        )

    def _drawing(self):
        return self.average.in_use() if self.average else contextlib.nullcontext()

    def _sheet(self):
        path = self.run.folder / "samples" / f"{self.iteration:07d}.png"
        if not self.chief or path.exists():
            return
        path.parent.mkdir(exist_ok=True)
        with self._drawing():
            sheet = figures.sheet(self.run.preset.samples(self.generative_model), self.run.preset.sample_columns)
        with runs.replacing(path) as temporary:
            Image.fromarray(sheet).save(temporary)


def finite(model):
    """Whether every weight and slot of a GenerativeModel is a finite number."""
    variables = [
        v
        for part in (*model.networks().values(), *model.optimizers.values())
        for v in (part.weights if isinstance(part, keras.Model) else part.variables)
    ]
    return all(
        bool(tf.reduce_all(tf.math.is_finite(v.value))) for v in variables if v.dtype.startswith(("float", "bfloat"))
    )


class Schedule(keras.callbacks.Callback):
    """Each player's learning rate as a function of the iteration.

    Args:
        run: Run that is trained.
        generative_model: as it was built, its rates the first.
        schedules: player -> name in SCHEDULES.
    """

    def __init__(self, run, generative_model, schedules):
        super().__init__()
        self.run = run
        optimizers = generative_model.optimizers
        self.players = [
            (optimizers[player], optimizers[player].learning_rate.numpy(), SCHEDULES[name])
            for player, name in schedules.items()
        ]

    def on_train_batch_begin(self, batch, logs=None):
        done = 1.0 - (self.params["steps"] - batch) / self.run.iterations  # fit is given the steps that remain
        for optimizer, rate, left in self.players:
            optimizer.learning_rate.assign(rate * left(done))


class Watch(keras.callbacks.Callback):
    """Warns of a discriminator that has won and of samples that have collapsed, when it has been so for three epochs.

    Won: its loss, of an objective that can reach 0, is below .02 on average. Collapsed: the samples of a GAN's sheet
        vary less than a twentieth
    as much as real pictures, in the mean over pixels of the standard deviation.
    """

    EPOCHS = 3

    def __init__(self, recorder, real):
        super().__init__()
        self.recorder = recorder
        self.spread = float(np.std(real, axis=0).mean())
        self.won = self.collapsed = 0
        self.losses = []
        adversarial = getattr(recorder.generative_model, "adversarial", None)
        self.can_win = adversarial is not None and adversarial is not losses.adversarial("wasserstein")

    def on_train_begin(self, logs=None):
        self.losses.clear()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs.get("d_loss", math.inf))
        if self.recorder.iteration % self.recorder.run.steps_per_epoch or self.recorder.failure:
            return
        model = self.recorder.generative_model
        self.won = self.won + 1 if self.can_win and np.mean(self.losses) < 0.02 else 0
        if self.won == self.EPOCHS:
            tell(
                f"the discriminator has told all pictures apart for {self.EPOCHS} epochs (d_loss below .02), and the generator learns little from it: "
                "try a lower learning rate of the discriminator, or more steps of the generator."
            )
        self.losses.clear()
        if "discriminator" not in model.players or hasattr(
            model, "encode"
        ):  # an autoencoder's early samples are one grey
            return
        spread = float(np.std(self.recorder.run.preset.samples(model), axis=0).mean())
        self.collapsed = self.collapsed + 1 if spread < 0.05 * self.spread else 0
        if self.collapsed == self.EPOCHS:
            tell(
                f"the samples have been nearly one picture for {self.EPOCHS} epochs (they vary {spread / self.spread:.1%} as much as real ones): "
                "the generator has collapsed; try other learning rates or another --seed."
            )


class Progress(keras.callbacks.Callback):
    """A bar with iteration, epoch, time left, images a second and the logs; a line an epoch where the output is no
    terminal.
    """

    def __init__(self, recorder):
        super().__init__()
        self.recorder, self.run = recorder, recorder.run
        self.bar = tqdm(
            total=self.run.iterations,
            initial=recorder.iteration,
            unit="it",
            dynamic_ncols=True,
            disable=None if recorder.chief else True,
        )

    def on_train_begin(self, logs=None):
        self.start, self.began = self.recorder.iteration, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        iteration = self.recorder.iteration
        rate = (iteration - self.start) / (time.monotonic() - self.began)
        epoch = -(-iteration // self.run.steps_per_epoch)
        where = f"epoch {epoch}/{self.run.record['epochs']}"
        numbers = " ".join(f"{name} {value:.4f}" for name, value in logs.items())
        speed = f"{rate * self.run.record['batch_size']:.0f} images/s"
        if not self.bar.disable:
            self.bar.set_description(where, refresh=False)
            self.bar.set_postfix_str(f"{speed}, {numbers}", refresh=False)
            self.bar.update(iteration - self.bar.n)
        elif iteration % self.run.steps_per_epoch == 0 and self.recorder.chief:
            left = datetime.timedelta(seconds=round((self.run.iterations - iteration) / rate))
            print(
                f"{where}, iteration {iteration}/{self.run.iterations}, {left} left, {speed}, {numbers}",
                file=sys.stderr,
                flush=True,
            )

    def close(self):
        """Leaves the bar as it is."""
        self.bar.close()


class TensorBoard(keras.callbacks.Callback):
    """Every iteration's logs, each epoch's sheet of samples and the training step's graph, in the run's tensorboard/."""

    def __init__(self, recorder):
        super().__init__()
        try:
            import tensorboard  # noqa: F401  tf.summary needs it
        except ImportError:
            raise UserError(
                "--tensorboard needs the package tensorboard: install it by `pip install tensorboard`."
            ) from None
        self.recorder = recorder
        self.writer = tf.summary.create_file_writer(str(recorder.run.folder / "tensorboard"))

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            tf.summary.trace_on(graph=True)

    def on_train_batch_end(self, batch, logs=None):
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

    def on_train_end(self, logs=None):
        self.writer.flush()


class Profile(keras.callbacks.Callback):
    """A trace of iterations 11 to 20 after the start, in the run's profile/, as TensorBoard's profiler and Perfetto
    read it.
    """

    FIRST, LAST = 10, 20

    def __init__(self, recorder):
        super().__init__()
        self.folder = recorder.run.folder / "profile"
        self.running = False

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.FIRST:
            tf.profiler.experimental.start(str(self.folder))
            self.running = True

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.LAST:
            self.on_train_end()

    def on_train_end(self, logs=None):
        if self.running:
            tf.profiler.experimental.stop()
            self.running = False
            tell(f"the trace is in {self.folder}")
