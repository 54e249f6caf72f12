"""Numbers that a person can check."""

import types

import keras
import numpy as np
import pytest

from tfgen.metrics import chance, classifier, distances, rivals


def test_frechet_closed_form():
    """Two Gaussians with diagonal covariances: |m|^2 + sum (s_a - s_b)^2."""
    random = np.random.default_rng(0)
    a = random.standard_normal((200_000, 3))
    b = random.standard_normal((200_000, 3)) * [1, 2, 3] + [0, 0, 2]
    assert distances.frechet(a, b) == pytest.approx(4 + 0 + 1 + 4, rel=0.02)
    assert distances.frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_of_correlated_features():
    """For S_b = c^2 S_a it is (c - 1)^2 tr S_a, whatever the correlations."""
    a = np.random.default_rng(0).standard_normal((500, 4)) @ np.random.default_rng(1).standard_normal((4, 4))
    assert distances.frechet(a, 3 * (a - a.mean(axis=0)) + a.mean(axis=0)) == pytest.approx(
        4 * np.trace(np.cov(a, rowvar=False)), rel=1e-6
    )


def test_precision_and_recall():
    random = np.random.default_rng(0)
    real, other = random.standard_normal((2, 500, 4))
    assert min(distances.precision_recall(real, other)) > 0.8
    assert distances.precision_recall(real, real) == (1.0, 1.0)
    assert distances.precision_recall(real, real + 100) == (0.0, 0.0)
    collapsed = np.repeat(real[:5], 100, axis=0)  # good pictures, but five of them
    precision, recall = distances.precision_recall(real, collapsed)
    assert precision == 1 and recall < 0.02


def test_covered_against_brute_force():
    random = np.random.default_rng(0)
    points, manifold = random.standard_normal((20, 2)), random.standard_normal((15, 2))
    inside = 0
    for p in points:
        inside += any(np.linalg.norm(p - m) <= np.sort(np.linalg.norm(manifold - m, axis=1))[3] for m in manifold)
    assert distances._covered(points, manifold, 3) == inside / 20


def test_pair_fidelity():
    seen = classifier.pair_fidelity(np.array([False, False, True, True]), np.array([True, False, True, False]))
    assert seen == {"switched": 0.25, "absent_at_0": 0.5, "present_at_1": 0.5}


def test_certainty_is_the_softmax_probability_of_the_most_likely_class():
    """A sigmoid of the largest logit would say .88, .88 and .5."""
    logits = np.array([[2.0, 2.0, -9.0], [2.0, -9.0, -9.0], [0.0, 0.0, 0.0]])
    reader = types.SimpleNamespace(predict=lambda images, batch_size, verbose: logits.astype(np.float32))
    np.testing.assert_allclose(classifier.certainty(reader, None), [0.5, 1.0, 1 / 3], atol=1e-4)


@pytest.mark.trace
def test_classes_are_learned_as_probabilities():
    """Of pictures that are all the same, the best a classifier can say is how frequent each class is: .5, .3, .2.

    One sigmoid for each class has logits 0, -.85 and -1.39, whose softmax is .60, .26, .15.
    """
    labels = np.repeat(np.arange(3), [300, 180, 120])
    reader = classifier.train_classifier(
        np.full((600, 8, 8, 1), 0.5, np.float32), np.eye(3, dtype=np.uint8)[labels], epochs=30, exclusive=True
    )
    same = np.full((4, 8, 8, 1), 0.5, np.float32)
    np.testing.assert_allclose(classifier.certainty(reader, same), 0.5, atol=0.03)
    keras.backend.clear_session()


def test_wilson_interval():
    """Wilson's formula for 8 of 10 and 0 of 10; unlike p +- 1.96 sd, it covers the truth as often as it says."""
    np.testing.assert_allclose(chance.wilson(0.8, 10), [0.4902, 0.9433], atol=1e-4)
    np.testing.assert_allclose(chance.wilson(0.0, 10), [0.0, 0.2775], atol=1e-4)
    seen = np.random.default_rng(0).binomial(50, 0.95, 2000) / 50
    covered = np.mean([low <= 0.95 <= high for low, high in (chance.wilson(share, 50) for share in seen)])
    plain = np.mean(np.abs(seen - 0.95) <= 1.96 * np.sqrt(seen * (1 - seen) / 50))
    assert 0.93 < covered < 0.98 and plain < 0.93


