"""The errors of an autoencoder's reconstructions."""

import collections
from collections.abc import Mapping

import numpy as np
import scipy.special

from tfgen import UserError, latents, losses
from tfgen.metrics import rivals
from tfgen.models.base import GenerativeModel, in_batches
from tfgen.protocols import Run
from tfgen.scores import features, samples
from tfgen.scores.score import COLUMNS, Score, beside

WEIGHTED = 64  # samples of the posterior in the importance-weighted bound
ACTIVE = 0.01  # a latent is active if its mean has a larger variance


@features.once_per_run
def linear_code(run: Run, components: int) -> rivals.PCA:
    """A PCA of `fitted_pictures`."""
    return rivals.fit_pca(features.fitted_pictures(run), components)


def measure_reconstruction(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """Mean squared errors of an autoencoder on a split, with pictures in [0, 1].

    Its rivals are fitted to the training pictures: their mean, and a PCA with as many components as the code has
    numbers. `pca_components` is the number of components with which a PCA is as good as the model; one more than the
    code has numbers if the model is better. Also computes the variance of the split about its mean value.

    Raises:
        UserError: if all pictures are equal.
    """
    source = run.source(split)
    first = source.floats(slice(1))
    if not any(features.over(source, lambda images: np.any(images != first, axis=(1, 2, 3)))):
        raise UserError(
            f"all pictures of {source.name} are equal, but errors are measured relative to their variance: "
            "use more pictures."
        )
    code = features.over(source, model.encode)
    codes = {"mean": code["mean"]}
    posterior: dict[str, float] = {}
    if model.has_posterior:
        codes["sampled"] = np.asarray(model.sample_posterior(code, latents.KEY, 0))
        posterior["kl"] = float(np.mean(losses.kl_divergence(code["mean"], code["log_var"])))
        posterior["code_size"] = code["mean"].shape[1]
        posterior["active_latents"] = int(np.sum(np.var(code["mean"], axis=0) > ACTIVE))
    pca = linear_code(run, int(np.prod(code["mean"].shape[1:])))
    sums: dict[str, float] = collections.defaultdict(float)
    by_components: np.ndarray | float = 0.0
    for i in range(0, len(source), features.PIECE):
        images = source.floats(slice(i, i + features.PIECE))
        share = len(images) / len(source)
        sums["value"] += share * float(np.mean(images, dtype=np.float64))
        sums["square"] += share * float(np.mean(np.square(images, dtype=np.float64)))
        for kind, z in codes.items():
            decoded = in_batches(model.decoder, z[i : i + features.PIECE])
            sums[kind] += share * float(losses.mean_squared_error(images, decoded))
        by_components = by_components + share * pca.errors(images)
    errors = {f"test_mse_{kind}_code": sums[kind] for kind in codes}
    variance = sums["square"] - sums["value"] ** 2
    by_components = np.maximum(by_components, 0)
    beside = {
        "mean_picture_mse": float(by_components[0]),
        "pca_mse": float(by_components[-1]),
        "pca_components": float(np.sum(by_components > errors["test_mse_mean_code"])),
    }
    return errors | {
        "test_variance": variance,
        "test_mse_over_variance": errors["test_mse_mean_code"] / variance,
        **beside,
        "test_mse_over_mean_picture": errors["test_mse_mean_code"] / beside["mean_picture_mse"],
        **posterior,
    }


def measure_autoencoder(run: Run, model: GenerativeModel, split: str = "test") -> dict[str, float]:
    """`measure_reconstruction`, the detail of the reconstructions, and `measure_samples` if there is a prior to sample.

    For a VAE whose decoder outputs probabilities, also `importance_weighted_bound`.
    """
    numbers, source = measure_reconstruction(run, model, split), run.source(split)
    images = source.floats(slice(features.PIECE))
    real = samples.detail(images)
    numbers |= _named(samples.detailed(latents.reconstructions(model, images), real), "reconstructions")
    pca = linear_code(run, int(np.prod(model.encode(images[:1])["mean"].shape[1:])))
    numbers |= _named(samples.detailed(np.clip(pca.reconstruction(images), 0, 1), real), "reconstructions_linear")
    if vars(model).get("reconstruction") == losses.bernoulli_nll:
        mean = np.broadcast_to(np.mean(features.fitted_pictures(run), axis=0), images.shape)
        numbers["log_likelihood_bound"] = importance_weighted_bound(model, images, WEIGHTED)
        numbers["log_likelihood_bound_single"] = importance_weighted_bound(model, images, 1)
        numbers["log_likelihood_bound_mean_picture"] = -float(losses.bernoulli_nll(images, mean))
    if model.has_prior and min(len(run.source("train")), len(source)) >= samples.ON_FEATURES["pictures"]:
        numbers |= samples.measure_samples(run, model, split)
    return numbers


def _named(numbers: Mapping[str, float], of: str) -> dict[str, float]:
    return {f"{name}_{of}": value for name, value in numbers.items()}


def importance_weighted_bound(model: GenerativeModel, images: np.ndarray, n: int) -> float:
    """A lower bound on the log likelihood of pictures (m, H, W, C) under a VAE with a Bernoulli decoder, in nats.

    log 1/n sum_i p(x|z_i) p(z_i) / q(z_i|x) with n samples z_i of the posterior, mean over the pictures. With n = 1 it
    is the bound that the VAE maximizes; it rises with n. Values between 0 and 1 are taken as probabilities, as in
    training, so these are likelihoods only of black and white pictures.

    Source: Burda et al. 2015, Importance weighted autoencoders (arXiv:1509.00519), eq. 8.
    """
    code = {name: np.asarray(values, np.float64) for name, values in model.encode(images).items()}
    weights = []
    for i in range(n):
        z = np.asarray(model.sample_posterior(code, latents.KEY, i))
        decoded = in_batches(model.decoder, z).astype(np.float64).clip(1e-7, 1 - 1e-7)
        fits = np.sum(images * np.log(decoded) + (1 - images) * np.log1p(-decoded), axis=(1, 2, 3))
        deviations = (z - code["mean"]) ** 2 / np.exp(code["log_var"])
        weights.append(fits + 0.5 * np.sum(deviations + code["log_var"] - z**2, axis=1))
    return float(np.mean(scipy.special.logsumexp(weights, axis=0) - np.log(n)))


_LIKELIHOOD = "lower bound of the log likelihood of a test picture in nats, its values taken as probabilities"
reconstruction_errors = Score(
    measure_autoencoder,
    best="test_mse_mean_code",
    quick=measure_reconstruction,
    on_features=True,
    bounds=samples.ON_FEATURES["bounds"],
    test_error=True,
    meanings={
        "test_mse_mean_code": "mean squared error on the test set, decoded from the mean code",
        "test_mse_sampled_code": "the same, decoded from one sampled code per picture",
        "test_variance": "variance of the test set about its mean value",
        "test_mse_over_variance": "error from the mean code, relative to that variance",
        "mean_picture_mse": "mean squared error of the training pictures' mean on the test set",
        "pca_mse": "mean squared error on the test set of a PCA of the training pictures with as many components as "
        "the code has numbers",
        "pca_components": "number of principal components that are needed for an error as small as from the mean code",
        "test_mse_over_mean_picture": "error from the mean code, relative to that of the mean picture",
        "kl": "KL divergence of the posterior from N(0, I) in nats, summed over the latents, mean over the test set",
        "code_size": "number of latents",
        "active_latents": f"latents whose mean varies over the test set by a variance above {ACTIVE}; the others "
        "carry no information (Burda et al. 2015, arXiv:1509.00519)",
        "fine_detail_reconstructions": "detail of the reconstructions between neighboring pixels (Haar wavelet), "
        "relative to that of their originals; blur lowers it",
        "fine_detail_reconstructions_linear": f"the same of {COLUMNS['linear']}",
        "coarse_detail_reconstructions": "detail of the reconstructions between blocks of 2x2 pixels",
        "coarse_detail_reconstructions_linear": f"the same of {COLUMNS['linear']}",
        "log_likelihood_bound": f"{_LIKELIHOOD}, with {WEIGHTED} samples of the posterior",
        "log_likelihood_bound_single": f"{_LIKELIHOOD}, with one sample, as in training",
        "log_likelihood_bound_mean_picture": "log likelihood if every pixel had its mean value in the training "
        "pictures as its probability",
        **samples.SAMPLES,
    },
    rivals={
        "test_mse_mean_code": {
            "sampled_code": "test_mse_sampled_code",
            "mean_picture": "mean_picture_mse",
            "linear": "pca_mse",
        },
        "fine_detail_reconstructions": beside("linear")("fine_detail_reconstructions"),
        "coarse_detail_reconstructions": beside("linear")("coarse_detail_reconstructions"),
        "log_likelihood_bound": {
            "single": "log_likelihood_bound_single",
            "mean_picture": "log_likelihood_bound_mean_picture",
        },
        **samples.RIVALS,
    },
)
