"""Pegasus, coursework at Durham: horses and birds of CIFAR-10, and between them the winged horse.

A VAE, the same with a critic of its reconstructions, VAE/GAN and ACAI; a Pegasus is what a mixture of the codes of a horse and of a bird
of like colour decodes to. The study fixes kinds of layers and losses and 1000 epochs. Widths, optimizers and batch size it leaves open:
they are its siblings' here, for VAE/GAN and ACAI their papers'. It is corrected where it writes BCE(x, 1) for BCE(C(x), 1).
"""

import functools

import keras
import numpy as np

from tfgen import figures, latents, losses, scores
from tfgen.data.builtin import animals
from tfgen.models.acai import ACAI
from tfgen.models.adversarial_vae import AdversarialVAE
from tfgen.models.vae import VAE
from tfgen.models.vae_gan import VAEGAN
from tfgen.networks import mirrored, pooled
from tfgen.studies.study import Experiment, Preset


def _adam(learning_rate):
    return keras.optimizers.Adam(learning_rate, beta_1=0.5)


def vae(image_shape, *, width=1.0, latent_dim=128, dense_layers=1, convolutions=1, kl_weight=1.0, learning_rate=2e-4):
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
    image_shape,
    *,
    width=1.0,
    latent_dim=128,
    dense_layers=1,
    convolutions=1,
    spectral_norm=False,
    adv_weight=1.0,
    kl_weight=1.0,
    learning_rate=2e-4,
):
    """The study's own model; the variants are `dense_layers=2`, `convolutions=2` and `spectral_norm=True` of the critic."""
    model = AdversarialVAE(
        mirrored.encoder(image_shape, latent_dim, width, dense_layers, convolutions),
        mirrored.decoder(image_shape, latent_dim, width, dense_layers, convolutions),
        mirrored.critic(image_shape, width, convolutions, spectral_norm),
        adv_weight,
        kl_weight,
    )
    model.compile(discriminator=_adam(learning_rate), autoencoder=_adam(learning_rate))
    return model


def vae_gan(image_shape, *, width=1.0, latent_dim=128, adversarial="non_saturating", gamma=1e-5, learning_rate=3e-4):
    """VAE/GAN on the study's networks, its features those of the critic's last but one convolution; gamma is the authors' for CIFAR-10.

    `adversarial=minimax` is the paper's -L_GAN to the letter; its gradient vanishes while the discriminator is far ahead, and so the
    authors make it wait. Here no player waits.
    """
    model = VAEGAN(
        mirrored.encoder(image_shape, latent_dim, width),
        mirrored.decoder(image_shape, latent_dim, width),
        mirrored.critic(image_shape, width, features=True),
        losses.adversarial(adversarial),
        gamma,
    )
    model.compile(**{player: keras.optimizers.RMSprop(learning_rate) for player in model.players})
    return model


def acai(image_shape, *, width=1.0, latent_channels=16, adv_weight=0.5, gamma=0.2, learning_rate=1e-4):
    """ACAI as its authors train it, with their smaller networks; `width=4` are their larger ones."""
    model = ACAI(
        pooled.encoder(image_shape, latent_channels, width),
        pooled.decoder(image_shape, latent_channels, width),
        pooled.critic(image_shape, latent_channels, width),
        adv_weight,
        gamma,
    )
    model.compile(**{player: keras.optimizers.Adam(learning_rate) for player in model.players})
    return model


def bird_to_horse(model, rows=8, n=8):
    """Pictures (rows * n, H, W, C): each row from a bird to the horse of like colour, as mixtures of their codes.

    The animals are the built-in test set's, whatever the run trains on, so that a sheet of samples needs no data.
    """
    *_, size, channels = model.encoder.input_shape
    images, labels = animals.draw(animals.TEST_START, animals.TEST_START + 16 * rows, image_size=size)
    images = images / np.float32(255)
    images = images if channels == 3 else images.mean(axis=-1, keepdims=True)
    birds, horses = (images[labels == animals.CLASSES.index(name)] for name in ("bird", "horse"))
    horses = horses[:rows]
    birds = birds[latents.colour_matches(horses, birds)]
    return latents.interpolate(model, birds, horses, n).reshape(rows * n, *images.shape[1:])


def _preset(name, build, panels, samples=functools.partial(latents.prior_samples, n=64), prior=True):
    drawn = {
        f"pegasus_{name}_curves.jpg": functools.partial(figures.learning_curves, panels=panels),
        f"pegasus_{name}_reconstructions.jpg": figures.reconstructions,
    }
    if prior:
        drawn[f"pegasus_{name}_samples.jpg"] = figures.samples
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
    )


PRESETS = {
    "vae": _preset("vae", vae, {"reconstruction": "Reconstruction", "kl": "KLD"}),
    "adversarial_vae": _preset("adversarial_vae", adversarial_vae, {"reconstruction": "Reconstruction", "d_loss": "Critic loss"}),
    "vae_gan": _preset("vae_gan", vae_gan, {"d_loss": "D loss", "g_loss": "G loss"}),
    "acai": _preset("acai", acai, {"reconstruction": "MSE", "d_loss": "Critic loss"}, samples=bird_to_horse, prior=False),
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
        }
    )
}
