"""What the readers of folders of pictures have in common."""

import concurrent.futures
import contextlib
import os
import struct
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from tfgen import UserError


def names_in(folder, expected):
    """Sorted names of what a folder holds, less the hidden ones. Raises UserError if it is no folder or cannot be listed."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder} cannot be listed ({error.strerror}): {expected}.") from None


def in_parallel(read, n, folder):
    """Calls read(0), ..., read(n - 1) in threads, with a bar if they are many. Raises the error of the lowest number that has one."""
    progress = tqdm(total=n, desc=f"reading {folder}", unit=" pictures", disable=None if n > 1000 else True, leave=False)
    # Pillow decodes and resizes without holding Python's global lock.
    with progress, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a picture is either read or refused by an error: Pillow's warnings in between help nobody
        for _ in pool.map(read, range(n)):  # raises in order and cancels the rest
            progress.update()


@contextlib.contextmanager
def opened(path, formats, expected):
    """A Pillow picture to look at and decode inside the `with`.

    Args:
        path: file.
        formats: Pillow's names of those accepted; the content decides, not the file's name.
        expected: end of the message: what was expected, and what to do.

    Raises:
        UserError: naming the file, if it is missing, of another format, damaged or too large for Pillow.
    """
    try:
        with Image.open(path, formats=formats) as picture:
            yield picture
    except UnidentifiedImageError:
        raise UserError(f"{path} is no {' or '.join(formats)}: {expected}.") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has more pixels than Pillow opens: {expected}.") from None
    except (OSError, SyntaxError, ValueError, TypeError, struct.error) as error:  # Pillow raises all of these for damaged pixels or EXIF
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): {expected}.") from None


def to_rgb(picture):
    """A Pillow picture of any mode in 8-bit RGB: 16-bit grey is scaled and not clipped, what is transparent lies on white."""
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def square(picture, image_size, resampling=Image.Resampling.LANCZOS):
    """The central square of a Pillow picture, brought to image_size x image_size pixels; Lanczos' filter is an anti-aliased one."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize((image_size, image_size), resampling)
