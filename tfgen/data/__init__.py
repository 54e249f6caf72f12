"""Pictures -> batches. `load` finds a data set by name."""

import dataclasses
import difflib
import importlib
import os
import pathlib
import sys

import numpy as np

from tfgen import UserError


@dataclasses.dataclass(frozen=True)
class Dataset:
    """How a data set is found and what its pictures are.

    Attributes:
        module: below tfgen.data, with load(split, [data_dir,] image_size, examples, **options) -> Source.
        image_size: default side in pixels.
        channels: 1 or 3, unless an option says otherwise.
        folder: what data_dir must hold; empty if the data set is built in.
        options: names of the OPTIONS that its reader takes.
        catalog: its name in tensorflow-datasets, where it is looked for unless data_dir holds what `folder` says; "" if
            it is not there.
    """

    module: str
    image_size: int
    channels: int
    folder: str = ""
    options: tuple[str, ...] = ()
    catalog: str = ""


IDX = "the four IDX files (train-images-idx3-ubyte.gz, ...) or one .npz"
CELEBA = "the homework's folder (train/, test/, train.csv, test.csv), the official files (img_align_celeba/, list_attr_celeba.txt, list_eval_partition.txt) or Kaggle's CSVs"
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
        "the binary or python batches, or train/ and test/ with a folder for each class",
        catalog="cifar10",
    ),
    "folder": Dataset(
        "readers.folder",
        32,
        3,
        "pictures, flat or in a folder for each class or with a CSV of attributes, below train/ and test/ or not",
        ("channels", "skip_bad"),
    ),
    "rgbd": Dataset(
        "readers.rgbd", 64, 3, "train/ and test/ with pairs of a colour and a depth picture", ("depth_unit", "skip_bad")
    ),
}
OPTIONS = {
    "channels": "1 or 3: whether pictures are brought to grey or to colour",
    "crop": "side in pixels of the central square taken of CelebA's official pictures of 178x218",
    "depth_unit": "metres that one step of a depth picture means",
    "skip_bad": "leave out files that are missing or damaged, and say how many",
}


def dataset(name, data_dir=None):
    """The Dataset of that name: tfgen's, or tensorflow-datasets'.

    Raises UserError for an unknown one, with the choices.
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
        f"there is no data set {name!r}: choose from {', '.join(close or DATASETS)}, or another one of tensorflow-datasets."
    )


def load(name, split, data_dir=None, image_size=None, examples=None, cache_gb=None, only=(), **options):
    """The Source of one split.

    Args:
        name: key of DATASETS, or a name in tensorflow-datasets.
        split: "train", "test", or "all" for both, train first.
        data_dir: folder of a data set that is not built in; of one of tensorflow-datasets, None is that package's own
            folder.
        image_size: side the pictures are drawn at or brought to, a power of two from 8 to 512; None is the data set's
            own.
        examples: at most the first so many of each of the two splits; None is all.
        cache_gb: sets of more than so many 1e9 bytes of pictures stay in their files; None is a quarter of the memory.
        only: names or numbers of the classes to take; none for all.
        options: any of OPTIONS that the data set takes; None is its own choice.

    Raises:
        UserError: for any of these that does not fit, and for data that is missing or damaged.
    """
    found, size, options = check(name, split, data_dir, image_size, options)
    most, bad = memory() / 4 if cache_gb is None else 1e9 * cache_gb, []
    sources = []
    for part in ["train", "test"] if split == "all" else [split]:
        source = _prepared(found, name, part, data_dir, size, options, most)
        if source is None:
            source = read(found, part, data_dir, size, None if only else examples, options, most, bad)
        sources.append((source.only(only) if only else source)[:examples])
    source = sources[0] if len(sources) == 1 else sources[0] + sources[1]
    if source.nbytes <= most:
        source = source.decoded(problem(options, bad))
    elif options.get("skip_bad") and not isinstance(source.images, np.ndarray):
        raise UserError(
            f"{source.name} is larger than --cache_gb, and bad files are known once they are all read: first run `data prepare` with --skip_bad."
        )
    if bad:
        print(f"tfgen: {len(bad)} bad files of {source.name} are left out, the first: {bad[0]}", file=sys.stderr)
    if not len(source):
        raise UserError(f"{source.name} holds no example: see `data verify`.")
    return source


def check(name, split, data_dir, image_size, options):
    """(Dataset, side of the pictures, options that are not None), or UserError if they do not fit the data set."""
    found = dataset(name, data_dir)
    if split not in ("train", "test", "all"):
        raise UserError(f"there is no split {split!r} of {name}: choose from train, test, all.")
    size = found.image_size if image_size is None else image_size
    if size not in (8, 16, 32, 64, 128, 256, 512):
        raise UserError(
            f"--image_size must be a power of two from 8 to 512, because the networks halve and double it, not {size}."
        )
    if found.folder and not found.catalog and not data_dir:
        raise UserError(f"the data set {name} is read from a folder: give --data_dir DIR, which holds {found.folder}.")
    if data_dir and not found.folder:
        raise UserError(
            f"the data set {name} is built in and takes no --data_dir: leave it out, or choose another --dataset."
        )
    options = {option: value for option, value in options.items() if value is not None}
    for option in options:
        if option not in found.options:
            takers = [other for other, dataset in DATASETS.items() if option in dataset.options]
            raise UserError(
                f"the data set {name} takes no --{option}: leave it out, it goes with {' and '.join(takers)}."
            )
    return found, size, options


def problem(options, bad):
    """What is done about the UserError of a bad file: it is raised, or with skip_bad appended to the list `bad`."""
    from tfgen.data.files import fail

    return bad.append if options.get("skip_bad") else fail


def _prepared(found, name, split, data_dir, image_size, options, most):
    from tfgen.data import cache

    return cache.find(cache.Request(name, split, data_dir, image_size, options), most) if found.folder else None


def read(found, split, data_dir, image_size, examples, options, most, bad):
    """The Source of a split as its reader gives it: what lies in files of its own is not decoded yet."""
    if found.module == "readers.catalog" or (
        found.catalog and (not data_dir or catalog_holds(found.catalog, data_dir))
    ):
        from tfgen.data.readers import catalog

        return catalog.load(found.catalog, split, data_dir, image_size, examples, options.get("channels"), most)
    loader = importlib.import_module(
        f"tfgen.data.{found.module}"
    ).load  # a data set's libraries are imported when it is asked for
    place = (data_dir,) if found.folder else ()
    own = {option: value for option, value in options.items() if option != "skip_bad"}
    own |= {"problem": problem(options, bad)} if "skip_bad" in found.options else {}
    return loader(split, *place, image_size, examples, **own)


def catalog_holds(name, data_dir):
    """Whether a folder looks like tensorflow-datasets': one version, one data set, or several."""
    folder = pathlib.Path(data_dir)
    own = name.split("/")[0]
    return any(
        any(folder.glob(f"{pattern}dataset_info.json")) for pattern in ("", "*/", "*/*/", f"{own}/*/", f"{own}/*/*/")
    )


def memory():
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
