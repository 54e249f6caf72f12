"""What a study says of one of its models."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable
from typing import Any

from tfgen import UserError, settings
from tfgen.settings import DataSettings, TrainingSettings


@dataclasses.dataclass(frozen=True)
class Plot:
    """A figure of a study.

    Attributes:
        draw: (run, **options) -> matplotlib Figure, or a list of Pillow's pictures that make an animation.
        caption: what one sees, with the units of what is measured.
        options: names of the keyword arguments of `draw` that are flags of `report`.
    """

    draw: Callable
    caption: str
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class About:
    """What the page says of a study.

    Attributes:
        title: whose it is.
        text: what it did.
        slips: (what the study says or does, what is right and done here), for each place where the two differ.
    """

    title: str
    text: str
    slips: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Preset:
    """One model of a study, as it was trained and drawn.

    Attributes:
        build: (image_shape, **arguments) -> compiled GenerativeModel; the keyword arguments and their defaults are the
            command line's flags.
        data: name of the default data set, built in.
        split: split it trains on: "train", or "all" for train and test together.
        attributes: names of the attributes it is conditioned on.
        needs: fields of Source that its data must have, "labels" or "depth".
        batch_size: examples in a batch.
        epochs: passes over the data.
        samples: (run) -> (n, H, W, C) pictures from latents fixed for the run; its sheet is saved while it trains.
        sample_columns: pictures in a row of that sheet.
        figures: file name -> Plot.
        score: (run) -> {name: number}.
        parameters: network -> number of its trainable parameters, of the default arguments and data set.
    """

    build: Callable
    data: str
    split: str
    batch_size: int
    epochs: int
    samples: Callable
    sample_columns: int
    figures: dict[str, Plot]
    score: Callable
    attributes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    parameters: dict[str, int] = dataclasses.field(default_factory=dict)

    def defaults(self) -> dict[str, Any]:
        """name -> default of every keyword argument of `build`."""
        parameters = inspect.signature(self.build).parameters.values()
        return {
            parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty
        }

    def convert(self, given: dict[str, Any]) -> dict[str, Any]:
        """The builder's arguments from values or texts. Texts may be fractions, as 1/16.

        Raises:
            UserError: for a name that `build` does not take, or a value of another type than the default.
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
    """Runs of a study that differ in one thing, side by side.

    Attributes:
        variants: label -> (model, arguments of its builder that differ from their defaults).
        draw: {label: run} -> matplotlib Figure.
        caption: what one sees.
        alike: whether its runs must be trained alike but for what varies; else only on the same data at the same size
            and width.
    """

    variants: dict[str, tuple[str, dict]]
    draw: Callable
    caption: str
    alike: bool = True
