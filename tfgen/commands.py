"""One function for each command. `tfgen_cli.py` parses the command line and prints what these functions return.

In a notebook:

    from tfgen import commands

    run = commands.train("vae", dataset="digits", epochs=20, latent_dim=64)
    commands.score(run.folder)

Modules that are slow to import, such as TensorFlow, are imported when a command needs them.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfgen import UserError, program, settings
from tfgen.settings import DEFAULT_STUDY, DataSettings

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgen.data import Dataset
    from tfgen.data.prepare import Prepared
    from tfgen.data.source import Source
    from tfgen.report import Entry
    from tfgen.runs import Run
    from tfgen.studies.study import Experiment, Preset


SEEN_TEST = (
    "The model was trained on the training and the test set together, so these are scores on pictures it has seen: for "
    "others, train with --split train."
)


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C or SIGTERM, and saved.

    Attributes:
        run: the run; `run.command()` resumes it.
    """

    def __init__(self, run: "Run"):
        super().__init__(f"stopped and saved at iteration {run.iteration} of {run.iterations}")
        self.run = run


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of `report`.

    Attributes:
        page: path of the page.
        drawn: path of each figure -> the runs it shows.
        missing: command -> names of the figures that could be drawn after it.
        failed: Entries that could not be drawn; each has its `problem`.
        complaints: a sentence for each run that was left out.
    """

    page: pathlib.Path
    drawn: dict[pathlib.Path, list["Run"]]
    missing: dict[str, list[str]]
    failed: list["Entry"]
    complaints: list[str]


# Training ------------------------------------------------------------------------------------------------------------


def train(
    model: str,
    study: str = DEFAULT_STUDY,
    *,
    attribute: str | None = None,
    run: str | os.PathLike | None = None,
    new: bool = False,
    smoke: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = print,
    **options: Any,
) -> "Run":
    """Trains a model, or resumes its run.

    Args:
        model, study: keys of `tfgen.studies.STUDIES`.
        attribute, run, new, smoke: see `tfgen.training.plan`.
        dry_run: whether to only check everything and describe what would be trained.
        say: called with the description of the run before training.
        options: settings of the run by name (see `tfgen.settings`), and arguments of the model.

    Returns:
        The trained run.

    Raises:
        UserError: for settings that do not fit together; see `tfgen.training`.
        Interrupted: after Ctrl-C or SIGTERM.
    """
    arguments, chosen = _chosen(study, model, options)
    place = {"attribute": attribute, "run": run, "new": new, "smoke": smoke}
    return _train(_strategy(options, alone=dry_run), say, study, model, arguments, chosen | place, dry_run)


def experiment(
    name: str,
    *,
    out: str | os.PathLike = "report",
    smoke: bool = False,
    say: Callable[[str], None] = print,
    **options: Any,
) -> tuple[dict[str, "Run"], pathlib.Path | None]:
    """Trains or resumes the variants of a study's experiment, and draws them side by side.

    Args:
        name: STUDY/NAME, a key of `tfgen.studies.EXPERIMENTS`.
        out: folder of the figure.
        smoke, say, options: as in `train`, for all variants.

    Returns:
        ({label: run}, path of the figure). The path is None on machines that do not write.
    """
    from tfgen import report

    found, study = _experiment(name), name.split("/")[0]
    options = options if smoke else {**found.settings, **options}
    planned = {
        label: (model, *_chosen(study, model, options, changes)) for label, (model, changes) in found.variants.items()
    }
    folder, strategy, trained = f"runs/{name}{'-smoke' if smoke else ''}", _strategy(options), {}
    for label, (model, arguments, chosen) in planned.items():
        own = re.sub(r"[^\w.-]+", "_", label)
        place = {"run": f"{folder}/{own}", "smoke": smoke}
        trained[label] = _train(strategy, say, study, model, arguments, chosen | place)
    writes = all(run.chief for run in trained.values())
    return trained, report.compare(name, trained, os.path.expanduser(out)) if writes else None


def reproduce(
    study: str,
    *,
    out: str | os.PathLike = "report",
    smoke: bool = False,
    say: Callable[[str], None] = print,
    **options: Any,
) -> tuple[list["Run"], Report | None]:
    """Trains or resumes all models of a study, and draws their figures.

    Args:
        study: key of `tfgen.studies.STUDIES`.
        out: folder of the figures and the page.
        smoke, say, options: as in `train`, for all models.

    Returns:
        (runs, Report). The report is None on machines that do not write.
    """
    from tfgen.studies import models

    planned = {model: _chosen(study, model, options) for model in models(study)}
    strategy = _strategy(options)
    trained = [
        _train(strategy, say, study, model, arguments, chosen | {"smoke": smoke})
        for model, (arguments, chosen) in planned.items()
    ]
    writes = all(run.chief for run in trained)
    return trained, report([run.folder for run in trained], out=out) if writes else None


def _experiment(name: str) -> "Experiment":
    from tfgen.studies import find_experiment

    return find_experiment(name)


def _chosen(
    study: str, model: str, options: dict[str, Any], changes: dict[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits options into (the model's arguments, settings of the run); `changes` are fixed arguments."""
    from tfgen.studies import find

    others = settings.split(options)[2]
    arguments = find(study, model).convert(others) | (changes or {})
    return arguments, {name: value for name, value in options.items() if name not in others}


