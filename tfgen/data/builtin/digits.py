"""scikit-learn's digits (Alpaydin and Kaynak 1998): 1,797 by the hands of 13 people, 8x8 in 17 grey levels, brought to
a larger picture.
"""

import numpy as np
from PIL import Image

from tfgen.data.source import Source

# scikit-learn's order goes by writer, some 138 digits each, without saying where one ends. The last 297 are about two
# people's, so the test set is mostly by hands the training set has not seen; each digit comes 149 to 153 times in
# "train" and 27 to 33 times in "test".
TRAIN = 1500


def load(split, image_size=32, examples=None):
    """The digits of one split, "train" (1,500) or "test" (297), white on black, resized with an anti-aliased bicubic
    filter.

    Args:
        split: "train" or "test".
        image_size: side, at least 8. The 8x8 digit takes the middle 8/10 of it.
        examples: at most the first so many; None is all.

    Returns:
        Source with images (n, image_size, image_size, 1), the digits 0..9 as labels and no attributes.
    """
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    part = slice(0, TRAIN) if split == "train" else slice(TRAIN, None)
    # The strokes touch the upper and lower border, where a resized one would look cut off. Lanczos leaves visible
    # ripples beside them.
    small = np.pad(digits.images[part].astype(np.float32) * (255 / 16), ((0, 0), (1, 1), (1, 1)))
    large = [Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC) for image in small]
    images = np.rint(np.clip(np.stack(large), 0, 255)).astype(np.uint8)[..., None]
    return Source(
        f"digits/{split}", images, np.zeros((len(images), 0), np.uint8), labels=digits.target[part].astype(np.int32)
    )[:examples]
