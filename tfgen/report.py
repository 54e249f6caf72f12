"""The figures of finished runs, under the names their study gave them, and a page that shows them."""

import base64
import dataclasses
import datetime
import functools
import io
import json
import pathlib
import re
import shlex
from collections.abc import Callable

import jinja2
import markupsafe
from PIL import Image, ImageSequence

from tfgen import UserError, diagrams, figures, runs, scores
from tfgen.studies import ABOUT, DEFAULT_STUDY, EXPERIMENTS, STUDIES

PAGE = "index.html"
WIDTH, QUALITY = 1000, 65  # of the page's copies of the figures, pixels and WebP's
DURATION = 200  # milliseconds a frame of an animation is shown


@dataclasses.dataclass
class Entry:
    """A figure that is to be drawn, or is missing.

    Attributes:
        study, model: whose it is; the model is None for a comparison of several.
        names: its files' names; it has two where the study spells it in two ways.
        caption: what one sees.
        runs: what it is drawn from, none if it is missing.
        command: what makes what it is drawn from.
        draw: () -> matplotlib Figure or frames.
        problem: why it could not be drawn, a sentence.
        alt: the figure in words.
    """

    study: str
    model: str | None
    names: list[str]
    caption: str
    runs: list
    command: str
    draw: Callable | None = None
    problem: str = ""
    alt: str = ""


def readable(folders, best=False):
    """([Run], [a sentence for each that cannot be read]) of folders; without any, of all below runs/.

    Raises:
        UserError: if folders are given and none can be read.
    """
    found, complaints = ([], []) if folders else runs.find(best=best)
    for folder in dict.fromkeys(folders):
        try:
            found.append(runs.Run.open(folder, best))
        except UserError as error:
            complaints.append(str(error))
    if folders and not found:
        raise UserError(complaints[0])
    chosen, shared = [], {}
    for run in found:
        try:
            run.command(), run.iteration
        except UserError as error:  # its data set is unknown here, or it has no best checkpoint
            complaints.append(f"{run.folder}: {error}")
            continue
        record = run.record
        run.sources = shared.setdefault(
            json.dumps([record[key] for key in ("dataset", "data_dir", "image_size", "examples", "reading")]),
            run.sources,
        )
        chosen.append(run)
    return chosen, complaints


def entries(chosen, **options):
    """The Entries of a report on these runs, in the page's order.

    Args:
        chosen: Runs, the preferred first; of several of one model the first is drawn. Without any, all of the
            homework's are missing.
        options: keyword arguments of those figures that take them, as `attribute`; None means the figure's own.
    """
    found = []
    for study in _studies(chosen):
        for model, preset in STUDIES[study].items():
            found += _entries_of_model(study, model, preset, _preferred(chosen, study, model), options)
        for name, experiment in EXPERIMENTS.items():
            if name.startswith(f"{study}/"):
                groups = alike(name, chosen)
                for file, together in groups.items():
                    record = next(iter(together.values())).record
                    caption = (
                        f"{experiment.caption} On {record['dataset']} at {record['image_size']}x{record['image_size']}."
                    )
                    found.append(
                        Entry(
                            study,
                            None,
                            [file],
                            caption,
                            list(together.values()),
                            "",
                            functools.partial(experiment.draw, together),
                        )
                    )
                if not groups:
                    found.append(
                        Entry(
                            study, None, [_file(name)], experiment.caption, [], f"python tfgen_cli.py experiment {name}"
                        )
                    )
    return found


def left_out(chosen, found):
    """A sentence for each Run that no Entry shows, because it is not the first of its model and goes with no other in
    an experiment.
    """
    shown = [run for entry in found for run in entry.runs]
    firsts = [_preferred(chosen, run.record["study"], run.record["model"]) for run in chosen]
    return [
        f"{run.folder} is not drawn: {first.folder} is of the same model and was named first."
        for run, first in zip(chosen, firsts)
        if run is not first and run not in shown
    ]


def _entries_of_model(study, model, preset, run, options):
    if run is None or not _ready(run):
        command = run.command() if run else runs.train_command(study, model)
        return [Entry(study, model, [name], plot.caption, [], command) for name, plot in preset.figures.items()]
    found = []
    for name, plot in preset.figures.items():
        twin = next((entry for entry, other in found if other is plot), None)
        if twin:
            twin.names.append(name)
            continue
        given = {option: options[option] for option in plot.options if options.get(option) is not None}
        found.append(
            (
                Entry(
                    study, model, [name], plot.caption, [run], run.command(), functools.partial(plot.draw, run, **given)
                ),
                plot,
            )
        )
    caption = "The networks, drawn from the built layers: each block's place and size are its output's, arcs are skip connections."
    alt = f'Block diagrams; below the figures the same layers stand as tables, under "Layers of {model}".'
    diagram = Entry(
        study,
        model,
        [f"{study}_{model}_networks.png"],
        caption,
        [run],
        run.command(),
        lambda: diagrams.networks(_model(run)),
        alt=alt,
    )
    return [*(entry for entry, _ in found), diagram]


