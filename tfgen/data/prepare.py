"""Decodes a whole data set into the cache, or checks it for all problems."""

import dataclasses
import hashlib
import os
import pathlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from tfgen import UserError, data
from tfgen.data import cache, pictures
from tfgen.data.files import Files
from tfgen.data.source import Source
from tfgen.settings import DataSettings

SPLITS = ("train", "test")
PIECE = 500  # pictures checked at a time


class Prepared(NamedTuple):
    """The result of `prepare` for one split.

    Attributes:
        split: "train" or "test".
        folder: folder in the cache.
        examples: number of examples.
        already: whether they were in the cache before.
        bad: the UserErrors of files that were skipped.
    """

    split: str
    folder: pathlib.Path
    examples: int
    already: bool
    bad: list[UserError]


class Verified(NamedTuple):
    """The result of `verify`.

    Attributes:
        counts: {split: number of good examples}.
        bad: a sentence for each file that is missing, unlabeled, damaged, of the wrong size, or shows the same picture
            as another.
        ignored: sentences about the files that are not read: how many of each kind.
    """

    counts: dict[str, int]
    bad: list[str]
    ignored: list[str]


def prepare(
    name: str, data_dir: str | None = None, image_size: int | None = None, **options: Any
) -> Iterator[Prepared]:
    """Decodes both splits of a data set into the cache, one after the other. The arguments are those of `data.load`.

    Raises:
        UserError: for data that is built in, missing, or damaged without skip_bad.
    """
    chosen = DataSettings(name, data_dir, image_size, **options)
    for split in SPLITS:
        found, size = data.check(chosen, split)
        if not found.folder:
            raise UserError(f"the data set {name} is built in and does not need to be prepared: train on it directly.")
        bad: list[UserError] = []
        request = data.request(chosen, split, size)
        old = cache.find(request)
        if old is not None:
            yield Prepared(split, cache.folder() / request.key(), len(old), True, bad)
            continue
        source = data.raw(found, chosen, split, size, float("inf"), bad)
        place = cache.write(source, request, data.problem(chosen, bad))
        yield Prepared(split, place, len(cache.read(place, 0)), False, bad)


def verify(name: str, data_dir: str | None = None, image_size: int | None = None, **options: Any) -> Verified:
    """Reads both splits of a data set and finds all problems. The arguments are those of `data.load`.

    Raises:
        UserError: if the data set cannot be read at all.
    """
    chosen = DataSettings(name, data_dir, image_size, **options)
    counts: dict[str, int] = {}
    bad: list = []  # sentences and UserErrors
    seen: dict[bytes, str] = {}
    used: set[str] = set()
    for split in SPLITS:
        found, size = data.check(chosen, split)
        skipping = dataclasses.replace(chosen, skip_bad="skip_bad" in found.options)
        try:
            source = data.raw(found, skipping, split, size, float("inf"), bad)
        except UserError as error:
            if not bad:
                raise
            bad.append(error)  # after what explains it
            counts[split] = 0
            continue
        used |= _paths(source)
        with tqdm(total=len(source), desc=f"{name}/{split}", unit=" pictures", disable=None, leave=False) as progress:
            counts[split] = 0
            for start in range(0, len(source), PIECE):
                images, good, places = _piece(source[start : start + PIECE], split, start, bad)
                counts[split] += int(good.sum())
                for i in good.nonzero()[0]:
                    first = seen.setdefault(hashlib.sha256(images[i]).digest(), places[i])
                    if first != places[i]:
                        bad.append(f"{places[i]} shows the same picture as {first}: remove one of the two.")
                progress.update(len(good))
    sentences = list(dict.fromkeys(str(sentence) for sentence in bad))  # a table for both splits is read twice
    return Verified(counts, sentences, _ignored(pathlib.Path(data_dir), used) if data_dir and used else [])


def _paths(source: Source) -> set[str]:
    """The paths of a Source's files."""
    arrays = [array for array in (source.images, source.depth) if isinstance(array, Files)]
    return {os.path.realpath(array.path(i)) for array in arrays for i in range(len(array))}


def _ignored(root: pathlib.Path, used: set[str]) -> list[str]:
    """Sentences about the files in a folder that are not among the paths in `used`."""
    pictured: list[str] = []
    others: Counter[str] = Counter()
    seen = {os.path.realpath(root)}
    for place, folders, files in os.walk(root, followlinks=True):
        inner = {folder: os.path.realpath(os.path.join(place, folder)) for folder in sorted(folders)}
        folders[:] = [folder for folder, real in inner.items() if real not in seen]  # links may form a circle
        seen.update(inner.values())
        for name in sorted(files):
            path = os.path.join(place, name)
            if os.path.realpath(path) in used:
                continue
            inside = os.path.relpath(path, root).split(os.sep)[:-1]
            hidden = [part for part in inside if part.startswith(".") or part.lower() in pictures.LEFT_BEHIND]
            if hidden:
                others[f"in {hidden[0]}"] += 1
            elif not name.startswith(".") and os.path.isfile(path) and pictures.is_picture(path, name):
                pictured.append(path)
            else:
                others[os.path.splitext(name)[1].lower() or name] += 1
    sentences = []
    if pictured:
        number = f"{len(pictured):,} pictures are" if len(pictured) > 1 else "1 picture is"
        names = ", ".join(map(pictures.shown, pictured[:3]))
        more = f" and {len(pictured) - 3:,} more" if len(pictured) > 3 else ""
        sentences.append(f"{number} in neither split: {names}{more}.")
    if others:
        kinds = ", ".join(f"{number:,} {pictures.shown(kind)}" for kind, number in others.most_common(10))
        sentences.append(f"not read as pictures: {kinds}{' and others' * (len(others) > 10)}.")
    return sentences


def _piece(source: Source, split: str, start: int, bad: list) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The pictures, which of them are good, and the name of each, of some examples of a split from `start` on."""
    if not isinstance(source.images, Files):
        return (
            source.images,
            np.ones(len(source), bool),
            [f"picture {start + i} of {split}" for i in range(len(source))],
        )
    images, good = source.images.decoded(bad.append)
    if isinstance(source.depth, Files):
        good = source.depth.decoded(bad.append, good)[1]
    return images, good, [pictures.shown(source.images.path(i)) for i in range(len(source))]
