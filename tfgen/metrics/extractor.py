"""Loads a network, on whose features pictures are compared, from a file."""

import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import UserError


def load(path: str | os.PathLike) -> Callable[..., np.ndarray]:
    """A function of pictures (n, H, W, C) in [0, 1] -> features (n, F), by a network in a file.

    Pictures are resized to the network's input with bilinear interpolation and antialiasing, and gray ones repeated for
    three channels. Outputs with more than two axes are averaged over all but the first and the last. The network takes
    values in [0, 1]; one that was trained on other values needs a rescaling layer.

    Args:
        path: a .keras file; a SavedModel folder with a signature "serve" or "serving_default"; or an .onnx file, for
            which onnxruntime must be installed. The network has one input, pictures with channels last.

    Raises:
        UserError: if there is no such network in the file.
    """
    path = pathlib.Path(os.path.expanduser(path))
    if not path.exists():
        raise UserError(f"--features {path} does not exist.")
    try:
        apply, shape = (_keras if path.suffix == ".keras" else _onnx if path.suffix == ".onnx" else _saved_model)(path)
    except UserError:
        raise
    except Exception as error:  # whatever a damaged or foreign file causes
        said = " ".join(str(error).split())[:200]
        raise UserError(f"--features {path} cannot be read as a network ({said or type(error).__name__}).") from None
    if len(shape) != 4 or shape[3] not in (1, 3, None):
        raise UserError(f"--features {path} takes inputs of shape {shape}, not pictures (n, height, width, 1 or 3).")

    def features(images: Any, training: bool = False) -> np.ndarray:
        images = tf.convert_to_tensor(images, tf.float32)
        if shape[1] and shape[2] and images.shape[1:3] != shape[1:3]:
            images = tf.image.resize(images, shape[1:3], antialias=True)
        if shape[3] == 3 and images.shape[3] == 1:
            images = tf.repeat(images, 3, axis=3)
        elif shape[3] == 1 and images.shape[3] == 3:
            images = tf.image.rgb_to_grayscale(images)
        found = np.asarray(apply(images), np.float32)
        return found if found.ndim == 2 else found.mean(axis=tuple(range(1, found.ndim - 1)))

    return features


def digest(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, or of the files of a folder in the order of their names, in hexadecimal."""
    path = pathlib.Path(os.path.expanduser(path))
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    found = hashlib.sha256()
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def _keras(path: pathlib.Path) -> tuple[Callable, tuple]:
    model = keras.models.load_model(path, compile=False)
    return lambda images: model(images, training=False), tuple(model.input_shape)


def _saved_model(path: pathlib.Path) -> tuple[Callable, tuple]:
    signatures = tf.saved_model.load(str(path)).signatures
    signature = signatures["serve"] if "serve" in signatures else signatures["serving_default"]
    ((name, spec),) = signature.structured_input_signature[1].items()

    def apply(images: tf.Tensor) -> tf.Tensor:
        (found,) = signature(**{name: images}).values()
        return found

    return apply, tuple(spec.shape)


def _onnx(path: pathlib.Path) -> tuple[Callable, tuple]:
    try:
        import onnxruntime
    except ImportError:
        raise UserError(f"--features {path} needs onnxruntime: install it with `pip install onnxruntime`.") from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    shape = tuple(size if isinstance(size, int) else None for size in given.shape)
    return lambda images: session.run(None, {given.name: images.numpy()})[0], shape
