"""A SavedModel of a whole model, with an endpoint for each thing that one does with it.

| endpoint | of | inputs -> output |
|---|---|---|
| generate | models with a prior | z (n, ...), and codes (n, K) if conditional -> pictures |
| sample | models with a prior | n, seed: integers -> pictures, as `model.sample(n, seed)` |
| encode | autoencoders | image -> {"mean", and "log_var" if there is a posterior} |
| reconstruct | autoencoders | image -> pictures |
| interpolate | autoencoders | a, b (1, H, W, C), steps: an integer -> pictures (steps, H, W, C) |
| discriminate | models with a discriminator of pictures | image -> its outputs |
| depth | DepthWGAN | image, seed: an integer -> depth (n, H, W, 1); 1 is 10 m |

Pictures are float32 in [0, 1], (n, H, W, C). The endpoint NAME_uint8 takes and returns pictures from 0 to 255 instead;
`encode` and `discriminate` only take them, and `depth` returns millimeters as uint16.
"""

import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen.models.base import GenerativeModel

INTEGER = tf.int32


def of(model: GenerativeModel) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """name -> (function, tf.TensorSpecs of its arguments) of a model's endpoints, without those for uint8."""
    found: dict[str, tuple[Callable, list[tf.TensorSpec]]] = {}
    image = tf.TensorSpec((None, *model.image_shape), tf.float32, "image")
    seed = tf.TensorSpec((), INTEGER, "seed")
    if model.has_prior:
        z = model.input_signature if not model.autoencodes else _latent(model)
        specs = [*z] if isinstance(z, tuple) else [z]
        found["generate"] = (lambda *given: model.generate(*given), specs)
        found["sample"] = (lambda n, seed: _drawn(model, n, seed), [tf.TensorSpec((), INTEGER, "n"), seed])
    if model.autoencodes:
        found["encode"] = (lambda image: _codes(model, image), [image])
        found["reconstruct"] = (lambda image: model.call(image), [image])
        one = [tf.TensorSpec((1, *model.image_shape), tf.float32, name) for name in "ab"]
        found["interpolate"] = (
            lambda a, b, steps: _between(model, a, b, steps),
            [*one, tf.TensorSpec((), INTEGER, "steps")],
        )
    if model.condition == "depth":
        found["depth"] = (lambda image, seed: _depth(model, image, seed), [image, seed])
    judge = model.networks().get("discriminator")
    if judge is not None and not isinstance(judge.input, dict) and judge.input_shape[1:] == tuple(model.image_shape):
        found["discriminate"] = (lambda image: judge(image, training=False), [image])
    return found


def write(model: GenerativeModel, path: pathlib.Path) -> None:
    """Writes the SavedModel; its default signature is that of the first endpoint."""
    archive = keras.export.ExportArchive()
    for network in model.networks().values():
        archive.track(network)
    for name, (function, specs) in of(model).items():
        archive.add_endpoint(name, function, input_signature=specs)
        archive.add_endpoint(f"{name}_uint8", _of_bytes(name, function), input_signature=[*map(_as_bytes, specs)])
    archive.write_out(str(path), verbose=False)


def difference(model: GenerativeModel, path: pathlib.Path) -> float:
    """The largest absolute difference between the outputs of the endpoints and of the model, for several inputs.

    Those for uint8 may be one step of 255 off, or a millimeter, which counts as 0.
    """
    loaded, random, found = tf.saved_model.load(str(path)), np.random.default_rng(0), [0.0]
    for name, (function, specs) in of(model).items():
        for n in (1, 17):
            inputs = [
                tf.constant(random.random([n if side is None else side for side in spec.shape]), tf.float32)
                if spec.dtype == tf.float32
                else tf.constant(n + 1, INTEGER)
                for spec in specs
            ]
            ours, theirs = tf.nest.flatten(function(*inputs)), tf.nest.flatten(getattr(loaded, name)(*inputs))
            found += [float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(ours, theirs, strict=True)]
            given = [_to_bytes(x) if _is_picture(spec) else x for x, spec in zip(inputs, specs, strict=True)]
            as_floats = [_to_floats(x) for x in given]
            ours = tf.nest.flatten(function(*as_floats))
            theirs = tf.nest.flatten(getattr(loaded, f"{name}_uint8")(*given))
            for a, b in zip(ours, theirs, strict=True):
                if b.dtype == tf.float32:
                    found.append(float(tf.reduce_max(tf.abs(a - b))))
                else:
                    scale = 255.0 if b.dtype == tf.uint8 else 10_000.0
                    off = float(tf.reduce_max(tf.abs(tf.cast(b, tf.float32) - scale * a)))
                    found.append(off / scale if off > 0.51 else 0.0)
    return max(found)


def _latent(model: GenerativeModel) -> tf.TensorSpec:
    decoder: keras.Model = model.decoder
    return tf.TensorSpec((None, *decoder.input_shape[1:]), tf.float32, "z")


def _drawn(model: GenerativeModel, n: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return model.sample(n, tf.cast(seed, tf.int64))


def _codes(model: GenerativeModel, image: tf.Tensor) -> dict[str, tf.Tensor]:
    codes = model.encoder(image, training=False)
    return codes if isinstance(codes, dict) else {"mean": codes}


def _between(model: GenerativeModel, a: tf.Tensor, b: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """The pictures of evenly spaced mixtures of two mean codes, including both."""
    start, end = (_codes(model, image)["mean"] for image in (a, b))
    share = tf.reshape(tf.linspace(0.0, 1.0, steps), [-1, *[1] * (start.shape.rank - 1)])
    return model.decoder((1.0 - share) * start + share * end, training=False)


def _depth(model: GenerativeModel, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    z = model.sample_latents((tf.cast(seed, tf.int64), 0), 0, tf.shape(image)[0])
    return model.generate(z, image)


def _is_picture(spec: tf.TensorSpec) -> bool:
    return spec.name in ("image", "a", "b")


def _as_bytes(spec: tf.TensorSpec) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, tf.uint8, spec.name) if _is_picture(spec) else spec


def _of_bytes(name: str, function: Callable) -> Callable:
    """The function of an endpoint, for pictures from 0 to 255."""

    def applied(*inputs: tf.Tensor) -> Any:
        found = function(*map(_to_floats, inputs))
        if name in ("encode", "discriminate"):
            return found
        return (
            tf.cast(tf.round(10_000.0 * tf.clip_by_value(found, 0.0, 1.0)), tf.uint16)
            if name == "depth"
            else _to_bytes(found)
        )

    return applied


def _to_floats(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, tf.float32) / 255.0 if x.dtype == tf.uint8 else x


def _to_bytes(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(255.0 * tf.clip_by_value(images, 0.0, 1.0)), tf.uint8)
