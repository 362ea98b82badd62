"""The threshold of two classes: what is best by hand, and what it changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from running import bpcli, table, train, write_csv
from sklearn import metrics as reference

from bpcli.data.targets.classes import ClassTarget
from bpcli.experiment.decision import Decision, Maximize, cuts
from bpcli.metrics.classification import F1, Accuracy, BalancedAccuracy, Precision, Recall

BY_HAND = [  # p of the second class, classes, metric, threshold
    ([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], "accuracy", 0.25),
    ([0.6, 0.7, 0.8, 0.9], [0, 0, 1, 1], "accuracy", 0.75),
    ([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1], "f1", 0.5),
    ([0.6, 0.7, 0.7, 0.9], [0, 0, 1, 1], "recall", 0.65),  # as good as 0.8, and nearer to ½
    ([0.0, 1.0], [0, 1], "accuracy", 0.5),
    ([0.3, 0.3], [0, 1], "accuracy", 0.5),
]


@pytest.mark.parametrize("p, classes, metric, expected", BY_HAND)
def test_by_hand(p: list[float], classes: list[int], metric: str, expected: float) -> None:
    found = Decision.parse({"maximize": metric}).threshold(np.array(p), np.array(classes))
    assert found == pytest.approx(expected)


METRICS = [Accuracy(), BalancedAccuracy(), F1(), Precision(), Recall()]


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_no_threshold_is_better(metric: Any) -> None:
    rng = np.random.default_rng(3)
    p = rng.random(200).round(2)  # with ties
    classes = (rng.random(200) < p**2).astype(np.int64)
    best = Maximize(metric=metric).threshold(p, classes)

    def value(threshold: float) -> float:
        found = metric.value(classes, np.eye(2)[(p > threshold) * 1])
        assert found is not None
        return float(found)

    assert value(best) == max(value(t) for t in np.linspace(0, 1, 401))
    thresholds, counts = cuts(p, classes)
    assert metric.of_counts(counts).tolist() == pytest.approx([value(t) for t in thresholds])


@pytest.mark.parametrize("metric", ["log_loss", "rmse", "roc_auc"])
def test_a_metric_that_no_threshold_changes_is_refused(metric: str) -> None:
    with pytest.raises(ValidationError, match="balanced_accuracy"):
        Decision.parse({"maximize": metric})


def test_three_classes_have_no_threshold() -> None:
    with pytest.raises(ValidationError, match="2 classes"):
        ClassTarget(name="y", classes=("a", "b", "c"), threshold=0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of a tenth of the rows."""
    folder = tmp_path_factory.mktemp("decision")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2)).round(4)
    y = x[:, 0] + rng.logistic(size=400) > 3
    rows = [
        {"a": a, "b": b, "y": "yes" if t else "no"} for (a, b), t in zip(x.tolist(), y, strict=True)
    ]
    write_csv(folder / "t.csv", rows)
    (folder / "c.yaml").write_text("data: {path: t.csv, target: y}\nnetwork: linear\nepochs: 30\n")
    for run, decision in {
        "plain": "null",
        "f1": "{maximize: f1}",
        "low": "{threshold: 0.1}",
    }.items():
        train(folder / "c.yaml", "-o", run, "--set", f"decision={decision}", cwd=folder)
    return folder


def metrics(folder: Path, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / run / "metrics.json").read_text())
    return found


def test_the_threshold_decides_and_the_probabilities_stay(folder: Path) -> None:
    plain, low = (table(bpcli("predict", r, "t.csv", cwd=folder).stdout) for r in ("plain", "low"))
    assert [row["p_yes"] for row in plain] == [row["p_yes"] for row in low]
    assert all((row["prediction"] == "yes") == (float(row["p_yes"]) > 0.1) for row in low)
    for name in ("log_loss", "roc_auc", "pr_auc", "brier", "ece"):
        assert metrics(folder, "plain")["test"][name] == metrics(folder, "low")["test"][name]


def test_the_scores_are_those_of_the_answers(folder: Path) -> None:
    for run in ("f1", "low"):
        rows = table((folder / run / "predictions_test.csv").read_text())
        truth, answers = [r["y"] for r in rows], [r["prediction"] for r in rows]
        found = metrics(folder, run)
        expected = {
            "accuracy": reference.accuracy_score(truth, answers),
            "balanced_accuracy": reference.balanced_accuracy_score(truth, answers),
            "f1": reference.f1_score(truth, answers, average="macro"),
        }
        assert {k: found["test"][k] for k in expected} == pytest.approx(expected, rel=1e-12)
        confused = reference.confusion_matrix(truth, answers).tolist()
        assert found["details"]["confusion"] == confused


def test_what_was_chosen_is_said_and_kept(folder: Path) -> None:
    found = metrics(folder, "f1")["decision"]
    assert found["positive"] == "yes" and found["metric"] == "f1" and found["rows"] == 80
    assert found["after"]["validation"] >= found["before"]["validation"]
    assert found["before"]["test"] == metrics(folder, "plain")["test"]["f1"]
    assert found["after"]["test"] == metrics(folder, "f1")["test"]["f1"]
    assert metrics(folder, "low")["decision"]["threshold"] == 0.1
    shown = bpcli("evaluate", "f1", "t.csv", "--json", cwd=folder).stdout
    predicted = table(bpcli("predict", "f1", "t.csv", cwd=folder).stdout)
    right = np.mean([row["y"] == row["prediction"] for row in predicted])
    kept = {"positive": "yes", "threshold": found["threshold"]}
    assert json.loads(shown)["decision"] == kept
    assert "'yes' above" in bpcli("evaluate", "f1", "t.csv", cwd=folder).stdout
    assert json.loads(shown)["metrics"]["accuracy"] == pytest.approx(right)


def test_imbalance_is_said_with_what_there_is_against_it(folder: Path) -> None:
    for run, named in {"plain": True, "f1": False}.items():
        record = json.loads((folder / run / "run.json").read_text())
        (notice,) = [one for one in record["notices"] if one["id"] == "BP-D147"]
        assert "always answering 'no' is right in" in notice["what"]
        assert "pr_auc" in notice["fix"] and "class_weight" in notice["fix"]
        assert ("maximize: f1" in notice["fix"]) == named
