"""What the readers of folders of pictures have in common: looking into folders, reading tables of names, decoding,
resizing.
"""

import array
import contextlib
import csv
import dataclasses
import functools
import io
import os
import pathlib

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfgen import UserError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
READABLE = "expected a folder of pictures; make it readable"


# Folders.


def shown(path):
    """A path or name for a message: on one line and printable, a byte that is no UTF-8 as \\udcff."""
    text = str(path)
    return text if text.isprintable() else repr(text)[1:-1]


def names_in(folder, expected):
    """Sorted names of what a folder holds, less the hidden ones.

    Raises UserError if it is no folder or cannot be listed.
    """
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise UserError(f"{shown(folder)} cannot be listed ({error.strerror}): {expected}.") from None


def contents(folder, root, endings=ENDINGS, expected=READABLE):
    """What a folder holds, by name, sorted; hidden things and other files than pictures are passed over.

    Args:
        folder: what is listed.
        root: --data_dir, which the folder is or lies in.
        endings: what names of pictures end with, in lower case.
        expected: end of the message if the folder cannot be listed.

    Returns:
        Names of the pictures, names of the folders, and {name: UserError} of what may not be read: symbolic links that
        lead out of both folders, and pipes and the like that are called pictures.

    Raises:
        UserError: if the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as listed:
            entries = sorted(
                (entry for entry in listed if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
    except OSError as error:
        raise UserError(f"{shown(folder)} cannot be listed ({error.strerror}): {expected}.") from None
    files, folders, refused = [], [], {}
    roots = [os.path.realpath(root), os.path.realpath(folder)]
    for entry in entries:
        link = entry.is_symlink()
        is_folder = os.path.isdir(entry.path) if link else entry.is_dir()
        if not is_folder and not entry.name.lower().endswith(endings):
            continue
        if link and not any(_below(os.path.realpath(entry.path), place) for place in roots):
            refused[entry.name] = UserError(
                f"{shown(entry.path)} is a symbolic link that leads out of {shown(root)}: expected a picture or a folder below it; put what "
                "it leads to in its place, or remove it."
            )
        elif is_folder:
            folders.append(entry.name)
        elif link or entry.is_file():  # a link that leads nowhere is refused when it is read
            files.append(entry.name)
        else:
            refused[entry.name] = UserError(f"{shown(entry.path)} is no file: expected a picture; remove it.")
    return files, folders, refused


def _below(path, folder):
    return os.path.commonpath([path, folder]) == folder


# Tables of names.


@dataclasses.dataclass
class Table:
    """The good rows of a table, each a picture's name and values.

    Attributes:
        path: of the file.
        columns: names of the K columns after that of the names.
        names: of n pictures, none twice.
        lines: n line numbers.
        values: (n, K) int32.
        seen: names of all rows, of the bad ones too.
    """

    path: pathlib.Path
    columns: tuple[str, ...]
    names: list[str]
    lines: list[int]
    values: np.ndarray
    seen: set[str]

    def without(self, bad, fault, problem):
        """The Table less the rows where bad (n,) is True; problem is told the UserError of each, in which fault(i) says
        what is wrong.
        """
        for i in np.flatnonzero(bad):
            problem(UserError(f"{shown(self.path)}, line {self.lines[i]}: {fault(i)}."))
        good = np.flatnonzero(~bad)
        names, lines = ([of[i] for i in good] for of in (self.names, self.lines))
        return dataclasses.replace(self, names=names, lines=lines, values=self.values[good])


def lines(path, delimiter=","):
    """Yields (line number, fields) of a text file's rows that are not blank; a byte-order mark and CRLF are accepted.

    Args:
        path: file.
        delimiter: "," for comma-separated values with quotes, or None for words with blanks between them.

    Raises:
        UserError: naming the file, and the line where there is one, if it cannot be read, is not in UTF-8 or not
            comma-separated.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise UserError(
            f"{shown(path)}, line {line}: expected text in UTF-8, not byte 0x{byte:02x}; save the file as UTF-8."
        ) from None
    except OSError as error:
        raise UserError(
            f"{shown(path)} cannot be read ({error.strerror}): expected a file of text; make it readable."
        ) from None
    if delimiter is None:
        rows = ((number, line.split()) for number, line in enumerate(io.StringIO(text, newline=None), 1))
        yield from ((number, fields) for number, fields in rows if fields)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, fields) for fields in reader if fields)
    except csv.Error as error:
        raise UserError(
            f"{shown(path)}, line {reader.line_num}: expected comma-separated values ({error}); restore the line."
        ) from None


