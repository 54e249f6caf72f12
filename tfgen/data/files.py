"""Arrays that lie in files, one in each, and are decoded when they are asked for."""

import concurrent.futures
import functools
import hashlib
import os
import pathlib
import warnings

import numpy as np

from tfgen import UserError


def fail(error):
    """What is done about a bad file unless one asks for something else: raises the UserError."""
    raise error


class Files:
    """n arrays of one shape, each in a file of its own.

    Args:
        reads: n functools.partial(read, path, ...), each of which reads one file.
        shape: of one array.
        dtype: of all.
    """

    def __init__(self, reads, shape, dtype=np.uint8):
        self.reads = list(reads)
        self.shape = (len(self.reads), *shape)
        self.dtype = np.dtype(dtype)

    def __len__(self):
        return len(self.reads)

    def __getitem__(self, examples):
        """The Files of a slice, or of an array of indices or of True and False."""
        places = np.arange(len(self))[examples]
        return Files([self.reads[i] for i in places], self.shape[1:], self.dtype)

    def __add__(self, other):
        return Files(self.reads + other.reads, self.shape[1:], self.dtype)

    def path(self, i):
        """Path of the file of array i."""
        return pathlib.Path(self.reads[i].args[0])

    def take(self, indices):
        """The arrays (len(indices), ...) at these places, decoded in parallel.

        Raises the UserError of the first that is damaged.
        """
        return np.stack(list(_pool().map(lambda i: self.reads[i](), indices)))

    def decoded(self, problem=fail, wanted=None, out=None):
        """All of them, in parallel, with a bar if they are many.

        Args:
            problem: is told the UserError of each that cannot be decoded, in order, and may raise it.
            wanted: (n,) bool, which to decode; None is all.
            out: (n, ...) array of 0 to decode into; None is a new one.

        Returns:
            (n, ...) array, 0 where nothing was decoded, and (n,) bool, where something was.
        """
        from tqdm import tqdm

        arrays = np.zeros(self.shape, self.dtype) if out is None else out
        good = np.ones(len(self), bool) if wanted is None else wanted.copy()

        def read(i):
            if not good[i]:
                return None
            try:
                arrays[i] = self.reads[i]()
            except UserError as error:
                return error

        many = len(self) > 1000
        folder = self.path(0).parent if len(self) else ""
        bar = tqdm(
            total=len(self), desc=f"reading {folder}", unit=" pictures", disable=None if many else True, leave=False
        )
        with bar as progress, warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # a picture is either read or refused by an error: Pillow's warnings in between help nobody
            for i, error in enumerate(_pool().map(read, range(len(self)))):  # in order, whichever comes first
                progress.update()
                if error is not None:
                    good[i] = False
                    problem(error)
        return arrays, good

    def identities(self):
        """(n, 16) uint8: digests of each file's name, size and how it is read."""
        digests = bytearray()
        for read in self.reads:
            path = pathlib.Path(read.args[0])
            size = path.stat().st_size if path.exists() else None
            what = (path.parent.name, path.name, size, read.func.__name__, read.args[1:], sorted(read.keywords.items()))
            digests += hashlib.blake2b(repr(what).encode("utf-8", "surrogateescape"), digest_size=16).digest()
        return np.frombuffer(digests, np.uint8).reshape(-1, 16)


@functools.cache
def _pool():
    # Pillow decodes and resizes without holding Python's global lock.
    return concurrent.futures.ThreadPoolExecutor(os.cpu_count())
