"""Shared code of the readers of pictures: listing folders, reading tables of names, decoding and resizing pictures."""

import array
import contextlib
import csv
import dataclasses
import functools
import importlib
import io
import os
import pathlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfgen import UserError
from tfgen.data.files import Problem

with contextlib.suppress(ImportError):  # HEIC, if its package is there
    importlib.import_module("pillow_heif").register_heif_opener()

# Pillow's formats by the ending of a name, without those that it opens with another program (EPS), only on Windows
# (WMF), or not at all without a plugin.
BY_ENDING = {
    ending: kind
    for ending, kind in Image.registered_extensions().items()
    if kind in Image.OPEN and kind not in ("EPS", "WMF", "MPEG", "HDF5", "GRIB", "BUFR", "IPTC", "PCD")
} | {".mpo": "JPEG"}
# Formats that are known by their first bytes. The others would take damaged files for theirs: they need their ending.
FORMATS = tuple(
    kind
    for kind in ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000", "QOI", "PSD", "DDS", "ICO",
                 "SGI", "SUN", "ICNS", "HEIF")
    if kind in {*BY_ENDING.values()}
)  # fmt: skip
HEIC = (".heic", ".heif", ".hif")
ENDINGS = tuple({*BY_ENDING, *HEIC})
NO_PICTURES = (".csv", ".txt", ".json", ".xml", ".html", ".md", ".py", ".npy", ".npz", ".mat", ".db", ".zip", ".gz")
# Folders that systems and programs leave behind, in lower case; those whose name starts with a dot are hidden anyway.
LEFT_BEHIND = ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__")
SPLITS = {
    "train": ("train", "training", "trainset", "train_set", "train-set"),
    "test": ("test", "testing", "testset", "test_set", "test-set"),
    "validation": ("val", "valid", "validation", "dev"),
}
READABLE = "expected a folder of pictures; make it readable"


# Folders.


def shown(path: str | pathlib.Path) -> str:
    """A path or name for a message: on one line and printable, with bytes that are not UTF-8 as \\udcff."""
    text = str(path)
    return text if text.isprintable() else repr(text)[1:-1]


def names_in(folder: pathlib.Path, expected: str) -> list[str]:
    """Sorted names of the files and folders in a folder, without the hidden ones.

    Args:
        folder: the folder to list.
        expected: end of the error message.

    Raises:
        UserError: if it is not a folder or cannot be listed.
    """
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise UserError(f"{shown(folder)} cannot be listed ({error.strerror}): {expected}.") from None


def contents(
    folder: pathlib.Path, root: pathlib.Path, endings: tuple[str, ...] = ENDINGS, expected: str = READABLE
) -> tuple[list[str], list[str], dict[str, UserError]]:
    """Sorted names of the pictures and folders in a folder, without the hidden ones and those of LEFT_BEHIND.

    Args:
        folder: the folder to list.
        root: --data_dir, the same folder or one above it.
        endings: endings of the names of pictures, in lower case. If they contain .png, files with other endings are
            pictures if Pillow opens them.
        expected: end of the error message if the folder cannot be listed.

    Returns:
        Names of the pictures, names of the folders, and {name: UserError} of what must not be read: symbolic links that
        lead out of both folders, and pipes and the like with a picture's name.

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
    files: list[str] = []
    folders: list[str] = []
    refused: dict[str, UserError] = {}
    roots = [os.path.realpath(root), os.path.realpath(folder)]
    for entry in entries:
        link = entry.is_symlink()
        is_folder = os.path.isdir(entry.path) if link else entry.is_dir()
        if is_folder and entry.name.lower() in LEFT_BEHIND:
            continue
        if (
            not is_folder
            and not entry.name.lower().endswith(endings)
            and not (".png" in endings and not link and entry.is_file() and is_picture(entry.path, entry.name))
        ):
            continue
        if link and not any(_below(os.path.realpath(entry.path), place) for place in roots):
            refused[entry.name] = UserError(
                f"{shown(entry.path)} is a symbolic link that leads out of {shown(root)}: expected a picture or a "
                "folder "
                "below it; replace the link with what it leads to, or remove it."
            )
        elif is_folder:
            folders.append(entry.name)
        elif link or entry.is_file():  # a link that leads nowhere is refused when it is read
            files.append(entry.name)
        else:
            refused[entry.name] = UserError(f"{shown(entry.path)} is not a file: expected a picture; remove it.")
    return files, folders, refused


def _below(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder


def is_picture(path: str, name: str) -> bool:
    """Whether a file is a picture by the ending of its name or, if that says nothing, by its first bytes."""
    ending = os.path.splitext(name)[1].lower()
    if ending in ENDINGS or ending in NO_PICTURES:
        return ending in ENDINGS
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except Exception:  # Pillow may raise anything
        return False


def split_folders(names: Iterable[str], where: str | pathlib.Path) -> dict[str, str]:
    """The folders of the two splits, {"train": name, "test": name}, or {} if there is neither.

    Any case and the usual spellings are known (SPLITS). Without a test set, the validation set is the test set. If only
    one of the two is there, the other has its usual name.

    Args:
        names: names in a folder.
        where: that folder, for messages.

    Raises:
        UserError: for two spellings of the same.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        for part, spellings in SPLITS.items():
            if name.lower() in spellings:
                found.setdefault(part, []).append(name)
    if "train" in found and "test" not in found and "validation" in found:
        found["test"] = found.pop("validation")
    parts = {part: found[part] for part in ("train", "test") if part in found}
    for part, several in parts.items():
        if len(several) > 1:
            what = f"contains {' and '.join(map(shown, several))}: expected one folder for the {part} split"
            raise UserError(f"{shown(where)} {what}; move their pictures into one.")
    return {part: parts.get(part, [part])[0] for part in ("train", "test")} if parts else {}


