"""`bpcli gradcheck`: right gradients agree, wrong ones are named, kinks are counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from components import members, on_rows, parametrize
from running import ROOT, bpcli

from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.gradcheck import Checked, check, checked, moved_start
from bpcli.insight.objective import Objective
from bpcli.nn.activations import Relu
from bpcli.nn.batches import Rows
from bpcli.nn.layer import Array, Layer, Views
from bpcli.nn.layers import Dense
from bpcli.nn.losses.loss import Loss
from bpcli.nn.losses.members import MemberLoss
from bpcli.nn.losses.numbers import MSE
from bpcli.nn.network import Network
from bpcli.nn.update import Regularization
from bpcli.runs.resolved import prepare_and_resolve

# Images take a minute each; their layers are checked one by one.
SHIPPED = sorted((ROOT / "configs").glob("*.yaml"))
CONFIGS = [path for path in SHIPPED if "input:" not in path.read_text()]
NOTHING = Regularization()


def objective(
    layers: list[Layer],
    loss: Loss,
    regularization: Regularization = NOTHING,
    *,
    seed: int = 0,
    inputs: int = 5,
) -> Objective:
    """A network on rows whose last two inputs are codes, as layers for categories ask for."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1.0, (1, 9, inputs))
    x[..., -2:] = rng.integers(0, 3, (1, 9, 2))
    network = Network(layers, (inputs,))
    (outputs,) = network.out_shape
    outputs //= loss.count if isinstance(loss, MemberLoss) else 1
    t = np.abs(rng.normal(0, 1, (1, 9, outputs // max(1, len(loss.quantiles())))))
    if loss.predicts != "numbers":
        t = np.eye(outputs)[rng.integers(0, outputs, (1, 9))] if outputs > 1 else np.round(t % 1)
    return Objective(network, loss, regularization, Rows(x, t, rng.random((1, 9, 1))), seed)


def verdicts(one: Objective) -> dict[str, str]:
    start = moved_start(one.network, 0)
    return {f"{c.place.number} {c.name}": c.verdict for c in checked(one, start, 0)}


@parametrize("layer", Layer)
def test_every_layer(layer: Layer) -> None:
    units, inside = on_rows(layer, 6)
    inputs, first = on_rows(layer, 5)
    between: list[Layer] = [Dense(units=units), *inside, Dense(units=2)]
    for width, layers in ((5, between), (inputs, [*first, Dense(units=2)])):
        found = verdicts(objective(layers, MSE(), inputs=width))
        assert found and "differs" not in found.values(), found
        assert found[f"{len(layers)} W"] == "agrees"


@parametrize("loss", Loss)
@pytest.mark.parametrize("regularization", [NOTHING, Regularization(l1=0.1, l2=0.3)], ids=str)
def test_every_loss(loss: Loss, regularization: Regularization) -> None:
    layers: list[Layer] = [Dense(units=4), *members(Layer)[:1], Dense(units=loss.outputs(2))]
    assert set(verdicts(objective(layers, loss, regularization)).values()) == {"agrees"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_shipped_config(path: Path) -> None:
    prepared, config = prepare_and_resolve(load(path))
    problem = LearningProblem.of(config, prepared)
    found = list(check(problem, 12))
    assert len(found) == len(problem.network.slots)
    assert {one.verdict for one in found} == {"agrees"}
    assert sum(one.unresolved for one in found) == 0


@pytest.mark.parametrize("wrong", [1.0001, 1.01, 2.0, -1.0, 0.0])
@pytest.mark.parametrize("name", ["W", "b"])
def test_a_wrong_gradient_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: float
) -> None:
    right = Dense.backward

    def broken(self: Dense, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array | None:
        dx = right(self, x, dy, p, g, s)
        if self.units == 6:
            getattr(g, name)[...] *= wrong
        return dx

    monkeypatch.setattr(Dense, "backward", broken)
    layers: list[Layer] = [Dense(units=5), Relu(), Dense(units=6), Relu(), Dense(units=2)]
    found = verdicts(objective(layers, MSE()))
    assert found.pop(f"3 {name}") == "differs"
    assert set(found.values()) == {"agrees"}


def at_kink(seed: int, name: str) -> Checked:
    """Of a bias that is zero where all inputs are: each relu stands at its kink."""
    one = objective([Dense(units=3), Relu(), Dense(units=2)], MSE(), seed=seed)
    one.batch.x[...] = 0
    start = moved_start(one.network, 0)
    one.network.views(start)[0].b[...] = 0
    return next(c for c in checked(one, start, 0) if (c.place.number, c.name) == ("1", name))


def test_a_kink_is_no_fault_and_no_proof() -> None:
    found = at_kink(0, "b")
    assert found.verdict == "unresolved"
    assert found.unresolved == len(found.slopes) == 6
    assert found.worst is None


def test_a_wrong_gradient_at_a_kink_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Relu, x: Array, dy: Array, p: Views, g: Views, s: Views) -> Array:
        return np.multiply(dy, 2, out=s.dx)

    monkeypatch.setattr(Relu, "backward", broken)
    assert at_kink(0, "b").verdict == "differs"


CROOKED = """
import sys
import bpcli.nn
from bpcli.cli.app import run
from bpcli.nn.activations import Tanh

class Crooked(Tanh):
    name = "crooked"

    def backward(self, x, dy, p, g, s):
        dx = super().backward(x, dy, p, g, s)
        dx *= 0.99
        return dx

sys.argv = ["bpcli", "gradcheck", *sys.argv[1:]]
sys.exit(run())
"""


def test_a_layer_of_the_users_own_that_is_wrong_ends_with_9(tmp_path: Path) -> None:
    (tmp_path / "crooked.py").write_text(CROOKED)
    network = "network=[{dense: 4}, tanh, {dense: 4}, crooked, {dense: 4}, tanh]"
    words = ["crooked.py", ROOT / "configs" / "iris.yaml", "--set", network]
    done = subprocess.run(
        ["env", f"PYTHONPATH={ROOT}", sys.executable, "-W", "error", *map(str, words)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 9, done.stderr
    assert "layer 3 (dense), W: backpropagation says" in done.stdout
    assert "layer 5 (dense), W: backpropagation" not in done.stdout
    assert "Traceback" not in done.stderr


def test_the_facts_and_the_rows(tmp_path: Path) -> None:
    words = ["gradcheck", ROOT / "configs" / "wine.yaml", "--rows", 1000, "--json"]
    facts = json.loads(bpcli(*words, cwd=tmp_path).stdout)
    assert facts["agrees"] is True
    assert facts["rows"] == 106  # all training rows; 178 without two fifths
    assert [one["parameter"] for one in facts["parameters"]] == ["W", "b", "W", "b"]
    assert all(one["error"] < facts["tolerance"] for one in facts["parameters"])
    assert list(tmp_path.iterdir()) == []
