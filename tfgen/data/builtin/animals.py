"""Painted birds and horses, in place of CIFAR-10's, drawn by code; no pictures are bundled or downloaded.

An animal is painted back to front from limbs, which are tapered with round ends, over its own background. Each animal
has its own coordinates: it looks to the right, y is down, and its trunk is at the origin.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfgen.data.builtin.painting import TEST_START as TEST_START
from tfgen.data.builtin.painting import (
    Canvas,
    Dice,
    Number,
    bump,
    chunks,
    mix,
    pixel_centres,
    rotation,
    split_range,
    to_uint8,
    wave,
)
from tfgen.data.source import Source

CLASSES = ("bird", "horse")
TRAIN, TEST = 8192, 1024

_UNIFORMS = 64  # random numbers for an animal
# Animals drawn together: few enough to fit into the processor's cache, and an even number, so that every chunk starts
# with the same kind.
_CHUNK = 64

_COATS = (  # the body, and mane and tail
    ((0.42, 0.22, 0.10), (0.08, 0.06, 0.05)),  # bay
    ((0.27, 0.14, 0.08), (0.06, 0.05, 0.05)),  # dark bay
    ((0.09, 0.08, 0.09), (0.05, 0.05, 0.06)),  # black
    ((0.58, 0.58, 0.60), (0.34, 0.34, 0.37)),  # gray
    ((0.85, 0.83, 0.80), (0.72, 0.69, 0.65)),  # white
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
)
_BEAKS = ((0.95, 0.62, 0.12), (0.85, 0.45, 0.15), (0.25, 0.23, 0.22), (0.60, 0.55, 0.45))
_GRASS, _SAND = ((0.26, 0.40, 0.12), (0.42, 0.55, 0.20), (0.58, 0.60, 0.28)), ((0.72, 0.60, 0.42), (0.82, 0.74, 0.56))
_WATER = ((0.16, 0.30, 0.38), (0.30, 0.48, 0.60), (0.52, 0.62, 0.66))
_SKY = ((0.36, 0.58, 0.86), (0.56, 0.74, 0.92), (0.80, 0.84, 0.88), (0.90, 0.80, 0.68))
_BARK = ((0.24, 0.17, 0.12), (0.42, 0.34, 0.27))
_LEAVES = ((0.13, 0.22, 0.10), (0.24, 0.36, 0.14), (0.40, 0.46, 0.20), (0.48, 0.42, 0.26))


def load(split: str, image_size: int = 32, examples: int | None = None) -> Source:
    """The animals of one split, "train" (8,192) or "test" (1,024).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: number of examples to use from the start; None for all.

    Returns:
        Source with images (n, image_size, image_size, 3), the CLASSES as labels and no attributes.
    """
    images, labels = paint(*split_range(split, TRAIN, TEST, examples), image_size=image_size)
    return Source(f"animals/{split}", images, np.zeros((len(images), 0), np.uint8), labels=labels, classes=CLASSES)


def paint(start: int, stop: int, seed: int = 0, image_size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Draws animals number start to stop - 1 of a seed. An animal depends only on its number and the seed.

    Args:
        start, stop: the range of animals, from 0. Even ones are birds, odd ones horses.
        seed: a different seed gives a different endless sequence of animals.
        image_size: height and width in pixels.

    Returns:
        images (n, image_size, image_size, 3) uint8 and labels (n,) int32, of CLASSES.
    """
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    for place, uniforms in chunks(start, stop, seed, _UNIFORMS, _CHUNK):
        for label, animal in enumerate((_bird, _horse)):
            of_a_kind = slice((start + label) % 2, None, 2)
            if len(uniforms[of_a_kind]):
                images[place][of_a_kind] = _paint(uniforms[of_a_kind], animal, image_size)
    return images, (np.arange(start, stop) % 2).astype(np.int32)


def _paint(uniforms: np.ndarray, animal: Callable[[Canvas, Dice], None], image_size: int) -> np.ndarray:
    """Pictures (n, image_size, image_size, 3) uint8 of one kind of animal."""
    dice, x = Dice(uniforms), pixel_centres(image_size)
    y = x[:, None]
    picture = Canvas(np.empty((3, len(uniforms), image_size, image_size), np.float32), x, y, np.float32(2 / image_size))
    animal(picture, dice)
    light, warmth, vignette = dice.between(0.78, 1.15), dice.between(-0.06, 0.06), dice.between(-0.1, 0.12)
    light = light - vignette * (x * x + y * y)
    rgb = picture.rgb * np.stack([light * (1 + warmth), light, light * (1 - warmth)])
    return to_uint8(rgb)