# Names.


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), in which names are compared; macOS writes them decomposed."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return composed(name.strip().casefold())


def _stem(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in ENDINGS else name


# From strict to lenient: (form of a file's name, form of the name in a table).
FORMS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (str, str),
    (composed, composed),
    (_folded, _folded),
    (lambda name: composed(_stem(name)), composed),
    (lambda name: _folded(_stem(name)), _folded),
)


class Index:
    """Finds files by the names that tables give them: as they are, or else in another Unicode form, in another case, or
    without their ending.

    Args:
        names: {what may be called by a name: its names}.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        self.names = names
        self._found: dict[int, dict[str, list[str]]] = {}

    def find(self, name: str) -> list[str]:
        """All that the name means in the strictest form in which it means something; [] if it means nothing."""
        for level, (of_file, of_row) in enumerate(FORMS):
            if found := self._at(level, of_file).get(of_row(name.replace("\\", "/"))):
                return found
        return []

    def _at(self, level: int, form: Callable[[str], str]) -> dict[str, list[str]]:
        if level not in self._found:
            index: dict[str, list[str]] = {}
            for key, names in self.names.items():
                for called in {form(name.replace("\\", "/")) for name in names}:
                    index.setdefault(called, []).append(key)
            self._found[level] = index
        return self._found[level]


class Complaints:
    """Counts the UserErrors that it passes on to `problem`, and keeps the first."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.number, self.first = problem, 0, ""

    def __call__(self, error: UserError) -> None:
        self.number += 1
        self.first = self.first or str(error).rstrip(".")
        self.problem(error)

    def __str__(self) -> str:
        """The end of a clause: how many there were, and the first."""
        if not self.number:
            return ""
        return f" ({self.number} problem{'s' * (self.number > 1)}, the first: {self.first})"


# Tables of names.


@dataclasses.dataclass
class Table:
    """The good rows of a table, each the name of a picture and its values.

    Attributes:
        path: path of the file.
        columns: names of the K columns after the first, which has the pictures' names.
        names: n names of pictures, none twice.
        lines: n line numbers.
        values: (n, K) int32.
        seen: names in all rows, including the bad ones.
    """

    path: pathlib.Path
    columns: tuple[str, ...]
    names: list[str]
    lines: list[int]
    values: np.ndarray
    seen: set[str]

    def without(self, bad: np.ndarray, fault: Callable[[int], str], problem: Problem) -> "Table":
        """The Table without some rows.

        Args:
            bad: (n,) bool, True for the rows to leave out.
            fault: number of a row -> what is wrong with it.
            problem: called with the UserError of each of these rows.
        """
        for i in np.flatnonzero(bad).tolist():
            problem(UserError(f"{shown(self.path)}, line {self.lines[i]}: {fault(i)}."))
        good = np.flatnonzero(~bad)
        names, numbers = [self.names[i] for i in good], [self.lines[i] for i in good]
        return dataclasses.replace(self, names=names, lines=numbers, values=self.values[good])


