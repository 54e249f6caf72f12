"""Compares runs: one table of their sizes, lengths and scores."""

import csv
import dataclasses
import datetime
import math
import os
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence

from tfgen import runs
from tfgen.metrics import chance
from tfgen.runs import Run
from tfgen.settings import DataSettings

# Of numbers that are in neither, such as `nearest` and `real_apart`, a certain value is best.
LOWER = (
    r"frechet|frechet_train|frechet_joint|kernel|sliced|test_mse_.+_code|rmse|abs_rel|sq_rel|log_rmse|"
    r"scale_invariant_log"
)
HIGHER = (
    r"precision|recall|coverage|switched|(label|reverse)_fidelity|delta_\d|code_\d+_(nmi|read)|continuous_\d+_r2|"
    r"pca_components"
)
# Rivals that are the same for every model of the same data; "untrained" and "linear" depend on the model.
SHARED = ("pixels", "gaussian", "pca", "copies", "mean_picture", "mean_map")
SIGMAS = 1.96  # of a 95 % interval
SHARES = ("precision", "recall", "coverage")  # of pictures


@dataclasses.dataclass(frozen=True)
class Cell:
    """A number of a run.

    Attributes:
        value: the number, or a text.
        low, high: its 95 % interval; None if it has none.
        best: whether it is better than that of every other run by more than the intervals allow by chance.
    """

    value: float | int | str
    low: float | None = None
    high: float | None = None
    best: bool = False

    @property
    def text(self) -> str:
        """The number, and its interval in parentheses."""
        text = self.value if isinstance(self.value, str) else f"{self.value:,}" if isinstance(self.value, int) else ""
        interval = "" if self.low is None else f" ({self.low:.3g} to {self.high:.3g})"
        return (text or f"{self.value:.4g}") + interval


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A table of runs.

    Attributes:
        names: a name for each column: those of the runs, then those of their rivals.
        rows: name of a row -> a Cell for each column, None where there is no such number.
        notes: sentences about what the table does not show.
    """

    names: list[str]
    rows: dict[str, list[Cell | None]]
    notes: list[str]

    def texts(self) -> list[list[str]]:
        """The table as rows of texts; the first has the names of the columns."""
        texts = [["", *self.names]]
        for name, row in self.rows.items():
            texts.append([name, *("" if cell is None else cell.text + " *" * cell.best for cell in row)])
        return texts

    def write(self, path: str | os.PathLike) -> None:
        """Writes a CSV with a row for each column of the table: its name, and each number with its interval."""
        with runs.replacing(path) as temporary, pathlib.Path(temporary).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            fields = ("value", "low", "high")
            widths = {
                name: [field for field in fields if any(cell and getattr(cell, field) is not None for cell in row)]
                for name, row in self.rows.items()
            }
            heads = [name if f == "value" else f"{name}_{f}" for name, found in widths.items() for f in found]
            writer.writerow(["run", *heads])
            for i, name in enumerate(self.names):
                values = [
                    "" if row[i] is None or (value := getattr(row[i], field)) is None else value
                    for row, found in zip(self.rows.values(), widths.values(), strict=True)
                    for field in found
                ]
                writer.writerow([name, *values])


def table(compared: Sequence[Run], numbers: Sequence[Mapping[str, float]]) -> Comparison:
    """The table of runs and the numbers of their scores."""
    rows: dict[str, list[Cell | None]] = {}
    facts: dict[str, Callable[[Run], str | int]] = {
        "model": _model, "data": _data, "parameters": _parameters, "pictures seen": _seen, "time": _time
    }  # fmt: skip
    for name, value in facts.items():
        rows[name] = [Cell(value(run)) for run in compared]
    shown = dict.fromkeys(name for run, found in zip(compared, numbers, strict=True) for name in _main(run, found))
    same = len({pictures_of(run) for run in compared}) == 1
    for name in shown:
        cells = [_cell(name, found) for found in numbers]
        rows[name] = _marked(name, cells) if same else list(cells)
    names = [str(run.folder) for run in compared]
    if same:  # the rivals of all are the same
        for rival, row_of in _rivals(compared, numbers).items():
            names.append(rival)
            for name, row in rows.items():
                row.append(row_of.get(name))
    notes = []
    if any(cell and cell.best for row in rows.values() for cell in row):
        notes.append("*: better than every other run by more than chance explains, at a level of 95 %.")
    if not same:
        notes.append("The runs are of different pictures, so their scores cannot be compared with each other.")
    seen = [str(run.folder) for run in compared if run.seen_test]
    if seen:
        notes.append(
            f"Trained on the training and the test set together, so scored on pictures seen: {', '.join(seen)}."
        )
    return Comparison(names, rows, notes)


def pictures_of(run: Run) -> DataSettings:
    """What is equal for runs on the same data set, whether they train on all of it or on the training set alone."""
    return dataclasses.replace(run.settings.data, skip_bad=False, cache_gb=None)


def _model(run: Run) -> str:
    return f"{run.settings.study} {run.settings.model}{', best checkpoint' * run.best}"


def _data(run: Run) -> str:
    side = run.settings.data.image_size
    return f"{run.settings.data.dataset}, {side}x{side}"


def _parameters(run: Run) -> int:
    return sum(run.build().parameters().values())


def _seen(run: Run) -> int:
    """The pictures that training has shown so far, each as often as it was shown."""
    done = run.checkpoints.best() if run.best else run.iteration
    return round((done or 0) / run.steps_per_epoch * (run.settings.pictures or 0))


def _time(run: Run) -> str:
    return str(datetime.timedelta(seconds=round(run.seconds)))


def _main(run: Run, numbers: Mapping[str, float]) -> list[str]:
    """The numbers that a table shows: no rivals', and no bounds of intervals."""
    rivals = {other for beside in run.preset.score.rivals.values() for other in beside.values()}
    beside = {f"{name}_{end}" for name in numbers for end in ("deviation", "low", "high")}
    return [name for name in numbers if name not in rivals - {"classifier_test_accuracy"} and name not in beside]


