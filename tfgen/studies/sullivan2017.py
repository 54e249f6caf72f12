"""Patrick Sullivan's model notes of August 2017: VAE, GAN, WGAN, WGAN-GP, and depth from colour by a conditional
WGAN-GP, at 64x64.

Layers, optimizers and batches are those of the notes and of the code of that month, with their formulas corrected: eq.
    1 lacks the sign of
the likelihood, and the code never trained the divergence; eq. 5 has the critic's sign turned, and the mean of roots
where the code has the root of the mean; the penalty's norm was one over the whole batch, here it is each picture's; the
notes end Wasserstein critics in a sigmoid, here `critic_activation=sigmoid` does. The batches are those of one GPU; the
study's VAE and depth model ran on two.
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
from tfgen.studies.study import About, Experiment, Plot, Preset


def _rmsprop(learning_rate):
    # The momentum is the study's, epsilon TensorFlow 1's. It stands under the root: Keras's 1e-7 damps gradients below
    # 3e-4, and those that a clipped critic hands on are a thousand times smaller.
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


def wgan(
    image_shape, *, width=1.0, latent_dim=200, clip=0.01, d_steps=5, critic_activation="linear", learning_rate=2.5e-5
):
    """The study's WGAN; only the critic is clipped, where its code clipped the generator too."""
    model = WGAN(
        bottleneck.generator(image_shape, latent_dim, width),
        bottleneck.discriminator(image_shape, width, activation=critic_activation),
        clip,
        d_steps=d_steps,
    )
    model.compile(discriminator=_rmsprop(learning_rate), generator=_rmsprop(learning_rate))
    return model


