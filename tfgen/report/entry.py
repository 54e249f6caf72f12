"""The entries of a report: figures to be drawn, and missing figures."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from tfgen import program, runs
from tfgen.figures import diagrams
from tfgen.report.comparable import alike, file_name
from tfgen.report.selection import model_of, preferred, ready, studies_of
from tfgen.runs import Run
from tfgen.studies import EXPERIMENTS, STUDIES
from tfgen.studies.study import Experiment, Preset


@dataclasses.dataclass
class Entry:
    """A figure to be drawn, or a missing figure.

    Attributes:
        study: name of the study.
        model: name of the model, or None for a comparison of several runs.
        names: file names; two if the study spells the name in two ways.
        caption: what the figure shows.
        runs: the runs it is drawn from; empty if the figure is missing.
        command: the command that trains the run.
        draw: () -> matplotlib Figure, or the frames of an animation.
        problem: a sentence that explains why it could not be drawn.
        alt: description of the figure, for its alternative text.
    """

    study: str
    model: str | None
    names: list[str]
    caption: str
    runs: list[Run]
    command: str
    draw: Callable[[], Figure | list[Image.Image]] | None = None
    problem: str = ""
    alt: str = ""


def entries(chosen: Sequence[Run], **options: Any) -> list[Entry]:
    """The Entries of a report on runs, in the order of the page.

    Args:
        chosen: Runs, in order of preference: only the first run of each model is drawn. If there are none, all figures
            of the default study are missing.
        options: keyword arguments for figures that take them, such as `attribute`; None means the default.
    """
    found = []
    for study in studies_of(chosen):
        for model, preset in STUDIES[study].items():
            found += _entries_of_model(study, model, preset, preferred(chosen, study, model), options)
        for name, experiment in EXPERIMENTS.items():
            if name.startswith(f"{study}/"):
                found += _entries_of_experiment(study, name, experiment, chosen)
    return found


def _entries_of_model(study: str, model: str, preset: Preset, run: Run | None, options: dict) -> list[Entry]:
    if run is None or not ready(run):
        command = run.command() if run else runs.train_command(study, model)
        return [Entry(study, model, [name], plot.caption, [], command) for name, plot in preset.figures.items()]
    found: list[Entry] = []
    by_plot: dict[int, Entry] = {}  # a plot with two names is drawn once
    for name, plot in preset.figures.items():
        if id(plot) in by_plot:
            by_plot[id(plot)].names.append(name)
            continue
        given = {option: options[option] for option in plot.options if options.get(option) is not None}
        draw = functools.partial(plot.draw, run, **given)
        by_plot[id(plot)] = Entry(study, model, [name], plot.caption, [run], run.command(), draw)
        found.append(by_plot[id(plot)])
    diagram = Entry(
        study,
        model,
        [f"{study}_{model}_networks.png"],
        "The networks, drawn from their layers: the size of a block shows the size of its output, and arcs are "
        "skip connections.",
        [run],
        run.command(),
        lambda: diagrams.networks(model_of(run)),
        alt=f'Block diagrams; the same layers are listed in the tables under "Layers of {model}" below the figures.',
    )
    return [*found, diagram]


def _entries_of_experiment(study: str, name: str, experiment: Experiment, chosen: Sequence[Run]) -> list[Entry]:
    groups = alike(name, chosen)
    if not groups:
        command = program.command("experiment", name)
        return [Entry(study, None, [file_name(name)], experiment.caption, [], command)]
    found = []
    for file, together in groups.items():
        record = next(iter(together.values())).record
        caption = f"{experiment.caption} On {record['dataset']} at {record['image_size']}x{record['image_size']}."
        draw = functools.partial(experiment.draw, together)
        found.append(Entry(study, None, [file], caption, list(together.values()), "", draw))
    return found


def left_out(chosen: Sequence[Run], found: Sequence[Entry]) -> list[str]:
    """A sentence for each run that no Entry shows, because it is neither the first of its model nor in a comparison."""
    shown = [run for entry in found for run in entry.runs]
    sentences = []
    for run in chosen:
        first = preferred(chosen, run.record["study"], run.record["model"])
        if first and run is not first and run not in shown:
            sentences.append(
                f"{run.folder} is not shown: {first.folder} is a run of the same model and takes precedence."
            )
    return sentences


def missing(found: Sequence[Entry]) -> dict[str, list[str]]:
    """{command: [names of the figures that can be drawn after it]} for the missing Entries."""
    commands: dict[str, list[str]] = {}
    for entry in found:
        if not entry.runs:
            commands.setdefault(entry.command, []).extend(entry.names)
    return commands
