"""Random folders: the outcome is the pictures that should be there or one sentence; no picture is left out silently."""

import csv
import io
import os
import pathlib
import re
import tempfile
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sentences import say

from tfgen import UserError, data
from tfgen.data import pictures
from tfgen.data.files import Files
from tfgen.data.prepare import verify
from tfgen.data.readers import celeba, folder, mnist, rgbd

pytestmark = pytest.mark.trace


def fuzz(examples):
    """The same random examples each time."""
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=checks)


def encoded(kind, mode="RGB", size=(8, 8)):
    """The bytes of a picture, by default of 8x8 pixels."""
    file = io.BytesIO()
    Image.new(mode, size, 7 if mode == "L" else (7, 7, 7)).save(file, kind)
    return file.getvalue()


KINDS = {
    ".png": "PNG", ".PNG": "PNG", ".jpg": "JPEG", ".JPG": "JPEG", ".Jpeg": "JPEG", ".jfif": "JPEG", ".bmp": "BMP",
    ".webp": "WEBP", ".gif": "GIF", ".tif": "TIFF", ".TIFF": "TIFF", ".ppm": "PPM", ".pgm": "PPM", ".tga": "TGA",
    ".avif": "AVIF", ".jp2": "JPEG2000", ".qoi": "QOI", "": "PNG",
}  # fmt: skip
CONTENTS = {ending: encoded(kind) for ending, kind in KINDS.items()}
DEPTH = encoded("PNG", "L")
# Letters in one and in two forms, of several scripts, and what tables quote; \udce9 is a byte that is no UTF-8.
LETTERS = "abAB019 _-.,;'\"#%()&é\u00e5Åñ漢字ßΩ😀\u202f\u3000"
NAMES = st.text(LETTERS, min_size=1, max_size=6).filter(lambda name: name[0] != "." and name.strip(" ."))
FORMS = st.sampled_from(["NFC", "NFD"])
JUNK = {
    "__MACOSX/._1.png": b"\0", "__MACOSX/train/x.txt": b"", "Thumbs.db": b"\xd0\xcf", ".DS_Store": b"",
    "notes.txt": b"?", ".ipynb_checkpoints/1.png": CONTENTS[".png"], "desktop.ini": b"[x]",
    "@eaDir/1.png": CONTENTS[".png"],
    "README": b"Read me", "nothing": b"",
}  # fmt: skip


def key(name):
    """Two names with the same key may not be in one folder here: tables could not tell them apart."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def put(root, name, content):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def unique(some, most):
    return st.lists(some, min_size=1, max_size=most, unique_by=key)


@st.composite
def folders(draw):
    """{name: bytes} of a folder with a picture for each row; its layout is one that the reader knows."""
    stems = draw(st.lists(NAMES, min_size=24, max_size=30, unique_by=lambda name: re.sub(r"\.\w+$", "", key(name))))
    endings = [draw(st.sampled_from(sorted(KINDS))) for _ in stems]
    splits = draw(st.sampled_from([
        ("", ""), ("train", "test"), ("Train", "Test"), ("training", "validation"), ("TRAINING", "testing"),
        ("train", "val"), ("train", "Valid"),
    ]))  # fmt: skip
    classes = draw(st.one_of(st.just([]), unique(NAMES.map(lambda name: f"c{name.strip()}"), 3)))
    files, labels = {}, {}
    for i, (stem, ending) in enumerate(zip(stems, endings, strict=True)):
        place = splits[i % 2]
        if classes:
            # The form of a class differs from split to split, as after a copy by macOS.
            form = draw(FORMS) if splits[0] else "NFC"
            place = os.path.join(place, unicodedata.normalize(form, classes[i // 2 % len(classes)]))
        name = os.path.join(place, unicodedata.normalize(draw(FORMS), f"{stem}{ending}"))
        files[name], labels[name] = CONTENTS[ending], i % 3
    junk = draw(st.lists(st.sampled_from(sorted(JUNK)), max_size=3, unique=True))
    return files, labels, splits, classes, {name: JUNK[name] for name in junk}


@st.composite
def tables(draw, labels):
    """A CSV, as bytes, of {name: number}."""
    form, delimiter = draw(FORMS), draw(st.sampled_from(",;\t|"))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    index, short = draw(st.sampled_from([None, "", "Unnamed: 0"])), draw(st.booleans())
    column = draw(st.sampled_from(["label", "breed"]))
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter=delimiter, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    writer.writerow(([] if index is None else [index]) + ["id", column])
    for i, (name, label) in enumerate(labels.items()):
        name = unicodedata.normalize(form, os.path.basename(name))
        name = os.path.splitext(name)[0] if short and os.path.splitext(name)[1] in KINDS else name
        writer.writerow(([] if index is None else [i]) + [name, "abc"[label]])
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + file.getvalue().encode()


def used(source):
    """The paths of a Source's pictures."""
    arrays = [array for array in (source.images, source.depth) if isinstance(array, Files)]
    return [str(array.path(i)) for array in arrays for i in range(len(array))]


