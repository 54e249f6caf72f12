"""Any folder of pictures that Pillow can read, of any size and mode.

splits        train/ and test/, in any case, or training/, testing/, val/ ...; if there is neither, `in_test` puts one
              picture in ten into the test set, by its name
labels        a folder for each class, or a CSV with the pictures' names and a column "label" of names or numbers; a
              single column of another name has labels too if most of its values are not those of attributes
attributes    a CSV with the pictures' names and columns of 0 and 1, 0.0 and 1.0, -1 and 1, or false and true
which CSV     attributes.csv or the only *.csv next to the pictures; else train.csv and test.csv next to their
              folders; else attributes.csv or the only other *.csv there; none if there are two class folders or more
names         are the same in any Unicode form and case, and without their ending, where that is unambiguous; they are
              in the CSV's first column, or in the one that contains most of the pictures' names
"""

import dataclasses
import functools
import hashlib
import itertools
import os
import pathlib
from collections.abc import Container, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from PIL import ImageOps

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.files import Files, Problem, fail
from tfgen.data.pictures import shown
from tfgen.data.source import Source

Classes: TypeAlias = dict[str, list[str]]  # class -> sorted paths below --data_dir; the class is "" if there are none

PARTS = ("train", "test")
TABLE, LABEL = "attributes.csv", "label"
SAMPLE = 1000  # rows from which the meaning of a CSV's columns is found
MOST = 10_000  # classes: a conditional network has weights for each of them
LAYOUT = (
    "expected --data_dir to contain train/ and test/, or pictures and no such folders, the pictures in a folder for "
    "each class or not; restore it or correct the path"
)


def load(
    split: str,
    data_dir: str | pathlib.Path,
    image_size: int = 32,
    examples: int | None = None,
    *,
    problem: Problem = fail,
    channels: int = 3,
    white: int | None = None,
) -> Source:
    """Reads one split, "train" or "test".

    The order is that of the CSV. Class folders take turns, the first picture of each, then the second of each, so that
    the first examples show all classes.

    Args:
        split: chooses the folder, if there is one for each split.
        data_dir: folder in any of the layouts above.
        image_size: side that the central squares of the pictures are resized to, with an anti-aliased filter.
        examples: read at most this many examples; None for all.
        problem: called with the UserError of each picture that must not be read or has no class or row, and each bad
            row.
        channels: 1 for grayscale, 3 for color.
        white: value of white in 16-bit grayscale; None for what the file says, or else 65,535.

    Returns:
        Source with images (n, image_size, image_size, channels), not decoded yet, and with labels and the names of the
        classes, or with attributes, or with neither.

    Raises:
        UserError: naming the folder or the file, and the line of a CSV, if a folder is missing or empty, the splits do
            not match, or the CSV is not one.
    """
    if channels not in (1, 3):
        raise UserError(f"--channels must be 1 for grayscale or 3 for color, not {channels}.")
    root = pathlib.Path(data_dir)
    found, places = find_pictures(root, split, problem)
    tables = find_tables(root, found, places)
    paths, columns = by_table(root, found, tables, split, problem) if tables else by_class(found[split])
    given = {"white": white} if white else {}  # what is not given is not part of a picture's identity
    reads = [functools.partial(read_picture, os.path.join(root, path), image_size, channels, **given) for path in paths]
    columns = {"attributes": np.zeros((len(reads), 0), np.uint8)} | columns
    images = Files(reads, (image_size, image_size, channels))
    return Source(f"folder/{split} in {shown(root)}", images, **columns)[:examples]


def in_test(name: str) -> bool:
    """Whether a picture is in the test set of a folder without splits. One picture in ten is, and always the same ones,
    whatever else is in the folder.

    Args:
        name: path below the folder, with /.
    """
    return int.from_bytes(hashlib.sha256(os.fsencode(pictures.composed(name))).digest()[:4], "big") % 10 == 0


def read_picture(path: str, image_size: int, channels: int, white: int | None = None) -> np.ndarray:
    """One picture, turned upright as its EXIF says, as (image_size, image_size, channels) uint8.

    Raises UserError, naming the file, if it is damaged.
    """
    expected = "expected a picture that can be decoded; restore or remove it"
    with pictures.opened(path, pictures.FORMATS, expected) as picture:
        if (
            white
            and not picture.mode.startswith("I")
            and any(";16" in str(tile) for tile in getattr(picture, "tile", ()))
        ):
            raise ValueError("its colors have 16 bits, of which Pillow reads 8, and --white is for grayscale")
        white = white or pictures.white_level(picture)
        upright = pictures.in_channels(ImageOps.exif_transpose(picture), channels, white)
        return pictures.pixels(pictures.square(upright, image_size))


