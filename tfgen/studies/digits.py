"""An essay on VAE, GAN and CGAN of MNIST's digits, which names kinds of layers and no numbers: those are of public examples.

The VAE is TensorFlow's tutorial cvae, the GAN its tutorial dcgan, the CGAN Keras's example conditional_gan, for pictures of 32x32, their
greys as they are. Corrected is the essay's sample of a code, here mean + exp(log_var / 2) * eps; the divergence is exact, not sampled.

The examples make 10, 50 and 20 passes over MNIST's 60,000 or 70,000 digits; of the 1,500 built-in ones a run takes more.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, scores
from tfgen.models.cgan import CGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.networks import conditioning
from tfgen.networks import digits as networks
from tfgen.studies.study import Experiment, Preset


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
    """The tutorial's GAN; `adversarial=minimax` is the game as first written, whose generator learns little while it is found out."""
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


BOUND = {"reconstruction": "Negative log-likelihood", "kl": "KLD"}
ADVERSARIAL = {"d_loss": "D loss", "g_loss": "G loss"}

PRESETS = {
    "vae": Preset(
        build=vae,
        data="digits",
        split="train",
        batch_size=32,
        epochs=400,  # the tutorial's 18,750 steps
        samples=functools.partial(latents.prior_samples, n=16),
        sample_columns=4,
        figures={
            "digits_vae_curves.jpg": functools.partial(figures.learning_curves, panels=BOUND),
            "digits_vae_reconstructions.jpg": figures.reconstructions,
            "digits_vae_samples.jpg": figures.samples,
        },
        score=scores.reconstruction_errors,
    ),
    "gan": Preset(
        build=gan,
        data="digits",
        split="train",
        batch_size=256,
        epochs=400,  # a sixth of the tutorial's steps
        samples=functools.partial(latents.prior_samples, n=16),  # the tutorial's 4x4
        sample_columns=4,
        figures={
            "digits_gan_curves.jpg": functools.partial(figures.learning_curves, panels=ADVERSARIAL),
            "digits_gan_samples.jpg": figures.samples,
        },
        score=scores.sample_quality,
    ),
    "cgan": Preset(
        build=cgan,
        data="digits",
        split="train",
        batch_size=64,
        epochs=950,  # the example's 21,875 steps
        samples=functools.partial(latents.class_grid, n=10),
        sample_columns=10,
        figures={
            "digits_cgan_curves.jpg": functools.partial(figures.learning_curves, panels=ADVERSARIAL),
            "digits_cgan_samples.jpg": figures.samples,
        },
        score=scores.label_fidelity,
        needs=("labels",),
    ),
}

EXPERIMENTS = {
    "adversarial": Experiment({"non-saturating": ("gan", {}), "minimax": ("gan", {"adversarial": "minimax"})}, "g_loss", "G loss"),
}
