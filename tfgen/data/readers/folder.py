"""Any folder of pictures: PNG, JPEG, BMP, WebP, GIF or TIFF of any size and mode.

splits        train/ and test/; where there is neither, one picture in ten is in the test set, by `in_test` of its name
labels        a folder for each class; or a CSV of the pictures' names and a column called label, of names or numbers
attributes    a CSV of the pictures' names and of columns of 0 and 1, 0.0 and 1.0, -1 and 1, or false and true
which CSV     attributes.csv or the only *.csv beside the pictures, else train.csv and test.csv beside their folders,
else
              attributes.csv or the only other *.csv beside these; where there are two folders of classes or more, none
"""

import dataclasses
import functools
import hashlib
import os
import pathlib

import numpy as np
from PIL import ImageOps

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, fail
from tfgen.data.pictures import shown
from tfgen.data.source import Source

PARTS = ("train", "test")
TABLE, LABEL = "attributes.csv", "label"
MOST = 10_000  # classes: a network that is told the class has a weight for each
LAYOUT = (
    "expected --data_dir to hold train/ and test/, or pictures and no such folders, the pictures in a folder for each class or not; "
    "restore it or correct the path"
)


def load(split, data_dir, image_size=32, examples=None, *, problem=fail, channels=3):
    """Reads one split, "train" or "test".

    A CSV's order is kept. Classes are dealt out in turn, the first picture of each, then the second of each, so that
    the first examples show them all.

    Args:
        split: names the folder, where there is one for each split.
        data_dir: folder in any of the layouts above.
        image_size: side the pictures' central squares are brought to, with an anti-aliased filter.
        examples: only the first so many; None is all.
        problem: is told the UserError of each picture that may not be read or has no class or row, and of each bad row.
        channels: 1 for grey, 3 for colour.

    Returns:
        Source with images (n, image_size, image_size, channels), not decoded yet, and with labels and the classes'
        names, or with attributes, or with neither.

    Raises:
        UserError: for a folder that is missing or empty, splits that do not go together and a CSV that is none; it
            names the folder or the file, and the line of a CSV.
    """
    if channels not in (1, 3):
        raise UserError(f"--channels must be 1, for grey, or 3, for colour, not {channels}.")
    root = pathlib.Path(data_dir)
    found, places = find_pictures(root, split, problem)
    tables = find_tables(root, found, places)
    paths, columns = by_table(root, found, tables, split, problem) if tables else by_class(found[split])
    reads = [functools.partial(read_picture, os.path.join(root, path), image_size, channels) for path in paths]
    columns = {"attributes": np.zeros((len(reads), 0), np.uint8)} | columns
    return Source(f"folder/{split} in {shown(root)}", Files(reads, (image_size, image_size, channels)), **columns)[
        :examples
    ]


def in_test(name):
    """Whether a picture is in the test set, of a folder that has none: so are one in ten, for ever the same, whatever
    else the folder holds.

    Args:
        name: path below the folder, with /.
    """
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:4], "big") % 10 == 0


def read_picture(path, image_size, channels):
    """One picture, upright as its EXIF says, as (image_size, image_size, channels) uint8.

    Raises UserError, naming the file, if it is damaged.
    """
    with pictures.opened(
        path, pictures.FORMATS, "expected a picture that can be decoded; restore or remove it"
    ) as picture:
        return pictures.pixels(
            pictures.square(pictures.in_channels(ImageOps.exif_transpose(picture), channels), image_size)
        )


# What the folder holds.


