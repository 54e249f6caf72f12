"""CSI5340 at the University of Ottawa, assignment 4: VAE, GAN and WGAN of chosen depth and latent size on MNIST and
CIFAR-10.

The study asks how depth (1 to 5) and latent size (2, 20, 100, 200) change the pictures and each model's loss or
distance. Layers, optimizers and batch sizes are those of its draft; the default depth of GAN and WGAN
gives exactly 32x32. The argument `networks=final` builds the networks of its final version. Three things are
corrected: the exponential in the KL divergence; the encoder's head, which outputs log-variances instead of sigmas; and
the curves called JSD and EMD, which showed the loss of a player. Here, `jsd` and `wasserstein` are estimates of the
distances. The study's pictures were in [-1, 1], where a squared error is four times as large as here.

The study made 40 passes over its data, 48 for the WGAN. On MNIST its generator took 9,000 steps, about as many as in
400 passes over the 1,500 built-in digits.
"""

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np

from tfgen import UserError, figures, latents, losses, noise, optimizers, scores
from tfgen.models.base import GenerativeModel
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.models.wgan import WGAN
from tfgen.networks import blocks, variable_depth
from tfgen.protocols import Run
from tfgen.scores import Score
from tfgen.studies.study import About, Experiment, Plot, Preset


def _depth(networks: str, depth: int, draft: int, final: int) -> int:
    """The depth of a network: as given in the draft, `final` in the final version.

    Args:
        networks: "draft" or "final".
        depth: the argument given.
        draft: its default.
        final: the depth that belongs to the image size.

    Raises:
        UserError: for other networks, or a depth that the final version does not have.
    """
    if networks not in ("draft", "final"):
        raise UserError(f"networks must be draft or final, not {networks!r}.")
    if networks == "draft":
        return depth
    if depth not in (draft, final):
        raise UserError(
            f"the final version's depth follows from the image size, here {final}: leave out depth {depth}."
        )
    return final


def _players(
    image_shape: tuple[int, int, int], networks: str, latent_dim: int, depth: int, width: float
) -> tuple[keras.Model, keras.Model]:
    """(generator, discriminator) of the GAN and the WGAN."""
    depth = _depth(networks, depth, 4, blocks.halvings(image_shape[0]))
    if networks == "final":
        return (
            variable_depth.final_generator(image_shape, latent_dim, width),
            variable_depth.final_discriminator(image_shape, width),
        )
    return (
        variable_depth.generator(image_shape, latent_dim, depth, width),
        variable_depth.discriminator(image_shape, depth, width),
    )


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    networks: str = "draft",
    depth: int = 5,
    latent_dim: int = 100,
    kl_weight: float = 0.0025 / 4,
    learning_rate: float = 3e-4,
) -> VAE:
    """The study's VAE, of a depth from 1 to 5.

    With `networks=final`, the depth is that of the final version: 3 at 16x16, 4 at 32x32 and 5 at 64x64. The layers are
    the draft's, as it is not known whether the final version changed them.

    The study's KL weight of .0025 is divided by 4, as pictures in [0, 1] have a quarter of the squared error; its draft
    used .025 on MNIST.
    """
    depth = _depth(networks, depth, 5, blocks.halvings(image_shape[0]) + 1)
    model = VAE(
        variable_depth.encoder(image_shape, latent_dim, depth, width),
        variable_depth.decoder(image_shape, latent_dim, depth, width),
        kl_weight,
    )
    model.compile(autoencoder=optimizers.adam(learning_rate))
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    networks: str = "draft",
    depth: int = 4,
    latent_dim: int = 128,
    adversarial: str = "least_squares",
    d_steps: int = 1,
    learning_rate: float = 2e-4,
) -> GAN:
    """The least squares GAN of the study's text, without a sigmoid.

    `adversarial=non_saturating` is the loss in the study's code. `networks=final` are the DCGAN-like networks of the
    final version, whose depth follows from the image size: 2 at 16x16, 3 at 32x32 and 4 at 64x64.
    """
    probabilities = adversarial == "least_squares"
    model = GAN(
        *_players(image_shape, networks, latent_dim, depth, width),
        losses.adversarial(adversarial),
        noise.normal,
        d_steps,
        readings={"jsd": losses.jensen_shannon_of_probabilities if probabilities else losses.jensen_shannon},
    )
    adam = functools.partial(optimizers.adam, learning_rate, beta_1=0.5)
    model.compile(discriminator=adam(), generator=adam())
    return model


def wgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    networks: str = "draft",
    depth: int = 4,
    latent_dim: int = 128,
    clip: float = 0.01,
    d_steps: int = 5,
    learning_rate: float = 5e-5,
) -> WGAN:
    """The study's WGAN with weight clipping.

    Gradients vanish in a clipped critic of five layers with few channels. `networks=final` is as in `gan`.
    """
    model = WGAN(
        *_players(image_shape, networks, latent_dim, depth, width),
        clip,
        d_steps=d_steps,
    )
    # The study used PyTorch's defaults: epsilon = 1e-8 outside the root. Keras's 1e-7 inside the root would dominate
    # the small gradients of a clipped critic.
    rmsprop = functools.partial(keras.optimizers.RMSprop, learning_rate, rho=0.99, epsilon=1e-16)
    model.compile(discriminator=rmsprop(), generator=rmsprop())
    return model


def wgan_long(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    networks: str = "final",
    depth: int = 4,
    latent_dim: int = 100,
    clip: float = 0.01,
    d_steps: int = 5,
    learning_rate: float = 5e-5,
) -> WGAN:
    """The WGAN of the study's final version with 100 latents, trained for twice as many epochs as the others."""
    return wgan(
        image_shape,
        width=width,
        networks=networks,
        depth=depth,
        latent_dim=latent_dim,
        clip=clip,
        d_steps=d_steps,
        learning_rate=learning_rate,
    )


def _preset(
    name: str,
    build: Callable[..., GenerativeModel],
    panels: dict[str, str],
    caption: str,
    score: Score,
    more: dict[str, Plot] | None = None,
    *,
    parameters: dict[str, int],
    iterations: int = 37_500,  # 40 epochs of MNIST's 60,000 images
) -> Preset:
    return Preset(
        build=build,
        data="digits",
        split="train",
        batch_size=64,
        iterations=iterations,
        samples=functools.partial(latents.prior_samples, n=30),
        sample_columns=6,  # the study's grids
        figures={
            f"csi5340_{name}_curves.jpg": Plot(functools.partial(figures.learning_curves, panels=panels), caption),
            f"csi5340_{name}_samples.jpg": Plot(
                functools.partial(figures.samples_and_real, n=30, columns=6, split="train"),
                "Pictures generated from latents sampled from N(0, I), next to training pictures.",
            ),
            f"csi5340_{name}_epochs.jpg": Plot(
                figures.training_grids,
                "Pictures from the same 30 latents after 2/5, 3/5, 4/5 and all of the epochs, as in the study.",
            ),
            **(more or {}),
        },
        score=score,
        parameters=parameters,
    )


def _wgan(name: str, build: Callable[..., GenerativeModel], parameters: dict[str, int], iterations: int) -> Preset:
    return _preset(
        name,
        build,
        {"g_loss": "G loss", "wasserstein": "EMD"},
        "Left: the generator's loss, -E[D(fake)], which the study's final version plotted as the distance. Right: "
        "the estimate of the distance, E[D(real)] - E[D(fake)]. Both are in the critic's units.",
        scores.sample_quality,
        parameters=parameters,
        iterations=iterations,
    )


