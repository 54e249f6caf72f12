"""What the figures show: their sizes, titles and axes, and the arrays they are drawn from."""

import dataclasses
import functools
import types

import keras
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from PIL import Image

from tfgen import UserError, figures, latents
from tfgen.data.source import Source
from tfgen.figures import text
from tfgen.metrics import sharpness
from tfgen.studies import STUDIES, csi5340, digits


@functools.cache
def built(model):
    """The homework's model; no test changes it."""
    keras.utils.set_random_seed(0)
    return STUDIES["dlcv2018"][model].build((16, 16, 3), width=1 / 8)


class FakeRun:
    """What a figure knows of a run, without a folder."""

    steps_per_epoch = 4

    def __init__(self, model, source=None):
        self.model = built(model)
        self.test = source

    def history(self):
        iterations = np.arange(1, 11)  # two epochs and a half
        return {"iteration": iterations} | {log: iterations * (1.0 + i) for i, log in enumerate(self.model.logs)}

    def source(self, split):
        assert split == "test"
        return self.test


def shown(figure):
    """The pictures of a figure, in its axes' order."""
    return [axis.images[0].get_array() for axis in figure.axes if axis.images]


@pytest.fixture
def acgan():
    return FakeRun("acgan")


def test_grid_layout():
    images = np.linspace(0, 1, 20)[:, None, None, None] * np.ones((1, 4, 4, 3))
    figure = figures.grid(images, 10, (20, 4))
    assert tuple(figure.get_size_inches()) == (20, 4) and len(figure.axes) == 20
    for axis, image in zip(figure.axes, images):
        np.testing.assert_array_equal(axis.images[0].get_array(), image)
        assert not axis.axison
    first, second, below = (figure.axes[i].get_position() for i in (0, 1, 10))
    assert (second.x0 - first.x1) / first.width == pytest.approx(0.05)
    assert (first.y0 - below.y1) / first.height == pytest.approx(0.05)
    assert first.x0 == pytest.approx(0) and first.y1 == pytest.approx(1)


def test_sheet_pixels():
    images = np.stack([np.full((3, 2, 3), value) for value in (0.0, 0.5, 1.0)])
    sheet = figures.sheet(images, 2, gap=1)
    assert sheet.shape == (2 * 4 + 1, 2 * 3 + 1, 3) and sheet.dtype == np.uint8
    np.testing.assert_array_equal(sheet[1:4, 1:3], 0)
    np.testing.assert_array_equal(sheet[1:4, 4:6], 128)
    np.testing.assert_array_equal(sheet[5:8, 1:3], 255)
    assert (sheet[0] == 255).all() and (sheet[:, 3] == 255).all() and (sheet[4:, 4:] == 255).all()


def test_fig1_2_and_fig2_2_curves():
    for model, panels in [
        ("vae", {"reconstruction": "MSE", "kl": "KLD"}),
        ("gan", {"d_loss": "D loss", "g_loss": "G loss"}),
    ]:
        run = FakeRun(model)
        file = {"vae": "fig1_2.jpg", "gan": "fig2_2.jpg"}[model]
        figure = STUDIES["dlcv2018"][model].figures[file].draw(run)
        assert tuple(figure.get_size_inches()) == (16, 6)
        for axis, (log, title) in zip(figure.axes, panels.items(), strict=True):
            assert (axis.get_title(), axis.title.get_fontsize()) == (title, 20)
            assert (axis.get_xlabel(), axis.xaxis.label.get_fontsize(), axis.get_ylabel()) == (
                "Training iterations",
                16,
                "",
            )
            assert axis.get_legend() is None
            (line,) = axis.lines
            steps = 2 if log == "g_loss" else 1  # the homework's generator makes two
            assert len(line.get_xdata()) == steps * len(run.history()["iteration"])
            np.testing.assert_array_equal(line.get_ydata()[steps - 1 :: steps], run.history()[log])


def test_fig2_2_has_a_point_for_every_step_of_a_player():
    """The homework's figure has twice as many points for G, which makes two steps, as for D."""
    run = FakeRun("gan")
    run.history = lambda: {
        "iteration": np.arange(1, 4),
        "d_loss": np.array([1.0, 2.0, 3.0]),
        "g_loss": np.array([10.0, 20.0, 30.0]),  # the last step of each iteration
        "g_loss_1": np.array([7.0, 17.0, 27.0]),
        "g_loss_2": np.array([8.0, 18.0, 28.0]),
    }
    d, g = STUDIES["dlcv2018"]["gan"].figures["fig2_2.jpg"].draw(run).axes
    assert (d.get_title(), g.get_title(), g.get_xlabel()) == ("D loss", "G loss", "Training iterations")
    np.testing.assert_array_equal(d.lines[0].get_xydata(), [[1, 1], [2, 2], [3, 3]])
    np.testing.assert_array_equal(g.lines[0].get_ydata(), [7, 8, 10, 17, 18, 20, 27, 28, 30])
    np.testing.assert_array_equal(g.lines[0].get_xdata(), np.arange(1, 10))


