"""The CSI5340 study: counts by hand, every depth at every size, the weight of its divergence, and the distances it
meant to plot.
"""

import dataclasses
import math
import typing

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgen import UserError, figures, losses, report
from tfgen.data.batches import batches
from tfgen.models.gan import GAN
from tfgen.networks import variable_depth
from tfgen.studies import csi5340
from tfgen.training.samples import Samples

# Networks
# --------------------------------------------------------------------------------------------------------------


def conv(a, b):
    return 9 * a * b + b


def dense(a, b):
    return a * b + b


def norms(*channels):
    return 2 * sum(channels)


def convolutions(*channels):
    return sum(conv(a, b) for a, b in zip(channels, channels[1:]))


# 32x32x3, 7 latents. A generator of depth d is at side 2^(d + 1) when its widths have come down to the picture's
# channels.
COUNTS = {
    1: {
        "encoder": conv(3, 32) + norms(32) + dense(16 * 16 * 32, 32) + 2 * dense(32, 7),
        "decoder": dense(7, 32 * 32 * 32) + conv(32, 32) + norms(32) + conv(32, 3),
        "generator": convolutions(7, 32, 3, 3, 3, 3) + norms(32, 3, 3, 3),
        "discriminator": conv(3, 32) + dense(16 * 16 * 32, 1),
    },
    2: {
        "encoder": convolutions(3, 32, 64) + norms(32, 64) + dense(8 * 8 * 64, 64) + 2 * dense(64, 7),
        "decoder": dense(7, 16 * 16 * 64) + convolutions(64, 32, 32) + norms(32, 32) + conv(32, 3),
        "generator": convolutions(7, 64, 32, 3, 3, 3) + norms(64, 32, 3, 3),
        "discriminator": convolutions(3, 32, 64) + dense(8 * 8 * 64, 1),
    },
    4: {
        "encoder": convolutions(3, 32, 64, 128, 256)
        + norms(32, 64, 128, 256)
        + dense(2 * 2 * 256, 256)
        + 2 * dense(256, 7),
        "decoder": dense(7, 4 * 4 * 256) + convolutions(256, 128, 64, 32, 32) + norms(128, 64, 32, 32) + conv(32, 3),
        "generator": convolutions(7, 256, 128, 64, 32, 3) + norms(256, 128, 64, 32),
        "discriminator": convolutions(3, 32, 64, 128, 256) + norms(64, 128) + dense(2 * 2 * 256, 1),
    },
    5: {
        "encoder": convolutions(3, 32, 64, 128, 256, 512)
        + norms(32, 64, 128, 256, 512)
        + dense(512, 512)
        + 2 * dense(512, 7),
        "decoder": dense(7, 2 * 2 * 512)
        + convolutions(512, 256, 128, 64, 32, 32)
        + norms(256, 128, 64, 32, 32)
        + conv(32, 3),
        "generator": convolutions(7, 512, 256, 128, 64, 32, 3, 3) + norms(512, 256, 128, 64, 32, 3),
        "discriminator": convolutions(3, 32, 64, 128, 256, 512) + norms(64, 128, 256) + dense(512, 1),
    },
}


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("depth", COUNTS)
def test_trainable_parameters(depth):
    arguments = {"depth": depth, "latent_dim": 7}
    vae, gan, wgan = (
        csi5340.PRESETS[name].build((32, 32, 3), **arguments).parameters() for name in ("vae", "gan", "wgan")
    )
    assert vae | gan == COUNTS[depth]
    assert wgan == gan


def conv4(a, b):
    return 16 * a * b + b


def convolutions4(*channels):
    return sum(conv4(a, b) for a, b in zip(channels, channels[1:]))


def final_counts(image_size, c):
    """The final version's networks with 7 latents: the VAE's of depth 3, 4 and 5, the games' of depth 2, 3 and 4."""
    outer, inner = {16: ([64], 128), 32: ([64, 128], 256), 64: ([64, 128, 256], 512)}[image_size]
    hidden = [2 * inner, *(2 * n for n in reversed(outer))]  # 1,024, 512, 256 and 128 at 64x64
    depth = {16: 3, 32: 4, 64: 5}[image_size]
    widths = [32, 64, 128, 256, 512][:depth]
    deepest = widths[-1]
    return {
        "encoder": convolutions(c, *widths) + norms(*widths) + dense(4 * deepest, deepest) + 2 * dense(deepest, 7),
        "decoder": dense(7, 16 * deepest) + convolutions(*reversed(widths), 32) + norms(*widths[:-1], 32) + conv(32, c),
        "generator": convolutions4(7, *hidden, c) + norms(*hidden),
        "discriminator": convolutions4(c, *outer, inner) + norms(*outer[1:], inner) + dense(16 * inner, 1),
    }


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("image_size", [16, 32, 64])
def test_trainable_parameters_of_the_final_version(image_size, channels):
    vae, gan, wgan = (
        csi5340.PRESETS[name].build((image_size, image_size, channels), networks="final", latent_dim=7).parameters()
        for name in ("vae", "gan", "wgan")
    )
    assert vae | gan == final_counts(image_size, channels)
    assert wgan == gan


