"""The formats in which a network is exported: each writes it, and computes its outputs from the file."""

import dataclasses
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import UserError
from tfgen.models.base import GenerativeModel
from tfgen.networks.batch_norm import BatchNormalization
from tfgen.networks.dropout import Dropout
from tfgen.runs import Run

TOLERANCE = 1e-5
OPSET = 17  # of ONNX; what runtimes have understood since 2022


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of exports.

    Attributes:
        suffix: what follows the name of the network; "" for a folder.
        write: (network, path) -> None.
        load: path -> a function {name of an input: array} -> outputs, {name: array} or one array.
    """

    suffix: str
    write: Callable[[keras.Model, pathlib.Path], None]
    load: Callable[[pathlib.Path], Callable[[dict[str, np.ndarray]], Any]]


def in_single_precision(run: Run) -> GenerativeModel:
    """The run's model, with layers that compute in float32 whatever they were trained in."""
    model = run.model
    if run.settings.training.precision == "float32":
        return model
    training = dataclasses.replace(run.settings.training, precision="float32")
    copy = Run(run.folder, dataclasses.replace(run.settings, training=training)).build()
    for name, network in copy.networks().items():
        network.set_weights(model.networks()[name].get_weights())
    return copy


def signature(network: keras.Model) -> dict[str, tf.TensorSpec]:
    """name -> tf.TensorSpec of the inputs of a network, for batches of any size."""
    inputs = network.input if isinstance(network.input, dict) else {network.input.name: network.input}
    return {name: tf.TensorSpec((None, *x.shape[1:]), tf.float32, name) for name, x in inputs.items()}


def difference(network: keras.Model, path: pathlib.Path, form: str) -> float:
    """The largest absolute difference between the outputs of a network and of its file, for batches of 1 and 17."""
    apply, random, found = FORMATS[form].load(path), np.random.default_rng(0), []
    for batch in (1, 17):
        inputs = {
            name: random.random((batch, *spec.shape[1:])).astype(np.float32)
            for name, spec in signature(network).items()
        }
        theirs, ours = apply(inputs), network(_given(network, inputs), training=False)
        for name, value in (ours if isinstance(ours, dict) else {"": ours}).items():
            other = theirs[name] if isinstance(theirs, dict) and name else theirs
            found.append(float(np.max(np.abs(np.asarray(value) - np.asarray(other)))))
    return max(found)


def is_ours(path: pathlib.Path) -> bool:
    """Whether a path is an export: a SavedModel, or a file that begins as a .keras or .onnx file does."""
    if path.is_dir():
        return (path / "saved_model.pb").exists()
    starts = {".keras": b"PK", ".onnx": b"\x08"}
    return path.suffix in starts and path.read_bytes()[: len(starts[path.suffix])] == starts[path.suffix]


def _given(network: keras.Model, inputs: dict[str, Any]) -> Any:
    """Inputs by name as the network takes them: a dict, or the only one."""
    return inputs if isinstance(network.input, dict) else next(iter(inputs.values()))


def _write_saved_model(network: keras.Model, path: pathlib.Path) -> None:
    archive = keras.export.ExportArchive()
    archive.track(network)
    specs = signature(network)
    given = specs if isinstance(network.input, dict) else next(iter(specs.values()))
    archive.add_endpoint("serve", lambda inputs: network(inputs, training=False), input_signature=[given])
    archive.write_out(str(path), verbose=False)


def _load_saved_model(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], Any]:
    loaded = tf.saved_model.load(str(path))
    return lambda inputs: loaded.serve(
        {name: tf.constant(x) for name, x in inputs.items()} if len(inputs) > 1 else tf.constant(*inputs.values())
    )


def _write_onnx(network: keras.Model, path: pathlib.Path) -> None:
    try:
        import onnx
        import tf2onnx
    except ImportError:
        raise UserError(
            "the format onnx needs the packages tf2onnx, onnx and onnxruntime: install them with "
            "`pip install 'tfgen[onnx]'`."
        ) from None
    specs = signature(network)

    @tf.function(input_signature=[*specs.values()])
    def apply(*inputs: tf.Tensor) -> Any:
        return network(_given(network, dict(zip(specs, inputs, strict=True))), training=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tf2onnx about NumPy
        made, _ = tf2onnx.convert.from_function(apply, [*specs.values()], opset=OPSET)
    onnx.save(made, str(path))


def _load_onnx(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def apply(inputs: dict[str, np.ndarray]) -> Any:
        found = session.run(None, inputs)
        return dict(zip(names, found, strict=True)) if len(found) > 1 else found[0]

    return apply


def _write_keras(network: keras.Model, path: pathlib.Path) -> None:
    """A network of Keras's own layers alone, which opens without tfgen."""

    def plain(layer: keras.Layer) -> keras.Layer:
        for ours, keras_layer in (
            (BatchNormalization, keras.layers.BatchNormalization),
            (Dropout, keras.layers.Dropout),
        ):
            if type(layer) is ours:
                return keras_layer.from_config(layer.get_config())
        if not type(layer).__module__.startswith("keras."):
            raise UserError(
                f"{path.stem} has a layer that Keras does not have, {type(layer).__name__}, so the file would need "
                "tfgen: choose the format saved_model or onnx."
            )
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=plain)
    copy.set_weights(network.get_weights())
    copy.save(path)


def _load_keras(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], Any]:
    network = keras.models.load_model(path, compile=False)
    return lambda inputs: network(_given(network, inputs), training=False)


FORMATS = {
    "saved_model": Format("", _write_saved_model, _load_saved_model),
    "onnx": Format(".onnx", _write_onnx, _load_onnx),
    "keras": Format(".keras", _write_keras, _load_keras),
}
