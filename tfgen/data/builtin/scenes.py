"""Ray-traced rooms with furniture and balls and their exact depth, in place of RGB-D pictures; nothing is bundled or
downloaded.

This module draws what is in a room, in meters, with z upwards; `raycast` turns it into pictures.
"""

import itertools
import math
from collections.abc import Iterator
from typing import TypeAlias, TypeVar

import numpy as np

from tfgen.data.builtin import raycast
from tfgen.data.builtin.painting import TEST_START as TEST_START
from tfgen.data.builtin.painting import Rgb, keep_freed_memory, split_range
from tfgen.data.builtin.raycast import Xyz
from tfgen.data.source import Source

T = TypeVar("T")
Material: TypeAlias = tuple[float, ...]  # 11 numbers, see `raycast.Scene`
Placed: TypeAlias = tuple[raycast.Thing, Material]

TRAIN, TEST = 8192, 1024

# One sensor carried at chest to eye height, as in NYU Depth. With any focal length and height, pictures would not tell
# their scale.
_FOCAL = 1 / math.tan(math.radians(29))  # in halves of the picture's side
_BASELINE = 0.075  # meters from the sensor's camera to its projector on the right
_FURNITURE = {  # half the width, depth and height, at least and at most; and the patterns
    "table": ((0.35, 0.30, 0.28), (0.75, 0.50, 0.39), ("plain",)),
    "sofa": ((0.60, 0.35, 0.18), (0.95, 0.45, 0.23), ("plain",)),
    "shelf": ((0.25, 0.15, 0.40), (0.60, 0.25, 1.00), ("boards", "bands", "plain")),
    "crate": ((0.12, 0.12, 0.10), (0.36, 0.36, 0.35), ("boards", "checker", "plain", "bands")),
}


def load(split: str, image_size: int = 64, examples: int | None = None, holes: bool = True) -> Source:
    """The rooms of one split, "train" (8,192) or "test" (1,024).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: number of examples to use from the start; None for all.
        holes: whether the depth has the holes of a sensor.

    Returns:
        Source with images (n, image_size, image_size, 3), depth (n, image_size, image_size, 1), no attributes and no
        labels.
    """
    images, depth = paint(*split_range(split, TRAIN, TEST, examples), image_size=image_size, holes=holes)
    return Source(f"scenes/{split}", images, np.zeros((len(images), 0), np.uint8), depth=depth)


