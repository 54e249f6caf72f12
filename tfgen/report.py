"""The figures of finished runs, under the names their study gave them."""

import pathlib

from tfgen import UserError, runs
from tfgen.studies import STUDIES

STUDY = "dlcv2018"


def report(chosen, folder):
    """Draws every figure of the study that the runs allow; yields (file name, the Run drawn, or the command that trains what it lacks).

    Args:
        chosen: Runs, the preferred first; of several of one model the first is drawn.
        folder: where the figures go; existing figures of these names are replaced, each at once.

    Raises:
        UserError: if the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror}): choose another --out.") from None
    for model, preset in STUDIES[STUDY].items():
        run = next((run for run in chosen if (run.record["study"], run.record["model"]) == (STUDY, model)), None)
        for name, draw in preset.figures.items():
            if run is None:
                yield name, None, f"python tfgen_cli.py train --model {model}"
            elif run.iteration < run.steps_per_epoch:
                yield name, None, run.command()
            else:
                with runs.replacing(folder / name) as temporary:
                    draw(run).savefig(temporary, dpi=100, pil_kwargs={"quality": 95})
                yield name, run, None
