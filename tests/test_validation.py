"""Choices made during training see a part of the training set that is held out, and never the test set."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import tiny
from PIL import Image

from tfgen import UserError, data, training
from tfgen.data.files import Files
from tfgen.data.source import Rows, Source
from tfgen.runs import RECORD, Run

TOY = [*tiny.TOY, "--examples", 70]  # of which 7 are held out: 63, three batches of 16 and a rest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch, tiny_study):
    monkeypatch.chdir(tmp_path)


def plan(model="vae", **choice):
    given = {"examples": 70, "image_size": 16, "batch_size": 16, "run": "r", "smoke": True}
    return training.plan(tiny.NAME, model, **given | choice)


def pixels(source):
    """The pictures as a set."""
    return {image.tobytes() for image in np.asarray(source.decoded().images)}


# The part
# ---------------------------------------------------------------------------------------------------------------------


def test_a_part_is_random_and_nothing_is_lost_or_in_both():
    images = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 1), np.uint8)
    whole = Source("some", images, np.zeros((100, 0), np.uint8), labels=np.arange(100, dtype=np.int32))
    part, rest = whole.apart(0.1, seed=1)
    assert (len(part), len(rest)) == (10, 90)
    np.testing.assert_array_equal(np.sort([*part.labels, *rest.labels]), np.arange(100))
    for source in (part, rest):
        np.testing.assert_array_equal(source.images, images[source.labels])
        assert np.all(np.diff(source.labels) > 0)
    assert part.labels.max() - part.labels.min() > 50  # neither the first nor the last ten
    assert not np.array_equal(part.labels, whole.apart(0.1, seed=2)[0].labels)
    assert len(whole.apart(0.001, seed=1)[0]) == 1
    with pytest.raises(UserError, match="some has 2 examples, too few for a validation part"):
        whole[:2].apart(0.9, seed=1)


def test_pictures_on_disk_stay_there(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped, memory = (
        Source("some", array, np.arange(50, dtype=np.uint8)[:, None], ("a",))
        for array in (np.load(tmp_path / "images.npy", "r"), images)
    )
    for lazy, plain in zip(mapped.apart(0.2, 0), memory.apart(0.2, 0), strict=True):
        assert isinstance(lazy.images, Rows) and isinstance(lazy.images.array, np.memmap)
        assert lazy.nbytes == plain.nbytes and lazy.images.shape == plain.images.shape and len(lazy) == len(plain)
        assert lazy.fingerprint() == plain.fingerprint()
        np.testing.assert_array_equal(lazy.floats(), plain.floats())
        np.testing.assert_array_equal(lazy.images[np.array([5, 2])], plain.images[[5, 2]])
        np.testing.assert_array_equal((lazy + memory).images, (plain + memory).images)
        assert isinstance(lazy.select(("a",)).images, Rows)
        np.testing.assert_array_equal(lazy[2:4].floats(), plain[2:4].floats())
    for i, image in enumerate(images[:20]):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    files = data.load("folder", "all", str(tmp_path), 8, cache_gb=1e-9)
    part, rest = files.apart(0.2, 0)
    assert isinstance(part.images, Files) and (len(part), len(rest)) == (
        round(0.2 * len(files)),
        len(files) - len(part),
    )


# Of a run
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model, split", [("vae", "train"), ("gan", "all"), ("gan", "train")])
def test_the_part_is_of_the_training_set_and_not_trained_on(model, split):
    run = plan(model, validation=0.1, split=split)
    part, train, test, whole = (pixels(run.source(name)) for name in ("validation", "train", "test", "all"))
    assert (len(part), len(train), len(test)) == (7, 63, 70)
    assert part | train == pixels(data.load("faces", "train", image_size=16, examples=70)) and not part & train
    assert whole == train | test and not part & test
    assert pixels(run.training_source()) == (whole if split == "all" else train)
    assert run.settings.pictures == (133 if split == "all" else 63) and run.seen_test == (split == "all")
    assert pixels(plan(model, validation=0.1, split=split, seed=5).source("validation")) == part
    with pytest.raises(UserError, match="r was trained without a validation part"):
        plan(model).source("validation")


def test_a_new_run_that_is_evaluated_holds_a_tenth_out():
    shares = {
        0.0: [{}, {"validation": 0.0}],
        0.1: [{"evaluate_every": 2}, {"early_stopping": 3}],
        0.2: [{"validation": 0.2}, {"validation": 0.2, "evaluate_every": 1}],
    }
    for share, choices in shares.items():
        for choice in choices:
            run = plan(**choice)
            assert run.settings.training.validation == run.record["validation"] == share
            assert ("--validation" in run.command()) == (choice.get("validation", 0) > 0)
    with pytest.raises(UserError, match="need a validation part: leave out --validation 0"):
        plan(validation=0.0, evaluate_every=1)


def recorded(**choice):
    run = plan(**choice)
    run.folder.mkdir()
    run.write_record()
    return run


def test_a_resumed_run_keeps_its_part():
    recorded(evaluate_every=1)
    assert plan().settings.training.validation == 0.1  # not asked for again
    with pytest.raises(UserError, match="validation 0.1, not 0.2"):
        plan(validation=0.2)
    with pytest.raises(UserError, match="split train, not all"):
        plan(split="all")


def test_a_run_without_a_part_cannot_be_evaluated_later():
    recorded()
    with pytest.raises(UserError, match="^r was trained without a validation part, which .* start a new run"):
        plan(evaluate_every=1)
    assert plan(epochs=9).settings.training.validation == 0


@pytest.mark.parametrize("model, split", [("vae", "train"), ("gan", "all")])
def test_runs_of_older_versions_are_resumed_as_they_were(model, split):
    run = recorded(model=model)
    record = json.loads(pathlib.Path("r", RECORD).read_text())
    assert (record.pop("split"), record.pop("validation")) == (split, 0.0)
    pathlib.Path("r", RECORD).write_text(json.dumps(record))
    opened = Run.open("r")
    assert (opened.settings.training.split, opened.settings.training.validation) == (split, 0.0)
    assert pixels(opened.training_source()) == pixels(run.training_source())
    assert plan(model).settings == run.settings and "--split" not in opened.command()


def test_a_run_says_that_it_is_trained_on_the_training_set_alone():
    run = recorded(model="gan", split="train")
    assert run.command().endswith(f"--split train --run {run.folder}") or "--split train" in run.command()
    assert len(Run.open("r").training_source()) == 70


# During training
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.trace
def test_only_score_touches_the_test_set(tfgen, monkeypatch):
    splits, read = [], data.read
    monkeypatch.setattr(data, "read", lambda chosen, split: splits.append(split) or read(chosen, split))
    words = ["train", "--model", "vae", *TOY, "--run", "r", "--early_stopping", 5]
    code, _, err = tfgen(*words)
    assert code == 0 and set(splits) == {"train"}
    assert "epoch 1: test_mse_mean_code" in err and "on the validation part, the best so far" in err
    assert tfgen("evaluate", "r", "--best")[0] == 0 and set(splits) == {"train", "test"}
    assert tfgen(*words)[0] == 0


@pytest.mark.trace
def test_scoring_leaves_the_weights_as_they_were(tfgen):
    """A run with the same part that is not evaluated, and one that is, which trains a classifier meanwhile."""
    words = ["train", "--model", "acgan", *TOY, "--validation", 0.1]
    assert tfgen(*words, "--run", "plain")[0] == tfgen(*words, "--run", "scored", "--evaluate_every", 1)[0] == 0
    plain, scored = (Run.open(folder).model.get_weights() for folder in ("plain", "scored"))
    assert all(np.array_equal(a, b) for a, b in zip(plain, scored, strict=True))
    kept = dataclasses.asdict(Run.open("scored").settings)
    assert kept["training"]["validation"] == 0.1 and Run.open("scored").checkpoints.best() is not None
