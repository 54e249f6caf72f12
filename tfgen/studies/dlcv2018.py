"""Homework 4 of Deep Learning for Computer Vision, spring 2018: VAE, GAN and ACGAN on CelebA at 64x64.

Layers, losses, optimizers and figures are those of the report the figures `fig1_2` to `fig3_3` come from, with its formulas corrected: its text
writes the divergence with mu where mu^2 is meant.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, scores
from tfgen.models.acgan import ACGAN
from tfgen.models.gan import GAN
from tfgen.models.infogan import InfoGAN
from tfgen.models.vae import VAE
from tfgen.models.wgan_gp import WGANGP
from tfgen.networks import dcgan
from tfgen.studies.study import Experiment, Preset


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


def gan(
    image_shape,
    *,
    width=1.0,
    latent_dim=100,
    adversarial="non_saturating",
    d_steps=1,
    g_steps=2,
    d_learning_rate=2e-4,
    g_learning_rate=2e-4,
):
    """The homework's GAN: latents from U(-1, 1), two steps of the generator to one of the discriminator."""
    model = GAN(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width),
        losses.adversarial(adversarial),
        d_steps=d_steps,
        g_steps=g_steps,
    )
    model.compile(discriminator=_adam(d_learning_rate), generator=_adam(g_learning_rate))
    return model


def acgan(image_shape, *, width=1.0, latent_dim=100, adversarial="non_saturating", d_learning_rate=2e-4, g_learning_rate=2e-4):
    """The homework's ACGAN on one attribute."""
    model = ACGAN(
        dcgan.generator(image_shape, latent_dim, code_dim=1, width=width),
        dcgan.discriminator(image_shape, code_dim=1, width=width),
        losses.adversarial(adversarial),
    )
    model.compile(discriminator=_adam(d_learning_rate), generator=_adam(g_learning_rate))
    return model


def wgan_gp(image_shape, *, width=1.0, latent_dim=100, gp_weight=10.0, d_steps=5, learning_rate=1e-4):
    """The homework's networks under the paper's WGAN-GP: a critic without batch normalization, five steps of it, Adam(1e-4, 0, .9)."""
    model = WGANGP(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width, batch_norm=False),
        gp_weight,
        noise.uniform,
        d_steps,
    )
    adam = functools.partial(keras.optimizers.Adam, learning_rate, beta_1=0.0, beta_2=0.9)
    model.compile(discriminator=adam(), generator=adam())
    return model


def wgan_gp_faithful(image_shape, *, width=1.0, latent_dim=100, gp_weight=10.0, d_steps=1, g_steps=2, learning_rate=2e-4):
    """The homework's WGAN-GP with its five slips: the norm over columns, one mix a batch, batch normalization, 1:2 steps, Adam(2e-4, .5, .999)."""
    model = WGANGP(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width),
        gp_weight,
        noise.uniform,
        d_steps,
        g_steps,
        losses.column_gradient_penalty,
        mix_per_image=False,
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


def _infogan(image_shape, width, latent_dim, categories, continuous, shared_trunk, rates):
    discriminator = dcgan.discriminator(image_shape, width=width, features=True)
    model = InfoGAN(
        dcgan.generator(image_shape, latent_dim, sum(categories) + continuous, width),
        discriminator,
        dcgan.recognizer(discriminator.output["features"].shape[-1], categories, continuous, width),
        losses.adversarial("non_saturating"),
        categories,
        continuous,
        shared_trunk=shared_trunk,
    )
    model.compile(**{player: _adam(rate) for player, rate in zip(model.players, rates, strict=True)})
    return model


def infogan(
    image_shape, *, width=1.0, latent_dim=64, shared_trunk=False, d_learning_rate=2e-4, g_learning_rate=2e-4, q_learning_rate=2e-4
):
    """The homework's InfoGAN: 64 latents and five codes of ten values."""
    return _infogan(image_shape, width, latent_dim, (10,) * 5, 0, shared_trunk, (d_learning_rate, g_learning_rate, q_learning_rate))


def infogan_mixed(
    image_shape, *, width=1.0, latent_dim=62, shared_trunk=False, d_learning_rate=2e-4, g_learning_rate=2e-4, q_learning_rate=2e-4
):
    """The InfoGAN paper's MNIST codes on faces: one code of ten values and two continuous ones.

    The homework lets the codes' loss stop at the discriminator. `shared_trunk=true g_learning_rate=1e-3` is the paper's training.
    """
    return _infogan(image_shape, width, latent_dim, (10,), 2, shared_trunk, (d_learning_rate, g_learning_rate, q_learning_rate))


# The homework lets GANs train on train and test pictures together.
_adversarial = functools.partial(Preset, data="faces", split="all", batch_size=64, epochs=300)

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
    "gan": _adversarial(
        build=gan,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig2_2.jpg": functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
            "fig2_3.jpg": figures.samples,
        },
        score=scores.sample_quality,
    ),
    "acgan": _adversarial(
        build=acgan,
        attributes=("Smiling",),
        samples=functools.partial(latents.attribute_pairs, n=10),
        sample_columns=10,
        figures={
            "fig3_2.jpg": figures.attribute_curves,
            "fig3_3.jpg": figures.attribute_grid,
        },
        score=scores.attribute_fidelity,
    ),
    "wgan_gp": _adversarial(
        build=wgan_gp,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={"wgan_gp.jpg": figures.samples},
        score=scores.sample_quality,
    ),
    "wgan_gp_faithful": _adversarial(
        build=wgan_gp_faithful,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={"wgan_gp_faithful.jpg": figures.samples},
        score=scores.sample_quality,
    ),
    "infogan": _adversarial(
        build=infogan,
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        # The report's text and its files spell these names differently.
        figures={
            name: functools.partial(figures.category_grid, code=code)
            for code, names in enumerate([("fig4_1.jpg", "fig4_01.jpg"), ("fig4_2.jpg", "fig4_02.jpg")])
            for name in names
        },
        score=scores.code_quality,
    ),
    "infogan_mixed": _adversarial(
        build=infogan_mixed,
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        figures={f"infogan_mixed_{code}.jpg": functools.partial(figures.mixed_code_grid, code=code) for code in range(3)},
        score=scores.code_quality,
    ),
}

EXPERIMENTS = {
    "kl_weight": Experiment(
        {
            "1e-2, mean": ("vae", {}),
            "1e-5, sum (the hint)": ("vae", {"kl_weight": 1e-5, "kl_reduction": "sum"}),
            "1e-5, mean": ("vae", {"kl_weight": 1e-5}),
        },
        "reconstruction",
        "MSE",
    ),
    "penalty": Experiment({"right": ("wgan_gp", {}), "faithful": ("wgan_gp_faithful", {})}, "wasserstein", "EMD"),
}
