"""What the diagrams say about a network, by value, and that the drawing is readable: nothing overlaps."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from tfgen.figures import diagrams
from tfgen.networks import bottleneck, conditioning, dcgan, digits, mirrored, pooled
from tfgen.studies import STUDIES

SHAPE = (64, 64, 3)
MODELS = [(study, model, {}) for study, presets in STUDIES.items() for model in presets]
VARIANTS = [
    ("sullivan2017", "depth_wgan", {"batch_norm": True, "dropout": True}),
    ("pegasus", "adversarial_vae", {"spectral_norm": True, "convolutions": 2, "dense_layers": 2}),
]


def skips(blocks):
    """(from, to) of every arc: what is read from further back than the column before."""
    return [(j, i) for i, block in enumerate(blocks) for j in block.inputs if block.column - blocks[j].column > 1]


def labels(network):
    return [block.label for block in diagrams.blocks(network)]


def test_the_depth_generators_skips_are_the_studys():
    blocks = diagrams.blocks(conditioning.depth_generator(SHAPE))
    assert [block.name for block in blocks] == ["image", "noise", *[""] * 17, "output"]
    assert [block.shape for block in blocks[3:9]] == [
        (32, 32, 64),
        (16, 16, 128),
        (8, 8, 256),
        (4, 4, 256),
        (4, 4, 96),
        (4, 4, 32),
    ]
    joins = [10, 12, 14, 16, 18]
    assert [blocks[i].shape for i in joins] == [(4, 4, 192), (4, 4, 512), (8, 8, 512), (16, 16, 256), (32, 32, 128)]
    assert skips(blocks) == [(7, 10), (6, 12), (5, 14), (4, 16), (3, 18)]
    chain = [(i - 1,) for i in range(20)]
    chain[:3] = (), (), (0, 1)
    for i, skipped in zip(joins, [7, 6, 5, 4, 3]):
        chain[i] = (i - 1, skipped)
    assert [block.inputs for block in blocks] == chain
    assert [block.kind for block in blocks] == [
        *["input"] * 2,
        "concatenation",
        *["convolution"] * 7,
        "concatenation",
        "convolution",
        *["concatenation", "transposed convolution"] * 4,
    ]


def test_the_homeworks_tables():
    assert diagrams.table(dcgan.encoder(SHAPE, 512)) == [
        ("1", "image: input", "64x64x3", "0"),
        ("2", "conv 5x5 / 2, 32, batch norm, LeakyReLU .01", "32x32x32", "2,496"),
        ("3", "conv 5x5 / 2, 64, batch norm, LeakyReLU .01", "16x16x64", "51,392"),
        ("4", "conv 5x5 / 2, 128, batch norm, LeakyReLU .01", "8x8x128", "205,184"),
        ("5", "conv 5x5 / 2, 256, batch norm, LeakyReLU .01", "4x4x256", "819,968"),
        ("6", "flatten", "4096", "0"),
        ("7", "mean: dense 512", "512", "2,097,664"),
        ("8", "log_var: dense 512 (from 6)", "512", "2,097,664"),
    ]
    assert diagrams.table(dcgan.generator(SHAPE, 100, code_dim=1)) == [
        ("1", "z: input", "100", "0"),
        ("2", "codes: input", "1", "0"),
        ("3", "concatenation (from 1 and 2)", "101", "0"),
        ("4", "dense 4096", "4096", "417,792"),
        ("5", "reshape, batch norm, ReLU", "4x4x256", "512"),
        ("6", "transposed conv 4x4 * 2, 128, batch norm, ReLU", "8x8x128", "524,672"),
        ("7", "transposed conv 4x4 * 2, 64, batch norm, ReLU", "16x16x64", "131,264"),
        ("8", "transposed conv 4x4 * 2, 32, batch norm, ReLU", "32x32x32", "32,864"),
        ("9", "output: transposed conv 4x4 * 2, 3, tanh / 2 + .5", "64x64x3", "1,539"),
    ]


def test_layers_in_words():
    assert labels(digits.encoder((32, 32, 1), 2))[1:3] == ["conv 3x3 / 2, 32, ReLU", "conv 3x3 / 2, 64, ReLU"]
    assert labels(digits.generator((32, 32, 1), 100))[3] == "transposed conv 5x5, 128, batch norm, LeakyReLU .3"
    assert labels(digits.discriminator((32, 32, 1)))[:2] == [
        "input * 2 - 1",
        "conv 5x5 / 2, 64, LeakyReLU .3, dropout .3",
    ]
    assert labels(bottleneck.decoder(SHAPE, 200))[-1] == "transposed conv 5x5 * 2, 3, sigmoid"
    assert labels(bottleneck.discriminator(SHAPE, activation="sigmoid"))[-1] == "dense 1, sigmoid"
    assert labels(dcgan.recognizer(512, (10,), 2))[-2:] == ["dense 10", "dense 2, sigmoid"]
    assert labels(pooled.decoder((8, 8, 3), 16))[3:] == [
        "upsampling * 2",
        "conv 3x3, 16, LeakyReLU .2",
        "conv 3x3, 3, x / 2 + .5",
    ]
    assert labels(pooled.critic((8, 8, 3), 16))[4:] == [
        "average pooling / 2",
        "conv 3x3, 32, LeakyReLU .2",
        "conv 3x3, 16",
        "flatten",
        "mean",
    ]
    assert labels(mirrored.critic((8, 8, 3), spectral_norm=True))[1:] == [
        "conv 4x4 / 2, 64, spectral norm, LeakyReLU .2", "conv 4x4, 1, spectral norm", "flatten"
    ]  # fmt: skip


def test_what_two_read_is_a_block():
    """VAE/GAN's features are those before normalization and activation, which are then no part of the convolution."""
    blocks = diagrams.blocks(mirrored.critic((8, 8, 3), features=True))
    assert [(block.name, block.label, block.inputs) for block in blocks] == [
        ("image", "input", ()),
        ("", "conv 4x4 / 2, 64", (0,)),
        ("", "batch norm, LeakyReLU .2", (1,)),
        ("features", "flatten", (1,)),
        ("", "conv 4x4, 1", (2,)),
        ("logits", "flatten", (4,)),
    ]
    assert [block.column for block in blocks] == [0, 1, 2, 2, 3, 4] and blocks[3].shape == (1024,)


