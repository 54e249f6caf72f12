"""Files that are written completely or not at all, and a lock that lets one process use a folder."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from tfgen import UserError

LOCK = ".lock"


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
    """Waits until the content of a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(error: Exception) -> str:
    """The message of an error, on one line."""
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:200]


@contextlib.contextmanager
def lock(folder: pathlib.Path) -> Iterator[None]:
    """Locks a run's folder for this process and creates it if needed; the lock is released when the process ends.

    Raises:
        UserError: if another process has the lock, or the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be created ({error.strerror}): choose another --run.") from None
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(
                f"{folder} is being trained by process {file.read().strip()}: "
                "wait until it ends, or choose another --run."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
