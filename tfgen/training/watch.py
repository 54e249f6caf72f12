"""Warnings during training."""

import math

import keras
import numpy as np

from tfgen import program
from tfgen.training.recorder import Recorder


class Watch(keras.callbacks.Callback):
    """Warns when, for three epochs, the discriminator has won or the samples have collapsed.

    Won: the mean discriminator loss, if it can reach 0, is below .02. Collapsed: a GAN's samples vary less than a
    twentieth as much as real pictures, measured by the standard deviation of each pixel, averaged over pixels.

    Args:
        recorder: the run's Recorder.
        real: (n, H, W, C) pictures.
    """

    EPOCHS = 3

    def __init__(self, recorder: Recorder, real: np.ndarray):
        super().__init__()
        self.recorder = recorder
        self.spread = float(np.std(real, axis=0).mean())
        self.won = self.collapsed = 0
        self.losses: list[float] = []
        model = recorder.generative_model
        adversarial = getattr(model, "adversarial", None)
        self.can_win = adversarial is not None and adversarial.reaches_zero
        self.can_collapse = (
            "discriminator" in model.players and not model.autoencodes
        )  # early samples of autoencoders are gray

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.losses.clear()

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.losses.append(logs.get("d_loss", math.inf))
        if self.recorder.iteration % self.recorder.run.steps_per_epoch or self.recorder.failure:
            return
        if self.can_win:
            self._watch_discriminator()
        if self.can_collapse:
            self._watch_samples()

    def _watch_discriminator(self) -> None:
        self.won = self.won + 1 if np.mean(self.losses) < 0.02 else 0
        self.losses.clear()
        if self.won == self.EPOCHS:
            program.tell(
                f"the discriminator has separated real from generated pictures for {self.EPOCHS} epochs "
                "(d_loss below .02), so the generator learns little: try a lower learning rate for the discriminator "
                "or more generator steps."
            )

    def _watch_samples(self) -> None:
        run = self.recorder.run
        samples = run.preset.sample(run, self.recorder.generative_model)
        spread = float(np.std(samples, axis=0).mean())
        self.collapsed = self.collapsed + 1 if spread < 0.05 * self.spread else 0
        if self.collapsed == self.EPOCHS:
            program.tell(
                f"the samples have been nearly identical for {self.EPOCHS} epochs (they vary "
                f"{spread / self.spread:.1%} as much as real pictures): the generator has collapsed; "
                "try different learning rates or another --seed."
            )
