"""Data sets of tensorflow-datasets: really prepared ones in a temporary folder, tfds's own specifications with made-up
pictures, failures.
"""

import pathlib
import shutil
import struct
import sys

import numpy as np
import pytest
import requests
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image
from sentences import say

from tfgen import UserError
from tfgen.data import pictures
from tfgen.data.readers import catalog, mnist

F = tfds.features
NOTICE = "tfgen: {} is not in {}: tensorflow-datasets downloads it (without a network it tries for minutes).\n"
RANDOM = np.random.default_rng(0)


def noise(*shape, dtype=np.uint8):
    return RANDOM.integers(0, 256 if dtype == np.uint8 else 9000, shape, dtype)


def write(folder, name, features, config=None, version="1.0.0", shards=None, **splits):
    """Has tfds prepare a data set of lists of examples, in their order, and gives its folder."""
    if not isinstance(features, F.FeaturesDict):
        features = F.FeaturesDict(features)
    download = tfds.download.DownloadConfig(num_shards=shards)
    splits = {split: list(enumerate(examples)) for split, examples in splits.items()}
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name, version, features, splits, config, folder, download_config=download, disable_shuffling=True
    )
    return pathlib.Path(builder.data_dir)


def specification(name):
    """The features of a data set as tfds has them."""
    return tfds.builder(name).info.features


DIGITS = {
    split: [{"image": noise(28, 28, 1), "label": i * 7 % 10} for i in range(n)]
    for split, n in {"train": 12, "test": 4}.items()
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder as tfds's own, with MNIST."""
    root = tmp_path_factory.mktemp("tfds")
    write(root, "mnist", specification("mnist"), version="3.0.1", **DIGITS)
    return root


@pytest.fixture
def digits(prepared, tmp_path):
    """A copy of it to be harmed: the folder of MNIST's version."""
    return pathlib.Path(shutil.copytree(prepared, tmp_path / "tfds")) / "mnist" / "3.0.1"


def forbid_download(monkeypatch):
    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", lambda self: pytest.fail("there was to be no download")
    )


@pytest.fixture
def no_download(monkeypatch):
    forbid_download(monkeypatch)


# What is prepared.


@pytest.mark.parametrize("split", ["train", "test"])
def test_gives_the_pictures_and_labels_that_were_written(prepared, no_download, split):
    images, labels = (np.stack([example[key] for example in DIGITS[split]]) for key in ("image", "label"))
    source = catalog.load("mnist", split, str(prepared))
    assert source.name == f"mnist/{split} in {prepared / 'mnist' / '3.0.1'}"
    assert source.images.shape == (len(images), 32, 32, 1) and source.images.dtype == np.uint8
    np.testing.assert_array_equal(source.images[:, 2:-2, 2:-2], images)
    assert source.images.sum() == images.sum(dtype=int)
    assert source.labels.dtype == np.int32 and source.labels.tolist() == labels.tolist()
    assert source.attributes.shape == (len(images), 0) and source.depth is None and source.classes == ()


def test_reads_the_first_examples_alone(prepared):
    assert (
        catalog.load("mnist", "train", prepared, examples=5).fingerprint()
        == catalog.load("mnist", "train", prepared)[:5].fingerprint()
    )
    assert len(catalog.load("mnist", "train", prepared, examples=100)) == 12


@pytest.mark.parametrize("size", [8, 28, 64])
def test_brings_digits_to_a_size_as_their_own_reader_does(prepared, size):
    expected = mnist.resize(np.stack([example["image"][..., 0] for example in DIGITS["test"]]), size)
    np.testing.assert_array_equal(catalog.load("mnist", "test", prepared, size).images[..., 0], expected)
    colour = catalog.load("mnist", "test", prepared, size, channels=3).images
    np.testing.assert_array_equal(colour, np.stack([expected] * 3, axis=-1))


@pytest.mark.parametrize("below", ["", "mnist", "mnist/3.0.1"])
@pytest.mark.parametrize("name", ["mnist", "mnist:3.0.1", "mnist:3.*.*"])
def test_finds_it_from_every_folder(prepared, no_download, below, name):
    assert len(catalog.load(name, "test", prepared / below)) == 4


def test_looks_in_tfds_own_folder_without_data_dir(prepared, no_download, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(prepared))
    assert len(catalog.load("mnist", "test")) == 4


