"""Ray-cast rooms with furniture and balls, and their exact depth: a stand-in for RGB-D pictures, drawn by code, nothing downloaded.

The world is in metres, its z upwards; a room spans 0 to its size on each axis. Rays advance by 1 along the optical axis, so that the
parameter t of a hit is its z-depth. Surfaces are numbered, 6 for the room and for each thing in it: rays that go up along axis a hit number
2 a + 1, those that go down number 2 a; a ball has number 0 alone.
"""

import dataclasses
import itertools
import math

import numpy as np

from tfgen.data.source import Source

TRAIN, TEST = 4096, 512
TEST_START = 2**40  # the number of the first test scene: no training set reaches it

_FLOOR = 4  # the number of the room's floor; the walls come before it
_BASELINE = 0.075  # metres from the sensor's camera to its projector on the right
_SIGNS = np.array(list(itertools.product((-1, 1), repeat=3)))
_FURNITURE = {  # half the width, depth and height, at least and at most; and the patterns
    "table": ((0.35, 0.30, 0.28), (0.75, 0.50, 0.39), ("plain",)),
    "sofa": ((0.60, 0.35, 0.18), (0.95, 0.45, 0.23), ("plain",)),
    "shelf": ((0.25, 0.15, 0.40), (0.60, 0.25, 1.00), ("boards", "bands", "plain")),
    "crate": ((0.12, 0.12, 0.10), (0.36, 0.36, 0.35), ("boards", "checker", "plain", "bands")),
}


def load(split, image_size=64, examples=None, holes=True):
    """The rooms of one split, "train" (4,096) or "test" (512).

    Args:
        split: "train" or "test".
        image_size: side in pixels.
        examples: at most the first so many; None is all.
        holes: whether the depth has a sensor's holes.

    Returns:
        Source with images (n, image_size, image_size, 3), depth (n, image_size, image_size, 1), no attributes and no labels.
    """
    start, n = {"train": (0, TRAIN), "test": (TEST_START, TEST)}[split]
    images, depth = draw(start, start + min(n, examples or n), image_size=image_size, holes=holes)
    return Source(f"scenes/{split}", images, np.zeros((len(images), 0), np.uint8), depth=depth)


def draw(start, stop, seed=0, image_size=64, holes=False):
    """Draws the scenes number start to stop - 1 of a seed; a scene is the same whatever range it is drawn in.

    Args:
        start, stop: the range of scenes, from 0.
        seed: another seed is another endless row of scenes.
        image_size: height and width in pixels.
        holes: whether to put 0 where an RGB-D sensor would see no depth.

    Returns:
        images (n, image_size, image_size, 3) uint8, and depth (n, image_size, image_size, 1) uint16: millimetres along the optical axis, at
        the pixels' centres.
    """
    images = np.empty((stop - start, image_size, image_size, 3), np.uint8)
    depth = np.empty((stop - start, image_size, image_size, 1), np.uint16)
    for i in range(stop - start):
        scene = _scene(_random(seed, start + i, 0))
        t, _ = _trace(scene, scene.camera.rays(image_size))
        images[i], depth[i, ..., 0] = _render(scene, image_size), np.rint(1000 * t)
        if holes:
            depth[i, _holes(t, scene.camera.focal, _random(seed, start + i, 1))] = 0
    return images, depth


def _random(seed, number, stream):
    """A generator of its own for every scene and stream: Philox counts, and each of them has a range of the counter."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, number, stream]))


class _Dice:
    """Random choices of numbers and materials."""

    def __init__(self, random):
        self._left = itertools.chain.from_iterable(iter(lambda: random.random(256).tolist(), None))

    def between(self, low, high):
        """A number of a range."""
        return low + (high - low) * next(self._left)

    def choose(self, *options):
        """One of some options."""
        return options[int(next(self._left) * len(options))]

    def hue(self, low, high, saturation):
        """A colour of a lightness between two, and of at most some saturation."""
        turn, light, strength = self.between(0, 1), self.between(low, high), self.between(0, saturation)
        return tuple(light * (1 + strength * math.cos(2 * math.pi * (turn + i / 3))) for i in range(3))

    def wood(self):
        """A brown colour."""
        light, red = self.between(0.12, 0.6), self.between(0.75, 1)
        return light, light * (0.45 + 0.3 * red), light * (0.1 + 0.4 * red)

    def material(self, colour, pattern):
        """Two colours, a tile's width and height (0: endless), its row's shift, how much tones vary, and the lines' half width; as one tuple."""
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


