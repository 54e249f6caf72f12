"""One split of a data set: examples by index, in memory or in files that are decoded when needed."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfgen import UserError
from tfgen.data.files import Files, Problem, fail
from tfgen.data.pictures import composed

PIECE = 4096  # examples hashed at a time


class Rows:
    """Some rows of a memory-mapped array, which are read when they are needed.

    Args:
        array: (n, ...).
        places: (m,) indices of the rows.
    """

    def __init__(self, array: np.memmap, places: np.ndarray) -> None:
        self.array = array
        self.places = places
        self.shape = (len(places), *array.shape[1:])
        self.dtype = array.dtype

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, examples: Any) -> np.ndarray:
        """The rows at an index, a slice, an array of indices or an array of bools, in memory."""
        return np.asarray(self.array[self.places[examples]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


@dataclasses.dataclass(frozen=True)
class Source:
    """n examples addressed by index.

    Attributes:
        name: data set, split and folder, for messages: "faces/train", "celeba/test in DIR".
        images: (n, H, W, C) uint8, C is 1 or 3: an array, or `Files` of that shape.
        attributes: (n, K) uint8, 0 or 1; K is 0 if the data set has no attributes.
        attribute_names: K names, in the order of the columns.
        labels: (n,) int32 class numbers, or None.
        depth: (n, H, W, 1) uint16 in millimeters, 0 for a hole: an array, `Files`, or None.
        classes: names of the classes; empty if their numbers are their names.
        identities: (n, 32) or (n, 64) uint8, `known_by` of decoded pictures; None for examples that were not read from
            one file each.
        names: (n,) bytes, names of the files for messages; None for examples that were not read from one file each.
    """

    name: str
    images: np.ndarray | Files
    attributes: np.ndarray
    attribute_names: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    depth: np.ndarray | Files | None = None
    classes: tuple[str, ...] = ()
    identities: np.ndarray | None = None
    names: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, examples: slice | np.ndarray) -> "Source":
        """The examples at a slice, an array of indices or an array of bools."""
        return self._each(lambda array: array[examples])

    def apart(self, share: float, seed: int) -> tuple["Source", "Source"]:
        """Divides the examples into a random part, with this share of them and at least one, and the rest.

        The examples of both stay in order, and memory-mapped pictures stay on disk.

        Raises:
            UserError: if nothing would be left.
        """
        n = max(1, round(share * len(self)))
        if n >= len(self):
            raise UserError(
                f"{self.name} has {len(self)} examples, too few for a validation part: use more pictures, or leave out "
                "--validation, --evaluate_every and --early_stopping."
            )
        held = np.zeros(len(self), bool)
        held[np.random.default_rng(seed).permutation(len(self))[:n]] = True

        def rows(array: Any, chosen: np.ndarray) -> Any:
            return Rows(array, np.flatnonzero(chosen)) if isinstance(array, np.memmap) else array[chosen]

        part, rest = (self._each(lambda array, chosen=chosen: rows(array, chosen)) for chosen in (held, ~held))
        return dataclasses.replace(part, name=f"{self.name} (validation)"), rest

    def __add__(self, other: "Source") -> "Source":
        """The examples of self, then those of other. Both must have pictures of one shape and the same attributes."""
        both = dataclasses.replace(self, name=f"{self.name} + {other.name}")
        return both._each(lambda a, b: a + b if isinstance(a, Files) else np.concatenate([a, b]), other)

    def _each(self, change: Callable[..., Any], *others: "Source") -> "Source":
        fields = ("images", "attributes", "labels", "depth", "identities", "names")
        parts = {
            field: [getattr(source, field) for source in (self, *others)]
            for field in fields
            if getattr(self, field) is not None
        }
        return dataclasses.replace(self, **{field: change(*arrays) for field, arrays in parts.items()})

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or their numbers as texts if they have no names; empty without labels."""
        if self.classes or self.labels is None or not len(self.labels):
            return self.classes
        return tuple(str(number) for number in range(int(self.labels.max()) + 1))

    @property
    def nbytes(self) -> int:
        """Size in bytes of the decoded pictures and depth."""
        return sum(
            math.prod(array.shape) * array.dtype.itemsize for array in (self.images, self.depth) if array is not None
        )

    def decoded(self, problem: Problem = fail) -> "Source":
        """The same examples in memory, decoded in parallel.

        Args:
            problem: called with the UserError of each bad file; if it does not raise it, the example is left out.
        """
        if not isinstance(self.images, Files):
            return self
        images, good = self.images.decoded(problem)
        depth, known = self.depth.decoded(problem, good) if isinstance(self.depth, Files) else (self.depth, good)
        whole = dataclasses.replace(
            self, images=images, depth=depth, identities=self.known_by(), names=self.file_names()
        )
        return whole if np.all(good & known) else whole[good & known]

    def known_by(self) -> np.ndarray | None:
        """Digests that identify the examples' files, (n, 32) uint8, or (n, 64) with depth; None for examples that were
        not read from one file each. See `Files.identities`.
        """
        files = [array for array in (self.images, self.depth) if isinstance(array, Files)]
        return np.concatenate([array.identities() for array in files], axis=1) if files else self.identities

    def digests(self, by_name: bool = False) -> np.ndarray | None:
        """The half of `known_by` that is of the files' content, or of their names and sizes."""
        known = self.known_by()
        if known is None:
            return None
        each = np.split(known, known.shape[1] // 16, axis=1)
        return np.concatenate(each[0 if by_name else 1 :: 2], axis=1)

    def file_names(self) -> np.ndarray | None:
        """The names of the examples' files, (n,) bytes; None for examples that were not read from one file each."""
        return self.images.names() if isinstance(self.images, Files) else self.names

    def floats(self, examples: slice | np.ndarray = slice(None)) -> np.ndarray:
        """The pictures at a slice or at indices as (n, H, W, C) float32 in [0, 1]."""
        images = self.images[examples]
        return (images.decoded()[0] if isinstance(images, Files) else images) / np.float32(255)

    def metres(self, examples: slice | np.ndarray = slice(None)) -> np.ndarray:
        """The depth at a slice or at indices in meters, (n, H, W, 1) float32, 0 for a hole.

        Raises UserError if the data set has no depth.
        """
        if self.depth is None:
            raise UserError(f"{self.name} has no depth: choose scenes, rgbd or another data set with depth.")
        depth = self.depth[examples]
        return (depth.decoded()[0] if isinstance(depth, Files) else depth) / np.float32(1000)

    def column(self, attribute: str) -> np.ndarray:
        """The values (n,) uint8 of one attribute. Raises UserError for an unknown name."""
        if attribute not in self.attribute_names:
            known = f"choose from {', '.join(self.attribute_names)}" if self.attribute_names else "it has none"
            raise UserError(f"{self.name} has no attribute {attribute!r}: {known}.")
        return self.attributes[:, self.attribute_names.index(attribute)]

    def select(self, attributes: Sequence[str]) -> "Source":
        """The same examples with only these attributes, in this order. Raises UserError for an unknown name."""
        chosen = [self.column(name) for name in attributes]
        columns = np.stack(chosen, axis=1) if chosen else np.zeros((len(self), 0), np.uint8)
        return dataclasses.replace(self, attributes=columns, attribute_names=tuple(attributes))

    def only(self, classes: Sequence[str]) -> "Source":
        """The examples of these classes only, with labels 0, 1, ... in this order.

        Args:
            classes: names or numbers of classes.

        Raises:
            UserError: for an unknown class, or one that is named twice.
        """
        if self.labels is None:
            raise UserError(f"{self.name} has no classes: leave out --only {','.join(classes)}.")
        known = self.class_names
        names = [composed(name) for name in known]  # a terminal may give either form
        wanted = [composed(str(name)) for name in classes]
        numbers = [names.index(name) if name in names else int(name) if name.isdecimal() else -1 for name in wanted]
        for number in numbers:
            if not 0 <= number < len(known) or numbers.count(number) > 1:
                raise UserError(
                    f"--only {','.join(classes)} does not fit {self.name}: choose each class once from "
                    f"{', '.join(known)}."
                )
        chosen, old = self[np.isin(self.labels, numbers)], self.labels[np.isin(self.labels, numbers)]
        labels = np.select([old == number for number in numbers], np.arange(len(numbers))).astype(np.int32)
        return dataclasses.replace(chosen, labels=labels, classes=tuple(known[number] for number in numbers))

    def fingerprint(self, by_name: bool = False) -> str:
        """The first 16 hexadecimal digits of a SHA-256 over shape, pictures, attributes, labels and depth.

        Of pictures in files, it covers the content of the files and how they are read instead of the pixels, so it is
        the same before and after decoding, and wherever the files are.

        Args:
            by_name: whether to cover the names and sizes of the files instead, as earlier versions did.
        """
        digest = hashlib.sha256(repr((self.images.shape, self.attribute_names)).encode())
        identities = self.digests(by_name)
        pixels = (self.images, self.depth) if identities is None else (identities,)
        for array in (*pixels, self.attributes, self.labels):
            for start in range(0, len(array) if array is not None else 0, PIECE):  # all of it may not fit into memory
                digest.update(np.ascontiguousarray(array[start : start + PIECE]).data)
        return digest.hexdigest()[:16]
