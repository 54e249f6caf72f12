"""What the figures show: their sizes, titles and axes, and the arrays they are drawn from."""

import keras
import dataclasses

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tfgen import figures, latents
from tfgen.studies import STUDIES


class FakeRun:
    """What a figure knows of a run, without a folder."""

    steps_per_epoch = 4

    def __init__(self, model, source=None):
        keras.utils.set_random_seed(0)
        self.model = STUDIES["dlcv2018"][model].build((16, 16, 3), width=1 / 8)
        self.test = source

    def history(self):
        iterations = np.arange(1, 11)  # two epochs and a half
        return {"iteration": iterations} | {log: iterations * (1.0 + i) for i, log in enumerate(self.model.logs)}

    def source(self, split):
        assert split == "test"
        return self.test


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
    for model, panels in [("vae", {"reconstruction": "MSE", "kl": "KLD"}), ("gan", {"d_loss": "D loss", "g_loss": "G loss"})]:
        run = FakeRun(model)
        file = {"vae": "fig1_2.jpg", "gan": "fig2_2.jpg"}[model]
        figure = STUDIES["dlcv2018"][model].figures[file](run)
        assert tuple(figure.get_size_inches()) == (16, 6)
        for axis, (log, title) in zip(figure.axes, panels.items(), strict=True):
            assert (axis.get_title(), axis.title.get_fontsize()) == (title, 20)
            assert (axis.get_xlabel(), axis.xaxis.label.get_fontsize(), axis.get_ylabel()) == ("Training iterations", 16, "")
            assert axis.get_legend() is None
            (line,) = axis.lines
            np.testing.assert_array_equal(line.get_xydata(), np.stack([run.history()["iteration"], run.history()[log]], axis=1))


def test_fig1_3_rows(toy):
    run = FakeRun("vae", toy)
    shown = [axis.images[0].get_array() for axis in figures.reconstructions(run).axes]
    images = toy.images[:10] / np.float32(255)
    np.testing.assert_array_equal(shown[:10], images)
    mean = run.model.encoder(images, training=False)["mean"]
    np.testing.assert_allclose(shown[10:], run.model.decoder(mean, training=False), atol=1e-5)


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
    for points, colour, label, n in zip(axis.collections, ["royalblue", "tomato"], ["True", "False"], [smiling, 64 - smiling], strict=True):
        assert len(points.get_offsets()) == n and points.get_label() == label
        assert tuple(points.get_facecolor()[0]) == to_rgba(colour, 0.5)


def test_fig3_2_curves(acgan):
    figure = figures.attribute_curves(acgan)
    assert tuple(figure.get_size_inches()) == (16, 6)
    assert [axis.get_title() for axis in figure.axes] == ["Training Loss of Attribute Classification", "Accuracy of Discriminator"]
    for axis, log in zip(figure.axes, ["aux", "aux_accuracy"]):
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["Real", "Real (per epoch)", "Fake", "Fake (per epoch)"]
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
        np.testing.assert_allclose(shown[10 * row : 10 * row + 10], acgan.model.generate(z, np.full((10, 1), code, np.float32)), atol=1e-6)
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