@fuzz(80)
@given(data_=st.data())
def test_every_layout_gives_exactly_its_pictures(data_):
    files, labels, splits, classes, junk = data_.draw(folders())
    table = data_.draw(tables(labels)) if not classes and data_.draw(st.booleans()) else None
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        for name, content in (files | junk).items():
            put(root, name, content)
        if table:
            put(root, "known.csv", table)
        try:
            sources = [folder.load(split, root, 8) for split in ("train", "test")]
        except UserError as error:
            assert not splits[0] and "too few to split" in say(error), say(error)
            return
        paths = [used(source) for source in sources]
        assert sorted(sum(paths, [])) == sorted(str(root / name) for name in files)
        for source, chosen, split in zip(sources, paths, splits, strict=True):
            names = [os.path.relpath(path, root) for path in chosen]
            assert not split or all(name.startswith(split + os.sep) for name in names)
            assert source.decoded().images.shape == (len(chosen), 8, 8, 3)
            if table:
                assert [source.classes[label] for label in source.labels] == ["abc"[labels[name]] for name in names]
            elif classes:
                found = [pictures.composed(name.split(os.sep)[-2]) for name in names]
                assert [source.classes[label] for label in source.labels] == [pictures.shown(name) for name in found]
            else:
                assert source.labels is None


PLACES = st.sampled_from([
    "", "train", "test", "Train", "val", "a", "b", "é", "e\u0301", "train/a", "train/b", "test/a", "test/b",
    "train/color", "train/depth", "train/images", "test/depths", "test/rgb", "a/deep/er", "__MACOSX", ".hidden",
    "train/a/more",
    "img_align_celeba", "celeba", "MNIST/raw", "FashionMNIST/raw", "seq-01", "train/seq-01", "cifar-10-batches-py",
    os.fsdecode(b"caf\xe9"),
])  # fmt: skip
FILES = st.sampled_from([
    "0", "1", "2", "0_rgb", "0_depth", "1.color", "1.depth", "1.5", "1.51", "1.9", "é", "e\u0301", "a b", "000001",
    "x.y", os.fsdecode(b"\xfc"),
])  # fmt: skip
LAYOUTS = st.sampled_from([
    ["", ""], ["train", "test"], ["Train", "val"], ["train/a", "train/b", "test/a", "test/b"], ["a", "b"],
    ["train/rgb", "train/depth", "test/images", "test/depths"], ["images", "depths"],
    ["train/color", "train/depth", "test"],
])  # fmt: skip
SPECIAL = st.sampled_from([
    "train.csv", "test.csv", "attributes.csv", "Train.CSV", "a.csv", "train/x.csv", "list_attr_celeba.txt",
    "list_eval_partition.csv", "list_eval_partition.txt", "list_attr_celeba.csv", "mnist.npz", "kmnist-train-imgs.npz",
    "train-images-idx3-ubyte.gz", "MNIST/raw/t10k-labels-idx1-ubyte", "data_batch_1.bin", "test_batch",
])  # fmt: skip
CELLS = st.sampled_from([
    "0.png", "1.jpg", "0", "1", "-1", "2", "é", "e\u0301.png", "../0.png", "/0.png", "", "label", "Male", "image_id",
    "a", '"', "\x00", "train/0.png", "train\\0.png", "nan", "1e999", "000001.jpg", "partition", "Smiling", "id",
])  # fmt: skip


@st.composite
def texts(draw):
    """Bytes that may be a table."""
    mark = draw(st.sampled_from([",", ";", "\t", " ", "|"]))
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=5))
    text = "\n".join(mark.join(row) for row in rows)
    content = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode(
        draw(st.sampled_from(["utf-8"] * 4 + ["utf-16"]))
    )
    return content if draw(st.booleans()) else content + draw(st.binary(max_size=3))


