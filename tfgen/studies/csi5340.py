"""CSI5340 at the University of Ottawa, assignment 4: VAE, GAN and WGAN of chosen depth and latent size on MNIST and
CIFAR-10.

The study asks what depth (1 to 5) and latent size (2, 20, 100, 200) do to the pictures, and to each model's loss or
distance. Layers, optimizers and batches are those of its draft; the depth of GAN and WGAN is the one whose doublings
end at 32x32. Corrected are the divergence's exponential, a head of log-variances in place of sigmas, and the curves
called JSD and EMD, which showed the generator's loss: `jsd` and `wasserstein` are the estimates. Its pictures were in
[-1, 1], where a squared error is four times ours.

The study made 40 passes over its data, 48 with WGAN: on MNIST 9,000 steps of that generator, as 400 over the 1,500
    built-in digits are.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, scores
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan import WGAN
from tfgen.networks import variable_depth
from tfgen.studies.study import About, Experiment, Plot, Preset


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
    """The GAN of the study's text, least squares, but without a sigmoid; `adversarial=non_saturating` is the game of
    its code.
    """
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
    # PyTorch's defaults, the study's: 1e-8 outside the root, where Keras's 1e-7 inside it would drown a clipped
    # critic's gradients.
    rmsprop = functools.partial(keras.optimizers.RMSprop, learning_rate, rho=0.99, epsilon=1e-16)
    model.compile(discriminator=rmsprop(), generator=rmsprop())
    return model


def _preset(name, build, panels, caption, score, more=None, *, parameters):
    return Preset(
        build=build,
        data="digits",
        split="train",
        batch_size=64,
        epochs=400,
        samples=functools.partial(latents.prior_samples, n=30),
        sample_columns=6,  # the study's grids
        figures={
            f"csi5340_{name}_curves.jpg": Plot(functools.partial(figures.learning_curves, panels=panels), caption),
            f"csi5340_{name}_samples.jpg": Plot(
                functools.partial(figures.samples_and_test, n=30, columns=6), "Generated pictures beside test pictures."
            ),
            f"csi5340_{name}_epochs.jpg": Plot(
                figures.training_grids, "The same 30 latents at up to four moments of the training, evenly spaced."
            ),
            **(more or {}),
        },
        score=score,
        parameters=parameters,
    )


PRESETS = {
    "vae": _preset(
        "vae",
        vae,
        {"reconstruction": "MSE", "kl": "KLD"},
        "Left: the squared error, a mean over pixels with values from 0 to 1. Right: the divergence of a code from N(0, I), in nats.",
        scores.reconstruction_errors,
        {
            "csi5340_vae_classes.jpg": Plot(
                figures.class_reconstructions,
                "A test picture of each class, and five pictures decoded from codes drawn from the posterior around its own.",
            )
        },
        parameters={"encoder": 1_935_240, "decoder": 1_784_609},
    ),
    "gan": _preset(
        "gan",
        gan,
        {"d_loss": "D loss", "jsd": "JSD"},
        "Left: the discriminator's loss, by default of squares, which have no unit. Right: the estimate of the Jensen-Shannon divergence of generated "
        "from real pictures, in nats, at most ln 2 = .693, and below 0 where the discriminator is worse than a guess; the study plotted the "
        "generator's loss under this name.",
        scores.sample_quality,
        parameters={"discriminator": 389_249, "generator": 683_713},
    ),
    "wgan": _preset(
        "wgan",
        wgan,
        {"g_loss": "G loss", "wasserstein": "EMD"},
        "Left: the generator's loss, -E[D(fake)], which the study plotted as the distance. Right: the distance's estimate, E[D(real)] - E[D(fake)]. Both "
        "in the critic's units.",
        scores.sample_quality,
        parameters={"discriminator": 389_249, "generator": 683_713},
    ),
}


def loss(run):
    """A VAE's loss at every iteration (n,), as it was minimised: squared error + kl_weight * divergence."""
    history = run.history()
    return history["reconstruction"] + run.record["arguments"]["kl_weight"] * history["kl"]