@pytest.mark.trace
def test_dcgans_own_counts():
    """At 64x64x3 with 100 latents these are DCGAN's networks: 3,576,704 and 2,765,568 weights in PyTorch's example with
    its 64 channels, without biases.
    """
    half = variable_depth.final_generator((64, 64, 3), 100, width=1 / 2).count_params()
    biases, moving = 512 + 256 + 128 + 64 + 3, 2 * (512 + 256 + 128 + 64)
    assert half - biases - moving == 3_576_704
    discriminator = variable_depth.final_discriminator((64, 64, 3)).count_params()
    biases, moving = 64 + 128 + 256 + 512 + 1, 2 * (128 + 256 + 512)
    assert discriminator - biases - moving == 2_765_568


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_maps_of_the_final_version(network):
    """Sides from 4 to the picture's, and channels that halve from 1,024 on (512 in the discriminator)."""
    build = {
        "generator": lambda: variable_depth.final_generator((64, 64, 3), 10),
        "discriminator": lambda: variable_depth.final_discriminator((64, 64, 3)),
    }[network]
    layers = [x for x in build().layers if isinstance(x, (keras.layers.Conv2D, keras.layers.Conv2DTranspose))]
    assert all(layer.kernel_size == (4, 4) for layer in layers)
    assert [tuple(layer.output.shape[1:]) for layer in layers] == {
        "generator": [(4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)],
        "discriminator": [(32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512)],
    }[network]
    keras.utils.set_random_seed(0)
    inputs = np.full((2, 10) if network == "generator" else (2, 64, 64, 3), 0.5, np.float32)
    outputs = build()(inputs, training=True).numpy()
    assert np.isfinite(outputs).all() and (network == "discriminator" or 0 <= outputs.min() < outputs.max() <= 1)


@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("name, depth", [("vae", 4), ("gan", 3), ("wgan", 3), ("wgan_long", 3)])
def test_the_final_versions_depth_is_the_image_sizes(name, depth):
    build = csi5340.PRESETS[name].build
    for networks, given, message in (
        ("last", 4, "networks must be draft or final, not 'last'"),
        ("final", 2, f"follows from the image size, here {depth}: leave out depth 2"),
    ):
        with pytest.raises(UserError, match=message):
            build((32, 32, 1), networks=networks, depth=given, width=1 / 16)
    spelled = build((32, 32, 1), networks="final", depth=depth, width=1 / 16).parameters()
    assert spelled == build((32, 32, 1), networks="final", width=1 / 16).parameters()


@pytest.mark.trace
@pytest.mark.parametrize("image_size", [16, 32, 64])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_every_depth_at_every_size(image_size, depth):
    keras.utils.set_random_seed(0)
    shape = (image_size, image_size, 1 + 2 * (depth % 2))
    z, images = (
        100 * np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32),
        np.full((4, *shape), 0.5, np.float32),
    )
    for build in (variable_depth.decoder, variable_depth.generator):
        pictures = build(shape, 3, depth, 1 / 16)(z, training=True).numpy()
        assert pictures.shape == (4, *shape) and 0 <= pictures.min() < pictures.max() <= 1
    assert variable_depth.encoder(shape, 3, depth, 1 / 16)(images)["log_var"].shape == (4, 3)
    assert variable_depth.discriminator(shape, depth, 1 / 16)(images).shape == (4, 1)


@pytest.mark.parametrize(
    "image_size, depth, width, message",
    [
        (32, 0, 1.0, "depth must be from 1 to 6 for pictures of 32x32, not 0"),
        (16, 6, 1.0, "depth must be from 1 to 5 for pictures of 16x16, not 6"),
        (28, 3, 1.0, "image_size must be a power of two"),
        (32, 3, 0.0, "width must be more than 0"),
    ],
)
def test_what_does_not_fit(image_size, depth, width, message):
    for name in csi5340.PRESETS:
        with pytest.raises(UserError, match=message):
            csi5340.PRESETS[name].build((image_size, image_size, 1), networks="draft", depth=depth, width=width)


