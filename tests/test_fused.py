"""Batch normalization and Adam in one operation each compute what Keras's do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen.networks.batch_norm import BatchNormalization
from tfgen.optimizers import Adam

RNG = np.random.default_rng(0)


def layers(shape, dtype="float32", **arguments):
    """Keras's layer and ours with the same random weights."""
    pair = [kind(dtype=dtype, **arguments) for kind in (keras.layers.BatchNormalization, BatchNormalization)]
    for layer in pair:
        layer.build(shape)
    weights = [RNG.uniform(0.5, 2.0, weight.shape) for weight in pair[0].weights]
    for layer in pair:
        layer.set_weights(weights)
    return pair


def trained(layer, x, cotangent):
    """Outputs, the gradients of sum(cotangent * outputs) by the inputs and by the weights, and the statistics."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * cotangent)
    gradients = tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])
    values = [y, *gradients, *(weight.value for weight in layer.non_trainable_weights)]
    return [tf.cast(value, tf.float32).numpy() for value in values]


@pytest.mark.parametrize("arguments", [{}, {"scale": False}, {"center": False}, {"momentum": 0.9, "epsilon": 1e-5}])
@pytest.mark.parametrize("shape", [(8, 5, 5, 3), (7, 1, 1, 4), (16, 7), (4, 6, 5), (2, 3, 3, 3, 2)])
def test_as_keras(shape, arguments):
    x = tf.constant(RNG.normal(3.0, 2.0, shape), tf.float32)
    cotangent = tf.constant(RNG.normal(size=shape), tf.float32)
    expected, found = (trained(layer, x, cotangent) for layer in layers(shape, **arguments))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(dtype):
    shape = (8, 6, 6, 5)
    x = tf.cast(RNG.normal(3.0, 2.0, shape), dtype.removeprefix("mixed_"))
    cotangent = tf.constant(RNG.normal(size=shape), tf.float32)
    pair = layers(shape, dtype)
    expected, found = (trained(layer, x, cotangent) for layer in pair)
    assert pair[0](x, training=True).dtype == pair[1](x, training=True).dtype == x.dtype
    for ours, theirs in zip(found, expected, strict=True):  # both round outputs and gradients to the half type
        np.testing.assert_allclose(ours, theirs, rtol=2e-2, atol=2e-2 * np.abs(theirs).max())


def test_hand_checked():
    layer = BatchNormalization(momentum=0.5, epsilon=0.0)
    y = layer(np.array([[0.0], [2.0], [4.0], [6.0]], np.float32), training=True)  # mean 3, variance 5, not 20 / 3
    np.testing.assert_allclose(y[:, 0], np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(5.0), rtol=1e-6)
    np.testing.assert_allclose(layer.moving_mean, [1.5], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [3.0], rtol=1e-6)


def test_one_value():
    pair = layers((1, 1, 1, 2))
    x = np.array([[[[3.0, -2.0]]]], np.float32)
    for layer in pair:
        layer(x, training=True)
    for ours, theirs in zip(pair[1].weights, pair[0].weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def operations(layer, shape=(4, 3, 3, 2), **arguments):
    """Types of the operations of a training call."""

    @tf.function
    def call(x):
        return layer(x, training=True, **arguments)

    graph = call.get_concrete_function(tf.TensorSpec(shape)).graph
    return {operation.type for operation in graph.get_operations()}


def test_is_fused_only_where_it_can_be():
    assert "FusedBatchNormV3" in operations(BatchNormalization())
    assert "FusedBatchNormV3" in operations(BatchNormalization(), (4, 2))
    assert "FusedBatchNormV3" not in operations(BatchNormalization(synchronized=True))
    assert "FusedBatchNormV3" not in operations(BatchNormalization(axis=1))
    assert "FusedBatchNormV3" not in operations(BatchNormalization(renorm=True))
    assert "FusedBatchNormV3" not in operations(BatchNormalization(), mask=tf.ones((4, 3, 3)))
    frozen = BatchNormalization()
    frozen.trainable = False
    assert "FusedBatchNormV3" not in operations(frozen)


def test_a_frozen_layer_and_inference_are_those_of_keras():
    shape = (6, 4, 4, 3)
    x = tf.constant(RNG.normal(size=shape), tf.float32)
    pair = layers(shape)
    np.testing.assert_array_equal(*(layer(x, training=False) for layer in pair))
    before = pair[1].get_weights()
    for layer in pair:
        layer.trainable = False
    np.testing.assert_array_equal(*(layer(x, training=True) for layer in pair))
    assert all(np.array_equal(*both) for both in zip(before, pair[1].get_weights(), strict=True))


def test_second_derivatives():
    """A gradient penalty through batch normalization."""
    shape = (6, 4, 4, 2)
    x = tf.constant(RNG.normal(size=shape), tf.float32)
    found = []
    for layer in layers(shape):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x, training=True) ** 3)
            penalty = tf.reduce_sum(inner.gradient(y, x) ** 2)
        found.append(outer.gradient(penalty, [x, layer.gamma.value]))
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def network(norm):
    return keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 3), norm(), keras.layers.Flatten()])


@pytest.mark.parametrize(
    "kinds",
    [(BatchNormalization, keras.layers.BatchNormalization), (keras.layers.BatchNormalization, BatchNormalization)],
)
def test_weights_are_interchangeable(kinds, tmp_path):
    written, read = (network(kind) for kind in kinds)
    assert [layer.name.rstrip("_0123456789") for layer in written.layers] == [
        layer.name.rstrip("_0123456789") for layer in read.layers
    ]
    x = RNG.normal(size=(5, 4, 4, 2)).astype("float32")
    written(x, training=True)  # moves the statistics
    written.save_weights(tmp_path / "x.weights.h5")
    read.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(written(x), read(x))
    tf.train.Checkpoint(model=written).write(str(tmp_path / "checkpoint"))
    for variable in read.variables:
        variable.assign(variable * 0.0)
    tf.train.Checkpoint(model=read).read(str(tmp_path / "checkpoint")).assert_consumed()
    np.testing.assert_array_equal(written(x), read(x))


def test_keras_files(tmp_path):
    model = network(BatchNormalization)
    x = RNG.normal(size=(5, 4, 4, 2)).astype("float32")
    model(x, training=True)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert type(loaded.layers[1]) is BatchNormalization
    np.testing.assert_array_equal(model(x), loaded(x))


ADAMS = (keras.optimizers.Adam, Adam)
SETTINGS = [
    {},
    {"beta_1": 0.5, "epsilon": 1e-8},
    {"weight_decay": 0.1},
    {"clipnorm": 0.1},
    {"amsgrad": True},
    {"use_ema": True},
    {"gradient_accumulation_steps": 2},
    {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(settings) or "default")
def test_adam_steps_as_keras(settings):
    start, gradients = RNG.normal(size=(3, 4)), RNG.normal(size=(8, 3, 4)) * 10.0 ** RNG.integers(-9, 3, (8, 1, 1))
    found = []
    for kind in ADAMS:
        variable = keras.Variable(start, dtype="float32")
        optimizer = kind(**{"learning_rate": 0.01} | settings)
        optimizer.build([variable])
        step = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
        for gradient in gradients:
            step(tf.constant(gradient, tf.float32))
        found.append([variable.numpy(), *(slot.numpy() for slot in optimizer.variables)])
    for i, (theirs, ours) in enumerate(zip(*found, strict=True)):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-9 if i else 1e-6)  # steps are .01, slots any size


def test_adam_by_hand():
    """The first step has the size of the learning rate, whatever the gradient; the second follows by hand."""
    variable, optimizer = keras.Variable([1.0, 1.0]), Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=0.0)
    optimizer.build([variable])
    optimizer.apply([tf.constant([3.0, -0.001])], [variable])
    np.testing.assert_allclose(variable, [0.9, 1.1], rtol=1e-6)
    # m = .5 * 1.5 + .5 * 1 = 1.25, v = .75 * 2.25 + .25 * 1 = 1.9375; corrected by 1 - .25 and by 1 - .5625
    optimizer.apply([tf.constant([1.0, 0.0])], [variable])
    np.testing.assert_allclose(variable[0], 0.9 - 0.1 * (1.25 / 0.75) / np.sqrt(1.9375 / 0.4375), rtol=1e-6)


def test_adam_of_rows():
    """Gradients of an embedding are rows; Keras's step is used."""
    found = []
    for kind in ADAMS:
        variable = keras.Variable(np.ones((4, 2)), dtype="float32")
        optimizer = kind(0.1)
        optimizer.build([variable])
        optimizer.apply([tf.IndexedSlices(tf.ones((2, 2)), tf.constant([1, 3]), tf.constant([4, 2]))], [variable])
        found.append(variable.numpy())
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("kinds", [ADAMS, ADAMS[::-1]])
def test_slots_are_interchangeable(kinds, tmp_path):
    gradient = tf.constant([0.5, -2.0])
    written, read = (kind(0.01) for kind in kinds)
    variables = [keras.Variable([1.0, 2.0]) for _ in kinds]
    for optimizer, variable in zip((written, read), variables, strict=True):
        optimizer.build([variable])
    for _ in range(3):
        written.apply([gradient], [variables[0]])
    tf.train.Checkpoint(optimizer=written, variable=variables[0].value).write(str(tmp_path / "x"))
    tf.train.Checkpoint(optimizer=read, variable=variables[1].value).read(str(tmp_path / "x")).assert_consumed()
    for optimizer, variable in zip((written, read), variables, strict=True):
        optimizer.apply([gradient], [variable])
    np.testing.assert_allclose(*(variable.numpy() for variable in variables), rtol=1e-6)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(written))
    assert type(loaded) is kinds[0] and loaded.get_config() == written.get_config()
