"""Scores of two sets of feature vectors, real and fake.

On the features of a custom classifier these are not the published FID, and they decrease with n. Always report the
classifier, n, and the distance between two real sets.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors

MOST = 5.0  # deviations from the mean that a standardized feature may have


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of Gaussians fitted to two sets: |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)).

    Args:
        a: (n, F).
        b: (m, F).

    Source: Heusel et al. 2017 (arXiv:1706.08500), eq. 6.
    """
    (mean_a, mean_b), (a, b) = (a.mean(axis=0), b.mean(axis=0)), (np.cov(a, rowvar=False), np.cov(b, rowvar=False))
    # The trace of the square root is the sum of the roots of the eigenvalues, which are real and non-negative up to
    # rounding.
    roots = np.sqrt(np.clip(np.linalg.eigvals(a @ b).real, 0, None))
    return float(np.sum((mean_a - mean_b) ** 2) + np.trace(a) + np.trace(b) - 2 * roots.sum())


def nearest(queries: np.ndarray, candidates: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest candidates of each query, nearest first.

    Args:
        queries: (n, ...), pictures or codes.
        candidates: (m, ...), with the same shape except for m.
        k: number of candidates, at most m.

    Returns:
        (indices (n, k) into the candidates, distances (n, k): the root mean squared difference).
    """
    queries, candidates = (np.reshape(x, (len(x), -1)) for x in (queries, candidates))
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(candidates).kneighbors(queries)
    return indices, distances / np.sqrt(queries.shape[1])


def pairwise(points: np.ndarray) -> np.ndarray:
    """The distances of all n (n - 1) / 2 pairs of points (n, ...), measured as in `nearest`."""
    return pdist(np.reshape(points, (len(points), -1)), "euclidean") / np.sqrt(np.prod(points.shape[1:]))


class Neighbors:
    """All distances among real and fake points, and the scores that compare them by their nearest neighbors.

    Args:
        real: (n, F), n >= 2.
        fake: (m, F), m >= 2.
    """

    def __init__(self, real: np.ndarray, fake: np.ndarray) -> None:
        self.real, self.fake, self.across = _squared(real, real), _squared(fake, fake), _squared(real, fake)
        for own in (self.real, self.fake):
            np.fill_diagonal(own, np.inf)  # no point is its own neighbor

    def precision_recall(self, k: int = 3) -> tuple[float, float]:
        """The share of fake points in the manifold of the real set, and of real points in that of the fake set.

        A set's manifold is the union of balls around its points; the radius is the distance to the k-th nearest
        neighbor in the set. Collapsed samples have a recall of 0.

        Source: Kynkaanniemi et al. 2019 (arXiv:1904.06991), eq. 1 and 2, with k = 3.
        """
        return (
            float(np.mean(np.any(self.across <= _radii(self.real, k)[:, None], axis=0))),
            float(np.mean(np.any(self.across <= _radii(self.fake, k), axis=1))),
        )

    def density_coverage(self, k: int = 5) -> tuple[float, float]:
        """How densely the fake points lie where the real ones do, and the share of real points with a fake one nearby.

        The density is the mean number of the real set's balls that contain a fake point, over k. It is 1 on average for
        two equal distributions, and may be larger. The coverage is the share of balls that contain a fake point. Unlike
        in the recall, an outlier among the fake points counts little.

        Source: Naeem et al. 2020 (arXiv:2002.09797), eq. 3 and 4, with k = 5.
        """
        inside = self.across <= _radii(self.real, k)[:, None]
        return float(np.sum(inside) / (k * inside.shape[1])), float(np.mean(np.any(inside, axis=1)))

    def told_apart(self) -> tuple[float, float]:
        """The shares of real and of fake points whose nearest neighbor among all other points is of their own set.

        Both are .5 on average for two equal distributions and as many points, and near 1 for bad pictures. Of copies of
        the real ones both are small. Of a few good pictures, shown many times, the first is small, the second near 1.

        Source: Lopez-Paz and Oquab 2017 (arXiv:1610.06545), section 3, for each set as in Xu et al. 2018
        (arXiv:1806.07755).
        """
        return (
            float(np.mean(self.real.min(axis=1) < self.across.min(axis=1))),
            float(np.mean(self.fake.min(axis=1) < self.across.min(axis=0))),
        )

    def variety(self) -> float:
        """The median distance of a fake point to the nearest other fake point, relative to that of the real points.

        It is 1 on average for two equal distributions and as many points, and near 0 for a few pictures, shown often.
        """
        fake, real = (float(np.sqrt(np.median(own.min(axis=1)))) for own in (self.fake, self.real))
        return fake / real if real else 1.0


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (n, m) of points (n, F) and (m, F)."""
    return np.maximum(np.sum(a**2, axis=1)[:, None] - 2 * a @ b.T + np.sum(b**2, axis=1), 0)


def _radii(own: np.ndarray, k: int) -> np.ndarray:
    """The squared distances (n,) to the k-th nearest neighbor, from all (n, n), whose diagonal is inf."""
    return np.partition(own, k - 1, axis=1)[:, k - 1]


def standardized(points: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Points (n, F) minus the mean of others (m, F), divided by their deviation; as they are where that is 0.

    Values beyond +-`MOST` become +-`MOST`: a feature that is 0 for nearly all points has a few huge values, which would
    decide the kernel distance alone.
    """
    deviation = like.std(axis=0, dtype=np.float64)
    scaled = (points - like.mean(axis=0, dtype=np.float64)) / np.where(deviation > 0, deviation, 1)
    return np.where(deviation > 0, np.clip(scaled, -MOST, MOST), scaled)


def kernel(a: np.ndarray, b: np.ndarray) -> float:
    """The unbiased squared maximum mean discrepancy with the kernel (x . y / F + 1)^3.

    Its expected value does not depend on the numbers of points, and is 0 for two equal distributions. Standardize the
    features by a third set before, so that none outweighs the others.

    Args:
        a: (n, F), n >= 2.
        b: (m, F), m >= 2.

    Source: Binkowski et al. 2018 (arXiv:1801.01401), eq. 4, with the kernel of section 3.
    """
    own = []
    for points in (a, b):
        values = (points @ points.T / points.shape[1] + 1) ** 3
        total = np.sum(values, dtype=np.float64) - np.trace(values, dtype=np.float64)
        own.append(total / (len(points) * (len(points) - 1)))
    return float(own[0] + own[1] - 2 * np.mean((a @ b.T / a.shape[1] + 1) ** 3, dtype=np.float64))


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, directions: int = 256, seed: int = 0) -> float:
    """The root of the mean squared 2-Wasserstein distance of two sets of points along random directions.

    Args:
        a: (n, ...), pictures or features.
        b: (m, ...), with the same shape except for m.
        directions: number of directions, drawn uniformly.
        seed: seed of the directions.

    Source: Bonneel et al. 2015, Sliced and Radon Wasserstein barycenters of measures, eq. 8; in one dimension, the
    optimal transport takes the points in their order.
    """
    a, b = (np.reshape(points, (len(points), -1)) for points in (a, b))
    lines = np.random.default_rng(seed).standard_normal((a.shape[1], directions)).astype(a.dtype)
    lines /= np.linalg.norm(lines, axis=0)
    levels = (np.arange(max(len(a), len(b))) + 0.5) / max(len(a), len(b))
    first, second = (np.sort(p @ lines, axis=0)[(levels * len(p)).astype(int)] for p in (a, b))
    difference = first - second
    return float(np.sqrt(np.mean(difference.astype(np.float64) ** 2)))


def deviations(
    score: Callable[[np.ndarray, np.ndarray], Mapping[str, float]],
    a: np.ndarray,
    b: np.ndarray,
    groups: int = 20,
    most: int = 1024,
) -> dict[str, float]:
    """The standard deviations of scores of two sets of points, over sets of the same sizes: a jackknife over groups.

    Args:
        score: (a, b) -> {name: number}.
        a: (n, ...), n >= 2.
        b: (m, ...), m >= 2.
        groups: the points of each set are divided into so many groups at random, and one of each is left out at a time.
        most: of larger sets, so many points are used; the deviation is divided by the root of the numbers' ratio.

    Source: Efron and Stein 1981, The jackknife estimate of variance (Annals of Statistics 9): on average, it is not too
    small.
    """
    random = np.random.default_rng(0)
    ratio = max(1.0, min(len(a), len(b)) / most)
    a, b = (points if len(points) <= most else points[random.permutation(len(points))[:most]] for points in (a, b))
    groups = min(groups, len(a), len(b))
    parts = [random.permutation(np.arange(len(points)) % groups) for points in (a, b)]
    left_out = [score(a[parts[0] != i], b[parts[1] != i]) for i in range(groups)]
    return {
        name: float(np.sqrt((groups - 1) * np.var([found[name] for found in left_out]) / ratio)) for name in left_out[0]
    }
