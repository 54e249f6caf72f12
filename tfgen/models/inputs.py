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
    if isinstance(x, list | tuple):
        raise UserError('a batch must be pictures, a pair (pictures, y), or a dict with the field "image".')
    fields = dict(x) if isinstance(x, dict) else {"image": x}
    return fields | ({model.condition: y} if y is not None and model.condition else {})


def pictures(images: Any, shape: tuple[int, ...]) -> tf.Tensor:
    """Converts pictures (n, H, W, C) to float32. Raises UserError for other types and shapes."""
    images = tf.convert_to_tensor(images)
    if images.shape.rank is None:  # of a generator or a Python function
        images = tf.ensure_shape(images, (None, *shape))
    if not images.dtype.is_floating:
        raise UserError(f"pictures must be floats in [0, 1], not {images.dtype.name}: divide them by 255.")
    if images.shape.rank != 4 or not images.shape[1:].is_compatible_with(shape):
        raise UserError(f"pictures must have the shape (n, {', '.join(map(str, shape))}), not {_shape(images)}.")
    return tf.cast(images, tf.float32)


def _labels(labels: tf.Tensor, model: Any) -> tf.Tensor:
    if labels.shape.rank is None:
        labels = tf.ensure_shape(labels, (None,))
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


def joined(x: Any, batch_size: int | None, n: int) -> tuple[Any, int | None]:
    """Joins n batches of a Keras user to one, for a model whose step takes n. Returns (x, batch_size)."""
    if isinstance(x, np.ndarray | tf.Tensor | dict):
        return x, (batch_size or 32) * n
    if not isinstance(x, tf.data.Dataset):
        return x, batch_size
    if isinstance(x.element_spec, dict) and "key" in x.element_spec:
        return x, batch_size  # tfgen's own batches, which are joined
    rows, count = tf.nest.flatten(x.element_spec)[0].shape[:1], int(x.cardinality())
    fixed = rows[0] if rows.rank else None
    size = fixed
    if size is None and count != tf.data.UNKNOWN_CARDINALITY:
        size = next((len(tf.nest.flatten(batch)[0]) for batch in x.take(1)), None)
    if size is None:
        return x, batch_size
    whole = fixed is not None and (count < 0 or count >= n)  # as the user's batches, those joined have one size
    joined = x.rebatch(size * n, drop_remainder=whole)
    if count > 0:
        joined = joined.apply(tf.data.experimental.assert_cardinality(count // n if whole else -(-count // n)))
    elif count == tf.data.INFINITE_CARDINALITY:
        joined = joined.repeat()
    return joined, batch_size


def check_fit(model: Any, x: Any, y: Any, batch_size: int | None, arguments: dict[str, Any]) -> None:
    """Raises UserError for what `fit` would train wrongly, or stumble over after an epoch."""
    for name in ("sample_weight", "class_weight"):
        if arguments.get(name) is not None:
            raise UserError(f"generative models do not use {name}: leave it out.")
    check_callbacks(model, arguments.get("callbacks") or ())
    share = arguments.get("validation_split") or 0.0
    if share or arguments.get("validation_data") is not None:
        check_validation(model, *_pair(arguments.get("validation_data")))
    check_values(model, x, y)
    replicas = model.distribute_strategy.num_replicas_in_sync if model.distribute_strategy else 1
    if replicas > 1:
        size = batch_size or 32
        validated = arguments.get("validation_batch_size") or size
        check_shares(x, size, replicas, (0.0, 1.0 - share), arguments.get("steps_per_epoch"))
        if arguments.get("validation_data") is not None:
            check_shares(_pair(arguments["validation_data"])[0], validated, replicas)
        elif share:
            check_shares(x, validated, replicas, (1.0 - share, 1.0))


def check_validation(model: Any, x: Any, y: Any = None) -> None:
    """Raises UserError for a model that has no validation loss, and for data that do not fit."""
    if not model.autoencodes:
        raise UserError(
            f"{type(model).__name__} has no validation loss: leave the validation data out, and judge its samples."
        )
    if x is not None:
        check_values(model, x, y)


def _pair(data: Any) -> tuple[Any, Any]:
    if isinstance(data, tuple):
        return data[0], data[1] if len(data) > 1 else None
    return data, None


def check_callbacks(model: Any, callbacks: Any) -> None:
    """Raises UserError for Keras's callbacks that look for one optimizer, or for a log called "loss"."""
    needs = {
        keras.callbacks.ReduceLROnPlateau: "changes the learning rate of one optimizer",
        keras.callbacks.LearningRateScheduler: "changes the learning rate of one optimizer",
        keras.callbacks.SwapEMAWeights: "swaps the weights of one optimizer",
        keras.callbacks.TerminateOnNaN: 'watches a log called "loss"',
    }
    for callback in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
        for kind, what in needs.items():
            if isinstance(callback, kind):
                raise UserError(
                    f"{kind.__name__} {what}, and {type(model).__name__} has an optimizer for each of "
                    f"{', '.join(model.players)} and logs {', '.join(model.logs)}: write a callback that uses "
                    "model.optimizers or these logs."
                )


def check_values(model: Any, x: Any, y: Any) -> None:
    """Raises UserError for values out of range: of whole arrays, or of the first batch of a data set."""
    if isinstance(x, tf.data.Dataset):
        if isinstance(x.element_spec, dict) and "key" in x.element_spec:
            return  # tfgen's own batches
        if x.cardinality() == tf.data.UNKNOWN_CARDINALITY:
            return  # a generator's, perhaps: a batch looked at would be a batch lost
        first = next(iter(x.take(1)), None)
        if first is None:
            raise UserError("the data set is empty.")
        values = as_batch(model, first)
    elif isinstance(x, keras.utils.PyDataset):
        values = as_batch(model, x[0])
    elif isinstance(x, np.ndarray | tf.Tensor | dict):
        values = _named(model, x if y is None else (x, np.asarray(y)))
        if any(len(field) == 0 for field in values.values()):
            raise UserError("the data set holds no pictures.")
        as_batch(model, {name: field[:1] for name, field in values.items()})  # types and shapes, without a copy
    elif x is None or isinstance(x, list | tuple):
        raise UserError(
            "fit takes an array of pictures, a pair (pictures, y), a dict of arrays, or a tf.data.Dataset of these."
        )
    else:
        return
    _check_range("pictures", values["image"])
    if model.condition == "label":
        labels = np.asarray(values["label"])
        low, high = labels.min(), labels.max()
        if low < 0 or high >= model.classes or np.any(labels != np.rint(labels)):
            raise UserError(
                f"labels must be class numbers from 0 to {model.classes - 1}, because this model has {model.classes} "
                f"classes, not {'fractions ' if np.any(labels != np.rint(labels)) else ''}from {low:g} to {high:g}."
            )
    elif model.condition:
        _check_range(model.condition, values[model.condition])


def _check_range(what: str, values: Any) -> None:
    low, high = float(np.min(values)), float(np.max(values))
    if not (low >= 0.0 and high <= 1.0):
        raise UserError(f"{what} must be in [0, 1], but the values go from {low:g} to {high:g}: rescale them.")


def check_shares(
    x: Any, batch_size: int, replicas: int, part: tuple[float, float] = (0.0, 1.0), steps: int | None = None
) -> None:
    """Raises UserError if a batch cannot be split evenly across the replicas: its means would be wrong, or NaN.

    Args:
        x: pictures, as `fit` takes them.
        batch_size: pictures in a batch of an array.
        replicas: number of replicas.
        part: where the part of an array that is used begins and ends, as shares of it.
        steps: number of batches that are used; None for all.
    """
    advice = "pass a tf.data.Dataset with batch(size, drop_remainder=True), of a size that the devices divide"
    if isinstance(x, tf.data.Dataset):
        size = tf.nest.flatten(x.element_spec)[0].shape[:1]
        if size.rank is None or size[0] is None or size[0] % replicas:
            raise UserError(f"all batches must split evenly across {replicas} devices: {advice}.")
    elif isinstance(x, np.ndarray | tf.Tensor | dict):
        first, last = (int(len(tf.nest.flatten(x)[0]) * share) for share in part)  # rounded down, as Keras does
        n = last - first
        n = min(n, batch_size * steps) if steps else n
        if batch_size % replicas or n % batch_size % replicas:
            raise UserError(
                f"{n} examples in batches of {batch_size} cannot be split evenly across {replicas} devices: choose "
                f"another batch_size, or {advice}."
            )
    elif isinstance(x, keras.utils.PyDataset):
        raise UserError(f"the batches of a PyDataset may not all split evenly across {replicas} devices: {advice}.")


def latents(z: Any, shape: tuple[int | None, ...]) -> tf.Tensor:
    """Latents or codes as a float32 tensor. Raises UserError for another shape than that of a network's input.

    Args:
        z: array, list or tensor.
        shape: shape of the network's input, with None for the number of examples.
    """
    z = tf.convert_to_tensor(z)
    if z.shape.rank is None:
        z = tf.ensure_shape(z, shape)
    if z.dtype.is_complex or not (z.dtype.is_floating or z.dtype.is_integer):
        raise UserError(f"latents must be numbers, not {z.dtype.name}.")
    if z.shape.rank != len(shape) or not z.shape[1:].is_compatible_with(shape[1:]):
        raise UserError(f"latents must have the shape (n, {', '.join(map(str, shape[1:]))}), not {_shape(z)}.")
    return tf.cast(z, tf.float32)


def given_pictures(images: Any, shape: tuple[int, ...]) -> tf.Tensor:
    """Pictures to encode or to judge as float32, as `pictures` does. Raises UserError for values outside [0, 1] too."""
    images = pictures(images, shape)
    if not tf.is_symbolic_tensor(images) and len(images):
        _check_range("pictures", images)
    return images


def told(model: Any, condition: Any, z: tf.Tensor, what: str) -> tf.Tensor:
    """The condition of latents as a float32 tensor. Raises UserError if it is None or has another length than z."""
    if condition is None:
        raise UserError(f"{type(model).__name__} is conditional: pass {what} in addition to z.")
    condition = tf.cast(tf.convert_to_tensor(condition), tf.float32)
    if condition.shape.rank == 0 or not condition.shape[:1].is_compatible_with(z.shape[:1]):
        count = "one value" if condition.shape.rank == 0 else f"{condition.shape[0]} of them"
        raise UserError(f"{type(model).__name__} needs {what} for each of the {z.shape[0]} latents, not {count}.")
    return condition


def shaped_codes(condition: tf.Tensor, shape: tuple[int | None, ...], what: str) -> tf.Tensor:
    """A condition that has the shape of a network's input. Raises UserError for another shape."""
    if condition.shape.rank is not None and not condition.shape.is_compatible_with(shape):
        raise UserError(f"{what} must have the shape (n, {', '.join(map(str, shape[1:]))}), not {_shape(condition)}.")
    return condition


WRONG_LABELS = "labels must be class numbers"


def one_hot(labels: tf.Tensor, classes: int) -> tf.Tensor:
    """Labels (n,) as codes (n, classes).

    Raises:
        UserError: for a label that is not from 0 to classes - 1, for which tf.one_hot returns zeros.
        tf.errors.InvalidArgumentError: the same in a graph, where it is only known when the graph runs.
    """
    sentence = f"{WRONG_LABELS} from 0 to {classes - 1}, because this model has {classes} classes."
    given, labels = labels, tf.cast(labels, tf.int32)
    whole = (labels >= 0) & (labels < classes) & (tf.cast(labels, given.dtype) == given)
    if tf.executing_eagerly() and not tf.reduce_all(whole):
        raise UserError(sentence)
    checks = [
        tf.debugging.assert_non_negative(labels, sentence),
        tf.debugging.assert_less(labels, classes, sentence),
    ]
    with tf.control_dependencies(checks):
        return tf.one_hot(labels, classes)
