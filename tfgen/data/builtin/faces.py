"""Painted faces with the 13 attributes of the CelebA homework, drawn by code; no pictures are bundled or downloaded.

This module draws the attributes of each face and then the numbers that `portraits` paints it from.
"""

import types
from collections.abc import Mapping

import numpy as np

from tfgen import UserError
from tfgen.data.builtin import portraits
from tfgen.data.builtin.painting import TEST_START as TEST_START
from tfgen.data.builtin.painting import Dice, chunks, colour, hue, mix, ramp, rotation, split_range
from tfgen.data.readers.celeba import ATTRIBUTES
from tfgen.data.source import Source

EXCLUSIVE = (("Black_Hair", "Blond_Hair", "Brown_Hair"), ("Straight_Hair", "Wavy_Hair"))
TRAIN, TEST = 8192, 1024

_DRAWS, _UNIFORMS = 10, 76  # random numbers for the attributes of a face, and for the whole face
_CHUNK = 32  # faces drawn together: few enough to fit into the processor's cache

_SKIN = (
    (0.97, 0.83, 0.75),
    (0.95, 0.77, 0.66),
    (0.89, 0.68, 0.54),
    (0.78, 0.56, 0.42),
    (0.62, 0.42, 0.30),
    (0.43, 0.28, 0.21),
)
_BLACK = ((0.06, 0.05, 0.06), (0.12, 0.10, 0.10))
_BLOND = ((0.90, 0.78, 0.55), (0.76, 0.59, 0.34))
_BROWN = ((0.28, 0.16, 0.10), (0.46, 0.29, 0.18))
_RED_OR_GREY = ((0.50, 0.17, 0.09), (0.70, 0.36, 0.19), (0.58, 0.57, 0.58), (0.84, 0.83, 0.83))
_IRIS = ((0.16, 0.09, 0.05), (0.36, 0.21, 0.10), (0.30, 0.38, 0.18), (0.25, 0.45, 0.62), (0.38, 0.50, 0.55))
_LIPSTICK = ((0.78, 0.06, 0.12), (0.88, 0.16, 0.34), (0.56, 0.04, 0.20))
_EYE_SHADOW = ((0.50, 0.26, 0.62), (0.24, 0.40, 0.72), (0.16, 0.50, 0.48), (0.52, 0.28, 0.16), (0.70, 0.24, 0.46))


def load(split: str, image_size: int = 64, examples: int | None = None, seed: int = 0) -> Source:
    """The faces of one split, "train" (8,192) or "test" (1,024).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: number of examples to use from the start; None for all.
        seed: see `paint`.

    Returns:
        Source with images (n, image_size, image_size, 3), the 13 ATTRIBUTES and no labels.
    """
    images, attributes = paint(*split_range(split, TRAIN, TEST, examples), seed, image_size)
    return Source(f"faces/{split}", images, attributes, ATTRIBUTES)


