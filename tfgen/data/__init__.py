"""Data sets: from pictures to batches. `load` finds a data set by name."""

import dataclasses
import difflib
import importlib
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgen import UserError, program
from tfgen.settings import DataSettings

if TYPE_CHECKING:
    from tfgen.data import cache
    from tfgen.data.source import Source


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Where a data set comes from, and the format of its pictures.

    Attributes:
        module: module in tfgen.data with load(split, [data_dir,] image_size, examples, **options) -> Source.
        image_size: default side in pixels.
        channels: 1 or 3, unless an option says otherwise.
        folder: what data_dir must contain; empty if the data set is built in.
        options: names of the DataSettings that its reader takes.
        catalog: its name in tensorflow-datasets, which is used unless data_dir contains what `folder` says; "" if it is
            not in tensorflow-datasets.
    """

    module: str
    image_size: int
    channels: int
    folder: str = ""
    options: tuple[str, ...] = ()
    catalog: str = ""


IDX = "the four IDX files (train-images-idx3-ubyte.gz, ...), one .npz, or KMNIST's four .npz"
CELEBA = (
    "the homework's folder (train/, test/, train.csv, test.csv), the official files (img_align_celeba/, "
    "list_attr_celeba.txt, list_eval_partition.txt) or Kaggle's CSVs"
)
DATASETS = {
    "faces": Dataset("builtin.faces", 64, 3),
    "digits": Dataset("builtin.digits", 32, 1),
    "animals": Dataset("builtin.animals", 32, 3),
    "scenes": Dataset("builtin.scenes", 64, 3),
    "celeba": Dataset("readers.celeba", 64, 3, CELEBA, ("crop", "skip_bad")),
    "mnist": Dataset("readers.mnist", 32, 1, IDX, catalog="mnist"),
    "fashion_mnist": Dataset("readers.mnist", 32, 1, IDX, catalog="fashion_mnist"),
    "kmnist": Dataset("readers.mnist", 32, 1, IDX, catalog="kmnist"),
    "emnist": Dataset("readers.mnist", 32, 1, IDX, catalog="emnist"),
    "cifar10": Dataset(
        "readers.cifar10",
        32,
        3,
        "the binary or Python batches, or train/ and test/ with a folder for each class",
        catalog="cifar10",
    ),
    "folder": Dataset(
        "readers.folder",
        32,
        3,
        "pictures, optionally in train/ and test/: in one folder, in a folder for each class, or with a CSV",
        ("channels", "skip_bad", "white"),
    ),
    "rgbd": Dataset(
        "readers.rgbd",
        64,
        3,
        "pairs of a color picture and a depth picture, optionally in train/ and test/",
        ("depth_unit", "skip_bad"),
    ),
}


def dataset(name: str, data_dir: str | None = None) -> Dataset:
    """The Dataset of that name, from tfgen or tensorflow-datasets.

    Raises UserError with the choices for an unknown name.
    """
    if name in DATASETS:
        return DATASETS[name]
    from tfgen.data.readers import catalog

    if catalog.known(name) or (data_dir and catalog_holds(name, data_dir)):
        return Dataset(
            "readers.catalog", 64, 3, "the data set as tensorflow-datasets prepared it", ("channels",), catalog=name
        )
    close = difflib.get_close_matches(name, [*DATASETS, *catalog.names()])
    raise UserError(
        f"there is no data set {name!r}: choose from {', '.join(close or DATASETS)}, "
        "or another data set from tensorflow-datasets."
    )


def load(name: str, split: str, data_dir: str | None = None, image_size: int | None = None, **options: Any) -> "Source":
    """Loads one split of a data set.

    Args:
        name: key of DATASETS, or a name in tensorflow-datasets.
        split: "train", "test", or "all" for both, train first.
        data_dir: folder of a data set that is not built in; for tensorflow-datasets, None means the default
            folder of that package.
        image_size: side length to which pictures are drawn or resized, one of `settings.SIZES`; None means
            the default of the data set.
        options: the other fields of DataSettings: examples, cache_gb, only, channels, crop, depth_unit, white,
            skip_bad.

    Raises:
        UserError: for arguments that do not fit the data set, and for missing or damaged data.
    """
    return read(DataSettings(name, data_dir, image_size, **options), split)


def read(chosen: DataSettings, split: str) -> "Source":
    """Loads one split as described by the settings; see `load`."""
    found, size = check(chosen, split)
    most = memory() / 4 if chosen.cache_gb is None else 1e9 * chosen.cache_gb
    bad: list[UserError] = []
    sources = []
    for part in ["train", "test"] if split == "all" else [split]:
        source = _prepared(found, chosen, part, size, most)
        if source is None:
            source = raw(found, chosen, part, size, most, bad, None if chosen.only else chosen.examples)
        sources.append((source.only(chosen.only) if chosen.only else source)[: chosen.examples])
    source = sources[0] if len(sources) == 1 else sources[0] + sources[1]
    if source.nbytes <= most:
        source = source.decoded(problem(chosen, bad))
    elif chosen.skip_bad and not isinstance(source.images, np.ndarray):
        raise UserError(
            f"{source.name} is larger than --cache_gb, so bad files cannot be found before training: "
            "run `data prepare` with --skip_bad first."
        )
    if bad:
        program.tell(f"skipped {len(bad)} bad files of {source.name}; the first: {bad[0]}")
    if not len(source):
        raise UserError(f"{source.name} has no examples: check it with `data verify`.")
    return source


def check(chosen: DataSettings, split: str) -> tuple[Dataset, int]:
    """(Dataset, side length of the pictures), or UserError if the settings do not fit the data set."""
    name = str(chosen.dataset)
    found = dataset(name, chosen.data_dir)
    if split not in ("train", "test", "all"):
        raise UserError(f"there is no split {split!r} of {name}: choose from train, test, all.")
    if found.folder and not found.catalog and not chosen.data_dir:
        raise UserError(
            f"the data set {name} is read from a folder: pass --data_dir DIR, which must contain {found.folder}."
        )
    if chosen.data_dir and not found.folder:
        raise UserError(
            f"the data set {name} is built in and takes no --data_dir: leave it out, or choose another --dataset."
        )
    for option in chosen.options():
        if option not in found.options:
            takers = [other for other, dataset in DATASETS.items() if option in dataset.options]
            raise UserError(f"--{option} applies to {' and '.join(takers)}, not to the data set {name}: leave it out.")
    return found, chosen.image_size or found.image_size


def problem(chosen: DataSettings, bad: list) -> Callable[[UserError], None]:
    """A function that handles the UserError of a bad file: raises it or, with skip_bad, appends it to `bad`."""
    from tfgen.data.files import fail

    return bad.append if chosen.skip_bad else fail


def request(chosen: DataSettings, split: str, size: int) -> "cache.Request":
    """The cache request for a split of this data set."""
    from tfgen.data import cache

    return cache.Request(str(chosen.dataset), split, chosen.data_dir, size, chosen.options())


def _prepared(found: Dataset, chosen: DataSettings, split: str, size: int, most: float) -> "Source | None":
    from tfgen.data import cache

    return cache.find(request(chosen, split, size), most) if found.folder else None


def raw(
    found: Dataset, chosen: DataSettings, split: str, size: int, most: float, bad: list, examples: int | None = None
) -> "Source":
    """The Source of "train" or "test" from its reader; pictures in separate files are not decoded yet."""
    folder, options = chosen.data_dir, chosen.options()
    if found.module == "readers.catalog" or (found.catalog and (not folder or catalog_holds(found.catalog, folder))):
        from tfgen.data.readers import catalog

        return catalog.load(found.catalog, split, folder, size, examples, options.get("channels"), most)
    # The libraries of a data set are imported when it is used.
    loader = importlib.import_module(f"tfgen.data.{found.module}").load
    own = {option: value for option, value in options.items() if option != "skip_bad"}
    own |= {"problem": problem(chosen, bad)} if "skip_bad" in found.options else {}
    own |= {"name": str(chosen.dataset)} if found.module == "readers.mnist" else {}
    return loader(split, *((folder,) if found.folder else ()), size, examples, **own)


def catalog_holds(name: str, data_dir: str) -> bool:
    """Whether a folder contains data of tensorflow-datasets: one version, one data set, or several."""
    folder = pathlib.Path(data_dir)
    own = name.split("/")[0]
    return any(
        any(folder.glob(f"{pattern}dataset_info.json")) for pattern in ("", "*/", "*/*/", f"{own}/*/", f"{own}/*/*/")
    )


def memory() -> int:
    """Size of this machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
