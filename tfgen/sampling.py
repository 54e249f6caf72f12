"""Pictures from a trained run, written as files: samples by their seeds, reconstructions, interpolations and depth.

A seed gives the same latent, and the same picture, whatever else is generated with it: each picture is generated alone.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from tqdm import tqdm

from tfgen import UserError, figures, latents, noise
from tfgen.data.readers.folder import read_picture
from tfgen.models import DepthWGAN, GenerativeModel, InfoGAN
from tfgen.models.autoencoder import Autoencoder
from tfgen.runs import Run, replacing

_CONDITION = noise.stream(0, 2)  # the draw of a condition that was not chosen


@dataclasses.dataclass(frozen=True)
class Choice:
    """What to generate besides the seeds.

    Attributes:
        label: class of a CGAN: its number as an int, or its name or number as a text.
        attributes: name of an attribute of an ACGAN -> 0, 1 or a value between them.
        codes: number of a code of an InfoGAN -> the number of a category, or the value of a continuous code.
        truncation: factor of the latents. Below 1, pictures are more typical and less varied.
    """

    label: int | str | None = None
    attributes: Mapping[str, float] = dataclasses.field(default_factory=dict)
    codes: Mapping[int, float] = dataclasses.field(default_factory=dict)
    truncation: float = 1.0


# Latents and conditions ----------------------------------------------------------------------------------------------


def latent(model: GenerativeModel, seed: int, truncation: float = 1.0) -> np.ndarray:
    """The latent (1, Z) of a seed."""
    return truncation * model.sample_latents((seed, 0), 0, 1).numpy()


def resolved(run: Run, choice: Choice) -> Choice:
    """The choice with the number of its class.

    Raises:
        UserError: if something was chosen that the run's model does not have.
    """
    model = run.model
    kinds = (
        ("--label", choice.label is not None, model.condition == "label", "a CGAN"),
        ("--attribute", choice.attributes, model.condition == "attributes", "an ACGAN"),
        ("--code", choice.codes, isinstance(model, InfoGAN), "an InfoGAN"),
    )
    for flag, given, fits, named in kinds:
        if given and not fits:
            raise UserError(f"{flag} is for {named}, and {run.folder} is a run of {run.settings.model}: leave it out.")
    names = run.settings.attributes
    for name in choice.attributes.keys() - {*names}:
        raise UserError(f"this model is not conditioned on {name!r}: choose from {', '.join(names)}.")
    if choice.label is None:
        return choice
    return dataclasses.replace(choice, label=_number_of(run, str(choice.label), model.classes))


def condition(run: Run, seed: int, choice: Choice) -> np.ndarray | None:
    """The condition (1, K) of a seed: what a `resolved` choice says, and random values for the rest.

    None for models without a condition. Raises UserError for codes that the model does not have.
    """
    model = run.model
    if model.condition == "label":
        drawn = noise.unit((seed, 0), _CONDITION, (1,)).numpy()[0]
        number = int(drawn * model.classes) if choice.label is None else int(choice.label)
        return np.eye(model.classes, dtype=np.float32)[[number]]
    if model.condition == "attributes":
        names = run.settings.attributes
        drawn = noise.unit((seed, 0), _CONDITION, (1, len(names))).numpy() < 0.5
        return np.array([[choice.attributes.get(name, drawn[0, i]) for i, name in enumerate(names)]], np.float32)
    if isinstance(model, InfoGAN):
        return _codes(model, model.sample_codes((seed, 0), 0, 1).numpy(), choice.codes)
    return None


def _number_of(run: Run, label: str, classes: int) -> int:
    """The number of a class, given by its name in the training data or by its number."""
    names = run.training_source().classes
    if label in names:
        return names.index(label)
    if label.isdecimal() and int(label) < classes:
        return int(label)
    known = ", ".join(names) if names else f"0 to {classes - 1}"
    raise UserError(f"there is no class {label!r}: choose from {known}.")


def _codes(model: InfoGAN, codes: np.ndarray, chosen: Mapping[int, float]) -> np.ndarray:
    """Codes (1, K) with some of them replaced by the chosen values."""
    starts = np.cumsum([0, *model.categories])
    n = len(model.categories) + model.continuous
    for code, value in chosen.items():
        if code >= n:
            raise UserError(f"there is no code {code}: this InfoGAN has the codes 0 to {n - 1}.")
        if code >= len(model.categories):
            codes[0, starts[-1] + code - len(model.categories)] = value
        elif value not in range(model.categories[code]):
            raise UserError(f"code {code} has the values 0 to {model.categories[code] - 1}, not {value:g}.")
        else:
            codes[0, starts[code] : starts[code + 1]] = np.eye(model.categories[code])[int(value)]
    return codes


# Pictures ------------------------------------------------------------------------------------------------------------


def pictures(run: Run, seeds: Sequence[int], choice: Choice) -> np.ndarray:
    """The pictures (n, H, W, C) in [0, 1] of seeds.

    Raises:
        UserError: if the model cannot generate pictures from latents, or does not have what was chosen.
    """
    model, choice = run.model, resolved(run, choice)
    model.sample(1)  # says why a model has no samples
    inputs = [(latent(model, seed, choice.truncation), condition(run, seed, choice)) for seed in seeds]
    return _generated(model, inputs)


def walk(run: Run, first: int, last: int, steps: int, choice: Choice) -> np.ndarray:
    """Pictures (steps, H, W, C) in [0, 1] from the latent and the condition of one seed to those of another.

    Raises:
        UserError: as `pictures` does.
    """
    model, choice = run.model, resolved(run, choice)
    model.sample(1)
    prior = getattr(model, "prior", noise.normal)  # that of a VAE is normal
    z = latents.between(latent(model, first, choice.truncation), latent(model, last, choice.truncation), steps, prior)
    start, end = (condition(run, seed, choice) for seed in (first, last))
    codes = None if start is None or end is None else latents.between(start, end, steps)
    return _generated(model, [(z[i : i + 1], None if codes is None else codes[i : i + 1]) for i in range(steps)])


def _generated(model: GenerativeModel, inputs: Sequence[tuple[np.ndarray, np.ndarray | None]]) -> np.ndarray:
    """Generates pictures one by one: in a batch, their rounding would depend on their neighbors."""
    generate = tf.function(lambda *given: model.generate(*given))
    made = []
    for given in tqdm(inputs, unit="picture", leave=False, disable=None):
        made.append(generate(*(tf.constant(part, tf.float32) for part in given if part is not None)).numpy()[0])
    return np.stack(made)


def read(run: Run, paths: Sequence[str | os.PathLike]) -> np.ndarray:
    """Reads pictures from files as the run's model takes them: (n, H, W, C) in [0, 1], the central squares.

    Raises:
        UserError: naming the file that cannot be read.
    """
    size, channels, white = run.settings.filled("image_size"), run.settings.channels, run.settings.data.white
    read_one = functools.partial(read_picture, image_size=size, channels=channels, white=white)
    return np.stack([read_one(os.path.expanduser(path)) for path in paths]) / np.float32(255)


def autoencoder(run: Run) -> Any:
    """The run's model. Raises UserError if it is not an autoencoder."""
    return _of_kind(run, Autoencoder, "which has no encoder: choose the run of a VAE or ACAI")