def test_fig1_3_rows(toy):
    run = FakeRun("vae", toy)
    shown = [axis.images[0].get_array() for axis in figures.reconstructions(run).axes]
    images = toy.images[:10] / np.float32(255)
    np.testing.assert_array_equal(shown[:10], images)
    mean = run.model.encoder(images, training=False)["mean"]
    np.testing.assert_allclose(shown[10:], run.model.decoder(mean, training=False), atol=1e-5)


@pytest.mark.trace
@pytest.mark.parametrize("model", ["vae", "gan"])
def test_fig1_4_and_fig2_3_samples(model):
    run = FakeRun(model)
    figure = figures.samples(run)
    assert tuple(figure.get_size_inches()) == (16, 8) and len(figure.axes) == 32
    shown = np.stack([axis.images[0].get_array() for axis in figure.axes])
    np.testing.assert_allclose(shown, latents.prior_samples(run.model, 32))
    assert len({image.tobytes() for image in shown}) == 32


def test_fig1_5_points(toy):
    figure = figures.latent_tsne(FakeRun("vae", toy), "Smiling")
    (axis,) = figure.axes
    assert tuple(figure.get_size_inches()) == (8, 8)
    assert (axis.get_title(), axis.title.get_fontsize()) == ("Smiling", 20)
    smiling = int(toy.attributes.sum())
    for points, colour, label, n in zip(
        axis.collections, ["royalblue", "tomato"], ["True", "False"], [smiling, 64 - smiling], strict=True
    ):
        assert len(points.get_offsets()) == n and points.get_label() == label
        assert tuple(points.get_facecolor()[0]) == to_rgba(colour, 0.5)


def test_fig3_2_curves(acgan):
    figure = figures.attribute_curves(acgan)
    assert tuple(figure.get_size_inches()) == (16, 6)
    assert [axis.get_title() for axis in figure.axes] == [
        "Training Loss of Attribute Classification",
        "Accuracy of Discriminator",
    ]
    for axis, log in zip(figure.axes, ["aux", "aux_accuracy"]):
        assert [text.get_text() for text in axis.get_legend().get_texts()] == [
            "Real",
            "Real (per epoch)",
            "Fake",
            "Fake (per epoch)",
        ]
        for i, kind in enumerate(["real", "fake"]):
            values = acgan.history()[f"{log}_{kind}"]
            raw, epochs = axis.lines[2 * i : 2 * i + 2]
            np.testing.assert_array_equal(raw.get_ydata(), values)
            np.testing.assert_array_equal(epochs.get_xydata(), [[4, values[:4].mean()], [8, values[4:8].mean()]])
            assert (raw.get_alpha(), epochs.get_alpha(), epochs.get_linewidth()) == (0.2, 0.7, 3)
            assert raw.get_color() == epochs.get_color() == ["royalblue", "tomato"][i]


def test_fig3_3_rows_are_codes_and_columns_latents(acgan):
    figure = figures.attribute_grid(acgan)
    assert tuple(figure.get_size_inches()) == (20, 4) and len(figure.axes) == 20
    shown = np.stack([axis.images[0].get_array() for axis in figure.axes])
    z = acgan.model.sample_latents(latents.KEY, 0, 10)
    for row, code in enumerate((0.0, 1.0)):
        np.testing.assert_allclose(
            shown[10 * row : 10 * row + 10], acgan.model.generate(z, np.full((10, 1), code, np.float32)), atol=1e-6
        )
    assert np.abs(shown[:10] - shown[10:]).max() > 0


def test_examples_show_every_picture_with_its_caption(toy):
    figure = figures.examples(dataclasses.replace(toy, depth=None, classes=tuple("abcdefghij")), 10)
    axes = figure.axes
    assert len(axes) == 16 and [len(axis.images) for axis in axes] == [1] * 10 + [0] * 6
    for i in range(10):
        np.testing.assert_allclose(axes[i].images[0].get_array(), toy.images[i] / 255, rtol=1e-6)
        assert axes[i].get_title() == "abcdefghij"[i] + (", Smiling" if toy.attributes[i, 0] else "")
    beside = figures.examples(toy, 3).axes[0]
    assert beside.images[0].get_array().shape == (16, 32, 3) and "m, " in beside.get_title().replace("\n", " ")


def test_tiles_are_what_the_sheet_was_made_of():
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3)) / np.float32(255)
    np.testing.assert_allclose(figures.tiles(figures.sheet(images, 3), 4), images, rtol=1e-6)
    np.testing.assert_allclose(figures.tiles(figures.sheet(images[..., :1], 2), 4), images[..., :1], rtol=1e-6)


