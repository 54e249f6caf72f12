"""Painted birds and horses, a stand-in for CIFAR-10's: no pictures are bundled, none downloaded.

An animal is painted back to front from limbs, which are round-ended and tapered, over a background of its own. Coordinates are the
animal's own: it looks to the right, y is down, and its trunk is about the origin.
"""

import dataclasses

import numpy as np

from tfgen.data.source import Source

CLASSES = ("bird", "horse")
TRAIN, TEST = 8192, 1024
TEST_START = 2**40  # the number of the first test animal: no training set reaches it

_UNIFORMS = 64  # random numbers for an animal: a multiple of 4, as Philox makes 4 at a time
_CHUNK = 64  # animals drawn together: few enough to stay in the cache

_COATS = (  # the body, and mane and tail
    ((0.42, 0.22, 0.10), (0.08, 0.06, 0.05)),  # bay
    ((0.27, 0.14, 0.08), (0.06, 0.05, 0.05)),  # dark bay
    ((0.09, 0.08, 0.09), (0.05, 0.05, 0.06)),  # black
    ((0.58, 0.58, 0.60), (0.34, 0.34, 0.37)),  # grey
    ((0.90, 0.88, 0.84), (0.80, 0.77, 0.72)),  # white
    ((0.56, 0.26, 0.11), (0.50, 0.23, 0.10)),  # chestnut
    ((0.78, 0.57, 0.29), (0.92, 0.86, 0.72)),  # palomino
)
_PLUMAGE = (  # the back, the breast, the head
    ((0.42, 0.32, 0.22), (0.80, 0.72, 0.60), (0.36, 0.26, 0.18)),  # sparrow
    ((0.36, 0.33, 0.28), (0.85, 0.38, 0.14), (0.38, 0.33, 0.27)),  # robin
    ((0.20, 0.42, 0.74), (0.88, 0.84, 0.78), (0.16, 0.36, 0.70)),  # blue tit
    ((0.72, 0.12, 0.10), (0.80, 0.20, 0.16), (0.78, 0.10, 0.10)),  # cardinal
    ((0.86, 0.72, 0.14), (0.94, 0.84, 0.28), (0.90, 0.76, 0.16)),  # canary
    ((0.10, 0.10, 0.13), (0.14, 0.14, 0.18), (0.08, 0.08, 0.11)),  # crow
    ((0.12, 0.12, 0.15), (0.93, 0.93, 0.93), (0.10, 0.10, 0.13)),  # magpie
    ((0.62, 0.65, 0.70), (0.95, 0.95, 0.95), (0.94, 0.94, 0.94)),  # gull
    ((0.93, 0.93, 0.92), (0.97, 0.97, 0.96), (0.95, 0.95, 0.94)),  # swan
    ((0.48, 0.42, 0.36), (0.62, 0.54, 0.44), (0.08, 0.34, 0.22)),  # mallard
    ((0.24, 0.55, 0.28), (0.62, 0.78, 0.30), (0.80, 0.24, 0.16)),  # parrot
    ((0.50, 0.54, 0.62), (0.72, 0.74, 0.78), (0.40, 0.46, 0.52)),  # pigeon
)
_BEAKS = ((0.95, 0.62, 0.12), (0.85, 0.45, 0.15), (0.25, 0.23, 0.22), (0.60, 0.55, 0.45))
_GRASS, _SAND = ((0.26, 0.40, 0.12), (0.42, 0.55, 0.20), (0.58, 0.60, 0.28)), ((0.72, 0.60, 0.42), (0.82, 0.74, 0.56))
_WATER = ((0.16, 0.30, 0.38), (0.30, 0.48, 0.60), (0.52, 0.62, 0.66))
_SKY = ((0.36, 0.58, 0.86), (0.56, 0.74, 0.92), (0.80, 0.84, 0.88), (0.90, 0.80, 0.68))
_LEAVES = ((0.13, 0.22, 0.10), (0.24, 0.36, 0.14), (0.40, 0.46, 0.20), (0.48, 0.42, 0.26))


def load(split, image_size=32, examples=None):
    """The animals of one split, "train" (8,192) or "test" (1,024).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: at most the first so many; None is all.

    Returns:
        Source with images (n, image_size, image_size, 3), the CLASSES as labels and no attributes.
    """
    start, n = {"train": (0, TRAIN), "test": (TEST_START, TEST)}[split]
    images, labels = draw(start, start + min(n, examples or n), image_size=image_size)
    return Source(f"animals/{split}", images, np.zeros((len(images), 0), np.uint8), labels=labels)


