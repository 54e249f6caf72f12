"""Srivastava et al. 2014, Dropout (JMLR 15), with the same result for any number of replicas."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
class Dropout(keras.layers.Dropout):
    """Keras's dropout with masks that do not depend on the number of replicas.

    In Keras's own layer all replicas draw the same numbers. Here each replica draws the mask of the global batch and
    uses its own rows of it.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Drops a share `rate` of the values and divides the others by 1 - rate, if `training`."""
        if not training or self.rate == 0:
            return inputs
        seed = self.seed_generator.next()
        context = tf.distribute.get_replica_context()
        replica, replicas = (context.replica_id_in_sync_group, context.num_replicas_in_sync) if context else (0, 1)
        rows = tf.shape(inputs)[0]
        whole = tf.random.stateless_uniform((replicas * rows, *inputs.shape[1:]), tf.cast(seed, tf.int32))
        uniform = whole[replica * rows : (replica + 1) * rows]
        return tf.where(uniform >= self.rate, inputs / tf.cast(1.0 - self.rate, inputs.dtype), tf.zeros_like(inputs))
