"""An essay on VAE, GAN and CGAN with MNIST's digits. It gives types of layers but no sizes; these come from examples.

The VAE is TensorFlow's tutorial cvae, the GAN its tutorial dcgan, and the CGAN Keras's example conditional_gan, for
pictures of 32x32 with all gray levels; `--image_size 28` is MNIST's own size, and the examples'. The WGAN, which the
essay only describes, has the GAN's networks. The essay's formula for sampling a latent is corrected to mean +
exp(log_var / 2) * eps; the KL divergence is exact, not sampled.

Adam has Keras's epsilon, 1e-7, as in the examples. They make 10, 50 and 20 passes over MNIST's 60,000 or 70,000 digits;
with the 1,500 built-in digits a run makes more passes.
"""

import functools
import itertools
from collections.abc import Mapping

import numpy as np
from scipy.stats import spearmanr

from tfgen import figures, latents, losses, noise, optimizers, scores
from tfgen.figures.text import Figure
from tfgen.metrics import classifier, distances
from tfgen.models.base import in_batches
from tfgen.models.cgan import CGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan_gp import WGANGP
from tfgen.networks import conditioning
from tfgen.networks import digits as networks
from tfgen.protocols import Run
from tfgen.studies.study import About, Experiment, Plot, Preset


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 2,
    kl_weight: float = 1.0,
    learning_rate: float = 1e-4,
) -> VAE:
    """The tutorial's VAE: a likelihood summed over the pixels, and a latent of two dimensions."""
    model = VAE(
        networks.encoder(image_shape, latent_dim, width),
        networks.decoder(image_shape, latent_dim, width),
        kl_weight,
        reconstruction=losses.bernoulli_nll,
    )
    model.compile(autoencoder=optimizers.Adam(learning_rate))
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    adversarial: str = "non_saturating",
    d_steps: int = 1,
    g_steps: int = 1,
    learning_rate: float = 1e-4,
    beta_1: float = 0.9,
) -> GAN:
    """The tutorial's GAN.

    `adversarial=minimax` is the original game, in which the generator learns little while the discriminator is certain.
    """
    model = GAN(
        networks.generator(image_shape, latent_dim, width),
        networks.discriminator(image_shape, width),
        losses.adversarial(adversarial),
        noise.normal,
        d_steps,
        g_steps,
        readings={"fake_probability": losses.fake_probability},
    )
    model.compile(**{player: optimizers.Adam(learning_rate, beta_1) for player in model.players})
    return model


def wgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    gp_weight: float = 10.0,
    d_steps: int = 5,
    learning_rate: float = 1e-4,
) -> WGANGP:
    """A WGAN-GP on the GAN's networks: the critic gives scores instead of probabilities."""
    model = WGANGP(
        networks.generator(image_shape, latent_dim, width),
        networks.discriminator(image_shape, width),
        gp_weight,
        d_steps=d_steps,
        input_scale=2.0,
    )
    model.compile(**{player: optimizers.Adam(learning_rate, 0.5, 0.9) for player in model.players})
    return model


def cgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 128,
    classes: int = 10,
    adversarial: str = "non_saturating",
    learning_rate: float = 3e-4,
) -> CGAN:
    """The example's CGAN: both networks are conditioned on the digit.

    `classes` is the number of classes; a run has as many as its data.
    """
    model = CGAN(
        conditioning.class_generator(image_shape, latent_dim, classes, width),
        conditioning.class_discriminator(image_shape, classes, width),
        losses.adversarial(adversarial),
        noise.normal,
    )
    model.compile(**{player: optimizers.Adam(learning_rate) for player in model.players})
    return model


