"""The model card beside an export: what was trained, how good it is, what it may be used for, how to load it.

Its format is that of the Hugging Face Hub: Markdown with metadata in YAML before it.
"""

import datetime
import pathlib
import shlex
from collections.abc import Sequence

import jinja2

from tfgen import __version__, scores
from tfgen.runs import Run

START = "---\nlibrary_name: tfgen\n"
# What is known about data sets whose pictures have conditions of use.
TERMS = {
    "faces": "The faces are drawn by tfgen: they show nobody, and have no conditions of use.",
    "digits": "The digits are those of scikit-learn, from the UCI repository (CC BY 4.0).",
    "animals": "The animals are drawn by tfgen, and have no conditions of use.",
    "scenes": "The rooms are drawn by tfgen, and have no conditions of use.",
    "celeba": "CelebA is for non-commercial research only, and so is a model that was trained on it. Its faces are of "
    "celebrities: mostly young, light-skinned, made up and smiling. Attributes such as Attractive or Male are "
    "judgments of annotators. Generated faces can resemble real persons.",
    "mnist": "MNIST is available under CC BY-SA 3.0.",
    "fashion_mnist": "Fashion-MNIST is available under the MIT license.",
    "cifar10": "CIFAR-10 states no license; its pictures were collected from the web.",
}
UNKNOWN = "See the conditions of use of the data set: they hold for models that are trained on it too."


def text(run: Run, files: Sequence[str]) -> str:
    """The card of a run with these exported files."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tfgen.export"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    model, settings, score = run.model, run.settings, run.preset.score
    iteration = run.restored or run.iteration
    numbers = scores.saved(run, iteration) or {}
    dataset = settings.filled("dataset")
    what = "depth-estimation" if model.condition == "depth" else "unconditional-image-generation"
    return environment.get_template("card.md").render(
        start=START,
        pipeline="text-to-image" if model.condition == "label" else what,
        name=f"{settings.study} {settings.model} on {dataset}",
        description=run.preset.description.removesuffix("."),
        version=__version__,
        dataset=dataset,
        side=settings.filled("image_size"),
        channels=settings.channels,
        pictures=settings.pictures,
        condition=", ".join(settings.attributes),
        iterations=f"{iteration:,}",
        epochs=f"{iteration / run.steps_per_epoch:.3g}",
        batch=settings.filled("batch_size"),
        time=str(datetime.timedelta(seconds=round(run.seconds))),
        best=run.best,
        arguments=", ".join(f"{name} {value}" for name, value in settings.arguments.items()),
        parameters=model.parameters(),
        table=score.table(numbers),
        legend=score.legend(numbers),
        on_features="frechet" in numbers,
        warnings=score.warnings(numbers),
        seen_test=run.seen_test,
        terms=TERMS.get(dataset, UNKNOWN),
        command=_command(run),
        files=files,
        has_prior=model.has_prior,
        autoencodes=model.autoencodes,
        depth=model.condition == "depth",
    )


def _command(run: Run) -> str:
    """The command that trains the run, without the paths of this machine."""
    words = shlex.split(run.command())
    for flag in ("--run", "--data_dir"):
        if flag in words:
            at = words.index(flag)
            words[at + 1] = "DIR"
    return shlex.join(words)


def is_ours(path: pathlib.Path) -> bool:
    """Whether a file is a model card that tfgen wrote."""
    return path.read_bytes()[: len(START)] == START.encode()
