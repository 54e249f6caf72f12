"""The readers of IDX files, class folders and RGB-D pairs on small folders in the real layout, and what they say about
damaged ones.
"""

import gzip
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from sentences import say

from tfgen import UserError, data
from tfgen.data.readers import mnist

RANDOM = np.random.default_rng(0)


def noise(*shape, dtype=np.uint8):
    return RANDOM.integers(0, 256 if dtype == np.uint8 else 9000, shape, dtype)


def harm(folder, name, change):
    """Rewrites a file: change takes and gives its bytes, or is its new content; None removes it."""
    path = folder / name
    if change is None:
        path.rename(folder.parent / "removed")
    else:
        path.write_bytes(change(path.read_bytes()) if callable(change) else change)


def refused(name, folder, named, expected):
    """Asserts that loading fails in one sentence that names a path and matches `expected`."""
    with pytest.raises(UserError, match=expected) as error:
        data.load(name, "train", folder)
    assert str(folder / named) in say(error)


# MNIST.


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


DIGITS = {
    "train": (noise(12, 28, 28), np.arange(12, dtype=np.uint8) % 10),
    "t10k": (noise(4, 28, 28), np.uint8([9, 8, 7, 6])),
}
IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.fixture
def digits(tmp_path):
    """The four files, gzipped, in a folder of their own."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for prefix, (images, labels) in DIGITS.items():
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return folder


@pytest.mark.parametrize("split, prefix", [("train", "train"), ("test", "t10k")])
def test_mnist_gives_the_files_pixels_within_a_black_border(digits, split, prefix):
    images, labels = DIGITS[prefix]
    source = data.load("mnist", split, str(digits))
    assert source.images.shape == (len(images), 32, 32, 1) and source.images.dtype == np.uint8
    np.testing.assert_array_equal(source.images[:, 2:-2, 2:-2, 0], images)
    assert source.images.sum() == images.sum(dtype=int)
    np.testing.assert_array_equal(source.labels, labels)
    assert source.labels.dtype == np.int32 and source.attributes.shape == (len(images), 0) and source.depth is None
    np.testing.assert_array_equal(mnist.load(split, digits, 28, 3).images[..., 0], images[:3])


@pytest.mark.parametrize("separator", "-.")
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_takes_every_spelling_and_looks_at_the_content(digits, separator, packed):
    expected = data.load("mnist", "all", digits).fingerprint()
    for path in list(digits.iterdir()):
        if not packed:
            path.write_bytes(gzip.decompress(path.read_bytes()))
        path.rename(digits / path.name.removesuffix(".gz").replace("-idx", f"{separator}idx"))
    assert data.load("mnist", "all", digits).fingerprint() == expected


@pytest.mark.parametrize("size", [8, 16, 64])
def test_mnist_resizes_without_aliasing(digits, size):
    checks = (np.indices((28, 28)).sum(0) % 2 * 255).astype(np.uint8)
    harm(digits, IMAGES, idx(np.stack([checks] * 12)))
    picture = data.load("mnist", "train", digits, size).images[0, ..., 0].astype(float)
    assert picture.shape == (size, size) and abs(picture.mean() - 127.5 * (28 / 32) ** 2) < 5
    if size < 32:
        np.testing.assert_allclose(picture[2:-2, 2:-2], 127.5, atol=25)


def header(*numbers):
    """New numbers for the header of the pictures."""
    return lambda content: idx(DIGITS["train"][0])[:4] + struct.pack(">3I", *numbers) + gzip.decompress(content)[16:]


def flip(place):
    return lambda content: content[:place] + bytes((content[place] ^ 0xFF,)) + content[place + 1 :]


BAD_MNIST = {
    "pictures missing": (IMAGES, None, "there is no file .*: expected --data_dir to contain the four files"),
    "test labels missing": (
        "t10k-labels-idx1-ubyte.gz",
        None,
        "there is no file .*: expected --data_dir to contain the four files",
    ),
    "pictures empty": (
        IMAGES,
        b"",
        "starts with no byte, not with 00000803: expected an IDX file of pictures of 28x28 bytes",
    ),
    "pictures of text": (IMAGES, b"hello", "starts with 68656c6c, not with 00000803: expected an IDX file"),
    "pictures are labels": (IMAGES, idx(DIGITS["train"][1]), "starts with 00000801, not with 00000803"),
    "labels are pictures": (
        LABELS,
        idx(DIGITS["train"][0]),
        "starts with 00000803, not with 00000801: expected an IDX file of labels",
    ),
    "pictures of floats": (IMAGES, bytes((0, 0, 13, 3)), "starts with 00000d03, not with 00000803"),
    "ends within header": (IMAGES, idx(DIGITS["train"][0])[:15], "ends in its header: expected an IDX file"),
    "other size": (
        IMAGES,
        idx(noise(12, 32, 32)),
        "has 32x32 bytes an example according to its header: expected .* 28x28",
    ),
    "no pictures": (IMAGES, header(0, 28, 28), "has 0 examples according to its header: expected 1 to 1000000"),
    "more than anyone has": (
        IMAGES,
        header(2**32 - 1, 28, 28),
        "has 4294967295 examples according to its header: expected 1 to 1000000",
    ),
    "header of more": (
        IMAGES,
        header(999_999, 28, 28),
        "contains 9408 bytes after its header: expected 783999216 for 999999 pictures",
    ),
    "header of fewer": (
        IMAGES,
        header(11, 28, 28),
        "contains more than 8624 bytes after its header: expected 8624 for 11 pictures",
    ),
    "labels one short": (
        LABELS,
        lambda content: gzip.decompress(content)[:-1],
        "contains 11 bytes .* expected 12 for 12 labels",
    ),
    "fewer labels than pictures": (
        LABELS,
        idx(DIGITS["t10k"][1]),
        "has 4 labels for the 12 pictures in .*: expected one for each",
    ),
    "gzip truncated": (
        IMAGES,
        lambda content: content[:5000],
        r"cannot be read \(Compressed file ended .*\): expected an IDX file",
    ),
    "gzip without checksum": (
        IMAGES,
        lambda content: content[:-8],
        r"cannot be read \(Compressed file ended .*\): expected an IDX file",
    ),
    "gzip of another checksum": (IMAGES, flip(-8), r"cannot be read \(CRC check failed .*\): expected an IDX file"),
    "gzip damaged": (IMAGES, flip(10), r"cannot be read \(.*\): expected an IDX file"),
    "gzip bomb": (
        LABELS,
        gzip.compress(idx(DIGITS["train"][1]) + bytes(10**7)),
        "contains more than 12 bytes after its header: expected 12",
    ),
}


@pytest.mark.parametrize("case", BAD_MNIST)
def test_mnist_says_what_is_wrong_where_and_what_it_expected(digits, case):
    name, change, expected = BAD_MNIST[case]
    harm(digits, name, change)
    refused("mnist", digits, name.removesuffix(".gz"), expected)


# Class folders.


@pytest.fixture
def animals(tmp_path):
    """Two classes, five and two pictures to train with, of 32x32 pixels; the file system's order is not that of the
    names.
    """
    folder = tmp_path / "animals"
    for name, n in {"train/horse": 2, "train/bird": 5, "test/bird": 1, "test/horse": 3}.items():
        (folder / name).mkdir(parents=True)
        for i in reversed(range(n)):
            Image.fromarray(noise(32, 32, 3)).save(folder / name / f"{i}.png")
    return folder


def test_folder_deals_the_classes_out_in_turn_with_labels_in_the_order_of_their_names(animals):
    source = data.load("folder", "train", animals)
    assert source.images.dtype == np.uint8 and source.labels.dtype == np.int32 and source.attributes.shape == (7, 0)
    assert source.labels.tolist() == [0, 1, 0, 1, 0, 0, 0]
    names = ["bird/0", "horse/0", "bird/1", "horse/1", "bird/2", "bird/3", "bird/4"]
    pixels = [np.asarray(Image.open(animals / "train" / f"{name}.png")) for name in names]
    np.testing.assert_array_equal(source.images, pixels)
    assert data.load("folder", "train", animals, examples=3).fingerprint() == source[:3].fingerprint()
    assert data.load("folder", "test", animals).labels.tolist() == [0, 1, 1, 1]


def test_folder_passes_over_what_is_no_picture(animals):
    plain = data.load("folder", "train", animals).fingerprint()
    for name in ("README.txt", "train/labels.csv", "train/.DS_Store", "train/bird/Thumbs.db", "train/bird/._0.png"):
        (animals / name).write_bytes(b"\0")
    (animals / "train" / ".thumbnails").mkdir()
    assert data.load("folder", "train", animals).fingerprint() == plain


RED, EXIF = Image.new("RGB", (32, 32), (255, 0, 0)), Image.Exif()
EXIF[0x0112] = 6  # turned to the left: the top of the scene is at the right
HALF = np.zeros((32, 32, 4), np.uint8)
HALF[:, :16] = 0, 0, 255, 255
HALF[:, 16:] = 0, 0, 0, 128
WIDE = np.zeros((32, 42, 3), np.uint8)
WIDE[:, 5:37] = noise(32, 32, 3)
TALL = np.zeros((43, 32, 3), np.uint8)
TALL[5:37] = noise(32, 32, 3)
TURNED = noise(32, 32, 3)
GREY = noise(32, 32)
ON_WHITE = np.where(np.arange(32)[None, :, None] < 16, np.uint8([0, 0, 255]), np.uint8([127, 127, 127]))
# name: (a picture, the ending and the options it is saved with, the pixels it is read as)
MODES = {
    "grey": (Image.fromarray(GREY), "png", {}, GREY[..., None]),
    "16-bit gray": (Image.fromarray(GREY.astype(np.uint16) * 257), "png", {}, GREY[..., None]),
    "one bit": (Image.fromarray(GREY > 99), "png", {}, (GREY > 99)[..., None] * 255),
    "palette": (RED.quantize(4), "png", {}, RED),
    "palette in gif": (RED, "gif", {}, RED),
    "palette with a transparent color": (RED.quantize(4), "png", {"transparency": 0}, np.full((32, 32, 1), 255)),
    "alpha": (Image.fromarray(HALF), "png", {}, ON_WHITE),
    "alpha in webp": (Image.fromarray(HALF), "webp", {"lossless": True}, ON_WHITE),
    "cmyk": (RED.convert("CMYK"), "jpg", {"quality": 100}, RED),
    "bmp": (Image.fromarray(TURNED), "BMP", {}, TURNED),
    "another format than its name": (Image.fromarray(TURNED), "jpeg", {"format": "PNG"}, TURNED),
    "exif-rotated": (Image.fromarray(np.rot90(TURNED)), "png", {"exif": EXIF}, TURNED),
    "wide": (Image.fromarray(WIDE), "png", {}, WIDE[:, 5:37]),
    "tall": (Image.fromarray(TALL), "png", {}, TALL[5:37]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", MODES)
def test_folder_brings_every_picture_to_rgb(animals, case):
    picture, ending, options, pixels = MODES[case]
    picture.save(animals / "train" / "bird" / f"00.{ending}", **options)  # 0.png, 00.bmp: the second bird
    found = data.load("folder", "train", animals, examples=3).images[2]
    np.testing.assert_allclose(found, np.broadcast_to(pixels, (32, 32, 3)), atol=2 if ending == "jpg" else 0)


@pytest.mark.parametrize("size", [8, 64])
def test_folder_resizes_without_aliasing(animals, size):
    checks = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    Image.fromarray(checks).save(animals / "train" / "bird" / "0.png")
    picture = data.load("folder", "train", animals, size).images[0].astype(float)
    assert picture.shape == (size, size, 3) and abs(picture.mean() - 127.5) < 2
    if size < 32:
        np.testing.assert_allclose(picture, 127.5, atol=20)


def bomb(png):
    """A PNG with 100,000 x 100,000 pixels according to its header."""
    changed = png[:12] + b"IHDR" + struct.pack(">II", 10**5, 10**5) + png[24:29]
    return changed + struct.pack(">I", zlib.crc32(changed[12:])) + png[33:]


BIRD, NO_PICTURE = "train/bird/3.png", "expected a picture that can be decoded; restore or remove it"
BAD_FOLDER = {
    "no train": (
        "train",
        None,
        r"cannot be listed \(No such file or directory\): expected --data_dir to contain train/ and test/",
    ),
    "no test": (
        "test",
        None,
        r"cannot be listed \(No such file or directory\): expected --data_dir to contain train/ and test/",
    ),
    "class only to train with": (
        "test/bird",
        None,
        "there is no folder .*: expected the same classes .* or remove train/bird",
    ),
    "class only to test with": (
        "train/bird",
        None,
        "there is no folder .*: expected the same classes .* or remove test/bird",
    ),
    "picture outside a class": ("train/9.jpg", b"", "is in no class: expected pictures in .*<class>; move"),
    "picture of zero bytes": (BIRD, b"", "is not a PNG, JPEG or another picture that Pillow reads: " + NO_PICTURE),
    "picture of text": (BIRD, b"hello", "is not a PNG.*: " + NO_PICTURE),
    "picture of another format": (BIRD, b"%PDF-1.7 abc", "is not a PNG.*: " + NO_PICTURE),
    "picture truncated": (BIRD, lambda content: content[:1000], r"cannot be read \(.*truncated\): " + NO_PICTURE),
    "picture of damaged pixels": (BIRD, flip(1000), r"cannot be read \(.*: " + NO_PICTURE),
    "picture of too many pixels": (BIRD, bomb, "has more pixels than Pillow accepts: " + NO_PICTURE),
}


@pytest.mark.parametrize("case", BAD_FOLDER)
def test_folder_says_what_is_wrong_where_and_what_it_expected(animals, case):
    name, change, expected = BAD_FOLDER[case]
    harm(animals, name, change)
    refused("folder", animals, name, expected)


def test_folder_needs_classes_with_pictures(animals):
    (animals / "train" / "cat").mkdir()
    refused(
        "folder",
        animals,
        "train/cat",
        r"contains no pictures: expected .png, .jpg, \.\.\.; restore them or remove the folder",
    )
    (animals / "train").rename(animals / "old")
    (animals / "train").mkdir()
    refused(
        "folder",
        animals,
        "train",
        "contains no pictures: expected --data_dir to contain train/ and test/, or pictures and no such folders",
    )


# Pairs of color and depth.


@pytest.fixture
def kitchen(tmp_path):
    """Five and two pairs of 80x64 pixels; depth has holes."""
    folder = tmp_path / "kitchen"
    for split, names in {"train": range(8, 18, 2), "test": range(520, 524, 2)}.items():
        (folder / split).mkdir(parents=True)
        for i in names:
            Image.fromarray(noise(64, 80, 3)).save(folder / split / f"{i:06}.color.jpg")
            millimetres = noise(64, 80, dtype=np.uint16)
            millimetres[::7] = 0
            Image.fromarray(millimetres).save(folder / split / f"{i:06}.depth.png")
    return folder


@pytest.mark.parametrize("split, names", [("train", range(8, 18, 2)), ("test", range(520, 524, 2))])
def test_rgbd_gives_the_pairs_central_squares(kitchen, split, names):
    source = data.load("rgbd", split, kitchen)
    assert source.images.dtype == np.uint8 and source.depth.dtype == np.uint16
    assert source.labels is None and source.attributes.shape == (len(names), 0)
    for image, depth, i in zip(source.images, source.depth, names, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(kitchen / split / f"{i:06}.color.jpg"))[:, 8:72])
        np.testing.assert_array_equal(
            depth[..., 0], np.asarray(Image.open(kitchen / split / f"{i:06}.depth.png"))[:, 8:72]
        )
    some = data.load("rgbd", split, kitchen, examples=2)
    assert some.fingerprint() == source[:2].fingerprint()


@pytest.mark.parametrize("size", [8, 16, 128])
def test_rgbd_takes_the_nearest_depth_and_mixes_none(kitchen, size):
    whole, resized = data.load("rgbd", "train", kitchen), data.load("rgbd", "train", kitchen, size)
    nearest = (2 * np.arange(size) + 1) * 64 // (2 * size)
    assert resized.images.shape == (5, size, size, 3)
    np.testing.assert_array_equal(resized.depth, whole.depth[:, nearest[:, None], nearest])


def test_rgbd_makes_a_hole_of_what_is_beyond_ten_metres(kitchen):
    far = np.full((64, 80), 10_000, np.uint16)
    far[0], far[1], far[2] = 10_001, 65_535, 0
    Image.fromarray(far).save(kitchen / "train" / "000008.depth.png")
    depth = data.load("rgbd", "train", kitchen).depth[0]
    assert not depth[:3].any() and (depth[3:] == 10_000).all()


COLOR, DEPTH, NO_COLOR = (
    "train/000012.color.jpg",
    "train/000012.depth.png",
    "expected a color picture; restore it or remove the pair",
)
NO_DEPTH = (
    "expected 80x64 pixels, as 000012.color.jpg has, or that shape in another size, in 8- or 16-bit grayscale or "
    "floating-point numbers; restore it or remove the pair"
)
# name: (file, what is done to it, the file named, what else the message says)
BAD_RGBD = {
    "no train": (
        "train",
        None,
        "train",
        r"cannot be listed \(No such file or directory\): expected --data_dir to contain train/ and test/",
    ),
    "no test": (
        "test",
        None,
        "test",
        r"cannot be listed \(No such file or directory\): expected --data_dir to contain train/ and test/",
    ),
    "color missing": (
        COLOR,
        None,
        DEPTH,
        "has no color picture with its name: expected one; restore it or remove the picture",
    ),
    "depth missing": (
        DEPTH,
        None,
        COLOR,
        "has no depth picture with its name: expected one; restore it or remove the picture",
    ),
    "color twice": (
        "train/000012_rgb.png",
        b"",
        COLOR,
        "is the color of the same name as .*000012_rgb.png: expected one; remove the other",
    ),
    "color of zero bytes": (COLOR, b"", COLOR, "is not a PNG.*: " + NO_COLOR),
    "color of text": (COLOR, b"hello", COLOR, "is not a PNG.*: " + NO_COLOR),
    "color truncated": (
        COLOR,
        lambda content: content[:1000],
        COLOR,
        r"cannot be read \(.*truncated.*\): " + NO_COLOR,
    ),
    "depth of text": (DEPTH, b"hello", DEPTH, "is not a PNG or TIFF or PPM: " + NO_DEPTH),
    "depth truncated": (DEPTH, lambda content: content[:1000], DEPTH, r"cannot be read \(.*truncated.*\): " + NO_DEPTH),
    "depth of too many pixels": (DEPTH, bomb, DEPTH, "has more pixels than Pillow accepts: " + NO_DEPTH),
}
BAD_DEPTH = {
    "depth in color": (Image.new("RGB", (80, 64)), {}, "has the mode RGB: " + NO_DEPTH),
    "depth in a palette": (Image.new("P", (80, 64)), {}, "has the mode P: " + NO_DEPTH),
    "depth in 32 bits": (Image.new("I", (80, 64)), {"format": "TIFF"}, "has the mode I: " + NO_DEPTH),
    "depth of another size": (Image.new("I;16", (64, 80)), {}, "has 64x80 pixels: " + NO_DEPTH),
    "depth is a jpeg": (Image.new("L", (80, 64)), {"format": "JPEG"}, "is not a PNG or TIFF or PPM: " + NO_DEPTH),
    "depth of holes": (
        Image.new("I;16", (80, 64)),
        {},
        "has no depth from 1 to 10000 mm at 0.001 m per step: expected some; set --depth_unit",
    ),
    "depth of the largest number": (Image.new("L", (80, 64), 255), {}, "has no depth from 1 to 10000 mm"),
    "depth beyond ten meters": (
        Image.fromarray(np.full((64, 80), 20_000, np.uint16)),
        {},
        "has no depth from 1 to 10000 mm",
    ),
}


@pytest.mark.parametrize("case", BAD_RGBD)
def test_rgbd_says_what_is_wrong_where_and_what_it_expected(kitchen, case):
    name, change, named, expected = BAD_RGBD[case]
    harm(kitchen, name, change)
    refused("rgbd", kitchen, named, expected)


@pytest.mark.parametrize("case", BAD_DEPTH)
def test_rgbd_says_what_is_wrong_with_a_depth_picture(kitchen, case):
    picture, options, expected = BAD_DEPTH[case]
    picture.save(kitchen / DEPTH, **options)
    refused("rgbd", kitchen, DEPTH, expected)


def test_rgbd_needs_pairs_of_both_splits(kitchen):
    for path in (kitchen / "test").iterdir():
        path.unlink()
    refused(
        "rgbd",
        kitchen,
        "test",
        "contains no pairs: expected --data_dir to contain train/ and test/ with pairs of NAME.color.jpg and NAME",
    )


# All of them.


@pytest.mark.parametrize("name", ["mnist", "folder", "rgbd"])
def test_every_reader_needs_a_folder(name, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in ("nowhere", "file"):
        refused(name, tmp_path / place, "", "expected --data_dir to contain .* or correct the path")


@pytest.mark.parametrize(
    "name, fixture, path", [("folder", "animals", "train/bird"), ("rgbd", "kitchen", "train/000012.color.jpg")]
)
def test_every_reader_says_what_it_may_not_read(name, fixture, path, request, monkeypatch):
    folder, reader = request.getfixturevalue(fixture), "PIL.Image.open" if name == "rgbd" else "os.scandir"
    module, function = reader.rsplit(".", 1)
    real = getattr(Image if module == "PIL.Image" else os, function)

    def refuse(place, *args, **kwargs):
        if str(place) == str(folder / path):
            raise PermissionError(13, "Permission denied")
        return real(place, *args, **kwargs)

    monkeypatch.setattr(reader, refuse)  # root, as which tests often run, may read every file
    refused(name, folder, path, r"\(Permission denied\): expected a")


def test_folder_names_the_first_bad_picture(animals):
    for name in ("bird/1.png", "horse/1.png", "bird/4.png"):
        (animals / "train" / name).write_bytes(b"")
    for _ in range(5):
        refused("folder", animals, "train/bird/1.png", "is not a PNG")
