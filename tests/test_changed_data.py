"""A run whose data were moved, or changed, after it was trained: the content of the pictures decides."""

import os
import pathlib
import shutil

import numpy as np
import pytest
import tiny
from PIL import Image

from tfgen import UserError, data
from tfgen.data import files
from tfgen.runs import Run

pytestmark = [pytest.mark.usefixtures("tiny_study"), pytest.mark.trace]
READ = ["--dataset", "folder", "--data_dir", "pictures", "--channels", "3"]
SMALL = ["--smoke", "--batch_size", "16", "--image_size", "16", "--examples", "1000"]
WORDS = ["train", "--study", tiny.NAME, "--model", "vae", *SMALL, *READ, "--run", "r"]


def draw(path, seed, size=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)).save(path)


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """64 pictures to train on and 16 to test on, all of the same size in bytes."""
    monkeypatch.chdir(tmp_path)
    for i in range(80):
        draw(pathlib.Path("pictures", "train" if i < 64 else "test", f"{i:02d}.bmp"), i)


def test_a_moved_set_is_known_by_its_content(tfgen):
    assert tfgen(*WORDS)[0] == 0
    os.utime("pictures/train/00.bmp", (0, 0))
    shutil.move("pictures", "elsewhere")
    code, _, err = tfgen("evaluate", "r")
    assert code == 2 and f"{pathlib.Path('pictures').resolve()} cannot be listed" in err and "--data_dir" in err
    code, out, err = tfgen("evaluate", "r", "--data_dir", "elsewhere")
    assert code == 0 and "test_mse_mean_code" in out, err
    assert tfgen("report", "r", "--data_dir", "elsewhere")[0] == 0
    moved = [word if word != "pictures" else "elsewhere" for word in WORDS]
    assert tfgen(*moved, "--epochs", 3)[0] == 0 and Run.open("r").iteration == 12
    assert tfgen("evaluate", "r")[0] == 0  # the record has the new folder


def test_a_folder_of_other_pictures_is_refused(tfgen):
    assert tfgen(*WORDS)[0] == 0
    shutil.copytree("pictures", "other")
    draw(pathlib.Path("other/train/05.bmp"), 1000)
    for command in ("evaluate", "report"):
        code, _, err = tfgen(command, "r", "--data_dir", "other")
        assert code == 2 and "1 picture was changed: train/05.bmp" in err and "--data_dir" in err, err
    with pytest.raises(UserError, match="changed: train/05"):
        Run.open("r", data_dir="other")


@pytest.mark.parametrize("how, sentence", [
    ("replaced", "1 picture was changed: train/07.bmp"),
    ("added", "2 pictures were added: train/70.bmp, train/71.bmp"),
    ("removed", "1 picture was removed: train/07.bmp"),
    ("both", "1 picture was added: train/70.bmp; 1 picture was removed: train/07.bmp"),
    ("swapped", "the labels, attributes or order of its pictures differ"),
])  # fmt: skip
def test_what_has_changed_is_said(tfgen, how, sentence):
    assert tfgen(*WORDS)[0] == 0
    seven = pathlib.Path("pictures/train/07.bmp")
    before = seven.stat()
    if how == "replaced":  # of the same size, at the same time
        draw(seven, 1000)
        os.utime(seven, ns=(before.st_atime_ns, before.st_mtime_ns))
    if how == "swapped":
        eight, aside = seven.with_name("08.bmp"), pathlib.Path("aside.bmp")
        seven.rename(aside), eight.rename(seven), aside.rename(eight)
    if how in ("removed", "both"):
        seven.unlink()
    for name in {"added": ("70", "71"), "both": ("70",)}.get(how, ()):
        draw(pathlib.Path(f"pictures/train/{name}.bmp"), int(name))
    code, _, err = tfgen(*WORDS, "--epochs", 3)
    assert code == 2 and sentence in err and "--new" in err, err
    assert Run.open("r").iteration == 8


def test_a_record_of_an_earlier_version_is_resumed(tfgen):
    """It has the fingerprint of names and sizes, and no list of pictures."""
    assert tfgen(*WORDS)[0] == 0
    run = Run.open("r")
    old = run.training_source().fingerprint(by_name=True)
    assert old != run.settings.data_fingerprint
    record = pathlib.Path("r/record.json")
    record.write_text(record.read_text().replace(run.settings.data_fingerprint, old))
    pathlib.Path("r/pictures.txt").unlink()
    assert tfgen(*WORDS, "--epochs", 3)[0] == 0
    assert Run.open("r").settings.data_fingerprint == run.settings.data_fingerprint


def test_a_fingerprint_is_the_same_before_and_after_decoding_and_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = data.load("folder", "train", data_dir="pictures", image_size=16, channels=3)
    again = data.load("folder", "train", data_dir="pictures", image_size=16, channels=3)
    assert source.fingerprint() == source.decoded().fingerprint() == again.fingerprint()
    assert source[10:20].fingerprint() == source.decoded()[10:20].fingerprint() != source[:10].fingerprint()


def test_a_large_file_is_known_by_blocks_of_it(tmp_path):
    """The first and the last block, and each of those between; reading all of it would take as long as an epoch."""
    path, content = tmp_path / "large", bytearray(np.random.default_rng(0).bytes(4 * files.WHOLE))
    path.write_bytes(content)
    digests = {files._sample(path)}
    step = (len(content) - files.BLOCK) // (files.BLOCKS - 1)
    for place in (0, len(content) - 1, 5 * step + files.BLOCK // 2):
        content[place] ^= 1
        path.write_bytes(content)
        digests.add(files._sample(path))
    assert len(digests) == 4
