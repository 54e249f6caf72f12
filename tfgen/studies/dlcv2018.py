"""Homework 4 of Deep Learning for Computer Vision, spring 2018: VAE, GAN and ACGAN on CelebA at 64x64.

Layers, losses, optimizers and figures are those of the report the figures `fig1_2` to `fig3_3` come from, with its
formulas corrected: its text writes the divergence with mu where mu^2 is meant.
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
from tfgen.studies.study import About, Experiment, Plot, Preset


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


def acgan(
    image_shape, *, width=1.0, latent_dim=100, adversarial="non_saturating", d_learning_rate=2e-4, g_learning_rate=2e-4
):
    """The homework's ACGAN on one attribute."""
    model = ACGAN(
        dcgan.generator(image_shape, latent_dim, code_dim=1, width=width),
        dcgan.discriminator(image_shape, code_dim=1, width=width),
        losses.adversarial(adversarial),
    )
    model.compile(discriminator=_adam(d_learning_rate), generator=_adam(g_learning_rate))
    return model


def wgan_gp(image_shape, *, width=1.0, latent_dim=100, gp_weight=10.0, d_steps=5, learning_rate=1e-4):
    """The homework's networks under the paper's WGAN-GP: a critic without batch normalization, five steps of it,
    Adam(1e-4, 0, .9).
    """
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


def wgan_gp_faithful(
    image_shape, *, width=1.0, latent_dim=100, gp_weight=10.0, d_steps=1, g_steps=2, learning_rate=2e-4
):
    """The homework's WGAN-GP with its five slips: the norm over columns, one mix a batch, batch normalization, 1:2
    steps, Adam(2e-4, .5, .999).
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
    image_shape,
    *,
    width=1.0,
    latent_dim=64,
    shared_trunk=False,
    d_learning_rate=2e-4,
    g_learning_rate=2e-4,
    q_learning_rate=2e-4,
):
    """The homework's InfoGAN: 64 latents and five codes of ten values."""
    return _infogan(
        image_shape, width, latent_dim, (10,) * 5, 0, shared_trunk, (d_learning_rate, g_learning_rate, q_learning_rate)
    )


def infogan_mixed(
    image_shape,
    *,
    width=1.0,
    latent_dim=62,
    shared_trunk=False,
    d_learning_rate=2e-4,
    g_learning_rate=2e-4,
    q_learning_rate=2e-4,
):
    """The InfoGAN paper's MNIST codes on faces: one code of ten values and two continuous ones.

    The homework lets the codes' loss stop at the discriminator. `shared_trunk=true g_learning_rate=1e-3` is the paper's
    training.
    """
    return _infogan(
        image_shape, width, latent_dim, (10,), 2, shared_trunk, (d_learning_rate, g_learning_rate, q_learning_rate)
    )


# The homework lets GANs train on train and test pictures together.
_adversarial = functools.partial(Preset, data="faces", split="all", batch_size=64, epochs=300)

