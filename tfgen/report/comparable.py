"""Which runs an experiment may compare."""

import json
from collections.abc import Sequence

from tfgen.report.selection import ready
from tfgen.runs import Run
from tfgen.studies import EXPERIMENTS


def alike(name: str, chosen: Sequence[Run]) -> dict[str, dict[str, Run]]:
    """Groups runs of an experiment's variants that were trained with the same settings.

    For each data set, returns the largest group, if it has at least two runs.

    Args:
        name: name of the experiment, STUDY/NAME.
        chosen: Runs, in order of preference.

    Returns:
        {file name: {label: Run}}.
    """
    experiment = EXPERIMENTS[name]
    variants = experiment.models(name.split("/")[0])
    groups: dict[tuple, dict[str, dict[str, Run]]] = {}
    varied = {key for *_, changes in variants.values() for key in changes}
    for run in chosen:
        record = run.record
        if record["study"] not in {study for study, *_ in variants.values()} or not ready(run):
            continue
        defaults, arguments = run.preset.defaults(), record["arguments"]
        parts = ("data", "training") if experiment.alike else ("data",)
        same = [run.settings.compared(*parts), arguments["width"]]
        if experiment.alike:
            same.append(
                {key: value for key, value in arguments.items() if key not in varied and value != defaults[key]}
            )
        for label, (study, model, changes) in variants.items():
            if (study, model) == (record["study"], record["model"]) and all(
                arguments[key] == (defaults | changes)[key] for key in varied & defaults.keys()
            ):
                group = groups.setdefault((record["dataset"], record["data_dir"]), {}).setdefault(
                    json.dumps(same, sort_keys=True), {}
                )
                group.setdefault(label, run)
    largest = [max(kinds.values(), key=len) for kinds in groups.values()]
    found: dict[str, dict[str, Run]] = {}
    for group in sorted((group for group in largest if len(group) > 1), key=len, reverse=True):
        dataset = next(iter(group.values())).record["dataset"]
        file = file_name(name if not found else f"{name}_{dataset}")
        found.setdefault(file, {label: group[label] for label in experiment.variants if label in group})
    return found


def file_name(name: str) -> str:
    """The file name of a comparison: "dlcv2018/blur" -> "dlcv2018_blur.jpg"."""
    return f"{name.replace('/', '_')}.jpg"