def _strategy(options: dict[str, Any], alone: bool = False) -> "tf.distribute.Strategy":
    from tfgen.training import devices

    return devices.strategy(settings.split(options)[1].devices, alone)


def _train(
    strategy: "tf.distribute.Strategy",
    say: Callable[[str], None],
    study: str,
    model: str,
    arguments: dict[str, Any],
    choice: dict[str, Any],
    dry_run: bool = False,
) -> "Run":
    from tfgen import training
    from tfgen.training import devices

    run = training.plan(study, model, arguments=arguments, chief=devices.is_chief(strategy), **choice)
    if run.chief:
        say(describe(run, strategy.num_replicas_in_sync))
    if not dry_run and not training.train(run, strategy):
        raise Interrupted(run)
    return run


def describe(run: "Run", devices: int = 1) -> str:
    """Describes a planned run in a few lines."""
    from tfgen.training import schedules

    source, model, chosen = run.training_source(), run.build(), run.settings
    size, training = chosen.data.image_size, chosen.training
    rates = schedules(training.schedule, model.players)
    counts = ", ".join(f"{name} {count:,}" for name, count in model.parameters().items())
    return "\n".join(
        [
            f"{run.folder}: {chosen.study} {chosen.model} on {source.name}, {len(source)} pictures of {size}x{size}",
            f"  parameters: {counts}",
            f"  {training.epochs} epochs of {run.steps_per_epoch} iterations of {training.batch_size} pictures"
            + f" on {devices} devices" * (devices > 1)
            + f", {run.iteration} of {run.iterations} iterations done",
            "  " + ", ".join(f"{name} {value}" for name, value in chosen.arguments.items()),
            "  learning rates " + ", ".join(f"{player} {rate}" for player, rate in rates.items()),
        ]
    )


# Finished runs -------------------------------------------------------------------------------------------------------


def report(
    runs: str | os.PathLike | Sequence[str | os.PathLike] = (),
    *,
    out: str | os.PathLike = "report",
    best: bool = False,
    attribute: str | None = None,
) -> Report:
    """Draws the figures of finished runs, and a page that shows them.

    Args:
        runs: folders; by default the most recent run of each model in runs/.
        out: folder of the figures and the page.
        best: whether to use the checkpoints with the best score.
        attribute: attribute that fig1_5 is colored by; None for the figure's default.

    Raises:
        UserError: if none of the runs can be read or the folder cannot be written.
    """
    from tqdm import tqdm

    from tfgen import report

    named = [runs] if isinstance(runs, str | os.PathLike) else runs
    folders = [pathlib.Path(run).expanduser() for run in named]
    chosen, complaints = report.readable(folders, best)
    entries = report.entries(chosen, attribute=attribute)
    if folders:
        complaints += report.left_out(chosen, entries)
    folder = report.make(os.path.expanduser(out))
    ready = [entry for entry in entries if entry.runs]
    with tqdm(total=len(ready) + 1, unit="figure", leave=False, disable=None) as bar:
        for entry in report.draw_all(entries, folder):
            bar.set_description(entry.names[0])
            bar.update()
        words = [*folders, *["--best"] * best, *(["--attribute", attribute] if attribute else [])]
        page = report.page(entries, chosen, folder, complaints, program.command("report", *words))
    drawn = {folder / name: entry.runs for entry in ready if not entry.problem for name in entry.names}
    return Report(page, drawn, report.missing(entries), [entry for entry in entries if entry.problem], complaints)


