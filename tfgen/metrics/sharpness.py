"""Sharpness of pictures."""

import numpy as np

LUMA = (0.299, 0.587, 0.114)


def laplacian_variance(images: np.ndarray) -> np.ndarray:
    """Variance over a picture's pixels of (left + right + above + below - 4 x the pixel itself).

    It is 0 for flat pictures and linear gradients. Noise and checkerboards count as sharp: see `detail`.

    Args:
        images: (n, H, W, C), where C is 1, or 3 and converted to gray; H and W are at least 3.

    Returns:
        (n,) float64, in squares of the pixels' unit.

    Source: Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy: a comparative study.
    """
    grey = _grey(images)
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return np.var(around - 4 * inner, axis=(1, 2))


def detail(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The detail of pictures in two frequency bands: mean squares of the Haar wavelet's coefficients at two scales.

    The fine band holds differences between neighboring pixels, the coarse band those between blocks of 2x2 pixels.
    Relative to real pictures, blur lowers both, the fine one more; grain and checkerboards raise the fine band without
    the coarse one, which edges need.

    Args:
        images: (n, H, W, C), where C is 1, or 3 and converted to gray; H and W are divisible by 4.

    Returns:
        (fine (n,), coarse (n,)) float64, in squares of the pixels' unit. White noise has its variance in both bands.

    Source: Mallat 1989, A theory for multiresolution signal decomposition, with the Haar wavelet.
    """
    grey, found = _grey(images), []
    for _ in range(2):
        a, b, c, d = grey[:, ::2, ::2], grey[:, ::2, 1::2], grey[:, 1::2, ::2], grey[:, 1::2, 1::2]
        parts = [(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2]
        found.append(np.mean(np.square(parts), axis=(0, 2, 3)))
        grey = (a + b + c + d) / 2  # orthonormal: white noise keeps its variance
    return found[0], found[1]


def _grey(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float64) @ (LUMA if images.shape[-1] == 3 else (1.0,))