_CODES = [
    Plot(
        functools.partial(figures.category_grid, code=code),
        f"Columns: the ten values of code {code + 1} of five. Rows: each has one latent, and one draw of the other four codes, for all its pictures.",
    )
    for code in (0, 1)
]

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
            "fig1_2.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"reconstruction": "MSE", "kl": "KLD"}),
                "The VAE's training, an iteration a point. Left: the squared error, a mean over pixels with values from 0 to 1. Right: the "
                "divergence of the codes from N(0, I) in nats, a mean over the latents (with `--kl_reduction sum` their sum).",
            ),
            "fig1_3.jpg": Plot(
                figures.reconstructions,
                "Upper row: the first ten test pictures. Lower row: what the decoder makes of their mean codes.",
            ),
            "fig1_4.jpg": Plot(figures.samples, "32 pictures decoded from latents drawn from N(0, I)."),
            "fig1_5.jpg": Plot(
                functools.partial(figures.latent_tsne, attribute="Male"),
                "t-SNE of the test pictures' mean codes, coloured by an attribute (`report --attribute` chooses it). The axes are t-SNE's own and "
                "have no unit: only who is near whom means something.",
                ("attribute",),
            ),
            "fig1_4_worst.jpg": Plot(
                figures.farthest_sample,
                "A bad sample, as the homework discusses one: of the 32 the one farthest from every test picture (root of the mean squared difference "
                "of values from 0 to 1), beside the test picture nearest to it.",
            ),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _adversarial(
        build=gan,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "fig2_2.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
                "The GAN's losses, an iteration a point; in nats, as of the default objective. At its equilibrium D's would be 2 ln 2 = 1.386 and G's "
                "ln 2 = .693: a D loss near 0 beside a G loss above that says that the discriminator is winning.",
            ),
            "fig2_3.jpg": Plot(figures.samples, "32 pictures of latents drawn from U(-1, 1)."),
            "fig2_3_worst.jpg": Plot(
                figures.farthest_sample,
                "A bad sample: of the 32 the one farthest from every test picture (root of the mean squared difference of values from 0 to 1), "
                "beside the test picture nearest to it.",
            ),
        },
        score=scores.sample_quality,
    ),
    "acgan": _adversarial(
        build=acgan,
        attributes=("Smiling",),
        samples=functools.partial(latents.attribute_pairs, n=10),
        sample_columns=10,
        figures={
            "fig3_2.jpg": Plot(
                figures.attribute_curves,
                "The discriminator's attribute head on real and on generated pictures, pale by iteration, strong by epoch. Left: its cross-entropy in "
                "nats. Right: the share it reads rightly. It is the accuracy on the attribute, not on real against generated.",
            ),
            "fig3_3.jpg": Plot(
                figures.attribute_grid,
                "Ten latents, a column each. Upper row: told that the attribute is absent. Lower row: the same latents, told that it is there.",
            ),
        },
        score=scores.attribute_fidelity,
    ),
    "wgan_gp": _adversarial(
        build=wgan_gp,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "wgan_gp.jpg": Plot(figures.samples, "32 pictures of the right WGAN-GP: latents drawn from U(-1, 1)."),
            "wgan_gp_curves.jpg": Plot(
                functools.partial(
                    figures.learning_curves, panels={"wasserstein": "EMD", "gradient_penalty": "Gradient penalty"}
                ),
                "Left: the critic's estimate of the earth mover's distance, E[D(real)] - E[D(fake)], in the critic's units. Right: the mean squared "
                "deviation of its slope from 1, which has no unit.",
            ),
        },
        score=scores.sample_quality,
    ),
    "wgan_gp_faithful": _adversarial(
        build=wgan_gp_faithful,
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "wgan_gp_faithful.jpg": Plot(
                figures.samples,
                "32 pictures of the homework's WGAN-GP with its five slips: latents drawn from U(-1, 1).",
            )
        },
        score=scores.sample_quality,
    ),
    "infogan": _adversarial(
        build=infogan,
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        # The report's text and its files spell these names differently.
        figures={"fig4_1.jpg": _CODES[0], "fig4_01.jpg": _CODES[0], "fig4_2.jpg": _CODES[1], "fig4_02.jpg": _CODES[1]},
        score=scores.code_quality(5),
    ),
    "infogan_mixed": _adversarial(
        build=infogan_mixed,
        samples=functools.partial(latents.category_sweep, code=0, rows=4),
        sample_columns=10,
        figures={
            f"infogan_mixed_{code}.jpg": Plot(
                functools.partial(figures.mixed_code_grid, code=code),
                f"Columns: {what}. The other codes stay (the last category, .5 for continuous ones), and each row has one latent.",
            )
            for code, what in enumerate(
                [
                    "the ten values of the categorical code",
                    "the first continuous code, from -.5 to 1.5 in even steps; it was trained on 0 to 1",
                    "the second continuous code, from -.5 to 1.5 in even steps; it was trained on 0 to 1",
                ]
            )
        },
        score=scores.code_quality(1),
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
        "The VAE under three weights of the divergence: the homework's on the mean over 512 latents, its teachers' on the sum, and theirs on the "
        "mean. Above: the squared error, averaged over 1 % of the iterations. Below: samples of the prior.",
    ),
    "penalty": Experiment(
        {"right": ("wgan_gp", {}), "faithful": ("wgan_gp_faithful", {})},
        functools.partial(
            figures.comparison, log="wasserstein", title="EMD", unit="E[D(real)] - E[D(fake)], the critic's units"
        ),
        "The right WGAN-GP against the homework's with its five slips. Above: each critic's own estimate of the distance, averaged over 1 % of the "
        "iterations; the two critics' units differ. Below: samples of the same latents.",
    ),
    "blur": Experiment(
        {"VAE": ("vae", {}), "GAN": ("gan", {})},
        figures.sharpness_rows,
        "How blurred the VAE's pictures are and the GAN's, in numbers: beside each row the variance of the pictures' Laplacian, a mean over up to 64 "
        "pictures with values from 0 to 1, and its share of the test pictures'. Less than 100 % is blur; grain counts as sharp.",
        alike=False,
    ),
}

