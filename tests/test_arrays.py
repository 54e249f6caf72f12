"""The readers of MNIST's kin and of CIFAR-10 on small files in their layouts, and what they say about damaged and
hostile ones.
"""

import gzip
import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from sentences import say

from tfgen import UserError, data
from tfgen.data.readers import cifar10, folder, mnist

RANDOM = np.random.default_rng(0)


def noise(*shape):
    return RANDOM.integers(0, 256, shape, np.uint8)


# The layouts, each written to a folder, and which reader is for it.

GREY = {
    "train": (noise(12, 28, 28), np.arange(12, dtype=np.uint8) % 10),
    "test": (noise(4, 28, 28), np.uint8([9, 8, 7, 6])),
}
COLOUR = {"train": (noise(10, 32, 32, 3), np.arange(10)[::-1]), "test": (noise(3, 32, 32, 3), np.array([3, 3, 1]))}


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(place, prefixes=("train", "t10k"), sets=GREY):
    for prefix, (images, labels) in zip(prefixes, sets.values(), strict=True):
        (place / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (place / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))


def write_emnist(place, name="letters", sets=GREY):
    sets = {split: (images.swapaxes(1, 2), labels + (name == "letters")) for split, (images, labels) in sets.items()}
    write_idx(place, (f"emnist-{name}-train", f"emnist-{name}-test"), sets)


def arrays(sets=GREY):
    return {f"{axis}_{split}": array for split, pair in sets.items() for axis, array in zip("xy", pair, strict=True)}


def write_npz(place, name="mnist.npz", sets=GREY):
    np.savez_compressed(place / name, **arrays(sets))


def planes(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), 3072)


def records(images, labels):
    return np.column_stack([labels.astype(np.uint8), planes(images)]).tobytes()


def short(text):
    return b"U" + bytes((len(text),)) + text


def batch_of_2009(images, labels):
    """The opcodes of the published batches, which Python 2's cPickle wrote."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\0\x85" + short(b"b") + b"\x87Rq\x09(K\x01"
    )
    dtype = (
        b"cnumpy\ndtype\nq\x0a"
        + short(b"u1")
        + b"K\0K\x01\x87Rq\x0b(K\x03"
        + short(b"|")
        + b"NNN"
        + b"J\xff\xff\xff\xff" * 2
        + b"K\0tb"
    )
    content = planes(images).tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(" + short(b"batch_label") + b"q\x02" + short(b"training batch 1 of 5") + b"q\x03",
            short(b"labels") + b"q\x04]q\x05(" + b"".join(b"K" + bytes((label,)) for label in labels) + b"e",
            short(b"data") + b"q\x06" + array + b"M" + struct.pack("<H", len(images)) + b"M\0\x0c\x86" + dtype,
            b"\x89T" + struct.pack("<I", len(content)) + content + b"tb",
            short(b"filenames")
            + b"q\x0c]("
            + b"".join(short(b"%d.png" % i) + b"r" + struct.pack("<I", 300 + i) for i in range(len(images))),
            b"eu.",
        ]
    )


def write_batches(place, ending, content):
    for i in range(5):
        (place / f"data_batch_{i + 1}{ending}").write_bytes(
            content(*(array[2 * i : 2 * i + 2] for array in COLOUR["train"]))
        )
    (place / f"test_batch{ending}").write_bytes(content(*COLOUR["test"]))


def write_binary(place):
    write_batches(place, ".bin", records)


def write_pickled(place, content=batch_of_2009):
    write_batches(place, "", content)


LAYOUTS = {
    "idx": (mnist, write_idx),
    "emnist": (mnist, write_emnist),
    "npz": (mnist, write_npz),
    "binary": (cifar10, write_binary),
    "pickled": (cifar10, write_pickled),
}


@pytest.fixture
def place(tmp_path):
    """An empty folder in a folder of its own."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def assert_read(reader, place, sets, classes):
    """Asserts that both splits are read exactly, in the files' order and, on demand, only their first examples."""
    for split, (images, labels) in sets.items():
        source = reader.load(split, str(place), images.shape[1])
        assert (
            source.images.dtype == np.uint8
            and source.labels.dtype == np.int32
            and source.attributes.shape == (len(images), 0)
        )
        np.testing.assert_array_equal(source.images, images.reshape(*images.shape[:3], -1))
        np.testing.assert_array_equal(source.labels, labels)
        assert source.classes == classes and split in source.name and str(place) in source.name
        assert reader.load(split, place, images.shape[1], 2).fingerprint() == source[:2].fingerprint()


# MNIST and its kin.


@pytest.mark.parametrize("separator", "-.")
@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_in_every_spelling(place, separator, packed):
    write_idx(place)
    for path in list(place.iterdir()):
        if not packed:
            path.write_bytes(gzip.decompress(path.read_bytes()))
        path.rename(place / path.name.removesuffix("" if packed else ".gz").replace("-idx", f"{separator}idx"))
    assert_read(mnist, place, GREY, ())