def read_table(path, columns, rows, value, expected, problem):
    """The Table of the rows below a header.

    Args:
        path: of the file, for messages.
        columns: names of the K columns after that of the names.
        rows: (line number, fields), as `lines` yields them.
        value: text of a field -> int, or None for a bad one.
        expected: the values there are, for messages: "0.0 or 1.0".
        problem: is told the UserError of each row with another number of fields, a name that is none or that has come
            before, or a bad value.

    Raises:
        UserError: if there is no row.
    """
    table, values = Table(path, tuple(columns), [], [], np.zeros(0), set()), array.array("i")
    value, line = functools.cache(value), None  # few values come often
    for line, fields in rows:
        name = clean_name(fields[0])
        fault, numbers = _fault(table, name, fields), []
        if fault is None:
            numbers = [value(field) for field in fields[1:]]
            if None in numbers:
                k = numbers.index(None)
                fault = f"expected {expected} for {columns[k]}, not {fields[1 + k][:80]!r}; correct the value"
        table.seen.add(name)
        if fault is not None:
            problem(UserError(f"{shown(path)}, line {line}: {fault}."))
            continue
        table.names.append(name)
        table.lines.append(line)
        values.extend(numbers)
    if line is None:
        raise UserError(f"{shown(path)} has no rows: expected one for every picture; restore it.")
    table.values = np.array(values, np.int32).reshape(len(table.names), len(columns))
    return table


def _fault(table, name, fields):
    """What is wrong with a row but for its values, or None."""
    if len(fields) != 1 + len(table.columns):
        return f"expected {1 + len(table.columns)} fields as in the header, not {len(fields)}; restore the line"
    if name is None:
        return f"expected the name of a picture, not {fields[0][:80]!r}; correct the line"
    if name in table.seen:
        return f"expected one row a picture, but {name[:80]} has had one before; remove one of the two"
    return None


def clean_name(text):
    """A picture's name as a table says it, folders before it with /; None for one that leads upwards, is absolute or
    cannot be printed.
    """
    if not text.isprintable() or "\\" in text:
        return None
    if "/" not in text and ":" not in text:  # the usual one
        return text if text not in ("", ".", "..") else None
    path = pathlib.PureWindowsPath(text)  # its rules refuse drive letters too, on every system
    return None if path.anchor or ".." in path.parts or not path.parts else "/".join(path.parts)


# Pictures.


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
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UserError(f"{shown(path)} is no {' or '.join(formats)}: {expected}.") from None
    except Image.DecompressionBombError:
        raise UserError(f"{shown(path)} has more pixels than Pillow opens: {expected}.") from None
    except Exception as error:  # for damaged pixels, palettes or EXIF Pillow raises whatever the damage leads to
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        why = shown(" ".join(why.split()).replace(". ", ", ").rstrip("."))
        raise UserError(f"{shown(path)} cannot be read ({why}): {expected}.") from None


def to_rgb(picture):
    """A Pillow picture of any mode in 8-bit RGB; see `in_channels`."""
    return in_channels(picture, 3)


def in_channels(picture, channels):
    """A Pillow picture of any mode in 8-bit grey, for 1 channel, or RGB, for 3.

    16-bit grey is scaled and not clipped, what is transparent lies on white. Raises ValueError for pixels of more than
    16 bits.
    """
    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if picture.mode.startswith("I"):
        steps = np.asarray(picture)
        if steps.min() < 0 or steps.max() > 65_535:
            raise ValueError("its pixels have more than 16 bits")
        picture = Image.fromarray(eight_bits(steps))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    mode = "L" if channels == 1 else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def eight_bits(steps):
    """Values from 0 to 65,535 of any shape, scaled to uint8 and rounded."""
    return ((255 * steps.astype(np.int64) + 32_767) // 65_535).astype(np.uint8)


def square(picture, image_size, resampling=Image.Resampling.LANCZOS, side=None):
    """The central square of a Pillow picture, brought to image_size x image_size pixels; Lanczos' filter is an
    anti-aliased one.

    side is the square's in pixels, None for the largest there is. At its edges the filter sees what lies beside it in
    the picture.
    """
    side = side or min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.resize((image_size, image_size), resampling, (left, top, left + side, top + side))


def pixels(picture):
    """A Pillow picture in mode L or RGB as (height, width, 1 or 3) uint8."""
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.height, picture.width, -1)


def lanczos(images, image_size):
    """Pictures (n, s, s) or (n, s, s, 3) uint8 brought to image_size with an anti-aliased filter; those of that size
    stay as they are.
    """
    if image_size == images.shape[1]:
        return images
    resized = np.empty((len(images), image_size, image_size, *images.shape[3:]), np.uint8)
    for i, image in enumerate(images):
        resized[i] = Image.fromarray(image).resize((image_size, image_size), Image.Resampling.LANCZOS)
    return resized


# Labels.


def check_labels(labels, classes, where):
    """Raises UserError, beginning with `where`, for a label (n,) that is none of the classes' numbers; without names
    there are up to 256.
    """
    least, most = (0 if classes[0] else 1, len(classes) - 1) if classes else (0, 255)
    bad = (labels < least) | (labels > most)
    if bad.any():
        at = int(np.argmax(bad))
        raise UserError(
            f"{where} has the label {labels[at]} for picture {at}: expected {least} to {most}; restore the file."
        )