def draw(start, stop, seed=0, image_size=32):
    """Draws the animals number start to stop - 1 of a seed; an animal is the same whatever range it is drawn in.

    Args:
        start, stop: the range of animals, from 0. The even ones are birds, the odd ones horses.
        seed: another seed is another endless row of animals.
        image_size: height and width in pixels.

    Returns:
        images (n, image_size, image_size, 3) uint8 and labels (n,) int32, of CLASSES.
    """
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        uniforms, chunk = _uniforms(first, last, seed), images[first - start : last - start]
        for label, animal in enumerate((_bird, _horse)):
            of_a_kind = slice((first + label) % 2, None, 2)
            if len(chunk[of_a_kind]):
                chunk[of_a_kind] = _paint(uniforms[of_a_kind], animal, image_size)
    return images, (np.arange(start, stop) % 2).astype(np.int32)


def _uniforms(start, stop, seed):
    """(stop - start, _UNIFORMS) random numbers in [0, 1). Philox counts, so that any animal's numbers are reached at once."""
    philox = np.random.Philox(key=seed).advance(start * _UNIFORMS // 4)
    return np.random.Generator(philox).random((stop - start, _UNIFORMS))


class _Dice:
    """Takes random numbers (n, 1, 1) for n animals, float32."""

    def __init__(self, uniforms):
        self._left = iter(uniforms.astype(np.float32).T[..., None, None])

    def between(self, low, high):
        """A number of a range."""
        return low + (high - low) * next(self._left)

    def chance(self, probability):
        """1 with some probability, else 0."""
        return (next(self._left) < probability).astype(np.float32)

    def ramp(self, palette):
        """A colour (3, n, 1, 1) between those of a palette."""
        at, stops = next(self._left), np.linspace(0, 1, len(palette))
        return np.stack([np.interp(at, stops, channel) for channel in zip(*palette)]).astype(np.float32)

    def row(self, table):
        """The colours (3, n, 1, 1) of one of the rows of a table."""
        rows = np.array(table, np.float32)[(next(self._left) * len(table)).astype(int)]  # (n, 1, 1, colours, 3)
        return list(rows.transpose(3, 4, 0, 1, 2))


@dataclasses.dataclass(frozen=True)
class _Canvas:
    """n pictures in the making."""

    rgb: np.ndarray  # (3, n, h, w)
    x: np.ndarray  # (n, h, w): the pixels' coordinates
    y: np.ndarray
    pixel: np.ndarray  # (n, 1, 1): a pixel's width

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


def _paint(uniforms, animal, image_size):
    """Pictures (n, image_size, image_size, 3) uint8 of one kind of animal."""
    dice = _Dice(uniforms)
    axis = (np.arange(image_size, dtype=np.float32) + 0.5) / image_size * 2 - 1
    shape = len(uniforms), image_size, image_size
    x, y = np.broadcast_to(axis, shape), np.broadcast_to(axis[:, None], shape)
    picture = _Canvas(np.empty((3, *shape), np.float32), x, y, np.float32(2 / image_size))
    animal(picture, dice)
    light, warmth, vignette = dice.between(0.78, 1.15), dice.between(-0.06, 0.06), dice.between(-0.1, 0.12)
    light = light - vignette * (x * x + y * y)
    rgb = picture.rgb * np.stack([light * (1 + warmth), light, light * (1 - warmth)])
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 3, 0)


def _landscape(c, dice, horizon, ground):
    """Sky or leaves above the horizon, the given ground below it, and something dark between them."""
    sky, far, leaves, phase = dice.ramp(_SKY), dice.ramp(_LEAVES), dice.chance(0.35), dice.between(0, 1)
    c.rgb[:] = sky + 0.10 * (c.y - horizon + 0.6)
    hills = horizon - dice.between(-0.05, 0.3) * (1 + 0.5 * _wave(dice.between(0.2, 0.6) * c.x + phase)) + 0.03 * _wave(3 * c.x + phase)
    c.paint(c.inside(hills - c.y, 0.06), far * 0.8 + 0.25 * sky)
    _foliage(c, far, phase, leaves)
    down = np.clip((c.y - horizon) / 1.2, 0, 1)
    grain = 0.05 * _wave((2.3 + dice.between(0, 2)) * c.x + 5 * c.y + phase) * _wave(6 * np.sqrt(down + 0.05) * 2 + 0.7 * c.x)
    c.paint(c.inside(horizon - c.y, 0.03), ground * (1.08 - 0.25 * down + grain))


