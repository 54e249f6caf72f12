"""Paints the built-in faces from their parameters, back to front, one function for each part, in smooth-edged shapes.

Each face has its own coordinates: the origin is between the eyes, x to the right, y down, the chin at about y = 0.72,
the ears at about x = -0.48 and 0.48.
"""

import dataclasses
import types

import numpy as np

from tfgen.data.builtin.painting import Canvas, bump, colour, mix, pixel_centres, to_uint8, wave


def paint(p: types.SimpleNamespace, image_size: int) -> np.ndarray:
    """Paints n faces.

    Args:
        p: namespace of numbers (n, 1, 1) and colors (3, n, 1, 1), as `faces` chooses them.
        image_size: height and width in pixels.

    Returns:
        images (n, image_size, image_size, 3) uint8.
    """
    axis = pixel_centres(image_size)
    across, down = (axis - p.centre_x) / p.scale, (axis[:, None] - p.centre_y) / p.scale
    x, y = p.cos * across + p.sin * down, p.cos * down - p.sin * across
    fx = x - p.yaw * np.clip(1 - 4 * x * x, 0, 1)  # as on a sphere: the middle of the face turns furthest
    canvas = _Portraits(np.empty((3, *x.shape), np.float32), x, y, 2 / (image_size * p.scale), fx, y - p.pitch, p)
    for part in (_background, _hair_back, _body, _head, _cheeks, _beard, _nose, _mouth, _eyes, _brows, _hair_front):
        part(canvas, p)
    return to_uint8(canvas.rgb)


@dataclasses.dataclass(frozen=True)
class _Portraits(Canvas):
    """n unfinished faces, or a window of them."""

    fx: np.ndarray  # (n, h, w): coordinates of the features, which yaw and pitch move over the head
    fy: np.ndarray
    pose: types.SimpleNamespace  # the parameters

    def window(self, half_width: float, top: float, bottom: float) -> "_Portraits":
        """The smallest window that contains the box |x| <= half_width, top <= y <= bottom of every face."""
        p, size = self.pose, self.rgb.shape[-1]
        x, y = np.array([[-half_width, half_width] * 2, [top, top, bottom, bottom]], np.float32)
        corners = p.centre_y + p.scale * (p.sin * x + p.cos * y), p.centre_x + p.scale * (p.cos * x - p.sin * y)
        rows, columns = (
            slice(max(int((a.min() + 1) / 2 * size) - 1, 0), max(int((a.max() + 1) / 2 * size) + 2, 0)) for a in corners
        )
        planes = {name: getattr(self, name)[..., rows, columns] for name in ("rgb", "x", "y", "fx", "fy")}
        return dataclasses.replace(self, **planes)


