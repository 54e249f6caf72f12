"""Exports a run's networks as SavedModels and checks them by reloading."""

import dataclasses
import os
import pathlib
import shutil
import tempfile
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgen import UserError
from tfgen.runs import Run

TOLERANCE = 1e-5


def export(run: Run, folder: str | os.PathLike | None = None) -> dict[str, tuple[pathlib.Path, float]]:
    """Writes each network as a SavedModel with an endpoint `serve` for any batch size, and compares the outputs.

    The endpoint's inputs have the names of the network's inputs, such as `z` and `codes`. Networks that were trained in
    half precision are exported in single precision.

    Args:
        run: a trained Run.
        folder: folder to write to; the default is the run's exports/. Existing exports are replaced when all networks
            are written and compared.

    Returns:
        {network: (path, largest absolute difference over batches of 1 and 17)}.

    Raises:
        UserError: if a reloaded network differs by more than 1e-5, or the folder cannot be written.
    """
    folder = pathlib.Path(os.path.expanduser(folder) if folder else run.folder / "exports")
    paths = {name: folder / name for name in run.model.networks()}
    for path in paths.values():
        if path.exists() and not (path / "saved_model.pb").exists():
            raise UserError(f"{path} exists and is not a SavedModel: choose another --out, or move it away.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            written = {name: pathlib.Path(temporary, name) for name in paths}
            networks = in_single_precision(run)
            differences = {name: _export(network, written[name]) for name, network in networks.items()}
            for name, path in paths.items():
                shutil.rmtree(path, ignore_errors=True)
                shutil.move(written[name], path)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): choose another --out.") from None
    return {name: (path, differences[name]) for name, path in paths.items()}


def in_single_precision(run: Run) -> dict[str, keras.Model]:
    """The run's networks, whose layers compute in float32 whatever they were trained in."""
    networks = run.model.networks()
    if run.settings.training.precision == "float32":
        return networks
    training = dataclasses.replace(run.settings.training, precision="float32")
    copies = Run(run.folder, dataclasses.replace(run.settings, training=training)).build().networks()
    for name, network in copies.items():
        network.set_weights(networks[name].get_weights())
    return copies


def _export(network: keras.Model, path: pathlib.Path) -> float:
    archive = keras.export.ExportArchive()
    archive.track(network)
    signature = tf.nest.map_structure(lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype, x.name), network.input)
    archive.add_endpoint("serve", lambda inputs: network(inputs, training=False), input_signature=[signature])
    archive.write_out(str(path), verbose=False)
    reloaded = tf.saved_model.load(str(path))
    difference = max(_difference(network, reloaded, batch) for batch in (1, 17))
    if difference > TOLERANCE:
        raise UserError(
            f"the reloaded {path.name} differs from the Keras network by {difference:.2g}, more than {TOLERANCE:g}: "
            "nothing was exported."
        )
    return difference


def _difference(network: keras.Model, reloaded: Any, batch: int) -> float:
    random = np.random.default_rng(0)
    inputs = tf.nest.map_structure(
        lambda x: tf.constant(random.random((batch, *x.shape[1:])), tf.float32), network.input
    )
    ours, theirs = tf.nest.flatten(network(inputs, training=False)), tf.nest.flatten(reloaded.serve(inputs))
    return max(float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(ours, theirs, strict=True))
