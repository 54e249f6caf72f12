"""MNIST and the data sets in its format, Fashion-MNIST, KMNIST and EMNIST: 28x28 grayscale pictures in four IDX files
or in one .npz, or KMNIST's four .npz.
"""

import gzip
import os
import pathlib
import re
import struct
import zipfile
import zlib
from typing import Protocol

import numpy as np

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.source import Source

SIDE = 28
MOST = 1_000_000  # examples in a file, so that a damaged or malicious one cannot fill the memory
DIGITS, CAPITALS = tuple("0123456789"), tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# EMNIST's splits and their class names. "letters" counts from 1; two splits have only those lower-case letters that do
# not look like capitals.
EMNIST = {
    "byclass": DIGITS + CAPITALS + tuple("abcdefghijklmnopqrstuvwxyz"),
    "bymerge": DIGITS + CAPITALS + tuple("abdefghnqrt"),
    "balanced": DIGITS + CAPITALS + tuple("abdefghnqrt"),
    "letters": ("", *CAPITALS),
    "digits": DIGITS,
    "mnist": DIGITS,
}
# torchvision's folders NAME/raw. The four files of these data sets have the same names, so only the folder tells which
# one it is.
RAW = {
    "MNIST": DIGITS,
    "FashionMNIST": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "KMNIST": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}
# Which of torchvision's folders is meant if there are several: the data set's own.
OWN = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST", "emnist": "EMNIST"}
KMNIST = re.compile(r"(k49|kmnist)-(train|test)-(imgs|labels)\.npz")  # as its authors publish it, each with arr_0
FILES = re.compile(
    rf"(?:emnist-({'|'.join(EMNIST)})-(?:train|test)|train|t10k)-(?:images[-.]idx3|labels[-.]idx1)-ubyte(?:\.gz)?"
)
# The header that NumPy writes before an array. It is matched, not evaluated, and an array of objects, which would be a
# pickle, does not match.
HEADER = re.compile(
    r"\{'descr': '([<>|=]?[iu][1248])', 'fortran_order': (True|False), 'shape': \((\d{1,9}(?:, \d{1,9})*),?\), \}\s*",
    re.ASCII,
)
# What damaged archives raise. From zipfile: RuntimeError for encryption and unknown compression, struct.error and
# ValueError for damaged extra fields and names.
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError, struct.error)
LAYOUT = (
    "expected --data_dir to contain the four IDX files of MNIST or of a data set in its format, or mnist.npz; restore "
    "them "
    "or correct the path"
)


def load(
    split: str,
    data_dir: str | pathlib.Path,
    image_size: int = 32,
    examples: int | None = None,
    *,
    name: str = "mnist",
) -> Source:
    """Reads one split, "train" or "test", in the order of its files.

    It looks for IDX files in the folder, then in torchvision's folders in it (MNIST/raw, FashionMNIST/raw, ...), then
    for KMNIST's four .npz, for mnist.npz, and for a single .npz.

    Args:
        split: chooses the two files, or the two arrays of the .npz.
        data_dir: folder of the four IDX files or of the .npz.
        image_size: side of the pictures. 28 keeps them as they are, 32 adds a border of 2 black pixels, and any other
            size resizes those of 32x32 with an anti-aliased filter.
        examples: read at most this many examples; None for all. The whole files are checked in any case.
        name: key of OWN, which decides between several of torchvision's folders.

    Returns:
        Source with images (n, image_size, image_size, 1), EMNIST's turned upright, the labels as in the file, and the
        names of the classes if the names of the files or of the folder tell which data set it is.

    Raises:
        UserError: naming the file, if it is missing or damaged, or its kind or length is not what its header says.
    """
    data_dir = pathlib.Path(data_dir)
    folder, emnist = find_set(data_dir, name)
    if folder:
        images, labels, classes = from_idx(folder, emnist, split)
    elif kind := find_kmnist(data_dir):
        images, labels, classes = from_kmnist(data_dir, kind, split)
    else:
        images, labels, classes = from_npz(find_npz(data_dir), split)
    images, labels = resize(images[:examples], image_size), labels[:examples].astype(np.int32)
    return Source(
        f"mnist/{split} in {data_dir}",
        images[..., None],
        np.zeros((len(images), 0), np.uint8),
        labels=labels,
        classes=classes,
    )


