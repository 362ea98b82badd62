"""Sick networks are each named rightly, and healthy ones get no finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import ROOT
from sick import SICK, Sick, config_of
from test_data_read import shared_file
from test_data_real import REAL

from bpcli.config.dump import dump
from bpcli.experiment.load import load
from bpcli.experiment.problem import LearningProblem
from bpcli.insight.diagnosis import trial
from bpcli.runs.resolved import prepare_and_resolve

CONFIGS = {path.stem: path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))}
IMAGES = {name for name, text in CONFIGS.items() if "image:" in text}
# Images take longer, for their multiplications are done one by one.
SHIPPED = [(name, seed) for name in CONFIGS for seed in range(1 if name in IMAGES else 2)]
WORK = 1e9  # multiplications of a trial: some tenths of a second


def found(config: Path, *sets: str, work: float = WORK) -> list[str]:
    prepared, resolved = prepare_and_resolve(load(config, sets))
    told = trial(LearningProblem.of(resolved, prepared), work)
    return [one.finding.rule.name for one in told]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sick", SICK, ids=lambda s: f"{s.name}: {s.config}")
def test_what_ails_it_is_named_and_nothing_else(sick: Sick, seed: int, tmp_path: Path) -> None:
    assert found(config_of(sick.config, tmp_path), *sick.sets, f"seed={seed}") == [sick.name]


@pytest.mark.parametrize("name, seed", SHIPPED)
def test_a_shipped_config_is_healthy(name: str, seed: int) -> None:
    work = WORK / 10 if name in IMAGES else WORK
    assert found(ROOT / "configs" / f"{name}.yaml", f"seed={seed}", work=work) == []


HEALTHY = [
    "network=[{dense: {units: 32, init: he}}, relu, {dense: {units: 32, init: he}}, relu]",
    "network=[{residual: {layers: [{dense: 30}, relu]}}, {dense: 16}, batch_norm, relu]",
    "network=[{dense: 32}, layer_norm, gelu, {dropout: 0.5}, {dense: 8}, selu]",
    "network=[{parallel: {branches: [[{dense: 8}, tanh], [{dense: 8}, sigmoid]]}}]",
    "network=realmlp",
    "network=mlp",
    "optimizer={sgd: {momentum: 0.9}}",
    "optimizer=lion",
    "ensemble=3",
    "ema=0.99",
]


@pytest.mark.parametrize("change", HEALTHY)
def test_a_healthy_network_has_no_finding(change: str) -> None:
    own = ["learning_rate=null", "epochs=40"] if "mlp" in change or "lion" in change else []
    assert found(ROOT / "configs" / "breast_cancer.yaml", change, *own) == []


@pytest.mark.parametrize("name", REAL)
def test_the_default_on_a_real_table_is_healthy(name: str, tmp_path: Path) -> None:
    real, path = REAL[name], shared_file(name)
    asked = {key: list(v) if isinstance(v, tuple) else v for key, v in real.asked.items()}
    config = tmp_path / "c.yaml"
    config.write_text(dump({"data": {"path": str(path), "target": real.target, **asked}}))
    large = path.stat().st_size > 300_000
    for seed in range(1 if large else 2):
        assert found(config, f"seed={seed}") == []