def find_pictures(root, split, problem):
    """The pictures of both splits.

    Args:
        root: --data_dir.
        split: that of which `problem` is told.
        problem: see `find_classes`.

    Returns:
        {split: {class: sorted paths below root}}, where the class is "" if there are none, and {split: its folder's
        name, or ""}.

    Raises:
        UserError: for a split without pictures, and for classes that are not the same in both.
    """
    _, folders, refused = pictures.contents(root, root, expected=LAYOUT)
    if not any(part in folders or part in refused for part in PARTS):
        return _divided(root, find_classes(root, "", problem)), dict.fromkeys(PARTS, "")
    for part in PARTS:
        if part in refused:
            raise refused[part]
    found = {part: find_classes(root, part, problem if part == split else _pass_over) for part in PARTS}
    single = set(found["train"]) ^ set(found["test"])
    if single:
        name = min(single)
        here, missing = PARTS if name in found["train"] else PARTS[::-1]
        if name == "":
            what = f"has pictures in classes and {shown(root / here)} pictures in none"
            raise UserError(f"{shown(root / missing)} {what}: expected the same of both; sort the pictures.")
        what = f"expected the same classes in train/ and test/; restore it or remove {here}/{shown(name)}"
        raise UserError(f"there is no folder {shown(root / missing / name)}: {what}.")
    return found, {part: part for part in PARTS}


def _pass_over(error):
    """What is done about a bad file of the other split."""


def _divided(root, classes):
    """{split: {class: paths}} of {class: paths}. Raises UserError if there are too few for both splits."""
    found = {
        part: {name: [path for path in paths if in_test(path) == (part == "test")] for name, paths in classes.items()}
        for part in PARTS
    }
    for part in PARTS:
        if not any(found[part].values()):
            what = f"holds {sum(map(len, classes.values()))} pictures and none of them to {part} with, where one in ten is to test with"
            raise UserError(f"{shown(root)} {what}: expected more; add some, or put them into train/ and test/.")
    return found


def find_classes(root, place, problem):
    """The classes in a folder: {name: sorted paths of its pictures below root}, or "" for the name if there are none.

    Args:
        root: --data_dir.
        place: the folder's name, "" for root itself.
        problem: is told the UserError of each picture outside a class, of each folder within a class, and of what may
            not be read.

    Raises:
        UserError: for a folder or a class without pictures.
    """
    loose, names, refused = pictures.contents(root / place, root, expected=LAYOUT)
    inside = {name: pictures.contents(root / place / name, root) for name in names}
    classes = {name: [os.path.join(place, name, file) for file in files] for name, (files, _, _) in inside.items()}
    for error in (*refused.values(), *(error for _, _, refused in inside.values() for error in refused.values())):
        problem(error)
    if not any(classes.values()):
        if not loose:
            raise UserError(f"{shown(root / place)} holds no picture: {LAYOUT}.")
        return {"": [os.path.join(place, file) for file in loose]}
    for name, (files, folders, _) in inside.items():
        if not files:
            expected = f"expected {', '.join(pictures.ENDINGS)}; restore them or remove the folder"
            raise UserError(f"{shown(root / place / name)} holds no picture: {expected}.")
        for folder in folders:
            what = "is a folder within a class: expected pictures alone; move what it holds or remove it"
            problem(UserError(f"{shown(root / place / name / folder)} {what}."))
    for file in loose:
        what = (
            f"is in no class: expected pictures in {shown(root / place)}{os.sep}<class> alone; move it to such a folder"
        )
        problem(UserError(f"{shown(root / place / file)} {what}."))
    return classes


def by_class(classes):
    """(paths, fields of a Source) of one split, as `find_pictures` gives it: labels and classes, or nothing."""
    turns = sorted(
        (turn, label, path) for label, paths in enumerate(classes.values()) for turn, path in enumerate(paths)
    )
    paths = [path for _, _, path in turns]
    if "" in classes:
        return paths, {}
    return paths, {
        "labels": np.array([label for _, label, _ in turns], np.int32),
        "classes": tuple(map(shown, classes)),
    }


# CSVs.


