"""The history of a run: the training step's logs, one row per iteration, in a CSV file."""

import csv
import pathlib

import numpy as np

from tfgen import UserError
from tfgen.runs import files


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
