"""What chance alone would give, and how exactly a share is known."""

import numpy as np
from scipy import stats
from sklearn.metrics import normalized_mutual_info_score


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share that was observed in n independent trials.

    (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), where z is the normal quantile of the level.

    Args:
        share: p, from 0 to 1.
        n: number of trials, at least 1; an effective number need not be whole.
        level: probability that such an interval covers the true share.

    Returns:
        (low, high), both from 0 to 1.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    z = stats.norm.ppf((1 + level) / 2)
    middle, width = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + sign * width) / (1 + z**2 / n) for sign in (-1, 1))
    return float(max(low, 0.0)), float(min(high, 1.0))


def nmi(labels: np.ndarray, codes: np.ndarray) -> float:
    """The normalized mutual information of two labelings (n,), from 0 (unrelated) to 1 (one determines the other).

    It is normalized by the mean of the two entropies.
    """
    return float(normalized_mutual_info_score(labels, codes))


def nmi_by_chance(labels: np.ndarray, codes: np.ndarray, draws: int = 100, seed: int = 0) -> float:
    """The mean of `nmi` over random orders of the codes. It is above 0, and more so the smaller n is."""
    random = np.random.default_rng(seed)
    return float(np.mean([nmi(labels, random.permutation(codes)) for _ in range(draws)]))
