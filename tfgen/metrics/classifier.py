"""A small convolutional classifier of attributes or classes, trained on real pictures to evaluate generated ones."""

import contextlib
import hashlib
import os
import pathlib
import tempfile
import weakref
from collections.abc import Callable

import keras
import numpy as np
import scipy.special
import tensorflow as tf
from keras import layers

from tfgen import optimizers
from tfgen.data import cache
from tfgen.data.cache import CLASSIFIERS
from tfgen.models.base import in_batches
from tfgen.networks.batch_norm import BatchNormalization

FORMAT = 2  # part of every key: increase it when classifiers are built or trained in another way
# classifier -> its traced function of features; tracing takes longer than a thousand pictures.
_networks: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
FEATURES = 64  # units of the last hidden layer; pictures are compared by these features


def build(image_shape: tuple[int, ...], outputs: int, seed: int = 0, flipped: bool = False) -> keras.Model:
    """The network of a classifier with random weights: images (B, H, W, C) in [0, 1] -> logits (B, outputs).

    Also sets the process's seed. `flipped` mirrors training pictures at random.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(image_shape), *([layers.RandomFlip("horizontal")] if flipped else [])])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, 2, "same", use_bias=False))
        model.add(BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(FEATURES, activation="relu", name="features"))
    model.add(layers.Dense(outputs))
    return model


def cached(key: tuple, train: Callable[[], keras.Model]) -> keras.Model:
    """The classifier in the cache that was trained with the same key, or a new one, which is then kept there.

    Args:
        key: what the classifier depends on: the data's fingerprint and so on.
        train: returns a new classifier.
    """
    digest = hashlib.sha256(repr((FORMAT, key)).encode()).hexdigest()[:16]
    path = cache.folder() / CLASSIFIERS / f"{digest}.keras"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # there is none, or it is damaged
        return keras.models.load_model(path)
    model = train()
    with contextlib.suppress(OSError):  # a cache that cannot be written saves no time
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".part-") as folder:
            model.save(pathlib.Path(folder) / path.name)
            os.replace(pathlib.Path(folder) / path.name, path)
    return model


def train_classifier(
    images: np.ndarray,
    attributes: np.ndarray,
    epochs: int,
    seed: int = 0,
    verbose: int = 0,
    exclusive: bool = False,
) -> keras.Model:
    """Trains a classifier of K binary attributes or of K classes.

    Attributes are learned with K sigmoid cross-entropies and classes with a softmax cross-entropy, so that the softmax
    of the logits gives the probabilities of the classes.

    Args:
        images: (n, H, W, C) float32 in [0, 1].
        attributes: (n, K), 0 or 1; one-hot for classes.
        epochs: passes over the pictures.
        seed: seed of the weights, the order of the data, and dropout.
        verbose: as in Keras's `fit`.
        exclusive: whether these are classes. If not, pictures are flipped at random; classes such as digits may differ
            in left and right.

    Returns:
        keras.Model: images (B, H, W, C) -> logits (B, K).
    """
    model = build(images.shape[1:], attributes.shape[1], seed, flipped=not exclusive)
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(images) // 64))
    loss = keras.losses.CategoricalCrossentropy if exclusive else keras.losses.BinaryCrossentropy
    model.compile(optimizers.Adam(schedule), loss(from_logits=True))
    model.fit(images, attributes, batch_size=64, epochs=epochs, verbose=verbose)
    return model


def read(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predicts whether each picture has each attribute: (n, H, W, C) in [0, 1] -> (n, K) bool."""
    return classifier.predict(images, batch_size=256, verbose=0) > 0


def read_class(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """The class with the largest logit: (n, H, W, C) in [0, 1] -> (n,) int."""
    return np.argmax(classifier.predict(images, batch_size=256, verbose=0), axis=1)


def certainty(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """The softmax probability of the most likely class: (n, H, W, C) in [0, 1] -> (n,) in [1 / K, 1]."""
    logits = classifier.predict(images, batch_size=256, verbose=0).astype(np.float64)
    return np.max(scipy.special.softmax(logits, axis=1), axis=1)


def features(classifier: keras.Model, images: np.ndarray) -> np.ndarray:
    """The activations of the last hidden layer: (n, H, W, C) in [0, 1] -> (n, 64) float32."""
    if classifier not in _networks:
        network = keras.Model(classifier.inputs, classifier.get_layer("features").output)
        _networks[classifier] = tf.function(lambda images: network(images, training=False), reduce_retracing=True)
    return in_batches(lambda images, training: _networks[classifier](images), images)


def pair_fidelity(without: np.ndarray, with_attribute: np.ndarray) -> dict[str, float]:
    """How often a condition switches its attribute.

    Args:
        without: (n,) bool, whether the classifier finds the attribute in n pictures with condition 0.
        with_attribute: (n,) bool, the same for the same latents with condition 1.

    Returns:
        {"switched": share of latents with the attribute for condition 1 and without it for condition 0, "absent_at_0"
        and "present_at_1": the shares for each condition alone}.
    """
    return {
        "switched": float(np.mean(with_attribute & ~without)),
        "absent_at_0": float(np.mean(~without)),
        "present_at_1": float(np.mean(with_attribute)),
    }