def _cell(name: str, numbers: Mapping[str, float]) -> Cell | None:
    if name not in numbers:
        return None
    value = numbers[name]
    if f"{name}_low" in numbers:
        return Cell(value, numbers[f"{name}_low"], numbers[f"{name}_high"])
    if f"{name}_deviation" in numbers and name in SHARES:
        return Cell(value, *_share(value, numbers[f"{name}_deviation"], numbers["pictures"]))
    if f"{name}_deviation" in numbers:
        around = SIGMAS * numbers[f"{name}_deviation"]
        return Cell(value, value - around, value + around)
    return Cell(int(value) if name in ("pictures", "latents", "requests") else value)


def _share(value: float, deviation: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, which stays within [0, 1] and is not empty for a share of 0 or 1.

    The number of independent pictures is the one that would have this deviation; it is n where the deviation is 0.
    """
    independent = value * (1.0 - value) / deviation**2 if deviation else n
    return chance.wilson(value, max(independent, 1.0))


def _marked(name: str, cells: Sequence[Cell | None]) -> list[Cell | None]:
    """The cells, the best one marked if its difference from every other is larger than their intervals together."""
    sign = -1 if re.fullmatch(LOWER, name) else 1 if re.fullmatch(HIGHER, name) else 0
    known = [cell for cell in cells if cell is not None and cell.low is not None]
    if not sign or len(known) < 2:
        return list(cells)
    first, *others = sorted(known, key=lambda cell: -sign * float(cell.value))
    apart = all(
        abs(float(first.value) - float(other.value)) > math.hypot(_half(first), _half(other)) for other in others
    )
    return [dataclasses.replace(cell, best=True) if apart and cell is first else cell for cell in cells]


def _half(cell: Cell) -> float:
    """Half the width of a cell's interval."""
    return ((cell.high or 0.0) - (cell.low or 0.0)) / 2


def _rivals(compared: Sequence[Run], numbers: Sequence[Mapping[str, float]]) -> dict[str, dict[str, Cell]]:
    """Rival of all runs -> {row: its Cell}, of the first run that measured it."""
    found: dict[str, dict[str, Cell]] = {}
    for run, own in zip(compared, numbers, strict=True):
        for name, beside in run.preset.score.rivals.items():
            for rival, number in beside.items():
                if number in own and rival in SHARED:
                    found.setdefault(rival, {}).setdefault(name, Cell(own[number]))
    return found
