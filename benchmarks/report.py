"""The time of a report on all models of dlcv2018: python benchmarks/report.py

The seven models have their full size, new weights and artificial histories of the study's length. The data are faces,
with 2,621 for testing.
"""

import csv
import os
import pathlib
import sys
import tempfile
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import keras
import numpy as np
from PIL import Image

from tfgen import figures, report, runs, training
from tfgen.data.builtin import faces
from tfgen.data.builtin.painting import TEST_START
from tfgen.data.source import Source
from tfgen.studies import STUDIES

ITERATIONS = {"vae": 90_000}  # the others 200,000
TEST = 2621


def recorded(folder: pathlib.Path, study: str, model: str, iterations: int, **choice: Any) -> runs.Run:
    """A Run that has a record and an empty checkpoint of so many iterations: enough to tell runs apart.

    Args:
        folder: where to write it.
        study, model: keys of `tfgen.studies.STUDIES`.
        iterations: how many it has done.
        choice: arguments of `training.plan`.
    """
    run = training.plan(study, model, run=folder, **choice)
    run.checkpoints.path(iterations).mkdir(parents=True)
    runs.write_json(run.folder / runs.RECORD, run.record)
    return runs.Run.open(folder)


def untrained(folder: pathlib.Path, study: str, model: str, iterations: int, **choice: Any) -> runs.Run:
    """A Run as if trained for so many iterations: fresh weights, a made-up history, a sheet at 0, 4 and 8."""
    keras.utils.set_random_seed(0)
    run = recorded(folder, study, model, iterations, **choice)
    built = run.build()
    counts = np.arange(1, iterations + 1)
    logs = [1 + np.cos(counts + k) / counts for k in range(len(built.logs))]
    with (run.folder / "history.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["iteration", *built.logs], *zip(counts, *logs)])
    state = {"iteration": iterations, "redraws": 0, "seconds": 61.0, "score": None, "best": None, "waited": 0}
    run.checkpoints.write(runs.checkpoint(built, run.average(built)), state)
    sheet = figures.sheet(run.preset.sample(run, built), run.preset.sample_columns)
    (run.folder / "samples").mkdir()
    for iteration in range(0, min(iterations, 8) + 1, 4):
        Image.fromarray(sheet).save(run.folder / "samples" / f"{iteration:07d}.png")
    return run


if __name__ == "__main__":
    images, attributes = faces.paint(TEST_START, TEST_START + TEST)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for model in STUDIES["dlcv2018"]:
            untrained(folder / model, "dlcv2018", model, ITERATIONS.get(model, 200_000), arguments={})
        began = time.perf_counter()
        chosen, _ = report.readable([folder / model for model in STUDIES["dlcv2018"]])
        for run in chosen:
            run.sources["test"] = Source("faces/test", images, attributes, faces.ATTRIBUTES)
        found = [entry for entry in report.entries(chosen) if entry.runs]
        out = runs.make(folder / "report")
        drawn = list(report.draw_all(found, out))
        report.page(drawn, chosen, out)
        assert not any(entry.problem for entry in found)
        print(f"{len(found)} figures and the page: {time.perf_counter() - began:.0f} s")