def _model(run):
    """Its model, or where no checkpoint can be read one like it."""
    try:
        return run.model
    except UserError:
        return run.build()


def missing(found):
    """{command: [names of the figures that it would make possible]} of Entries."""
    commands = {}
    for entry in found:
        if not entry.runs:
            commands.setdefault(entry.command, []).extend(entry.names)
    return commands


def _studies(chosen):
    """The studies of runs, in the house's order; the homework if there are none."""
    return [study for study in STUDIES if any(run.record["study"] == study for run in chosen)] or [DEFAULT_STUDY]


def _ready(run):
    return run.iteration >= run.steps_per_epoch


def _preferred(chosen, study, model):
    """The first Run of a model that has an epoch behind it, else the first; None if there is none."""
    own = [run for run in chosen if (run.record["study"], run.record["model"]) == (study, model)]
    return next((run for run in own if _ready(run)), own[0] if own else None)


def alike(name, chosen):
    """{file name: {label: Run}} of an experiment's variants that were trained alike: for each data set the most there
    are, if two or more.

    Args:
        name: of the experiment, STUDY/WHAT.
        chosen: Runs, the preferred first.
    """
    study, groups, experiment = name.split("/")[0], {}, EXPERIMENTS[name]
    varied = {key for _, changes in experiment.variants.values() for key in changes}
    for run in chosen:
        record = run.record
        if record["study"] != study or not _ready(run):
            continue
        defaults, arguments = run.preset.defaults(), record["arguments"]
        parts = ("data", "training") if experiment.alike else ("data",)
        same = [run.settings.compared(*parts), arguments["width"]]
        if experiment.alike:
            same.append(
                {key: value for key, value in arguments.items() if key not in varied and value != defaults[key]}
            )
        for label, (model, changes) in experiment.variants.items():
            if model == record["model"] and all(
                arguments[key] == (defaults | changes)[key] for key in varied & defaults.keys()
            ):
                group = groups.setdefault((record["dataset"], record["data_dir"]), {}).setdefault(
                    json.dumps(same, sort_keys=True), {}
                )
                group.setdefault(label, run)
    largest = [max(kinds.values(), key=len) for kinds in groups.values()]
    found = {}
    for group in sorted((group for group in largest if len(group) > 1), key=len, reverse=True):
        dataset = next(iter(group.values())).record["dataset"]
        file = _file(name if not found else f"{name}_{dataset}")
        found.setdefault(file, {label: group[label] for label in experiment.variants if label in group})
    return found


def _file(name):
    return f"{name.replace('/', '_')}.jpg"


def draw(entry, folder):
    """Draws an Entry into a folder under its names, each file at once or not at all; its `alt` or, if it cannot be
    drawn, `problem` is filled in.
    """
    try:
        figure = entry.draw()
        for name in entry.names:
            save(figure, folder / name)
        entry.alt = entry.alt or figures.describe(figure)
    except UserError as error:
        entry.problem = str(error)
    except Exception as error:  # one figure's fault, the run's or ours, is no reason to lose the others
        entry.problem = _fault(error)


def _fault(error):
    return f"{type(error).__name__} ({error}): the run may be damaged, or tfgen at fault."


def save(figure, path):
    """Writes a figure, a JPEG by its name's ending or what else matplotlib knows, or an animation's frames; at once or
    not at all.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        with runs.replacing(path) as temporary:
            if isinstance(figure, list):
                figure[0].save(
                    temporary, save_all=True, append_images=figure[1:], duration=DURATION, loop=0, optimize=True
                )
            else:
                figure.savefig(
                    temporary, dpi=100, pil_kwargs={"quality": 95} if path.suffix in (".jpg", ".jpeg") else {}
                )
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror or error}): make room for it, or choose another --out."
        ) from None


def make(folder):
    """The folder as a path, made if need be. Raises UserError if it cannot be."""
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror}): choose another --out.") from None
    return folder


def compare(name, trained, folder):
    """Draws an experiment's comparison of its trained runs, {label: Run}. Returns the path of the picture."""
    path = make(folder) / _file(name)
    save(EXPERIMENTS[name].draw(trained), path)
    return path


