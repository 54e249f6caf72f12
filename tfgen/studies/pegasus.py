"""Pegasus, coursework at Durham: winged horses from the horses and birds of CIFAR-10.

The models are a VAE, a VAE with a critic of its reconstructions, VAE/GAN and ACAI. A Pegasus is decoded from a
mixture of the latents of a horse and of a bird with a similar color. The study specifies the types of layers, the
losses and 1000 epochs, but not widths, optimizers and batch size. These are taken from other solutions of the
coursework, and for VAE/GAN's optimizer and all of ACAI from their papers. One formula is corrected: BCE(C(x), 1), which
the study writes as BCE(x, 1).
"""

import functools
from collections.abc import Callable, Mapping

import keras
import numpy as np
from matplotlib.patches import FancyBboxPatch
from sklearn.linear_model import LogisticRegression

from tfgen import UserError, figures, latents, losses, optimizers, scores
from tfgen.data.builtin import animals
from tfgen.data.builtin.painting import TEST_START
from tfgen.figures.text import Figure
from tfgen.metrics import distances, sharpness
from tfgen.models.acai import ACAI
from tfgen.models.adversarial_vae import AdversarialVAE
from tfgen.models.base import GenerativeModel
from tfgen.models.vae import VAE
from tfgen.models.vae_gan import VAEGAN
from tfgen.networks import mirrored, pooled
from tfgen.protocols import Run
from tfgen.studies.study import About, Experiment, Plot, Preset


def _adam(learning_rate: float) -> keras.optimizers.Optimizer:
    return optimizers.adam(learning_rate, beta_1=0.5)


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 128,
    dense_layers: int = 1,
    convolutions: int = 1,
    kl_weight: float = 1.0,
    learning_rate: float = 2e-4,
) -> VAE:
    """The baseline without a critic. `dense_layers=2` and `convolutions=2` are the study's variants."""
    model = VAE(
        mirrored.encoder(image_shape, latent_dim, width, dense_layers, convolutions),
        mirrored.decoder(image_shape, latent_dim, width, dense_layers, convolutions),
        kl_weight=kl_weight,
        reconstruction=losses.bernoulli_nll,
    )
    model.compile(autoencoder=_adam(learning_rate))
    return model


def adversarial_vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 128,
    dense_layers: int = 1,
    convolutions: int = 1,
    spectral_norm: bool = False,
    adv_weight: float = 1.0,
    kl_weight: float = 1.0,
    learning_rate: float = 2e-4,
) -> AdversarialVAE:
    """The study's own model, a VAE with a critic of its reconstructions.

    Its variants are `dense_layers=2`, `convolutions=2` and, for the critic, `spectral_norm=true`.
    """
    model = AdversarialVAE(
        mirrored.encoder(image_shape, latent_dim, width, dense_layers, convolutions),
        mirrored.decoder(image_shape, latent_dim, width, dense_layers, convolutions),
        mirrored.critic(image_shape, width, convolutions, spectral_norm),
        adv_weight,
        kl_weight,
    )
    model.compile(discriminator=_adam(learning_rate), autoencoder=_adam(learning_rate))
    return model


def vae_gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 128,
    adversarial: str = "non_saturating",
    gamma: float = 1e-5,
    learning_rate: float = 3e-4,
) -> VAEGAN:
    """VAE/GAN on the study's networks, with the features of the critic's penultimate convolution.

    gamma is the authors' value for CIFAR-10. `adversarial=minimax` is exactly the paper's -L_GAN. Its gradient vanishes
    while the discriminator is far ahead, so the authors pause the discriminator; here, no player is paused.
    """
    model = VAEGAN(
        mirrored.encoder(image_shape, latent_dim, width),
        mirrored.decoder(image_shape, latent_dim, width),
        mirrored.critic(image_shape, width, features=True),
        losses.adversarial(adversarial),
        gamma,
    )
    # The authors' RMSProp adds an epsilon of 1e-8 outside the root, Keras's inside it, where 1e-16 corresponds to that.
    rmsprop = functools.partial(keras.optimizers.RMSprop, learning_rate, rho=0.9, epsilon=1e-16)
    model.compile(**{player: rmsprop() for player in model.players})
    return model


