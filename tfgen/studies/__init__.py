"""The studies as values: study name -> model name -> Preset."""

from tfgen import UserError
from tfgen.studies import csi5340, digits, dlcv2018, modern, pegasus, sullivan2017
from tfgen.studies.study import Experiment, Preset

MODULES = {
    "dlcv2018": dlcv2018,
    "sullivan2017": sullivan2017,
    "csi5340": csi5340,
    "pegasus": pegasus,
    "digits": digits,
    "modern": modern,
}
STUDIES = {name: module.PRESETS for name, module in MODULES.items()}
ABOUT = {name: module.ABOUT for name, module in MODULES.items()}
EXPERIMENTS = {
    f"{study}/{name}": experiment
    for study, module in MODULES.items()
    for name, experiment in module.EXPERIMENTS.items()
}


def find(study: str, model: str) -> Preset:
    """The Preset of a study's model. Raises UserError with the choices for unknown names."""
    presets = models(study)
    if model not in presets:
        raise UserError(f"the study {study} has no model {model!r}: choose from {', '.join(presets)}.")
    return presets[model]


def models(study: str) -> dict[str, Preset]:
    """model name -> Preset of one study. Raises UserError with the choices for an unknown name."""
    if study not in STUDIES:
        raise UserError(f"there is no study {study!r}: choose from {', '.join(STUDIES)}.")
    return STUDIES[study]


def find_experiment(name: str) -> Experiment:
    """The Experiment of that name, STUDY/WHAT. Raises UserError with the choices for an unknown name."""
    if name not in EXPERIMENTS:
        raise UserError(f"there is no experiment {name!r}: choose from {', '.join(EXPERIMENTS)}.")
    return EXPERIMENTS[name]
