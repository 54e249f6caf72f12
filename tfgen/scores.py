"""Scores of trained models. A `Score` holds the function that measures and the meanings of its numbers.

A number means little alone. So every score also measures its rivals: the same number for models without structure that
are fitted to the training pictures, for copies of training pictures, for chance.

To add one, write a function (run, model, split) -> {name: number} and a `Score` for it, here or in a study's file, and
use it in a preset.
"""

import collections
import dataclasses
import functools
import json
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np

from tfgen import UserError, latents, losses
from tfgen.data.source import Source
from tfgen.metrics import chance, classifier, depth, distances, rivals
from tfgen.models.base import GenerativeModel, in_batches
from tfgen.protocols import Run

Value = TypeVar("Value")
SCORES = "scores.json"  # in a run's folder
READ = 16_384  # classifiers are trained on at most this many training pictures, drawn at random
PIECE = 256  # pictures of a split that are in memory at a time
FITTED = 4096  # rivals are fitted to at most this many training pictures, drawn at random
DRAWS = 5  # random sets of training pictures whose scores are averaged
ENOUGH = 200  # pictures: of so many, variety and nearest are .8 to 1.2 for real pictures
PARTS = {"train": "training", "test": "testing", "validation": "validation"}
ACTIVE = 0.01  # a latent is active if its mean has a larger variance
SEED = 0  # of the pictures that are chosen and of the rivals' pictures


