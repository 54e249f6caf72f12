"""A small convolutional reader of attributes or classes, trained on real pictures: it judges whether generated ones
show them.
"""

import keras
import numpy as np
from keras import layers

FEATURES = 64  # units of the layer before the last, in whose space pictures are compared


def train_classifier(images, attributes, epochs, seed=0, verbose=0, mirror=True):
    """Trains a classifier of K binary attributes, with dropout. K classes one-hot will do: the largest logit is then
    the class.

    Args:
        images: (n, H, W, C) float32 in [0, 1].
        attributes: (n, K) of 0 and 1.
        epochs: passes over the pictures.
        seed: of the weights, the order and the dropout.
        verbose: as in Keras's fit.
        mirror: whether to mirror pictures at random; not where left and right make a difference, as in digits.

    Returns:
        keras.Model: images (B, H, W, C) -> logits (B, K).
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(images.shape[1:]), *([layers.RandomFlip("horizontal")] if mirror else [])])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, 2, "same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(FEATURES, activation="relu", name="features"))
    model.add(layers.Dense(attributes.shape[1]))
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(images) // 64))
    model.compile(keras.optimizers.Adam(schedule), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(images, attributes, batch_size=64, epochs=epochs, verbose=verbose)
    return model


def read(classifier, images):
    """Whether each attribute is seen in each picture: (n, H, W, C) in [0, 1] -> (n, K) bool."""
    return classifier.predict(images, batch_size=256, verbose=0) > 0


def read_class(classifier, images):
    """The class with the largest logit: (n, H, W, C) in [0, 1] -> (n,) int."""
    return np.argmax(classifier.predict(images, batch_size=256, verbose=0), axis=1)


def certainty(classifier, images):
    """The probability of the class held most likely: (n, H, W, C) in [0, 1] -> (n,) in (0, 1)."""
    logits = np.max(classifier.predict(images, batch_size=256, verbose=0), axis=1)
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def features(classifier, images):
    """What the classifier sees before it decides: (n, H, W, C) in [0, 1] -> (n, 64) float32."""
    return keras.Model(classifier.inputs, classifier.get_layer("features").output).predict(
        images, batch_size=256, verbose=0
    )


def pair_fidelity(without, with_attribute):
    """How often an attribute is switched by its code.

    Args:
        without: (n,) bool, whether the classifier sees the attribute in n pictures whose code is 0.
        with_attribute: (n,) bool, the same for the same latents with code 1.

    Returns:
        {"switched": the share of latents where it is seen with code 1 and not with code 0, "absent_at_0",
        "present_at_1": the shares of either half alone}.
    """
    return {
        "switched": float(np.mean(with_attribute & ~without)),
        "absent_at_0": float(np.mean(~without)),
        "present_at_1": float(np.mean(with_attribute)),
    }
