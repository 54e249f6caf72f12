"""Pictures -> batches. `load` finds a data set by name."""

import dataclasses
import importlib

from tfgen import UserError


@dataclasses.dataclass(frozen=True)
class Dataset:
    """How a data set is found and what its pictures are.

    Attributes:
        module: below tfgen.data, with load(split, image_size, examples) -> Source; if there is a `folder`, data_dir comes after split.
        image_size: default side in pixels.
        channels: 1 or 3.
        folder: what data_dir must hold; empty if the data set is built in.
    """

    module: str
    image_size: int
    channels: int
    folder: str = ""


DATASETS = {
    "faces": Dataset("builtin.faces", 64, 3),
    "digits": Dataset("builtin.digits", 32, 1),
    "celeba": Dataset("celeba", 64, 3, folder="train/ and test/ with 64x64 PNG pictures, train.csv and test.csv with their attributes"),
    "mnist": Dataset("mnist", 32, 1, folder="the four IDX files of MNIST, Fashion-MNIST or KMNIST, gzipped or not"),
    "folder": Dataset("folder", 32, 3, folder="train/ and test/ with a folder of pictures for each class"),
    "rgbd": Dataset("rgbd", 64, 3, folder="train/ and test/ with pairs of NAME.color.jpg and NAME.depth.png, 16-bit millimetres"),
    "animals": Dataset("builtin.animals", 32, 3),
    "scenes": Dataset("builtin.scenes", 64, 3),
}


def dataset(name):
    """The Dataset of that name. Raises UserError for an unknown one, with the choices."""
    if name not in DATASETS:
        raise UserError(f"there is no data set {name!r}: choose from {', '.join(DATASETS)}.")
    return DATASETS[name]


def load(name, split, data_dir=None, image_size=None, examples=None):
    """The Source of one split.

    Args:
        name: key of DATASETS.
        split: "train", "test", or "all" for both, train first.
        data_dir: folder of a data set that is not built in.
        image_size: side the pictures are drawn at or brought to, a power of two from 8 to 512; None is the data set's own.
        examples: at most the first so many of each of the two splits; None is all.

    Raises:
        UserError: for any of these that does not fit, and for data that is missing or damaged.
    """
    found = dataset(name)
    if split not in ("train", "test", "all"):
        raise UserError(f"there is no split {split!r} of {name}: choose from train, test, all.")
    size = found.image_size if image_size is None else image_size
    if size not in (8, 16, 32, 64, 128, 256, 512):
        raise UserError(f"--image_size must be a power of two from 8 to 512, because the networks halve and double it, not {size}.")
    if found.folder and not data_dir:
        raise UserError(f"the data set {name} is read from a folder: give --data_dir DIR, which holds {found.folder}.")
    if data_dir and not found.folder:
        raise UserError(f"the data set {name} is built in and takes no --data_dir: leave it out, or choose another --dataset.")
    loader = importlib.import_module(f"tfgen.data.{found.module}").load  # a data set's libraries are imported when it is asked for
    place = (data_dir,) if found.folder else ()
    sources = [loader(part, *place, size, examples) for part in (["train", "test"] if split == "all" else [split])]
    return sources[0] if len(sources) == 1 else sources[0] + sources[1]
