"""From settings to a trained run: planning, devices, the training loop, and its callbacks."""

from tfgen.training.loop import check_devices, train
from tfgen.training.plan import check_room, plan
from tfgen.training.schedule import schedules
from tfgen.training.timing import Timing, cost, duration, measure

__all__ = ["Timing", "check_devices", "check_room", "cost", "duration", "measure", "plan", "schedules", "train"]
