"""Pictures with depth, in pairs below train/ and test/ that have the same name but for what tells them apart.

    NAME.color.jpg    NAME.depth.png
    NAME_rgb.png      NAME_depth.png
    NAME_i.png        NAME_f.png         as the toolbox of NYU Depth v2 writes them, the depth with its holes filled
    color/NAME.jpg    depth/NAME.png     or colors/ or rgb/

Depth is a picture in 8- or 16-bit grey.
"""

import functools
import os
import pathlib
import re

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, fail
from tfgen.data.pictures import shown
from tfgen.data.source import Source

FORMATS, DEPTH_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP"), ("PNG", "TIFF")
KINDS = {"color": "colour", "colors": "colour", "rgb": "colour", "i": "colour", "depth": "depth", "f": "depth"}
NAME = re.compile(r"(.+)[._-](color|rgb|i|depth|f)\.\w+", re.IGNORECASE)
FOLDERS = ("color", "colors", "rgb", "depth")
FARTHEST = 10_000  # millimetres
LAYOUT = (
    "expected --data_dir to hold train/ and test/ with pairs of NAME.color.jpg and NAME.depth.png, NAME_rgb.png and NAME_depth.png, "
    "NAME_i.png and NAME_f.png, or color/NAME.jpg and depth/NAME.png; restore it or correct the path"
)


def load(split, data_dir, image_size=64, examples=None, *, problem=fail, depth_unit=0.001):
    """Reads one split, "train" or "test", in the order of the names.

    Args:
        split: names the folder.
        data_dir: folder of both splits.
        image_size: side the pictures' central squares are brought to; `read_color` and `read_depth` say how.
        examples: only the first so many; None is all.
        problem: is told the UserError of each picture without its partner, or with two.
        depth_unit: metres that one step of a depth picture means: 0.001 for millimetres, 10 / 255 for 10 m in 8 bits.

    Returns:
        Source with images (n, image_size, image_size, 3) and depth (n, image_size, image_size, 1) uint16, millimetres
        from 1 to 10,000 or 0 for a hole, neither decoded yet.

    Raises:
        UserError: for a folder that is missing or holds no pair; it names it.
    """
    if not 0 < depth_unit <= FARTHEST / 1000:
        raise UserError(
            f"--depth_unit must be more than 0 and at most {FARTHEST // 1000} metres a step, not {depth_unit}."
        )
    root = pathlib.Path(data_dir)
    pictures.names_in(root, LAYOUT)
    # Both, for a report must not find out after the training that there is no test set.
    pairs = {
        part: find_pairs(root / part, root, problem if part == split else lambda error: None)
        for part in ("train", "test")
    }
    colors = [functools.partial(read_color, color, image_size) for color, _ in pairs[split][:examples]]
    depths = [
        functools.partial(read_depth, depth, os.path.relpath(color, os.path.dirname(depth)), image_size, depth_unit)
        for color, depth in pairs[split][:examples]
    ]
    images, depth = Files(colors, (image_size, image_size, 3)), Files(depths, (image_size, image_size, 1), np.uint16)
    return Source(f"rgbd/{split} in {shown(root)}", images, np.zeros((len(images), 0), np.uint8), depth=depth)


