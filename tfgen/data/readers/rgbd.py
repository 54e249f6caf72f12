"""Pictures with depth: pairs of files in train/ and test/, with names that differ only in the kind of picture.

    NAME.color.jpg    NAME.depth.png
    NAME_rgb.png      NAME_depth.png
    NAME_i.png        NAME_f.png         from the toolbox of NYU Depth v2, with the holes in the depth filled
    color/NAME.jpg    depth/NAME.png     or colors/, rgb/, images/ and depths/
    rgb/SECONDS.png   depth/SECONDS.png  as in TUM's RGB-D benchmark: those closest in time, at most .02 s apart

Pairs may be in folders, such as scene/seq-01/. Scenes of 7-Scenes are divided by their files TrainSplit.txt and
TestSplit.txt, in which sequence1 is the folder seq-01. If there are neither these nor train/ and test/ (in any case, or
training/, val/ ...), one pair in ten is in the test set, by its name; frames of a video are better divided by sequence.

Depth is an 8- or 16-bit grayscale picture, a TIFF of floating-point numbers, or an .npy of either.
"""

import bisect
import functools
import os
import pathlib
import re
from collections.abc import Iterable, Mapping

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, Problem, fail
from tfgen.data.pictures import shown
from tfgen.data.readers import folder as any_folder
from tfgen.data.source import Source

DEPTH_FORMATS = ("PNG", "TIFF", "PPM")
KINDS = {"color": "color", "rgb": "color", "i": "color", "depth": "depth", "f": "depth"}
NAME = re.compile(r"(.+)[._-](color|rgb|i|depth|f)\.\w+", re.IGNORECASE)
FOLDERS = {
    **dict.fromkeys(("color", "colors", "rgb", "image", "images"), "color"),
    **dict.fromkeys(("depth", "depths"), "depth"),
}
SPLIT_FILES = {"train": "TrainSplit.txt", "test": "TestSplit.txt"}
SEQUENCE = re.compile(r"sequence(\d{1,3})", re.ASCII | re.IGNORECASE)
SECONDS = re.compile(r"\d+\.\d+", re.ASCII)
APART = 0.02  # seconds, as in the benchmark's associate.py
FARTHEST = 10_000  # millimeters
SHAPES = 0.01  # how much the aspect ratios of color and depth may differ: 1296x968 and 640x480
LAYOUT = (
    "expected --data_dir to contain train/ and test/ with pairs of NAME.color.jpg and NAME.depth.png, NAME_rgb.png and "
    "NAME_depth.png, NAME_i.png and NAME_f.png, or color/NAME.jpg and depth/NAME.png; restore it or correct the path"
)