def lines(path: pathlib.Path, delimiter: str | None = ",") -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, fields) of the rows of a text file, without blank ones. A byte-order mark and CRLF are
    accepted.

    Args:
        path: path of the file.
        delimiter: "," for comma-separated values with quotes, "" for those separated by whichever of , ; | and tab is
            most frequent in the first line, or None for words separated by whitespace.

    Raises:
        UserError: naming the file, and the line if there is one, if the file cannot be read, is not UTF-8 or is not
            comma-separated.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise UserError(
            f"{shown(path)}, line {line}: expected UTF-8 text, not byte 0x{byte:02x}; save the file as UTF-8."
        ) from None
    except OSError as error:
        raise UserError(
            f"{shown(path)} cannot be read ({error.strerror}): expected a text file; make it readable."
        ) from None
    if delimiter is None:
        rows = ((number, line.split()) for number, line in enumerate(io.StringIO(text, newline=None), 1))
        yield from ((number, fields) for number, fields in rows if fields)
        return
    if not delimiter:
        header = next(filter(str.strip, text.splitlines()), "")
        delimiter = max(",;|\t", key=header.count)  # the first of those that are equally frequent
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, fields) for fields in reader if any(fields))
    except csv.Error as error:
        raise UserError(
            f"{shown(path)}, line {reader.line_num}: expected comma-separated values ({error}); restore the line."
        ) from None


def read_table(
    path: pathlib.Path,
    columns: Sequence[str],
    rows: Iterable[tuple[int, list[str]]],
    value: Callable[[str], int | None],
    expected: str,
    problem: Problem,
) -> Table:
    """The Table of the rows below a header.

    Args:
        path: path of the file, for messages.
        columns: names of the K columns after the first.
        rows: (line number, fields), as `lines` yields them.
        value: text of a field -> int, or None if it is bad.
        expected: the allowed values, for messages: "0.0 or 1.0".
        problem: called with the UserError of each row with a wrong number of fields, a bad name, a name that an earlier
            row has, or a bad value.

    Raises:
        UserError: if there is no row.
    """
    table, values = Table(path, tuple(columns), [], [], np.zeros(0), set()), array.array("i")
    cached, line = functools.cache(value), None  # most fields have one of few values
    for line, fields in rows:
        name = clean_name(fields[0])
        fault, numbers = _fault(table, name, fields), list[int | None]()
        if fault is None:
            numbers = [cached(field) for field in fields[1:]]
            if None in numbers:
                k = numbers.index(None)
                fault = f"expected {expected} for {columns[k]}, not {fields[1 + k][:80]!r}; correct the value"
        if name is not None:
            table.seen.add(name)
        if fault is not None or name is None:
            problem(UserError(f"{shown(path)}, line {line}: {fault}."))
            continue
        table.names.append(name)
        table.lines.append(line)
        values.extend(number for number in numbers if number is not None)
    if line is None:
        raise UserError(f"{shown(path)} has no rows: expected one for each picture; restore it.")
    table.values = np.array(values, np.int32).reshape(len(table.names), len(columns))
    return table


def _fault(table: Table, name: str | None, fields: list[str]) -> str | None:
    """The error of a row, not considering its values, or None."""
    if len(fields) != 1 + len(table.columns):
        return f"expected {1 + len(table.columns)} fields as in the header, not {len(fields)}; restore the line"
    if name is None:
        return f"expected the name of a picture, not {fields[0][:80]!r}; correct the line"
    if name in table.seen:
        return f"expected one row for each picture, but {shown(name[:80])} has an earlier one; remove one of the two"
    return None


def clean_name(text: str) -> str | None:
    """The name of a picture in a table, with / after folders; None if it leads upwards, is absolute or contains control
    characters.
    """
    if not text.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text):
        return None
    text = text.replace("\\", "/")
    if "/" not in text and ":" not in text:  # the usual case
        return text if text not in ("", ".", "..") else None
    path = pathlib.PureWindowsPath(text)  # its rules refuse drive letters too, on every system
    return None if path.anchor or ".." in path.parts or not path.parts else "/".join(path.parts)


# Pictures.


@contextlib.contextmanager
def opened(path: str | pathlib.Path, formats: tuple[str, ...], expected: str) -> Iterator[Image.Image]:
    """A context with a Pillow picture, which must be decoded inside it.

    Args:
        path: path of the file.
        formats: Pillow's names of the accepted formats; the content decides, not the file's name. With FORMATS, the
            format that the name says is accepted too.
        expected: end of the error message: what was expected, and what to do.

    Raises:
        UserError: naming the file, if it is missing, has another format, is damaged or is too large for Pillow.
    """
    ending = os.path.splitext(path)[1].lower()
    any_format = formats is FORMATS
    if any_format and ending in BY_ENDING:
        formats = tuple({*formats, BY_ENDING[ending]})
    try:
        with Image.open(path, formats=formats) as picture:
            yield picture
    except UserError:
        raise
    except UnidentifiedImageError:
        if any_format and ending in HEIC and ending not in BY_ENDING:
            what = "is a picture that is read with the package pillow-heif: install it, or convert the picture"
            raise UserError(f"{shown(path)} {what}.") from None
        what = "PNG, JPEG or another picture that Pillow reads" if any_format else " or ".join(formats)
        raise UserError(f"{shown(path)} is not a {what}: {expected}.") from None
    except Image.DecompressionBombError:
        raise UserError(f"{shown(path)} has more pixels than Pillow accepts: {expected}.") from None
    except Exception as error:  # for damaged pixels, palettes or EXIF Pillow may raise anything
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        why = shown(" ".join(why.split()).replace(". ", ", ").rstrip("."))
        raise UserError(f"{shown(path)} cannot be read ({why}): {expected}.") from None