def test_inputs_stand_before_their_first_readers():
    blocks = diagrams.blocks(conditioning.class_discriminator((32, 32, 1), 10))
    assert [(block.name, block.label, block.shape, block.inputs, block.column) for block in blocks[:5]] == [
        ("codes", "input", (10,), (), 0),
        ("", "reshape", (1, 1, 10), (0,), 1),
        ("", "upsampling * 32", (32, 32, 10), (1,), 2),
        ("image", "input", (32, 32, 1), (), 2),
        ("", "concatenation", (32, 32, 11), (3, 2), 3),
    ]
    assert [block.label for block in blocks[-2:]] == ["global max pooling", "dense 1"]


def draw(study, model, shape=(16, 16, 3), **arguments):
    """(model, its Figure, drawn)."""
    built = STUDIES[study][model].build(shape, **{"width": 1 / 16} | arguments)
    figure = diagrams.networks(built)
    FigureCanvasAgg(figure).draw()
    return built, figure


def patches(axis):
    return [[patch for patch in axis.patches if isinstance(patch, kind)] for kind in (Rectangle, FancyArrowPatch)]


def shaft(arrow):
    """Points (n, 2) along an arrow without its head."""
    return arrow.get_path().to_polygons(closed_only=False)[0]


def meet(first, second):
    """Which rectangles (x0, y0, x1, y1) lie on which: (n, 4), (m, 4) -> (n, m)."""
    return (first[:, None, :2] < second[:, 2:]).all(-1) & (second[:, :2] < first[:, None, 2:]).all(-1)