def load(
    split: str,
    data_dir: str | pathlib.Path,
    image_size: int = 64,
    examples: int | None = None,
    *,
    problem: Problem = fail,
    depth_unit: float | None = None,
) -> Source:
    """Reads one split, "train" or "test", in the order of the names.

    Args:
        split: chooses the folder.
        data_dir: folder of both splits.
        image_size: side that the central squares of the pictures are resized to; see `read_color` and `read_depth`.
        examples: read at most this many examples; None for all.
        problem: called with the UserError of each picture without a partner, or with two.
        depth_unit: meters per unit of a depth picture: 0.001 for millimeters, 10 / 255 for 10 m in 8 bits; None for
            0.001 if the values are integers and 1 if they are floating-point numbers.

    Returns:
        Source with images (n, image_size, image_size, 3) and depth (n, image_size, image_size, 1) uint16, millimeters
        from 1 to 10,000 or 0 for a hole, neither decoded yet.

    Raises:
        UserError: naming the folder, if it is missing or contains no pairs.
    """
    if depth_unit is not None and not 0 < depth_unit <= FARTHEST / 1000:
        raise UserError(
            f"--depth_unit must be more than 0 and at most {FARTHEST // 1000} meters per step, not {depth_unit}."
        )
    root = pathlib.Path(data_dir)
    _, folders, refused = pictures.contents(root, root, expected=LAYOUT)
    places = pictures.split_folders((*folders, *refused), root)
    if places:
        # Both splits: otherwise a missing test set would only be noticed after the training.
        pairs = {
            part: list(find_pairs(root / place, root, problem if part == split else lambda error: None).values())
            for part, place in places.items()
        }
    elif sequences := find_sequences([root, *(root / name for name in folders)], root):
        found = find_pairs(root, root, problem)
        pairs = {
            part: [pair for name, pair in found.items() if any(name.startswith(f"{place}/") for place in chosen)]
            for part, chosen in sequences.items()
        }
        for part, chosen in pairs.items():
            if not chosen:
                raise UserError(f"{shown(root)} contains no pairs of {SPLIT_FILES[part]}: restore its sequences.")
    else:
        found = find_pairs(root, root, problem)
        pairs = {
            part: [pair for name, pair in found.items() if any_folder.in_test(name) == (part == "test")]
            for part in ("train", "test")
        }
        for part in pairs:
            if not pairs[part]:
                what = f"contains {len(found)} pairs, too few to split: none is in the {part} set"
                raise UserError(f"{shown(root)} {what}; add some, or put them into train/ and test/.")
    unit = 0.001 if depth_unit is None else depth_unit
    floats = {} if depth_unit is None else {"of_floats": depth_unit}
    colors = [functools.partial(read_color, color, image_size) for color, _ in pairs[split][:examples]]
    depths = [
        functools.partial(
            read_depth,
            depth,
            os.path.relpath(color, os.path.dirname(depth)),
            image_size,
            unit,
            **(floats if depth.lower().endswith((".npy", ".tif", ".tiff")) else {}),  # the others have none
        )
        for color, depth in pairs[split][:examples]
    ]
    images, depth = Files(colors, (image_size, image_size, 3)), Files(depths, (image_size, image_size, 1), np.uint16)
    return Source(f"rgbd/{split} in {shown(root)}", images, np.zeros((len(images), 0), np.uint8), depth=depth)


def find_sequences(scenes: Iterable[pathlib.Path], root: pathlib.Path) -> dict[str, list[str]]:
    """{"train" and "test": folders of sequences below root} according to the scenes' TrainSplit.txt and TestSplit.txt.

    Empty if no scene has them.

    Raises:
        UserError: if one of the two is missing or cannot be read, a line is not a sequence, or a sequence is missing or
            in both.
    """
    found: dict[str, list[str]] = {}
    for scene in scenes:
        paths = {part: scene / name for part, name in SPLIT_FILES.items()}
        if not any(os.path.exists(path) for path in paths.values()):
            continue
        for part, path in paths.items():
            try:
                lines = path.read_text(encoding="utf-8-sig").split("\n")
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not a text"
                raise UserError(f"{shown(path)} cannot be read ({reason}): restore it.") from None
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                match = SEQUENCE.fullmatch(line.strip())
                place = scene / f"seq-{int(match[1]):02d}" if match else None
                if place is None or not place.is_dir():
                    expected = "sequence1, sequence2, ... with the folders seq-01, seq-02, ..."
                    raise UserError(
                        f"{shown(path)}, line {number}: there is no {shown(line.strip()[:40])!r}, expected {expected}"
                        " beside the file; restore them."
                    )
                name = pictures.composed(os.path.relpath(place, root))
                if any(name in chosen for chosen in found.values()):
                    raise UserError(
                        f"{shown(path)}, line {number}: {shown(name)} is named twice; remove one of the two."
                    )
                found.setdefault(part, []).append(name)
    return {part: found.get(part, []) for part in SPLIT_FILES} if found else {}