def _foliage(c, colour, phase, amount):
    """Leaves out of focus all over the picture."""
    blur = _wave(1.1 * c.x + 0.7 * c.y + phase) * _wave(0.9 * c.y - 0.6 * c.x + 2.3 * phase) + 0.5 * _wave(2.3 * c.x - 1.2 * c.y + 5 * phase)
    c.paint(amount, colour * (1 + 0.35 * blur) + 0.03 * (1 - c.y))


def _own(picture, dice, x, y, scale, lean):
    """The picture in coordinates of an animal at x, y, which is mirrored in every second one and leans, tan(angle / 2), forwards."""
    side = 2 * dice.chance(0.5) - 1
    cos, sin = (1 - lean * lean) / (1 + lean * lean), 2 * lean / (1 + lean * lean)
    across, down = (picture.x - x) * side / scale, (picture.y - y) / scale
    return _Canvas(picture.rgb, cos * across + sin * down, cos * down - sin * across, picture.pixel / scale)


def _horse(picture, dice):
    """A horse that stands, walks or grazes."""
    horizon = dice.between(-0.55, 0.2)
    sandy = dice.chance(0.22)
    _landscape(picture, dice, horizon, _mix(dice.ramp(_GRASS), dice.ramp(_SAND), sandy))
    scale = dice.between(0.72, 1.0)
    c = _own(picture, dice, dice.between(-0.14, 0.14), dice.between(-0.06, 0.10), scale, dice.between(-0.03, 0.03))
    c = dataclasses.replace(c, x=c.x / dice.between(0.8, 1.05))  # turned a little away
    coat, hair = dice.row(_COATS)
    coat, hair = (colour * tone for colour, tone in ((coat, dice.between(0.85, 1.15)), (hair, 1)))
    grazing, pace, swing, stout = dice.chance(0.3), dice.chance(0.45), dice.between(-1, 1), dice.between(0.92, 1.1)
    feet, hoof = 0.66, coat * 0.25 + 0.05
    sock = _mix(coat * 0.75, 0.92, dice.chance(0.35))

    def shaded(colour):
        """Lit from above."""
        return colour * (1.12 - 0.75 * np.clip(c.y + 0.12, -0.25, 0.5)) + 0.05 * (c.y < -0.08)

    c.paint(0.45 * _bump((c.x - 0.02) / 0.75, (c.y - feet - 0.02) / 0.10), 0.06)

    # Four legs: the far pair first and darker; those of a pace swing against each other.
    for near, top_x, phase in ((0, -0.32, 1), (0, 0.30, -1), (1, -0.40, -1), (1, 0.26, 1)):
        step = swing * phase * (0.05 + 0.22 * pace)
        lift = 0.10 * pace * np.maximum(step * 3, 0)
        knee = top_x + 0.5 * step + (0.03 if top_x > 0 else -0.04), 0.36 - 0.4 * lift
        foot = top_x + step * (0.9 if top_x > 0 else 1.1), feet - lift
        tone = shaded(coat) * (0.6 + 0.4 * near)
        c.paint(c.inside(c.path(((top_x, 0.10), knee), (0.13 if top_x < 0 else 0.105, 0.058))), tone)
        c.paint(c.inside(c.path((knee, foot), (0.055, 0.042))), _mix(tone, sock * (0.7 + 0.3 * near), np.clip(6 * (c.y - 0.42), 0, 1)))
        c.paint(c.inside(c.limb(foot, (foot[0] + 0.05, foot[1] + 0.02), 0.05, 0.045)), hoof)

    # The tail, the trunk and the neck, which reaches forwards and up, or down to the grass.
    blow = dice.between(0.0, 0.2)
    c.paint(c.inside(c.path(((-0.56, -0.12), (-0.68 - 0.5 * blow, 0.06), (-0.68 - blow, 0.38 - blow)), (0.05, 0.075, 0.03))), hair * 0.9)
    poll_x = _mix(dice.between(0.58, 0.72), dice.between(0.74, 0.82), grazing)
    poll_y = _mix(dice.between(-0.62, -0.42), dice.between(0.22, 0.34), grazing)
    withers, poll = (0.30, -0.10), (poll_x, poll_y)
    trunk = c.path(((-0.40, -0.03), (-0.05, 0.02), (0.28, 0.0)), (0.225 * stout, 0.20 * stout, 0.225 * stout))
    neck = c.limb(withers, poll, 0.19, 0.095)
    c.paint(c.inside(np.minimum(trunk, neck)), shaded(coat))

    # Ears, head, mane.
    nose = poll_x + _mix(dice.between(0.20, 0.26), 0.10, grazing), poll_y + _mix(dice.between(0.14, 0.22), 0.26, grazing)
    back = _mix(0.0, 0.10, grazing)
    c.paint(c.inside(c.limb((poll_x - 0.02, poll_y - 0.05), (poll_x - back, poll_y - 0.18 + back), 0.045, 0.015)), shaded(coat) * 0.8)
    head = c.limb(poll, nose, 0.105, 0.065)
    c.paint(c.inside(head), shaded(coat) * 1.04)
    c.paint(0.6 * c.inside(c.limb(nose, nose, 0.06, 0.06), 0.04), coat * 0.45 + 0.02)
    blaze = c.limb((poll_x + 0.09, poll_y), (nose[0] + 0.03, nose[1] - 0.06), 0.025, 0.025)
    c.paint(dice.chance(0.35) * c.inside(np.maximum(blaze, head)), 0.93)
    c.paint(c.inside(c.limb((poll_x + 0.06, poll_y + 0.02), (poll_x + 0.07, poll_y + 0.03), 0.022, 0.022)), 0.03)
    crest = ((poll_x + 0.02, poll_y - 0.11), (0.5 * poll_x + 0.5 * 0.22 - 0.03, 0.5 * poll_y - 0.18), (0.16, -0.22))
    c.paint(c.inside(c.path(crest, (0.045, 0.075, 0.04)) + 0.012 * _wave(6 * c.x + 5 * c.y)), hair)


