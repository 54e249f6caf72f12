"""Pictures from tensorflow-datasets: any of its data sets with an image, already prepared or downloaded now."""

import contextlib
import dataclasses
import difflib
import fnmatch
import logging
import math
import os
import re
import shlex
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.readers import mnist, rgbd
from tfgen.data.source import Source

# tensorflow_datasets is imported where it is used: that takes a second, and the readers of folders do not need it.

NAME = re.compile(r"(?P<name>\w+)(/(?P<config>[\w.+-]+))?(:(?P<version>[\d*]+(\.[\d*]+){2}))?", re.ASCII)
# Parts of messages that help nobody: names of TensorFlow's nodes, the arguments that tfds was called with, and long
# paths that it chose.
NOISE = re.compile(
    r"\{\{.*?\}\}|\[\[.*|\[Op:.*|Error in user-defined function .*? with iterator: \S*: |^Failed to construct dataset "
    r".*?\}\": "
    r"|^Artifact | downloaded to .*?,(?= has wrong checksum)"
)
VERSION = re.compile(r"\d+\.\d+\.\d+", re.ASCII)
INFO = "dataset_info.json"  # is written last, so a folder with it is complete
IDX = (
    "{0}train-images-idx3-ubyte.gz, {0}train-labels-idx1-ubyte.gz, {0}{1}-images-idx3-ubyte.gz and "
    "{0}{1}-labels-idx1-ubyte.gz"
)
# What the other readers can read, because these hosts are often down or slow or answer with a web page:
# (files to download by hand, --dataset).
BY_HAND = {
    "mnist": (IDX.format("", "t10k"), "mnist"),
    "fashion_mnist": (IDX.format("", "t10k"), "fashion_mnist"),
    "kmnist": (IDX.format("", "t10k"), "kmnist"),
    "emnist": (IDX.format("emnist-CONFIG-", "test") + " out of gzip.zip", "emnist"),
    "cifar10": ("cifar-10-binary.tar.gz unpacked", "cifar10"),
    "celeb_a": ("img_align_celeba.zip unpacked, list_attr_celeba.txt and list_eval_partition.txt", "celeba"),
    "nyu_depth_v2": ("pairs of NAME.color.jpg and NAME.depth.png, 16-bit millimeters, in train/ and in test/", "rgbd"),
}


def names() -> list[str]:
    """Names of the data sets in tensorflow-datasets."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def known(name: str) -> bool:
    """Whether tensorflow-datasets has a data set of that name, which may include /CONFIG and :VERSION."""
    parts = NAME.fullmatch(name)
    return parts is not None and parts["name"] in names()


def load(
    name: str,
    split: str,
    data_dir: str | os.PathLike[str] | None = None,
    image_size: int | None = None,
    examples: int | None = None,
    channels: int | None = None,
    most_bytes: float | None = None,
) -> Source:
    """Reads one split in the order of its files. A data set that is not prepared yet is downloaded and prepared first.

    Args:
        name: name in tensorflow-datasets, for example "celeb_a", "emnist/balanced" or "mnist:3.0.1".
        split: "train" or "test"; for a data set without a test split, "test" is its validation split.
        data_dir: folder of prepared data sets, of this data set, or of one version of it; None for the default folder
            of tensorflow-datasets.
        image_size: side that the central squares of the pictures are resized to with an anti-aliased filter;
            grayscale pictures of 28x28 are resized by `mnist.resize`. None for 32 if the pictures are smaller than 64
            pixels, else 64.
        examples: read at most this many examples; None for all.
        channels: 1 for grayscale, 3 for color; None for what the data set has.
        most_bytes: largest allowed size of the arrays; None for no limit.

    Returns:
        Source with images (n, image_size, image_size, channels) and, if the data set has features of these names:
        labels (n,) and their classes from "label", unless no picture of the split has one; attributes (n, K), sorted by
        name, from "attributes" if all are bools; depth (n, image_size, image_size, 1) from "depth", floating-point
        meters or 16-bit millimeters, resized and with holes as in `rgbd.read_depth`. EMNIST's pictures, which are
        transposed in the data set, are turned upright.

    Raises:
        UserError: for an unknown name, a data set without such a split or without a picture, a data set that cannot be
            downloaded (the message says what to download by hand) or is damaged (it names the folder), and arrays of
            more than most_bytes.
    """
    with quiet_logs():
        builder = find(name, data_dir)
        return read(builder, choose_split(builder, split), image_size, examples, channels, most_bytes)


@contextlib.contextmanager
def quiet_logs() -> Iterator[None]:
    """A context in which warnings from tensorflow-datasets and from retries of downloads are not logged."""
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


def find(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """The tfds builder of a data set, which is prepared if necessary; arguments and errors as in `load`."""
    import tensorflow_datasets as tfds

    parts = NAME.fullmatch(name)
    if not parts:
        raise UserError(
            f"{name!r} is not a name in tensorflow-datasets: expected one like celeb_a, emnist/balanced or "
            "mnist:3.0.1; "
            "correct it."
        )
    root = tfds.core.as_path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is not a folder: correct --data_dir.")
    folder = prepared(root, **parts.groupdict())
    if not folder:
        return prepare(parts, root)
    try:
        builder = tfds.builder_from_directory(folder)
    except Exception as error:  # from JSON, protocol buffers, files or tfds
        raise unreadable(folder, error) from None
    if builder.name != parts["name"] or parts["config"] not in (None, builder.builder_config_name):
        found = "/".join(filter(None, (builder.name, builder.builder_config_name)))
        raise UserError(f"{folder} contains {found}, not {name}: correct the name of the data set or --data_dir.")
    return builder


def prepared(root: Any, name: str, config: str | None, version: str | None) -> Any:
    """The folder (a tfds path) of the newest prepared version, or None.

    Args:
        root: that folder, its parent, the data set's folder, or the folder of all data sets; a tfds path.
        name: name of the data set.
        config: configuration; None for the default one.
        version: version, which may contain `*`; None for any.

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