def paint(
    start: int, stop: int, seed: int = 0, image_size: int = 64, holes: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Draws scenes number start to stop - 1 of a seed. A scene depends only on its number and the seed.

    Args:
        start, stop: the range of scenes, from 0.
        seed: a different seed gives a different endless sequence of scenes.
        image_size: height and width in pixels.
        holes: whether depth is 0 where an RGB-D sensor would see none.

    Returns:
        images (n, image_size, image_size, 3) uint8, and depth (n, image_size, image_size, 1) uint16: millimeters along
        the optical axis, at the pixels' centers.
    """
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    depth = np.empty((stop - start, image_size, image_size, 1), np.uint16)
    keep_freed_memory()
    for i in range(stop - start):
        scene = _scene(_random(seed, start + i, 0))
        t, _ = raycast.trace(scene, scene.camera.rays(image_size))
        images[i], depth[i, ..., 0] = raycast.render(scene, image_size), np.rint(1000 * t)
        if holes:
            depth[i, _holes(t, scene.camera.focal, _random(seed, start + i, 1))] = 0
    return images, depth


def _random(seed: int, number: int, stream: int) -> np.random.Generator:
    """A generator for one stream of one scene: Philox is counter-based, and each of them has its own counter range."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, number, stream]))


class _Dice:
    """Random choices of numbers and materials."""

    def __init__(self, random: np.random.Generator) -> None:
        self._left: Iterator[float] = itertools.chain.from_iterable(iter(lambda: random.random(256).tolist(), None))

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return low + (high - low) * next(self._left)

    def choose(self, *options: T) -> T:
        """One of the options."""
        return options[int(next(self._left) * len(options))]

    def hue(self, low: float, high: float, saturation: float) -> Rgb:
        """A color with a lightness between two and at most this saturation."""
        turn, light, strength = self.between(0, 1), self.between(low, high), self.between(0, saturation)
        red, green, blue = (light * (1 + strength * math.cos(2 * math.pi * (turn + i / 3))) for i in range(3))
        return red, green, blue

    def wood(self) -> Rgb:
        """A brown color."""
        light, red = self.between(0.12, 0.6), self.between(0.75, 1)
        return light, light * (0.45 + 0.3 * red), light * (0.1 + 0.4 * red)

    def material(self, colour: Rgb, pattern: str) -> Material:
        """A material of a color; see `raycast.Scene`."""
        other, tile = tuple(c * self.between(0.25, 0.8) for c in colour), self.between(0.25, 0.5)
        return {
            "plain": (*colour, *colour, 0, 0, 0, 0, 0),
            "checker": (*colour, *other, tile, tile, 0, 0.05, 0),
            "tiles": (*colour, *colour, tile, tile, 0, 0.15, 0.02),
            "planks": (*colour, *colour, 4 * tile, 0.4 * tile, 0.37, 0.35, 0.012),
            "bricks": (*colour, *colour, 0.6 * tile, 0.25 * tile, 0.5, 0.35, 0.02),
            "stripes": (*colour, *other, 0.6 * tile, 0, 0, 0, 0),
            "bands": (*colour, *other, 0, 0.5 * tile, 0, 0, 0),
            "boards": (*colour, *colour, 0, 0.4 * tile, 0, 0.3, 0.025),
        }[pattern]


def _scene(random: np.random.Generator) -> raycast.Scene:
    """A furnished room, and a camera that looks across it."""
    dice = _Dice(random)
    between, choose = dice.between, dice.choose
    size = between(2.8, 8.8), between(2.8, 8.8), between(2.4, 3.0)
    yaw, pitch, roll = between(-math.pi, math.pi), between(-0.55, 0.02), between(-0.04, 0.04)
    cy, sy, cp, sp, cr, sr = (f(angle) for angle in (yaw, pitch, roll) for f in (math.cos, math.sin))
    back = between(0.4, 1) * min(s / 2 / max(abs(a), 1e-6) for s, a in zip(size, (cy, sy)))
    position = (
        *(min(max(s / 2 - back * a + between(-0.5, 0.5), 0.3), s - 0.3) for s, a in zip(size, (cy, sy))),
        between(1.3, 1.7),
    )
    level, below = (sy, -cy, 0.0), (sp * cy, sp * sy, -cp)  # right and down before the camera rolls
    right, down = (tuple(c * r + s * d for r, d in zip(level, below)) for c, s in ((cr, sr), (-sr, cr)))
    camera = raycast.Camera(position, right, down, (cp * cy, cp * sy, sp), _FOCAL)

    kind = choose("planks", "checker", "tiles", "plain")
    floor = dice.wood() if kind == "planks" else dice.hue(0.2, 0.65, 0.4), kind
    walls = dice.hue(0.3, 0.85, 0.35), choose("plain", "plain", "plain", "stripes", "bricks")
    ceiling = dice.hue(0.75, 0.9, 0.1), choose("plain", "plain", "boards")
    inside = [dice.material(*each) for each in (walls, floor, ceiling)]
    room = raycast.Thing(tuple(s / 2 for s in size), tuple(s / 2 for s in size))
    things, materials = zip(*_pictures(dice, size), *_furniture(dice, size, position, yaw))

    power, tint = between(1.0, 1.7), between(-0.12, 0.12)
    lamps = [
        (
            (*(between(0.2, 0.8) * s for s in size[:2]), size[2] - 0.12),
            tuple(power * (1 + tint * i) for i in (1, 0, -1)),
        ),
        ((*(between(0.1, 0.9) * s for s in size[:2]), between(1.5, 2.2)), (power * choose(0.15, 0.45),) * 3),
    ]
    ambient = tuple(between(0.22, 0.36) * (1 - 0.5 * tint * i) for i in (1, 0, -1))
    return raycast.Scene(camera, room, things, (*inside, *materials), lamps, ambient, between(0.06, 0.12))


def _pictures(dice: _Dice, size: Xyz) -> Iterator[Placed]:
    """Two doors or pictures on the walls: yields things and their materials."""
    for _ in range(2):
        wall, far, door = dice.choose(0, 1), dice.choose(0, 1), dice.choose(True, False, False)
        half = (0.42, 1.0) if door else (dice.between(0.2, 0.6), dice.between(0.2, 0.45))
        across, along = 0.02 + far * (size[wall] - 0.04), dice.between(half[0] + 0.1, size[1 - wall] - half[0] - 0.1)
        centre, sides = (across, along), (0.02, half[0])
        thing = raycast.Thing((*centre[:: 1 - 2 * wall], 1.0 if door else 1.5), (*sides[:: 1 - 2 * wall], half[1]))
        colour = dice.wood() if door else dice.hue(0.1, 0.9, 0.9)
        yield thing, dice.material(colour, "plain" if door else dice.choose("plain", "bands", "checker"))


def _furniture(dice: _Dice, size: Xyz, position: Xyz, yaw: float) -> Iterator[Placed]:
    """Furniture and balls on the floor, without what would be too near to the camera or to another piece: yields things
    and their materials.
    """
    taken = [(*position[:2], 0.3)]
    for kind in [dice.choose(*_FURNITURE, "crate", "crate") for _ in range(6)] + ["ball"] * 4:
        if kind == "ball":
            half: Xyz = (dice.between(0.08, 0.28),) * 3
            material = dice.material(dice.hue(0.2, 0.9, 1), dice.choose("plain", "plain", "bands"))
        else:
            low, high, patterns = _FURNITURE[kind]
            half = tuple(dice.between(*ends) for ends in zip(low, high))
            material = dice.material(dice.choose(dice.wood(), dice.hue(0.15, 0.8, 0.8)), dice.choose(*patterns))
        turn, far, angle = (
            yaw + dice.between(-0.45, 0.45),
            dice.between(1.0, 5.5),
            dice.choose(0.0, dice.between(-1.5, 1.5)),
        )
        cos, sin, radius = math.cos(angle), math.sin(angle), math.hypot(*half[:2])
        outline = cos * half[0] + abs(sin) * half[1] + 0.02, abs(sin) * half[0] + cos * half[1] + 0.02
        aim = position[0] + far * math.cos(turn), position[1] + far * math.sin(turn)
        x, y = (min(max(a, o), s - o) for a, o, s in zip(aim, outline, size))
        if any(math.hypot(x - a, y - b) < 0.9 * (radius + r) + 0.05 for a, b, r in taken):
            continue
        taken.append((x, y, radius))
        for (a, b, z), part in _parts(kind, *half):
            yield (
                raycast.Thing((x + cos * a - sin * b, y + sin * a + cos * b, z), part, cos, sin, kind == "ball"),
                material,
            )
        if kind in ("crate", "table") and dice.choose(True, False):  # something on it
            small = dice.between(0.07, 0.13)
            material = dice.material(dice.hue(0.2, 0.9, 1), dice.choose("plain", "bands"))
            yield raycast.Thing((x, y, 2 * half[2] + small), (small,) * 3, cos, sin, dice.choose(True, False)), material


def _parts(kind: str, width: float, depth: float, height: float) -> Iterator[tuple[Xyz, Xyz]]:
    """The boxes of a piece of furniture: their centers, relative to the middle of its place on the floor, and half
    their sides.
    """
    if kind == "table":
        yield (0, 0, 2 * height - 0.025), (width, depth, 0.025)
        for i, j in itertools.product((-1, 1), repeat=2):
            yield (i * (width - 0.05), j * (depth - 0.05), height - 0.025), (0.03, 0.03, height - 0.025)
    else:
        yield (0, 0, height), (width, depth, height)
    if kind == "sofa":
        yield (0, depth - 0.1, 2 * height + 0.19), (width, 0.1, 0.19)


def _holes(t: np.ndarray, focal: float, random: np.random.Generator) -> np.ndarray:
    """Where a structured-light sensor sees no depth, (size, size) bool: shadows of the projector, ragged edges, a shiny
    patch, speckles.
    """
    size = len(t)
    lit = np.arange(size) - focal * size / 2 * _BASELINE / t  # the projector's column that falls on every pixel
    nearest = np.minimum.accumulate(lit[:, ::-1], axis=1)[:, ::-1]
    jump = np.zeros((size, size), bool)
    for axis in (0, 1):
        step = np.abs(np.diff(np.log(t), axis=axis)) > 0.12
        jump |= np.insert(step, 0, False, axis) | np.insert(step, size - 1, False, axis)
    noise, (x, y, reach) = random.random((size, size)), random.random(3)
    centres = (np.arange(size) + 0.5) / size
    patch = (centres - x) ** 2 + (centres[:, None] - y) ** 2 < max(0.12 * reach - 0.06, 0) ** 2 * (0.4 + noise)
    return (lit > nearest + 0.05) | (jump & (noise < 0.35)) | (noise > 0.996) | patch
