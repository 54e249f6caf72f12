"""The batch of any step as a pure function of (seed, step)."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfgen import UserError
from tfgen.data.batches import batch_indices, batches, steps_per_epoch


@pytest.fixture
def toy(toy):
    """Labels that number the examples."""
    return dataclasses.replace(toy, labels=np.arange(64, dtype=np.int32))


def labels(toy, **arguments):
    return [batch["label"].numpy() for batch in batches(toy, **arguments)]


def test_values(toy):
    batch = next(iter(batches(toy, 8, seed=3, start=5)))
    i = batch["label"].numpy()
    np.testing.assert_array_equal(batch["image"], toy.images[i] / np.float32(255))
    np.testing.assert_array_equal(batch["attributes"], toy.attributes[i])
    np.testing.assert_array_equal(batch["key"], [[3, 5]] * 8)


@pytest.mark.parametrize("batch_size", [1, 8, 10, 64])
def test_an_epoch_is_a_permutation_without_its_remainder(toy, batch_size):
    steps = 64 // batch_size
    assert steps_per_epoch(toy, batch_size) == steps
    for epoch in range(3):
        seen = np.concatenate(labels(toy, batch_size=batch_size, seed=1, start=epoch * steps, stop=(epoch + 1) * steps))
        assert len(seen) == steps * batch_size == len(set(seen))


def test_epochs_and_seeds_are_ordered_differently(toy):
    orders = [
        tuple(np.concatenate(labels(toy, batch_size=8, seed=seed, start=start, stop=start + 8)))
        for seed in (0, 1)
        for start in (0, 8)
    ]
    assert len(set(orders)) == 4


def test_any_start_gives_the_same_batches(toy):
    whole = labels(toy, batch_size=10, seed=2, stop=15)
    for start in (1, 6, 14):
        np.testing.assert_array_equal(labels(toy, batch_size=10, seed=2, start=start, stop=15), whole[start:])


def test_every_example_gets_its_turn_though_remainders_are_dropped(toy):
    seen = {int(i) for step in range(12 * 20) for i in batch_indices(64, 5, 0, step)}
    assert seen == set(range(64))


def test_a_batch_larger_than_the_data_is_refused(toy):
    with pytest.raises(UserError, match="toy contains 64 examples"):
        batches(toy, 65)


# Orders of the data -------------------------------------------------------------------------------------------------


@tf.function(reduce_retracing=True)
def orders(n, places):
    """The orders (m, n) of m places (seed, epoch)."""
    return tf.map_fn(lambda place: batch_indices(n, n, place[0], place[1]), places, parallel_iterations=1)


def order(n, seed, epoch):
    return orders(tf.constant(n, tf.int64), tf.constant([[seed, epoch]], tf.int64)).numpy()[0]


@pytest.mark.trace
@pytest.mark.parametrize("places", [[(0, i) for i in range(1024)], [(i, 0) for i in range(1024)]])
def test_no_epoch_and_no_seed_repeats_another(places):
    assert len(np.unique(orders(tf.constant(100, tf.int64), tf.constant(places, tf.int64)), axis=0)) == 1024


@pytest.mark.parametrize("n", [8_192, 60_000])
@pytest.mark.parametrize("other", [(0, 1), (1, 0), (0, 256), (256, 0)])
def test_epochs_and_seeds_are_not_correlated(n, other):
    """The correlation of two independent orders has a standard deviation of 1 / sqrt(n - 1)."""
    assert abs(np.corrcoef(order(n, 0, 0), order(n, *other))[0, 1]) < 4 / np.sqrt(n)


@pytest.mark.trace
def test_all_orders_of_five_examples_are_equally_likely():
    places = tf.constant([(seed, epoch) for seed in range(4) for epoch in range(900)], tf.int64)
    _, counts = np.unique(orders(tf.constant(5, tf.int64), places), axis=0, return_counts=True)
    assert len(counts) == 120
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.trace
def test_pairs_of_a_batch_meet_again_as_often_as_by_chance():
    """Two examples of one batch of 64 are in one batch of the next epoch with probability 63 / 60,031."""
    n, size, epochs = 60_032, 64, 3
    again = pairs = 0
    for epoch in range(epochs):
        batch_of = np.empty(n, int)
        batch_of[order(n, 3, epoch + 1)] = np.arange(n) // size
        counts = np.stack(
            [np.bincount(row, minlength=n // size) for row in batch_of[order(n, 3, epoch)].reshape(-1, size)]
        )
        again += np.sum(counts * (counts - 1) // 2)
        pairs += n // size * size * (size - 1) // 2
    chance = (size - 1) / (n - 1)
    assert abs(again / pairs - chance) < 4 * np.sqrt(chance / pairs)