def to_rgb(picture: Image.Image) -> Image.Image:
    """A Pillow picture of any mode in 8-bit RGB; see `in_channels`."""
    return in_channels(picture, 3)


def in_channels(picture: Image.Image, channels: int, white: int | None = None) -> Image.Image:
    """A Pillow picture of any mode in 8-bit grayscale, for 1 channel, or RGB, for 3.

    16-bit grayscale is scaled, not clipped, unless `white` says what white is; the background of transparent pixels is
    white. Raises ValueError for pixels of more than 16 bits.

    Args:
        picture: the picture.
        channels: 1 or 3.
        white: value of white in 16-bit grayscale, where larger values are white too; None for 65,535.
    """
    if picture.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if picture.mode.startswith("I"):
        steps = np.asarray(picture)
        if steps.min() < 0 or steps.max() > 65_535:
            raise ValueError("its pixels have more than 16 bits")
        picture = Image.fromarray(eight_bits(steps, white or 65_535))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    mode = "L" if channels == 1 else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def white_level(picture: Image.Image) -> int | None:
    """The value of white in 16-bit grayscale, according to a TIFF's tags; None if they do not say.

    Cameras and microscopes write 10, 12 or 14 bits into 16. Tags that a pixel exceeds are wrong, and do not count.
    """
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    if not picture.mode.startswith("I"):
        return None
    levels = [tags.get(50717), tags.get(281)]  # WhiteLevel (DNG), MaxSampleValue
    bits = tags.get(258)  # BitsPerSample
    levels.append(2 ** bits[0] - 1 if isinstance(bits, tuple) and bits and bits[0] < 16 else None)
    for level in levels:
        level = level[0] if isinstance(level, tuple) and level else level
        if isinstance(level, int) and 0 < level < 65_535 and np.asarray(picture).max() <= level:
            return level
    return None


def eight_bits(steps: np.ndarray, white: int = 65_535) -> np.ndarray:
    """Values from 0 to `white` of any shape, scaled to uint8 and rounded; larger values are white."""
    return ((255 * np.minimum(steps.astype(np.int64), white) + white // 2) // white).astype(np.uint8)


def square(
    picture: Image.Image,
    image_size: int,
    resampling: Image.Resampling = Image.Resampling.LANCZOS,
    side: float | None = None,
) -> Image.Image:
    """The central square of a Pillow picture, resized to image_size x image_size pixels.

    Args:
        picture: a picture of any size.
        image_size: side of the result in pixels.
        resampling: the filter; Lanczos is anti-aliased. At the edges of the square it uses the pixels beyond them.
        side: side of the square in pixels; None for the largest one in the picture.
    """
    side = side or min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.resize((image_size, image_size), resampling, (left, top, left + side, top + side))


def pixels(picture: Image.Image) -> np.ndarray:
    """A Pillow picture in mode L or RGB as (height, width, 1 or 3) uint8."""
    return np.frombuffer(picture.tobytes(), np.uint8).reshape(picture.height, picture.width, -1)


def lanczos(images: np.ndarray, image_size: int) -> np.ndarray:
    """Pictures (n, s, s) or (n, s, s, 3) uint8 resized to image_size with an anti-aliased filter, unless they have that
    size.
    """
    if image_size == images.shape[1]:
        return images
    resized = np.empty((len(images), image_size, image_size, *images.shape[3:]), np.uint8)
    for i, image in enumerate(images):
        resized[i] = Image.fromarray(image).resize((image_size, image_size), Image.Resampling.LANCZOS)
    return resized


# Labels.


def check_labels(labels: np.ndarray, classes: Sequence[str], where: str | pathlib.Path) -> None:
    """Raises UserError for labels (n,) that are not the number of a class.

    Args:
        labels: (n,) integers.
        classes: names of the classes, where an empty first name means that numbers start at 1; empty for up to 256
            classes.
        where: start of the error message.
    """
    least, most = (0 if classes[0] else 1, len(classes) - 1) if classes else (0, 255)
    bad = (labels < least) | (labels > most)
    if bad.any():
        at = int(np.argmax(bad))
        raise UserError(
            f"{where} has the label {labels[at]} for picture {at}: expected {least} to {most}; restore the file."
        )