def _bird(picture, dice):
    """A bird that perches, stands, wades, swims or flies."""
    where = dice.between(0, 1)
    flying, perched, swimming = ((where >= a) & (where < b) for a, b in ((0, 0.28), (0.28, 0.58), (0.58, 0.74)))
    wading = where >= 0.88
    flying, perched, swimming, wading = (pose.astype(np.float32) for pose in (flying, perched, swimming, wading))
    high = np.maximum(flying, perched)
    water = np.maximum(swimming, wading)
    ground = _mix(_mix(dice.ramp(_GRASS), dice.ramp(_SAND), dice.chance(0.5)), dice.ramp(_WATER), water)
    _landscape(picture, dice, _mix(dice.between(-0.5, 0.3), dice.between(0.7, 2.5), high), ground)
    _foliage(picture, dice.ramp(_LEAVES), dice.between(0, 1), perched * dice.chance(0.75))
    scale = dice.between(0.85, 1.25) * (1 - 0.15 * wading)
    lean = _mix(dice.between(-0.18, 0.05), dice.between(-0.25, 0.15), flying) * (1 - swimming)
    c = _own(picture, dice, dice.between(-0.15, 0.15), dice.between(-0.05, 0.18), scale, lean)
    back, breast, cap = dice.row(_PLUMAGE)
    beak = dice.ramp(_BEAKS)
    wing_colour = back * dice.between(0.6, 0.95)
    slim, neck = dice.between(0.82, 1.08) * (1 - 0.2 * flying), dice.between(0, 0.06) + wading * dice.between(0.1, 0.3) + swimming * dice.between(0, 0.25)
    legs, tail = _mix(dice.between(0.12, 0.22), dice.between(0.4, 0.6), wading), dice.between(0.1, 0.38) * (1 - 0.5 * swimming)

    # What it stands on, legs, the shadow or the mirror image.
    branch = dice.between(-0.25, 0.25)
    foot = 0.24 + legs
    line = np.abs(c.y - foot - 0.04 - branch * c.x - 0.03 * _wave(0.8 * c.x)) - 0.055
    c.paint(perched * c.inside(line), _mix(0.30, 0.20, np.clip(8 * (c.y - foot - branch * c.x), 0, 1)) * _colour(1.0, 0.75, 0.55))
    standing = (1 - flying) * (1 - swimming)
    c.paint(0.35 * standing * (1 - perched) * _bump(c.x / 0.42, (c.y - foot - 0.02) / 0.08), 0.05)
    for x, shade in ((-0.06, 0.6), (0.05, 0.9)):
        leg = c.path(((x, 0.15), (x - 0.03, 0.2 + 0.5 * legs), (x, foot), (x + 0.08, foot + 0.01)), (0.03, 0.022, 0.018, 0.018))
        c.paint(standing * c.inside(leg), beak * shade * 0.8)

    # The far wing, tail, trunk, neck and head.
    span, beat, sweep = dice.between(0.6, 0.85), dice.between(-1, 1), dice.between(-0.3, 0.15)
    far_beat = np.where(dice.chance(0.5) > 0, beat * 0.9 + 0.1, -beat)

    def wing(beat, reach):
        """An outstretched wing: its distance."""
        wrist = 0.02 + 0.3 * sweep + 0.12, -0.06 - 0.55 * span * beat * reach
        tip = sweep - 0.22, -0.06 - 1.15 * span * beat * reach
        return np.minimum(c.path(((0.04, -0.04), wrist, tip), (0.15, 0.11, 0.02)), c.limb((-0.08, 0.0), (tip[0] + 0.08, tip[1] * 0.8), 0.14, 0.03))

    beat, far_beat = (np.where(b < 0, -1, 1) * (0.45 + 0.55 * np.abs(b)) for b in (beat, far_beat))
    c.paint(flying * c.inside(wing(far_beat, 0.9)), wing_colour * 0.75)
    rump = -0.30, 0.08 * (1 - flying)
    fan = dice.between(0.03, 0.09)
    c.paint(c.inside(c.limb(rump, (rump[0] - 0.1 - tail, rump[1] + (0.10 - 0.2 * swimming) * (1 - flying)), 0.09, fan)), wing_colour * 0.85)
    chest, head = (0.10, -0.02), (0.30 + 0.3 * neck, -0.22 - neck + 0.12 * flying)
    trunk = c.limb(chest, rump, 0.235 * slim, 0.11 * slim)
    throat = c.limb((0.17, -0.08), head, 0.17 * slim, _mix(0.125, 0.075, np.clip(4 * neck, 0, 1)))
    body = _mix(back, breast, np.clip(0.5 + 4.5 * (c.y + 0.02 + 0.25 * (c.x - 0.1) * -1.0), 0, 1))
    light = 1.05 - 0.55 * np.clip(c.y - 0.02, -0.2, 0.4)
    c.paint(c.inside(np.minimum(trunk, throat)), body * light)
    size = 0.14 - 0.03 * np.clip(4 * neck, 0, 1)
    front = head[0] + size * 0.8
    bill = dice.between(0.10, 0.20) + 0.12 * wading
    c.paint(c.inside(c.limb((front - 0.02, head[1] + 0.01), (front + bill, head[1] + 0.04), 0.055, 0.01)), beak)
    c.paint(c.inside(c.limb(head, head, size, size)), cap * (1.05 - 0.8 * np.clip(c.y - head[1], -0.2, 0.2)))
    c.paint(0.7 * dice.chance(0.5) * c.inside(c.limb((head[0] + 0.05, head[1] + 0.09), (head[0] + 0.02, head[1] + 0.10), 0.05, 0.05)), breast)
    eye = head[0] + 0.055, head[1] - 0.025
    c.paint(0.6 * c.inside(c.limb(eye, eye, 0.04, 0.04)), _mix(cap, 1, 0.5))
    c.paint(c.inside(c.limb(eye, eye, 0.027, 0.027)), 0.02)

    # The near wing, folded or outstretched; and the water before a swimmer.
    folded = c.limb((0.06, 0.0), (-0.40, 0.08), 0.145 * slim, 0.03)
    c.paint((1 - flying) * c.inside(folded), wing_colour * light)
    bar = np.abs(c.x + 0.10 + 0.4 * c.y) - 0.03
    c.paint(dice.chance(0.5) * (1 - flying) * 0.7 * c.inside(np.maximum(bar, folded)), _mix(back, 1, 0.6))
    near = wing(beat, 1.0)
    c.paint(flying * c.inside(near), wing_colour * (1.0 + 0.25 * np.clip(-beat * c.y, -0.5, 0.5)))
    surface = c.inside(0.13 + 0.02 * _wave(1.5 * c.x) - c.y, 0.05)
    c.paint(swimming * surface, ground * 0.9 + 0.04 * _wave(7 * c.y + 0.6 * c.x))
    c.paint(0.4 * swimming * surface * _bump(c.x / 0.5, (c.y - 0.2) / 0.16), breast * 0.7)


def _colour(red, green, blue):
    """A colour (3, 1, 1, 1)."""
    return np.array([red, green, blue], np.float32)[:, None, None, None]


def _mix(a, b, t):
    """a where t is 0, b where it is 1."""
    return a + (b - a) * t


def _wave(t):
    """A smooth wave of period 1 in [-1, 1]: a sine's two arches as parabolas."""
    t = t - np.rint(t)
    return 16 * t * (0.5 - np.abs(t))


def _bump(x, y):
    """A soft spot: 1 at the origin, 0 from the unit circle on."""
    spot = np.clip(1 - x * x - y * y, 0, 1)
    return spot * spot
