"""One function for each command. `tfgen_cli.py` parses the command line and prints what these functions return.

In a notebook:

    from tfgen import commands

    run = commands.train("vae", dataset="digits", epochs=20, latent_dim=64)
    commands.evaluate(run.folder)

Modules that are slow to import, such as TensorFlow, are imported when a command needs them.
"""

import dataclasses
import os
import pathlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfgen import UserError, program, settings
from tfgen.settings import DEFAULT_STUDY, DataSettings

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgen.comparison import Comparison
    from tfgen.data import Dataset
    from tfgen.data.cache import Entry as Cached
    from tfgen.data.prepare import Prepared, Verified
    from tfgen.data.source import Source
    from tfgen.report import Entry
    from tfgen.runs import Run
    from tfgen.settings import RunSettings
    from tfgen.studies.study import Experiment, Preset
    from tfgen.training import Timing


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


class NotKept(UserError):
    """The numbers of a score could not be written to the run's folder.

    Attributes:
        run: folder of the run.
        numbers: {name: number}.
    """

    def __init__(self, sentence: str, run: pathlib.Path, numbers: dict[str, float]):
        super().__init__(sentence)
        self.run = run
        self.numbers = numbers


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
    minutes: float | None = None,
    say: Callable[[str], None] = print,
    **options: Any,
) -> "Run":
    """Trains a model, or resumes its run.

    Args:
        model, study: keys of `tfgen.studies.STUDIES`.
        attribute, run, new, smoke: see `tfgen.training.plan`.
        dry_run: whether to only check everything and describe what would be trained, and how long it would take.
        minutes: how long training may take on this machine, instead of the setting `epochs`. The number of epochs is
            set from the time of the first iterations, at least 1. A run that is resumed keeps its number.
        say: called with the description of the run before training.
        options: settings of the run by name (see `tfgen.settings`), and arguments of the model.

    Returns:
        The trained run.

    Raises:
        UserError: for settings that do not fit together; see `tfgen.training`.
        Interrupted: after Ctrl-C or SIGTERM.
    """
    from tfgen import training

    began = time.monotonic()
    strategy = _strategy(options, alone=dry_run)
    _check_minutes(minutes, options, strategy)
    place: dict[str, Any] = {"attribute": attribute, "run": run, "new": new, "smoke": smoke}
    place["keep_epochs"] = minutes is not None
    planned = _plan(strategy, study, model, *_chosen(study, model, options), **place)
    timing = None
    if not planned.done and (dry_run or (minutes is not None and planned.fresh)):
        timing = training.measure(planned, strategy)
    if timing and minutes is not None and planned.fresh:
        planned.set_epochs(timing.epochs(planned, 60 * minutes - (time.monotonic() - began)))
    if dry_run:
        say(describe(planned, strategy.num_replicas_in_sync, timing))
        return planned
    return _train(planned, strategy, say)


def _check_minutes(minutes: float | None, options: dict[str, Any], strategy: "tf.distribute.Strategy") -> None:
    from tfgen.training import devices

    if minutes is not None and options.get("epochs"):
        raise UserError("--minutes sets the number of epochs: leave out --epochs.")
    if minutes is not None and devices.several_machines(strategy):
        raise UserError("--minutes is measured on one machine: set --epochs to train on several.")


def experiment(
    name: str,
    *,
    out: str | os.PathLike = "report",
    smoke: bool = False,
    minutes: float | None = None,
    say: Callable[[str], None] = print,
    **options: Any,
) -> tuple[dict[str, "Run"], pathlib.Path | None]:
    """Trains or resumes the variants of a study's experiment, and draws them side by side.

    Args:
        name: STUDY/NAME, a key of `tfgen.studies.EXPERIMENTS`.
        out: folder of the figure.
        smoke, say, options: as in `train`, for all variants.
        minutes: as in `train`, for each variant; the default is the experiment's, if it has one.

    Returns:
        ({label: run}, path of the figure). The path is None on machines that do not write.
    """
    from tfgen import report
    from tfgen.runs import make

    varied = {key for _, changes in _experiment(name).variants.values() for key in changes}
    if fixed := sorted(varied & options.keys()):
        raise UserError(f"--{fixed[0]} is what the runs of {name} differ in: leave it out.")
    strategy = _strategy(options)
    planned = _variants(name, [], strategy, options, {"smoke": smoke}, minutes)
    if any(run.chief for run in planned.values()):
        make(os.path.expanduser(out))  # better now than after the training
    _announce(name, {name: list(planned.values())}, strategy, say)
    trained = {label: _train(run, strategy, say) for label, run in planned.items()}
    writes = all(run.chief for run in trained.values())
    return trained, report.compare(name, trained, os.path.expanduser(out)) if writes else None


