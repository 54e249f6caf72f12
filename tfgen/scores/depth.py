"""The errors of predicted depth."""

import numpy as np

from tfgen import latents
from tfgen.metrics import depth
from tfgen.models.base import GenerativeModel
from tfgen.protocols import Run
from tfgen.scores.score import Score

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
