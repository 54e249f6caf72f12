"""Block diagrams and layer tables of networks, as in papers: connections, sizes, numbers of parameters."""

import collections
import dataclasses
import math
import re
from typing import Any

import keras
import numpy as np
from keras import layers, tree
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Patch, Rectangle
from matplotlib.path import Path

from tfgen.figures.text import Figure
from tfgen.models.base import GenerativeModel
from tfgen.networks.spectral import SpectralConv2D

MERGED = (layers.BatchNormalization, layers.Activation, layers.ReLU, layers.LeakyReLU, layers.Dropout, layers.Rescaling)
# Kind of block -> its layers, its color (Okabe and Ito's, which color-blind people can tell apart), its hatch.
KINDS = {
    "input": (layers.InputLayer, "white", ""),
    "convolution": (layers.Conv2D, "#56b4e9", ""),
    "transposed convolution": (layers.Conv2DTranspose, "#e69f00", "////"),
    "dense": (layers.Dense, "#009e73", "...."),
    "pooling, upsampling": (
        (layers.AveragePooling2D, layers.GlobalMaxPooling2D, layers.UpSampling2D),
        "#f0e442",
        "----",
    ),
    "concatenation": (layers.Concatenate, "#404040", ""),
    "reshape, flatten": ((layers.Reshape, layers.Flatten), "#d9d9d9", "xxxx"),
    "other": (object, "#cc79a7", "||||"),
}
# In inches: least and greatest width of the figure, of a column; the margin, a line of text, a letter of the table.
NARROW, WIDE, PITCH, LOOSE, MARGIN, LINE, LETTER = 10.0, 16.0, 0.64, 1.0, 0.3, 0.18, 0.064
BEND = 0.2  # height of an arc's control point, in lengths of the arc


@dataclasses.dataclass(frozen=True)
class Block:
    """A layer, with the normalization, activation, dropout and rescaling that directly follow it.

    Attributes:
        name: name of the network's input or output, empty for other blocks. A single output without a name is "output".
        label: its layers in words: "conv 5x5 / 2, 64, batch norm, LeakyReLU .2", where 2 is the stride; a transposed
            convolution has "* 2".
        shape: shape of its output, without the batch.
        parameters: number of trainable parameters.
        inputs: indices of its input blocks.
        kind: key of KINDS.
        column: number of blocks before it on the longest path from an input; an input is one column before the first
            block that uses it.
    """

    name: str
    label: str
    shape: tuple[int, ...]
    parameters: int
    inputs: tuple[int, ...]
    kind: str
    column: int


def blocks(network: keras.Model) -> list[Block]:
    """The Blocks of a functional keras.Model that calls each layer once, in topological order."""
    inputs = network.input if isinstance(network.input, dict) else {network.input.name: network.input}
    outputs = network.output if isinstance(network.output, dict) else {_output_name(network): network.output}
    readers = collections.Counter(
        map(id, [*outputs.values(), *(tensor for layer in network.operations for tensor in _read(layer))])
    )
    groups: list[list[keras.layers.Layer]] = []  # the layers of each block
    maker: dict[int, int] = {}  # a tensor's id -> index of the block that makes it
    for layer in network.operations:
        read = _read(layer)
        if isinstance(layer, MERGED) and readers[id(read[0])] == 1:
            maker[id(layer.output)] = maker[id(read[0])]
            groups[maker[id(read[0])]].append(layer)
        else:
            maker[id(layer.output)] = len(groups)
            groups.append([layer])
    reads = [[maker[id(tensor)] for tensor in _read(group[0])] for group in groups]
    columns: list[int] = []
    for read in reads:
        columns.append(1 + max((columns[i] for i in read), default=-1))
    for i, read in enumerate(reads):
        if not read:
            columns[i] = min(columns[j] for j, others in enumerate(reads) if i in others) - 1
    names = {maker[id(tensor)]: name for name, tensor in [*inputs.items(), *outputs.items()]}
    reach = [max((columns[j] for j, read in enumerate(reads) if i in read), default=0) for i in range(len(groups))]
    # What is read farthest away is on top, where its arc crosses nothing.
    order = sorted(range(len(groups)), key=lambda i: (columns[i], [*names].index(i) if i in names else -1, -reach[i]))
    return [
        Block(
            name=names.get(i, ""),
            label=re.sub("(input|tanh), x ", r"\1 ", ", ".join(word for layer in groups[i] for word in _words(layer))),
            shape=groups[i][-1].output.shape[1:],
            parameters=sum(math.prod(v.shape) for layer in groups[i] for v in _trainable_variables(layer)),
            inputs=tuple(order.index(j) for j in reads[i]),
            kind=next(kind for kind, (classes, *_) in KINDS.items() if isinstance(groups[i][0], classes)),
            column=columns[i],
        )
        for i in order
    ]