def test_networks_see_the_studys_range():
    """Gray .5 is the study's 0: it passes convolutions without a bias as nothing."""
    for network in (
        variable_depth.encoder((16, 16, 1), 2, 2),
        variable_depth.discriminator((16, 16, 1), 2),
        variable_depth.final_discriminator((16, 16, 1)),
    ):
        first = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
        outputs = keras.Model(network.input, first.output)
        assert not np.any(outputs(np.full((1, 16, 16, 1), 0.5, np.float32)))
        assert np.any(outputs(np.ones((1, 16, 16, 1), np.float32)))


def test_initial_weights_of_the_games():
    for network in (
        variable_depth.generator((32, 32, 3), 100, 4),
        variable_depth.discriminator((32, 32, 3), 4),
        variable_depth.final_generator((64, 64, 3), 100, 1 / 4),
        variable_depth.final_discriminator((64, 64, 3), 1 / 4),
    ):
        convolutions = [
            layer for layer in network.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose))
        ]
        kernels = [layer.kernel.numpy() for layer in convolutions]
        assert len(kernels) > 3
        for kernel in kernels:
            assert kernel.std() == pytest.approx(0.02, rel=0.15)
        gains = np.concatenate(
            [layer.gamma.numpy() for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        )
        assert gains.mean() == pytest.approx(1, abs=0.01) and gains.std() == pytest.approx(0.02, rel=0.2)


# Losses
# --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_optimizers")
def test_beta_of_the_study():
    """studies.md: .0025 on 3072 values in [-1, 1] is 7.68 there, where each squared error is four of ours."""
    assert csi5340.vae((32, 32, 3), width=1 / 16).beta == pytest.approx(0.0025 * 3072 / 4)
    assert csi5340.vae((32, 32, 1), width=1 / 16, kl_weight=0.025 / 4).beta == pytest.approx(0.025 * 1024 / 4)


@pytest.mark.trace
def test_the_loss_is_a_quarter_of_the_studys(toy):
    """MSE in [-1, 1] + .0025 * sum over z, recomputed in the study's range."""
    model = csi5340.vae((16, 16, 3), width=1 / 8)
    batch = next(iter(batches(toy, 16)))
    loss, logs = model.negative_bound(batch, 0)
    code = model.encoder(batch["image"], training=True)
    decoded = model.decoder(model.sample_posterior(code, batch["key"], 0), training=True)
    mse = tf.reduce_mean(((2 * batch["image"] - 1) - (2 * decoded - 1)) ** 2)
    kl = tf.reduce_mean(-0.5 * tf.reduce_sum(1 + code["log_var"] - code["mean"] ** 2 - tf.exp(code["log_var"]), axis=1))
    assert float(4 * loss) == pytest.approx(float(mse + 0.0025 * kl), rel=1e-4)
    assert float(4 * logs["reconstruction"]) == pytest.approx(float(mse), rel=1e-4)
    assert float(logs["kl"]) == pytest.approx(float(kl), rel=1e-4)


LOGITS = losses.jensen_shannon, lambda p: np.log(p) - np.log1p(-p)
PROBABILITIES = losses.jensen_shannon_of_probabilities, lambda p: p


@pytest.mark.parametrize("estimate, output", [LOGITS, PROBABILITIES])
def test_jensen_shannon_of_two_points(estimate, output):
    """p_real = (3/4, 1/4), p_fake = (1/2, 1/2): the best discriminator says p_real / (p_real + p_fake), its estimate is
    the divergence.
    """
    p, q = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    best = p / (p + q)
    real, fake = np.repeat(best, [3, 1]), best
    divergence = 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum()
    told = lambda real, fake: float(estimate(*(tf.constant(output(x), tf.float32) for x in (real, fake))))
    assert told(real, fake) == pytest.approx(divergence, abs=1e-6)
    assert told(0.9 * real, 0.9 * fake) < divergence
    assert told(np.full(4, 0.5), np.full(4, 0.5)) == pytest.approx(0, abs=1e-6)  # it cannot tell
    assert told(np.full(4, 0.5), np.full(4, 0.9)) < 0  # worse than a guess


def test_jensen_shannon_of_the_perfect():
    perfect = tf.fill((4, 1), 30.0)
    assert float(losses.jensen_shannon(perfect, -perfect)) == pytest.approx(math.log(2))
    # Least squares reads its outputs as no surer than .99, and those beyond [0, 1] as sure.
    assert float(losses.jensen_shannon_of_probabilities(tf.ones(4), tf.zeros(4))) == pytest.approx(
        math.log(2) + math.log(0.99), rel=1e-5
    )
    assert float(losses.jensen_shannon_of_probabilities(tf.fill(4, 1.7), tf.fill(4, -2.0))) == pytest.approx(
        math.log(2 * 0.99), rel=1e-5
    )


@pytest.mark.parametrize("adversarial", ["least_squares", "non_saturating"])
def test_jsd_is_logged_beside_the_loss(adversarial, toy):
    """Answers of 1/2 everywhere: least squares' loss is 1/4, cross-entropy's 2 ln 2, and both discriminators see no
    difference.
    """
    model = csi5340.gan((16, 16, 3), width=1 / 8, adversarial=adversarial)
    assert model.logs == ("d_loss", "g_loss", "jsd") and GAN.logs == ("d_loss", "g_loss")
    answer, expected = (0.5, 0.25) if adversarial == "least_squares" else (0.0, 2 * math.log(2))
    model.discriminator = lambda images, training: tf.fill((len(images), 1), answer)
    loss, logs = model.discriminator_loss(next(iter(batches(toy, 16))), 0)
    assert float(loss) == float(logs["d_loss"]) == pytest.approx(expected)
    assert float(logs["jsd"]) == pytest.approx(0, abs=1e-6)


def test_cross_entropys_jsd_is_its_loss_turned(toy):
    model = csi5340.gan((16, 16, 3), width=1 / 8, adversarial="non_saturating")
    logs = model.discriminator_loss(next(iter(batches(toy, 16))), 0)[1]
    assert float(logs["jsd"]) == pytest.approx(math.log(2) - float(logs["d_loss"]) / 2, abs=1e-6)


def test_wgan_takes_pytorchs_steps(toy):
    """v = .99 v + .01 g^2, step 5e-5 g / (sqrt(v) + 1e-8): at gradients far below Keras's epsilon the first step is ten
    learning rates.
    """
    optimizer = csi5340.wgan((16, 16, 3), width=1 / 8).optimizers["generator"]
    variable, twin = keras.Variable([1.0, 1.0]), type(optimizer).from_config(optimizer.get_config())
    twin.build([variable])
    twin.apply([tf.constant([1e-6, -1e-3])], [variable])
    assert variable.numpy() - 1 == pytest.approx([-5e-4, 5e-4], rel=1e-2)


# Figures
# --------------------------------------------------------------------------------------------------------------


class FakeRun:
    """A VAE of the study and its data: 64 training pictures, and test pictures that are all black."""

    steps_per_epoch = 4
    record: typing.ClassVar = {"image_size": 16}

    def __init__(self, toy, folder=None):
        keras.utils.set_random_seed(0)
        self.preset = csi5340.PRESETS["vae"]
        self.model = self.preset.build((16, 16, 3), depth=3, width=1 / 16)
        self.train, self.folder, self.chief = toy, folder, True

    def source(self, split):
        return self.train if split == "train" else dataclasses.replace(self.train, images=0 * self.train.images)


@pytest.mark.trace
def test_the_vaes_sheet_shows_reconstructions_of_training_pictures(toy, tmp_path):
    run = FakeRun(toy, tmp_path)
    originals = toy.images[np.linspace(0, 63, 30).astype(int)] / np.float32(255)
    np.testing.assert_array_equal(run.preset.training_pictures(run), originals)
    mean = run.model.encoder(originals, training=False)["mean"]
    expected = run.model.decoder(mean, training=False).numpy()
    np.testing.assert_allclose(run.preset.sample(run, run.model), expected, atol=1e-5)
    few = FakeRun(toy[:9])
    np.testing.assert_array_equal(few.preset.training_pictures(few), toy.images[:9] / np.float32(255))
    Samples(run, run.model, None).write(8)
    (path,) = (tmp_path / "samples").iterdir()
    first = path.read_bytes()
    path.unlink()
    run.train = dataclasses.replace(toy)  # read again, as by a resumed run
    Samples(run, run.model, None).write(8)
    assert path.read_bytes() == first


def pictures_of(figure):
    return [np.rint(axis.images[0].get_array() * 255) for axis in figure.axes if axis.images]


def test_reconstructions_over_the_epochs_and_the_kl_factors(toy, tmp_path):
    """Each row begins with the training pictures; the study's moments are 2/5, 3/5, 4/5 and the end."""
    runs = {}
    for k, label in enumerate(("weak", "strong")):
        runs[label] = FakeRun(toy, tmp_path / label)
        (tmp_path / label / "samples").mkdir(parents=True)
        for epoch in range(11):
            flat = np.full((30, 16, 16, 3), (epoch + 100 * k) / 255)
            Image.fromarray(figures.sheet(flat, 6)).save(tmp_path / label / "samples" / f"{4 * epoch:07d}.png")
    originals = figures.sheet(runs["weak"].preset.training_pictures(runs["weak"]), 6)
    (single,) = (plot for name, plot in csi5340.PRESETS["vae"].figures.items() if name.endswith("vae_epochs.jpg"))
    for figure, rows in ((single.draw(runs["strong"]), [100]), (csi5340.EXPERIMENTS["kl_weight"].draw(runs), [0, 100])):
        shown = pictures_of(figure)
        titles = ["training pictures", "epoch 4", "epoch 6", "epoch 8", "epoch 10"]
        assert [axis.get_title() for axis in figure.axes] == len(rows) * titles
        for i, shift in enumerate(rows):
            np.testing.assert_array_equal(shown[5 * i], originals)
            assert [picture[2, 2, 0] for picture in shown[5 * i + 1 : 5 * i + 5]] == [shift + n for n in (4, 6, 8, 10)]
    assert [axis.get_ylabel() for axis in figure.axes[::5]] == ["weak", "strong"]


@pytest.mark.trace
def test_references_are_training_pictures(toy):
    run = FakeRun(toy)
    references = figures.sheet(toy.images[:30] / np.float32(255), 6)
    for name, preset in csi5340.PRESETS.items():
        figure = preset.figures[f"csi5340_{name}_samples.jpg"].draw(run)
        assert [axis.get_title() for axis in figure.axes] == ["30 generated", "30 training pictures"]
        np.testing.assert_array_equal(pictures_of(figure)[1], references)
    classes = csi5340.PRESETS["vae"].figures["csi5340_vae_classes.jpg"].draw(run)
    assert classes.axes[0].get_title() == "training picture"
    np.testing.assert_array_equal(pictures_of(classes)[0], toy.images[0])


def test_the_studys_kl_factors():
    """.00025, .0025 and .025 on 3072 values in [-1, 1], where each squared error is four of ours."""
    arguments = [changes for _, changes in csi5340.EXPERIMENTS["kl_weight"].variants.values()]
    assert [changes["kl_weight"] * 4 for changes in arguments] == pytest.approx([0.00025, 0.0025, 0.025])
    assert csi5340.PRESETS["vae"].defaults()["kl_weight"] in [changes["kl_weight"] for changes in arguments]


def test_the_wgan_of_twice_the_epochs():
    long = csi5340.PRESETS["wgan_long"]
    assert long.iterations == 2 * csi5340.PRESETS["wgan"].iterations
    assert (long.defaults()["networks"], long.defaults()["latent_dim"]) == ("final", 100)
    assert long.defaults().keys() == csi5340.PRESETS["wgan"].defaults().keys()
    assert long.figures["csi5340_wgan_long_epochs.jpg"].draw is figures.training_grids


def test_curves_of_the_draft_and_of_the_final_version_are_apart(recorded, tmp_path):
    runs = {
        networks: [
            recorded(tmp_path / f"{networks}{n}", "csi5340", "gan", arguments={"networks": networks, "latent_dim": n})
            for n in sizes
        ]
        for networks, sizes in (("draft", (20, 100)), ("final", (2, 20, 100)))
    }
    everything = runs["draft"] + runs["final"]
    for name, networks in (("csi5340/gan", "draft"), ("csi5340/gan_final", "final")):
        (group,) = report.alike(name, everything).values()
        assert list(group.values()) == runs[networks]
    history = {"iteration": np.arange(1, 9), "jsd": np.arange(8.0)}
    for run in runs["final"]:
        run.history = lambda: history
    (axis,) = csi5340.EXPERIMENTS["gan_final"].draw(dict(enumerate(runs["final"]))).axes
    assert axis.get_title() == "JSD, 16x16"
    assert [line.get_label() for line in axis.lines] == ["2 latents", "20 latents", "100 latents"]
