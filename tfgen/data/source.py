"""A data set's split in memory: examples by index."""

import dataclasses
import hashlib

import numpy as np

from tfgen import UserError


@dataclasses.dataclass(frozen=True)
class Source:
    """n examples addressed by index.

    Attributes:
        name: what the examples are and where they came from, for messages: "faces/train", "celeba/test in DIR".
        images: (n, H, W, C) uint8, C is 1 or 3.
        attributes: (n, K) uint8, 0 or 1; K is 0 where the data set has none.
        attribute_names: K names, in the columns' order.
        labels: (n,) int32 class numbers, or None.
        depth: (n, H, W, 1) uint16 millimetres, 0 is a hole, or None.
    """

    name: str
    images: np.ndarray
    attributes: np.ndarray
    attribute_names: tuple[str, ...] = ()
    labels: np.ndarray | None = None
    depth: np.ndarray | None = None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, examples):
        """The examples of one slice."""
        labels = None if self.labels is None else self.labels[examples]
        depth = None if self.depth is None else self.depth[examples]
        return dataclasses.replace(self, images=self.images[examples], attributes=self.attributes[examples], labels=labels, depth=depth)

    def __add__(self, other):
        """Both sources' examples, self's first. The two must have the same shape of picture and the same attributes."""
        labels = None if self.labels is None else np.concatenate([self.labels, other.labels])
        depth = None if self.depth is None else np.concatenate([self.depth, other.depth])
        return dataclasses.replace(
            self,
            name=f"{self.name} + {other.name}",
            images=np.concatenate([self.images, other.images]),
            attributes=np.concatenate([self.attributes, other.attributes]),
            labels=labels,
            depth=depth,
        )

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

    def fingerprint(self):
        """SHA-256 over shapes, pixels, attributes, labels and depth, as 16 hexadecimal digits."""
        digest = hashlib.sha256(repr((self.images.shape, self.attribute_names)).encode())
        for array in (self.images, self.attributes, self.labels, self.depth):
            if array is not None:
                digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()[:16]