def depth_model(run: Run) -> DepthWGAN:
    """The run's model. Raises UserError if it does not predict depth."""
    return _of_kind(run, DepthWGAN, "which predicts no depth: choose the run of a depth_wgan")


def _of_kind(run: Run, kind: type, otherwise: str) -> Any:
    if not isinstance(run.model, kind):
        raise UserError(f"{run.folder} is a run of {run.settings.model}, {otherwise}.")
    return run.model


# Files ---------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def new_folder(out: str | os.PathLike | None, default: pathlib.Path) -> Iterator[pathlib.Path]:
    """A context with the folder to write to, `out` or the first of `default`, `default`-2, ... that does not exist.

    It is created before the work, and removed again if an error leaves it empty.

    Raises:
        UserError: if `out` contains files, or the folder cannot be created.
    """
    folder = pathlib.Path(os.path.expanduser(out)) if out else default
    number = 1
    while not out and folder.exists():
        number += 1
        folder = default.with_name(f"{default.name}-{number}")
    there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(f"{folder} contains files, which would be overwritten: choose another --out.")
    except OSError as error:
        raise UserError(f"{folder} cannot be created ({error.strerror}): choose another --out.") from None
    try:
        yield folder
    except BaseException:
        if not there:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        raise


def write(path: pathlib.Path, picture: np.ndarray) -> pathlib.Path:
    """Writes a picture (H, W, C) in [0, 1], or one of uint8 or uint16 as it is, as PNG."""
    if picture.dtype.kind == "f":
        picture = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    with replacing(path) as temporary:
        Image.fromarray(picture.squeeze(axis=2) if picture.ndim == 3 and picture.shape[2] == 1 else picture).save(
            temporary
        )
    return path


def write_sheet(path: pathlib.Path, images: np.ndarray, columns: int = 8) -> pathlib.Path:
    """Writes pictures (n, H, W, C) in [0, 1] as one PNG with a grid."""
    return write(path, figures.sheet(images, min(columns, len(images))))


def write_pairs(path: pathlib.Path, above: np.ndarray, below: np.ndarray, columns: int = 8) -> pathlib.Path:
    """Writes two arrays of pictures (n, H, W, C) in [0, 1] as one PNG, each of the first above one of the second."""
    columns = min(columns, len(above))
    empty = np.ones((-len(above) % columns, *above.shape[1:]), above.dtype)
    rows = [np.concatenate([images, empty]).reshape(-1, columns, *images.shape[1:]) for images in (above, below)]
    return write_sheet(path, np.stack(rows, axis=1).reshape(-1, *above.shape[1:]), columns)


def millimeters(depth: np.ndarray) -> np.ndarray:
    """Depth (..., 1) in [0, 1], where 1 is 10 m, in millimeters as uint16."""
    return np.rint(np.clip(depth, 0, 1) * 10_000).astype(np.uint16)


def distinct(names: Sequence[str]) -> list[str]:
    """The names, those that occur again with -2, -3, ... appended."""
    found: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in found:
            number += 1
            candidate = f"{name}-{number}"
        found.append(candidate)
    return found


def write_animation(path: pathlib.Path, images: np.ndarray, width: int = 256) -> pathlib.Path:
    """Writes pictures (n, H, W, C) in [0, 1] as an endless animation, GIF or WebP, that goes forth and back.

    Small pictures are enlarged by a whole number to about `width` pixels.
    """
    scale = max(1, width // images.shape[2])
    large = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8).repeat(scale, axis=1).repeat(scale, axis=2)
    frames = [Image.fromarray(frame.squeeze(axis=2) if frame.shape[2] == 1 else frame) for frame in large]
    frames += frames[-2:0:-1]
    with replacing(path) as temporary:
        frames[0].save(temporary, save_all=True, append_images=frames[1:], duration=80, loop=0)
    return path
