"""Numbers that a person can check."""

import keras
import numpy as np
import pytest

from tfgen.metrics import classifier, distances


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