def find_pairs(folder: pathlib.Path, root: pathlib.Path, problem: Problem) -> dict[str, tuple[str, str]]:
    """{name below the folder: (path of the color picture, path of the depth picture)} of each pair in a folder and in
    those below it, sorted by name.

    Args:
        folder: folder of one split.
        root: --data_dir.
        problem: called with the UserError of each picture without a partner, or with two, and each file that must not
            be read.

    Raises:
        UserError: if the folder cannot be listed or contains no pairs.
    """
    tell = pictures.Complaints(problem)
    found: dict[str, dict[str, list[str]]] = {}  # {name: {"color": paths, "depth": paths}}, each below the folder
    refused: dict[str, UserError] = {}
    seen: set[str] = set()  # links may form a circle

    def collect(place: str, kind: str, prefix: str) -> None:
        if (real := os.path.realpath(folder / place)) in seen:
            return
        seen.add(real)
        files, folders, links = pictures.contents(
            folder / place, root, (*pictures.ENDINGS, ".npy"), LAYOUT if not place else pictures.READABLE
        )
        refused.update({os.path.join(place, file): error for file, error in links.items()})
        for file in (*files, *links):
            match = NAME.fullmatch(file)
            if kind or match:
                name, own = (
                    (os.path.splitext(file)[0], kind) if kind or not match else (match[1], KINDS[match[2].lower()])
                )
                key = pictures.composed(os.path.join(prefix, name))
                found.setdefault(key, {}).setdefault(own, []).append(os.path.join(place, file))
        for below in folders:
            own = FOLDERS.get(below.lower(), "") if not kind else ""
            collect(os.path.join(place, below), own or kind, prefix if own else os.path.join(prefix, below))

    collect("", "", "")
    join_by_time(found, join_by_kind(found))
    pairs = {}
    for name, kinds in sorted(found.items()):
        paths = [path for kind in ("color", "depth") for path in kinds.get(kind, [])]
        fault = next((refused[path] for path in paths if path in refused), None) or _fault(folder, kinds)
        if fault:
            tell(fault)
        else:
            pairs[name] = (os.path.join(folder, paths[0]), os.path.join(folder, paths[1]))
    if not pairs:
        raise UserError(f"{shown(folder)} contains no pairs{tell}: {LAYOUT}.")
    return pairs


def join_by_kind(found: dict[str, dict[str, list[str]]]) -> set[str]:
    """Joins names without a partner that differ in the kind of picture alone, as color/0_rgb.png and depth/0_depth.png
    do, and returns the names that are still alone.

    Args:
        found: {name: {"color": paths, "depth": paths}}, which is changed.
    """
    alone = {name for name, kinds in found.items() if len(kinds) == 1}
    for name in sorted(alone):
        (kind,) = found[name]
        match = NAME.fullmatch(f"{name}.png")
        if match and KINDS[match[2].lower()] == kind:
            found.setdefault(match[1], {}).setdefault(kind, []).extend(found.pop(name)[kind])
    return {name for name, kinds in found.items() if len(kinds) == 1}


def join_by_time(found: dict[str, dict[str, list[str]]], alone: set[str]) -> None:
    """Joins names in seconds without a partner to those that are closest in time, and forgets those with none within
    APART, because two cameras never take the same number of frames.

    Args:
        found: {name: {"color": paths, "depth": paths}}, which is changed.
        alone: names with one kind.
    """
    times: dict[str, dict[str, list[tuple[float, str]]]] = {}  # {folder: {kind: [(seconds, name)]}}
    for name in alone:
        folder, last = os.path.split(name)
        (kind,) = found[name]
        if SECONDS.fullmatch(last):
            times.setdefault(folder, {}).setdefault(kind, []).append((float(last), name))
    for kinds in times.values():
        if len(kinds) < 2:
            continue
        colors, depths = sorted(kinds["color"]), sorted(kinds["depth"])
        near = []
        for seconds, name in colors:
            start = bisect.bisect_left(depths, (seconds - APART, ""))
            for other_seconds, other in depths[start : bisect.bisect_right(depths, (seconds + APART, "\uffff"))]:
                near.append((abs(seconds - other_seconds), name, other))
        joined: set[str] = set()
        for _, name, other in sorted(near):
            if name not in joined and other not in joined:
                joined |= {name, other}
                found[name] |= found.pop(other)
        if joined:
            names = {name for _, name in colors + depths}
            for name in names - joined:
                del found[name]


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
    with pictures.opened(path, pictures.FORMATS, "expected a color picture; restore it or remove the pair") as picture:
        return pictures.pixels(pictures.square(pictures.to_rgb(picture), image_size))


