"""The parts of a study as values: models, figures, experiments."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from tfgen import UserError, settings
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores import Score
from tfgen.settings import DataSettings, TrainingSettings


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure of a study.

    Attributes:
        draw: (run, **options) -> matplotlib Figure, or the frames of an animation.
        caption: what the figure shows, with units.
        options: names of the keyword arguments of `draw` that are flags of `report`.
    """

    draw: Callable[..., Figure | list[Image.Image]]
    caption: str
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class About:
    """The text about a study on the page of a report.

    Attributes:
        title: origin of the study.
        text: what it did.
        slips: its errors: (what the study says or does, the correction in this package).
    """

    title: str
    text: str
    slips: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Preset:
    """One model of a study: how it is built, trained, drawn and evaluated.

    Attributes:
        build: (image_shape, **arguments) -> compiled GenerativeModel; the keyword arguments and their defaults are
            flags of the command line. The first line of its docstring describes the model. An argument `classes` of a
            run is the number of classes in its data.
        data: name of the default data set, built in.
        split: training data: "train", or "all" for train and test together.
        batch_size: examples per batch.
        samples: (model) -> pictures (n, H, W, C) in [0, 1] from latents that are always the same; with `originals`,
            (model, images) -> pictures. A sheet of them is saved after each epoch.
        sample_columns: pictures per row of this sheet.
        figures: file name -> Plot.
        score: the Score that evaluates the model.
        attributes: names of the attributes that it is conditioned on.
        needs: fields of Source that its data must have, "labels" or "depth".
        parameters: network -> number of trainable parameters, for the default arguments and data set.
        originals: number of training pictures that `samples` takes, as an autoencoder's reconstructions do.
        epochs: length of the training in passes over the data, or None if `iterations` is given.
        iterations: length of the training in iterations with the default arguments, or None. The study's data set may
            be much larger or smaller than the one at hand.
        ema: decay of the moving average of the weights that generates pictures; 0 for none.
        prepare: (model, images (n, H, W, C) in [0, 1], codes (n, K) or None) -> None: sets weights that follow from the
            training pictures and what the model is conditioned on, before training; None if there are none.
    """

    build: Callable[..., GenerativeModel]
    data: str
    split: str
    batch_size: int
    samples: Callable[..., np.ndarray]
    sample_columns: int
    figures: dict[str, Plot]
    score: Score
    attributes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    parameters: dict[str, int] = dataclasses.field(default_factory=dict)
    originals: int = 0
    epochs: int | None = None
    iterations: int | None = None
    ema: float = 0.0
    prepare: Callable[[Any, np.ndarray, np.ndarray | None], None] | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.iterations is None):
            raise ValueError("a preset takes either epochs or iterations")

    @property
    def length(self) -> str:
        """The length of the training in words."""
        return f"{self.epochs:,} epochs" if self.epochs else f"{self.iterations:,} iterations"

    def epochs_on(self, pictures: int, batch_size: int) -> int:
        """Length of the training on so many pictures in epochs, at least 1.

        A length in iterations is rounded to whole epochs. It counts the batches of a step with the default arguments:
        another --d_steps changes how often the generator is updated, but not how many pictures are seen.
        """
        if self.epochs:
            return self.epochs
        per_epoch = max(1, pictures // (batch_size * self.defaults().get("d_steps", 1)))
        return max(1, round((self.iterations or 0) / per_epoch))

    @property
    def description(self) -> str:
        """One sentence that describes the model."""
        return (self.build.__doc__ or "").split("\n")[0]

    def sample(self, run: Run, model: GenerativeModel) -> np.ndarray:
        """The pictures (n, H, W, C) in [0, 1] that a run's sheet of samples shows for a model of the run."""
        return self.samples(model, self.training_pictures(run)) if self.originals else self.samples(model)

    def training_pictures(self, run: Run) -> np.ndarray:
        """The training pictures that `samples` takes, evenly spaced in the run's data; all if there are fewer."""
        source = run.source(self.split)
        return source.floats(np.unique(np.linspace(0, len(source) - 1, self.originals).astype(int)))

    def defaults(self) -> dict[str, Any]:
        """name -> default of every keyword argument of `build`."""
        parameters = inspect.signature(self.build).parameters.values()
        return {
            parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty
        }

    def convert(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Converts arguments of `build`: {name: value or text} -> {name: value of the default's type}.

        Numbers in texts may be fractions such as 1/16.

        Raises:
            UserError: for a name that `build` does not take, or a value or text of another type.
        """
        defaults, values = self.defaults(), {}
        for name, value in given.items():
            if name not in defaults:
                raise UserError(f"--{name} is not an argument of this model{self._closest(name)}: {self._taken()}.")
            kind = settings.OF_ARGUMENTS[type(defaults[name])]
            try:
                values[name] = kind.parse(value) if isinstance(value, str) else value
            except ValueError:
                values[name] = None
            if not kind.holds(values[name]):
                raise UserError(f"--{name} takes {kind.takes}, not {value!r} (default {defaults[name]}).")
        return values

    def _closest(self, name: str) -> str:
        flags = [*self.defaults(), *settings.described(DataSettings), *settings.described(TrainingSettings)]
        close = difflib.get_close_matches(name, flags, 1)
        return f" (did you mean --{close[0]}?)" if close else ""

    def _taken(self) -> str:
        return f"it takes {', '.join('--' + name for name in self.defaults())}"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A comparison of runs of a study that differ in one respect.

    Attributes:
        variants: label -> (model, arguments of its builder that differ from their defaults). A model of another study
            is written STUDY/MODEL.
        draw: {label: run} -> matplotlib Figure.
        caption: what the figure shows.
        settings: settings of the runs and arguments of all variants, for those that are not given. A smoke run does
            not use them.
        minutes: how long each run may be trained, if it is not as many epochs as its study sets.
        alike: whether the runs must agree in all settings except those that vary; otherwise only in the data, the size
            and the width.
    """

    variants: dict[str, tuple[str, dict[str, Any]]]
    draw: Callable[[Mapping[str, Run]], Figure]
    caption: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    minutes: float | None = None
    alike: bool = True

    def models(self, study: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """label -> (study, model, changed arguments) of an experiment of a study."""
        found = {}
        for label, (model, changes) in self.variants.items():
            own, _, name = model.rpartition("/")
            found[label] = (own or study, name, changes)
        return found
