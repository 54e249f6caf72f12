"""Batches as a pure function of (seed, step): no shuffle buffer, no iterator state, exact resume at any step."""

import numpy as np
import tensorflow as tf

from tfgen import UserError
from tfgen.data.files import Files
from tfgen.data.source import Source


def steps_per_epoch(source: Source, batch_size: int, per_step: int = 1) -> int:
    """Number of training steps in an epoch, each with `per_step` batches. Left-over examples are dropped; each epoch
    drops different ones.

    Raises UserError if there are fewer examples than one step needs.
    """
    steps = len(source) // (batch_size * per_step)
    if steps == 0:
        needed = (
            f"one batch of {batch_size}" if per_step == 1 else f"the {per_step} batches of {batch_size} of one step"
        )
        raise UserError(
            f"{source.name} contains {len(source)} examples, fewer than {needed}: choose --batch_size "
            f"{max(1, len(source) // per_step)} or less."
        )
    return steps


def batch_indices(n: int, batch_size: int, seed: int | tf.Tensor, step: int | tf.Tensor) -> tf.Tensor:
    """Indices (batch_size,) int64 for the batch of one step: consecutive entries of a permutation of range(n), which is
    drawn for each epoch.

    No batch spans two epochs, so no example is in a batch twice.

    Args:
        n: number of examples.
        batch_size: examples in the global batch, at most n.
        seed: the run's seed.
        step: step from 0, a number or an int64 scalar.
    """
    step = tf.cast(step, tf.int64)
    epoch, place = step // (n // batch_size), step % (n // batch_size)
    positions = place * batch_size + tf.range(batch_size, dtype=tf.int64)
    # tf.random.experimental.index_shuffle uses the low bits of the seed and too few rounds: epoch 256 would repeat
    # epoch 0, and successive epochs would be correlated.
    words = tf.random.stateless_uniform([3], tf.stack([tf.cast(seed, tf.int64), epoch]), None, None, tf.uint32)
    return tf.raw_ops.RandomIndexShuffle(index=positions, seed=words, max_index=tf.cast(n - 1, tf.int64), rounds=16)


def batches(
    source: Source,
    batch_size: int,
    seed: int = 0,
    start: int = 0,
    stop: int | None = None,
    redraws: int = 0,
    parts: int = 1,
    mine: tuple[int, int] = (0, 1),
    per_step: int = 1,
) -> tf.data.Dataset:
    """The batches of steps start..stop-1 as a tf.data.Dataset of dicts.

    A step of a model that takes several batches, such as those of a WGAN's critic, has the examples of all of them:
    `per_step` * `batch_size` rows, which `GAN.train_step` deals out.

    Args:
        source: Source of n >= batch_size examples.
        batch_size: examples in the global batch.
        seed: integer; the same seed gives the same batches on any number of replicas.
        start: first step.
        stop: step to stop before; None for no end.
        redraws: a different number gives different noise for the same examples.
        parts: number of parts into which each batch is divided.
        mine: (first, n), the parts to yield, one after the other, for the n replicas of one machine.
        per_step: number of batches in a training step.

    Returns:
        tf.data.Dataset of dicts, where B is batch_size * per_step / parts, with
        "image": (B, H, W, C) float32 in [0, 1];
        "attributes": (B, K) float32, 0 or 1;
        "key": (B, 2) int64, every row (seed + 2^32 redraws, step), from which models draw their noise;
        and, if the source has them,
        "label": (B,) int32;
        "depth": (B, H, W, 1) float32 in [0, 1], meters / 10;
        "mask": (B, H, W, 1) float32, 1 where the depth is known, 0 in holes, where depth is 0 too.

    Raises:
        UserError: if there are fewer examples than `batch_size`.
    """
    steps_per_epoch(source, batch_size, per_step)
    batch_size *= per_step
    fields = {"image": source.images, "attributes": source.attributes, "label": source.labels, "depth": source.depth}
    arrays = {name: array for name, array in fields.items() if array is not None}

    def gather(indices: np.ndarray) -> list[np.ndarray]:
        return [array.take(indices) if isinstance(array, Files) else array[indices] for array in arrays.values()]

    def batch(place: tf.Tensor) -> dict[str, tf.Tensor]:
        step, part, rows = place // mine[1], mine[0] + place % mine[1], batch_size // parts
        indices = batch_indices(len(source), batch_size, seed, step)[part * rows : (part + 1) * rows]
        # A captured tensor would be copied, and again whenever tf.data optimizes its graph.
        values = tf.numpy_function(gather, [indices], [array.dtype for array in arrays.values()], stateful=False)
        gathered = {
            name: tf.ensure_shape(value, (rows, *arrays[name].shape[1:])) for name, value in zip(arrays, values)
        }
        gathered["image"] = tf.cast(gathered["image"], tf.float32) / 255.0
        gathered["attributes"] = tf.cast(gathered["attributes"], tf.float32)
        if "depth" in gathered:
            millimetres = tf.cast(gathered["depth"], tf.float32)
            gathered["depth"] = tf.minimum(millimetres / 10_000.0, 1.0)
            gathered["mask"] = tf.cast(millimetres > 0.0, tf.float32)
        gathered["key"] = tf.tile([[tf.constant(seed + (redraws << 32), tf.int64), step]], [rows, 1])
        return gathered

    places = tf.data.Dataset.range(start * mine[1], tf.int64.max if stop is None else stop * mine[1])
    dataset = places.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.with_options(options)