def _landscape(c: Canvas, dice: Dice, horizon: np.ndarray, ground: np.ndarray) -> None:
    """Sky or leaves above the horizon, the given ground below it, and something dark between them."""
    sky, far, phase = dice.ramp(_SKY), dice.ramp(_LEAVES), dice.roll()
    c.rgb[:] = sky + 0.10 * (c.y - horizon + 0.6)
    hills = (
        horizon
        - dice.between(-0.05, 0.3) * (1 + 0.5 * wave(dice.between(0.2, 0.6) * c.x + phase))
        + 0.03 * wave(3 * c.x + phase)
    )
    c.paint(c.inside(hills - c.y, 0.06), far * 0.8 + 0.25 * sky)
    _foliage(c, dice, dice.chance(0.35))
    down = np.clip((c.y - horizon) / 1.2, 0, 1)
    grain = (
        0.05
        * wave(dice.between(1.2, 2.6) * c.x + 0.4 * wave(1.3 * c.y) + phase)
        * wave(12 * np.sqrt(down + 0.05) + 0.7 * c.x)
    )
    c.paint(c.inside(horizon - c.y, 0.03), ground * (1.08 - 0.25 * down + grain))


def _foliage(c: Canvas, dice: Dice, amount: np.ndarray) -> None:
    """Leaves out of focus all over the picture."""
    slant, phase, fine = dice.between(-0.8, 0.8), dice.roll(), dice.between(0.6, 1.1)
    x, y = c.x + slant * c.y + 0.12 * wave(0.9 * c.y + phase), c.y - slant * c.x + 0.12 * wave(0.8 * c.x - phase)
    blur = wave(fine * x + phase) * wave(fine * y + 2.3 * phase) + 0.6 * wave(1.7 * x + 3 * phase) * wave(
        1.9 * y - phase
    )
    c.paint(amount, dice.ramp(_LEAVES) * (1 + 0.28 * blur) + 0.03 * (1 - c.y))


def _own(picture: Canvas, dice: Dice, x: Number, y: Number, scale: Number, lean: np.ndarray) -> Canvas:
    """The picture in the coordinates of an animal at x, y, which is mirrored with probability 1/2 and leans forwards;
    lean is tan(angle / 2).
    """
    side = 2 * dice.chance(0.5) - 1
    cos, sin = rotation(lean)
    across, down = (picture.x - x) * side / scale, (picture.y - y) / scale
    return Canvas(picture.rgb, cos * across + sin * down, cos * down - sin * across, picture.pixel / scale)


