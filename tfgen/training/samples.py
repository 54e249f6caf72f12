"""A sheet of sample pictures after each epoch."""

import contextlib

from PIL import Image

from tfgen import figures
from tfgen.models.average import WeightAverage
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run, replacing


def averaged(average: WeightAverage | None) -> contextlib.AbstractContextManager:
    """A context in which the networks that draw pictures use their averaged weights, if there are any."""
    return average.in_use() if average else contextlib.nullcontext()


class Samples:
    """Writes samples/ITERATION.png, from latents or training pictures that stay the same for the run."""

    def __init__(self, run: Run, generative_model: GenerativeModel, average: WeightAverage | None):
        self.run = run
        self.generative_model = generative_model
        self.average = average
        self.folder = run.folder / "samples"

    def remove_beyond(self, iteration: int) -> None:
        """Removes the sheets after an iteration, and those that a killed process left incomplete."""
        for path in self.folder.glob("*.png") if self.run.chief else ():
            if not path.stem.isdecimal() or int(path.stem) > iteration:
                path.unlink(missing_ok=True)

    def write(self, iteration: int) -> None:
        """Draws the sheet of an iteration, with averaged weights if there are any, unless the file exists."""
        path = self.folder / f"{iteration:07d}.png"
        if not self.run.chief or path.exists():
            return
        path.parent.mkdir(exist_ok=True)
        with averaged(self.average):
            samples = self.run.preset.sample(self.run, self.generative_model)
        sheet = figures.sheet(samples, self.run.preset.sample_columns)
        with replacing(path) as temporary:
            Image.fromarray(sheet).save(temporary)
