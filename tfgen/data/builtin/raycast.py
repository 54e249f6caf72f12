"""Traces rays in rooms of boxes and balls: what they hit, at which depth, and how it is lit.

The world is in meters, with z upwards; a room spans 0 to its size on each axis. Rays advance by 1 along the optical
axis, so the parameter t of a hit is its z-depth. Surfaces are numbered, 6 for the room and 6 for each thing in it: rays
in the positive direction of axis a hit number 2 a + 1, in the negative direction number 2 a; a ball has only number 0.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

Xyz: TypeAlias = tuple[float, ...]  # three numbers
Window: TypeAlias = tuple[slice, slice]  # rows and columns of a picture
Axes: TypeAlias = np.ndarray | Sequence[Any]  # three components, numbers or arrays

_FLOOR = 4  # the number of the room's floor; the walls come before it

_SIGNS = np.array(list(itertools.product((-1, 1), repeat=3)))


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pictures."""

    position: Xyz  # meters
    right: Xyz  # unit vectors
    down: Xyz
    forward: Xyz
    focal: float  # of a picture that spans -1 to 1

    def rays(self, size: int) -> np.ndarray:
        """The directions (3, size, size) through the pixels' centers, of length 1 along the optical axis."""
        axis = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1) / self.focal
        return np.stack([f + r * axis + d * axis[:, None] for r, d, f in zip(self.right, self.down, self.forward)])

    def windows(self, hulls: np.ndarray, size: int) -> Iterator[tuple[int, Window]]:
        """Yields (number, window in a picture of that size) of the convex hulls of points (n, m, 3) that are in
        view.
        """
        ahead = hulls - self.position
        z = ahead @ self.forward
        behind, spans = (
            z.min(1) < 0.05,
            list[np.ndarray](),
        )  # what is partly behind the camera may be anywhere in the picture
        for axis in (self.down, self.right):
            pixels = ((ahead @ axis) * self.focal / np.maximum(z, 0.05) + 1) * size / 2
            spans += (
                np.where(behind, 0, pixels.min(1).clip(0, size)),
                np.where(behind, size, (pixels.max(1) + 1).clip(0, size)),
            )
        for i, (top, bottom, left, right) in enumerate(np.stack(spans, axis=1).astype(int).tolist()):
            if top < bottom and left < right:
                yield i, (slice(top, bottom), slice(left, right))


