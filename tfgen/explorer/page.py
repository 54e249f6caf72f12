"""One HTML file for a run: what can be moved on the page, and the networks that follow."""

import base64
import io
import json
import pathlib
from typing import Any

import jinja2
import keras
import numpy as np
from PIL import Image

from tfgen import UserError, noise
from tfgen.explorer.network import Steps
from tfgen.export.formats import in_single_precision
from tfgen.models import DepthWGAN, InfoGAN
from tfgen.models.autoencoder import Autoencoder
from tfgen.models.base import in_batches
from tfgen.runs import Run, replacing

DIRECTIONS = 8  # latent directions that have a slider
EXAMPLES = 12  # test pictures on the page of an autoencoder or of a depth model
START = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta name="generator" content="tfgen explore">'  # of every page
METERS = 10  # that a depth of 1 stands for


def explore(run: Run, path: pathlib.Path) -> pathlib.Path:
    """Writes the page of a run, which needs no server, no network and no other file. Returns its path.

    Args:
        run: a trained Run.
        path: path of the HTML file.

    Raises:
        UserError: if a network has a layer that the page cannot compute, or the file cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfgen.explorer"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    # "<" cannot end the script early.
    text = json.dumps(content(run), separators=(",", ":")).replace("<", "\\u003c")
    page = environment.get_template("explorer.html").render(title=_title(run), content=text)
    try:
        with replacing(path) as temporary:
            temporary.write_text(page.encode("utf-8", "replace").decode("utf-8"), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another --out.") from None
    return path


def _title(run: Run) -> str:
    return f"{run.settings.study} {run.settings.model} on {run.settings.data.dataset}"


def content(run: Run) -> dict[str, Any]:
    """Everything that the page shows, as values for JSON."""
    model, networks, steps = run.model, in_single_precision(run).networks(), Steps()
    generator = networks.get("generator") or networks["decoder"]
    depth = isinstance(model, DepthWGAN)
    prior = None if depth or not model.has_prior else getattr(model, "prior", noise.normal)  # a VAE's is normal
    return {
        "title": _title(run),
        "trained": f"{run.iteration:,} iterations, {run.settings.pictures or 0:,} pictures",
        "prior": {noise.normal: "normal", noise.uniform: "uniform", None: None}[prior],
        "latent": None if depth else [*_latent(generator).shape[1:]],
        "directions": None if prior is None else _directions(generator, prior, _middle(model)).round(4).tolist(),
        "codes": _codes(run),
        "depth": METERS if depth else None,
        "generator": steps.network(generator),
        "encoder": steps.network(_mean(networks["encoder"])) if isinstance(model, Autoencoder) else None,
        "examples": _examples(run) if depth or isinstance(model, Autoencoder) else [],
        "weights": steps.encoded(),
    }


def _middle(model: Any) -> float:
    """A code that is nothing in particular: attributes are halfway, and each of K classes has the weight 1 / K."""
    return 1 / model.classes if model.condition == "label" else 0.5


def _directions(generator: keras.Model, prior: Any, code: float = 0.5) -> np.ndarray:
    """The latent directions (K, Z) along which pictures change the most; one unit is one deviation of the prior.

    They are the left singular vectors of the linear function of the latent that is nearest to the generator, by least
    squares over latents of the prior. Harkonen et al. 2020 (arXiv:2004.02546) take the principal components of the
    first layer's outputs instead, but what a first layer spreads the most need not be seen.
    """
    z = _latent(generator)
    n = 4 * z.shape[1]
    drawn = prior((0, 0), 0, (n, z.shape[1]))
    names = [tensor.name for tensor in generator.inputs]
    given = {tensor.name: np.full((n, *tensor.shape[1:]), code, np.float32) for tensor in generator.inputs}
    given[z.name] = np.asarray(drawn)
    pictures = in_batches(generator, given if len(names) > 1 else given[z.name]).reshape(n, -1)
    latents, pictures = (values - values.mean(axis=0) for values in (given[z.name], pictures))
    slopes = np.linalg.lstsq(latents, pictures, rcond=None)[0]
    vectors = np.linalg.svd(slopes, full_matrices=False)[0]
    deviation = 1.0 if prior is noise.normal else 1 / np.sqrt(3)
    return deviation * vectors.T[:DIRECTIONS]


def _latent(generator: keras.Model) -> Any:
    """The tensor of a generator's latent."""
    return generator.input["z"] if isinstance(generator.input, dict) else keras.tree.flatten(generator.input)[0]


def _mean(encoder: keras.Model) -> keras.Model:
    """The encoder without the layers of the code's variance."""
    return keras.Model(encoder.input, encoder.output["mean"]) if isinstance(encoder.output, dict) else encoder


def _codes(run: Run) -> list[dict[str, Any]]:
    """The controls of a condition: {"name", "kind", "size"}, in the order of the condition's numbers."""
    model = run.model
    if model.condition == "attributes":
        return [{"name": name, "kind": "value", "size": 1} for name in run.settings.attributes]
    if model.condition == "label":
        names = run.training_source().classes or tuple(map(str, range(model.classes)))
        return [{"name": "class", "kind": "mixture", "size": model.classes, "values": [*names]}]
    if isinstance(model, InfoGAN):
        codes = [{"name": f"code {i}", "kind": "choice", "size": n} for i, n in enumerate(model.categories)]
        first = len(model.categories)
        return codes + [{"name": f"code {first + i}", "kind": "value", "size": 1} for i in range(model.continuous)]
    return []


def _examples(run: Run) -> list[str]:
    """Test pictures as data URIs; of each class as many."""
    source = run.source("test")
    order = np.arange(len(source)) if source.labels is None else np.argsort(source.labels, kind="stable")
    chosen = order[np.linspace(0, len(source) - 1, min(EXAMPLES, len(source))).astype(int)]
    pictures = np.rint(source.floats(np.sort(chosen)) * 255).astype(np.uint8)
    return [_uri(picture) for picture in pictures]


def _uri(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture.squeeze(axis=2) if picture.shape[2] == 1 else picture).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