def page(drawn, chosen, folder, complaints=(), command="python tfgen_cli.py report"):
    """Writes the page, which holds all it shows. Returns its path.

    Args:
        drawn: Entries, drawn into the folder.
        chosen: the Runs they were made from.
        folder: where the figures are and the page goes.
        complaints: a sentence for each run that could not be read.
        command: what made the report.

    Raises:
        UserError: if it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfgen"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"code": _code, "picture": lambda name: _picture(folder / name)}
    complaints = list(complaints)
    studies = [_study(study, drawn, chosen, complaints) for study in _studies(chosen)]
    others = [study for study in STUDIES if study not in [shown["name"] for shown in studies]]
    text = environment.get_template("report.html").render(
        studies=studies, complaints=complaints, others=others, command=command
    )
    try:
        with runs.replacing(folder / PAGE) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{folder / PAGE} cannot be written ({error.strerror}): make room for it, or choose another --out."
        ) from None
    return folder / PAGE


def _study(study, drawn, chosen, complaints):
    """What the page shows of one study; a sentence is added to the complaints for each run that nothing can be told of."""
    own = [entry for entry in drawn if entry.study == study]
    models = []
    for model, preset in STUDIES[study].items():
        run = _preferred(chosen, study, model)
        if run:
            try:
                told = trained(run)
            except Exception as error:  # as in `draw`
                complaints.append(f"{run.folder}: {_fault(error)}")
                continue
            models.append(
                {
                    "name": model,
                    "what": preset.build.__doc__.split("\n")[0],
                    "figures": [e for e in own if e.model == model and e.runs],
                }
                | told
            )
    return {
        "name": study, "about": ABOUT[study], "models": models, "missing": missing(own),
        "comparisons": [entry for entry in own if entry.model is None and entry.runs],
    }  # fmt: skip


def trained(run):
    """What was trained on what for how long, and what it is worth, of one run: a dict for the page."""
    record, problems = run.record, []
    model = _model(run)  # finds out which checkpoint is whole
    iteration = run.restored or run.iteration
    if iteration != run.iteration:
        problems.append(
            f"{run.folder} has a newer checkpoint, of iteration {run.iteration:,}, which is damaged or was written meanwhile."
        )
    if not run.done:
        problems.append(
            f"{run.folder} is at iteration {iteration:,} of {run.iterations:,}: go on with `{run.command()}`."
        )
    numbers, command = measured(run, iteration, problems)
    count = f", {record['pictures']:,} pictures" if "pictures" in record else ""
    return {
        "command": run.command(),
        "data": f"{record['dataset']}{count} of {record['image_size']}x{record['image_size']}",
        "settings": ", ".join(f"{name} {value}" for name, value in record["arguments"].items())
        + f", batch_size {record['batch_size']}",
        "parameters": model.parameters(),
        "length": f"{iteration:,} iterations, {iteration / run.steps_per_epoch:.3g} epochs"
        + ", the best checkpoint" * run.best,
        "time": str(datetime.timedelta(seconds=round(run.seconds))),
        "layers": {name: diagrams.table(network) for name, network in model.networks().items()},
        "numbers": {name: (f"{value:.4g}", scores.meaning(name)) for name, value in numbers.items()},
        "score_command": command,
        "problems": problems,
    }


def measured(run, iteration, problems):
    """(a run's numbers, what measures them): those that `score` kept of this checkpoint; else quick ones are taken now,
    of slow ones there is the command.
    """
    command = f"python tfgen_cli.py score {shlex.quote(str(run.folder))}" + " --best" * run.best
    try:
        kept = json.loads((run.folder / "scores.json").read_text())
        if kept.pop("iteration") == iteration:
            return {name: float(value) for name, value in kept.items() if scores.meaning(name)}, command
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not measured yet, or not by this version
    if run.preset.score not in scores.QUICK or not _ready(run):
        return {}, command
    try:
        return run.preset.score(run), command
    except UserError as error:
        problems.append(str(error))
    except Exception as error:  # as in `draw`
        problems.append(_fault(error))
    return {}, command


def _code(text):
    """A text with `backticks` as HTML."""
    return markupsafe.Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def _picture(path):
    """(data URI, still, width, height) of a picture for the page, as WebP no wider than it is shown; `still` is the
    last frame of an animation, else "".
    """
    with Image.open(path) as picture:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]
        moving = (
            {"save_all": True, "append_images": frames[1:], "duration": DURATION, "loop": 0} if len(frames) > 1 else {}
        )
    if path.suffix == ".png":  # a drawing: smaller and sharper so
        return _uri(frames[0], lossless=True), "", *frames[0].size
    if frames[0].width > WIDTH:
        frames[0] = frames[0].resize(
            (WIDTH, round(frames[0].height * WIDTH / frames[0].width)), Image.Resampling.LANCZOS
        )
    still = _uri(frames[-1]) if moving else ""
    return _uri(frames[0], **moving), still, *frames[0].size


def _uri(picture, **options):
    kept = io.BytesIO()
    picture.save(kept, "WEBP", **{"quality": QUALITY, "method": 4} | options)
    return f"data:image/webp;base64,{base64.b64encode(kept.getvalue()).decode()}"
