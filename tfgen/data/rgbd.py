"""Pictures with depth: `train/000000.color.jpg` with `train/000000.depth.png`, 16-bit millimetres of the same size, and `test/` alike."""

import pathlib

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.source import Source

COLOR, DEPTH = ".color.jpg", ".depth.png"
FARTHEST = 10_000  # millimetres
LAYOUT = f"expected --data_dir to hold train/ and test/ with pairs of NAME{COLOR} and NAME{DEPTH}; restore it or correct the path"


def load(split, data_dir, image_size=64, examples=None):
    """Reads one split, "train" or "test", in the order of the names.

    Args:
        split: names the folder.
        data_dir: folder of both splits.
        image_size: side the pictures' central squares are brought to; `read_pair` says how.
        examples: decode only the first so many; None is all.

    Returns:
        Source with images (n, image_size, image_size, 3) and depth (n, image_size, image_size, 1) uint16, millimetres from 1 to 10,000 or
        0 for a hole.

    Raises:
        UserError: for a folder that is missing or empty, a picture without its partner, of another size than it, of another kind or
            damaged; it names the folder or the file.
    """
    data_dir = pathlib.Path(data_dir)
    pictures.names_in(data_dir, LAYOUT)
    pairs = {part: find_pairs(data_dir / part) for part in ("train", "test")}
    folder, names = data_dir / split, pairs[split][:examples]
    images = np.empty((len(names), image_size, image_size, 3), np.uint8)
    depth = np.empty((len(names), image_size, image_size, 1), np.uint16)

    def read(i):
        images[i], depth[i, ..., 0] = read_pair(folder, names[i], image_size)

    pictures.in_parallel(read, len(names), folder)
    if not depth.any():
        raise UserError(f"{folder} has no depth from 1 to {FARTHEST} in any {DEPTH}: expected millimetres; convert the depth pictures.")
    return Source(f"rgbd/{split} in {data_dir}", images, np.zeros((len(names), 0), np.uint8), depth=depth)


def find_pairs(folder):
    """Sorted names that a folder has both pictures of. Raises UserError for a picture without its partner, or if there is no pair."""
    files = pictures.names_in(folder, LAYOUT)
    colors, depths = ({name.removesuffix(ending) for name in files if name.endswith(ending)} for ending in (COLOR, DEPTH))
    if colors != depths:
        name = min(colors ^ depths)
        here, missing = (COLOR, DEPTH) if name in colors else (DEPTH, COLOR)
        raise UserError(f"{folder / name}{missing} is missing: expected it beside {name}{here}; restore it or remove its partner.")
    if not colors:
        raise UserError(f"{folder} holds no pair: {LAYOUT}.")
    return sorted(colors)


def read_pair(folder, name, image_size):
    """The central squares of one pair: colour (image_size, image_size, 3) uint8, depth (image_size, image_size) uint16.

    The colour is resized with an anti-aliased filter. The depth takes the nearest pixel: a mean over an edge would lie where nothing is,
    and one over a hole too near; so every value is a measured one, and holes stay as frequent as they are.

    Beyond 10 m is a hole, 65535 among it: the networks see 10 m as 1, and depth cut there would be a wall that does not exist.

    Raises:
        UserError: naming the file, if one of the two is damaged or of another kind, or if their sizes differ.
    """
    color, depth = folder / f"{name}{COLOR}", folder / f"{name}{DEPTH}"
    with pictures.opened(color, ("JPEG",), "expected a JPEG; restore the picture") as picture:
        size = picture.size
        image = np.asarray(pictures.square(pictures.to_rgb(picture), image_size))
    expected = f"expected a PNG of {size[0]}x{size[1]} pixels, as {color.name} has, in 16-bit grey; restore the picture"
    with pictures.opened(depth, ("PNG",), expected) as picture:
        if picture.size != size:
            raise UserError(f"{depth} has {picture.width}x{picture.height} pixels: {expected}.")
        if picture.mode != "I;16":
            raise UserError(f"{depth} has the mode {picture.mode}: {expected}.")
        millimetres = np.array(pictures.square(picture, image_size, Image.Resampling.NEAREST))
    millimetres[millimetres > FARTHEST] = 0
    return image, millimetres
