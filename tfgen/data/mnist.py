"""MNIST and the sets given out like it, Fashion-MNIST and KMNIST: four IDX files, gzipped or not, of 28x28 grey pictures in ten classes."""

import gzip
import os
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data.source import Source

SIDE = 28
CLASSES = 10  # EMNIST has more, but other file names too, and its pictures lie on their side
MOST = 1_000_000  # examples in a file, so that a damaged or hostile one cannot fill the memory
PREFIXES = {"train": "train", "test": "t10k"}


def load(split, data_dir, image_size=32, examples=None):
    """Reads one split, "train" or "test", in the order of its files.

    Args:
        split: chooses the two files.
        data_dir: folder of the four files.
        image_size: side of the pictures. 28 leaves them as they are, 32 adds a border of 2 black pixels, and any other brings those of
            32x32 to it with an anti-aliased filter.
        examples: only the first so many; None is all. The files are checked as a whole all the same.

    Returns:
        Source with images (n, image_size, image_size, 1) and labels 0 to 9.

    Raises:
        UserError: for a file that is missing, damaged, of another kind or of another length than its header says; it names the file.
    """
    data_dir = pathlib.Path(data_dir)
    files = {(part, kind): find(data_dir, prefix, kind) for part, prefix in PREFIXES.items() for kind in ("images-idx3", "labels-idx1")}
    images, labels = read_idx(files[split, "images-idx3"], SIDE, SIDE), read_idx(files[split, "labels-idx1"])
    if len(labels) != len(images):
        raise UserError(
            f"{files[split, 'labels-idx1']} has {len(labels)} labels for the {len(images)} pictures in {files[split, 'images-idx3']}: "
            "expected one for each; restore the two files from the same source."
        )
    if labels.max() >= CLASSES:
        at = int(np.argmax(labels >= CLASSES))
        raise UserError(
            f"{files[split, 'labels-idx1']} has the label {labels[at]} for picture {at}: expected 0 to {CLASSES - 1}; restore the file."
        )
    images, labels = resize(images[:examples], image_size), labels[:examples].astype(np.int32)
    return Source(f"mnist/{split} in {data_dir}", images[..., None], np.zeros((len(images), 0), np.uint8), labels=labels)


def find(data_dir, prefix, kind):
    """The path of one of the four files, in any of its four spellings. Raises UserError if there is none."""
    for separator in "-.":
        for ending in ("", ".gz"):
            path = data_dir / f"{prefix}-{kind.replace('-', separator)}-ubyte{ending}"
            if os.path.isfile(path):
                return path
    raise UserError(
        f"there is no file {data_dir / prefix}-{kind}-ubyte or {prefix}-{kind}-ubyte.gz: expected --data_dir to hold the four files of "
        "MNIST, pictures and labels, train and t10k; restore it or correct the path."
    )


def read_idx(path, *shape):
    """An IDX file of bytes, gzipped or not, as (n, *shape) uint8. Raises UserError, naming it, if it is not one of that shape."""
    what = f"pictures of {'x'.join(map(str, shape))} bytes" if shape else "labels of one byte"
    expected = f"expected an IDX file of {what}; restore the file"
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else open(path, "rb") as file:
            header = file.read(8 + 4 * len(shape))
            if header[:4] != bytes((0, 0, 8, 1 + len(shape))):
                raise UserError(f"{path} begins with {header[:4].hex() or 'no byte'}, not with 00000{801 + len(shape)}: {expected}.")
            if len(header) < 8 + 4 * len(shape):
                raise UserError(f"{path} ends within its header: {expected}.")
            n, *found = struct.unpack(f">{1 + len(shape)}I", header[4:])
            if tuple(found) != shape:
                raise UserError(f"{path} is of {'x'.join(map(str, found))} bytes an example by its header: {expected}.")
            if not 0 < n <= MOST:
                raise UserError(f"{path} holds {n} examples by its header: expected 1 to {MOST}; restore the file.")
            size = n * int(np.prod(shape, dtype=int))
            content = bytearray()  # grows with what the file does hold: the header may lie
            while len(content) <= size and (block := file.read(min(size + 1 - len(content), 1 << 20))):
                content += block
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): {expected}.") from None
    if len(content) != size:
        held = f"more than {size}" if len(content) > size else len(content)
        raise UserError(f"{path} holds {held} bytes after its header: expected {size} for {n} {what}; restore the file.")
    return np.frombuffer(content, np.uint8).reshape(n, *shape)


def resize(images, image_size):
    """Pictures (n, 28, 28) as (n, image_size, image_size); `load` says how."""
    if image_size == SIDE:
        return images
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    if image_size == SIDE + 4:
        return images
    resized = np.empty((len(images), image_size, image_size), np.uint8)
    for i, image in enumerate(images):
        resized[i] = Image.fromarray(image).resize((image_size, image_size), Image.Resampling.LANCZOS)
    return resized
