"""Pictures with depth: pairs of files in train/ and test/, with names that differ only in the kind of picture.

    NAME.color.jpg    NAME.depth.png
    NAME_rgb.png      NAME_depth.png
    NAME_i.png        NAME_f.png         from the toolbox of NYU Depth v2, with the holes in the depth filled
    color/NAME.jpg    depth/NAME.png     or colors/ or rgb/

Depth is an 8- or 16-bit grayscale picture.
"""

import functools
import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, Problem, fail
from tfgen.data.pictures import shown
from tfgen.data.source import Source

FORMATS, DEPTH_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP"), ("PNG", "TIFF")
KINDS = {"color": "color", "colors": "color", "rgb": "color", "i": "color", "depth": "depth", "f": "depth"}
NAME = re.compile(r"(.+)[._-](color|rgb|i|depth|f)\.\w+", re.IGNORECASE)
FOLDERS = ("color", "colors", "rgb", "depth")
FARTHEST = 10_000  # millimeters
LAYOUT = (
    "expected --data_dir to contain train/ and test/ with pairs of NAME.color.jpg and NAME.depth.png, NAME_rgb.png and "
    "NAME_depth.png, "
    "NAME_i.png and NAME_f.png, or color/NAME.jpg and depth/NAME.png; restore it or correct the path"
)


def load(
    split: str,
    data_dir: str | pathlib.Path,
    image_size: int = 64,
    examples: int | None = None,
    *,
    problem: Problem = fail,
    depth_unit: float = 0.001,
) -> Source:
    """Reads one split, "train" or "test", in the order of the names.

    Args:
        split: chooses the folder.
        data_dir: folder of both splits.
        image_size: side that the central squares of the pictures are resized to; see `read_color` and `read_depth`.
        examples: read at most this many examples; None for all.
        problem: called with the UserError of each picture without a partner, or with two.
        depth_unit: meters per unit of a depth picture: 0.001 for millimeters, 10 / 255 for 10 m in 8 bits.

    Returns:
        Source with images (n, image_size, image_size, 3) and depth (n, image_size, image_size, 1) uint16, millimeters
        from 1 to 10,000 or 0 for a hole, neither decoded yet.

    Raises:
        UserError: naming the folder, if it is missing or contains no pairs.
    """
    if not 0 < depth_unit <= FARTHEST / 1000:
        raise UserError(
            f"--depth_unit must be more than 0 and at most {FARTHEST // 1000} meters per step, not {depth_unit}."
        )
    root = pathlib.Path(data_dir)
    pictures.names_in(root, LAYOUT)
    # Both splits: otherwise a missing test set would only be noticed after the training.
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


def find_pairs(folder: pathlib.Path, root: pathlib.Path, problem: Problem) -> list[tuple[str, str]]:
    """(path of the color picture, path of the depth picture) of each pair in a folder, sorted by name.

    Args:
        folder: folder of one split.
        root: --data_dir.
        problem: called with the UserError of each picture without a partner, or with two, and each file that must not
            be read.

    Raises:
        UserError: if the folder cannot be listed or contains no pairs.
    """
    found: dict[str, dict[str, list[str]]] = {}  # {name: {"color": paths, "depth": paths}}, each below the folder
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
    for _, kinds in sorted(found.items()):
        paths = [path for kind in ("color", "depth") for path in kinds.get(kind, [])]
        fault = next((refused[path] for path in paths if path in refused), None) or _fault(folder, kinds)
        if fault:
            problem(fault)
        else:
            pairs.append((os.path.join(folder, paths[0]), os.path.join(folder, paths[1])))
    if not pairs:
        raise UserError(f"{shown(folder)} contains no pairs: {LAYOUT}.")
    return pairs


def _fault(folder: pathlib.Path, kinds: Mapping[str, list[str]]) -> UserError | None:
    """The UserError of a name without exactly one picture of each kind, or None."""
    for kind, other in (("color", "depth"), ("depth", "color")):
        if kind not in kinds:
            what = f"has no {kind} picture with its name: expected one; restore it or remove the picture"
            return UserError(f"{shown(folder / kinds[other][0])} {what}.")
        if len(kinds[kind]) > 1:
            first, second = kinds[kind][:2]
            return UserError(
                f"{shown(folder / first)} is the {kind} of the same name as {shown(folder / second)}: expected one; "
                "remove the other."
            )
    return None


def read_color(path: str, image_size: int) -> np.ndarray:
    """The central square of a color picture as (image_size, image_size, 3) uint8, resized with an anti-aliased filter.

    Raises UserError, naming the file, if it is damaged or of another kind.
    """
    with pictures.opened(path, FORMATS, "expected a color picture; restore it or remove the pair") as picture:
        return pictures.pixels(pictures.square(pictures.to_rgb(picture), image_size))


def read_depth(path: str, color: str, image_size: int, depth_unit: float) -> np.ndarray:
    """The central square of a depth picture as (image_size, image_size, 1) uint16 in millimeters, 0 for a hole.

    It is resized to the nearest pixels, so every value is a measured one and holes are as frequent as before: a mean
    over an edge would be a depth where nothing is, and a mean over a hole would be too near. Holes are 0, the largest
    number of the picture's type, and all that is beyond 10 m: for the networks 10 m is 1, and clipped depth would be a
    wall that does not exist.

    Args:
        path: path of the depth, an 8- or 16-bit grayscale picture.
        color: path of its partner, relative to the depth's folder; both must have the same size.
        image_size: side in pixels.
        depth_unit: meters per unit.

    Raises:
        UserError: naming the file, if it is damaged, has another kind or size, or is all holes.
    """
    color = os.path.normpath(os.path.join(os.path.dirname(path), color))
    with pictures.opened(color, FORMATS, "expected a color picture; restore it or remove the pair") as picture:
        size = picture.size
    expected = (
        f"expected {size[0]}x{size[1]} pixels, as {shown(os.path.basename(color))} has, in 8- or 16-bit grayscale; "
        "restore it or remove the pair"
    )
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
        what = f"has no depth from 1 to {FARTHEST} mm at {depth_unit:g} m per step: expected some"
        raise UserError(f"{shown(path)} {what}; set --depth_unit to the unit it was written in, or remove the pair.")
    return millimetres.astype(np.uint16)[..., None]
