"""Files that are written completely or not at all, and a lock that lets one process use a folder."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

from tfgen import UserError, program

LOCK = ".lock"
# What file systems answer that cannot do what they are asked, as some network disks and FUSE.
UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOLCK, errno.ENOTTY, errno.EISDIR}
_told: set[str] = set()


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary path to write to; it is moved to `path` at the end, or removed after an error."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes `value` completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def digest(path: pathlib.Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: pathlib.Path) -> None:
    """Waits until the content of a file or a folder is on the disk; warns once if the file system cannot do this."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        refused = error.errno in UNSUPPORTED or (error.errno in (errno.EACCES, errno.EPERM) and path.is_dir())
        if not refused:
            raise
        _tell_once(
            "sync",
            f"the disk of {path.parent} cannot confirm that files are written ({reason(error)}): training continues, "
            "but a power failure may damage the newest checkpoint.",
        )


def _tell_once(kind: str, sentence: str) -> None:
    if kind not in _told:
        _told.add(kind)
        program.tell(sentence)


def make(folder: str | os.PathLike, flag: str = "--out") -> pathlib.Path:
    """The folder as a path, created if necessary. Do this before a long computation whose result goes there.

    Raises:
        UserError: if it cannot be created or written; it names the flag to change.
    """
    folder = pathlib.Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be created ({reason(error)}): choose another {flag}.") from None
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UserError(f"{folder} cannot be written to ({reason(error)}): choose another {flag}.") from None
    return folder


def check_writable(folder: pathlib.Path, flag: str) -> None:
    """Raises UserError if a folder, or the folder in which it would be created, cannot be written."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise UserError(f"{folder} cannot be created ({there} is not a folder): choose another {flag}.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{folder} cannot be written (no permission to write in {there}): choose another {flag}.")


def reason(error: Exception) -> str:
    """The message of an error, on one line."""
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:200]


@contextlib.contextmanager
def lock(folder: pathlib.Path) -> Iterator[None]:
    """Locks a run's folder for this process and creates it if needed; the lock is released when the process ends.

    Raises:
        UserError: if another process has the lock, or the folder cannot be created or written.
    """
    make(folder, "--run")
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(
                f"{folder} is being trained by process {file.read().strip()}: "
                "wait until it ends, or choose another --run."
            ) from None
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            _tell_once(
                "lock",
                f"the disk of {folder} has no locks ({reason(error)}): make sure that no other process trains this "
                "run.",
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