def test_takes_the_newest_version_and_the_configuration_asked_for(tmp_path, monkeypatch):
    for n, (config, version) in enumerate(
        [("balanced", "9.0.0"), ("balanced", "10.0.0"), ("balanced", "2.0.0"), ("byclass", "1.0.0")], 1
    ):
        write(
            tmp_path,
            "emnist",
            specification("emnist"),
            config,
            version,
            train=[{"image": noise(28, 28, 1), "label": 0}] * n,
        )
    (tmp_path / "emnist" / "balanced" / "11.0.0").mkdir()  # not prepared
    forbid_download(monkeypatch)
    assert len(catalog.load("emnist/balanced", "train", tmp_path)) == 2
    assert len(catalog.load("emnist/balanced:2.0.0", "train", tmp_path)) == 3
    assert len(catalog.load("emnist", "train", tmp_path)) == 4  # byclass is tfds's default
    assert len(catalog.load("emnist", "train", tmp_path / "emnist")) == 4
    assert len(catalog.load("emnist", "train", tmp_path / "emnist" / "balanced")) == 2
    assert len(catalog.load("emnist/balanced", "train", tmp_path / "emnist" / "balanced")) == 2
    with pytest.raises(
        UserError, match="contains emnist/balanced, not emnist/letters: correct the name of the data set or --data_dir"
    ) as error:
        catalog.load("emnist/letters", "train", tmp_path / "emnist" / "balanced" / "2.0.0")
    say(error)


def test_takes_folders_of_any_name(tmp_path, no_download, prepared):
    shutil.copytree(prepared, tmp_path / "[a] ~ *. b")
    assert len(catalog.load("mnist", "test", tmp_path / "[a] ~ *. b")) == 4


def test_says_that_a_folder_holds_another_data_set(prepared):
    with pytest.raises(UserError, match="3.0.1 contains mnist, not kmnist: correct the name") as error:
        catalog.load("kmnist", "train", prepared / "mnist")
    say(error)


def test_reads_files_in_their_order(tmp_path):
    examples = [{"image": np.full((32, 32, 3), i, np.uint8)} for i in range(90)]
    folder = write(tmp_path, "my_set", {"image": F.Image()}, shards=3, train=examples)
    assert len(list(folder.glob("*.tfrecord-*"))) == 3
    assert catalog.load("my_set", "train", tmp_path).images[:, 0, 0, 0].tolist() == list(range(90))


def test_takes_the_validation_split_for_a_test_split_that_is_missing(tmp_path):
    example = {"image": noise(32, 32, 3)}
    write(tmp_path, "my_set", {"image": F.Image()}, train=[example], validation=[example] * 2)
    write(tmp_path, "other", {"image": F.Image()}, train=[example])
    source = catalog.load("my_set", "test", tmp_path)
    assert len(source) == 2 and source.name.startswith("my_set/validation in ")
    with pytest.raises(UserError, match="other in .* has no test split, only train: choose another data set") as error:
        catalog.load("other", "test", tmp_path)
    say(error)


# Features.


def test_gives_attributes_sorted_by_name(tmp_path):
    names = ("Young", "Smiling", "5_o_Clock_Shadow", "Bald")
    values = RANDOM.integers(0, 2, (6, 4)).astype(bool)
    examples = [
        {"image": noise(218, 178, 3), "attributes": dict(zip(names, row, strict=True)), "landmarks": {"nose": 1}}
        for row in values
    ]
    features = {
        "image": F.Image(shape=(218, 178, 3)),
        "attributes": dict.fromkeys(names, np.bool_),
        "landmarks": {"nose": np.int64},
    }
    write(tmp_path, "faces", features, train=examples)
    source = catalog.load("faces", "train", tmp_path)
    assert source.attribute_names == ("5_o_Clock_Shadow", "Bald", "Smiling", "Young")
    np.testing.assert_array_equal(source.attributes, values[:, [2, 3, 1, 0]])
    assert source.attributes.dtype == np.uint8 and source.labels is None
    squares = [pictures.square(Image.fromarray(example["image"]), 64) for example in examples]
    np.testing.assert_array_equal(source.images, squares)
    np.testing.assert_array_equal(
        catalog.load("faces", "train", tmp_path, 178).images, [example["image"][20:198] for example in examples]
    )


