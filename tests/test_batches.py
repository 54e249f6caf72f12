"""The batch of any step as a pure function of (seed, step)."""

import dataclasses

import numpy as np
import pytest

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
