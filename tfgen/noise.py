"""Latents as a function of (seed, step, draw), the same on one replica and on many.

A generator with a state gives every replica the same numbers, or numbers that no checkpoint holds. Here the whole
global batch's noise is drawn from a counter on every replica, and each takes its own rows.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
def uniform(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """U(-1, 1) of the local batch.

    Args:
        key: (B, 2) int64, the batch's (seed, step) rows, all equal; or (2,).
        draw: integer that tells the draws of one step apart.
        shape: (B, ...), B the rows of this replica.

    Returns:
        float32 of that shape.
    """
    return _rows(lambda whole, seed: tf.random.stateless_uniform(whole, seed, -1.0, 1.0), key, draw, shape)


def unit(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """U(0, 1) of the local batch. Arguments as in `uniform`."""
    return _rows(tf.random.stateless_uniform, key, draw, shape)


@keras.saving.register_keras_serializable("tfgen")
def normal(key: Any, draw: int, shape: tuple) -> tf.Tensor:
    """N(0, 1) of the local batch. Arguments as in `uniform`."""
    return _rows(tf.random.stateless_normal, key, draw, shape)


def one(key: Any, draw: int) -> tf.Tensor:
    """One number of U(0, 1), the same on all replicas: the first of `unit`. Arguments as in `uniform`."""
    return tf.random.stateless_uniform((1,), _seed(key, draw))[0]


def stream(draw: int, number: int) -> int:
    """A draw for another kind of noise beside the latents of `draw`: number 1, 2, ... up to 9."""
    return 1000 * number + draw


def _rows(sample: Callable, key: Any, draw: int, shape: tuple) -> tf.Tensor:
    seed = _seed(key, draw)
    context = tf.distribute.get_replica_context()
    if context is None:  # between the steps, where there is one batch
        return sample(shape, seed)
    start = context.replica_id_in_sync_group * shape[0]
    return sample((context.num_replicas_in_sync * shape[0], *shape[1:]), seed)[start : start + shape[0]]


def _seed(key: Any, draw: int) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(tf.reshape(key, [-1, 2])[0], draw)