# The pictures in the folder.


def find_pictures(root: pathlib.Path, split: str, problem: Problem) -> tuple[dict[str, Classes], dict[str, str]]:
    """The pictures of both splits.

    Args:
        root: --data_dir.
        split: the split whose errors go to `problem`.
        problem: see `find_classes`.

    Returns:
        {split: Classes} and {split: name of its folder, or ""}.

    Raises:
        UserError: for a split without pictures, and for classes that are not the same in both splits.
    """
    _, folders, refused = pictures.contents(root, root, expected=LAYOUT)
    places = pictures.split_folders((*folders, *refused), root)
    if not places:
        return _divided(root, find_classes(root, "", problem)), dict.fromkeys(PARTS, "")
    for part in PARTS:
        if places[part] in refused:
            raise refused[places[part]]
    found = {part: find_classes(root, places[part], problem if part == split else _ignore) for part in PARTS}
    single = set(found["train"]) ^ set(found["test"])
    if single:
        name = min(single)
        here, missing = PARTS if name in found["train"] else (PARTS[1], PARTS[0])
        if name == "":
            what = f"has a folder for each class and {shown(root / places[here])} has none"
            raise UserError(f"{shown(root / places[missing])} {what}: expected the same in both; sort the pictures.")
        what = f"expected the same classes in train/ and test/; restore it or remove {places[here]}/{shown(name)}"
        raise UserError(f"there is no folder {shown(root / places[missing] / name)}: {what}.")
    return found, places


def _ignore(error: UserError) -> None:
    """The `problem` for bad files and rows of the other split."""


def _divided(root: pathlib.Path, classes: Classes) -> dict[str, Classes]:
    """{split: Classes}. Raises UserError if there are too few pictures for both splits."""
    found = {
        part: {name: [path for path in paths if in_test(path) == (part == "test")] for name, paths in classes.items()}
        for part in PARTS
    }
    for part in PARTS:
        if not any(found[part].values()):
            what = f"contains {sum(map(len, classes.values()))} pictures, too few to split: none is in the {part} set"
            raise UserError(f"{shown(root)} {what}; add some, or put them into train/ and test/.")
    return found


def find_classes(root: pathlib.Path, place: str, problem: Problem) -> Classes:
    """The classes in a folder and their pictures.

    Args:
        root: --data_dir.
        place: name of the folder, "" for root itself.
        problem: called with the UserError of each picture outside the class folders, each folder in a class folder, and
            each file that must not be read.

    Raises:
        UserError: for a folder or a class without pictures.
    """
    loose, names, refused = pictures.contents(root / place, root, expected=LAYOUT)
    inside = {name: pictures.contents(root / place / name, root) for name in names}
    classes: Classes = {}
    for name, (files, _, _) in inside.items():  # macOS and Linux may write the same name in two forms
        classes.setdefault(pictures.composed(name), []).extend(os.path.join(place, name, file) for file in files)
    classes = {name: classes[name] for name in sorted(classes)}
    for error in (*refused.values(), *(error for _, _, refused in inside.values() for error in refused.values())):
        problem(error)
    if not any(classes.values()):
        if not loose:
            raise UserError(f"{shown(root / place)} contains no pictures: {LAYOUT}.")
        for name in names:
            if any(holds_pictures(root / place / name / below, root) for below in inside[name][1]):
                what = "contains folders with pictures: expected them with the others or in folders of classes"
                problem(UserError(f"{shown(root / place / name)} {what}; move or remove them."))
        return {"": [os.path.join(place, file) for file in loose]}
    for name, (files, folders, _) in inside.items():
        if not files:
            expected = "expected .png, .jpg, ...; restore them or remove the folder"
            raise UserError(f"{shown(root / place / name)} contains no pictures: {expected}.")
        for folder in folders:
            what = "is a folder in the folder of a class: expected only pictures; move its contents or remove it"
            problem(UserError(f"{shown(root / place / name / folder)} {what}."))
    for file in loose:
        what = f"is in no class: expected pictures in {shown(root / place)}{os.sep}<class>; move it to such a folder"
        problem(UserError(f"{shown(root / place / file)} {what}."))
    return classes


def holds_pictures(folder: pathlib.Path, root: pathlib.Path) -> bool:
    """Whether there is a picture in a folder or in those below it."""
    seen: set[str] = set()  # links may form a circle
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        if os.path.realpath(place) in seen:
            continue
        seen.add(os.path.realpath(place))
        files, folders, _ = pictures.contents(place, root)
        if files:
            return True
        waiting += [place / name for name in folders]
    return False