def acai(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_channels: int = 16,
    adv_weight: float = 0.5,
    gamma: float = 0.2,
    learning_rate: float = 1e-4,
) -> ACAI:
    """ACAI as trained by its authors, with their smaller networks; use `width=4` for the larger ones."""
    model = ACAI(
        pooled.encoder(image_shape, latent_channels, width),
        pooled.decoder(image_shape, latent_channels, width),
        pooled.critic(image_shape, latent_channels, width),
        adv_weight,
        gamma,
    )
    model.compile(**{player: optimizers.adam(learning_rate) for player in model.players})
    return model


def bird_to_horse(model: GenerativeModel, rows: int = 8, n: int = 8) -> np.ndarray:
    """Pictures (rows * n, H, W, C): each row from a bird to a horse of a similar color, as mixtures of their latents.

    The animals are always those of the built-in test set, so that the samples do not depend on the run's data set.
    """
    *_, size, channels = model.encoder.input_shape
    images, labels = animals.paint(TEST_START, TEST_START + 16 * rows, image_size=size)
    images = images / np.float32(255)
    images = images if channels == 3 else images.mean(axis=-1, keepdims=True)
    birds, horses = (images[labels == animals.CLASSES.index(name)] for name in ("bird", "horse"))
    horses = horses[:rows]
    birds = birds[latents.colour_matches(horses, birds)]
    return latents.interpolate(model, birds, horses, n).reshape(rows * n, *images.shape[1:])


def pairs(run: Run, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n horses of the test set, each with the bird whose center pixel is nearest in color.

    Args:
        run: Run.
        n: number of pairs; if there are fewer horses, they repeat from the first.

    Returns:
        (horses, birds), each (n, H, W, C) in [0, 1].

    Raises:
        UserError: if the data set has no birds or no horses.
    """
    source = run.source("test")
    if source.labels is None or not {"bird", "horse"} <= set(source.classes):
        raise UserError(
            f"{source.name} has no birds and horses: train on animals, or on cifar10 with --only bird,horse."
        )
    birds, horses = (np.flatnonzero(source.labels == source.classes.index(name)) for name in ("bird", "horse"))
    if not len(birds) or not len(horses):
        raise UserError(f"{source.name} does not contain both birds and horses: use more pictures.")
    horses, birds = source.floats(np.resize(horses, n)), source.floats(birds)
    return horses, birds[latents.colour_matches(horses, birds)]


def pegasi(run: Run, n: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures of `pairs`, each pair with its own share and its own samples of the posteriors.

    Returns:
        (pictures (n, H, W, C) in [0, 1], shares of the birds (n,), uniform in [.4, .6]).
    """
    shares = np.random.default_rng(latents.KEY).uniform(0.4, 0.6, n)
    # The outputs of ACAI's decoder have no bounds, but they are shown, and encoded again, as pictures.
    return np.clip(latents.mixtures(run.model, *pairs(run, n), shares), 0, 1), shares


def likeness(run: Run, pictures: np.ndarray, of: int = 2000) -> np.ndarray:
    """The probability (n,) in (0, 1) that pictures show a horse, computed from the encoder's mean codes.

    It comes from a logistic regression on the first `of` birds and horses of the training set.

    Raises:
        UserError: if these are all birds or all horses.
    """
    source = run.source("train")
    bird, horse = (source.classes.index(name) for name in ("bird", "horse"))
    labels = np.asarray(source.labels)
    chosen = np.flatnonzero(np.isin(labels, (bird, horse)))[:of]
    if len(np.unique(labels[chosen])) < 2:
        raise UserError(f"{source.name} does not contain both birds and horses: use more pictures.")
    codes = [run.model.encode(images)["mean"].reshape(len(images), -1) for images in (source.floats(chosen), pictures)]
    fitted = LogisticRegression(C=0.1, max_iter=1000).fit(codes[0], labels[chosen] == horse)
    return fitted.predict_proba(codes[1])[:, 1]


def pipeline(run: Run) -> Figure:
    """How a Pegasus is made, with the pictures of the first pair."""
    horse, bird = pairs(run, 1)
    pegasus = latents.mixtures(run.model, horse, bird, [0.5])
    pictures = [
        *horse,
        *bird,
        *latents.reconstructions(run.model, horse),
        *pegasus,
        *latents.reconstructions(run.model, bird),
    ]
    places = {
        "horse": (0.4, 2.9),
        "bird": (0.4, 0.4),
        "horse, decoded": (12.1, 3.3),
        "Pegasus": (12.1, 1.75),
        "bird, decoded": (12.1, 0.2),
    }
    latent = "z ~ N(mean, variance)" if run.model.has_posterior else "the latent"
    steps = {
        "encoder": 3.4,
        f"{latent}\nof each picture": 5.7,
        "(1 - r) z_horse + r z_bird\nr in [.4, .6]": 8.0,
        "decoder": 10.3,
    }
    arrows = [((2.2, 3.7), (2.45, 2.8)), ((2.2, 1.2), (2.45, 2.2))] + [
        ((x + 0.95, 2.5), (x + 1.35, 2.5)) for x in (3.4, 5.7, 8.0)
    ]
    arrows += [((11.25, 2.7), (12.0, 3.8)), ((11.25, 2.5), (12.0, 2.4)), ((11.25, 2.3), (12.0, 0.9))]
    figure = Figure((14, 5))
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, 14), ylim=(0, 5))
    axis.set_axis_off()
    for picture, (title, (x, y)) in zip(pictures, places.items(), strict=True):
        size = 1.7 if x < 1 else 1.25
        figures.show(figure.add_axes((x / 14, y / 5, size / 14, size / 5)), picture)
        axis.text(x + size / 2, y + size + 0.03, title, ha="center", va="bottom", fontsize=10)
    for words, x in steps.items():
        axis.add_patch(
            FancyBboxPatch((x - 0.8, 2.0), 1.6, 1.0, boxstyle="round,pad=0.08", facecolor="0.93", edgecolor="black")
        )
        axis.text(x, 2.5, words, ha="center", va="center", fontsize=9)
    for start, end in arrows:
        axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "black"})
    return figure


