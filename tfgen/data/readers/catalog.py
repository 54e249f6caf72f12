"""Pictures out of tensorflow-datasets: any of its data sets with an image, prepared before or downloaded now."""

import contextlib
import dataclasses
import difflib
import fnmatch
import logging
import math
import os
import re
import sys
import urllib.parse

import numpy as np
from PIL import Image
from tqdm import tqdm

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.readers import mnist, rgbd
from tfgen.data.source import Source

# tensorflow_datasets is imported where it is used: that takes a second, and the readers of folders do without.

NAME = re.compile(r"(?P<name>\w+)(/(?P<config>[\w.+-]+))?(:(?P<version>[\d*]+(\.[\d*]+){2}))?", re.ASCII)
# Parts of messages that help nobody: names of TensorFlow's nodes, what tfds was called with, and long paths that it
# chose.
NOISE = re.compile(
    r"\{\{.*?\}\}|\[\[.*|\[Op:.*|Error in user-defined function .*? with iterator: \S*: |^Failed to construct dataset .*?\}\": "
    r"|^Artifact | downloaded to .*?,(?= has wrong checksum)"
)
VERSION = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
INFO = "dataset_info.json"  # is written last: a folder with it is prepared
IDX = "{0}train-images-idx3-ubyte.gz, {0}train-labels-idx1-ubyte.gz, {0}{1}-images-idx3-ubyte.gz and {0}{1}-labels-idx1-ubyte.gz"
# What other readers of ours take, because these hosts are often down, slow or answer with a page: (files to fetch by
# hand, --dataset).
BY_HAND = {
    "mnist": (IDX.format("", "t10k"), "mnist"),
    "fashion_mnist": (IDX.format("", "t10k"), "fashion_mnist"),
    "kmnist": (IDX.format("", "t10k"), "kmnist"),
    "emnist": (IDX.format("emnist-CONFIG-", "test") + " out of gzip.zip", "emnist"),
    "cifar10": ("cifar-10-binary.tar.gz unpacked", "cifar10"),
    "celeb_a": ("img_align_celeba.zip unpacked, list_attr_celeba.txt and list_eval_partition.txt", "celeba"),
    "nyu_depth_v2": ("pairs of NAME.color.jpg and NAME.depth.png, 16-bit millimetres, in train/ and in test/", "rgbd"),
}


