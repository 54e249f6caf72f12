"""Summarizes a run for the page: what was trained, and its scores."""

import datetime
from typing import Any

from tfgen import UserError, program, scores
from tfgen.figures import diagrams
from tfgen.report.drawing import unexpected
from tfgen.report.selection import model_of, ready
from tfgen.runs import Run


def trained(run: Run) -> dict[str, Any]:
    """Summarizes what was trained, on which data and for how long, and the scores. Returns a dict for the page."""
    record, problems = run.record, []
    model = model_of(run)  # finds the newest intact checkpoint
    iteration = run.restored or run.iteration
    if iteration != run.iteration:
        problems.append(
            f"{run.folder} has a newer checkpoint, of iteration {run.iteration:,}, which is damaged or was written "
            "while the report was created."
        )
    if not run.done:
        problems.append(
            f"{run.folder} is at iteration {iteration:,} of {run.iterations:,}: continue it with `{run.command()}`."
        )
    numbers, command = measured(run, iteration, problems)
    count = f", {record['pictures']:,} pictures" if "pictures" in record else ""
    arguments = ", ".join(f"{name} {value}" for name, value in record["arguments"].items())
    length = f"{iteration:,} iterations, {iteration / run.steps_per_epoch:.3g} epochs"
    return {
        "command": run.command(),
        "data": f"{record['dataset']}{count} of {record['image_size']}x{record['image_size']}",
        "settings": f"{arguments}, batch_size {record['batch_size']}",
        "parameters": model.parameters(),
        "length": length + ", the best checkpoint" * run.best,
        "time": str(datetime.timedelta(seconds=round(run.seconds))),
        "layers": {name: diagrams.table(network) for name, network in model.networks().items()},
        "numbers": {name: (f"{value:.4g}", run.preset.score.meanings[name]) for name, value in numbers.items()},
        "table": run.preset.score.table(numbers),
        "legend": run.preset.score.legend(numbers),
        "others": list(run.preset.score.others(numbers)),
        "warnings": run.preset.score.warnings(numbers),
        "seen_test": run.seen_test,
        "score_command": command,
        "problems": problems,
    }


def measured(run: Run, iteration: int, problems: list[str]) -> tuple[dict[str, float], str]:
    """The numbers of a run's score, and the command that measures them.

    Reads the numbers that `evaluate` saved for this checkpoint. If there are none, measures what takes only seconds.

    Args:
        run: Run.
        iteration: iteration of the checkpoint that is shown.
        problems: a sentence is added if the score cannot be measured.
    """
    command = program.command("evaluate", run.folder, *["--best"] * run.best)
    score = run.preset.score
    if (numbers := scores.saved(run, iteration)) is not None:
        return numbers, command
    if not score.quick or not ready(run):
        return {}, command
    try:
        score.check(run)
        return score.quick(run, run.model, "test"), command
    except UserError as error:
        problems.append(str(error))
    except Exception as error:  # a bug must not prevent the rest of the page
        problems.append(unexpected(error))
    return {}, command
