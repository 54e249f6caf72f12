"""The parts of a run that figures and scores use."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from tfgen.data.source import Source
from tfgen.models.base import GenerativeModel


class Run(Protocol):
    """A trained run, as figures and scores use it. `tfgen.runs.Run` is one; tests may pass simpler objects."""

    @property
    def folder(self) -> pathlib.Path:
        """The run folder; samples/ contains the pictures saved during training."""

    @property
    def record(self) -> Mapping[str, Any]:
        """The settings: "arguments" of the builder, "image_size", "attributes" and so on."""

    @property
    def preset(self) -> Any:
        """The study's Preset."""

    @property
    def features(self) -> str | os.PathLike | None:
        """Path of the network on whose features pictures are compared; None for the data set's classifier."""

    @property
    def model(self) -> GenerativeModel:
        """The trained model."""

    @property
    def steps_per_epoch(self) -> int:
        """Training iterations in one epoch."""

    def untrained(self) -> GenerativeModel:
        """The model as training starts."""

    def source(self, split: str) -> Source:
        """The data of "train", "test", "all" or "validation"."""

    def evaluations(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,), "seconds": (n,), name: (n,)} of n evaluations during training; empty without any."""

    def history(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,) int, log: (n,) float} of the n iterations trained."""
