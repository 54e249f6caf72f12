"""Checkpoints that a killed process, a full disk or a flipped bit cannot spoil: each is there whole or not at all, with
sums to check it by.
"""

import hashlib
import json
import os
import pathlib
import shutil

from tfgen import UserError

STATE, SUMS, WEIGHTS = "state.json", "SHA256SUMS", "weights"


class Checkpoints:
    """Those of one run:

        0000640/weights.index, weights.data-00000-of-00001    what a tf.train.Checkpoint holds
        0000640/state.json                                    the run's own numbers at that iteration
        0000640/SHA256SUMS                                    of the others, as `sha256sum -c` reads it

    Args:
        folder: where they are.
        keep: how many of the newest stay. Of those whose state has a "score", the one with the least stays too.
    """

    def __init__(self, folder, keep=2):
        self.folder = pathlib.Path(folder)
        self.keep = keep

    def iterations(self):
        """Those there are, in order, damaged ones too."""
        return sorted(int(path.name) for path in self.folder.glob("*") if path.name.isdecimal())

    def path(self, iteration):
        """The folder of one."""
        return self.folder / f"{iteration:07d}"

    def write(self, checkpoint, state):
        """Writes a tf.train.Checkpoint and the state, a dict with "iteration", then removes what need not stay.

        Raises:
            UserError: if the disk is full or cannot be written; those before are still there.
        """
        import tensorflow as tf

        target = self.path(state["iteration"])
        part = self.folder / f".part-{target.name}"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            checkpoint.write(str(part / WEIGHTS))
            (part / STATE).write_text(json.dumps(state, indent=2) + "\n")
            (part / SUMS).write_text("".join(f"{digest(path)}  {path.name}\n" for path in sorted(part.iterdir())))
            for path in [*part.iterdir(), part]:
                sync(path)
            shutil.rmtree(target, ignore_errors=True)  # of this iteration there is one only if it was damaged
            os.replace(part, target)
            sync(self.folder)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(f"{target} cannot be written ({reason(error)}){self._rest()}") from None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._remove_old()

    def _rest(self):
        there = self.iterations()
        return (
            f"; that of iteration {there[-1]} is there" if there else ""
        ) + ": make room, then give the same command."

    def _remove_old(self):
        there = self.iterations()
        for iteration in set(there[: -self.keep]) - {self.best()}:
            shutil.rmtree(self.path(iteration), ignore_errors=True)

    def remove_beyond(self, iteration):
        """Removes the damaged ones after `iteration`, and what a killed process left half written."""
        for path in self.folder.glob("*"):
            if path.name.startswith(".part-") or (path.name.isdecimal() and int(path.name) > iteration):
                shutil.rmtree(path)

    def best(self):
        """The iteration with the least "score", None if no state has one."""
        scores = {}
        for iteration in self.iterations():
            try:
                scores[iteration] = json.loads((self.path(iteration) / STATE).read_text())["score"]
            except (OSError, ValueError, KeyError, TypeError):  # damaged, or without one
                continue
        scores = {iteration: score for iteration, score in scores.items() if score is not None}
        return min(scores, key=scores.get, default=None)

    def fault(self, iteration):
        """What is wrong with the files of one, or None."""
        folder = self.path(iteration)
        try:
            sums = dict(
                reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text().removesuffix("\n").split("\n")
            )
            if not {STATE, f"{WEIGHTS}.index"} <= set(sums):
                return f"{SUMS} is damaged"
            for name, sum_ in sums.items():
                if digest(folder / name) != sum_:
                    return f"{name} is damaged"
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            return reason(error)
        except OSError as error:  # no damage: what cannot be read now may be read later
            raise UserError(
                f"{folder} cannot be read ({reason(error)}): mend that, then give the same command."
            ) from None
        return None

    def restore(self, checkpoint, tell, iteration=None):
        """Reads the newest whole one, or the one of `iteration`, into a tf.train.Checkpoint.

        Args:
            checkpoint: holds at least the objects that are there to be read.
            tell: is given a sentence about each damaged one that is passed over.
            iteration: of the one to read; if it is damaged or gone, the newest is.

        Returns:
            Its state, or None where there is none.

        Raises:
            UserError: if all are damaged, or if one that is whole does not fit the objects.
        """
        there = self.iterations() if iteration is None else [iteration]
        for iteration in reversed(there):
            folder, fault = self.path(iteration), self.fault(iteration)
            if fault and folder.exists():
                tell(f"the checkpoint {folder} is damaged ({fault}) and passed over.")
            if fault:
                continue
            try:
                state = json.loads((folder / STATE).read_text())
                checkpoint.read(str(folder / WEIGHTS)).assert_existing_objects_matched()
                return state
            except Exception as error:
                if not folder.exists():  # a process that trains has just removed it for a newer one
                    return self.restore(checkpoint, tell)
                # Its sums are right: other code wrote it.
                raise UserError(
                    f"the checkpoint {folder} does not fit this version of the model ({reason(error)}): use the version that wrote it."
                ) from None
        if there and max(self.iterations(), default=-1) > there[-1]:
            return self.restore(checkpoint, tell)
        if there:
            raise UserError(
                f"no checkpoint below {self.folder} is whole: put back a copy of one, or train anew with --new."
            )
        return None


def digest(path):
    """A file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path):
    """Waits until a file's, or a folder's, content is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error):
    """What an error says, on one line."""
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:200]
