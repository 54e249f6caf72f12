"""Scores of trained models. A `Score` holds the function that measures and the meanings of its numbers.

To add one, write a function (run, model) -> {name: number} and a `Score` for it, here or in a study's file, and use it
in a preset.
"""

import dataclasses
import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from tfgen import UserError, latents, losses
from tfgen.metrics import classifier, depth, distances
from tfgen.models.base import GenerativeModel, in_batches
from tfgen.protocols import Run

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Score:
    """How a model is evaluated.

    Attributes:
        measure: (run, model) -> {name: number}. The run provides the data; the model may still be in training.
        best: name of the number that selects the best checkpoint.
        meanings: name -> description with unit, for every number that `measure` returns.
        higher_is_better: whether a larger `best` is better.
        quick: whether it takes only seconds, so that a report can compute it.
        test_error: whether `best` is an autoencoder's error on the test set, which early stopping may watch.
    """

    measure: Callable[[Run, GenerativeModel], dict[str, float]]
    best: str
    meanings: dict[str, str]
    higher_is_better: bool = False
    quick: bool = False
    test_error: bool = False

    def __call__(self, run: Run, model: GenerativeModel) -> dict[str, float]:
        """Evaluates a model on the data of a run. Returns {name: number}."""
        return self.measure(run, model)


def once_per_run(function: Callable[[Run], Value]) -> Callable[[Run], Value]:
    """Computes a function of a run once and keeps the result for as long as the run exists.

    A run that is scored during training needs the same classifier and the same real features every time.
    """
    results: weakref.WeakKeyDictionary[Run, Value] = weakref.WeakKeyDictionary()

    @functools.wraps(function)
    def kept(run: Run) -> Value:
        if run not in results:
            results[run] = function(run)
        return results[run]

    return kept