def score(run: str | os.PathLike, *, best: bool = False) -> dict[str, float]:
    """Evaluates a run on its test set and writes the numbers to its scores.json.

    Args:
        run: run folder.
        best: whether to use the checkpoint with the best score.

    Returns:
        {name: number}; the preset's Score says what each means.

    Raises:
        UserError: if the run cannot be read or evaluated.
    """
    from tfgen.runs import Run, write_json

    opened = Run.open(os.path.expanduser(run), best)
    numbers = opened.preset.score(opened, opened.model)
    write_json(opened.folder / "scores.json", {"iteration": opened.restored} | numbers)
    return numbers


def describe_score(run: str | os.PathLike, numbers: Mapping[str, float]) -> str:
    """The numbers of a run's score in lines: first a table of those that have rivals, then the others."""
    from tfgen.runs import Run

    opened = Run.open(os.path.expanduser(run))
    score = opened.preset.score
    table = score.table(numbers)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines += ["", *(f"{column}: {text}" for column, text in score.legend(numbers).items()), ""] if table else []
    lines += [f"{name:28s} {value:.6g}" for name, value in score.others(numbers).items()]
    return "\n".join([*lines, *[SEEN_TEST] * opened.seen_test])


def export(
    run: str | os.PathLike, *, out: str | os.PathLike | None = None, best: bool = False
) -> dict[str, tuple[pathlib.Path, float]]:
    """Writes a run's networks as SavedModels and checks them by reloading.

    Args:
        run: folder.
        out: folder to write to; the default is RUN/exports.
        best: whether to use the checkpoint with the best score.

    Returns:
        {network: (path, largest difference of the reloaded network's outputs)}.

    Raises:
        UserError: if the run cannot be read, or a reloaded network differs.
    """
    from tfgen import export
    from tfgen.runs import Run

    return export.export(Run.open(os.path.expanduser(run), best), out and os.path.expanduser(out))


# What there is -------------------------------------------------------------------------------------------------------


def list_models() -> dict[tuple[str, str], "Preset"]:
    """(study, model) -> Preset."""
    from tfgen.studies import STUDIES

    return {(study, model): preset for study, presets in STUDIES.items() for model, preset in presets.items()}


def list_experiments() -> dict[str, "Experiment"]:
    """STUDY/NAME -> Experiment."""
    from tfgen.studies import EXPERIMENTS

    return EXPERIMENTS


def list_datasets() -> dict[str, "Dataset"]:
    """name -> Dataset, without those that are only in tensorflow-datasets."""
    from tfgen import data

    return data.DATASETS


# Data ----------------------------------------------------------------------------------------------------------------


def prepare(dataset: str, **options: Any) -> Iterator["Prepared"]:
    """Decodes a data set into the cache, split by split; `options` are fields of DataSettings."""
    from tfgen.data import prepare

    return prepare.prepare(**_reading(dataset, options))


def verify(dataset: str, **options: Any) -> tuple[dict[str, int], list[str]]:
    """Checks all files of a data set; `options` are fields of DataSettings.

    Returns:
        {split: number of good examples}, [a sentence for each file that is missing, unlabeled, damaged, of the wrong
        size, or duplicated].
    """
    from tfgen.data import prepare

    return prepare.verify(**_reading(dataset, options))


def show(
    dataset: str, *, split: str = "train", out: str | os.PathLike | None = None, **options: Any
) -> tuple[pathlib.Path, "Source"]:
    """Writes a picture with a grid of labeled examples.

    Args:
        dataset: name.
        split: "train" or "test".
        out: path of a PNG or JPEG; the default is NAME-SPLIT.png.
        options: fields of DataSettings; `examples` is 64 if it is not given.

    Returns:
        (path of the picture, the examples that it shows).
    """
    from tfgen import data, figures, report

    path = pathlib.Path(out or f"{dataset.replace('/', '-')}-{split}.png").expanduser()
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--out {path} is not a picture file: expected a name that ends in .png or .jpg.")
    source = data.load(split=split, **{"examples": 64} | _reading(dataset, options))
    report.save(figures.examples(source, len(source)), report.make(path.parent) / path.name)
    return path, source


def _reading(dataset: str, options: dict[str, Any]) -> dict[str, Any]:
    """The given arguments, for `data.load`."""
    if unknown := options.keys() - settings.described(DataSettings).keys():
        raise TypeError(f"no settings of data are called {', '.join(sorted(unknown))}")
    given = {name: value for name, value in options.items() if value is not None}
    if "data_dir" in given:
        given["data_dir"] = os.path.expanduser(given["data_dir"])
    return {"name": dataset} | given
