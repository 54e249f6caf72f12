"""From settings to a trained run: what will be trained, on which devices, to the end whatever happens on the way."""

from tfgen.training.loop import train
from tfgen.training.plan import plan
from tfgen.training.schedule import schedules

__all__ = ["plan", "schedules", "train"]
