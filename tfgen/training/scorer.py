"""The score on the validation part during training."""

import math
from typing import Any

from tfgen import program
from tfgen.models.average import WeightAverage
from tfgen.models.base import GenerativeModel
from tfgen.runs import Run
from tfgen.training.samples import averaged


class Scorer:
    """Evaluates the model on the validation part at times, and prints whether it is the best so far.

    Attributes:
        numbers: (iteration, {name: number}) of the latest evaluation, or None.
    """

    def __init__(self, run: Run, generative_model: GenerativeModel, average: WeightAverage | None):
        self.run = run
        self.generative_model = generative_model
        self.average = average
        self.numbers: tuple[int, dict[str, float]] | None = None

    def due(self, iteration: int, state: dict[str, Any]) -> bool:
        """Whether to evaluate after this iteration; not if this was done before."""
        every = self.run.settings.evaluated_every
        if not every or not iteration or state.get("scored") == iteration or state["score"] is not None:
            return False
        return iteration % every == 0

    def score(self, iteration: int, state: dict[str, Any]) -> dict[str, Any]:
        """Evaluates the model, with its averaged weights if it has them, and prints the result.

        Args:
            iteration: iteration of the run.
            state: the run's state before.

        Returns:
            The changes of the state: "score" of this iteration, lower is better; "best", the lowest so far; "waited",
            the number of scores since then; "scored", the iteration.
        """
        score, every = self.run.preset.score, self.run.settings.training.evaluate_every
        with averaged(self.average):
            numbers = score(self.run, self.generative_model, "validation")
        measured, self.numbers = numbers[score.best], (iteration, score.own(numbers))
        sign = -1 if score.higher_is_better else 1
        least, best = sign * measured, state["best"]
        better = math.isfinite(least) and (best is None or least < best)
        beside = ", the best so far" if better else "" if best is None else f", not better than {sign * best:.6g}"
        place = f"iteration {iteration}" if isinstance(every, str) else f"epoch {iteration // self.run.steps_per_epoch}"
        program.tell(f"{place}: {score.best} {measured:.6g} on the validation part{beside}")
        return {
            "score": least if math.isfinite(least) else None,
            "best": least if better else best,
            "waited": 0 if better else state["waited"] + 1,
            "scored": iteration,
        }

    def early(self, state: dict[str, Any]) -> bool:
        """Whether early stopping ends training: the error has not improved for as many epochs as its patience."""
        patience = self.run.settings.training.early_stopping
        return 0 < patience <= state["waited"]
