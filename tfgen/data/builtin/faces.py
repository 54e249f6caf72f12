"""Painted faces with the 13 attributes of the CelebA homework, drawn by code: no pictures are bundled, none downloaded.

A face is painted back to front, each part by one function, from smooth-edged shapes. Coordinates are the face's own: the origin
is between the eyes, x to the right, y down, the chin at about y = 0.72 and the ears at about x = -0.48 and 0.48.
"""

import dataclasses
import types

import numpy as np

from tfgen import UserError
from tfgen.data.celeba import ATTRIBUTES
from tfgen.data.source import Source

EXCLUSIVE = (("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Straight_Hair", "Wavy_Hair"))
TRAIN, TEST = 8192, 1024
TEST_START = 2**40  # the number of the first test face: no training set reaches it

_DRAWS, _UNIFORMS = 10, 76  # random numbers for a face's attributes, and for all of it: a multiple of 4, as Philox makes 4 at a time
_CHUNK = 32  # faces drawn together: few enough to stay in the cache

_SKIN = ((0.97, 0.83, 0.75), (0.95, 0.77, 0.66), (0.89, 0.68, 0.54), (0.78, 0.56, 0.42), (0.62, 0.42, 0.30), (0.43, 0.28, 0.21))
_BLACK = ((0.06, 0.05, 0.06), (0.12, 0.10, 0.10))
_BLOND = ((0.90, 0.78, 0.55), (0.76, 0.59, 0.34))
_BROWN = ((0.28, 0.16, 0.10), (0.46, 0.29, 0.18))
_RED_OR_GREY = ((0.50, 0.17, 0.09), (0.70, 0.36, 0.19), (0.58, 0.57, 0.58), (0.84, 0.83, 0.83))
_IRIS = ((0.16, 0.09, 0.05), (0.36, 0.21, 0.10), (0.30, 0.38, 0.18), (0.25, 0.45, 0.62), (0.38, 0.50, 0.55))
_LIPSTICK = ((0.78, 0.06, 0.12), (0.88, 0.16, 0.34), (0.56, 0.04, 0.20))
_EYE_SHADOW = ((0.50, 0.26, 0.62), (0.24, 0.40, 0.72), (0.16, 0.50, 0.48), (0.52, 0.28, 0.16), (0.70, 0.24, 0.46))


def load(split, image_size=64, examples=None, seed=0):
    """The faces of one split, "train" (8,192) or "test" (1,024).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: at most the first so many; None is all.
        seed: of `draw`.

    Returns:
        Source with images (n, image_size, image_size, 3), the 13 ATTRIBUTES and no labels.
    """
    start, n = {"train": (0, TRAIN), "test": (TEST_START, TEST)}[split]
    return Source(f"faces/{split}", *draw(start, start + min(n, examples or n), seed, image_size), ATTRIBUTES)


def draw(start, stop, seed=0, image_size=64, attributes=None):
    """Draws the faces number start to stop - 1 of a seed; a face is the same whatever range it is drawn in.

    Args:
        start, stop: the range of faces, from 0.
        seed: another seed is another endless row of faces.
        image_size: height and width in pixels.
        attributes: {name: 0 or 1} to change in every face; all else about the face stays, but for what a 1 excludes.

    Returns:
        images (n, image_size, image_size, 3) uint8 and attributes (n, 13) uint8, in the order of ATTRIBUTES.

    Raises:
        UserError: for an attribute that faces do not have.
    """
    for name in attributes or {}:
        if name not in ATTRIBUTES:
            raise UserError(f"the built-in faces have no attribute {name!r}: they have {', '.join(ATTRIBUTES)}.")
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    values = np.empty((stop - start, len(ATTRIBUTES)), np.uint8)
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        uniforms = _uniforms(first, last, seed)
        has = _attributes(uniforms[:, :_DRAWS], attributes or {})
        values[first - start : last - start] = np.stack([has[name] for name in ATTRIBUTES], axis=1)
        images[first - start : last - start] = _paint(_parameters(uniforms[:, _DRAWS:], has), image_size)
    return images, values


