"""Checkpoints that survive a killed process, a full disk and flipped bits.

Each is written completely or not at all, with checksums.
"""

import json
import os
import pathlib
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfgen import UserError
from tfgen.runs import files
from tfgen.runs.files import digest, reason

if TYPE_CHECKING:
    import tensorflow as tf

STATE, SCORE, SUMS, WEIGHTS = "state.json", "score.json", "SHA256SUMS", "weights"


class Checkpoints:
    """The checkpoints of one run:

        0000640/weights.index, weights.data-00000-of-00001    the content of a tf.train.Checkpoint
        0000640/state.json                                    the run's own numbers at that iteration
        0000640/score.json                                    those that were measured afterwards, if any
        0000640/SHA256SUMS                                    of the others, as `sha256sum -c` reads it

    Args:
        folder: path of the checkpoints.
        keep: number of newest checkpoints to keep. Of those with a "score" in their state, the lowest is kept too.
    """

    def __init__(self, folder: str | os.PathLike, keep: int = 2):
        self.folder = pathlib.Path(folder)
        self.keep = keep

    def iterations(self) -> list[int]:
        """The iterations of all checkpoints in increasing order, including damaged ones."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdecimal())

    def state(self, iteration: int) -> dict[str, Any]:
        """The state of the run at an iteration; {} if its checkpoint is damaged or missing."""
        try:
            return _state(self.path(iteration))
        except (OSError, ValueError, TypeError):
            return {}

    def path(self, iteration: int) -> pathlib.Path:
        """The folder of one checkpoint."""
        return self.folder / f"{iteration:07d}"

    def write(self, checkpoint: "tf.train.Checkpoint", state: dict[str, Any]) -> None:
        """Writes a tf.train.Checkpoint and the state, a dict with "iteration", then removes old checkpoints.

        Raises:
            UserError: if the disk is full or cannot be written; earlier checkpoints are kept.
        """
        import tensorflow as tf

        target = self.path(state["iteration"])
        part = self.folder / f".part-{target.name}"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            checkpoint.write(str(part / WEIGHTS))
            (part / STATE).write_text(json.dumps(state, indent=2) + "\n")
            sums = [f"{digest(path)}  {path.name}\n" for path in sorted(part.iterdir())]
            (part / SUMS).write_text("".join(sums))
            for path in [*part.iterdir(), part]:
                files.sync(path)
            shutil.rmtree(target, ignore_errors=True)  # exists only if it is damaged
            os.replace(part, target)
            files.sync(self.folder)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(f"{target} cannot be written ({reason(error)}){self._rest()}") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._remove_old()

    def add(self, iteration: int, numbers: dict[str, Any]) -> None:
        """Adds numbers to the state of a checkpoint, such as its score, then removes old checkpoints.

        A process that is killed meanwhile leaves the checkpoint intact, without them or with them.

        Raises:
            UserError: if the disk is full or cannot be written.
        """
        path = self.path(iteration)
        try:
            with files.replacing(path / SCORE) as temporary:
                temporary.write_text(json.dumps(numbers, indent=2) + "\n")
                added = f"{digest(temporary)}  {SCORE}\n"
                files.sync(temporary)
            lines = (path / SUMS).read_text().splitlines(keepends=True)
            with files.replacing(path / SUMS) as temporary:
                temporary.write_text("".join(line for line in lines if not line.endswith(f"  {SCORE}\n")) + added)
                files.sync(temporary)
            files.sync(path)
        except OSError as error:
            raise UserError(f"{path} cannot be written ({reason(error)}){self._rest()}") from None
        self._remove_old()

    def _rest(self) -> str:
        there = self.iterations()
        return (
            f"; that of iteration {there[-1]} is intact" if there else ""
        ) + ": free some space and run the command again."

    def _remove_old(self) -> None:
        there = self.iterations()
        for iteration in set(there[: -self.keep]) - {self.best()}:
            shutil.rmtree(self.path(iteration), ignore_errors=True)

    def remove_beyond(self, iteration: int) -> None:
        """Removes damaged checkpoints after `iteration`, and those that a killed process left incomplete."""
        for path in self.folder.glob("*"):
            if path.name.startswith(".part-") or (path.name.isdecimal() and int(path.name) > iteration):
                shutil.rmtree(path)

    def best(self) -> int | None:
        """The iteration with the lowest "score"; None if no state has one."""
        scores = [(self.state(iteration).get("score"), iteration) for iteration in self.iterations()]
        return min((score for score in scores if score[0] is not None), default=(None, None))[1]

    def fault(self, iteration: int) -> str | None:
        """What is wrong with the files of one checkpoint, or None."""
        folder = self.path(iteration)
        try:
            lines = (folder / SUMS).read_text().removesuffix("\n").split("\n")
            sums = [line.split("  ", 1) for line in lines]
            if not {STATE, f"{WEIGHTS}.index"} <= {name for _, name in sums}:
                return f"{SUMS} is damaged"
            for expected, name in sums:
                if digest(folder / name) != expected:
                    return f"{name} is damaged"
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            return reason(error)
        except OSError as error:  # not damaged: it may be readable later
            raise UserError(f"{folder} cannot be read ({reason(error)}): fix this and run the command again.") from None
        return None

    def restore(
        self, checkpoint: "tf.train.Checkpoint", tell: Callable[[str], None], iteration: int | None = None
    ) -> dict[str, Any] | None:
        """Reads the newest intact checkpoint, or the one of `iteration`, into a tf.train.Checkpoint.

        Args:
            checkpoint: contains at least the objects to be read.
            tell: called with a sentence about each damaged checkpoint that is skipped.
            iteration: iteration to read; if its checkpoint is damaged or missing, the newest is read.

        Returns:
            The state, or None if there is no checkpoint.

        Raises:
            UserError: if all are damaged, or if an intact one does not fit the objects.
        """
        there = self.iterations() if iteration is None else [iteration]
        for iteration in reversed(there):
            folder, fault = self.path(iteration), self.fault(iteration)
            if fault and folder.exists():
                tell(f"the checkpoint {folder} is damaged ({fault}) and is skipped.")
            if fault:
                continue
            try:
                state = _state(folder)
                checkpoint.read(str(folder / WEIGHTS)).assert_existing_objects_matched()
                return state
            except Exception as error:
                if not folder.exists():  # a training process has just replaced it with a newer one
                    return self.restore(checkpoint, tell)
                # The checksums are right: it was written by other code.
                raise UserError(
                    f"the checkpoint {folder} does not fit this version of the model ({reason(error)}): "
                    "use the version of tfgen that wrote it."
                ) from None
        if there and max(self.iterations(), default=-1) > there[-1]:
            return self.restore(checkpoint, tell)
        if there:
            raise UserError(
                f"no checkpoint in {self.folder} is intact: restore one from a backup, or start a new run with --new."
            )
        return None


def _state(folder: pathlib.Path) -> dict[str, Any]:
    """The state in the folder of a checkpoint, with the numbers that were added to it.

    Raises OSError, ValueError or TypeError if it cannot be read.
    """
    state = dict(json.loads((folder / STATE).read_text()))
    if (folder / SCORE).exists():
        state |= json.loads((folder / SCORE).read_text())
    return state
