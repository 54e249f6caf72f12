"""A Keras network as a list of steps that a browser can compute, with its weights in 16 or 8 bits."""

import base64
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from tfgen import UserError
from tfgen.networks import drafted

SMALL = 1 / 5  # relative to the largest value of a draft: rows of smaller values are kept in 8 bits
ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid")


class Steps:
    """Translates networks for one page; their weights go into one array.

    A step is a dict: "op" and its parameters, "from", the numbers of the tensors that it takes, and "shape", that of
    its output without the batch. The tensors of a network are its inputs, then the outputs of its steps in order.
    """

    def __init__(self) -> None:
        self.halves: list[np.ndarray] = []
        self.bytes: list[np.ndarray] = []
        self.order: list[list[int]] = []
        self.size = 0

    def encoded(self) -> dict[str, Any]:
        """All weights, in the order of their places.

        Returns:
            {"order": [n] for n weights in 16 bits, [rows, columns] for a matrix in 8 bits, [rows, columns, 1] for lower
            triangular matrices below each other in 16 bits, of whose row i there are i + 1 values; "halves": weights in
            16 bits and the factors of the rows of matrices in 8 bits, little-endian float16 in base64; "bytes": int8
            in base64}.
        """
        halves, as_bytes = (np.concatenate(parts or [np.zeros(0)]) for parts in (self.halves, self.bytes))
        return {
            "order": self.order,
            "halves": base64.b64encode(halves.astype("<f2").tobytes()).decode(),
            "bytes": base64.b64encode(as_bytes.astype(np.int8).tobytes()).decode(),
        }

    def network(self, network: keras.Model) -> dict[str, Any]:
        """{"inputs": {name: shape}, "steps", "outputs": {name: number of a tensor}} of a functional network.

        Raises:
            UserError: if it has a layer that the page cannot compute.
        """
        inputs = {tensor.name: list(tensor.shape[1:]) for tensor in network.inputs}
        numbers = {id(tensor): i for i, tensor in enumerate(network.inputs)}
        steps: list[dict[str, Any]] = []
        for layer in network.layers:
            if isinstance(layer, layers.InputLayer):
                continue
            taken = [numbers[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
            for step in self._of_layer(layer):
                steps.append({"from": taken} | step)
                taken = [len(inputs) + len(steps) - 1]
            numbers[id(layer.output)] = taken[0]
        outputs = (
            network.output if isinstance(network.output, Mapping) else {"output": keras.tree.flatten(network.output)[0]}
        )
        return {
            "inputs": inputs,
            "steps": steps,
            "outputs": {name: numbers[id(tensor)] for name, tensor in outputs.items()},
        }

    def _of_layer(self, layer: layers.Layer) -> list[dict[str, Any]]:
        """The steps of a layer: one, and another for the activation of a convolution or a dense layer."""
        shape = list(layer.output.shape[1:])
        step: dict[str, Any]
        if isinstance(layer, layers.Dense):
            kernel = self._draft(layer.kernel.numpy()) if layer.name == "draft" else self._kept(layer.kernel)
            step = {"op": "dense", "kernel": kernel, "bias": self._bias(layer)}
        elif isinstance(layer, layers.Conv2DTranspose):
            # The kernel is (height, width, outputs, inputs).
            kernel = np.swapaxes(layer.kernel.numpy(), 2, 3)
            step = self._convolution(layer, "transposed", kernel, layer.output.shape, layer.input.shape)
        elif isinstance(layer, layers.Conv2D):
            step = self._convolution(layer, "convolution", layer.kernel.numpy(), layer.input.shape, layer.output.shape)
        elif isinstance(layer, layers.BatchNormalization):
            scale = 1 / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
            scale = scale * (layer.gamma.numpy() if layer.scale else 1)
            shift = (layer.beta.numpy() if layer.center else 0) - layer.moving_mean.numpy() * scale
            step = {"op": "affine", "scale": self._kept(scale), "shift": self._kept(shift)}
        elif isinstance(layer, layers.Rescaling):
            step = {"op": "rescale", "by": float(layer.scale), "plus": float(layer.offset)}
        elif isinstance(layer, layers.LeakyReLU | layers.ReLU):
            step = {"op": "leaky", "slope": float(layer.negative_slope)}
        elif isinstance(layer, layers.Activation):
            return [_activation(layer) | {"shape": shape}]
        elif isinstance(layer, layers.Reshape | layers.Flatten):
            step = {"op": "reshape"}
        elif isinstance(layer, layers.Concatenate) and layer.axis in (-1, len(shape)):
            step = {"op": "concatenate"}
        elif isinstance(layer, drafted.Mixture):
            parts = {name: self._kept(getattr(layer, name)) for name in ("borders", "means")}
            parts["factors"] = self._triangles(layer.factors.numpy())
            step = {"op": "mixture", "clusters": layer.clusters, "sharpness": drafted.SHARPNESS, **parts}
        elif isinstance(layer, layers.Add):
            step = {"op": "add"}
        elif isinstance(layer, layers.UpSampling2D) and layer.interpolation in ("nearest", "bilinear"):
            step = {"op": layer.interpolation, "factor": list(layer.size)}
        elif isinstance(layer, layers.AveragePooling2D) and layer.pool_size == layer.strides:
            step = {"op": "average", "factor": list(layer.pool_size)}
        elif isinstance(layer, drafted.BeforeTanh):
            step = {"op": "before_tanh", "range": drafted.NEAR_ONE}
        elif isinstance(layer, layers.Dropout):
            step = {"op": "reshape"}
        else:
            raise UserError(
                f"the page cannot compute the layer {layer.name} ({type(layer).__name__}): use `export` instead."
            )
        found = [step | {"shape": shape}]
        if isinstance(layer, layers.Dense | layers.Conv2D | layers.Conv2DTranspose):
            found += [_activation(layer) | {"shape": shape}] * (layer.activation.__name__ != "linear")
        return found

    def _convolution(
        self, layer: layers.Conv2D, op: str, kernel: np.ndarray, large: Sequence[int], small: Sequence[int]
    ) -> dict[str, Any]:
        """A convolution, or the transposed one, whose `large` side is that with as many places as the stride makes."""
        if layer.dilation_rate not in ((1, 1), 1) or getattr(layer, "groups", 1) != 1:
            raise UserError(f"the page cannot compute the layer {layer.name} with dilation or groups: use `export`.")
        before = [0, 0]
        if layer.padding == "same":  # TensorFlow pads less before than after
            sides = zip(large[1:3], small[1:3], layer.strides, layer.kernel_size, strict=True)
            before = [max((few - 1) * stride + size - many, 0) // 2 for many, few, stride, size in sides]
        return {
            "op": op,
            "kernel": self._kept(kernel),
            "bias": self._bias(layer),
            "size": list(layer.kernel_size),
            "stride": list(layer.strides),
            "before": before,
        }

    def _bias(self, layer: layers.Layer) -> list[int] | None:
        return self._kept(layer.bias) if layer.use_bias else None

    def _kept(self, values: Any) -> list[int]:
        """Adds weights to the array. Returns the places of the first and after the last."""
        flat = np.ravel(np.asarray(values)).astype(np.float16)
        self.halves.append(flat)
        return self._placed([len(flat)], len(flat))

    def _draft(self, kernel: np.ndarray) -> list[int]:
        """`_kept` of the kernel of a draft, most of the page: the rows with small values are in 8 bits."""
        if len(kernel) > kernel.shape[1]:  # an encoder's
            return self._kept_in_bytes(kernel)
        size, largest = self.size, np.abs(kernel).max(axis=1)
        for small, rows in itertools.groupby(range(len(kernel)), lambda i: largest[i] < SMALL * largest.max()):
            part = kernel[[*rows]]
            _ = self._kept_in_bytes(part) if small else self._kept(part)
        return [size, self.size]

    def _kept_in_bytes(self, matrix: np.ndarray) -> list[int]:
        """`_kept` of a matrix in 8 bits. Each value is at most 1/254 of the largest of its row off."""
        factors = (np.abs(matrix).max(axis=1) / 127).astype(np.float16)
        scales = factors.astype(np.float32)[:, None]
        rounded = np.rint(np.divide(matrix, scales, out=np.zeros(matrix.shape, np.float32), where=scales > 0))
        self.halves.append(factors)
        self.bytes.append(np.ravel(np.clip(rounded, -127, 127)))
        return self._placed([*matrix.shape], matrix.size)

    def _triangles(self, matrices: np.ndarray) -> list[int]:
        """`_kept` of lower triangular matrices (n, m, m), without the zeros above the diagonals."""
        n, m, _ = matrices.shape
        self.halves.append(np.ravel(matrices[:, *np.tril_indices(m)]).astype(np.float16))
        return self._placed([n * m, m, 1], matrices.size)

    def _placed(self, kind: list[int], size: int) -> list[int]:
        self.order.append(kind)
        self.size += size
        return [self.size - size, self.size]


def _activation(layer: layers.Layer) -> dict[str, Any]:
    name = layer.activation.__name__
    if name not in ACTIVATIONS:
        raise UserError(f"the page cannot compute the activation {name} of the layer {layer.name}: use `export`.")
    return {"op": name}