def reproduce(
    study: str,
    *,
    attribute: str | None = None,
    out: str | os.PathLike = "report",
    smoke: bool = False,
    say: Callable[[str], None] = print,
    **options: Any,
) -> tuple[list["Run"], Report | None]:
    """Trains or resumes all models of a study and the variants of its experiments, and draws all its figures.

    All runs are planned before the first is trained. A variant that is the same as a model's run is not trained again.

    Args:
        study: key of `tfgen.studies.STUDIES`.
        attribute: attribute to condition on, for the models that are conditioned on attributes.
        out: folder of the figures and the page.
        smoke, say: as in `train`, for all runs.
        options: settings of all runs, and arguments of models. An argument is for those models that take it, and not
            for the experiments that vary it.

    Returns:
        (runs, Report). The report is None on machines that do not write.

    Raises:
        UserError: before anything is trained, for settings that do not fit a run and arguments that no model takes.
        Interrupted: after Ctrl-C or SIGTERM.
    """
    from tfgen.runs import make
    from tfgen.studies import EXPERIMENTS, models

    presets = models(study)
    names = [name for name in EXPERIMENTS if name.startswith(f"{study}/")]
    if attribute and not any(preset.attributes for preset in presets.values()):
        raise UserError(f"no model of {study} is conditioned on attributes: leave out --attribute.")
    for name in settings.split(options)[2]:
        if not any(name in preset.defaults() for preset in presets.values()):
            raise UserError(f"--{name} is not an argument of any model of {study}; see `{program.command('list')}`.")
    strategy = _strategy(options)
    planned: list[Run] = []
    for model, preset in presets.items():
        chosen = _chosen(study, model, _taken(preset, options))
        own = attribute if preset.attributes else None
        planned.append(_plan(strategy, study, model, *chosen, others=planned, attribute=own, smoke=smoke))
    groups = {str(run.folder): [run] for run in planned}
    for name in names:
        varied = {key for _, changes in EXPERIMENTS[name].variants.values() for key in changes}
        kept = {key: value for key, value in options.items() if key not in varied}
        variants = _variants(name, planned, strategy, kept, {"attribute": attribute, "smoke": smoke})
        groups[name] = [run for run in variants.values() if run not in planned]
        planned += groups[name]
    if any(run.chief for run in planned):
        make(os.path.expanduser(out))  # better now than after the training
    _announce(study, groups, strategy, say)
    trained = [_train(run, strategy, say) for run in planned]
    writes = all(run.chief for run in trained)
    return trained, report([run.folder for run in trained], out=out) if writes else None


def _taken(preset: "Preset", options: dict[str, Any]) -> dict[str, Any]:
    """The options without arguments that the model does not take."""
    others = settings.split(options)[2].keys() - preset.defaults().keys()
    return {name: value for name, value in options.items() if name not in others}


def _variants(
    name: str,
    before: list["Run"],
    strategy: "tf.distribute.Strategy",
    options: dict[str, Any],
    choice: dict[str, Any],
    minutes: float | None = None,
) -> dict[str, "Run"]:
    """Plans the runs of an experiment: {label: Run}.

    If `minutes`, or the experiment, sets the length of the training, measures the first iterations of each new run.

    With runs planned `before`, as in `reproduce`, takes one of these if it is the same, and gives each model only the
    arguments that it takes.
    """
    from tfgen import training
    from tfgen.studies import find

    found = _experiment(name)
    if minutes is None and not choice["smoke"] and not options.get("epochs"):
        minutes = found.minutes
    _check_minutes(minutes, options, strategy)
    options = options if choice["smoke"] else {**found.settings, **options}
    planned: dict[str, Run] = {}
    for label, (study, model, changes) in found.models(name.split("/")[0]).items():
        preset = find(study, model)
        arguments, chosen = _chosen(study, model, _taken(preset, options) if before else options, changes)
        own = re.sub(r"[^\w.-]+", "_", label)
        folder = f"runs/{name}{'-smoke' if choice['smoke'] else ''}/{own}"
        place = choice | {"run": folder, "attribute": choice.get("attribute") if preset.attributes else None}
        place["keep_epochs"] = minutes is not None
        others = [*before, *planned.values()]
        run = _plan(strategy, study, model, arguments, chosen, others=others, **place)
        if minutes is not None and run.fresh:
            run.set_epochs(training.measure(run, strategy).epochs(run, 60 * minutes))
        same = [other for other in before if _bare(other) == _bare(run)]
        planned[label] = same[0] if same and not run.iteration else run
    return planned


