"""Numbers that a person can check."""

import types

import keras
import numpy as np
import pytest

from tfgen.data import cache
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


# Nearest neighbors
# ---------------------------------------------------------------------------------------------------------------------


def test_precision_and_recall():
    random = np.random.default_rng(0)
    real, other = random.standard_normal((2, 500, 4))
    assert min(distances.Neighbors(real, other).precision_recall()) > 0.8
    assert distances.Neighbors(real, real).precision_recall() == (1.0, 1.0)
    assert distances.Neighbors(real, real + 100).precision_recall() == (0.0, 0.0)
    collapsed = np.repeat(real[:5], 100, axis=0)  # good pictures, but five of them
    precision, recall = distances.Neighbors(real, collapsed).precision_recall()
    assert precision == 1 and recall < 0.02


def test_a_tight_cloud_is_precise_and_covers_little():
    random = np.random.default_rng(0)
    real, tight = random.standard_normal((500, 4)), 0.2 * random.standard_normal((500, 4))
    neighbors = distances.Neighbors(real, tight)
    precision, recall = neighbors.precision_recall()
    density, coverage = neighbors.density_coverage()
    assert precision > 0.95 and recall < 0.1 and density > 1.2 and coverage < 0.5


def test_one_outlier_enlarges_the_manifold_and_not_the_coverage():
    """Naeem et al., figure 1: among the fake points, outliers far apart contain all real points in their balls."""
    random = np.random.default_rng(0)
    real, fake = random.standard_normal((200, 2)), random.standard_normal((200, 2)) * 0.1 + [3, 3]
    fake[:4] = [[-30, 0], [30, 0], [0, 30], [0, -30]]
    neighbors = distances.Neighbors(real, fake)
    assert neighbors.precision_recall()[1] == 1 and neighbors.density_coverage()[1] < 0.05


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbors_against_brute_force(k):
    random = np.random.default_rng(k)
    real, fake = random.standard_normal((20, 2)), random.standard_normal((15, 2)) + 0.3

    def distance(p, points):
        return np.array([np.linalg.norm(p - q) for q in points])

    def radius(points, i):
        return np.sort(distance(points[i], np.delete(points, i, axis=0)))[k - 1]

    neighbors = distances.Neighbors(real, fake)
    inside = np.array([[distance(f, real)[i] <= radius(real, i) for f in fake] for i in range(20)])
    held = np.array([[distance(r, fake)[j] <= radius(fake, j) for j in range(15)] for r in real])
    assert neighbors.precision_recall(k) == (np.mean(inside.any(axis=0)), np.mean(held.any(axis=1)))
    assert neighbors.density_coverage(k) == pytest.approx((inside.sum() / (k * 15), np.mean(inside.any(axis=1))))
    every = np.concatenate([real, fake])
    own = []
    for i, point in enumerate(every):
        away = distance(point, every)
        away[i] = np.inf
        own.append((np.argmin(away) < 20) == (i < 20))
    assert neighbors.told_apart() == (np.mean(own[:20]), np.mean(own[20:]))


def test_copies_and_collapse_are_told_from_new_pictures():
    random = np.random.default_rng(0)
    real, new, other = random.standard_normal((3, 1000, 8))
    assert distances.Neighbors(real, new).told_apart() == pytest.approx((0.5, 0.5), abs=0.06)
    copies = real[random.permutation(1000)] + 1e-3 * other
    assert max(distances.Neighbors(real, copies).told_apart()) < 0.01
    few = np.repeat(new[:10], 100, axis=0) + 1e-3 * other
    of_real, of_fake = distances.Neighbors(real, few).told_apart()
    assert of_real > 0.9 and of_fake > 0.9  # as few as these are near few real ones
    assert min(distances.Neighbors(real, new + 5).told_apart()) == 1
    assert distances.Neighbors(real, new).variety() == pytest.approx(1, abs=0.05)
    assert distances.Neighbors(real, few).variety() < 0.05 and distances.Neighbors(real, 2 * new).variety() > 1.9