def test_names_the_classes_and_leaves_out_labels_that_no_example_has(tmp_path):
    features = {"image": F.Image(shape=(32, 32, 3)), "label": F.ClassLabel(names=["cat", "dog", "bird"])}
    train, test = (
        [{"image": noise(32, 32, 3), "label": label} for label in labels]
        for labels in (["bird", "cat", "bird"], [-1, -1])
    )
    write(tmp_path, "pets", features, train=train, test=test)
    source = catalog.load("pets", "train", tmp_path)
    assert source.classes == ("cat", "dog", "bird") and source.labels.tolist() == [2, 0, 2]
    source = catalog.load("pets", "test", tmp_path)
    assert source.classes == () and source.labels is None


def test_turns_emnist_upright_and_knows_its_letters(tmp_path):
    picture = noise(28, 28, 1)
    write(
        tmp_path, "emnist", specification("emnist/letters"), "letters", "3.1.0", train=[{"image": picture, "label": 26}]
    )
    source = catalog.load("emnist/letters", "train", tmp_path, 28)
    np.testing.assert_array_equal(source.images[0], picture.swapaxes(0, 1))
    assert source.classes[source.labels[0]] == "Z"


GREY, RGB, DEEP = noise(40, 40, 1), noise(40, 40, 3), noise(40, 40, 3)
# name: (feature, what is stored, what is read at 40x40 pixels)
KINDS = {
    "grey": (F.Image(shape=(40, 40, 1)), GREY, GREY),
    "colour": (F.Image(shape=(40, 40, 3)), RGB, RGB),
    "color of any size": (F.Image(), np.pad(RGB, ((6, 6), (0, 0), (0, 0))), RGB),
    "alpha": (F.Image(shape=(40, 40, 4)), np.concatenate([RGB, 0 * GREY], axis=2), np.full((40, 40, 3), 255)),
    "16-bit gray": (
        F.Image(shape=(40, 40, 1), dtype=np.uint16, encoding_format="png"),
        GREY.astype(np.uint16) * 257,
        GREY,
    ),
    "16-bit color": (
        F.Image(shape=(40, 40, 3), dtype=np.uint16, encoding_format="png"),
        DEEP.astype(np.uint16) * 257,
        DEEP,
    ),
}


@pytest.mark.trace
@pytest.mark.parametrize("kind", KINDS)
def test_reads_every_kind_of_picture(tmp_path, kind):
    feature, stored, expected = KINDS[kind]
    write(tmp_path, "my_set", {"photo": feature, "id": F.Text()}, train=[{"photo": stored, "id": "a"}] * 2)
    np.testing.assert_array_equal(catalog.load("my_set", "train", tmp_path, 40).images, [expected] * 2)
    grey, colour = (catalog.load("my_set", "train", tmp_path, 16, channels=channels).images for channels in (1, 3))
    assert grey.shape == (2, 16, 16, 1) and colour.shape == (2, 16, 16, 3)
    assert abs(grey.mean() - np.dot(colour.mean((0, 1, 2)), (0.299, 0.587, 0.114))) < 1


def test_chooses_a_size_by_the_pictures(tmp_path):
    for name, feature in {
        "small": F.Image(shape=(40, 63, 3)),
        "large": F.Image(shape=(70, 64, 3)),
        "any": F.Image(),
    }.items():
        write(tmp_path, name, {"image": feature}, train=[{"image": noise(*(side or 40 for side in feature.shape))}])
    assert [catalog.load(name, "train", tmp_path).images.shape[1] for name in ("small", "large", "any")] == [32, 64, 64]


METRES = RANDOM.uniform(0.5, 9.5, (48, 60)).astype(np.float32)
METRES[0], METRES[1], METRES[2], METRES[3], METRES[4], METRES[5] = 0, np.nan, np.inf, 10.01, -1, 10
SHORT = METRES.astype(np.float16)
MILLIMETRES = noise(48, 60, dtype=np.uint16)
MILLIMETRES[0], MILLIMETRES[1], MILLIMETRES[2] = 10_001, 65_535, 10_000
# name: (feature, what is stored, the millimeters that it means)
DEPTHS = {
    "metres": (F.Tensor(shape=(48, 60), dtype=np.float32), METRES, np.rint(METRES * 1000)),
    "short meters": (F.Tensor(shape=(48, 60), dtype=np.float16), SHORT, np.rint(SHORT.astype(np.float32) * 1000)),
    "picture of meters": (F.Image(shape=(48, 60, 1), dtype=np.float32), METRES[..., None], np.rint(METRES * 1000)),
    "millimetres": (F.Tensor(shape=(48, 60, 1), dtype=np.uint16), MILLIMETRES[..., None], MILLIMETRES),
    "picture of millimeters": (
        F.Image(shape=(None, None, 1), dtype=np.uint16, encoding_format="png"),
        MILLIMETRES[..., None],
        MILLIMETRES,
    ),
}


