"""Every objective against numbers a person can check."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfgen import UserError, losses

REAL = tf.constant([-5.0, 1.4, 12.5, 2.7])
FAKE = tf.constant([10.0, 4.4, -5.5, 3.6])


# name -> (discriminator's loss, generator's loss) for these logits.
GOLDEN = {
    "non_saturating": (5.83387, 1.38582),
    "minimax": (5.83387, -4.51082),  # -(softplus(10) + softplus(4.4) + softplus(-5.5) + softplus(3.6)) / 4
    "least_squares": (41.73375, 17.69625),
    "hinge": (6.75, -3.125),  # (6 + 0 + 0 + 0) / 4 + (11 + 5.4 + 0 + 4.6) / 4
    "wasserstein": (0.225, -3.125),
    "relativistic": (4.82244, 4.59744),  # real - fake is -15, -3, 18, -.9: softplus(-x) and softplus(x), means
}


@pytest.mark.parametrize("name", losses.ADVERSARIAL_LOSSES)
def test_golden_numbers(name):
    loss, (discriminator, generator) = losses.adversarial(name), GOLDEN[name]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(discriminator, abs=5e-6 * abs(discriminator))
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(generator, abs=5e-6 * abs(generator))


def test_equilibrium_of_the_cross_entropy_game():
    undecided = tf.zeros((8, 1))
    assert float(losses.adversarial("non_saturating").discriminator(undecided, undecided)) == pytest.approx(
        2 * math.log(2)
    )
    assert float(losses.adversarial("non_saturating").generator(None, undecided)) == pytest.approx(math.log(2))


def test_saturation():
    """A generator found out (logit -10) learns from the non-saturating loss and not from minimax: gradients s(l) - 1
    and -s(l).
    """
    logits = tf.Variable([-10.0])
    slopes = {}
    for name in ("non_saturating", "minimax"):
        with tf.GradientTape() as tape:
            loss = losses.adversarial(name).generator(None, logits)
        slopes[name] = float(tape.gradient(loss, logits)[0])
    sigmoid = 1 / (1 + math.exp(10))
    assert slopes["non_saturating"] == pytest.approx(sigmoid - 1)
    assert slopes["minimax"] == pytest.approx(-sigmoid, rel=1e-3)


def test_unknown_adversarial_loss_names_the_choices():
    with pytest.raises(UserError, match="non_saturating, minimax"):
        losses.adversarial("mse")


@pytest.mark.parametrize("name", losses.ADVERSARIAL_LOSSES)
def test_which_losses_reach_0(name):
    """The lowest loss of a discriminator is 0, at targets or far from 0, but a critic's loss falls without limit."""
    loss = losses.adversarial(name)
    logits = [tf.fill((4, 1), value) for value in (-60.0, -1.0, 0.0, 1.0, 60.0)]  # 60 for a loss without a target
    lowest = min(float(loss.discriminator(real, fake)) for real in logits for fake in logits)
    assert (abs(lowest) < 1e-6) == loss.reaches_zero


def test_only_relativistic_losses_of_the_generator_read_the_real_logits():
    for loss in losses.ADVERSARIAL_LOSSES.values():
        real = tf.Variable(REAL)
        with tf.GradientTape() as tape:
            value = loss.generator(real, FAKE)
        assert (tape.gradient(value, real) is not None) == loss.relativistic


@pytest.mark.parametrize("name", losses.ADVERSARIAL_LOSSES)
def test_logits_that_would_be_broadcast_are_refused(name):
    """(B, 1) - (B,) is (B, B): a mean over all pairs, and no error."""
    loss = losses.adversarial(name)
    for part in (loss.discriminator, loss.generator):
        with pytest.raises(ValueError, match=r"real and fake must have the same shape"):
            part(tf.zeros((4, 1)), tf.zeros(4))


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.cross_entropy(tf.zeros((4, 3)), tf.zeros(3)),
        lambda: losses.categorical_cross_entropy(tf.zeros((4, 3)), tf.ones((1, 3)) / 3),
        lambda: losses.gaussian_nll(tf.zeros((4, 3)), tf.zeros((4, 1))),
        lambda: losses.mean_squared_error(tf.zeros((2, 8, 8, 3)), tf.zeros((2, 8, 8, 1))),
        lambda: losses.bernoulli_nll(tf.zeros((2, 8, 8, 3)), tf.ones((8, 8, 3))),
    ],
)
def test_so_are_other_terms(call):
    with pytest.raises(ValueError, match="must have the same shape, not"):
        call()


def test_cross_entropy_of_soft_targets():
    # -t log s(l) - (1 - t) log(1 - s(l)) with s(0) = 1/2 is ln 2 for any t; with s(ln 3) = 3/4, t = .25: -.25 ln .75 -
    # .75 ln .25.
    assert float(losses.cross_entropy(tf.zeros(3), tf.constant([0.0, 0.3, 1.0]))) == pytest.approx(math.log(2))
    expected = -0.25 * math.log(0.75) - 0.75 * math.log(0.25)
    assert float(losses.cross_entropy(tf.constant([math.log(3)]), 0.25)) == pytest.approx(expected)


def test_kl_divergence_closed_forms():
    assert float(losses.kl_divergence(tf.zeros((1, 5)), tf.zeros((1, 5)))[0]) == 0
    # One dimension moved by 3: 9 / 2. One variance e^2: (e^2 - 2 - 1) / 2.
    assert float(losses.kl_divergence(tf.constant([[3.0, 0.0]]), tf.zeros((1, 2)))[0]) == pytest.approx(4.5)
    assert float(losses.kl_divergence(tf.zeros((1, 2)), tf.constant([[2.0, 0.0]]))[0]) == pytest.approx(
        (math.e**2 - 3) / 2
    )


def test_kl_divergence_against_monte_carlo():
    random = np.random.default_rng(0)
    mean, log_var = np.array([[0.7, -1.2, 0.1]]), np.array([[0.5, -1.0, 0.0]])
    z = mean + np.exp(log_var / 2) * random.standard_normal((400_000, 3))
    log_q = -0.5 * ((z - mean) ** 2 / np.exp(log_var) + log_var).sum(axis=1)
    log_p = -0.5 * (z**2).sum(axis=1)
    assert float(losses.kl_divergence(mean, log_var)[0]) == pytest.approx((log_q - log_p).mean(), abs=0.01)


def test_mean_squared_error_is_over_everything():
    images = tf.zeros((2, 4, 4, 3))
    off = tf.concat([tf.fill((1, 4, 4, 3), 0.5), tf.zeros((1, 4, 4, 3))], axis=0)
    assert float(losses.mean_squared_error(images, off)) == pytest.approx(0.125)
