"""The built-in rooms: the same whatever range they are drawn in, their depth exact, and its holes where a sensor has
them.
"""

import dataclasses

import numpy as np
import pytest

from tfgen import UserError
from tfgen.data.builtin import raycast, scenes


@pytest.fixture(scope="module")
def rooms():
    """200 pictures and their depth in meters."""
    images, depth = scenes.paint(0, 200)
    return images, depth[..., 0] / 1000


def camera_rays(camera, size):
    """The rays (size, size, 3) through the pixels' centers, one by one and in double precision."""
    right, down, forward = (np.array(axis) for axis in (camera.right, camera.down, camera.forward))
    offsets = ((np.arange(size) + 0.5) / size * 2 - 1) / camera.focal
    return np.array([[forward + x * right + y * down for x in offsets] for y in offsets])


def occupied(scene, points):
    """Whether points (n, 3) are in a thing or outside the room."""
    full = ((points < 0) | (points > 2 * np.array(scene.room.half))).any(1)
    for thing in scene.things:
        away = points - thing.centre
        if thing.ball:
            full |= np.linalg.norm(away, axis=1) < thing.half[0]
        else:
            axes = np.array([[thing.cos, thing.sin, 0], [-thing.sin, thing.cos, 0], [0, 0, 1]])
            full |= (np.abs(away @ axes.T) < thing.half).all(1)
    return full


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("start, stop", [(0, 1), (3, 9), (11, 12), (4, 4)])
def test_a_scene_is_the_same_in_whatever_range(start, stop, holes):
    whole, part = scenes.paint(0, 12, 3, holes=holes), scenes.paint(start, stop, 3, holes=holes)
    for all_of_them, some in zip(whole, part):
        np.testing.assert_array_equal(some, all_of_them[start:stop])


@pytest.mark.trace
def test_no_scene_comes_twice():
    parts = (
        scenes.paint(0, 150, 0, 16),
        scenes.paint(0, 150, 1, 16),
        scenes.paint(scenes.TEST_START, scenes.TEST_START + 150, 0, 16),
    )
    for images in map(np.concatenate, zip(*parts)):
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_a_larger_picture_shows_the_same_scene():
    (small, near), (large, fine) = scenes.paint(0, 16, image_size=32), scenes.paint(0, 16, image_size=96)
    shrunk = large.reshape(16, 32, 3, 32, 3, 3).mean((2, 4))
    assert np.abs(shrunk - small).mean() < 7  # fine patterns fade at the smaller size
    np.testing.assert_allclose(
        fine[:, 1::3, 1::3].astype(int), near, atol=1
    )  # the middle one of 3x3 pixels is at the large one's center


@pytest.mark.parametrize("number", range(12))
def test_depth_is_where_a_march_along_the_ray_first_meets_something(number):
    scene = scenes._scene(scenes._random(5, number, 0))
    _, depth = scenes.paint(number, number + 1, 5)
    pixels, steps = np.random.default_rng(number).integers(0, 64, (24, 2)), np.arange(0, 10, 0.002)
    rays = camera_rays(scene.camera, 64)
    for row, column in pixels:
        full = occupied(scene, scene.camera.position + steps[:, None] * rays[row, column])
        assert depth[0, row, column, 0] / 1000 == pytest.approx(steps[full.argmax()] - 0.001, abs=0.0021)


def test_depth_of_the_floor_is_the_cameras_height_over_the_rays_descent():
    for number in range(20):
        scene = scenes._scene(scenes._random(0, number, 0))
        _, surface = raycast.trace(scene, scene.camera.rays(64))
        floor = surface == 4
        _, depth = scenes.paint(number, number + 1)
        by_hand = 1000 * scene.camera.position[2] / -camera_rays(scene.camera, 64)[floor, 2]
        assert floor.any()
        np.testing.assert_allclose(depth[0, floor, 0], by_hand, atol=0.6)


def test_the_camera_is_a_pinhole_of_some_60_degrees_outside_of_all_things():
    for number in range(100):
        scene = scenes._scene(scenes._random(0, number, 0))
        axes = np.array([scene.camera.right, scene.camera.down, scene.camera.forward])
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1) and axes[1, 2] < 0
        assert 53 < np.degrees(2 * np.arctan(1 / scene.camera.focal)) < 67
        assert not occupied(scene, np.array([scene.camera.position])).any()


