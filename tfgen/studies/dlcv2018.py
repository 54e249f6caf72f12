"""Homework 4 of Deep Learning for Computer Vision, spring 2018: VAE, GAN, ACGAN and InfoGAN on CelebA at 64x64.

Layers, losses, optimizers and figures are those of the report that the figures `fig1_2` to `fig4_2` come from. Its
formula of the KL divergence, which has mu instead of mu^2, is corrected.
"""

import functools

import keras

from tfgen import figures, latents, losses, noise, optimizers, scores
from tfgen.models.acgan import ACGAN
from tfgen.models.gan import GAN
from tfgen.models.infogan import InfoGAN
from tfgen.models.vae import VAE
from tfgen.models.wgan_gp import WGANGP
from tfgen.networks import dcgan
from tfgen.studies.study import About, Experiment, Plot, Preset


def _adam(learning_rate: float) -> keras.optimizers.Optimizer:
    return optimizers.adam(learning_rate, beta_1=0.5)


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 512,
    kl_weight: float = 1e-2,
    kl_reduction: str = "mean",
    learning_rate: float = 2e-4,
) -> VAE:
    """The homework's VAE.

    The teachers' hint, `kl_weight=1e-5 kl_reduction=sum`, gives the divergence half the weight.
    """
    model = VAE(
        dcgan.encoder(image_shape, latent_dim, width),
        dcgan.decoder(image_shape, latent_dim, width),
        kl_weight=kl_weight,
        kl_reduction=kl_reduction,
    )
    model.compile(autoencoder=_adam(learning_rate))
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    adversarial: str = "non_saturating",
    d_steps: int = 1,
    g_steps: int = 2,
    d_learning_rate: float = 2e-4,
    g_learning_rate: float = 2e-4,
) -> GAN:
    """The homework's GAN: latents from U(-1, 1), two generator steps for each discriminator step."""
    model = GAN(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width),
        losses.adversarial(adversarial),
        d_steps=d_steps,
        g_steps=g_steps,
    )
    model.compile(discriminator=_adam(d_learning_rate), generator=_adam(g_learning_rate))
    return model


def acgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    adversarial: str = "non_saturating",
    d_learning_rate: float = 2e-4,
    g_learning_rate: float = 2e-4,
) -> ACGAN:
    """The homework's ACGAN, conditioned on one attribute."""
    model = ACGAN(
        dcgan.generator(image_shape, latent_dim, code_dim=1, width=width),
        dcgan.discriminator(image_shape, code_dim=1, width=width),
        losses.adversarial(adversarial),
    )
    model.compile(discriminator=_adam(d_learning_rate), generator=_adam(g_learning_rate))
    return model


def wgan_gp(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    gp_weight: float = 10.0,
    d_steps: int = 5,
    learning_rate: float = 1e-4,
) -> WGANGP:
    """The homework's networks trained as a WGAN-GP as in the paper.

    The critic has no batch normalization and takes five steps for each generator step; Adam(1e-4, 0, .9).
    """
    model = WGANGP(
        dcgan.generator(image_shape, latent_dim, width=width),
        dcgan.discriminator(image_shape, width=width, batch_norm=False),
        gp_weight,
        noise.uniform,
        d_steps,
    )
    adam = functools.partial(optimizers.adam, learning_rate, beta_1=0.0, beta_2=0.9)
    model.compile(discriminator=adam(), generator=adam())
    return model


def wgan_gp_faithful(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 100,
    gp_weight: float = 10.0,
    d_steps: int = 1,
    g_steps: int = 2,
    learning_rate: float = 2e-4,
) -> WGANGP:
    """The homework's WGAN-GP, with its five errors.

    The gradient's norm is taken over columns, one epsilon mixes the whole batch, the critic has batch normalization and
    takes one step for each two generator steps, and the optimizer is Adam(2e-4, .5, .999).
    """
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


def _infogan(
    image_shape: tuple[int, int, int],
    width: float,
    latent_dim: int,
    categories: tuple[int, ...],
    continuous: int,
    shared_trunk: bool,
    rates: tuple[float, float, float],
    continuous_weight: float = 4.0,
) -> InfoGAN:
    discriminator = dcgan.discriminator(image_shape, width=width, features=True)
    model = InfoGAN(
        dcgan.generator(image_shape, latent_dim, sum(categories) + continuous, width),
        discriminator,
        dcgan.recognizer(discriminator.output["features"].shape[-1], categories, continuous, width),
        losses.adversarial("non_saturating"),
        categories,
        continuous,
        continuous_weight,
        shared_trunk,
    )
    model.compile(**{player: _adam(rate) for player, rate in zip(model.players, rates, strict=True)})
    return model


