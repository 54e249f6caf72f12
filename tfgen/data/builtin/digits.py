"""scikit-learn's digits: 1,797 handwritten digits of 43 people, 8x8 in 17 grey levels, brought to a larger picture."""

import numpy as np
from PIL import Image

from tfgen.data.source import Source

TRAIN = 1500  # in scikit-learn's order, which goes by writer: the last 297 are by people the training set has hardly seen


def load(split, image_size=32):
    """The digits of one split, "train" (1,500) or "test" (297), white on black, resized with an anti-aliased bicubic filter.

    Returns:
        Source with images (n, image_size, image_size, 1), labels the digits and no attributes.
    """
    from sklearn.datasets import load_digits  # takes a second to import

    digits = load_digits()
    part = slice(None, TRAIN) if split == "train" else slice(TRAIN, None)
    small = np.pad(digits.images[part].astype(np.float32) * (255 / 16), ((0, 0), (1, 1), (1, 1)))  # the strokes touch the border
    large = [Image.fromarray(image).resize((image_size, image_size), Image.Resampling.BICUBIC) for image in small]
    images = np.rint(np.clip(np.stack(large), 0, 255)).astype(np.uint8)[..., None]
    return Source(f"digits/{split}", images, np.zeros((len(images), 0), np.uint8), labels=digits.target[part].astype(np.int32))