PRESETS = {
    "vae": dataclasses.replace(
        _preset(
            "vae",
            vae,
            {"reconstruction": "MSE", "kl": "KLD"},
            "Left: the squared error, averaged over pixels with values from 0 to 1: a quarter of the study's, whose "
            "pixels have values from -1 to 1. Right: the KL divergence of the posterior from N(0, I), in nats.",
            scores.reconstruction_errors,
            {
                "csi5340_vae_epochs.jpg": Plot(
                    figures.reconstruction_grids,
                    "Left: 30 training pictures. Right of them: their reconstructions from the mean codes after 2/5, "
                    "3/5, 4/5 and all of the epochs.",
                ),
                "csi5340_vae_classes.jpg": Plot(
                    functools.partial(figures.class_reconstructions, split="train"),
                    "A training picture of each class, and five pictures decoded from samples of its posterior.",
                ),
            },
            parameters={"encoder": 1_935_240, "decoder": 1_784_609},
        ),
        samples=latents.reconstructions,
        originals=30,
    ),
    "gan": _preset(
        "gan",
        gan,
        {"d_loss": "D loss", "jsd": "JSD"},
        "Left: the discriminator's loss, which has no unit for the default, least squares. Right: the estimate of "
        "the Jensen-Shannon divergence between generated and real pictures, in nats: at most ln 2 = .693, and "
        "negative if the discriminator is worse than guessing. The study's final version plotted the generator's loss "
        "under this name.",
        scores.sample_quality,
        parameters={"discriminator": 389_249, "generator": 683_713},
    ),
    # 48 epochs of MNIST, with five batches for each iteration
    "wgan": _wgan("wgan", wgan, {"discriminator": 389_249, "generator": 683_713}, iterations=9_000),
    # Figure 39 of the study's final version shows its WGAN after 40, 60, 80 and 100 epochs, the others after 20 to 50.
    "wgan_long": _wgan("wgan_long", wgan_long, {"discriminator": 661_697, "generator": 3_445_377}, iterations=18_000),
}


def loss(run: Run) -> np.ndarray:
    """The loss (n,) of a VAE at every iteration, squared error + kl_weight * KL divergence, on the study's scale.

    The study's pictures are in [-1, 1], so that its squared error and its kl_weight are four times those of the run.
    """
    history = run.history()
    return 4 * (history["reconstruction"] + run.record["arguments"]["kl_weight"] * history["kl"])


def _experiments(model: str, values: Callable[[Run], np.ndarray], title: str, unit: str) -> dict[str, Experiment]:
    """The study's curves of a model: each depth with each latent size in the draft, each latent size at one image size
    in the final version.
    """
    curves = functools.partial(figures.latent_curves, values=values, title=title, unit=unit)
    draft = {
        f"depth {depth}, {latent_dim} latents": (model, {"networks": "draft", "depth": depth, "latent_dim": latent_dim})
        for depth in (1, 2, 3, 4, 5)
        for latent_dim in (2, 20, 100, 200)
    }
    final = {
        f"{latent_dim} latents": (model, {"networks": "final", "latent_dim": latent_dim}) for latent_dim in (2, 20, 100)
    }
    return {
        model: Experiment(
            draft,
            curves,
            f"The effect of depth and latent size on the {model.upper()}: {title}, averaged over each epoch, with a "
            "panel for each depth and a line for each latent size.",
        ),
        f"{model}_final": Experiment(
            final,
            functools.partial(curves, panel=figures.size_of),
            f"The effect of the latent size on the {model.upper()} of the study's final version: {title}, averaged "
            "over each epoch, with a line for each latent size. The study has such a figure for pictures of 16x16, "
            "32x32 and 64x64 (`--image_size`).",
        ),
    }


EXPERIMENTS = {
    **_experiments("vae", loss, "Loss", "squared error in [-1, 1] + weighted nats"),
    **_experiments("gan", lambda run: run.history()["jsd"], "JSD", "nats"),
    **_experiments("wgan", lambda run: run.history()["wasserstein"], "EMD", "the critic's units"),
    "kl_weight": Experiment(
        {
            "KL factor .00025": ("vae", {"kl_weight": 0.00025 / 4}),
            "KL factor .0025": ("vae", {"kl_weight": 0.0025 / 4}),
            "KL factor .025": ("vae", {"kl_weight": 0.025 / 4}),
        },
        figures.compared_reconstructions,
        "The study's three weights of the KL divergence: its code's default, and those of its runs on CIFAR-10 and, in "
        "the draft, on MNIST. They belong to pictures in [-1, 1], and are divided by 4 here. Left: training pictures. "
        "Right of them: their reconstructions from the mean codes after 2/5, 3/5, 4/5 and all of the epochs.",
    ),
    "steps": Experiment(
        {"K = 1": ("gan", {}), "K = 3": ("gan", {"d_steps": 3})},
        functools.partial(figures.comparison, log="jsd", title="JSD", unit="nats"),
        "One and three discriminator steps for each generator step. Top: the estimate of the Jensen-Shannon "
        "divergence, averaged over 1 % of the iterations. Bottom: pictures generated from the same latents.",
    ),
}

