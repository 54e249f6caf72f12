"""CSI5340 at the University of Ottawa, assignment 4: VAE, GAN and WGAN of chosen depth and latent size on MNIST and CIFAR-10.

The study asks what depth (1 to 5) and latent size (2, 20, 100, 200) do to the pictures, and to each model's loss or distance. Layers,
optimizers and batches are those of its draft; the depth of GAN and WGAN is the one whose doublings end at 32x32. Corrected are the
divergence's exponential, a head of log-variances in place of sigmas, and the curves called JSD and EMD, which showed the generator's loss:
`jsd` and `wasserstein` are the estimates. Its pictures were in [-1, 1], where a squared error is four times ours.

The study made 40 passes over its data, 48 with WGAN: on MNIST 9,000 steps of that generator, as 400 over the 1,500 built-in digits are.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, scores
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan import WGAN
from tfgen.networks import variable_depth
from tfgen.studies.study import Experiment, Preset


def vae(image_shape, *, width=1.0, depth=5, latent_dim=100, kl_weight=0.0025 / 4, learning_rate=3e-4):
    """The study's VAE. Its weight of .0025 is a quarter of that here, as an error is; its draft took .025 on MNIST."""
    model = VAE(
        variable_depth.encoder(image_shape, latent_dim, depth, width),
        variable_depth.decoder(image_shape, latent_dim, depth, width),
        kl_weight,
    )
    model.compile(autoencoder=keras.optimizers.Adam(learning_rate))
    return model


def gan(image_shape, *, width=1.0, depth=4, latent_dim=128, adversarial="least_squares", d_steps=1, learning_rate=2e-4):
    """The GAN of the study's text, least squares, but without a sigmoid; `adversarial=non_saturating` is the game of its code."""
    probabilities = adversarial == "least_squares"
    model = GAN(
        variable_depth.generator(image_shape, latent_dim, depth, width),
        variable_depth.discriminator(image_shape, depth, width),
        losses.adversarial(adversarial),
        noise.normal,
        d_steps,
        readings={"jsd": losses.jensen_shannon_of_probabilities if probabilities else losses.jensen_shannon},
    )
    adam = functools.partial(keras.optimizers.Adam, learning_rate, beta_1=0.5)
    model.compile(discriminator=adam(), generator=adam())
    return model


def wgan(image_shape, *, width=1.0, depth=4, latent_dim=128, clip=0.01, d_steps=5, learning_rate=5e-5):
    """The study's WGAN. Through five clipped layers of a critic with few channels no gradient comes back."""
    model = WGAN(
        variable_depth.generator(image_shape, latent_dim, depth, width),
        variable_depth.discriminator(image_shape, depth, width),
        clip,
        d_steps=d_steps,
    )
    # PyTorch's defaults, the study's: 1e-8 outside the root, where Keras's 1e-7 inside it would drown a clipped critic's gradients.
    rmsprop = functools.partial(keras.optimizers.RMSprop, learning_rate, rho=0.99, epsilon=1e-16)
    model.compile(discriminator=rmsprop(), generator=rmsprop())
    return model


def _preset(name, build, panels, score):
    return Preset(
        build=build,
        data="digits",
        split="train",
        batch_size=64,
        epochs=400,
        samples=functools.partial(latents.prior_samples, n=30),
        sample_columns=6,  # the study's grids
        figures={
            f"csi5340_{name}_curves.jpg": functools.partial(figures.learning_curves, panels=panels),
            f"csi5340_{name}_samples.jpg": figures.samples,
        },
        score=score,
    )


PRESETS = {
    "vae": _preset("vae", vae, {"reconstruction": "MSE", "kl": "KLD"}, scores.reconstruction_errors),
    "gan": _preset("gan", gan, {"d_loss": "D loss", "jsd": "JSD"}, scores.sample_quality),
    "wgan": _preset("wgan", wgan, {"g_loss": "G loss", "wasserstein": "EMD"}, scores.sample_quality),
}


def _experiment(model, log, title):
    """Each depth with each latent size, as the study's curves have them."""
    variants = {
        f"depth {depth}, {latent_dim} latents": (model, {"depth": depth, "latent_dim": latent_dim})
        for depth in (1, 2, 3, 4, 5)
        for latent_dim in (2, 20, 100, 200)
    }
    return Experiment(variants, log, title)


EXPERIMENTS = {
    "vae": _experiment("vae", "reconstruction", "MSE"),
    "gan": _experiment("gan", "jsd", "JSD"),
    "wgan": _experiment("wgan", "wasserstein", "EMD"),
}
