"""bpcli cv: the estimate is what its folds say, and the model is the one it is the estimate of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from running import ROOT, bpcli, table, train

from bpcli.runs.cv import FOLDS, PREDICTIONS, SUMMARY, TABLE
from bpcli.runs.journal import JOURNAL
from bpcli.selection.study import Trial

CONFIG = """\
data: {path: iris.csv, target: species}
network: [{dense: 8}, tanh]
optimizer: adam
learning_rate: 0.02
batch_size: 16
epochs: 25
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    lines = (ROOT / "data" / "iris.csv").read_text().splitlines(keepends=True)
    (tmp_path / "iris.csv").write_text("".join([lines[0], *lines[1::2]]))
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path / "c.yaml"


def cv(config: Path, *arguments: object) -> dict[str, Any]:
    done = bpcli("cv", config, *arguments, "--json", cwd=config.parent)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (TABLE, SUMMARY, FOLDS, PREDICTIONS)]


def test_tables_agree_with_each_other_for_any_number_of_jobs(config: Path, tmp_path: Path) -> None:
    facts = cv(config, "-o", tmp_path / "a", "-j", 1, "--repeats", 2)
    cv(config, "-o", tmp_path / "b", "-j", 2, "--repeats", 2)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    rows = table((tmp_path / "a" / TABLE).read_text())
    accuracies = [float(row["accuracy"]) for row in rows]
    assert len(rows) == 10
    told = facts["metrics"]["accuracy"]
    assert told["mean"] == pytest.approx(fmean(accuracies))
    assert told["standard_error"] == pytest.approx(stdev(accuracies) / 10**0.5)
    assert told["interval"][0] < told["mean"] < told["interval"][1]
    assert told["baseline"] < 0.5 < told["mean"]
    # no row of the test set, each other row once a repeat
    folds = table((tmp_path / "a" / FOLDS).read_text())
    predictions = table((tmp_path / "a" / PREDICTIONS).read_text())
    assert sorted({row["row"] for row in folds}) == sorted(row["row"] for row in predictions)
    assert len(folds) == 2 * len(predictions) == 2 * 60


def test_out_of_fold_predictions_give_the_metric(config: Path, tmp_path: Path) -> None:
    cv(config, "-o", tmp_path / "a")
    fold_of = {row["row"]: row["fold"] for row in table((tmp_path / "a" / FOLDS).read_text())}
    predictions = table((tmp_path / "a" / PREDICTIONS).read_text())
    for row in table((tmp_path / "a" / TABLE).read_text()):
        own = [one for one in predictions if fold_of[one["row"]] == row["fold"]]
        assert len(own) == int(row["rows"])
        hits = fmean(one["species"] == one["prediction"] for one in own)
        assert float(row["accuracy"]) == pytest.approx(hits)


def test_each_fold_is_scored_after_the_epochs_that_the_others_take(
    config: Path, tmp_path: Path
) -> None:
    patience = ("--set", "stop.patience=2")
    facts = cv(config, "-o", tmp_path / "a", *patience)
    rows = table((tmp_path / "a" / TABLE).read_text())
    best = best_epochs(tmp_path / "a")
    for row in rows:
        others = [epoch for fold, epoch in best.items() if fold != int(row["fold"])]
        assert int(row["epochs"]) == round(fmean(others))
    assert facts["epochs"] == round(fmean(best.values()))
    # the same as folds that are told the epochs
    for row in rows:
        told = f"stop={{epoch: {row['epochs']}, monitor: train_loss}}"
        cv(config, "-o", tmp_path / "b", "-f", "--set", told)
        assert row in table((tmp_path / "b" / TABLE).read_text())


def best_epochs(folder: Path) -> dict[int, int]:
    """By fold, of the trainings that their own rules end."""
    lines = (folder / JOURNAL).read_text().splitlines()[1:]
    trials = [Trial(*one) for line in lines for one in json.loads(line)[1]]
    return {one.fold: one.epoch or 0 for one in trials if one.length is None}


def test_jobs_and_resuming_change_no_byte(config: Path, tmp_path: Path) -> None:
    patience = ("--set", "stop.patience=2")
    cv(config, "-o", tmp_path / "one", "-j", 1, *patience)
    cv(config, "-o", tmp_path / "two", "-j", 2, *patience)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    journal = (tmp_path / "two" / JOURNAL).read_text().splitlines(keepends=True)
    assert len(journal) == 1 + 2 + 2
    for kept in (1, 2, 4):
        (tmp_path / "cut").mkdir()
        shutil.copy(tmp_path / "two" / "run.json", tmp_path / "cut")
        (tmp_path / "cut" / JOURNAL).write_text("".join(journal[:kept]))
        cv(config, "-o", tmp_path / "cut", "--resume", *patience)
        assert files(tmp_path / "cut") == files(tmp_path / "two")
        shutil.rmtree(tmp_path / "cut")


def test_refit_trains_on_all_rows_but_the_test_rows(config: Path, tmp_path: Path) -> None:
    patience = ("--set", "stop.patience=2")
    done = bpcli("cv", config, "--refit", tmp_path / "r", *patience, cwd=tmp_path, COLUMNS="2000")
    sets = [row["set"] for row in table((tmp_path / "r" / "split.csv").read_text())]
    assert (sets.count("train"), sets.count("validation"), sets.count("test")) == (60, 0, 15)
    train(config, "-o", tmp_path / "plain", cwd=tmp_path)
    plain = [row["set"] for row in table((tmp_path / "plain" / "split.csv").read_text())]
    assert [one == "test" for one in plain] == [one == "test" for one in sets]
    epochs = json.loads((tmp_path / "r" / "run.json").read_text())["epochs"]
    assert f"stop={{epoch: {epochs}}}" in done.stdout
    assert f"for {epochs} epochs" in done.stdout


def test_by_group_and_by_time(config: Path, tmp_path: Path) -> None:
    lines = (tmp_path / "iris.csv").read_text().splitlines()
    rows = [f"{line},p{i % 12},{i // 2}" for i, line in enumerate(lines[1:])]
    text = "\n".join([f"{lines[0]},plant,day", *rows])
    (tmp_path / "iris.csv").write_text(text + "\n")
    # no class occurs at all times, so a number is predicted
    number = ("--set", "data.target=petal_width", "--folds", 3)
    by_group = cv(config, "-o", tmp_path / "g", "--group", "plant", *number)
    assert by_group["folds"]["method"] == "group"
    by_time = cv(config, "-o", tmp_path / "t", "--time", "day", *number)
    assert by_time["folds"]["method"] == "time"
    assert by_time["metrics"]["rmse"]["mean"] > by_group["metrics"]["rmse"]["mean"]