def many(n):
    """Pictures of n classes."""
    labels = np.arange(n).astype(np.uint8)
    return {split: (noise(n, 28, 28), labels) for split in ("train", "test")}


def test_idx_files_may_have_256_classes(place):
    sets = many(256)
    write_idx(place, sets=sets)
    assert_read(mnist, place, sets, ())


@pytest.mark.parametrize("name, n", {"digits": 10, "mnist": 10, "balanced": 47, "bymerge": 47, "byclass": 62}.items())
def test_emnist_is_turned_upright_and_knows_its_classes(place, name, n):
    sets = many(n)
    write_emnist(place, name, sets)
    assert_read(mnist, place, sets, mnist.EMNIST[name])
    assert len(mnist.EMNIST[name]) == n == len(set(mnist.EMNIST[name]))


def test_emnists_letters_keep_their_numbers_from_1(place):
    sets = many(26)
    write_emnist(place, "letters", sets)
    counted = {split: (images, labels + 1) for split, (images, labels) in sets.items()}
    assert_read(mnist, place, counted, ("", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@pytest.mark.parametrize("name, third", {"MNIST": "2", "FashionMNIST": "Pullover", "KMNIST": "su"}.items())
def test_torchvisions_folders_tell_the_classes(place, name, third):
    raw = place / name / "raw"
    raw.mkdir(parents=True)
    write_idx(raw)
    assert_read(mnist, raw, GREY, mnist.RAW[name])
    assert mnist.RAW[name][2] == third and len(mnist.RAW[name]) == 10
    if name == "MNIST":
        source = mnist.load("train", place)
        assert source.classes == mnist.DIGITS and source.fingerprint() == mnist.load("train", raw).fingerprint()


def test_a_set_that_is_known_has_its_labels_alone(place):
    (place / "MNIST" / "raw").mkdir(parents=True)
    write_idx(place / "MNIST" / "raw", sets=many(11))
    with pytest.raises(
        UserError, match="train-labels-idx1-ubyte.gz has the label 10 for picture 10: expected 0 to 9; restore the file"
    ) as error:
        mnist.load("train", place)
    say(error)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_is_read_as_keras_has_it(place, save):
    save(place / "mnist.npz", **arrays())
    save(place / "imdb.npz", x_train=np.zeros(3))  # Keras's folder holds others
    assert_read(mnist, place, GREY, mnist.DIGITS)


@pytest.mark.parametrize("dtype", ["<i8", ">i2", "i1", "<u8", "<i4"])
def test_npz_takes_any_name_and_any_integers(place, dtype):
    sets = {split: (np.asfortranarray(images), labels.astype(dtype)) for split, (images, labels) in GREY.items()}
    write_npz(place, "digits.npz", sets)
    assert_read(mnist, place, sets, ())


def test_npz_may_have_256_classes_and_is_then_no_mnist(place):
    sets = many(256)
    write_npz(place, sets=sets)
    assert_read(mnist, place, sets, ())


def test_idx_files_come_before_an_npz(place):
    write_npz(place, sets=many(20))
    write_idx(place)
    assert_read(mnist, place, GREY, ())


@pytest.mark.parametrize("layout", ["idx", "emnist", "npz"])
def test_28_pixels_get_a_border_to_32_and_are_resized_from_there(place, layout):
    LAYOUTS[layout][1](place)
    source = mnist.load("test", place)
    assert source.images.shape == (4, 32, 32, 1) and source.images.sum() == GREY["test"][0].sum(dtype=int)
    np.testing.assert_array_equal(source.images[:, 2:-2, 2:-2, 0], GREY["test"][0])
    for size in (8, 64):
        resized = mnist.load("test", place, size).images
        assert resized.shape == (4, size, size, 1) and abs(resized.mean() - source.images.mean()) < 6


# CIFAR-10.


@pytest.mark.parametrize("layout, below", [("binary", "cifar-10-batches-bin"), ("pickled", "cifar-10-batches-py")])
@pytest.mark.parametrize("deeper", [False, True])
def test_batches_are_read_here_or_one_folder_deeper(place, layout, below, deeper):
    inner = place / below if deeper else place
    inner.mkdir(exist_ok=True)
    LAYOUTS[layout][1](inner)
    for name in ("batches.meta", "batches.meta.txt", "readme.html"):
        (inner / name).write_bytes(b"\0")
    assert_read(
        cifar10,
        place,
        COLOUR,
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    )


def test_the_batches_of_2009_are_what_python_2_wrote():
    images, labels = COLOUR["test"]
    batch = pickle.loads(batch_of_2009(images, labels), encoding="bytes")
    assert (
        batch[b"data"].dtype == np.uint8 and batch[b"labels"] == labels.tolist() and batch[b"filenames"][2] == b"2.png"
    )
    np.testing.assert_array_equal(batch[b"data"], planes(images))


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("key", [str, str.encode])
def test_batches_that_python_3_wrote_again_are_read(place, protocol, key):
    write_pickled(
        place,
        lambda images, labels: pickle.dumps({key("labels"): labels.tolist(), key("data"): planes(images)}, protocol),
    )
    assert_read(cifar10, place, COLOUR, cifar10.CLASSES)


def test_binary_batches_come_before_pickled_ones(place):
    write_binary(place)
    for i in range(1, 6):
        (place / f"data_batch_{i}").write_bytes(b"")
    assert_read(cifar10, place, COLOUR, cifar10.CLASSES)


@pytest.mark.parametrize("part", ["train", "test"])
def test_class_folders_are_handed_over(place, part, monkeypatch):
    (place / part).mkdir()
    monkeypatch.setattr(folder, "load", lambda *arguments: arguments)
    assert cifar10.load("test", str(place), 64, 7) == ("test", place, 64, 7)


@pytest.mark.parametrize("size", [8, 64])
def test_batches_are_resized_without_aliasing(place, size):
    checks = np.broadcast_to((np.indices((32, 32)).sum(0) % 2 * 255)[..., None], (32, 32, 3)).astype(np.uint8)
    checks = checks * np.uint8([1, 0, 1])  # red and blue
    write_binary(place)
    (place / "test_batch.bin").write_bytes(records(checks[None], np.array([0])))
    picture = cifar10.load("test", place, size).images[0].astype(float)
    assert picture.shape == (size, size, 3)
    np.testing.assert_allclose(picture.mean((0, 1)), [127.5, 0, 127.5], atol=2)
    if size < 32:
        np.testing.assert_allclose(picture[..., 0], 127.5, atol=20)


# What is wrong.


def keep(n):
    return lambda content: content[:n]


def flip(at):
    return lambda content: content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :]


def swap(old, new):
    def change(content):
        assert old in content
        return content.replace(old, new, 1)

    return change


def header(*numbers):
    """New numbers for the header of an IDX file of pictures."""
    return lambda content: idx(GREY["train"][0])[:4] + struct.pack(">3I", *numbers) + gzip.decompress(content)[16:]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(compression=zipfile.ZIP_DEFLATED, **changed):
    """A new mnist.npz with some arrays replaced: by other arrays, by other bytes, or by what a function makes of
    theirs; None leaves them out.
    """

    def write(_):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, array in (arrays() | changed).items():
                if callable(array):
                    array = array(npy(arrays()[name]))
                if array is not None:
                    archive.writestr(f"{name}.npy", array if isinstance(array, bytes) else npy(array))
        return file.getvalue()

    return write


def pickled(value, protocol=2):
    return pickle.dumps(value, protocol)


def batch(**changed):
    """A pickled batch with some of its values replaced."""
    return pickled({"data": planes(COLOUR["test"][0]), "labels": [3, 3, 1]} | changed)


def removed(path):
    path.rename(path.parent.parent / "removed")


def become_folder(path):
    removed(path)
    path.mkdir()


def enlarged(path):
    os.truncate(path, 10**11)  # the file system keeps no block for what was never written


IMAGES, LABELS, TEST_LABELS, NPZ = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
    "mnist.npz",
)
LETTERS = "emnist-letters-train-labels-idx1-ubyte.gz"
BIN, PY = "data_batch_2.bin", "data_batch_2"
FOUR = "expected --data_dir to contain the four files of a data set"
IDX3, IDX1 = "expected an IDX file of pictures of 28x28 bytes", "expected an IDX file of labels of one byte"
SIX = "expected --data_dir to contain the five data batches and the test batch of CIFAR-10"
NO_NPZ, NO_X = "expected x_train, y_train, x_test and y_test", r"expected bytes of the shape \(n, 28, 28\)"
NO_Y, NO_PICKLE = (
    r"expected integers of the shape \(n,\)",
    "expected a pickle of data, a NumPy array with 3072 bytes a picture",
)
# name: (layout, file, its new content or a function that makes it of the old or does something to the path, how the
# sentence about it goes on)
BAD = {
    "idx pictures missing": ("idx", IMAGES, removed, "there is no file .* or .*: " + FOUR),
    "idx test labels missing": ("idx", TEST_LABELS, removed, "there is no file .* or .*: " + FOUR),
    "idx file is a folder": ("idx", IMAGES, become_folder, "there is no file .* or .*: " + FOUR),
    "idx empty": ("idx", IMAGES, b"", "starts with no byte, not with 00000803: " + IDX3),
    "idx of text": ("idx", LABELS, b"hello", "starts with 68656c6c, not with 00000801: " + IDX1),
    "idx pictures are labels": (
        "idx",
        IMAGES,
        idx(GREY["train"][1]),
        "starts with 00000801, not with 00000803: " + IDX3,
    ),
    "idx of floats": ("idx", IMAGES, bytes((0, 0, 13, 3)), "starts with 00000d03, not with 00000803"),
    "idx ends in header": ("idx", IMAGES, idx(GREY["train"][0])[:15], "ends in its header: " + IDX3),
    "idx of another size": (
        "idx",
        IMAGES,
        idx(noise(12, 32, 32)),
        "has 32x32 bytes an example according to its header: " + IDX3,
    ),
    "idx of nothing": (
        "idx",
        IMAGES,
        header(0, 28, 28),
        "has 0 examples according to its header: expected 1 to 1000000",
    ),
    "idx header of millions": (
        "idx",
        IMAGES,
        header(2**32 - 1, 28, 28),
        "has 4294967295 examples according to its header",
    ),
    "idx header of more": (
        "idx",
        IMAGES,
        header(999_999, 28, 28),
        "contains 9408 bytes after its header: expected 783999216",
    ),
    "idx header of fewer": (
        "idx",
        IMAGES,
        header(11, 28, 28),
        "contains more than 8624 bytes after its header: expected 8624",
    ),
    "idx fewer labels": (
        "idx",
        LABELS,
        idx(GREY["test"][1]),
        "has 4 labels for the 12 pictures in .*: expected one for each",
    ),
    "idx gzip truncated": ("idx", IMAGES, keep(5000), r"cannot be read \(Compressed file ended .*\): " + IDX3),
    "idx gzip of another checksum": ("idx", IMAGES, flip(-8), r"cannot be read \(CRC check failed .*\): " + IDX3),
    "idx gzip damaged": ("idx", IMAGES, flip(10), r"cannot be read \(.*\): " + IDX3),
    "idx gzip bomb": (
        "idx",
        LABELS,
        gzip.compress(idx(GREY["train"][1]) + bytes(10**7)),
        "contains more than 12 bytes after its header",
    ),
    "emnist labels missing": (
        "emnist",
        LETTERS,
        removed,
        "there is no file .*emnist-letters-train-labels.* or .*: " + FOUR,
    ),
    "emnist label 27": (
        "emnist",
        LETTERS,
        idx(np.uint8([1] * 7 + [27] * 5)),
        "has the label 27 for picture 7: expected 1 to 26",
    ),
    "emnist label 0": (
        "emnist",
        LETTERS,
        idx(np.uint8([1] * 3 + [0] * 9)),
        "has the label 0 for picture 3: expected 1 to 26",
    ),
    "npz empty": ("npz", NPZ, b"", r"cannot be read \(File is not a zip file\): " + NO_NPZ),
    "npz of text": ("npz", NPZ, b"hello", r"cannot be read \(File is not a zip file\): " + NO_NPZ),
    "npz is a pickle": ("npz", NPZ, pickled([1]), r"cannot be read \(File is not a zip file\): " + NO_NPZ),
    "npz is one array": ("npz", NPZ, npy(GREY["train"][0]), r"cannot be read \(File is not a zip file\): " + NO_NPZ),
    "npz truncated": ("npz", NPZ, keep(9000), r"cannot be read \(.*\): " + NO_NPZ),
    "npz pixels damaged": ("npz", NPZ, flip(4000), r"cannot be read \(.*\): " + NO_NPZ),
    "npz of another checksum": (
        "npz",
        NPZ,
        lambda _: npz(zipfile.ZIP_STORED)(_).replace(GREY["train"][1].tobytes(), bytes(12)),
        "Bad CRC",
    ),
    "npz encrypted": (
        "npz",
        NPZ,
        lambda _: npz()(_).replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"),
        "encrypted.*: " + NO_NPZ,
    ),
    "npz in lzma": ("npz", NPZ, npz(zipfile.ZIP_LZMA), "x_train is compressed, but not by deflate: " + NO_X),
    "npz without y_test": ("npz", NPZ, npz(y_test=None), "does not contain y_test: " + NO_NPZ),
    "npz member empty": (
        "npz",
        NPZ,
        npz(x_train=b""),
        "x_train starts with no byte, not with 934e554d50590100: " + NO_X,
    ),
    "npz member of text": ("npz", NPZ, npz(x_train=b"hello"), "x_train starts with 68656c6c6f, not with"),
    "npz member of version 2": (
        "npz",
        NPZ,
        npz(x_train=b"\x93NUMPY\2\0\xff\xff\xff\xff"),
        "x_train starts with 934e554d50590200, not with",
    ),
    "npz of another size": ("npz", NPZ, npz(x_train=noise(12, 32, 32)), "x_train has the header .*32, 32.*: " + NO_X),
    "npz of floats": ("npz", NPZ, npz(x_train=np.zeros((12, 28, 28))), "x_train has the header .*<f8.*: " + NO_X),
    "npz of signed pixels": (
        "npz",
        NPZ,
        npz(x_train=np.zeros((12, 28, 28), np.int8)),
        r"x_train has the header .*\|i1.*: " + NO_X,
    ),
    "npz of objects": ("npz", NPZ, npz(y_train=np.array([None] * 12)), r"y_train has the header .*\|O.*: " + NO_Y),
    "npz labels one-hot": (
        "npz",
        NPZ,
        npz(y_train=np.eye(12, dtype=np.uint8)),
        r"y_train has the header .*\(12, 12\).*: " + NO_Y,
    ),
    "npz labels of floats": ("npz", NPZ, npz(y_train=np.zeros(12)), "y_train has the header .*<f8.*: " + NO_Y),
    "npz label alone": ("npz", NPZ, npz(y_train=np.int64(3)), r"y_train has the header .*\(\).*: " + NO_Y),
    "npz header of code": (
        "npz",
        NPZ,
        npz(y_train=swap(b"(12,)", b"f(x) ")),
        r"y_train has the header .*f\(x\).*: " + NO_Y,
    ),
    "npz of nothing": (
        "npz",
        NPZ,
        npz(x_train=noise(0, 28, 28)),
        "x_train has 0 examples according to its header: expected 1 to 1000000",
    ),
    "npz header of millions": (
        "npz",
        NPZ,
        npz(x_train=swap(b"(12, 28, 28), }      ", b"(99912345, 28, 28), }")),
        "x_train has 99912345 examples",
    ),
    "npz header of more": (
        "npz",
        NPZ,
        npz(y_train=swap(b"(12,), }   ", b"(99912,), }")),
        "y_train contains 12 bytes after its header: expected 99912",
    ),
    "npz header of fewer": (
        "npz",
        NPZ,
        npz(y_train=swap(b"(12,)", b"(11,)")),
        "y_train contains more than 11 bytes after its header: expected 11",
    ),
    "npz fewer labels": (
        "npz",
        NPZ,
        npz(y_train=GREY["test"][1]),
        "has 4 labels for the 12 pictures of x_train: expected one for each",
    ),
    "npz label 256": (
        "npz",
        NPZ,
        npz(y_train=np.full(12, 256)),
        "y_train, has the label 256 for picture 0: expected 0 to 255",
    ),
    "npz label -1": (
        "npz",
        NPZ,
        npz(y_train=np.arange(12) % 10 - np.eye(12, dtype=int)[0]),
        "y_train, has the label -1 for picture 0",
    ),
    "npz label of 64 bits": (
        "npz",
        NPZ,
        npz(y_train=np.full(12, 2**64 - 1, np.uint64)),
        "has the label 18446744073709551615 for picture 0",
    ),
    "binary missing": ("binary", BIN, removed, "there is no file .*: " + SIX),
    "binary test missing": ("binary", "test_batch.bin", removed, "there is no file .*: " + SIX),
    "binary is a folder": ("binary", BIN, become_folder, "there is no file .*: " + SIX),
    "binary empty": ("binary", BIN, b"", "contains 0 bytes: expected a multiple of 3073"),
    "binary of text": ("binary", BIN, b"hello", "contains 5 bytes: expected a multiple of 3073"),
    "binary truncated": ("binary", BIN, keep(6000), "contains 6000 bytes: expected a multiple of 3073"),
    "binary label 10": (
        "binary",
        BIN,
        lambda content: content[:3073] + b"\x0a" + content[3074:],
        "has the label 10 for picture 1: expected 0 to 9",
    ),
    "binary too large": ("binary", BIN, enlarged, "contains more than 64000000 bytes: expected a batch"),
    "pickle missing": ("pickled", PY, removed, "there is no file .*: " + SIX),
    "pickle is a folder": ("pickled", PY, become_folder, "there is no file .*: " + SIX),
    "pickle empty": ("pickled", PY, b"", "is not a pickle, or is damaged: " + NO_PICKLE),
    "pickle of text": ("pickled", PY, b"hello. Is this\nno pickle", "is not a pickle, or is damaged: " + NO_PICKLE),
    "pickle is a gzip": ("pickled", PY, gzip.compress, "is not a pickle, or is damaged: " + NO_PICKLE),
    "pickle truncated": ("pickled", PY, keep(6000), "is not a pickle, or is damaged: " + NO_PICKLE),
    "pickle too large": ("pickled", PY, enlarged, "contains more than 64000000 bytes: expected a batch"),
    "pickle of protocol 0": (
        "pickled",
        PY,
        lambda content: pickled({"data": 1}, 0),
        "is a pickle with the opcode DICT, which no batch needs",
    ),
    "pickle of protocol 5": (
        "pickled",
        PY,
        lambda content: pickled(planes(COLOUR["test"][0]), 5),
        "_frombuffer', which no batch needs",
    ),
    "pickle of a list": ("pickled", PY, pickled([1]), "does not contain data: " + NO_PICKLE),
    "pickle without labels": ("pickled", PY, pickled({"data": 1}), "does not contain labels: " + NO_PICKLE),
    "pickle of cifar-100": (
        "pickled",
        PY,
        pickled({"data": planes(COLOUR["test"][0]), "fine_labels": [1] * 3}),
        "does not contain labels",
    ),
    "pickle data a string": ("pickled", PY, batch(data=b"hello"), "has data of another kind: " + NO_PICKLE),
    "pickle data none": (
        "pickled",
        PY,
        batch_of_2009(noise(0, 32, 32, 3), []),
        "has data of another kind: " + NO_PICKLE,
    ),
    "pickle data of floats": ("pickled", PY, batch(data=np.zeros((3, 3072))), "has data of another kind: " + NO_PICKLE),
    "pickle data of another size": ("pickled", PY, batch(data=noise(3, 784)), "has data of another kind: " + NO_PICKLE),
    "pickle data of another shape": (
        "pickled",
        PY,
        batch(data=noise(3, 32, 32, 3)),
        "has data of another kind: " + NO_PICKLE,
    ),
    "pickle data in Fortran's order": (
        "pickled",
        PY,
        batch(data=np.asfortranarray(noise(3, 3072))),
        "has data of another kind: " + NO_PICKLE,
    ),
    "pickle shape of more": (
        "pickled",
        PY,
        swap(b"M\x02\0M\0\x0c", b"M\x03\0M\0\x0c"),
        "has data of another kind: " + NO_PICKLE,
    ),
    "pickle shape of lists": (
        "pickled",
        PY,
        swap(b"M\x02\0M\0\x0c", b"]M\0\x0c"),
        "has data of another kind: " + NO_PICKLE,
    ),
    "pickle labels short": (
        "pickled",
        PY,
        batch(labels=[1, 2]),
        "are not one number for each of its 3 pictures",
    ),
    "pickle labels a string": (
        "pickled",
        PY,
        batch(labels="123"),
        "are not one number for each of its 3 pictures",
    ),
    "pickle labels of strings": (
        "pickled",
        PY,
        batch(labels=["1", "2", "3"]),
        "are not one number for each of its 3 pictures",
    ),
    "pickle label 10": ("pickled", PY, batch(labels=[1, 10, 3]), "has the label 10 for picture 1: expected 0 to 9"),
    "pickle label -1": ("pickled", PY, batch(labels=[1, 2, -1]), "has the label -1 for picture 2: expected 0 to 9"),
}


