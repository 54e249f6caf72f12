"""Patrick Sullivan's model notes of August 2017: VAE, GAN, WGAN, WGAN-GP and depth from color, at 64x64.

The depth model is a conditional WGAN-GP. Layers, optimizers and batch sizes are those of the notes and of the code of
that month; formulas are corrected. Eq. 1 lacks the minus sign of the likelihood, and the code never trained the KL
divergence. Eq. 5 has the wrong sign of the critic, and the mean of roots instead of the root of the mean, which the
code has. The norm in the penalty was taken over the whole batch; here it is taken for each picture. In the notes,
Wasserstein critics end in a sigmoid; here they do only with `critic_activation=sigmoid`. Batch sizes are those of one
GPU; the study's VAE and depth model ran on two.
"""

import functools
from collections.abc import Callable

import keras
import numpy as np

from tfgen import figures, latents, losses, noise, optimizers, scores
from tfgen.data.builtin import scenes
from tfgen.data.builtin.painting import TEST_START
from tfgen.models.depth_wgan import DepthWGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan import WGAN
from tfgen.models.wgan_gp import WGANGP
from tfgen.networks import bottleneck, conditioning
from tfgen.protocols import Run
from tfgen.studies.study import About, Experiment, Plot, Preset


def _rmsprop(learning_rate: float) -> keras.optimizers.Optimizer:
    # The momentum is the study's; epsilon and the start at 1 are TensorFlow 1's. Epsilon is inside the root: Keras's
    # 1e-7 damps gradients below 3e-4, and those that pass through a clipped critic are a thousand times smaller.
    return optimizers.RMSpropFromOne(learning_rate, rho=0.9, momentum=0.01, epsilon=1e-10)


def _adam(learning_rate: float) -> keras.optimizers.Optimizer:
    return optimizers.adam(learning_rate, beta_1=0.5, beta_2=0.9)


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 200,
    kl_weight: float = 1.0,
    learning_rate: float = 1e-3,
) -> VAE:
    """The study's VAE: each value of a picture is a probability, and the likelihood is summed over the values."""
    model = VAE(
        bottleneck.encoder(image_shape, latent_dim, width),
        bottleneck.decoder(image_shape, latent_dim, width),
        kl_weight,
        reconstruction=losses.bernoulli_nll,
    )
    model.compile(autoencoder=_rmsprop(learning_rate))
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 200,
    adversarial: str = "non_saturating",
    d_steps: int = 1,
    learning_rate: float = 2.5e-5,
) -> GAN:
    """The study's GAN: latents from N(0, I), one step of each player."""
    model = GAN(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width),
        losses.adversarial(adversarial),
        noise.normal,
        d_steps,
    )
    model.compile(discriminator=_rmsprop(learning_rate), generator=_rmsprop(learning_rate))
    return model


def wgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 200,
    clip: float = 0.01,
    d_steps: int = 5,
    critic_activation: str = "linear",
    learning_rate: float = 2.5e-5,
) -> WGAN:
    """The study's WGAN, in which only the critic is clipped; the study's code clipped the generator too."""
    model = WGAN(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width, activation=critic_activation),
        clip,
        d_steps=d_steps,
    )
    model.compile(discriminator=_rmsprop(learning_rate), generator=_rmsprop(learning_rate))
    return model


def wgan_gp(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 200,
    gp_weight: float = 10.0,
    d_steps: int = 5,
    critic_activation: str = "linear",
    learning_rate: float = 1e-4,
) -> WGANGP:
    """The study's WGAN-GP: a critic without batch normalization, Adam(1e-4, .5, .9)."""
    model = WGANGP(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width, batch_norm=False, activation=critic_activation),
        gp_weight,
        d_steps=d_steps,
        input_scale=2.0,
    )
    model.compile(discriminator=_adam(learning_rate), generator=_adam(learning_rate))
    return model


