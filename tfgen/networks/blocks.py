"""Parts that the networks share: channel counts, normalization, image ranges and output layers.

Images are in [0, 1] at the input and output of every network. Output layers stay in float32 under mixed precision.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import layers

from tfgen import UserError
from tfgen.networks.batch_norm import BatchNormalization
from tfgen.settings import SIZE

ImageShape: TypeAlias = tuple[int, int, int]  # (H, W, C), with H = W
Tensor: TypeAlias = keras.KerasTensor
MakeLayer: TypeAlias = Callable[..., keras.layers.Layer]


def halvings(image_size: int) -> int:
    """Number of times that a side is halved down to 4, 5, 6 or 7 pixels: 4 for 64 and 96, 2 for 28.

    Raises:
        UserError: for a side that `settings.SIZE` does not allow.
    """
    if not SIZE.holds(image_size):
        raise UserError(f"image_size must be {SIZE.takes}, not {image_size}.")
    return (image_size // 4).bit_length() - 1


def smallest(image_size: int) -> int:
    """Side of the smallest map between the convolutions and the dense layers: 4 for a power of two, 7 for 28.

    Raises UserError for an invalid side, as `halvings` does.
    """
    return image_size >> halvings(image_size)


def quarter(image_shape: ImageShape) -> int:
    """A quarter of an image's side. Raises UserError for an invalid side, as `halvings` does."""
    halvings(image_shape[0])
    return image_shape[0] // 4


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, rounded, at least 1. Raises UserError if `width` is not more than 0."""
    if width <= 0:
        raise UserError(f"width must be more than 0, not {width}.")
    return max(1, round(channels * width))


def widths(image_size: int, first: int, width: float = 1.0, most: int | None = None) -> list[int]:
    """Channels per level from the image inwards: `first`, doubled with each halving down to `smallest`, times `width`.

    Args:
        image_size: side in pixels, as for `halvings`.
        first: channels after the first halving.
        width: multiplier of all channels; each is at least 1.
        most: largest number of channels before multiplication by `width`; None for no limit.

    Returns:
        [32, 64, 128, 256] for a side of 64 and 32 first channels.

    Raises:
        UserError: for an image size or a width out of range.
    """
    channels = [first * 2**i for i in range(halvings(image_size))]
    return [scaled(n if most is None else min(n, most), width) for n in channels]


def normalize(x: Tensor, **arguments: Any) -> Tensor:
    """Batch normalization with momentum 0.9 and epsilon 1e-5, as in most of the studies."""
    return BatchNormalization(momentum=0.9, epsilon=1e-5, **arguments)(x)


def leaky_relu(negative_slope: float) -> MakeLayer:
    """A function that creates a leaky ReLU layer with this slope."""
    return lambda: layers.LeakyReLU(negative_slope=negative_slope)


def activate(x: Tensor, activation: MakeLayer, batch_norm: bool = True) -> Tensor:
    """Applies batch normalization, if `batch_norm` is True, and the activation layer that `activation()` creates.

    The layer before keeps its bias, although the normalization removes it, as in the networks of the studies.
    """
    return activation()(normalize(x) if batch_norm else x)


def to_tanh_range(image: Tensor) -> Tensor:
    """Rescales an image from [0, 1] to [-1, 1]."""
    return layers.Rescaling(2.0, offset=-1.0)(image)


def from_tanh_range(image: Tensor) -> Tensor:
    """Rescales an image from [-1, 1] to [0, 1], in float32."""
    return layers.Rescaling(0.5, offset=0.5, dtype="float32")(image)


def tanh_image(x: Tensor) -> Tensor:
    """Any values -> an image in [0, 1], tanh(x) / 2 + 1/2, in float32."""
    return from_tanh_range(layers.Activation("tanh", dtype="float32")(x))


def head(x: Tensor, units: int, name: str, dense: MakeLayer = layers.Dense, **arguments: Any) -> Tensor:
    """A network's dense output layer: (B, F) -> (B, units), in float32.

    Args:
        x: features (B, F).
        units: number of outputs.
        name: name of the layer.
        dense: class of the layer.
        arguments: further arguments of the layer.
    """
    return dense(units, dtype="float32", name=name, **arguments)(x)


def latent_heads(x: Tensor, latent_dim: int, dense: MakeLayer = layers.Dense) -> dict[str, Tensor]:
    """The outputs of a VAE's encoder: features (B, F) -> {"mean", "log_var"}, each (B, latent_dim), unbounded."""
    return {name: head(x, latent_dim, name, dense) for name in ("mean", "log_var")}
