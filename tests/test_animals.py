"""The built-in animals: the same whatever range they are drawn in, both classes told apart, and no two pictures "
"alike."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors

from tfgen.data.builtin import animals


@pytest.mark.trace
@pytest.mark.parametrize("start, stop", [(0, 1), (1, 2), (63, 66), (5, 140), (64, 128), (199, 200), (40, 40)])
def test_an_animal_is_the_same_in_whatever_range(start, stop):
    whole, part = animals.paint(0, 200, seed=3), animals.paint(start, stop, seed=3)
    for all_of_them, some in zip(whole, part):
        np.testing.assert_array_equal(some, all_of_them[start:stop])


def test_no_animal_comes_twice():
    sources = [animals.load("train", 16, 2000), animals.load("test", 16)]
    images = np.concatenate([*(source.images for source in sources), animals.paint(0, 2000, 1, 16)[0]])
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_a_larger_picture_shows_the_same_animal():
    small, large = (animals.paint(0, 24, image_size=size) for size in (32, 128))
    np.testing.assert_array_equal(small[1], large[1])
    shrunk = large[0].reshape(24, 32, 4, 32, 4, 3).mean((2, 4))
    assert np.abs(shrunk - small[0]).mean() < 4


@pytest.mark.parametrize("image_size", [8, 20, 64])
def test_shape_and_labels(image_size):
    images, labels = animals.paint(3, 13, image_size=image_size)
    assert images.shape == (10, image_size, image_size, 3) and images.dtype == np.uint8
    assert labels.dtype == np.int32 and [animals.CLASSES[label] for label in labels[:3]] == ["horse", "bird", "horse"]


def test_load():
    train, test = animals.load("train", 8), animals.load("test", examples=5)
    assert (train.name, train.images.shape, train.attributes.shape) == (
        "animals/train",
        (animals.TRAIN, 8, 8, 3),
        (animals.TRAIN, 0),
    )
    assert (test.name, test.images.shape, len(animals.load("test", 8))) == (
        "animals/test",
        (5, 32, 32, 3),
        animals.TEST,
    )
    assert np.bincount(train.labels).tolist() == [animals.TRAIN // 2] * 2


@pytest.mark.trace
@pytest.mark.parametrize("label", [0, 1])
def test_pictures_of_a_class_are_in_colour_and_varied(label):
    images, labels = animals.paint(0, 1024)
    images = images[labels == label].astype(np.float32)
    assert (images.std(0) > 20).all()
    assert images.min() < 15 and images.max() > 240 and np.abs(images[..., 0] - images[..., 2]).mean() > 25
    distance, _ = NearestNeighbors(n_neighbors=2).fit(flat := images.reshape(len(images), -1)).kneighbors(flat)
    assert distance[:, 1].min() / np.sqrt(flat.shape[1]) > 5  # of 255, in the root mean square over a picture


@pytest.mark.parametrize("label", [0, 1])
def test_half_of_them_look_to_either_side(label, monkeypatch):
    sides = []
    own = animals._own
    monkeypatch.setattr(animals, "_own", lambda *arguments: sides.append(own(*arguments)) or sides[-1])
    animals.paint(0, 400, image_size=8)
    right = np.concatenate([canvas.x[:, 0, -1] > canvas.x[:, 0, 0] for canvas in sides[label::2]])
    assert len(right) == 200 and 0.4 < right.mean() < 0.6


@pytest.mark.trace
@pytest.mark.parametrize("seed", [0, 1])
def test_a_linear_classifier_tells_birds_from_horses(seed):
    def pixels(images):
        return images.reshape(len(images), 16, 2, 16, 2, 3).mean((2, 4)).reshape(len(images), -1) / 255

    images, labels = animals.paint(0, 2500, seed)
    test_images, truths = animals.paint(animals.TEST_START, animals.TEST_START + 800, seed)
    scores = Ridge(alpha=100).fit(pixels(images), labels).predict(pixels(test_images))
    assert ((scores > 0.5) == truths).mean() > 0.91  # it reaches 0.95
