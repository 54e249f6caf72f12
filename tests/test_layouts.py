"""The layouts that pictures in files come in: CelebA's official files, folders with and without splits, classes and
CSVs, RGB-D pairs.
"""

import os
import re
import struct
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image
from sentences import say

from tfgen import UserError, data
from tfgen.data import prepare
from tfgen.data.files import Files
from tfgen.data.readers import celeba, folder, rgbd
from tfgen.data.source import Source

RANDOM = np.random.default_rng(0)
LATIN_1 = os.fsdecode(b"f\xfcnf.png")  # a name that is no UTF-8


def noise(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


def put(root, **files):
    """Writes files, parents too, of {name with / : bytes, text or array of a picture}."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, np.ndarray):
            Image.fromarray(content).save(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def edit(name, old, new):
    """A harm: one piece of a text file for another."""

    def harm(root):
        text = (root / name).read_bytes().decode()
        assert old in text
        (root / name).write_bytes(text.replace(old, new, 1).encode())

    return harm


def write(name, content):
    return lambda root: put(root, **{name: content})


def remove(name):
    return lambda root: (root / name).rename(root.parent / "removed")


def link(name, target):
    """A harm: a symbolic link in the place of a file or folder, which goes elsewhere."""

    def harm(root):
        if (root / name).exists():
            remove(name)(root)
        (root / name).symlink_to(target)

    return harm


def cut(name, n=500):
    return lambda root: os.truncate(root / name, n)


def png_that_says(side):
    """A PNG of few bytes with width and height `side`."""
    chunks = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(bytes(9)), b"IEND"
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def refused(name, root, named, expected, **options):
    """Asserts that loading fails in one sentence that names a path and matches `expected`."""
    with pytest.raises(UserError) as error:
        data.load(name, "train", root, **options)
    message = say(error.value)
    assert str(root / named) in message
    assert re.search(expected, message), message


# CelebA.

NAMES = [f"{i:06}.jpg" for i in (7, 3, 1, 9, 4, 8, 2, 5)]
PARTS = [0, 2, 0, 1, 0, 2, 0, 0]


def bits(i):
    """40 values of -1 and 1."""
    return [1 if (int(NAMES[i][:6]) >> k) & 1 else -1 for k in range(40)]


@pytest.fixture
def official(tmp_path):
    """Eight pictures of 178x218, five to train with, two to test with; the rows are not in the order of the names."""
    root = tmp_path / "celeba"
    put(root, **{f"img_align_celeba/{name}": noise(218, 178, 3) for name in NAMES})
    rows = [f"{name} {' '.join(f'{bit:2}' for bit in bits(i))}" for i, name in enumerate(NAMES)]
    put(root, **{"list_attr_celeba.txt": "\n".join(["8", " ".join(celeba.ALL_ATTRIBUTES) + " ", *rows]) + "\n"})
    return put(
        root,
        **{"list_eval_partition.txt": "".join(f"{name} {part}\n" for name, part in zip(NAMES, PARTS, strict=True))},
    )


def kaggle(root):
    """The same as on Kaggle: one folder within another, and commas."""
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba" / "img_align_celeba")
    rows = [",".join([name, *map(str, bits(i))]) for i, name in enumerate(NAMES)]
    put(root, **{"list_attr_celeba.csv": "\n".join([",".join(("image_id", *celeba.ALL_ATTRIBUTES)), *rows]) + "\n"})
    parts = [f"{name},{part}" for name, part in zip(NAMES, PARTS, strict=True)]
    put(root, **{"list_eval_partition.csv": "\n".join(["image_id,partition", *parts]) + "\n"})
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (root / name).unlink()


def three_folders(root):
    """The same as on the official site."""
    for below, name in (
        ("Img", "img_align_celeba"),
        ("Anno", "list_attr_celeba.txt"),
        ("Eval", "list_eval_partition.txt"),
    ):
        (root / below).mkdir()
        (root / name).rename(root / below / name)


def from_windows(root):
    """A byte-order mark, CRLF and hidden files."""
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (root / name).write_bytes(b"\xef\xbb\xbf" + (root / name).read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    put(
        root,
        **{"img_align_celeba/._000001.jpg": b"", "img_align_celeba/Thumbs.db": b"", "img_align_celeba/index.html": b""},
    )


def test_celebas_official_files_give_the_rows_of_one_partition_in_the_order_of_the_attributes(official):
    train, test = data.load("celeba", "train", official), data.load("celeba", "test", str(official))
    assert (
        train.images.shape == (5, 64, 64, 3) and train.images.dtype == np.uint8 and test.images.shape == (2, 64, 64, 3)
    )
    assert train.attribute_names == celeba.ALL_ATTRIBUTES and len(celeba.ALL_ATTRIBUTES) == 40 and train.labels is None
    for source, part in ((train, 0), (test, 2)):
        expected = [bits(i) for i in range(8) if PARTS[i] == part]
        assert source.attributes.dtype == np.uint8 and (2 * source.attributes.astype(int) - 1).tolist() == expected
    assert not set(map(bytes, train.images)) & set(map(bytes, test.images))
    assert set(celeba.ATTRIBUTES) < set(celeba.ALL_ATTRIBUTES)


@pytest.mark.parametrize("change", [edit("list_attr_celeba.txt", "8\n", ""), kaggle, three_folders, from_windows])
def test_celeba_is_the_same_in_every_layout(official, change):
    before = [data.load("celeba", split, official) for split in ("train", "test")]
    change(official)
    for split, old in zip(("train", "test"), before, strict=True):
        new = data.load("celeba", split, official)
        assert new.fingerprint() == old.fingerprint()
        np.testing.assert_array_equal(new.images, old.images)


@pytest.mark.parametrize("crop", [8, 64, 108, 128, None])
def test_celeba_crops_the_central_square(official, crop):
    side = crop or 178
    with Image.open(official / "img_align_celeba" / NAMES[0]) as picture:
        picture = picture.crop(((178 - side) // 2, (218 - side) // 2, (178 + side) // 2, (218 + side) // 2))
    found = data.load("celeba", "train", official, crop=crop).images[0].astype(int)
    expected = np.asarray(picture.resize((64, 64), Image.Resampling.LANCZOS), int)
    inner = (
        slice(None) if side == 64 else slice(64 * 3 // min(side, 64) + 1, -64 * 3 // min(side, 64) - 1)
    )  # elsewhere the filter saw the edge
    error = found[inner, inner] - expected[inner, inner]
    if side < 178:
        assert np.abs(error).max() <= 1
    else:  # decoded at half the size; of noise, as here, more is lost than of a photograph
        assert np.sqrt(np.mean(error**2)) < 10 < np.std(expected) / 2


def test_celeba_resizes_without_aliasing_and_tells_crops_apart(official):
    stripes = np.repeat(np.indices((218, 178)).sum(0)[..., None] % 2 * 255, 3, 2).astype(np.uint8)
    Image.fromarray(stripes).save(official / "img_align_celeba" / NAMES[0], quality=95)
    np.testing.assert_allclose(data.load("celeba", "train", official).images[0], 127.5, atol=8)
    assert len({data.load("celeba", "train", official, crop=crop).fingerprint() for crop in (None, 8, 148)}) == 3


def test_celebas_homework_is_cropped_already(tmp_path):
    put(tmp_path, **{f"{split}/0.png": noise(64, 64, 3) for split in ("train", "test")})
    put(tmp_path, **{f"{split}.csv": "image_name,Male\n0.png,1\n" for split in ("train", "test")})
    assert len(data.load("celeba", "train", tmp_path)) == 1
    refused("celeba", tmp_path, "", "are already cropped: leave out --crop", crop=148)


ATTR, EVAL, JPEG = "list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba/000001.jpg"
OFFICIAL, PICTURE = (
    "--data_dir must contain img_align_celeba/, list_attr_celeba.txt and",
    "expected a JPEG of 178x218 pixels; restore the picture",
)
# name: (what is done to the folder, the file named, what else the message says)
BAD_CELEBA = {
    "no partition": (remove(EVAL), "", "there is no partition in .*: " + OFFICIAL),
    "no attributes": (remove(ATTR), "", "there is no table of attributes in .*: " + OFFICIAL),
    "no pictures": (remove("img_align_celeba"), "", "there is no folder in .*: " + OFFICIAL),
    "attributes empty": (write(ATTR, ""), ATTR, "is empty: expected a header"),
    "attributes of one header": (write(ATTR, "Male Smiling\n"), ATTR, "no rows: expected one for each picture"),
    "names of no attributes": (
        edit(ATTR, "Bangs", "Beard"),
        ATTR + ", line 2",
        "unknown attribute 'Beard', expected some of 5_o_Clock_Shadow",
    ),
    "attribute twice": (
        edit(ATTR, "Smiling", "Male"),
        ATTR + ", line 2",
        "expected each attribute once, but there are two columns Male",
    ),
    "another count": (edit(ATTR, "8\n", "9\n"), ATTR, "has 8 rows: expected 9, as its first line says"),
    "value 0": (
        edit(ATTR, "000007.jpg  1", "000007.jpg  0"),
        ATTR + ", line 3",
        "expected -1 or 1 for 5_o_Clock_Shadow, not '0'",
    ),
    "value missing": (
        edit(ATTR, "000007.jpg  1", "000007.jpg   "),
        ATTR + ", line 3",
        "expected 41 fields as in the header, not 40",
    ),
    "attributes twice": (
        edit(ATTR, "000003.jpg", "000007.jpg"),
        ATTR + ", line 4",
        "expected one row for each picture, but 000007.jpg",
    ),
    "attributes of a name upwards": (
        edit(ATTR, "000007.jpg", "../7.jpg"),
        ATTR + ", line 3",
        "expected the name of a picture, not '../7.jpg'",
    ),
    "no part": (
        edit(EVAL, "000007.jpg 0\n", ""),
        EVAL,
        "has no row for 000007.jpg: expected one for each row of list_attr_celeba.txt",
    ),
    "part 3": (
        edit(EVAL, "000007.jpg 0", "000007.jpg 3"),
        EVAL + ", line 1",
        "expected 0, 1 or 2 for partition, not '3'",
    ),
    "part twice": (edit(EVAL, "000003.jpg", "000007.jpg"), EVAL + ", line 2", "expected one row for each picture"),
    "partition empty": (write(EVAL, ""), EVAL, "no rows: expected one for each picture"),
    "no test set": (
        write(EVAL, "".join(f"{name} 0\n" for name in NAMES)),
        "img_align_celeba",
        "contains no pictures of the test split: expected",
    ),
    "no training set": (
        write(EVAL, "".join(f"{name} 2\n" for name in NAMES)),
        "img_align_celeba",
        "contains no pictures of the train split",
    ),
    "picture missing": (remove(JPEG), JPEG, "is missing: expected a picture for each row of .*list_attr_celeba.txt"),
    "picture without a row": (
        write("img_align_celeba/10.jpg", b""),
        ATTR,
        "is incomplete: expected a row for each of the 9 .* none for '10.jpg'",
    ),
    "picture is a link out": (link(JPEG, "/dev/null"), JPEG, "is a symbolic link that leads out of .*celeba: expected"),
    "picture of another size": (write(JPEG, noise(64, 64, 3)), JPEG, "has 64x64 pixels: " + PICTURE),
    "picture on its side": (write(JPEG, noise(178, 218, 3)), JPEG, "has 218x178 pixels: " + PICTURE),
    "picture is a png": (write(JPEG, png_that_says(178)), JPEG, "is not a JPEG: " + PICTURE),
    "picture of zero bytes": (write(JPEG, b""), JPEG, "is not a JPEG: " + PICTURE),
    "picture truncated": (cut(JPEG, 5000), JPEG, r"cannot be read \(.*truncated.*\): " + PICTURE),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", BAD_CELEBA)
def test_celeba_says_what_is_wrong_with_the_official_files(official, case):
    harm, named, expected = BAD_CELEBA[case]
    harm(official)
    refused("celeba", official, named, expected)


def test_celeba_says_what_is_wrong_with_kaggles(official):
    kaggle(official)
    for name, old, new, expected in (
        (
            "list_eval_partition.csv",
            "partition",
            "part",
            "line 1: expected the header image_id,partition, not 'image_id,part'",
        ),
        ("list_attr_celeba.csv", "image_id", "name", "line 1: expected the header image_id,5_o_Clock_Shadow"),
        ("list_attr_celeba.csv", "name", '"image_id', "expected comma-separated values"),
    ):
        edit(name, old, new)(official)
        refused("celeba", official, name, expected)


@pytest.mark.parametrize("crop", [7, 179, 0, -1])
def test_celeba_says_which_crops_there_are(official, crop):
    with pytest.raises(
        UserError, match=f"--crop must be from 8 to 178, because CelebA's pictures are 178 pixels wide, not {crop}"
    ) as error:
        data.load("celeba", "train", official, crop=crop)
    say(error.value)


# Any folder.

FLAT = [f"{i:02}.png" for i in range(24)]


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def same(source, root, paths):
    """Asserts that a source has just these pictures in this order."""
    assert len(source) == len(paths)
    for image, path in zip(source.images, paths, strict=True):
        np.testing.assert_array_equal(image, pixels(root / path))


@pytest.fixture
def flat(tmp_path):
    """24 pictures of 32x32 in one folder."""
    return put(tmp_path / "flat", **{name: noise(32, 32, 3) for name in FLAT})


@pytest.fixture
def parted(tmp_path):
    """Four pictures to train with and three to test with, of other names, in no class."""
    return put(tmp_path / "parted", **{f"{'train' if i < 4 else 'test'}/{i}.png": noise(32, 32, 3) for i in range(7)})


def test_a_tenth_of_a_folder_without_splits_is_to_test_with_for_ever():
    names = [f"{i:05}.png" for i in range(20_000)]
    chosen = [name for name in names if folder.in_test(name)]
    assert len(chosen) == 2008
    assert chosen[:6] == ["00027.png", "00030.png", "00039.png", "00046.png", "00058.png", "00059.png"]
    assert folder.in_test("bird/00013.png") != folder.in_test("horse/00013.png")
    assert isinstance(folder.in_test(LATIN_1), bool)


def test_a_flat_folder_is_divided_by_the_names_alone(flat):
    train, test = data.load("folder", "train", flat), data.load("folder", "test", flat)
    assert train.labels is None and train.attributes.shape == (len(train), 0)
    same(train, flat, [name for name in FLAT if not folder.in_test(name)])
    same(test, flat, [name for name in FLAT if folder.in_test(name)])
    (flat / FLAT[0]).unlink()
    for name in ("notes.txt", ".hidden.png", ".DS_Store", "Thumbs.db"):
        put(flat, **{name: b"", f"docs/{name}": b""})
    same(data.load("folder", "test", flat), flat, [name for name in FLAT[1:] if folder.in_test(name)])


def test_classes_without_splits_are_divided_class_by_class(tmp_path):
    names = [f"{label}/{name}" for label in ("bird", "horse") for name in FLAT]
    put(tmp_path, **{name: noise(32, 32, 3) for name in names})
    found = {}
    for split in ("train", "test"):
        source = data.load("folder", split, tmp_path)
        assert source.classes == ("bird", "horse") and source.labels[:2].tolist() == [0, 1]
        for image, label in zip(source.images, source.labels, strict=True):
            found[image.tobytes()] = (split, label)
    assert found == {
        pixels(tmp_path / name).tobytes(): ("test" if folder.in_test(name) else "train", int(name > "c"))
        for name in names
    }


def test_splits_without_classes_have_no_labels(parted):
    source = data.load("folder", "train", parted)
    assert source.labels is None and source.classes == ()
    same(source, parted, [f"train/{i}.png" for i in range(4)])
    same(data.load("folder", "test", parted), parted, [f"test/{i}.png" for i in range(4, 7)])


TRUE_FALSE = "file,Male,Smiling\n2.png,true,0\n0.png,FALSE,1\n3.png,1.0,0.0\n1.png, 1 ,true\n"
TEST_ROWS = "4.png,1,0\n5.png,0,0\n6.png,1,1\n"
BITS = [[1, 0], [0, 1], [1, 0], [1, 1]]
TABLES = {
    "beside the pictures": {
        "train/attributes.csv": TRUE_FALSE,
        "test/attributes.csv": "file,Male,Smiling\n" + TEST_ROWS,
        "notes.csv": "?",
    },
    "of any name beside the pictures": {
        "train/known.csv": TRUE_FALSE,
        "test/known.CSV": "x,Male,Smiling\n" + TEST_ROWS,
    },
    "beside the folders": {"train.csv": TRUE_FALSE, "test.csv": "file,Male,Smiling\n" + TEST_ROWS, "notes.csv": "?"},
    "one for both": {"attributes.csv": TRUE_FALSE + TEST_ROWS, "notes.csv": "?"},
    "one for both of any name": {"faces.csv": TRUE_FALSE + TEST_ROWS},
    "with folders": {
        "attributes.csv": re.sub(r"(?m)^(?=[0-3])", "train/", TRUE_FALSE)
        + re.sub(r"(?m)^(?=[4-6])", "./test/", TEST_ROWS)
    },
    "from Windows": {"attributes.csv": b"\xef\xbb\xbf" + (TRUE_FALSE + TEST_ROWS).replace("\n", "\r\n").encode()},
    "-1 and 1": {
        "train.csv": "file,Male,Smiling\n2.png,1,-1\n0.png,-1.0,1\n3.png,1,-1\n1.png,1,1\n",
        "test.csv": "x,Male,Smiling\n" + TEST_ROWS,
    },
}


@pytest.mark.parametrize("case", TABLES)
def test_a_csv_of_attributes_is_found_and_read_in_its_order(parted, case):
    put(parted, **TABLES[case])
    train, test = data.load("folder", "train", parted), data.load("folder", "test", parted)
    assert train.attribute_names == test.attribute_names == ("Male", "Smiling") and train.labels is None
    assert train.attributes.dtype == np.uint8 and train.attributes.tolist() == BITS
    same(train, parted, [f"train/{i}.png" for i in (2, 0, 3, 1)])
    assert test.attributes.tolist() == [[1, 0], [0, 0], [1, 1]]
    assert data.load("folder", "train", parted, examples=2).fingerprint() == train[:2].fingerprint()


@pytest.mark.parametrize("below", ["", "images/"])
def test_a_csv_goes_with_a_folder_without_splits(flat, below):
    if below:
        for name in FLAT:
            put(flat, **{f"images/{name}": (flat / name).read_bytes()})
            (flat / name).unlink()
    put(
        flat,
        **{"attributes.csv": "name,Odd\n" + "".join(f"{below}{name},{int(name[:2]) % 2}\n" for name in reversed(FLAT))},
    )
    for split in ("train", "test"):
        names = [name for name in reversed(FLAT) if folder.in_test(below + name) == (split == "test")]
        source = data.load("folder", split, flat)
        same(source, flat / below, names)
        assert source.column("Odd").tolist() == [int(name[:2]) % 2 for name in names]


@pytest.mark.parametrize(
    "labels, expected, classes",
    [
        ("bdacbbd", [1, 3, 0, 2], ("a", "b", "c", "d")),
        ("0120217", [0, 1, 2, 0], ()),
        (["3.0", "2", "1", "0", "1", "2", "3"], [3, 2, 1, 0], ()),
        (["a b", "ä", "a b", "10", "10", "ä", "c"], [1, 3, 1, 0], ("10", "a b", "c", "ä")),
    ],
)
def test_a_csv_of_labels_has_names_or_numbers(parted, labels, expected, classes):
    put(parted, **{"labels.csv": "file,Label\n" + "".join(f"{i}.png,{label}\n" for i, label in enumerate(labels))})
    source = data.load("folder", "train", parted)
    assert source.labels.dtype == np.int32 and source.labels.tolist() == expected and source.classes == classes
    assert source.attributes.shape == (4, 0)
    assert data.load("folder", "all", parted).classes == classes


GREY = noise(32, 32)
WIDE = GREY.astype(np.uint16) * 257
TURNED = Image.Exif()
TURNED[0x0112] = 6
SAVED = {  # a picture and how it is saved, which is read as Gray
    "tiff": (Image.fromarray(GREY), "tif", {}),
    "16-bit tiff": (Image.fromarray(WIDE), "tiff", {}),
    "16-bit tiff, the other bytes first": (Image.frombytes("I;16B", (32, 32), WIDE.astype(">u2").tobytes()), "tif", {}),
    "compressed tiff": (Image.fromarray(GREY).convert("RGB"), "tif", {"compression": "tiff_lzw"}),
    "rotated tiff": (Image.fromarray(np.rot90(GREY)), "tif", {"exif": TURNED}),
    "upper case": (Image.fromarray(GREY), "PNG", {}),
    "lossless webp": (Image.fromarray(GREY).convert("RGB"), "webp", {"lossless": True}),
    "first frame of a gif": (
        Image.fromarray(GREY),
        "gif",
        {"save_all": True, "append_images": [Image.new("L", (32, 32))]},
    ),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("case", SAVED)
def test_a_folder_takes_every_kind_of_picture(parted, case, channels):
    picture, ending, options = SAVED[case]
    picture.save(parted / "train" / f"00.{ending}", **options)
    source = data.load("folder", "train", parted, channels=channels)
    assert source.images.shape == (5, 32, 32, channels)
    np.testing.assert_array_equal(source.images[1], np.repeat(GREY[..., None], channels, 2))


def test_a_folder_in_grey_is_pillows_grey_on_white(parted):
    half = np.zeros((32, 32, 4), np.uint8)
    half[:, 16:] = 0, 0, 255, 255
    Image.fromarray(half).save(parted / "train" / "0.png")
    images = data.load("folder", "train", parted, channels=1).images
    assert (images[0, :, :16] == 255).all() and (images[0, :, 16:] == 29).all()
    np.testing.assert_array_equal(images[1, ..., 0], np.asarray(Image.open(parted / "train" / "1.png").convert("L")))
    with pytest.raises(UserError, match="--channels must be 1 for grayscale or 3 for color, not 4") as error:
        data.load("folder", "train", parted, channels=4)
    say(error.value)


def test_links_within_the_folder_are_followed(parted):
    (parted / "pool").mkdir()
    (parted / "train" / "0.png").rename(parted / "pool" / "0.png")
    (parted / "train" / "0.png").symlink_to("../pool/0.png")
    same(data.load("folder", "train", parted), parted, [f"train/{i}.png" for i in range(4)])
    (parted.parent / "elsewhere").symlink_to(parted)
    same(data.load("folder", "train", parted.parent / "elsewhere"), parted, [f"train/{i}.png" for i in range(4)])


def test_names_that_are_no_utf8_are_read_and_can_be_printed(tmp_path):
    root = tmp_path / os.fsdecode(b"caf\xe9")
    put(
        root,
        **{f"{split}/{label}/{LATIN_1}": noise(32, 32, 3) for split in ("train", "test") for label in ("a", LATIN_1)},
    )
    source = data.load("folder", "train", root)
    assert (
        len(source) == 2
        and source.classes == ("a", r"f\udcfcnf.png")
        and source.name.isprintable()
        and source.fingerprint()
    )
    put(root, **{f"train/a/{LATIN_1}": b""})
    with pytest.raises(UserError, match=r"caf\\udce9/train/a/f\\udcfcnf.png is not a PNG") as error:
        data.load("folder", "train", root)
    say(error.value).encode()


# A CSV next to the folders; its second line is for train/2.png.
CSV, LINE_2 = "attributes.csv", "attributes.csv, line 2"
BIT, NO_NAME = "expected 0 or 1, -1 or 1, or false or true for Male, not ", "expected the name of a picture, not "
NO_LABEL = "expected a label from 0 to 9999, or only names, not "
NO_PICTURE, OUT = (
    "expected a picture that can be decoded; restore or remove it",
    "is a symbolic link that leads out of .*parted: expected a picture",
)
BAD_FOLDER = {
    "csv empty": (write(CSV, ""), CSV + ", line 1", "expected a header of two columns or more"),
    "csv of names alone": (
        write(CSV, "file\n0.png\n"),
        CSV + ", line 1",
        "expected a header of two columns or more, .* not 'file'",
    ),
    "csv of one header": (write(CSV, "file,Male\n"), CSV, "no rows: expected one for each picture"),
    "column without a name": (
        edit(CSV, "Male", ""),
        CSV + ", line 1",
        "expected a different name for each column, not ''",
    ),
    "column twice": (
        edit(CSV, "Male", "Smiling"),
        CSV + ", line 1",
        "expected a different name for each column, not 'Smiling'",
    ),
    "column missing": (edit(CSV, "2.png,true,", "2.png,"), LINE_2, "expected 3 fields as in the header, not 2"),
    "value 2": (edit(CSV, "2.png,true", "2.png,2"), LINE_2, BIT + "'2'"),
    "value yes": (edit(CSV, "2.png,true", "2.png,yes"), LINE_2, BIT + "'yes'"),
    "value .5": (edit(CSV, "2.png,true", "2.png,.5"), LINE_2, BIT + "'.5'"),
    "value nan": (edit(CSV, "2.png,true", "2.png,nan"), LINE_2, BIT + "'nan'"),
    "-1 among 0": (edit(CSV, "2.png,true", "2.png,-1"), LINE_2, "expected 0 or 1, as in the other lines, not -1"),
    "0 among -1": (
        write(CSV, "file,Male\n0.png,0\n1.png,-1\n2.png,-1\n4.png,1\n"),
        LINE_2,
        "expected -1 or 1, as in the other lines, not 0",
    ),
    "row twice": (
        edit(CSV, "0.png", "2.png"),
        "attributes.csv, line 3",
        "expected one row for each picture, but 2.png has an earlier one",
    ),
    "row twice in two spellings": (
        edit(CSV, "0.png", "train/2.png"),
        "attributes.csv, line 3",
        "expected one row for each picture, but train/2.png",
    ),
    "name upwards": (edit(CSV, "2.png", "../2.png"), LINE_2, NO_NAME + "'../2.png'"),
    "name upwards in between": (edit(CSV, "2.png", "train/../2.png"), LINE_2, NO_NAME + "'train/../2.png'"),
    "name absolute": (edit(CSV, "2.png", "/etc/passwd"), LINE_2, NO_NAME + "'/etc/passwd'"),
    "name with a drive": (edit(CSV, "2.png", "c:2.png"), LINE_2, NO_NAME + "'c:2.png'"),
    "name with a backslash": (edit(CSV, "2.png", "..\\2.png"), LINE_2, NO_NAME),
    "name with a zero": (edit(CSV, "2.png", "2.png\0"), LINE_2, NO_NAME),
    "name missing": (edit(CSV, "2.png", ""), LINE_2, NO_NAME + "''"),
    "picture missing": (
        remove("train/2.png"),
        LINE_2,
        "expected the name of a picture next to or below it, not '2.png', which is missing",
    ),
    "picture in both splits": (write("test/2.png", noise(32, 32, 3)), LINE_2, "but 2.png is the name of 2"),
    "picture without a row": (
        write("train/9.png", b""),
        "train/9.png",
        "has no row in .*attributes.csv: expected one for each picture",
    ),
    "csv in Latin-1": (
        write(CSV, "file,größe\n".encode("latin-1")),
        CSV + ", line 1",
        "expected UTF-8 text, not byte 0xf6",
    ),
    "quote never closed": (edit(CSV, "2.png", '"2.png'), CSV, "expected comma-separated values"),
    "several csvs": (
        lambda root: remove(CSV)(put(root, **{"a.csv": "", "b.csv": ""})),
        "",
        "contains several CSVs, a.csv, b.csv: expected",
    ),
    "csv of one split": (
        lambda root: put(root, **{"train.csv": TRUE_FALSE}) and remove(CSV)(root),
        "train.csv",
        "for the train split and no CSV for the test split: expected one for both",
    ),
    "csvs of other columns": (
        lambda root: put(
            root,
            **{
                "train.csv": TRUE_FALSE,
                "test.csv": "file,Bald\n" + TEST_ROWS.replace(",1\n", "\n").replace(",0\n", "\n"),
            },
        ),
        "train.csv",
        "has 'Male,Smiling' and .*test.csv has 'Bald': expected the same columns in both",
    ),
    "csv without a row to test with": (write(CSV, TRUE_FALSE), "test/4.png", "has no row in .*attributes.csv"),
    "csv is a link out": (link(CSV, "/etc/passwd.csv"), CSV, OUT),
    "label missing": (
        write(CSV, "file,label\n0.png,\n1.png,a\n2.png,b\n"),
        LINE_2,
        "expected the name or number of a class for label, not ''",
    ),
    "label out of range": (write(CSV, "file,label\n0.png,10000\n1.png,1\n2.png,0\n"), LINE_2, NO_LABEL + "'10000'"),
    "label negative": (write(CSV, "file,label\n0.png,-1\n1.png,1\n2.png,0\n"), LINE_2, NO_LABEL + "'-1'"),
    "label that is no number": (write(CSV, "file,label\n0.png,.5\n1.png,1\n2.png,0\n"), LINE_2, NO_LABEL + "'.5'"),
    "picture is a link out": (link("train/2.png", "/dev/null"), "train/2.png", OUT),
    "picture is a link upwards": (link("train/2.png", "../../removed"), "train/2.png", OUT),
    "picture is a link to nothing": (
        link("train/2.png", "nothing.png"),
        "train/2.png",
        r"cannot be read \(No such file .*\): " + NO_PICTURE,
    ),
    "picture is a link to itself": (
        link("train/2.png", "2.png"),
        "train/2.png",
        r"cannot be read \(Too many levels of symbolic links\): ",
    ),
    "picture is a pipe": (
        lambda root: os.mkfifo(root / "train" / "9.png"),
        "train/9.png",
        "is not a file: expected a picture; remove it",
    ),
    "split is a link out": (link("train", "/etc"), "train", OUT),
    "picture of zero bytes": (write("train/2.png", b""), "train/2.png", "is not a PNG.*: " + NO_PICTURE),
    "picture of text": (write("train/2.png", "file,Male\n"), "train/2.png", "is not a PNG.*: " + NO_PICTURE),
    "picture truncated": (cut("train/2.png"), "train/2.png", r"cannot be read \(.*truncated.*\): " + NO_PICTURE),
    "picture that is a bomb": (
        write("train/2.png", png_that_says(100_000)),
        "train/2.png",
        "has more pixels than Pillow accepts: " + NO_PICTURE,
    ),
    "picture of absurd size": (
        write("train/2.png", png_that_says(2**31)),
        "train/2.png",
        "has more pixels than Pillow accepts: " + NO_PICTURE,
    ),
    "picture that Pillow would warn of": (
        write("train/2.png", png_that_says(10_000)),
        "train/2.png",
        r"cannot be read \(.*\): " + NO_PICTURE,
    ),
    "picture of no pixel": (write("train/2.png", png_that_says(0)), "train/2.png", r"cannot be read|is not a PNG"),
    "folder without pictures": (
        lambda root: (remove("train")(root), (root / "train").mkdir()),
        "train",
        "contains no pictures: expected --data_dir",
    ),
}


@pytest.mark.parametrize("case", BAD_FOLDER)
def test_a_folder_says_what_is_wrong_where_and_what_it_expected(parted, case):
    put(parted, **{CSV: TRUE_FALSE + TEST_ROWS})
    harm, named, expected = BAD_FOLDER[case]
    harm(parted)
    refused("folder", parted, named, expected)


def test_a_folder_says_what_is_wrong_with_its_pictures(parted):
    Image.fromarray(np.ones((9, 9), np.float32)).save(parted / "train" / "2.tif")
    refused("folder", parted, "train/2.tif", r"cannot be read \(its pixels are floating-point numbers\): " + NO_PICTURE)
    Image.fromarray(np.full((9, 9), 70_000, np.int32)).save(parted / "train" / "2.tif")
    refused("folder", parted, "train/2.tif", r"cannot be read \(its pixels have more than 16 bits\): " + NO_PICTURE)


def test_a_folder_says_what_does_not_go_together(parted, flat):
    put(parted, **{"train/a/0.png": noise(8, 8), "train/b/0.png": noise(8, 8)})
    for i in range(4):
        (parted / "train" / f"{i}.png").unlink()
    refused("folder", parted, "train", "has a folder for each class and .*test has none: expected the same in both")
    put(parted, **{"test/a/0.png": noise(8, 8), "test/b/0.png": noise(8, 8), "train/a/more/1.png": noise(8, 8)})
    refused("folder", parted, "train/a/more", "is a folder in the folder of a class: expected only pictures")
    for name in FLAT[3:]:
        (flat / name).unlink()
    refused(
        "folder",
        flat,
        "",
        "contains 3 pictures, too few to split: none is in the test set; add some",
    )


@pytest.mark.parametrize(
    "path, reader", [("train/2.png", "PIL.Image.open"), ("train", "os.scandir"), (CSV, "pathlib.Path.read_bytes")]
)
def test_a_folder_says_what_it_may_not_read(parted, monkeypatch, path, reader):
    put(parted, **{CSV: TRUE_FALSE + TEST_ROWS})
    target, function = (
        (Image, "open") if "PIL" in reader else (os, "scandir") if "os" in reader else (type(parted), "read_bytes")
    )
    real = getattr(target, function)

    def refuse(place, *args, **kwargs):
        if str(place) == str(parted / path):
            raise PermissionError(13, "Permission denied")
        return real(place, *args, **kwargs)

    monkeypatch.setattr(target, function, refuse)  # root, as which tests often run, may read every file
    refused("folder", parted, path, r"\(Permission denied\): expected (a|--data_dir)")


# Pairs of color and depth.

PAIRS = {
    "homework": ("{}.color.jpg", "{}.depth.png"),
    "png": ("{}.color.png", "{}.depth.png"),
    "NYU's toolbox": ("{}_i.png", "{}_f.png"),
    "rgb and depth": ("{}_rgb.jpg", "{}_depth.tiff"),
    "other signs": ("frame-{}-color.PNG", "frame-{}-depth.png"),
    "color and depth": ("color/{}.jpg", "depth/{}.png"),
    "colors and depth": ("colors/{}.png", "depth/{}.png"),
    "TUM": ("rgb/{}.png", "depth/{}.png"),
}
MILLIMETRES = RANDOM.integers(1, 9_000, (6, 48, 64)).astype(np.uint16)


def pairs(root, layout, change=lambda millimetres: millimetres):
    """Four and two pairs of 64x48 pixels."""
    for i in range(6):
        part = root / ("train" if i < 4 else "test")
        put(
            part,
            **dict(
                zip((name.format(i) for name in PAIRS[layout]), (noise(48, 64, 3), change(MILLIMETRES[i])), strict=True)
            ),
        )
    return root


@pytest.mark.parametrize("layout", PAIRS)
def test_pairs_are_found_by_name(tmp_path, layout):
    pairs(tmp_path, layout)
    put(
        tmp_path,
        **{
            f"train/{name}": b"" for name in ("notes.txt", "0.pose.txt", ".hidden.depth.png", "mask.png", "other/1.png")
        },
    )
    for split, numbers in (("train", range(4)), ("test", (4, 5))):
        source = data.load("rgbd", split, tmp_path, 32)
        assert source.images.shape == (len(numbers), 32, 32, 3) and source.depth.shape == (len(numbers), 32, 32, 1)
        nearest = (2 * np.arange(32) + 1) * 48 // 64
        np.testing.assert_array_equal(
            source.depth[..., 0], MILLIMETRES[list(numbers)][:, nearest[:, None], 8 + nearest]
        )
        for image, i in zip(source.images.astype(float), numbers, strict=True):
            color = np.asarray(Image.open(tmp_path / split / PAIRS[layout][0].format(i)), float)[:, 8:56]
            assert abs(image.mean() - color.mean()) < 3


@pytest.mark.parametrize("depth_unit, steps, expected", [
    (10 / 255, np.uint8([0, 1, 100, 254, 255]), [0, 39, 3922, 9961, 0]),
    (10 / 65535, np.uint16([0, 4, 6554, 65534, 65535]), [0, 1, 1000, 10_000, 0]),
    (0.001, np.uint16([0, 1, 10_000, 10_001, 65535]), [0, 1, 10_000, 0, 0]),
    (0.0002, np.uint16([5, 50_000, 50_001, 65534, 65535]), [1, 10_000, 10_000, 0, 0]),
    (0.001, np.uint8([0, 1, 100, 254, 255]), [0, 1, 100, 254, 0]),
    (1, np.uint8([0, 1, 9, 10, 11]), [0, 1000, 9000, 10_000, 0]),
])  # fmt: skip
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_depth_is_in_the_unit_it_was_written_in(tmp_path, depth_unit, steps, expected, ending):
    picture = np.resize(steps, (16, 16))
    put(tmp_path, **{f"{split}/0_rgb.png": noise(16, 16, 3) for split in ("train", "test")})
    put(tmp_path, **{f"{split}/0_depth.{ending}": picture for split in ("train", "test")})
    depth = data.load("rgbd", "train", tmp_path, 16, depth_unit=depth_unit).depth
    assert depth.dtype == np.uint16
    np.testing.assert_array_equal(depth[0, ..., 0], np.resize(expected, (16, 16)))
    in_files = data.load("rgbd", "train", tmp_path, 16, depth_unit=depth_unit, cache_gb=0)
    assert isinstance(in_files.depth, Files)
    np.testing.assert_array_equal(in_files.metres(), depth / np.float32(1000))


@pytest.mark.parametrize("depth_unit", [0, -0.001, float("nan"), 10.5, float("inf")])
def test_a_unit_of_depth_is_a_length(tmp_path, depth_unit):
    with pytest.raises(
        UserError, match="--depth_unit must be more than 0 and at most 10 meters per step, not "
    ) as error:
        data.load("rgbd", "train", pairs(tmp_path, "TUM"), depth_unit=depth_unit)
    say(error.value)


def test_pairs_in_folders_say_what_is_wrong(tmp_path):
    root = pairs(tmp_path / "pairs", "color and depth")
    link("train/depth/3.png", "/dev/null")(root)
    refused("rgbd", root, "train/depth/3.png", "is a symbolic link that leads out of ")
    (root / "train" / "depth" / "3.png").unlink()
    refused("rgbd", root, "train/color/3.jpg", "has no depth picture with its name: expected one")
    put(root, **{"train/depth/3.png": MILLIMETRES[0], "train/color/3.png": noise(48, 64, 3)})
    refused(
        "rgbd", root, "train/color/3.jpg", "is the color of the same name as .*3.png: expected one; remove the other"
    )
    put(root, **{"train/color/3.png": b""})
    (root / "train" / "color" / "3.jpg").unlink()
    refused("rgbd", root, "train/color/3.png", "is not a PNG.*: expected a color picture")
    put(root, **{"train/color/3.png": noise(40, 64, 3)})
    refused("rgbd", root, "train/depth/3.png", "has 64x48 pixels: expected 64x40 pixels, as 3.png has")


# All that is wrong at once.


def told(module, root, split="train", image_size=32, **options):
    """The Source of what is good, decoded, and the sentences about the rest."""
    bad = []
    source = module.load(split, root, image_size, problem=bad.append, **options)
    assert isinstance(source.images, Files)
    source = source.decoded(bad.append)
    return source, [say(error) for error in bad]


def named(sentences, *pieces):
    """Asserts that there is one sentence for each piece, which holds it."""
    assert len(sentences) == len(pieces), sentences
    for piece in pieces:
        assert sum(piece in sentence for sentence in sentences) == 1, (piece, sentences)


def test_celeba_tells_of_everything_at_once(official):
    whole = data.load("celeba", "train", official)
    for harm in (
        edit(ATTR, "000007.jpg  1", "000007.jpg  0"),
        edit(ATTR, "000005.jpg", "000001.jpg"),
        edit(EVAL, "000004.jpg 0", "000004.jpg x"),
        write("img_align_celeba/000002.jpg", b""),
        write("img_align_celeba/000099.jpg", b""),
    ):
        harm(official)
    source, sentences = told(celeba, official, image_size=64)
    named(
        sentences,
        "not '0'",
        "000001.jpg has an earlier one",
        "not 'x'",
        "000002.jpg is not a JPEG",
        "none for '000099.jpg'",
        "none for '000005.jpg'",
    )
    np.testing.assert_array_equal(source.images, whole.images[1:2])
    np.testing.assert_array_equal(source.attributes, whole.attributes[1:2])


def test_celebas_homework_tells_of_everything_at_once(tmp_path):
    put(tmp_path, **{f"{split}/{i}.png": noise(64, 64, 3) for split in ("train", "test") for i in range(6)})
    put(
        tmp_path,
        **{
            f"{split}.csv": "image_name,Male\n" + "".join(f"{i}.png,{i % 2}\n" for i in range(6))
            for split in ("train", "test")
        },
    )
    whole = data.load("celeba", "train", tmp_path)
    for harm in (
        edit("train.csv", "0.png,0", "0.png,-1"),
        edit("train.csv", "1.png", "../1.png"),
        remove("train/4.png"),
    ):
        harm(tmp_path)
    put(tmp_path, **{"train/2.png": b"x", "train/3.png": b""})
    source, sentences = told(celeba, tmp_path, image_size=64)
    named(
        sentences,
        "not '-1'",
        "not '../1.png'",
        "none for '1.png'",
        "2.png is not a PNG",
        "3.png is not a PNG",
        "4.png is missing",
    )
    np.testing.assert_array_equal(source.images, whole.images[5:])
    assert source.column("Male").tolist() == [1]


def test_a_folder_tells_of_everything_at_once(parted):
    put(
        parted,
        **{
            CSV: TRUE_FALSE + TEST_ROWS + "nowhere.png,1,1\n",
            "train/8.png": noise(32, 32, 3),
            "train/9.png": noise(32, 32, 3),
        },
    )
    for harm in (
        edit(CSV, "FALSE", "no"),
        link("train/7.png", "/dev/null"),
        write("train/3.png", b""),
        cut("train/1.png"),
        write("test/5.png", b""),
    ):
        harm(parted)
    source, sentences = told(folder, parted)
    rows = ("line 3: expected 0 or 1", "nowhere.png")
    named(
        sentences,
        *rows,
        "8.png has no row",
        "9.png has no row",
        "7.png is a symbolic link",
        "3.png is not a PNG",
        "1.png cannot be read",
    )
    same(source, parted, ["train/2.png"])
    assert source.attributes.tolist() == [[1, 0]] and source.attribute_names == ("Male", "Smiling")


def test_classes_tell_of_everything_at_once(tmp_path):
    put(
        tmp_path,
        **{
            f"{split}/{label}/{i}.png": noise(32, 32, 3)
            for split in ("train", "test")
            for label in "ab"
            for i in range(3)
        },
    )
    put(
        tmp_path,
        **{
            "train/loose.png": b"",
            "train/a/0.png": b"",
            "train/b/2.png": b"x",
            "test/a/1.png": b"",
            f"train/b/{LATIN_1}": b"",
        },
    )
    link("train/b/1.png", "/dev/null")(tmp_path)
    source, sentences = told(folder, tmp_path)
    named(
        sentences,
        "loose.png is in no class",
        "a/0.png is not a PNG",
        "b/2.png is not a PNG",
        "b/1.png is a symbolic link",
        r"b/f\udcfcnf.png is not a PNG",
    )
    same(source, tmp_path, ["train/b/0.png", "train/a/1.png", "train/a/2.png"])
    assert source.labels.tolist() == [1, 0, 0]


def test_pairs_tell_of_everything_at_once(tmp_path):
    pairs(tmp_path, "NYU's toolbox")
    whole = data.load("rgbd", "train", tmp_path)
    put(
        tmp_path,
        **{
            "train/0_i.png": b"",
            "train/1_f.png": b"x",
            "train/8_i.png": noise(8, 8, 3),
            "train/9_f.png": b"",
            "train/3_f.tif": b"",
        },
    )
    put(tmp_path, **{"test/5_f.png": b""})
    source, sentences = told(rgbd, tmp_path, image_size=64)
    named(
        sentences,
        "0_i.png is no",
        "1_f.png is not a PNG",
        "8_i.png has no depth",
        "9_f.png has no color",
        "3_f.png is the depth of the same",
    )
    np.testing.assert_array_equal(source.depth, whole.depth[2:3])
    np.testing.assert_array_equal(source.images, whole.images[2:3])


# What people have: other names, spellings, files and folders.

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
LABELS = "".join(f"{i},{'abb'[i % 3]}\n" for i in range(7))  # ids without their ending


@pytest.mark.parametrize(
    "table",
    [
        "id,label\n" + LABELS,
        "id,breed\n" + LABELS,
        ",id,breed\n" + "".join(f"{10 + i},{line}\n" for i, line in enumerate(LABELS.split())),
        "Unnamed: 0,id,label\n" + "".join(f"{6 - i},{line}\n" for i, line in enumerate(LABELS.split())),
        "id;breed\r\n" + LABELS.replace(",", ";").replace("\n", "\r\n"),
        "id\tbreed\n" + LABELS.replace(",", "\t"),
        "id,breed\n" + re.sub(r"(?m)^(\d)", r"\1.PNG", LABELS),
        "id,breed\n" + re.sub(r"(?m)^(\d)", lambda i: f"{'train' if int(i[0]) < 4 else 'test'}\\\\{i[0]}.png", LABELS),
    ],
)
def test_a_csv_may_name_pictures_and_columns_in_its_own_way(parted, table):
    put(parted, **{"labels.csv": table})
    source = data.load("folder", "train", parted)
    assert source.classes == ("a", "b") and source.labels.tolist() == [0, 1, 1, 0]
    same(source, parted, [f"train/{i}.png" for i in range(4)])


def test_an_id_without_its_ending_must_be_unique(parted):
    put(parted, **{"labels.csv": "id,label\n" + LABELS, "train/2.jpg": noise(32, 32, 3)})
    refused("folder", parted, "labels.csv, line 4", "2 is the name of 2 or has had one before")


@pytest.mark.parametrize("row, disk", [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_names_are_the_same_in_every_unicode_form(tmp_path, row, disk):
    put(tmp_path, **{f"{split}/{disk}.png": noise(32, 32, 3) for split in ("train", "test")})
    put(tmp_path, **{f"{split}.csv": f"id,Male\n{row}.png,1\n" for split in ("train", "test")})
    assert data.load("folder", "train", tmp_path).attributes.tolist() == [[1]]
    put(tmp_path, **{f"{split}.csv": f"image_name,Male\n{row}.png,1\n" for split in ("train", "test")})
    put(tmp_path, **{f"{split}/{disk}.png": noise(64, 64, 3) for split in ("train", "test")})
    assert data.load("celeba", "train", tmp_path).attributes.tolist() == [[1]]
    assert folder.in_test(row) == folder.in_test(disk)


def test_classes_are_the_same_in_every_unicode_form(tmp_path):
    classes = {"train": DECOMPOSED, "test": COMPOSED}
    put(tmp_path, **{f"{part}/{name}/0.png": noise(32, 32, 3) for part, name in classes.items()})
    put(tmp_path, **{f"{part}/b/0.png": noise(32, 32, 3) for part in classes})
    assert data.load("folder", "all", tmp_path).classes == ("b", COMPOSED)
    put(tmp_path, **{f"train/{COMPOSED}/1.png": noise(32, 32, 3)})  # both in one folder
    assert data.load("folder", "train", tmp_path).labels.tolist() == [0, 1, 1]
    root = put(tmp_path / "table", **{f"{i}.png": noise(8, 8, 3) for i in range(30)})
    labels = "".join(f"{i}.png,{COMPOSED if i % 2 else DECOMPOSED}\n" for i in range(30))
    assert data.load("folder", "train", put(root, **{"labels.csv": "id,label\n" + labels})).classes == (COMPOSED,)


SPELLINGS = [
    ("Train", "Test"),
    ("training", "testing"),
    ("train", "val"),
    ("TRAIN", "validation"),
    ("Training", "Valid"),
]


@pytest.mark.parametrize("train, test", SPELLINGS)
def test_splits_have_the_usual_spellings(parted, tmp_path, train, test):
    for name, spelling in (("train", train), ("test", test)):
        (parted / name).rename(parted / f"_{name}")
        (parted / f"_{name}").rename(parted / spelling)
    put(parted, **{f"{train}.csv": TRUE_FALSE, f"{test}.csv": "file,Male,Smiling\n" + TEST_ROWS})
    source = data.load("folder", "train", parted)
    assert source.labels is None and source.attributes.tolist() == BITS
    same(source, parted, [f"{train}/{i}.png" for i in (2, 0, 3, 1)])
    same(data.load("folder", "test", parted), parted, [f"{test}/{i}.png" for i in range(4, 7)])
    root = pairs(tmp_path / "pairs", "TUM")
    (root / "train").rename(root / f"_{train}")
    (root / f"_{train}").rename(root / train)
    (root / "test").rename(root / test)
    assert len(data.load("rgbd", "test", root)) == 2
    faces = put(tmp_path / "faces", **{f"{part}/0.png": noise(64, 64, 3) for part in (train, test)})
    put(faces, **{f"{part}.csv": "image_name,Male\n0.png,1\n" for part in ("train", "test")})
    assert len(data.load("celeba", "test", faces)) == 1


def test_splits_are_not_guessed(parted):
    put(parted, **{"Training/1.png": noise(8, 8), "val/1.png": noise(8, 8)})
    refused("folder", parted, "", "contains Training and train: expected one folder for the train split")
    (parted / "Training").rename(parted / "more")
    assert len(data.load("folder", "all", parted)) == 7
    root = put(
        parted / "quality", **{f"{label}/{i}.png": noise(8, 8) for label in ("valid", "invalid") for i in range(40)}
    )
    assert data.load("folder", "train", root).classes == ("invalid", "valid")


LEFT_BEHIND = {
    "__MACOSX/._0.png": b"\0", "__MACOSX/train/a/._0.png": b"\0", "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "desktop.ini": b"[]",
    ".ipynb_checkpoints/0.png": b"x", "@eaDir/0.png/SYNO@.png": b"x", "a/__MACOSX/0.png": b"x", "a/.DS_Store": b"x",
}  # fmt: skip


def test_what_systems_leave_behind_is_ignored_and_counted(tmp_path):
    put(tmp_path, **{f"{label}/{i}.png": noise(32, 32, 3) for label in "ab" for i in range(20)})
    before = data.load("folder", "all", tmp_path).fingerprint()
    put(tmp_path, **LEFT_BEHIND)
    assert data.load("folder", "all", tmp_path).fingerprint() == before
    counts, bad, ignored = prepare.verify("folder", str(tmp_path), 8)
    assert sum(counts.values()) == 40 and not bad
    kinds = ("3 in __MACOSX", "1 in .ipynb_checkpoints", "1 in @eaDir", "1 .db", "1 .ini", "1 .DS_Store")
    assert len(ignored) == 1 and all(kind in ignored[0] for kind in kinds), ignored


FORMATS = {
    ".jfif": "JPEG", ".jpe": "JPEG", ".ppm": "PPM", ".pgm": "PPM", ".avif": "AVIF", ".jp2": "JPEG2000", ".tga": "TGA",
    ".pcx": "PCX", ".dib": "DIB", ".sgi": "SGI", ".dds": "DDS", ".im": "IM", ".apng": "PNG", ".ico": "ICO",
    ".qoi": "QOI",
    ".data": "PNG", ".img": "WEBP", "": "JPEG",
}  # fmt: skip


def test_what_pillow_opens_is_read(tmp_path):
    for split in ("train", "test"):
        put(tmp_path, **{f"{split}/x": b"", f"{split}/notes.txt": b"P6", f"{split}/page.pdf": b"%PDF"})
        for ending, kind in FORMATS.items():
            Image.new("RGB", (32, 32), "white").save(tmp_path / split / f"{ending[1:] or 'none'}-{ending}", kind)
    source, sentences = told(folder, tmp_path)
    assert len(source) == len(FORMATS) and not sentences
    assert (source.images.astype(int) > 250).all()
    _, _, ignored = prepare.verify("folder", str(tmp_path), 8)
    assert ignored == ["not read as pictures: 2 .txt, 2 .pdf, 2 x."]


def test_a_heic_is_refused_with_what_reads_it(parted):
    put(parted, **{"train/9.heic": b"\0\0\0\x18ftypheic"})
    refused("folder", parted, "train/9.heic", "install it, or convert|cannot be read")


def test_pictures_beside_the_splits_are_said(parted):
    put(parted, **{"val/1.png": noise(8, 8), "val/2.png": noise(8, 8), "more.png": noise(8, 8)})
    counts, bad, ignored = prepare.verify("folder", str(parted), 8)
    assert counts == {"train": 4, "test": 3} and not bad
    assert ignored[0].startswith("3 pictures are in neither split: ") and "more.png" in ignored[0]


def test_pictures_deep_below_others_are_said(flat):
    put(flat, **{"deep/er/1.png": noise(8, 8)})
    refused("folder", flat, "deep", "contains folders with pictures: expected them with the others")


def reasons(name, root, *pieces):
    """Asserts that every way to read a bad set gives its reason, not only that nothing is left."""
    for work in (
        lambda: data.load(name, "train", root, skip_bad=True),
        lambda: list(prepare.prepare(name, str(root), 8, skip_bad=True)),
    ):
        with pytest.raises(UserError) as error:
            work()
        assert all(piece in say(error) for piece in pieces), error
    try:
        _, bad, _ = prepare.verify(name, str(root), 8)
    except UserError as error:  # with its reason
        bad = [str(error)]
    assert all(any(piece in say(sentence) for sentence in bad) for piece in pieces), bad


def test_a_set_of_bad_rows_says_why(parted):
    put(parted, **{"labels.csv": "id,url\n" + "".join(f"{i}.png,x{i}\n" for i in range(7))})
    reasons("folder", parted, "7 problems", "line 2: expected 0 or 1", '"label"', "'id,url'")
    put(parted, **{"labels.csv": "id,label\n" + "".join(f"n{i},a\n" for i in range(7))})
    reasons("folder", parted, "14 problems", "line 2: expected the name of a picture next to or below it, not 'n0'")


def test_celeba_with_no_picture_of_its_names_says_which_there_are(official):
    for name in NAMES:
        (official / "img_align_celeba" / name).rename(official / "img_align_celeba" / f"face{name}")
    reasons("celeba", official, "contains no pictures of the train split such as 000007.jpg, but face000001.jpg")


def test_celeba_takes_names_in_upper_case_and_torchvisions_root(official):
    before = data.load("celeba", "train", official)
    for name in NAMES:
        (official / "img_align_celeba" / name).rename(official / "img_align_celeba" / name.replace("jpg", "JPG"))
    np.testing.assert_array_equal(data.load("celeba", "train", official).images, before.images)
    (official.parent / "root").mkdir()
    official.rename(official.parent / "root" / "celeba")
    np.testing.assert_array_equal(data.load("celeba", "train", official.parent / "root").images, before.images)


def test_pairs_without_partners_say_why(tmp_path):
    put(tmp_path, **{f"{part}/{i}_rgb.png": noise(8, 8, 3) for part in ("train", "test") for i in range(3)})
    reasons("rgbd", tmp_path, "contains no pairs (3 problems, the first: ", "0_rgb.png has no depth picture")


@pytest.mark.parametrize("white, tags", [(4095, {}), (None, {281: 4095}), (None, {50717: 4095})])
def test_twelve_bits_in_sixteen_are_not_black(parted, white, tags):
    steps = np.linspace(0, 4095, 32 * 32).reshape(32, 32).astype(np.uint16)
    for name in ("train/0.tif", "train/1.tif"):
        Image.fromarray(steps).save(parted / name, tiffinfo=tags)
    found = data.load("folder", "train", parted, channels=1, **({"white": white} if white else {})).images[1, ..., 0]
    np.testing.assert_array_equal(found, np.rint(steps / 4095 * 255 + 1e-9))


def test_white_is_not_in_the_identity_of_sets_without_it(parted):
    assert (
        data.load("folder", "train", parted, white=4095).fingerprint()
        != data.load("folder", "train", parted).fingerprint()
    )
    Image.fromarray(np.full((32, 32), 5000, np.uint16)).save(parted / "train" / "0.tif", tiffinfo={281: 4095})
    assert (data.load("folder", "train", parted).images[1] == 19).all()  # the tag is wrong: it is 5000 of 65535
    assert (data.load("folder", "train", parted, white=4095).images[1] == 255).all()


def test_depth_may_be_smaller_than_color(tmp_path):
    pairs(tmp_path, "TUM")
    for i in range(4):
        put(tmp_path, **{f"train/rgb/{i}.png": noise(96, 128, 3)})
    nearest = (2 * np.arange(16) + 1) * 48 // 32
    depth = data.load("rgbd", "train", tmp_path, 16).depth[..., 0]
    np.testing.assert_array_equal(depth, MILLIMETRES[:4, nearest[:, None], 8 + nearest])


@pytest.mark.parametrize("kind", ["float npy", "float64 npy", "npy", "plane npy", "float tiff", "pgm"])
def test_depth_may_be_in_metres_and_in_arrays(tmp_path, kind):
    metres = (MILLIMETRES / 1000).astype(np.float64 if kind == "float64 npy" else np.float32)
    metres[:, 0, 8], metres[:, 0, 9], metres[:, 0, 10] = np.nan, np.inf, -1
    whole = MILLIMETRES.copy()
    whole[:, 0, 8:11] = 0
    for i in range(6):
        part = tmp_path / ("train" if i < 4 else "test")
        put(part, **{f"rgb/{i}.png": noise(48, 64, 3), "depth/x.txt": b""})
        if kind.endswith("npy"):
            array = metres[i] if "float" in kind else whole[i]
            np.save(part / "depth" / f"{i}.npy", array[..., None] if kind == "plane npy" else array)
        else:
            array = metres[i] if kind == "float tiff" else whole[i]
            Image.fromarray(array).save(part / "depth" / f"{i}.{'tif' if kind == 'float tiff' else 'pgm'}")
    np.testing.assert_array_equal(told(rgbd, tmp_path, image_size=48)[0].depth[..., 0], whole[:4, :, 8:56])
    if "float" in kind:  # in another unit, if it is said
        half = told(rgbd, tmp_path, image_size=48, depth_unit=0.5)[0].depth[..., 0]
        np.testing.assert_allclose(half, whole[:4, :, 8:56] / 2, atol=0.51)


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY\1\0", b"x" * 200, np.zeros((3, 4, 5)), np.zeros((2, 2), complex), np.array([{}])]
)
def test_bad_arrays_of_depth_are_a_sentence(tmp_path, content):
    root = pairs(tmp_path, "TUM")
    (root / "train" / "depth" / "3.png").unlink()
    if isinstance(content, bytes):
        put(root, **{"train/depth/3.npy": content})
    else:
        np.save(root / "train" / "depth" / "3.npy", content)
    refused("rgbd", root, "train/depth/3.npy", "expected 64x48 pixels, as 3.png has, or that shape")


@pytest.mark.parametrize(
    "layout", [("images/{}.png", "depths/{}.png"), ("scene/seq-01/{}.color.png", "scene/seq-01/{}.depth.png")]
)
@pytest.mark.parametrize("split", [True, False])
def test_pairs_may_be_in_more_folders_and_without_splits(tmp_path, layout, split):
    for i in range(30):
        part = tmp_path / ("train" if i < 20 else "test") if split else tmp_path
        put(
            part,
            **dict(zip((name.format(i) for name in layout), (noise(8, 8, 3), MILLIMETRES[0, :8, :8]), strict=True)),
        )
    counts, bad, ignored = prepare.verify("rgbd", str(tmp_path), 8)
    assert sum(counts.values()) == 30 and counts["test"] >= 1 and not ignored
    assert not split or counts == {"train": 20, "test": 10}
    assert not [sentence for sentence in bad if "shows the same" not in sentence]


def test_pairs_are_joined_by_their_time(tmp_path):
    times = (100.0, 100.033, 100.066, 100.1)
    for part in ("train", "test"):
        put(tmp_path, **{f"{part}/rgb/{time:.6f}.png": noise(48, 64, 3) for time in times})
        put(tmp_path, **{
            f"{part}/depth/{time + late:.6f}.png": depth
            for time, late, depth in zip(times, (0.012, -0.008, 0.03, 0.0), MILLIMETRES, strict=False)
        })  # fmt: skip
    source = told(rgbd, tmp_path, image_size=48)[0]
    assert [source_path.name for source_path in map(rgbd_files(tmp_path).path, range(3))] == [
        "100.000000.png", "100.033000.png", "100.100000.png"
    ]  # fmt: skip
    np.testing.assert_array_equal(source.depth[..., 0], MILLIMETRES[[0, 1, 3]][:, :, 8:56])
    assert prepare.verify("rgbd", str(tmp_path), 8).ignored[0].startswith("4 pictures are in neither split")


def rgbd_files(root):
    return rgbd.load("train", root, 48).images


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_classes_are_chosen_in_either_unicode_form(form):
    names = tuple(unicodedata.normalize(form, name) for name in ("caf\u00e9", "th\u00e9"))
    labels = np.array([0, 1, 1], np.int32)
    source = Source("s", np.zeros((3, 8, 8, 3), np.uint8), np.zeros((3, 0), np.uint8), labels=labels, classes=names)
    for typed in ("NFC", "NFD"):
        assert len(source.only([unicodedata.normalize(typed, "th\u00e9")])) == 2


def seven_scenes(tmp_path, scene, train="sequence1\r\nsequence3\r\n\r\n", test="sequence2"):
    """Three sequences of four frames and the two files of a scene of 7-Scenes."""
    pictures_ = {"color": noise(16, 16, 3), "depth": np.full((16, 16), 2000, np.uint16)}
    files = {
        f"{scene}seq-{sequence:02d}/frame-{frame:06d}.{kind}.png": content
        for sequence in (1, 2, 3) for frame in range(4) for kind, content in pictures_.items()
    }  # fmt: skip
    files |= {f"{scene}seq-01/frame-000000.pose.txt": b"1 0 0 0"}
    files |= {f"{scene}{name}Split.txt": text.encode() for name, text in (("Train", train), ("Test", test)) if text}
    put(tmp_path, **files)


@pytest.mark.parametrize("scenes", [("",), ("chess/",), ("chess/", "fire/")])
def test_7_scenes_are_divided_by_their_files(tmp_path, scenes):
    for scene in scenes:
        seven_scenes(tmp_path, scene)
    for split, sequences in {"train": (1, 3), "test": (2,)}.items():
        source = data.load("rgbd", split, tmp_path, 16, cache_gb=0)
        found = {os.path.relpath(source.images.path(i), tmp_path) for i in range(len(source))}
        assert found == {
            f"{scene}seq-{sequence:02d}/frame-{frame:06d}.color.png"
            for scene in scenes for sequence in sequences for frame in range(4)
        }  # fmt: skip
        assert (source.metres() == 2).all()


@pytest.mark.parametrize("train, test, sentence", [
    ("sequence1\nsequence4", "sequence2", "TrainSplit.txt, line 2: there is no 'sequence4'"),
    ("seq 1", "sequence2", "TrainSplit.txt, line 1: there is no 'seq 1'"),
    ("sequence1\nsequence2", "sequence2", "TestSplit.txt, line 1: chess/seq-02 is named twice"),
    ("sequence1", "", "TestSplit.txt cannot be read"),
    ("sequence1", "\n", "contains no pairs of TestSplit.txt"),
])  # fmt: skip
def test_7_scenes_with_damaged_files(tmp_path, train, test, sentence):
    seven_scenes(tmp_path, "chess/", train, test)
    with pytest.raises(UserError, match=re.escape(sentence)):
        data.load("rgbd", "train", tmp_path, 16)
