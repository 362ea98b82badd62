"""Centres as weights: distances, K-means by gradient and by Lloyd, starts, repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from running import ROOT
from sklearn.cluster import KMeans as Reference
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import pairwise_distances

from bpcli.nn.batches import Rows
from bpcli.nn.layer import EVALUATION, Array
from bpcli.nn.losses.clusters import KMeans, repair
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.centres import Lloyd
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.prototypes import Prototypes, spread_rows, squares_to
from bpcli.nn.schedules import Constant, Cosine
from bpcli.nn.state import State
from bpcli.nn.survey import survey
from bpcli.nn.training import train

EXACT = 1e-9
NEAR = 1.01  # what gradient descent may have above scikit-learn's inertia


def table(name: str) -> Array:
    """The numeric columns of a shipped table, to mean 0 and standard deviation 1."""
    text = (ROOT / "data" / f"{name}.csv").read_text().splitlines()
    x = np.array([line.split(",")[:-1] for line in text[1:]], dtype=float)
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def rows_of(x: Array, c: Array | None = None) -> Rows:
    weights = None if c is None else c[None, :, None]
    return Rows(x[None], np.zeros((1, len(x), 0)), weights)


def fit(x: Array, k: int, c: Array | None = None, **changes: Any) -> tuple[Array, Array, Array]:
    """Centres before and after training (R,K,I), and the inertia (R,) of each replica."""
    rows, network = rows_of(x, c), Network([Prototypes(units=k)], x.shape[1:])
    usual = {"optimizer": Lloyd(tolerance=0.0), "schedule": Constant(), "rates": (1.0,) * 3}
    lloyd = {**usual, "batch_size": len(x), "iterations": 300, "seed": 4, "replicas": (0, 1, 2)}
    how = Method(KMeans(k=k), **(lloyd | changes))
    state = State.start(network, how, "float64", rows)
    start = network.views(state.flat)[0].W.mT.copy()
    for _ in train(network, how, state, rows):
        survey(network, how.loss, state, rows)
    centres = network.views(state.flat)[0].W.mT
    inertia = [squares_to(x, one).min(axis=1).sum() for one in centres]
    return start, centres, np.array(inertia)


def reference(x: Array, start: Array, c: Array | None = None) -> Reference:
    one = Reference(len(start), init=start, n_init=1, tol=0, max_iter=300, algorithm="lloyd")
    return one.fit(x, sample_weight=c)


def test_distances_are_scikit_learn_s() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(3, 2, (40, 5)), rng.normal(3, 2, (6, 5))
    network = Network([Prototypes(units=6)], (5,))
    flat = np.ascontiguousarray(w.T).reshape(1, -1)
    scratch = network.scratch(1, 40, "float64")
    z = network.forward(x[None], network.views(flat), scratch, EVALUATION)
    assert KMeans(k=6).link(z)[0] == pytest.approx(pairwise_distances(x, w), rel=1e-12)


@pytest.mark.parametrize(("name", "k"), [("iris", 3), ("wine", 3), ("digits", 10)])
def test_lloyd_is_scikit_learn_s_from_the_same_start(name: str, k: int) -> None:
    x = table(name)
    for start, centres, inertia in zip(*fit(x, k), strict=True):
        theirs = reference(x, start)
        assert centres == pytest.approx(theirs.cluster_centers_, rel=EXACT, abs=EXACT)
        assert inertia == pytest.approx(theirs.inertia_, rel=EXACT)


def test_lloyd_takes_row_weights() -> None:
    x, c = table("wine"), np.random.default_rng(1).integers(0, 4, 178) * 1.0
    start, centres, _ = fit(x, 3, c)
    for ours, first in zip(centres, start, strict=True):
        assert ours == pytest.approx(reference(x, first, c).cluster_centers_, abs=EXACT)


def test_lloyd_ends_where_nothing_moves() -> None:
    x = table("iris")
    rows, network = rows_of(x), Network([Prototypes(units=3)], (4,))
    how = Method(KMeans(k=3), Lloyd(), Constant(), (1.0,), len(x), 300, 0)
    state = State.start(network, how, "float64", rows)
    epochs = list(train(network, how, state, rows))
    assert len(epochs) < 100
    losses = np.array([epoch.loss[0] for epoch in epochs])
    assert (np.diff(losses) <= 1e-15).all()


@pytest.mark.parametrize(("name", "k"), [("iris", 3), ("wine", 3), ("digits", 10)])
def test_gradient_descent_comes_as_low_as_scikit_learn(name: str, k: int) -> None:
    x = table(name)
    many = {"optimizer": Adam(), "schedule": Cosine(), "rates": (0.1,) * 10, "batch_size": 128}
    _, _, inertia = fit(x, k, iterations=1000, replicas=tuple(range(10)), **many)
    best = Reference(k, n_init=10, random_state=0).fit(x).inertia_
    assert inertia.min() <= NEAR * best


def test_the_gradient_is_that_of_the_inertia() -> None:
    """2 s (w − mean of its rows), s the share of the rows."""
    x = table("iris")
    network, loss = Network([Prototypes(units=3)], (4,)), KMeans(k=3)
    w = x[[0, 60, 120]]
    flat, grad = np.ascontiguousarray(w.T).reshape(1, -1), np.empty((1, 12))
    scratch = network.scratch(1, len(x), "float64")
    z = network.forward(x[None], network.views(flat), scratch, EVALUATION)
    shapes = loss.scratch(3)
    from bpcli.nn.layer import Views

    s = Views(**{name: np.empty((1, len(x), *one)) for name, one in shapes.items()})
    c = np.full((1, 1, 1), 1 / len(x))
    value = loss.value(z, np.empty((1, len(x), 0)), c, s)
    network.backward(s.dz, network.views(flat), network.views(grad), scratch)
    labels = squares_to(x, w).argmin(axis=1)
    expected = [2 * np.mean(labels == k) * (w[k] - x[labels == k].mean(axis=0)) for k in range(3)]
    assert pytest.approx(np.array(expected), abs=1e-12) == grad.reshape(4, 3).T
    assert value * len(x) == pytest.approx(squares_to(x, w).min(axis=1).sum())


def test_starts_are_rows_far_apart() -> None:
    """As low as scikit-learn's k-means++, which tries as many rows."""
    x = table("digits")
    ours, theirs = [], []
    for seed in range(20):
        chosen = spread_rows(x, 10, np.random.default_rng(seed))
        assert all((x == row).all(axis=1).any() for row in chosen)
        ours.append(squares_to(x, chosen).min(axis=1).sum())
        theirs.append(squares_to(x, kmeans_plusplus(x, 10, random_state=seed)[0]).min(axis=1).sum())
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.05)