def find_tables(root, found, places):
    """{split: path of its CSV}, where both may have the same, or {} if there is none; arguments as `find_pictures`
    returns them.

    Raises:
        UserError: for one split with a CSV and the other without, and for several CSVs in a folder.
    """
    if len(found["train"]) > 1:
        return {}
    tables = {}
    for part, place in places.items():
        folders = dict.fromkeys([root / place / name for name in found[part]] + [root / place])  # each once, in order
        beside = [table for folder in folders if (table := only_table(folder, root))]
        if place and not beside:
            own = f"{part}.csv" in pictures.contents(root, root, (".csv",))[0]
            beside = [
                root / f"{part}.csv" if own else only_table(root, root, besides=[f"{part}.csv" for part in PARTS])
            ]
        tables[part] = beside[0] if beside else None
    for part, other in (PARTS, PARTS[::-1]):
        if tables[part] and not tables[other]:
            what = (
                f"there is {shown(tables[part])} for the pictures to {part} with and no CSV for those to {other} with"
            )
            raise UserError(f"{what}: expected one for both or for each; add {other}.csv, or put it elsewhere.")
    return tables if tables["train"] else {}


def only_table(folder, root, besides=()):
    """The path of attributes.csv in a folder or of the only *.csv, `besides` left aside, or None.

    Raises UserError for several.
    """
    files, _, refused = pictures.contents(folder, root, (".csv",))
    for name, error in refused.items():
        if name.lower().endswith(".csv"):
            raise error
    files = [name for name in files if name not in besides]
    if len(files) > 1 and TABLE not in files:
        what = f"holds several CSVs, {', '.join(map(shown, files[:5]))}"
        raise UserError(f"{shown(folder)} {what}: expected one, or {TABLE} among them; put the others elsewhere.")
    return folder / (TABLE if TABLE in files else files[0]) if files else None


def by_table(root, found, tables, split, problem):
    """(paths, fields of a Source: labels and classes, or attributes and their names) of one split, in the order of its
    CSV.

    Args:
        root: --data_dir.
        found: as `find_pictures` returns it.
        tables: as `find_tables` returns them.
        split: "train" or "test".
        problem: is told the UserError of each bad row, each row without a picture and each picture without a row.

    Raises:
        UserError: for a bad header, CSVs that do not go together, and a split without a row.
    """
    shared = tables["train"] == tables["test"]
    tell = {tables[part]: problem if shared or part == split else _pass_over for part in PARTS}
    codes = {}
    read = {path: read_rows(path, codes, tell[path]) for path in tell}
    columns = {table.columns for table in read.values()}
    if len(columns) > 1:
        named = " and ".join(f"{shown(path)} has {','.join(table.columns)[:80]!r}" for path, table in read.items())
        raise UserError(f"{named}: expected the same columns in both; correct the headers.")
    labelled = columns == {(LABEL,)}
    meanings, classes = label_numbers(codes, read.values()) if labelled else (None, ())
    chosen = {}
    for path, table in read.items():
        table = with_labels(table, codes, meanings, tell[path]) if labelled else with_bits(table, tell[path])
        chosen |= match(table, root, {part: found[part] for part in PARTS if tables[part] == path}, tell[path])
    for part in PARTS:
        if not chosen[part][0]:
            raise UserError(
                f"{shown(tables[part])} has no good row for any picture to {part} with: expected one for each; restore it."
            )
    paths, values = chosen[split]
    if labelled:
        return paths, {"labels": values[:, 0], "classes": classes}
    return paths, {"attributes": (values == 1).astype(np.uint8), "attribute_names": columns.pop()}


def read_rows(path, codes, problem):
    """The Table of a CSV: -1, 0 and 1 for attributes, and for a single column called label places in `codes`.

    Args:
        path: of the CSV.
        codes: {label: number}, to which new labels are added.
        problem: is told the UserError of each bad row.

    Raises:
        UserError: naming the file and the line, for a bad header, or if there is no row.
    """
    rows = pictures.lines(path)
    line, header = next(rows, (1, []))
    columns = [name.strip() for name in header[1:]]
    where = f"{shown(path)}, line {line}"
    if not columns:
        what = f"expected a header of two columns or more, the name of a picture and what is known of it, not {','.join(header)[:80]!r}"
        raise UserError(f"{where}: {what}; restore the line.")
    for k, name in enumerate(columns):
        if not name or not name.isprintable() or name in columns[:k]:
            raise UserError(
                f"{where}: expected a name of its own for every column, not {name[:80]!r}; correct the line."
            )
    if [name.lower() for name in columns] == [LABEL]:
        return pictures.read_table(
            path, [LABEL], rows, functools.partial(_code, codes), "the name or number of a class", problem
        )
    return pictures.read_table(path, columns, rows, _bit, "0 or 1, -1 or 1, or false or true", problem)