ABOUT = About(
    title="CSI5340 at the University of Ottawa, assignment 4",
    text=(
        "The study trained a VAE, a GAN and a WGAN on MNIST and CIFAR-10 and asked how depth and latent size "
        "change the images and each model's loss or distance. Its draft used depths from 1 to 5 and 2, 20, 100 or "
        "200 latents, at 32x32. Its final version has a GAN and a WGAN with DCGAN's layers, and varied the image "
        "size, 16, 32 or 64, instead of the depth: `--networks final`. The figures are curves of the VAE's loss, "
        "the GAN's JSD and the WGAN's EMD over the epochs, with a line for each latent size, grids of 30 pictures "
        "over the epochs, and generated pictures next to training pictures."
    ),
    slips=(
        (
            'The KL divergence contains "e log(sigma^2)".',
            "exp(log(sigma^2)) = sigma^2: KL = -0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2), summed over the latents "
            "and averaged over the batch.",
        ),
        (
            "The study writes z = N(sigma) * sigma + mu, with an unbounded sigma from the network.",
            "z = mu + exp(log_var / 2) * eps, eps ~ N(0, I). The head outputs the logarithm of the variance, so "
            "the divergence is always finite; log(sigma^2) is not finite at sigma = 0.",
        ),
        (
            "The KL divergence has a weight of .0025 (.025 on MNIST in the draft) relative to a mean squared "
            "error. With two latents, the final loss is about .18.",
            "In the form (sum of squared errors) + beta * KL this is beta = 7.68 on 32x32x3 images in [-1, 1], and "
            "25.6 on MNIST. Images here are in [0, 1], so the study's weights are `--kl_weight 0.000625`, the "
            "default, and 0.00625.",
        ),
        (
            "The study says that the GAN minimizes the Jensen-Shannon divergence, but uses squared errors to the "
            "targets 0 and 1.",
            "Squared errors define the least-squares GAN, the default, which minimizes a different divergence. "
            "With `--adversarial minimax` and an optimal discriminator, the generator minimizes the JSD.",
        ),
        (
            "The least-squares discriminator ends in a sigmoid. The code uses cross-entropy instead, with two "
            "sigmoids in a row in the draft.",
            "The output for least squares is linear. `--adversarial non_saturating` uses the cross-entropy of "
            "logits, with one sigmoid.",
        ),
        (
            'The curves called "JSD" show a loss, that of the discriminator in the draft and that of the generator in '
            "the final version.",
            "The log jsd is ln 2 - 0.5 * (BCE(real, 1) + BCE(fake, 0)): from 0 to ln 2 = 0.693 for the optimal "
            "discriminator, and lower for others. Least-squares outputs are clipped to probabilities from .01 to "
            ".99.",
        ),
        (
            'The curves called "EMD" show a loss, that of the critic in the draft and that of the generator, '
            "-E[D(fake)], in the final version.",
            "The log wasserstein is E[D(real)] - E[D(fake)], which estimates the distance up to the critic's "
            "Lipschitz constant.",
        ),
        (
            "The GAN's algorithm returns a disc_loss that it never computes. The WGAN's algorithm shows neither the "
            "alternation nor the clipping.",
            "The discriminator is updated first, then the generator. The WGAN's critic takes five steps for each step "
            "of the generator, each followed by clipping to [-0.01, 0.01].",
        ),
        (
            "The first versions of the code, of 16 and 17 November, use one forward pass for both updates: the "
            "generator is trained on images generated before the discriminator's step. The draft, whose networks are "
            "the default here, and the final version generate images again.",
            "As in the draft: every step samples its own latents, and generates and scores images with the current "
            "weights.",
        ),
        (
            'The text says that the decoder ends in "conv, BN, tanh".',
            "There is no batch normalization before the tanh, as in the study's code.",
        ),
    ),
)
