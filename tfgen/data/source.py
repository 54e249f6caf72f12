"""A data set's split: examples by index, in memory or in files that are decoded when asked for."""

import dataclasses
import hashlib
import math

import numpy as np

from tfgen import UserError
from tfgen.data.files import Files, fail


@dataclasses.dataclass(frozen=True)
class Source:
    """n examples addressed by index.

    Attributes:
        name: what the examples are and where they came from, for messages: "faces/train", "celeba/test in DIR".
        images: (n, H, W, C) uint8, C is 1 or 3: an array, or pictures.Files of that shape.
        attributes: (n, K) uint8, 0 or 1; K is 0 where the data set has none.
        attribute_names: K names, in the columns' order.
        labels: (n,) int32 class numbers, or None.
        classes: names of the class numbers, or none where the numbers say it all.
        depth: (n, H, W, 1) uint16 millimetres, 0 is a hole: an array or pictures.Files, or None.
        identities: (n, 16) or (n, 32) uint8, `known_by` of pictures that are decoded; None for what never lay in files
            of its own.
    """

    name: str
    images: np.ndarray
    attributes: np.ndarray
    attribute_names: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    depth: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    identities: np.ndarray | None = None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, examples):
        """The examples of one slice, or of an array of indices or of True and False."""
        return self._each(lambda array: array[examples])

    def __add__(self, other):
        """Both sources' examples, self's first. The two must have the same shape of picture and the same attributes."""
        both = dataclasses.replace(self, name=f"{self.name} + {other.name}")
        return both._each(lambda a, b: a + b if isinstance(a, Files) else np.concatenate([a, b]), other)

    def _each(self, change, *others):
        fields = ("images", "attributes", "labels", "depth", "identities")
        parts = {
            field: [getattr(source, field) for source in (self, *others)]
            for field in fields
            if getattr(self, field) is not None
        }
        return dataclasses.replace(self, **{field: change(*arrays) for field, arrays in parts.items()})

    @property
    def nbytes(self):
        """Bytes of pictures and depth when decoded."""
        return sum(
            math.prod(array.shape) * array.dtype.itemsize for array in (self.images, self.depth) if array is not None
        )

    def decoded(self, problem=fail):
        """The same examples in memory, decoded in parallel, less those of which `problem` has been told and not raised
        the UserError.
        """
        if not isinstance(self.images, Files):
            return self
        images, good = self.images.decoded(problem)
        depth, known = (None, True) if self.depth is None else self.depth.decoded(problem, good)
        whole = dataclasses.replace(self, images=images, depth=depth, identities=self.known_by())
        return whole if np.all(good & known) else whole[good & known]

    def known_by(self):
        """What tells the examples' files apart, (n, 16) uint8 or with depth (n, 32); None for what never lay in files
        of its own.
        """
        files = [array for array in (self.images, self.depth) if isinstance(array, Files)]
        return np.concatenate([array.identities() for array in files], axis=1) if files else self.identities

    def floats(self, examples=slice(None)):
        """The pictures of a slice as (n, H, W, C) float32 in [0, 1]."""
        images = self.images[examples]
        return (images.decoded()[0] if isinstance(images, Files) else images) / np.float32(255)

    def column(self, attribute):
        """The values (n,) uint8 of one attribute. Raises UserError for an unknown name."""
        if attribute not in self.attribute_names:
            known = f"it has {', '.join(self.attribute_names)}" if self.attribute_names else "it has no attributes"
            raise UserError(f"{self.name} has no attribute {attribute!r}: {known}.")
        return self.attributes[:, self.attribute_names.index(attribute)]

    def select(self, attributes):
        """The same examples with these attributes alone, in this order. Raises UserError for an unknown name."""
        columns = [self.column(name) for name in attributes]
        columns = np.stack(columns, axis=1) if columns else np.zeros((len(self), 0), np.uint8)
        return dataclasses.replace(self, attributes=columns, attribute_names=tuple(attributes))

    def only(self, classes):
        """The examples of these classes alone, names or numbers, with labels 0, 1, ... in this order.

        Raises UserError for unknown ones.
        """
        if self.labels is None:
            raise UserError(f"{self.name} has no classes to choose {', '.join(classes)} from: leave out --only.")
        known = self.classes or tuple(str(number) for number in range(self.labels.max() + 1))
        numbers = [known.index(name) if name in known else int(name) if name.isdecimal() else -1 for name in classes]
        for name, number in zip(classes, numbers):
            if not 0 <= number < len(known) or numbers.count(number) > 1:
                raise UserError(
                    f"--only {','.join(classes)} does not fit {self.name}: choose each once from {', '.join(known)}."
                )
        chosen = self[np.isin(self.labels, numbers)]
        labels = np.select([chosen.labels == number for number in numbers], np.arange(len(numbers))).astype(np.int32)
        return dataclasses.replace(chosen, labels=labels, classes=tuple(known[number] for number in numbers))

    def fingerprint(self):
        """SHA-256 over the shape, the files or their pixels, attributes, labels and depth, as 16 hexadecimal digits.

        It is the same before and after decoding: files count by their names, sizes and how they are read.
        """
        digest = hashlib.sha256(repr((self.images.shape, self.attribute_names)).encode())
        identities = self.known_by()
        pixels = (self.images, self.depth) if identities is None else (identities,)
        for array in (*pixels, self.attributes, self.labels):
            if array is not None:
                digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()[:16]