def _horse(picture: Canvas, dice: Dice) -> None:
    """A horse that stands, walks or grazes."""
    _landscape(picture, dice, dice.between(-0.55, 0.2), mix(dice.ramp(_GRASS), dice.ramp(_SAND), dice.chance(0.22)))
    scale = dice.between(0.75, 1.2)
    c = _own(picture, dice, dice.between(-0.14, 0.14), dice.between(-0.06, 0.10), scale, dice.between(-0.03, 0.03))
    c = dataclasses.replace(c, x=c.x / dice.between(0.8, 1.05))  # turned a little away
    coat, hair = dice.row(_COATS)
    coat = coat * dice.between(0.85, 1.15)
    grazing, pace, swing, stout = dice.chance(0.3), dice.chance(0.45), dice.between(-1, 1), dice.between(0.92, 1.1)
    feet, hoof = 0.66, coat * 0.25 + 0.05
    sock = mix(coat * 0.75, 0.92, dice.chance(0.35))

    def shaded(colour: np.ndarray) -> np.ndarray:
        """Lit from above."""
        return colour * (1.12 - 0.75 * np.clip(c.y + 0.12, -0.25, 0.5)) + 0.05 * (c.y < -0.08)

    c.paint(0.45 * bump((c.x - 0.02) / 0.75, (c.y - feet - 0.02) / 0.10), 0.06)

    # Four legs: the far pair first and darker; those of a pace swing against each other.
    for near, top_x, phase in ((0, -0.32, 1), (0, 0.30, -1), (1, -0.40, -1), (1, 0.26, 1)):
        step = swing * phase * (0.05 + 0.22 * pace)
        lift = 0.10 * pace * np.maximum(step * 3, 0)
        knee = top_x + 0.5 * step + (0.03 if top_x > 0 else -0.04), 0.36 - 0.4 * lift
        foot = top_x + step * (0.9 if top_x > 0 else 1.1), feet - lift
        tone = shaded(coat) * (0.6 + 0.4 * near)
        c.paint(c.inside(c.path(((top_x, 0.10), knee), (0.13 if top_x < 0 else 0.105, 0.058))), tone)
        c.paint(
            c.inside(c.path((knee, foot), (0.055, 0.042))),
            mix(tone, sock * (0.7 + 0.3 * near), np.clip(6 * (c.y - 0.42), 0, 1)),
        )
        c.paint(c.inside(c.limb(foot, (foot[0] + 0.05, foot[1] + 0.02), 0.05, 0.045)), hoof)

    # The tail, the trunk and the neck, which reaches forwards and up, or down to the grass.
    blow = dice.between(0.0, 0.2)
    c.paint(
        c.inside(
            c.path(((-0.56, -0.12), (-0.68 - 0.5 * blow, 0.06), (-0.68 - blow, 0.38 - blow)), (0.05, 0.075, 0.03))
        ),
        hair * 0.9,
    )
    poll_x = mix(dice.between(0.58, 0.72), dice.between(0.74, 0.82), grazing)
    poll_y = mix(dice.between(-0.60, -0.36), dice.between(0.22, 0.34), grazing)
    withers, poll = (0.30, -0.10), (poll_x, poll_y)
    trunk = c.path(((-0.40, -0.03), (-0.05, 0.02), (0.28, 0.0)), (0.225 * stout, 0.20 * stout, 0.225 * stout))
    neck = c.limb(withers, poll, 0.19, 0.095)
    c.paint(c.inside(np.minimum(trunk, neck)), shaded(coat))

    # Ears, head, mane.
    nose = poll_x + mix(dice.between(0.20, 0.27), 0.10, grazing), poll_y + mix(dice.between(0.18, 0.28), 0.28, grazing)
    back = mix(0.0, 0.10, grazing)
    c.paint(
        c.inside(c.limb((poll_x - 0.02, poll_y - 0.05), (poll_x - back, poll_y - 0.18 + back), 0.045, 0.015)),
        shaded(coat) * 0.8,
    )
    head = c.limb(poll, nose, 0.115, 0.065)
    c.paint(c.inside(head), shaded(coat) * 1.04)
    c.paint(0.6 * c.inside(c.limb(nose, nose, 0.06, 0.06), 0.04), coat * 0.45 + 0.02)
    blaze = c.limb((poll_x + 0.09, poll_y), (nose[0] + 0.03, nose[1] - 0.06), 0.025, 0.025)
    c.paint(dice.chance(0.35) * c.inside(np.maximum(blaze, head)), 0.93)
    c.paint(c.inside(c.limb((poll_x + 0.06, poll_y + 0.02), (poll_x + 0.07, poll_y + 0.03), 0.022, 0.022)), 0.03)
    crest = ((poll_x + 0.02, poll_y - 0.11), (0.5 * poll_x + 0.5 * 0.22 - 0.03, 0.5 * poll_y - 0.18), (0.16, -0.22))
    c.paint(c.inside(c.path(crest, (0.045, 0.075, 0.04)) + 0.012 * wave(6 * c.x + 5 * c.y)), hair)