def test_mutual_information_by_chance_depends_on_n():
    random = np.random.default_rng(0)
    labels, codes = random.integers(0, 10, (2, 5000))
    few, many = (chance.nmi_by_chance(labels[:n], codes[:n]) for n in (60, 5000))
    assert few > 0.2 and many < 0.01
    assert chance.nmi(labels[:60], codes[:60]) == pytest.approx(few, abs=0.1)
    assert chance.nmi(labels[:60], labels[:60]) == 1 and chance.nmi_by_chance(labels[:60], labels[:60]) < 0.4


@pytest.fixture(scope="module")
def correlated():
    """2,000 pictures of 4x4x1 about .5 that vary in three directions, and their flat values."""
    random = np.random.default_rng(0)
    flat = 0.5 + 0.03 * random.standard_normal((2000, 3)) @ random.standard_normal((3, 16))
    return flat.reshape(-1, 4, 4, 1).astype(np.float32), flat


def test_independent_pixels_have_the_marginals_and_nothing_else(correlated):
    images, flat = correlated
    drawn = rivals.independent_pixels(images, 4000, np.random.default_rng(1)).reshape(4000, 16)
    assert all(np.isin(drawn[:, i], images.reshape(-1, 16)[:, i]).all() for i in range(16))
    np.testing.assert_allclose(drawn.mean(axis=0), flat.mean(axis=0), atol=0.005)
    np.testing.assert_allclose(drawn.std(axis=0), flat.std(axis=0), rtol=0.06)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(16)).max() < 0.08 < np.abs(np.corrcoef(flat.T) - np.eye(16)).max()


@pytest.mark.parametrize("draw", [rivals.gaussian, rivals.pca_gaussian])
def test_fitted_gaussians_have_the_mean_and_covariance(correlated, draw):
    images, flat = correlated
    drawn = draw(images, 20_000, np.random.default_rng(1)).reshape(20_000, 16)
    np.testing.assert_allclose(drawn.mean(axis=0), flat.mean(axis=0), atol=0.002)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(flat.T), atol=0.03 * np.cov(flat.T).max())


def test_fitted_gaussians_of_fewer_pictures_than_pixels_stay_in_their_span():
    images = (0.4 + 0.2 * np.random.default_rng(0).random((5, 8, 8, 3))).astype(np.float32)
    drawn = rivals.gaussian(images, 50, np.random.default_rng(1)).reshape(50, -1) - images.reshape(5, -1).mean(axis=0)
    assert np.linalg.matrix_rank(drawn, tol=1e-3) == 4 and drawn.std() > 0.03
    assert rivals.pca_gaussian(images, 3, np.random.default_rng(1)).shape == (3, 8, 8, 3)
    fitted = rivals.fit_pca(images, 64)
    np.testing.assert_allclose(fitted.components @ fitted.components.T, np.eye(4), atol=1e-4)
    np.testing.assert_allclose(fitted.reconstruction(images), images, atol=1e-4)
    assert rivals.fit_pca(np.full((3, 2, 2, 1), 0.5, np.float32), 2).variances.max() < 1e-12  # pictures that are equal


def test_pca_leaves_the_variance_of_the_components_it_drops(correlated):
    images, flat = correlated
    values = np.linalg.eigvalsh(np.cov(flat.T))[::-1]
    for k in (1, 2, 3):
        fitted = rivals.fit_pca(images, k)
        shown = fitted.reconstruction(images)
        assert shown.shape == images.shape
        np.testing.assert_allclose(
            fitted.errors(images)[[0, -1]],
            [np.var(images, axis=0).mean(), np.mean((images - shown) ** 2)],
            rtol=1e-3,
            atol=1e-8,
        )
        np.testing.assert_allclose(fitted.variances, values[:k], rtol=1e-3)
        error = np.mean((images - shown).astype(np.float64) ** 2)
        assert error == pytest.approx(values[k:].sum() / 16 * 1999 / 2000, rel=1e-3, abs=1e-9)


@pytest.mark.trace
@pytest.mark.parametrize("seed", [0, 1])
def test_classifier_learns_what_can_be_seen_and_nothing_else(seed):
    random = np.random.default_rng(seed)
    images = random.random((600, 16, 16, 1)).astype(np.float32)
    attributes = random.integers(0, 2, (600, 2))
    images[attributes[:, 0] == 1, 4:10, 4:12] *= (
        0.6  # the first attribute darkens the middle, the second leaves no trace
    )
    reader = classifier.train_classifier(images[:400], attributes[:400], epochs=12, seed=seed)
    right = (classifier.read(reader, images[400:]) == attributes[400:]).mean(axis=0)
    assert right[0] > 0.9 and 0.35 < right[1] < 0.65
    assert classifier.features(reader, images[:3]).shape == (3, classifier.FEATURES)
    keras.backend.clear_session()