def certainty(run: Run, n: int = 1000) -> Figure:
    """The certainty of a classifier for real and generated digits: a histogram of the probability of the top class.

    Raises:
        UserError: if the data set has no classes.
    """
    reader, test = scores.classifier_of(run, "classes"), run.source("test")
    pictures = {"test pictures": test.floats(slice(n)), "generated": latents.prior_samples(run.model, n)}
    figure = Figure((8, 5), layout="constrained")
    axis = figure.subplots()
    for label, images in pictures.items():
        sure = classifier.certainty(reader, images)
        words = f"{label}: {np.mean(sure < 0.9):.0%} below .9"
        figures.histogram(axis, sure, np.linspace(0, 1, 21), words, real=label == "test pictures")
    axis.set_xlabel("probability of the most likely class")
    axis.set_ylabel("share of the pictures")
    figures.legend(axis, loc="upper left")
    return figure


def critic_scores(run: Run, n: int = 1000, moments: int = 8) -> Figure:
    """The scores that a critic gives to test pictures and to samples, and their difference during training.

    The upper right panel also has the Frechet distance of each sheet of samples to the test set, on the features of a
    classifier; below are some of these sheets' pictures, always of the same latents.
    """
    reader, test = scores.classifier_of(run), run.source("test")
    figure = Figure((14, 8), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(5, 3), squeeze=False)[:, 0]
    left, right = upper.subplots(1, 2)

    pictures = {"test pictures": test.floats(slice(n)), "generated": latents.prior_samples(run.model, n)}
    found = {label: in_batches(run.model.discriminator, images)[:, 0] for label, images in pictures.items()}
    bins = np.linspace(min(map(np.min, found.values())), max(map(np.max, found.values())), 41)
    for label, values in found.items():
        figures.histogram(left, values, bins, f"{label}: mean {values.mean():.2f}", real=label == "test pictures")
    left.set(title="Scores of the trained critic", xlabel="score", ylabel="share of the pictures")
    figures.legend(left)

    history, sheets, window = run.history(), figures.saved_samples(run), run.steps_per_epoch
    estimate = np.convolve(history["wasserstein"], np.full(window, 1 / window), "valid")
    times = [iteration for iteration, _ in sheets if iteration >= window]  # an epoch must lie before each
    seen = [test.floats(), *(images for iteration, images in sheets if iteration >= window)]
    real, *fake = np.split(classifier.features(reader, np.concatenate(seen)), np.cumsum([len(x) for x in seen])[:-1])
    quality = [distances.frechet(real, features) for features in fake]
    at_sheets = estimate[np.array(times, int) - window]
    defined = all(len(set(values)) > 1 for values in (at_sheets.tolist(), quality))  # not of constant values
    agreement = f": rank correlation {spearmanr(at_sheets, quality).statistic:.2f}" if defined else ""
    ends = history["iteration"][window - 1 :]
    right.plot(ends, estimate, **figures.line_style(0), label="E[D(real)] - E[D(fake)], mean of an epoch")
    right.set(title=f"During training{agreement}", xlabel="iteration", ylabel="critic's units")
    beside = right.twinx()
    beside.plot(times, quality, **figures.line_style(1), marker=".", label="Frechet distance of a sheet")
    beside.set_ylabel("Frechet distance of classifier features")
    right.legend(handles=[*right.lines, *beside.lines])

    chosen = [sheets[i] for i in np.unique(np.rint(np.geomspace(1, len(sheets), moments)).astype(int)) - 1]
    axes = lower.subplots(2, len(chosen), squeeze=False)
    for column, (iteration, images) in zip(axes.T, chosen, strict=True):
        for axis, image in zip(column, images, strict=False):
            figures.show(axis, image)
        column[0].set_title(f"iteration {iteration:,}", fontsize=9)
    return figure


Runs = Mapping[str, Run]  # label -> run