def find_set(data_dir: pathlib.Path, own: str = "mnist") -> tuple[pathlib.Path | None, str | None]:
    """(folder of the IDX files, EMNIST's split or None); the folder is None if there are no IDX files.

    Args:
        data_dir: that folder, or torchvision's root.
        own: key of OWN.

    Raises:
        UserError: if there are two data sets.
    """
    below = [data_dir / name / "raw" for name in OWN.values() if os.path.isdir(data_dir / name / "raw")]
    if data_dir / OWN.get(own, "") / "raw" in below:
        below = [data_dir / OWN[own] / "raw"]
    for folder in (data_dir, *below):
        if folder != data_dir and len(below) > 1:
            several = " and ".join(str(place) for place in below)
            raise UserError(f"{data_dir} contains {several}: expected one data set; pass one of them as --data_dir.")
        sets = {found[1] for name in pictures.names_in(folder, LAYOUT) if (found := FILES.fullmatch(name))}
        if len(sets) > 1:
            names = " and of ".join(sorted(f"emnist-{name}-*" if name else "train-* and t10k-*" for name in sets))
            raise UserError(
                f"{folder} contains files of {names}: expected the four files of one data set; keep one and move the "
                "others."
            )
        if sets:
            return folder, sets.pop()
    return None, None


def from_idx(folder: pathlib.Path, emnist: str | None, split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """One split of four IDX files: images (n, 28, 28) uint8, labels (n,) uint8, names of the classes if known."""
    prefixes = (
        {"train": f"emnist-{emnist}-train", "test": f"emnist-{emnist}-test"}
        if emnist
        else {"train": "train", "test": "t10k"}
    )
    files = {
        (part, kind): find(folder, prefix, kind)
        for part, prefix in prefixes.items()
        for kind in ("images-idx3", "labels-idx1")
    }
    images, labels = read_idx(files[split, "images-idx3"], SIDE, SIDE), read_idx(files[split, "labels-idx1"])
    if len(labels) != len(images):
        raise UserError(
            f"{files[split, 'labels-idx1']} has {len(labels)} labels for the {len(images)} pictures in "
            f"{files[split, 'images-idx3']}: "
            "expected one for each; restore both files from the same source."
        )
    place = pathlib.Path(os.path.abspath(folder))
    classes = EMNIST[emnist] if emnist else RAW.get(place.parent.name, ()) if place.name == "raw" else ()
    pictures.check_labels(labels, classes, files[split, "labels-idx1"])
    return images.swapaxes(1, 2) if emnist else images, labels, classes  # EMNIST's pictures are transposed in its files


def find(folder: pathlib.Path, prefix: str, kind: str) -> pathlib.Path:
    """The path of one of the four files, in any of its four spellings. Raises UserError if it is missing."""
    for separator in "-.":
        for ending in ("", ".gz"):
            path = folder / f"{prefix}-{kind.replace('-', separator)}-ubyte{ending}"
            if os.path.isfile(path):
                return path
    raise UserError(
        f"there is no file {folder / prefix}-{kind}-ubyte or {prefix}-{kind}-ubyte.gz: expected --data_dir to contain "
        "the "
        "four files of a data set, pictures and labels for training and testing; restore it or correct the path."
    )


def read_idx(path: pathlib.Path, *shape: int) -> np.ndarray:
    """An IDX file of bytes, gzipped or not, as (n, *shape) uint8.

    Raises UserError, naming the file, if it is not one of that shape.
    """
    what = f"pictures of {'x'.join(map(str, shape))} bytes" if shape else "labels of one byte"
    expected = f"expected an IDX file of {what}; restore the file"
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            header = file.read(8 + 4 * len(shape))
            if header[:4] != bytes((0, 0, 8, 1 + len(shape))):
                raise UserError(
                    f"{path} starts with {header[:4].hex() or 'no byte'}, not with 00000{801 + len(shape)}: {expected}."
                )
            if len(header) < 8 + 4 * len(shape):
                raise UserError(f"{path} ends in its header: {expected}.")
            n, *found = struct.unpack(f">{1 + len(shape)}I", header[4:])
            if tuple(found) != shape:
                raise UserError(
                    f"{path} has {'x'.join(map(str, found))} bytes an example according to its header: {expected}."
                )
            if not 0 < n <= MOST:
                raise UserError(
                    f"{path} has {n} examples according to its header: expected 1 to {MOST}; restore the file."
                )
            size = n * int(np.prod(shape, dtype=int))
            content = read_through(file, size)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): {expected}.") from None
    if len(content) != size:
        held = f"more than {size}" if len(content) > size else len(content)
        raise UserError(
            f"{path} contains {held} bytes after its header: expected {size} for {n} {what}; restore the file."
        )
    return np.frombuffer(content, np.uint8).reshape(n, *shape)


