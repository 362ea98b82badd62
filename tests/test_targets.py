"""Several targets, quantiles, labels and counts, from a config to predictions and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import bpcli, table, train, write_csv

COMMON = "network: [{dense: 8}, tanh]\nlearning_rate: 0.02\nepochs: 15\n"
CONFIGS = {
    "several": "data: {path: data.csv, target: [small, large], columns: {DROP}}\n",
    "quantiles": (
        "data: {path: data.csv, target: [small, large], columns: {DROP}}\n"
        "loss: {quantile: {levels: [0.1, 0.5, 0.9]}}\n"
    ),
    "labels": "data: {path: data.csv, target: [up, even], columns: {DROP}}\n",
    "counts": "data: {path: data.csv, target: count, columns: {DROP}}\nloss: poisson\n",
    "log": (
        "data: {path: data.csv, target: positive, columns: {DROP}}\npreprocess: {target: log}\n"
    ),
}
TARGETS = ("small", "large", "up", "even", "count", "positive")


def rows(n: int = 200) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(n, 2)), rng.normal(size=n)
    return [
        {
            "x1": f"{a:.4f}",
            "x2": f"{b:.4f}",
            "small": "" if i == 5 else f"{(a + 0.3 * e) / 1000:.6f}",
            "large": "" if i == 9 else f"{1e6 + 1e5 * (b - a + e):.0f}",
            "up": "yes" if a + 0.3 * e > 0 else "no",
            "even": int(b + 0.3 * e > 1),
            "count": rng.poisson(np.exp(a)),
            "positive": f"{np.exp(2 * a + 0.1 * e):.5f}",
        }
        for i, ((a, b), e) in enumerate(zip(x.tolist(), noise.tolist(), strict=True))
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("targets")
    write_csv(folder / "data.csv", rows())
    for name, text in CONFIGS.items():
        dropped = ", ".join(f"{t}: drop" for t in TARGETS if t not in text.split("columns")[0])
        (folder / f"{name}.yaml").write_text(text.replace("DROP", dropped) + COMMON)
        train(folder / f"{name}.yaml", "-o", name, cwd=folder)
    return folder


def metrics(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name / "metrics.json").read_text())
    return found


def predictions(folder: Path, name: str) -> list[dict[str, str]]:
    return table(bpcli("predict", name, "data.csv", cwd=folder).stdout)


COLUMNS = {
    "several": ["prediction_small", "prediction_large"],
    "quantiles": [
        *("prediction_small", *(f"prediction_small_q{q}" for q in (0.1, 0.5, 0.9))),
        *("prediction_large", *(f"prediction_large_q{q}" for q in (0.1, 0.5, 0.9))),
    ],
    "labels": ["prediction_up", "prediction_even", "p_up", "p_even"],
    "counts": ["prediction"],
    "log": ["prediction"],
}


@pytest.mark.parametrize("name", CONFIGS)
def test_columns_of_predictions(folder: Path, name: str) -> None:
    found = predictions(folder, name)
    assert [column for column in found[0] if column.startswith("p")] == [
        *(["positive"] if name == "log" else []),
        *COLUMNS[name],
    ]
    again = {row["row"]: row for row in found}
    tested = table((folder / name / "predictions_test.csv").read_text())
    assert tested and all(again[row["row"]] == row for row in tested)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_beats_the_constant(folder: Path, name: str) -> None:
    found = metrics(folder, name)
    measure = "hamming_loss" if name == "labels" else "mae"
    assert found["test"][measure] < 0.8 * found["baseline"]["test"][measure]


@pytest.mark.parametrize("name", CONFIGS)
def test_evaluate_repeats_the_test_scores(folder: Path, name: str) -> None:
    split = table((folder / name / "split.csv").read_text())
    held_out = [row for row, one in zip(rows(), split, strict=True) if one["set"] == "test"]
    write_csv(folder / "held_out.csv", held_out)
    done = bpcli("evaluate", name, "held_out.csv", "--json", cwd=folder)
    assert json.loads(done.stdout)["metrics"] == metrics(folder, name)["test"]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_resolved_config_trains_the_same_model(folder: Path, name: str) -> None:
    train(folder / name / "config.resolved.yaml", "-o", f"{name}-again", cwd=folder)
    first, second = (folder / run / "model.safetensors" for run in (name, f"{name}-again"))
    assert first.read_bytes() == second.read_bytes()


def test_each_target_keeps_its_own_units(folder: Path) -> None:
    found = predictions(folder, "several")
    for name, size in (("small", 1e-3), ("large", 1e5)):
        known = [row for row in found if row[name]]
        errors = [float(row[f"prediction_{name}"]) - float(row[name]) for row in known]
        assert 0.05 * size < np.sqrt(np.mean(np.square(errors))) < 1.5 * size


def test_rows_without_one_of_the_targets_are_excluded_and_said(folder: Path) -> None:
    split = table((folder / "several" / "split.csv").read_text())
    assert [row["row"] for row in split if row["set"] == "excluded"] == ["6", "10"]
    record = json.loads((folder / "several" / "run.json").read_text())
    said = {notice["id"]: notice["what"] for notice in record["notices"]}
    assert "'small' in 1, 'large' in 1" in said["BP-D130"]


def test_quantiles_rise_and_the_median_is_the_prediction(folder: Path) -> None:
    for row in predictions(folder, "quantiles"):
        for name in ("small", "large"):
            low, middle, high = (float(row[f"prediction_{name}_q{q}"]) for q in (0.1, 0.5, 0.9))
            assert low <= middle <= high
            assert row[f"prediction_{name}"] == row[f"prediction_{name}_q0.5"]
    found = metrics(folder, "quantiles")
    assert found["test"]["pinball"] < 0.8 * found["baseline"]["test"]["pinball"]
    assert 0.5 < found["train"]["coverage"] < 1


def test_labels_answer_in_the_words_of_the_table(folder: Path) -> None:
    for row in predictions(folder, "labels"):
        assert row["prediction_up"] == ("yes" if float(row["p_up"]) > 0.5 else "no")
        assert row["prediction_even"] == ("1" if float(row["p_even"]) > 0.5 else "0")
    record = json.loads((folder / "labels" / "run.json").read_text())
    assert record["task"] == "multilabel"
    assert record["task_reason"] == "Each of the 2 targets has yes and no."


def test_counts_and_positive_numbers_are_predicted_above_zero(folder: Path) -> None:
    for name in ("counts", "log"):
        assert all(float(row["prediction"]) > 0 for row in predictions(folder, name))
    assert "preprocess:\n  numeric: standard\n  target: none\n" in (
        folder / "counts" / "config.resolved.yaml"
    ).read_text(encoding="utf-8")


def test_class_weights_are_not_for_labels(folder: Path) -> None:
    done = bpcli("train", "labels.yaml", "--set", "class_weight=balanced", cwd=folder, code=3)
    assert "BP-C055" in done.stderr
    assert "data.weight" in done.stderr


def test_evaluate_names_every_absent_target(folder: Path) -> None:
    write_csv(folder / "inputs.csv", [{"x1": 1, "x2": 2}, {"x1": 2, "x2": 1}])
    done = bpcli("evaluate", "several", "inputs.csv", cwd=folder, code=4)
    assert done.stderr.count("BP-D060") == 2
    found = table(bpcli("predict", "quantiles", "inputs.csv", cwd=folder).stdout)
    assert list(found[0]) == ["row", *COLUMNS["quantiles"]]


def test_init_takes_several_targets(folder: Path) -> None:
    written = bpcli("init", "data.csv", "-t", "up", "-t", "even", "-o", "-", cwd=folder).stdout
    assert "  target: [up, even]\n" in written
    assert "task: multilabel" in written