# Kernel and sliced distances, and their intervals
# ---------------------------------------------------------------------------------------------------------------------


def test_the_kernel_distance_against_brute_force():
    random = np.random.default_rng(0)
    a, b = random.standard_normal((7, 3)), random.standard_normal((6, 3)) + 1

    def k(p, q):
        return (np.dot(p, q) / 3 + 1) ** 3

    own = [np.mean([k(p[i], p[j]) for i in range(len(p)) for j in range(len(p)) if i != j]) for p in (a, b)]
    across = np.mean([k(p, q) for p in a for q in b])
    assert distances.kernel(a, b) == pytest.approx(own[0] + own[1] - 2 * across)


def test_the_kernel_distance_is_unbiased_and_the_frechet_distance_is_not():
    random = np.random.default_rng(0)
    same = {n: [random.standard_normal((2, n, 8)) for _ in range(60)] for n in (30, 300)}
    kernel = {n: [distances.kernel(*pair) for pair in pairs] for n, pairs in same.items()}
    frechet = {n: [distances.frechet(*pair) for pair in pairs] for n, pairs in same.items()}
    for n in same:
        assert abs(np.mean(kernel[n])) < 3 * np.std(kernel[n]) / np.sqrt(60)
    assert np.mean(frechet[30]) > 5 * np.mean(frechet[300]) > 0


def test_standardized_features_do_not_depend_on_their_unit():
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 200, 4)) + [[[0.0]], [[0.4]]]
    unit = np.array([1, 100, 1, 1e-3])
    np.testing.assert_allclose(distances.standardized(b * unit, a * unit), distances.standardized(b, a))
    assert np.all(distances.standardized(np.full((5, 2), 3.0), np.full((5, 2), 3.0)) == 0)


def test_a_feature_that_is_nearly_always_0_does_not_decide_the_kernel_distance():
    """Two parts of one set, in which eight features of 64 are 0 but for a few large values. Without a bound: -1e6."""
    random = np.random.default_rng(0)
    points = random.standard_normal((6000, 64))
    points[:, :8] = np.where(random.random((6000, 8)) < 5e-4, np.exp(2 * random.standard_normal((6000, 8))), 0)
    a, b, like = points[:2000], points[2000:4000], points[4000:]
    found = distances.kernel(*(distances.standardized(x, like) for x in (a, b)))
    b[:, 8:] += 0.2
    assert abs(found) < 0.002 < 0.02 < distances.kernel(*(distances.standardized(x, like) for x in (a, b)))


def test_the_sliced_distance_in_closed_form():
    """Of two sets that differ by a shift s in F dimensions it is |s| / sqrt(F), as along a random direction."""
    random = np.random.default_rng(0)
    points = random.standard_normal((400, 9))
    assert distances.sliced_wasserstein(points, points + 1, directions=4000) == pytest.approx(1, rel=0.03)
    assert distances.sliced_wasserstein(points, random.permutation(points)) == 0
    line = points[:, :1]
    in_order = np.sqrt(np.mean((np.sort(line[:, 0]) - np.sort(2 * line[:, 0] + 1)) ** 2))
    assert distances.sliced_wasserstein(line, 2 * line + 1) == pytest.approx(in_order)
    # Of sets of other sizes, each point of the smaller one stands for several.
    assert distances.sliced_wasserstein(points, np.repeat(points, 3, axis=0)) == 0
    assert 0 < distances.sliced_wasserstein(points, points[1:]) < 0.05


@pytest.mark.trace
@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("score", [distances.frechet, distances.kernel])
def test_intervals_cover_the_expected_score_about_95_times_in_100(score, shift):
    """Also of real against real, where the expected Frechet distance is not 0 but its floor for that number."""
    random = np.random.default_rng(0)
    mix = random.standard_normal((6, 6)) / 2

    def drawn():
        return random.standard_normal((100, 6)) @ mix, random.standard_normal((100, 6)) @ mix + shift

    expected = np.mean([score(*drawn()) for _ in range(600)])
    covered = 0
    for _ in range(100):
        a, b = drawn()
        found = distances.deviations(lambda a, b: {"score": score(a, b)}, a, b)
        covered += abs(score(a, b) - expected) <= 1.96 * found["score"]
    assert 88 <= covered <= 100