class Readable(Protocol):
    """What is open for reading bytes: a file, or one in a gzip or zip archive."""

    def read(self, size: int, /) -> bytes: ...


def read_through(file: Readable, size: int) -> bytearray:
    """The rest of a file, but at most one byte more than `size`.

    Memory grows with what the file contains, not with what its header says.
    """
    content = bytearray()
    while len(content) <= size and (block := file.read(min(size + 1 - len(content), 1 << 20))):
        content += block
    return content


def find_npz(data_dir: pathlib.Path) -> pathlib.Path:
    """The path of mnist.npz, which Keras keeps in a folder with others, or of the only .npz.

    Raises UserError if there is none, or several of another name.
    """
    names = [
        name
        for name in pictures.names_in(data_dir, LAYOUT)
        if name.lower().endswith(".npz") and os.path.isfile(data_dir / name)
    ]
    if not names:
        raise UserError(f"{data_dir} contains neither IDX files nor an .npz file: {LAYOUT}.")
    if len(names) > 1 and "mnist.npz" not in names:
        raise UserError(
            f"{data_dir} contains {' and '.join(names)}: expected mnist.npz or a single .npz file; move the others "
            "elsewhere."
        )
    return data_dir / ("mnist.npz" if "mnist.npz" in names else names[0])


def find_kmnist(data_dir: pathlib.Path) -> str:
    """ "kmnist" or "k49" if some of its four .npz are in the folder, else ""."""
    found = {match[1] for name in pictures.names_in(data_dir, LAYOUT) if (match := KMNIST.fullmatch(name))}
    return max(found, default="")  # kmnist, if both are there


def from_kmnist(data_dir: pathlib.Path, kind: str, split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """One split of KMNIST's or Kuzushiji-49's .npz: images (n, 28, 28) uint8, labels (n,), names of the classes.

    Raises UserError, naming the file, if one of the four is missing or damaged.
    """
    for part in ("train", "test"):
        for what in ("imgs", "labels"):
            path = data_dir / f"{kind}-{part}-{what}.npz"
            if not os.path.isfile(path):
                raise UserError(
                    f"there is no file {path}: expected --data_dir to contain the four files of a data set, pictures "
                    "and labels for training and testing; restore it or correct the path."
                )
    images = _only_array(data_dir / f"{kind}-{split}-imgs.npz", SIDE, SIDE)
    path = data_dir / f"{kind}-{split}-labels.npz"
    labels = _only_array(path)
    if len(labels) != len(images):
        raise UserError(
            f"{path} has {len(labels)} labels for {len(images)} pictures: expected one for each; restore both files "
            "from the same source."
        )
    classes = RAW["KMNIST"] if kind == "kmnist" else ()
    pictures.check_labels(labels, classes, path)
    return images, labels, classes


def _only_array(path: pathlib.Path, *shape: int) -> np.ndarray:
    """arr_0 of an .npz; see `read_npy`."""
    expected = "expected arr_0 as numpy.savez writes it; restore the file"
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            if "arr_0.npy" not in archive.namelist():
                raise UserError(f"{path} does not contain arr_0: {expected}.")
            return read_npy(archive, "arr_0", f"{path}, arr_0", *shape)
    except DAMAGED as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): {expected}.") from None