def paint(
    start: int, stop: int, seed: int = 0, image_size: int = 64, attributes: Mapping[str, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draws faces number start to stop - 1 of a seed. A face depends only on its number and the seed.

    Args:
        start, stop: the range of faces, from 0.
        seed: a different seed gives a different endless sequence of faces.
        image_size: height and width in pixels.
        attributes: {name: 0 or 1} to set for every face. The rest of the face stays the same, apart from attributes
            that exclude one set to 1.

    Returns:
        images (n, image_size, image_size, 3) uint8 and attributes (n, 13) uint8, in the order of ATTRIBUTES.

    Raises:
        UserError: for an attribute that faces do not have.
    """
    for name in attributes or {}:
        if name not in ATTRIBUTES:
            raise UserError(f"the built-in faces have no attribute {name!r}: choose from {', '.join(ATTRIBUTES)}.")
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    values = np.empty((stop - start, len(ATTRIBUTES)), np.uint8)
    for place, uniforms in chunks(start, stop, seed, _UNIFORMS, _CHUNK):
        has = _attributes(uniforms[:, :_DRAWS], attributes or {})
        values[place] = np.stack([has[name] for name in ATTRIBUTES], axis=1)
        images[place] = portraits.paint(_parameters(uniforms[:, _DRAWS:], has), image_size)
    return images, values


def _attributes(uniforms: np.ndarray, forced: Mapping[str, int]) -> dict[str, np.ndarray]:
    """{name: (n,) bool}: attributes about as frequent as in CelebA and with its main dependences, then the forced
    ones.
    """
    u = iter(uniforms.T)
    male, smiling, tint, texture = next(u) < 0.38, next(u) < 0.45, next(u), next(u)
    makeup = next(u) < np.where(male, 0.01, 0.62)
    black = np.where(male, 0.34, 0.245)
    blond = black + np.where(male, 0.06, 0.195)
    straight = np.where(male, 0.30, 0.225)
    has = {
        "Male": male,
        "Smiling": smiling,
        "Black_Hair": tint < black,
        "Blond_Hair": (tint >= black) & (tint < blond),
        "Brown_Hair": (tint >= blond) & (tint < blond + np.where(male, 0.25, 0.29)),
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


def _parameters(uniforms: np.ndarray, has: Mapping[str, np.ndarray]) -> types.SimpleNamespace:
    """What `portraits.paint` needs for n faces: attributes and other numbers (n, 1, 1), and colors (3, n, 1, 1), all
    float32.
    """
    dice = Dice(uniforms)
    roll, between = dice.roll, dice.between
    p = types.SimpleNamespace(**{name.lower(): value.astype(np.float32)[:, None, None] for name, value in has.items()})
    male, smile = p.male, p.smiling

    # Pose and light.
    p.centre_x, p.centre_y, p.scale = between(-0.06, 0.06), between(-0.02, 0.07), between(1.02, 1.18)
    p.cos, p.sin = rotation(between(-0.06, 0.06))
    p.yaw, p.pitch = between(-0.08, 0.08), between(-0.015, 0.02)
    p.light_x, p.light_y, p.contrast = between(-1, 1), between(-0.8, -0.1), between(0.15, 0.40)
    p.background = [hue(roll(), between(0.02, 0.14), between(0.3, 0.85)) for _ in range(2)]
    p.background_x, p.background_y = between(-0.5, 0.5), between(-0.5, 0.5)
    p.cloth = hue(roll(), between(0.02, 0.25), between(0.15, 0.8))

    # Skin and shape of the head.
    p.skin = ramp(_SKIN, roll() ** 2) * between(0.95, 1.02)
    p.shadow = p.skin * colour(0.66, 0.51, 0.46)
    p.width, p.chin = between(0.445, 0.485) + 0.015 * male, between(0.68, 0.73) + 0.02 * male
    p.jaw, p.taper = (
        between(0.0, 0.22) + 0.45 * male,
        between(0.12, 0.24) - 0.09 * male,
    )  # how square it is, and how much narrower
    p.neck, p.beard = between(0.21, 0.24) + 0.09 * male, male * np.clip(between(-0.5, 0.9), 0, 1)

    # Eyes and brows.
    p.eye_x, p.eye_width = between(0.20, 0.225), between(0.098, 0.114)
    p.eye_top = between(0.050, 0.064) * (1 - 0.12 * smile) * (1 - 0.12 * male)
    p.eye_bottom, p.eye_tilt = between(0.026, 0.034) * (1 - 0.45 * smile), between(0.0, 0.02)
    p.gaze_x, p.gaze_y = between(-0.022, 0.022), between(-0.010, 0.008)
    p.iris, p.eye_shadow = dice.ramp(_IRIS), dice.ramp(_EYE_SHADOW)
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
    natural = mix(p.skin, colour(0.70, 0.25, 0.25), between(0.30, 0.45)) * colour(0.92, 0.85, 0.85)
    p.lips = mix(natural, dice.ramp(_LIPSTICK), 0.9 * p.wearing_lipstick)

    # Hair.
    tone, other = roll(), roll()
    p.hair = ramp(_RED_OR_GREY, other * np.sqrt(other))
    for present, palette in ((p.black_hair, _BLACK), (p.blond_hair, _BLOND), (p.brown_hair, _BROWN)):
        p.hair = mix(p.hair, ramp(palette, tone), present)
    plain = (1 - p.straight_hair) * (1 - p.wavy_hair)
    p.curly = plain * dice.chance(0.35)
    p.cropped = plain - p.curly
    p.bun = p.cropped * (1 - male) * dice.chance(0.75)
    p.long = (1 - male) * (1 - p.cropped)
    p.volume = between(0.07, 0.12) + 0.03 * p.wavy_hair + 0.06 * p.curly - 0.05 * p.cropped
    p.length = mix(
        between(0.0, 0.06) + 0.12 * p.straight_hair - 0.12 * p.bun, mix(between(0.55, 1.2), 0.45, p.curly), p.long
    )
    p.flare, p.hairline = between(0.02, 0.12) + 0.05 * p.wavy_hair, between(-0.58, -0.50)
    p.parting, p.parting_slope, p.sweep = between(-0.24, 0.24), between(0.0, 0.3), between(-0.12, 0.12)
    p.fringe, p.fringe_slope = between(-0.25, -0.20), between(-0.12, 0.12)
    p.phase = roll()
    return p
