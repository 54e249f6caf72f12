"""Readers on small folders in the real layout, what they say about damaged ones, and the built-in digits."""

import dataclasses
import os
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from sentences import say

from tfgen import UserError, data
from tfgen.data.readers import celeba
from tfgen.data.source import Source

HEADER = ",".join(("image_name", *celeba.ATTRIBUTES))


# The homework's folder.


@pytest.fixture
def homework(tmp_path):
    """Twelve and four random pictures; the rows are not in the order of the names."""
    random = np.random.default_rng(0)
    for split, first, n in (("train", 0, 12), ("test", 40000, 4)):
        (tmp_path / split).mkdir()
        lines = [HEADER]
        for i in reversed(range(first, first + n)):
            Image.fromarray(random.integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / split / f"{i:05}.png")
            lines.append(f"{i:05}.png," + ",".join(f"{(i + 1 >> k) & 1}.0" for k in range(13)))
        (tmp_path / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("split, first, n", [("train", 0, 12), ("test", 40000, 4)])
def test_celeba_gives_the_csvs_rows_in_its_order_and_writes_nothing(homework, split, first, n):
    before = files(homework)
    source = data.load("celeba", split, homework)
    assert files(homework) == before
    assert source.images.shape == (n, 64, 64, 3) and source.images.dtype == np.uint8
    assert source.attributes.dtype == np.uint8 and source.attribute_names == celeba.ATTRIBUTES and source.labels is None
    for picture, attributes, i in zip(source.images, source.attributes, reversed(range(first, first + n)), strict=True):
        np.testing.assert_array_equal(picture, np.asarray(Image.open(homework / split / f"{i:05}.png")))
        assert sum(int(bit) << k for k, bit in enumerate(attributes)) == (i + 1) % 2**13


def test_celeba_takes_what_windows_and_macos_leave_in_a_folder(homework):
    plain = data.load("celeba", "train", homework)
    table = homework / "train.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    for name in ("._00000.png", ".DS_Store", "Thumbs.db"):
        (homework / "train" / name).write_bytes(b"\0")
    assert data.load("celeba", "train", str(homework)).fingerprint() == plain.fingerprint()


def test_celeba_takes_any_text_of_0_and_1_and_any_choice_of_attributes(homework):
    rows = [f"{i:05}.png,{values}" for i, values in enumerate(["1,0", "1.00, 0e0", '0.0,"1"'] * 4)]
    (homework / "train.csv").write_text("\n".join(["image_name,Smiling,Male", *rows]))
    source = data.load("celeba", "train", homework)
    assert source.attribute_names == ("Smiling", "Male")
    assert source.attributes[:3].tolist() == [[1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA"])
def test_celeba_takes_every_8_bit_png(homework, mode):
    path = homework / "test" / "40003.png"
    picture = Image.open(path).convert(mode)
    picture.save(path)
    np.testing.assert_array_equal(data.load("celeba", "test", homework).images[0], np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("size", [8, 32, 128])
def test_celeba_resizes_without_aliasing(homework, size):
    checks = np.indices((64, 64)).sum(0) % 2 * 255  # every second pixel: aliasing would leave it black or white
    Image.fromarray(np.repeat(checks[..., None], 3, 2).astype(np.uint8)).save(homework / "test" / "40003.png")
    picture = data.load("celeba", "test", homework, size).images[0].astype(float)
    assert picture.shape == (size, size, 3)
    assert abs(picture.mean() - 127.5) < 2
    if size < 64:
        np.testing.assert_allclose(picture, 127.5, atol=20)


def swap(old, new):
    return lambda folder: edit(folder / "train.csv", old, new)


def keep(n):
    """The first n lines of the CSV."""
    return lambda folder: (folder / "train.csv").write_text(
        "".join((folder / "train.csv").read_text().splitlines(keepends=True)[:n])
    )


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def save(picture, *format):
    return lambda folder: picture.save(folder / PICTURE, *format)


def remove(name):
    return lambda folder: (folder / name).rename(folder / "elsewhere")


def replace_by_folder(name):
    return lambda folder: (remove(name)(folder), (folder / name).mkdir())


def flip(place):
    """One byte of the picture the other way round."""

    def harm(folder):
        png = bytearray((folder / PICTURE).read_bytes())
        png[place] ^= 0xFF
        (folder / PICTURE).write_bytes(png)

    return harm


def header_says(side):
    """The picture's width and height, with the checksum that goes with them."""

    def harm(folder):
        png = bytearray((folder / PICTURE).read_bytes())
        png[16:24] = struct.pack(">II", side, side)
        png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
        (folder / PICTURE).write_bytes(png)

    return harm


PICTURE, CSV, LINE_1, LINE_3 = "train/00004.png", "train.csv", "train.csv, line 1", "train.csv, line 3"
LAYOUT, PNG = "must contain train/, test/, train.csv and test.csv", "expected a PNG of 64x64 pixels"
NO_HEADER, NO_NAME = "expected the header image_name,Bangs", "expected the name of a picture, not "
NO_VALUE = "expected 0.0 or 1.0 for Bangs, not "
# name: (what is done to the folder, the file and line named, what else the message says)
BAD = {
    "no train folder": (remove("train"), "train", LAYOUT),
    "no test folder": (remove("test"), "test", LAYOUT),
    "no train.csv": (remove("train.csv"), CSV, LAYOUT),
    "no test.csv": (remove("test.csv"), "test.csv", LAYOUT),
    "csv is a folder": (replace_by_folder(CSV), CSV, LAYOUT),
    "csv empty": (write(CSV, b""), CSV, "is empty: expected a header"),
    "csv of one header": (keep(1), CSV, "no rows: expected one for each picture"),
    "csv without header": (swap(HEADER + "\n", ""), LINE_1, NO_HEADER),
    "header without image_name": (swap("image_name", "file"), LINE_1, NO_HEADER),
    "header without attributes": (swap(HEADER, "image_name"), LINE_1, NO_HEADER),
    "semicolons": (swap(HEADER, HEADER.replace(",", ";")), LINE_1, NO_HEADER),
    "unknown attribute": (
        swap("Bangs", "Beard"),
        LINE_1,
        "unknown attribute 'Beard', expected some of Bangs, Big_Lips",
    ),
    "attribute twice": (
        swap("Smiling", "Male"),
        LINE_1,
        "expected each attribute once, but there are two columns Male",
    ),
    "field missing": (swap("00010.png,1.0", "00010.png"), LINE_3, "expected 14 fields as in the header, not 13"),
    "field too many": (swap("00010.png", "00010.png,1.0"), LINE_3, "expected 14 fields as in the header, not 15"),
    "value -1": (swap("00010.png,1.0", "00010.png,-1"), LINE_3, NO_VALUE + "'-1'"),
    "value of text": (swap("00010.png,1.0", "00010.png,yes"), LINE_3, NO_VALUE + "'yes'"),
    "value missing": (swap("00010.png,1.0", "00010.png,"), LINE_3, NO_VALUE + "''"),
    "value nan": (swap("00010.png,1.0", "00010.png,nan"), LINE_3, NO_VALUE + "'nan'"),
    "name twice": (
        swap("00009.png", "00011.png"),
        "train.csv, line 4",
        "expected one row for each picture, but 00011.png",
    ),
    "name upwards": (swap("00010.png", ".."), LINE_3, NO_NAME + "'..'"),
    "name in another folder": (swap("00010.png", "../test/40000.png"), LINE_3, NO_NAME + "'../test/40000.png'"),
    "name absolute": (swap("00010.png", "/etc/passwd"), LINE_3, NO_NAME + "'/etc/passwd'"),
    "name with a backslash": (swap("00010.png", "..\\a.png"), LINE_3, NO_NAME),
    "name missing": (swap("00010.png", ""), LINE_3, NO_NAME + "''"),
    "name of two lines": (swap("00010.png", '"a\nb.png"'), "train.csv, line 4", NO_NAME),
    "quote never closed": (swap("00010.png", '"00010.png'), CSV, "expected comma-separated values"),
    "csv in Latin-1": (
        write(CSV, HEADER.encode() + b"\nf\xfcnf.png"),
        "train.csv, line 2",
        "expected UTF-8 text, not byte 0xfc",
    ),
    "csv in UTF-16": (write(CSV, HEADER.encode("utf-16")), LINE_1, "expected UTF-8 text"),
    "csv short": (keep(10), CSV, "each of the 12 pictures in .*, but it has 9 rows and none for '00000.png'"),
    "picture missing": (remove(PICTURE), PICTURE, "is missing: expected a picture for each row of .*train.csv"),
    "picture too large": (save(Image.new("RGB", (178, 218))), PICTURE, "has 178x218 pixels: " + PNG),
    "picture too small": (save(Image.new("RGB", (64, 63))), PICTURE, "has 64x63 pixels: " + PNG),
    "picture in 16 bits": (save(Image.new("I;16", (64, 64))), PICTURE, "16-bit grayscale: " + PNG),
    "picture truncated": (
        lambda folder: os.truncate(folder / PICTURE, 6000),
        PICTURE,
        r"cannot be read \(.*truncated\): " + PNG,
    ),
    "picture of damaged pixels": (flip(3000), PICTURE, "cannot be read .*" + PNG),
    "picture of damaged header": (flip(20), PICTURE, PNG),
    "picture of zero bytes": (write(PICTURE, b""), PICTURE, "is not a PNG: " + PNG),
    "picture of text": (write(PICTURE, b"hello"), PICTURE, "is not a PNG: " + PNG),
    "picture is a jpeg": (save(Image.new("RGB", (64, 64)), "JPEG"), PICTURE, "is not a PNG: " + PNG),
    "picture is a folder": (replace_by_folder(PICTURE), PICTURE, r"cannot be read \(Is a directory\): " + PNG),
    "picture Pillow would refuse": (header_says(100_000), PICTURE, "has more pixels than Pillow accepts: " + PNG),
    "picture Pillow would warn of": (header_says(10_000), PICTURE, "has 10000x10000 pixels: " + PNG),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", BAD)
def test_celeba_says_what_is_wrong_where_and_what_it_expected(homework, case):
    harm, named, expected = BAD[case]
    harm(homework)
    with pytest.raises(UserError) as error:
        data.load("celeba", "train", homework)
    message = say(error)
    assert str(homework / named) in message
    assert re.search(expected, message), message


@pytest.mark.parametrize("name", ["nowhere", "train.csv"])
def test_celeba_needs_a_folder(homework, name):
    with pytest.raises(UserError, match=f"{re.escape(str(homework / name))} is not a folder: .*{LAYOUT}") as error:
        data.load("celeba", "train", homework / name)
    say(error)


@pytest.mark.parametrize(
    "path, reader", [(CSV, "pathlib.Path.read_bytes"), ("train", "os.scandir"), ("train/00011.png", "PIL.Image.open")]
)
def test_celeba_says_what_it_may_not_read(homework, monkeypatch, path, reader):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reader, refuse)  # root, as which tests often run, may read every file
    with pytest.raises(UserError, match=r"\(Permission denied\): expected a") as error:
        data.load("celeba", "train", homework)
    assert str(homework / path) in say(error)


def test_celeba_names_the_first_bad_picture_in_the_csvs_order(homework):
    for name in ("00002.png", "00009.png", "00010.png"):
        (homework / "train" / name).write_bytes(b"")
    for _ in range(5):
        with pytest.raises(UserError, match="00010.png is not a PNG"):
            data.load("celeba", "train", homework)


# Every data set, by name.


def test_load_puts_both_splits_together(homework):
    both = data.load("celeba", "all", homework)
    train, test = data.load("celeba", "train", homework), data.load("celeba", "test", homework)
    assert both.fingerprint() == (train + test).fingerprint() and len(both) == 16
    digits = data.load("digits", "all", image_size=8)
    np.testing.assert_array_equal(digits.labels[1500:], data.load("digits", "test", image_size=8).labels)


def test_load_takes_the_first_examples_of_each_split(homework):
    whole, some = data.load("celeba", "all", homework), data.load("celeba", "all", homework, examples=5)
    assert some.fingerprint() == (whole[:5] + whole[12:]).fingerprint()
    (homework / "train" / "00000.png").write_bytes(b"")  # the last: not among the five
    assert data.load("celeba", "train", homework, examples=5).fingerprint() == whole[:5].fingerprint()
    assert data.load("digits", "test", examples=7).fingerprint() == data.load("digits", "test")[:7].fingerprint()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (
            ("cats", "train"),
            "no data set 'cats': choose from faces, digits, animals, .*celeba.* or another data set from tensorflow-",
        ),
        (("digits", "valid"), "no split 'valid' of digits: choose from train, test, all"),
        (
            ("celeba", "train"),
            r"pass --data_dir DIR, which must contain the homework's folder \(train/, test/, train.csv, test.csv\), "
            r"the official files",
        ),
        (("digits", "train", "."), "digits is built in and takes no --data_dir"),
        (("digits", "train", None, 36), "multiple of 4 from 8 to 512 .* not 36"),
        (("digits", "train", None, 4), "multiple of 4 from 8 to 512 .* not 4"),
        (("digits", "train", None, 1024), "multiple of 4 from 8 to 512 .* not 1024"),
        (("digits", "train", None, 0), "multiple of 4 from 8 to 512 .* not 0"),
        (("digits", "train", None, -8), "multiple of 4 from 8 to 512 .* not -8"),
    ],
)
def test_load_says_what_there_is_to_choose_from(arguments, expected):
    with pytest.raises(UserError, match=expected) as error:
        data.load(*arguments)
    say(error)


@pytest.mark.parametrize("name", [name for name, dataset in data.DATASETS.items() if not dataset.folder])
def test_a_built_in_set_is_what_the_table_says(name):
    dataset = data.dataset(name)
    source = data.load(name, "test", image_size=8, examples=40)
    assert source.name == f"{name}/test" and source.images.dtype == np.uint8
    assert source.images.shape == (40, 8, 8, dataset.channels)
    assert source.attributes.shape == (40, len(source.attribute_names))


# Source.


@pytest.fixture
def source():
    images = np.arange(4 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 2, 2, 3)
    return Source(
        "four", images, np.uint8([[0, 1], [1, 1], [0, 0], [1, 0]]), ("Male", "Smiling"), np.int32([3, 1, 4, 1])
    )


def test_source_selects_columns_in_the_order_asked_for(source):
    assert len(source) == 4
    assert source.column("Smiling").tolist() == [1, 1, 0, 0]
    swapped = source.select(["Smiling", "Male"])
    assert swapped.attribute_names == ("Smiling", "Male") and swapped.attributes.tolist() == [
        [1, 0],
        [1, 1],
        [0, 0],
        [0, 1],
    ]
    assert source.select([]).attributes.shape == (4, 0) and source.select([]).attribute_names == ()


def test_source_slices_and_adds_every_array(source):
    again = source[:1] + source[1:]
    for name in ("images", "attributes", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(source, name))
    assert again.fingerprint() == source.fingerprint()
    assert (source + source).labels.tolist() == [3, 1, 4, 1, 3, 1, 4, 1]
    assert source[2:].labels.tolist() == [4, 1]


def test_source_says_which_attributes_it_has(source):
    with pytest.raises(UserError, match="four has no attribute 'Bangs': choose from Male, Smiling.") as error:
        source.column("Bangs")
    say(error)
    with pytest.raises(UserError, match="four has no attribute 'Bangs': it has none.") as error:
        source.select([]).select(["Bangs"])
    say(error)


def test_source_fingerprint_changes_with_every_part_and_not_with_the_name(source):
    def changed(array):
        array = array.copy()
        array.flat[-1] += 1
        return array

    others = [
        dataclasses.replace(source, images=changed(source.images)),
        dataclasses.replace(source, attributes=changed(source.attributes)),
        dataclasses.replace(source, labels=changed(source.labels)),
        dataclasses.replace(source, attribute_names=("Male", "Bangs")),
        dataclasses.replace(source, images=source.images.reshape(4, 1, 4, 3)),
        source[:3],
        source[::-1],
    ]
    prints = [other.fingerprint() for other in (source, *others)]
    assert len(set(prints)) == len(prints)
    assert dataclasses.replace(source, name="other").fingerprint() == prints[0]


# Digits.


def test_digits_are_split_whole_and_each_digit_comes_as_often():
    train, test = data.load("digits", "train"), data.load("digits", "test")
    assert train.images.shape == (1500, 32, 32, 1) and test.images.shape == (297, 32, 32, 1)
    assert train.images.dtype == np.uint8 and train.labels.dtype == np.int32
    assert train.attributes.shape == (1500, 0) and train.attribute_names == ()
    assert np.bincount(train.labels).tolist() == [151, 151, 150, 153, 148, 152, 151, 149, 146, 149]
    assert np.bincount(test.labels).tolist() == [27, 31, 27, 30, 33, 30, 30, 30, 28, 31]
    pictures = [image.tobytes() for image in np.concatenate([train.images, test.images])]
    assert len(set(pictures)) == 1797  # no picture twice, in one split or in both
    assert train.fingerprint() == data.load("digits", "train").fingerprint()


def test_digits_brought_back_to_8x8_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits, source = load_digits(), data.load("digits", "all")
    np.testing.assert_array_equal(source.labels, digits.target)
    small = [
        Image.fromarray(image[..., 0].astype(np.float32)).resize((10, 10), Image.Resampling.BICUBIC)
        for image in source.images
    ]
    error = np.stack(small)[:, 1:-1, 1:-1] * (16 / 255) - digits.images
    assert np.sqrt(np.mean(error**2)) < 1.5  # of 16 levels


def test_importing_the_data_sets_imports_no_library_of_theirs():
    code = (
        "import sys, tfgen.data; print([name for name in ('tensorflow', 'sklearn', 'PIL', 'tqdm') if name in "
        "sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