def from_npz(path: pathlib.Path, split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """One split of an .npz with x_train, y_train, x_test and y_test: images (n, 28, 28) uint8, labels (n,), names of
    the classes if known.

    Raises:
        UserError: naming the file, and the array if it is to blame. An array of objects, which would be a pickle, is
            refused without being read.
    """
    expected = "expected x_train, y_train, x_test and y_test as numpy.savez writes them; restore the file"
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            for name in ("x_train", "y_train", "x_test", "y_test"):
                if f"{name}.npy" not in archive.namelist():
                    raise UserError(f"{path} does not contain {name}: {expected}.")
            images = read_npy(archive, f"x_{split}", f"{path}, x_{split}", SIDE, SIDE)
            labels = read_npy(archive, f"y_{split}", f"{path}, y_{split}")
    except DAMAGED as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): {expected}.") from None
    if len(labels) != len(images):
        raise UserError(
            f"{path} has {len(labels)} labels for the {len(images)} pictures of x_{split}: expected one for each; "
            "restore "
            "the file."
        )
    pictures.check_labels(labels, (), f"{path}, y_{split},")
    return images, labels, DIGITS if path.name == "mnist.npz" and labels.max() < len(DIGITS) else ()


def read_npy(archive: zipfile.ZipFile, name: str, where: str, *shape: int) -> np.ndarray:
    """One array of an open .npz, as (n, *shape) uint8, or (n,) integers if there is no shape.

    Raises UserError, with a message that starts with `where`.
    """
    what = f"bytes of the shape (n, {', '.join(map(str, shape))})" if shape else "integers of the shape (n,)"
    expected = f"expected {what} as numpy.savez writes them; restore the file"
    compression = archive.getinfo(f"{name}.npy").compress_type
    if compression not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # LZMA allocates what its header says
        raise UserError(f"{where} is compressed, but not by deflate: {expected}.")
    with archive.open(f"{name}.npy") as file:
        start = file.read(10)
        if start[:8] != b"\x93NUMPY\1\0":
            raise UserError(
                f"{where} starts with {start[:8].hex() or 'no byte'}, not with 934e554d50590100: {expected}."
            )
        header = file.read(int.from_bytes(start[8:], "little")).decode("latin-1")
        found = HEADER.fullmatch(header)
        numbers = tuple(map(int, found[3].split(", "))) if found else ()
        if not found or numbers[1:] != shape or (shape and found[1].lstrip("<>|=") != "u1"):
            raise UserError(f"{where} has the header {header.strip()[:90]!r}: {expected}.")
        n, dtype = numbers[0], np.dtype(found[1])
        if not 0 < n <= MOST:
            raise UserError(
                f"{where} has {n} examples according to its header: expected 1 to {MOST}; restore the file."
            )
        size = dtype.itemsize * int(np.prod(numbers))
        content = read_through(file, size)
    if len(content) != size:
        held = f"more than {size}" if len(content) > size else len(content)
        raise UserError(f"{where} contains {held} bytes after its header: expected {size}; restore the file.")
    return np.frombuffer(content, dtype).reshape(numbers, order="F" if found[2] == "True" else "C")


def resize(images: np.ndarray, image_size: int) -> np.ndarray:
    """Pictures (n, 28, 28) as (n, image_size, image_size); see `load`."""
    return images if image_size == SIDE else pictures.lanczos(np.pad(images, ((0, 0), (2, 2), (2, 2))), image_size)