def infogan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 64,
    shared_trunk: bool = False,
    d_learning_rate: float = 2e-4,
    g_learning_rate: float = 2e-4,
    q_learning_rate: float = 2e-4,
) -> InfoGAN:
    """The homework's InfoGAN: 64 latents and five categorical codes of ten values."""
    rates = (d_learning_rate, g_learning_rate, q_learning_rate)
    return _infogan(image_shape, width, latent_dim, (10,) * 5, 0, shared_trunk, rates)


def infogan_mixed(
    image_shape: tuple[int, int, int],
    *,
    width: float = 1.0,
    latent_dim: int = 62,
    continuous_weight: float = 4.0,
    shared_trunk: bool = False,
    d_learning_rate: float = 2e-4,
    g_learning_rate: float = 2e-4,
    q_learning_rate: float = 2e-4,
) -> InfoGAN:
    """The InfoGAN paper's codes for MNIST on faces: one categorical code of ten values and two continuous codes.

    `continuous_weight` is that of the paper's authors, converted to codes in [0, 1]. In the homework, the loss of the
    codes has no gradient in the discriminator. Use `shared_trunk=true g_learning_rate=1e-3` to train as in the paper.
    """
    rates = (d_learning_rate, g_learning_rate, q_learning_rate)
    return _infogan(image_shape, width, latent_dim, (10,), 2, shared_trunk, rates, continuous_weight)


# The homework allows GANs to train on the training and the test pictures.
_adversarial = functools.partial(Preset, data="faces", split="all", batch_size=64, epochs=300)

_CODES = [
    Plot(
        functools.partial(figures.category_grid, code=code),
        f"Columns: the ten values of code {code + 1} of five. Rows: one latent and one sample of the other four codes "
        "each.",
    )
    for code in (0, 1)
]

PRESETS = {
    "vae": Preset(
        build=vae,
        data="faces",
        split="train",
        batch_size=64,
        epochs=144,  # the 90,000 iterations of the study's curves; it allowed 200, and stopped early
        parameters={"encoder": 5_274_368, "decoder": 2_792_099},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig1_2.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"reconstruction": "MSE", "kl": "KLD"}),
                "The losses of the VAE, one point per iteration. Left: the squared error, averaged over pixels "
                "with values from 0 to 1. Right: the KL divergence of the posterior from N(0, I) in nats, averaged "
                "over the latents (summed with `--kl_reduction sum`).",
            ),
            "fig1_3.jpg": Plot(
                figures.reconstructions,
                "Upper row: the first ten test pictures. Lower row: their reconstructions from the mean codes.",
            ),
            "fig1_4.jpg": Plot(figures.samples, "32 pictures decoded from latents sampled from N(0, I)."),
            "fig1_5.jpg": Plot(
                functools.partial(figures.latent_tsne, attribute="Male"),
                "t-SNE of the test pictures' mean codes, colored by an attribute, which `report --attribute` "
                "selects. The axes of t-SNE have no unit: only neighborhoods are meaningful.",
                ("attribute",),
            ),
            "fig1_4_worst.jpg": Plot(
                figures.farthest_sample,
                "A bad sample, as discussed in the homework: the one of 32 samples that is farthest from every "
                "test picture (root mean squared difference of values from 0 to 1), next to its nearest test "
                "picture.",
            ),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _adversarial(
        build=gan,
        parameters={"discriminator": 1_083_137, "generator": 1_104_547},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig2_2.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
                "The GAN's losses, one point per iteration, in nats for the default objective. At equilibrium, the "
                "D loss would be 2 ln 2 = 1.386 and the G loss ln 2 = .693. A D loss near 0 and a G loss above "
                ".693 mean that the discriminator is winning.",
            ),
            "fig2_3.jpg": Plot(figures.samples, "32 pictures generated from latents sampled from U(-1, 1)."),
            "fig2_3_worst.jpg": Plot(
                figures.farthest_sample,
                "A bad sample: the one of 32 samples that is farthest from every test picture (root mean squared "
                "difference of values from 0 to 1), next to its nearest test picture.",
            ),
        },
        score=scores.sample_quality,
    ),
    "acgan": _adversarial(
        build=acgan,
        parameters={"discriminator": 1_087_234, "generator": 1_108_643},
        attributes=("Smiling",),
        samples=functools.partial(latents.attribute_pairs, n=10),
        sample_columns=10,
        figures={
            "fig3_2.jpg": Plot(
                figures.attribute_curves,
                "The discriminator's attribute head on real and on generated pictures: pale for each iteration, "
                "strong for the mean of each epoch. Left: the cross-entropy in nats. Right: the accuracy on the "
                "attribute, not on real versus generated.",
            ),
            "fig3_3.jpg": Plot(
                figures.attribute_grid,
                "Ten latents, one per column. Upper row: conditioned on the absence of the attribute. Lower row: the "
                "same latents, conditioned on its presence.",
            ),
        },
        score=scores.attribute_fidelity,
    ),
    "wgan_gp": _adversarial(
        build=wgan_gp,
        parameters={"discriminator": 1_082_177, "generator": 1_104_547},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "wgan_gp.jpg": Plot(
                figures.samples, "32 pictures of the corrected WGAN-GP, generated from latents sampled from U(-1, 1)."
            ),
            "wgan_gp_curves.jpg": Plot(
                functools.partial(
                    figures.learning_curves, panels={"wasserstein": "EMD", "gradient_penalty": "Gradient penalty"}
                ),
                "Left: the critic's estimate of the earth mover's distance, E[D(real)] - E[D(fake)], in the "
                "critic's units. Right: the mean squared deviation of the norm of its gradient from 1, which has "
                "no unit.",
            ),
        },
        score=scores.sample_quality,
    ),
    "wgan_gp_faithful": _adversarial(
        build=wgan_gp_faithful,
        parameters={"discriminator": 1_083_137, "generator": 1_104_547},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "wgan_gp_faithful.jpg": Plot(
                figures.samples,
                "32 pictures of the homework's WGAN-GP with its five errors, generated from latents sampled from "
                "U(-1, 1).",
            )
        },
        score=scores.sample_quality,
    ),
    "infogan": _adversarial(
        build=infogan,
        parameters={"discriminator": 1_083_137, "generator": 1_161_891, "recognizer": 531_122},
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        # The report's text and its files spell these names differently.
        figures={"fig4_1.jpg": _CODES[0], "fig4_01.jpg": _CODES[0], "fig4_2.jpg": _CODES[1], "fig4_02.jpg": _CODES[1]},
        score=scores.code_quality(5),
    ),
    "infogan_mixed": _adversarial(
        build=infogan_mixed,
        parameters={"discriminator": 1_083_137, "generator": 998_051, "recognizer": 526_220},
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        figures={
            f"infogan_mixed_{code}.jpg": Plot(
                functools.partial(figures.mixed_code_grid, code=code),
                f"Columns: {what}. The other codes are fixed (at the last category, and at .5 for continuous codes); "
                "each row has one latent.",
            )
            for code, what in enumerate(
                [
                    "the ten values of the categorical code",
                    "the first continuous code, from -.5 to 1.5 in even steps (it was trained on 0 to 1)",
                    "the second continuous code, from -.5 to 1.5 in even steps (it was trained on 0 to 1)",
                ]
            )
        },
        score=scores.code_quality(1, 2),
    ),
}

