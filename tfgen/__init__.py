"""tfgen trains, evaluates, plots and exports the classic generative image models with TensorFlow 2 and Keras 3.

`tfgen.GAN`, `tfgen.VAE` and the other models are Keras models; `tfgen.networks`, `tfgen.losses`, `tfgen.noise` and
`tfgen.data` are their parts; `tfgen.Run` opens a run folder, and `tfgen.commands` has a function for each command of
the command line. Everything is imported when it is first used.
"""

import importlib
import json
import os
import platform
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"


class UserError(Exception):
    """Bad input, described in one sentence: what is wrong, where, and what to do. The command line exits with 2."""


if platform.machine() in ("x86_64", "AMD64"):
    # TensorFlow reads this on its first import. By default it uses oneDNN only on processors with AVX-512 or newer
    # instructions; on older ones, convolutions of oneDNN take about half the time of those of TensorFlow too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Keras reads KERAS_BACKEND once, on its first import, and prefers it to ~/.keras/keras.json.
_backend = (
    sys.modules["keras"].config.backend()
    if "keras" in sys.modules
    else os.environ.setdefault("KERAS_BACKEND", "tensorflow")
)
if _backend != "tensorflow":
    raise ImportError(
        f"tfgen needs Keras with the TensorFlow backend, because it trains with tf.GradientTape and tf.distribute, but "
        f"the Keras backend is {_backend!r}: unset KERAS_BACKEND or set it to 'tensorflow' before the first import of "
        "keras or tfgen."
    )


def _keras_settings() -> tuple[dict[str, Any], str]:
    """Keras's settings, and where they are from: of Keras if it is imported, otherwise of the file that it will read.

    Importing Keras here would take seconds.
    """
    if "keras" in sys.modules:
        config = sys.modules["keras"].config
        return {name: getattr(config, name)() for name in _NEEDED}, "Keras's settings"
    home = os.path.expanduser("~")
    folder = os.environ.get("KERAS_HOME") or os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    path = os.path.expanduser(os.path.join(folder, "keras.json"))
    try:
        with open(path) as file:
            found = json.load(file)
    except (OSError, ValueError):  # Keras then uses its defaults
        found = {}
    return found if isinstance(found, dict) else {}, path


# Other values lead to pictures of another shape, or to other numbers.
_NEEDED = {"image_data_format": "channels_last", "floatx": "float32", "epsilon": 1e-7}
_found, _place = _keras_settings()
for _name, _value in _NEEDED.items():
    if _found.get(_name, _value) != _value:
        raise ImportError(
            f"tfgen needs {_name} {_value!r}, but {_place} says {_found[_name]!r}: correct it, or set the environment "
            "variable KERAS_HOME to an empty folder, before the first import of keras or tfgen."
        )

if TYPE_CHECKING:
    from tfgen import commands, data, figures, latents, losses, metrics, models, networks, noise, scores, studies
    from tfgen.losses import AdversarialLoss
    from tfgen.models import (
        ACAI,
        ACGAN,
        CGAN,
        GAN,
        R3GAN,
        VAE,
        VAEGAN,
        WGAN,
        WGANGP,
        AdversarialVAE,
        DepthWGAN,
        GenerativeModel,
        InfoGAN,
    )
    from tfgen.runs import Run

_MODULES = (
    *("commands", "data", "figures", "latents", "losses", "metrics", "models"),
    *("networks", "noise", "scores", "studies"),
)
_NAMES = {
    "tfgen.losses": ("AdversarialLoss",),
    "tfgen.models": (
        *("ACAI", "ACGAN", "CGAN", "GAN", "R3GAN", "VAE", "VAEGAN", "WGAN", "WGANGP"),
        *("AdversarialVAE", "DepthWGAN", "GenerativeModel", "InfoGAN"),
    ),
    "tfgen.runs": ("Run",),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "ACAI",
    "ACGAN",
    "CGAN",
    "GAN",
    "R3GAN",
    "VAE",
    "VAEGAN",
    "WGAN",
    "WGANGP",
    "AdversarialLoss",
    "AdversarialVAE",
    "DepthWGAN",
    "GenerativeModel",
    "InfoGAN",
    "Run",
    "UserError",
    "commands",
    "data",
    "figures",
    "latents",
    "load_model",
    "losses",
    "metrics",
    "models",
    "networks",
    "noise",
    "scores",
    "studies",
]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used, so that `import tfgen` and `--help` are fast."""
    if name in _MODULES:
        return importlib.import_module(f"tfgen.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'tfgen' has no attribute {name!r}")


def load_model(path: str | os.PathLike, **arguments: Any) -> Any:
    """`keras.models.load_model`, which finds tfgen's models once they are imported, as they are here."""
    importlib.import_module("tfgen.models")
    return importlib.import_module("keras").models.load_model(path, **arguments)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if "keras" in sys.modules:  # then `keras.models.load_model` should know the models without another import
    importlib.import_module("tfgen.models")
