"""CelebA faces: the folder that DLCV Spring 2018 gave out, the official files, or Kaggle's.

homework    train/*.png and test/*.png of 64x64 pixels; 13 attributes as 0.0 and 1.0 in train.csv and test.csv
official    img_align_celeba/*.jpg of 178x218 pixels; 40 attributes as -1 and 1 in list_attr_celeba.txt; splits in
            list_eval_partition.txt
Kaggle      the same, comma-separated in list_attr_celeba.csv and list_eval_partition.csv

The official files may be in celeba/, as torchvision has them. Pictures and rows may differ in Unicode's form of a name,
in case and in the ending, where that is unambiguous.
"""

import functools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, Problem, fail
from tfgen.data.source import Source

SIDE = 64
ATTRIBUTES = (
    "Bangs", "Big_Lips", "Black_Hair", "Blond_Hair", "Brown_Hair", "Heavy_Makeup", "High_Cheekbones", "Male",
    "Mouth_Slightly_Open", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Lipstick",
)  # fmt: skip

SIZE = (178, 218)
ALL_ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks",
    "Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
PARTS = {"train": 0, "test": 2}  # 1 is for validation, and is not read
# Where each of them can be; the first that exists is used. Kaggle's archive has a folder in a folder, the official site
# has three folders.
FOLDERS = ("img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba")
TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv", "Anno/list_attr_celeba.txt")
PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv", "Eval/list_eval_partition.txt")
HOMEWORK = "--data_dir must contain train/, test/, train.csv and test.csv"
OFFICIAL = (
    "--data_dir must contain img_align_celeba/, list_attr_celeba.txt and list_eval_partition.txt, or the two tables as "
    "Kaggle's .csv"
)


def load(
    split: str,
    data_dir: str | pathlib.Path,
    image_size: int = SIDE,
    examples: int | None = None,
    *,
    problem: Problem = fail,
    crop: int | None = None,
) -> Source:
    """Reads one split, "train" or "test", in the order of the table of attributes.

    Args:
        split: chooses the folder and the CSV, or the rows of the partition.
        data_dir: folder in any of the three layouts; if there are several, the official files are read.
        image_size: side that the pictures are resized to, with an anti-aliased filter.
        examples: read at most this many examples; None for all. The whole tables are checked in any case.
        problem: called with the UserError of each bad row, each row without a picture and each picture without a row.
        crop: side in pixels, 8 to 178, of the central square of pictures of 178x218; None for 178. The homework's
            pictures are already cropped.

    Returns:
        Source with images (n, image_size, image_size, 3), not decoded yet, and the attributes in the order of the
        table's columns.

    Raises:
        UserError: naming the file and the line of a table, if anything else is missing, unknown or damaged.
    """
    root = pathlib.Path(data_dir)
    if not os.path.isdir(root):
        raise UserError(
            f"{pictures.shown(root)} is not a folder: {HOMEWORK}, or "
            f"{OFFICIAL.removeprefix('--data_dir must contain ')}; "
            "correct the path."
        )
    if not _first(root, *FOLDERS, *TABLES) and _first(root / "celeba", *FOLDERS, *TABLES):
        root = root / "celeba"  # torchvision's folder
    if _first(root, *FOLDERS, *TABLES):
        crop = SIZE[0] if crop is None else crop
        if not 8 <= crop <= SIZE[0]:
            raise UserError(
                f"--crop must be from 8 to {SIZE[0]}, because CelebA's pictures are {SIZE[0]} pixels wide, not {crop}."
            )
        folder, table, chosen = find_official(split, root, problem)
        reads = [
            functools.partial(read_aligned, os.path.join(folder, name), image_size, crop)
            for _, name in chosen[:examples]
        ]
    elif crop is not None:
        raise UserError(f"the homework's pictures in {pictures.shown(root)} are already cropped: leave out --crop.")
    else:
        folder, table, chosen = find_homework(split, root, problem)
        reads = [
            functools.partial(read_picture, os.path.join(folder, name), image_size) for _, name in chosen[:examples]
        ]
    attributes = table.values[[i for i, _ in chosen[:examples]]].astype(np.uint8)
    return Source(
        f"celeba/{split} in {pictures.shown(root)}",
        Files(reads, (image_size, image_size, 3)),
        attributes,
        table.columns,
    )


