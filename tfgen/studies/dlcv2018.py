"""Homework 4 of Deep Learning for Computer Vision, spring 2018: VAE, GAN and ACGAN on CelebA at 64x64.

Layers, losses, optimizers and figures are those of the report the figures `fig1_2` to `fig3_3` come from, with its formulas corrected: its text
writes the divergence with mu where mu^2 is meant.
"""

import functools

import keras

from tfgen import figures, latents, losses, scores
from tfgen.models.acgan import ACGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.networks import dcgan
from tfgen.studies.study import Preset


def _adam(learning_rate):
    return keras.optimizers.Adam(learning_rate, beta_1=0.5)


def vae(image_shape, *, width=1.0, latent_dim=512, kl_weight=1e-2, kl_reduction="mean", learning_rate=2e-4):
    """The homework's VAE. Its teachers' hint, `kl_weight=1e-5 kl_reduction=sum`, weighs the divergence half as much."""
    model = VAE(
        dcgan.encoder(image_shape, latent_dim, width),
        dcgan.decoder(image_shape, latent_dim, width),
        kl_weight=kl_weight,
        kl_reduction=kl_reduction,
    )
    model.compile(autoencoder=_adam(learning_rate))
    return model


def gan(image_shape, *, width=1.0, latent_dim=100, adversarial="non_saturating", d_steps=1, g_steps=2, learning_rate=2e-4):
    """The homework's GAN: latents from U(-1, 1), two steps of the generator to one of the discriminator."""
    model = GAN(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width),
        losses.adversarial(adversarial),
        d_steps=d_steps,
        g_steps=g_steps,
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


def acgan(image_shape, *, width=1.0, latent_dim=100, adversarial="non_saturating", learning_rate=2e-4):
    """The homework's ACGAN on one attribute."""
    model = ACGAN(
        dcgan.generator(image_shape, latent_dim, code_dim=1, width=width),
        dcgan.discriminator(image_shape, code_dim=1, width=width),
        losses.adversarial(adversarial),
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


PRESETS = {
    "vae": Preset(
        build=vae,
        data="faces",
        split="train",
        batch_size=64,
        epochs=200,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig1_2.jpg": functools.partial(figures.learning_curves, panels={"reconstruction": "MSE", "kl": "KLD"}),
            "fig1_3.jpg": figures.reconstructions,
            "fig1_4.jpg": figures.samples,
            "fig1_5.jpg": functools.partial(figures.latent_tsne, attribute="Male"),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": Preset(
        build=gan,
        data="faces",
        split="all",  # the homework allows it: nothing of a GAN is measured on the test pictures
        batch_size=64,
        epochs=300,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig2_2.jpg": functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
            "fig2_3.jpg": figures.samples,
        },
        score=scores.sample_quality,
    ),
    "acgan": Preset(
        build=acgan,
        data="faces",
        split="all",
        attributes=("Smiling",),
        batch_size=64,
        epochs=300,
        samples=functools.partial(latents.attribute_pairs, n=10),
        sample_columns=10,
        figures={
            "fig3_2.jpg": figures.attribute_curves,
            "fig3_3.jpg": figures.attribute_grid,
        },
        score=scores.attribute_fidelity,
    ),
}