def test_fig1_5_says_how_many_of_a_large_set_it_shows(toy):
    figure = figures.latent_tsne(FakeRun("vae", toy), "Smiling", most=40)
    (axis,) = figure.axes
    assert axis.get_xlabel() == "a random 40 of the 64 test pictures"
    assert sum(len(points.get_offsets()) for points in axis.collections) == 40
    again = figures.latent_tsne(FakeRun("vae", toy), "Smiling", most=40)
    for one, other in zip(axis.collections, again.axes[0].collections):
        np.testing.assert_array_equal(one.get_offsets(), other.get_offsets())
    assert figures.latent_tsne(FakeRun("vae", toy), "Smiling", most=64).axes[0].get_xlabel() == ""


def test_tsne_by_class_where_there_are_no_attributes(toy):
    bare = dataclasses.replace(toy, attribute_names=(), attributes=toy.attributes[:, :0], classes=tuple("abcdefghij"))
    (axis,) = figures.latent_tsne(FakeRun("vae", bare), "Male").axes
    assert [points.get_label() for points in axis.collections] == list("abcdefghij")
    assert [len(points.get_offsets()) for points in axis.collections] == [7, 7, 7, 7, 6, 6, 6, 6, 6, 6]
    with pytest.raises(UserError, match="no attribute 'Male'"):
        figures.latent_tsne(FakeRun("vae", toy), "Male")


@pytest.fixture
def sheets(tmp_path):
    """A run with a sheet for each iteration 4 i of twelve flat pictures; picture j has the value (10 i + j) / 255."""
    (tmp_path / "samples").mkdir()
    for i in range(20):
        images = (10 * i + np.arange(12))[:, None, None, None] * np.ones((1, 4, 4, 1)) / 255
        Image.fromarray(figures.sheet(images, 4)).save(tmp_path / "samples" / f"{4 * i:07d}.png")
    return types.SimpleNamespace(folder=tmp_path, steps_per_epoch=4, record={"image_size": 4})


def test_the_strip_follows_the_same_latents_over_the_training(sheets):
    figure = figures.training_strip(sheets, n=3, moments=5)
    axes = np.reshape(figure.axes, (3, -1))
    iterations = [int(axis.get_title()) for axis in axes[0]]
    assert (
        iterations[0] == 0 and iterations[-1] == 76 and np.all(np.diff(iterations, 2) >= 0)
    )  # denser at the beginning
    for row, latent in zip(axes, (0, 6, 11)):
        for axis, iteration in zip(row, iterations):
            np.testing.assert_allclose(axis.images[0].get_array() * 255, 10 * iteration / 4 + latent, rtol=1e-6)


def test_grids_over_the_epochs(sheets):
    figure = figures.training_grids(sheets)
    assert [axis.get_title() for axis in figure.axes] == ["epoch 8", "epoch 11", "epoch 15", "epoch 19"]
    for axis, epoch in zip(figure.axes, (8, 11, 15, 19)):
        assert axis.images[0].get_array()[2, 2] == pytest.approx(10 * epoch / 255)


def test_the_animation_has_the_sheets_as_frames(sheets):
    frames = figures.training_animation(sheets, moments=5, width=60)
    assert len(frames) == len(figures.training_strip(sheets, moments=5).axes) / 6
    for frame, value in ((frames[0], 0), (frames[-1], 190)):
        assert (
            frame.size == (52, 20 + 40) and frame.getpixel((6, 20 + 6)) == value
        )  # twice the sheet of 26 x 20, below its caption


def test_damaged_and_missing_sheets_are_named(sheets):
    (sheets.folder / "samples" / "0000000.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="0000000.png cannot be read as a picture"):
        figures.training_strip(sheets)
    for path in (sheets.folder / "samples").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="contains no sheets of samples"):
        figures.training_grids(sheets)


class Line:
    """A VAE of flat pictures of one value: the code is the picture's value times 10, known up to .5; the decoder
    divides by 10.
    """

    latent_dim = 1
    has_posterior = True

    def encode(self, images):
        mean = 10 * images.mean(axis=(1, 2))
        return {"mean": mean, "log_var": np.full_like(mean, 2 * np.log(0.5))}

    def sample_posterior(self, code, key, draw):
        assert key == latents.KEY
        eps = np.random.default_rng(draw).normal(size=code["mean"].shape)
        return (code["mean"] + np.exp(code["log_var"] / 2) * eps).astype(np.float32)

    def decoder(self, z, training):
        return np.asarray(z)[:, None, None] / 10 * np.ones((1, 4, 4, 1), np.float32)


def flat(*values):
    return np.float32(values)[:, None, None, None] * np.ones((1, 4, 4, 1), np.float32)


