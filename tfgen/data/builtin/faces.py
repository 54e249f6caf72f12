"""Built-in faces: portraits drawn by arithmetic, each with the 13 attributes of the CelebA homework, every one of them to be seen.

A part of a face is a smooth function of head coordinates, and its edge is blended over one pixel, so pictures are anti-aliased at any size.
Image i of a seed is made of its own row of uniform numbers alone, and so is the same in whatever range it is drawn.
"""

import types

import numpy as np

from tfgen import UserError
from tfgen.data.source import Source

ATTRIBUTES = (
    "Bangs", "Big_Lips", "Black_Hair", "Blond_Hair", "Brown_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open",
    "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Lipstick",
)  # fmt: skip
EXCLUSIVE = (("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Straight_Hair", "Wavy_Hair"))
TRAIN, TEST = 8192, 1024
TEST_START = 2**40  # where the test faces of a seed begin: no training set reaches it
UNIFORMS = 64  # numbers a face is made of
CHUNK = 32  # faces drawn at once: their planes stay in the processor's cache

SKIN = np.array([[66, 42, 32], [106, 68, 49], [150, 100, 72], [190, 138, 104], [222, 176, 142], [240, 202, 172], [250, 222, 202]]) / 255
HAIR = {"Black_Hair": [26, 22, 24], "Blond_Hair": [222, 184, 104], "Brown_Hair": [96, 58, 32]}
OTHER_HAIR = np.array([[158, 66, 30], [150, 148, 150], [214, 210, 204], [128, 40, 58]]) / 255  # ginger, grey, white, dyed
IRIS = np.array([[66, 40, 22], [92, 62, 34], [74, 110, 72], [66, 110, 158], [110, 128, 140]]) / 255
LIPSTICK = np.array([[196, 22, 48], [224, 52, 96], [150, 16, 62], [232, 76, 70]]) / 255
SHADOW = np.array([[112, 72, 160], [44, 118, 150], [150, 74, 104], [70, 84, 120]]) / 255


def load(split, image_size=64, examples=None, seed=0):
    """The faces of one split, "train" (8,192) or "test" (1,024), or the first `examples` of them: a Source of (n, image_size, image_size, 3)."""
    start, n = {"train": (0, TRAIN), "test": (TEST_START, TEST)}[split]
    images, attributes = draw(start, start + min(n, examples or n), seed, image_size)
    return Source(f"faces/{split}", images, attributes, ATTRIBUTES)


def draw(start, stop, seed=0, image_size=64, attributes=None):
    """Faces number start..stop-1 of a seed.

    Args:
        start, stop: numbers of faces, from 0.
        seed: integer from 0.
        image_size: side in pixels.
        attributes: {name: 0 or 1} to have in every face, all else the same; those that exclude a name set to 1 become 0.

    Returns:
        images (n, image_size, image_size, 3) uint8 and attributes (n, 13) uint8 in the order of ATTRIBUTES.

    Raises:
        UserError: for an attribute that faces do not have.
    """
    for name in attributes or {}:
        if name not in ATTRIBUTES:
            raise UserError(f"the built-in faces have no attribute {name!r}: they have {', '.join(ATTRIBUTES)}.")
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    flags = np.empty((stop - start, len(ATTRIBUTES)), np.uint8)
    for first in range(start, stop, CHUNK):
        last = min(first + CHUNK, stop)
        u = uniforms(first, last, seed)
        has = sample_attributes(u[:, :13])
        for name, value in (attributes or {}).items():
            for group in EXCLUSIVE if value else ():
                has |= {other: np.zeros_like(has[other]) for other in group if name in group}
            has[name] = np.full_like(has[name], bool(value))
        flags[first - start : last - start] = np.stack([has[name] for name in ATTRIBUTES], axis=1)
        images[first - start : last - start] = _portraits(u[:, 13:], has, image_size)
    return images, flags