ABOUT = About(
    title="Homework 4 of Deep Learning for Computer Vision, spring 2018",
    text=(
        "The study trained a VAE, a GAN, an ACGAN told whether a face smiles, an InfoGAN and a WGAN-GP on CelebA faces of 64x64: "
        "40,000 training and 2,621 test images with 13 binary attributes. "
        "The VAE learned from the training images alone, the GANs, as the homework allows, from all 42,621. "
        "Its figures show the VAE's curves, reconstructions, samples and a t-SNE of its latent means (fig1_2 to fig1_5), the GAN's losses "
        "and samples (fig2_2, fig2_3), the ACGAN's attribute losses and pairs of one latent with either code (fig3_2, fig3_3), and grids "
        "over the InfoGAN's codes (fig4_1, fig4_2)."
    ),
    slips=(
        (
            "The text writes the KL divergence as 0.5 * mean(exp(log_var) + mu - 1 - log_var).",
            "mu^2 in the place of mu, as in the study's own code: 0.5 * mean(exp(log_var) + mu^2 - 1 - log_var), the mean over 512 latents.",
        ),
        (
            "Weighs the KL divergence with 1e-2, where the teachers' hint is 1e-5, and supposes that one is for a mean over the latents and "
            "the other for their sum.",
            "As (sum of squared errors) + beta * (sum of KL) they are beta = 0.24 and 0.123, the same within a factor of two. "
            "`--kl_weight 1e-5 --kl_reduction sum` is the hint.",
        ),
        (
            '"The sampler generates 512 samples from N(0, 1)."',
            "One sample of 512 numbers for each image: z = mean + exp(log_var / 2) * eps, eps ~ N(0, I).",
        ),
        (
            "Reports a test error of .005205, of sampled latents, beside reconstructions from the mean (fig1_3). The text chooses the "
            "checkpoint by the test error, the code by the test loss.",
            "`score` gives the error of both, test_mse_mean_code and test_mse_sampled_code. `--score_every` and `--early_stopping` choose by "
            "the former.",
        ),
        (
            'The GAN "reaches Nash equilibrium".',
            "There the discriminator's loss would be 2 ln 2 = 1.386 and the generator's ln 2 = 0.693. In the study's curves the one falls "
            "to about 0 and the other rises above 5: the discriminator has won.",
        ),
        (
            'The right panel of fig3_2 is called "Accuracy of Discriminator".',
            "It shows how often the discriminator reads the attribute correctly, not how often it tells real from generated. The logs are "
            "aux_accuracy_real and aux_accuracy_fake.",
        ),
        (
            "Concludes of the WGAN-GP that its lambda needs tuning. The penalty behind it takes the gradient's norm over the height of the "
            "image alone and mixes the whole batch with one epsilon.",
            "One norm over all values of an image is driven to 1, and each image has its own epsilon (model `wgan_gp`). "
            "`experiment dlcv2018/penalty` trains it beside `wgan_gp_faithful`, the study's.",
        ),
        (
            "The WGAN-GP's critic has batch normalization, takes one step to two of the generator, and learns by Adam(2e-4, .5, .999).",
            "No batch normalization in the critic, five steps of it to one of the generator, Adam(1e-4, 0, .9), as in the paper. "
            "`wgan_gp_faithful` keeps all of the study's.",
        ),
        (
            'InfoGAN: adds to the loss an "entropy" of the one-hot codes themselves, which is 0 and has no gradient. Calls the rest a binary '
            "cross-entropy.",
            "The loss is the categorical cross-entropy CE of the codes. Logged as mutual_information is the bound H(c) - CE, "
            "H(c) = 5 ln 10 = 11.513 nats: 0 at chance.",
        ),
        (
            "InfoGAN: gives continuous codes the loss -sum(c * log q), which is no log-density.",
            "The negative log-likelihood of a Gaussian of variance 1 but for its constant, 0.5 * sum((c - mean)^2), with a weight of 0.1 "
            "(model `infogan_mixed`).",
        ),
        (
            "InfoGAN: trains on [categorical, continuous] codes and draws with [continuous, categorical] ones, so that two of its three grids "
            "sweep two entries of the one-hot categorical code.",
            "One order everywhere, categorical codes first. The sweeps of the continuous codes go from -0.5 to 1.5, as the study meant.",
        ),
        (
            "InfoGAN: never shuffles the images, never trains the recognizer's batch normalization, and gives the discriminator no gradient "
            "of the codes' loss.",
            "Every epoch has its own order, and the normalization is trained with the recognizer. `--shared_trunk true` trains the "
            "discriminator's layers on the codes too, as the paper does; the default is the study's.",
        ),
    ),
)