def _bare(run: "Run") -> "RunSettings":
    """The settings of a run without the versions of what it is trained with."""
    return dataclasses.replace(run.settings, versions={}, started_with="")


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


def _plan(
    strategy: "tf.distribute.Strategy",
    study: str,
    model: str,
    arguments: dict[str, Any],
    chosen: dict[str, Any],
    **choice: Any,
) -> "Run":
    from tfgen import training
    from tfgen.training import devices

    chief = devices.is_chief(strategy)
    run = training.plan(study, model, arguments=arguments, chief=chief, **chosen | choice)
    training.check_devices(run, strategy)
    return run


def _train(run: "Run", strategy: "tf.distribute.Strategy", say: Callable[[str], None]) -> "Run":
    from tfgen import training

    if run.chief:
        say(describe(run, strategy.num_replicas_in_sync))
    if not training.train(run, strategy):
        raise Interrupted(run)
    return run


def describe(run: "Run", devices: int = 1, timing: "Timing | None" = None) -> str:
    """Describes a planned run in a few lines, with the time that it takes if its Timing is given."""
    from tfgen.training import duration, schedules

    source, model, chosen = run.training_source(), run.build(), run.settings
    size, training = chosen.data.image_size, chosen.training
    rates = schedules(training.schedule, model.players)
    counts = ", ".join(f"{name} {count:,}" for name, count in model.parameters().items())
    lines = [
        f"{run.folder}: {chosen.study} {chosen.model} on {source.name}, {len(source)} pictures of {size}x{size}",
        f"  parameters: {counts}",
        f"  {training.epochs} epochs of {run.steps_per_epoch} iterations of "
        + f"{model.batches_per_step} batches of " * (model.batches_per_step > 1)
        + f"{training.batch_size} pictures"
        + f" on {devices} devices" * (devices > 1)
        + f", {run.iteration} of {run.iterations} iterations done",
        "  " + ", ".join(f"{name} {value}" for name, value in chosen.arguments.items()),
        "  learning rates " + ", ".join(f"{player} {rate}" for player, rate in rates.items()),
    ]
    if timing:
        lines.append(
            f"  {'at most ' * bool(training.early_stopping)}about {duration(timing.left(run))} on this machine"
            f"{' without scoring' * bool(training.evaluate_every)}: {timing.iteration:.2g} s per iteration, "
            f"{timing.epoch:.2g} s per epoch for its checkpoint and samples, and {timing.start:.2g} s to start"
        )
    return "\n".join(lines)


def _announce(
    name: str, groups: "dict[str, list[Run]]", strategy: "tf.distribute.Strategy", say: Callable[[str], None]
) -> None:
    """Says how long groups of runs, {title: runs}, will take on this machine, as far as it can be measured."""
    from tfgen import training
    from tfgen.training import devices, duration

    runs = [run for group in groups.values() for run in group]
    if not any(run.chief for run in runs):
        return
    left = [run for run in runs if not run.done]
    training.check_room(left)
    seconds = {} if devices.several_machines(strategy) else _estimate(left, strategy)

    def counted(group: "list[Run]") -> str:
        unfinished = [run for run in group if run in left]
        number = f"{len(group)} run{'s' * (len(group) != 1)}"
        if not unfinished:
            return f"{number}, finished"
        iterations = sum(run.iterations - run.iteration for run in unfinished)
        text = f"{number}{f', {len(group) - len(unfinished)} of them finished' * (len(unfinished) < len(group))}"
        time = f", about {duration(sum(seconds[run] for run in unfinished))}" if seconds else ""
        return f"{text}, {iterations:,} iterations{time}"

    lines = [f"{name} on this machine: {counted(runs)}"]
    if len(groups) > 1:
        lines += [f"  {title}: {counted(group)}" for title, group in groups.items() if group]
    say("\n".join(lines))


