"""How sharp or blurred pictures are."""

import numpy as np

LUMA = (0.299, 0.587, 0.114)


def laplacian_variance(images: np.ndarray) -> np.ndarray:
    """Variance over a picture's pixels of (left + right + above + below - 4 x the pixel itself).

    It is 0 for flat and for evenly shaded pictures. Noise is sharp too, so compare with real pictures of the same size:
    less is blur, more is noise.

    Args:
        images: (n, H, W, C), C is 1, or 3 and converted to grey; H and W are 3 or more.

    Returns:
        (n,) float64, in squares of the pixels' unit.

    Source: Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy: a comparative study.
    """
    grey = np.asarray(images, np.float64) @ (LUMA if images.shape[-1] == 3 else (1.0,))
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return np.var(around - 4 * inner, axis=(1, 2))