def _first(root: pathlib.Path, *names: str) -> pathlib.Path | None:
    """The path of the first of these that exists, or None."""
    return next((root / name for name in names if os.path.exists(root / name)), None)


def read_attributes(
    path: pathlib.Path,
    rows: Iterator[tuple[int, list[str]]],
    first: str,
    attributes: Sequence[str],
    values: dict[float, int],
    expected: str,
    problem: Problem,
) -> pictures.Table:
    """The Table of a file, with values 0 or 1.

    Args:
        path: path of the file, for messages.
        rows: (line number, fields) of its lines, including the header.
        first: name of the first column.
        attributes: names that the other columns may have.
        values: {number in the file: 0 or 1}.
        expected: the allowed numbers, for messages.
        problem: called with the UserError of each bad row.

    Raises:
        UserError: naming the file and the line, for a bad header, or if there is no row.
    """
    line, header = next(rows, (0, None))
    if header is None:
        raise UserError(f"{pictures.shown(path)} is empty: expected a header and a row for each picture; restore it.")
    where = f"{pictures.shown(path)}, line {line}"
    if header[0] != first or len(header) < 2:
        raise UserError(
            f"{where}: expected the header {first},{attributes[0]},..., not {','.join(header)[:80]!r}; restore the "
            "line."
        )
    for k, name in enumerate(header[1:], 1):
        if name not in attributes:
            raise UserError(
                f"{where}: unknown attribute {name[:80]!r}, expected some of {', '.join(attributes)}; rename or "
                "remove the "
                "column."
            )
        if name in header[:k]:
            raise UserError(
                f"{where}: expected each attribute once, but there are two columns {name}; remove one of the two."
            )

    def value(text: str) -> int | None:
        try:
            return values.get(float(text))
        except ValueError:
            return None

    return pictures.read_table(path, header[1:], rows, value, expected, problem)


def with_pictures(
    table: pictures.Table,
    rows: Iterable[int],
    folder: pathlib.Path,
    contents: tuple[list[str], list[str], dict[str, UserError]],
    ending: str,
    problem: Problem,
) -> list[tuple[int, str]]:
    """(number of the row, name of its picture) of those of a Table's `rows` that have a picture in a folder.

    Args:
        table: the table of attributes.
        rows: numbers of the rows of one split.
        folder: folder of the pictures.
        contents: what `pictures.contents` returns for it.
        ending: ending of the names of pictures that must have a row.
        problem: called with the UserError of each row without a picture and each picture without a row.
    """
    files, folders, refused = contents
    index = pictures.Index({name: [name] for name in (*files, *folders)})
    good: list[tuple[int, str]] = []
    taken: set[str] = set()
    for i in rows:
        name = table.names[i]
        names = index.find(name)
        if len(names) == 1 and names[0] not in taken:
            good.append((i, names[0]))
            taken.add(names[0])
            continue
        what = f"is missing: expected a picture for each row of {pictures.shown(table.path)}"
        if names:
            what = f"is the name of {len(names)} pictures or of one with another row in {pictures.shown(table.path)}"
        problem(
            refused.get(name) or UserError(f"{pictures.shown(folder / name)} {what}; restore it or remove its row.")
        )
    pictured = [name for name in files if name.lower().endswith(ending)]
    told = {found for name in table.seen for found in index.find(name)}
    for name in pictured:
        if name not in told:
            problem(
                UserError(
                    f"{pictures.shown(table.path)} is incomplete: expected a row for each of the {len(pictured)} "
                    f"pictures in {pictures.shown(folder)}, but it has {len(table.names)} rows and none for {name!r}; "
                    "restore the table or remove the picture."
                )
            )
    return good