def by_class(classes: Classes) -> tuple[list[str], dict[str, Any]]:
    """(paths, fields of a Source) of one split: labels and classes, or nothing if there are no classes."""
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


def find_tables(root: pathlib.Path, found: dict[str, Classes], places: dict[str, str]) -> dict[str, pathlib.Path]:
    """{split: path of its CSV}, the same path for both if they share one, or {} if there is no CSV.

    Args:
        root: --data_dir.
        found, places: what `find_pictures` returns.

    Raises:
        UserError: if only one split has a CSV, and for several CSVs in a folder.
    """
    if len(found["train"]) > 1:
        return {}
    tables: dict[str, pathlib.Path | None] = {}
    for part, place in places.items():
        folders = dict.fromkeys([root / place / name for name in found[part]] + [root / place])  # each once, in order
        beside = [table for folder in folders if (table := only_table(folder, root))]
        if place and not beside:
            # train.csv, or the name of the folder, in any case
            own = {name.lower(): root / name for name in pictures.contents(root, root, (".csv",))[0]}
            ours = [f"{part}.csv", f"{place.lower()}.csv"]
            named = [own[name] for name in ours if name in own]
            others = [f"{name.lower()}.csv" for name in (*PARTS, *places.values())]
            table = named[0] if named else only_table(root, root, ignored=others)
            beside = [table] if table else []
        tables[part] = beside[0] if beside else None
    for part, other in (PARTS, (PARTS[1], PARTS[0])):
        if tables[part] and not tables[other]:
            what = f"there is {shown(str(tables[part]))} for the {part} split and no CSV for the {other} split"
            raise UserError(f"{what}: expected one for both or for each; add {other}.csv, or move it elsewhere.")
    return {part: table for part, table in tables.items() if table}


def only_table(folder: pathlib.Path, root: pathlib.Path, ignored: Container[str] = ()) -> pathlib.Path | None:
    """The path of attributes.csv in a folder or of the only *.csv, or None; files named in `ignored`, in lower case, do
    not count.

    Raises UserError for several CSVs.
    """
    files, _, refused = pictures.contents(folder, root, (".csv",))
    for name, error in refused.items():
        if name.lower().endswith(".csv"):
            raise error
    files = [name for name in files if name.lower() not in ignored]
    if len(files) > 1 and TABLE not in files:
        what = f"contains several CSVs, {', '.join(map(shown, files[:5]))}"
        raise UserError(f"{shown(folder)} {what}: expected one, or {TABLE} among them; move the others elsewhere.")
    return folder / (TABLE if TABLE in files else files[0]) if files else None


def by_table(
    root: pathlib.Path, found: dict[str, Classes], tables: dict[str, pathlib.Path], split: str, problem: Problem
) -> tuple[list[str], dict[str, Any]]:
    """(paths, fields of a Source: labels and classes, or attributes and their names) of one split, in the order of its
    CSV.

    Args:
        root: --data_dir.
        found: what `find_pictures` returns.
        tables: what `find_tables` returns.
        split: "train" or "test".
        problem: called with the UserError of each bad row, each row without a picture and each picture without a row.

    Raises:
        UserError: for a bad header, CSVs that do not match, and a split without rows.
    """
    shared = tables["train"] == tables["test"]
    tell: dict[pathlib.Path, pictures.Complaints] = {
        tables[part]: pictures.Complaints(problem if shared or part == split else _ignore) for part in PARTS
    }
    codes: dict[str, int] = {}
    called = {
        path: names_of({part: found[part] for part in PARTS if tables[part] == path}, root, path) for path in tell
    }
    indices = {path: pictures.Index(called[path]) for path in tell}
    read = {path: read_rows(path, indices[path], codes, tell[path]) for path in tell}
    columns = {table.columns for table in read.values()}
    if len(columns) > 1:
        named = " and ".join(f"{shown(path)} has {','.join(table.columns)[:80]!r}" for path, table in read.items())
        raise UserError(f"{named}: expected the same columns in both; correct the headers.")
    labelled = columns == {(LABEL,)}
    meanings, classes = label_numbers(codes, read.values()) if labelled else (np.zeros(0, np.int32), ())
    chosen: dict[str, tuple[list[str], np.ndarray]] = {}
    for path, table in read.items():
        table = with_labels(table, codes, meanings, tell[path]) if labelled else with_bits(table, tell[path])
        parts = {part: found[part] for part in PARTS if tables[part] == path}
        chosen |= match(table, indices[path], root, parts, tell[path])
    for part in PARTS:
        if not chosen[part][0]:
            path = tables[part]
            header = ",".join(next(pictures.lines(path, ""), (1, []))[1])[:80]
            raise UserError(
                f"{shown(path)} has no good row for any picture of the {part} split{tell[path]}: expected for each "
                f'a row with its name and "{LABEL}" or columns of 0 and 1, and found {header!r}; correct the file.'
            )
    paths, values = chosen[split]
    if labelled:
        return paths, {"labels": values[:, 0], "classes": classes}
    return paths, {"attributes": (values == 1).astype(np.uint8), "attribute_names": columns.pop()}


