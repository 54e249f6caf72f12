"""CelebA faces as DLCV Spring 2018 gave them out: `train/*.png` and `test/*.png` of 64x64 pixels, attributes in `train.csv`, `test.csv`."""

import csv
import io
import os
import pathlib

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.source import Source

SIDE = 64
ATTRIBUTES = (
    "Bangs", "Big_Lips", "Black_Hair", "Blond_Hair", "Brown_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open",
    "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Lipstick",
)  # fmt: skip


def load(split, data_dir, image_size=SIDE, examples=None):
    """Reads one split, "train" or "test", in the order of its CSV.

    Args:
        split: names the folder and the CSV.
        data_dir: the homework's folder.
        image_size: side the pictures are brought to, with an anti-aliased filter.
        examples: decode only the first so many; None is all. The CSV is checked as a whole all the same.

    Returns:
        Source with images (n, image_size, image_size, 3) and the attributes in the order of the CSV's columns.

    Raises:
        UserError: for anything missing, short, unknown, damaged or of the wrong size; it names the file, and the line of a CSV.
    """
    data_dir = pathlib.Path(data_dir)
    check_layout(data_dir)
    folder, table = data_dir / split, data_dir / f"{split}.csv"
    names, attributes, values = read_attributes(table)
    check_pictures(folder, names, table)
    images = read_pictures(folder, names[:examples], image_size)
    return Source(f"celeba/{split} in {data_dir}", images, values[:examples], attributes)


def check_layout(data_dir):
    """Raises UserError unless the folder holds both splits: a report must not find out after the training that there is no test set."""
    if not os.path.isdir(data_dir):
        raise UserError(f"{data_dir} is no folder: --data_dir must hold train/, test/, train.csv and test.csv; correct the path.")
    for name in ("train", "test", "train.csv", "test.csv"):
        kind, present = ("file", os.path.isfile) if name.endswith(".csv") else ("folder", os.path.isdir)
        if not present(data_dir / name):
            raise UserError(
                f"there is no {kind} {data_dir / name}: --data_dir must hold train/, test/, train.csv and test.csv; restore it "
                "or correct the path."
            )


def read_attributes(path):
    """A homework CSV: (n file names, K attribute names, values (n, K) uint8 of 0 and 1). A byte-order mark and CRLF are accepted.

    Raises:
        UserError: naming the file and the line, if it is not one.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise UserError(f"{path}, line {line}: expected text in UTF-8, not byte 0x{byte:02x}; save the CSV as UTF-8.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): expected a CSV file; make it readable.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(f"{path}, line {reader.line_num}", row) for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: expected comma-separated values ({error}); restore the line.") from None
    if not rows:
        raise UserError(f"{path} is empty: expected a header and a row for every picture in {path.stem}/; restore it.")
    (where, header), *rows = rows
    _check_header(header, where)
    if not rows:
        raise UserError(f"{path} has a header but no rows: expected one for every picture in {path.stem}/; restore it.")
    names, values = set(), np.empty((len(rows), len(header) - 1), np.uint8)
    for i, (where, row) in enumerate(rows):
        if len(row) != len(header):
            raise UserError(f"{where}: expected {len(header)} fields as in the header, not {len(row)}; restore the line.")
        name = row[0]
        # The Windows rules refuse both separators and drive letters, on every system.
        if name != pathlib.PureWindowsPath(name).name or name in ("", "..") or not name.isprintable():
            raise UserError(f"{where}: expected the name of a picture in {path.stem}/, not {name[:80]!r}; correct the line.")
        if name in names:
            raise UserError(f"{where}: expected one row a picture, but {name} has had one before; remove one of the two.")
        names.add(name)
        for k, field in enumerate(row[1:]):
            value = _number(field)
            if value not in (0, 1):
                raise UserError(f"{where}: expected 0.0 or 1.0 for {header[k + 1]}, not {field[:80]!r}; correct the value.")
            values[i, k] = value
    return [row[0] for _, row in rows], tuple(header[1:]), values


def _check_header(header, where):
    if header[0] != "image_name" or len(header) < 2:
        raise UserError(f"{where}: expected the header image_name,{ATTRIBUTES[0]},..., not {','.join(header)[:80]!r}; restore the line.")
    for k, name in enumerate(header[1:], 1):
        if name not in ATTRIBUTES:
            known = ", ".join(ATTRIBUTES)
            raise UserError(f"{where}: unknown attribute {name[:80]!r}, expected some of {known}; rename or remove the column.")
        if name in header[:k]:
            raise UserError(f"{where}: expected every attribute once, but {name} comes twice; remove one of the two columns.")


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


def check_pictures(folder, names, table):
    """Raises UserError unless the PNG files of a folder are those the table has rows for."""
    try:
        files = set(os.listdir(folder))
    except OSError as error:
        raise UserError(f"{folder} cannot be listed ({error.strerror}): expected a folder of pictures; make it readable.") from None
    for name in names:
        if name not in files:
            raise UserError(f"{folder / name} is missing: expected a picture for every row of {table}; restore it or remove its row.")
    # macOS leaves a hidden ._00000.png beside 00000.png on some disks and in some archives.
    present = {name for name in files if name.lower().endswith(".png") and not name.startswith(".")}
    unlisted = present.difference(names)
    if unlisted:
        raise UserError(
            f"{table} is short: expected a row for each of the {len(present)} pictures in {folder}, but it has {len(names)} rows and none "
            f"for {min(unlisted)!r}; restore the CSV or remove the pictures without a row."
        )


def read_pictures(folder, names, image_size):
    """Pictures (n, image_size, image_size, 3) uint8, decoded in parallel. Raises UserError for the first bad one in `names`' order."""
    images = np.empty((len(names), image_size, image_size, 3), np.uint8)

    def read(i):
        images[i] = read_picture(folder / names[i], image_size)

    pictures.in_parallel(read, len(names), folder)
    return images


def read_picture(path, image_size):
    """One 64x64 PNG as (image_size, image_size, 3) uint8. Raises UserError, naming the file, if it is damaged or of another size."""
    expected = f"expected a PNG of {SIDE}x{SIDE} pixels in 8-bit colour; restore the picture"
    with pictures.opened(path, ("PNG",), expected) as picture:
        if picture.size != (SIDE, SIDE):
            raise UserError(f"{path} has {picture.width}x{picture.height} pixels: {expected}.")
        if picture.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255
            raise UserError(f"{path} is in 16-bit grey: {expected}.")
        picture = picture.convert("RGB")
    return np.asarray(picture if image_size == SIDE else picture.resize((image_size, image_size), Image.Resampling.LANCZOS))