EXPERIMENTS = {
    "kl_weight": Experiment(
        {
            "1e-2, mean": ("vae", {}),
            "1e-5, sum (the hint)": ("vae", {"kl_weight": 1e-5, "kl_reduction": "sum"}),
            "1e-5, mean": ("vae", {"kl_weight": 1e-5}),
        },
        functools.partial(
            figures.comparison, log="reconstruction", title="MSE", unit="mean squared error of values from 0 to 1"
        ),
        "The VAE with three weights of the KL divergence: the homework's weight for the mean over 512 latents, the "
        "teachers' hint for the sum, and the hint's weight for the mean. Top: the squared error, averaged over 1 % "
        "of the iterations. Bottom: pictures decoded from samples of the prior.",
    ),
    "penalty": Experiment(
        {"right": ("wgan_gp", {}), "faithful": ("wgan_gp_faithful", {})},
        functools.partial(
            figures.comparison, log="wasserstein", title="EMD", unit="E[D(real)] - E[D(fake)], the critic's units"
        ),
        "The corrected WGAN-GP and the homework's with its five errors. Top: each critic's own estimate of the "
        "distance, averaged over 1 % of the iterations; the two critics have different units. Bottom: pictures "
        "generated from the same latents.",
    ),
    "blur": Experiment(
        {"VAE": ("vae", {}), "GAN": ("gan", {})},
        figures.sharpness_rows,
        "The blur of the VAE's and the GAN's pictures. Next to each row: the energy of its detail in two frequency "
        "bands, of neighboring pixels (fine) and of blocks of 2x2 pixels (coarse), relative to that of the test "
        "pictures, over up to 64 pictures. Blur lowers both. A high fine band alone is no sharpness but grain or a "
        "checkerboard pattern, as the gray pictures show, which have nothing but noise of standard deviation .035.",
        alike=False,
    ),
}