def _experiment(model, values, title, unit):
    """Each depth with each latent size, as the study's curves have them."""
    variants = {
        f"depth {depth}, {latent_dim} latents": (model, {"depth": depth, "latent_dim": latent_dim})
        for depth in (1, 2, 3, 4, 5)
        for latent_dim in (2, 20, 100, 200)
    }
    caption = f"What depth and latent size do to the {model.upper()}: {title} as means over each epoch, a panel for each depth, a line for each latent size."
    return Experiment(variants, functools.partial(figures.depth_curves, values=values, title=title, unit=unit), caption)


EXPERIMENTS = {
    "vae": _experiment("vae", loss, "Loss", "squared error + weighted nats"),
    "gan": _experiment("gan", lambda run: run.history()["jsd"], "JSD", "nats"),
    "wgan": _experiment("wgan", lambda run: run.history()["wasserstein"], "EMD", "the critic's units"),
    "steps": Experiment(
        {"K = 1": ("gan", {}), "K = 3": ("gan", {"d_steps": 3})},
        functools.partial(figures.comparison, log="jsd", title="JSD", unit="nats"),
        "One and three steps of the discriminator to one of the generator. Above: the estimate of the Jensen-Shannon divergence, averaged over 1 % of the "
        "iterations. Below: samples of the same latents.",
    ),
}

ABOUT = About(
    title="CSI5340 at the University of Ottawa, assignment 4",
    text=(
        "The study trained a VAE, a GAN and a WGAN on MNIST and CIFAR-10 and asked what depth and latent size do to the images and to each "
        "model's loss or distance. "
        "Built here are the networks of its draft: a depth from 1 to 5 and 2, 20, 100 or 200 latents, at 32x32; its final version varied the "
        "image size instead of the depth. "
        "Its figures are curves of the VAE's loss, the GAN's JSD and the WGAN's EMD over the epochs, a line for each latent size, and grids of "
        "30 samples."
    ),
    slips=(
        (
            'Writes "e log(sigma^2)" in the KL divergence.',
            "exp(log(sigma^2)) = sigma^2: KL = -0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2), summed over the latents, averaged over the batch.",
        ),
        (
            "Writes z = N(sigma) * sigma + mu, with a sigma that the network gives without bounds.",
            "z = mu + exp(log_var / 2) * eps, eps ~ N(0, I). The head is the logarithm of the variance, finite where that of sigma^2 = 0 is not.",
        ),
        (
            "Weighs the KL divergence with .0025 (.025 on MNIST in the draft) beside a mean squared error, and sees two latents end at a loss "
            "of about .18.",
            "As (sum of squared errors) + beta * KL that is beta = 7.68 on 32x32x3 images in [-1, 1], and 25.6 on MNIST. Images here are in "
            "[0, 1], so `--kl_weight 0.000625`, the default, and 0.00625 are the study's weights.",
        ),
        (
            "Says that the GAN minimises the Jensen-Shannon divergence, and writes squared errors to the targets 0 and 1.",
            "Squared errors are the least squares GAN, the default, which minimises another quantity. `--adversarial minimax` is the game in "
            "which the generator, against the best discriminator, minimises JSD.",
        ),
        (
            "Ends the least squares discriminator in a sigmoid. The code has cross-entropy in its place, in the draft a sigmoid twice.",
            "Least squares on a linear output. `--adversarial non_saturating` is cross-entropy of the logits, with the sigmoid once.",
        ),
        (
            'The curves called "JSD" are of the generator\'s loss.',
            "The log jsd is ln 2 - 0.5 * (BCE(real, 1) + BCE(fake, 0)): from 0 to ln 2 = 0.693 at the best discriminator, lower at others. "
            "Outputs of least squares are read as probabilities from .01 to .99.",
        ),
        (
            'The curves called "EMD" are of -E[D(fake)].',
            "The log wasserstein is E[D(real)] - E[D(fake)], the estimate up to the critic's Lipschitz constant.",
        ),
        (
            "The GAN's algorithm returns a disc_loss that it never computes. The WGAN's shows neither alternation nor clipping.",
            "The discriminator moves first, then the generator. The WGAN's critic takes five steps to one, each followed by clipping to "
            "[-0.01, 0.01].",
        ),
        (
            "One pass of the code serves both updates: the generator learns from images made before the discriminator's step.",
            "Every step draws latents of its own and generates and judges anew, with the weights as they are by then.",
        ),
        (
            'The decoder is said to end in "conv, BN, tanh".',
            "No batch normalization before the tanh, as in the study's code.",
        ),
    ),
)
