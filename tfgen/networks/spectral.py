"""Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks (arXiv:1802.05957)."""

import keras
import tensorflow as tf
from keras import layers, ops


@keras.saving.register_keras_serializable("tfgen")
class SpectralConv2D(layers.Conv2D):
    """A convolution with kernel / sigma, where sigma is the largest singular value of the kernel as a matrix
    (k * k * C_in, C_out).

    Only the optimizer changes the stored kernel; Keras's own SpectralNormalization overwrites it with kernel / sigma in
    every training call. Each training call takes one step of the power iteration (algorithm 1) from the last vector.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the kernel, the bias and the vector of the power iteration (C_out,)."""
        super().build(input_shape)
        # Every replica takes the same step from the same kernel, so the first replica's vector is valid for all.
        self.u = self.add_weight(
            (self.filters,), "random_normal", trainable=False, aggregation="only_first_replica", name="u"
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Inputs (B, H, W, C_in) -> (B, H', W', C_out)."""
        matrix = ops.reshape(self.kernel, (-1, self.filters))
        u = ops.convert_to_tensor(self.u)
        v = _unit(ops.matmul(matrix, u))
        if training:
            u = _unit(ops.matmul(v, matrix))
            self.u.assign(u)
        # Eq. 11 and 12: the gradient passes through sigma = v' W u, not through u and v.
        sigma = ops.vdot(ops.stop_gradient(v), ops.matmul(matrix, ops.stop_gradient(_unit(u))))
        return self.convolution_op(inputs, self.kernel / sigma) + self.bias


def _unit(x: tf.Tensor) -> tf.Tensor:
    return x / (ops.norm(x) + 1e-12)
