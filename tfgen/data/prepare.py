"""A whole data set at once: decoded into the cache, or gone through for everything that is wrong with it."""

import hashlib

import numpy as np
from tqdm import tqdm

from tfgen import UserError, data
from tfgen.data import cache
from tfgen.data.files import Files

SPLITS = ("train", "test")
PIECE = 500  # pictures looked at at once


def prepare(name, data_dir=None, image_size=None, **options):
    """Decodes both splits of a data set into the cache; arguments as of `data.load`.

    Yields:
        (split, folder of the cache, number of examples, whether it was there already, the bad files' UserErrors that
        skip_bad left out).

    Raises:
        UserError: for data that is built in, missing, or damaged without skip_bad.
    """
    for split in SPLITS:
        found, size, chosen = data.check(name, split, data_dir, image_size, options)
        if not found.folder:
            raise UserError(f"the data set {name} is built in and needs no preparing: train on it.")
        request, bad = cache.Request(name, split, data_dir, size, chosen), []
        old = cache.find(request)
        if old is not None:
            yield split, cache.folder() / request.key(), len(old), True, bad
            continue
        source = data.read(found, split, data_dir, size, None, chosen, float("inf"), bad)
        place = cache.write(source, request, data.problem(chosen, bad))
        yield split, place, len(cache.read(place, 0)), False, bad


def verify(name, data_dir=None, image_size=None, **options):
    """Goes through both splits of a data set; arguments as of `data.load`.

    Returns:
        {split: number of good examples}, [sentence for each file that is missing, unlabelled, damaged, of a wrong size,
        or shows the same picture as another].

    Raises:
        UserError: for a set that cannot be read at all.
    """
    counts, bad, seen = {}, [], {}
    for split in SPLITS:
        found, size, chosen = data.check(name, split, data_dir, image_size, options)
        skipping = chosen | ({"skip_bad": True} if "skip_bad" in found.options else {})
        source = data.read(found, split, data_dir, size, None, skipping, float("inf"), bad)
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
    return counts, list(dict.fromkeys(str(sentence) for sentence in bad))  # a table for both splits is read twice


def _piece(source, split, start, bad):
    """The pictures, which of them are good, and the name of each, of some examples of a split from number `start` on."""
    if not isinstance(source.images, Files):
        return (
            source.images,
            np.ones(len(source), bool),
            [f"picture {start + i} of {split}" for i in range(len(source))],
        )
    images, good = source.images.decoded(bad.append)
    if source.depth is not None:
        good = source.depth.decoded(bad.append, good)[1]
    return images, good, [str(source.images.path(i)) for i in range(len(source))]
