"""Sharpness of pictures."""

import numpy as np

LUMA = (0.299, 0.587, 0.114)


def laplacian_variance(images: np.ndarray) -> np.ndarray:
    """Variance over a picture's pixels of (left + right + above + below - 4 x the pixel itself).

    It is 0 for flat pictures and linear gradients. Noise counts as sharp, so compare with real pictures of the same
    size: lower values mean blur, higher values noise.

    Args:
        images: (n, H, W, C), where C is 1, or 3 and converted to gray; H and W are at least 3.

    Returns:
        (n,) float64, in squares of the pixels' unit.

    Source: Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy: a comparative study.
    """
    grey = np.asarray(images, np.float64) @ (LUMA if images.shape[-1] == 3 else (1.0,))
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return np.var(around - 4 * inner, axis=(1, 2))
