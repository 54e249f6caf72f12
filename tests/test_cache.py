"""Pictures in files: decoded in memory, on demand, or once into the cache, they are the same; and what is wrong with
them is said.
"""

import concurrent.futures
import os
import pathlib
import threading

import numpy as np
import pytest
from PIL import Image

import tfgen_cli
from tfgen import UserError, data
from tfgen.data import cache
from tfgen.data.batches import batches
from tfgen.data.files import Files
from tfgen.data.prepare import prepare, verify


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "tfgen"


@pytest.fixture
def pictures(tmp_path):
    """Two classes, 20 and 6 random pictures of 8x8 of each."""
    random = np.random.default_rng(0)
    for split, n in (("train", 20), ("test", 6)):
        for label in ("bird", "horse"):
            (tmp_path / "pictures" / split / label).mkdir(parents=True)
            for i in range(n):
                Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(
                    tmp_path / "pictures" / split / label / f"{i:02}.png"
                )
    return tmp_path / "pictures"


def load(folder, split="train", **options):
    return data.load("folder", split, folder, 8, **options)


def cli(*words):
    return tfgen_cli.main(tfgen_cli.parse(["tfgen_cli.py", *map(str, words)]))


def same(a, b):
    assert a.fingerprint() == b.fingerprint() and a.classes == b.classes and a.attribute_names == b.attribute_names
    for field in ("images", "labels", "attributes"):
        np.testing.assert_array_equal(getattr(a.decoded(), field), getattr(b.decoded(), field))


def test_a_set_that_is_too_large_stays_in_its_files_and_gives_the_same_batches(pictures):
    memory, lazy = load(pictures), load(pictures, cache_gb=1e-9)
    assert isinstance(memory.images, np.ndarray) and isinstance(lazy.images, Files)
    same(memory, lazy)
    same(memory[3:7] + memory[10:], lazy[3:7] + lazy[10:])
    for ours, theirs in zip(batches(memory, 8, seed=3, stop=12), batches(lazy, 8, seed=3, stop=12), strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name])
    np.testing.assert_array_equal(lazy.floats(slice(5)), memory.images[:5] / np.float32(255))


def test_the_fingerprint_knows_the_files_and_how_they_are_read(pictures):
    source = load(pictures)
    assert source.fingerprint() == load(pictures).fingerprint() != load(pictures, "test").fingerprint()
    assert load(pictures, channels=1).fingerprint() != source.fingerprint()
    Image.new("RGB", (9, 9)).save(pictures / "train" / "bird" / "07.png")
    assert load(pictures).fingerprint() != source.fingerprint()