def depth_wgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    noise: bool = True,
    batch_norm: bool = False,
    dropout: bool = False,
    gp_weight: float = 10.0,
    rmse_weight: float = 1024.0,
    d_steps: int = 5,
    critic_activation: str = "linear",
    learning_rate: float = 1e-4,
) -> DepthWGAN:
    """The study's depth from color; `noise=false` is the generator of the notes.

    `batch_norm` and `dropout` are the study's experiments.

    The study gives the error a weight of 1, but its penalty drove the joint gradient norm of all scores in a batch to
    1: 64 patches in each of 256 pictures. The mean score of one picture, which trains the generator, then had a
    gradient norm of at most 1 / (64 sqrt(256)). Here this norm is 1, so the same balance requires a weight of 1024;
    with a weight of 1, the critic's gradient is 128 times as large as the error's.
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


def depth_samples(model: DepthWGAN, n: int = 8) -> np.ndarray:
    """Pictures (3 n, H, W, 3) in [0, 1]: the first n built-in test scenes, their true depth, and the predicted one.

    White is 10 m. The scenes are always the built-in ones, so that the samples do not depend on the run's data set.
    """
    size = model.generator.output_shape[1]
    images, depth = scenes.paint(TEST_START, TEST_START + n, image_size=size)
    images = images / np.float32(255)
    maps = (depth / np.float32(10_000), latents.depths(model, images))
    return np.concatenate([images, *(np.repeat(depth, 3, axis=-1) for depth in maps)])


def predicted_depth(run: Run) -> np.ndarray:
    """The depth (8, H, W, 3) that a run predicts for the first eight built-in test scenes."""
    return depth_samples(run.model)[16:]


def true_depth(run: Run) -> dict[str, np.ndarray]:
    """The first eight built-in test scenes and their true depth."""
    pictures = depth_samples(run.model)
    return {"color": pictures[:8], "true depth": pictures[8:16]}


def _gan_preset(
    name: str,
    build: Callable[..., GAN],
    panels: dict[str, str],
    caption: str,
    batch_size: int,
    iterations: int,
    parameters: dict[str, int],
) -> Preset:
    return Preset(
        build=build,
        data="faces",
        split="train",
        batch_size=batch_size,
        iterations=iterations,
        samples=functools.partial(latents.prior_samples, n=64),  # the study's montages are of 8x8
        sample_columns=8,
        figures={
            f"sullivan2017_{name}_curves.jpg": Plot(functools.partial(figures.learning_curves, panels=panels), caption),
            f"sullivan2017_{name}_samples.jpg": Plot(
                functools.partial(figures.samples_and_real, n=64, columns=8),
                "Left: a montage of 8x8 pictures generated from latents sampled from N(0, I). Right: test pictures.",
            ),
        },
        score=scores.sample_quality,
        parameters=parameters,
    )


_CRITIC = (
    "Left: the critic's estimate of the earth mover's distance, E[D(real)] - E[D(fake)]. Right: the generator's loss, "
    "-E[D(fake)]. Both are in the critic's units, one point per iteration."
)

# The study gives epochs, but neither the size of its own data set nor which data a model was trained on. The lengths
# are its epochs of the 162,770 training pictures of CelebA, which its code reads too. On the 8,192 built-in faces, 20
# epochs would be 320 steps or less, which change nothing at these learning rates.
PRESETS = {
    "vae": Preset(
        build=vae,
        data="faces",
        split="train",
        batch_size=512,
        iterations=31_800,  # 100 epochs
        parameters={"encoder": 2_902_544, "decoder": 2_798_563},
        samples=functools.partial(latents.prior_samples, n=64),
        sample_columns=8,
        figures={
            "sullivan2017_vae_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"reconstruction": "NLL", "kl": "KLD"}),
                "Left: the negative log-likelihood of a picture given its latent, in nats, summed over its values. "
                "Right: the KL divergence of the posterior from N(0, I), in nats, which the study's code never "
                "trained.",
            ),
            "sullivan2017_vae_montages.jpg": Plot(
                figures.montages,
                "Montages with 8 pictures per row: test pictures, their reconstructions from the mean code, and "
                "pictures decoded from samples of the prior.",
            ),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _gan_preset(
        "gan",
        gan,
        {"d_loss": "D loss", "g_loss": "G loss"},
        "The GAN's losses, one point per iteration, in nats for the default objective. At equilibrium they are "
        "1.386 (D) and .693 (G).",
        batch_size=512,
        iterations=15_900,  # 50 epochs
        parameters={"discriminator": 2_697_729, "generator": 2_801_187},
    ),
    "wgan": _gan_preset(
        "wgan",
        wgan,
        {"wasserstein": "EMD", "g_loss": "G loss"},
        _CRITIC,
        batch_size=512,
        iterations=6_400,  # 20 epochs, one batch each; five times as many for the critic
        parameters={"discriminator": 2_697_729, "generator": 2_801_187},
    ),
    "wgan_gp": _gan_preset(
        "wgan_gp",
        wgan_gp,
        {"wasserstein": "EMD", "g_loss": "G loss"},
        _CRITIC,
        batch_size=256,
        iterations=12_700,  # the study ran 20 to 100 epochs: 100, with five batches for each iteration
        parameters={"discriminator": 2_696_193, "generator": 2_801_187},
    ),
    "depth_wgan": Preset(
        build=depth_wgan,
        data="scenes",
        split="train",
        batch_size=256,
        iterations=7_400,  # 200 epochs of NYU Depth v2's 47,584 frames, five batches each
        parameters={"discriminator": 1_162_945, "generator": 8_078_305},
        samples=depth_samples,
        sample_columns=8,
        figures={
            "sullivan2017_depth_wgan_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"rmse": "RMSE", "wasserstein": "EMD"}),
                "Left: the root mean squared error of depth in each batch, in units of 10 m. Right: the critic's "
                "estimate of the distance between predicted and true depth, in the critic's units.",
            ),
            "sullivan2017_depth_wgan_depth.jpg": Plot(
                figures.depth_rows,
                "Test pictures, spread evenly over the set, with their true and predicted depth in meters. Gray "
                "pixels have no measured depth.",
            ),
            "sullivan2017_depth_wgan_montages.jpg": Plot(
                figures.depth_montages,
                "The study's montages of 8x8: test pictures, spread evenly over the set, their true depth and the "
                "predicted one in meters, with the root mean squared error of the pictures shown. Gray pixels have no "
                "measured depth. The study's colors for depth are those of jet, in which equal steps look unequal.",
            ),
            "sullivan2017_depth_wgan_noise.jpg": Plot(
                figures.noise_sampler,
                "The study's sampler: the depth of one picture for 64 noise samples. Right: the standard deviation "
                "of each pixel's depth over the samples, in meters. A value near 0 means that the generator "
                "ignores the noise, as the study found.",
            ),
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
        functools.partial(
            figures.comparison,
            log="rmse",
            title="RMSE",
            unit="root mean squared error, units of 10 m",
            pictures=predicted_depth,
            beside=true_depth,
        ),
        "The study's experiments with regularization of the generator. Top: the error of depth during training, "
        "averaged over 1 % of the iterations. Bottom: the first eight built-in test scenes, their depth, and the "
        "depth that each variant predicts; white is 10 m.",
    )
}

ABOUT = About(
    title="Patrick Sullivan's model notes of August 2017",
    text=(
        "The notes and their code describe a VAE, a GAN, a WGAN and a WGAN-GP of 64x64 images, and a conditional "
        "WGAN-GP that predicts depth from a color image. The code reads a set of floor plans, CelebA, CIFAR-10, "
        "MNIST and COCO, and NYU Depth v2 for depth. The six figures of the notes are network diagrams with tables "
        "of layers; only the code generates images, as montages of 8x8."
    ),
    slips=(
        (
            "Eq. 1 lacks the minus sign of the log-likelihood. The code minimizes only the reconstruction error, "
            "and its log shows a latent loss of 213,448.",
            "-sum(x log x' + (1 - x) log(1 - x')) + KL, summed over pixels and latents and averaged over the batch. "
            "Both terms are trained.",
        ),
        (
            'The VAE\'s second head is an unbounded "stddev", and its logarithm goes to minus infinity at 0.',
            "The head is the logarithm of the variance: z = mean + exp(log_var / 2) * eps.",
        ),
        (
            'The notes mention a latent vector of 512 and layers of "filter size 32".',
            "The 512 numbers are a map of 4x4x32, and 32 is its number of channels: the layers at 4x4 are 1x1 "
            "convolutions to 96 and 32 channels.",
        ),
        (
            "The discriminator's code differs from figure 3: the code of June averages the sigmoids of the map of "
            "512, and the code of August reshapes an 8x8 map as if it were 4x4.",
            "The layers of figure 3 down to 4x4x32, followed by one dense output.",
        ),
        (
            "The critics of WGAN, WGAN-GP and the depth model end in a sigmoid.",
            "A critic's score is unbounded. Where a sigmoid saturates, the gradient vanishes, and no penalty can "
            "bring its norm to 1. `--critic_activation sigmoid` restores the sigmoid of the notes.",
        ),
        (
            "The code also clips the weights of the WGAN's generator, and clips before the update.",
            "Only the critic is clipped, to [-0.01, 0.01], after each of its steps.",
        ),
        (
            "The gradient penalty takes one norm over the whole batch.",
            "Each image has its own norm, in the critic's range of [-1, 1]. In the depth model, it is the norm of "
            "the gradient of the mean score over an image's patches.",
        ),
        (
            "In Eq. 5 the generator minimizes +D(fake), and RMSE is written as mean(sqrt((x - x')^2)), which is the "
            "mean absolute error.",
            "The generator minimizes -E[D(fake)] + weight * sqrt(mean((x - x')^2)), as in the study's code. The mean "
            "is over pixels of known depth.",
        ),
        (
            "The depth error has a weight of 1, while the penalty drives the joint gradient norm of 64 patches in "
            "each of 256 images to 1.",
            "If the gradient norm of each image is driven to 1, the same balance requires a weight of 64 * "
            "sqrt(256) = 1024, which is the default. `--rmse_weight 1` is the study's number, but not its balance.",
        ),
        (
            "The depth generator of the notes has no noise input, but in the code it has a fourth input channel of "
            "U(-1, 1). The text says that the critic outputs a single probability.",
            "As in the code; use `--noise false` for the generator of the notes. The critic outputs scores for 8x8 "
            "patches, which are averaged.",
        ),
    ),
)
