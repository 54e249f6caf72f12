"""Pictures and reconstructions by models without structure, fitted to training pictures. A model should beat them."""

import dataclasses

import numpy as np
import scipy.linalg


def independent_pixels(images: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """n pictures in which each pixel and channel is drawn from its own values in the training pictures.

    Args:
        images: (N, H, W, C) training pictures.
        n: number of pictures to draw.
        random: source of randomness.
    """
    flat = images.reshape(len(images), -1)
    chosen = random.integers(0, len(flat), (n, flat.shape[1]), dtype=np.int32)
    return np.take_along_axis(flat, chosen, axis=0).reshape(n, *images.shape[1:])


def gaussian(images: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """n pictures from the Gaussian with the mean and the covariance of the training pictures, clipped to [0, 1].

    X^T w / sqrt(N - 1), with the centered pictures X and w ~ N(0, I), has the covariance X^T X / (N - 1) without
    computing it. Its rank is at most N - 1.

    Args:
        images: (N, H, W, C) training pictures in [0, 1], N >= 2.
        n: number of pictures to draw.
        random: source of randomness.
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0)
    weights = random.standard_normal((n, len(flat)), np.float32) / np.float32(np.sqrt(len(flat) - 1))
    return _pictures(mean + weights @ (flat - mean), images)


@dataclasses.dataclass(frozen=True)
class PCA:
    """Principal components of pictures with D values each.

    Attributes:
        mean: (D,).
        components: (K, D), orthonormal, that with the largest variance first.
        variances: (K,), of the training pictures along the components.
    """

    mean: np.ndarray
    components: np.ndarray
    variances: np.ndarray

    def codes(self, images: np.ndarray) -> np.ndarray:
        """The principal components (n, K) of pictures (n, H, W, C)."""
        return (images.reshape(len(images), -1) - self.mean) @ self.components.T

    def reconstruction(self, images: np.ndarray) -> np.ndarray:
        """Pictures (n, H, W, C) reconstructed from their principal components, the same shape."""
        return (self.mean + self.codes(images) @ self.components).reshape(images.shape)

    def errors(self, images: np.ndarray) -> np.ndarray:
        """Mean squared errors (K + 1,) of the reconstructions from the first 0, 1, ..., K components."""
        error = np.mean((images.reshape(len(images), -1) - self.mean) ** 2, dtype=np.float64)
        gains = np.mean(self.codes(images).astype(np.float64) ** 2, axis=0) / len(self.mean)
        return error - np.concatenate([[0.0], np.cumsum(gains)])


def fit_pca(images: np.ndarray, components: int) -> PCA:
    """The PCA of pictures (N, H, W, C) with this number of components, or as many as N pictures determine.

    It needs the eigenvectors of the smaller of X^T X and X X^T, where X are the centered pictures.
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0)
    centered = flat - mean
    n, d = centered.shape
    square = centered.T @ centered if d <= n else centered @ centered.T
    first = max(0, len(square) - min(components, n - 1, d))
    values, vectors = scipy.linalg.eigh(square, subset_by_index=[first, len(square) - 1])
    kept = np.flatnonzero(values > 1e-6 * values[-1])[::-1] if values[-1] > 0 else np.array([len(values) - 1])
    vectors = vectors[:, kept] if d <= n else centered.T @ vectors[:, kept]
    lengths = np.maximum(np.linalg.norm(vectors, axis=0), np.finfo(np.float32).tiny)
    return PCA(mean, (vectors / lengths).T.astype(np.float32), values[kept] / (n - 1))


def pca_gaussian(images: np.ndarray, n: int, random: np.random.Generator, components: int = 64) -> np.ndarray:
    """n pictures from the Gaussian of the first principal components, clipped to [0, 1].

    Args:
        images: (N, H, W, C) training pictures in [0, 1], N >= 2.
        n: number of pictures to draw.
        random: source of randomness.
        components: number of components.
    """
    fitted = fit_pca(images, components)
    codes = random.standard_normal((n, len(fitted.components))) * np.sqrt(np.maximum(fitted.variances, 0))
    return _pictures(fitted.mean + codes.astype(np.float32) @ fitted.components, images)


def _pictures(flat: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.clip(flat, 0, 1).astype(np.float32).reshape(-1, *like.shape[1:])
