"""A Score: what is measured of a model, what each number means, and the rivals beside it."""

import dataclasses
import json
from collections.abc import Callable, Mapping

from tfgen import UserError
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores import features

SCORES = "scores.json"  # in a run's folder
FORMAT = 2  # of that file: increase it when a number is added or measured in another way
ENOUGH = 200  # pictures: of so many, variety and nearest are .8 to 1.2 for real pictures
PARTS = {"train": "training", "test": "testing", "validation": "validation"}
COLUMNS = {
    "untrained": "the generator before training",
    "pixels": "independent pixels, each drawn from its own values in the training pictures",
    "gaussian": "the Gaussian with the mean and covariance of the training pictures' pixels",
    "pca": "the Gaussian of the training pictures' first 64 principal components",
    "copies": "random pictures of the training set, as a generator would show that copies it",
    "crossfade": "a crossfade between the pictures at both ends",
    "most": "the largest possible value",
    "unseen": "the real pictures of the test set",
    "single": "one sample of the posterior per picture",
    "sampled_code": "one sampled code per picture instead of the mean code",
    "mean_picture": "the mean of the training pictures",
    "linear": "a PCA of the training pictures with as many components as the code has numbers",
    "mean_map": "the training set's mean depth map",
    "low": "lower end of the 95 % interval (Wilson)",
    "high": "upper end of the 95 % interval (Wilson)",
    "chance": "by chance",
    "reader": "accuracy of the classifier on the real test pictures",
}

ACCURACY = {"classifier_test_accuracy": COLUMNS["reader"]}


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
        quick: the same with fewer numbers and in seconds, for training and reports; None if there is none.
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
    quick: Callable[[Run, GenerativeModel, str], dict[str, float]] | None = None
    test_error: bool = False

    def __call__(self, run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
        """Evaluates a model on a split of the data of a run, "test" or "validation". Returns {name: number}.

        Raises UserError if the data do not have what it needs.
        """
        self.check(run, split)
        measure = self.quick if self.quick and split == "validation" else self.measure
        return measure(run, model, split)

    def check(self, run: Run, split: str = "test") -> None:
        """Raises UserError if the data of a run do not have what the score needs."""
        if self.reads:
            features.read_by_classifier(run, self.reads)
        for part in ("train", split):
            source = run.source(part)
            if len(source) < self.pictures:
                raise UserError(
                    f"{source.name} has {features.counted(len(source))} for {PARTS[part]}, but the scores of this "
                    f"model need at least {self.pictures}: use more pictures, or train without --evaluate_every."
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

    def own(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The numbers of the model, without those of its rivals."""
        rivals = {other for beside in self.rivals.values() for other in beside.values()}
        return {name: value for name, value in numbers.items() if name.removesuffix("_deviation") not in rivals}

    def warnings(self, numbers: Mapping[str, float]) -> list[str]:
        """A sentence for each number that is below its bound; none for few pictures, of which it may be by chance."""
        if numbers.get("pictures", 0) < ENOUGH:
            return []
        return [
            f"{meaning}: {name} is {numbers[name]:.2g}, but {least} or more is usual."
            for name, (least, meaning) in self.bounds.items()
            if name in numbers and numbers[name] < least
        ]

    def legend(self, numbers: Mapping[str, float]) -> dict[str, str]:
        """column of the table -> what it is."""
        return {column: COLUMNS[column] for row in self.table(numbers)[:1] for column in row[2:]}


def saved(run: Run, iteration: int) -> dict[str, float] | None:
    """The numbers that `evaluate` saved for the checkpoint of an iteration; None if there are none of this version."""
    score = run.preset.score
    try:
        numbers = json.loads((run.folder / SCORES).read_text())
        same = numbers.pop("format") == FORMAT and numbers.pop("iteration") == iteration
        if same and numbers.keys() <= score.meanings.keys():
            return {name: float(value) for name, value in numbers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not measured yet, or by another version
    return None


def _text(name: str, numbers: Mapping[str, float]) -> str:
    if name not in numbers:
        return ""
    deviation = numbers.get(f"{name}_deviation")
    return f"{numbers[name]:.4g}" + ("" if deviation is None else f" +- {deviation:.2g}")


def beside(*columns: str) -> Callable[[str], dict[str, str]]:
    """A function of a number's name: column -> NAME_COLUMN, the number beside it."""
    return lambda name: {column: f"{name}_{column}" for column in columns}