# The homework's.


def find_homework(
    split: str, root: pathlib.Path, problem: Problem
) -> tuple[pathlib.Path, pictures.Table, list[tuple[int, str]]]:
    """(folder, Table of attributes, its rows that have a picture as in `with_pictures`) of one split.

    Raises:
        UserError: unless both splits exist; otherwise a missing test set would only be noticed after the training.
    """
    names = pictures.names_in(root, HOMEWORK)
    places = pictures.split_folders([name for name in names if os.path.isdir(root / name)], root)
    called = {name.lower(): name for name in names}
    for part in ("train", "test"):
        places[f"{part}.csv"] = called.get(f"{part}.csv", f"{part}.csv")
    for name in ("train", "test", "train.csv", "test.csv"):
        kind, present = ("file", os.path.isfile) if name.endswith(".csv") else ("folder", os.path.isdir)
        if not present(root / places.get(name, name)):
            found = f"; found {', '.join(map(pictures.shown, names[:5]))}" if names else ""
            raise UserError(
                f"there is no {kind} {pictures.shown(root / name)}: {HOMEWORK}{found}; restore it or correct the path."
            )
    folder, path = root / places[split], root / places[f"{split}.csv"]
    table = read_attributes(path, pictures.lines(path), "image_name", ATTRIBUTES, {0: 0, 1: 1}, "0.0 or 1.0", problem)
    return (
        folder,
        table,
        with_pictures(table, range(len(table.names)), folder, pictures.contents(folder, root), ".png", problem),
    )


def read_picture(path: str, image_size: int) -> np.ndarray:
    """One 64x64 PNG as (image_size, image_size, 3) uint8.

    Raises UserError, naming the file, if it is damaged or has another size.
    """
    expected = f"expected a PNG of {SIDE}x{SIDE} pixels in 8-bit color; restore the picture"
    with pictures.opened(path, ("PNG",), expected) as picture:
        if picture.size != (SIDE, SIDE):
            raise UserError(f"{pictures.shown(path)} has {picture.width}x{picture.height} pixels: {expected}.")
        if picture.mode.startswith("I"):  # 16-bit grayscale, which Pillow would clip at 255
            raise UserError(f"{pictures.shown(path)} is in 16-bit grayscale: {expected}.")
        return pictures.pixels(pictures.square(picture.convert("RGB"), image_size))


# The official, and Kaggle's.


def find_official(
    split: str, root: pathlib.Path, problem: Problem
) -> tuple[pathlib.Path, pictures.Table, list[tuple[int, str]]]:
    """(folder, Table of attributes, its rows that are in one split and have a picture, as in `with_pictures`).

    Raises:
        UserError: unless both splits have pictures; otherwise a missing test set would only be noticed after the
            training.
    """

    def find(name: str, places: tuple[str, ...]) -> pathlib.Path:
        found = _first(root, *places)
        if not found:
            raise UserError(
                f"there is no {name} in {pictures.shown(root)}: {OFFICIAL}; restore it or correct the path."
            )
        return found

    folder, path = find("folder", FOLDERS), find("table of attributes", TABLES)
    parts_path = find("partition", PARTITIONS)
    tell = pictures.Complaints(problem)
    table = read_attributes(
        path, official_lines(path, tell), "image_id", ALL_ATTRIBUTES, {-1: 0, 1: 1}, "-1 or 1", tell
    )
    partition = read_partition(parts_path, tell)
    known = pictures.Index({name: [name] for name in partition.seen})
    part = dict(zip(partition.names, partition.values[:, 0].tolist(), strict=True))
    rows: dict[str, list[int]] = {"train": [], "test": []}
    for i, name in enumerate(table.names):
        found = known.find(name)
        if len(found) != 1:
            what = f"has no row for {pictures.shown(name)}: expected one for each row of {path.name}; restore it"
            tell(UserError(f"{pictures.shown(parts_path)} {what}."))
        for other, number in PARTS.items():
            if len(found) == 1 and part.get(found[0]) == number:
                rows[other].append(i)
    contents = pictures.contents(folder, root)
    index = pictures.Index({name: [name] for name in contents[0]})
    for other, chosen in rows.items():
        if not any(index.find(table.names[i]) for i in chosen):
            expected = (
                f"expected pictures of both splits, 0 and 2 in {parts_path.name}; restore the pictures and the tables"
            )
            some = f", but {', '.join(map(pictures.shown, contents[0][:2]))}, ..." if contents[0] else ""
            rows_say = f" such as {pictures.shown(table.names[chosen[0]])}{some}" if chosen else ""
            raise UserError(
                f"{pictures.shown(folder)} contains no pictures of the {other} split{rows_say}{tell}: {expected}."
            )
    return folder, table, with_pictures(table, rows[split], folder, contents, ".jpg", tell)