def _read(operation: Any) -> list[Any]:
    """The input tensors of an operation; for input layers none, although Keras lists their output."""
    return [] if isinstance(operation, layers.InputLayer) else tree.flatten(operation.input)


def _trainable_variables(operation: Any) -> list[Any]:
    return operation.trainable_variables if isinstance(operation, layers.Layer) else []  # keras.ops have none


def _output_name(network: keras.Model) -> str:
    (last,) = (layer for layer in network.operations if layer.output is network.output)
    keras_own = re.sub(r"_\d+$", "", last.name).replace("_", "") == type(last).__name__.lower()  # as conv2d_transpose_3
    return "output" if keras_own else last.name


def _words(layer: Any) -> list[str]:
    """The description of a layer and its parts: "conv 4x4 / 2, 64", "spectral norm", "ReLU"."""
    words = []
    match layer:
        case layers.Conv2D() | layers.Conv2DTranspose():
            name, sign = ("conv", "/") if isinstance(layer, layers.Conv2D) else ("transposed conv", "*")
            stride = f" {sign} {layer.strides[0]}" if layer.strides[0] > 1 else ""
            words = [f"{name} {'x'.join(map(str, layer.kernel_size))}{stride}, {layer.filters}"]
        case layers.Dense():
            words = [f"dense {layer.units}"]
        case layers.AveragePooling2D():
            words = [f"average pooling / {layer.pool_size[0]}"]
        case layers.UpSampling2D():
            words = [f"upsampling * {layer.size[0]}"]
        case layers.LeakyReLU():
            words = [f"LeakyReLU {_number(layer.negative_slope)}"]
        case layers.Dropout():
            words = [f"dropout {_number(layer.rate)}"]
        case layers.Rescaling():
            factor = f"* {_number(layer.scale)}" if layer.scale >= 1 else f"/ {_number(1 / layer.scale)}"
            words = [f"x {factor} {'-' if layer.offset < 0 else '+'} {_number(abs(layer.offset))}"]
        case layers.Activation():
            pass  # it is what it holds
        case _:
            name = type(layer).__name__
            own = {
                "InputLayer": "input",
                "BatchNormalization": "batch norm",
                "Concatenate": "concatenation",
                "ReLU": "ReLU",
            }
            plain = re.sub("(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("2D")).lower()  # "global max pooling"
            words = [own.get(name, plain)]
    if isinstance(layer, SpectralConv2D):
        words.append("spectral norm")
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return words if activation == "linear" else [*words, {"relu": "ReLU"}.get(activation, activation)]


def _number(value: float) -> str:
    return f"{value:g}".removeprefix("0")


def table(network: keras.Model) -> list[tuple[str, str, str, str]]:
    """A row of text for each block: (number from 1, layer, output, parameters).

    A layer names its inputs unless its input is the row above.
    """
    rows = []
    for i, block in enumerate(blocks(network)):
        name = f"{block.name}: " if block.name else ""
        read = f" (from {' and '.join(str(j + 1) for j in block.inputs)})" if block.inputs not in ((), (i - 1,)) else ""
        rows.append((str(i + 1), f"{name}{block.label}{read}", _shape(block), f"{block.parameters:,}"))
    return rows


def _shape(block: Block) -> str:
    return "x".join(map(str, block.shape))


def networks(model: GenerativeModel) -> Figure:
    """Draws the networks of a model: blocks as numbered boxes, skip connections as arcs, and a table of layers.

    The height of a box grows with the side of the output and the width with the channels, but less than
    proportionally, so that 64x64x3 and 4x4x256 fit in one row. A vector is a bar. Titles give the number of trainable
    parameters.
    """
    drawn = {name: (blocks(network), table(network)) for name, network in model.networks().items()}
    columns = 1 + max(block.column for found, _ in drawn.values() for block in found)
    letters = max(len(row[1]) for _, rows in drawn.values() for row in rows)
    width = min(max(NARROW, columns * PITCH + 2 * MARGIN, 2 * (letters * LETTER + 2 + 2 * MARGIN)), WIDE)
    figure = Figure()
    for name, (found, rows) in drawn.items():
        axis = figure.add_axes((0, 0, 1, 1), label=name)
        low, high = _draw_blocks(axis, found, min((width - 2 * MARGIN) / columns, LOOSE))
        _draw_table(axis, rows, low - LINE, width)
        title = f"{name}: {model.parameters()[name]:,} parameters"
        axis.text(MARGIN, high + 2 * LINE, title, fontsize=12, weight="bold", va="center")
        axis.set(xlim=(0, width), ylim=(low - (2.5 - -len(rows) // 2) * LINE, high + 3 * LINE))
        axis.set_axis_off()
    heights = [np.ptp(axis.get_ylim()) for axis in figure.axes]
    height = sum(heights) + 2 * LINE
    figure.set_size_inches(width, height)
    for axis, own, above in zip(figure.axes, heights, np.cumsum(heights), strict=True):
        axis.set_position((0, 1 - above / height, 1, own / height))
    kinds = [kind for kind in KINDS if any(block.kind == kind for found, _ in drawn.values() for block in found)]
    handles = [Patch(label=kind, **_style(kind)) for kind in kinds]
    legend = {"ncols": len(kinds), "frameon": False, "fontsize": 8, "borderpad": 0, "borderaxespad": 0}
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(MARGIN / width, LINE / height), **legend)
    return figure


def _style(kind: str) -> dict[str, Any]:
    _, colour, hatch = KINDS[kind]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "black", "linewidth": 0.8}


def _boxes(found: list[Block], pitch: float) -> dict[int, tuple[float, float, float, float]]:
    """(x, y, width, height) in inches of each block, where x and y are its center; columns are centered on y = 0."""
    boxes, gap = {}, 2.6 * LINE
    for column in {block.column for block in found}:
        sizes = {i: _size(block.shape) for i, block in enumerate(found) if block.column == column}
        top = sum(height + gap for _, height in sizes.values()) / 2 - gap / 2
        for i, (width, height) in sizes.items():
            boxes[i] = (MARGIN + (column + 0.5) * pitch, top - height / 2, width, height)
            top -= height + gap
    return boxes


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """A block's (width, height): 64 is three times as high as 4, and 256 channels are three times as wide as 3."""
    if len(shape) == 1:
        return 0.12, 0.1 + 0.07 * math.log2(shape[0])
    return 0.05 + 0.04 * math.log2(1 + shape[-1]), 0.25 * shape[0] ** 0.4


def _draw_blocks(axis: Axes, found: list[Block], pitch: float) -> tuple[float, float]:
    """Draws the blocks around y = 0, and arrows between them.

    Returns the lowest and the highest y of the drawing, in inches.
    """
    boxes = _boxes(found, pitch)
    captions = [(f"{i + 1} {block.name}".strip(), _shape(block)) for i, block in enumerate(found)]
    longest = max(len(text) for caption in captions for text in caption)
    fontsize = min(7.5, 110 * pitch / longest)  # narrower than a column
    high = max(y + height / 2 for _, y, _, height in boxes.values())
    for i, (block, caption) in enumerate(zip(found, captions, strict=True)):
        x, y, width, height = boxes[i]
        axis.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, **_style(block.kind)))
        for text, weight, line in zip(caption, ("bold", "normal"), (0.65, 1.45), strict=True):
            axis.text(x, y - height / 2 - line * LINE, text, fontsize=fontsize, weight=weight, ha="center", va="center")
        for j in block.inputs:
            from_x, from_y, from_width, from_height = boxes[j]
            if block.column - found[j].column > 1:
                ends = np.array([(from_x, from_y + from_height / 2), (x, y + height / 2)])
                middle = ends.mean(axis=0) + (0, BEND * (x - from_x))
                path = Path([ends[0], middle, ends[1]], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
                high = max(high, path.get_extents().y1)
            else:
                between = (from_x + x) / 2
                path = Path([(from_x + from_width / 2, from_y), (between, from_y), (between, y), (x - width / 2, y)])
            axis.add_patch(FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=8, linewidth=0.8, color="black"))
    return min(y - height / 2 for _, y, _, height in boxes.values()) - 2 * LINE, high


def _draw_table(axis: Axes, rows: list[tuple[str, str, str, str]], top: float, width: float) -> None:
    """Draws the rows of a table below `top`, in two columns."""
    half = -(-len(rows) // 2)
    for left, part in [(MARGIN, rows[:half]), (width / 2 + MARGIN, rows[half:])]:
        right = left + width / 2 - 2 * MARGIN
        for i, row in enumerate([("", "layer", "output", "parameters"), *part]):
            places = (left + 0.2, left + 0.3, right - 1.6, right)
            for x, text, side in zip(places, row, ("right", "left", "left", "right"), strict=True):
                axis.text(x, top - i * LINE, text, fontsize=8, weight="normal" if i else "bold", ha=side, va="center")
        axis.plot((left, right), (top - LINE / 2, top - LINE / 2), color="black", linewidth=0.8)
