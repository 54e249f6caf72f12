"""A study of the tests' own: three models of two dense layers a network, whose training step traces in a tenth of a
convolutional one's time.

Everything that is not about a study's networks runs on it: training and resuming, the command line, the report. Its
models are the package's own classes, with batch normalization, dropout, several optimizers and an attribute where the
real studies have them, and its presets have all that a real preset has.

    vae     VAE; no batch normalization; trained on "train", 4 iterations an epoch of 64 pictures in batches of 16
    gan     GAN; batch normalization in the generator, dropout in the discriminator, two generator steps; trained on
            "all", 8 iterations an epoch; scored
    acgan   ACGAN; told Smiling; trained on "all"
    tiny/weight   an experiment: the VAE with two weights of its divergence

How to use it, here for a test of the command line:

- In the test's process, the fixture `tiny_study` (conftest.py) puts it among the studies for one test:

      @pytest.mark.usefixtures("tiny_study")
      def test_...(tfgen):
          tfgen("train", "--study", "tiny", "--model", "gan", *tiny.TOY, "--run", "r")

  A whole file takes it with `pytestmark = pytest.mark.usefixtures("tiny_study")`; a fixture of a wider scope, which
  pytest makes before it, trains within `with tiny.registered():`.

- In a process of its own, `tiny_cli.py` beside this file is the command line with the study in it:
  `[sys.executable, tiny.CLI, *words]` in place of `[sys.executable, ROOT / "tfgen_cli.py", *words]`.

To turn a test of `--model gan` or `vae` of the homework to it, add `--study tiny`: flags, splits, batches and learning
rates are the homework's, so iterations stay what they were; so do the losses' and the logs' names. A run's default
folder is then runs/tiny-MODEL-DATASET, and a message names the study.
"""

import contextlib
import functools
import pathlib
import sys

import keras
import numpy as np
from keras import layers

from tfgen import figures, latents, losses, scores, studies
from tfgen.metrics import distances
from tfgen.models.acgan import ACGAN
from tfgen.models.gan import GAN
from tfgen.models.vae import VAE
from tfgen.scores import Score
from tfgen.studies.study import About, Experiment, Plot, Preset

NAME = "tiny"
CLI = pathlib.Path(__file__).with_name("tiny_cli.py")
TOY = ("--study", NAME, "--smoke", "--examples", "64", "--batch_size", "16", "--image_size", "16")


# Networks
# ---------------------------------------------------------------------------------------------------------------------


def units(width):
    """Units of a hidden layer."""
    return max(1, round(64 * width))


def hidden(image_shape, width):
    """(image, features of it)."""
    image = keras.Input(image_shape, name="image")
    return image, layers.Dense(units(width), activation="relu")(layers.Flatten()(image))


def picture(features, image_shape):
    """Features -> image in [0, 1]."""
    flat = layers.Dense(int(np.prod(image_shape)), activation="sigmoid", dtype="float32")(features)
    return layers.Reshape(image_shape)(flat)


def encoder(image_shape, latent_dim, width):
    """Image -> {"mean", "log_var"}, each (B, latent_dim)."""
    image, x = hidden(image_shape, width)
    return keras.Model(
        image, {name: layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_var")}
    )


def decoder(image_shape, latent_dim, width):
    """z (B, latent_dim) -> image."""
    z = keras.Input((latent_dim,), name="z")
    return keras.Model(z, picture(layers.Dense(units(width), activation="relu")(z), image_shape))


def generator(image_shape, latent_dim, width, attributes=0):
    """z (B, latent_dim), or {"z", "codes": (B, attributes)} -> image."""
    z = keras.Input((latent_dim,), name="z")
    codes = keras.Input((attributes,), name="codes") if attributes else None
    x = layers.Concatenate()([z, codes]) if attributes else z
    x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(units(width))(x)))
    return keras.Model({"z": z, "codes": codes} if attributes else z, picture(x, image_shape))


