"""Adam and RMSprop as the libraries of the studies computed them, where Keras computes something else."""

from typing import Any

import keras


def adam(learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999) -> keras.optimizers.Adam:
    """Adam with an epsilon of 1e-8, the default of TensorFlow 1 and PyTorch; that of Keras is 1e-7.

    TensorFlow 1 and Keras add epsilon to the root of the second moment before its bias is corrected, and PyTorch
    afterwards. This matters only for gradients of about 1e-8 in the first thousand steps.
    """
    return keras.optimizers.Adam(learning_rate, beta_1, beta_2, epsilon=1e-8)


@keras.saving.register_keras_serializable("tfgen")
class RMSpropFromOne(keras.optimizers.RMSprop):
    """The RMSProp of TensorFlow 1: the mean of the squared gradients starts at 1, not at 0 as in Keras.

    Until this 1 is forgotten, steps are in proportion to the gradient, not of the size of the learning rate. With a
    decay of .9, it takes 220 steps until a gradient of 1e-5 outweighs it.
    """

    def add_optimizer_variables(self, trainable_variables: Any, name: Any, initializer: Any = "zeros") -> Any:
        """Keras's hook that creates the slots; "velocity" is the mean of the squared gradients."""
        return super().add_optimizer_variables(trainable_variables, name, "ones" if name == "velocity" else initializer)
