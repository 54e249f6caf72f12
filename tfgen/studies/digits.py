"""An essay on VAE, GAN and CGAN of MNIST's digits, which names kinds of layers and no numbers: those are of public
examples.

The VAE is TensorFlow's tutorial cvae, the GAN its tutorial dcgan, the CGAN Keras's example conditional_gan, for
pictures of 32x32, their greys as they are. Corrected is the essay's sample of a code, here mean + exp(log_var / 2) *
eps; the divergence is exact, not sampled.

The examples make 10, 50 and 20 passes over MNIST's 60,000 or 70,000 digits; of the 1,500 built-in ones a run takes
more.
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
from tfgen.studies.study import About, Experiment, Plot, Preset


def vae(image_shape, *, width=1.0, latent_dim=2, kl_weight=1.0, learning_rate=1e-4):
    """The tutorial's VAE: a likelihood summed over the pixels, and a code that a plane can show."""
    model = VAE(
        networks.encoder(image_shape, latent_dim, width),
        networks.decoder(image_shape, latent_dim, width),
        kl_weight,
        reconstruction=losses.bernoulli_nll,
    )
    model.compile(autoencoder=keras.optimizers.Adam(learning_rate))
    return model


def gan(image_shape, *, width=1.0, latent_dim=100, adversarial="non_saturating", learning_rate=1e-4):
    """The tutorial's GAN; `adversarial=minimax` is the game as first written, whose generator learns little while it is
    found out.
    """
    model = GAN(
        networks.generator(image_shape, latent_dim, width),
        networks.discriminator(image_shape, width),
        losses.adversarial(adversarial),
        noise.normal,
    )
    model.compile(**{player: keras.optimizers.Adam(learning_rate) for player in model.players})
    return model


def cgan(image_shape, *, width=1.0, latent_dim=128, classes=10, adversarial="non_saturating", learning_rate=3e-4):
    """The example's CGAN: both networks are told the digit."""
    model = CGAN(
        conditioning.class_generator(image_shape, latent_dim, classes, width),
        conditioning.class_discriminator(image_shape, classes, width),
        losses.adversarial(adversarial),
        noise.normal,
    )
    model.compile(**{player: keras.optimizers.Adam(learning_rate) for player in model.players})
    return model


def certainty(run, n=1000):
    """How sure a classifier is of real digits and of generated ones: the share of pictures by the probability of the
    class it holds most likely.
    """
    reader, test = scores.classifier_of(run), run.source("test")
    pictures = {"test pictures": test.floats(slice(n)), "generated": latents.prior_samples(run.model, n)}
    figure = Figure((8, 5), layout="constrained")
    axis = figure.subplots()
    for (label, images), look in zip(
        pictures.items(), [{"hatch": "//", "color": figures.COLOURS[0]}, {"color": figures.COLOURS[1]}]
    ):
        sure = classifier.certainty(reader, images)
        weights = np.full(len(sure), 1 / len(sure))
        axis.hist(
            sure,
            np.linspace(0, 1, 21),
            weights=weights,
            alpha=0.5,
            edgecolor="black",
            label=f"{label}: {np.mean(sure < 0.9):.0%} below .9",
            **look,
        )
    axis.set_xlabel("probability of the most likely class")
    axis.set_ylabel("share of the pictures")
    axis.legend(loc="upper left")
    return figure


_LOSSES = Plot(
    functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
    "The losses of discriminator and generator, an iteration a point; in nats as of the default objective, without a unit as of the others.",
)
_STRIP = "A latent a row, followed over the training: the same noise under each iteration's generator."


