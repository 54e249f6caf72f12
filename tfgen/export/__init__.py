"""Exports a run for other programs: SavedModels, ONNX and Keras files, checked by reloading, and a model card."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Sequence

from tfgen import UserError
from tfgen.export import card, endpoints, formats
from tfgen.runs import Run

WHOLE = "model"  # the folder of the SavedModel with the endpoints of the whole model
CARD = "README.md"


def export(
    run: Run, folder: str | os.PathLike | None = None, chosen: Sequence[str] = ("saved_model",)
) -> dict[str, tuple[pathlib.Path, float]]:
    """Writes each network in each of the chosen formats, compares its outputs, and writes a model card.

    The inputs have the names of the network's inputs, such as `z` and `codes`; batches may have any size. Networks that
    were trained in half precision are exported in single precision. With "saved_model", also writes the SavedModel
    `model`, whose endpoints use the whole model; see `tfgen.export.endpoints`.

    Args:
        run: a trained Run.
        folder: folder to write to; the default is the run's exports/. Existing exports are replaced when all networks
            are written and compared.
        chosen: keys of `tfgen.export.formats.FORMATS`: "saved_model", "onnx", "keras".

    Returns:
        {file name: (path, largest absolute difference over batches of 1 and 17)}.

    Raises:
        UserError: if a reloaded network differs by more than 1e-5, a network cannot have the format, a package is
            missing, or the folder cannot be written.
    """
    folder = pathlib.Path(os.path.expanduser(folder) if folder else run.folder / "exports")
    names = [name + formats.FORMATS[form].suffix for form in chosen for name in run.model.networks()]
    names += [WHOLE] * ("saved_model" in chosen)
    for name in names:
        path = folder / name
        if path.exists() and not formats.is_ours(path):
            raise UserError(f"{path} exists and is not an export: choose another --out, or move it away.")
    if (folder / CARD).exists() and not card.is_ours(folder / CARD):
        raise UserError(f"{folder / CARD} exists and is not a model card: choose another --out, or move it away.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            differences = _written(run, pathlib.Path(temporary), chosen)
            kept = {name for name in os.listdir(folder) if formats.is_ours(folder / name)}
            (pathlib.Path(temporary) / CARD).write_text(card.text(run, sorted(kept | differences.keys())))
            for name in [*differences, CARD]:
                path = folder / name
                if path.is_dir():
                    shutil.rmtree(path)
                os.replace(pathlib.Path(temporary, name), path)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): choose another --out.") from None
    return {name: (folder / name, difference) for name, difference in differences.items()}


def _written(run: Run, folder: pathlib.Path, chosen: Sequence[str]) -> dict[str, float]:
    """Writes the networks and compares them: {file name: difference}."""
    model, differences = formats.in_single_precision(run), {}
    for form in chosen:
        for name, network in model.networks().items():
            path = folder / (name + formats.FORMATS[form].suffix)
            formats.FORMATS[form].write(network, path)
            differences[path.name] = _checked(path, formats.difference(network, path, form))
    if "saved_model" in chosen:
        endpoints.write(model, folder / WHOLE)
        differences[WHOLE] = _checked(folder / WHOLE, endpoints.difference(model, folder / WHOLE))
    return differences


def _checked(path: pathlib.Path, difference: float) -> float:
    if not difference <= formats.TOLERANCE:
        raise UserError(
            f"the reloaded {path.name} differs from the Keras network by {difference:.2g}, more than "
            f"{formats.TOLERANCE:g}: nothing was exported."
        )
    return difference
