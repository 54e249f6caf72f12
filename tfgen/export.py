"""Exports a run's networks as SavedModels and checks them by reloading."""

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

    Args:
        run: a trained Run.
        folder: folder to write to; the default is the run's exports/. Existing exports are replaced atomically.

    Returns:
        {network: (path, largest absolute difference over batches of 1 and 17)}.

    Raises:
        UserError: if a reloaded network differs by more than 1e-5, or the folder cannot be written.
    """
    folder = pathlib.Path(os.path.expanduser(folder) if folder else run.folder / "exports")
    networks = run.model.networks()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _export(network, folder / name) for name, network in networks.items()}
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): choose another --out.") from None


def _export(network: keras.Model, path: pathlib.Path) -> tuple[pathlib.Path, float]:
    if path.exists() and not (path / "saved_model.pb").exists():
        raise UserError(f"{path} exists and is not a SavedModel: choose another --out, or move it away.")
    with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
        archive = keras.export.ExportArchive()
        archive.track(network)
        signature = tf.nest.map_structure(lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype), network.input)
        archive.add_endpoint("serve", lambda inputs: network(inputs, training=False), input_signature=[signature])
        archive.write_out(f"{temporary}/{path.name}", verbose=False)
        reloaded = tf.saved_model.load(f"{temporary}/{path.name}")
        difference = max(_difference(network, reloaded, batch) for batch in (1, 17))
        if difference > TOLERANCE:
            raise UserError(
                f"the reloaded {path.name} differs from the Keras network by {difference:.2g}, more than "
                f"{TOLERANCE:g}: it was not exported."
            )
        shutil.rmtree(path, ignore_errors=True)
        shutil.move(f"{temporary}/{path.name}", path)
    return path, difference


def _difference(network: keras.Model, reloaded: Any, batch: int) -> float:
    random = np.random.default_rng(0)
    inputs = tf.nest.map_structure(
        lambda x: tf.constant(random.random((batch, *x.shape[1:])), tf.float32), network.input
    )
    ours, theirs = tf.nest.flatten(network(inputs, training=False)), tf.nest.flatten(reloaded.serve(inputs))
    return max(float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(ours, theirs, strict=True))