def _estimate(runs: "list[Run]", strategy: "tf.distribute.Strategy") -> "dict[Run, float]":
    """Run -> seconds that it takes.

    Measures one run of each model, data and size of batches; the others are scaled by their operations.
    """
    from tfgen.training import cost, measure

    kinds: dict[tuple, list[Run]] = {}
    for run in runs:
        kinds.setdefault((run.settings.model, run.settings.data, run.settings.training.batch_size), []).append(run)
    if kinds:
        program.tell(f"measuring the training steps of {', '.join(dict.fromkeys(model for model, *_ in kinds))} ...")
    seconds = {}
    for first, *others in kinds.values():
        timing = measure(first, strategy)
        seconds[first] = timing.left(first)
        whole = cost(first.build()) if others else 1.0
        for run in others:
            same = run.settings.arguments == first.settings.arguments
            seconds[run] = (timing if same else timing.scaled(cost(run.build()) / whole)).left(run)
    return seconds


# Finished runs -------------------------------------------------------------------------------------------------------


def report(
    runs: str | os.PathLike | Sequence[str | os.PathLike] = (),
    *,
    out: str | os.PathLike = "report",
    best: bool | None = None,
    attribute: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Report:
    """Draws the figures of finished runs, and a page that shows them.

    Args:
        runs: folders; by default the most recent run of each model in runs/.
        out: folder of the figures and the page.
        best: whether to use the checkpoints with the best score; None for those that have one.
        attribute: attribute that fig1_5 is colored by; None for the figure's default.
        data_dir: folder of the runs' data set, if it was moved.

    Raises:
        UserError: if none of the runs can be read or the folder cannot be written.
    """
    from tqdm import tqdm

    from tfgen import report
    from tfgen.runs import make

    named = [runs] if isinstance(runs, str | os.PathLike) else runs
    folders = [pathlib.Path(os.path.expanduser(run)) for run in named]
    chosen, complaints = report.readable(folders, best, data_dir)
    entries = report.entries(chosen, attribute=attribute)
    if folders:
        complaints += report.left_out(chosen, entries)
    folder = make(os.path.expanduser(out))
    ready = [entry for entry in entries if entry.runs]
    with tqdm(total=len(ready) + 1, unit="figure", leave=False, disable=None) as bar:
        for entry in report.draw_all(entries, folder):
            bar.set_description(entry.names[0])
            bar.update()
        words = [*folders, *_checkpoint(best), *(["--attribute", attribute] if attribute else [])]
        page = report.page(entries, chosen, folder, complaints, program.command("report", *words))
    drawn = {folder / name: entry.runs for entry in ready if not entry.problem for name in entry.names}
    return Report(page, drawn, report.missing(entries), [entry for entry in entries if entry.problem], complaints)


def _checkpoint(best: bool | None) -> list[str]:
    return [] if best is None else ["--best" if best else "--newest"]


def evaluate(
    run: str | os.PathLike,
    *,
    features: str | os.PathLike | None = None,
    best: bool | None = None,
    data_dir: str | os.PathLike | None = None,
) -> dict[str, float]:
    """Evaluates a run on its test set and writes the numbers to its scores.json.

    Args:
        run: run folder.
        features: file of a network on whose features pictures are compared, instead of the classifier of the data set;
            see `tfgen.metrics.extractor.load`. The numbers are then not written.
        best: whether to use the checkpoint with the best score; None if it has one.
        data_dir: folder of the run's data set, if it was moved.

    Returns:
        {name: number}; the preset's Score says what each means.

    Raises:
        UserError: if the run cannot be read or evaluated.
        NotKept: if the numbers cannot be written; it has them.
    """
    ((_, numbers),) = evaluate_all([run], features=features, best=best, data_dir=data_dir)
    return numbers


def evaluate_all(
    runs: Sequence[str | os.PathLike],
    *,
    features: str | os.PathLike | None = None,
    best: bool | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Iterator[tuple[str | os.PathLike, dict[str, float]]]:
    """Evaluates runs one after another, as `evaluate` does, and yields (run, numbers). All are opened
    before the first.
    """
    from tfgen.runs import Run, share_sources

    opened = {run: Run.open(run, best, data_dir) for run in dict.fromkeys(runs)}
    share_sources(opened.values())
    for name, run in opened.items():
        yield name, _evaluate(run, features)


def _evaluate(run: "Run", features: str | os.PathLike | None) -> dict[str, float]:
    from tfgen.runs import write_json
    from tfgen.scores import FORMAT, SCORES

    run.features = features
    numbers = run.preset.score(run, run.model)
    if features:
        return numbers
    path = run.folder / SCORES
    try:
        write_json(path, {"format": FORMAT, "iteration": run.restored} | numbers)
    except OSError as error:
        raise NotKept(
            f"the numbers were not kept, because {path} cannot be written ({error.strerror}): make the folder "
            "writable if a report should show them without measuring again.",
            run.folder,
            numbers,
        ) from None
    return numbers


def compare(
    runs: Sequence[str | os.PathLike],
    *,
    out: str | os.PathLike | None = None,
    features: str | os.PathLike | None = None,
    best: bool | None = None,
    data_dir: str | os.PathLike | None = None,
) -> "Comparison":
    """Compares runs in one table, and evaluates those that were not evaluated yet, as `evaluate` does.

    Args:
        runs: run folders.
        out: path of a CSV file to write; None to write none.
        features: as in `evaluate`; all runs are then evaluated anew.
        best: whether to use the checkpoints with the best score; None for those that have one.
        data_dir: folder of the runs' data set, if it was moved.

    Returns:
        Comparison: its `rows` have a Cell for each run, with its 95 % interval.

    Raises:
        UserError: if a run cannot be read or evaluated, or the file cannot be written.
    """
    from tfgen import comparison, scores
    from tfgen.runs import Run, share_sources

    path = pathlib.Path(os.path.expanduser(out)) if out else None
    if path and (path.suffix.lower() != ".csv" or not path.parent.is_dir()):
        raise UserError(f"--out {path} cannot be written: expected the name of a .csv file in an existing folder.")
    if path:
        _replaceable(path, "run,", "a table of `compare`")
    opened = [Run.open(run, best, data_dir) for run in dict.fromkeys(runs)]
    share_sources(opened)
    numbers = []
    for run in opened:
        kept = None if features else scores.saved(run, run.iteration)
        numbers.append(_evaluate(run, features) if kept is None else kept)
    made = comparison.table(opened, numbers)
    if path:
        made.write(path)
    return made


def describe_score(
    run: str | os.PathLike,
    numbers: Mapping[str, float],
    features: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> str:
    """The numbers of a run's score in lines: first a table of those that have rivals, then the others.

    `features` and `data_dir` are those of `evaluate`.
    """
    from tfgen.runs import Run
    from tfgen.scores import features_of

    opened = Run.open(run, data_dir=data_dir)
    opened.features = features
    score = opened.preset.score
    table = score.table(numbers)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines += ["", *(f"{column}: {text}" for column, text in score.legend(numbers).items()), ""] if table else []
    lines += [f"{name:28s} {value:.6g}" for name, value in score.others(numbers).items()]
    if score.on_features and "frechet" in numbers:
        lines.append(f"Features: {features_of(opened)}.")
    warnings = [f"Warning: {sentence}" for sentence in score.warnings(numbers)]
    return "\n".join([*lines, *warnings, *[SEEN_TEST] * opened.seen_test])


def export(
    run: str | os.PathLike,
    *,
    format: str | Sequence[str] = "saved_model",
    out: str | os.PathLike | None = None,
    best: bool | None = None,
) -> dict[str, tuple[pathlib.Path, float]]:
    """Writes a run's networks in one or several formats, checks them by reloading, and writes a model card.

    Args:
        run: folder.
        format: "saved_model", "onnx" or "keras", or several of them.
        out: folder to write to; the default is RUN/exports.
        best: whether to use the checkpoint with the best score; None if it has one.

    Returns:
        {file name: (path, largest difference of the reloaded network's outputs)}.

    Raises:
        UserError: if the run cannot be read, or a reloaded network differs.
    """
    from tfgen import export
    from tfgen.runs import Run

    chosen = (format,) if isinstance(format, str) else tuple(format)
    if unknown := [name for name in chosen if name not in settings.FORMATS]:
        raise UserError(f"there is no format {unknown[0]!r}: choose from {', '.join(settings.FORMATS)}.")
    return export.export(Run.open(run, best), out, chosen)


def explore(run: str | os.PathLike, *, out: str | os.PathLike | None = None, best: bool | None = None) -> pathlib.Path:
    """Writes a page that generates pictures in the browser, with sliders, from one file.

    Args:
        run: run folder.
        out: path of the HTML file; the default is RUN/explorer.html.
        best: whether to use the checkpoint with the best score; None if it has one.

    Returns:
        The path of the page.

    Raises:
        UserError: if the run cannot be read, the page cannot compute its networks, or the file cannot be written.
    """
    from tfgen import explorer
    from tfgen.runs import Run

    opened = Run.open(run, best)
    path = pathlib.Path(os.path.expanduser(out)) if out else opened.folder / "explorer.html"
    if path.suffix.lower() not in (".html", ".htm") or not path.parent.is_dir():
        raise UserError(f"--out {path} cannot be written: expected the name of an .html file in an existing folder.")
    _replaceable(path, explorer.START, "a page of `explore`")
    return explorer.explore(opened, path)


def _replaceable(path: pathlib.Path, start: str, what: str) -> None:
    """Raises UserError if a file exists that does not start as those of the command do."""
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.read(len(start)) != start:
                raise UserError(f"{path} exists and is not {what}: choose another --out, or move it away.")


# Pictures ------------------------------------------------------------------------------------------------------------


def sample(
    run: str | os.PathLike,
    *,
    seeds: Sequence[int] = range(64),
    between: tuple[int, int] | None = None,
    steps: int = 9,
    animation: str | None = None,
    out: str | os.PathLike | None = None,
    best: bool | None = None,
    data_dir: str | os.PathLike | None = None,
    **choice: Any,
) -> list[pathlib.Path]:
    """Generates pictures and writes them as PNG files and one sheet.

    Args:
        run: folder.
        seeds: a picture is generated for each. A seed always gives the same picture of the same run.
        between: two seeds; generates a strip from one to the other instead of `seeds`.
        steps: number of pictures of the strip, at least 2.
        animation: "gif" or "webp" to write the strip as an animation too.
        out: new or empty folder to write to; the default is RUN/generated, or RUN/generated-2 and so on.
        best: whether to use the checkpoint with the best score; None if it has one.
        data_dir: folder of the run's data set, if it was moved; it has the names of classes.
        choice: `label`, `attributes`, `codes` and `truncation` as in `tfgen.sampling.Choice`.

    Returns:
        The paths of the files; the last is the sheet, the strip or the animation.

    Raises:
        UserError: if the run cannot be read, or does not have what was chosen.
    """
    from tfgen import sampling
    from tfgen.runs import Run

    if animation and not between:
        raise UserError("--animation is a walk from one seed to another: add --between, for example --between 3,17.")
    opened, chosen = Run.open(run, best, data_dir), sampling.Choice(**choice)
    with sampling.new_folder(out, opened.folder / "generated") as folder:
        if between:
            images = sampling.walk(opened, *between, steps, chosen)
            name = f"between-{between[0]}-{between[1]}"
            written = [sampling.write_sheet(folder / f"{name}.png", images, columns=steps)]
            if animation:
                written.append(sampling.write_animation(folder / f"{name}.{animation}", images))
            return written
        images, width = sampling.pictures(opened, seeds, chosen), len(str(max(seeds)))
        written = [
            sampling.write(folder / f"{seed:0{width}d}.png", image) for seed, image in zip(seeds, images, strict=True)
        ]
        return [*written, sampling.write_sheet(folder / "sheet.png", images)]


def reconstruct(
    run: str | os.PathLike,
    pictures: Sequence[str | os.PathLike],
    *,
    out: str | os.PathLike | None = None,
    best: bool | None = None,
) -> list[pathlib.Path]:
    """Encodes and decodes pictures with an autoencoder.

    Args:
        run: folder.
        pictures: paths of pictures of any size; their central squares are resized.
        out, best: as in `sample`; the default folder is RUN/reconstructed.

    Returns:
        The paths of the codes, codes.npz, and of a sheet of the pictures above their reconstructions. The codes are
        the outputs of the encoder by name, such as "mean" and "log_var", (n, Z).

    Raises:
        UserError: if the run cannot be read or has no encoder, or a picture cannot be read.
    """
    import numpy as np

    from tfgen import sampling
    from tfgen.models.base import in_batches
    from tfgen.runs import Run, replacing

    opened = Run.open(run, best)
    with sampling.new_folder(out, opened.folder / "reconstructed") as folder:
        model, images = sampling.autoencoder(opened), sampling.read(opened, pictures)
        code = model.encode(images)
        decoded = in_batches(model.decoder, code["mean"])
        with replacing(folder / "codes.npz") as temporary:
            np.savez(temporary, **code)
        return [folder / "codes.npz", sampling.write_pairs(folder / "reconstructions.png", images, decoded)]


def interpolate(
    run: str | os.PathLike,
    first: str | os.PathLike,
    last: str | os.PathLike,
    *,
    steps: int = 9,
    animation: str | None = None,
    out: str | os.PathLike | None = None,
    best: bool | None = None,
) -> list[pathlib.Path]:
    """Decodes evenly spaced mixtures of the mean codes of two pictures.

    Args:
        run: folder.
        first, last: paths of pictures of any size; their central squares are resized.
        steps: number of pictures, including the reconstructions of both, at least 2.
        animation: "gif" or "webp" to write an animation too.
        out, best: as in `sample`; the default folder is RUN/interpolated.

    Returns:
        The paths of the strip, which begins and ends with the pictures themselves, and of the animation.

    Raises:
        UserError: if the run cannot be read or has no encoder, or a picture cannot be read.
    """
    import numpy as np

    from tfgen import latents, sampling
    from tfgen.runs import Run

    opened = Run.open(run, best)
    with sampling.new_folder(out, opened.folder / "interpolated") as folder:
        model, ends = sampling.autoencoder(opened), sampling.read(opened, [first, last])
        mixed = latents.interpolate(model, ends[:1], ends[1:], steps)[0]
        strip = np.concatenate([ends[:1], mixed, ends[1:]])
        written = [sampling.write_sheet(folder / "interpolated.png", strip, len(strip))]
        if animation:
            written.append(sampling.write_animation(folder / f"interpolated.{animation}", mixed))
        return written


def depth(
    run: str | os.PathLike,
    pictures: Sequence[str | os.PathLike],
    *,
    out: str | os.PathLike | None = None,
    best: bool | None = None,
) -> list[pathlib.Path]:
    """Predicts the depth of color pictures.

    Args:
        run: folder.
        pictures: paths of pictures of any size; their central squares are resized.
        out, best: as in `sample`; the default folder is RUN/depth.

    Returns:
        The paths of a 16-bit PNG in millimeters for each picture, and of a figure of all pictures and their depth.

    Raises:
        UserError: if the run cannot be read or predicts no depth, or a picture cannot be read.
    """
    from tfgen import figures, latents, report, sampling
    from tfgen.runs import Run

    opened = Run.open(run, best)
    with sampling.new_folder(out, opened.folder / "depth") as folder:
        model, images = sampling.depth_model(opened), sampling.read(opened, pictures)
        predicted = latents.depths(model, images)
        names = sampling.distinct([pathlib.Path(path).stem for path in pictures])
        written = [
            sampling.write(folder / f"{name}-depth.png", sampling.millimeters(each))
            for name, each in zip(names, predicted, strict=True)
        ]
        report.save(figures.predicted_depth(images, predicted), folder / "depth.png")
        return [*written, folder / "depth.png"]


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


def verify(dataset: str, **options: Any) -> "Verified":
    """Checks all files of a data set; `options` are fields of DataSettings."""
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
    from tfgen.runs import make

    path = pathlib.Path(out or f"{dataset.replace('/', '-')}-{split}.png").expanduser()
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--out {path} is not a picture file: expected a name that ends in .png or .jpg.")
    source = data.load(split=split, **{"examples": 64} | _reading(dataset, options))
    report.save(figures.examples(source, len(source)), make(path.parent) / path.name)
    return path, source


def cached() -> list["Cached"]:
    """The prepared data sets in the cache, the largest first."""
    from tfgen.data import cache

    return cache.entries()


def clear_cache() -> list["Cached"]:
    """Removes all prepared data sets from the cache, and returns them; they are prepared again when they are needed."""
    from tfgen.data import cache

    return cache.clear()


def _reading(dataset: str, options: dict[str, Any]) -> dict[str, Any]:
    """The given arguments, for `data.load`."""
    if unknown := options.keys() - settings.described(DataSettings).keys():
        raise TypeError(f"no settings of data are called {', '.join(sorted(unknown))}")
    given = {name: value for name, value in options.items() if value is not None}
    if "data_dir" in given:
        given["data_dir"] = os.path.expanduser(given["data_dir"])
    return {"name": dataset} | given