def _code(codes, text):
    text = text.strip()
    return codes.setdefault(text, len(codes)) if text and text.isprintable() else None


def _bit(text):
    text = text.strip().lower()
    number = {"false": 0, "true": 1}.get(text, _whole(text))
    return number if number in (-1, 0, 1) else None


def _whole(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def label_numbers(codes, tables):
    """(label of each code, or -1 for a bad one, and the classes' names) of the CSVs of both splits together.

    Labels that are numbers, at least half of them, are taken as they are, and the classes have no names; else they are
    numbered in the order of the names.
    """
    often = sum(np.bincount(table.values[:, 0], minlength=len(codes)) for table in tables)
    numbers = [_whole(text) for text in codes]
    if 2 * sum(n for number, n in zip(numbers, often, strict=True) if number is not None) >= often.sum():
        return np.array(
            [number if number is not None and 0 <= number < MOST else -1 for number in numbers], np.int32
        ), ()
    names = sorted(codes)
    places = {name: place if place < MOST else -1 for place, name in enumerate(names)}
    return np.array([places[name] for name in codes], np.int32), tuple(names[:MOST])


def with_labels(table, codes, meanings, problem):
    """A Table with labels for codes, less the rows whose label is bad, of which problem is told."""
    texts = list(codes)

    def fault(i):
        return f"expected a label from 0 to {MOST - 1}, or names for all, not {texts[table.values[i, 0]][:80]!r}; correct the value"

    labels = meanings[table.values]
    good = table.without(labels[:, 0] < 0, fault, problem)
    return dataclasses.replace(good, values=meanings[good.values])


def with_bits(table, problem):
    """A Table of -1, 0 and 1 less the rows with the rarer of -1 and 0, of which problem is told: a CSV has one of them
    for no.
    """
    no, odd = sorted((-1, 0), key=lambda number: -np.sum(table.values == number))
    bad = (table.values == odd).any(axis=1)
    return table.without(
        bad, lambda i: f"expected {no} or 1, as in the other lines, not {odd}; correct the values", problem
    )


def match(table, root, found, problem):
    """Which picture each row is of.

    Args:
        table: Table whose names are those of files, or paths below the CSV's folder.
        root: --data_dir.
        found: {split: {class: paths}} of the splits that the CSV is for.
        problem: is told the UserError of each row without a picture or with several, and of each picture without a row.

    Returns:
        {split: (paths below root, values (n, K))} in the order of the rows.
    """
    base = os.path.relpath(table.path.parent, root) + os.sep
    splits = {path: part for part, classes in found.items() for paths in classes.values() for path in paths}
    names = {path: {os.path.basename(path), path.removeprefix(base)} for path in splits}  # what a row may call it
    index, matched = {}, {}
    for path in splits:
        for name in names[path]:
            index.setdefault(name, []).append(path)
    for i, (name, line) in enumerate(zip(table.names, table.lines, strict=True)):
        paths = index.get(name, [])
        if len(paths) == 1 and paths[0] not in matched:
            matched[paths[0]] = i
        else:
            what = f"expected the name of a picture beside or below it, not {name[:80]!r}, which is missing; restore the picture or remove the line"
            if paths:
                what = f"expected one row for each picture, but {name[:80]} is the name of {len(paths)} or has had one before; correct the line"
            problem(UserError(f"{shown(table.path)}, line {line}: {what}."))
    for path in splits:
        if path not in matched and not names[path] & table.seen:
            what = f"has no row in {shown(table.path)}: expected one for every picture; add it or remove the picture"
            problem(UserError(f"{shown(root / path)} {what}."))
    chosen = {part: [path for path in matched if splits[path] == part] for part in found}
    return {part: (paths, table.values[[matched[path] for path in paths]]) for part, paths in chosen.items()}
