"""Prepared data sets: pictures that were decoded, cropped and resized once and stored as uint8 arrays, which are then
read or memory-mapped.

    CACHE/KEY/manifest.json      what was read and how, and the SHA-256 of each array
    CACHE/KEY/images.npy ...     the arrays of the Source

The key is a digest of the request and of the name, size and modification time of every file in the data set's folder,
so the key changes when a file changes.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
from typing import Any

import numpy as np

from tfgen import UserError
from tfgen.data.files import Files, Problem, fail
from tfgen.data.source import Source

FORMAT = 2  # part of every key: increase it when a reader returns different pixels than before
MANIFEST = "manifest.json"
CLASSIFIERS = "classifiers"  # of pictures, for scores: see tfgen/metrics/classifier.py
PREPARED = re.compile(r"[0-9a-f]{16}|\.part-\w+")
PIECE = 4096  # examples copied at a time
ARRAYS = ("images", "attributes", "labels", "depth", "identities", "names")


@dataclasses.dataclass(frozen=True)
class Request:
    """What to read and how: the arguments of `data.load`, where split is "train" or "test" and no option is None."""

    name: str
    split: str
    data_dir: str | os.PathLike[str] | None
    image_size: int
    options: dict[str, Any]

    def key(self) -> str:
        """16 hexadecimal digits of a digest over the request and the files in its folder."""
        top = os.path.abspath(
            self.data_dir or os.environ.get("TFDS_DATA_DIR") or os.path.expanduser("~/tensorflow_datasets")
        )
        digest = hashlib.sha256(
            repr((FORMAT, self.name, self.split, top, self.image_size, sorted(self.options.items()))).encode()
        )
        seen: set[str] = set()
        for folder, folders, files in os.walk(top, followlinks=True):  # the readers follow links to folders too
            places = {name: os.path.realpath(os.path.join(folder, name)) for name in sorted(folders)}
            # No folder twice: links may form a cycle.
            folders[:] = [name for name, place in places.items() if place not in seen]
            seen.update(places.values())
            for name in sorted(files):
                try:
                    status = os.stat(os.path.join(folder, name))
                except OSError:
                    continue  # the reader will report it
                digest.update(
                    repr((folder, name, status.st_size, status.st_mtime_ns)).encode("utf-8", "surrogateescape")
                )
        return digest.hexdigest()[:16]


def folder() -> pathlib.Path:
    """The folder of prepared data sets: $XDG_CACHE_HOME/tfgen, or ~/.cache/tfgen."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "tfgen"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A folder of the cache.

    Attributes:
        folder: its path.
        name: of the Source, which says where it was read; empty for what an interrupted process left behind.
        image_size: side of its pictures; 0 for classifiers, which may be of any size.
        nbytes: size of its files.
    """

    folder: pathlib.Path
    name: str
    image_size: int
    nbytes: int


def entries() -> list[Entry]:
    """What is in the cache, the largest first.

    Raises UserError if it cannot be listed.
    """
    found = []
    try:
        places = list(folder().iterdir()) if folder().is_dir() else []
    except OSError as error:
        raise UserError(f"the cache {folder()} cannot be listed ({error.strerror}): make it readable.") from None
    for place in places:
        if place.name == CLASSIFIERS and place.is_dir() and not place.is_symlink():
            files = [path for path in place.rglob("*") if path.is_file()]
            found.append(Entry(place, "classifiers for scores", 0, sum(path.lstat().st_size for path in files)))
        if place.is_symlink() or not (PREPARED.fullmatch(place.name) and place.is_dir()):
            continue  # nothing that this module wrote
        name, size = "", 0
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # damaged, or still being written
            manifest = json.loads((place / MANIFEST).read_text())
            name, size = str(manifest["name"]), int(manifest["request"]["image_size"])
        found.append(Entry(place, name, size, sum(file.lstat().st_size for file in place.glob("*"))))
    return sorted(found, key=lambda entry: (-entry.nbytes, entry.folder))


def clear() -> list[Entry]:
    """Removes everything from the cache, which is made again when it is needed, and returns what was removed.

    Raises UserError if something cannot be removed.
    """
    removed = entries()
    for entry in removed:
        try:
            shutil.rmtree(entry.folder)
        except FileNotFoundError:  # another process was faster
            continue
        except OSError as error:
            raise UserError(f"{entry.folder} cannot be removed ({error.strerror}): remove it by hand.") from None
    return removed


def find(request: Request, most: float = np.inf) -> Source | None:
    """The prepared Source of a request, or None.

    A data set of more than `most` bytes is memory-mapped; a damaged one is removed.
    """
    if not folder().is_dir():
        return None
    place = folder() / request.key()
    if not (place / MANIFEST).is_file():
        return None
    try:
        return read(place, most)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"tfgen: the prepared data set {place} is damaged ({error}) and is ignored: the pictures are read again.",
            file=sys.stderr,
        )
        shutil.rmtree(place, ignore_errors=True)
        return None


def read(place: pathlib.Path, most: float = np.inf) -> Source:
    """The Source in a folder of the cache, memory-mapped if it has more than `most` bytes.

    Raises OSError, ValueError, KeyError or TypeError if the folder is damaged.
    """
    manifest = json.loads((place / MANIFEST).read_text())
    sums = manifest["sha256"]
    for name, expected in sums.items():
        if _checksum(place / f"{name}.npy") != expected:
            raise ValueError(f"the checksum of {name}.npy has changed since it was written")
    large = sum((place / f"{name}.npy").stat().st_size for name in sums) > most
    mapped = ("images", "depth") if large else ()
    arrays = {
        name: np.load(place / f"{name}.npy", "r" if name in mapped else None, allow_pickle=False) for name in sums
    }
    return Source(
        manifest["name"],
        attribute_names=tuple(manifest["attribute_names"]),
        classes=tuple(manifest["classes"]),
        **arrays,
    )


def write(source: Source, request: Request, problem: Problem = fail) -> pathlib.Path:
    """Decodes a Source in parallel into the cache, completely or not at all.

    Args:
        source: the examples; its pictures may be in files.
        request: the Request it answers.
        problem: called with the UserError of each bad file; if it does not raise it, the example is left out.

    Returns:
        The folder of the prepared data set. If another process has written the same data set in the meantime, that one
        is kept.

    Raises:
        UserError: if the cache cannot be written.
    """
    root = folder()
    place = root / request.key()
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=".part-", dir=root))
        try:
            _write(source, request, temporary, problem)
            try:
                os.rename(temporary, place)
            except OSError:
                if not (place / MANIFEST).is_file():  # no other process has written it either
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise UserError(
            f"the prepared pictures cannot be written to {root} ({error.strerror}): free some space, or set "
            "XDG_CACHE_HOME to another folder."
        ) from None
    return place


def _write(source: Source, request: Request, folder: pathlib.Path, problem: Problem) -> None:
    arrays = {name: getattr(source, name) for name in ARRAYS if getattr(source, name) is not None}
    files = {name: array for name, array in arrays.items() if isinstance(array, Files)}
    if files:
        arrays["identities"], arrays["names"] = source.known_by(), source.file_names()
    good = np.ones(len(source), bool)
    for name, array in files.items():
        arrays[name] = _mapped(folder / f"{name}.npy", len(good), array)
        good = array.decoded(problem, good, arrays[name])[1]
    sums = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        if name not in files:
            np.save(path, array[good], allow_pickle=False)
        elif not good.all():
            kept = _mapped(folder / "kept.npy", int(good.sum()), array)
            for start in range(0, len(good), PIECE):  # all of it may not fit into memory
                piece = slice(start, start + PIECE)
                kept[np.sum(good[:start]) : np.sum(good[: start + PIECE])] = array[piece][good[piece]]
            kept.flush()
            os.replace(folder / "kept.npy", path)
        else:
            array.flush()
        sums[name] = _checksum(path)
    manifest = {
        "name": source.name,
        "attribute_names": source.attribute_names,
        "classes": source.classes,
        "request": {
            name: value if name in ("image_size", "options") else str(value)
            for name, value in dataclasses.asdict(request).items()
        },
        "sha256": sums,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _mapped(path: pathlib.Path, n: int, array: Files) -> np.memmap:
    return np.lib.format.open_memmap(path, "w+", array.dtype, (n, *array.shape[1:]))


def _checksum(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