def test_pictures_around_a_code_have_the_posteriors_spread():
    around = latents.posterior_reconstructions(Line(), flat(0.2, 0.8), 2000)
    assert around.shape == (2, 2000, 4, 4, 1)
    np.testing.assert_allclose(around[:, :, 0, 0, 0].mean(axis=1), [0.2, 0.8], atol=0.005)
    np.testing.assert_allclose(around[:, :, 0, 0, 0].std(axis=1), 0.05, rtol=0.05)


def test_mixtures_take_their_share_of_sampled_codes():
    a, b = flat(0, 0, 0), flat(1, 1, 1)
    eps = [0.05 * np.random.default_rng(draw).normal(size=3) for draw in (2, 3)]
    mixed = latents.mixtures(Line(), a, b, [0, 0.25, 1], sample=1)[:, 0, 0, 0]
    np.testing.assert_allclose(mixed, [eps[0][0], 0.75 * eps[0][1] + 0.25 * (1 + eps[1][1]), 1 + eps[1][2]], atol=1e-5)


def test_a_line_between_drawn_codes_has_one_draw_at_each_end():
    line = latents.interpolate(Line(), flat(0), flat(1), 5, sample=1)[0, :, 0, 0, 0]
    start, end = (0.05 * np.random.default_rng(draw).normal() for draw in (2, 3))
    np.testing.assert_allclose(line, np.linspace(start, 1 + end, 5), atol=1e-5)
    np.testing.assert_allclose(
        latents.interpolate(Line(), flat(0), flat(1), 5)[0, :, 0, 0, 0], [0, 0.25, 0.5, 0.75, 1], atol=1e-6
    )


def test_the_manifold_lies_at_the_normal_quantiles():
    seen = []
    plane = types.SimpleNamespace(
        latent_dim=2, decoder=lambda z, training: seen.append(np.asarray(z)) or np.zeros((len(z), 4, 4, 1))
    )
    assert latents.manifold(plane, 5).shape == (25, 4, 4, 1)
    z = np.concatenate(seen).reshape(5, 5, 2)
    np.testing.assert_allclose(
        z[0, :, 0], [-1.644854, -0.597760, 0, 0.597760, 1.644854], atol=1e-5
    )  # of .05, .275, .5, .725, .95
    assert np.all(z[..., 0] == z[0, :, 0]) and np.all(z[:, 0, 1] == z[..., 1].T) and np.all(z[:, 0, 1] == z[0, ::-1, 0])
    with pytest.raises(UserError, match="train it with --latent_dim 2"):
        latents.manifold(Line())


@pytest.mark.trace
def test_class_rows_begin_with_the_first_test_picture_of_each_class(toy):
    run = FakeRun("vae", toy)
    pictures = shown(figures.class_reconstructions(run, 2))
    assert len(pictures) == 30
    for label in range(10):
        np.testing.assert_array_equal(pictures[3 * label], toy.images[label] / np.float32(255))
    around = latents.posterior_reconstructions(run.model, toy.images[:10] / np.float32(255), 2)
    np.testing.assert_allclose(pictures[1::3], around[:, 0], atol=1e-6)
    np.testing.assert_allclose(pictures[2::3], around[:, 1], atol=1e-6)


def test_the_farthest_sample_and_its_nearest_test_picture(monkeypatch):
    monkeypatch.setattr(latents, "prior_samples", lambda model, n: flat(0.1, 0.45, 0.9))
    run = types.SimpleNamespace(model=None, source=lambda split: types.SimpleNamespace(floats=lambda: flat(0, 0.2, 1)))
    figure = figures.farthest_sample(run)  # .45 is .25 from .2, the others .1 from the nearest
    assert [picture[0, 0] for picture in shown(figure)] == [pytest.approx(0.45), pytest.approx(0.2)]
    assert [axis.get_title() for axis in figure.axes] == ["sample 2 of 32", "nearest test picture, 0.250 RMS away"]


def test_sharpness_of_known_pictures():
    x, y = np.meshgrid(np.arange(8.0), np.arange(8.0))
    images = np.stack([np.full((8, 8), 0.3), 0.1 * x + 0.2 * y, (x + y) % 2])[..., None]
    # Flat and evenly shaded: 0. A chess board's Laplacian is 4 where it is 0, and -4 where it is 1.
    np.testing.assert_allclose(sharpness.laplacian_variance(images), [0, 0, 16], atol=1e-12)
    red = np.zeros((1, 8, 8, 3))
    red[..., 0] = (x + y) % 2
    np.testing.assert_allclose(sharpness.laplacian_variance(red), 16 * 0.299**2)