@dataclasses.dataclass(frozen=True)
class _Camera:
    """A pinhole camera with square pictures."""

    position: tuple  # metres
    right: tuple  # unit vectors
    down: tuple
    forward: tuple
    focal: float  # of a picture that spans -1 to 1

    def rays(self, size):
        """The directions (3, size, size) through the pixels' centres, of length 1 along the optical axis."""
        axis = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1) / self.focal
        return np.stack([f + r * axis + d * axis[:, None] for r, d, f in zip(self.right, self.down, self.forward)])

    def windows(self, hulls, size):
        """Yields the number, and the window (rows and columns) in a picture of a size, of all convex hulls of points (n, m, 3) in view."""
        ahead = hulls - self.position
        z = ahead @ self.forward
        behind, spans = z.min(1) < 0.05, []  # what is partly behind the camera may be seen anywhere
        for axis in (self.down, self.right):
            pixels = ((ahead @ axis) * self.focal / np.maximum(z, 0.05) + 1) * size / 2
            spans += np.where(behind, 0, pixels.min(1).clip(0, size)), np.where(behind, size, (pixels.max(1) + 1).clip(0, size))
        for i, (top, bottom, left, right) in enumerate(np.stack(spans, axis=1).astype(int).tolist()):
            if top < bottom and left < right:
                yield i, (slice(top, bottom), slice(left, right))


@dataclasses.dataclass(frozen=True)
class _Thing:
    """A box that is turned about the vertical, or the ball in a cube."""

    centre: tuple
    half: tuple  # of its sides
    cos: float = 1.0
    sin: float = 0.0
    ball: bool = False

    def turn(self, x, y):
        """The horizontal components of a vector along the box's own axes."""
        return self.cos * x + self.sin * y, self.cos * y - self.sin * x

    def corners(self, more=0.0):
        """The corners (8, 3) of the box, or of one that is larger on all four sides."""
        x, y, z = (_SIGNS * (self.half[0] + more, self.half[1] + more, self.half[2])).T
        return np.stack([self.cos * x - self.sin * y, self.sin * x + self.cos * y, z], axis=1) + self.centre

    def slabs(self, origin, rays):
        """Where rays from a point enter and leave the space between two opposite sides, and whether they go up that axis: for each axis."""
        start = [o - c for o, c in zip(origin, self.centre)]
        start, rays = (*self.turn(*start[:2]), start[2]), (*self.turn(*rays[:2]), rays[2])
        enter, leave = [], []
        for o, ray, half in zip(start, rays, self.half):
            inverse = 1 / (ray + 1e-12)
            middle, reach = -o * inverse, half * np.abs(inverse)
            enter.append(middle - reach)
            leave.append(middle + reach)
        return enter, leave, [ray > 0 for ray in rays]

    def hit(self, origin, rays):
        """Where rays from a point outside meet the thing, inf where they miss, and the number of the surface."""
        if self.ball:
            start = [o - c for o, c in zip(origin, self.centre)]
            square = _dot(rays, rays)
            closest = -_dot(start, rays) / square
            miss = [o + closest * ray for o, ray in zip(start, rays)]  # more exact in single precision than the discriminant
            rest = self.half[0] ** 2 - _dot(miss, miss)
            t, side = closest - np.sqrt(np.maximum(rest, 0) / square), 0
            t[(rest < 0) | (t < 0)] = np.inf
        else:
            enter, leave, up = self.slabs(origin, rays)
            t, side = np.maximum(enter[0], enter[1]), np.where(enter[0] > enter[1], up[0], 2 + up[1])
            side = np.where(t > enter[2], side, 4 + up[2])
            t = np.maximum(t, enter[2])
            t[(t > np.minimum(np.minimum(leave[0], leave[1]), leave[2])) | (t < 0)] = np.inf
        return t, side

    def distance(self, x, y):
        """The distance of points of the floor from where the thing stands."""
        x, y = self.turn(x - self.centre[0], y - self.centre[1])
        if self.ball:
            return np.maximum(np.sqrt(x * x + y * y) - 0.4 * self.half[0], 0)
        x, y = np.maximum(np.abs(x) - self.half[0], 0), np.maximum(np.abs(y) - self.half[1], 0)
        return np.sqrt(x * x + y * y)


