"""Compares the samples of a generator with real pictures, beside those of models without structure."""

import dataclasses
from typing import Any

import keras
import numpy as np

from tfgen import latents
from tfgen.metrics import distances, rivals, sharpness
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores import features
from tfgen.scores.score import ACCURACY, COLUMNS, Score, beside

WALKS, STEPS = 32, 9  # walks between latents, and pictures in each
RIVALS_FORMAT = 1  # increase it when the rivals or their scores are computed in another way
RIVAL_NAMES = {rivals.independent_pixels: "pixels", rivals.gaussian: "gaussian", rivals.pca_gaussian: "pca"}
DRAWS = 5  # random sets of training pictures whose scores are averaged
_FEATURES = {
    "frechet": "Frechet distance between as many samples and the test set, by the features (not the published FID)",
    "frechet_train": f"the same to the training set, or to {features.FITTED:,} random pictures of it",
    "kernel": "kernel distance to the test set (squared MMD, cubic kernel, standardized features); 0 is no difference, "
    "whatever the number of pictures",
    "sliced": "sliced Wasserstein distance to the test set, on the same features",
    "precision": "share of samples within the manifold of the real pictures",
    "recall": "share of real pictures within the manifold of the samples; 0 means collapse",
    "density": "mean number of balls of real pictures around a sample, relative to that of real ones",
    "coverage": "share of real pictures with a sample nearby",
    "real_apart": "share of real pictures whose nearest neighbor is real, not a sample; .5 if there is no difference",
    "variety": "median distance of samples to the nearest other sample, relative to that of real pictures; 0 for one "
    "picture",
    "samples_apart": "share of samples whose nearest neighbor is a sample, not real; .5 if there is no difference",
    "nearest": "median distance of samples to the nearest training picture, on the same features, relative to that of "
    "test pictures; 0 for copies",
}
_COMPARED = _FEATURES | {
    "fine_detail": "detail of the samples between neighboring pixels (Haar wavelet), relative to that of the real "
    "pictures; blur lowers it, noise raises it",
    "coarse_detail": "the same between blocks of 2x2 pixels",
}

RIVALS = {name: beside("untrained", "pixels", "gaussian", "pca", "copies")(name) for name in _COMPARED}
RIVALS["frechet_train"] |= beside("unseen")("frechet_train")
RIVALS["largest_step"] = beside("crossfade")("largest_step")