def discriminator(image_shape, width, attributes=0):
    """Image -> logits (B, 1), or {"logits", "codes": (B, attributes)}."""
    image, x = hidden(image_shape, width)
    x = layers.Dropout(0.3)(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    if not attributes:
        return keras.Model(image, logits)
    return keras.Model(image, {"logits": logits, "codes": layers.Dense(attributes, dtype="float32", name="codes")(x)})


# Models
# ---------------------------------------------------------------------------------------------------------------------


def vae(image_shape, *, width=1.0, latent_dim=8, kl_weight=1e-2, kl_reduction="mean", learning_rate=1e-3):
    """A VAE of dense layers."""
    model = VAE(
        encoder(image_shape, latent_dim, width), decoder(image_shape, latent_dim, width), kl_weight, kl_reduction
    )
    model.compile(autoencoder=keras.optimizers.Adam(learning_rate))
    return model


def adam(d_learning_rate, g_learning_rate):
    """player -> its optimizer."""
    return {
        "discriminator": keras.optimizers.Adam(d_learning_rate, beta_1=0.5),
        "generator": keras.optimizers.Adam(g_learning_rate, beta_1=0.5),
    }


def gan(
    image_shape,
    *,
    width=1.0,
    latent_dim=8,
    adversarial="non_saturating",
    d_steps=1,
    g_steps=2,
    d_learning_rate=2e-4,
    g_learning_rate=2e-4,
):
    """A GAN of dense layers."""
    model = GAN(
        generator(image_shape, latent_dim, width),
        discriminator(image_shape, width),
        losses.adversarial(adversarial),
        d_steps=d_steps,
        g_steps=g_steps,
    )
    model.compile(**adam(d_learning_rate, g_learning_rate))
    return model


def acgan(image_shape, *, width=1.0, latent_dim=8, d_learning_rate=2e-4, g_learning_rate=2e-4):
    """An ACGAN of dense layers, told one attribute."""
    model = ACGAN(
        generator(image_shape, latent_dim, width, 1),
        discriminator(image_shape, width, 1),
        losses.adversarial("non_saturating"),
    )
    model.compile(**adam(d_learning_rate, g_learning_rate))
    return model


def measure_pixels(run, model, split):
    """The Frechet distance of samples to a split, of the pixels of pictures made four times smaller."""
    test = run.source(split).floats()
    seen = latents.prior_samples(model, len(test))
    real, fake = (images[:, ::4, ::4].reshape(len(images), -1) for images in (test, seen))
    return {"pictures": len(test), "frechet": distances.frechet(real, fake)}


pixel_quality = Score(
    measure_pixels,
    best="frechet",
    meanings={
        "pictures": "pictures compared, generated and real",
        "frechet": "Frechet distance of samples to the test set, of the pixels",
    },
)


# The study
# ---------------------------------------------------------------------------------------------------------------------


def _preset(build, split, panels, score, **changes):
    name = build.__name__
    return Preset(
        **{
            "build": build,
            "data": "faces",
            "split": split,
            "batch_size": 64,
            "epochs": 300,
            "samples": functools.partial(latents.prior_samples, n=4),
            "sample_columns": 2,
            "figures": {
                f"tiny_{name}_curves.jpg": Plot(
                    functools.partial(figures.learning_curves, panels=panels),
                    "Two logs of the training, an iteration a point.",
                ),
                f"tiny_{name}_samples.jpg": Plot(
                    functools.partial(figures.samples, n=4, columns=2),
                    "Four pictures of latents drawn from the prior.",
                ),
                f"tiny_{name}_epochs.jpg": Plot(
                    figures.training_grids, "The same latents at up to four moments of the training, evenly spaced."
                ),
            },
            "score": score,
        }
        | changes
    )


_PLAYERS = {"d_loss": "D loss", "g_loss": "G loss"}
PRESETS = {
    "vae": _preset(vae, "train", {"reconstruction": "MSE", "kl": "KLD"}, scores.reconstruction_errors),
    "gan": _preset(gan, "all", _PLAYERS, pixel_quality),
    "acgan": _preset(
        acgan,
        "all",
        _PLAYERS,
        scores.attribute_fidelity,
        attributes=("Smiling",),
        samples=functools.partial(latents.attribute_pairs, n=2),
        figures={
            "tiny_acgan_curves.jpg": Plot(
                figures.attribute_curves, "What the discriminator says of the attribute, an iteration a point."
            ),
            "tiny_acgan_pairs.jpg": Plot(
                functools.partial(figures.attribute_grid, n=2), "Two latents without and with the attribute."
            ),
        },
    ),
}
EXPERIMENTS = {
    "weight": Experiment(
        {"1e-2": ("vae", {}), "1e-4": ("vae", {"kl_weight": 1e-4})},
        functools.partial(figures.comparison, log="kl", title="KLD", unit="nats", n=4),
        "Two weights of the divergence. Above: the divergence. Below: samples of the same latents.",
    )
}
ABOUT = About(
    title="The study of the tests",
    text="The smallest models that are trained as the others are.",
    slips=(("Says that `dense` layers draw faces.", "They draw something that the tests can look at."),),
)


@contextlib.contextmanager
def registered():
    """Within, it is one of the package's studies, the last of them."""
    tables = {
        "STUDIES": {NAME: PRESETS},
        "MODULES": {NAME: sys.modules[__name__]},
        "ABOUT": {NAME: ABOUT},
        "EXPERIMENTS": {f"{NAME}/{name}": experiment for name, experiment in EXPERIMENTS.items()},
    }
    before = {table: dict(getattr(studies, table)) for table in tables}
    for table, more in tables.items():
        getattr(studies, table).update(more)
    try:
        yield
    finally:
        for table, content in before.items():
            getattr(studies, table).clear()
            getattr(studies, table).update(content)