@pytest.mark.parametrize("case", BAD)
def test_readers_say_what_is_wrong_where_and_what_they_expected(place, case):
    layout, name, change, expected = BAD[case]
    reader, write = LAYOUTS[layout]
    write(place)
    path = place / name
    if isinstance(change, bytes):
        path.write_bytes(change)
    elif change in (removed, become_folder, enlarged):
        change(path)
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError) as error:
        reader.load("train", place)
    message = say(error)
    assert str(path).removesuffix(".gz") in message
    assert re.search(expected, message), message


@pytest.mark.parametrize("reader", [mnist, cifar10])
def test_readers_need_a_folder_that_holds_the_data(reader, place):
    (place / "file").write_bytes(b"")
    (place / NPZ).mkdir()
    for path in (place, place / "file", place / "nowhere"):
        with pytest.raises(
            UserError, match=f"{re.escape(str(path))} .*expected --data_dir to contain .* or correct the path"
        ) as error:
            reader.load("train", path)
        say(error)


@pytest.mark.parametrize(
    "others, named",
    [(["balanced"], "emnist-balanced-\\* and of emnist-letters"), ([], "emnist-letters-\\* and of train-\\*")],
)
def test_several_sets_in_one_folder_are_not_guessed_among(place, others, named):
    write_emnist(place)
    for name in others:
        write_emnist(place, name)
    if not others:
        write_idx(place)
    with pytest.raises(
        UserError,
        match=f"{re.escape(str(place))} contains files of {named}.*: expected the four files of one data set; keep one",
    ) as error:
        mnist.load("train", place)
    say(error)


