"""Deep clustering in the engine: soft assignments, targets of all rows, the two phases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpcli.experiment.kmeans import lowest
from bpcli.nn.activations import Tanh
from bpcli.nn.batches import Rows
from bpcli.nn.composite import Parallel
from bpcli.nn.latent import centres, decoder, encoder
from bpcli.nn.layer import EVALUATION, Array, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.deep import DEC, IDEC, DeepClustering, sharpened
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.method import Method
from bpcli.nn.network import Network
from bpcli.nn.optimizers.moments import Adam
from bpcli.nn.prototypes import Prototypes, squares_to
from bpcli.nn.schedules import Constant
from bpcli.nn.scoring import Scorer
from bpcli.nn.state import State
from bpcli.nn.survey import survey
from bpcli.nn.training import train

K, I, N = 3, 4, 60  # noqa: E741


def groups(seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return np.repeat(rng.normal(0, 2, (K, I)), N // K, axis=0) + rng.normal(0, 0.5, (N, I))


def network() -> Network:
    back = (Dense(units=6), Tanh(), Dense(units=I))
    last = Parallel(branches=((Prototypes(units=K),), back))
    return Network([Dense(units=6), Tanh(), Dense(units=2), last], (I,))


def rows_for(loss: DeepClustering, x: Array, c: Array | None = None) -> Rows:
    return Rows(x[None], loss.targets(x, x)[None], None if c is None else c[None, :, None])


def trained(loss: DeepClustering, epochs: int, c: Array | None = None) -> tuple[State, Rows, Any]:
    rows, net = rows_for(loss, groups(), c), network()
    how = Method(loss, Adam(), Constant(), (0.01,), 20, epochs * 3, 1)
    state, seen = State.start(net, how, "float64", rows), []
    for epoch in train(net, how, state, rows):
        survey(net, loss, state, rows, epoch.epoch, lambda x, k: lowest(x, k, 0))
        seen.append((float(epoch.loss[0]), loss.ending(state.loss)))
    return state, rows, seen


def value(loss: Any, z: Array, t: Array) -> tuple[float, Array]:
    shapes = loss.scratch(z.shape[-1])
    s = Views(**{name: np.empty((1, len(z), *one)) for name, one in shapes.items()})
    c = np.full((1, 1, 1), 1 / len(z))
    return float(loss.value(z[None], t[None], c, s)[0]), s.dz[0]


@pytest.mark.parametrize("loss", [DEC(k=K), IDEC(k=K)], ids=lambda one: one.name)
def test_before_there_are_clusters_it_is_the_error_of_the_reconstruction(
    loss: DeepClustering,
) -> None:
    rng = np.random.default_rng(0)
    z, x = rng.random((9, K + I)), rng.normal(size=(9, I))
    found, slope = value(loss, z, loss.targets(x, x))
    expected, slopes = value(MSE(), z[:, K:], x)
    assert found == pytest.approx(expected, rel=1e-14)
    assert np.array_equal(slope, np.hstack([np.zeros((9, K)), slopes]))


def test_dec_lets_go_of_the_reconstruction() -> None:
    rng = np.random.default_rng(0)
    z, t = rng.random((9, K + I)), rng.normal(size=(9, K + I))
    t[:, :K] = sharpened(rng.random((1, 9, K)), None)[0]
    _, slope = value(DEC(k=K), z, t)
    assert np.abs(slope[:, K:]).max() < 1e-15 and slope[:, :K].any()
    _, slope = value(IDEC(k=K), z, t)
    assert np.allclose(slope[:, K:], value(MSE(), z[:, K:], t[:, K:])[1])


def test_assignments_and_targets_by_hand() -> None:
    """Distances² 0 and 1, and 3 and 1: q = (⅔, ⅓) and (⅓, ⅔), f = 1 each, p ∝ q²."""
    loss = DEC(k=2)
    q = loss.assigned(np.array([[[0.0, 1.0, 9.0], [3.0, 1.0, 9.0]]]))
    assert q == pytest.approx(np.array([[[2 / 3, 1 / 3], [1 / 3, 2 / 3]]]))
    assert sharpened(q, None) == pytest.approx(np.array([[[0.8, 0.2], [0.2, 0.8]]]))


def test_row_weights_count_in_the_size_of_a_cluster() -> None:
    q = np.random.default_rng(0).random((1, 7, K))
    q /= q.sum(axis=-1, keepdims=True)
    counts = np.array([1, 2, 3, 1, 0, 2, 1])
    repeated = sharpened(np.repeat(q, counts, axis=1), None)
    first = np.cumsum(counts) - 1
    weighed = sharpened(q, counts[None, :, None] * 1.0)
    assert weighed[0, counts > 0] == pytest.approx(repeated[0, first[counts > 0]])


def test_clusters_begin_with_k_means_of_the_latent_numbers() -> None:
    loss = IDEC(k=K, pretrain=5, refresh=2)
    state, rows, _ = trained(loss, 5)
    z = encoder(network(), state.flat)(rows.x)[0]
    assert centres(network(), state.flat)[0] == pytest.approx(lowest(z, K, 0))
    assert np.array_equal(state.loss["start"], state.flat)
    nearest = squares_to(z, centres(network(), state.flat)[0]).argmin(axis=1)
    assert np.array_equal(state.loss["labels"][0], nearest)
    assert rows.t[0, :, :K].sum(axis=1) == pytest.approx(np.ones(N))


def test_targets_are_those_of_the_last_look() -> None:
    loss = IDEC(k=K, pretrain=5, refresh=4, tolerance=0.0)
    at = {epochs: trained(loss, epochs)[1].t[0, :, :K].copy() for epochs in (4, 5, 8, 9)}
    assert not at[4].any() and at[5].any()
    assert np.array_equal(at[5], at[8]) and not np.array_equal(at[5], at[9])


@pytest.mark.parametrize("kind", [DEC, IDEC])
def test_training_ends_where_no_row_changes_cluster(kind: type[DeepClustering]) -> None:
    loss = kind(k=K, pretrain=30, refresh=3)
    state, rows, seen = trained(loss, 60)
    assert not any(reason for _, reason in seen[:30])
    assert "of the rows changed cluster" in seen[-1][1]
    labels = Scorer(network(), state.flat)(rows.x)[0, :, :K].argmin(axis=1)
    assert len({tuple(set(labels[i : i + 20].tolist())) for i in (0, 20, 40)}) == 3


def test_a_row_without_weight_changes_nothing() -> None:
    loss, c = IDEC(k=K, pretrain=4, refresh=1), np.ones(N)
    c[-1] = 0
    state, _, _ = trained(loss, 4, c)
    z = encoder(network(), state.flat)(groups()[None])[0]
    expected = lowest(z[:-1], K, 0)
    assert centres(network(), state.flat)[0] == pytest.approx(expected)


def test_the_halves_are_the_network() -> None:
    net = network()
    flat = np.random.default_rng(0).normal(size=(1, net.size))
    x = groups()
    z = encoder(net, flat)(x)[0]
    scores = Scorer(net, flat)(x)[0]
    assert scores[:, K:] == pytest.approx(decoder(net, flat)(z)[0])
    assert scores[:, :K] == pytest.approx(squares_to(z, centres(net, flat)[0]))


def test_of_k_means_the_halves_are_nothing() -> None:
    net, x = Network([Prototypes(units=K)], (I,)), groups()
    flat = net.init(0, [0], "float64")
    assert np.array_equal(encoder(net, flat)(x)[0], x)
    assert np.array_equal(decoder(net, flat)(x)[0], x)
    scratch = net.scratch(1, N, "float64")
    z = net.forward(x[None], net.views(flat), scratch, EVALUATION)
    assert z[0] == pytest.approx(squares_to(x, centres(net, flat)[0]))