@once_per_run
def classifier_of(run: Run) -> keras.Model:
    """Trains a classifier of attributes or classes on the training pictures.

    Raises:
        UserError: if the data set has neither.
    """
    source = run.source("train")
    if not source.attribute_names and source.labels is None:
        raise UserError(
            f"{source.name} has neither labels nor attributes to train a classifier on: choose another --dataset, or "
            "train without --score_every."
        )
    epochs = int(np.clip(80_000 // len(source), 8, 30))  # more passes over small data sets
    if source.labels is None or source.attribute_names:
        return classifier.train_classifier(source.floats(), source.attributes, epochs)
    classes = np.eye(source.labels.max() + 1, dtype=np.uint8)[source.labels]
    return classifier.train_classifier(source.floats(), classes, epochs, mirror=False)


@once_per_run
def reference(run: Run) -> tuple[np.ndarray, dict[str, float]]:
    """The features (n, 64) of the test set, and reference values for the Frechet distance to them.

    Returns:
        (features, {"frechet_floor": for as many real training pictures, "frechet_untrained": for the generator before
        training}).
    """
    train, test, reader = run.source("train"), run.source("test"), classifier_of(run)
    n = min(len(train), len(test))
    real = classifier.features(reader, test.floats(slice(n)))
    pictures = {"frechet_floor": train.floats(slice(n)), "frechet_untrained": latents.prior_samples(run.build(), n)}
    return real, {
        name: distances.frechet(real, classifier.features(reader, images)) for name, images in pictures.items()
    }


def measure_reconstruction(run: Run, model: GenerativeModel) -> dict[str, float]:
    """Mean squared errors of an autoencoder on the test set, with pictures in [0, 1].

    Also computes the variance of the test set about its mean value and about its mean picture. The latter is the error
    of always predicting the mean picture.

    Raises:
        UserError: if all test pictures are equal.
    """
    images = run.source("test").floats()
    code = model.encode(images)
    codes = {"mean": code["mean"]}
    if model.has_posterior:
        codes["sampled"] = model.sample_posterior(code, latents.KEY, 0)
    variance = float(np.var(images, dtype=np.float64))
    mean_picture = float(np.var(images, axis=0, dtype=np.float64).mean())
    if mean_picture == 0:
        raise UserError(
            f"all pictures of {run.source('test').name} are equal, but errors are measured relative to their variance: "
            "use more pictures."
        )
    errors = {
        f"test_mse_{kind}_code": float(losses.mean_squared_error(images, in_batches(model.decoder, z)))
        for kind, z in codes.items()
    }
    return errors | {
        "test_variance": variance,
        "test_mse_over_variance": errors["test_mse_mean_code"] / variance,
        "mean_picture_mse": mean_picture,
        "test_mse_over_mean_picture": errors["test_mse_mean_code"] / mean_picture,
    }


def measure_attribute_fidelity(run: Run, model: GenerativeModel, n: int = 200) -> dict[str, float]:
    """How often an ACGAN's condition switches the attribute, for n latents, according to a classifier."""
    train, test = run.source("train"), run.source("test")
    reader = classifier_of(run)
    column = train.attribute_names.index(run.record["attributes"][0])
    right = classifier.read(reader, test.floats())[:, column] == test.attributes[:, column].astype(bool)
    seen = classifier.read(reader, latents.attribute_pairs(model, n))[:, column]
    return {
        "latents": n,
        **classifier.pair_fidelity(seen[:n], seen[n:]),
        "classifier_test_accuracy": float(np.mean(right)),
    }


def measure_label_fidelity(run: Run, model: GenerativeModel, n: int = 1000) -> dict[str, float]:
    """The share of n pictures of a CGAN, with the classes in turn, that a classifier assigns to the right class."""
    test, reader = run.source("test"), classifier_of(run)
    asked = np.arange(n) % model.classes
    inputs = {
        "z": model.sample_latents(latents.KEY, 0, n),
        "codes": np.eye(model.classes, dtype=np.float32)[asked],
    }
    seen = classifier.read_class(reader, in_batches(model.generator, inputs))
    right = classifier.read_class(reader, test.floats()) == test.labels
    return {
        "pictures": n,
        "label_fidelity": float(np.mean(seen == asked)),
        "classifier_test_accuracy": float(np.mean(right)),
    }


def measure_samples(run: Run, model: GenerativeModel) -> dict[str, float]:
    """Distances of samples to the test set, on the features of `classifier_of`, with as many samples as test pictures.

    See `reference` for the values to compare them with.
    """
    real, scale = reference(run)
    seen = classifier.features(classifier_of(run), latents.prior_samples(model, len(real)))
    precision, recall = distances.precision_recall(real, seen)
    return {
        "pictures": len(real),
        "frechet": distances.frechet(real, seen),
        **scale,
        "precision": precision,
        "recall": recall,
    }


def measure_codes(run: Run, model: GenerativeModel) -> dict[str, float]:
    """`measure_samples`, and for labeled data, how well each categorical code of an InfoGAN matches the labels.

    `code_I_nmi` is the normalized mutual information of the label and of the most likely value of the code, given a
    test picture: from 0 (unrelated) to 1 (one determines the other), normalized by the mean of the two entropies.
    """
    numbers, test = measure_samples(run, model), run.source("test")
    if test.labels is None:
        return numbers
    read = model.read_codes(test.floats())
    for i in range(len(model.categories)):
        most_likely = np.argmax(read[f"code_{i}"], axis=1)
        numbers[f"code_{i}_nmi"] = float(normalized_mutual_info_score(test.labels, most_likely))
    return numbers


def measure_depth(run: Run, model: GenerativeModel, n: int = 8) -> dict[str, float]:
    """Errors of predicted depth on the test set in meters, and those of the training set's mean depth map.

    `noise_deviation` is the standard deviation of the output over n noise samples, in meters, averaged over the pixels
    of n test pictures. A value near 0 means that the model ignores the noise.

    Raises:
        UserError: if the data set has no depth.
    """
    test, truth, seen = run.source("test"), run.source("test").metres(), run.source("train").metres()
    known, mean = truth > 0, np.broadcast_to(depth.mean_map(seen, seen > 0), truth.shape)
    repeated = np.stack([10 * latents.depths(model, test.floats(slice(n)), number) for number in range(n)])
    return {
        "pictures": len(test),
        **depth.errors(truth, 10 * latents.depths(model, test.floats()), known),
        **{f"mean_map_{name}": value for name, value in depth.errors(truth, mean, known).items()},
        "noise_deviation": float(np.mean(np.std(repeated, axis=0, dtype=np.float64))),
    }


# Meanings of the numbers. Pictures have values from 0 to 1.
_ACCURACY = {"classifier_test_accuracy": "accuracy of the classifier on the real test pictures"}
_SAMPLES = {
    "pictures": "number of pictures compared",
    "frechet": "Frechet distance between as many samples and the test set, on the features of a small classifier (not "
    "the published FID)",
    "frechet_floor": "the same for real training pictures; a generator is not expected to do better",
    "frechet_untrained": "the same for the generator before training",
    "precision": "share of samples within the manifold of the real pictures",
    "recall": "share of real pictures within the manifold of the samples; 0 means collapse",
}
_DEPTH = {
    "rmse": "root mean squared error of depth, in meters",
    "abs_rel": "mean of |predicted - true| / true",
    "sq_rel": "mean of (predicted - true)^2 / true, in meters",
    "log_rmse": "root mean squared error of the logarithm of depth",
    "scale_invariant_log": "the same, after the best scaling of each map",
    "delta_1": "share of pixels within a factor of 1.25",
    "delta_2": "share of pixels within a factor of 1.25^2",
    "delta_3": "share of pixels within a factor of 1.25^3",
}

reconstruction_errors = Score(
    measure_reconstruction,
    best="test_mse_mean_code",
    quick=True,
    test_error=True,
    meanings={
        "test_mse_mean_code": "mean squared error on the test set, decoded from the mean code",
        "test_mse_sampled_code": "the same, decoded from one sampled code per picture",
        "test_variance": "variance of the test set about its mean value",
        "test_mse_over_variance": "error from the mean code, relative to that variance",
        "mean_picture_mse": "mean squared error of the test set's mean picture",
        "test_mse_over_mean_picture": "error from the mean code, relative to that of the mean picture",
    },
)
attribute_fidelity = Score(
    measure_attribute_fidelity,
    best="switched",
    higher_is_better=True,
    meanings={
        "latents": "number of latents",
        "switched": "share of latents for which the condition switches the attribute, according to a classifier",
        "absent_at_0": "share of pictures without the attribute at condition 0",
        "present_at_1": "share of pictures with the attribute at condition 1",
        **_ACCURACY,
    },
)
label_fidelity = Score(
    measure_label_fidelity,
    best="label_fidelity",
    higher_is_better=True,
    meanings={
        "pictures": "number of pictures generated",
        "label_fidelity": "share of generated pictures that a classifier assigns to the requested class",
        **_ACCURACY,
    },
)
sample_quality = Score(measure_samples, best="frechet", meanings=_SAMPLES)
depth_errors = Score(
    measure_depth,
    best="rmse",
    meanings={
        "pictures": "number of test pictures",
        **_DEPTH,
        **{f"mean_map_{name}": f"for the training set's mean depth map: {text}" for name, text in _DEPTH.items()},
        "noise_deviation": "standard deviation over noise samples, in meters; near 0 means that noise is ignored",
    },
)


def code_quality(categorical: int) -> Score:
    """The Score of an InfoGAN with this number of categorical codes."""
    meaning = "normalized mutual information of categorical code {} and the label, from 0 to 1"
    codes = {f"code_{i}_nmi": meaning.format(i + 1) for i in range(categorical)}
    return Score(measure_codes, best="frechet", meanings=_SAMPLES | codes)
