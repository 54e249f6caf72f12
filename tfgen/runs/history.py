"""The history of a run: the training step's logs, one row per iteration, and its evaluations, in CSV files."""

import csv
import pathlib
from collections.abc import Mapping

import numpy as np

from tfgen import UserError
from tfgen.runs import files

HISTORY, EVALUATIONS = "history.csv", "evaluations.csv"


class History:
    """The history.csv of one run.

    Args:
        path: path of the file.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path

    def read(self, iterations: int) -> dict[str, np.ndarray]:
        """{"iteration": (n,) int, log: (n,) float} of the first n = `iterations`; later rows are ignored.

        Raises UserError if the file is damaged or rows are missing.
        """
        try:
            with self.path.open(newline="") as file:
                header, *rows = csv.reader(file)
            columns = np.array(rows[:iterations], dtype=np.float64).reshape(-1, len(header)).T
            history = dict(zip(header, columns, strict=True))
            if not np.array_equal(history.get("iteration", []), np.arange(1, iterations + 1)):
                raise ValueError(f"some of the checkpoint's {iterations} iterations are missing")
        except (OSError, ValueError, csv.Error) as error:
            raise UserError(
                f"{self.path} cannot be read as a table of numbers ({error}): train the run again with another --run."
            ) from None
        return history | {"iteration": history["iteration"].astype(int)}

    def cut(self, logs: tuple[str, ...], iterations: int) -> None:
        """Drops the rows after the first `iterations`; if there is no file, writes one with a header.

        Raises UserError if the file is damaged or rows are missing.
        """
        rows = [["iteration", *logs], *self._rows()[1 : iterations + 1]]
        if [row[0] for row in rows[1:] if row] != [str(i + 1) for i in range(iterations)]:
            raise UserError(
                f"{self.path} does not contain all of the checkpoint's {iterations} iterations: "
                "restore the file from a backup, or start a new run with --new."
            )
        with files.replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def __len__(self) -> int:
        """Number of rows below the header. Raises UserError if the file is damaged."""
        return max(0, len(self._rows()) - 1)

    def _rows(self) -> list[list[str]]:
        try:
            with self.path.open(newline="") as file:
                return list(csv.reader(file))
        except FileNotFoundError:
            return []
        except (ValueError, csv.Error) as error:
            raise UserError(
                f"{self.path} is damaged ({error}): restore it from a backup, or start a new run with --new."
            ) from None

    def append(self, rows: list[list]) -> None:
        """Appends rows to the file. Raises UserError if the disk is full."""
        try:
            with self.path.open("a", newline="") as file:
                csv.writer(file).writerows(rows)
            files.sync(self.path)
        except OSError as error:
            raise UserError(
                f"{self.path} cannot be written ({error.strerror}): free some space and run the command again; "
                "training resumes from the last checkpoint."
            ) from None


class Evaluations:
    """The evaluations.csv of one run: a row for each evaluation during training.

    Args:
        path: path of the file.
    """

    def __init__(self, path: pathlib.Path):
        self.path = path

    def read(self) -> dict[str, np.ndarray]:
        """{"iteration": (n,), "seconds" of training until then: (n,), name of a number: (n,)}; empty without a file.

        Raises UserError if the file is damaged.
        """
        try:
            with self.path.open(newline="") as file:
                header, *rows = csv.reader(file)
            columns = np.array(rows, dtype=np.float64).reshape(-1, len(header)).T
            return dict(zip(header, columns, strict=True))
        except FileNotFoundError:
            return {}
        except (ValueError, csv.Error) as error:
            raise UserError(f"{self.path} is damaged ({error}): remove it; it is only for figures.") from None

    def cut(self, iteration: int) -> None:
        """Drops the evaluations after an iteration."""
        if known := self.read():
            self._write(known, known["iteration"] <= iteration)

    def add(self, iteration: int, seconds: float, numbers: Mapping[str, float]) -> None:
        """Adds an evaluation; one of the same or of a later iteration is replaced."""
        known, row = self.read(), {"iteration": iteration, "seconds": seconds, **numbers}
        before = known.get("iteration", np.zeros(0)) < iteration
        empty = np.full(len(before), np.nan)
        table = {name: np.append(known.get(name, empty)[before], value) for name, value in row.items()}
        self._write(table, np.ones(int(np.sum(before)) + 1, bool))

    def _write(self, table: Mapping[str, np.ndarray], kept: np.ndarray) -> None:
        with files.replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table)
            writer.writerows([f"{value:.9g}" for value in row] for row in np.stack([*table.values()], axis=1)[kept])
