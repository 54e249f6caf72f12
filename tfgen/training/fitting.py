"""Fits a run to its data before training: the number of classes, and attributes that never change."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgen import UserError, program, runs


def fit_classes(run: runs.Run, given: Mapping[str, Any]) -> None:
    """Sets the argument `classes` of a model that has one to the number of classes in the run's data.

    If no training picture shows some of the classes, the run is restricted to the others, as by --only: what is never
    trained would still be scored and drawn.

    Args:
        run: a planned run, whose data were read.
        given: the arguments of the builder that the user gave.

    Raises:
        UserError: if there are fewer than two classes, or if the user gave another number.
    """
    if "classes" not in run.settings.arguments:
        return
    source = run.training_source()
    read = [part for split, part in run.sources.items() if split != "test" or run.seen_test]
    names = max((part.class_names for part in read), key=len)
    labels = np.unique(np.concatenate([part.labels for part in read if part.labels is not None]))
    # A name with a comma cannot be given to --only; its number can.
    shown = [str(label) if "," in names[label] else names[label] for label in labels]
    if len(shown) < 2:
        raise UserError(
            f"{run.settings.model} needs at least two classes, but {source.name} has only {', '.join(shown)}: "
            "choose another --dataset, or train a model without classes."
        )
    if given.get("classes", len(shown)) != len(shown):
        raise UserError(f"{source.name} has {len(shown)} classes, not {given['classes']}: leave out --classes.")
    arguments = run.settings.arguments | {"classes": len(shown)}
    run.settings = dataclasses.replace(run.settings, arguments=arguments)
    if len(shown) < len(names):
        program.tell(f"{source.name} shows {len(shown)} of {len(names)} classes: the run has only these.")
        reading = dataclasses.replace(run.settings.data, only=tuple(shown))
        run.settings = dataclasses.replace(run.settings, data=reading)
        run.sources = {split: part.only(shown) for split, part in run.sources.items()}
        run.parts = {}


def warn_of_constants(run: runs.Run) -> None:
    """Prints a warning for each attribute that the model is conditioned on and that all training pictures agree in."""
    source = run.training_source()
    for name in run.settings.attributes:
        values = np.unique(source.column(name))
        if len(values) == 1:
            program.tell(
                f"warning: {name} is {values[0]} for all {len(source)} pictures of {source.name}: "
                "the model cannot learn it; choose another --attribute or more pictures."
            )