def test_detail_of_known_pictures():
    """A board of single pixels is all fine, one of 2x2 blocks all coarse; white noise has its variance in both."""
    x, y = np.meshgrid(np.arange(32), np.arange(32))
    boards = np.stack([np.full((32, 32), 0.3), (x + y) % 2, (x // 2 + y // 2) % 2])[..., None]
    fine, coarse = sharpness.detail(boards)
    np.testing.assert_allclose(fine, [0, 1 / 3, 0], atol=1e-12)  # one of three orientations, (1 - 0 - 0 + 1) / 2
    np.testing.assert_allclose(coarse, [0, 0, 4 / 3], atol=1e-12)
    noise = np.random.default_rng(0).normal(0.5, 0.1, (64, 32, 32, 1))
    np.testing.assert_allclose(np.mean(sharpness.detail(noise), axis=1), 0.01, rtol=0.03)


def test_grain_is_not_sharpness():
    """Blurred edges under grain: the Laplacian calls them as sharp as the edges, the coarse band shows the blur."""
    random = np.random.default_rng(0)
    edges = np.kron(random.random((64, 4, 4)), np.ones((8, 8)))[..., None]
    edges = np.roll(edges, (3, 3), axis=(1, 2))  # edges between the blocks of the bands, as in pictures
    blurred = edges
    for _ in range(24):
        blurred = sum(np.roll(blurred, step, axis) for step in (-1, 0, 1) for axis in (1, 2)) / 6
    grain = random.normal(0, 0.06, edges.shape)
    laplacian = [sharpness.laplacian_variance(x).mean() for x in (edges, blurred + grain)]
    coarse = [sharpness.detail(x)[1].mean() for x in (edges, blurred + grain)]
    assert laplacian[1] > 0.7 * laplacian[0] and coarse[1] < 0.35 * coarse[0]


def test_sharpness_rows_compare_with_the_test_pictures(toy, monkeypatch):
    run = FakeRun("gan", toy)
    monkeypatch.setattr(
        latents, "prior_samples", lambda model, n: toy.images[:n] / np.float32(510)
    )  # half the contrast: a quarter of the variance
    figure = figures.sharpness_rows({"GAN": run})
    labels = [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()]
    assert labels[0] == "test pictures\nfine 100%\ncoarse 100%" and labels[1].startswith("gray with grain")
    assert labels[2] == "GAN samples\nfine 25%\ncoarse 25%"
    assert len(figure.axes) == 24


def test_montages(toy):
    run = FakeRun("vae", toy)
    inputs, decoded, samples = (figures.tiles(np.rint(picture * 255), 16) for picture in shown(figures.montages(run)))
    images = toy.images / np.float32(255)
    np.testing.assert_allclose(inputs, images, atol=1e-6)
    np.testing.assert_allclose(decoded, latents.reconstructions(run.model, images), atol=0.003)
    np.testing.assert_allclose(samples, latents.prior_samples(run.model, 64), atol=0.003)


def test_depth_rows_are_colour_truth_and_prediction_in_metres(toy, monkeypatch):
    monkeypatch.setattr(latents, "depths", lambda model, images, draw=0: np.full((len(images), 16, 16, 1), 0.25))
    run = types.SimpleNamespace(model=None, source=lambda split: toy)
    figure = figures.depth_rows(run, 4)
    pictures = shown(figure)
    chosen = toy[np.array([0, 21, 42, 63])]
    np.testing.assert_array_equal(pictures[:4], chosen.images / np.float32(255))
    for true, depth in zip(pictures[4:8], chosen.depth[..., 0]):
        np.testing.assert_allclose(true.filled(-1), np.where(depth > 0, depth / 1000, -1))  # holes are masked
    assert all((guess == 2.5).all() for guess in pictures[8:12])
    limits = {axis.images[0].get_clim() for axis in figure.axes[4:12]}
    assert limits == {(0.0, np.ceil(chosen.depth.max() / 1000))} and figure.axes[-1].get_ylabel() == "depth in meters"
    with pytest.raises(UserError, match="has no depth: choose"):
        figures.depth_rows(types.SimpleNamespace(source=lambda split: dataclasses.replace(toy, depth=None)))


def test_depth_montages_are_colour_truth_and_prediction_with_the_error(toy, monkeypatch):
    monkeypatch.setattr(latents, "depths", lambda model, images, draw=0: np.full((len(images), 16, 16, 1), 0.25))
    figure = figures.depth_montages(types.SimpleNamespace(model=None, source=lambda split: toy))
    colour, true, guess = shown(figure)[:3]  # the color bar has no picture
    np.testing.assert_allclose(figures.tiles(np.rint(colour * 255), 16), toy.images / np.float32(255), atol=1e-6)
    depth = toy.depth / 1000
    for i in (0, 9, 63):  # columns of eight, gaps of two pixels
        place = np.s_[2 + 18 * (i // 8) :, 2 + 18 * (i % 8) :]
        np.testing.assert_allclose(
            true[place][:16, :16].filled(-1), np.where(depth[i] > 0, depth[i], -1)[..., 0], rtol=1e-6
        )
        assert (guess[place][:16, :16] == 2.5).all()
    known = depth > 0
    assert 0 < known.mean() < 1
    error = np.sqrt(np.mean((depth[known] - 2.5) ** 2))
    titles = [axis.get_title() for axis in figure.axes[:3]]
    assert titles == ["64 test pictures", "true depth", f"predicted depth, RMSE {error:.2f} m"]
    assert figure.axes[1].images[0].get_clim() == figure.axes[2].images[0].get_clim() == (0, np.ceil(depth.max()))


def test_the_noise_sampler_shows_one_picture_under_many_noises(toy, monkeypatch):
    def depths(model, images, draw=0):
        assert len(images) == 64 and (images == images[0]).all()
        return np.float32(0.3) + np.tile([[0.01], [-0.01]], (32, 1))[:, :, None, None] * np.ones((1, 16, 16, 1))

    monkeypatch.setattr(latents, "depths", depths)
    figure = figures.noise_sampler(types.SimpleNamespace(model=None, source=lambda split: toy))
    picture, _, deviation = shown(figure)
    np.testing.assert_array_equal(picture, toy.images[0] / np.float32(255))
    np.testing.assert_allclose(deviation, 0.1, rtol=1e-5)  # +-.01 of 10 m
    assert "mean variance 0.01 m" in figure.axes[2].get_title()


def settings(depth, latent_dim, values):
    history = {"iteration": np.arange(1, 1 + len(values)), "jsd": np.asarray(values, float)}
    return types.SimpleNamespace(
        record={"arguments": {"depth": depth, "latent_dim": latent_dim}}, history=lambda: history, steps_per_epoch=2
    )


def test_depth_curves_have_a_panel_a_depth_and_a_line_a_latent_size():
    runs = {"b": settings(3, 20, [1, 3, 5, 7, 9]), "a": settings(3, 2, [2, 4]), "c": settings(1, 20, [0, 1])}
    figure = figures.latent_curves(runs, lambda run: run.history()["jsd"], "JSD", "nats")
    one, three = figure.axes
    assert (one.get_title(), three.get_title(), one.get_xlabel(), one.get_ylabel()) == (
        "JSD, depth 1",
        "JSD, depth 3",
        "Epochs",
        "nats",
    )
    assert [line.get_label() for line in three.lines] == ["2 latents", "20 latents"]
    np.testing.assert_array_equal(three.lines[1].get_xydata(), [[1, 2], [2, 6]])  # means of whole epochs
    np.testing.assert_array_equal(three.lines[0].get_xydata(), [[1, 3]])
    assert one.lines[0].get_color() == three.lines[1].get_color() != three.lines[0].get_color()
    assert one.lines[0].get_linestyle() == three.lines[1].get_linestyle() != three.lines[0].get_linestyle()


def test_the_vaes_loss_is_four_times_what_it_minimized():
    """The study's pictures are in [-1, 1]."""
    history = {"reconstruction": np.array([1.0, 0.5]), "kl": np.array([2.0, 4.0])}
    run = types.SimpleNamespace(history=lambda: history, record={"arguments": {"kl_weight": 0.25}})
    np.testing.assert_array_equal(csi5340.loss(run), [6, 6])


def test_a_comparison_lays_curves_over_rows_of_samples():
    runs = {"one": FakeRun("gan"), "other": FakeRun("gan")}
    for run, scale in zip(runs.values(), (1.0, 3.0)):
        history = {"iteration": np.arange(1, 301), "d_loss": scale * np.arange(300.0)}
        run.history = lambda history=history: history
        run.preset = STUDIES["dlcv2018"]["gan"]
    figure = figures.comparison(runs, "d_loss", "D loss", "nats", n=4)
    curves, *pictures = figure.axes
    assert (curves.get_title(), curves.get_ylabel()) == ("D loss", "nats")
    for line, label, scale in zip(curves.lines, runs, (1.0, 3.0), strict=True):
        assert line.get_label() == label
        np.testing.assert_allclose(
            line.get_xydata(), [[i + 3, scale * (i + 1)] for i in range(298)]
        )  # 1 % of 300: means of 3, drawn at the last
    assert [axis.get_ylabel() for axis in pictures] == ["one", "", "", "", "other", "", "", ""]
    samples = latents.prior_samples(runs["one"].model, 32)
    np.testing.assert_allclose([axis.images[0].get_array() for axis in pictures[:4]], samples[:4], atol=1e-6)
    assert len(figures.comparison(runs, n=2).axes) == 4


def test_certainty_counts_what_the_classifier_holds_likely(toy, monkeypatch):
    sure = iter([np.array([0.97, 0.99, 0.52, 0.92]), np.array([0.22, 0.97])])
    monkeypatch.setattr("tfgen.scores.classifier_of", lambda run, of: None)
    monkeypatch.setattr("tfgen.metrics.classifier.certainty", lambda reader, images: next(sure))
    (axis,) = digits.certainty(FakeRun("gan", toy)).axes
    assert axis.get_legend_handles_labels()[1] == ["test pictures: 25% below .9", "generated: 50% below .9"]
    for bars, heights in zip(axis.containers, ({10: 0.25, 18: 0.25, 19: 0.5}, {4: 0.5, 19: 0.5})):
        assert {i: bar.get_height() for i, bar in enumerate(bars) if bar.get_height()} == heights


def test_attribute_rows_are_the_pairs_of_each_run(monkeypatch):
    """The second run's pictures are darker; pictures with the attribute are lighter than those without it."""
    light = {"old": 0.6, "new": 0.2}
    curves = {
        "old": {"seconds": np.array([60.0, 120.0]), "frechet": np.array([9.0, 4.0])},
        "new": {"seconds": np.array([30.0, 90.0]), "frechet": np.array([3.0, 2.0])},
    }
    record = {"attributes": ["Smiling"]}
    runs = {label: types.SimpleNamespace(model=label, record=record, evaluations=dict) for label in light}

    def pairs(model, n):
        return light[model] + np.repeat([0.0, 0.2], n)[:, None, None, None] * np.ones((2 * n, 4, 4, 3))

    monkeypatch.setattr(latents, "attribute_pairs", pairs)
    axes = np.reshape(figures.attribute_rows(runs, 3).axes, (4, 3))
    labels = ["old\nwithout Smiling", "old\nwith Smiling", "new\nwithout Smiling", "new\nwith Smiling"]
    assert [row[0].get_ylabel() for row in axes] == labels
    shown = [np.mean(axis.images[0].get_array()) for axis in axes[:, 2]]
    np.testing.assert_allclose(np.asarray(shown) / np.max(shown), np.array([0.6, 0.8, 0.2, 0.4]) / 0.8, atol=0.02)
    for label, run in runs.items():
        run.evaluations = lambda label=label: curves[label]
    *_, below = figures.attribute_rows(runs, 3).axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in below.get_lines()}
    assert lines == {"old": [[1, 9], [2, 4]], "new": [[0.5, 3], [1.5, 2]]}
    assert below.get_xlabel() == "minutes of training" and below.get_yscale() == "log"


@pytest.mark.trace
def test_a_figure_in_words(acgan, toy):
    assert figures.describe(figures.attribute_grid(acgan)) == "20 pictures in 2 rows of 10."
    words = figures.describe(figures.attribute_curves(acgan))
    assert (
        "Accuracy of Discriminator Fake: a line from 6 at 1 to 60 at 10." in words and words.count("a line from") == 8
    )
    assert figures.describe(figures.latent_tsne(FakeRun("vae", toy), "Smiling")).startswith(
        f"Smiling: {int(toy.attributes.sum())} points True."
    )
    assert figures.describe([None] * 3) == "Animation of 3 frames."
    assert figures.describe(figures.sharpness_rows({"GAN": FakeRun("gan", toy)})).startswith(
        "24 pictures in 3 rows of 8: test pictures "
    )


@pytest.mark.trace
@pytest.mark.parametrize(
    "model, file, size",
    [
        ("vae", "fig1_3", (20, 4)),
        ("wgan_gp", "wgan_gp", (16, 8)),
        ("infogan_mixed", "infogan_mixed_0", (20, 8)),
        ("infogan_mixed", "infogan_mixed_2", (20, 8)),
    ],
)
def test_the_homeworks_sizes_in_inches(model, file, size, toy):
    assert tuple(STUDIES["dlcv2018"][model].figures[f"{file}.jpg"].draw(FakeRun(model, toy)).get_size_inches()) == size


@pytest.mark.trace
def test_fig4_1_has_a_value_a_column_and_a_latent_a_row():
    run = FakeRun("infogan")
    for code, file in enumerate(("fig4_1.jpg", "fig4_2.jpg")):
        figure = STUDIES["dlcv2018"]["infogan"].figures[file].draw(run)
        assert tuple(figure.get_size_inches()) == (20, 20)
        pictures = np.reshape(shown(figure), (10, 10, 16, 16, 3))
        z, codes = run.model.sample_latents(latents.KEY, 0, 10), run.model.sample_codes(latents.KEY, 0, 10).numpy()
        for row in (0, 7):
            for column in (0, 9):
                own = codes[row : row + 1].copy()
                own[:, 10 * code : 10 * code + 10] = np.eye(10)[column]
                np.testing.assert_allclose(
                    pictures[row, column], run.model.generate(z[row : row + 1], own)[0], atol=1e-5
                )


# Names of classes and data sets may contain anything.


def labeled(*names):
    """Twice as many random pictures as classes of these names."""
    pictures = np.random.default_rng(0).integers(0, 256, (2 * len(names), 16, 16, 3)).astype(np.uint8)
    labels = np.arange(2 * len(names), dtype=np.int32) % len(names)
    return Source("folder/train in $x_1$", pictures, np.zeros((len(pictures), 0), np.uint8), (), labels, classes=names)


@pytest.fixture
def fonts(tmp_path, monkeypatch):
    """fonts(name, letters) installs a font with black squares for these letters."""
    installed = font_manager.fontManager
    monkeypatch.setattr(installed, "ttflist", list(installed.ttflist))
    text.fallback.cache_clear()

    def install(name, letters):
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", "square"])
        builder.setupCharacterMap({ord(letter): "square" for letter in letters})
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0)), pen.lineTo((0, 900)), pen.lineTo((900, 900)), pen.lineTo((900, 0)), pen.closePath()
        builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
        builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
        builder.setupHorizontalHeader(ascent=900, descent=-100)
        builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
        builder.setupOS2(), builder.setupPost()
        builder.save(tmp_path / f"{name}.ttf")
        installed.addfont(tmp_path / f"{name}.ttf")

    yield install
    text.fallback.cache_clear()


def test_names_in_figures_are_shown_as_they_are(tmp_path, fonts, capsys):
    names = ("US$_and_$EUR", "$\\frac$", "_other", "_child1x", "貓", "caf\udce9")
    fonts("Squares", "貓")
    source = labeled(*names)
    drawn = [figures.examples(source, 12), figures.latent_tsne(FakeRun("vae", source), "Male")]
    drawn.append(figures.rows_of([(name, source.floats(slice(2))) for name in names], 2)[0])
    for figure in drawn:
        figure.savefig(tmp_path / "f.png")  # warnings are errors
        texts = {shown.get_text(): shown for shown in figure.findobj(Text)}
        for name in (*names[:5], "caf\ufffd"):
            assert name in texts and not texts[name].get_parse_math()
        assert "Squares" in texts["貓"].get_fontfamily() and "Squares" not in texts["_other"].get_fontfamily()
    assert [shown.get_text() for shown in drawn[1].axes[0].get_legend().get_texts()] == [*names[:5], "caf\ufffd"]
    assert "US$_and_$EUR" in figures.describe(drawn[1])
    assert not capsys.readouterr().err


def test_a_legend_has_the_labels_that_were_given_and_no_others():
    axis = figures.Figure().subplots()
    for label in ("_test", "generated"):
        figures.histogram(axis, np.arange(8.0), np.linspace(0, 8, 5), label, real=label == "_test")
    axis.bar([1, 2], [3, 4], label="$bars$")
    axis.bar([1, 2], [3, 4])
    axis.plot([0, 1], label="_line")
    axis.plot([0, 1])
    axis.scatter([0, 1], [0, 1])
    shown = sorted(words.get_text() for words in figures.legend(axis).get_texts())
    assert shown == ["$bars$", "_line", "_test", "generated"]


def test_a_font_with_the_glyphs_is_drawn(fonts):
    def ink(figure):
        figure.canvas.draw()
        return (np.asarray(figure.canvas.buffer_rgba())[..., 0] < 128).sum()

    def word(letters):
        figure = figures.Figure((2, 1))
        FigureCanvasAgg(figure)
        figure.text(0.1, 0.1, letters, fontsize=40)
        return ink(figure)

    fonts("Squares", "貓")
    assert word("貓") > 2 * word("l") and word("貓") > 300


def test_glyphs_that_no_font_has_are_told_of_once(tmp_path, fonts, capsys):
    for _ in range(2):
        figures.examples(labeled("\U0010fffd"), 2).savefig(tmp_path / "f.png")
    assert capsys.readouterr().err.count("no installed font has the characters") == 1


def test_logarithmic_axes_have_powers_of_ten():
    figure = figures.Figure()
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    axis.semilogy([1e-3, 1e3])
    figure.canvas.draw()
    assert all(label.get_parse_math() for label in axis.get_yticklabels())


@pytest.mark.parametrize("classes", [3, 100])
def test_a_legend_hides_no_points(toy, classes):
    source = labeled(*(f"a class with a long name {i}" for i in range(classes)))
    drawn = [figures.latent_tsne(FakeRun("vae", source), "Male"), figures.latent_tsne(FakeRun("vae", toy), "Smiling")]
    for figure in drawn:
        FigureCanvasAgg(figure)
        figure.canvas.draw()
        (axis,) = figure.axes
        box = axis.get_legend().get_window_extent()
        assert axis.get_window_extent().x1 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0
        assert axis.get_window_extent().width > 400
