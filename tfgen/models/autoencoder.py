"""What all autoencoders can do, however they are trained."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen.models.base import Logs, in_batches
from tfgen.models.inputs import as_batch, pictures


class Autoencoder:
    """Mixed into a GenerativeModel with an `encoder`, image -> code or {"mean": code, ...}, and a `decoder`."""

    autoencodes = True
    averaged: tuple[str, ...] = ("encoder", "decoder")
    encoder: keras.Model
    decoder: keras.Model

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the pictures it is trained on."""
        return self.decoder.output_shape[1:]

    @property
    def input_signature(self) -> Any:
        """tf.TensorSpec of the pictures that `call` takes."""
        return tf.TensorSpec((None, *self.image_shape), tf.float32, "image")

    def encode(self, images: Any) -> dict[str, np.ndarray]:
        """Codes of any number of pictures (n, H, W, C) in [0, 1], as NumPy arrays.

        Returns:
            {"mean": codes}, and where the model has a posterior its "log_var" too.
        """
        codes = in_batches(self.encoder, pictures(images, self.image_shape))
        return codes if isinstance(codes, dict) else {"mean": codes}

    def reconstruct(self, images: Any) -> np.ndarray:
        """What the mean codes of pictures (n, H, W, C) in [0, 1] decode to: the same shape, as a NumPy array."""
        return in_batches(self.decoder, self.encode(images)["mean"])

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """`reconstruct`, as tensors and in one batch."""
        codes = self.encoder(inputs, training=False)
        return self.decoder(codes["mean"] if isinstance(codes, dict) else codes, training=False)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Pictures (n, H, W, C) of latents (n, Z), or of codes, batch normalization in inference mode."""
        return self.decoder(z, training=False)

    def test_step(self: Any, data: Any) -> Logs:
        """`validation_logs` of a batch; `fit(validation_data=...)` logs their means as val_reconstruction and so on."""
        images = as_batch(self, data)["image"]
        return self.track(self.validation_logs(images), images)

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """The terms of the loss that need no discriminator, in inference mode: name -> scalar."""
        raise NotImplementedError
