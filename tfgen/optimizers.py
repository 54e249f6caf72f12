"""Adam and RMSprop as the libraries of the studies computed them, where Keras computes something else."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgen")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` that updates a variable in one operation instead of ten.

    The arguments, slots and steps are those of Keras's Adam; each loads the other's slots.
    """

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Keras's hook that updates one variable and its slots."""
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


def _handle(variable: Any) -> tf.Tensor:
    """The resource of a Keras or TensorFlow variable; of a mirrored one, that of the replica which is updated."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def adam(learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999) -> Adam:
    """Adam with an epsilon of 1e-8, the default of TensorFlow 1 and PyTorch; that of Keras is 1e-7.

    TensorFlow 1 and Keras add epsilon to the root of the second moment before its bias is corrected, and PyTorch
    afterwards. This matters only for gradients of about 1e-8 in the first thousand steps.
    """
    return Adam(learning_rate, beta_1, beta_2, epsilon=1e-8)


@keras.saving.register_keras_serializable("tfgen")
class RMSpropFromOne(keras.optimizers.RMSprop):
    """The RMSProp of TensorFlow 1: the mean of the squared gradients starts at 1, not at 0 as in Keras.

    Until this 1 is forgotten, steps are in proportion to the gradient, not of the size of the learning rate. With a
    decay of .9, it takes 220 steps until a gradient of 1e-5 outweighs it.
    """

    def add_optimizer_variables(self, trainable_variables: Any, name: Any, initializer: Any = "zeros") -> Any:
        """Keras's hook that creates the slots; "velocity" is the mean of the squared gradients."""
        return super().add_optimizer_variables(trainable_variables, name, "ones" if name == "velocity" else initializer)
