"""Learning rates as functions of the iteration."""

import math
from collections.abc import Iterable

import keras

from tfgen import UserError
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run

SCHEDULES = {  # fraction of the run done -> fraction of the learning rate
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 + 0.5 * math.cos(math.pi * done),
}


def schedules(text: str, players: Iterable[str]) -> dict[str, str]:
    """Parses "NAME", for all players, or "PLAYER=NAME,...", where other players stay constant.

    Returns:
        player -> name of its schedule.

    Raises:
        UserError: for unknown names.
    """
    named = dict.fromkeys(players, "constant")
    for part in text.split(","):
        player, equals, name = part.rpartition("=")
        if name not in SCHEDULES or (equals and player not in named):
            raise UserError(
                f"--schedule takes {', '.join(SCHEDULES)}, or PLAYER=NAME,... for the players {', '.join(named)}, "
                f"not {text!r}."
            )
        named |= {player: name} if equals else dict.fromkeys(players, name)
    return named


class Schedule(keras.callbacks.Callback):
    """Sets each player's learning rate before each iteration.

    Args:
        run: the Run to train.
        generative_model: its model, with the initial learning rates.
    """

    def __init__(self, run: Run, generative_model: GenerativeModel):
        super().__init__()
        self.run = run
        optimizers = generative_model.optimizers
        self.players = [
            (optimizers[player], optimizers[player].learning_rate.numpy(), SCHEDULES[name])
            for player, name in schedules(run.settings.training.schedule, generative_model.players).items()
        ]

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        done = 1.0 - (self.params["steps"] - batch) / self.run.iterations  # fit counts the remaining steps
        for optimizer, rate, left in self.players:
            optimizer.learning_rate.assign(rate * left(done))
