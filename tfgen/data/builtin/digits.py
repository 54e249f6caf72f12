"""scikit-learn's digits (Alpaydin and Kaynak 1998): 1,797 digits by 13 writers, 8x8 with 17 gray levels, enlarged."""

import numpy as np
from PIL import Image

from tfgen.data.source import Source

# scikit-learn's digits are ordered by writer, about 138 each, but it does not say where one ends. The last 297 are by
# about two writers, so most writers of the test set are not in the training set. Each digit occurs 149 to 153 times in
# "train" and 27 to 33 times in "test".
TRAIN = 1500


def load(split: str, image_size: int = 32, examples: int | None = None) -> Source:
    """The digits of one split, "train" (1,500) or "test" (297), white on black, resized with an anti-aliased bicubic
    filter.

    Args:
        split: "train" or "test".
        image_size: side in pixels, at least 8. The 8x8 digit fills the middle 8/10 of it.
        examples: number of examples to use from the start; None for all.

    Returns:
        Source with images (n, image_size, image_size, 1), the digits 0..9 as labels and no attributes.
    """
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    part = slice(0, TRAIN) if split == "train" else slice(TRAIN, None)
    # The strokes touch the upper and lower border, where they would look cut off after resizing. Lanczos leaves visible
    # ripples next to them.
    small = np.pad(digits.images[part].astype(np.float32) * (255 / 16), ((0, 0), (1, 1), (1, 1)))
    size = (image_size, image_size)
    large = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in small]
    images = np.rint(np.clip(np.stack(large), 0, 255)).astype(np.uint8)[..., None]
    return Source(
        f"digits/{split}", images, np.zeros((len(images), 0), np.uint8), labels=digits.target[part].astype(np.int32)
    )[:examples]