SAMPLES = {
    "pictures": "number of pictures compared",
    **ACCURACY,
    **_COMPARED,
    "largest_step": f"largest step relative to the mean step, in the features, of walks of {STEPS} pictures between "
    f"two latents; median of {WALKS} walks, 1 is perfectly even",
    **{name: f"{row} of {COLUMNS[column]}" for row, beside in RIVALS.items() for column, name in beside.items()},
    "frechet_copies_deviation": f"its standard deviation over {DRAWS} random sets of training pictures",
    **{
        f"{name}_deviation": f"standard deviation of {name} over sets of as many pictures (jackknife)"
        for name in _FEATURES
    },
}


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What samples are compared with, as the features of `extract`.

    Attributes:
        real: (n, F), of n pictures of the split.
        train: (N, F), of `fitted_pictures`.
        novelty: median distance of the real ones to the nearest of the training pictures.
        detail: (2,), mean fine and coarse detail of the real pictures.
        numbers: the scores of all rivals.
        chosen: (n,), the places of the real ones in the split.
    """

    real: np.ndarray
    train: np.ndarray
    novelty: float
    detail: np.ndarray
    numbers: dict[str, float]
    chosen: np.ndarray


def compare(real: np.ndarray, train: np.ndarray, novelty: float, seen: np.ndarray) -> dict[str, float]:
    """The scores of pictures with the features `seen` (n, F); the other arguments are those of a `Reference`."""
    neighbors = distances.Neighbors(real, seen)
    precision, recall = neighbors.precision_recall()
    density, coverage = neighbors.density_coverage()
    real_apart, samples_apart = neighbors.told_apart()
    return {
        "frechet": distances.frechet(real, seen),
        "frechet_train": distances.frechet(train, seen),
        "kernel": distances.kernel(*(distances.standardized(points, train) for points in (real, seen))),
        "sliced": distances.sliced_wasserstein(real, seen),
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
        "real_apart": real_apart,
        "samples_apart": samples_apart,
        "variety": neighbors.variety(),
        "nearest": float(np.median(distances.nearest(seen, train)[1])) / novelty,
    }


@features.once_per_run
def reference(run: Run, split: str) -> Reference:
    """The features of the pictures of a split and of training pictures, and the scores of all rivals.

    Every rival shows as many pictures as there are real ones: as many as the split has, or as training has if that is
    fewer.
    """
    held, random = run.source(split), np.random.default_rng(features.SEED)
    pictures = features.fitted_pictures(run)
    train = features.extract(run, pictures)
    n = min(len(train), len(held))
    chosen = np.arange(n) if n == len(held) else np.sort(random.permutation(len(held))[:n])
    shown = held.floats(chosen)
    real, level = features.extract(run, shown), detail(shown)
    novelty = float(np.median(distances.nearest(real, train)[1])) or 1.0  # 0: the real ones are copies

    def scored(images: np.ndarray, name: str) -> dict[str, float]:
        found = compare(real, train, novelty, features.extract(run, images)) | detailed(images, level)
        return {f"{row}_{name}": value for row, value in found.items()}

    def of_rivals() -> dict[str, float]:
        numbers: dict[str, float] = {}
        for rival in (rivals.independent_pixels, rivals.gaussian, rivals.pca_gaussian):
            numbers |= scored(rival(pictures, n, random), RIVAL_NAMES[rival])
        drawn = [random.permutation(len(train))[:n] for _ in range(DRAWS)]
        copies = [compare(real, train, novelty, train[places]) | detailed(pictures[places], level) for places in drawn]
        numbers |= {f"{row}_copies": float(np.mean([found[row] for found in copies])) for row in copies[0]}
        numbers["frechet_copies_deviation"] = float(np.std([found["frechet"] for found in copies]))
        numbers["frechet_train_unseen"] = distances.frechet(train, real)
        return numbers

    # The rivals are the same for all runs on the same pictures.
    numbers = features.kept((RIVALS_FORMAT, DRAWS, run.source("train").fingerprint()), (train, real), of_rivals)
    keras.utils.set_random_seed(features.SEED)  # the same new weights in every evaluation
    numbers |= scored(latents.prior_samples(run.untrained(), n), "untrained")
    of = features.read_by_classifier(run, "")
    if of != "nothing":
        numbers["classifier_test_accuracy"] = float(np.mean(features.correct(run, split, of)))
    return Reference(real, train, novelty, level, numbers, chosen)


def detail(images: np.ndarray) -> np.ndarray:
    """The mean fine and coarse detail of pictures (n, H, W, C): (2,); see `tfgen.metrics.sharpness.detail`."""
    return np.mean(sharpness.detail(images), axis=1)


def detailed(images: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """The detail of pictures relative to that of the real ones (2,); 1 if those are flat."""
    shares = np.divide(detail(images), real, out=np.ones(2), where=real > 0)
    return {"fine_detail": float(shares[0]), "coarse_detail": float(shares[1])}


def measure_walks(run: Run, model: GenerativeModel) -> dict[str, float]:
    """How evenly pictures change along walks between latents, beside a crossfade between the pictures at the ends."""
    walks = latents.walks(model, WALKS, STEPS)
    share = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None, None, None]
    crossfades = (1 - share) * walks[:, :1] + share * walks[:, -1:]

    def largest(pictures: np.ndarray) -> float:
        seen = features.extract(run, pictures.reshape(-1, *pictures.shape[2:])).reshape(WALKS, STEPS, -1)
        steps = np.linalg.norm(np.diff(seen, axis=1), axis=2)
        means = steps.mean(axis=1)
        return float(np.median(np.divide(steps.max(axis=1), means, out=np.ones(WALKS), where=means > 0)))

    return {"largest_step": largest(walks), "largest_step_crossfade": largest(crossfades)}


def measure_samples(
    run: Run,
    model: GenerativeModel,
    split: str = "test",
    images: np.ndarray | None = None,
    seen: np.ndarray | None = None,
) -> dict[str, float]:
    """Distances of samples to a split and to the training set, by the features of `extract`, beside the rivals'.

    There are as many samples as real pictures: from the prior, or the given `images` (n, H, W, C), whose features may
    be given too. During training, on the validation part, deviations are left out, as they take most of the time.
    """
    known = reference(run, split)
    images = latents.prior_samples(model, len(known.real)) if images is None else images
    seen = features.extract(run, images) if seen is None else seen

    def compared(real: np.ndarray, seen: np.ndarray) -> dict[str, float]:
        return compare(real, known.train, known.novelty, seen)

    found = distances.deviations(compared, known.real, seen) if split == "test" else {}
    deviations = {f"{name}_deviation": value for name, value in found.items()}
    return {
        "pictures": len(known.real),
        **compared(known.real, seen),
        **deviations,
        **detailed(images, known.detail),
        **(measure_walks(run, model) if split == "test" else {}),
        **known.numbers,
    }


# The coverage uses the fifth nearest neighbor of each picture, and the jackknife leaves one out.
ON_FEATURES: dict[str, Any] = {
    "best": "frechet",
    "on_features": True,
    "pictures": 7,
    "bounds": {
        "nearest": (0.5, "the samples are nearly copies of training pictures"),
        "recall": (0.1, "the samples are like hardly any of the real pictures"),
        "variety": (0.5, "many samples are nearly the same, so the generator may have collapsed"),
    },
}

sample_quality = Score(measure_samples, **ON_FEATURES, meanings=SAMPLES, rivals=RIVALS)
