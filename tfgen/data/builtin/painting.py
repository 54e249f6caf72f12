"""What the drawn data sets share: numbered pictures and their random choices, and soft-edged shapes laid over one
another.

Many pictures are painted at once. Arrays of numbers are (n, 1, 1), those of planes (n, h, w), and colours (3, n, 1, 1)
or (3, n, h, w), all float32 and to be broadcast. A picture spans -1 to 1, x to the right and y down.
"""

import dataclasses

import numpy as np

TEST_START = 2**40  # the number of the first test picture: no training set reaches it


def split_range(split, train, test, examples=None):
    """The numbers of a split's pictures, as start and stop.

    Args:
        split: "train" or "test".
        train, test: how many the splits have.
        examples: at most the first so many; None is all.
    """
    start, n = {"train": (0, train), "test": (TEST_START, test)}[split]
    return start, start + min(n, examples or n)


def keep_freed_memory():
    """Makes the following pictures a third to a half faster: their arrays take freed memory again rather than fault in
    new pages.
    """
    np.empty(2**24, np.uint8)  # freeing so large a block teaches glibc not to hand smaller ones back to the system


def uniforms(start, stop, seed, count):
    """Random numbers (stop - start, count) in [0, 1), a row for each number from start to stop - 1, the same in
    whatever range.

    Args:
        start, stop: the range, from 0.
        seed: another seed is another endless row of rows.
        count: a multiple of 4, as Philox makes 4 at a time. It counts, so that any row is reached at once.
    """
    philox = np.random.Philox(key=seed).advance(start * count // 4)
    return np.random.Generator(philox).random((stop - start, count))


def chunks(start, stop, seed, count, size):
    """Yields the `uniforms` of a range `size` rows at a time, each with its place in the range, a slice."""
    keep_freed_memory()
    for first in range(start, stop, size):
        last = min(first + size, stop)
        yield slice(first - start, last - start), uniforms(first, last, seed, count)


class Dice:
    """Random choices for n pictures, from random numbers (n, count) in [0, 1)."""

    def __init__(self, numbers):
        self._left = iter(numbers.astype(np.float32).T[..., None, None])

    def roll(self):
        """A number (n, 1, 1) in [0, 1)."""
        return next(self._left)

    def between(self, low, high):
        """A number (n, 1, 1) of a range."""
        return low + (high - low) * self.roll()

    def chance(self, probability):
        """1 with some probability, else 0: (n, 1, 1)."""
        return (self.roll() < probability).astype(np.float32)

    def ramp(self, palette):
        """A colour (3, n, 1, 1) of those along a palette."""
        return ramp(palette, self.roll())

    def row(self, table):
        """The colours, each (3, n, 1, 1), of one of the rows of a table."""
        rows = np.array(table, np.float32)[(self.roll() * len(table)).astype(int)]  # (n, 1, 1, colours, 3)
        return list(rows.transpose(3, 4, 0, 1, 2))


@dataclasses.dataclass(frozen=True)
class Canvas:
    """n pictures in the making, in coordinates of their own."""

    rgb: np.ndarray  # (3, n, h, w)
    x: np.ndarray  # the pixels' coordinates, which broadcast to (n, h, w)
    y: np.ndarray
    pixel: np.ndarray  # a pixel's width, a number or (n, 1, 1)

    def inside(self, distance, soft=0.0):
        """Coverage in [0, 1] of the shape where the distance is negative; its edge is one pixel wide, or `soft` wider."""
        return np.clip(0.5 - distance / (self.pixel + soft), 0, 1)

    def paint(self, coverage, colour):
        """Lays a colour over the picture with the given coverage."""
        layer = colour - self.rgb
        layer *= coverage
        np.add(self.rgb, layer, out=self.rgb)

    def limb(self, start, end, thick, thin):
        """The distance to a limb between two points, whose half width goes from one to the other."""
        (ax, ay), (bx, by) = start, end
        x, y, dx, dy = self.x - ax, self.y - ay, bx - ax, by - ay
        along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
        x -= along * dx
        y -= along * dy
        return np.sqrt(x * x + y * y) - (thick + (thin - thick) * along)

    def path(self, points, widths):
        """The distance to limbs one after the other."""
        limbs = [self.limb(*ends, *sizes) for ends, sizes in zip(zip(points, points[1:]), zip(widths, widths[1:]))]
        return np.minimum.reduce(limbs)


def pixel_centres(image_size):
    """The coordinates (image_size,) of the pixels along a side."""
    return (np.arange(image_size, dtype=np.float32) + 0.5) / image_size * 2 - 1


def to_uint8(rgb):
    """Pictures (n, h, w, 3) uint8 of colours (3, n, h, w) in [0, 1]."""
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 3, 0)


def rotation(tangent):
    """The cosine and the sine of an angle, given the tangent of its half."""
    square = tangent * tangent
    return (1 - square) / (1 + square), 2 * tangent / (1 + square)


def colour(red, green, blue):
    """A colour (3, 1, 1, 1)."""
    return np.array([red, green, blue], np.float32)[:, None, None, None]


def hue(turn, saturation, lightness):
    """Colours (3, n, 1, 1) around grey."""
    return np.stack([lightness + saturation * wave(turn + third / 3) for third in range(3)])


def ramp(palette, t):
    """The colour (3, n, 1, 1) at t in [0, 1] along a palette."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(t, stops, channel) for channel in zip(*palette)]).astype(np.float32)


def mix(a, b, t):
    """a where t is 0, b where it is 1."""
    return a + (b - a) * t


def wave(t):
    """A smooth wave of period 1 in [-1, 1]: a sine's two arches as parabolas."""
    t = t - np.rint(t)
    return 16 * t * (0.5 - np.abs(t))


def bump(x, y):
    """A soft spot: 1 at the origin, 0 from the unit circle on."""
    spot = np.clip(1 - x * x - y * y, 0, 1)
    return spot * spot
