"""Karras et al. 2018, Progressive Growing of GANs (arXiv:1710.10196), appendix A.1: moving averages of weights."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from tfgen.models.base import GenerativeModel


class WeightAverage:
    """a <- d a + (1 - d) w after each iteration, for every weight w of the model's `averaged` networks.

    Moving statistics are averaged too.

    d is min(decay, (1 + n) / (10 + n)) after n iterations, so that the initial weights are soon forgotten.

    Args:
        model: GenerativeModel. Create the average in the strategy scope in which the model was created.
        decay: at least 0 and less than 1.
    """

    def __init__(self, model: GenerativeModel, decay: float) -> None:
        self.decay = decay
        networks = [network for name, network in model.networks().items() if name in model.averaged]
        self.weights = [
            v.value for network in networks for v in network.weights if v.dtype.startswith(("float", "bfloat"))
        ]
        self.averages = [tf.Variable(weight, trainable=False) for weight in self.weights]
        self._update = tf.function(self._move)

    def update(self, n: int) -> None:
        """Updates the averages after iteration n."""
        self._update(tf.constant(min(self.decay, (1 + n) / (10 + n)), tf.float32))

    def _move(self, decay: tf.Tensor) -> None:
        for average, weight in zip(self.averages, self.weights):
            average.assign_add(tf.cast(1.0 - decay, weight.dtype) * (weight - average))

    def checkpoint(self) -> tf.train.Checkpoint:
        """The averages as a tf.train.Checkpoint."""
        return tf.train.Checkpoint(averages=self.averages)

    def use(self) -> None:
        """Replaces the weights with the averages."""
        for weight, average in zip(self.weights, self.averages):
            weight.assign(average)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """A context in which the networks use the averages; afterwards the original weights are restored exactly."""
        own = [weight.numpy() for weight in self.weights]
        self.use()
        try:
            yield
        finally:
            for weight, value in zip(self.weights, own):
                weight.assign(value)
