"""Srivastava et al. 2014, Dropout (JMLR 15), the same on one replica and on many."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
class Dropout(keras.layers.Dropout):
    """Keras's dropout, but for replicas, which all draw the same numbers: here each draws the whole batch's mask and
    takes its own rows.
    """

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        seed = self.seed_generator.next()
        context = tf.distribute.get_replica_context()
        replica, replicas = (context.replica_id_in_sync_group, context.num_replicas_in_sync) if context else (0, 1)
        rows = tf.shape(inputs)[0]
        whole = tf.random.stateless_uniform((replicas * rows, *inputs.shape[1:]), tf.cast(seed, tf.int32))
        uniform = whole[replica * rows : (replica + 1) * rows]
        return tf.where(uniform >= self.rate, inputs / tf.cast(1.0 - self.rate, inputs.dtype), tf.zeros_like(inputs))
