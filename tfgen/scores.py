"""What a finished run is worth, in numbers: (run) -> {name: number}."""

import functools

import numpy as np
from sklearn.metrics import normalized_mutual_info_score

from tfgen import UserError, latents, losses
from tfgen.metrics import classifier, depth, distances
from tfgen.models.base import in_batches


def reconstruction_errors(run):
    """Mean squared errors of the test set in [0, 1], from the mean code and, of a VAE, from one sampled code a picture.

    Beside them the set's variance about its mean value, and about its mean picture: the error of the best single
    picture for all.
    """
    images = run.source("test").floats()
    code = run.model.encode(images)
    codes = {"mean": code["mean"]}
    if "log_var" in code:
        codes["sampled"] = run.model.sample_posterior(code, latents.KEY, 0)
    variance = float(np.var(images, dtype=np.float64))
    mean_picture = float(np.var(images, axis=0, dtype=np.float64).mean())
    if mean_picture == 0:
        raise UserError(
            f"{run.source('test').name} holds one picture, or equal ones: errors are measured against how pictures differ."
        )
    errors = {
        f"test_mse_{kind}_code": float(losses.mean_squared_error(images, in_batches(run.model.decoder, z)))
        for kind, z in codes.items()
    }
    return errors | {
        "test_variance": variance,
        "test_mse_over_variance": errors["test_mse_mean_code"] / variance,
        "mean_picture_mse": mean_picture,
        "test_mse_over_mean_picture": errors["test_mse_mean_code"] / mean_picture,
    }


def attribute_fidelity(run, n=200):
    """For how many of n latents the code switches the attribute, as read by a classifier trained on the real training
    pictures.
    """
    train, test = run.source("train"), run.source("test")
    reader = classifier_of(run)
    column = train.attribute_names.index(run.record["attributes"][0])
    right = classifier.read(reader, test.floats())[:, column] == test.attributes[:, column].astype(bool)
    seen = classifier.read(reader, latents.attribute_pairs(run.model, n))[:, column]
    return {
        "latents": n,
        **classifier.pair_fidelity(seen[:n], seen[n:]),
        "classifier_test_accuracy": float(np.mean(right)),
    }


def label_fidelity(run, n=1000):
    """How many of n generated pictures, the classes in turn, a classifier of the real training pictures reads as the
    class asked for.
    """
    test, reader = run.source("test"), classifier_of(run)
    asked = np.arange(n) % run.model.classes
    inputs = {
        "z": run.model.sample_latents(latents.KEY, 0, n),
        "codes": np.eye(run.model.classes, dtype=np.float32)[asked],
    }
    seen = classifier.read_class(reader, in_batches(run.model.generator, inputs))
    right = classifier.read_class(reader, test.floats()) == test.labels
    return {
        "pictures": n,
        "label_fidelity": float(np.mean(seen == asked)),
        "classifier_test_accuracy": float(np.mean(right)),
    }


def sample_quality(run):
    """Distances of generated pictures to the test set, as many as it has, in the feature space of a classifier of
    attributes or classes.

    The scale they are read on: `frechet_floor` is the distance of as many real training pictures to the test set, and
        no generator can be
    asked for less; `frechet_untrained` is that of the same generator before training.
    """
    real, scale = _scale(run)
    seen = classifier.features(classifier_of(run), latents.prior_samples(run.model, len(real)))
    precision, recall = distances.precision_recall(real, seen)
    return {
        "pictures": len(real),
        "frechet": distances.frechet(real, seen),
        **scale,
        "precision": precision,
        "recall": recall,
    }


def code_quality(run):
    """`sample_quality`, and where the set has labels, how well each categorical code matches them on the test set.

    `code_I_nmi` is the normalized mutual information of the label and the value the recognizer holds most likely, from
    0 (unrelated) to 1 (one determines the other), normalized by the mean of the two entropies.
    """
    numbers, test = sample_quality(run), run.source("test")
    if test.labels is None:
        return numbers
    read = run.model.read_codes(test.floats())
    for i in range(len(run.model.categories)):
        numbers[f"code_{i}_nmi"] = float(
            normalized_mutual_info_score(test.labels, np.argmax(read[f"code_{i}"], axis=1))
        )
    return numbers


