"""Selects the runs of a report."""

import os
import pathlib
from collections.abc import Iterable, Sequence

from tfgen import UserError, runs
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run
from tfgen.settings import DEFAULT_STUDY
from tfgen.studies import STUDIES


def readable(
    folders: Iterable[str | pathlib.Path], best: bool | None = False, data_dir: str | os.PathLike | None = None
) -> tuple[list[Run], list[str]]:
    """Opens runs, by default all runs below runs/; returns them and a sentence for each that cannot be read.

    Args:
        folders: run folders.
        best: whether to read the checkpoints with the best score instead of the newest; None for those that have one.
        data_dir: folder of their data set, if it was moved.

    Raises:
        UserError: if folders are given and none can be read.
    """
    folders = list(dict.fromkeys(folders))
    found, complaints = ([], []) if folders else runs.find(best=best, data_dir=data_dir)
    for folder in folders:
        try:
            found.append(Run.open(folder, best, data_dir))
        except UserError as error:
            complaints.append(str(error))
    if folders and not found:
        raise UserError(complaints[0])
    chosen: list[Run] = []
    for run in found:
        try:
            run.command(), run.iteration
        except UserError as error:  # its data set is unknown here, or it has no best checkpoint
            complaints.append(f"{run.folder}: {error}")
            continue
        chosen.append(run)
    runs.share_sources(chosen)
    return chosen, complaints


def ready(run: Run) -> bool:
    """Whether a run has finished at least one epoch."""
    return run.iteration >= run.steps_per_epoch


def preferred(chosen: Sequence[Run], study: str, model: str) -> Run | None:
    """The first run of a model that is ready, otherwise its first run; None if there is none."""
    own = [run for run in chosen if (run.record["study"], run.record["model"]) == (study, model)]
    return next((run for run in own if ready(run)), own[0] if own else None)


def studies_of(chosen: Sequence[Run]) -> list[str]:
    """The studies of runs, in the order of STUDIES; the default study if there are no runs."""
    return [study for study in STUDIES if any(run.record["study"] == study for run in chosen)] or [DEFAULT_STUDY]


def model_of(run: Run) -> GenerativeModel:
    """The run's model; if no checkpoint can be read, a model with new weights."""
    try:
        return run.model
    except UserError:
        return run.build()
