"""Every shipped config trains, and reaches the score it is there to show."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import ROOT, train, write_csv

ACCURACY = {
    "iris": 0.93,
    "wine": 0.96,
    "breast_cancer": 0.95,
    "digits": 0.97,
    "logistic_regression": 0.93,
    "softmax_regression": 0.94,
}
OTHERS = {
    *("diabetes", "linear_regression", "iris_clusters"),
    *("digits_resnet", "digits_inception", "digits_idec"),
}


def test_every_config_is_tested() -> None:
    assert {path.stem for path in (ROOT / "configs").glob("*.yaml")} == set(ACCURACY) | OTHERS


@pytest.mark.parametrize("name", ACCURACY)
def test_accuracy_on_test_rows(tmp_path: Path, name: str) -> None:
    facts = train(ROOT / "configs" / f"{name}.yaml", cwd=tmp_path)
    assert facts["metrics"]["test"]["accuracy"] >= ACCURACY[name]


def test_diabetes_beats_the_mean_by_a_fifth(tmp_path: Path) -> None:
    facts = train(ROOT / "configs" / "diabetes.yaml", cwd=tmp_path)
    assert facts["metrics"]["test"]["rmse"] <= 0.8 * facts["baseline"]["test"]["rmse"]


def test_linear_regression_finds_weight_2_and_bias_0(tmp_path: Path) -> None:
    facts = train(ROOT / "configs" / "linear_regression.yaml", cwd=tmp_path)
    (equation,) = facts["equations"]["terms"].values()
    assert {name: f"{abs(value):.3f}" for name, value in equation.items()} == {
        "x": "2.000",
        "intercept": "0.000",
    }


def test_the_clusters_of_irises_are_nearly_the_species(tmp_path: Path) -> None:
    facts = train(ROOT / "configs" / "iris_clusters.yaml", cwd=tmp_path)
    assert facts["metrics"]["train"]["ari"] >= 0.6


def test_deep_clusters_of_digits_beat_plain_ones(tmp_path: Path) -> None:
    facts = train(ROOT / "configs" / "digits_idec.yaml", cwd=tmp_path)
    plain = facts["plain"]["k-means, columns"]["train"]
    assert facts["metrics"]["train"]["nmi"] > plain["nmi"] + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_fahrenheit_by_default(tmp_path: Path, seed: int) -> None:
    from running import bpcli, table

    rows = [{"c": c, "f": 1.8 * c + 32} for c in (-40 + 160 * i / 199 for i in range(200))]
    write_csv(tmp_path / "degrees.csv", rows)
    (tmp_path / "degrees.yaml").write_text("data: {path: degrees.csv, target: f}\n")
    train(tmp_path / "degrees.yaml", "-o", "run", "--seed", seed, cwd=tmp_path)
    predicted = table(bpcli("predict", "run", "degrees.csv", cwd=tmp_path).stdout)
    assert max(abs(float(row["prediction"]) - float(row["f"])) for row in predicted) < 0.5
