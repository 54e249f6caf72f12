"""Ioffe and Szegedy 2015, Batch Normalization (arXiv:1502.03167), in TensorFlow's fused operation."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that trains in one operation, in about a third of the time on a CPU.

    Keras computes the mean, the squared differences, their mean and the normalization one after the other, and reads
    and writes all of the inputs each time. The arguments, weights, outputs and moving statistics are those of Keras's
    layer: each loads the other's weights. What the operation cannot do is computed as Keras does: statistics that are
    synchronized across replicas, masks, renormalization, another axis than the last, float64.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> tf.Tensor:
        if not (training and self.trainable and mask is None and self._fuses(inputs)):
            return super().call(inputs, training=training, mask=mask)
        shape, channels = tf.shape(inputs), inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(inputs, (-1, 1, 1, channels)) if inputs.shape.rank != 4 else inputs,
            scale=self.gamma if self.scale else tf.ones(channels),
            offset=self.beta if self.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        n = tf.cast(tf.reduce_prod(shape[:-1]), tf.float32)
        variance *= (n - 1.0) / n  # the operation divides by n - 1, and Keras by n
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
        return tf.reshape(outputs, shape) if inputs.shape.rank != 4 else outputs

    def _fuses(self, inputs: tf.Tensor) -> bool:
        return (
            not self.synchronized
            and not self.renorm
            and self.axis in (-1, inputs.shape.rank - 1)
            and inputs.dtype == self.compute_dtype
            and inputs.dtype in (tf.float32, tf.bfloat16, tf.float16)
        )