def wgan_gp(
    image_shape, *, width=1.0, latent_dim=200, gp_weight=10.0, d_steps=5, critic_activation="linear", learning_rate=1e-4
):
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
    image_shape,
    *,
    width=1.0,
    noise=True,
    batch_norm=False,
    dropout=False,
    gp_weight=10.0,
    rmse_weight=1024.0,
    d_steps=5,
    critic_activation="linear",
    learning_rate=1e-4,
):
    """The study's depth from colour: `noise=false` is the notes' generator, `batch_norm` and `dropout` its experiments.

    The study weighs the error with 1, but its penalty held to 1 the slope of all scores of a batch together: of 64
        patches in each of 256
    pictures. The mean score of one picture, which the generator is judged by, had at most a slope of 1 / (64
    sqrt(256)). Here that slope is 1, so the same balance is a weight of 1024; with a weight of 1 the critic pulls 128
    times as hard as the error.
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


def predicted(run):
    """The depth that a run predicts of the first eight built-in test scenes."""
    return latents.depth_samples(run.model, 8)[16:]


def scenes(run):
    """Those scenes and their depth."""
    pictures = latents.depth_samples(run.model, 8)
    return {"colour": pictures[:8], "true depth": pictures[8:16]}


def _gan_preset(name, build, panels, caption, batch_size, epochs):
    return Preset(
        build=build,
        data="faces",
        split="train",
        batch_size=batch_size,
        epochs=epochs,
        samples=functools.partial(latents.prior_samples, n=64),  # the study's montages are of 8x8
        sample_columns=8,
        figures={
            f"sullivan2017_{name}_curves.jpg": Plot(functools.partial(figures.learning_curves, panels=panels), caption),
            f"sullivan2017_{name}_samples.jpg": Plot(
                functools.partial(figures.samples_and_test, n=64, columns=8),
                "Left: a montage of 8x8 pictures of latents from N(0, I). Right: test pictures.",
            ),
        },
        score=scores.sample_quality,
    )


_CRITIC = (
    "Left: the critic's estimate of the earth mover's distance, E[D(real)] - E[D(fake)]. Right: the generator's loss, -E[D(fake)]. Both in the critic's "
    "units, an iteration a point."
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
            "sullivan2017_vae_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"reconstruction": "NLL", "kl": "KLD"}),
                "Left: the negative log-likelihood of a picture under its reconstruction, in nats, a sum over its values. Right: the divergence of its "
                "code from N(0, I), in nats. The study's code never trained it.",
            ),
            "sullivan2017_vae_montages.jpg": Plot(
                figures.montages,
                "Montages, 8 in a row: test pictures, their reconstructions from the mean code, and samples of the prior.",
            ),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _gan_preset(
        "gan",
        gan,
        {"d_loss": "D loss", "g_loss": "G loss"},
        "The GAN's losses, an iteration a point; in nats, as of the default objective, and at its equilibrium 1.386 and .693.",
        batch_size=512,
        epochs=50,
    ),
    "wgan": _gan_preset("wgan", wgan, {"wasserstein": "EMD", "g_loss": "G loss"}, _CRITIC, batch_size=512, epochs=20),
    "wgan_gp": _gan_preset(
        "wgan_gp", wgan_gp, {"wasserstein": "EMD", "g_loss": "G loss"}, _CRITIC, batch_size=256, epochs=100
    ),  # the study ran 20 to 100
    "depth_wgan": Preset(
        build=depth_wgan,
        data="scenes",
        split="train",
        batch_size=256,
        epochs=200,
        samples=latents.depth_samples,
        sample_columns=8,
        figures={
            "sullivan2017_depth_wgan_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"rmse": "RMSE", "wasserstein": "EMD"}),
                "Left: the root of a batch's mean squared error of depth, in units of 10 m. Right: the critic's estimate of the distance of predicted from "
                "true depth, in the critic's units.",
            ),
            "sullivan2017_depth_wgan_depth.jpg": Plot(
                figures.depth_rows,
                "Test pictures from all over the set, their true depth and the generator's, in metres. Grey are holes, where the depth camera saw nothing.",
            ),
            "sullivan2017_depth_wgan_noise.jpg": Plot(
                figures.noise_sampler,
                "The study's sampler: one picture under 64 noises. Right: how far the depth of each pixel varies with the noise, in metres; near 0 the "
                "generator ignores it, as the study found.",
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
            pictures=predicted,
            beside=scenes,
        ),
        "The study's experiments with the generator's regularizers. Above: the error of depth in training, averaged over 1 % of the iterations. Below: "
        "the first eight built-in test scenes and their depth, and the depth each variant predicts; white is 10 m.",
    )
}

ABOUT = About(
    title="Patrick Sullivan's model notes of August 2017",
    text=(
        "The notes and their code describe a VAE, a GAN, a WGAN and a WGAN-GP of 64x64 images, and a conditional WGAN-GP that predicts "
        "depth from a colour image. "
        "The code reads a set of floor plans, CelebA, CIFAR-10, MNIST and COCO, and for depth NYU Depth v2. "
        "The notes' six figures are diagrams of the networks with tables of their layers; images are drawn by the code alone, as montages of 8x8."
    ),
    slips=(
        (
            "Eq. 1 lacks the minus of the log-likelihood. The code minimises the reconstruction alone, and its log shows a latent loss of "
            "213,448.",
            "-sum(x log x' + (1 - x) log(1 - x')) + KL, summed over pixels and latents, averaged over the batch. Both terms are trained.",
        ),
        (
            'The VAE\'s second head is a "stddev" without bounds, whose logarithm has no floor at 0.',
            "The head is the logarithm of the variance: z = mean + exp(log_var / 2) * eps.",
        ),
        (
            'Speaks of a latent vector of 512 and of layers of "filter size 32".',
            "The 512 numbers are a map of 4x4x32, and 32 is its number of channels: the layers at 4x4 are 1x1 convolutions to 96 "
            "and 32 channels.",
        ),
        (
            "The discriminator's code departs from figure 3: June's averages the sigmoids of the map of 512, August's reshapes an 8x8 map "
            "as if it were 4x4.",
            "The layers of figure 3 down to 4x4x32, and one dense output.",
        ),
        (
            "Ends the critics of WGAN, WGAN-GP and the depth model in a sigmoid.",
            "A critic's score is unbounded: in a sigmoid's flat ends the gradient vanishes, and no penalty brings its norm to 1. "
            "`--critic_activation sigmoid` is the notes' way.",
        ),
        (
            "The code clips the weights of the WGAN's generator too, and before the update.",
            "Only the critic is clipped, to [-0.01, 0.01], after each of its steps.",
        ),
        (
            "The gradient penalty takes one norm over the whole batch.",
            "One norm for each image, in the critic's own range of [-1, 1]; in the depth model it is of the mean score over an image's patches.",
        ),
        (
            "Eq. 5 has the generator minimise +D(fake), and writes RMSE as mean(sqrt((x - x')^2)), which is the mean absolute error.",
            "The generator minimises -E[D(fake)] + weight * sqrt(mean((x - x')^2)), as in the study's code. The mean is over pixels of known "
            "depth.",
        ),
        (
            "Weighs the depth error with 1, beside a penalty that holds 64 patches in each of 256 images to slope 1 together.",
            "With the slope of each image held to 1, the same balance is a weight of 64 * sqrt(256) = 1024, the default. `--rmse_weight 1` is "
            "the study's number, but not its balance.",
        ),
        (
            "The notes' depth generator takes no noise, the code's has a fourth input channel of U(-1, 1). The critic is said to give a single "
            "probability.",
            "As in the code; `--noise false` is the notes' generator. The critic gives 8x8 scores of patches, which are averaged.",
        ),
    ),
)
