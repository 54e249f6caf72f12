"""Errors of depth maps, in meters, as Eigen et al. 2014 (arXiv:1406.2283), section 4.1 and table 1."""

import numpy as np

NEAREST = 1e-3  # meters; nearer predictions are set to this, so that the logarithm and the ratio are finite


def errors(truth: np.ndarray, prediction: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """Errors over all known pixels of all maps.

    Args:
        truth: (n, H, W, 1), meters, positive where known.
        prediction: the same shape, meters.
        known: the same shape, bool; other pixels are ignored.

    Returns:
        {"rmse": meters; "abs_rel": mean of |p - t| / t; "sq_rel": mean of (p - t)^2 / t, meters; "log_rmse": root of
        the mean of d^2, d = log p - log t; "scale_invariant_log": root of the mean over maps of d's variance within the
        map, 0 if each map is correct up to a factor; "delta_1", "delta_2", "delta_3": share of pixels with
        max(p / t, t / p) < 1.25, 1.25^2, 1.25^3; only for these is higher better}.

    Raises:
        ValueError: if no pixel is known.
    """
    truth, prediction = np.asarray(truth, np.float64), np.maximum(np.asarray(prediction, np.float64), NEAREST)
    maps = [np.log(p[k]) - np.log(t[k]) for p, t, k in zip(prediction, truth, known, strict=True) if k.any()]
    if not maps:
        raise ValueError("no pixel of any depth map is known")
    t, p, d = truth[known], prediction[known], np.concatenate(maps)
    ratio = np.exp(np.abs(d))
    return {
        "rmse": float(np.sqrt(np.mean((p - t) ** 2))),
        "abs_rel": float(np.mean(np.abs(p - t) / t)),
        "sq_rel": float(np.mean((p - t) ** 2 / t)),
        "log_rmse": float(np.sqrt(np.mean(d**2))),
        "scale_invariant_log": float(np.sqrt(np.mean([np.var(m) for m in maps]))),
        **{f"delta_{k}": float(np.mean(ratio < 1.25**k)) for k in (1, 2, 3)},
    }


def mean_map(depth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The mean over maps of each pixel's known depth, (H, W, 1); the overall mean where a pixel is never known.

    Args:
        depth: (n, H, W, 1), any unit.
        known: the same shape, bool.
    """
    times = known.sum(axis=0)
    overall = np.mean(depth[known], dtype=np.float64)
    return np.where(times > 0, np.where(known, depth, 0).sum(axis=0, dtype=np.float64) / np.maximum(times, 1), overall)