def names_of(found: dict[str, Classes], root: pathlib.Path, table: pathlib.Path) -> dict[str, set[str]]:
    """{path below root of a picture: what the rows of a CSV may call it}: its name, or its path below the CSV's folder.

    Args:
        found: {split: Classes} of the splits that the CSV is for.
        root: --data_dir.
        table: path of the CSV.
    """
    base = os.path.relpath(table.parent, root) + os.sep
    paths = [path for classes in found.values() for paths in classes.values() for path in paths]
    return {path: {os.path.basename(path), path.removeprefix(base)} for path in paths}


def read_rows(path: pathlib.Path, index: pictures.Index, codes: dict[str, int], problem: Problem) -> pictures.Table:
    """The Table of a CSV, with values -1, 0 and 1 for attributes, or numbers from `codes` for labels.

    Args:
        path: path of the CSV.
        index: the pictures by their names.
        codes: {label: number}; new labels are added to it.
        problem: called with the UserError of each bad row.

    Raises:
        UserError: naming the file and the line, for a bad header, or if there is no row.
    """
    rows = pictures.lines(path, "")
    line, header = next(rows, (1, []))
    sample = list(itertools.islice(rows, SAMPLE))
    rows = itertools.chain(sample, rows)
    names = name_column(header, sample, index)
    if names:
        order = [names, *(k for k, name in enumerate(header) if k != names and (k > names or not _is_index(name)))]
        sample, rows = (
            list(_ordered(path, sample, order, len(header), _ignore)),
            _ordered(path, rows, order, len(header), problem),
        )
        header = [header[k] for k in order]
    columns = [pictures.composed(name.strip()) for name in header[1:]]
    where = f"{shown(path)}, line {line}"
    if not columns:
        what = (
            "expected a header of two columns or more, the name of a picture and what is known of it, not "
            f"{','.join(header)[:80]!r}"
        )
        raise UserError(f"{where}: {what}; restore the line.")
    for k, name in enumerate(columns):
        if not name or not name.isprintable() or name in columns[:k]:
            raise UserError(f"{where}: expected a different name for each column, not {name[:80]!r}; correct the line.")
    if [name.lower() for name in columns] == [LABEL] or (len(columns) == 1 and _are_labels(sample)):
        return pictures.read_table(
            path, [LABEL], rows, functools.partial(_code, codes), "the name or number of a class", problem
        )
    return pictures.read_table(path, columns, rows, _bit, "0 or 1, -1 or 1, or false or true", problem)


def name_column(header: list[str], sample: list[tuple[int, list[str]]], index: pictures.Index) -> int:
    """The number of the column with the pictures' names: the first, unless another one names more pictures, at least
    half as many as it has rows.

    Numbers of rows, which pandas and R write first, may be names too: 0 of 0.png.
    """

    def hits(k: int) -> int:
        names = {name for _, fields in sample if len(fields) > k and (name := clean(fields[k]))}
        return len({path for name in names for path in index.find(name)})

    def clean(text: str) -> str | None:
        return pictures.clean_name(text) if text else None

    counts = [hits(k) for k in range(len(header))]
    best = max(range(len(header)), key=lambda k: (counts[k], not _is_index(header[k]), -k), default=0)
    return best if best and counts[best] >= counts[0] and 2 * counts[best] >= len(sample) else 0


def _is_index(name: str) -> bool:
    """Whether a column's name is that of the numbers of rows."""
    return name.strip().lower() in ("", "unnamed: 0", "index")


def _ordered(
    path: pathlib.Path, rows: Iterable[tuple[int, list[str]]], order: list[int], width: int, problem: Problem
) -> Iterator[tuple[int, list[str]]]:
    """Yields (line number, the fields in another order) of the rows with `width` fields; the UserErrors of the others
    go to `problem`.
    """
    for line, fields in rows:
        if len(fields) == width:
            yield line, [fields[k] for k in order]
        else:
            what = f"expected {width} fields as in the header, not {len(fields)}; restore the line"
            problem(UserError(f"{shown(path)}, line {line}: {what}."))


