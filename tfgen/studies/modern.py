"""The tasks of the five studies by what the field has learnt since, for trainings of minutes on a laptop.

The models were chosen by measurement; docs/what_we_tried.md lists what was tried.
"""

import functools
import math

import numpy as np

from tfgen import UserError, figures, latents, optimizers, scores
from tfgen.models.r3gan import R3GAN
from tfgen.models.vae import VAE
from tfgen.networks import drafted
from tfgen.studies.study import About, Experiment, Plot, Preset


def _r3gan(
    image_shape: tuple[int, int, int],
    condition: str | None,
    codes: int,
    width: float,
    latent_dim: int,
    gamma: float,
    penalty_every: int,
    reconstruction_weight: float,
    learning_rate: float,
) -> R3GAN:
    model = R3GAN(
        drafted.generator(
            image_shape,
            latent_dim,
            codes,
            width,
            clusters=4 if condition == "label" else 32,
            of_each_code=condition == "label",
        ),
        drafted.discriminator(image_shape, codes, width),
        condition,
        gamma,
        penalty_every,
        project=drafted.project if reconstruction_weight else None,
        reconstruction_weight=reconstruction_weight,
    )
    # The paper's beta_1 is 0; with a beta_2 of .99, the second moment follows the gradients of a short training.
    model.compile(**{player: optimizers.adam(learning_rate, 0.0, 0.99) for player in model.players})
    return model


def gan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 0.5,
    latent_dim: int = 128,
    gamma: float = 10.0,
    penalty_every: int = 4,
    reconstruction_weight: float = 10.0,
    learning_rate: float = 1e-3,
) -> R3GAN:
    """A relativistic GAN with gradient penalties whose generator starts from a mixture of principal components."""
    rest = (gamma, penalty_every, reconstruction_weight, learning_rate)
    return _r3gan(image_shape, None, 0, width, latent_dim, *rest)


def acgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 0.5,
    latent_dim: int = 128,
    gamma: float = 10.0,
    penalty_every: int = 4,
    reconstruction_weight: float = 10.0,
    learning_rate: float = 1e-3,
) -> R3GAN:
    """The same GAN conditioned on one attribute, which its discriminator learns from real pictures alone."""
    rest = (gamma, penalty_every, reconstruction_weight, learning_rate)
    return _r3gan(image_shape, "attributes", 1, width, latent_dim, *rest)


def cgan(
    image_shape: tuple[int, int, int],
    *,
    width: float = 0.5,
    latent_dim: int = 128,
    classes: int = 10,
    gamma: float = 10.0,
    penalty_every: int = 4,
    reconstruction_weight: float = 10.0,
    learning_rate: float = 1e-3,
) -> R3GAN:
    """The same GAN conditioned on the class.

    `classes` is the number of classes; a run has as many as its data.
    """
    rest = (gamma, penalty_every, reconstruction_weight, learning_rate)
    return _r3gan(image_shape, "label", classes, width, latent_dim, *rest)


def vae(
    image_shape: tuple[int, int, int],
    *,
    width: float = 0.5,
    latent_dim: int = 128,
    pixel_noise: float = 0.03,
    learning_rate: float = 1e-3,
) -> VAE:
    """A VAE that starts as probabilistic principal component analysis.

    `pixel_noise` is the standard deviation of its Gaussian likelihood, for values from 0 to 1.
    """
    if not pixel_noise > 0:
        raise UserError(f"pixel_noise must be more than 0, not {pixel_noise}.")
    model = VAE(
        drafted.encoder(image_shape, latent_dim, width),
        drafted.generator(image_shape, latent_dim, width=width),
        kl_weight=2.0 * pixel_noise**2 / math.prod(image_shape),  # the loss is a mean over pixels, the KL a sum
    )
    model.compile(autoencoder=optimizers.adam(learning_rate))
    return model


def set_vae_draft(model: VAE, images: np.ndarray, codes: np.ndarray | None) -> None:
    """Sets the drafts of a VAE from training pictures. See `drafted.draft` and `drafted.draft_encoder`."""
    drafted.draft(model.decoder, images)
    noise = math.sqrt(model.kl_weight * math.prod(model.image_shape) / 2.0)
    drafted.draft_encoder(model.encoder, model.decoder, 2.0 * noise)  # the slope of tanh(x) / 2 is at most 1/2


def set_draft(model: R3GAN, images: np.ndarray, codes: np.ndarray | None) -> None:
    """Sets the draft of a model's generator from training pictures. See `drafted.draft`.

    Args:
        model: from `gan`, `acgan` or `cgan`.
        images: (n, H, W, C) in [0, 1].
        codes: what the model is conditioned on: attributes (n, K), labels (n,) or one-hot labels (n, K), or None.
    """
    if codes is not None and np.ndim(codes) == 1:
        codes = np.eye(model.code_dim, dtype=np.float32)[codes] if model.condition == "label" else codes[:, None]
    if (codes is None) == bool(model.condition):
        raise UserError(f"this model is conditioned on {model.condition or 'nothing'}: set its draft with the same.")
    drafted.draft(model.generator, images, codes)