def test_a_start_never_takes_a_row_twice_while_others_are_left() -> None:
    x = np.repeat(np.arange(5.0), 7)[:, None]
    for seed in range(20):
        assert sorted(spread_rows(x, 5, np.random.default_rng(seed))[:, 0]) == [0, 1, 2, 3, 4]


def test_more_centres_than_different_rows_still_start() -> None:
    assert spread_rows(np.ones((4, 2)), 3, np.random.default_rng(0)).tolist() == [[1, 1]] * 3


def test_an_empty_cluster_goes_to_the_farthest_row() -> None:
    x = np.array([[0.0], [1.0], [2.0], [10.0]])
    w = np.array([[1.0], [50.0], [60.0]])
    repair(x, squares_to(x, w), w)
    assert w.tolist() == [[1.0], [10.0], [0.0]]  # then that farthest from both


def test_a_cluster_is_not_moved_onto_another() -> None:
    x, w = np.ones((5, 2)), np.array([[1.0, 1.0], [9.0, 9.0]])
    repair(x, squares_to(x, w), w)
    assert w.tolist() == [[1.0, 1.0], [9.0, 9.0]]


def test_centres_that_start_far_away_are_all_used_in_the_end() -> None:
    x = table("iris").astype("float32")
    rows, network = rows_of(x), Network([Prototypes(units=4)], (4,))
    how = Method(KMeans(k=4), Adam(), Cosine(), (0.1,), 32, 300, 0)
    state = State.start(network, how, "float32", rows)
    state.flat.reshape(1, 4, 4)[:, :, 1:] = 100
    for _ in train(network, how, state, rows):
        survey(network, how.loss, state, rows)
    labels = squares_to(x, network.views(state.flat)[0].W[0].T).argmin(axis=1)
    assert len(set(labels.tolist())) == 4


def test_rows_without_weight_are_no_place_for_a_centre() -> None:
    x = np.array([[0.0], [1.0], [2.0], [10.0]])
    rows = rows_of(x, np.array([1.0, 1.0, 1.0, 0.0]))
    network, loss = Network([Prototypes(units=2)], (1,)), KMeans(k=2)
    how = Method(loss, Lloyd(), Constant(), (1.0,), 4, 1, 0)
    state = State.start(network, how, "float64", rows)
    state.flat[:] = [[0.5, 99.0]]
    survey(network, loss, state, rows)
    assert state.flat.tolist() == [[0.5, 2.0]]