@dataclasses.dataclass(frozen=True)
class Thing:
    """A box that is rotated about the vertical, or the ball in a cube."""

    centre: Xyz
    half: Xyz  # half its sides
    cos: float = 1.0
    sin: float = 0.0
    ball: bool = False

    def turn(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The horizontal components of a vector along the box's own axes."""
        return self.cos * x + self.sin * y, self.cos * y - self.sin * x

    def corners(self, more: float = 0.0) -> np.ndarray:
        """The corners (8, 3) of the box, made larger by `more` on all four sides."""
        x, y, z = (_SIGNS * (self.half[0] + more, self.half[1] + more, self.half[2])).T
        return np.stack([self.cos * x - self.sin * y, self.sin * x + self.cos * y, z], axis=1) + self.centre

    def slabs(self, origin: Xyz, rays: Axes) -> tuple[list[np.ndarray], list[np.ndarray], Axes]:
        """Where rays from a point enter and leave the space between two opposite sides, for each axis; and the rays in
        the box's axes.
        """
        x, y, z = (o - c for o, c in zip(origin, self.centre))
        if self.sin:
            (x, y), rays = self.turn(x, y), (*self.turn(*rays[:2]), rays[2])
        enter, leave = [], []
        for o, ray, half in zip((x, y, z), rays, self.half):
            inverse = 1 / (ray + 1e-12)
            middle, reach = -o * inverse, half * np.abs(inverse)
            enter.append(middle - reach)
            leave.append(middle + reach)
        return enter, leave, rays

    def hit(self, origin: Xyz, rays: Axes) -> tuple[np.ndarray, Callable[[], Any]]:
        """Where rays from a point outside hit the thing, inf where they miss it; and a function that returns the
        numbers of the surfaces that they hit.
        """
        if self.ball:
            start = [o - c for o, c in zip(origin, self.centre)]
            square = _dot(rays, rays)
            closest = -_dot(start, rays) / square
            miss = [o + closest * ray for o, ray in zip(start, rays)]  # in float32 more exact than the discriminant
            rest = self.half[0] ** 2 - _dot(miss, miss)
            t = closest - np.sqrt(np.maximum(rest, 0) / square)
            t[(rest < 0) | (t < 0)] = np.inf
            return t, lambda: 0
        enter, leave, rays = self.slabs(origin, rays)
        t = np.maximum(np.maximum(enter[0], enter[1]), enter[2])
        t[np.minimum(np.minimum(leave[0], leave[1]), leave[2]) < np.maximum(t, 0)] = np.inf
        return t, lambda: _sides(enter, rays, np.greater)

    def distance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The distance of points on the floor from where the thing stands."""
        x, y = self.turn(x - self.centre[0], y - self.centre[1])
        if self.ball:
            return np.maximum(np.sqrt(x * x + y * y) - 0.4 * self.half[0], 0)
        x, y = np.maximum(np.abs(x) - self.half[0], 0), np.maximum(np.abs(y) - self.half[1], 0)
        return np.sqrt(x * x + y * y)


@dataclasses.dataclass(frozen=True)
class Scene:
    """All that a picture shows.

    A material is 11 numbers: two colors, the width and height of a tile (0 for no tiles), the shift of each row, the
    variation of the tiles' tones, and half the width of the lines between them.
    """

    camera: Camera
    room: Thing
    things: tuple[Thing, ...]
    materials: tuple[tuple[float, ...], ...]  # of the walls, the floor, the ceiling and each thing
    lamps: list[tuple[Xyz, Xyz]]  # position and color; the first one casts shadows
    ambient: Xyz
    skirting: float  # its height

    @functools.cached_property
    def corners(self) -> np.ndarray:
        """The corners (things, 8, 3) of the boxes that contain the things."""
        return np.stack([thing.corners() for thing in self.things])

    @functools.cached_property
    def surfaces(self) -> np.ndarray:
        """A column (22,) for each surface: normal (0 for a ball), affine maps to the tiles' coordinates, two colors,
        the pattern.
        """
        things = [self.room, *self.things]
        count, zero = len(things), [0.0] * len(things)
        cos, sin, box = np.array([(thing.cos, thing.sin, not thing.ball) for thing in things]).T
        # Arrays are (count, axis, xyz), then (count, side, ...).
        axes = np.array([[cos, sin, zero], [-sin, cos, zero], [zero, zero, zero + np.ones(count)]]).transpose(2, 0, 1)
        low = np.einsum("nij, nj -> ni", axes, [thing.centre for thing in things]) - [thing.half for thing in things]
        of_side = [0, 0, 0, 0, 1, 2, *np.repeat(np.arange(3, len(self.materials)), 6)]
        numbers = np.array(self.materials)[of_side].reshape(count, 6, -1)
        tile = numbers[..., 6:8]
        scale = np.divide(1, tile, out=np.zeros_like(tile), where=tile > 0)
        columns = [np.repeat(axes, 2, axis=1) * np.array([1, -1] * 3)[:, None] * box[:, None, None]]
        for i, along in enumerate(([1, 1, 0, 0, 0, 0], [2, 2, 2, 2, 1, 1])):  # which axes a side's tiles follow
            columns += axes[:, along] * scale[..., i, None], -(low[:, along] * scale[..., i])[..., None]
        finest = np.where(tile > 0, tile, 1).min(-1, keepdims=True)
        columns += numbers[..., :6], numbers[..., 8:10], numbers[..., 10:] * scale, finest
        return np.concatenate(columns, axis=-1).reshape(6 * count, -1).T.astype(np.float32, order="C")


def trace(scene: Scene, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest hits of the camera's rays (3, size, size): t, and the numbers of the surfaces; both (size, size)."""
    position = scene.camera.position
    _, leave, along = scene.room.slabs(position, rays)
    t, surface = np.minimum(np.minimum(leave[0], leave[1]), leave[2]), _sides(leave, along, np.less)
    for i, window in scene.camera.windows(scene.corners, len(t)):
        at, sides = scene.things[i].hit(position, rays[:, *window])
        nearer = at < t[window]
        np.copyto(t[window], at, where=nearer)
        np.copyto(surface[window], 6 + 6 * i + sides(), where=nearer)
    return t, surface


def render(scene: Scene, size: int) -> np.ndarray:
    """The picture (size, size, 3) uint8, from 2x2 rays per pixel."""
    rays = scene.camera.rays(2 * size)
    t, surface = trace(scene, rays)
    points = t * rays + _colour(scene.camera.position)
    normals = np.take(scene.surfaces[:3], surface, axis=1, mode="clip")
    for i, window in scene.camera.windows(scene.corners, len(t)):
        if scene.things[i].ball:
            on = surface[window] == 6 + 6 * i
            for normal, point, centre in zip(normals, points, scene.things[i].centre):
                np.copyto(normal[window], (point[window] - centre) / scene.things[i].half[0], where=on)
    rgb = _albedo(np.take(scene.surfaces[3:], surface, axis=1, mode="clip"), points, t, 2 / (size * scene.camera.focal))
    rgb *= 1 - 0.5 * ((surface < _FLOOR) & (points[2] < scene.skirting))
    rgb *= _light(scene, points, normals) * (_openness(scene, points, surface) * (1.08 - 0.04 * t))
    np.minimum(rgb, 1, out=rgb)
    rgb = rgb[:, ::2] + rgb[:, 1::2]
    rgb = rgb[..., ::2] + rgb[..., 1::2]
    return (np.sqrt(rgb / 4) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)


def _albedo(columns: np.ndarray, points: np.ndarray, t: np.ndarray, pixel: float) -> np.ndarray:
    """The colors (3, h, w) of the surfaces' patterns, which fade where tiles are hardly wider than a pixel."""
    u, v = (_dot(columns[i : i + 3], points) + columns[i + 3] for i in (0, 4))
    colour, other, (shift, tone, line_u, line_v, finest) = columns[8:11], columns[11:14], columns[14:]
    row = np.floor(v)
    u += shift * row
    column = np.floor(u)
    odd, varied = (column + row) / 2, 0.618 * column + 0.755 * row
    odd, varied = 2 * (odd - np.floor(odd)), varied - np.floor(varied)
    line = (np.abs(u - column - 0.5) > 0.5 - line_u) | (np.abs(v - row - 0.5) > 0.5 - line_v)
    fade = np.clip(1.5 - 2 * pixel * t / finest, 0, 1)
    return (colour + (0.5 + fade * (odd - 0.5)) * (other - colour)) * (1 - fade * (tone * varied + 0.4 * line))


def _light(scene: Scene, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The light (3, h, w) on the points: ambient, and from the lamps by Lambert's law, falling off with distance."""
    total = (1 + 0.12 * normals[0] + 0.06 * normals[1] + 0.2 * normals[2]) * _colour(scene.ambient)
    for lamp, colour in scene.lamps:
        rays = points - _colour(lamp)
        square = _dot(rays, rays)
        light = np.maximum(-_dot(rays, normals), 0) / (np.sqrt(square) * (1 + 0.1 * square))
        if lamp is scene.lamps[0][0]:
            # The corners' shadows on the floor: all that a thing shades is between them and it.
            thrown = lamp + (scene.corners - lamp) * (lamp[2] / (lamp[2] - scene.corners[..., 2:]))
            for i, window in scene.camera.windows(np.concatenate([scene.corners, thrown], axis=1), light.shape[-1]):
                light[window] *= scene.things[i].hit(lamp, rays[:, *window])[0] > 0.998
        total += light * _colour(colour)
    return total


def _openness(scene: Scene, points: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """How open the surroundings of the points are, at most 1: less along the room's edges, near the floor, and next to
    what stands there.
    """
    edges = sum(np.square(np.maximum(1 - (h - np.abs(p - h)) / 0.5, 0)) for p, h in zip(points, scene.room.half))
    openness = 1 - 0.22 * (edges - (surface < 6))
    standing = [thing for thing in scene.things if thing.centre[2] - thing.half[2] < 0.01]
    if standing:
        hulls = np.stack([thing.corners(0.3) for thing in standing]) * (1, 1, 0)
        for i, window in scene.camera.windows(hulls, len(surface)):
            near = np.maximum(1 - standing[i].distance(points[0][window], points[1][window]) / 0.3, 0)
            openness[window] *= 1 - 0.45 * near * near * (surface[window] == _FLOOR)
    return openness


def _sides(planes: Sequence[np.ndarray], rays: Axes, before: Callable[[Any, Any], Any]) -> np.ndarray:
    """The numbers, from 0 to 5, of the sides of a box that rays hit: on the axis whose plane is `before` the others."""
    side = np.where(before(planes[0], planes[1]), rays[0] > 0, 2 + (rays[1] > 0))
    last = before(planes[2], planes[0]) & before(planes[2], planes[1])
    return np.where(last, 4 + (rays[2] > 0), side)


def _dot(a: Any, b: Any) -> Any:
    """The inner product along the first axis."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _colour(numbers: Xyz) -> np.ndarray:
    """Three numbers as an array (3, 1, 1)."""
    return np.array(numbers, np.float32)[:, None, None]