@pytest.mark.parametrize("kind", DEPTHS)
def test_gives_depth_in_millimetres_of_the_nearest_pixel_with_holes(tmp_path, kind):
    feature, stored, expected = DEPTHS[kind]
    expected = np.where((expected >= 1) & (expected <= 10_000), expected, 0)[:, 6:54]
    write(
        tmp_path,
        "rooms",
        {"image": F.Image(shape=(48, 60, 3)), "depth": feature},
        train=[{"image": noise(48, 60, 3), "depth": stored}],
    )
    source = catalog.load("rooms", "train", tmp_path, 48)
    assert source.depth.shape == (1, 48, 48, 1) and source.depth.dtype == np.uint16
    np.testing.assert_array_equal(source.depth[0, ..., 0], expected)
    nearest = (2 * np.arange(16) + 1) * 48 // 32
    np.testing.assert_array_equal(
        catalog.load("rooms", "train", tmp_path, 16).depth[0, ..., 0], expected[nearest[:, None], nearest]
    )


IMAGE = F.Image(shape=(32, 32, 3))
PICTURE, PLANE = noise(32, 32, 3), np.zeros((32, 32), np.float32)
UNFIT = {
    "no picture": (
        {"text": F.Text()},
        {"text": "a"},
        "my_set of tensorflow-datasets has no picture, only text: choose a data set of pictures",
    ),
    "two pictures": (
        {"a": IMAGE, "b": IMAGE},
        {"a": PICTURE, "b": PICTURE},
        "has the pictures a, b and none called image: choose a data set",
    ),
    "a picture of numbers": (
        {"image": F.Image(shape=(32, 32, 1), dtype=np.float32)},
        {"image": PLANE[..., None]},
        "has pictures of float32: choose",
    ),
    "depth of another size": (
        {"image": IMAGE, "depth": F.Tensor(shape=(16, 16), dtype=np.float32)},
        {"image": PICTURE, "depth": PLANE[:16, :16]},
        "picture and depth of example 0 differ in size: choose another",
    ),
    "no depth": (
        {"image": IMAGE, "depth": F.Tensor(shape=(32, 32), dtype=np.float32)},
        {"image": PICTURE, "depth": PLANE},
        "has no depth from 1 mm to 10000 mm in any example: choose another",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_says_what_does_not_fit(tmp_path, case):
    features, example, expected = UNFIT[case]
    write(tmp_path, "my_set", features, train=[example])
    with pytest.raises(UserError, match=expected) as error:
        catalog.load("my_set", "train", tmp_path)
    say(error)


def test_passes_over_features_of_other_kinds(tmp_path):
    features = {"image": IMAGE, "label": np.int64, "attributes": {"age": np.int64}, "depth": np.float32}
    write(tmp_path, "my_set", features, train=[{"image": PICTURE, "label": 3, "attributes": {"age": 9}, "depth": 1.0}])
    source = catalog.load("my_set", "train", tmp_path)
    assert source.labels is None and source.depth is None and source.attribute_names == ()


def test_refuses_some_labels_of_no_class(tmp_path):
    features = {"image": IMAGE, "label": F.ClassLabel(num_classes=3)}
    write(tmp_path, "my_set", features, train=[{"image": PICTURE, "label": label} for label in (0, 2, -1)])
    with pytest.raises(
        UserError, match="has the label -1 in example 2: expected 0 to 2; choose another data set"
    ) as error:
        catalog.load("my_set", "train", tmp_path)
    say(error)


def test_says_how_large_it_would_be(prepared):
    size = 12 * (32 * 32 + 4)
    assert len(catalog.load("mnist", "train", prepared, most_bytes=size)) == 12
    expected = (
        "takes 1.23e-05 GB at 32x32 pixels, more than 1.2e-05 GB: read fewer with --examples, or allow it with a "
        "larger --cache_gb"
    )
    with pytest.raises(UserError, match=expected) as error:
        catalog.load("mnist", "train", prepared, most_bytes=12_000)
    say(error)
    assert len(catalog.load("mnist", "train", prepared, most_bytes=12_000, examples=11)) == 11
    with pytest.raises(UserError, match=r"is too large \(Unable to allocate .*\): read fewer with --examples") as error:
        catalog.load("mnist", "train", prepared, 10**8)
    say(error)


# Specifications of tfds's own.


@pytest.mark.parametrize(
    "name, shape, classes, attributes, depth",
    [
        ("celeb_a", (64, 64, 3), None, 40, False),
        ("mnist", (32, 32, 1), 10, 0, False),
        ("fashion_mnist", (32, 32, 1), 10, 0, False),
        ("emnist/byclass", (32, 32, 1), 62, 0, False),
        ("cifar10", (32, 32, 3), 10, 0, False),
        ("nyu_depth_v2", (64, 64, 3), None, 0, True),
        ("oxford_flowers102", (64, 64, 3), 102, 0, False),
    ],
)
def test_reads_what_tfds_says_its_data_sets_are(tmp_path, monkeypatch, name, shape, classes, attributes, depth):
    monkeypatch.setattr(tfds.core.DatasetInfo, "splits", ["train", "test"])  # which the imitation does not know
    with tfds.testing.mock_data(num_examples=3):
        source = catalog.load(name, "train", tmp_path)
    assert source.images.shape == (3, *shape) and source.images.std() > 5
    assert (source.labels is not None) == bool(classes) and len(source.attribute_names) == attributes
    assert source.labels is None or (source.labels.min() >= 0 and source.labels.max() < classes)
    assert (source.depth is not None) == depth and (not depth or source.depth.shape == (3, 64, 64, 1))


def test_prepares_what_is_not_prepared_and_only_once(tmp_path, monkeypatch, capsys):
    examples = {
        split: [(i, {"image": noise(32, 32, 3), "label": i, "id": str(i)}) for i in range(n)]
        for split, n in {"train": 4, "test": 2}.items()
    }
    monkeypatch.setattr(
        tfds.builder_cls("cifar10"),
        "_split_generators",
        lambda self, manager: {split: iter(examples[split]) for split in examples},
    )
    first = catalog.load("cifar10", "train", tmp_path)
    forbid_download(monkeypatch)
    assert catalog.load("cifar10", "train", tmp_path).fingerprint() == first.fingerprint()
    order = np.argsort(first.labels)  # tfds shuffles what it prepares
    np.testing.assert_array_equal(first.images[order], [example["image"] for _, example in examples["train"]])
    assert len(catalog.load("cifar10", "test", tmp_path)) == 2
    assert capsys.readouterr() == ("", NOTICE.format("cifar10", tmp_path))


# What cannot be had.


def failing(monkeypatch, error):
    """Makes every download fail."""

    def fail(self):
        print("Downloading and preparing", self.name)
        print("Dl Completed...", file=sys.stderr)
        raise error

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)


def offline():
    request = requests.Request(
        "GET", "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz"
    ).prepare()
    return requests.exceptions.ConnectionError(
        "HTTPSConnectionPool(host='storage.googleapis.com', port=443): Max retries exceeded.", request=request
    )


IDX = (
    "{place}: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    "t10k-labels-idx1-ubyte.gz"
)
GIVE = "; then use --dataset {name} --data_dir {place}."
REMEDIES = {
    "mnist": "download by hand into " + IDX + GIVE,
    "fashion_mnist": IDX + GIVE,
    "kmnist": IDX + GIVE,
    "emnist": "{place}: emnist-byclass-train-images-idx3-ubyte.gz, ",
    "emnist/balanced": "emnist-balanced-test-images-idx3-ubyte.gz and emnist-balanced-test-labels-idx1-ubyte.gz out "
    "of gzip.zip" + GIVE,
    "cifar10": "{place}: cifar-10-binary.tar.gz unpacked" + GIVE,
    "celeb_a": "{place}: img_align_celeba.zip unpacked, list_attr_celeba.txt and list_eval_partition.txt; then use "
    "--dataset celeba --data_dir ",
    "nyu_depth_v2": "NAME.color.jpg and NAME.depth.png, 16-bit millimeters, in train/ and in test/; then use "
    "--dataset rgbd --data_dir {place}.",
    "imagenet2012": "download by hand into {root}/downloads/manual: manual_dir should contain two files: "
    "ILSVRC2012_img_train.tar and ILSVRC2012_img",
    "oxford_flowers102": "run `tfds build {name}` where it can be downloaded, and copy the folder that it makes to "
    "{place}/2.1.1.",
}


@pytest.mark.parametrize("name", REMEDIES)
def test_says_what_to_fetch_by_hand_and_into_which_folder(tmp_path, monkeypatch, capsys, name):
    failing(monkeypatch, offline())
    with pytest.raises(UserError) as error:
        catalog.load(name, "train", tmp_path)
    base = name.split("/")[0]
    assert REMEDIES[name].format(root=tmp_path, place=tmp_path / base, name=base) in say(error)
    expected = (
        f"{name} is not in {tmp_path} and could not be downloaded and prepared (no connection to "
        "storage.googleapis.com): "
    )
    assert say(error).startswith(expected)
    assert capsys.readouterr() == ("", NOTICE.format(name, tmp_path))


DRIVE = "https://drive.google.com/uc?export=download&id=0B7EVK8r0v71pZjFTYXZWM3FlRnM"
CAUSES = {
    "no network": (offline(), "no connection to storage.googleapis.com"),
    "no answer": (requests.exceptions.ReadTimeout("Read timed out."), "no connection to its host"),
    "not found": (
        tfds.download.DownloadError(f"Failed to get url {DRIVE}. HTTP code: 404."),
        f"Failed to get url {DRIVE}; HTTP code: 404",
    ),
    "checksum": (
        Exception(
            f"Artifact {DRIVE}, downloaded to /{'long/' * 40}file, has wrong checksum:\n* Expected: UrlInfo(...)\n* "
            "Got: ..."
        ),
        f"{DRIVE}, has wrong checksum",
    ),
    "apache-beam": (
        ModuleNotFoundError("No module named 'apache_beam'\nFailed importing apache_beam. This likely"),
        "No module named 'apache_beam'",
    ),
    "disk": (OSError("Not enough disk space. Needed: 3 GiB"), "Not enough disk space; Needed: 3 GiB"),
    "nothing said": (NotImplementedError(), "NotImplementedError"),
}


@pytest.mark.parametrize("case", CAUSES)
def test_says_in_short_why_it_could_not_be_prepared(tmp_path, monkeypatch, case):
    error, expected = CAUSES[case]
    failing(monkeypatch, error)
    with pytest.raises(UserError) as raised:
        catalog.load("mnist", "train", tmp_path)
    assert f"could not be downloaded and prepared ({expected}): download by hand" in say(raised)


def test_lets_a_terminal_see_the_download(tmp_path, monkeypatch, capsys):
    failing(monkeypatch, offline())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(UserError):
        catalog.load("mnist", "train", tmp_path)
    assert capsys.readouterr() == (
        "",
        NOTICE.format("mnist", tmp_path) + "Downloading and preparing mnist\nDl Completed...\n",
    )


def test_refuses_a_set_without_pictures_before_the_download(tmp_path, no_download):
    with pytest.raises(
        UserError, match="librispeech of tensorflow-datasets has no picture, only .*, speech, text: choose"
    ) as error:
        catalog.load("librispeech", "train", tmp_path)
    say(error)


def test_says_so_of_a_file_for_a_folder_and_of_one_it_may_not_list(prepared, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"file is not a folder: correct --data_dir") as error:
        catalog.load("mnist", "train", tmp_path / "file")
    say(error)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(
        type(tfds.core.as_path(prepared)), "iterdir", refuse
    )  # root, as which tests often run, may list every folder
    with pytest.raises(
        UserError, match=r"cannot be listed \(Permission denied\): make it readable or correct --data_dir"
    ) as error:
        catalog.load("mnist", "train", prepared)
    assert say(error).startswith(str(prepared))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("minst", "has no data set 'minst', and .* contains none of that name: choose from mnist, "),
        ("qqqqqq", "has no data set 'qqqqqq', and .* contains none of that name: correct the name"),
        ("emnist/leters", "emnist of tensorflow-datasets has no configuration 'leters': choose from .*, letters"),
        ("mnist/letters", "mnist of tensorflow-datasets has no configuration 'letters': leave it out"),
        (
            "mnist:9.9.9",
            r"prepared \(Dataset mnist cannot be loaded at version 9.9.9, only: 3.0.1\): correct the version or leave "
            r"it out",
        ),
        ("a b", "'a b' is not a name in tensorflow-datasets: expected one like celeb_a"),
        ("../mnist", "'../mnist' is not a name in tensorflow-datasets: expected one like celeb_a"),
        ("huggingface:mnist", "'huggingface:mnist' is not a name in tensorflow-datasets"),
        ("", "'' is not a name in tensorflow-datasets"),
    ],
)
def test_says_what_a_wrong_name_may_mean(tmp_path, no_download, name, expected):
    with pytest.raises(UserError, match=expected) as error:
        catalog.load(name, "train", tmp_path)
    say(error)