def test_prepared_pictures_are_those_of_the_files(pictures, own_cache):
    before = {split: load(pictures, split) for split in ("train", "test", "all")}
    done = list(prepare("folder", pictures, 8))
    assert [(split, n, old, bad) for split, _, n, old, bad in done] == [
        ("train", 40, False, []),
        ("test", 12, False, []),
    ]
    assert sorted(path.name for path in own_cache.iterdir()) == sorted(
        place.name for _, place, *_ in done
    )  # nothing half-written
    for path in pictures.rglob("*.png"):  # same size and time: only the cache knows the pixels
        status = path.stat()
        path.write_bytes(b"\0" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for split, source in before.items():
        same(load(pictures, split), source)
        mapped = load(pictures, split, cache_gb=1e-9)
        assert split == "all" or isinstance(mapped.images, np.memmap)
        same(mapped, source)
    np.testing.assert_array_equal(
        next(iter(batches(load(pictures, cache_gb=1e-9), 8)))["image"], next(iter(batches(before["train"], 8)))["image"]
    )
    assert [old for *_, old, _ in prepare("folder", pictures, 8)] == [True, True]
    same(load(pictures, examples=3), before["train"][:3])


def test_the_cache_notices_what_changed(pictures):
    request = cache.Request("folder", "train", pictures, 8, {})
    key = request.key()
    assert key == cache.Request("folder", "train", pictures, 8, {}).key()
    assert (
        len(
            {
                key,
                *(
                    cache.Request(*other).key()
                    for other in [
                        ("celeba", "train", pictures, 8, {}),
                        ("folder", "test", pictures, 8, {}),
                        ("folder", "train", pictures / "train", 8, {}),
                        ("folder", "train", pictures, 16, {}),
                        ("folder", "train", pictures, 8, {"channels": 1}),
                    ]
                ),
            }
        )
        == 6
    )
    for change in (
        lambda path: path.touch(),
        lambda path: path.write_bytes(b"x"),
        lambda path: path.rename(path.with_name("new.png")),
    ):
        change(pictures / "train" / "bird" / "07.png")
        assert request.key() != key
        key = request.key()


def test_the_cache_notices_what_changed_behind_a_link_and_links_in_a_circle(pictures, tmp_path):
    (tmp_path / "linked").mkdir()
    for split in ("train", "test"):
        (tmp_path / "linked" / split).symlink_to(pictures / split)
    (pictures / "train" / "bird" / "up").symlink_to(pictures / "train")
    request = cache.Request("folder", "train", tmp_path / "linked", 8, {})
    key = request.key()
    assert request.key() == key
    (pictures / "train" / "bird" / "07.png").write_bytes(b"x")
    assert request.key() != key


@pytest.mark.parametrize("harm", [
    lambda place: (place / "images.npy").write_bytes((place / "images.npy").read_bytes()[:-1] + b"?"),
    lambda place: os.truncate(place / "images.npy", 1000),
    lambda place: (place / "labels.npy").unlink(),
    lambda place: (place / "manifest.json").write_text("{}"),
    lambda place: (place / "manifest.json").write_text("no json"),
    lambda place: (place / "manifest.json").write_text("[]"),
    lambda place: (place / "attributes.npy").write_bytes(b""),
])  # fmt: skip
def test_a_damaged_cache_is_noticed_and_made_again(pictures, harm, capsys):
    whole = load(pictures)
    place = next(prepare("folder", pictures, 8))[1]
    harm(place)
    same(load(pictures), whole)
    said = capsys.readouterr().err
    assert f"the prepared data set {place} is damaged" in said and said.count("\n") == 1
    split, again, n, old, bad = next(prepare("folder", pictures, 8))
    assert (again, n, old) == (place, 40, False)
    same(load(pictures), whole)
    assert capsys.readouterr().err == ""


def test_the_same_set_may_be_prepared_twice_at_once(pictures, own_cache):
    barrier = threading.Barrier(2)

    def work():
        barrier.wait()
        return len(list(prepare("folder", pictures, 8)))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert [future.result() for future in [pool.submit(work), pool.submit(work)]] == [2, 2]
    assert len(list(own_cache.iterdir())) == 2
    assert [old for *_, old, _ in prepare("folder", pictures, 8)] == [True, True]


def test_a_set_that_another_process_finishes_first_is_kept(pictures, own_cache, monkeypatch):
    write, written = cache._write, []

    def slow(source, request, folder, problem):
        write(source, request, folder, problem)
        if len(written) % 2 == 0:  # while this one is about to end, another one begins and ends
            written.append(folder)
            written.append(cache.write(source, request, problem))

    monkeypatch.setattr(cache, "_write", slow)
    assert [old for *_, old, _ in prepare("folder", pictures, 8)] == [False, False]
    assert sorted(own_cache.iterdir()) == sorted(written[1::2]) and len(written) == 4
    assert [old for *_, old, _ in prepare("folder", pictures, 8)] == [True, True]


def test_a_cache_that_cannot_be_written_is_a_sentence_and_leaves_nothing(pictures, own_cache, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match=r"cannot be written to .*tfgen \(No space left on device\): free some space"):
        list(prepare("folder", pictures, 8))
    assert list(own_cache.iterdir()) == []
    own_cache.rmdir()
    own_cache.write_text("a file")
    with pytest.raises(UserError, match="cannot be written to"):
        list(prepare("folder", pictures, 8))


def test_bad_files_are_refused_or_left_out_and_counted(pictures, capsys):
    whole = load(pictures)
    for name in ("bird/03.png", "horse/05.png"):
        (pictures / "train" / name).write_bytes(b"hello")
    with pytest.raises(UserError, match="bird/03.png"):
        load(pictures)
    with pytest.raises(UserError, match="bird/03.png"):
        list(prepare("folder", pictures, 8))
    left = load(pictures, skip_bad=True)
    said = capsys.readouterr().err
    assert "2 bad files of" in said and "bird/03.png" in said and said.count("\n") == 1
    assert len(left) == 38 and left.fingerprint() != whole.fingerprint()
    kept = [i for i in range(40) if i not in (6, 11)]  # the classes are dealt out in turn
    np.testing.assert_array_equal(left.images, whole.images[kept])
    with pytest.raises(UserError, match="run `data prepare` with --skip_bad first"):
        load(pictures, skip_bad=True, cache_gb=1e-9)
    split, place, n, old, bad = next(prepare("folder", pictures, 8, skip_bad=True))
    assert (n, old) == (38, False) and [
        ("bird/03.png" in str(error) or "horse/05.png" in str(error)) for error in bad
    ] == [True, True]
    same(load(pictures, skip_bad=True), left)
    same(load(pictures, skip_bad=True, cache_gb=1e-9), left)
    with pytest.raises(UserError, match="bird/03.png"):
        load(pictures)  # what was prepared with bad files left out does not stand for the whole


def test_verify_names_everything_that_is_wrong(pictures, capsys):
    assert verify("folder", pictures, 8) == ({"train": 40, "test": 12}, [], [])
    assert cli("data", "verify", "--dataset", "folder", "--data_dir", pictures, "--image_size", 8) == 0
    (pictures / "train" / "bird" / "00.png").write_bytes(b"")
    os.truncate(pictures / "train" / "horse" / "19.png", 100)
    (pictures / "test" / "bird" / "05.png").write_bytes((pictures / "train" / "bird" / "08.png").read_bytes())
    counts, sentences, _ = verify("folder", pictures, 8)
    assert counts == {"train": 38, "test": 12} and len(sentences) == 3
    for sentence, name in zip(
        sentences, ["train/bird/00.png", "train/horse/19.png", "test/bird/05.png shows the same picture as"]
    ):
        assert name in sentence and sentence.endswith(".")
    assert "train/bird/08.png" in sentences[2]
    capsys.readouterr()
    assert cli("data", "verify", "--dataset", "folder", "--data_dir", pictures, "--image_size", 8) == 1
    said = capsys.readouterr().out
    assert (
        all(sentence in said for sentence in sentences)
        and "38 good examples in train, 12 good examples in test; 3 problems" in said
    )


def test_the_command_line_prepares_shows_and_lists(pictures, tmp_path, capsys):
    place = ["--dataset", "folder", "--data_dir", pictures, "--image_size", 8]
    assert cli("data", "prepare", *place) == 0
    assert "folder/train: 40 examples prepared in" in capsys.readouterr().out
    assert cli("data", "prepare", *place) == 0
    assert "folder/test: 12 examples are already in" in capsys.readouterr().out
    assert cli("data", "show", *place, "--out", tmp_path / "new" / "sheet.png", "--examples", 12) == 0
    assert Image.open(tmp_path / "new" / "sheet.png").size[0] > 600
    assert cli("data", "list") == 0
    said = capsys.readouterr().out
    assert all(name in said for name in data.DATASETS) and "--depth_unit" in said


@pytest.mark.parametrize(
    "words, expected",
    [
        (["prepare", "--dataset", "faces"], "faces is built in and does not need to be prepared"),
        (["verify", "--dataset", "celeba"], "pass --data_dir DIR"),
        (
            ["prepare", "--dataset", "mnist", "--data_dir", "nowhere", "--crop", "148"],
            "--crop applies to celeba, not to the data set mnist: leave it out",
        ),
        (
            ["show", "--dataset", "digits", "--channels", "3"],
            "--channels applies to folder, not to the data set digits",
        ),
        (["show", "--dataset", "digits", "--out", "sheet.txt"], "expected a name that ends in .png or .jpg"),
        (["verify", "--dataset", "folder", "--data_dir", "nowhere"], "nowhere"),
        (["verify", "--dataset", "rgbd", "--data_dir", "nowhere"], "nowhere"),
    ],
)
def test_data_commands_refuse_in_a_sentence(words, expected, capsys):
    assert cli("data", *words) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1 and "Traceback" not in said


@pytest.mark.trace
def test_training_reads_the_files_it_is_told_to_and_says_when_one_is_damaged_meanwhile(pictures, tmp_path, capsys):
    words = [
        "train",
        "--study",
        "pegasus",
        "--model",
        "vae",
        "--dataset",
        "folder",
        "--data_dir",
        pictures,
        "--image_size",
        8,
        "--width",
        "1/8",
        "--batch_size",
        8,
        "--epochs",
        1,
        "--cache_gb",
        "1e-9",
    ]
    assert cli(*words, "--run", tmp_path / "one") == 0
    assert cli(*words[:-2], "--run", tmp_path / "two") == 0
    histories = [(tmp_path / name / "history.csv").read_text() for name in ("one", "two")]
    assert histories[0] == histories[1]
    path = pathlib.Path(pictures / "train" / "bird" / "03.png")
    path.write_bytes(b"\0" * path.stat().st_size)  # same size: the same fingerprint
    capsys.readouterr()
    assert cli(*words, "--run", tmp_path / "three") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "bird/03.png" in said and said.endswith(".")


@pytest.mark.trace
def test_a_run_remembers_how_its_pictures_are_read(pictures, tmp_path, capsys):
    words = [
        "train",
        "--study",
        "pegasus",
        "--model",
        "vae",
        "--dataset",
        "folder",
        "--data_dir",
        pictures,
        "--image_size",
        8,
        "--width",
        "1/8",
        "--batch_size",
        8,
        "--epochs",
        1,
        "--run",
        tmp_path / "run",
    ]
    assert cli(*words, "--channels", 1) == 0
    from tfgen.runs import Run

    run = Run.open(tmp_path / "run")
    assert run.source("test").images.shape == (12, 8, 8, 1) and run.model.decoder.output_shape == (None, 8, 8, 1)
    assert "--channels 1" in run.command()
    assert cli("evaluate", tmp_path / "run") == 0
    capsys.readouterr()
    assert cli(*words) == 2
    assert "was trained with" in capsys.readouterr().err


def test_the_cache_is_listed_and_cleared(pictures, own_cache, capsys):
    assert cli("data", "cache", "list") == 0
    assert capsys.readouterr().out == "0 entries, 0.0 MB\n"
    list(prepare("folder", str(pictures), 8))
    (own_cache / ".part-abc").mkdir()  # of a process that was killed
    (own_cache / "notes").mkdir()  # not the cache's
    assert cli("data", "cache", "list") == 0
    listed = capsys.readouterr().out
    assert f"folder/train in {pictures}, 8x8" in listed and f"folder/test in {pictures}, 8x8" in listed
    assert "incomplete" in listed and "3 entries" in listed
    assert cli("data", "cache", "clear") == 0
    assert "removed 3 entries" in capsys.readouterr().out
    assert [path.name for path in own_cache.iterdir()] == ["notes"]
    assert len(load(pictures)) == 40


def test_a_cache_that_cannot_be_cleared_is_a_sentence(pictures, own_cache, monkeypatch, capsys):
    list(prepare("folder", str(pictures), 8))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache.shutil, "rmtree", refuse)
    assert cli("data", "cache", "clear") == 2
    assert "cannot be removed (Permission denied): remove it by hand" in capsys.readouterr().err


def test_verify_prints_what_is_ignored(pictures, capsys):
    (pictures / "notes.txt").write_text("?")
    (pictures / "extra").mkdir()
    (pictures / "extra" / "1.png").write_bytes((pictures / "train" / "bird" / "00.png").read_bytes())
    assert cli("data", "verify", "--dataset", "folder", "--data_dir", pictures, "--image_size", 8) == 0
    out = capsys.readouterr().out
    assert f"ignored: 1 picture is in neither split: {pictures / 'extra' / '1.png'}." in out
    assert "ignored: not read as pictures: 1 .txt." in out and "0 problems" in out
