"""Methods that all autoencoders have."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen.models.base import Logs, in_batches
from tfgen.models.inputs import as_batch, given_pictures, latents


class Autoencoder:
    """Mixin of a GenerativeModel with an `encoder`, image -> code or {"mean": code, ...}, and a `decoder`."""

    autoencodes = True
    averaged: tuple[str, ...] = ("encoder", "decoder")
    encoder: keras.Model
    decoder: keras.Model

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of the pictures that the model is trained on."""
        return self.decoder.output_shape[1:]

    @property
    def input_signature(self) -> Any:
        """tf.TensorSpec of the pictures that `call` takes."""
        return tf.TensorSpec((None, *self.image_shape), tf.float32, "image")

    def encode(self, images: Any) -> dict[str, np.ndarray]:
        """Encodes any number of pictures (n, H, W, C) in [0, 1].

        Returns:
            {"mean": codes}, and "log_var" if the model has a posterior, as NumPy arrays.
        """
        codes = in_batches(self.encoder, given_pictures(images, self.image_shape))
        return codes if isinstance(codes, dict) else {"mean": codes}

    def reconstruct(self, images: Any) -> np.ndarray:
        """Decodes the mean codes of pictures (n, H, W, C) in [0, 1]. Returns a NumPy array of the same shape."""
        return in_batches(self.decoder, self.encode(images)["mean"])

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Reconstructs one batch of pictures, as a tensor."""
        codes = self.encoder(inputs, training=False)
        return self.decoder(codes["mean"] if isinstance(codes, dict) else codes, training=False)

    def generate(self, z: Any, condition: Any = None) -> tf.Tensor:
        """Decodes latents (n, Z), or codes, to pictures (n, H, W, C), with batch normalization in inference mode."""
        return self.decoder(latents(z, self.decoder.input_shape), training=False)

    def test_step(self: Any, data: Any) -> Logs:
        """`validation_logs` of a batch; `fit(validation_data=...)` logs their means as val_reconstruction and so on."""
        images = as_batch(self, data)["image"]
        return self.track(self.validation_logs(images), images)

    def validation_logs(self, images: tf.Tensor) -> Logs:
        """The terms of the loss that do not need a discriminator, in inference mode: name -> scalar."""
        raise NotImplementedError
