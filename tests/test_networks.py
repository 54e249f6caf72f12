"""Parameter counts of the studies' tables, shapes and ranges."""

import keras
import numpy as np
import pytest

from tfgen import UserError
from tfgen.networks import blocks, bottleneck, conditioning, dcgan, digits, mirrored, pooled, variable_depth
from tfgen.settings import SIZES
from tfgen.studies import STUDIES

COUNTS = {
    ("dlcv2018", "vae"): {"encoder": 5_274_368, "decoder": 2_792_099},
    ("dlcv2018", "gan"): {"generator": 1_104_547, "discriminator": 1_083_137},
    ("dlcv2018", "acgan"): {"generator": 1_108_643, "discriminator": 1_087_234},
}


@pytest.mark.parametrize("study, model", COUNTS)
def test_trainable_parameters_of_the_study(study, model):
    assert STUDIES[study][model].build((64, 64, 3)).parameters() == COUNTS[study, model]


def test_moving_statistics_come_on_top():
    generator = dcgan.generator((64, 64, 3), 100)
    assert generator.count_params() - 1_104_547 == 2 * (256 + 128 + 64 + 32)


@pytest.mark.parametrize("image_size, expected", [(8, [32]), (32, [32, 64, 128]), (64, [32, 64, 128, 256])])
def test_widths_follow_the_image_size(image_size, expected):
    assert dcgan.widths(image_size) == expected
    assert dcgan.widths(image_size, 1 / 16) == [value // 16 for value in expected]


@pytest.mark.parametrize("image_size, width", [(36, 1.0), (50, 1.0), (4, 1.0), (0, 1.0), (64, 0.0)])
def test_sizes_that_do_not_fit(image_size, width):
    with pytest.raises(UserError):
        dcgan.widths(image_size, width)


def test_widths_double_up_to_the_most():
    assert blocks.widths(128, 64, most=256) == [64, 128, 256, 256, 256]
    assert blocks.widths(32, 16, 1 / 10) == [2, 3, 6]
    assert (blocks.scaled(3, 1 / 16), blocks.halvings(8), blocks.quarter((32, 32, 1))) == (1, 1, 8)


NETWORKS = {
    "bottleneck": lambda size, width: bottleneck.encoder((size, size, 1), 2, width),
    "class_generator": lambda size, width: conditioning.class_generator((size, size, 1), 2, 3, width),
    "depth_generator": lambda size, width: conditioning.depth_generator((size, size, 1), width),
    "dcgan": lambda size, width: dcgan.generator((size, size, 1), 2, width=width),
    "digits encoder": lambda size, width: digits.encoder((size, size, 1), 2, width),
    "digits decoder": lambda size, width: digits.decoder((size, size, 1), 2, width),
    "digits discriminator": lambda size, width: digits.discriminator((size, size, 1), width),
    "mirrored": lambda size, width: mirrored.decoder((size, size, 1), 2, width),
    "pooled": lambda size, width: pooled.critic((size, size, 1), 2, width),
    "variable_depth": lambda size, width: variable_depth.decoder((size, size, 1), 2, 2, width),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_family_refuses_sizes_and_widths_that_do_not_fit(name):
    with pytest.raises(UserError, match="image_size must be a multiple of 4 from 8 to 512 .*, not 36"):
        NETWORKS[name](36, 1.0)
    with pytest.raises(UserError, match="width must be more than 0, not -1.0"):
        NETWORKS[name](8, -1.0)


BUILDERS = {(study, model): preset.build for study, presets in STUDIES.items() for model, preset in presets.items()}


@pytest.mark.trace
@pytest.mark.usefixtures("no_optimizers")
@pytest.mark.parametrize("study, model", BUILDERS)
def test_every_model_takes_sizes_that_are_no_power_of_two(study, model):
    """Grey 28x28 and color 48x48; pictures come out as large as they go in."""
    for i, shape in enumerate([(28, 28, 1), (48, 48, 3)]):
        if i != sorted(BUILDERS).index((study, model)) % 2:
            continue  # one shape for each model, both for each family of networks
        if study == "csi5340":
            with pytest.raises(
                UserError, match=f"image_size must be a power of two for these networks, not {shape[0]}"
            ):
                BUILDERS[study, model](shape, width=1 / 16, networks="draft")
            continue
        networks = BUILDERS[study, model](shape, width=1 / 16).networks()
        drawn = networks.get("decoder", networks.get("generator"))
        assert drawn.output_shape[1:3] == shape[:2] and drawn.output_shape[3] in (shape[2], 1)
        judge = networks.get("discriminator", networks.get("encoder"))
        given = judge.input["image"] if isinstance(judge.input, dict) else judge.input
        assert given.shape[1:3] == shape[:2]


def test_sides_are_halved_to_four_to_seven_pixels():
    found = {size: (blocks.halvings(size), blocks.smallest(size)) for size in (8, 12, 20, 28, 32, 48, 64, 96, 512)}
    assert found == {
        8: (1, 4),
        12: (1, 6),
        20: (2, 5),
        28: (2, 7),
        32: (3, 4),
        48: (3, 6),
        64: (4, 4),
        96: (4, 6),
        512: (7, 4),
    }
    for size in SIZES:
        assert blocks.smallest(size) << blocks.halvings(size) == size and blocks.quarter((size, size, 1)) * 4 == size


@pytest.mark.parametrize("size, kernel", [(32, 4), (28, 7), (48, 6)])
def test_the_smallest_map_is_a_dense_layer_for_the_networks_that_end_in_convolutions(size, kernel):
    critic = mirrored.critic((size, size, 1), 1 / 16)
    assert [layer.kernel_size for layer in critic.layers if hasattr(layer, "kernel_size")][-1] == (kernel, kernel)
    generator = variable_depth.final_generator((size, size, 1), 5, 1 / 16)
    assert [layer.kernel_size for layer in generator.layers if hasattr(layer, "kernel_size")][0] == (kernel, kernel)
    assert generator.output_shape == (None, size, size, 1) and critic.output_shape == (None, 1)


def test_ranges_of_images():
    x = np.float32([[-30, -1, 0, 1, 30]])
    np.testing.assert_allclose(blocks.tanh_image(x), np.tanh(x) / 2 + 0.5, atol=1e-6)
    unit = np.float32([[0, 0.25, 1]])
    np.testing.assert_allclose(blocks.to_tanh_range(unit), [[-1, -0.5, 1]])
    np.testing.assert_allclose(blocks.from_tanh_range(blocks.to_tanh_range(unit)), unit)


def test_output_layers_stay_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        features = np.zeros((2, 5), np.float32)
        outputs = [blocks.tanh_image(features), blocks.head(features, 1, "logits")]
        outputs += blocks.latent_heads(features, 3).values()
        hidden = keras.layers.Dense(1)(features)
    finally:
        keras.config.set_dtype_policy("float32")
    assert hidden.dtype == "float16" and all(output.dtype == "float32" for output in outputs)


@pytest.mark.parametrize("shape", [(16, 16, 1), (32, 32, 3)])
def test_pictures_stay_in_range(shape):
    z = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32) * 1000
    for network in (dcgan.decoder(shape, 7, 1 / 8), dcgan.generator(shape, 7, width=1 / 8)):
        pictures = network(z, training=False).numpy()
        assert pictures.shape == (5, *shape)
        assert 0 <= pictures.min() < 0.5 < pictures.max() <= 1


def test_layer_details_of_the_study():
    """Slopes, initial deviations and normalisation that a parameter count does not see."""
    encoder, discriminator, generator = (
        dcgan.encoder((64, 64, 3), 512),
        dcgan.discriminator((64, 64, 3)),
        dcgan.generator((64, 64, 3), 100),
    )
    layers = [layer for network in (encoder, discriminator, generator) for layer in network.layers]
    norms = [layer.get_config() for layer in layers if type(layer).__name__ == "BatchNormalization"]
    assert len(norms) == 4 + 4 + 4
    assert all((norm["momentum"], norm["epsilon"]) == (0.9, 1e-5) for norm in norms)
    slopes = lambda network: {layer.negative_slope for layer in network.layers if type(layer).__name__ == "LeakyReLU"}
    assert (slopes(encoder), slopes(discriminator), slopes(generator)) == ({0.01}, {0.1}, set())
    kernels = [layer.kernel.numpy() for layer in layers if hasattr(layer, "kernel") and layer.kernel.shape[-1] > 8]
    for kernel in kernels:
        assert kernel.std() == pytest.approx(0.02, rel=0.15)