def check_legible(figure):
    """No text is cut off, or lies on another, on a box or on an arrow."""
    extents = lambda artists: np.array(
        [artist.get_window_extent(figure.canvas.get_renderer()).extents for artist in artists]
    )
    texts = [extents(text for text in axis.texts if text.get_text()) for axis in figure.axes]
    every = np.concatenate([*texts, extents(figure.legends[0].get_texts())])
    assert (every >= 0).all() and (every[:, 2:] <= figure.bbox.size).all()
    assert (meet(every, every) == np.eye(len(every), dtype=bool)).all()
    for axis, own in zip(figure.axes, texts):
        boxes, arrows = patches(axis)
        assert not meet(own, extents(boxes)).any()
        for arrow in arrows:
            path = Path(axis.transData.transform(shaft(arrow)))
            assert not any(path.intersects_bbox(Bbox.from_extents(text), filled=False) for text in own)


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("study, model, arguments", MODELS + VARIANTS)
def test_every_model_is_drawn(study, model, arguments):
    built, figure = draw(study, model, **arguments)
    assert [axis.get_label() for axis in figure.axes] == list(built.networks()) and figure.get_size_inches()[0] <= 16
    kinds, head = set(), ["", "layer", "output", "parameters"]
    for axis, (name, network) in zip(figure.axes, built.networks().items()):
        blocks, parameters = diagrams.blocks(network), built.parameters()[name]
        assert sum(block.parameters for block in blocks) == parameters
        boxes, arrows = patches(axis)
        assert (len(boxes), len(arrows)) == (len(blocks), sum(len(block.inputs) for block in blocks))
        rows, half = diagrams.table(network), -(-len(blocks) // 2)
        *words, title = [text.get_text() for text in axis.texts]
        assert title == f"{name}: {parameters:,} parameters"
        assert words[: 2 * len(blocks)] == [
            word for i, block in enumerate(blocks) for word in (f"{i + 1} {block.name}".strip(), rows[i][2])
        ]
        assert words[2 * len(blocks) :] == [word for row in (head, *rows[:half], head, *rows[half:]) for word in row]
        kinds |= {block.kind for block in blocks}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        kind for kind in diagrams.KINDS if kind in kinds
    ]
    check_legible(figure)


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
def test_more_columns_are_legible_too():
    check_legible(draw("dlcv2018", "infogan", SHAPE, width=1 / 4)[1])
    check_legible(
        draw("sullivan2017", "depth_wgan", SHAPE, width=1 / 4, noise=False)[1]
    )  # its arcs are higher than its boxes
    check_legible(draw("sullivan2017", "depth_wgan", (256, 256, 3), width=1 / 4)[1])


@pytest.mark.usefixtures("no_optimizers")
def test_arrows_join_the_right_boxes():
    model, figure = draw("sullivan2017", "depth_wgan", SHAPE)
    (axis,) = (axis for axis in figure.axes if axis.get_label() == "generator")
    boxes, arrows = patches(axis)
    blocks = diagrams.blocks(model.generator)
    for (i, j), arrow in zip([(i, j) for i, block in enumerate(blocks) for j in block.inputs], arrows, strict=True):
        arc, points = (j, i) in skips(blocks), shaft(arrow)
        shares = (
            [(0.5, 1), (0.5, 1)] if arc else [(1, 0.5), (0, 0.5)]
        )  # of the boxes: from top to top, else from right to left
        ends = [box.get_bbox().p0 + box.get_bbox().size * share for box, share in zip((boxes[j], boxes[i]), shares)]
        np.testing.assert_allclose(points[[0, -1]], ends, atol=0.03)
        assert (
            points[:, 1].max() > max(box.get_bbox().y1 for box in boxes[j : i + 1])
            if arc
            else np.ptp(points[:, 0]) < 0.7
        )
    assert sum(Path.CURVE3 in arrow.get_path().codes for arrow in arrows) == 5
