"""Pictures in a folder for each class: `train/<class>/*.jpg` and `test/<class>/*.jpg`, or PNG, BMP, WebP or GIF, of any size and mode."""

import os
import pathlib

import numpy as np
from PIL import ImageOps

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.source import Source

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
LAYOUT = "expected --data_dir to hold train/ and test/ with a folder of pictures for each class; restore it or correct the path"


def load(split, data_dir, image_size=32, examples=None):
    """Reads one split, "train" or "test".

    The classes are dealt out in turn, the first picture of each, then the second of each, so that the first examples show them all.

    Args:
        split: names the folder.
        data_dir: folder of both splits.
        image_size: side the pictures' central squares are brought to, with an anti-aliased filter.
        examples: decode only the first so many; None is all.

    Returns:
        Source with images (n, image_size, image_size, 3) and labels, the places of the classes in the order of their names.

    Raises:
        UserError: for a folder that is missing or empty, classes that differ between the splits, and pictures outside a class or damaged;
            it names the folder or the file.
    """
    data_dir = pathlib.Path(data_dir)
    pictures.names_in(data_dir, LAYOUT)
    classes = {part: find_pictures(data_dir / part) for part in ("train", "test")}
    single = set(classes["train"]) ^ set(classes["test"])
    if single:
        name = min(single)
        here, missing = ("train", "test") if name in classes["train"] else ("test", "train")
        raise UserError(
            f"there is no folder {data_dir / missing / name}: expected the same classes in train/ and test/; restore it or remove "
            f"{here}/{name}."
        )
    turns = sorted((turn, label, path) for label, paths in enumerate(classes[split].values()) for turn, path in enumerate(paths))[:examples]
    images = np.empty((len(turns), image_size, image_size, 3), np.uint8)

    def read(i):
        images[i] = read_picture(turns[i][2], image_size)

    pictures.in_parallel(read, len(turns), data_dir / split)
    labels = np.array([label for _, label, _ in turns], np.int32)
    return Source(f"folder/{split} in {data_dir}", images, np.zeros((len(images), 0), np.uint8), labels=labels)


def find_pictures(folder):
    """The classes of one split: {name: its pictures' paths}, both sorted. Other files and hidden ones are passed over.

    Raises:
        UserError: for a folder without classes, a class without pictures and a picture outside a class.
    """
    classes = {}
    for name in pictures.names_in(folder, LAYOUT):
        if os.path.isdir(folder / name):
            names = pictures.names_in(folder / name, "expected a folder of pictures; make it readable")
            classes[name] = [folder / name / picture for picture in names if picture.lower().endswith(ENDINGS)]
            if not classes[name]:
                raise UserError(f"{folder / name} holds no picture: expected {', '.join(ENDINGS)}; restore them or remove the folder.")
        elif name.lower().endswith(ENDINGS):
            raise UserError(f"{folder / name} is in no class: expected pictures in {folder / '<class>'} alone; move it to such a folder.")
    if not classes:
        raise UserError(f"{folder} holds no folder: {LAYOUT}.")
    return classes


def read_picture(path, image_size):
    """One picture, upright as its EXIF says, as (image_size, image_size, 3) uint8. Raises UserError, naming the file, if it is damaged."""
    with pictures.opened(path, FORMATS, "expected a picture that can be decoded; restore or remove it") as picture:
        return np.asarray(pictures.square(pictures.to_rgb(ImageOps.exif_transpose(picture)), image_size))
