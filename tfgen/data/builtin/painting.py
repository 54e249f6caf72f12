"""Shared code of the drawn data sets: numbered pictures, random choices, and soft-edged shapes painted over one
another.

Many pictures are painted at once. Numbers are arrays (n, 1, 1), planes (n, h, w), and colors (3, n, 1, 1) or
(3, n, h, w), all float32 and broadcast against each other. A picture spans -1 to 1, x to the right and y down.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

Number: TypeAlias = float | np.floating | np.ndarray  # for each picture or for all
Point: TypeAlias = tuple[Number, Number]
Rgb: TypeAlias = tuple[float, float, float]

TEST_START = 2**40  # the number of the first test picture: no training set reaches it


def split_range(split: str, train: int, test: int, examples: int | None = None) -> tuple[int, int]:
    """The numbers of a split's pictures, as start and stop.

    Args:
        split: "train" or "test".
        train, test: number of pictures in the splits.
        examples: number of examples to use from the start; None for all.
    """
    start, n = {"train": (0, train), "test": (TEST_START, test)}[split]
    return start, start + min(n, examples or n)


def keep_freed_memory() -> None:
    """Makes painting a third to a half faster: arrays reuse freed memory instead of getting new pages."""
    np.empty(2**24, np.uint8)  # after so large a block is freed, glibc does not return smaller ones to the system


def uniforms(start: int, stop: int, seed: int, count: int) -> np.ndarray:
    """Random numbers (stop - start, count) in [0, 1). Row i depends only on the seed and on start + i.

    Args:
        start, stop: the range, from 0.
        seed: a different seed gives a different endless sequence of rows.
        count: numbers in a row, a multiple of 4, because Philox makes 4 at a time. It is counter-based, so any row can
            be computed directly.
    """
    philox = np.random.Philox(key=seed).advance(start * count // 4)
    return np.random.Generator(philox).random((stop - start, count))


def chunks(start: int, stop: int, seed: int, count: int, size: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yields (slice of the range, its `uniforms`), `size` rows at a time."""
    keep_freed_memory()
    for first in range(start, stop, size):
        last = min(first + size, stop)
        yield slice(first - start, last - start), uniforms(first, last, seed, count)


class Dice:
    """Random choices for n pictures, from random numbers (n, count) in [0, 1)."""

    def __init__(self, numbers: np.ndarray) -> None:
        self._left = iter(numbers.astype(np.float32).T[..., None, None])

    def roll(self) -> np.ndarray:
        """A number (n, 1, 1) in [0, 1)."""
        return next(self._left)

    def between(self, low: Number, high: Number) -> np.ndarray:
        """A number (n, 1, 1) between two."""
        return low + (high - low) * self.roll()

    def chance(self, probability: float) -> np.ndarray:
        """1 with this probability, else 0: (n, 1, 1)."""
        return (self.roll() < probability).astype(np.float32)

    def ramp(self, palette: Sequence[Rgb]) -> np.ndarray:
        """A color (3, n, 1, 1) along a palette."""
        return ramp(palette, self.roll())

    def row(self, table: Sequence[Sequence[Rgb]]) -> list[np.ndarray]:
        """The colors, each (3, n, 1, 1), of one of the rows of a table."""
        rows = np.array(table, np.float32)[(self.roll() * len(table)).astype(int)]  # (n, 1, 1, colors, 3)
        return list(rows.transpose(3, 4, 0, 1, 2))


@dataclasses.dataclass(frozen=True)
class Canvas:
    """n unfinished pictures, each with its own coordinates."""

    rgb: np.ndarray  # (3, n, h, w)
    x: np.ndarray  # the pixels' coordinates, which broadcast to (n, h, w)
    y: np.ndarray
    pixel: Number  # width of a pixel, a number or (n, 1, 1)

    def inside(self, distance: np.ndarray, soft: Number = 0.0) -> np.ndarray:
        """Coverage in [0, 1] of the shape where the distance is negative; its edge is one pixel plus `soft` wide."""
        return np.clip(0.5 - distance / (self.pixel + soft), 0, 1)

    def paint(self, coverage: Number, colour: Number) -> None:
        """Paints a color over the picture with the given coverage."""
        layer = colour - self.rgb
        layer *= coverage
        np.add(self.rgb, layer, out=self.rgb)

    def limb(self, start: Point, end: Point, thick: Number, thin: Number) -> np.ndarray:
        """The distance to a limb from `start` with half width `thick` to `end` with half width `thin`."""
        (ax, ay), (bx, by) = start, end
        x, y, dx, dy = self.x - ax, self.y - ay, bx - ax, by - ay
        along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
        x -= along * dx
        y -= along * dy
        return np.sqrt(x * x + y * y) - (thick + (thin - thick) * along)

    def path(self, points: Sequence[Point], widths: Sequence[Number]) -> np.ndarray:
        """The distance to a chain of limbs."""
        limbs = [self.limb(*limb) for limb in zip(points, points[1:], widths, widths[1:])]
        return np.minimum.reduce(limbs)


def pixel_centres(image_size: int) -> np.ndarray:
    """The coordinates (image_size,) of the pixels along a side."""
    return (np.arange(image_size, dtype=np.float32) + 0.5) / image_size * 2 - 1


def to_uint8(rgb: np.ndarray) -> np.ndarray:
    """Pictures (n, h, w, 3) uint8 of colors (3, n, h, w) in [0, 1]."""
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 3, 0)


def rotation(tangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cosine and the sine of an angle, given the tangent of half of it."""
    square = tangent * tangent
    return (1 - square) / (1 + square), 2 * tangent / (1 + square)


def colour(red: float, green: float, blue: float) -> np.ndarray:
    """A color (3, 1, 1, 1)."""
    return np.array([red, green, blue], np.float32)[:, None, None, None]


def hue(turn: np.ndarray, saturation: Number, lightness: Number) -> np.ndarray:
    """Colors (3, n, 1, 1) around gray."""
    return np.stack([lightness + saturation * wave(turn + third / 3) for third in range(3)])


def ramp(palette: Sequence[Rgb], t: np.ndarray) -> np.ndarray:
    """The color (3, n, 1, 1) at t in [0, 1] along a palette."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(t, stops, channel) for channel in zip(*palette)]).astype(np.float32)


def mix(a: Number, b: Number, t: Number) -> Any:
    """a where t is 0, b where it is 1."""
    return a + (b - a) * t


def wave(t: np.ndarray) -> np.ndarray:
    """A smooth wave of period 1 in [-1, 1]: a sine's two arches as parabolas."""
    t = t - np.rint(t)
    return 16 * t * (0.5 - np.abs(t))


def bump(x: Number, y: Number) -> np.ndarray:
    """A soft spot: 1 at the origin, 0 outside the unit circle."""
    spot = np.clip(1 - x * x - y * y, 0, 1)
    return spot * spot