@dataclasses.dataclass(frozen=True)
class Score:
    """How a model is evaluated.

    Attributes:
        measure: (run, model, split) -> {name: number}. The run provides the data; the model may still be in training.
            `split` is the part of the data with which it is compared, "test" or "validation".
        best: name of the number that selects the best checkpoint.
        meanings: name -> description with unit, for every number that `measure` returns.
        rivals: name of a number -> {column of a table: name of the number beside it}.
        bounds: name of a number -> (least good value, what it means if the number is smaller).
        reads: what the classifier that it uses must read: "attributes" or "classes"; "" if that does not matter.
        on_features: whether it compares features, see `features_of`.
        pictures: the least number of pictures that training and the split must have.
        higher_is_better: whether a larger `best` is better.
        quick: whether it takes only seconds, so that a report can compute it.
        test_error: whether `best` is an autoencoder's error on the pictures of the split, which early stopping may
            watch.
    """

    measure: Callable[[Run, GenerativeModel, str], dict[str, float]]
    best: str
    meanings: dict[str, str]
    rivals: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    bounds: dict[str, tuple[float, str]] = dataclasses.field(default_factory=dict)
    reads: str = ""
    on_features: bool = False
    pictures: int = 2
    higher_is_better: bool = False
    quick: bool = False
    test_error: bool = False

    def __call__(self, run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
        """Evaluates a model on a split of the data of a run, "test" or "validation". Returns {name: number}.

        Raises UserError if the data do not have what it needs.
        """
        self.check(run, split)
        return self.measure(run, model, split)

    def check(self, run: Run, split: str = "test") -> None:
        """Raises UserError if the data of a run do not have what the score needs."""
        if self.reads:
            _read_by_classifier(run, self.reads)
        for part in ("train", split):
            source = run.source(part)
            if len(source) < self.pictures:
                raise UserError(
                    f"{source.name} has {_pictures(len(source))} for {PARTS[part]}, but the scores of this model need "
                    f"at least {self.pictures}: use more pictures, or train without --score_every."
                )

    def table(self, numbers: Mapping[str, float]) -> list[list[str]]:
        """The numbers that have rivals, beside these, as rows of texts; the first row has the names of the columns.

        An empty list if there are none. A number NAME_deviation is shown as +- after NAME.
        """
        rows = {name: beside for name, beside in self.rivals.items() if name in numbers}
        columns = list(dict.fromkeys(column for beside in rows.values() for column in beside))
        texts = [
            [name, _text(name, numbers), *(_text(beside.get(column, ""), numbers) for column in columns)]
            for name, beside in rows.items()
        ]
        return [["", "model", *columns], *texts] if rows else []

    def others(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The numbers that are not in the table."""
        shown = {other for name, beside in self.rivals.items() for other in (name, *beside.values()) if name in numbers}
        return {name: value for name, value in numbers.items() if name.removesuffix("_deviation") not in shown}

    def warnings(self, numbers: Mapping[str, float]) -> list[str]:
        """A sentence for each number that is below its bound; none for few pictures, of which it may be by chance."""
        if numbers.get("pictures", 0) < ENOUGH:
            return []
        return [
            f"{meaning}: {name} is {numbers[name]:.2g}, but {least} or more is usual."
            for name, (least, meaning) in self.bounds.items()
            if numbers[name] < least
        ]

    def legend(self, numbers: Mapping[str, float]) -> dict[str, str]:
        """column of the table -> what it is."""
        return {column: COLUMNS[column] for row in self.table(numbers)[:1] for column in row[2:]}


def saved(run: Run, iteration: int) -> dict[str, float] | None:
    """The numbers that `score` saved for the checkpoint of an iteration; None if there are none of this version."""
    score = run.preset.score
    try:
        numbers = json.loads((run.folder / SCORES).read_text())
        if numbers.pop("iteration") == iteration and numbers.keys() <= score.meanings.keys():
            return {name: float(value) for name, value in numbers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not measured yet, or by another version
    return None


def _pictures(n: int) -> str:
    return f"{n:,} picture{'s' * (n != 1)}"


def _text(name: str, numbers: Mapping[str, float]) -> str:
    if name not in numbers:
        return ""
    deviation = numbers.get(f"{name}_deviation")
    return f"{numbers[name]:.4g}" + ("" if deviation is None else f" +- {deviation:.2g}")


def once_per_run(function: Callable[..., Value]) -> Callable[..., Value]:
    """Computes a function of a run and other arguments once, and keeps the result for as long as the run exists.

    A run that is scored during training needs the same classifier, real features and rivals every time.
    """
    results: weakref.WeakKeyDictionary[Run, dict[tuple, Value]] = weakref.WeakKeyDictionary()

    @functools.wraps(function)
    def kept(run: Run, *arguments: Any) -> Value:
        own = results.setdefault(run, {})
        if arguments not in own:
            own[arguments] = function(run, *arguments)
        return own[arguments]

    return kept


def classifier_of(run: Run, of: str = "") -> keras.Model:
    """A classifier that was trained on the training pictures of the run's data set, once for each data set.

    It is kept in the cache, so that all runs on the same pictures are compared on the same features.

    Args:
        run: Run.
        of: "attributes" or "classes"; "" for attributes if the data set has any, otherwise classes, and if it has
            neither, a network with random weights.

    Raises:
        UserError: if the data set does not have them.
    """
    return _classifier(run, _read_by_classifier(run, of))


def _read_by_classifier(run: Run, of: str) -> str:
    """What a classifier of the run's pictures reads: "attributes", "classes" or "nothing". See `classifier_of`."""
    source = run.source("train")
    has = {"attributes": bool(source.attribute_names), "classes": source.labels is not None, "nothing": True}
    if of and not has[of]:
        raise UserError(
            f"{source.name} has no {of} to train a classifier on: choose another --dataset, or train without "
            "--score_every."
        )
    return of or next(name for name in has if has[name])


@once_per_run
def _classifier(run: Run, of: str) -> keras.Model:
    whole = run.source("train")
    source = _drawn(whole, READ)
    epochs = int(np.clip(80_000 // len(source), 8, 30))  # more passes over small data sets
    shape = source.images.shape[1:]
    if of == "nothing":
        return classifier.build(shape, 1)

    def train() -> keras.Model:
        if of == "attributes":
            return classifier.train_classifier(source.floats(), source.attributes, epochs)
        assert whole.labels is not None and source.labels is not None
        classes = np.eye(np.max(whole.labels) + 1, dtype=np.uint8)[source.labels]
        return classifier.train_classifier(source.floats(), classes, epochs, exclusive=True)

    return classifier.cached((source.fingerprint(), len(whole), of, epochs), train)


def features_of(run: Run) -> str:
    """A sentence about the network on whose features the pictures of a run are compared."""
    of = _read_by_classifier(run, "")
    if of == "nothing":
        return "a network with random weights, as the pictures have neither labels nor attributes"
    source = run.source("train")
    return f"a small classifier of {of}, trained on {_pictures(min(len(source), READ))} of {source.name}"


def _drawn(source: Source, n: int) -> Source:
    """All examples of a source, or n drawn at random, in their order."""
    return source if len(source) <= n else source[np.sort(np.random.default_rng(SEED).permutation(len(source))[:n])]


def over(source: Source, function: Callable[[np.ndarray], Any]) -> Any:
    """The outputs of a function of pictures (n, H, W, C) for all pictures of a source, which may not fit into memory.

    The function returns an array (n, ...) or a dict of such arrays.
    """
    parts = [function(source.floats(slice(i, i + PIECE))) for i in range(0, len(source), PIECE)]
    return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)


@once_per_run
def fitted_pictures(run: Run) -> np.ndarray:
    """The training pictures (N, H, W, C) in [0, 1] that rivals are fitted to: all, or `FITTED` drawn at random."""
    return _drawn(run.source("train"), FITTED).floats()


@dataclasses.dataclass(frozen=True, eq=False)
class Reference:
    """What samples are compared with, as features of `classifier_of`.

    Attributes:
        real: (n, F), of n pictures of the split.
        train: (N, F), of `fitted_pictures`.
        novelty: median distance of the real ones to the nearest of the training pictures.
        numbers: the scores of all rivals.
    """

    real: np.ndarray
    train: np.ndarray
    novelty: float
    numbers: dict[str, float]


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


@once_per_run
def reference(run: Run, split: str) -> Reference:
    """The features of the pictures of a split and of training pictures, and the scores of all rivals.

    Every rival shows as many pictures as there are real ones: as many as the split has, or as training has if that is
    fewer.
    """
    held, reader, random = run.source(split), classifier_of(run), np.random.default_rng(SEED)
    pictures = fitted_pictures(run)
    train = classifier.features(reader, pictures)
    n = min(len(train), len(held))
    chosen = np.arange(n) if n == len(held) else np.sort(random.permutation(len(held))[:n])
    real = classifier.features(reader, held.floats(chosen))
    novelty = float(np.median(distances.nearest(real, train)[1])) or 1.0  # 0: the real ones are copies
    numbers: dict[str, float] = {}
    for name, images in {
        "untrained": latents.prior_samples(run.untrained(), n),
        "pixels": rivals.independent_pixels(pictures, n, random),
        "gaussian": rivals.gaussian(pictures, n, random),
        "pca": rivals.pca_gaussian(pictures, n, random),
    }.items():
        found = compare(real, train, novelty, classifier.features(reader, images))
        numbers |= {f"{row}_{name}": value for row, value in found.items()}
    copies = [compare(real, train, novelty, train[random.permutation(len(train))[:n]]) for _ in range(DRAWS)]
    for row in copies[0]:
        numbers[f"{row}_copies"] = float(np.mean([found[row] for found in copies]))
    numbers["frechet_copies_deviation"] = float(np.std([found["frechet"] for found in copies]))
    numbers["frechet_train_unseen"] = distances.frechet(train, real)
    of = _read_by_classifier(run, "")
    if of == "classes":
        numbers["classifier_test_accuracy"] = float(
            np.mean(over(held, functools.partial(classifier.read_class, reader)) == held.labels)
        )
    if of == "attributes":
        numbers["classifier_test_accuracy"] = float(
            np.mean(over(held, functools.partial(classifier.read, reader)) == held.attributes.astype(bool))
        )
    return Reference(real, train, novelty, numbers)


@once_per_run
def linear_code(run: Run, components: int) -> rivals.PCA:
    """A PCA of `fitted_pictures`."""
    return rivals.fit_pca(fitted_pictures(run), components)


def measure_reconstruction(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """Mean squared errors of an autoencoder on a split, with pictures in [0, 1].

    Its rivals are fitted to the training pictures: their mean, and a PCA with as many components as the code has
    numbers. `pca_components` is the number of components with which a PCA is as good as the model; one more than the
    code has numbers if the model is better. Also computes the variance of the split about its mean value.

    Raises:
        UserError: if all pictures are equal.
    """
    source = run.source(split)
    first = source.floats(slice(1))
    if not any(over(source, lambda images: np.any(images != first, axis=(1, 2, 3)))):
        raise UserError(
            f"all pictures of {source.name} are equal, but errors are measured relative to their variance: "
            "use more pictures."
        )
    code = over(source, model.encode)
    codes = {"mean": code["mean"]}
    posterior: dict[str, float] = {}
    if model.has_posterior:
        codes["sampled"] = np.asarray(model.sample_posterior(code, latents.KEY, 0))
        posterior["kl"] = float(np.mean(losses.kl_divergence(code["mean"], code["log_var"])))
        posterior["code_size"] = code["mean"].shape[1]
        posterior["active_latents"] = int(np.sum(np.var(code["mean"], axis=0) > ACTIVE))
    pca = linear_code(run, int(np.prod(code["mean"].shape[1:])))
    sums: dict[str, float] = collections.defaultdict(float)
    by_components: np.ndarray | float = 0.0
    for i in range(0, len(source), PIECE):
        images = source.floats(slice(i, i + PIECE))
        share = len(images) / len(source)
        sums["value"] += share * float(np.mean(images, dtype=np.float64))
        sums["square"] += share * float(np.mean(np.square(images, dtype=np.float64)))
        for kind, z in codes.items():
            decoded = in_batches(model.decoder, z[i : i + PIECE])
            sums[kind] += share * float(losses.mean_squared_error(images, decoded))
        by_components = by_components + share * pca.errors(images)
    errors = {f"test_mse_{kind}_code": sums[kind] for kind in codes}
    variance = sums["square"] - sums["value"] ** 2
    by_components = np.maximum(by_components, 0)
    beside = {
        "mean_picture_mse": float(by_components[0]),
        "pca_mse": float(by_components[-1]),
        "pca_components": float(np.sum(by_components > errors["test_mse_mean_code"])),
    }
    return errors | {
        "test_variance": variance,
        "test_mse_over_variance": errors["test_mse_mean_code"] / variance,
        **beside,
        "test_mse_over_mean_picture": errors["test_mse_mean_code"] / beside["mean_picture_mse"],
        **posterior,
    }


def measure_attribute_fidelity(run: Run, model: GenerativeModel, split: str = "test", n: int = 200) -> dict[str, float]:
    """How often an ACGAN's condition switches the attribute, for n latents, according to a classifier.

    Also how much the picture changes with the condition and with the latent; see `input_changes`.
    """
    train, held = run.source("train"), run.source(split)
    reader = classifier_of(run, "attributes")
    column = train.attribute_names.index(run.record["attributes"][0])
    right = over(held, functools.partial(classifier.read, reader))[:, column] == held.attributes[:, column].astype(bool)
    seen = classifier.read(reader, latents.attribute_pairs(model, n))
    others, seen = np.delete(seen, column, axis=1), seen[:, column]
    fidelity = classifier.pair_fidelity(seen[:n], seen[n:])
    kept = {}
    if others.shape[1]:
        kept["others_kept"] = float(np.mean(others[:n] == others[n:]))
        kept["others_kept_chance"] = float(np.mean(others[:n] == np.roll(others[n:], 1, axis=0)))
    condition = (np.arange(n) % 2).astype(np.float32)[:, None]
    return {
        "latents": n,
        **fidelity,
        **_interval("switched", fidelity["switched"], n),
        "switched_chance": 0.25,
        **kept,
        "classifier_test_accuracy": float(np.mean(right)),
        **input_changes(model, {"attribute": (condition, 1 - condition)}),
    }


def measure_label_fidelity(run: Run, model: GenerativeModel, split: str = "test", n: int = 1000) -> dict[str, float]:
    """The share of n pictures of a CGAN, with the classes in turn, that a classifier assigns to the right class.

    Also how much the picture changes with the class and with the latent; see `input_changes`.
    """
    held, reader = run.source(split), classifier_of(run, "classes")
    asked = np.arange(n) % model.classes
    inputs = {
        "z": model.sample_latents(latents.KEY, 0, n),
        "codes": np.eye(model.classes, dtype=np.float32)[asked],
    }
    seen = classifier.read_class(reader, in_batches(model.generator, inputs))
    right = over(held, functools.partial(classifier.read_class, reader)) == held.labels
    fidelity, labels = float(np.mean(seen == asked)), np.eye(model.classes, dtype=np.float32)
    first = np.arange(CHANGED)
    return {
        "pictures": n,
        "label_fidelity": fidelity,
        **_interval("label_fidelity", fidelity, n),
        "label_fidelity_chance": 1 / model.classes,
        "classifier_test_accuracy": float(np.mean(right)),
        **input_changes(model, {"label": (labels[first % model.classes], labels[_another(first, model.classes)])}),
    }


def _interval(name: str, share: float, n: int) -> dict[str, float]:
    low, high = chance.wilson(share, n)
    return {f"{name}_low": low, f"{name}_high": high}


CHANGED = 200  # pictures of which one input is changed


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


def measure_samples(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """Distances of samples to a split and to the training set, on the features of `classifier_of`, beside the rivals'.

    There are as many samples as real pictures. During training, on the validation part, deviations are left out, as
    they take most of the time.
    """
    known = reference(run, split)
    seen = classifier.features(classifier_of(run), latents.prior_samples(model, len(known.real)))

    def compared(real: np.ndarray, seen: np.ndarray) -> dict[str, float]:
        return compare(real, known.train, known.novelty, seen)

    found = distances.deviations(compared, known.real, seen) if split == "test" else {}
    deviations = {f"{name}_deviation": value for name, value in found.items()}
    return {"pictures": len(known.real), **compared(known.real, seen), **deviations, **known.numbers}


def measure_codes(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """`measure_samples`, and what an InfoGAN's codes do.

    `code_I_nmi` is, for labeled data, the normalized mutual information of the label and of the most likely value of
    the categorical code, given a real picture. The other numbers are of generated pictures: `code_I_read` and
    `continuous_I_r2` say how well the recognizer reads the codes back, and `NAME_change` how much the picture changes
    with the code; see `input_changes`.
    """
    numbers, held = measure_samples(run, model, split), run.source(split)
    if held.labels is not None:
        read = over(held, model.read_codes)
        for i in range(len(model.categories)):
            most_likely = np.argmax(read[f"code_{i}"], axis=1)
            numbers[f"code_{i}_nmi"] = chance.nmi(held.labels, most_likely)
            numbers[f"code_{i}_nmi_chance"] = chance.nmi_by_chance(held.labels, most_likely)
    return numbers | measure_codes_read_back(model)


def measure_codes_read_back(model: GenerativeModel, n: int = CHANGED) -> dict[str, float]:
    """How well an InfoGAN's recognizer reads the codes of n generated pictures, and how much each changes the picture.

    Returns:
        {"code_I_read": share of categorical codes that are read correctly, "code_I_read_chance": 1 / number of values,
        "continuous_I_r2": 1 - squared error / variance of a continuous code, and the changes by `input_changes`}.
    """
    codes, others = (np.asarray(model.sample_codes(latents.KEY, draw, n)) for draw in (0, 1))
    z = model.sample_latents(latents.KEY, 0, n)
    read = {name: np.asarray(values) for name, values in model.read_codes(model.generate(z, codes)).items()}
    numbers, inputs, start = {}, {}, 0
    for i, size in enumerate(model.categories):
        part = codes[:, start : start + size]
        values = np.argmax(part, axis=1)
        numbers[f"code_{i}_read"] = float(np.mean(np.argmax(read[f"code_{i}"], axis=1) == values))
        numbers[f"code_{i}_read_chance"] = 1 / size
        step = 1 + np.arange(n) % max(size - 1, 1)
        inputs[f"code_{i}"] = part, np.eye(size, dtype=np.float32)[(values + step) % size]
        start += size
    for i in range(model.continuous):
        part = codes[:, start + i : start + i + 1]
        errors = (read["continuous"][:, i : i + 1] - part) ** 2
        numbers[f"continuous_{i}_r2"] = float(1 - np.mean(errors) / np.var(part))
        inputs[f"continuous_{i}"] = part, others[:, start + i : start + i + 1]
    return numbers | input_changes(model, inputs)


def measure_depth(run: Run, model: GenerativeModel, split: str = "test", n: int = 8) -> dict[str, float]:
    """Errors of predicted depth on a split in meters, and those of the training set's mean depth map.

    `noise_deviation` is the standard deviation of the output over n noise samples, in meters, averaged over the pixels
    of n pictures; `picture_deviation` is the same over n pictures, averaged over the noise samples. A value near 0
    means that the model ignores the noise, or the picture.

    Raises:
        UserError: if the data set has no depth.
    """
    test, truth, seen = run.source(split), run.source(split).metres(), run.source("train").metres()
    known, mean = truth > 0, np.broadcast_to(depth.mean_map(seen, seen > 0), truth.shape)
    repeated = np.stack([10 * latents.depths(model, test.floats(slice(n)), number) for number in range(n)])
    return {
        "pictures": len(test),
        **depth.errors(truth, 10 * latents.depths(model, test.floats()), known),
        **{f"mean_map_{name}": value for name, value in depth.errors(truth, mean, known).items()},
        "noise_deviation": float(np.mean(np.std(repeated, axis=0, dtype=np.float64))),
        "picture_deviation": float(np.mean(np.std(repeated, axis=1, dtype=np.float64))),
    }


# Meanings of the numbers. Pictures have values from 0 to 1.
COLUMNS = {
    "untrained": "the generator before training",
    "pixels": "independent pixels, each drawn from its own values in the training pictures",
    "gaussian": "the Gaussian with the mean and covariance of the training pictures' pixels",
    "pca": "the Gaussian of the training pictures' first 64 principal components",
    "copies": "random pictures of the training set, as a generator would show that copies it",
    "unseen": "the real pictures of the test set",
    "sampled_code": "one sampled code per picture instead of the mean code",
    "mean_picture": "the mean of the training pictures",
    "linear": "a PCA of the training pictures with as many components as the code has numbers",
    "mean_map": "the training set's mean depth map",
    "low": "lower end of the 95 % interval (Wilson)",
    "high": "upper end of the 95 % interval (Wilson)",
    "chance": "by chance",
    "reader": "accuracy of the classifier on the real test pictures",
}
_ACCURACY = {"classifier_test_accuracy": COLUMNS["reader"]}


def _beside(*columns: str) -> Callable[[str], dict[str, str]]:
    """A function of a number's name: column -> NAME_COLUMN, the number beside it."""
    return lambda name: {column: f"{name}_{column}" for column in columns}


_COMPARED = {
    "frechet": "Frechet distance between as many samples and the test set, on the features of a small classifier (not "
    "the published FID)",
    "frechet_train": f"the same to the training set, or to {FITTED:,} random pictures of it",
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
_SAMPLE_RIVALS = {name: _beside("untrained", "pixels", "gaussian", "pca", "copies")(name) for name in _COMPARED}
_SAMPLE_RIVALS["frechet_train"] |= _beside("unseen")("frechet_train")
_SAMPLES = {
    "pictures": "number of pictures compared",
    **_ACCURACY,
    **_COMPARED,
    **{
        name: f"{row} of {COLUMNS[column]}" for row, beside in _SAMPLE_RIVALS.items() for column, name in beside.items()
    },
    "frechet_copies_deviation": f"its standard deviation over {DRAWS} random sets of training pictures",
    **{
        f"{name}_deviation": f"standard deviation of {name} over sets of as many pictures (jackknife)"
        for name in _COMPARED
    },
}
_CHANGE = "change of the picture when {} changes, relative to that when all inputs change; 0 if it is ignored"
_LATENT_CHANGE = {"z_change": _CHANGE.format("the latent")}
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


def _interval_meanings(name: str, chance: str) -> dict[str, str]:
    return {
        f"{name}_low": f"lower end of the 95 % interval (Wilson) of {name}",
        f"{name}_high": f"upper end of the 95 % interval (Wilson) of {name}",
        f"{name}_chance": chance,
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
        "mean_picture_mse": "mean squared error of the training pictures' mean on the test set",
        "pca_mse": "mean squared error on the test set of a PCA of the training pictures with as many components as "
        "the code has numbers",
        "pca_components": "number of principal components that are needed for an error as small as from the mean code",
        "test_mse_over_mean_picture": "error from the mean code, relative to that of the mean picture",
        "kl": "KL divergence of the posterior from N(0, I) in nats, summed over the latents, mean over the test set",
        "code_size": "number of latents",
        "active_latents": f"latents whose mean varies over the test set by a variance above {ACTIVE}; the others "
        "carry no information (Burda et al. 2015, arXiv:1509.00519)",
    },
    rivals={
        "test_mse_mean_code": {
            "sampled_code": "test_mse_sampled_code",
            "mean_picture": "mean_picture_mse",
            "linear": "pca_mse",
        }
    },
)
attribute_fidelity = Score(
    measure_attribute_fidelity,
    best="switched",
    reads="attributes",
    pictures=1,
    higher_is_better=True,
    meanings={
        "latents": "number of latents",
        "switched": "share of latents for which the condition switches the attribute, according to a classifier",
        **_interval_meanings(
            "switched", "switched by chance: both pictures show the attribute or not, independently, half of the time"
        ),
        "absent_at_0": "share of pictures without the attribute at condition 0",
        "present_at_1": "share of pictures with the attribute at condition 1",
        "others_kept": "share of the other attributes that are read the same at both conditions of a latent",
        "others_kept_chance": "the same for pictures of different latents",
        **_ACCURACY,
        "attribute_change": _CHANGE.format("the attribute"),
        **_LATENT_CHANGE,
    },
    rivals={
        "switched": _beside("low", "high", "chance")("switched") | {"reader": "classifier_test_accuracy"},
        "others_kept": {"chance": "others_kept_chance"},
    },
)
label_fidelity = Score(
    measure_label_fidelity,
    best="label_fidelity",
    reads="classes",
    pictures=1,
    higher_is_better=True,
    meanings={
        "pictures": "number of pictures generated",
        "label_fidelity": "share of generated pictures that a classifier assigns to the requested class",
        **_interval_meanings("label_fidelity", "the same by chance, 1 / number of classes"),
        **_ACCURACY,
        "label_change": _CHANGE.format("the class"),
        **_LATENT_CHANGE,
    },
    rivals={
        "label_fidelity": _beside("low", "high", "chance")("label_fidelity") | {"reader": "classifier_test_accuracy"}
    },
)
# The coverage uses the fifth nearest neighbor of each picture, and the jackknife leaves one out.
_ON_FEATURES: dict[str, Any] = {
    "best": "frechet",
    "on_features": True,
    "pictures": 7,
    "bounds": {
        "nearest": (0.5, "the samples are nearly copies of training pictures"),
        "recall": (0.1, "the samples are like hardly any of the real pictures"),
        "variety": (0.5, "many samples are nearly the same, so the generator may have collapsed"),
    },
}
sample_quality = Score(measure_samples, **_ON_FEATURES, meanings=_SAMPLES, rivals=_SAMPLE_RIVALS)
depth_errors = Score(
    measure_depth,
    best="rmse",
    pictures=1,
    meanings={
        "pictures": "number of test pictures",
        **_DEPTH,
        **{f"mean_map_{name}": f"for the training set's mean depth map: {text}" for name, text in _DEPTH.items()},
        "noise_deviation": "standard deviation over noise samples, in meters; near 0 means that noise is ignored",
        "picture_deviation": "standard deviation over pictures, in meters; near 0 means that the picture is ignored",
    },
    rivals={name: {"mean_map": f"mean_map_{name}"} for name in _DEPTH},
)


def code_quality(categorical: int, continuous: int = 0) -> Score:
    """The Score of an InfoGAN with these numbers of categorical and continuous codes."""
    meanings: dict[str, str] = {}
    beside: dict[str, dict[str, str]] = {}
    for i in range(categorical):
        code = f"categorical code {i + 1}"
        meanings |= {
            f"code_{i}_nmi": f"normalized mutual information of {code} and the label, from 0 to 1",
            f"code_{i}_nmi_chance": "the same by chance: mean over 100 random orders of the codes",
            f"code_{i}_read": f"share of generated pictures in which the recognizer reads {code} correctly",
            f"code_{i}_read_chance": "the same by chance, 1 / number of values",
            f"code_{i}_change": _CHANGE.format(code),
        }
        beside |= {name: _beside("chance")(name) for name in (f"code_{i}_nmi", f"code_{i}_read")}
    for i in range(continuous):
        code = f"continuous code {i + 1}"
        meanings |= {
            f"continuous_{i}_r2": f"R2 of {code} as the recognizer reads it in generated pictures; 0 if it is ignored",
            f"continuous_{i}_change": _CHANGE.format(code),
        }
    return Score(
        measure_codes,
        **_ON_FEATURES,
        meanings=_SAMPLES | meanings | _LATENT_CHANGE,
        rivals=_SAMPLE_RIVALS | beside,
    )