@dataclasses.dataclass(frozen=True)
class _Scene:
    """All that a picture shows."""

    camera: _Camera
    room: _Thing
    things: list
    corners: np.ndarray  # (things, 8, 3)
    surfaces: np.ndarray  # (22, surfaces), see _surfaces
    lamps: list  # of position and colour; the first one throws shadows
    ambient: tuple
    skirting: float  # its height


def _scene(random):
    """A furnished room, and a camera that looks across it."""
    dice = _Dice(random)
    between, choose = dice.between, dice.choose
    size = between(3.2, 6.2), between(3.2, 6.2), between(2.4, 3.0)
    yaw, pitch, roll = between(-math.pi, math.pi), between(-0.55, 0.02), between(-0.04, 0.04)
    cy, sy, cp, sp, cr, sr = (f(angle) for angle in (yaw, pitch, roll) for f in (math.cos, math.sin))
    back = between(0.4, 1) * min(s / 2 / max(abs(a), 1e-6) for s, a in zip(size, (cy, sy)))
    position = *(min(max(s / 2 - back * a + between(-0.5, 0.5), 0.3), s - 0.3) for s, a in zip(size, (cy, sy))), between(0.8, 1.9)
    right, down = (sy, -cy, 0.0), (sp * cy, sp * sy, -cp)
    right, down = (tuple(c * r + s * d for r, d in zip(right, down)) for c, s in ((cr, sr), (-sr, cr)))
    camera = _Camera(position, right, down, (cp * cy, cp * sy, sp), 1 / math.tan(math.radians(between(27, 33))))

    floors = (dice.wood(), "planks"), (dice.hue(0.3, 0.7, 0.3), "checker"), (dice.hue(0.25, 0.6, 0.4), "tiles"), (dice.hue(0.15, 0.6, 0.5), "plain")
    walls = dice.hue(0.3, 0.85, 0.35), choose("plain", "plain", "plain", "stripes", "bricks")
    ceiling = dice.hue(0.75, 0.9, 0.1), choose("plain", "plain", "boards")
    inside = [dice.material(*each) for each in (walls, choose(*floors), ceiling)]
    room = _Thing(tuple(s / 2 for s in size), tuple(s / 2 for s in size))
    things, materials = zip(*_pictures(dice, size), *_furniture(dice, size, position, yaw))

    power, tint = between(1.0, 1.7), between(-0.12, 0.12)
    lamps = [
        ((*(between(0.2, 0.8) * s for s in size[:2]), size[2] - 0.12), tuple(power * (1 + tint * i) for i in (1, 0, -1))),
        ((*(between(0.1, 0.9) * s for s in size[:2]), between(1.5, 2.2)), (power * choose(0.15, 0.45),) * 3),
    ]
    ambient = tuple(between(0.22, 0.36) * (1 - 0.5 * tint * i) for i in (1, 0, -1))
    corners = np.stack([thing.corners() for thing in things])
    return _Scene(camera, room, things, corners, _surfaces([room, *things], [*inside, *materials]), lamps, ambient, between(0.06, 0.12))


def _pictures(dice, size):
    """Two doors or pictures on the walls: yields things and their materials."""
    for _ in range(2):
        wall, far, door = dice.choose(0, 1), dice.choose(0, 1), dice.choose(True, False, False)
        half = (0.42, 1.0) if door else (dice.between(0.2, 0.6), dice.between(0.2, 0.45))
        across, along = 0.02 + far * (size[wall] - 0.04), dice.between(half[0] + 0.1, size[1 - wall] - half[0] - 0.1)
        centre, sides = (across, along), (0.02, half[0])
        thing = _Thing((*centre[:: 1 - 2 * wall], 1.0 if door else 1.5), (*sides[:: 1 - 2 * wall], half[1]))
        colour = dice.wood() if door else dice.hue(0.1, 0.9, 0.9)
        yield thing, dice.material(colour, "plain" if door else dice.choose("plain", "bands", "checker"))