def _are_labels(sample: list[tuple[int, list[str]]]) -> bool:
    """Whether the second column has labels: most values are not those of attributes, and they are not all different."""
    values = [fields[1].strip() for _, fields in sample if len(fields) == 2]
    return 2 * sum(_bit(value) is None for value in values) > len(values) and 2 * len(set(values)) <= len(values) + 1


def _code(codes: dict[str, int], text: str) -> int | None:
    text = pictures.composed(text.strip())
    return codes.setdefault(text, len(codes)) if text and text.isprintable() else None


def _bit(text: str) -> int | None:
    text = text.strip().lower()
    number = {"false": 0, "true": 1}.get(text, _whole(text))
    return number if number in (-1, 0, 1) else None


def _whole(text: str) -> int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def label_numbers(codes: dict[str, int], tables: Iterable[pictures.Table]) -> tuple[np.ndarray, tuple[str, ...]]:
    """(label of each code, or -1 for a bad one, and the names of the classes) of the CSVs of both splits together.

    If at least half of the labels are numbers, these are the labels, and the classes have no names. Otherwise the
    classes are numbered in the order of their names.
    """
    often = np.sum([np.bincount(table.values[:, 0], minlength=len(codes)) for table in tables], axis=0)
    numbers = [_whole(text) for text in codes]
    if 2 * sum(n for number, n in zip(numbers, often, strict=True) if number is not None) >= often.sum():
        return np.array(
            [number if number is not None and 0 <= number < MOST else -1 for number in numbers], np.int32
        ), ()
    names = sorted(codes)
    places = {name: place if place < MOST else -1 for place, name in enumerate(names)}
    return np.array([places[name] for name in codes], np.int32), tuple(names[:MOST])


def with_labels(table: pictures.Table, codes: dict[str, int], meanings: np.ndarray, problem: Problem) -> pictures.Table:
    """A Table with labels instead of codes, without the rows whose label is bad; their UserErrors go to `problem`."""
    texts = list(codes)

    def fault(i: int) -> str:
        text = texts[table.values[i, 0]][:80]
        return f"expected a label from 0 to {MOST - 1}, or only names, not {text!r}; correct the value"

    labels = meanings[table.values]
    good = table.without(labels[:, 0] < 0, fault, problem)
    return dataclasses.replace(good, values=meanings[good.values])


def with_bits(table: pictures.Table, problem: Problem) -> pictures.Table:
    """A Table of -1, 0 and 1 without the rows with the rarer of -1 and 0, because a CSV writes "no" in one way; the
    UserErrors of these rows go to `problem`.
    """
    no, odd = sorted((-1, 0), key=lambda number: -np.sum(table.values == number))
    bad = (table.values == odd).any(axis=1)
    return table.without(
        bad, lambda i: f"expected {no} or 1, as in the other lines, not {odd}; correct the values", problem
    )


def match(
    table: pictures.Table, index: pictures.Index, root: pathlib.Path, found: dict[str, Classes], problem: Problem
) -> dict[str, tuple[list[str], np.ndarray]]:
    """Finds the picture of each row.

    Args:
        table: Table with names of files, or paths below the CSV's folder.
        index: the pictures by their names.
        root: --data_dir.
        found: {split: Classes} of the splits that the CSV is for.
        problem: called with the UserError of each row without a picture or with several, and each picture without a
            row.

    Returns:
        {split: (paths below root, values (n, K))} in the order of the rows.
    """
    splits = {path: part for part, classes in found.items() for paths in classes.values() for path in paths}
    matched: dict[str, int] = {}
    for i, (name, line) in enumerate(zip(table.names, table.lines, strict=True)):
        paths = index.find(name)
        if len(paths) == 1 and paths[0] not in matched:
            matched[paths[0]] = i
        else:
            what = (
                f"expected the name of a picture next to or below it, not {name[:80]!r}, which is missing; restore the "
                "picture or remove the line"
            )
            if paths:
                what = (
                    f"expected one row for each picture, but {shown(name[:80])} is the name of {len(paths)} or has had "
                    "one before; correct the line"
                )
            problem(UserError(f"{shown(table.path)}, line {line}: {what}."))
    told = {path for name in table.seen for path in index.find(name)}  # also those whose row is bad
    for path in splits:
        if path not in matched and path not in told:
            what = f"has no row in {shown(table.path)}: expected one for each picture; add it or remove the picture"
            problem(UserError(f"{shown(root / path)} {what}."))
    chosen = {part: [path for path in matched if splits[path] == part] for part in found}
    return {part: (paths, table.values[[matched[path] for path in paths]]) for part, paths in chosen.items()}
