"""Pictures -> batches. `load` finds a data set by name."""

import dataclasses
import importlib

from tfgen import UserError


@dataclasses.dataclass(frozen=True)
class Dataset:
    """How a data set is found and what its pictures are.

    Attributes:
        module: below tfgen.data, with load(split, image_size) or, if `on_disk`, load(split, data_dir, image_size) -> Source.
        image_size: default side in pixels.
        channels: 1 or 3.
        on_disk: whether it is read from a folder rather than built in.
    """

    module: str
    image_size: int
    channels: int
    on_disk: bool = False


DATASETS = {
    "faces": Dataset("builtin.faces", 64, 3),
    "digits": Dataset("builtin.digits", 32, 1),
    "celeba": Dataset("celeba", 64, 3, on_disk=True),
}


def dataset(name):
    """The Dataset of that name. Raises UserError for an unknown one, with the choices."""
    if name not in DATASETS:
        raise UserError(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}.")
    return DATASETS[name]


def load(name, split, data_dir=None, image_size=None):
    """The Source of one split.

    Args:
        name: key of DATASETS.
        split: "train", "test", or "all" for both, train first.
        data_dir: folder of a data set that is not built in.
        image_size: side the pictures are drawn at or brought to, a power of two from 8 to 512; None is the data set's own.

    Raises:
        UserError: for any of these that does not fit, and for data that is missing or damaged.
    """
    found = dataset(name)
    size = image_size or found.image_size
    if not 8 <= size <= 512 or size & (size - 1):
        raise UserError(f"--image_size must be a power of two from 8 to 512, not {size}.")
    if found.on_disk and not data_dir:
        raise UserError(f"the data set {name} is read from a folder: give it as --data_dir DIR.")
    if data_dir and not found.on_disk:
        raise UserError(f"the data set {name} is built in and takes no --data_dir: leave it out, or choose another --dataset.")
    loader = importlib.import_module(f"tfgen.data.{found.module}").load
    place = (data_dir,) if found.on_disk else ()
    sources = [loader(part, *place, size) for part in (["train", "test"] if split == "all" else [split])]
    return sources[0] if len(sources) == 1 else sources[0] + sources[1]
