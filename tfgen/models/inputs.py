"""Converts and checks the data that are passed to `fit`; errors are one sentence."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import UserError


def as_batch(model: Any, data: Any) -> dict[str, tf.Tensor]:
    """The dict of a batch; see `GenerativeModel.batch`. Checks types and shapes, also during tracing."""
    batch = dict(data) if isinstance(data, dict) else _named(model, data)
    if "image" not in batch:
        raise UserError(
            f'a batch that is a dict must have the field "image", but this one has {", ".join(sorted(batch))}.'
        )
    batch["image"] = pictures(batch["image"], model.image_shape)
    condition = model.condition
    if condition is None:
        return batch
    if condition not in batch:
        raise UserError(
            f"{type(model).__name__} needs pictures with {condition}: "
            f'use fit(pictures, {condition}) or batches with the field "{condition}".'
        )
    batch[condition] = CONDITIONS[condition](tf.convert_to_tensor(batch[condition]), model)
    if condition == "depth" and "mask" not in batch:
        batch["mask"] = tf.cast(batch["depth"] > 0.0, tf.float32)
    return batch


def _named(model: Any, data: Any) -> dict[str, Any]:
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is not None:
        raise UserError("generative models do not use sample_weight: leave it out.")
    fields = dict(x) if isinstance(x, dict) else {"image": x}
    return fields | ({model.condition: y} if y is not None and model.condition else {})


def pictures(images: Any, shape: tuple[int, ...]) -> tf.Tensor:
    """Converts pictures (n, H, W, C) to float32. Raises UserError for other types and shapes."""
    images = tf.convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise UserError(f"pictures must be floats in [0, 1], not {images.dtype.name}: divide them by 255.")
    if images.shape.rank != 4 or not images.shape[1:].is_compatible_with(shape):
        raise UserError(f"pictures must have the shape (n, {', '.join(map(str, shape))}), not {_shape(images)}.")
    return tf.cast(images, tf.float32)


def _labels(labels: tf.Tensor, model: Any) -> tf.Tensor:
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape.rank != 1:
        raise UserError(
            f"labels must be class numbers of shape (n,), not {_shape(labels)}: apply argmax to one-hot labels."
        )
    return tf.cast(labels, tf.int32)


def _attributes(attributes: tf.Tensor, model: Any) -> tf.Tensor:
    if attributes.shape.rank == 1:
        attributes = attributes[:, None]
    if attributes.shape.rank != 2 or attributes.shape[1] != model.code_dim:
        raise UserError(f"attributes must have the shape (n, {model.code_dim}), not {_shape(attributes)}.")
    return tf.cast(attributes, tf.float32)


def _depth(depth: tf.Tensor, model: Any) -> tf.Tensor:
    shape = (*model.image_shape[:2], 1)
    if depth.shape.rank != 4 or not depth.shape[1:].is_compatible_with(shape):
        raise UserError(f"depth must have the shape (n, {', '.join(map(str, shape))}), not {_shape(depth)}.")
    if not depth.dtype.is_floating:
        raise UserError(f"depth must be floats in [0, 1], 1 for 10 m and 0 for unknown, not {depth.dtype.name}.")
    return tf.cast(depth, tf.float32)


CONDITIONS = {"label": _labels, "attributes": _attributes, "depth": _depth}


def _shape(x: Any) -> str:
    return "(" + ", ".join(["n", *map(str, x.shape[1:])]) + ("," if len(x.shape) == 1 else "") + ")"


def check_values(model: Any, x: Any, y: Any) -> None:
    """Raises UserError for values out of range, in whole arrays or in the first batch of a tf.data.Dataset."""
    if isinstance(x, tf.data.Dataset):
        if isinstance(x.element_spec, dict) and "key" in x.element_spec:
            return  # tfgen's own batches
        first = next(iter(x.take(1)), None)
        if first is None:
            raise UserError("the data set is empty.")
        values = as_batch(model, first)
    elif isinstance(x, np.ndarray | tf.Tensor | dict):
        values = _named(model, x if y is None else (x, y))
        as_batch(model, {name: field[:1] for name, field in values.items()})  # types and shapes, without a copy
    else:
        return  # the batches of generators and the like are checked one by one
    _check_range("pictures", values["image"])
    if model.condition == "label":
        low, high = int(np.min(values["label"])), int(np.max(values["label"]))
        if low < 0 or high >= model.classes:
            raise UserError(
                f"labels must be class numbers from 0 to {model.classes - 1}, because this model has {model.classes} "
                f"classes, but they go from {low} to {high}."
            )
    elif model.condition:
        _check_range(model.condition, values[model.condition])


def _check_range(what: str, values: Any) -> None:
    low, high = float(np.min(values)), float(np.max(values))
    if not (low >= 0.0 and high <= 1.0):
        raise UserError(f"{what} must be in [0, 1], but the values go from {low:g} to {high:g}: rescale them.")


def check_shares(x: Any, batch_size: int, replicas: int) -> None:
    """Raises UserError if a batch of an array cannot be split evenly across the replicas."""
    if replicas == 1 or not isinstance(x, np.ndarray | tf.Tensor | dict):
        return
    n = len(tf.nest.flatten(x)[0])
    if batch_size % replicas or n % batch_size % replicas:
        raise UserError(
            f"{n} examples in batches of {batch_size} cannot be split evenly across {replicas} devices: choose another "
            "batch_size, or pass a tf.data.Dataset with batch(..., drop_remainder=True)."
        )


def told(model: Any, condition: Any, what: str) -> tf.Tensor:
    """The condition as a float32 tensor. Raises UserError if it is None."""
    if condition is None:
        raise UserError(f"{type(model).__name__} is conditional: pass {what} in addition to z.")
    return tf.cast(tf.convert_to_tensor(condition), tf.float32)
