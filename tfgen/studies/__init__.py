"""What the studies trained, as values: study name -> model name -> Preset."""

from tfgen import UserError
from tfgen.studies import csi5340, digits, dlcv2018, pegasus, sullivan2017

DEFAULT_STUDY = "dlcv2018"
STUDIES = {
    "dlcv2018": dlcv2018.PRESETS,
    "pegasus": pegasus.PRESETS,
    "sullivan2017": sullivan2017.PRESETS,
    "csi5340": csi5340.PRESETS,
    "digits": digits.PRESETS,
}


def find(study, model):
    """The Preset of a study's model. Raises UserError for unknown names, with the choices."""
    if study not in STUDIES:
        raise UserError(f"there is no study {study!r}: choose from {', '.join(STUDIES)}.")
    if model not in STUDIES[study]:
        raise UserError(f"the study {study} has no model {model!r}: choose from {', '.join(STUDIES[study])}.")
    return STUDIES[study][model]