def _furniture(dice, size, position, yaw):
    """Furniture and balls on the floor, what would stand too near to the camera or to another piece left out: yields like _pictures."""
    taken = [(*position[:2], 0.3)]
    for kind in [dice.choose(*_FURNITURE, "crate", "crate") for _ in range(6)] + ["ball"] * 4:
        if kind == "ball":
            half = (dice.between(0.08, 0.28),) * 3
            material = dice.material(dice.hue(0.2, 0.9, 1), dice.choose("plain", "plain", "bands"))
        else:
            low, high, patterns = _FURNITURE[kind]
            half = tuple(dice.between(*ends) for ends in zip(low, high))
            material = dice.material(dice.choose(dice.wood(), dice.hue(0.15, 0.8, 0.8)), dice.choose(*patterns))
        turn, far, angle = yaw + dice.between(-0.45, 0.45), dice.between(1.0, 5.5), dice.choose(0.0, dice.between(-1.5, 1.5))
        cos, sin, radius = math.cos(angle), math.sin(angle), math.hypot(*half[:2])
        outline = cos * half[0] + abs(sin) * half[1] + 0.02, abs(sin) * half[0] + cos * half[1] + 0.02
        aim = position[0] + far * math.cos(turn), position[1] + far * math.sin(turn)
        x, y = (min(max(a, o), s - o) for a, o, s in zip(aim, outline, size))
        if any(math.hypot(x - a, y - b) < 0.9 * (radius + r) + 0.05 for a, b, r in taken):
            continue
        taken.append((x, y, radius))
        for (a, b, z), part in _parts(kind, *half):
            yield _Thing((x + cos * a - sin * b, y + sin * a + cos * b, z), part, cos, sin, kind == "ball"), material
        if kind in ("crate", "table") and dice.choose(True, False):  # something on it
            small = dice.between(0.07, 0.13)
            material = dice.material(dice.hue(0.2, 0.9, 1), dice.choose("plain", "bands"))
            yield _Thing((x, y, 2 * half[2] + small), (small,) * 3, cos, sin, dice.choose(True, False)), material


def _parts(kind, width, depth, height):
    """The boxes of a piece of furniture: their centres, from the middle of its place on the floor, and half their sides."""
    if kind == "table":
        yield (0, 0, 2 * height - 0.025), (width, depth, 0.025)
        for i, j in itertools.product((-1, 1), repeat=2):
            yield (i * (width - 0.05), j * (depth - 0.05), height - 0.025), (0.03, 0.03, height - 0.025)
    else:
        yield (0, 0, height), (width, depth, height)
    if kind == "sofa":
        yield (0, depth - 0.1, 2 * height + 0.19), (width, 0.1, 0.19)


def _surfaces(things, materials):
    """A column for every surface: its normal (0 for a ball), the tiles' two coordinates as affine maps, two colours, and the pattern's numbers."""
    count, zero = len(things), [0.0] * len(things)
    cos, sin, box = (np.array([value(thing) for thing in things]) for value in (lambda x: x.cos, lambda x: x.sin, lambda x: not x.ball))
    axes = np.array([[cos, sin, zero], [-sin, cos, zero], [zero, zero, zero + np.ones(count)]]).transpose(2, 0, 1)  # (count, axis, xyz)
    low = np.einsum("nij, nj -> ni", axes, [thing.centre for thing in things]) - [thing.half for thing in things]
    numbers = np.array(materials)[[0, 0, 0, 0, 1, 2, *np.repeat(np.arange(3, len(materials)), 6)]].reshape(count, 6, -1)
    tile = numbers[..., 6:8]
    scale = np.divide(1, tile, out=np.zeros_like(tile), where=tile > 0)
    columns = [np.repeat(axes, 2, axis=1) * np.array([1, -1] * 3)[:, None] * box[:, None, None]]
    for i, along in enumerate(([1, 1, 0, 0, 0, 0], [2, 2, 2, 2, 1, 1])):  # which axes a side's tiles follow
        columns += axes[:, along] * scale[..., i, None], -(low[:, along] * scale[..., i])[..., None]
    finest = np.where(tile > 0, tile, 1).min(-1, keepdims=True)
    columns += numbers[..., :6], numbers[..., 8:10], numbers[..., 10:] * scale, finest
    return np.concatenate(columns, axis=-1).reshape(6 * count, -1).T.astype(np.float32, order="C")


