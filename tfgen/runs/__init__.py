"""A run folder: its record, history, checkpoints, samples and exports.

record.json          study, model, arguments, data, seed, versions: all that rebuilds the model; `RunSettings.to_record`
history.csv          one row per iteration: its number and the training step's logs
evaluations.csv      one row per evaluation during training: iteration, seconds, and the numbers on the validation part
checkpoints/         weights and slots, the newest and the best; see `checkpoints.py`
pictures.txt         digest and name of each picture that was read from a file, to say what changed
samples/             a sheet of pictures per epoch, always of the same latents
exports/  scores.json
"""

from tfgen.runs.checkpoints import Checkpoints
from tfgen.runs.files import check_writable, make, replacing, write_json
from tfgen.runs.history import EVALUATIONS, HISTORY, Evaluations, History
from tfgen.runs.run import RECORD, Run, checkpoint, find, share_sources, synchronize, train_command, versions

__all__ = [
    "EVALUATIONS",
    "HISTORY",
    "RECORD",
    "Checkpoints",
    "Evaluations",
    "History",
    "Run",
    "check_writable",
    "checkpoint",
    "find",
    "make",
    "replacing",
    "share_sources",
    "synchronize",
    "train_command",
    "versions",
    "write_json",
]
