"""Pictures and reconstructions by models without structure, fitted to training pictures. A model should beat them."""

import numpy as np
from sklearn.decomposition import PCA


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


def fit_pca(images: np.ndarray, components: int) -> PCA:
    """A PCA of pictures (N, H, W, C) with this number of components, or as many as N pictures determine."""
    flat = images.reshape(len(images), -1)
    return PCA(min(components, len(flat) - 1, flat.shape[1]), random_state=0).fit(flat)


def pca_gaussian(images: np.ndarray, n: int, random: np.random.Generator, components: int = 64) -> np.ndarray:
    """n pictures from the Gaussian of the first principal components, clipped to [0, 1].

    Args:
        images: (N, H, W, C) training pictures in [0, 1], N >= 2.
        n: number of pictures to draw.
        random: source of randomness.
        components: number of components.
    """
    fitted = fit_pca(images, components)
    scores = random.standard_normal((n, fitted.n_components_)) * np.sqrt(fitted.explained_variance_)
    return _pictures(fitted.inverse_transform(scores.astype(np.float32)), images)


def reconstruction(fitted: PCA, images: np.ndarray) -> np.ndarray:
    """Pictures (n, H, W, C) reconstructed from their principal components, the same shape."""
    codes = fitted.transform(images.reshape(len(images), -1))
    return fitted.inverse_transform(codes).reshape(images.shape).astype(np.float32)


def _pictures(flat: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.clip(flat, 0, 1).astype(np.float32).reshape(-1, *like.shape[1:])
