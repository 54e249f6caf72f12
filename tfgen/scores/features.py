"""The networks on whose features pictures are compared, and the data that scores read."""

import contextlib
import functools
import hashlib
import json
import os
import tempfile
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras
import numpy as np

from tfgen import UserError, program
from tfgen.data import cache
from tfgen.data.source import Source
from tfgen.metrics import classifier, extractor
from tfgen.models.base import in_batches
from tfgen.protocols import Run

Value = TypeVar("Value")

READ = 16_384  # classifiers are trained on at most this many training pictures, drawn at random
PIECE = 256  # pictures of a split that are in memory at a time
FITTED = 4096  # rivals are fitted to at most this many training pictures, drawn at random
SEED = 0  # of the pictures that are chosen and of the rivals' pictures


def once_per_run(function: Callable[..., Value]) -> Callable[..., Value]:
    """Computes a function of a run and other arguments once, and keeps the result for as long as the run exists.

    A run that is scored during training needs the same classifier, real features and rivals every time.
    """
    results: weakref.WeakKeyDictionary[Run, dict[tuple, Value]] = weakref.WeakKeyDictionary()

    @functools.wraps(function)
    def remembered(run: Run, *arguments: Any) -> Value:
        own = results.setdefault(run, {})
        if arguments not in own:
            own[arguments] = function(run, *arguments)
        return own[arguments]

    return remembered


def classifier_of(run: Run, of: str = "") -> keras.Model:
    """A classifier that was trained on the training pictures of the run's data set, once for each data set.

    It is kept in the cache, so that all runs on the same pictures are compared on the same features.

    Args:
        run: Run.
        of: "attributes" or "classes"; "" for attributes if the data set has any, otherwise classes, and if it has
            neither, a network with random weights.

    Raises:
        UserError: if the data set does not have them.
    """
    return _classifier(run, read_by_classifier(run, of))


def read_by_classifier(run: Run, of: str) -> str:
    """What a classifier of the run's pictures reads: "attributes", "classes" or "nothing". See `classifier_of`."""
    source = run.source("train")
    has = {"attributes": bool(source.attribute_names), "classes": source.labels is not None, "nothing": True}
    if of and not has[of]:
        raise UserError(
            f"{source.name} has no {of} to train a classifier on: choose another --dataset, or train without "
            "--evaluate_every."
        )
    return of or next(name for name in has if has[name])


@once_per_run
def _classifier(run: Run, of: str) -> keras.Model:
    whole = run.source("train")
    source = drawn(whole, READ)
    if of == "nothing":
        return classifier.build(source.images.shape[1:], 1)

    def train() -> keras.Model:
        program.tell(f"training a classifier of {of} on {counted(len(source))}, once for this data set ...")
        if of == "attributes":
            return trained_reader(source.floats(), source.attributes)
        assert whole.labels is not None and source.labels is not None
        classes = np.eye(np.max(whole.labels) + 1, dtype=np.uint8)[source.labels]
        return trained_reader(source.floats(), classes, exclusive=True)

    return classifier.cached((source.fingerprint(), len(whole), of, _epochs(len(source))), train)


def _epochs(pictures: int) -> int:
    """Passes of a classifier over its training pictures: more over few."""
    return int(np.clip(80_000 // pictures, 8, 30))


def trained_reader(images: np.ndarray, targets: np.ndarray, exclusive: bool = False) -> keras.Model:
    """A classifier of pictures (n, H, W, C) in [0, 1], as `classifier_of` is one; see `train_classifier`."""
    return classifier.train_classifier(images, targets, _epochs(len(images)), exclusive=exclusive)


def extract(run: Run, images: np.ndarray) -> np.ndarray:
    """The features (n, F) of pictures (n, H, W, C) in [0, 1] by which the pictures of a run are compared."""
    if run.features:
        return in_batches(_extractor(run, run.features), images)
    return classifier.features(classifier_of(run), images)


@once_per_run
def _extractor(run: Run, path: str | os.PathLike) -> Callable[..., np.ndarray]:
    return extractor.load(path)


def kept(key: tuple, arrays: Sequence[np.ndarray], measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Numbers in the cache that belong to this key and these arrays; new ones are measured and kept there."""
    digest = hashlib.sha256(repr(key).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache.folder() / cache.CLASSIFIERS / f"rivals-{digest.hexdigest()[:16]}.json"
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # there are none, or the file is damaged
        return {name: float(value) for name, value in json.loads(path.read_text()).items()}
    numbers = measure()
    with contextlib.suppress(OSError):  # a cache that cannot be written saves no time
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".part-", delete=False) as file:
            json.dump(numbers, file)
        os.replace(file.name, path)
    return numbers


def features_of(run: Run) -> str:
    """A sentence about the network on whose features the pictures of a run are compared."""
    if run.features:
        return f"{os.path.basename(run.features)} (SHA-256 {extractor.digest(run.features)[:12]}), given by --features"
    of = read_by_classifier(run, "")
    if of == "nothing":
        return "a network with random weights, as the pictures have neither labels nor attributes"
    source = run.source("train")
    return f"a small classifier of {of}, trained on {counted(min(len(source), READ))} of {source.name}"


def correct(run: Run, split: str, of: str) -> np.ndarray:
    """Whether `classifier_of` reads each picture of a split correctly: (n, K) for attributes, (n,) for classes."""
    held, reader = run.source(split), classifier_of(run, of)
    if of == "attributes":
        return over(held, functools.partial(classifier.read, reader)) == held.attributes.astype(bool)
    return over(held, functools.partial(classifier.read_class, reader)) == held.labels


def drawn(source: Source, n: int) -> Source:
    """All examples of a source, or n drawn at random, in their order."""
    return source if len(source) <= n else source[np.sort(np.random.default_rng(SEED).permutation(len(source))[:n])]


def over(source: Source, function: Callable[[np.ndarray], Any]) -> Any:
    """The outputs of a function of pictures (n, H, W, C) for all pictures of a source, which may not fit into memory.

    The function returns an array (n, ...) or a dict of such arrays.
    """
    parts = [function(source.floats(slice(i, i + PIECE))) for i in range(0, len(source), PIECE)]
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


def fitted(run: Run) -> Source:
    """The training pictures that rivals are fitted to: all, or `FITTED` drawn at random."""
    return drawn(run.source("train"), FITTED)


@once_per_run
def fitted_pictures(run: Run) -> np.ndarray:
    """The pictures of `fitted`: (N, H, W, C) in [0, 1]."""
    return fitted(run).floats()


def counted(n: int) -> str:
    """ "1 picture" or "n pictures"."""
    return f"{n:,} picture{'s' * (n != 1)}"