def test_knows_names():
    assert all(map(catalog.known, ("mnist", "celeb_a", "emnist/letters", "mnist:3.0.1")))
    assert not any(map(catalog.known, ("minst", "", "../mnist", "mnist/", "faces of mine")))


# What is damaged.


def cut(bytes_left):
    return lambda content: content[:bytes_left]


def records(n):
    """Cuts a file behind its nth record: (length, checksum of 4 bytes, content, checksum of 4 bytes) each."""

    def change(content):
        place = 0
        for _ in range(n):
            place += 8 + 4 + struct.unpack("<Q", content[place : place + 8])[0] + 4
        return content[:place]

    return change


def flip(place):
    return lambda content: content[:place] + bytes((content[place] ^ 0xFF,)) + content[place + 1 :]


RECORDS = "mnist-train.tfrecord-00000-of-00001"
UNREADABLE = (
    "expected a data set as tensorflow-datasets prepares it; restore the folder, or move it away to have it prepared "
    "again"
)
DAMAGED = {
    "records missing": (RECORDS, None, "No such file or directory"),
    "records empty": (RECORDS, cut(0), ""),
    "records truncated": (RECORDS, cut(1000), "truncated record at"),
    "records too few": (RECORDS, records(5), ""),
    "records damaged": (RECORDS, flip(500), "corrupted record at"),
    "info empty": ("dataset_info.json", cut(0), ""),
    "info truncated": ("dataset_info.json", cut(100), ""),
    "info of another kind": ("dataset_info.json", lambda content: b'{"a": 1}', ""),
    "info in no encoding": ("dataset_info.json", flip(20), ""),
    "features missing": ("features.json", None, "Cannot restore mnist"),
    "features truncated": ("features.json", cut(100), ""),
    "features of another kind": ("features.json", lambda content: b"[]", ""),
    "features of no known class": (
        "features.json",
        lambda content: content.replace(b"image_feature.Image", b"image_feature.Picture"),
        "",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_says_which_folder_is_damaged(digits, case):
    name, change, expected = DAMAGED[case]
    path = digits / name
    content = path.read_bytes()
    path.unlink()
    if change:
        path.write_bytes(change(content))
    with pytest.raises(UserError, match=rf"3.0.1 cannot be read \(.*{expected}.*\): {UNREADABLE}") as error:
        catalog.load("mnist", "train", digits.parents[1])
    assert say(error).startswith(str(digits))
    if name == RECORDS:
        assert len(catalog.load("mnist", "test", digits)) == 4


def test_says_so_of_an_empty_folder_that_tfds_takes_for_prepared(tmp_path):
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    with pytest.raises(
        UserError, match=rf"cannot be read \(it has no dataset_info.json with a split\): {UNREADABLE}"
    ) as error:
        catalog.load("mnist", "train", tmp_path)
    assert say(error).startswith(str(folder))


def test_says_so_of_a_picture_that_cannot_be_decoded(tmp_path):
    folder = write(tmp_path, "my_set", {"image": IMAGE}, train=[{"image": PICTURE}])
    with tf.io.TFRecordWriter(str(next(folder.glob("*.tfrecord-*")))) as writer:
        image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"no PNG"]))
        writer.write(tf.train.Example(features=tf.train.Features(feature={"image": image})).SerializeToString())
    with pytest.raises(UserError, match=rf"cannot be read \(Unknown image file format.*\): {UNREADABLE}") as error:
        catalog.load("my_set", "train", tmp_path)
    assert say(error).startswith(str(folder))