def strips(runs: Mapping[str, Run], n: int = 9, rows: int = 2) -> Figure:
    """The same pairs for each run, one per row: the bird, n steps from its mean code to the horse's, the horse."""
    horses, birds = pairs(next(iter(runs.values())), rows)
    pictures = [
        (label * (i == 0), [birds[i], *line, horses[i]])
        for label, run in runs.items()
        for i, line in enumerate(latents.interpolate(run.model, birds, horses, n))
    ]
    figure, axes = figures.rows_of(pictures, n + 2)
    for column, title in ((0, "bird"), (1, "its code"), (n, "its code"), (n + 1, "horse")):
        axes[0, column].set_title(title, fontsize=9)
    return figure


def ranked(likenesses: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """Indices (n,) of n pictures by success: first those that are neither bird nor horse, from the sharpest on.

    The others follow by how close their probability of showing a horse is to 1/2.

    Args:
        likenesses: (n,), probabilities of showing a horse; from .25 to .75 is neither.
        pictures: (n, H, W, C).
    """
    off = np.abs(likenesses - 0.5)
    neither = off <= 0.25
    return np.lexsort([np.where(neither, -sharpness.laplacian_variance(pictures), off), ~neither])


def best(run: Run) -> Figure:
    """The first of 64 Pegasi as `ranked`, enlarged, between its parents."""
    pictures, shares = pegasi(run)
    horses, birds = pairs(run, len(pictures))
    likenesses = likeness(run, pictures)
    i = ranked(likenesses, pictures)[0]
    figure = Figure((12, 4.6), layout="constrained")
    axes = figure.subplots(1, 3, width_ratios=(1, 2, 1))
    figures.show(axes[0], birds[i], "bird")
    words = f"number {i + 1} of {len(pictures)}: {shares[i]:.0%} bird, {likenesses[i]:.0%} like a horse"
    figures.show(axes[1], pictures[i], words)
    figures.show(axes[2], horses[i], "horse")
    return figure


def successes(run: Run, n: int = 8) -> Figure:
    """The n of 64 Pegasi that follow `best` as `ranked`, enlarged."""
    pictures, shares = pegasi(run)
    likenesses = likeness(run, pictures)
    figure = Figure((12, 7), layout="constrained")
    for axis, i in zip(figure.subplots(2, n // 2).flat, ranked(likenesses, pictures)[1:], strict=False):
        figures.show(axis, pictures[i])
        axis.set_title(f"number {i + 1}: {shares[i]:.0%} bird,\n{likenesses[i]:.0%} like a horse", fontsize=9)
    return figure


def batch(run: Run) -> Figure:
    """8 x 8 Pegasi of the first 64 pairs, without selection."""
    return figures.grid(pegasi(run)[0], 8, (8, 8))


def repeats(run: Run, n: int = 6, steps: int = 9) -> Figure:
    """One pair repeated: a row from bird to horse for each sample of the two posteriors."""
    horse, bird = pairs(run, 1)
    rows = [
        (f"sample {sample + 1}", [*bird, *latents.interpolate(run.model, bird, horse, steps, sample)[0], *horse])
        for sample in range(n)
    ]
    return figures.rows_of(rows, steps + 2)[0]


def neighbours(run: Run, n: int = 8, k: int = 3) -> Figure:
    """n Pegasi, one per row, and their k nearest training pictures, by pixels and by the encoder's mean code."""
    pictures, source = pegasi(run, n)[0], run.source("train")
    images = source.floats()
    k = min(k, len(images))
    found = [
        distances.nearest(pictures, images, k),
        distances.nearest(run.model.encode(pictures)["mean"], run.model.encode(images)["mean"], k),
    ]
    rows = [
        ("", [picture, *images[by_pixel], *images[by_code]])
        for picture, by_pixel, by_code in zip(pictures, found[0][0], found[1][0])
    ]
    figure, axes = figures.rows_of(rows, 1 + 2 * k)
    axes[0, 0].set_title("Pegasus", fontsize=9)
    for column, what in ((1 + k // 2, "nearest by pixels"), (1 + k + k // 2, "nearest by code")):
        axes[0, column].set_title(what, fontsize=9)
    for row, values in zip(axes, np.concatenate([found[0][1], found[1][1]], axis=1)):
        for axis, value in zip(row[1:], values):
            axis.set_xlabel(f"{value:.2f}", fontsize=7)
    return figure


def uniqueness(run: Run, n: int = 64) -> Figure:
    """How far n Pegasi are from the training set and from each other, compared with n test pictures.

    The two histograms are of root mean squared differences of pixels.

    Raises:
        UserError: if there is only one test picture.
    """
    images, test = run.source("train").floats(), run.source("test").floats(slice(n))
    if len(test) < 2:
        raise UserError(f"{run.source('test').name} has one picture, but distances are between two: use more pictures.")
    kinds = {"Pegasi": pegasi(run, n)[0], "test pictures": test}
    figure = Figure((12, 4.5), layout="constrained")
    panels = {
        "Distance to the nearest training picture": lambda pictures: distances.nearest(pictures, images)[1][:, 0],
        "Distance between any two of them": distances.pairwise,
    }
    for axis, (title, measure) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        values = {label: measure(pictures) for label, pictures in kinds.items()}
        bins = np.linspace(0, max(map(np.max, values.values())), 31)
        for label, found in values.items():
            words = f"{len(kinds[label])} {label}: mean {found.mean():.3f}"
            figures.histogram(axis, found, bins, words, real=label == "test pictures")
        axis.set(title=title, xlabel="root of the mean squared difference, values from 0 to 1", ylabel="share")
        figures.legend(axis)
    return figure


def _mixed(name: str, posterior: bool) -> dict[str, Plot]:
    """The figures of birds and horses; only a model with a posterior has different samples of one pair."""
    drawn = {
        f"pegasus_{name}_pipeline.jpg": Plot(
            pipeline,
            "How a Pegasus is made: the latents of a horse and of a bird with a similar color are mixed and "
            "decoded. Above and below the Pegasus: the horse and the bird decoded from their mean codes.",
        ),
        f"pegasus_{name}_strip.jpg": Plot(
            lambda run: strips({"": run}, rows=6),
            "One pair per row, matched by the color of the center pixel: the bird, nine even steps between the mean "
            "codes, the horse.",
        ),
        f"pegasus_{name}_best.jpg": Plot(
            best,
            "The sharpest of the 64 below that is neither bird nor horse, between its parents: a logistic "
            "regression on the encoder's mean codes gives it a probability of 25 to 75 % for horse, and it has the "
            "largest variance of the Laplacian. If there is none, the one with the probability nearest to 50 % is "
            "shown.",
        ),
        f"pegasus_{name}_successes.jpg": Plot(
            successes,
            "Further successes: the eight of the 64 below that come after the best one. First those with a "
            "probability of 25 to 75 % for horse, from the sharpest on; if these are fewer, then those with the "
            "probability nearest to 50 %.",
        ),
        f"pegasus_{name}_64.jpg": Plot(
            batch,
            "64 Pegasi without selection: pairs matched by the color of the center pixel, the bird's share between "
            ".4 and .6. The horses are those of the test set in order; if there are fewer than 64, they repeat from "
            "the first.",
        ),
        f"pegasus_{name}_neighbours.jpg": Plot(
            neighbours,
            "Eight Pegasi and the training pictures nearest to each, by pixels and by the encoder's mean code. The "
            "number below each is its distance: the root mean squared difference of values from 0 to 1, or of the "
            "components of the code.",
        ),
        f"pegasus_{name}_uniqueness.jpg": Plot(
            uniqueness,
            "The marking criterion. Left: the distance of the 64 Pegasi to their nearest training pictures. Right: "
            "the distances between them. Test pictures are shown for comparison. Note that blurred pictures are "
            "close to everything.",
        ),
    }
    if posterior:
        drawn[f"pegasus_{name}_repeats.jpg"] = Plot(
            repeats,
            "One pair, with six samples from its two posteriors: every row interpolates between different latents, "
            "so the mixtures differ.",
        )
    return drawn


_SAMPLES = functools.partial(latents.prior_samples, n=64)


def _preset(
    name: str,
    build: Callable[..., GenerativeModel],
    panels: dict[str, str],
    caption: str,
    samples: Callable[[GenerativeModel], np.ndarray] = _SAMPLES,
    prior: bool = True,
    *,
    parameters: dict[str, int],
) -> Preset:
    drawn = {
        f"pegasus_{name}_curves.jpg": Plot(functools.partial(figures.learning_curves, panels=panels), caption),
        f"pegasus_{name}_reconstructions.jpg": Plot(
            figures.reconstructions, "Upper row: test pictures. Lower row: their reconstructions from the mean codes."
        ),
        **_mixed(name, prior),
    }
    if prior:
        drawn[f"pegasus_{name}_samples.jpg"] = Plot(
            figures.samples, "32 pictures decoded from latents sampled from N(0, I)."
        )
    return Preset(
        build=build,
        data="animals",
        split="train",
        batch_size=64,
        epochs=1000,
        samples=samples,
        sample_columns=8,
        figures=drawn,
        score=scores.reconstruction_errors,
        parameters=parameters,
    )


_LIKELIHOOD = "Left: the cross-entropy of a picture and its reconstruction, in nats, summed over the pixel values. "
PRESETS = {
    "vae": _preset(
        "vae",
        vae,
        {"reconstruction": "Reconstruction", "kl": "KLD"},
        _LIKELIHOOD + "Right: the KL divergence of its posterior from N(0, I), in nats.",
        parameters={"encoder": 1_708_608, "decoder": 1_187_907},
    ),
    "adversarial_vae": _preset(
        "adversarial_vae",
        adversarial_vae,
        {"reconstruction": "Reconstruction", "d_loss": "Critic loss"},
        _LIKELIHOOD + "Right: the critic's loss, in nats.",
        parameters={"discriminator": 663_873, "encoder": 1_708_608, "decoder": 1_187_907},
    ),
    "vae_gan": _preset(
        "vae_gan",
        vae_gan,
        {"d_loss": "D loss", "g_loss": "G loss"},
        "The losses of discriminator and decoder, one point per iteration, in nats for the default objective.",
        parameters={"encoder": 1_708_608, "decoder": 1_187_907, "discriminator": 663_873},
    ),
    "acai": _preset(
        "acai",
        acai,
        {"reconstruction": "MSE", "d_loss": "Critic loss"},
        "Left: the squared error, averaged over pixels with values from 0 to 1. Right: the critic's squared error "
        "in predicting the mixing weight.",
        samples=bird_to_horse,
        prior=False,
        parameters={"discriminator": 166_320, "encoder": 166_320, "decoder": 83_619},
    ),
}

EXPERIMENTS = {
    "variants": Experiment(
        {
            "baseline": ("adversarial_vae", {}),
            "two dense layers": ("adversarial_vae", {"dense_layers": 2}),
            "two convolutions": ("adversarial_vae", {"convolutions": 2}),
            "spectral norm": ("adversarial_vae", {"spectral_norm": True}),
            "VAE/GAN": ("vae_gan", {}),
            "ACAI": ("acai", {}),
        },
        strips,
        "The study's comparison: the same two pairs for each variant, with the bird on the left, nine even steps "
        "between the mean codes, and the horse on the right.",
    )
}

ABOUT = About(
    title="Pegasus, coursework at Durham",
    text=(
        "The task was to generate winged horses from CIFAR-10: the study trained a VAE with a critic of its "
        "reconstructions on horses and birds for 1000 epochs, and decoded mixtures of the latents of a horse and "
        "of a bird with a similar color of the center pixel. The variants are a second dense layer, more "
        "convolutions, spectral normalization, VAE/GAN and ACAI. The figures are strips from bird to horse for "
        "every variant, network diagrams, a best image, an 8x8 grid of 64 and repeated samples of one pair. The "
        "study does not give widths, latent size, optimizers and batch size. Those used here come from other "
        "solutions of the coursework, and VAE/GAN's optimizer and all of ACAI's settings from their papers."
    ),
    slips=(
        (
            "The critic's loss is written with BCE(input, 1).",
            "BCE(C(input), 1) + BCE(C(reconstruction), 0).",
        ),
        (
            "The critic's loss is added with weight 1 to sums over pixels and latents.",
            "The sums are about 2,000 nats and the critic's loss only a few, so the model is nearly a VAE. The "
            "study's 1 is the default of `--adv_weight`, and the log adversarial_share is the critic's share of "
            "the gradient at the reconstruction.",
        ),
        (
            "The study is inspired by adversarial autoencoders.",
            "Their discriminator judges latents. The study's critic judges images, like that of VAE/GAN.",
        ),
        (
            "One loss trains encoder and decoder, so the critic's gradient reaches the encoder.",
            "This is kept in `adversarial_vae`. In `vae_gan`, as in its paper, the discriminator's gradient does "
            "not reach the encoder.",
        ),
        (
            'The study does not say whether the "sigma" head is a standard deviation, a variance or a logarithm.',
            "The logarithm of the variance: z = mean + exp(log_var / 2) * eps.",
        ),
        (
            "Binary cross-entropy is used as the reconstruction error of color images.",
            "Values in [0, 1] are valid targets, but the minimum is then the entropy of the images, not 0. `evaluate` "
            "also gives the squared error.",
        ),
        (
            "VAE/GAN: the reconstruction error is computed on the discriminator's penultimate layer.",
            "The same here, as half the sum of squares on its penultimate convolution. It trains the encoder and, "
            "weighted by `--gamma`, the decoder, but not the discriminator.",
        ),
        (
            "ACAI: a critic predicts the mixing weight alpha with a squared error.",
            "alpha is uniform in [0, 0.5], and the critic must also predict 0 for 0.2 x + 0.8 x', where x' is the "
            "reconstruction. The autoencoder minimizes the squared error in [-1, 1] + 0.5 * E[d(mixture)^2], where "
            "d is the critic.",
        ),
    ),
)
