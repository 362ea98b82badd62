"""Networks that share their weights: each member is the plain network of its own weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from running import ROOT, bpcli

from bpcli.nn.activations import Tanh
from bpcli.nn.ensembling import BatchEnsemble, MemberDense, Signs
from bpcli.nn.layer import EVALUATION, Array, Layer, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.classes import CrossEntropy
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.losses.numbers import MAE, MSE, Quantile
from bpcli.nn.network import Network

B, K = 7, 3
SHARED: tuple[Layer, ...] = (
    BatchEnsemble(units=5, count=K, input_init=Signs()),
    Tanh(),
    BatchEnsemble(units=4, count=K),
    Tanh(),
    MemberDense(units=2 * K),
)
PLAIN: tuple[Layer, ...] = (Dense(units=5), Tanh(), Dense(units=4), Tanh(), Dense(units=2))


def forward(network: Network, flat: Array, x: Array) -> Array:
    scratch = network.scratch(1, x.shape[1], "float64")
    return network.forward(x, network.views(flat), scratch, EVALUATION).copy()


def member(views: list[Views], k: int) -> Array:
    """The parameters (1,P) of the plain network that member k is."""
    parts = []
    for p in (views[0], views[2]):
        parts += [p.r[0, k][:, None] * p.W[0] * p.u[0, k], p.b[0, k]]
    parts += [views[4].W[0, k], views[4].b[0, 0, 2 * k : 2 * k + 2]]
    return np.concatenate([part.ravel() for part in parts])[None]


def test_each_member_is_a_plain_network() -> None:
    rng = np.random.default_rng(0)
    network, x = Network(SHARED, (6,)), rng.normal(size=(1, B, 6))
    flat = rng.normal(size=(1, network.size))
    z = forward(network, flat, x).reshape(B, K, 2)
    for k in range(K):
        own = forward(Network(PLAIN, (6,)), member(network.views(flat), k), x)[0]
        assert z[:, k] == pytest.approx(own, rel=1e-12)


def test_members_start_apart_by_their_signs_alone() -> None:
    network = Network(SHARED, (6,))
    first, _, second, *_ = network.views(network.init(0, [0], "float64"))
    assert set(np.unique(first.r)) == {-1.0, 1.0}
    assert len({row.tobytes() for row in first.r[0]}) == K
    assert all((array == 1).all() for array in (first.u, second.r, second.u))


@pytest.mark.parametrize(
    ("loss", "width"),
    [(CrossEntropy(), 4), (MSE(), 2), (MAE(), 1), (Quantile(levels=(0.1, 0.9)), 2)],
    ids=lambda one: getattr(one, "name", None),
)
def test_the_loss_is_the_mean_of_the_members(loss: Loss, width: int) -> None:
    rng = np.random.default_rng(1)
    own, together = loss.outputs(width), MemberLoss(loss=loss, count=K)
    assert together.outputs(width) == K * own
    assert (together.predicts, together.quantiles()) == (loss.predicts, loss.quantiles())
    z, t = rng.normal(size=(2, B, K * own)), np.abs(rng.normal(size=(1, B, width)))
    t /= t.sum(axis=-1, keepdims=True)
    c = rng.random((1, B, 1)) / B
    each = [np.ascontiguousarray(z[..., own * k : own * (k + 1)]) for k in range(K)]
    wanted = np.mean([value(loss, part, t, c) for part in each], axis=0)
    assert value(together, z, t, c) == pytest.approx(wanted, rel=1e-12)
    assert together.link(z) == pytest.approx(np.mean([loss.link(p) for p in each], axis=0))


def value(loss: Loss, z: Array, t: Array, c: Array) -> Array:
    shapes = loss.scratch(z.shape[-1])
    s = Views(**{name: np.empty((*z.shape[:2], *shape)) for name, shape in shapes.items()})
    return loss.value(z, t, c, s)


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ([BatchEnsemble(units=2, count=3), BatchEnsemble(units=2, count=4)], "rows of 4 members"),
        ([BatchEnsemble(units=2, count=3), MemberDense(units=4)], "4 units among 3"),
        ([BatchEnsemble(units=2, count=3), Dense(units=4)], "flat rows"),
    ],
)
def test_what_does_not_fit_is_said(layers: list[Layer], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        Network(layers, (5,))


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_the_preset_trains_predicts_and_repeats(name: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text((ROOT / "data" / f"{name}.csv").read_text())
    target = "species" if name == "iris" else "progression"
    (tmp_path / "c.yaml").write_text(
        f"data: {{path: table.csv, target: {target}}}\n"
        "network: {tabm: {width: 16, count: 4}}\nepochs: 150\n"
    )
    bpcli("train", "c.yaml", "-o", "run", cwd=tmp_path)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    key = "accuracy" if name == "iris" else "r2"
    assert metrics["test"][key] > metrics["baseline"]["test"][key] + 0.2
    resolved = (tmp_path / "run" / "config.resolved.yaml").read_text()
    assert "members:" in resolved
    assert "byte-equal" in bpcli("verify", "run", cwd=tmp_path).stdout
    data = (tmp_path / "table.csv").read_text().splitlines()
    (tmp_path / "one.csv").write_text("\n".join([data[0], data[40]]) + "\n")
    alone, every = (
        bpcli("predict", "run", file, cwd=tmp_path).stdout.splitlines()
        for file in ("one.csv", "table.csv")
    )
    assert alone[1].split(",")[1:] == every[40].split(",")[1:]


def test_an_outside_loss_is_that_of_each_member(tmp_path: Path) -> None:
    config = ROOT / "configs" / "diabetes.yaml"
    words = ["--set", "network=tabm", "--set", "loss=huber", "--expand"]
    told = bpcli("validate", config, *words, cwd=tmp_path).stdout
    assert "count: 16" in told
    assert "huber:" in told
