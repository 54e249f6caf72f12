"""tfgen trains, measures, draws and exports the classic image-generating models with TensorFlow 2 and Keras 3."""

import os
import sys

__version__ = "0.1.0"


class UserError(Exception):
    """A mistake of the user's, said in one sentence: what was wrong, where, and what to do.

    The command line exits with 2.
    """


# Keras reads KERAS_BACKEND once, on its first import, and prefers it to ~/.keras/keras.json.
_backend = (
    sys.modules["keras"].config.backend()
    if "keras" in sys.modules
    else os.environ.setdefault("KERAS_BACKEND", "tensorflow")
)
if _backend != "tensorflow":
    raise ImportError(
        f"tfgen trains with tf.GradientTape and tf.distribute and needs Keras on TensorFlow, but the Keras backend is {_backend!r}: "
        "unset KERAS_BACKEND or set it to 'tensorflow' before the first import of keras or tfgen."
    )
