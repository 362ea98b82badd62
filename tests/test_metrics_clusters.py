"""Scores of clusters equal scikit-learn's; corners follow the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from bpcli.metrics.clusters import Clustered, ClusterMetric, Silhouette, cluster_scores

# name: points (N,D), labels (N,), groups (N,), distances (N,K) → the value
REFERENCES: dict[str, Callable[[Any, Any, Any, Any], float]] = {
    "inertia": lambda x, y, g, d: float((d.min(axis=1) ** 2).sum()),
    "explained": lambda x, y, g, d: 1 - (d.min(axis=1) ** 2).sum() / (x.var(axis=0).sum() * len(x)),
    "silhouette": lambda x, y, g, d: reference.silhouette_score(x, y),
    "davies_bouldin": lambda x, y, g, d: reference.davies_bouldin_score(x, y),
    "ari": lambda x, y, g, d: reference.adjusted_rand_score(g, y),
    "nmi": lambda x, y, g, d: reference.normalized_mutual_info_score(g, y),
}


def case(seed: int, n: int = 90, k: int = 4) -> Clustered:
    """Rows around centres, of which one may have few rows; groups that go with some of them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 2, (k, 3))
    labels = np.minimum(rng.geometric(0.4, n) - 1, k - 1)
    points = centres[labels] + rng.normal(size=(n, 3))
    away = np.linalg.norm(points[:, None] - centres, axis=2)
    groups = np.where(rng.random(n) < 0.7, labels, rng.integers(0, 3, n))
    return Clustered(points, away, groups)


def value(name: str, rows: Clustered) -> float | None:
    return ClusterMetric.members()[name]().value(rows)


def test_every_metric_has_a_reference() -> None:
    assert set(ClusterMetric.members()) == set(REFERENCES)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", REFERENCES)
def test_scikit_learn(name: str, seed: int) -> None:
    rows = case(seed, n=90 + seed, k=2 + seed)
    expected = REFERENCES[name](rows.points, rows.labels, rows.groups, rows.distances)
    found = value(name, rows)
    assert found == pytest.approx(expected, rel=1e-9)
    low, high = ClusterMetric.members()[name].limits
    assert found is not None and low <= found <= high


@pytest.mark.parametrize("name", ["silhouette", "davies_bouldin"])
def test_a_cluster_of_one_row(name: str) -> None:
    rows = case(0, n=12, k=3)
    away = np.hstack([rows.distances, np.where(np.arange(12) == 5, 0.0, 99.0)[:, None]])
    rows = rows._replace(distances=away)
    assert (rows.labels == 3).sum() == 1
    expected = REFERENCES[name](rows.points, rows.labels, None, None)
    assert value(name, rows) == pytest.approx(expected, rel=1e-9)


def test_one_cluster_separates_nothing() -> None:
    one = case(1)._replace(distances=np.ones((90, 1)))
    assert {"silhouette", "davies_bouldin"}.isdisjoint(cluster_scores(one))
    assert value("ari", one) == 0 and value("nmi", one) == 0


def test_known_groups_only_count_where_they_are_known() -> None:
    rows = case(2)
    some = rows._replace(groups=np.where(np.arange(90) < 30, -1, rows.groups))
    known = rows.groups[30:], rows.labels[30:]
    assert value("ari", some) == pytest.approx(reference.adjusted_rand_score(*known))
    assert value("nmi", some) == pytest.approx(reference.normalized_mutual_info_score(*known))
    none = rows._replace(groups=np.full(90, -1))
    assert {"ari", "nmi"}.isdisjoint(cluster_scores(none))


def test_equal_partitions_agree_whatever_the_numbers() -> None:
    rows = case(3)
    same = rows._replace(groups=7 - rows.labels)
    assert value("ari", same) == 1
    assert value("nmi", same) == pytest.approx(1)


def test_a_silhouette_of_many_rows_is_of_a_sample() -> None:
    rows = case(4, n=3000)
    whole, part = (Silhouette(most=most).value(rows) for most in (3000, 1000))
    assert whole is not None and part is not None
    assert part != whole and abs(part - whole) < 0.03
    assert Silhouette(most=1000).value(rows) == part


def test_equal_points_in_two_clusters() -> None:
    away = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    rows = Clustered(np.zeros((4, 2)), away, np.full(4, -1))
    found = cluster_scores(rows)
    assert found["silhouette"] == reference.silhouette_score(rows.points, rows.labels) == 0
    assert found["davies_bouldin"] == 0 and "explained" not in found


def test_no_rows_have_no_scores() -> None:
    assert cluster_scores(Clustered(np.empty((0, 2)), np.empty((0, 3)), np.empty(0, int))) == {}