def list_folder(folder: Any) -> list[Any]:
    """The paths in a folder, none if it is not a folder. Raises UserError if it cannot be listed."""
    try:
        return list(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise UserError(
            f"{folder} cannot be listed ({error.strerror}): make it readable or correct --data_dir."
        ) from None


def default_config(name: str) -> str:
    """The configuration that a name without one stands for; "" for a data set that has none or is not in tfds."""
    import tensorflow_datasets as tfds

    try:
        config = tfds.builder_cls(name).default_builder_config
    except Exception:  # unknown, or its code needs packages that are not installed; it may still be prepared
        return ""
    return config.name if config else ""


def prepare(parts: re.Match[str], root: Any) -> Any:
    """Downloads and prepares a data set, and returns its builder.

    Args:
        parts: a match of NAME.
        root: folder of all data sets, a tfds path.

    Raises:
        UserError: if the data set is unknown, has no picture, or cannot be downloaded or prepared; then the message
            says what to download by hand.
    """
    import tensorflow_datasets as tfds

    name, builder = parts["name"], None
    if not known(name):
        close = difflib.get_close_matches(name, names(), n=5)
        remedy = f"choose from {', '.join(close)}" if close else "correct the name"
        raise UserError(
            f"tensorflow-datasets has no data set {name!r}, and {root} contains none of that name: {remedy}."
        )
    try:
        configs = tfds.builder_cls(name).builder_configs
        if parts["config"] and parts["config"] not in configs:
            remedy = f"choose from {', '.join(list(configs)[:20])}" if configs else "leave it out"
            raise UserError(f"{name} of tensorflow-datasets has no configuration {parts['config']!r}: {remedy}.")
        with terminal_alone():
            builder = tfds.builder(parts.string, data_dir=root)
            picture_of(builder)  # before gigabytes are downloaded, not after
        print(
            f"tfgen: {parts.string} is not in {root}: tensorflow-datasets downloads it (without a network it tries "
            "for minutes).",
            file=sys.stderr,
        )
        with terminal_alone():
            builder.download_and_prepare()
    except UserError:
        raise
    except Exception as error:  # from the network, checksums, missing files or libraries: there is no list
        remedy = by_hand(parts, root, builder)
        raise UserError(
            f"{parts.string} is not in {root} and could not be downloaded and prepared ({cause(error)}): {remedy}."
        ) from None
    return builder


@contextlib.contextmanager
def terminal_alone() -> Iterator[None]:
    """A context in which all output goes to stderr if that is a terminal, and is discarded if not."""
    with open(os.devnull, "w") as nowhere:
        stream = sys.stderr if sys.stderr.isatty() else nowhere
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield


def by_hand(parts: re.Match[str], root: Any, builder: Any) -> str:
    """The end of a message: what to download by hand, and where to put it.

    Args:
        parts: a match of NAME.
        root: folder of all data sets, a tfds path.
        builder: the tfds builder, or None if tfds could not make one.
    """
    name = parts["name"]
    if parts["version"] and not builder:
        return "correct the version or leave it out"
    if name in BY_HAND:
        files, dataset = BY_HAND[name]
        files = files.replace("CONFIG", parts["config"] or default_config(name))
        folder = root if root.name == name else root / name
        flags = shlex.join(["--dataset", dataset, "--data_dir", str(folder)])
        return f"download by hand into {folder}: {files}; then use {flags}"
    instructions = builder and builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if instructions:
        clauses = [" ".join(clause.split()).rstrip(".:") for clause in re.split(r"\.\s|\n\s*\n", instructions)]
        what = "; ".join(filter(None, clauses))[:400]
        return f"download by hand into {root / 'downloads' / 'manual'}: {what}"
    folder = builder.data_dir if builder else root / name
    return f"run `tfds build {parts.string}` where it can be downloaded, and copy the folder that it makes to {folder}"


def cause(error: BaseException) -> str:
    """What an exception says, in a clause of at most 200 characters."""
    import requests

    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        url = getattr(error.request, "url", None) or ""
        return f"no connection to {urllib.parse.urlsplit(url).hostname or 'its host'}"
    text = NOISE.sub("", str(error))
    line = next(filter(None, map(str.strip, text.splitlines())), type(error).__name__)
    return line.replace(". ", "; ")[:200].rstrip(" .:;")


def unreadable(folder: Any, error: BaseException) -> UserError:
    """The UserError for a prepared data set that is damaged; `error` says how."""
    return UserError(
        f"{folder} cannot be read ({cause(error)}): expected a data set as tensorflow-datasets prepares it; restore "
        "the folder, or move "
        "it away to have it prepared again."
    )


def choose_split(builder: Any, split: str) -> str:
    """The name of the split that is "train" or "test". Raises UserError if there is none."""
    splits = sorted(builder.info.splits)
    if not splits:  # for tfds, even an empty folder with the version's name is prepared
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
    """What is read from each example.

    Attributes:
        picture: key of the picture.
        shape: (H, W, C) of the pictures, None where it varies.
        labels: number of classes, 0 if there are no labels.
        classes: names of the classes; empty if their numbers are their names.
        attributes: sorted names of the attributes.
        depth: whether there is depth.
    """

    picture: str
    shape: tuple[int | None, ...]
    labels: int
    classes: tuple[str, ...]
    attributes: tuple[str, ...]
    depth: bool


def fields(builder: Any) -> Fields:
    """The Fields of a builder's feature specification. Raises UserError as `picture_of` does."""
    from tensorflow_datasets import features

    picture, spec = picture_of(builder), dict(builder.info.features.items())
    label, attributes, depth = (spec.get(key) for key in ("label", "attributes", "depth"))
    names = tuple(label.names) if isinstance(label, features.ClassLabel) else ()
    if builder.name == "emnist":  # tfds has only their numbers
        names = mnist.EMNIST.get(builder.builder_config_name, names)
    bools = isinstance(attributes, features.FeaturesDict) and all(
        flag.shape == () and flag.np_dtype == np.bool_ for flag in attributes.values()
    )
    # The order of a prepared data set's attributes in tfds differs from process to process.
    return Fields(
        picture=picture,
        shape=spec[picture].shape,
        labels=len(names),
        classes=() if names == tuple(map(str, range(len(names)))) else names,
        attributes=tuple(sorted(attributes)) if attributes is not None and bools else (),
        depth=isinstance(depth, features.Tensor | features.Image) and is_depth(depth),
    )


def picture_of(builder: Any) -> str:
    """The key of the picture: "image", or the only picture.

    Raises UserError if there is none, or it has neither 8 nor 16 bits.
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
            f"{builder.name} of tensorflow-datasets has pictures of {dtype}: choose a data set of pictures in 8 or 16 "
            "bits."
        )
    return keys[0]


def is_depth(feature: Any) -> bool:
    """Whether a feature is a single plane of floating-point numbers (meters) or 16-bit integers (millimeters)."""
    plane = len(feature.shape) == 2 or (len(feature.shape) == 3 and feature.shape[2] == 1)
    return plane and bool(np.issubdtype(feature.np_dtype, np.floating) or feature.np_dtype == np.uint16)


def read(
    builder: Any,
    split: str,
    image_size: int | None,
    examples: int | None,
    channels: int | None,
    most_bytes: float | None,
) -> Source:
    """The Source of a split of a prepared data set; arguments and errors as in `load`."""
    import tensorflow_datasets as tfds

    # One file after the other: by default tfds reads sixteen at a time.
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
        if wanted.attributes:  # in one tensor, because forty tensors a picture are slow
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
    except Exception as error:  # from TensorFlow for missing, short or wrong files, from tfds for their names
        raise unreadable(builder.data_dir, error) from None
    return checked(source, wanted)


def allocate(name: str, n: int, shape: tuple[int, int, int], wanted: Fields, most_bytes: float | None) -> Source:
    """A Source of n examples that are still to be filled in; shape is (H, W, C) of its pictures.

    Raises UserError if it is larger than most_bytes, or empty.
    """
    if n <= 0:
        raise UserError(f"{name} contains no examples: choose another data set.")
    layout: dict[str, tuple[tuple[int, ...], Any]] = {
        "images": (shape, np.uint8),
        "attributes": ((len(wanted.attributes),), np.uint8),
    }
    if wanted.labels:
        layout["labels"] = (), np.int32
    if wanted.depth:
        layout["depth"] = (*shape[:2], 1), np.uint16
    size = n * sum(math.prod(part) * np.dtype(dtype).itemsize for part, dtype in layout.values())
    if most_bytes is not None and size > most_bytes:
        raise UserError(
            f"{name} takes {size / 1e9:.3g} GB at {shape[0]}x{shape[1]} pixels, more than {most_bytes / 1e9:.3g} GB: "
            "read fewer with "
            "--examples, or allow it with a larger --cache_gb."
        )
    arrays = {field: np.empty((n, *part), dtype) for field, (part, dtype) in layout.items()}
    return Source(name, attribute_names=wanted.attributes, classes=wanted.classes, **arrays)


def fill(source: Any, i: int, example: Mapping[str, np.ndarray], wanted: Fields, transposed: bool) -> None:
    """Writes example i, a dict of arrays from tfds, into a Source of arrays."""
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
                f"in {source.name}, picture and depth of example {i} differ in size: choose another data set."
            )
        source.depth[i, ..., 0] = to_millimetres(depth.reshape(depth.shape[:2]), source.depth.shape[1])


def to_square(image: np.ndarray, shape: tuple[int, int, int], given: tuple[int | None, ...]) -> np.ndarray:
    """The central square of a picture (h, w, c) uint8 or uint16 as uint8 that broadcasts to `shape`, (H, W, C); `given`
    is the shape of its feature.
    """
    image = image if image.dtype == np.uint8 else pictures.eight_bits(image)
    if given == (mnist.SIDE, mnist.SIDE, 1):
        return mnist.resize(image[None, ..., 0], shape[0])[0, ..., None]
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return pictures.pixels(pictures.square(pictures.in_channels(picture, shape[2]), shape[0]))


def to_millimetres(depth: np.ndarray, image_size: int) -> np.ndarray:
    """The central square of depth (h, w), floating-point meters or uint16 millimeters, as (image_size, image_size)
    uint16; see `rgbd`.
    """
    metres = np.issubdtype(depth.dtype, np.floating)
    picture = Image.fromarray(depth.astype(np.float32) if metres else depth)
    nearest = np.array(pictures.square(picture, image_size, Image.Resampling.NEAREST))
    if metres:
        nearest = np.rint(nearest * np.float32(1000))
    return np.where((nearest >= 1) & (nearest <= rgbd.FARTHEST), nearest, 0).astype(np.uint16)  # 0 for NaN, too


def checked(source: Any, wanted: Fields) -> Source:
    """The Source of arrays, without labels if no example has one.

    Raises UserError for a label of no class, and if no example has depth.
    """
    if source.depth is not None and not source.depth.any():
        raise UserError(
            f"{source.name} has no depth from 1 mm to {rgbd.FARTHEST} mm in any example: choose another data set."
        )
    if source.labels is None:
        return source
    if (source.labels == -1).all():  # how tfds marks labels that a competition keeps secret
        unlabelled: Source = dataclasses.replace(source, labels=None, classes=())
        return unlabelled
    bad = (source.labels < 0) | (source.labels >= wanted.labels)
    if bad.any():
        i = int(np.argmax(bad))
        raise UserError(
            f"{source.name} has the label {source.labels[i]} in example {i}: expected 0 to {wanted.labels - 1}; "
            "choose another data set."
        )
    return source
