"""An essay on VAE, GAN and CGAN with MNIST's digits. It gives types of layers but no sizes; these come from examples.

The VAE is TensorFlow's tutorial cvae, the GAN its tutorial dcgan, and the CGAN Keras's example conditional_gan, for
pictures of 32x32 with all gray levels. The essay's formula for sampling a latent is corrected to mean +
exp(log_var / 2) * eps; the KL divergence is exact, not sampled.

Adam has Keras's epsilon, 1e-7, as in the examples. They make 10, 50 and 20 passes over MNIST's 60,000 or 70,000 digits;
with the 1,500 built-in digits a run makes more passes.
"""

import functools

import keras
import numpy as np
from matplotlib.figure import Figure

from tfgen import figures, latents, losses, noise, scores
from tfgen.metrics import classifier
from tfgen.models.cgan import CGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
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
    model.compile(autoencoder=keras.optimizers.Adam(learning_rate))
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    adversarial: str = "non_saturating",
    learning_rate: float = 1e-4,
) -> GAN:
    """The tutorial's GAN.

    `adversarial=minimax` is the original game, in which the generator learns little while the discriminator is certain.
    """
    model = GAN(
        networks.generator(image_shape, latent_dim, width),
        networks.discriminator(image_shape, width),
        losses.adversarial(adversarial),
        noise.normal,
    )
    model.compile(**{player: keras.optimizers.Adam(learning_rate) for player in model.players})
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
    """The example's CGAN: both networks are conditioned on the digit."""
    model = CGAN(
        conditioning.class_generator(image_shape, latent_dim, classes, width),
        conditioning.class_discriminator(image_shape, classes, width),
        losses.adversarial(adversarial),
        noise.normal,
    )
    model.compile(**{player: keras.optimizers.Adam(learning_rate) for player in model.players})
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
    axis.legend(loc="upper left")
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
        epochs=400,  # the tutorial's 18,750 steps
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
        epochs=400,  # a sixth of the tutorial's steps
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
    "cgan": Preset(
        build=cgan,
        data="digits",
        split="train",
        batch_size=64,
        epochs=950,  # the example's 21,875 steps
        parameters={"discriminator": 80_385, "generator": 1_778_945},
        samples=functools.partial(latents.class_grid, n=10),
        sample_columns=10,
        figures={
            "digits_cgan_curves.jpg": _LOSSES,
            "digits_cgan_eights.jpg": Plot(
                functools.partial(figures.one_class_grid, label=8),
                "25 latents, all conditioned on class 8, which is the digit eight.",
            ),
            "digits_cgan_classes.jpg": Plot(
                figures.class_noise_grid,
                "One digit per row, one latent per column: the same noise for each of the ten digits.",
            ),
            "digits_cgan_interpolation.jpg": Plot(
                functools.partial(figures.class_interpolation, first=2, second=5),
                "From class 2 to class 5 (the digits two and five) in nine even steps of the condition; each row has "
                "one latent.",
            ),
            **_progress("cgan"),
        },
        score=scores.label_fidelity,
        needs=("labels",),
    ),
}

EXPERIMENTS = {
    "adversarial": Experiment(
        {"non-saturating": ("gan", {}), "minimax": ("gan", {"adversarial": "minimax"})},
        functools.partial(figures.comparison, log="g_loss", title="G loss", unit="nats"),
        "The generator's loss in the two games, averaged over 1 % of the iterations, and samples. While the "
        "discriminator is certain, the minimax loss, E[log(1 - D(G(z)))], is near 0 and flat, but the "
        "non-saturating loss, -E[log D(G(z))], is steep.",
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
            "constrained by clipping or a gradient penalty. Both are available in the study sullivan2017, as "
            "`wgan` and `wgan_gp`.",
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
            "and generated digits. `score` adds the Frechet distance, precision and recall.",
        ),
    ),
)