_CURVES = Plot(
    functools.partial(figures.learning_curves, panels={"d_loss": "D loss", "g_loss": "G loss"}),
    "The losses, one point per iteration, in nats, without penalties. Both are ln 2 = .693 where the discriminator "
    "cannot tell a real picture from a generated one.",
)
_gan = functools.partial(
    Preset,
    split="train",
    batch_size=64,
    epochs=30,
    ema=0.998,
    prepare=set_draft,
)

PRESETS = {
    "vae": Preset(
        build=vae,
        data="faces",
        split="train",
        batch_size=64,
        epochs=30,
        ema=0.998,
        prepare=set_vae_draft,
        parameters={"encoder": 698_064, "decoder": 369_220},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "modern_vae_curves.jpg": Plot(
                functools.partial(figures.learning_curves, panels={"reconstruction": "MSE", "kl": "KLD"}),
                "The losses, one point per iteration. Left: the squared error, averaged over pixels with values from "
                "0 to 1. Right: the KL divergence of the posterior from N(0, I) in nats, summed over the latents.",
            ),
            "modern_vae_reconstructions.jpg": Plot(
                figures.reconstructions,
                "Upper row: the first ten test pictures. Lower row: their reconstructions from the mean codes.",
            ),
            "modern_vae_samples.jpg": Plot(figures.samples, "32 pictures decoded from latents sampled from N(0, I)."),
        },
        score=scores.reconstruction_errors,
    ),
    "gan": _gan(
        build=gan,
        data="faces",
        parameters={"discriminator": 323_825, "generator": 367_172},
        samples=functools.partial(latents.prior_samples, n=32),
        sample_columns=8,
        figures={
            "modern_gan_curves.jpg": _CURVES,
            "modern_gan_samples.jpg": Plot(figures.samples, "32 pictures generated from latents sampled from N(0, I)."),
        },
        score=scores.sample_quality,
    ),
    "acgan": _gan(
        build=acgan,
        data="faces",
        parameters={"discriminator": 325_874, "generator": 369_220},
        attributes=("Smiling",),
        samples=functools.partial(latents.attribute_pairs, n=10),
        sample_columns=10,
        figures={
            "modern_acgan_curves.jpg": _CURVES,
            "modern_acgan_attribute.jpg": Plot(
                figures.attribute_curves,
                "The discriminator's attribute head on real and on generated pictures: pale for each iteration, "
                "strong for the mean of each epoch. Left: the cross-entropy in nats. Right: the accuracy on the "
                "attribute, not on real versus generated.",
            ),
            "modern_acgan_pairs.jpg": Plot(
                figures.attribute_grid,
                "Ten latents, one per column. Upper row: conditioned on the absence of the attribute. Lower row: the "
                "same latents, conditioned on its presence.",
            ),
        },
        score=scores.attribute_fidelity,
    ),
    "cgan": _gan(
        build=cgan,
        data="digits",
        parameters={"discriminator": 90_107, "generator": 166_811},
        samples=functools.partial(latents.class_grid, n=10),
        sample_columns=10,
        figures={
            "modern_cgan_curves.jpg": _CURVES,
            "modern_cgan_classes.jpg": Plot(
                figures.class_noise_grid,
                "One class per row, one latent per column: the same noise for each of the classes.",
            ),
            "modern_cgan_interpolation.jpg": Plot(
                functools.partial(figures.class_interpolation, wanted=("2", "5")),
                "From the digit two to the digit five, or from the first class to the last if one of these is missing, "
                "in nine even steps of the condition; each row has one latent.",
            ),
        },
        score=scores.label_fidelity,
        needs=("labels",),
    ),
}

EXPERIMENTS = {
    "since2018": Experiment(
        {
            "2018": ("dlcv2018/acgan", {"d_learning_rate": 1e-4, "g_learning_rate": 4e-4}),  # the best that were found
            "modern": ("acgan", {}),
        },
        figures.attribute_rows,
        "The homework's ACGAN of 2018, with half its learning rate for the discriminator and twice for the generator, "
        "and the modern one, after the same minutes on the same machine: ten latents of each, conditioned on the "
        "absence of the attribute and on its presence. Below, if both were evaluated during training (`--split train "
        "--evaluate_every 200it`), the Frechet distance to the validation part over the minutes of training.",
        settings={"width": 0.5, "schedule": "linear"},
        minutes=7,
        alike=False,
    ),
}

ABOUT = About(
    title="The same tasks by what the field has learnt since",
    text=(
        "The networks and settings of 2018 were made for days on a GPU. These are made for minutes on two processor "
        "cores. The game is that of R3GAN (2025): the discriminator compares pairs of a real and a generated picture, "
        "and the squared norms of its gradients at both are penalized. The generators add to a draft: a mixture of "
        "normal distributions of the training pictures' principal components, so that their first samples are already "
        "those of this mixture. The latents that belong to a training picture must give this picture back. The VAE "
        "starts as probabilistic principal component analysis. Pictures are generated with a moving average of the "
        "weights."
    ),
    slips=(),
)