def official_lines(path: pathlib.Path, problem: Problem) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, fields) of either table of attributes in the form of Kaggle's.

    The official table starts with the number of its rows and has no name for the first column.

    Args:
        path: path of the table.
        problem: called with a UserError if that number is wrong.
    """
    if path.suffix == ".csv":
        yield from pictures.lines(path)
        return
    rows, n = pictures.lines(path, None), 0
    first = next(rows, None)
    count = first[1][0] if first is not None and len(first[1]) == 1 and first[1][0].isdecimal() else None
    header = first if count is None else next(rows, None)
    if header is not None:
        yield header[0], ["image_id", *header[1]]
    for row in rows:
        n += 1
        yield row
    if count is not None and count.lstrip("0") != str(n):
        expected = f"expected {count[:20]}, as its first line says; restore it or correct that line"
        problem(UserError(f"{pictures.shown(path)} has {n} rows: {expected}."))


def read_partition(path: pathlib.Path, problem: Problem) -> pictures.Table:
    """The Table of one column that says which split a picture is in: 0 train, 1 validation, 2 test."""
    rows = pictures.lines(path, "," if path.suffix == ".csv" else None)
    if path.suffix == ".csv":
        line, header = next(rows, (1, []))
        if header != ["image_id", "partition"]:
            where = f"{pictures.shown(path)}, line {line}"
            raise UserError(
                f"{where}: expected the header image_id,partition, not {','.join(header)[:80]!r}; restore the line."
            )
    return pictures.read_table(path, ("partition",), rows, {"0": 0, "1": 1, "2": 2}.get, "0, 1 or 2", problem)


def read_aligned(path: str, image_size: int, crop: int) -> np.ndarray:
    """The central square of one picture of 178x218 pixels as (image_size, image_size, 3) uint8.

    If the square is at least 2.5 times as large as the result, libjpeg decodes the picture at half its size, in half
    the time. The result differs from full decoding and Lanczos filtering by 2 of 255 levels (root mean square, faces
    from 178 to 64 pixels), about as much as the JPEG differs from its original.

    Args:
        path: path of a JPEG.
        image_size: side that the square is resized to, with an anti-aliased filter.
        crop: side of the square in pixels.

    Raises:
        UserError: naming the file, if it is damaged or has another size.
    """
    expected = f"expected a JPEG of {SIZE[0]}x{SIZE[1]} pixels; restore the picture"
    with pictures.opened(path, ("JPEG",), expected) as picture:
        if picture.size != SIZE:
            raise UserError(f"{pictures.shown(path)} has {picture.width}x{picture.height} pixels: {expected}.")
        if crop < 2.5 * image_size:
            return pictures.pixels(pictures.square(pictures.to_rgb(picture), image_size, side=crop))
        picture.draft("RGB", (SIZE[0] // 2, SIZE[1] // 2))
        return pictures.pixels(
            pictures.square(pictures.to_rgb(picture), image_size, Image.Resampling.BICUBIC, crop / 2)
        )