def _bird(picture: Canvas, dice: Dice) -> None:
    """A bird that perches, stands, wades, swims or flies."""
    pose = dice.roll()
    ranges = (0, 0.28), (0.28, 0.58), (0.58, 0.74), (0.88, 1)
    flying, perched, swimming, wading = (((pose >= a) & (pose < b)).astype(np.float32) for a, b in ranges)
    ground = mix(mix(dice.ramp(_GRASS), dice.ramp(_SAND), dice.chance(0.5)), dice.ramp(_WATER), swimming + wading)
    _landscape(picture, dice, mix(dice.between(-0.5, 0.3), dice.between(0.7, 2.5), flying + perched), ground)
    _foliage(picture, dice, perched * dice.chance(0.75))
    scale = dice.between(0.85, 1.25) * (1 - 0.15 * wading)
    lean = mix(dice.between(-0.18, 0.05), dice.between(-0.25, 0.15), flying) * (1 - swimming)
    c = _own(picture, dice, dice.between(-0.15, 0.15), dice.between(-0.05, 0.18), scale, lean)
    back, breast, cap = dice.row(_PLUMAGE)
    beak = dice.ramp(_BEAKS)
    wing_colour = back * dice.between(0.6, 0.95)
    slim = dice.between(0.82, 1.08) * (1 - 0.2 * flying)
    neck = dice.between(0, 0.06) + wading * dice.between(0.1, 0.3) + swimming * dice.between(0, 0.25)
    legs, tail = (
        mix(dice.between(0.12, 0.22), dice.between(0.4, 0.6), wading),
        dice.between(0.1, 0.38) * (1 - 0.5 * swimming),
    )

    # What it stands on, legs, the shadow or the mirror image.
    foot = 0.24 + legs
    below = c.y - foot - dice.between(-0.25, 0.25) * c.x - 0.03 * wave(0.8 * c.x)
    c.paint(perched * c.inside(np.abs(below - 0.04) - 0.055), dice.ramp(_BARK) * (1 - 2.5 * np.clip(below, -0.05, 0.1)))
    standing = (1 - flying) * (1 - swimming)
    c.paint(0.35 * standing * (1 - perched) * bump(c.x / 0.42, (c.y - foot - 0.02) / 0.08), 0.05)
    for x, shade in ((-0.06, 0.6), (0.05, 0.9)):
        leg = c.path(
            ((x, 0.15), (x - 0.03, 0.2 + 0.5 * legs), (x, foot), (x + 0.08, foot + 0.01)), (0.03, 0.022, 0.018, 0.018)
        )
        c.paint(standing * c.inside(leg), beak * shade * 0.8)

    # The far wing, tail, trunk, neck and head.
    span, sweep = dice.between(0.6, 0.85), dice.between(-0.3, 0.15)
    beat, opposite = (2 * dice.chance(0.5) - 1) * dice.between(0.55, 1), dice.chance(0.5)

    def wing(beat: np.ndarray) -> np.ndarray:
        """The distance to an outstretched wing."""
        wrist, tip = (0.10 + 0.3 * sweep, -0.05 - 0.5 * span * beat), (sweep - 0.24, -0.05 - 1.15 * span * beat)
        return c.path(((-0.03, -0.02), wrist, tip), (0.17, 0.12, 0.015))

    c.paint(flying * c.inside(wing((0.85 - 1.7 * opposite) * beat)), wing_colour * 0.75)
    rump = -0.30, 0.08 * (1 - flying)
    end = -0.40 - tail, rump[1] + (0.10 - 0.2 * swimming) * (1 - flying)
    c.paint(c.inside(c.limb(rump, end, 0.09, dice.between(0.03, 0.09))), wing_colour * 0.85)
    chest, head = (0.10, -0.02), (0.30 + 0.3 * neck, -0.22 - neck + 0.12 * flying)
    trunk = c.limb(chest, rump, 0.235 * slim, 0.11 * slim)
    throat = c.limb((0.17, -0.08), head, 0.17 * slim, mix(0.125, 0.075, np.clip(4 * neck, 0, 1)))
    body = mix(back, breast, np.clip(0.7 + 4.5 * c.y - 1.1 * c.x, 0, 1))
    light = 1.05 - 0.55 * np.clip(c.y - 0.02, -0.2, 0.4)
    c.paint(c.inside(np.minimum(trunk, throat)), body * light)
    size = 0.14 - 0.03 * np.clip(4 * neck, 0, 1)
    front = head[0] + size * 0.8
    bill = dice.between(0.10, 0.20) + 0.12 * wading
    c.paint(c.inside(c.limb((front - 0.02, head[1] + 0.01), (front + bill, head[1] + 0.04), 0.055, 0.01)), beak)
    c.paint(c.inside(c.limb(head, head, size, size)), cap * (1.05 - 0.8 * np.clip(c.y - head[1], -0.2, 0.2)))
    bib = c.limb((head[0] + 0.05, head[1] + 0.09), (head[0] + 0.02, head[1] + 0.10), 0.05, 0.05)
    c.paint(0.7 * dice.chance(0.5) * c.inside(bib), breast)
    eye = head[0] + 0.055, head[1] - 0.025
    c.paint(0.6 * c.inside(c.limb(eye, eye, 0.04, 0.04)), mix(cap, 1, 0.5))
    c.paint(c.inside(c.limb(eye, eye, 0.027, 0.027)), 0.02)

    # The near wing, folded or outstretched; and the water before a swimmer.
    folded = c.limb((0.06, 0.0), (-0.40, 0.08), 0.145 * slim, 0.03)
    c.paint((1 - flying) * c.inside(folded), wing_colour * light)
    bar = np.abs(c.x + 0.10 + 0.4 * c.y) - 0.03
    c.paint(dice.chance(0.5) * (1 - flying) * 0.7 * c.inside(np.maximum(bar, folded)), mix(back, 1, 0.6))
    c.paint(flying * c.inside(wing(beat)), wing_colour * (1.0 - 0.25 * np.clip(beat * c.y, -0.5, 0.5)))
    surface = c.inside(0.13 + 0.02 * wave(1.5 * c.x) - c.y, 0.05)
    c.paint(swimming * surface, ground * 0.9 + 0.04 * wave(7 * c.y + 0.6 * c.x))
    c.paint(0.4 * swimming * surface * bump(c.x / 0.5, (c.y - 0.2) / 0.16), breast * 0.7)