def _background(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """A gradient between two colors."""
    start, end = p.background
    canvas.rgb[:] = mix(start, end, np.clip(0.5 + p.background_x * canvas.x + p.background_y * canvas.y, 0, 1))


def _head_distance(c: "_Portraits", p: types.SimpleNamespace) -> np.ndarray:
    """About the distance to the outline of the head: round above the eyes, narrowing below to a round or square jaw."""
    down = np.maximum(c.y, 0) / p.chin
    down2 = down * down
    x = (c.x - 0.5 * p.yaw * down) / (p.width * (1 - p.taper * down))
    return 0.26 * (x * x + down2 * (1 + p.jaw * (down2 - 1)) + (np.minimum(c.y, 0) / 0.72) ** 2 - 1)


def _strand_x(c: "_Portraits", p: types.SimpleNamespace) -> np.ndarray:
    """x straightened along the strands: waves and curls swing to either side."""
    return c.x + 0.045 * p.wavy_hair * wave(1.8 * c.y + p.phase + 0.4 * (c.x > 0))


def _curls(c: "_Portraits", p: types.SimpleNamespace) -> np.ndarray:
    """A quilt of curls in [-1, 1], 0 where the hair is not curly."""
    x, y = c.x + 0.04 * wave(1.7 * c.y + p.phase), c.y + 0.04 * wave(1.9 * c.x)
    return p.curly * wave(3.6 * x + 1.5 * y + p.phase) * wave(4 * y - 1.4 * x)


def _hair_distance(c: "_Portraits", p: types.SimpleNamespace) -> np.ndarray:
    """About the distance to the outline of the hair: a dome over the head, falling to p.length, or trimmed to the head
    at the ears.
    """
    fall = mix(np.clip(0.15 - 2 * c.y, 0, 1), 1, np.maximum(p.long, 0.5 * p.straight_hair))
    x = _strand_x(c, p) / (p.width + 0.01 + p.volume * fall + p.long * p.flare * np.maximum(c.y, 0))
    top, end = np.minimum(c.y, 0) / (0.73 + p.volume), np.maximum(c.y - p.length, 0) / (0.15 + 0.15 * p.long)
    tufts = (1 - p.long) * p.wavy_hair * wave(3 * c.x + p.phase) * np.clip(-4 * c.y - 0.8, 0, 1)
    return 0.3 * (x * x + top * top * (0.6 + 0.4 * top * top) + end * end - 1) + 0.04 * _curls(c, p) + 0.025 * tufts


def _hair_colour(c: "_Portraits", p: types.SimpleNamespace) -> np.ndarray:
    """Strands from the parting outwards, and a sheen on the dome."""
    along = (_strand_x(c, p) - p.parting) / (0.6 + 0.4 * np.maximum(c.y + 0.8, 0))
    combed = 0.4 + 0.6 * np.maximum(p.straight_hair, p.wavy_hair)
    strands = combed * (0.09 * wave(5 * along + p.phase) + 0.06 * wave(11 * along)) + 0.12 * _curls(c, p)
    sheen = bump((c.x - 0.25 * p.light_x) / 0.55, (c.y + 0.6) / 0.2)
    light = 0.92 + strands + 0.25 * p.light_x * c.x - 0.12 * c.y
    return p.hair * light + (0.08 + 0.2 * p.hair) * (0.7 * sheen + strands)


def _hair_back(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """The hair behind the neck, and a bun."""
    c = canvas.window(1.0, -1.1, 1.6)
    c.paint(c.inside(_hair_distance(c, p)), p.hair * 0.7)
    c = canvas.window(0.4, -1.2, -0.5)
    bun = 0.2 * ((c.x / 0.20) ** 2 + ((c.y + 0.80) / 0.16) ** 2 - 1)
    c.paint(c.inside(bun) * p.bun, p.hair * (0.7 - 0.9 * (c.y + 0.80)))


def _body(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """The neck with the chin's shadow on it, and shoulders with a round neckline."""
    c = canvas.window(1.6, 0.3, 1.6)
    light = p.light_x * c.x
    shade = 0.2 + 0.6 * np.clip(1 - (c.y - p.chin) / 0.22, 0, 1) - 0.5 * light + 3 * c.x * c.x
    neck = np.abs(c.x) - p.neck - 5 * np.maximum(c.y - 0.78, 0) ** 2
    c.paint(c.inside(neck) * (c.y > 0.4), mix(p.skin, p.shadow, np.clip(shade, 0, 1)))
    shoulders = 0.80 + 0.25 * c.x * c.x - c.y
    neckline = 0.15 * (1 - (c.x / (p.neck + 0.07)) ** 2 - ((c.y - 0.74) / 0.20) ** 2)
    c.paint(c.inside(np.maximum(shoulders, neckline)), p.cloth * (1 + 0.3 * light - 0.25 * c.x * c.x))


def _head(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """The ears, and the head lit from one side and darker towards its outline."""
    c = canvas.window(0.62, -0.8, 0.82)
    ear = ((np.abs(c.x) - p.width - 0.005) / 0.06) ** 2 + ((c.y - 0.06) / 0.13) ** 2
    c.paint(c.inside(0.05 * (ear - 1)), mix(p.skin, p.shadow, 0.25 + 0.6 * np.clip(1 - 1.5 * ear, 0, 1)))
    x, y = c.x / p.width, c.y / 0.72
    shade = 0.05 + p.contrast * (0.35 - 0.8 * (p.light_x * x + p.light_y * y)) + 0.25 * (x * x + y * y) ** 2
    c.paint(c.inside(_head_distance(c, p)), mix(p.skin, p.shadow, np.clip(shade, 0, 1)))


def _cheeks(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Blush, the modeling of high cheekbones, and cheeks lifted by a smile."""
    c = canvas.window(0.56, -0.1, 0.6)
    side, slant, glow = np.abs(c.fx), c.fy - 0.38 + 0.6 * np.abs(c.fx), mix(p.skin * 1.08, 1, 0.22)
    head = c.inside(_head_distance(c, p))
    c.paint(
        (0.12 + 0.30 * p.heavy_makeup) * head * bump((side - 0.27) / 0.19, (c.fy - 0.2) / 0.15),
        p.skin * colour(0.97, 0.52, 0.52),
    )
    c.paint(0.65 * p.high_cheekbones * head * bump((side - 0.33) / 0.16, (slant - 0.13) / 0.10), p.shadow)
    c.paint(0.60 * p.high_cheekbones * head * bump((side - 0.29) / 0.15, (slant + 0.03) / 0.09), glow)
    c.paint(0.5 * p.smiling * bump((side - 0.23) / 0.12, (c.fy - 0.18) / 0.09), glow)
    fold = np.abs(side - 0.15 - 0.5 * np.maximum(c.fy - 0.26, 0)) - 0.004
    c.paint(0.45 * p.smiling * c.inside(fold, 0.03) * bump(0, (c.fy - 0.34) / 0.13), p.shadow)


def _beard(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Stubble on jaw and upper lip, from none to a beard."""
    c = canvas.window(0.56, -0.15, 0.82)
    edge = 0.34 - 1.3 * np.maximum(np.abs(c.fx) - 0.22, 0) - c.fy
    c.paint(0.6 * p.beard * c.inside(edge, 0.08) * c.inside(_head_distance(c, p)), p.hair * 0.5 + p.shadow * 0.3)


def _nose(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Bridge, tip and nostrils, all soft."""
    c = canvas.window(0.3, -0.2, 0.42)
    x, y, lit = c.fx, c.fy - p.nose_y, np.sign(p.light_x)
    c.paint(0.35 * bump((x + 0.065 * lit) / 0.055, (y + 0.14) / 0.22), p.shadow)
    c.paint(0.30 * bump(x / 0.035, (y + 0.14) / 0.2), mix(p.skin, 1, 0.3))
    c.paint(0.5 * bump(x / (p.nose_width * 1.3), (y - 0.045) / 0.05), p.shadow)
    c.paint(0.45 * bump((np.abs(x) - p.nose_width) / 0.035, y / 0.06), p.shadow)
    c.paint(0.45 * bump((x - 0.01 * p.light_x) / 0.045, (y + 0.015) / 0.045), mix(p.skin, 1, 0.45))
    c.paint(0.7 * bump((np.abs(x) - 0.5 * p.nose_width) / 0.03, (y - 0.03) / 0.022), p.shadow * 0.45)


def _mouth(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Lips, and between them their line or a gap with teeth."""
    c = canvas.window(0.4, 0.2, 0.75)
    x = c.fx / p.mouth_width
    rise = 1 - x * x
    y = c.fy - p.mouth_y + p.mouth_curve * (0.55 - rise)
    gap = p.teeth + p.dark
    upper, lower = -0.4 * gap * rise, 0.6 * gap * rise
    bow = 1 - 0.22 * bump(x / 0.3, 0)
    lips = np.maximum(upper - p.upper_lip * rise * bow - y, y - lower - p.lower_lip * rise)
    c.paint(0.35 * bump(x / 0.8, (y - lower - p.lower_lip - 0.02) / 0.035), p.shadow)
    c.paint(c.inside(lips), p.lips * (0.88 + 0.22 * (y > 0)))
    shine = bump(x / 0.5, (y - lower - 0.5 * p.lower_lip) / (0.5 * p.lower_lip))
    c.paint((0.35 + 0.2 * p.wearing_lipstick) * shine, mix(p.lips, 1, 0.5))
    opening = c.inside(np.maximum(upper - y, y - lower)) * (gap > 0)
    c.paint(opening, colour(0.22, 0.05, 0.06))
    c.paint(opening * c.inside(y - upper - p.teeth * rise), colour(0.95, 0.93, 0.90))
    line = c.inside(np.abs(y) - 0.005, 0.01) * np.clip(3 * rise + 0.3, 0, 1)
    c.paint(0.75 * (gap == 0) * line, p.lips * 0.35)


def _eyes(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Eye shadow, eyeballs with irises, lids and lashes, and the glint."""
    c = canvas.window(0.46, -0.22, 0.16)
    x = (np.abs(c.fx) - p.eye_x) / p.eye_width  # from -1 in the inner corner to 1 in the outer, for both eyes at once
    y = c.fy + p.eye_tilt * x
    rise = 1 - x * x
    upper, lower = -p.eye_top * rise, p.eye_bottom * rise
    c.paint(0.35 * bump(x / 1.5, (y + 0.04) / 0.13), p.shadow)
    c.paint(p.heavy_makeup * bump((x - 0.15) / 1.6, (y + 0.06) / 0.095), p.eye_shadow)
    c.paint(0.5 * c.inside(np.abs(y - 1.5 * upper + 0.01) - 0.006, 0.01) * np.clip(2 * rise, 0, 1), p.shadow * 0.7)
    ball = c.inside(np.maximum(upper - y, y - lower))
    c.paint(ball, 0.93 - 0.18 * np.clip(1 + (upper - y) / 0.05, 0, 1))
    iris_x, iris_y = c.fx - np.sign(c.fx) * p.eye_x - p.gaze_x, y - p.gaze_y + 0.012
    radius = iris_x * iris_x + iris_y * iris_y
    c.paint(ball * c.inside((radius / 0.048**2 - 1) * 0.024), p.iris * (0.7 + 6 * np.maximum(iris_y, 0)))
    c.paint(ball * c.inside((radius / 0.022**2 - 1) * 0.011), 0.03)
    lash = c.inside(np.abs(y - upper) - 0.009 - 0.006 * p.heavy_makeup) * c.inside(
        (0.05 - 0.05 * p.heavy_makeup - rise - 0.2) * 0.05
    )
    c.paint((0.8 + 0.2 * p.heavy_makeup) * lash, 0.03 + 0.15 * p.hair * (1 - p.heavy_makeup))
    under = c.inside(np.abs(y - lower) - 0.006) * np.clip(4 * rise, 0, 1)
    c.paint((0.25 + 0.3 * p.heavy_makeup) * under, p.shadow * (0.6 - 0.4 * p.heavy_makeup))
    c.paint(0.9 * ball * bump((iris_x - 0.018) / 0.02, (iris_y + 0.018) / 0.02), 1)


def _brows(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """Brows, thinner outwards."""
    c = canvas.window(0.46, -0.3, -0.02)
    x = (np.abs(c.fx) - p.eye_x - 0.01) / 0.14
    y = c.fy - p.brow_y - p.brow_tilt * x - p.brow_arch * ((x - 0.2) ** 2 - 0.5)
    ends = np.clip(4 - 4 * x * x, 0, 1)
    c.paint(
        0.85 * ends * c.inside(np.abs(y) - p.brow_thickness * (1.1 - 0.45 * x) * ends, 0.008),
        p.hair * 0.45 + p.shadow * 0.1,
    )


def _hair_front(canvas: "_Portraits", p: types.SimpleNamespace) -> None:
    """The hair around the face with its fringe, and the shadow it casts."""
    c = canvas.window(1.0, -1.1, 1.6)
    x2 = c.x * c.x
    line = p.hairline + p.parting_slope * np.abs(c.x - p.parting) + p.sweep * c.x + 12 * x2 * x2
    fringe = p.fringe + 0.35 * x2 + p.fringe_slope * c.x + 0.012 * wave(4 * c.x + p.phase)
    opening = 0.6 * (c.y - np.where(p.bangs > 0, np.maximum(line, fringe), line))
    c.paint(0.35 * c.inside(np.maximum(opening - 0.03, _head_distance(c, p)), 0.08), p.shadow)
    c.paint(c.inside(np.maximum(opening, _hair_distance(c, p)), 0.03 * p.cropped * (1 - p.bun)), _hair_colour(c, p))
