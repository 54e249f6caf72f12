"""Functions that return networks, and the layers of their own, which are registered for `keras.models.load_model`."""

from tfgen.networks.batch_norm import BatchNormalization
from tfgen.networks.dropout import Dropout
from tfgen.networks.spectral import SpectralConv2D

__all__ = ["BatchNormalization", "Dropout", "SpectralConv2D"]
