"""Distances between two sets of feature vectors.

On the features of a custom classifier these are not the published FID, and they decrease with n. Always report the
classifier, n, and the distance between two real sets.
"""

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors


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


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """The share of fake points in the manifold of the real set, and of real points in the manifold of the fake set.

    A set's manifold is the union of balls around its points; the radius is the distance to the k-th nearest neighbor in
    the set.

    Args:
        real: (n, F).
        fake: (m, F).

    Returns:
        (precision, recall). Collapsed samples have a recall of 0.

    Source: Kynkaanniemi et al. 2019 (arXiv:1904.06991), eq. 1 and 2, with k = 3.
    """
    return _covered(fake, real, k), _covered(real, fake, k)


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


def _covered(points: np.ndarray, manifold: np.ndarray, k: int) -> float:
    neighbours = NearestNeighbors(n_neighbors=k + 1).fit(manifold)  # the point itself comes first
    radii = neighbours.kneighbors(manifold)[0][:, -1]
    squared = np.sum(points**2, axis=1)[:, None] - 2 * points @ manifold.T + np.sum(manifold**2, axis=1)
    return float(np.mean(np.any(squared <= radii**2, axis=1)))
