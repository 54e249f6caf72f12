"""Scores of trained models. A `Score` holds the function that measures and the meanings of its numbers.

A number means little alone. So every score also measures its rivals: the same number for models without structure that
are fitted to the training pictures, for copies of training pictures, for chance.

To add one, write a function (run, model, split) -> {name: number} and a `Score` for it, here or in a study's file, and
use it in a preset.
"""

from tfgen.scores.codes import code_quality
from tfgen.scores.conditions import attribute_fidelity, label_fidelity
from tfgen.scores.depth import depth_errors
from tfgen.scores.features import classifier_of, features_of
from tfgen.scores.reconstruction import reconstruction_errors
from tfgen.scores.samples import sample_quality
from tfgen.scores.score import COLUMNS, FORMAT, SCORES, Score, saved

__all__ = [
    "COLUMNS",
    "FORMAT",
    "SCORES",
    "Score",
    "attribute_fidelity",
    "classifier_of",
    "code_quality",
    "depth_errors",
    "features_of",
    "label_fidelity",
    "reconstruction_errors",
    "sample_quality",
    "saved",
]
