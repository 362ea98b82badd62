"""Temperature, threshold and intervals of an ensemble are about the mean of its members."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, bpcli, table, train, write_csv

from bpcli.data.arrays import Floats, Ints
from bpcli.experiment.calibration import Temperature
from bpcli.experiment.conformal import Conformal, ConformalSpec
from bpcli.experiment.decision import Maximize
from bpcli.experiment.predictor import Ensemble
from bpcli.metrics.classification import F1
from bpcli.runs.model import read_model
from bpcli.runs.predict import Predictions

DATA = ROOT / "data" / "breast_cancer.csv"
CONFIG = """\
data: {path: t.csv, target: diagnosis}
network: [{dense: 8}, relu, {dropout: 0.2}]
decision: {maximize: f1}
stop: {patience: 4}
learning_rate: 0.03
epochs: 12
threads: 1
"""
FORMS = {"same": "ensemble=3", "folds": "ensemble={folds: 3}"}
SETS = {"same": "validation", "folds": "out-of-fold"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ensemble of each form, and the rows that its run tested on."""
    folder = tmp_path_factory.mktemp("certainty")
    rows = table(DATA.read_text())
    write_csv(folder / "t.csv", rows)
    (folder / "c.yaml").write_text(CONFIG)
    for run, form in FORMS.items():
        train(folder / "c.yaml", "-o", run, "--set", form, cwd=folder)
        write_csv(folder / f"{run}.csv", [rows[i] for i in np.flatnonzero(sets_of(folder, run)[1])])
    return folder


def sets_of(folder: Path, run: str) -> tuple[Any, Any]:
    """For each row its set, and whether it is a test row."""
    split = table((folder / run / "split.csv").read_text())
    sets = np.array([row["set"] for row in split])
    return sets, sets == "test"


def unseen(folder: Path, run: str, ensemble: Ensemble) -> tuple[Ints, Floats]:
    """The rows that choose, and what those who have not learned from them say of them."""
    (whole,) = Predictions(folder / run, folder / "t.csv", {}).reader
    each = ensemble.each(whole)
    if run == "same":
        rows = np.flatnonzero(sets_of(folder, run)[0] == "validation")
        return rows, each[:, rows].mean(axis=0)
    folds = [row["fold"] for row in table((folder / run / "split.csv").read_text())]
    rows = np.flatnonzero(np.array(folds) != "")
    return rows, np.stack([each[int(folds[row]) - 1, row] for row in rows])


@pytest.mark.parametrize("run", FORMS)
def test_what_is_fitted_is_fitted_to_the_rows_that_choose(folder: Path, run: str) -> None:
    record, ensemble = read_model(folder / run)
    rows, raw = unseen(folder, run, ensemble)
    truth = np.array([row["diagnosis"] for row in table((folder / "t.csv").read_text())])
    classes = (truth[rows] == ensemble.target.classes[1]).astype(np.int64)  # type: ignore[union-attr]

    fitted = Temperature().fit(raw, classes)
    np.testing.assert_allclose(ensemble.calibration.fitted["temperature"], fitted["temperature"])
    np.testing.assert_allclose(ensemble.calibration.fitted["mix"], fitted["mix"])
    assert abs(fitted["temperature"][0] - 1) > 0.02

    p = Temperature().apply(raw, fitted)
    threshold = Maximize(metric=F1()).threshold(p[:, 1], classes)
    assert ensemble.target.threshold == pytest.approx(threshold)  # type: ignore[union-attr]

    spec = ConformalSpec(rows=len(rows), set=SETS[run], chose=("epoch", "temperature"))
    assert record.conformal == spec
    expected = Conformal.of(spec, 1 - p[np.arange(len(rows)), classes][:, None])
    assert ensemble.conformal is not None
    np.testing.assert_allclose(ensemble.conformal.scores, expected.scores, atol=1e-12)


@pytest.mark.parametrize("run", FORMS)
def test_the_run_says_which_rows_chose(folder: Path, run: str) -> None:
    metrics = json.loads((folder / run / "metrics.json").read_text())
    for key in ("calibration", "decision", "conformal"):
        assert metrics[key]["set"] == SETS[run]
    after = metrics["calibration"]["after"]
    assert after["test"]["log_loss"] == metrics["test"]["log_loss"]
    assert (
        after["validation"]["log_loss"] < metrics["calibration"]["before"]["validation"]["log_loss"]
    )
    assert metrics["decision"]["after"]["test"] == metrics["test"]["f1"]
    said = bpcli("predict", run, "t.csv", "--interval", "0.9", cwd=folder).stderr
    assert f"{SETS[run]} rows behind it also chose the epoch and the temperature" in said


@pytest.mark.parametrize("run", FORMS)
def test_predict_and_evaluate_say_what_the_run_said_of_its_test_rows(
    folder: Path, run: str
) -> None:
    tested = table((folder / run / "predictions_test.csv").read_text())
    again = table(bpcli("predict", run, f"{run}.csv", cwd=folder).stdout)
    assert [{**row, "row": ""} for row in again] == [{**row, "row": ""} for row in tested]
    scores = json.loads(bpcli("evaluate", run, f"{run}.csv", "--json", cwd=folder).stdout)
    metrics = json.loads((folder / run / "metrics.json").read_text())
    assert scores["metrics"] == metrics["test"]


def test_calibration_rows_are_in_no_fold(folder: Path) -> None:
    options = ("--set", FORMS["folds"], "--set", "split.calibration=0.2")
    train(folder / "c.yaml", "-o", "own", *options, cwd=folder)
    split = table((folder / "own" / "split.csv").read_text())
    assert {row["fold"] for row in split if row["set"] == "calibration"} == {""}
    record, _ = read_model(folder / "own")
    assert record.conformal is not None
    count = sum(row["set"] == "calibration" for row in split)
    assert record.conformal == ConformalSpec(rows=count, set="calibration", chose=())


def test_rows_that_any_member_learned_from_give_no_doubt(folder: Path) -> None:
    rows = table(bpcli("predict", "folds", "t.csv", "--doubt", cwd=folder).stdout)
    test = sets_of(folder, "folds")[1]
    doubts = np.array([[float(row["out_of_range"]), float(row["distance"])] for row in rows])
    assert not doubts[~test].any() and doubts[test].any()
