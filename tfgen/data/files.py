"""Arrays in separate files that are decoded when needed."""

import concurrent.futures
import contextlib
import functools
import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeAlias

import numpy as np

from tfgen import UserError

WHOLE, BLOCK, BLOCKS = 256 * 1024, 4096, 16  # bytes that are read of a file to recognize it

# Called with the UserError of each bad file or row. It may raise the error; if it does not, the file is skipped.
Problem: TypeAlias = Callable[[UserError], object]


def fail(error: UserError) -> NoReturn:
    """The default for bad files and rows: raises the UserError."""
    raise error


class Files:
    """n arrays of the same shape, each in its own file.

    Args:
        reads: n functools.partial(read, path, ...), each of which reads one file.
        shape: shape of one array.
        dtype: data type of all arrays.
        known: `identities`, if they were computed before.
    """

    def __init__(
        self,
        reads: Iterable[functools.partial[np.ndarray]],
        shape: tuple[int, ...],
        dtype: Any = np.uint8,
        known: np.ndarray | None = None,
    ) -> None:
        self.known = known
        self.reads = list(reads)
        self.shape = (len(self.reads), *shape)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.reads)

    def __getitem__(self, examples: slice | np.ndarray) -> "Files":
        """The Files at a slice, an array of indices or an array of bools."""
        places = np.arange(len(self))[examples]
        known = None if self.known is None else self.known[places]
        return Files([self.reads[i] for i in places], self.shape[1:], self.dtype, known)

    def __add__(self, other: "Files") -> "Files":
        known = None if self.known is None or other.known is None else np.concatenate([self.known, other.known])
        return Files(self.reads + other.reads, self.shape[1:], self.dtype, known)

    def path(self, i: int) -> pathlib.Path:
        """Path of the file of array i."""
        return pathlib.Path(self.reads[i].args[0])

    def take(self, indices: np.ndarray) -> np.ndarray:
        """The arrays (len(indices), ...) at these indices, decoded in parallel.

        Raises the UserError of the first damaged file.
        """
        return np.stack(list(_pool().map(lambda i: self.reads[i](), indices)))

    def decoded(
        self, problem: Problem = fail, wanted: np.ndarray | None = None, out: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Decodes all arrays in parallel, with a progress bar if there are more than 1,000.

        Args:
            problem: called with the UserError of each file that cannot be decoded, in order; may raise it.
            wanted: (n,) bool, which arrays to decode; None for all.
            out: (n, ...) array of zeros to decode into; None for a new one.

        Returns:
            (n, ...) array, 0 where nothing was decoded, and (n,) bool, True where something was.
        """
        from tqdm import tqdm

        arrays = np.zeros(self.shape, self.dtype) if out is None else out
        good = np.ones(len(self), bool) if wanted is None else wanted.copy()

        def read(i: int) -> UserError | None:
            if not good[i]:
                return None
            try:
                arrays[i] = self.reads[i]()
            except UserError as error:
                return error
            return None

        many = len(self) > 1000
        folder = self.path(0).parent if len(self) else ""
        bar = tqdm(
            total=len(self), desc=f"reading {folder}", unit=" pictures", disable=None if many else True, leave=False
        )
        with bar as progress, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a picture is either read or refused: Pillow's warnings help nobody
            for i, error in enumerate(_pool().map(read, range(len(self)))):  # in order, whichever is ready first
                progress.update()
                if error is not None:
                    good[i] = False
                    problem(error)
        return arrays, good

    def names(self) -> np.ndarray:
        """(n,) bytes: the name of each file with that of its folder, for messages."""
        paths = (self.path(i) for i in range(len(self)))
        return np.array([os.fsencode(f"{path.parent.name}/{path.name}") for path in paths], np.bytes_)

    def identities(self) -> np.ndarray:
        """(n, 32) uint8: for each file, digests of its name and size, and of its content, both with how it is read."""
        if self.known is None:
            digests = b"".join(_pool().map(_identity, self.reads))
            self.known = np.frombuffer(digests, np.uint8).reshape(-1, 32)
        return self.known


def _identity(read: functools.partial[np.ndarray]) -> bytes:
    path = pathlib.Path(read.args[0])
    how = (read.func.__name__, read.args[1:], sorted(read.keywords.items()))
    size, content = (path.stat().st_size if path.exists() else None), b""
    with contextlib.suppress(OSError):  # reported when the file is decoded
        content = _sample(path)
    return _digest((path.parent.name, path.name, size, *how)) + _digest((size, content, *how))


def _digest(what: Any) -> bytes:
    return hashlib.blake2b(repr(what).encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _sample(path: pathlib.Path) -> bytes:
    """A digest of a file's content, or of evenly spaced blocks of it, from the first to the last, if it is large.

    Pictures larger than `WHOLE` may not fit into memory, and reading all of them takes as long as an epoch.
    """
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE:
            digest.update(file.read())
        else:
            for place in range(BLOCKS):
                file.seek(place * (size - BLOCK) // (BLOCKS - 1))
                digest.update(file.read(BLOCK))
    return digest.digest()


@functools.cache
def _pool() -> concurrent.futures.ThreadPoolExecutor:
    # Pillow decodes and resizes without holding Python's global interpreter lock.
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count())