def _uniforms(start, stop, seed):
    """(stop - start, _UNIFORMS) random numbers in [0, 1). Philox counts, so that any face's numbers are reached at once."""
    philox = np.random.Philox(key=seed).advance(start * _UNIFORMS // 4)
    return np.random.Generator(philox).random((stop - start, _UNIFORMS))


def _attributes(uniforms, forced):
    """Attributes at about CelebA's rates and with its plainest dependences: {name: (n,) bool}, after the forced ones."""
    u = iter(uniforms.T)
    male, smiling, colour, texture = next(u) < 0.38, next(u) < 0.45, next(u), next(u)
    makeup = next(u) < np.where(male, 0.01, 0.62)
    black = np.where(male, 0.34, 0.245)
    blond = black + np.where(male, 0.06, 0.195)
    straight = np.where(male, 0.30, 0.225)
    has = {
        "Male": male,
        "Smiling": smiling,
        "Black_Hair": colour < black,
        "Blond_Hair": (colour >= black) & (colour < blond),
        "Brown_Hair": (colour >= blond) & (colour < blond + np.where(male, 0.25, 0.29)),
        "Straight_Hair": texture < straight,
        "Wavy_Hair": (texture >= straight) & (texture < straight + np.where(male, 0.14, 0.43)),
        "Heavy_Makeup": makeup,
        "Wearing_Lipstick": next(u) < np.where(male, 0.02, np.where(makeup, 0.93, 0.50)),
        "Bangs": next(u) < np.where(male, 0.09, 0.24),
        "Big_Lips": next(u) < np.where(male, 0.12, 0.22),
        "High_Cheekbones": next(u) < np.where(smiling, 0.68, 0.17),
        "Mouth_Slightly_Open": next(u) < np.where(smiling, 0.70, 0.20),
    }
    for name, value in forced.items():
        for others in EXCLUSIVE:
            if value and name in others:
                has.update({other: np.zeros_like(male) for other in others})
        has[name] = np.full_like(male, value)
    return has


def _parameters(uniforms, has):
    """All that is needed to paint n faces: the attributes and other numbers (n, 1, 1) and colours (3, n, 1, 1), float32."""
    u = iter(uniforms.astype(np.float32).T[..., None, None])
    p = types.SimpleNamespace(**{name.lower(): value.astype(np.float32)[:, None, None] for name, value in has.items()})
    male, smile = p.male, p.smiling

    def between(low, high):
        return low + (high - low) * next(u)

    # Pose and light.
    p.centre_x, p.centre_y, p.scale = between(-0.06, 0.06), between(-0.02, 0.07), between(1.02, 1.18)
    half_angle = between(-0.06, 0.06)
    p.cos, p.sin = (1 - half_angle**2) / (1 + half_angle**2), 2 * half_angle / (1 + half_angle**2)
    p.yaw, p.pitch = between(-0.08, 0.08), between(-0.015, 0.02)
    p.light_x, p.light_y, p.contrast = between(-1, 1), between(-0.8, -0.1), between(0.15, 0.40)
    p.background = [_hue(next(u), between(0.02, 0.14), between(0.3, 0.85)) for _ in range(2)]
    p.background_x, p.background_y = between(-0.5, 0.5), between(-0.5, 0.5)
    p.cloth = _hue(next(u), between(0.02, 0.25), between(0.15, 0.8))

    # Skin and shape of the head.
    p.skin = _ramp(_SKIN, next(u) ** 2) * between(0.95, 1.02)
    p.shadow = p.skin * _colour(0.66, 0.51, 0.46)
    p.width, p.chin = between(0.445, 0.485) + 0.015 * male, between(0.68, 0.73) + 0.02 * male
    p.jaw, p.taper = between(0.0, 0.22) + 0.45 * male, between(0.12, 0.24) - 0.09 * male  # how square it is, and how much narrower
    p.neck, p.beard = between(0.21, 0.24) + 0.09 * male, male * np.clip(between(-0.5, 0.9), 0, 1)

    # Eyes and brows.
    p.eye_x, p.eye_width = between(0.20, 0.225), between(0.098, 0.114)
    p.eye_top = between(0.050, 0.064) * (1 - 0.12 * smile) * (1 - 0.12 * male)
    p.eye_bottom, p.eye_tilt = between(0.026, 0.034) * (1 - 0.45 * smile), between(0.0, 0.02)
    p.gaze_x, p.gaze_y = between(-0.022, 0.022), between(-0.010, 0.008)
    p.iris, p.eye_shadow = _ramp(_IRIS, next(u)), _ramp(_EYE_SHADOW, next(u))
    p.brow_y, p.brow_arch = between(-0.165, -0.145) + 0.015 * male, between(0.02, 0.04) - 0.012 * male
    p.brow_tilt, p.brow_thickness = between(-0.012, 0.022), between(0.012, 0.017) + 0.012 * male

    # Nose and mouth.
    p.nose_y, p.nose_width = between(0.22, 0.27), between(0.07, 0.095) + 0.01 * male
    p.mouth_y, p.mouth_width = between(0.425, 0.455), between(0.16, 0.19) * (1 + 0.33 * smile)
    p.mouth_curve = between(-0.002, 0.018) * (1 - smile) + between(0.08, 0.115) * smile
    fullness = between(0.85, 1.15) * (1 + 1.1 * p.big_lips) * (1 - 0.1 * smile)
    p.upper_lip, p.lower_lip = 0.027 * fullness, 0.040 * fullness
    # A smile bares the teeth; an open mouth is dark below them.
    p.dark = p.mouth_slightly_open * between(0.05, 0.07)
    p.teeth = 0.058 * smile + 0.022 * p.mouth_slightly_open * (1 - smile)
    natural = _mix(p.skin, _colour(0.70, 0.25, 0.25), between(0.30, 0.45)) * _colour(0.92, 0.85, 0.85)
    p.lips = _mix(natural, _ramp(_LIPSTICK, next(u)), 0.9 * p.wearing_lipstick)

    # Hair.
    tone, other = next(u), next(u)
    p.hair = _ramp(_RED_OR_GREY, other * np.sqrt(other))
    for present, palette in ((p.black_hair, _BLACK), (p.blond_hair, _BLOND), (p.brown_hair, _BROWN)):
        p.hair = _mix(p.hair, _ramp(palette, tone), present)
    plain = (1 - p.straight_hair) * (1 - p.wavy_hair)
    p.curly = plain * (next(u) < 0.35)
    p.cropped = plain - p.curly
    p.bun = p.cropped * (1 - male) * (next(u) < 0.75)
    p.long = (1 - male) * (1 - p.cropped)
    p.volume = between(0.07, 0.12) + 0.03 * p.wavy_hair + 0.06 * p.curly - 0.05 * p.cropped
    p.length = _mix(between(0.0, 0.06) + 0.12 * p.straight_hair - 0.12 * p.bun, _mix(between(0.55, 1.2), 0.45, p.curly), p.long)
    p.flare, p.hairline = between(0.02, 0.12) + 0.05 * p.wavy_hair, between(-0.58, -0.50)
    p.parting, p.parting_slope, p.sweep = between(-0.24, 0.24), between(0.0, 0.3), between(-0.12, 0.12)
    p.fringe, p.fringe_slope = between(-0.25, -0.20), between(-0.12, 0.12)
    p.phase = next(u)
    return p


@dataclasses.dataclass(frozen=True)
class _Canvas:
    """n pictures in the making, or a window of them."""

    pose: types.SimpleNamespace  # the parameters
    pixel: np.ndarray  # (n, 1, 1): a pixel's width
    rgb: np.ndarray  # (3, n, h, w)
    x: np.ndarray  # (n, h, w): the pixels' face coordinates
    y: np.ndarray
    fx: np.ndarray  # (n, h, w): the same of the features, which yaw and pitch move over the head
    fy: np.ndarray

    def window(self, half_width, top, bottom):
        """The smallest window that holds the box |x| <= half_width, top <= y <= bottom of every face."""
        p, size = self.pose, self.rgb.shape[-1]
        x, y = half_width * np.float32([-1, 1, -1, 1]), np.float32([top, top, bottom, bottom])
        corners = p.centre_y + p.scale * (p.sin * x + p.cos * y), p.centre_x + p.scale * (p.cos * x - p.sin * y)
        rows, columns = (slice(max(int((a.min() + 1) / 2 * size) - 1, 0), max(int((a.max() + 1) / 2 * size) + 2, 0)) for a in corners)
        return _Canvas(p, self.pixel, *(plane[..., rows, columns] for plane in (self.rgb, self.x, self.y, self.fx, self.fy)))

    def inside(self, distance, soft=0.0):
        """Coverage in [0, 1] of the shape where the distance is negative; its edge is one pixel wide, or `soft` wider."""
        return np.clip(0.5 - distance / (self.pixel + soft), 0, 1)

    def paint(self, coverage, colour):
        """Lays a colour over the picture with the given coverage."""
        layer = colour - self.rgb
        layer *= coverage
        np.add(self.rgb, layer, out=self.rgb)


def _paint(p, image_size):
    """The faces of n sets of parameters: (n, image_size, image_size, 3) uint8."""
    axis = (np.arange(image_size, dtype=np.float32) + 0.5) / image_size * 2 - 1
    across, down = (axis - p.centre_x) / p.scale, (axis[:, None] - p.centre_y) / p.scale
    x, y = p.cos * across + p.sin * down, p.cos * down - p.sin * across
    fx = x - p.yaw * np.clip(1 - 4 * x * x, 0, 1)  # as on a sphere: the middle of the face turns furthest
    canvas = _Canvas(p, 2 / (image_size * p.scale), np.empty((3, *x.shape), np.float32), x, y, fx, y - p.pitch)
    for part in (_background, _hair_back, _body, _head, _cheeks, _beard, _nose, _mouth, _eyes, _brows, _hair_front):
        part(canvas, p)
    return (np.clip(canvas.rgb, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 3, 0)


def _background(canvas, p):
    """A gradient between two colours."""
    canvas.rgb[:] = _mix(*p.background, np.clip(0.5 + p.background_x * canvas.x + p.background_y * canvas.y, 0, 1))


def _head_distance(c, p):
    """About the distance to the outline of the head: round above the eyes, narrowing below to a round or square jaw."""
    down = np.maximum(c.y, 0) / p.chin
    down2 = down * down
    x = (c.x - 0.5 * p.yaw * down) / (p.width * (1 - p.taper * down))
    return 0.26 * (x * x + down2 * (1 + p.jaw * (down2 - 1)) + (np.minimum(c.y, 0) / 0.72) ** 2 - 1)


def _strand_x(c, p):
    """x straightened along the strands: waves and curls swing to either side."""
    return c.x + 0.045 * p.wavy_hair * _wave(1.8 * c.y + p.phase + 0.4 * (c.x > 0))


def _curls(c, p):
    """A quilt of curls in [-1, 1], 0 where the hair is not curly."""
    x, y = c.x + 0.04 * _wave(1.7 * c.y + p.phase), c.y + 0.04 * _wave(1.9 * c.x)
    return p.curly * _wave(3.6 * x + 1.5 * y + p.phase) * _wave(4 * y - 1.4 * x)


def _hair_distance(c, p):
    """About the distance to the outline of the hair: a dome over the head, falling to p.length, or trimmed to the head at the ears."""
    fall = _mix(np.clip(0.15 - 2 * c.y, 0, 1), 1, np.maximum(p.long, 0.5 * p.straight_hair))
    x = _strand_x(c, p) / (p.width + 0.01 + p.volume * fall + p.long * p.flare * np.maximum(c.y, 0))
    top, end = np.minimum(c.y, 0) / (0.73 + p.volume), np.maximum(c.y - p.length, 0) / (0.15 + 0.15 * p.long)
    tufts = (1 - p.long) * p.wavy_hair * _wave(3 * c.x + p.phase) * np.clip(-4 * c.y - 0.8, 0, 1)
    return 0.3 * (x * x + top * top * (0.6 + 0.4 * top * top) + end * end - 1) + 0.04 * _curls(c, p) + 0.025 * tufts


def _hair_colour(c, p):
    """Strands from the parting outwards, and a sheen on the dome."""
    along = (_strand_x(c, p) - p.parting) / (0.6 + 0.4 * np.maximum(c.y + 0.8, 0))
    combed = 0.4 + 0.6 * np.maximum(p.straight_hair, p.wavy_hair)
    strands = combed * (0.09 * _wave(5 * along + p.phase) + 0.06 * _wave(11 * along)) + 0.12 * _curls(c, p)
    sheen = _bump((c.x - 0.25 * p.light_x) / 0.55, (c.y + 0.6) / 0.2)
    light = 0.92 + strands + 0.25 * p.light_x * c.x - 0.12 * c.y
    return p.hair * light + (0.08 + 0.2 * p.hair) * (0.7 * sheen + strands)


def _hair_back(canvas, p):
    """The hair behind the neck, and a bun."""
    c = canvas.window(1.0, -1.1, 1.6)
    c.paint(c.inside(_hair_distance(c, p)), p.hair * 0.7)
    c = canvas.window(0.4, -1.2, -0.5)
    bun = 0.2 * ((c.x / 0.20) ** 2 + ((c.y + 0.80) / 0.16) ** 2 - 1)
    c.paint(c.inside(bun) * p.bun, p.hair * (0.7 - 0.9 * (c.y + 0.80)))


def _body(canvas, p):
    """The neck with the chin's shadow on it, and shoulders with a round neckline."""
    c = canvas.window(1.6, 0.3, 1.6)
    light = p.light_x * c.x
    shade = 0.2 + 0.6 * np.clip(1 - (c.y - p.chin) / 0.22, 0, 1) - 0.5 * light + 3 * c.x * c.x
    neck = np.abs(c.x) - p.neck - 5 * np.maximum(c.y - 0.78, 0) ** 2
    c.paint(c.inside(neck) * (c.y > 0.4), _mix(p.skin, p.shadow, np.clip(shade, 0, 1)))
    shoulders = 0.80 + 0.25 * c.x * c.x - c.y
    neckline = 0.15 * (1 - (c.x / (p.neck + 0.07)) ** 2 - ((c.y - 0.74) / 0.20) ** 2)
    c.paint(c.inside(np.maximum(shoulders, neckline)), p.cloth * (1 + 0.3 * light - 0.25 * c.x * c.x))


def _head(canvas, p):
    """The ears, and the head lit from one side and darker towards its outline."""
    c = canvas.window(0.62, -0.8, 0.82)
    ear = ((np.abs(c.x) - p.width - 0.005) / 0.06) ** 2 + ((c.y - 0.06) / 0.13) ** 2
    c.paint(c.inside(0.05 * (ear - 1)), _mix(p.skin, p.shadow, 0.25 + 0.6 * np.clip(1 - 1.5 * ear, 0, 1)))
    x, y = c.x / p.width, c.y / 0.72
    shade = 0.05 + p.contrast * (0.35 - 0.8 * (p.light_x * x + p.light_y * y)) + 0.25 * (x * x + y * y) ** 2
    c.paint(c.inside(_head_distance(c, p)), _mix(p.skin, p.shadow, np.clip(shade, 0, 1)))


def _cheeks(canvas, p):
    """Blush, the modelling of high cheekbones, and cheeks lifted by a smile."""
    c = canvas.window(0.56, -0.1, 0.6)
    side, slant, glow = np.abs(c.fx), c.fy - 0.38 + 0.6 * np.abs(c.fx), _mix(p.skin * 1.08, 1, 0.22)
    head = c.inside(_head_distance(c, p))
    c.paint((0.12 + 0.30 * p.heavy_makeup) * head * _bump((side - 0.27) / 0.19, (c.fy - 0.2) / 0.15), p.skin * _colour(0.97, 0.52, 0.52))
    c.paint(0.65 * p.high_cheekbones * head * _bump((side - 0.33) / 0.16, (slant - 0.13) / 0.10), p.shadow)
    c.paint(0.60 * p.high_cheekbones * head * _bump((side - 0.29) / 0.15, (slant + 0.03) / 0.09), glow)
    c.paint(0.5 * p.smiling * _bump((side - 0.23) / 0.12, (c.fy - 0.18) / 0.09), glow)
    fold = np.abs(side - 0.15 - 0.5 * np.maximum(c.fy - 0.26, 0)) - 0.004
    c.paint(0.45 * p.smiling * c.inside(fold, 0.03) * _bump(0, (c.fy - 0.34) / 0.13), p.shadow)


def _beard(canvas, p):
    """Stubble on jaw and upper lip, from none to a beard."""
    c = canvas.window(0.56, -0.15, 0.82)
    edge = 0.34 - 1.3 * np.maximum(np.abs(c.fx) - 0.22, 0) - c.fy
    c.paint(0.6 * p.beard * c.inside(edge, 0.08) * c.inside(_head_distance(c, p)), p.hair * 0.5 + p.shadow * 0.3)


def _nose(canvas, p):
    """Bridge, tip and nostrils, all soft."""
    c = canvas.window(0.3, -0.2, 0.42)
    x, y, lit = c.fx, c.fy - p.nose_y, np.sign(p.light_x)
    c.paint(0.35 * _bump((x + 0.065 * lit) / 0.055, (y + 0.14) / 0.22), p.shadow)
    c.paint(0.30 * _bump(x / 0.035, (y + 0.14) / 0.2), _mix(p.skin, 1, 0.3))
    c.paint(0.5 * _bump(x / (p.nose_width * 1.3), (y - 0.045) / 0.05), p.shadow)
    c.paint(0.45 * _bump((np.abs(x) - p.nose_width) / 0.035, y / 0.06), p.shadow)
    c.paint(0.45 * _bump((x - 0.01 * p.light_x) / 0.045, (y + 0.015) / 0.045), _mix(p.skin, 1, 0.45))
    c.paint(0.7 * _bump((np.abs(x) - 0.5 * p.nose_width) / 0.03, (y - 0.03) / 0.022), p.shadow * 0.45)


def _mouth(canvas, p):
    """Lips, and between them their line or a gap with teeth."""
    c = canvas.window(0.4, 0.2, 0.75)
    x = c.fx / p.mouth_width
    rise = 1 - x * x
    y = c.fy - p.mouth_y + p.mouth_curve * (0.55 - rise)
    gap = p.teeth + p.dark
    upper, lower = -0.4 * gap * rise, 0.6 * gap * rise
    bow = 1 - 0.22 * _bump(x / 0.3, 0)
    lips = np.maximum(upper - p.upper_lip * rise * bow - y, y - lower - p.lower_lip * rise)
    c.paint(0.35 * _bump(x / 0.8, (y - lower - p.lower_lip - 0.02) / 0.035), p.shadow)
    c.paint(c.inside(lips), p.lips * (0.88 + 0.22 * (y > 0)))
    shine = _bump(x / 0.5, (y - lower - 0.5 * p.lower_lip) / (0.5 * p.lower_lip))
    c.paint((0.35 + 0.2 * p.wearing_lipstick) * shine, _mix(p.lips, 1, 0.5))
    opening = c.inside(np.maximum(upper - y, y - lower)) * (gap > 0)
    c.paint(opening, _colour(0.22, 0.05, 0.06))
    c.paint(opening * c.inside(y - upper - p.teeth * rise), _colour(0.95, 0.93, 0.90))
    line = c.inside(np.abs(y) - 0.005, 0.01) * np.clip(3 * rise + 0.3, 0, 1)
    c.paint(0.75 * (gap == 0) * line, p.lips * 0.35)


def _eyes(canvas, p):
    """Eye shadow, eyeballs with irises, lids and lashes, and the glint."""
    c = canvas.window(0.46, -0.22, 0.16)
    x = (np.abs(c.fx) - p.eye_x) / p.eye_width  # from -1 in the inner corner to 1 in the outer, for both eyes at once
    y = c.fy + p.eye_tilt * x
    rise = 1 - x * x
    upper, lower = -p.eye_top * rise, p.eye_bottom * rise
    c.paint(0.35 * _bump(x / 1.5, (y + 0.04) / 0.13), p.shadow)
    c.paint(p.heavy_makeup * _bump((x - 0.15) / 1.6, (y + 0.06) / 0.095), p.eye_shadow)
    c.paint(0.5 * c.inside(np.abs(y - 1.5 * upper + 0.01) - 0.006, 0.01) * np.clip(2 * rise, 0, 1), p.shadow * 0.7)
    ball = c.inside(np.maximum(upper - y, y - lower))
    c.paint(ball, 0.93 - 0.18 * np.clip(1 + (upper - y) / 0.05, 0, 1))
    iris_x, iris_y = c.fx - np.sign(c.fx) * p.eye_x - p.gaze_x, y - p.gaze_y + 0.012
    radius = iris_x * iris_x + iris_y * iris_y
    c.paint(ball * c.inside((radius / 0.048**2 - 1) * 0.024), p.iris * (0.7 + 6 * np.maximum(iris_y, 0)))
    c.paint(ball * c.inside((radius / 0.022**2 - 1) * 0.011), 0.03)
    lash = c.inside(np.abs(y - upper) - 0.009 - 0.006 * p.heavy_makeup) * c.inside((0.05 - 0.05 * p.heavy_makeup - rise - 0.2) * 0.05)
    c.paint((0.8 + 0.2 * p.heavy_makeup) * lash, 0.03 + 0.15 * p.hair * (1 - p.heavy_makeup))
    under = c.inside(np.abs(y - lower) - 0.006) * np.clip(4 * rise, 0, 1)
    c.paint((0.25 + 0.3 * p.heavy_makeup) * under, p.shadow * (0.6 - 0.4 * p.heavy_makeup))
    c.paint(0.9 * ball * _bump((iris_x - 0.018) / 0.02, (iris_y + 0.018) / 0.02), 1)


def _brows(canvas, p):
    """Brows, thinner outwards."""
    c = canvas.window(0.46, -0.3, -0.02)
    x = (np.abs(c.fx) - p.eye_x - 0.01) / 0.14
    y = c.fy - p.brow_y - p.brow_tilt * x - p.brow_arch * ((x - 0.2) ** 2 - 0.5)
    ends = np.clip(4 - 4 * x * x, 0, 1)
    c.paint(0.85 * ends * c.inside(np.abs(y) - p.brow_thickness * (1.1 - 0.45 * x) * ends, 0.008), p.hair * 0.45 + p.shadow * 0.1)


def _hair_front(canvas, p):
    """The hair around the face with its fringe, and the shadow it casts."""
    c = canvas.window(1.0, -1.1, 1.6)
    x2 = c.x * c.x
    line = p.hairline + p.parting_slope * np.abs(c.x - p.parting) + p.sweep * c.x + 12 * x2 * x2
    fringe = p.fringe + 0.35 * x2 + p.fringe_slope * c.x + 0.012 * _wave(4 * c.x + p.phase)
    opening = 0.6 * (c.y - np.where(p.bangs > 0, np.maximum(line, fringe), line))
    c.paint(0.35 * c.inside(np.maximum(opening - 0.03, _head_distance(c, p)), 0.08), p.shadow)
    c.paint(c.inside(np.maximum(opening, _hair_distance(c, p)), 0.03 * p.cropped * (1 - p.bun)), _hair_colour(c, p))


def _colour(red, green, blue):
    """A colour (3, 1, 1, 1)."""
    return np.array([red, green, blue], np.float32)[:, None, None, None]


def _hue(hue, saturation, lightness):
    """Colours (3, n, 1, 1) around grey."""
    return np.stack([lightness + saturation * _wave(hue + third / 3) for third in range(3)])


def _ramp(palette, t):
    """The colour (3, n, 1, 1) at t in [0, 1] along a palette."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(t, stops, channel) for channel in zip(*palette)]).astype(np.float32)


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