@st.composite
def harmed(draw, content):
    """Bytes, whole or damaged."""
    match draw(st.sampled_from(["whole"] * 5 + ["empty", "cut", "flip", "junk"])):
        case "empty":
            return b""
        case "cut":
            return content[: draw(st.integers(1, len(content)))]
        case "flip":
            at = draw(st.integers(0, len(content) - 1))
            return content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
        case "junk":
            return draw(st.binary(max_size=40))
    return content


@st.composite
def trees(draw):
    """{name: bytes} of any files in any folders."""
    files = {}
    layout, extra = draw(LAYOUTS), draw(st.lists(PLACES, max_size=2))
    for place in layout * draw(st.integers(0, 8)) + extra:
        name, ending = draw(FILES), draw(st.sampled_from([*KINDS, ".png", ".jpg", ".npy", ".heic", ".txt"]))
        content = DEPTH if "depth" in place + name else CONTENTS.get(ending, b"\x93NUMPY\1\0")
        files[os.path.join(place, name + ending)] = draw(harmed(content))
    for name in draw(st.one_of(st.just([]), st.lists(SPECIAL, max_size=2))):
        files[name] = draw(st.one_of(texts(), st.binary(max_size=40)))
    return files


def is_good(path):
    """Whether a picture can be read."""
    try:
        folder.read_picture(str(path), 8, 3)
    except UserError as error:
        say(error)
        return False
    return True


@fuzz(120)
@given(trees())
def test_any_tree_gives_pictures_or_a_sentence_and_leaves_none_out_silently(files):
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        for name, content in files.items():
            if any((root / name).is_relative_to(root / other) for other in files if other != name):
                continue  # a folder and a file of one name
            put(root, name, content)
        for reader in (folder, rgbd, celeba):
            bad = []
            try:
                chosen = sum((used(reader.load(split, root, 8, problem=bad.append)) for split in ("train", "test")), [])
            except UserError as error:
                say(error)
                continue
            sentences = [say(error) for error in bad]
            for split in ("train", "test"):
                for error in bad:
                    say(error)
                reader.load(split, root, 8, problem=bad.append).decoded(lambda error: say(error))
            assert len(set(chosen)) == len(chosen)
            result = verify(reader.__name__.rpartition(".")[2], str(root), 8)
            for sentence in (*result.bad, *result.ignored):
                say(sentence)
            left = [
                path
                for path in root.rglob("*")
                if path.is_file()
                and pictures.is_picture(str(path), path.name)
                and not any(part.startswith(".") for part in path.relative_to(root).parts)
                and str(path) not in chosen
                and not any(
                    pictures.shown(path) in sentence or pictures.shown(path.parent) in sentence
                    for sentence in sentences
                )
            ]
            said = re.search(r"^([\d,]+) pictures? (is|are) in neither", " ".join(result.ignored))
            assert len(left) <= (int(said[1].replace(",", "")) if said else 0), left
        for name in ("mnist", "cifar10"):
            try:
                data.load(name, "train", str(root), 8)
            except UserError as error:
                say(error)
        mnist.find_kmnist(root)


FACES = {layout: encoded(kind, size=size) for layout, kind, size in (
    ("homework", "PNG", (celeba.SIDE, celeba.SIDE)), ("official", "JPEG", celeba.SIZE), ("Kaggle", "JPEG", celeba.SIZE),
)}  # fmt: skip


