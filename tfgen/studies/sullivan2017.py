"""Patrick Sullivan's model notes of August 2017: VAE, GAN, WGAN, WGAN-GP, and depth from colour by a conditional WGAN-GP, at 64x64.

Layers, optimizers and batches are those of the notes and of the code of that month, with their formulas corrected: eq. 1 lacks the sign of
the likelihood, and the code never trained the divergence; eq. 5 has the critic's sign turned, and the mean of roots where the code has the
root of the mean; the penalty's norm was one over the whole batch, here it is each picture's; the notes end Wasserstein critics in a
sigmoid, here `critic_activation=sigmoid` does. The batches are those of one GPU; the study's VAE and depth model ran on two.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, scores
from tfgen.models.depth_wgan import DepthWGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan import WGAN
from tfgen.models.wgan_gp import WGANGP
from tfgen.networks import bottleneck, conditioning
from tfgen.studies.study import Experiment, Preset


def _rmsprop(learning_rate):
    # The momentum is the study's, epsilon TensorFlow 1's. It stands under the root: Keras's 1e-7 damps gradients below 3e-4, and those that
    # a clipped critic hands on are a thousand times smaller.
    return keras.optimizers.RMSprop(learning_rate, rho=0.9, momentum=0.01, epsilon=1e-10)


def _adam(learning_rate):
    return keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9)


def vae(image_shape, *, width=1.0, latent_dim=200, kl_weight=1.0, learning_rate=1e-3):
    """The study's VAE: each value of a picture is a probability, and the likelihood is summed over them."""
    model = VAE(
        bottleneck.encoder(image_shape, latent_dim, width),
        bottleneck.decoder(image_shape, latent_dim, width),
        kl_weight,
        reconstruction=losses.bernoulli_nll,
    )
    model.compile(autoencoder=_rmsprop(learning_rate))
    return model


def gan(image_shape, *, width=1.0, latent_dim=200, adversarial="non_saturating", d_steps=1, learning_rate=2.5e-5):
    """The study's GAN: latents from N(0, 1), one step of each player."""
    model = GAN(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width),
        losses.adversarial(adversarial),
        noise.normal,
        d_steps,
    )
    model.compile(discriminator=_rmsprop(learning_rate), generator=_rmsprop(learning_rate))
    return model


def wgan(image_shape, *, width=1.0, latent_dim=200, clip=0.01, d_steps=5, critic_activation="linear", learning_rate=2.5e-5):
    """The study's WGAN; only the critic is clipped, where its code clipped the generator too."""
    model = WGAN(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width, activation=critic_activation),
        clip,
        d_steps=d_steps,
    )
    model.compile(discriminator=_rmsprop(learning_rate), generator=_rmsprop(learning_rate))
    return model


def wgan_gp(image_shape, *, width=1.0, latent_dim=200, gp_weight=10.0, d_steps=5, critic_activation="linear", learning_rate=1e-4):
    """The study's WGAN-GP: a critic without batch normalization, Adam(1e-4, .5, .9)."""
    model = WGANGP(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width, batch_norm=False, activation=critic_activation),
        gp_weight,
        d_steps=d_steps,
        penalty=functools.partial(losses.gradient_penalty, input_scale=2.0),
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


def depth_wgan(
    image_shape, *, width=1.0, noise=True, batch_norm=False, dropout=False, gp_weight=10.0, rmse_weight=1024.0, d_steps=5,
    critic_activation="linear", learning_rate=1e-4,
):
    """The study's depth from colour: `noise=false` is the notes' generator, `batch_norm` and `dropout` its experiments.

    The study weighs the error with 1, but its penalty held to 1 the slope of all scores of a batch together: of 64 patches in each of 256
    pictures. The mean score of one picture, which the generator is judged by, had at most a slope of 1 / (64 sqrt(256)). Here that slope
    is 1, so the same balance is a weight of 1024; with a weight of 1 the critic pulls 128 times as hard as the error.
    """
    height, wide, channels = image_shape
    model = DepthWGAN(
        conditioning.depth_generator(image_shape, width, noise, batch_norm, dropout),
        conditioning.patch_critic((height, wide, channels + 1), width, critic_activation),
        gp_weight,
        rmse_weight,
        d_steps,
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


def _gan_preset(name, build, batch_size, epochs):
    panels = {"d_loss": "D loss", "g_loss": "G loss"}
    return Preset(
        build=build,
        data="faces",
        split="train",
        batch_size=batch_size,
        epochs=epochs,
        samples=functools.partial(latents.prior_samples, n=64),  # the study's montages are of 8x8
        sample_columns=8,
        figures={
            f"sullivan2017_{name}_curves.jpg": functools.partial(figures.learning_curves, panels=panels),
            f"sullivan2017_{name}_samples.jpg": figures.samples,
        },
        score=scores.sample_quality,
    )


PRESETS = {
    "vae": Preset(
        build=vae,
        data="faces",
        split="train",
        batch_size=512,
        epochs=100,
        samples=functools.partial(latents.prior_samples, n=64),
        sample_columns=8,
        figures={
            "sullivan2017_vae_curves.jpg": functools.partial(figures.learning_curves, panels={"reconstruction": "NLL", "kl": "KLD"}),
            "sullivan2017_vae_reconstructions.jpg": figures.reconstructions,
            "sullivan2017_vae_samples.jpg": figures.samples,
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _gan_preset("gan", gan, batch_size=512, epochs=50),
    "wgan": _gan_preset("wgan", wgan, batch_size=512, epochs=20),
    "wgan_gp": _gan_preset("wgan_gp", wgan_gp, batch_size=256, epochs=100),  # the study ran 20 to 100
    "depth_wgan": Preset(
        build=depth_wgan,
        data="scenes",
        split="train",
        batch_size=256,
        epochs=200,
        samples=latents.depth_samples,
        sample_columns=8,
        figures={
            "sullivan2017_depth_wgan_curves.jpg": functools.partial(figures.learning_curves, panels={"rmse": "RMSE", "wasserstein": "EMD"}),
        },
        score=scores.depth_errors,
        needs=("depth",),
    ),
}

EXPERIMENTS = {
    "regularizers": Experiment(
        {
            "baseline": ("depth_wgan", {}),
            "batch norm": ("depth_wgan", {"batch_norm": True}),
            "dropout": ("depth_wgan", {"dropout": True}),
            "both": ("depth_wgan", {"batch_norm": True, "dropout": True}),
        },
        "rmse",
        "RMSE",
    )
}