def find_pairs(folder, root, problem):
    """The (path of the colour, path of the depth) of every pair in a folder, sorted by name.

    Args:
        folder: of one split.
        root: --data_dir.
        problem: is told the UserError of each picture without its partner, or with two, and of what may not be read.

    Raises:
        UserError: if the folder cannot be listed or holds no pair.
    """
    found = {}  # {name: {"colour": paths, "depth": paths}}, each below the folder
    files, folders, refused = pictures.contents(folder, root, expected=LAYOUT)
    for file in (*files, *refused):
        if match := NAME.fullmatch(file):
            found.setdefault(match[1], {}).setdefault(KINDS[match[2].lower()], []).append(file)
    for below in folders:
        if below.lower() in FOLDERS:
            files, _, links = pictures.contents(folder / below, root)
            refused |= {os.path.join(below, file): error for file, error in links.items()}
            for file in (*files, *links):
                found.setdefault(os.path.splitext(file)[0], {}).setdefault(KINDS[below.lower()], []).append(
                    os.path.join(below, file)
                )
    pairs = []
    for name, kinds in sorted(found.items()):
        paths = [path for kind in ("colour", "depth") for path in kinds.get(kind, [])]
        fault = next((refused[path] for path in paths if path in refused), None) or _fault(folder, kinds)
        if fault:
            problem(fault)
        else:
            pairs.append(tuple(os.path.join(folder, path) for path in paths))
    if not pairs:
        raise UserError(f"{shown(folder)} holds no pair: {LAYOUT}.")
    return pairs


def _fault(folder, kinds):
    """The UserError of a name without just one picture of each kind, or None."""
    for kind, other in (("colour", "depth"), ("depth", "colour")):
        if kind not in kinds:
            what = f"has no partner in {kind}: expected one beside it; restore it or remove the picture"
            return UserError(f"{shown(folder / kinds[other][0])} {what}.")
        if len(kinds[kind]) > 1:
            first, second = kinds[kind][:2]
            return UserError(
                f"{shown(folder / first)} is the {kind} of the same name as {shown(folder / second)}: expected one; remove the other."
            )
    return None


def read_color(path, image_size):
    """The central square of a colour picture as (image_size, image_size, 3) uint8, resized with an anti-aliased filter.

    Raises UserError, naming the file, if it is damaged or of another kind.
    """
    with pictures.opened(path, FORMATS, "expected a picture in colour; restore it or remove the pair") as picture:
        return pictures.pixels(pictures.square(pictures.to_rgb(picture), image_size))


def read_depth(path, color, image_size, depth_unit):
    """The central square of a depth picture as (image_size, image_size, 1) uint16 millimetres, 0 for a hole.

    It takes the nearest pixel: a mean over an edge would lie where nothing is, and one over a hole too near; so every
        value is a measured
    one, and holes stay as frequent as they are. The largest number of the picture's type is a hole as 0 is. So is what
    lies beyond 10 m: the networks see 10 m as 1, and depth cut there would be a wall that does not exist.

    Args:
        path: of the depth, in 8- or 16-bit grey.
        color: path of its partner, from the depth's folder, which must have the same size.
        image_size: side in pixels.
        depth_unit: metres that one step means.

    Raises:
        UserError: naming the file, if it is damaged, of another kind or size, or all holes.
    """
    color = os.path.normpath(os.path.join(os.path.dirname(path), color))
    with pictures.opened(color, FORMATS, "expected a picture in colour; restore it or remove the pair") as picture:
        size = picture.size
    expected = f"expected {size[0]}x{size[1]} pixels, as {shown(os.path.basename(color))} has, in 8- or 16-bit grey; restore it or remove the pair"
    with pictures.opened(path, DEPTH_FORMATS, expected) as picture:
        if picture.size != size:
            raise UserError(f"{shown(path)} has {picture.width}x{picture.height} pixels: {expected}.")
        if picture.mode != "L" and not picture.mode.startswith("I;16"):
            raise UserError(f"{shown(path)} has the mode {picture.mode}: {expected}.")
        most = 255 if picture.mode == "L" else 65_535
        steps = np.asarray(pictures.square(picture, image_size, Image.Resampling.NEAREST)).astype(np.float64)
    millimetres = np.rint(steps * (1000 * depth_unit))
    millimetres[(steps == most) | (millimetres > FARTHEST)] = 0
    if not millimetres.any():
        what = f"has no depth from 1 to {FARTHEST} mm at {depth_unit:g} m a step: expected some"
        raise UserError(f"{shown(path)} {what}; give the --depth_unit it was written in, or remove the pair.")
    return millimetres.astype(np.uint16)[..., None]
