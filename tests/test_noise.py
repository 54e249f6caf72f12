"""Latents as a function of (seed, step, draw)."""

import numpy as np
import pytest
import tensorflow as tf

from tfgen import noise


def test_same_key_same_numbers_another_key_others():
    draws = {
        (seed, step, draw): noise.normal((seed, step), draw, (2, 3)).numpy()
        for seed in (0, 1)
        for step in (0, 1)
        for draw in (0, 1)
    }
    assert len({array.tobytes() for array in draws.values()}) == 8
    np.testing.assert_array_equal(noise.normal((1, 0), 1, (2, 3)), draws[1, 0, 1])


@pytest.mark.parametrize("sample, mean, variance", [(noise.uniform, 0, 1 / 3), (noise.normal, 0, 1)])
def test_moments(sample, mean, variance):
    values = sample((5, 6), 0, (1000, 200)).numpy()
    assert values.mean() == pytest.approx(mean, abs=0.01)
    assert values.var() == pytest.approx(variance, rel=0.01)
    assert abs(np.corrcoef(values[:, 0], values[:, 1])[0, 1]) < 0.15


def test_replicas_take_their_rows_of_the_same_draw(two_replicas):
    whole = noise.normal((3, 4), 2, (6, 5)).numpy()
    parts = two_replicas.run(lambda: noise.normal(tf.constant([[3, 4]], tf.int64), 2, (3, 5)))
    np.testing.assert_array_equal(
        np.concatenate([part.numpy() for part in two_replicas.experimental_local_results(parts)]), whole
    )


@pytest.mark.trace
def test_no_two_steps_have_the_same_seed():
    """A 32-bit seed has collisions among 200,000 steps: 5 pairs are expected."""
    fold = tf.function(lambda steps: tf.map_fn(lambda step: noise._seed(tf.stack([0, step]), 0), steps))
    seeds = fold(tf.range(200_000, dtype=tf.int64)).numpy()
    assert len(np.unique(seeds, axis=0)) == 200_000