ABOUT = About(
    title="Homework 4 of Deep Learning for Computer Vision, spring 2018",
    text=(
        "The study trained a VAE, a GAN, an ACGAN conditioned on whether a face smiles, an InfoGAN and a WGAN-GP "
        "on CelebA faces of 64x64: 40,000 training and 2,621 test images with 13 binary attributes. The VAE was "
        "trained on the training images only, and the GANs on all 42,621, as the homework allows. Its figures show "
        "the VAE's curves, reconstructions, samples and a t-SNE of its mean codes (fig1_2 to fig1_5), the GAN's "
        "losses and samples (fig2_2, fig2_3), the ACGAN's attribute losses and pairs of one latent under both "
        "conditions (fig3_2, fig3_3), and grids over the InfoGAN's codes (fig4_1, fig4_2)."
    ),
    slips=(
        (
            "The text writes the KL divergence as 0.5 * mean(exp(log_var) + mu - 1 - log_var).",
            "The term is mu^2, not mu, as in the study's own code: 0.5 * mean(exp(log_var) + mu^2 - 1 - log_var), "
            "the mean over 512 latents.",
        ),
        (
            "The KL divergence has a weight of 1e-2, although the teachers' hint is 1e-5. The study assumes that "
            "one is for the mean over the latents and the other for the sum.",
            "In the form (sum of squared errors) + beta * (sum of KL) they are beta = 0.24 and 0.123, the same "
            "within a factor of two. Use `--kl_weight 1e-5 --kl_reduction sum` for the hint.",
        ),
        (
            '"The sampler generates 512 samples from N(0, 1)."',
            "One sample of 512 numbers for each image: z = mean + exp(log_var / 2) * eps, eps ~ N(0, I).",
        ),
        (
            "The study reports a test error of .005205 with sampled latents, but shows reconstructions from the "
            "mean (fig1_3). The text selects the checkpoint by the test error, the code by the test loss.",
            "`evaluate` gives both errors, test_mse_mean_code and test_mse_sampled_code. `--evaluate_every` and "
            "`--early_stopping` use the former.",
        ),
        (
            'The GAN "reaches Nash equilibrium".',
            "At equilibrium, the discriminator's loss would be 2 ln 2 = 1.386 and the generator's ln 2 = 0.693. In "
            "the study's curves, they fall to about 0 and rise above 5: the discriminator has won.",
        ),
        (
            'The right panel of fig3_2 is called "Accuracy of Discriminator".',
            "It shows how often the discriminator predicts the attribute correctly, not how often it separates "
            "real from generated images. The logs are aux_accuracy_real and aux_accuracy_fake.",
        ),
        (
            "The study concludes that the WGAN-GP's lambda needs tuning. However, its penalty takes the norm of "
            "the gradient over the height of the image only, and mixes the whole batch with one epsilon.",
            "The norm over all values of an image is driven to 1, and each image has its own epsilon (model "
            "`wgan_gp`). `experiment dlcv2018/penalty` compares it with the study's version, `wgan_gp_faithful`.",
        ),
        (
            "The WGAN-GP's critic has batch normalization, takes one step for every two generator steps, and is "
            "trained with Adam(2e-4, .5, .999).",
            "No batch normalization in the critic, five critic steps for each generator step, Adam(1e-4, 0, .9), as "
            "in the paper. `wgan_gp_faithful` keeps all of the study's choices.",
        ),
        (
            'InfoGAN: the loss contains an "entropy" of the one-hot codes themselves, which is 0 and has no '
            "gradient. The rest is called a binary cross-entropy.",
            "The loss is the categorical cross-entropy CE of the codes. The log mutual_information is the bound "
            "H(c) - CE with H(c) = 5 ln 10 = 11.513 nats; it is 0 for guesses at random.",
        ),
        (
            "InfoGAN: continuous codes have the loss -sum(c * log q), which is not a log-density.",
            "The negative log-likelihood of a Gaussian without its constant, 0.5 * sum((c - mean)^2), with a weight of "
            "4 (model `infogan_mixed`): the code of InfoGAN's authors has a weight of 1 for codes from -1 to 1. With "
            "`--continuous_weight 0.1`, the generator ignores these codes. The log mutual_information includes them, "
            "and continuous_information is their part.",
        ),
        (
            "InfoGAN: training uses codes in the order [categorical, continuous], but sampling [continuous, "
            "categorical]. Therefore two of the three grids vary two entries of the one-hot categorical code.",
            "The order is the same everywhere, with categorical codes first. The continuous codes vary from -0.5 "
            "to 1.5, as the study intended.",
        ),
        (
            "InfoGAN: the images are never shuffled, the recognizer's batch normalization is never trained, and "
            "the loss of the codes has no gradient in the discriminator.",
            "Images are shuffled in every epoch, and the normalization is trained with the recognizer. "
            "`--shared_trunk true` also trains the discriminator's layers on the codes, as in the paper; the "
            "default is the study's choice.",
        ),
    ),
)
