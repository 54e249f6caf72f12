"""CelebA faces in the layout of the homework: `train/*.png`, `test/*.png` of 64x64 pixels, and their attributes in `train.csv`, `test.csv`."""

import concurrent.futures
import csv
import os
import pathlib
import warnings

import numpy as np
from PIL import Image
from tqdm import tqdm

from tfgen import UserError
from tfgen.data.source import Source

SIDE = 64
ATTRIBUTES = (
    "Bangs", "Big_Lips", "Black_Hair", "Blond_Hair", "Brown_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open",
    "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Lipstick",
)  # fmt: skip


def load(split, data_dir, image_size=SIDE):
    """Reads one split, "train" or "test", in the order of its CSV.

    Args:
        split: names the folder and the CSV.
        data_dir: the homework's folder.
        image_size: side the pictures are brought to, with an anti-aliased filter.

    Returns:
        Source with images (n, image_size, image_size, 3) and the CSV's attributes.

    Raises:
        UserError: for anything missing, short, unknown, damaged or of the wrong size; it names the file.
    """
    data_dir = pathlib.Path(data_dir)
    folder, table = data_dir / split, data_dir / f"{split}.csv"
    if not data_dir.is_dir():
        raise UserError(f"{data_dir} is no folder: --data_dir must hold train/, test/, train.csv and test.csv.")
    if not folder.is_dir():
        raise UserError(f"{folder} is missing: {data_dir} must hold a folder {split}/ of {SIDE}x{SIDE} PNG pictures.")
    names, attributes, values = read_attributes(table)
    found = {entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(".png")}
    for name in names:
        if name not in found:
            raise UserError(f"{folder / name} is missing: {table} has a row for it; restore the picture or remove the row.")
    if len(found) > len(names):
        raise UserError(f"{table} is short: it has {len(names)} rows for the {len(found)} pictures in {folder}, the first without one is {min(found - set(names))}.")
    images = np.empty((len(names), image_size, image_size, 3), np.uint8)

    def read(i):
        images[i] = read_picture(folder / names[i], image_size)

    # Pillow decodes without holding Python's global lock. `map` raises the first picture's error in the table's order.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # sizes are checked before anything is decoded
        try:
            list(tqdm(pool.map(read, range(len(names))), f"reading {folder}", len(names), unit="pictures", disable=None, leave=False))
        except UserError:
            pool.shutdown(cancel_futures=True)
            raise
    return Source(f"celeba/{split} in {data_dir}", images, values, attributes)


def read_attributes(path):
    """A homework CSV: (file names, attribute names, values (n, K) uint8 of 0 and 1).

    Raises:
        UserError: naming the file and the line, if it is not one.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: it must hold image_name and the attributes of every picture in {path.stem}/.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): make it a readable CSV file.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is no CSV file in UTF-8 ({error}): restore it.") from None
    header = rows[0] if rows else []
    if header[:1] != ["image_name"] or len(header) < 2:
        raise UserError(f"{path}, line 1: expected image_name and attributes, not {','.join(header)[:80]!r}.")
    unknown = [name for name in header[1:] if name not in ATTRIBUTES]
    if unknown:
        raise UserError(f"{path}, line 1: unknown attribute {unknown[0]!r}; the homework's are {', '.join(ATTRIBUTES)}.")
    if len(set(header)) < len(header):
        raise UserError(f"{path}, line 1: an attribute comes twice.")
    if len(rows) == 1:
        raise UserError(f"{path} has a header and no rows: expected one for every picture in {path.stem}/.")
    seen, values = set(), np.empty((len(rows) - 1, len(header) - 1), np.uint8)
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise UserError(f"{path}, line {number}: {len(row)} fields, expected {len(header)} as in the header.")
        if os.path.basename(row[0]) != row[0] or row[0] in ("", ".", ".."):
            raise UserError(f"{path}, line {number}: {row[0]!r} is no file name; expected the name of a picture in {path.stem}/.")
        if row[0] in seen:
            raise UserError(f"{path}, line {number}: {row[0]} has had a row before; remove one of the two.")
        seen.add(row[0])
        for column, text in enumerate(row[1:]):
            values[number - 2, column] = _bit(text, f"{path}, line {number}, {header[column + 1]}")
    return [row[0] for row in rows[1:]], tuple(header[1:]), values


def _bit(text, where):
    try:
        value = float(text)
    except ValueError:
        value = None
    if value not in (0.0, 1.0):
        raise UserError(f"{where}: {text!r} is no attribute's value; expected 0.0 or 1.0.")
    return int(value)


def read_picture(path, image_size):
    """One 64x64 picture as (image_size, image_size, 3) uint8. Raises UserError, naming the file, if it is damaged or of another size."""
    try:
        with Image.open(path) as picture:
            if picture.size != (SIDE, SIDE):
                width, height = picture.size
                raise UserError(f"{path} is {width}x{height} pixels: expected {SIDE}x{SIDE}.")
            picture = picture.convert("RGB")
    except UserError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} cannot be decoded ({error}): expected a whole PNG of {SIDE}x{SIDE} pixels; restore or replace it.") from None
    return np.asarray(picture if image_size == SIDE else picture.resize((image_size, image_size), Image.Resampling.LANCZOS))