def names():
    """Names of the data sets that tensorflow-datasets has."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def known(name):
    """Whether tensorflow-datasets has a data set of that name, which may go on with /CONFIG and :VERSION."""
    parts = NAME.fullmatch(name)
    return bool(parts) and parts["name"] in names()


def load(name, split, data_dir=None, image_size=None, examples=None, channels=None, most_bytes=None):
    """Reads one split in the order of its stored files. A data set that is not prepared yet is downloaded and prepared
    first.

    Args:
        name: in tensorflow-datasets: "celeb_a", "emnist/balanced", "mnist:3.0.1".
        split: "train" or "test"; a set without a test split gives its validation split.
        data_dir: folder of prepared data sets, of this one, or of one version of it; None is tensorflow-datasets' own.
        image_size: side the pictures' central squares are brought to with an anti-aliased filter; grey ones of 28x28 as
            by `mnist.resize`. None is 32 for pictures of less than 64 pixels, else 64.
        examples: only the first so many; None is all.
        channels: 1 for grey, 3 for colour; None is what the data set's pictures are.
        most_bytes: most that the arrays may take; None is any number.

    Returns:
        Source with images (n, image_size, image_size, channels) and, where the data set has features of these names,
        labels (n,) and their classes from "label", unless no picture of the split has one; attributes (n, K), sorted by
        name, from "attributes" if all are bools; and depth (n, image_size, image_size, 1) from "depth", floating-point
        metres or 16-bit millimetres, resized and with holes as by `rgbd.read_depth`. EMNIST's pictures, which lie
        transposed in the set, are upright.

    Raises:
        UserError: for an unknown name, a data set without such a split or without a picture, one that cannot be
            downloaded (it says what to fetch by hand), one that is damaged (it names the folder), and one of more than
            most_bytes.
    """
    with quiet_logs():
        builder = find(name, data_dir)
        return read(builder, choose_split(builder, split), image_size, examples, channels, most_bytes)


@contextlib.contextmanager
def quiet_logs():
    """Inside, the warnings of tensorflow-datasets and of every retry of a download are not logged."""
    loggers = [logging.getLogger(name) for name in ("absl", "urllib3.connectionpool")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


# From a name to a prepared data set.


def find(name, data_dir):
    """The tfds builder of a data set that is prepared, before or now; arguments and errors as in `load`."""
    import tensorflow_datasets as tfds

    parts = NAME.fullmatch(name)
    if not parts:
        raise UserError(
            f"{name!r} is no name in tensorflow-datasets: expected one like celeb_a, emnist/balanced or mnist:3.0.1; correct it."
        )
    root = tfds.core.as_path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is no folder: correct --data_dir.")
    folder = prepared(root, **parts.groupdict())
    if not folder:
        return prepare(parts, root)
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:  # of JSON, of protocol buffers, of files, of tfds
        raise unreadable(folder, error) from None
    if builder.name != parts["name"] or parts["config"] not in (None, builder.builder_config_name):
        found = "/".join(filter(None, (builder.name, builder.builder_config_name)))
        raise UserError(f"{folder} holds {found}, not {name}: correct the name of the data set or --data_dir.")
    return builder


def prepared(root, name, config, version):
    """The folder of the newest version that is prepared, or None; `root` is that folder, its parent, the data set's or
    tfds's own.

    Raises:
        UserError: naming the folder, if one of these cannot be listed.
    """
    if (root / INFO).exists():
        return root
    config = config or default_config(name)
    for place in (root, root / config, root / name, root / name / config):
        versions = {}
        for folder in list_folder(place):
            if (
                VERSION.fullmatch(folder.name)
                and fnmatch.fnmatch(folder.name, version or "*")
                and (folder / INFO).exists()
            ):
                versions[tuple(map(int, folder.name.split(".")))] = folder
        if versions:
            return versions[max(versions)]
    return None


def list_folder(folder):
    """The paths in a folder, or none if it is no folder. Raises UserError if it cannot be listed."""
    try:
        return list(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise UserError(
            f"{folder} cannot be listed ({error.strerror}): make it readable or correct --data_dir."
        ) from None


def default_config(name):
    """The configuration that is meant where a name has none; "" for a data set without configurations or not in tfds."""
    import tensorflow_datasets as tfds

    try:
        config = tfds.builder_cls(name).default_builder_config
    except Exception:  # unknown, or its code needs what is not installed: it may be prepared all the same
        return ""
    return config.name if config else ""


def prepare(parts, root):
    """The builder of a data set after downloading and preparing it; `parts` is a match of NAME, `root` the folder of
    all data sets.

    Raises:
        UserError: if the data set is unknown, has no picture or cannot be downloaded or prepared; then it says what to
            fetch by hand.
    """
    import tensorflow_datasets as tfds

    name, builder = parts["name"], None
    if not known(name):
        close = difflib.get_close_matches(name, names(), n=5)
        remedy = f"choose from {', '.join(close)}" if close else "correct the name"
        raise UserError(f"tensorflow-datasets has no data set {name!r}, and {root} holds none of that name: {remedy}.")
    try:
        configs = tfds.builder_cls(name).builder_configs
        if parts["config"] and parts["config"] not in configs:
            remedy = f"choose from {', '.join(list(configs)[:20])}" if configs else "leave it out"
            raise UserError(f"{name} of tensorflow-datasets has no configuration {parts['config']!r}: {remedy}.")
        with terminal_alone():
            builder = tfds.builder(parts.string, data_dir=root)
            picture_of(builder)  # before the gigabytes, not after
        print(
            f"tfgen: {parts.string} is not in {root}: tensorflow-datasets downloads it (without a network it tries for minutes).",
            file=sys.stderr,
        )
        with terminal_alone():
            builder.download_and_prepare()
    except UserError:
        raise
    except (
        Exception
    ) as error:  # of the network, checksums, files to be put there by hand, libraries not installed: there is no list
        remedy = by_hand(parts, root, builder)
        raise UserError(
            f"{parts.string} is not in {root} and could not be downloaded and prepared ({cause(error)}): {remedy}."
        ) from None
    return builder


@contextlib.contextmanager
def terminal_alone():
    """Inside, what is printed goes to stderr if that is a terminal, and nowhere else."""
    with open(os.devnull, "w") as nowhere:
        stream = sys.stderr if sys.stderr.isatty() else nowhere
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield


def by_hand(parts, root, builder):
    """The end of a message: what to fetch by hand, and where to put it.

    `builder` is None if tfds could not make one.
    """
    name = parts["name"]
    if parts["version"] and not builder:
        return "correct the version or leave it out"
    if name in BY_HAND:
        files, dataset = BY_HAND[name]
        files = files.replace("CONFIG", parts["config"] or default_config(name))
        folder = root if root.name == name else root / name
        return f"fetch by hand and put into {folder} {files}, and give --dataset {dataset} --data_dir {folder}"
    instructions = builder and builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if instructions:
        clauses = [" ".join(clause.split()).rstrip(".:") for clause in re.split(r"\.\s|\n\s*\n", instructions)]
        return f"fetch by hand and put into {root / 'downloads' / 'manual'} its files: {'; '.join(filter(None, clauses))[:400]}"
    folder = builder.data_dir if builder else root / name
    return f"run `tfds build {parts.string}` where it can be downloaded, and copy the folder that it makes to {folder}"


def cause(error):
    """What an exception says, in a clause of at most 200 characters."""
    import requests

    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        url = getattr(error.request, "url", None) or ""
        return f"no connection to {urllib.parse.urlsplit(url).hostname or 'its host'}"
    text = NOISE.sub("", str(error))
    line = next(filter(None, map(str.strip, text.splitlines())), type(error).__name__)
    return line.replace(". ", "; ")[:200].rstrip(" .:;")


def unreadable(folder, error):
    """The UserError for a prepared data set that is damaged; `error` says how."""
    return UserError(
        f"{folder} cannot be read ({cause(error)}): expected a data set as tensorflow-datasets prepares it; restore the folder, or move "
        "it away to have it prepared anew."
    )


def choose_split(builder, split):
    """The name of the split that is "train" or "test". Raises UserError if there is none."""
    splits = sorted(builder.info.splits)
    if not splits:  # a folder of the version's name, be it empty, is prepared in tfds's eyes
        raise unreadable(builder.data_dir, FileNotFoundError(f"it has no {INFO} with a split"))
    for name in ("test", "validation") if split == "test" else (split,):
        if name in splits:
            return name
    raise UserError(
        f"{builder.name} in {builder.data_dir} has no {split} split, only {', '.join(splits)}: choose another data set."
    )


# From a prepared data set to arrays.


@dataclasses.dataclass(frozen=True)
class Fields:
    """What is read of each example.

    Attributes:
        picture: key of the picture.
        shape: (H, W, C) of the pictures, None where they differ.
        labels: number of classes, 0 if there is no label.
        classes: their names, or none where the numbers say it all.
        attributes: sorted names.
        depth: whether there is depth.
    """

    picture: str
    shape: tuple[int | None, ...]
    labels: int
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    depth: bool


def fields(builder):
    """The Fields of a builder's feature specification. Raises UserError as `picture_of`."""
    from tensorflow_datasets import features

    picture, spec = picture_of(builder), dict(builder.info.features.items())
    label, attributes, depth = (spec.get(key) for key in ("label", "attributes", "depth"))
    names = tuple(label.names) if isinstance(label, features.ClassLabel) else ()
    if builder.name == "emnist":  # tfds has their numbers alone
        names = mnist.EMNIST.get(builder.builder_config_name, names)
    bools = isinstance(attributes, features.FeaturesDict) and all(
        flag.shape == () and flag.np_dtype == np.bool_ for flag in attributes.values()
    )
    return Fields(
        picture=picture,
        shape=spec[picture].shape,
        labels=len(names),
        classes=() if names == tuple(map(str, range(len(names)))) else names,
        attributes=tuple(sorted(attributes))
        if bools
        else (),  # tfds gives those of a prepared set in another order in every process
        depth=isinstance(depth, features.Tensor | features.Image) and is_depth(depth),
    )


