"""From settings to a trained run: planning, devices, the training loop, and its callbacks."""

from tfgen.training.loop import train
from tfgen.training.plan import plan
from tfgen.training.schedule import schedules

__all__ = ["plan", "schedules", "train"]
