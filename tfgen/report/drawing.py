"""Drawing figures into files."""

import pathlib
from collections.abc import Iterable, Iterator, Mapping

from matplotlib.figure import Figure
from PIL import Image

from tfgen import UserError, figures, runs
from tfgen.report.comparable import file_name
from tfgen.report.entry import Entry
from tfgen.runs import Run
from tfgen.studies import EXPERIMENTS

DURATION = 200  # milliseconds for which a frame of an animation is shown


def draw_all(entries: Iterable[Entry], folder: pathlib.Path) -> Iterator[Entry]:
    """Draws the Entries that have runs into a folder, and yields each one when it is finished.

    See `draw` for the attributes it sets. To show progress:
        `for entry in tqdm(draw_all(entries, folder), total=sum(bool(entry.runs) for entry in entries)): ...`
    """
    for entry in entries:
        if entry.runs:
            draw(entry, folder)
            yield entry


def draw(entry: Entry, folder: pathlib.Path) -> None:
    """Draws an Entry into a folder under its names, and sets its `alt` or, if it cannot be drawn, its `problem`."""
    if entry.draw is None:
        raise ValueError(f"{', '.join(entry.names)} has no run to be drawn from")
    try:
        figure = entry.draw()
        for name in entry.names:
            save(figure, folder / name)
        entry.alt = entry.alt or figures.describe(figure)
    except UserError as error:
        entry.problem = str(error)
    except Exception as error:  # a bug in one figure or a damaged run must not prevent the other figures
        entry.problem = unexpected(error)


def unexpected(error: Exception) -> str:
    """A sentence for an error that tfgen did not foresee."""
    return f"{type(error).__name__} ({error}): the run may be damaged, or this is a bug in tfgen."


def save(figure: Figure | list[Image.Image], path: pathlib.Path) -> None:
    """Writes a figure, in the format given by the file extension, or an animation, completely or not at all.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        with runs.replacing(path) as temporary:
            if isinstance(figure, list):
                first, *more = figure
                first.save(temporary, save_all=True, append_images=more, duration=DURATION, loop=0, optimize=True)
            else:
                options = {"quality": 95} if path.suffix in (".jpg", ".jpeg") else {}
                figure.savefig(temporary, dpi=100, pil_kwargs=options)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): free some space or choose another --out."
        ) from None


def compare(name: str, trained: Mapping[str, Run], folder: str | pathlib.Path) -> pathlib.Path:
    """Draws the comparison of an experiment's trained runs, {label: Run}. Returns the path of the picture."""
    path = runs.make(folder) / file_name(name)
    save(EXPERIMENTS[name].draw(trained), path)
    return path
