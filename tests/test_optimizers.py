"""The presets' optimizers step by step, against what TensorFlow 1 computed: its kernels, and NumPy in 64 bits."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgen import optimizers
from tfgen.studies import STUDIES

MODELS = [(study, model) for study, presets in STUDIES.items() for model in presets]
GRADIENTS = np.float32([1e-10, -1e-8, 1e-7, -1e-6, 1e-5, 1e-3, 0.0])


def preset_optimizers(study, model):
    """One unbuilt copy of each optimizer of a preset."""
    built = STUDIES[study][model].build((16, 16, 3), width=1 / 16)
    return [type(one).from_config(one.get_config()) for one in built.optimizers.values()]


def moved(optimizer, gradients, steps):
    """How far the weights, which begin at 0, are after some steps with the same gradients."""
    variable = keras.Variable(np.zeros_like(gradients))
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.apply([tf.constant(gradients)], [variable])
    return variable.numpy()


def numpy_adam(gradients, steps, learning_rate, beta_1, beta_2, epsilon):
    g, m, v, weights = np.float64(gradients), 0.0, 0.0, 0.0
    for t in range(1, steps + 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        weights -= learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
    return weights


def numpy_rmsprop(gradients, steps, learning_rate, decay, momentum, epsilon, start):
    g, square, step, weights = np.float64(gradients), start, 0.0, 0.0
    for _ in range(steps):
        square = decay * square + (1 - decay) * g**2
        step = momentum * step + learning_rate * g / np.sqrt(square + epsilon)
        weights -= step
    return weights


@pytest.mark.parametrize("study, model", MODELS)
def test_adam_takes_the_steps_that_the_study_took(study, model):
    """TensorFlow 1 and PyTorch have an epsilon of 1e-8; the digits are trained as in examples of Keras, with 1e-7."""
    epsilon = 1e-7 if study == "digits" else 1e-8
    for optimizer in preset_optimizers(study, model):
        if isinstance(optimizer, keras.optimizers.Adam):
            rate = float(optimizer.learning_rate)
            right = numpy_adam(GRADIENTS, 5, rate, optimizer.beta_1, optimizer.beta_2, epsilon)
            np.testing.assert_allclose(moved(optimizer, GRADIENTS, 5), right, rtol=1e-3)


def test_adam_is_tensorflow_1s():
    variable = tf.Variable(np.zeros_like(GRADIENTS))
    theirs = tf.compat.v1.train.AdamOptimizer(2e-4, beta1=0.5)
    for _ in range(5):
        theirs.apply_gradients([(tf.constant(GRADIENTS), variable)])
    np.testing.assert_allclose(moved(optimizers.adam(2e-4, beta_1=0.5), GRADIENTS, 5), variable, rtol=1e-3)


@pytest.mark.parametrize("model, rate", [("vae", 1e-3), ("gan", 2.5e-5), ("wgan", 2.5e-5)])
def test_rmsprop_of_sullivan2017_starts_at_1(model, rate):
    variable = tf.Variable(np.zeros_like(GRADIENTS))
    theirs = tf.compat.v1.train.RMSPropOptimizer(rate, decay=0.9, momentum=0.01)
    for _ in range(20):
        theirs.apply_gradients([(tf.constant(GRADIENTS), variable)])
    right = numpy_rmsprop(GRADIENTS, 20, rate, 0.9, 0.01, epsilon=1e-10, start=1.0)
    np.testing.assert_allclose(variable, right, rtol=1e-3)
    for optimizer in preset_optimizers("sullivan2017", model):
        np.testing.assert_allclose(moved(optimizer, GRADIENTS, 20), right, rtol=1e-3)


def test_a_gradient_of_1e_5_moves_a_weight_by_9e_9():
    """From an accumulator of 0, as in Keras, it is 4.0e-4."""
    (first, _) = preset_optimizers("sullivan2017", "wgan")
    assert -moved(first, np.float32([1e-5]), 20)[0] == pytest.approx(9.2e-9, rel=0.01)


@pytest.mark.parametrize(
    "study, model, decay", [("csi5340", "wgan", 0.99), ("pegasus", "vae_gan", 0.9)], ids=["PyTorch", "deeppy"]
)
def test_other_rmsprops_have_an_epsilon_of_1e_8_outside_the_root(study, model, decay):
    """Inside the root, 1e-16 is nearly that: exactly for large and small gradients, and at 1e-8 within a root of 2."""
    gradients = np.float32([1e-12, 1e-6, 1e-5, 1e-3])
    for optimizer in preset_optimizers(study, model):
        g, square, right = np.float64(gradients), 0.0, 0.0
        for _ in range(3):
            square = decay * square + (1 - decay) * g**2
            right -= float(optimizer.learning_rate) * g / (np.sqrt(square) + 1e-8)
        np.testing.assert_allclose(moved(optimizer, gradients, 3), right, rtol=0.1)


def test_only_the_accumulator_starts_at_1():
    optimizer = optimizers.RMSpropFromOne(0.1, momentum=0.5, centered=True)
    optimizer.build([keras.Variable([2.0, 3.0])])
    slots = optimizer.variables[2:]
    assert ["velocity" in slot.path for slot in slots] == [True, False, False]
    assert [slot.numpy().tolist() for slot in slots] == [[1, 1], [0, 0], [0, 0]]


def test_two_replicas_start_at_1_too(two_replicas):
    """Each replica adds half of the gradient."""
    with two_replicas.scope():
        variable = keras.Variable([0.0])
        optimizer = optimizers.RMSpropFromOne(2.5e-5, rho=0.9, momentum=0.01, epsilon=1e-10)
        optimizer.build([variable])
    for _ in range(20):
        two_replicas.run(lambda: optimizer.apply([tf.constant([0.5e-5])], [variable]))
    assert all(-float(copy[0]) == pytest.approx(9.2e-9, rel=0.01) for copy in variable.value.values)


@pytest.mark.trace
def test_it_is_known_where_models_are_loaded(tmp_path):
    path = tmp_path / "wgan.keras"
    STUDIES["sullivan2017"]["wgan"].build((16, 16, 3), width=1 / 16).save(path)
    read = f"import keras, tfgen.models; print(keras.models.load_model({str(path)!r}).optimizers['generator'].rho)"
    assert subprocess.run([sys.executable, "-c", read], capture_output=True, text=True).stdout == "0.9\n"
