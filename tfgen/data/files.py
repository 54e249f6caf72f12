"""Arrays in separate files that are decoded when needed."""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeAlias

import numpy as np

from tfgen import UserError

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
    """

    def __init__(
        self, reads: Iterable[functools.partial[np.ndarray]], shape: tuple[int, ...], dtype: Any = np.uint8
    ) -> None:
        self.reads = list(reads)
        self.shape = (len(self.reads), *shape)
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.reads)

    def __getitem__(self, examples: slice | np.ndarray) -> "Files":
        """The Files at a slice, an array of indices or an array of bools."""
        places = np.arange(len(self))[examples]
        return Files([self.reads[i] for i in places], self.shape[1:], self.dtype)

    def __add__(self, other: "Files") -> "Files":
        return Files(self.reads + other.reads, self.shape[1:], self.dtype)

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

    def identities(self) -> np.ndarray:
        """(n, 16) uint8: a digest of each file's name, its size and how it is read."""
        digests = bytearray()
        for read in self.reads:
            path = pathlib.Path(read.args[0])
            size = path.stat().st_size if path.exists() else None
            what = (path.parent.name, path.name, size, read.func.__name__, read.args[1:], sorted(read.keywords.items()))
            digests += hashlib.blake2b(repr(what).encode("utf-8", "surrogateescape"), digest_size=16).digest()
        return np.frombuffer(digests, np.uint8).reshape(-1, 16)


@functools.cache
def _pool() -> concurrent.futures.ThreadPoolExecutor:
    # Pillow decodes and resizes without holding Python's global interpreter lock.
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count())
