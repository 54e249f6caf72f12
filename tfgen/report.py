"""The figures of finished runs, under the names their study gave them."""

import pathlib

from tfgen import UserError, figures, runs
from tfgen.studies import DEFAULT_STUDY, STUDIES


def report(chosen, folder):
    """Draws every figure that the runs allow, of their studies and of the homework.

    Yields (file name, the Run it is drawn from, None), (file name, None, the command that trains what it lacks), or, of a run that is
    damaged or lacks what the figure shows, (file name, the Run, a sentence that says so).

    Args:
        chosen: Runs, the preferred first; of several of one model the first is drawn.
        folder: where the figures go; existing figures of these names are replaced, each at once.

    Raises:
        UserError: if the folder cannot be written.
    """
    folder = make(folder)
    of_models = {}
    for run in chosen:
        of_models.setdefault((run.record["study"], run.record["model"]), run)
    for study in sorted({DEFAULT_STUDY, *(study for study, _ in of_models)}):
        for model, preset in STUDIES[study].items():
            run = of_models.get((study, model))
            for name, draw in preset.figures.items():
                if run is None:
                    yield name, None, runs.train_command(study, model)
                elif run.iteration < run.steps_per_epoch:
                    yield name, None, run.command()
                else:
                    try:
                        save(draw(run), folder / name)
                    except UserError as error:
                        yield name, run, str(error)
                    else:
                        yield name, run, None


def save(figure, path):
    """Writes a figure, a JPEG by its name's ending or what else matplotlib knows, at once or not at all."""
    with runs.replacing(path) as temporary:
        figure.savefig(temporary, dpi=100, pil_kwargs={"quality": 95} if path.suffix in (".jpg", ".jpeg") else {})


def make(folder):
    """The folder as a path, made if need be. Raises UserError if it cannot be."""
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made ({error.strerror}): choose another --out.") from None
    return folder


def compare(name, experiment, trained, folder):
    """Draws an experiment's comparison of its trained runs, {label: Run}. Returns the path of the picture."""
    path = make(folder) / f"{name.replace('/', '_')}.jpg"
    save(figures.comparison(trained, experiment.log, experiment.title), path)
    return path
