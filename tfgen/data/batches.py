"""Batches as a pure function of (seed, step): no shuffle buffer, no iterator state, exact resume at any step."""

import tensorflow as tf

from tfgen import UserError
from tfgen.data.files import Files


def steps_per_epoch(source, batch_size):
    """Whole batches in one epoch; the examples left over come in another epoch's order.

    Raises UserError if there is none.
    """
    steps = len(source) // batch_size
    if steps == 0:
        raise UserError(
            f"{source.name} holds {len(source)} examples, fewer than one batch of {batch_size}: choose --batch_size {len(source)} or less."
        )
    return steps


def batch_indices(n, batch_size, seed, step):
    """Indices (batch_size,) int64 of the batch of one step: consecutive places in a permutation of range(n) drawn per
    epoch.

    No batch straddles two epochs, so no example comes twice in one.

    Args:
        n: number of examples.
        batch_size: examples in the global batch, at most n.
        seed: integer of the run.
        step: integer or int64 scalar tensor from 0.
    """
    step = tf.cast(step, tf.int64)
    epoch, place = step // (n // batch_size), step % (n // batch_size)
    positions = place * batch_size + tf.range(batch_size, dtype=tf.int64)
    return tf.random.experimental.index_shuffle(
        positions, tf.stack([tf.cast(seed, tf.int64), epoch]), tf.cast(n - 1, tf.int64)
    )


def batches(source, batch_size, seed=0, start=0, stop=None, redraws=0, parts=1, mine=(0, 1)):
    """The batches of steps start..stop-1 as a tf.data.Dataset of dicts.

    Args:
        source: Source of n >= batch_size examples.
        batch_size: examples in the global batch.
        seed: integer; the same seed gives the same batches on any number of replicas.
        start: first step.
        stop: step to end before; None goes on for ever.
        redraws: another number gives other noise with the same examples.
        parts: into how many parts each batch is divided.
        mine: (first, n): which of them come, one after the other, as the batches of one machine's n replicas.

    Returns:
        tf.data.Dataset of {"image": (B, H, W, C) float32 in [0, 1], "attributes": (B, K) float32, "key": (B, 2) int64,
        every row (seed + 2^32 redraws, step), from which models draw their noise, and, where the source has them,
        "label": (B,) int32, "depth": (B, H, W, 1) float32 in [0, 1], metres / 10, and "mask": (B, H, W, 1) float32, 1
        where the depth is known, 0 in holes, where it is 0 too}.
    """
    steps_per_epoch(source, batch_size)
    arrays = {"image": source.images, "attributes": source.attributes, "label": source.labels, "depth": source.depth}
    arrays = {name: array for name, array in arrays.items() if array is not None}

    def gather(indices):
        return [array.take(indices) if isinstance(array, Files) else array[indices] for array in arrays.values()]

    def batch(place):
        step, part, rows = place // mine[1], mine[0] + place % mine[1], batch_size // parts
        indices = batch_indices(len(source), batch_size, seed, step)[part * rows : (part + 1) * rows]
        # Captured as a tensor, the set would be copied, and once more whenever tf.data optimizes its graph.
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