@st.composite
def celebas(draw):
    """(files of a set, {split: {path: values of the attributes}}, names of the attributes) in one of the layouts."""
    layout = draw(st.sampled_from(sorted(FACES)))
    known = celeba.ATTRIBUTES if layout == "homework" else celeba.ALL_ATTRIBUTES
    names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=5, unique=True))
    low, content = ("0.0" if layout == "homework" else "-1"), FACES[layout]
    one = "1.0" if layout == "homework" else "1"
    n = draw(st.integers(4, 9))
    parts = [("train", "test", *[draw(st.sampled_from(["train", "test"])) for _ in range(n - 2)])[i] for i in range(n)]
    if layout != "homework":
        parts[2] = draw(st.sampled_from(["train", "validation", "test"]))
    values = draw(
        st.lists(st.lists(st.integers(0, 1), min_size=len(names), max_size=len(names)), min_size=n, max_size=n)
    )
    end = draw(st.sampled_from(["\n", "\r\n"]))
    ending = draw(st.sampled_from([".png", ".PNG"] if layout == "homework" else [".jpg", ".JPG"]))
    short = draw(st.booleans())  # the table leaves out the endings
    stems = [f"{i + 1:06d}" for i in range(n)]
    called = [stem + ("" if short else draw(st.sampled_from([ending, ending.lower()]))) for stem in stems]
    files, expected = {}, {"train": {}, "test": {}, "validation": {}}
    mark = " " if layout == "official" else ","
    rows = [mark.join([called[i], *((low, one)[value] for value in values[i])]) for i in range(n)]
    if layout == "homework":
        folders = {"train": draw(st.sampled_from(["train", "Train"])), "test": draw(st.sampled_from(["test", "TEST"]))}
        for part in folders:
            chosen = [row for row, own in zip(rows, parts, strict=True) if own == part]
            files[f"{part}.csv"] = end.join(["image_name," + ",".join(names), *chosen, ""]).encode()
    else:
        root = draw(st.sampled_from(["", "celeba/"]))
        place = draw(st.sampled_from(celeba.FOLDERS))
        folders = dict.fromkeys(expected, f"{root}{place}")
        numbers = {"train": 0, "validation": 1, "test": 2}
        split = [f"{name}{mark}{numbers[part]}" for name, part in zip(called, parts, strict=True)]
        if layout == "official":
            where = draw(st.sampled_from(["", "Anno/"]))
            files[f"{root}{where}list_attr_celeba.txt"] = end.join([str(n), " ".join(names), *rows, ""]).encode()
            where = draw(st.sampled_from(["", "Eval/"]))
            files[f"{root}{where}list_eval_partition.txt"] = end.join([*split, ""]).encode()
        else:
            files[f"{root}list_attr_celeba.csv"] = end.join(["image_id," + ",".join(names), *rows, ""]).encode()
            files[f"{root}list_eval_partition.csv"] = end.join(["image_id,partition", *split, ""]).encode()
    for i, part in enumerate(parts):
        path = f"{folders[part]}/{stems[i]}{ending}"
        files[path], expected[part][path] = content, values[i]
    return files, expected, tuple(names)


@fuzz(60)
@given(celebas())
def test_every_celeba_gives_exactly_its_pictures_and_attributes(drawn):
    files, expected, names = drawn
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        for name, content in files.items():
            put(root, name, content)
        for split in ("train", "test"):
            source = celeba.load(split, root, 8)
            assert source.attribute_names == names
            found = [os.path.relpath(path, root) for path in used(source)]
            assert dict(zip(found, source.attributes.tolist(), strict=True)) == expected[split]
            assert (source.decoded().images == 7).all()


@fuzz(80)
@given(celebas(), st.data())
def test_a_harmed_celeba_is_read_or_refused_and_leaves_none_out_silently(drawn, data_):
    files, expected, _ = drawn
    victim = data_.draw(st.sampled_from(sorted(files)))
    harm = data_.draw(st.sampled_from(["bytes", "gone", "line", "line twice"]))
    if harm == "gone":
        del files[victim]
    elif harm == "bytes" or not victim.endswith((".csv", ".txt")):
        files[victim] = data_.draw(harmed(files[victim]))
    else:
        lines = files[victim].splitlines(keepends=True)
        at = data_.draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = [lines[at]] * 2 if harm == "line twice" else []
        files[victim] = b"".join(lines)
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place)
        for name, content in files.items():
            put(root, name, content)
        for split in ("train", "test"):
            bad = []
            try:
                source = celeba.load(split, root, 8, problem=bad.append)
                source.decoded(bad.append)
            except UserError as error:
                say(error)
                continue
            for error in bad:
                say(error)
            missing = {str(root / path) for path in expected[split] if path in files} - set(used(source))
            assert not missing or bad


@fuzz(150)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_damaged_picture_is_read_or_refused(ending, data_):
    with tempfile.TemporaryDirectory() as place:
        path = put(pathlib.Path(place), f"1{ending}", data_.draw(harmed(CONTENTS[ending])))
        if is_good(path):
            assert folder.read_picture(str(path), 8, 3).dtype == np.uint8