def _progress(name):
    return {
        f"digits_{name}_training.jpg": Plot(figures.training_strip, _STRIP),
        f"digits_{name}_training.gif": Plot(
            figures.training_animation, "The sheet of samples over the training, animated: the same noise throughout."
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
                "Left: the negative log-likelihood of a picture under its reconstruction, a sum over its pixels. Right: the divergence of its code from "
                "N(0, I). Both in nats; their sum bounds the negative log-likelihood of a picture from above.",
            ),
            "digits_vae_reconstructions.jpg": Plot(
                figures.reconstructions,
                "Upper row: test digits. Lower row: what the decoder makes of their mean codes.",
            ),
            "digits_vae_samples.jpg": Plot(
                functools.partial(figures.samples, n=16, columns=4),
                "16 digits decoded from latents drawn from N(0, I).",
            ),
            "digits_vae_manifold.jpg": Plot(
                figures.latent_manifold,
                "The plane of the two latents, decoded place by place. Walking from one digit to another is what the essay says a VAE cannot do.",
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
                functools.partial(figures.samples, n=16, columns=4), "16 digits of latents drawn from N(0, I)."
            ),
            **_progress("gan"),
            "digits_gan_certainty.jpg": Plot(
                certainty,
                "How sure a classifier of real digits is of test digits and of generated ones. The essay says that a GAN draws shapes between digits: those "
                "are what the classifier is not sure of.",
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
                "25 latents, all told class 8: of digits, the eight.",
            ),
            "digits_cgan_classes.jpg": Plot(
                figures.class_noise_grid, "A digit a row, a latent a column: the same noise as each of the ten digits."
            ),
            "digits_cgan_interpolation.jpg": Plot(
                functools.partial(figures.class_interpolation, first=2, second=5),
                "From class 2 to class 5, of digits the two and the five, in nine even steps of the code; each row keeps its latent.",
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
        "The generator's loss in the two games, averaged over 1 % of the iterations, and samples. Minimax's, E[log(1 - D(G(z)))], lies near 0 and flat "
        "while the discriminator is sure; the non-saturating one, -E[log D(G(z))], is steep there.",
    ),
}

ABOUT = About(
    title="An essay on VAE, GAN and CGAN with MNIST's digits",
    text=(
        "The essay explains VAE, GAN and CGAN, trains each on MNIST's handwritten digits and describes the WGAN. "
        "Its figures are a grid of samples of each model, the CGAN's all of digit 8, an interpolation from 2 to 5 by the CGAN, and samples of "
        "the same noise over the epochs. "
        "It names kinds of layers and no numbers: those here are of TensorFlow's tutorials on the convolutional VAE and on DCGAN and of Keras's "
        "example of a conditional GAN, for images of 32x32."
    ),
    slips=(
        (
            "A code is sampled as mean + variance * eps.",
            "mean + exp(log_var / 2) * eps: the factor is the standard deviation.",
        ),
        (
            'New digits come from "randomly sampling from the probabilistic latent space".',
            "From the prior: z ~ N(0, I), then decoded.",
        ),
        (
            "Writes the VAE's loss as reconstruction + KL divergence, without the distribution that the divergence is from.",
            "From the prior N(0, I): 0.5 * sum(mean^2 + exp(log_var) - log_var - 1), in closed form and summed over the latents.",
        ),
        (
            "Is loose about which player ascends the GAN's objective and which descends it.",
            "The discriminator ascends V = E[log D(x)] + E[log(1 - D(G(z)))] and the generator descends it: `--adversarial minimax`. The default "
            "is non-saturating: the generator ascends E[log D(G(z))].",
        ),
        (
            'Describes the WGAN by its scores, "one of several changes", and leaves out the bound on the critic.',
            "The critic ascends E[D(x)] - E[D(G(z))], the generator ascends E[D(G(z))], and the critic is held by clipping or a gradient "
            "penalty. Both are in the study sullivan2017, as `wgan` and `wgan_gp`.",
        ),
        (
            "Interpolation is impossible with a VAE.",
            "It is what a VAE does well: digits_vae_manifold.jpg shows the plane of two latents decoded, and latents.interpolate the straight line "
            "between the mean codes of two images. The CGAN's, between classes, is digits_cgan_interpolation.jpg.",
        ),
        (
            "Claims without a count that a GAN's samples lie between the classes.",
            "Counted: digits_gan_certainty.jpg shows how sure a classifier of real digits is of test digits and of generated ones. `score` adds "
            "the Frechet distance, precision and recall.",
        ),
    ),
)