def test_windows_cut_nothing_off(monkeypatch):
    windowed = scenes.paint(0, 24, 2, 32)

    def whole_pictures(camera, hulls, size):
        return [(i, (slice(None), slice(None))) for i in range(len(hulls))]

    monkeypatch.setattr(raycast.Camera, "windows", whole_pictures)
    for part, whole in zip(windowed, scenes.paint(0, 24, 2, 32)):
        np.testing.assert_array_equal(part, whole)


def test_depth_has_no_holes_unless_asked(rooms):
    _, depth = rooms
    assert depth.min() > 0.2 and depth.max() <= 10


@pytest.mark.trace
def test_holes_take_depth_and_nothing_else(rooms):
    images, depth = scenes.paint(0, 200, holes=True)
    np.testing.assert_array_equal(images, rooms[0])
    seen = depth[..., 0] > 0
    np.testing.assert_array_equal(depth[seen][:, 0], np.rint(1000 * rooms[1][seen]))
    assert 0.01 < 1 - seen.mean() < 0.08 and (seen.mean((1, 2)) > 0.7).all()


def test_the_projectors_shadow_is_to_the_left_of_what_is_near(monkeypatch):
    t = np.full((64, 64), 3.0, np.float32)
    t[20:40, 30:50] = 1.0
    holes = np.mean([scenes._holes(t, 2.0, scenes._random(0, i, 1)) for i in range(200)], axis=0)
    shift = 2.0 * 32 * scenes._BASELINE  # pixels at 1 m; at 3 m it is a third of that
    always = (holes[30] == 1).nonzero()[0]
    assert always.max() == 29 and len(always) == round(shift - shift / 3)
    assert 0.2 < holes[30, 50] < 0.6 and 0.2 < holes[19, 40] < 0.6  # the other edges are ragged
    assert holes[:15].mean() < 0.03


def test_edges_of_depth_are_edges_of_the_picture(rooms):
    images, depth = rooms
    contrast = np.abs(np.diff(images.astype(float), axis=2)).mean(-1)
    ratio = np.abs(np.diff(np.log(depth), axis=2))
    assert contrast[ratio > 0.3].mean() > 3 * contrast[ratio < 0.02].mean()


def test_the_mean_depth_is_a_poor_prediction(rooms):
    images, depth = rooms
    assert (images.std(0) > 30).all()
    assert np.sqrt(depth.var(0).mean()) > 0.7
    assert (np.abs(depth - depth.mean(0)) / depth).mean() > 0.2


def test_load(monkeypatch):
    train, test = scenes.load("train", 16, 6), scenes.load("test", 32, 4, holes=False)
    assert (train.name, train.images.shape, train.depth.shape, train.depth.dtype) == (
        "scenes/train",
        (6, 16, 16, 3),
        (6, 16, 16, 1),
        np.uint16,
    )
    assert train.attributes.shape == (6, 0) and train.labels is None and (train.depth == 0).any()
    assert (test.name, test.images.shape, (test.depth > 0).all()) == ("scenes/test", (4, 32, 32, 3), True)
    assert (scenes.TRAIN, scenes.TEST) == (8192, 1024)
    monkeypatch.setattr(scenes, "TEST", 3)
    assert len(scenes.load("test", 8)) == 3


def test_a_source_carries_its_depth_along():
    source = scenes.load("train", 8, 6)
    np.testing.assert_array_equal((source[:2] + source[4:]).depth, source.depth[[0, 1, 4, 5]])
    assert source.select([]).depth is source.depth
    metres = source.metres(slice(1, 3))
    assert metres.dtype == np.float32
    np.testing.assert_array_equal(np.rint(1000 * metres), source.depth[1:3])
    with pytest.raises(UserError, match="scenes/train has no depth"):
        dataclasses.replace(source, depth=None).metres()
    assert (
        len(
            {
                source.fingerprint(),
                dataclasses.replace(source, depth=source.depth + 1).fingerprint(),
                source[:5].fingerprint(),
            }
        )
        == 3
    )
