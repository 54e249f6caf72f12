"""The commands that write pictures: sample, reconstruct, interpolate, depth."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from tfgen import UserError, latents, noise, sampling
from tfgen.sampling import Choice

MODELS = {
    "vae": ("dlcv2018", "vae"),
    "gan": ("dlcv2018", "gan"),
    "acgan": ("dlcv2018", "acgan"),
    "cgan": ("digits", "cgan"),
    "infogan": ("dlcv2018", "infogan_mixed"),
    "acai": ("pegasus", "acai"),
    "depth_wgan": ("sullivan2017", "depth_wgan"),
}


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """run(name) -> a Run of one of MODELS in runs/NAME, with fresh weights."""
    monkeypatch.chdir(tmp_path)
    one_step = {"arguments": {"d_steps": 1}}  # five batches for a step are more than the toy data set has
    return lambda name: finished(f"runs/{name}", *MODELS[name], **one_step if name == "depth_wgan" else {})


def picture(path):
    return np.asarray(Image.open(path)).astype(int)


@pytest.mark.trace
@pytest.mark.parametrize("name", ["vae", "acgan", "cgan", "infogan"])
def test_a_seed_gives_the_same_picture_whatever_else_is_generated(run, name):
    trained = run(name)

    def generate(seeds):
        return sampling.pictures(trained, seeds, Choice())

    together = generate([3, 4, 5, 6, 7])
    np.testing.assert_array_equal(generate([7, 3]), together[[4, 0]])
    assert all(np.any(together[0] != other) for other in together[1:])


@pytest.mark.trace
def test_conditions_are_those_that_were_chosen(run):
    acgan, cgan, infogan = run("acgan"), run("cgan"), run("infogan")

    def of(chosen, seed, **choice):
        return sampling.condition(chosen, seed, sampling.resolved(chosen, Choice(**choice)))

    assert of(acgan, 1, attributes={"Smiling": 0.25}) == [[0.25]]
    assert {float(of(acgan, seed)[0, 0]) for seed in range(20)} == {0.0, 1.0}
    np.testing.assert_array_equal(of(cgan, 1, label="8"), np.eye(10)[[8]])
    assert {int(of(cgan, seed).argmax()) for seed in range(100)} == {*range(10)}
    codes = of(infogan, 1, codes={0: 7, 2: -0.5})
    np.testing.assert_array_equal(codes[0, :10], np.eye(10)[7])
    assert codes[0, 11] == -0.5 and codes[0, 10] == of(infogan, 1)[0, 10]


@pytest.mark.parametrize(
    "name, choice, expected",
    [
        ("gan", {"label": "3"}, "--label is for a CGAN"),
        ("cgan", {"attributes": {"Smiling": 1.0}}, "--attribute is for an ACGAN"),
        ("vae", {"codes": {0: 1.0}}, "--code is for an InfoGAN"),
        ("cgan", {"label": "10"}, "there is no class '10': choose from 0 to 9"),
        ("acgan", {"attributes": {"Beard": 1.0}}, "not conditioned on 'Beard': choose from Smiling"),
        ("infogan", {"codes": {3: 1.0}}, "has the codes 0 to 2"),
        ("infogan", {"codes": {0: 10.0}}, "code 0 has the values 0 to 9, not 10"),
        ("infogan", {"codes": {0: 1.5}}, "code 0 has the values 0 to 9, not 1.5"),
        ("acai", {}, "no prior to sample"),
        ("depth_wgan", {}, "predicts the depth of given pictures"),
    ],
)
def test_what_a_model_does_not_have_is_refused(run, name, choice, expected):
    with pytest.raises(UserError, match=expected.replace("?", r"\?")):
        sampling.pictures(run(name), [0], Choice(**choice))


def test_class_names_select_classes(run, monkeypatch):
    import dataclasses

    cgan = run("cgan")
    source = dataclasses.replace(cgan.training_source(), classes=tuple("abcdefghij"))
    monkeypatch.setattr(type(cgan), "training_source", lambda self: source)
    assert sampling.resolved(cgan, Choice(label="c")).label == 2


def test_walks_of_a_normal_prior_stay_as_long_as_its_latents():
    """Half way on a straight line between two of them, a latent of 512 numbers is shorter by a factor of 1.41."""
    random = np.random.default_rng(0)
    start, end = random.normal(size=(2, 1, 512))
    arc, line = latents.between(start, end, 9, noise.normal), latents.between(start, end, 9, noise.uniform)
    for path in (arc, line):
        np.testing.assert_allclose(path[[0, -1]], np.concatenate([start, end]), atol=1e-12)
    lengths = np.linalg.norm(arc, axis=1)
    assert lengths.min() > 0.97 * min(lengths[0], lengths[-1])
    assert np.linalg.norm(line[4]) < 0.8 * lengths[0]
    np.testing.assert_allclose(line[4], (start + end)[0] / 2)
    np.testing.assert_allclose(latents.between(start, start, 3, noise.normal), np.repeat(start, 3, axis=0))


@pytest.mark.trace
def test_truncation_brings_pictures_closer_together(run):
    trained = run("gan")
    spread = [sampling.pictures(trained, range(8), Choice(truncation=t)).std(axis=0).mean() for t in (1, 0.5, 0.1)]
    assert spread[0] > spread[1] > spread[2]


@pytest.mark.trace
def test_sample_writes_a_file_for_each_seed_and_a_sheet(tfgen, run):
    run("gan")
    code, out, err = tfgen("sample", "runs/gan", "--seeds", "2,9-10")
    folder = pathlib.Path("runs/gan/generated")
    assert code == 0 and {path.name for path in folder.iterdir()} == {"02.png", "09.png", "10.png", "sheet.png"}
    assert out.split() == [str(folder / name) for name in ("02.png", "09.png", "10.png", "sheet.png")]
    assert picture(folder / "02.png").shape == (16, 16, 3)
    assert tfgen("sample", "runs/gan", "--seeds", "10")[0] == 0
    assert pathlib.Path("runs/gan/generated-2/10.png").read_bytes() == (folder / "10.png").read_bytes()
    code, out, err = tfgen("sample", "runs/gan", "--seeds", "10", "--out", folder)
    assert code == 2 and "contains files, which would be overwritten: choose another --out" in err


@pytest.mark.trace
def test_sample_writes_a_strip_and_an_animation_between_two_seeds(tfgen, run):
    trained = run("gan")
    code, out, err = tfgen("sample", "runs/gan", "--between", "3,17", "--steps", "5", "--animation", "gif")
    assert code == 0, err
    strip, gif = (pathlib.Path(line) for line in out.split())
    assert picture(strip).shape == (20, 5 * 18 + 2, 3)
    assert Image.open(gif).n_frames == 8 and Image.open(gif).size == (256, 256)
    ends = sampling.pictures(trained, [3, 17], Choice())
    found = picture(strip)[2:18]
    for end, left in zip(ends, (2, 2 + 4 * 18), strict=True):
        np.testing.assert_array_equal(found[:, left : left + 16], np.rint(end * 255))
    code, out, err = tfgen("sample", "runs/gan", "--animation", "gif")
    assert code == 2 and "add --between" in err


def test_a_folder_with_files_is_refused_before_the_work(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="contains files"), sampling.new_folder(tmp_path, tmp_path / "x"):
        raise AssertionError("the work began")
    (tmp_path / "empty").mkdir()
    for name, kept in (("new", False), ("empty", True)):  # what was there stays
        with pytest.raises(ZeroDivisionError), sampling.new_folder(tmp_path / name, tmp_path / "x") as folder:
            raise ZeroDivisionError
        assert folder.exists() == kept
    with pytest.raises(KeyboardInterrupt), sampling.new_folder(None, tmp_path / "new") as folder:
        (folder / "0.png").write_text("begun")
        raise KeyboardInterrupt
    assert (folder / "0.png").exists()


@pytest.fixture
def files(run):
    """Two pictures of other sizes than the models', and the one of the right size that they become."""
    random, paths = np.random.default_rng(0), []
    for name, size in (("a.png", (32, 40)), ("b.jpg", (50, 32))):
        paths.append(pathlib.Path(name))
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(paths[-1])
    return paths