def picture_of(builder):
    """The key of the picture: "image", or the only one.

    Raises UserError if there is none such, or not of 8 or 16 bits.
    """
    from tensorflow_datasets import features

    spec = builder.info.features
    spec = dict(spec.items()) if isinstance(spec, features.FeaturesDict) else {}
    keys = sorted(key for key, feature in spec.items() if isinstance(feature, features.Image) and key != "depth")
    keys = ["image"] if "image" in keys else keys
    if len(keys) != 1:
        has = (
            f"the pictures {', '.join(keys)} and none called image"
            if keys
            else f"no picture, only {', '.join(sorted(spec)) or 'other things'}"
        )
        raise UserError(f"{builder.name} of tensorflow-datasets has {has}: choose a data set of pictures.")
    dtype = np.dtype(spec[keys[0]].np_dtype)
    if dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"{builder.name} of tensorflow-datasets has pictures of {dtype}: choose a data set of pictures in 8 or 16 bits."
        )
    return keys[0]


def is_depth(feature):
    """Whether a feature is one plane of floating-point numbers, which are metres, or of 16 bits, which are millimetres."""
    plane = len(feature.shape) == 2 or (len(feature.shape) == 3 and feature.shape[2] == 1)
    return plane and (np.issubdtype(feature.np_dtype, np.floating) or feature.np_dtype == np.uint16)