def depth_errors(run, n=8):
    """Errors of predicted depth on the test set in metres, beside those of the training set's mean depth map for every
    picture.

    `noise_deviation` is the output's standard deviation over n noises, in metres, a mean over the pixels of n test
    pictures: near 0, the noise is ignored.
    """
    train, test = (run.source(split).decoded() for split in ("train", "test"))
    if test.depth is None:
        raise UserError(f"{test.name} has no depth to measure errors of: train on scenes or rgbd.")
    truth, known = test.depth / np.float32(1000), test.depth > 0
    mean = np.broadcast_to(depth.mean_map(train.depth / np.float32(1000), train.depth > 0), truth.shape)
    repeated = np.stack([10 * latents.depths(run.model, test.floats(slice(n)), draw) for draw in range(n)])
    return {
        "pictures": len(test),
        **depth.errors(truth, 10 * latents.depths(run.model, test.floats()), known),
        **{f"mean_map_{name}": value for name, value in depth.errors(truth, mean, known).items()},
        "noise_deviation": float(np.mean(np.std(repeated, axis=0, dtype=np.float64))),
    }


# Of a run that is scored while it trains these stay the same.


@functools.cache
def _scale(run):
    """The test set's features (n, 64), and {name: distance to them} of the training set and of the untrained generator."""
    train, test, reader = run.source("train"), run.source("test"), classifier_of(run)
    n = min(len(train), len(test))
    real = classifier.features(reader, test.floats(slice(n)))
    pictures = {"frechet_floor": train.floats(slice(n)), "frechet_untrained": latents.prior_samples(run.build(), n)}
    return real, {
        name: distances.frechet(real, classifier.features(reader, images)) for name, images in pictures.items()
    }


@functools.cache
def classifier_of(run):
    """The classifier of its training pictures' attributes or classes."""
    source = run.source("train")
    if not source.attribute_names and source.labels is None:
        raise UserError(
            f"{source.name} has neither labels nor attributes, by which a classifier could judge pictures: choose another --dataset, or train without --score_every."
        )
    epochs = int(np.clip(80_000 // len(source), 8, 30))  # small sets are seen more often
    if source.attribute_names:
        return classifier.train_classifier(source.floats(), source.attributes, epochs)
    classes = np.eye(source.labels.max() + 1, dtype=np.uint8)[source.labels]
    return classifier.train_classifier(source.floats(), classes, epochs, mirror=False)


# In words, with units; pictures have values from 0 to 1.
MEANINGS = {
    "test_mse_mean_code": "mean squared error of the test set, decoded from the mean code",
    "test_mse_sampled_code": "the same, decoded from one sampled code a picture",
    "test_variance": "variance of the test set about its mean value",
    "test_mse_over_variance": "the error from the mean code as a share of that variance",
    "mean_picture_mse": "mean squared error of the test set's mean picture",
    "test_mse_over_mean_picture": "the error from the mean code as a share of the mean picture's",
    "latents": "latents looked at",
    "switched": "share of latents whose code switches the attribute, as a classifier reads it",
    "absent_at_0": "share without the attribute at code 0",
    "present_at_1": "share with the attribute at code 1",
    "classifier_test_accuracy": "share of the real test pictures that the classifier reads rightly",
    "pictures": "pictures looked at",
    "label_fidelity": "share of generated pictures that a classifier reads as the class asked for",
    "frechet": "Frechet distance of as many samples to the test set, on a small classifier's features (not the published FID)",
    "frechet_floor": "the same of real training pictures: no generator can be asked for less",
    "frechet_untrained": "the same of the generator before training",
    "precision": "share of samples within the real pictures' manifold",
    "recall": "share of real pictures within the samples' manifold; 0 is collapse",
    "rmse": "root mean squared error of depth, metres",
    "abs_rel": "mean of |predicted - true| / true",
    "sq_rel": "mean of (predicted - true)^2 / true, metres",
    "log_rmse": "root mean squared error of the logarithm of depth",
    "scale_invariant_log": "the same, up to a factor for each map",
    "delta_1": "share of pixels within a factor of 1.25",
    "delta_2": "share within 1.25^2",
    "delta_3": "share within 1.25^3",
    "noise_deviation": "standard deviation of the depth over noises, metres; near 0 the noise is ignored",
}
QUICK = (reconstruction_errors,)  # seconds, so that a report need not be preceded by `score`


def meaning(name):
    """What a number is, in words."""
    if name.startswith("mean_map_"):
        return f"of the training set's mean depth map: {MEANINGS[name.removeprefix('mean_map_')]}"
    if name.startswith("code_"):
        return f"normalized mutual information of categorical code {int(name.split('_')[1]) + 1} and the label, from 0 to 1"
    return MEANINGS[name]


# Score -> the number a run's best checkpoint is chosen by, and 1 if less is better, -1 if more is.
BEST = {
    reconstruction_errors: ("test_mse_mean_code", 1),
    attribute_fidelity: ("switched", -1),
    label_fidelity: ("label_fidelity", -1),
    sample_quality: ("frechet", 1),
    code_quality: ("frechet", 1),
    depth_errors: ("rmse", 1),
}