def test_the_deviation_of_a_mean_is_known_and_scaled_for_large_sets():
    """Of the difference of two means it is the root of s_a^2 / n + s_b^2 / m."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, 4000)) * [[1], [2]]
    for most, rel in ((4000, 0.3), (500, 0.4)):
        found = distances.deviations(lambda a, b: {"difference": a.mean() - b.mean()}, a, b, groups=100, most=most)
        assert found["difference"] == pytest.approx(np.sqrt(5 / 4000), rel=rel)


def test_scores_rise_with_corruption():
    """Noise, blur by mixing, missing classes: more of it must never look better."""
    random = np.random.default_rng(0)
    centers = 4 * random.standard_normal((10, 6))
    labels = np.arange(1000) % 10
    real, good = (centers[labels] + random.standard_normal((1000, 6)) for _ in range(2))
    noise, others = random.standard_normal((1000, 6)), random.permutation(good)
    ways = {
        "noise": [good + level * noise for level in (0, 1, 2, 4)],
        "mixing": [(1 - level) * good + level * others for level in (0, 0.2, 0.35, 0.5)],
        "missing": [good[labels < kept][np.arange(1000) % (100 * kept)] for kept in (10, 8, 5, 2)],
    }
    for sets in ways.values():
        neighbors = [distances.Neighbors(real, fake) for fake in sets]
        worse = {
            "frechet": [distances.frechet(real, fake) for fake in sets],
            "kernel": [distances.kernel(real, fake) for fake in sets],
            "sliced": [distances.sliced_wasserstein(real, fake) for fake in sets],
            "coverage": [-each.density_coverage()[1] for each in neighbors],
        }
        for name, values in worse.items():
            assert np.all(np.diff(values) > 0), (name, values)
    assert distances.Neighbors(real, ways["missing"][-1]).precision_recall()[1] < 0.3


def test_pair_fidelity():
    seen = classifier.pair_fidelity(np.array([False, False, True, True]), np.array([True, False, True, False]))
    assert seen == {"switched": 0.25, "absent_at_0": 0.5, "present_at_1": 0.5}


def test_certainty_is_the_softmax_probability_of_the_most_likely_class():
    """A sigmoid of the largest logit would say .88, .88 and .5."""
    logits = np.array([[2.0, 2.0, -9.0], [2.0, -9.0, -9.0], [0.0, 0.0, 0.0]])
    reader = types.SimpleNamespace(predict=lambda images, batch_size, verbose: logits.astype(np.float32))
    np.testing.assert_allclose(classifier.certainty(reader, None), [0.5, 1.0, 1 / 3], atol=1e-4)


@pytest.mark.trace
def test_a_classifier_is_trained_once_for_the_same_data():
    """From the cache it gives the same outputs; other data, and a damaged file, give a new one."""
    trained, images = [], np.random.default_rng(0).uniform(size=(64, 8, 8, 1)).astype(np.float32)

    def train():
        trained.append(classifier.train_classifier(images, np.eye(2, dtype=np.uint8)[np.arange(64) % 2], 1))
        return trained[-1]

    first, again = (classifier.cached(("pictures", 1), train) for _ in range(2))
    assert len(trained) == 1 and again is not first
    np.testing.assert_array_equal(classifier.features(first, images), classifier.features(again, images))
    classifier.cached(("others", 1), train)
    assert len(trained) == 2
    (entry,) = [entry for entry in cache.entries() if entry.name == "classifiers for scores"]
    files = sorted(entry.folder.iterdir())
    assert [path.suffix for path in files] == [".keras"] * 2 and entry.nbytes > 1000
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    classifier.cached(("pictures", 1), train)
    assert len(trained) == 3
    assert entry.folder in [removed.folder for removed in cache.clear()] and not entry.folder.exists()


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    model = classifier.build((8, 8, 1), 2)
    assert classifier.cached(("pictures", 1), lambda: model) is model


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