@pytest.mark.trace
def test_reconstruct_writes_the_codes_and_a_sheet(tfgen, run, files):
    trained = run("vae")
    code, out, err = tfgen("reconstruct", "runs/vae", *files)
    assert code == 0, err
    codes, sheet = (pathlib.Path(line) for line in out.split())
    images = sampling.read(trained, files)
    assert images.shape == (2, 16, 16, 3) and picture(sheet).shape == (38, 38, 3)
    with np.load(codes) as found:
        assert {*found} == {"mean", "log_var"}
        np.testing.assert_allclose(found["mean"], trained.model.encode(images)["mean"], rtol=1e-6)
    np.testing.assert_array_equal(picture(sheet)[2:18, 20:36], np.rint(images[1] * 255))


def test_pairs_of_more_than_a_row_stay_below_each_other(tmp_path):
    above = np.linspace(0, 1, 11)[:, None, None, None] * np.ones((1, 4, 4, 1))
    sheet = picture(sampling.write_pairs(tmp_path / "sheet.png", above, 1 - above))
    for i in range(11):
        row, column = 2 * (i // 8), i % 8
        corners = [sheet[2 + 6 * r, 2 + 6 * column] for r in (row, row + 1)]
        assert np.abs(np.array(corners) - [255 * i / 10, 255 - 255 * i / 10]).max() <= 0.5


@pytest.mark.trace
def test_interpolate_begins_and_ends_with_the_pictures(tfgen, run, files):
    trained = run("acai")
    code, out, err = tfgen("interpolate", "runs/acai", *files, "--steps", "4", "--animation", "webp")
    assert code == 0, err
    strip, animation = (pathlib.Path(line) for line in out.split())
    images = sampling.read(trained, files)
    decoded = trained.model.reconstruct(images)
    for place, expected in ((0, images[0]), (1, decoded[0]), (4, decoded[1]), (5, images[1])):
        left = 2 + 18 * place
        assert np.abs(picture(strip)[2:18, left : left + 16] - 255 * expected).max() <= 1
    assert Image.open(animation).size == (256, 256)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_animations_go_forth_and_back(tmp_path, kind):
    images = np.random.default_rng(0).random((4, 8, 8, 1))
    path = sampling.write_animation(tmp_path / f"a.{kind}", images, width=32)
    with Image.open(path) as found:
        assert found.n_frames == 6 and found.size == (32, 32) and found.info["loop"] == 0


@pytest.mark.trace
def test_depth_is_written_in_millimeters(tfgen, run, files):
    trained = run("depth_wgan")
    pathlib.Path("more").mkdir()
    pathlib.Path("more/a.png").write_bytes(files[0].read_bytes())
    code, out, err = tfgen("depth", "runs/depth_wgan", *files, "more/a.png")
    assert code == 0, err
    paths = [pathlib.Path(line) for line in out.split()]
    assert [path.name for path in paths] == ["a-depth.png", "b-depth.png", "a-2-depth.png", "depth.png"]
    expected = trained.model.predict_depth(sampling.read(trained, files[:1]), seed=1002).numpy()
    assert Image.open(paths[0]).mode == "I;16"
    assert np.abs(picture(paths[0]) - 10_000 * expected[0, :, :, 0]).max() <= 1


@pytest.mark.parametrize(
    "words, expected",
    [
        (["sample", "runs/none"], "runs/none is not a run"),
        (["sample", "runs/gan", "--seeds", "5-1"], "'5-1' is not a list of at most 10,000 integers and ranges"),
        (["sample", "runs/gan", "--seeds", "x"], "'x' is not a list"),
        (["sample", "runs/gan", "--seeds", "0-4294967295"], "is not a list of at most 10,000"),
        (["sample", "runs/gan", "--between", "0-4294967295"], "is not two seeds"),
        (["sample", "runs/gan", "--between", "3"], "'3' is not two seeds"),
        (["sample", "runs/gan", "--truncation", "0"], "'0' is not a positive number"),
        (["sample", "runs/gan", "--attribute", "Smiling"], "'Smiling' is not an attribute and a value"),
        (["sample", "runs/gan", "--attribute", "Smiling=2"], "'Smiling=2' is not an attribute and a value"),
        (["sample", "runs/gan", "--code", "x=2"], "'x=2' is not the number of a code"),
        (["sample", "runs/gan", "--between", "1,2", "--steps", "1"], "'1' is not an integer from 2"),
        (["reconstruct", "runs/gan", "a.png"], "has no encoder: choose the run of a VAE or ACAI"),
        (["interpolate", "runs/gan", "a.png", "b.jpg"], "has no encoder"),
        (["depth", "runs/gan", "a.png"], "predicts no depth: choose the run of a depth_wgan"),
        (["reconstruct", "runs/vae", "none.png"], "none.png cannot be read"),
        (["reconstruct", "runs/vae", "notes.txt"], "notes.txt is not a PNG, JPEG"),
    ],
)
def test_bad_input_is_one_sentence(tfgen, run, files, words, expected):
    run("gan"), run("vae")
    pathlib.Path("notes.txt").write_text("notes")
    code, out, err = tfgen(*words)
    assert code == 2 and expected in err and "Traceback" not in err
    assert not pathlib.Path("runs/gan/generated").exists() and not pathlib.Path("runs/vae/reconstructed").exists()
