"""How good clusters are: by themselves, and beside groups that are known.

scikit-learn's definitions. A row belongs to the nearest centre; clusters without rows count for
nothing.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bpcli.config.component import Component
from bpcli.metrics.metric import AMOUNT, SHARE, Better, Floats, Limits

Ints = NDArray[np.int64]
_BLOCK = 1 << 20  # distances computed at once


class Clustered(NamedTuple):
    """N rows among K centres."""

    points: Floats  # (N,D), in the space of the distances
    distances: Floats  # (N,K)
    groups: Ints  # codes of known groups (N,), −1 where none is known

    @property
    def labels(self) -> Ints:
        """The cluster of each row (N,)."""
        nearest: Ints = self.distances.argmin(axis=1)
        return nearest


class ClusterMetric(Component):
    """One number that says how good the clusters of some rows are."""

    family: ClassVar[str] = "cluster_metric"
    better: ClassVar[Better]
    limits: ClassVar[Limits]

    def value(self, rows: Clustered) -> float | None:
        """The metric over N ≥ 1 rows; None where it is not defined."""
        raise NotImplementedError


def cluster_scores(rows: Clustered) -> dict[str, float]:
    """{name: value} of every metric that is defined on these rows."""
    if not len(rows.points):
        return {}
    values = {name: one().value(rows) for name, one in ClusterMetric.members().items()}
    return {name: value for name, value in values.items() if value is not None}


class Inertia(ClusterMetric):
    """Σ over the rows of the squared distance to the nearest centre."""

    name: ClassVar[str] = "inertia"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def value(self, rows: Clustered) -> float | None:
        return float((rows.distances.min(axis=1) ** 2).sum())


class Explained(ClusterMetric):
    """1 − inertia / the inertia of one cluster: the share of the variance that clusters explain.

    The one cluster is the mean of these very rows.
    """

    name: ClassVar[str] = "explained"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = (-np.inf, 1.0)

    def value(self, rows: Clustered) -> float | None:
        alone = ((rows.points - rows.points.mean(axis=0)) ** 2).sum()
        if not alone:
            return None
        return float(1 - (rows.distances.min(axis=1) ** 2).sum() / alone)


class Silhouette(ClusterMetric):
    """The mean of (b − a) / max(a, b): a to the rows of the own cluster, b to the next one's.

    a and b are mean distances; 0 for a row alone in its cluster. Above `most` rows it is that of
    so many, drawn with a fixed seed.  Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7
    """

    name: ClassVar[str] = "silhouette"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = (-1.0, 1.0)
    most: Annotated[int, Field(ge=2, description="rows that it is computed of at most")] = 5000

    def value(self, rows: Clustered) -> float | None:
        points, labels = self._sample(rows)
        labels = np.unique(labels, return_inverse=True)[1]
        counts = np.bincount(labels)
        if not 2 <= len(counts) < len(points):
            return None
        members = np.eye(len(counts))[labels]
        sums = _distance_sums(points, members)
        own = counts[labels]
        a = sums[np.arange(len(points)), labels] / np.maximum(own - 1, 1)
        means = sums / counts
        means[np.arange(len(points)), labels] = np.inf
        b = means.min(axis=1)
        widest = np.maximum(a, b)
        widths = np.divide(b - a, widest, out=np.zeros_like(a), where=(own > 1) & (widest > 0))
        return float(widths.mean())

    def _sample(self, rows: Clustered) -> tuple[Floats, Ints]:
        n, labels = len(rows.points), rows.labels
        if n <= self.most:
            return rows.points, labels
        chosen = np.sort(np.random.default_rng(0).permutation(n)[: self.most])
        return rows.points[chosen], labels[chosen]


def _distance_sums(points: Floats, members: Floats) -> Floats:
    """The summed distances (N,K) of each row to the rows of each cluster, members (N,K)."""
    n = len(points)
    squares, step = np.vecdot(points, points), max(1, _BLOCK // n)
    sums = np.empty((n, members.shape[1]))
    for start in range(0, n, step):
        part = slice(start, start + step)
        between = squares[part, None] + squares - 2 * (points[part] @ points.T)
        np.sqrt(np.maximum(between, 0, out=between), out=between)
        between[np.arange(len(between)), np.arange(start, start + len(between))] = 0
        sums[part] = between @ members
    return sums


class DaviesBouldin(ClusterMetric):
    """The mean over the clusters of the largest (s_i + s_j) / d_ij: how near the nearest one is.

    s is the mean distance of a cluster's rows to their mean, d between means.  Davies & Bouldin
    1979, doi:10.1109/TPAMI.1979.4766909
    """

    name: ClassVar[str] = "davies_bouldin"
    better: ClassVar[Better] = "lower"
    limits: ClassVar[Limits] = AMOUNT

    def value(self, rows: Clustered) -> float | None:
        labels = np.unique(rows.labels, return_inverse=True)[1]
        counts = np.bincount(labels)
        if not 2 <= len(counts) < len(labels):
            return None
        members = np.eye(len(counts))[labels]
        means = (members.T @ rows.points) / counts[:, None]
        away = np.linalg.norm(rows.points - means[labels], axis=1)
        spread = np.bincount(labels, away) / counts
        between = np.linalg.norm(means[:, None] - means, axis=2)
        np.fill_diagonal(between, np.inf)
        if not spread.any() or not between.any():
            return 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (spread[:, None] + spread) / np.where(between > 0, between, np.inf)
        return float(ratios.max(axis=1).mean())


class ARI(ClusterMetric):
    """Adjusted Rand index: pairs of rows told together or apart alike; 0 by chance, 1 if all are.

    Of the rows whose group is known.  Hubert & Arabie 1985, doi:10.1007/BF01908075
    """

    name: ClassVar[str] = "ari"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = (-0.5, 1.0)

    def value(self, rows: Clustered) -> float | None:
        table = contingency(rows)
        return None if table is None else rand_index(table)


class NMI(ClusterMetric):
    """Normalised mutual information: 2 I(cluster; group) / (H(cluster) + H(group)).

    Of the rows whose group is known.  Strehl & Ghosh 2002, JMLR 3:583
    """

    name: ClassVar[str] = "nmi"
    better: ClassVar[Better] = "higher"
    limits: ClassVar[Limits] = SHARE

    def value(self, rows: Clustered) -> float | None:
        table = contingency(rows)
        if table is None:
            return None
        p = table / table.sum()
        rows_of, columns_of = p.sum(axis=1), p.sum(axis=0)
        entropies = _entropy(rows_of) + _entropy(columns_of)
        if not entropies:
            return 1.0  # one cluster and one group
        shared = _entropy(rows_of) + _entropy(columns_of) - _entropy(p.ravel())
        return float(np.clip(2 * shared / entropies, 0, 1))


def _entropy(p: Floats) -> float:
    some = p[p > 0]
    return float(-(some * np.log(some)).sum())


def contingency(rows: Clustered) -> Floats | None:
    """How many rows each cluster and group share (K,G); None where no group is known."""
    known = rows.groups >= 0
    return together(rows.labels[known], rows.groups[known]) if known.any() else None


def together(first: Ints, second: Ints) -> Floats:
    """How many rows have each pair of labels."""
    a, b = (np.unique(one, return_inverse=True)[1] for one in (first, second))
    shape = a.max() + 1, b.max() + 1
    return np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1]).reshape(shape) * 1.0


def rand_index(table: Floats) -> float:
    """The adjusted Rand index of two partitions, from how many rows share each pair of labels."""
    pairs, n = (table * (table - 1)).sum(), table.sum()
    sides = [(one * (one - 1)).sum() for one in (table.sum(axis=1), table.sum(axis=0))]
    expected, most = sides[0] * sides[1] / max(n * (n - 1), 1), sum(sides) / 2
    return 1.0 if most == expected else float((pairs - expected) / (most - expected))
