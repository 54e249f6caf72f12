"""The page of a report: one HTML file that contains everything it shows."""

import base64
import io
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import jinja2
import markupsafe
from PIL import Image, ImageSequence

from tfgen import UserError, comparison, program, runs, scores
from tfgen.report.drawing import DURATION, unexpected
from tfgen.report.entry import Entry, missing
from tfgen.report.selection import preferred, studies_of
from tfgen.report.summary import trained
from tfgen.runs import Run
from tfgen.studies import ABOUT, STUDIES

PAGE = "index.html"
WIDTH, QUALITY = 1000, 65  # pixel width and WebP quality of the figures on the page


def page(
    drawn: Sequence[Entry],
    chosen: Sequence[Run],
    folder: pathlib.Path,
    complaints: Sequence[str] = (),
    command: str | None = None,
) -> pathlib.Path:
    """Writes the page. Returns its path.

    Args:
        drawn: Entries that were drawn into the folder.
        chosen: their Runs.
        folder: folder of the figures and the page.
        complaints: a sentence for each run that could not be read.
        command: the command that creates the report; by default `report` without arguments.

    Raises:
        UserError: if it cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfgen.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["code"] = _code
    environment.filters["picture"] = lambda name: embed(folder / name)
    complaints = list(complaints)
    studies = [_study(study, drawn, chosen, folder, complaints) for study in studies_of(chosen)]
    shown = [study["name"] for study in studies]
    text = environment.get_template("report.html").render(
        studies=studies,
        comparisons=_comparisons(chosen),
        complaints=complaints,
        others=[study for study in STUDIES if study not in shown],
        command=command or program.command("report"),
        program=program.command(),
    )
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # paths may contain any bytes
    try:
        with runs.replacing(folder / PAGE) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{folder / PAGE} cannot be written ({error.strerror}): free some space or choose another --out."
        ) from None
    return folder / PAGE


def _comparisons(chosen: Sequence[Run]) -> list[comparison.Comparison]:
    """A table for each data set and kind of score with which several runs of the page were evaluated."""
    groups: dict[Any, list[Run]] = {}
    for study in studies_of(chosen):
        for model in STUDIES[study]:
            if run := preferred(chosen, study, model):
                groups.setdefault((comparison.pictures_of(run), STUDIES[study][model].score.best), []).append(run)
    tables = []
    for group in groups.values():
        found = [(run, scores.saved(run, run.restored or run.iteration)) for run in group]
        evaluated = [(run, numbers) for run, numbers in found if numbers]
        if len(evaluated) > 1:
            tables.append(comparison.table([run for run, _ in evaluated], [numbers for _, numbers in evaluated]))
    return tables


def _study(
    study: str, drawn: Sequence[Entry], chosen: Sequence[Run], folder: pathlib.Path, complaints: list[str]
) -> dict[str, Any]:
    """The content of the page for one study. Adds a complaint for each run that cannot be summarized."""
    own = [entry for entry in drawn if entry.study == study]
    models = []
    for model, preset in STUDIES[study].items():
        run = preferred(chosen, study, model)
        if run is None:
            continue
        try:
            summary = trained(run)
        except Exception as error:  # a bug or a damaged run must not prevent the rest of the page
            complaints.append(f"{run.folder}: {unexpected(error)}")
            continue
        own_figures = [entry for entry in own if entry.model == model and entry.runs]
        what = preset.description
        play = run.folder / "explorer.html"
        link = pathlib.Path(os.path.relpath(play, folder)).as_posix() if play.exists() else ""
        models.append({"name": model, "what": what, "figures": own_figures, "explorer": link} | summary)
    return {
        "name": study,
        "about": ABOUT[study],
        "models": models,
        "missing": missing(own),
        "comparisons": [entry for entry in own if entry.model is None and entry.runs],
    }


def _code(text: object) -> markupsafe.Markup:
    """Converts a text with `backticks` to HTML."""
    return markupsafe.Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def embed(path: pathlib.Path) -> tuple[str, str, int, int]:
    """Embeds a picture as WebP, no wider than it is shown.

    Returns:
        (data URI, data URI of an animation's last frame or "", width, height).
    """
    with Image.open(path) as picture:
        frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(picture)]
    if path.suffix == ".png":  # a drawing: smaller and sharper without loss
        return _uri(frames[0], lossless=True), "", *frames[0].size
    if frames[0].width > WIDTH:
        size = (WIDTH, round(frames[0].height * WIDTH / frames[0].width))
        frames[0] = frames[0].resize(size, Image.Resampling.LANCZOS)
    if len(frames) == 1:
        return _uri(frames[0]), "", *frames[0].size
    animation = _uri(frames[0], save_all=True, append_images=frames[1:], duration=DURATION, loop=0)
    return animation, _uri(frames[-1]), *frames[0].size


def _uri(picture: Image.Image, **options: Any) -> str:
    kept = io.BytesIO()
    picture.save(kept, "WEBP", **{"quality": QUALITY, "method": 4} | options)
    return f"data:image/webp;base64,{base64.b64encode(kept.getvalue()).decode()}"