def _trace(scene, rays):
    """The nearest hits of the camera's rays (3, size, size): t, and the numbers of the surfaces; both (size, size)."""
    position = scene.camera.position
    _, leave, up = scene.room.slabs(position, rays)
    t, surface = np.minimum(leave[0], leave[1]), np.where(leave[0] < leave[1], up[0], 2 + up[1])
    surface = np.where(t < leave[2], surface, 4 + up[2])
    t = np.minimum(t, leave[2])
    for i, window in scene.camera.windows(scene.corners, len(t)):
        at, side = scene.things[i].hit(position, rays[:, *window])
        nearer = at < t[window]
        np.copyto(t[window], at, where=nearer)
        np.copyto(surface[window], 6 + 6 * i + side, where=nearer)
    return t, surface


def _render(scene, size):
    """The picture (size, size, 3) uint8, of 2x2 rays a pixel."""
    rays = scene.camera.rays(2 * size)
    t, surface = _trace(scene, rays)
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


def _albedo(columns, points, t, pixel):
    """The colours (3, h, w) of the surfaces' patterns, which fade where their tiles come near to a pixel's width."""
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


def _light(scene, points, normals):
    """The light (3, h, w) on the points: ambient, and from the lamps by Lambert's law and falling off."""
    total = (1 + 0.12 * normals[0] + 0.06 * normals[1] + 0.2 * normals[2]) * _colour(scene.ambient)
    for lamp, colour in scene.lamps:
        rays = points - _colour(lamp)
        square = _dot(rays, rays)
        light = np.maximum(-_dot(rays, normals), 0) / (np.sqrt(square) * (1 + 0.1 * square))
        if lamp is scene.lamps[0][0]:
            thrown = lamp + (scene.corners - lamp) * (lamp[2] / (lamp[2] - scene.corners[..., 2:]))  # onto the floor: between it and the thing is shadow
            for i, window in scene.camera.windows(np.concatenate([scene.corners, thrown], axis=1), light.shape[-1]):
                light[window] *= scene.things[i].hit(lamp, rays[:, *window])[0] > 0.998
        total += light * _colour(colour)
    return total


def _openness(scene, points, surface):
    """How open the surroundings of the points are, to 1: less along the room's edges, near the floor, and beside what stands there."""
    edges = sum(np.square(np.maximum(1 - (h - np.abs(p - h)) / 0.5, 0)) for p, h in zip(points, scene.room.half))
    openness = 1 - 0.22 * (edges - (surface < 6))
    standing = [thing for thing in scene.things if thing.centre[2] - thing.half[2] < 0.01]
    if standing:
        hulls = np.stack([thing.corners(0.3) for thing in standing]) * (1, 1, 0)
        for i, window in scene.camera.windows(hulls, len(surface)):
            near = np.maximum(1 - standing[i].distance(points[0][window], points[1][window]) / 0.3, 0)
            openness[window] *= 1 - 0.45 * near * near * (surface[window] == _FLOOR)
    return openness


def _holes(t, focal, random):
    """Where a structured-light sensor sees no depth (size, size): the projector's shadows, ragged edges, a shiny patch, speckles."""
    size = len(t)
    lit = np.arange(size) - focal * size / 2 * _BASELINE / t  # the projector's column that falls on every pixel
    nearest = np.minimum.accumulate(lit[:, ::-1], axis=1)[:, ::-1]
    jump = np.zeros((size, size), bool)
    for axis in (0, 1):
        step = np.abs(np.diff(np.log(t), axis=axis)) > 0.12
        jump |= np.insert(step, 0, False, axis) | np.insert(step, size - 1, False, axis)
    noise, (x, y, radius, *_) = random.random((size, size)), random.random(4)
    axis = (np.arange(size) + 0.5) / size
    patch = (axis - x) ** 2 + (axis[:, None] - y) ** 2 < (0.12 * radius - 0.05 + 0.03 * noise) * np.abs(0.12 * radius - 0.05)
    return (lit > nearest + 0.05) | (jump & (noise < 0.35)) | (noise > 0.996) | patch


def _dot(a, b):
    """The inner product along the first axis."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _colour(numbers):
    """Three numbers as an array (3, 1, 1)."""
    return np.array(numbers, np.float32)[:, None, None]