def variety(runs: Runs, n: int = 1000, columns: int = 12) -> Figure:
    """Which digits are generated: for each run, the shares of the classes in n samples, and two rows of samples.

    Titles give the number of classes with at least 1 % of the samples according to a classifier, the mean root mean
    squared difference of two samples, and the recall of the test set. Training pictures come first for comparison.
    """
    first = next(iter(runs.values()))
    reader, test = scores.classifier_of(first), first.source("test").floats()
    n, seen = min(n, len(test)), classifier.features(reader, test)
    rows = {"training pictures": first.source("train").floats(slice(n))}
    rows |= {label: latents.prior_samples(run.model, n) for label, run in runs.items()}
    figure = Figure((14, 2.5 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, width_ratios=(1, 3), squeeze=False)
    for (bars, axis), (label, images) in zip(axes, rows.items(), strict=True):
        classes = reader.output_shape[-1]
        shares = np.bincount(classifier.read_class(reader, images), minlength=classes) / len(images)
        bars.bar(np.arange(classes), shares, color=figures.line_style(0)["color"])
        names = [*first.source("train").class_names, *map(str, range(classes))][:classes]
        bars.set(ylim=(0, 1), ylabel="share")
        long = max(map(len, names)) > 2
        bars.set_xticks(range(classes), names, parse_math=False, **({"rotation": 90, "fontsize": 7} if long else {}))
        recall = distances.Neighbors(seen, classifier.features(reader, images)).precision_recall()[1]
        figures.show(axis, figures.sheet(images[: 2 * columns], columns) / 255)
        axis.set_title(
            f"{label}: {np.sum(shares >= 0.01)} of {classes} classes, mean difference "
            f"{distances.pairwise(images).mean():.3f}, recall {recall:.2f}"
        )
    axes[-1, 0].set_xlabel("class, according to a classifier")
    return figure


def changes(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """How much the pictures of the same latents change from one sheet of samples to the next.

    Returns:
        (iterations (n,), root mean squared differences (n,)).
    """
    sheets = figures.saved_samples(run)
    found = [np.sqrt(np.mean((after - before) ** 2)) for (_, before), (_, after) in itertools.pairwise(sheets)]
    return np.array([iteration for iteration, _ in sheets[1:]]), np.array(found)


def convergence(runs: Runs, columns: int = 12) -> Figure:
    """The generator's losses, the change of the samples from epoch to epoch, and the same two latents in the last ones.

    The legend gives the mean change in the last quarter of the training.
    """
    test = next(iter(runs.values())).source("test").floats(slice(256))
    figure = Figure((14, 5 + 2.2 * len(runs)), layout="constrained")
    upper, *lower = figure.subfigures(1 + len(runs), 1, height_ratios=(5, *[2.2] * len(runs)), squeeze=False)[:, 0]
    losses_, change = upper.subplots(1, 2)
    for i, (label, run) in enumerate(runs.items()):
        history = run.history()
        losses_.plot(history["iteration"], history["g_loss"], label=label, linewidth=0.8, **figures.line_style(i))
        iterations, found = changes(run)
        late = found[-max(1, len(found) // 4) :].mean()
        change.plot(iterations, found, label=f"{label}: {late:.3f} in the last quarter", **figures.line_style(i))
    change.axhline(distances.pairwise(test).mean(), color="0.5", linewidth=1, label="two test pictures")
    losses_.set(title="G loss", xlabel="iteration", ylabel="nats")
    change.set(title="Change of the samples in an epoch", xlabel="iteration", ylabel="root mean squared difference")
    figures.legend(losses_)
    figures.legend(change)
    for part, (label, run) in zip(lower, runs.items(), strict=True):
        sheets = figures.saved_samples(run)[-columns:]
        axes = part.subplots(2, columns, squeeze=False)
        figures.fill_rows(axes, [(label * (row == 0), [images[row] for _, images in sheets]) for row in range(2)])
        for axis, (iteration, _) in zip(axes[0], sheets, strict=False):
            axis.set_title(f"{iteration:,}", fontsize=9)
    return figure


def saturation(runs: Runs, columns: int = 12) -> Figure:
    """D(G(z)), the size of the generator's gradient at the discriminator's logit, and samples, for each game."""
    first = next(iter(runs.values()))
    reader, test = scores.classifier_of(first), first.source("test").floats()
    seen = classifier.features(reader, test)
    figure = Figure((14, 5 + 1.6 * len(runs)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(5, 1.6 * len(runs)), squeeze=False)[:, 0]
    probability, slope = upper.subplots(1, 2)
    axes = lower.subplots(len(runs), 1, squeeze=False)[:, 0]
    for i, (axis, (label, run)) in enumerate(zip(axes, runs.items(), strict=True)):
        history = run.history()
        window = max(1, len(history["iteration"]) // 100)
        p = np.convolve(history["fake_probability"], np.full(window, 1 / window), "valid")
        size = p if run.record["arguments"]["adversarial"] == "minimax" else 1 - p
        for panel, values in ((probability, p), (slope, size)):
            panel.plot(
                history["iteration"][window - 1 :],
                values,
                label=f"{label}: mean {values.mean():.2g}",
                **figures.line_style(i),
            )
        images = latents.prior_samples(run.model, len(test))
        distance = distances.frechet(seen, classifier.features(reader, images))
        figures.show(axis, figures.sheet(images[: 2 * columns], columns) / 255)
        axis.set_title(f"{label}: Frechet distance {distance:.0f}")
    probability.set(title="D(G(z))", yscale="log", ylabel="probability")
    slope.set(title="Gradient of the generator's loss at the logit of D", yscale="log", ylabel="size per picture")
    for panel in (probability, slope):
        panel.set_xlabel("iteration")
        figures.legend(panel)
    return figure


_LOSSES = Plot(
    functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
    "The losses of discriminator and generator, one point per iteration, in nats for the default objective. Other "
    "objectives have no unit.",
)
_STRIP = "Pictures generated from the same noise during training: one latent per row, one time per column."


def _progress(name: str) -> dict[str, Plot]:
    return {
        f"digits_{name}_training.jpg": Plot(figures.training_strip, _STRIP),
        f"digits_{name}_training.gif": Plot(
            figures.training_animation,
            "An animation of the sheet of samples during training, always for the same noise.",
        ),
    }


PRESETS = {
    "vae": Preset(
        build=vae,
        data="digits",
        split="train",
        batch_size=32,
        iterations=18_750,  # the tutorial's 10 epochs of 60,000 images
        parameters={"encoder": 31_364, "decoder": 43_393},
        samples=functools.partial(latents.prior_samples, n=16),
        sample_columns=4,
        figures={
            "digits_vae_curves.jpg": Plot(
                functools.partial(
                    figures.learning_curves, panels={"reconstruction": "Negative log-likelihood", "kl": "KLD"}
                ),
                "Left: the negative log-likelihood of a picture given its latent, summed over its pixels. Right: "
                "the KL divergence of the posterior from N(0, I). Both are in nats; their sum is an upper bound on "
                "the negative log-likelihood of a picture.",
            ),
            "digits_vae_reconstructions.jpg": Plot(
                figures.reconstructions,
                "Upper row: test digits. Lower row: their reconstructions from the mean codes.",
            ),
            "digits_vae_samples.jpg": Plot(
                functools.partial(figures.samples, n=16, columns=4),
                "16 digits decoded from latents sampled from N(0, I).",
            ),
            "digits_vae_manifold.jpg": Plot(
                figures.latent_manifold,
                "The plane of the two latents, decoded point by point. The essay says that a VAE cannot interpolate "
                "from one digit to another.",
            ),
            **_progress("vae"),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": Preset(
        build=gan,
        data="digits",
        split="train",
        batch_size=256,
        iterations=11_719,  # the tutorial's 50 epochs of 60,000 images
        parameters={"discriminator": 214_785, "generator": 2_697_152},
        samples=functools.partial(latents.prior_samples, n=16),  # the tutorial's 4x4
        sample_columns=4,
        figures={
            "digits_gan_curves.jpg": _LOSSES,
            "digits_gan_samples.jpg": Plot(
                functools.partial(figures.samples, n=16, columns=4),
                "16 digits generated from latents sampled from N(0, I).",
            ),
            **_progress("gan"),
            "digits_gan_certainty.jpg": Plot(
                certainty,
                "The certainty of a classifier, trained on real digits, for test digits and generated digits. The "
                "essay says that a GAN generates shapes between digits; the classifier should be uncertain about "
                "those.",
            ),
        },
        score=scores.sample_quality,
    ),
    "wgan": Preset(
        build=wgan,
        data="digits",
        split="train",
        batch_size=50,  # Gulrajani et al.'s for MNIST
        iterations=11_719,  # as many generator steps as the GAN
        parameters={"discriminator": 214_785, "generator": 2_697_152},
        samples=functools.partial(latents.prior_samples, n=64),
        sample_columns=8,
        figures={
            "digits_wgan_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"wasserstein": "EMD", "g_loss": "G loss"}),
                "Left: the critic's estimate of the earth mover's distance, E[D(real)] - E[D(fake)]. Right: the "
                "generator's loss, -E[D(fake)]. Both are in the critic's units.",
            ),
            "digits_wgan_samples.jpg": Plot(
                functools.partial(figures.samples, n=16, columns=4),
                "16 digits generated from latents sampled from N(0, I).",
            ),
            "digits_wgan_scores.jpg": Plot(
                critic_scores,
                "A critic gives scores, not probabilities. Left: those of test pictures and of samples; only their "
                "differences matter, because a constant can be added to all. Right: the difference of the mean scores "
                "during training, and the Frechet distance of the 64 samples of each epoch to the test set, on the "
                "features of a classifier. The rank correlation of the two is in the title: as the WGAN paper says, "
                "the critic's difference follows the quality of the samples. Below: the same two latents over time.",
            ),
            **_progress("wgan"),
        },
        score=scores.sample_quality,
    ),
    "cgan": Preset(
        build=cgan,
        data="digits",
        split="train",
        batch_size=64,
        iterations=21_875,  # the example's 20 epochs of 70,000 images
        parameters={"discriminator": 80_385, "generator": 1_778_945},
        samples=functools.partial(latents.class_grid, n=10),
        sample_columns=10,
        figures={
            "digits_cgan_curves.jpg": _LOSSES,
            "digits_cgan_eights.jpg": Plot(
                functools.partial(figures.one_class_grid, wanted="8"),
                "25 latents, all conditioned on the digit eight, or on the last class if there are no eights.",
            ),
            "digits_cgan_classes.jpg": Plot(
                figures.class_noise_grid,
                "One digit per row, one latent per column: the same noise for each of the digits.",
            ),
            "digits_cgan_interpolation.jpg": Plot(
                functools.partial(figures.class_interpolation, wanted=("2", "5")),
                "From the digit two to the digit five, or from the first class to the last if one of these is missing, "
                "in nine even steps of the condition; each row has one latent.",
            ),
            **_progress("cgan"),
        },
        score=scores.label_fidelity,
        needs=("labels",),
    ),
}

# Small networks that learn the built-in digits in half a minute.
_SHORT = {
    "image_size": 16,
    "width": 1 / 8,
    "batch_size": 64,
    "epochs": 20,
    "learning_rate": 1e-3,
    "beta_1": 0.5,
}

EXPERIMENTS = {
    "adversarial": Experiment(
        {
            "non-saturating": ("gan", {"d_steps": 5}),
            "minimax": ("gan", {"d_steps": 5, "adversarial": "minimax"}),
        },
        saturation,
        "The saturating and the non-saturating game, with five discriminator steps per generator step, so that the "
        "discriminator is ahead. Left: the mean probability D(G(z)) that it gives to generated pictures. Right: the "
        "mean size of the gradient of the generator's loss at the logit of D, by which all of its gradient is "
        "multiplied: D(G(z)) for the minimax loss, E[log(1 - D(G(z)))], and 1 - D(G(z)) for the non-saturating one, "
        "-E[log D(G(z))]. Curves are averaged over 1 % of the iterations. Below: samples, with the Frechet distance of "
        "as many as test pictures to these, on the features of a classifier.",
        settings=_SHORT | {"epochs": 50},  # an epoch is one pass, with a fifth of the generator steps
    ),
    "collapse": Experiment(
        {"one G step": ("gan", {}), "five G steps": ("gan", {"g_steps": 5})},
        variety,
        "Mode collapse: with several generator steps per discriminator step, the generator moves all of its samples to "
        "the few that the discriminator has not learned to reject yet. Left: the shares of the classes in as many "
        "samples as there are test pictures. Titles: the number of classes with at least 1 % of them, the mean root "
        "mean squared difference of two pictures, and the share of the test pictures within the manifold of the "
        "samples (recall).",
        settings=_SHORT,
    ),
    "convergence": Experiment(
        {
            "learning rate 1e-3, beta_1 .5": ("gan", {"learning_rate": 1e-3, "beta_1": 0.5}),
            "learning rate 1e-2, beta_1 .9": ("gan", {"learning_rate": 1e-2, "beta_1": 0.9}),
        },
        convergence,
        "Non-convergence: if the players reached an equilibrium, the loss would level off and the pictures of the same "
        "latents would stop changing. Left: the generator's loss, for a usual learning rate and for ten times as much "
        "with more momentum. Right: how much the pictures change from one epoch to the next, and the mean difference "
        "of two test pictures (gray). Below: two latents during the last epochs.",
        settings=_SHORT,
    ),
}

ABOUT = About(
    title="An essay on VAE, GAN and CGAN with MNIST's digits",
    text=(
        "The essay explains VAE, GAN and CGAN, trains each on MNIST's handwritten digits and describes the WGAN. "
        "Its figures are a grid of samples for each model (only eights for the CGAN), an interpolation from 2 to 5 "
        "by the CGAN, and samples of the same noise over the epochs. It gives types of layers but no sizes. The "
        "sizes used here are those of TensorFlow's tutorials on the convolutional VAE and on DCGAN and of Keras's "
        "example of a conditional GAN, for images of 32x32."
    ),
    slips=(
        (
            "A latent is sampled as mean + variance * eps.",
            "mean + exp(log_var / 2) * eps: the factor is the standard deviation.",
        ),
        (
            'New digits come from "randomly sampling from the probabilistic latent space".',
            "From the prior: z ~ N(0, I), then decoded.",
        ),
        (
            "The VAE's loss is written as reconstruction + KL divergence, without saying from which distribution.",
            "From the prior N(0, I): 0.5 * sum(mean^2 + exp(log_var) - log_var - 1), in closed form and summed over "
            "the latents.",
        ),
        (
            "The essay does not say clearly which player maximizes the GAN's objective and which one minimizes it.",
            "The discriminator maximizes V = E[log D(x)] + E[log(1 - D(G(z)))] and the generator minimizes it: "
            "`--adversarial minimax`. The default is non-saturating: the generator maximizes E[log D(G(z))].",
        ),
        (
            'The WGAN is described by its scores, "one of several changes", without the constraint on the critic.',
            "The critic maximizes E[D(x)] - E[D(G(z))] and the generator maximizes E[D(G(z))]; the critic is "
            "constrained by clipping or a gradient penalty. `wgan` has the penalty, and digits_wgan_scores.jpg shows "
            "the scores; the WGAN with clipping is `wgan` of the study sullivan2017.",
        ),
        (
            "The essay says that interpolation is impossible with a VAE.",
            "A VAE can interpolate well: digits_vae_manifold.jpg shows the decoded plane of two latents, and "
            "`latents.interpolate` decodes the straight line between the mean codes of two images. The CGAN's "
            "interpolation between classes is digits_cgan_interpolation.jpg.",
        ),
        (
            "The essay claims, without evidence, that a GAN's samples lie between the classes.",
            "This can be measured: digits_gan_certainty.jpg shows the certainty of a classifier for test digits "
            "and generated digits. `evaluate` adds the Frechet distance, precision and recall.",
        ),
    ),
)