def uniforms(start, stop, seed):
    """Rows start..stop-1 of the seed's table of uniform numbers in [0, 1): (stop - start, 64). A counter gives each row without the others."""
    bits = np.random.Philox(key=seed)
    bits.advance(start * UNIFORMS // 4)  # a counter yields four numbers
    return np.random.Generator(bits).random((stop - start, UNIFORMS))


def sample_attributes(u):
    """{attribute: (n,) bool} from uniforms (n, 13), at about the homework's rates: makeup and long waves mostly go with women, an open mouth
    and raised cheekbones a little with a smile."""
    male = u[:, 0] < 0.37
    smiling = u[:, 1] < 0.45
    makeup = u[:, 2] < np.where(male, 0.02, 0.60)
    colour = u[:, 3]
    style = u[:, 4]
    straight = style < np.where(male, 0.28, 0.24)
    return {
        "Bangs": u[:, 5] < np.where(male, 0.12, 0.22),
        "Big_Lips": u[:, 6] < 0.19,
        "Black_Hair": colour < 0.28,
        "Blond_Hair": (colour >= 0.28) & (colour < 0.43),
        "Brown_Hair": (colour >= 0.43) & (colour < 0.70),
        "Heavy_Makeup": makeup,
        "High_Cheekbones": u[:, 7] < np.where(smiling, 0.54, 0.28),
        "Male": male,
        "Mouth_Slightly_Open": u[:, 8] < np.where(smiling, 0.56, 0.31),
        "Smiling": smiling,
        "Straight_Hair": straight,
        "Wavy_Hair": ~straight & (style < np.where(male, 0.43, 0.67)),
        "Wearing_Lipstick": u[:, 9] < np.where(male, 0.03, np.where(makeup, 0.85, 0.62)),
    }


def _features(u, has):
    """All that the parts are drawn from: a namespace of (n, 1, 1) float32 numbers and (n, 3, 1, 1) colours."""
    column = iter(u.T)

    def between(low, high):
        return (low + (high - low) * next(column)).astype(np.float32)[:, None, None]

    def pick(table):
        """A colour between two neighbours of the table."""
        place = next(column) * (len(table) - 1)
        i, part = place.astype(int), (place % 1)[:, None]
        return (table[i] * (1 - part) + table[np.minimum(i + 1, len(table) - 1)] * part).astype(np.float32)[:, :, None, None]

    def one_of(table):
        return table[(next(column) * len(table)).astype(int)].astype(np.float32)[:, :, None, None]

    flag = {name: value.astype(np.float32)[:, None, None] for name, value in has.items()}
    f = types.SimpleNamespace(**{name.lower(): value for name, value in flag.items()})
    f.centre_x, f.centre_y, f.tilt, f.scale, f.yaw = between(-0.07, 0.07), between(-0.02, 0.08), between(-0.14, 0.14), between(0.93, 1.07), between(-1, 1)
    f.light_x, f.light_y, f.light = between(-1, 1), between(-0.8, 0.1), between(0.10, 0.30)
    f.background, f.background_to = _background(next(column), next(column), next(column)), _background(next(column), next(column), next(column))
    f.background_turn = between(0, 2 * np.pi)
    f.skin = pick(SKIN)
    hair, own = one_of(OTHER_HAIR), next(column)
    for name, colour in HAIR.items():
        hair = np.where(has[name][:, None, None, None], np.array(colour, np.float32)[:, None, None] / 255, hair)
    f.hair = hair * (0.85 + 0.3 * own.astype(np.float32))[:, None, None, None]
    f.iris, f.lipstick, f.shadow = one_of(IRIS), one_of(LIPSTICK), one_of(SHADOW)
    f.clothes = _background(next(column), next(column), next(column))
    f.width = between(0.47, 0.53) + 0.035 * f.male
    f.height = between(0.64, 0.70) + 0.02 * f.male
    f.taper = between(0.30, 0.48) - 0.26 * f.male  # how much narrower the jaw is than the temples
    f.eye_x, f.eye_y, f.eye_size = between(0.205, 0.245), between(-0.10, -0.05), between(0.9, 1.12) - 0.1 * f.male
    f.gaze_x, f.gaze_y = between(-0.028, 0.028), between(-0.012, 0.012)
    f.brow_lift, f.brow_slope = between(0.0, 0.03), between(-0.05, 0.12)
    f.nose_y, f.nose_width = between(0.15, 0.21), between(0.060, 0.085) + 0.012 * f.male
    f.mouth_y, f.mouth_width = between(0.37, 0.41), between(0.165, 0.205)
    f.parting, f.hairline = between(-0.3, 0.3), between(-0.50, -0.43)
    f.volume, f.length, f.strand, f.phase = between(0.0, 0.07), between(0.55, 1.1), between(34, 46), between(0, 2 * np.pi)
    f.stubble = between(-0.25, 0.30).clip(0) * 1.6 * f.male
    f.mouth_curve = between(0.055, 0.075) * f.smiling - between(0.0, 0.028) * (1 - f.smiling)
    # Straight and wavy hair is long on women and mid-length on men; without either it is cropped or tied back.
    f.styled = np.maximum(f.straight_hair, f.wavy_hair)
    f.long = f.styled * (1 - f.male)
    return f


def _background(hue, saturation, value):
    """Colours (n, 3, 1, 1): muted, of any hue."""
    phase = 2 * np.pi * (hue[:, None] + np.array([0, 1 / 3, 2 / 3]))
    value, saturation = 0.35 + 0.5 * value[:, None], 0.45 * saturation[:, None]
    return (value * (1 - saturation * (0.5 + 0.5 * np.cos(phase)))).astype(np.float32)[:, :, None, None]


class _Canvas:
    """Pictures (n, 3, h, w) with their head coordinates x (right) and y (down), (n, h, w); `soft` is a pixel's width in those."""

    def __init__(self, rgb, x, y, soft):
        self.rgb, self.x, self.y, self.soft = rgb, x, y, soft

    def window(self, top, bottom, left=-1.0, right=1.0):
        """The part of the canvas between these picture coordinates, from -1 to 1; parts are drawn only where they can be."""
        size = self.rgb.shape[-1]
        rows, columns = (slice(max(0, int((low + 1) / 2 * size)), int(np.ceil((high + 1) / 2 * size))) for low, high in ((top, bottom), (left, right)))
        return _Canvas(self.rgb[:, :, rows, columns], self.x[:, rows, columns], self.y[:, rows, columns], self.soft)

    def cover(self, distance):
        """Coverage in [0, 1] of a shape of that signed distance (negative inside), blended over one pixel."""
        return np.clip(0.5 - distance / self.soft, 0, 1)

    def ellipse(self, x, y, width, height):
        """Coverage of an ellipse."""
        inside = np.sqrt(((self.x - x) / width) ** 2 + ((self.y - y) / height) ** 2) - 1
        return self.cover(inside * np.minimum(width, height))

    def glow(self, x, y, width, height):
        """A soft spot: 1 at its centre, 0 from its ellipse outwards."""
        return np.clip(1 - ((self.x - x) / width) ** 2 - ((self.y - y) / height) ** 2, 0, None) ** 2

    def paint(self, alpha, colour):
        """Blends a colour, (n, 3, 1, 1) or (n, 3, h, w), over the picture."""
        self.rgb += alpha[:, None] * (colour - self.rgb)

    def shade(self, factor):
        """Multiplies the light."""
        self.rgb *= factor[:, None]


def _portraits(u, has, size):
    f = _features(u, has)
    place = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2 - 1
    right, down = place[None, None, :] - f.centre_x, place[None, :, None] - f.centre_y
    cosine, sine = np.cos(f.tilt) / f.scale, np.sin(f.tilt) / f.scale
    canvas = _Canvas(np.empty((len(u), 3, size, size), np.float32), right * cosine + down * sine, down * cosine - right * sine, 2 / size / f.scale)
    for part in (_backdrop, _hair_behind, _body, _head, _cheeks, _nose, _eyes, _brows, _mouth, _hair_in_front):
        part(canvas, f)
    return np.rint(np.clip(canvas.rgb, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _backdrop(canvas, f):
    along = canvas.x * np.cos(f.background_turn) + canvas.y * np.sin(f.background_turn)
    canvas.rgb[:] = f.background
    canvas.paint(np.clip(0.5 + 0.5 * along, 0, 1), f.background_to)


def _outline(canvas, f):
    """Signed distance to the head: an ellipse, narrower and, on men, squarer towards the jaw."""
    lower = np.maximum(canvas.y, 0)
    x = (canvas.x / f.width * (1 + f.taper * lower)) ** 2
    y = (canvas.y / f.height) ** 2
    round_, square = np.sqrt(x + y), np.sqrt(np.sqrt(x * x + y * y))
    jaw = np.clip(lower * 3, 0, 1) * (0.15 + 0.5 * f.male)
    return (round_ + jaw * (square - round_) - 1) * f.width


def _strands(canvas, f):
    """Hair's light and dark along the strands: straight stripes, waves, or the smooth sheen of cropped hair."""
    bend = f.wavy_hair * 0.05 * np.sin(canvas.y * 13 + f.phase)
    stripes = np.sin((canvas.x + bend) * f.strand + f.phase) * (0.04 + 0.10 * f.styled)
    sheen = 0.35 * np.clip(1 - ((canvas.y + 0.52 + 0.25 * canvas.x**2) / 0.16) ** 2, 0, 1) * (0.4 + 0.6 * f.styled)
    return (1 + stripes + sheen + f.light * f.light_x * canvas.x)[:, None] * f.hair


def _hair_behind(canvas, f):
    wave = f.wavy_hair * 0.055 * np.sin(canvas.y * 13 + f.phase)
    half = f.width + 0.10 + f.volume + wave + 0.04 * f.wavy_hair
    fall = np.maximum(np.abs(canvas.x) - half, canvas.y - f.length)
    crown = np.sqrt((canvas.x / half) ** 2 + ((canvas.y + 0.12) / 0.68) ** 2) - 1
    distance = np.where(canvas.y > -0.12, fall, crown * half)
    canvas.paint(canvas.cover(distance) * f.long, 0.72 * _strands(canvas, f))


def _body(canvas, f):
    c = canvas.window(0.3, 1)
    c.paint(c.ellipse(0, 1.32, 0.86 + 0.12 * f.male, 0.52), f.clothes * (1 - 0.25 * c.x**2)[:, None])
    neck = np.maximum(np.abs(c.x) - 0.22 - 0.07 * f.male - 0.12 * np.clip(c.y - 0.7, 0, 1), c.y - 0.98)
    under = 0.62 + 0.30 * np.clip((c.y - 0.62) / 0.35, 0, 1)  # the chin's shadow
    c.paint(c.cover(neck), f.skin * under[:, None])


def _head(canvas, f):
    ears = canvas.window(-0.35, 0.45)
    ear = np.maximum(ears.ellipse(f.width, 0.03, 0.07, 0.14), ears.ellipse(-f.width, 0.03, 0.07, 0.14))
    ears.paint(ear, f.skin * 0.86)
    c = canvas.window(-0.85, 0.92, -0.75, 0.75)
    light = 1.02 + f.light * (f.light_x * c.x * 1.5 + f.light_y * c.y * 1.2) - 0.22 * (c.x / f.width) ** 4
    inside = c.cover(_outline(c, f))
    c.paint(inside, f.skin * light[:, None])
    beard = np.clip((c.y - 0.16) * 5, 0, 1) * np.clip(1.1 - c.glow(f.yaw * 0.03, 0.16, 0.34, 0.22) * 1.6, 0, 1)
    c.paint(inside * beard * f.stubble, f.hair * 0.45 + f.skin * 0.25)


def _cheeks(canvas, f):
    c = canvas.window(-0.2, 0.72, -0.62, 0.62)
    shift = 0.04 * f.yaw
    for side in (-1, 1):
        x = side * 0.30 + shift
        blush = c.glow(x, 0.17, 0.19, 0.13) * f.heavy_makeup
        c.paint(0.55 * blush, f.skin * 0.45 + np.array([0.55, 0.12, 0.20], np.float32)[:, None, None])
        # A raised cheekbone catches the light and throws a slanting shadow below it.
        slant = c.y - 0.5 * side * (c.x - x)
        bone = np.clip(1 - ((c.x - x) / 0.17) ** 2, 0, 1)
        c.shade(1 + f.high_cheekbones * bone * (0.24 * np.clip(1 - ((slant - 0.07) / 0.07) ** 2, 0, 1) - 0.30 * np.clip(1 - ((slant - 0.27) / 0.10) ** 2, 0, 1)))
        crease = c.x - side * (0.20 + 0.16 * (c.y - 0.24)) - shift
        fold = np.clip(1 - (crease / 0.03) ** 2, 0, 1) * np.clip(1 - ((c.y - 0.30) / 0.11) ** 2, 0, 1)
        c.shade(1 - (0.04 + 0.20 * f.smiling) * fold)


def _nose(canvas, f):
    c = canvas.window(-0.25, 0.42, -0.35, 0.35)
    x = 0.06 * f.yaw
    bridge = np.clip(1 - ((c.x - x) / 0.045) ** 2, 0, 1) * np.clip(1 - ((c.y - 0.02) / 0.20) ** 2, 0, 1)
    side = np.clip(1 - ((c.x - x + np.sign(f.light_x) * 0.065) / 0.04) ** 2, 0, 1) * np.clip(1 - ((c.y - 0.04) / 0.18) ** 2, 0, 1)
    c.shade(1 + 0.13 * bridge - 0.13 * side + 0.15 * c.glow(x, f.nose_y - 0.02, 0.05, 0.05))
    c.shade(1 - 0.28 * c.glow(x, f.nose_y + 0.045, f.nose_width * 1.5, 0.05))
    for side in (-1, 1):
        c.paint(0.6 * c.glow(x + side * f.nose_width * 0.62, f.nose_y + 0.03, 0.038, 0.028), f.skin * 0.25)


def _eyes(canvas, f):
    for side in (-1, 1):
        c = canvas.window(-0.36, 0.28, *((-0.55, 0.1) if side < 0 else (-0.1, 0.55)))
        x, y = c.x - side * f.eye_x - 0.05 * f.yaw, c.y - f.eye_y
        width, height = 0.125 * f.eye_size, 0.066 * f.eye_size * (1 - 0.26 * f.smiling)
        along = 1 - (x / width) ** 2
        lid = height * along * 1.05
        c.paint(0.30 * np.clip(1 - (x / 0.17) ** 2 - ((y + 0.02) / 0.11) ** 2, 0, 1), f.skin * 0.62)  # the socket
        above = np.clip(along + 0.35, 0, 1) * np.clip(1 - ((y + 0.075) / 0.07) ** 2, 0, 1)
        c.paint(0.85 * f.heavy_makeup * above, f.shadow)
        opening = c.cover(np.maximum(-y - lid, y - 0.72 * height * along) * 0.9)
        c.paint(opening, np.array([0.95, 0.94, 0.93], np.float32)[:, None, None])
        c.paint(opening * c.cover(np.sqrt((x - f.gaze_x) ** 2 + (y - f.gaze_y) ** 2) - 0.060 * f.eye_size), f.iris)
        c.paint(opening * c.cover(np.sqrt((x - f.gaze_x) ** 2 + (y - f.gaze_y) ** 2) - 0.030 * f.eye_size), f.iris * 0.12)
        c.paint(0.9 * c.cover(np.sqrt((x - f.gaze_x - 0.018) ** 2 + (y - f.gaze_y + 0.022) ** 2) - 0.015), np.float32(1))
        thick = 0.011 + 0.013 * f.heavy_makeup + 0.004 * (1 - f.male)
        liner = np.abs(y + lid) - thick * np.clip(along * 1.5 + 0.4, 0, 1)
        reach = np.abs(x) - width * (1.0 + 0.12 * f.heavy_makeup)
        c.paint(c.cover(np.maximum(liner, reach)) * 0.85, f.skin * 0.10 + 0.02)
        under = np.abs(y - 0.72 * height * along) - 0.006 - 0.006 * f.heavy_makeup
        c.paint(c.cover(np.maximum(under, reach)) * (0.25 + 0.45 * f.heavy_makeup), f.skin * 0.2)


def _brows(canvas, f):
    for side in (-1, 1):
        c = canvas.window(-0.48, 0.12, *((-0.58, 0.1) if side < 0 else (-0.1, 0.58)))
        x = (c.x - side * (f.eye_x + 0.005) - 0.05 * f.yaw) * side  # outwards
        y = c.y - f.eye_y + 0.145 + f.brow_lift + f.brow_slope * (x + 0.05) - 2.0 * (x - 0.02) ** 2
        thick = (0.020 + 0.017 * f.male) * np.clip(1.1 - x / 0.24, 0.4, 1.2)
        c.paint(0.85 * c.cover(np.maximum(np.abs(y) - thick, np.abs(x) - 0.14)), f.hair * 0.5 + f.skin * 0.08)


def _mouth(canvas, f):
    c = canvas.window(0.1, 0.75, -0.45, 0.45)
    x, width = c.x - 0.05 * f.yaw, f.mouth_width * (1 + 0.22 * f.smiling)
    place = (x / width) ** 2
    along = np.clip(1 - place, 0, 1)
    y = c.y - f.mouth_y - f.mouth_curve * (0.6 - 1.5 * place)
    full = 1 + 0.75 * f.big_lips
    gap = f.mouth_slightly_open * (0.040 + 0.012 * f.smiling) * along
    cupid = 1 - 0.35 * np.clip(1 - (x / 0.045) ** 2, 0, 1)
    upper, lower = (0.036 * cupid + 0.004) * full * np.sqrt(along), (0.048 + 0.004) * full * along
    lips = f.skin * np.array([0.80, 0.55, 0.54], np.float32)[:, None, None] + np.array([0.05, 0, 0.01], np.float32)[:, None, None]
    colour = lips + f.wearing_lipstick[:, None] * (f.lipstick - lips)
    ends = np.abs(x) - width
    c.shade(1 - 0.22 * c.glow(0.05 * f.yaw, f.mouth_y + 0.125 * full, 0.15, 0.045))
    c.paint(c.cover(np.maximum(np.maximum(-y - gap - upper, y), ends)), colour * 0.86)
    c.paint(c.cover(np.maximum(np.maximum(y - gap - lower, -y), ends)), colour)
    c.paint(0.35 * np.clip(1 - ((y - gap - 0.45 * lower) / 0.014) ** 2, 0, 1) * np.clip(1 - (x / 0.09) ** 2, 0, 1), np.float32(1))
    inside = c.cover(np.maximum(np.abs(y) - gap, ends)) * f.mouth_slightly_open
    c.paint(inside, np.array([0.20, 0.05, 0.06], np.float32)[:, None, None])
    c.paint(inside * c.cover(np.maximum(y + 0.1 * gap, np.abs(x) - 0.8 * width)), np.array([0.95, 0.93, 0.90], np.float32)[:, None, None])
    line = np.abs(y) - 0.008
    c.paint(c.cover(np.maximum(line, ends - 0.012)) * (1 - f.mouth_slightly_open) * 0.75, colour * 0.35)


def _hair_in_front(canvas, f):
    c = canvas.window(-1, 0.98 if f.long.any() else 0.5)
    cap = 0.035 + 0.06 * f.styled + f.volume
    ripple = f.wavy_hair * 0.035 * np.sin(np.arctan2(c.x, 0.4 - c.y) * 11 + f.phase)
    top = np.sqrt((c.x / (f.width + cap + ripple)) ** 2 + ((c.y + 0.10) / (f.height - 0.06 + cap + ripple)) ** 2) - 1
    line = f.hairline + 0.62 * (c.x - 0.5 * f.parting) ** 2 + 0.1 * f.long * np.abs(c.x - f.parting)
    fringe = -0.235 + 0.25 * c.x**2 + 0.016 * np.sin(c.x * 30 + f.phase) + 0.06 * f.parting * c.x
    line = line + f.bangs * (fringe - line)
    side = np.abs(c.x) - (f.width - 0.075 - 0.02 * f.wavy_hair * np.sin(c.y * 13 + f.phase))
    temples = np.maximum(-side, c.y - np.where(f.long > 0, f.length - 0.05, 0.02 + 0.1 * f.styled))
    outer = np.where(f.long * (c.y > -0.1) > 0, np.abs(c.x) - f.width - cap + 0.02 - 0.045 * f.wavy_hair * np.sin(c.y * 13 + f.phase), top * f.width)
    distance = np.maximum(np.minimum(c.y - line, temples), outer)
    c.paint(c.cover(distance), _strands(c, f))
    c.shade(1 - 0.18 * np.clip(1 - (c.y - line) / 0.07, 0, 1) * (c.y > line) * c.cover(_outline(c, f)))