def read_depth(path: str, color: str, image_size: int, depth_unit: float, of_floats: float = 1.0) -> np.ndarray:
    """The central square of a depth picture as (image_size, image_size, 1) uint16 in millimeters, 0 for a hole.

    It is resized to the nearest pixels, so every value is a measured one and holes are as frequent as before: a mean
    over an edge would be a depth where nothing is, and a mean over a hole would be too near. Holes are 0, the largest
    number of an integer type, what is not finite, and all that is beyond 10 m: for the networks 10 m is 1, and clipped
    depth would be a wall that does not exist.

    Args:
        path: path of the depth: an 8- or 16-bit grayscale picture, a TIFF of floating-point numbers, or an .npy.
        color: path of its partner, relative to the depth's folder; both must have the same shape, but depth is often
            smaller.
        image_size: side in pixels.
        depth_unit: meters per unit of integers.
        of_floats: meters per unit of floating-point numbers.

    Raises:
        UserError: naming the file, if it is damaged, has another kind or shape, or is all holes.
    """
    color = os.path.normpath(os.path.join(os.path.dirname(path), color))
    with pictures.opened(color, pictures.FORMATS, "expected a color picture; restore it or remove the pair") as picture:
        size = picture.size
    expected = (
        f"expected {size[0]}x{size[1]} pixels, as {shown(os.path.basename(color))} has, or that shape in another size, "
        "in 8- or 16-bit grayscale or floating-point numbers; restore it or remove the pair"
    )
    if path.lower().endswith(".npy"):
        picture = _in_array(path, expected)
        if not _same_shape(picture.size, size):
            raise UserError(f"{shown(path)} has {picture.width}x{picture.height} pixels: {expected}.")
        steps = np.asarray(pictures.square(picture, image_size, Image.Resampling.NEAREST))
    else:
        with pictures.opened(path, DEPTH_FORMATS, expected) as picture:
            if not _same_shape(picture.size, size):
                raise UserError(f"{shown(path)} has {picture.width}x{picture.height} pixels: {expected}.")
            wide = picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM")
            if picture.mode not in ("L", "F") and not wide:
                raise UserError(f"{shown(path)} has the mode {picture.mode}: {expected}.")
            steps = np.asarray(pictures.square(picture, image_size, Image.Resampling.NEAREST))
            steps = steps.astype(np.uint16) if picture.mode == "I" else steps  # Pillow reads 16 bits of a PGM as 32
    floats = steps.dtype.kind == "f"
    most = np.inf if floats else np.iinfo(steps.dtype).max
    unit = of_floats if floats else depth_unit
    values = np.where(np.isfinite(steps) & (steps >= 0), steps, 0).astype(np.float64)
    millimetres = np.rint(values * (1000 * unit))
    millimetres[(steps == most) | (millimetres > FARTHEST)] = 0
    if not millimetres.any():
        what = f"has no depth from 1 to {FARTHEST} mm at {unit:g} m per step: expected some"
        raise UserError(f"{shown(path)} {what}; set --depth_unit to the unit it was written in, or remove the pair.")
    return millimetres.astype(np.uint16)[..., None]


def _same_shape(depth: tuple[int, int], color: tuple[int, int]) -> bool:
    """Whether two sizes (width, height) are equal, or have the same aspect ratio but for a few pixels."""
    return abs(depth[0] * color[1] - depth[1] * color[0]) <= SHAPES * depth[1] * color[0]


def _in_array(path: str, expected: str) -> Image.Image:
    """An .npy (h, w), (h, w, 1) or (1, h, w) of uint8, uint16 or floating-point numbers as a Pillow picture.

    Raises UserError, naming the file, if it is something else; `expected` is the end of its message.
    """
    try:
        # Memory-mapped, so that nothing is allocated for a size that the file does not have; no pickles.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read ({error.strerror or 'it ends early'}): {expected}.") from None
    except Exception:  # NumPy evaluates the header, so there is no list
        raise UserError(f"{shown(path)} is not an array that numpy.save wrote, or is damaged: {expected}.") from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{shown(path)} is not an .npy: {expected}.")
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    plane = plane[0] if plane.ndim == 3 and len(plane) == 1 else plane
    if plane.ndim != 2 or not plane.size or (plane.dtype not in (np.uint8, np.uint16) and plane.dtype.kind != "f"):
        raise UserError(f"{shown(path)} is an array {array.shape} of {array.dtype}: {expected}.")
    if plane.size > (Image.MAX_IMAGE_PIXELS or plane.size):
        raise UserError(f"{shown(path)} has more pixels than Pillow accepts: {expected}.")
    return Image.fromarray(
        np.ascontiguousarray(plane, np.float32 if plane.dtype.kind == "f" else plane.dtype.newbyteorder("="))
    )
