"""Latents as a function of (seed, step, draw), independent of the number of replicas.

A stateful random generator would give every replica the same numbers, or numbers that checkpoints do not contain.
Instead, every replica draws the noise of the whole global batch from a counter and takes its own rows.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
def uniform(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """Draws U(-1, 1) for the local batch.

    Args:
        key: (B, 2) int64, equal rows of (seed, step); or (2,).
        draw: integer that distinguishes the draws of one step.
        shape: (B, ...), where B is the number of rows of this replica.

    Returns:
        float32 array of this shape.
    """
    return _rows(lambda whole, seed: tf.random.stateless_uniform(whole, seed, -1.0, 1.0), key, draw, shape)


def unit(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """Draws U(0, 1) for the local batch. The arguments are those of `uniform`."""
    return _rows(tf.random.stateless_uniform, key, draw, shape)


@keras.saving.register_keras_serializable("tfgen")
def normal(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """Draws N(0, 1) for the local batch. The arguments are those of `uniform`."""
    return _rows(tf.random.stateless_normal, key, draw, shape)


def one(key: Any, draw: int) -> tf.Tensor:
    """Draws one number from U(0, 1), the same on all replicas. The arguments are those of `uniform`."""
    return tf.random.stateless_uniform((1,), _seed(key, draw))[0]


def stream(draw: int, number: int) -> int:
    """The draw for a further kind of noise, numbered 1 to 9, in addition to the latents of `draw`."""
    return 1000 * number + draw


def _rows(sample: Callable, key: Any, draw: int, shape: tuple) -> tf.Tensor:
    seed = _seed(key, draw)
    context = tf.distribute.get_replica_context()
    if context is None:  # outside a training step there is only one batch
        return sample(shape, seed)
    start = context.replica_id_in_sync_group * shape[0]
    return sample((context.num_replicas_in_sync * shape[0], *shape[1:]), seed)[start : start + shape[0]]


def _seed(key: Any, draw: int) -> tf.Tensor:
    # A 32-bit draw would make the folded seed 32 bits wide, and among 200,000 steps some would have the same latents.
    return tf.random.experimental.stateless_fold_in(tf.reshape(key, [-1, 2])[0], tf.cast(draw, tf.int64))
