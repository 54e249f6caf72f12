"""Whether a conditional model does what its condition asks for, and what else changes with it."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgen import latents, program
from tfgen.data.source import Source
from tfgen.metrics import chance, classifier, distances
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores import features, samples
from tfgen.scores.samples import ON_FEATURES, RIVALS, SAMPLES
from tfgen.scores.score import COLUMNS, Score, beside

CHANGED = 200  # pictures of which one input is changed
CHANGE = "change of the picture when {} changes, relative to that when all inputs change; 0 if it is ignored"
LATENT_CHANGE = {"z_change": CHANGE.format("the latent")}


def measure_conditional(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """`measure_samples` of pictures that have the conditions of the real ones, and whether pictures fit conditions.

    `frechet_joint` is the Frechet distance between pairs of features and condition, real and generated. Conditions are
    scaled so that their mean length is that of the features, and both matter alike. On the test set, `reverse_fidelity`
    is the accuracy on real pictures of a classifier that was trained on generated ones alone.

    Sources: DeVries et al. 2019 (arXiv:1907.08175), the distance; Ravuri and Vinyals 2019 (arXiv:1905.10887), the
    accuracy.
    """
    known = samples.reference(run, split)
    asked = _asked(run, model, run.source(split)[known.chosen])
    images = latents.conditional_samples(model, asked)
    seen = features.extract(run, images)
    scale = np.mean(np.linalg.norm(known.real, axis=1)) / max(np.mean(np.linalg.norm(asked, axis=1)), 1e-12)

    def pairs(pictures: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        return np.concatenate([pictures, scale * conditions], axis=1)

    def joint(real: np.ndarray, generated: np.ndarray) -> dict[str, float]:
        return {"frechet_joint": distances.frechet(real, generated)}

    random = np.random.default_rng(features.SEED)
    copied = random.permutation(len(known.train))[: len(known.real)]
    real, generated = pairs(known.real, asked), pairs(seen, asked)
    of_copies = pairs(known.train[copied], _asked(run, model, features.fitted(run))[copied])
    numbers = {
        **samples.measure_samples(run, model, split, images, seen),
        **joint(real, generated),
        "frechet_joint_copies": distances.frechet(real, of_copies),
        "frechet_joint_chance": distances.frechet(real, pairs(seen, random.permutation(asked))),
    }
    if split != "test":
        return numbers
    numbers["frechet_joint_deviation"] = distances.deviations(joint, real, generated)["frechet_joint"]
    return numbers | _reverse_fidelity(run, model, split)


def _asked(run: Run, model: GenerativeModel, source: Source) -> np.ndarray:
    """The conditions (n, K) of the examples of a source."""
    names = run.record["attributes"]
    asked = latents.told(model, source.select(names) if names else source)
    assert asked is not None  # `Score.check` has seen that the data have them
    return asked


def _reverse_fidelity(run: Run, model: GenerativeModel, split: str) -> dict[str, float]:
    """The accuracy on real pictures of a classifier that was trained on as many generated ones as `classifier_of`."""
    asked = _asked(run, model, features.drawn(run.source("train"), features.READ))
    program.tell(f"training a classifier on {features.counted(len(asked))} of the model ...")
    images, exclusive = latents.conditional_samples(model, asked), model.condition == "label"
    reader = features.trained_reader(images, asked, exclusive)
    held = run.source(split)
    true = _asked(run, model, held)
    if exclusive:
        right = features.over(held, functools.partial(classifier.read_class, reader)) == held.labels
        usual = np.max(np.mean(true, axis=0))
    else:
        right = features.over(held, functools.partial(classifier.read, reader)) == true
        usual = np.mean(np.maximum(np.mean(true, axis=0), 1 - np.mean(true, axis=0)))
    share = float(np.mean(right))
    interval = _interval("reverse_fidelity", share, len(right))
    return {"reverse_fidelity": share, **interval, "reverse_fidelity_chance": float(usual)}


def measure_attribute_fidelity(run: Run, model: GenerativeModel, split: str = "test", n: int = 200) -> dict[str, float]:
    """How often an ACGAN's condition switches the attribute, for n latents, according to a classifier.

    Also `measure_conditional`, and how much the picture changes with the condition and with the latent; see
    `input_changes`.
    """
    reader = features.classifier_of(run, "attributes")
    column = run.source("train").attribute_names.index(run.record["attributes"][0])
    seen = classifier.read(reader, latents.attribute_pairs(model, n))
    others, seen = np.delete(seen, column, axis=1), seen[:, column]
    fidelity = classifier.pair_fidelity(seen[:n], seen[n:])
    kept = {}
    if others.shape[1]:
        kept["others_kept"] = float(np.mean(others[:n] == others[n:]))
        kept["others_kept_chance"] = float(np.mean(others[:n] == np.roll(others[n:], 1, axis=0)))
    condition = (np.arange(n) % 2).astype(np.float32)[:, None]
    return {
        **measure_conditional(run, model, split),
        "latents": n,
        **fidelity,
        **_interval("switched", fidelity["switched"], n),
        "switched_chance": 0.25,
        **kept,
        "attribute_accuracy": float(np.mean(features.correct(run, split, "attributes")[:, column])),
        **input_changes(model, {"attribute": (condition, 1 - condition)}),
    }


def measure_label_fidelity(run: Run, model: GenerativeModel, split: str = "test", n: int = 1000) -> dict[str, float]:
    """The share of n pictures of a CGAN, with the classes in turn, that a classifier assigns to the right class.

    Also `measure_conditional`, and how much the picture changes with the class and with the latent; see
    `input_changes`.
    """
    reader = features.classifier_of(run, "classes")
    asked = np.arange(n) % model.classes
    seen = classifier.read_class(
        reader, latents.conditional_samples(model, np.eye(model.classes, dtype=np.float32)[asked])
    )
    fidelity, labels = float(np.mean(seen == asked)), np.eye(model.classes, dtype=np.float32)
    first = np.arange(CHANGED)
    return {
        **measure_conditional(run, model, split),
        "requests": n,
        "label_fidelity": fidelity,
        **_interval("label_fidelity", fidelity, n),
        "label_fidelity_chance": 1 / model.classes,
        **input_changes(model, {"label": (labels[first % model.classes], labels[_another(first, model.classes)])}),
    }


def _interval(name: str, share: float, n: int) -> dict[str, float]:
    low, high = chance.wilson(share, n)
    return {f"{name}_low": low, f"{name}_high": high}


def _interval_meanings(name: str, chance: str) -> dict[str, str]:
    return {
        f"{name}_low": f"lower end of the 95 % interval (Wilson) of {name}",
        f"{name}_high": f"upper end of the 95 % interval (Wilson) of {name}",
        f"{name}_chance": chance,
    }


def _another(places: np.ndarray, n: int) -> np.ndarray:
    """For each place, which has the value place % n, one of the other values from 0 to n - 1."""
    return (places + 1 + places // n % max(n - 1, 1)) % n


def input_changes(model: GenerativeModel, inputs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """How much a conditional model's picture changes when one of its inputs changes and the others do not.

    Args:
        model: a model with `generate(z, condition)`; the condition is the concatenation of the inputs.
        inputs: name -> (values, other values), both (n, K).

    Returns:
        {"z_change", "NAME_change" for each input}: the mean absolute difference of the pictures, relative to that of
        pictures of which all inputs differ. 0 means that the model ignores the input.
    """
    first, other = ({name: pair[i] for name, pair in inputs.items()} for i in (0, 1))
    n = len(next(iter(first.values())))
    z, other_z = (model.sample_latents(latents.KEY, draw, n) for draw in (0, 1))

    def pictures(z: Any, values: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.asarray(model.generate(z, np.concatenate([*values.values()], axis=1)), np.float64)

    start = pictures(z, first)
    whole = float(np.mean(np.abs(pictures(other_z, other) - start)))
    changed = {"z": pictures(other_z, first)}
    changed |= {name: pictures(z, first | {name: other[name]}) for name in inputs}
    return {
        f"{name}_change": float(np.mean(np.abs(images - start))) / whole if whole else 0.0
        for name, images in changed.items()
    }


_CONDITIONAL = SAMPLES | {
    "frechet_joint": "Frechet distance between pairs of picture and condition, real and generated; the conditions are "
    "those of the test set",
    "frechet_joint_copies": f"the same of {COLUMNS['copies']}",
    "frechet_joint_chance": "the same if every sample has the condition of another one",
    "frechet_joint_deviation": "standard deviation of frechet_joint over sets of as many pictures (jackknife)",
    "reverse_fidelity": "accuracy on the real test pictures of a classifier that was trained on generated ones alone",
    **_interval_meanings("reverse_fidelity", "the same if it always gave the most frequent answer"),
}
_CONDITIONAL_RIVALS = RIVALS | {"frechet_joint": beside("copies", "chance")("frechet_joint")}
_SCORED: dict[str, Any] = ON_FEATURES | {"best": "frechet_joint"}

attribute_fidelity = Score(
    measure_attribute_fidelity,
    **_SCORED,
    reads="attributes",
    meanings={
        **_CONDITIONAL,
        "latents": "number of latents",
        "switched": "share of latents for which the condition switches the attribute, according to a classifier",
        **_interval_meanings(
            "switched", "switched by chance: both pictures show the attribute or not, independently, half of the time"
        ),
        "absent_at_0": "share of pictures without the attribute at condition 0",
        "present_at_1": "share of pictures with the attribute at condition 1",
        "others_kept": "share of the other attributes that are read the same at both conditions of a latent",
        "others_kept_chance": "the same for pictures of different latents",
        "attribute_accuracy": "accuracy of the classifier on the attribute in real test pictures",
        "attribute_change": CHANGE.format("the attribute"),
        **LATENT_CHANGE,
    },
    rivals=_CONDITIONAL_RIVALS
    | {
        "switched": beside("low", "high", "chance")("switched") | {"reader": "attribute_accuracy"},
        "others_kept": {"chance": "others_kept_chance"},
        "reverse_fidelity": beside("low", "high", "chance")("reverse_fidelity") | {"reader": "attribute_accuracy"},
    },
)
label_fidelity = Score(
    measure_label_fidelity,
    **_SCORED,
    reads="classes",
    meanings={
        **_CONDITIONAL,
        "requests": "number of pictures whose class is compared with the requested one",
        "label_fidelity": "share of generated pictures that a classifier assigns to the requested class",
        **_interval_meanings("label_fidelity", "the same by chance, 1 / number of classes"),
        "label_change": CHANGE.format("the class"),
        **LATENT_CHANGE,
    },
    rivals=_CONDITIONAL_RIVALS
    | {
        "label_fidelity": beside("low", "high", "chance")("label_fidelity") | {"reader": "classifier_test_accuracy"},
        "reverse_fidelity": beside("low", "high", "chance")("reverse_fidelity")
        | {"reader": "classifier_test_accuracy"},
    },
)