def read(builder, split, image_size, examples, channels, most_bytes):
    """The Source of a split of a prepared data set; arguments and errors as in `load`."""
    import tensorflow_datasets as tfds

    # One file after the other: tfds reads sixteen at once otherwise.
    config = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    try:
        wanted = fields(builder)
        side = min(wanted.shape[0] or 64, wanted.shape[1] or 64)
        shape = (image_size or (32 if side < 64 else 64),) * 2 + (channels or (1 if wanted.shape[2] == 1 else 3),)
        keys = [
            wanted.picture,
            *(key for key in ("attributes", "depth") if getattr(wanted, key)),
            *(["label"] if wanted.labels else []),
        ]
        dataset = builder.as_dataset(
            split=split, read_config=config, decoders=tfds.decode.PartialDecoding(dict.fromkeys(keys, True))
        )
        dataset = dataset if examples is None else dataset.take(examples)
        if wanted.attributes:  # in one tensor, because forty a picture are slow to take over
            dataset = dataset.map(
                lambda example: example | {"attributes": [example["attributes"][name] for name in wanted.attributes]}
            )
        source = allocate(
            f"{builder.name}/{split} in {builder.data_dir}", int(dataset.cardinality()), shape, wanted, most_bytes
        )
        bar = {"unit": " pictures", "disable": None if len(source) > 1000 else True, "leave": False}
        for i, example in enumerate(tqdm(tfds.as_numpy(dataset), f"reading {builder.name}", len(source), **bar)):
            fill(source, i, example, wanted, transposed=builder.name == "emnist")
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(
            f"{builder.name}/{split} in {builder.data_dir} is too large ({cause(error)}): read fewer with --examples."
        ) from None
    except (
        Exception
    ) as error:  # TensorFlow's of files that are missing, short or of another content, and tfds's of their names
        raise unreadable(builder.data_dir, error) from None
    return checked(source, wanted)