def test_several_npz_in_one_folder_are_not_guessed_among(place):
    for name in ("a.npz", "b.npz"):
        write_npz(place, name)
    with pytest.raises(
        UserError, match=f"{re.escape(str(place))} contains a.npz and b.npz: expected mnist.npz or a single"
    ) as error:
        mnist.load("train", place)
    say(error)


@pytest.mark.parametrize(
    "layout, path", [("idx", IMAGES), ("npz", NPZ), ("binary", BIN), ("pickled", PY), ("idx", ""), ("pickled", "")]
)
def test_readers_say_what_they_may_not_read(place, layout, path, monkeypatch):
    reader, write = LAYOUTS[layout]
    write(place)
    function = "builtins.open" if path else "os.listdir"
    real = open if path else os.listdir

    def refuse(where, *arguments, **options):
        if where == place / path:
            raise PermissionError(13, "Permission denied")
        return real(where, *arguments, **options)

    monkeypatch.setattr(function, refuse)  # root, as which tests often run, may read every file
    with pytest.raises(UserError, match=r"\(Permission denied\): expected ") as error:
        reader.load("train", place)
    assert str(place / path) in say(error)


# Hostile files.


class Hostile:
    """Pickles as a call that makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", range(6))
def test_no_pickle_is_executed(place, tmp_path, protocol):
    write_pickled(place)
    hostile = pickle.dumps({b"labels": [1, 2], b"data": Hostile(tmp_path / "made")}, protocol)
    pickle.loads(hostile)[b"data"].close()
    (tmp_path / "made").unlink()  # it would have been made
    (place / PY).write_bytes(hostile)
    with pytest.raises(
        UserError, match="is a pickle (that asks for '.* open'|with the opcode DICT), which no batch needs: "
    ) as error:
        cifar10.load("train", place)
    assert str(place / PY) in say(error) and not (tmp_path / "made").exists()


# name: (a pickle, end of the sentence)
PICKLES = {
    "global": (b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.", "asks for 'posix system'"),
    "global of a stand-in's module": (b"\x80\x02cnumpy\nload\n.", "asks for 'numpy load'"),
    "global in parts": (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "asks for 'posix system'"),
    "global dotted": (b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.", "asks for 'numpy ndarray.tofile'"),
    "global of numbers": (b"\x80\x04K\x01K\x02\x93.", "damaged"),
    "object": (b"\x80\x02cnumpy\nndarray\n)\x81.", "with the opcode NEWOBJ"),
    "instance": (b"(iposix\nsystem\n.", "with the opcode INST"),
    "persistent id": (b"\x80\x02X\x01\0\0\0aQ.", "with the opcode BINPERSID"),
    "persistent id of text": (b"Pa\n.", "with the opcode PERSID"),
    "extension": (b"\x80\x02\x82\x01.", "with the opcode EXT1"),
    "extension of 4 bytes": (b"\x80\x02\x84\x01\0\0\0.", "with the opcode EXT4"),
    "call of a string": (b"\x80\x02X\x01\0\0\0a)R.", "calls something that does not make a NumPy array"),
    "call of a class": (b"\x80\x02cnumpy\nndarray\n)R.", "calls something that does not make a NumPy array"),
    "encode to another codec": (
        b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0zip\x86R.",
        "calls something that does not make a NumPy array",
    ),
    "encode beyond": (b"\x80\x02c_codecs\nencode\nX\x03\0\0\0\xe2\x82\xacX\x06\0\0\0latin1\x86R.", "damaged"),
    "state of a dict": (b"\x80\x02}}b.", "sets the state of something that is not a NumPy array"),
    "state of nothing": (b"\x80\x02}b.", "damaged"),
    "pop of nothing": (b"\x80\x02.", "damaged"),
    "mark of nothing": (b"\x80\x02e.", "damaged"),
    "memo of nothing": (b"\x80\x02h\x07.", "damaged"),
    "key without value": (b"\x80\x02}(K\x01u.", "damaged"),
    "key unhashable": (b"\x80\x02}(]K\x01u.", "damaged"),
    "append to a dict": (b"\x80\x02}K\x01a.", "damaged"),
    "number of text": (b"I" + b"9" * 99_999 + b"\n.", "damaged"),
    "string of text": (b"Sa. b\n.", "damaged"),
    # These would ask for much memory or time.
    "bytes of 4 GB": (b"\x80\x03B\xff\xff\xff\xffa.", "damaged"),
    "bytes of 8 EB": (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fa.", "damaged"),
    "bytearray of 32 GB": (b"\x80\x05\x96\0\0\0\0\x08\0\0\0a.", "damaged"),
    "frame of 8 EB": (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f].", "does not contain data"),
    "memo at 4,294,967,295": (b"\x80\x02]r\xff\xff\xff\xff.", "does not contain data"),
    "lists in lists": (b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".", "does not contain data"),
    "tuples in tuples": (b"\x80\x02)" + b"\x85" * 100_000 + b".", "does not contain data"),
    "arrays in arrays": (
        b"\x80\x02cnumpy\ndtype\nq\0" + b"h\0)R" * 50_000 + b"b" * 50_000 + b".",
        "does not contain data",
    ),
    "key of 2^99 tuples": (b"\x80\x02})" + b"q\0h\0\x86" * 99 + b"K\x01s.", "damaged"),
    "list of itself": (b"\x80\x02]q\0h\0a.", "does not contain data"),
}


@pytest.mark.parametrize("case", PICKLES)
def test_hostile_pickles_are_refused_at_little_cost(place, case):
    content, expected = PICKLES[case]
    write_pickled(place)
    (place / PY).write_bytes(content)
    with pytest.raises(UserError, match=expected) as error:
        cifar10.load("train", place)
    assert str(place / PY) in say(error)


def test_a_pickle_of_too_many_opcodes_is_refused(place, monkeypatch):
    assert cifar10.STEPS == 1_000_000
    monkeypatch.setattr(cifar10, "STEPS", 10_000)
    write_pickled(place)
    for lists, expected in ((9_998, "does not contain data"), (9_999, "is a pickle of more than 10000 opcodes")):
        (place / PY).write_bytes(b"\x80\x02" + b"]" * lists + b".")
        with pytest.raises(UserError, match=expected):
            cifar10.load("train", place)


@pytest.mark.parametrize("layout, seed", [(layout, seed) for layout in LAYOUTS for seed in range(3)])
def test_damage_anywhere_is_refused_in_a_sentence_or_does_not_matter(place, layout, seed):
    reader, write = LAYOUTS[layout]
    write(place)
    path = min(
        path
        for path in place.iterdir()
        if "train-labels" in path.name or path.name in (NPZ, "data_batch_1.bin", "data_batch_1")
    )
    content, random = path.read_bytes(), np.random.default_rng(seed)
    for _ in range(60):
        damaged = bytearray(content)
        for at in random.integers(
            -300, 300, random.integers(1, 4)
        ):  # where headers and opcodes are, and not only pixels
            damaged[at % len(content)] = random.integers(256)
        path.write_bytes(damaged[: random.integers(len(content))] if random.random() < 0.2 else damaged)
        try:
            assert len(reader.load("train", place)) > 0
        except UserError as error:
            assert str(path) in str(error) or str(place) in str(error)


def test_no_array_of_objects_is_unpickled(place, tmp_path):
    hostile = np.array([Hostile(tmp_path / "made")] * 12)
    np.savez(place / NPZ, **arrays() | {"y_train": hostile})
    with np.load(place / NPZ, allow_pickle=True) as archive:
        archive["y_train"][0].close()
    (tmp_path / "made").unlink()  # it would have been made
    with pytest.raises(UserError, match=r"y_train has the header .*\|O.*: " + NO_Y) as error:
        mnist.load("train", place)
    assert str(place / NPZ) in say(error) and not (tmp_path / "made").exists()


LIES = {
    "idx": ("idx", IMAGES, header(999_999, 28, 28)),
    "npz header": ("npz", NPZ, npz(x_train=swap(b"(12, 28, 28), }    ", b"(999999, 28, 28), }"))),
    "npz of zeros": ("npz", NPZ, npz(y_train=swap(GREY["train"][1].tobytes(), bytes(10**8)))),
    "pickle": ("pickled", PY, lambda content: content.replace(b"\x89T", b"\x89T\xff\xff\xff\x7f")),
}


@pytest.mark.parametrize("case", LIES)
def test_files_that_lie_about_their_size_do_not_fill_the_memory(place, case):
    layout, name, change = LIES[case]
    reader, write = LAYOUTS[layout]
    write(place)
    (place / name).write_bytes(change((place / name).read_bytes()))
    tracemalloc.start()
    try:
        with pytest.raises(UserError):
            reader.load("train", place)
        assert tracemalloc.get_traced_memory()[1] < 70e6  # a batch is read whole, which may take 64e6
    finally:
        tracemalloc.stop()


# The roots that torchvision and the authors of KMNIST make.


@pytest.mark.parametrize("name, below", [("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST"), ("mnist", "MNIST")])
def test_torchvisions_root_is_recognized_by_the_data_set(place, name, below):
    for folder_name in ("MNIST", "FashionMNIST", "KMNIST"):
        (place / folder_name / "raw").mkdir(parents=True)
        sets = {split: (images // (1 + len(folder_name)), labels) for split, (images, labels) in GREY.items()}
        write_idx(place / folder_name / "raw", sets=sets)
    source = data.load(name, "train", place, 32)
    assert source.classes == mnist.RAW[below]
    np.testing.assert_array_equal(source.images[:, 2:-2, 2:-2, 0], GREY["train"][0] // (1 + len(below)))
    with pytest.raises(UserError, match="expected one data set; pass one of them as --data_dir") as error:
        data.load("emnist", "train", place, 32)
    say(error)


def test_the_only_root_of_torchvision_is_read(place):
    (place / "FashionMNIST" / "raw").mkdir(parents=True)
    write_idx(place / "FashionMNIST" / "raw")
    assert mnist.load("train", place).classes == mnist.RAW["FashionMNIST"]


def write_kmnist(place, kind="kmnist"):
    for split, (images, labels) in GREY.items():
        np.savez_compressed(place / f"{kind}-{split}-imgs.npz", images)
        np.savez_compressed(place / f"{kind}-{split}-labels.npz", labels)


@pytest.mark.parametrize("kind, classes", [("kmnist", mnist.RAW["KMNIST"]), ("k49", ())])
def test_kmnists_own_files_are_read(place, kind, classes):
    write_kmnist(place, kind)
    for split, (images, labels) in GREY.items():
        source = data.load("kmnist", split, place, 32)
        np.testing.assert_array_equal(source.images[:, 2:-2, 2:-2, 0], images)
        assert source.labels.tolist() == labels.tolist() and source.classes == classes


@pytest.mark.parametrize(
    "harm, expected",
    [
        (lambda place: (place / "kmnist-test-labels.npz").unlink(), "there is no file .*kmnist-test-labels.npz"),
        (
            lambda place: np.savez(place / "kmnist-train-imgs.npz", x=GREY["train"][0]),
            "imgs.npz does not contain arr_0",
        ),
        (lambda place: np.savez(place / "kmnist-train-imgs.npz", np.zeros((2, 9, 9))), "arr_0 has the header"),
        (lambda place: (place / "kmnist-train-labels.npz").write_bytes(b"PK"), "labels.npz cannot be read"),
        (lambda place: np.savez(place / "kmnist-train-labels.npz", np.uint8([1])), "has 1 labels for 12 pictures"),
        (lambda place: np.savez(place / "kmnist-train-labels.npz", np.full(12, 11)), "has the label 11 for picture 0"),
    ],
)
def test_kmnists_files_say_what_is_wrong(place, harm, expected):
    write_kmnist(place)
    harm(place)
    with pytest.raises(UserError, match=expected) as error:
        mnist.load("train", place)
    say(error)