def allocate(name, n, shape, wanted, most_bytes):
    """A Source of n examples to be filled; shape is (H, W, C) of its pictures.

    Raises UserError if it is larger than most_bytes, or empty.
    """
    if n <= 0:
        raise UserError(f"{name} holds no example: choose another data set.")
    layout = {"images": (shape, np.uint8), "attributes": ((len(wanted.attributes),), np.uint8)}
    if wanted.labels:
        layout["labels"] = (), np.int32
    if wanted.depth:
        layout["depth"] = (*shape[:2], 1), np.uint16
    size = n * sum(math.prod(part) * np.dtype(dtype).itemsize for part, dtype in layout.values())
    if most_bytes is not None and size > most_bytes:
        raise UserError(
            f"{name} takes {size / 1e9:.3g} GB at {shape[0]}x{shape[1]} pixels, more than {most_bytes / 1e9:.3g} GB: read fewer with "
            "--examples, or allow it with a larger --cache_gb."
        )
    arrays = {field: np.empty((n, *part), dtype) for field, (part, dtype) in layout.items()}
    return Source(name, attribute_names=wanted.attributes, classes=wanted.classes, **arrays)


def fill(source, i, example, wanted, transposed):
    """Writes example i, a dict of arrays as tfds gives it, into a Source."""
    image = example[wanted.picture]
    source.images[i] = to_square(image.swapaxes(0, 1) if transposed else image, source.images.shape[1:], wanted.shape)
    if wanted.attributes:
        source.attributes[i] = example["attributes"]
    if wanted.labels:
        source.labels[i] = example["label"]
    if wanted.depth:
        depth = example["depth"]
        if depth.shape[:2] != image.shape[:2]:
            raise UserError(
                f"{source.name} has depth of another size than the picture in example {i}: choose another data set."
            )
        source.depth[i, ..., 0] = to_millimetres(depth.reshape(depth.shape[:2]), source.depth.shape[1])


def to_square(image, shape, given):
    """The central square of a picture (h, w, c) uint8 or uint16 as uint8 that broadcasts to `shape`, (H, W, C); `given`
    is its feature's.
    """
    image = image if image.dtype == np.uint8 else pictures.eight_bits(image)
    if given == (mnist.SIDE, mnist.SIDE, 1):
        return mnist.resize(image[None, ..., 0], shape[0])[0, ..., None]
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return pictures.pixels(pictures.square(pictures.in_channels(picture, shape[2]), shape[0]))


def to_millimetres(depth, image_size):
    """The central square of depth (h, w), floating-point metres or uint16 millimetres, as (image_size, image_size)
    uint16; see `rgbd`.
    """
    metres = np.issubdtype(depth.dtype, np.floating)
    picture = Image.fromarray(depth.astype(np.float32) if metres else depth)
    nearest = np.array(pictures.square(picture, image_size, Image.Resampling.NEAREST))
    if metres:
        nearest = np.rint(nearest * np.float32(1000))
    return np.where((nearest >= 1) & (nearest <= rgbd.FARTHEST), nearest, 0).astype(
        np.uint16
    )  # 0 where it is no number, too


def checked(source, wanted):
    """The Source, less labels that no example has.

    Raises UserError for a label of no class, and if there is depth nowhere.
    """
    if source.depth is not None and not source.depth.any():
        raise UserError(
            f"{source.name} has no depth from 1 mm to {rgbd.FARTHEST} mm in any example: choose another data set."
        )
    if source.labels is None:
        return source
    if (source.labels == -1).all():  # so tfds marks what a competition keeps to itself
        return dataclasses.replace(source, labels=None, classes=())
    bad = (source.labels < 0) | (source.labels >= wanted.labels)
    if bad.any():
        i = int(np.argmax(bad))
        raise UserError(
            f"{source.name} has the label {source.labels[i]} in example {i}: expected 0 to {wanted.labels - 1}; choose another data set."
        )
    return source
