"""Ensembles: each member by itself, what they say together, and the one model file they are in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import ROOT, bpcli, table, train, write_csv

from bpcli.config.errors import ModelError, NumericError
from bpcli.data.split import TEST, TRAIN, VALIDATION
from bpcli.experiment.fit import Fit
from bpcli.experiment.load import load
from bpcli.experiment.members import Members
from bpcli.experiment.predictor import mean_of, spread_of
from bpcli.experiment.problem import LearningProblem
from bpcli.experiment.stopping import Record
from bpcli.runs.model import read_model
from bpcli.runs.resolved import prepare_and_resolve
from bpcli.runs.tensorfile import pack, unpack

SMALL = ["network=[{dense: 8}, tanh, {dropout: 0.2}]", "batch_size=16", "learning_rate=0.05"]
CASES: dict[str, tuple[str, list[str]]] = {
    "the same rows": ("iris", ["ensemble=3", *SMALL, "epochs=6", "iterations=null"]),
    "folds of unequal size": ("iris", ["ensemble={folds: 7}", *SMALL, "iterations=30"]),
    "penalties in turn": (
        "wine",
        [
            *("ensemble={folds: 4, penalty_factors: [1, 4, 0.5]}", *SMALL, "epochs=6"),
            *("regularization={l1: 0.001, l2: 0.01, weight_decay: 0.1}", "optimizer=adamw"),
        ],
    ),
    "stops at different epochs": (
        "wine",
        ["ensemble={folds: 3}", *SMALL, "epochs=40", "stop.patience=1"],
    ),
    "gaps and rare categories": (
        "people",
        ["ensemble={folds: 4}", *SMALL, "epochs=4", "preprocess.categorical.one_hot=2"],
    ),
    "row weights, a running mean, float64": (
        "breast_cancer",
        ["ensemble=3", "class_weight=balanced", "ema=0.9", "dtype=float64", "epochs=3"],
    ),
    "one after another": (
        "wine",
        ["ensemble=2", "network=[{dense: 600}, relu, {dense: 600}]", "epochs=2"],
    ),
    "two processes": ("wine", ["ensemble=3", "threads=2", "batch_size=64", "epochs=4"]),
    "an optimizer that ends by itself": (
        "logistic_regression",
        ["ensemble={folds: 3}", "optimizer=lbfgs", "batch_size=full", "epochs=30", "stop={}"],
    ),
    "rates that are halved": (
        "iris",
        [
            *("ensemble=3", "optimizer=sgd", "learning_rate=200", "on_divergence=backoff"),
            *("network=[{dense: 8}, relu, {dense: 8}, relu]", "iterations=30", "batch_size=16"),
        ],
    ),
}


def people(n: int = 90) -> list[dict[str, Any]]:
    """A town that only few rows have, and gaps."""
    towns = ["Ulm", "Bonn", "Köln", "Trier"]
    return [
        {
            "age": 20 + (i * 7) % 45,
            "height": "" if i % 11 == 0 else f"{1.5 + (i % 9) / 20:.2f}",
            "town": "Pisa" if i in (3, 40) else towns[i % 4],
            "income": 1000 + 37 * ((i * 7) % 45) + 100 * (i % 3),
        }
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table of people with two ensembles of it."""
    folder = tmp_path_factory.mktemp("people")
    write_csv(folder / "people.csv", people())
    (folder / "people.yaml").write_text("data: {path: people.csv, target: income}\n")
    small = [f"--set={setting}" for setting in (*SMALL, "epochs=5")]
    for name, ensemble in {"same": "20", "folds": "{folds: 4}"}.items():
        train(folder / "people.yaml", "-o", name, f"--set=ensemble={ensemble}", *small, cwd=folder)
    return folder


def members_of(config: Path, settings: list[str]) -> Members:
    prepared, resolved = prepare_and_resolve(load(config, ["threads=1", *settings]))
    return Members.of(LearningProblem.of(resolved, prepared))


@pytest.mark.parametrize("case", CASES)
def test_each_member_has_the_bits_of_the_same_member_alone(folder: Path, case: str) -> None:
    name, settings = CASES[case]
    config = folder / "people.yaml" if name == "people" else ROOT / "configs" / f"{name}.yaml"
    members = members_of(config, settings)
    fit = members.fit()
    records = list(fit)
    for number, (together, alone) in enumerate(
        zip(fit.replicas, members.replicas(), strict=True), 1
    ):
        mode = members.problem.config.on_divergence
        own = list(Fit([alone], on_divergence=mode))
        assert [_timeless(r) for r in records if r.member == number] == list(map(_timeless, own))
        assert together.weights.tobytes() == alone.weights.tobytes()
        assert together.stop_reason == alone.stop_reason
        assert together.halvings == alone.halvings
    assert len({one.weights.tobytes() for one in fit.replicas}) == members.size
    assert any(one.halvings for one in fit.replicas) == (case == "rates that are halved")


def _timeless(record: Record) -> Record:
    return record._replace(seconds=0, member=1)


def test_a_member_that_diverges_is_named() -> None:
    settings = ["ensemble=3", "optimizer=sgd", "learning_rate=1e30", "network=[{dense: 8}, relu]"]
    with pytest.raises(NumericError, match="member 1, iteration"):
        list(members_of(ROOT / "configs" / "iris.yaml", settings).fit())


@pytest.mark.parametrize("method", ["stratified", "group"])
def test_every_row_but_the_test_rows_is_left_to_one_member(tmp_path: Path, method: str) -> None:
    rows = [{"a": i % 7, "g": f"g{i // 5}", "y": "ab"[i % 2]} for i in range(60)]
    write_csv(tmp_path / "t.csv", rows)
    group = "group: g" if method == "group" else "columns: {g: drop}"
    (tmp_path / "c.yaml").write_text(f"data: {{path: t.csv, target: y, {group}}}\n")
    members = members_of(tmp_path / "c.yaml", ["ensemble={folds: 4}", "epochs=2"])
    sets = np.stack([problem.prepared.sets for problem in members.problems])
    test = members.problem.prepared.sets == TEST
    assert 0 < test.sum() < 60
    assert (sets[:, test] == TEST).all()
    assert ((sets == VALIDATION).sum(axis=0) == ~test).all()
    assert ((sets == TRAIN).sum(axis=0) == 3 * ~test).all()
    if method == "group":
        held = sets.argmax(axis=0)
        assert all(len({int(held[i]) for i in range(g, g + 5)}) == 1 for g in range(0, 60, 5))


def test_what_is_said_of_a_row_out_of_fold_is_of_the_member_that_has_not_seen_it() -> None:
    members = members_of(ROOT / "configs" / "iris.yaml", ["ensemble={folds: 3}"])
    each = np.full((3, 150, 1), np.array([1.0, 2.0, 6.0])[:, None, None])
    seen = members.by_set(each)
    assert set(seen) == {TRAIN, VALIDATION, TEST}
    assert (seen[TRAIN][1] == 3).all() and (seen[TEST][1] == 3).all()
    rows, prediction = seen[VALIDATION]
    assert rows.tolist() == seen[TRAIN][0].tolist()
    folds = [members.fold_of_rows()[row] for row in rows]
    assert prediction[:, 0].tolist() == [{1: 1.0, 2: 2.0, 3: 6.0}[fold or 0] for fold in folds]


def test_the_preset_is_that_for_the_rows_of_a_member() -> None:
    """Of 150 rows 30 test, and 96 train either way."""
    config, preset = ROOT / "configs" / "iris.yaml", ["network=mlp", "iterations=null"]
    folds = members_of(config, [*preset, "ensemble={folds: 5}"]).problem.config
    split = members_of(config, [*preset, "split.validation=0.16"]).problem.config
    assert (folds.epochs, folds.batch_size) == (split.epochs, split.batch_size)
    assert folds.stop == split.stop


def test_penalties_are_taken_in_turn() -> None:
    settings = ["ensemble={folds: 3, penalty_factors: [1, 4]}", "regularization={l1: 2, l2: 0.5}"]
    members = members_of(ROOT / "configs" / "iris.yaml", settings)
    own = [one.config.regularization for one in members.problems]
    assert [(one.l1, one.l2, one.weight_decay) for one in own if one] == [
        (2, 0.5, 0),
        (8, 2, 0),
        (2, 0.5, 0),
    ]
    shared = members.problem.config.regularization
    assert shared and shared.l2 == 0.5


def test_preprocessing_of_a_member_knows_its_training_rows_only(folder: Path) -> None:
    _, ensemble = read_model(folder / "folds")
    means = [part.features.fitted["feature.mean"].tolist() for part in ensemble.parts]
    assert len({str(mean) for mean in means}) == 4
    levels = [part.features.layout.categorical[0].levels for part in ensemble.parts]
    assert {"Pisa" in own for own in levels} == {True, False}
    folds = {row["row"]: row for row in table((folder / "folds" / "split.csv").read_text())}
    assert {row["set"] for row in folds.values()} == {"train", "test"}
    assert {row["fold"] for row in folds.values() if row["set"] == "train"} == set("1234")
    assert {row["fold"] for row in folds.values() if row["set"] == "test"} == {""}


@pytest.mark.parametrize("run", ["same", "folds"])
def test_the_stored_model_predicts_what_training_predicted(folder: Path, run: str) -> None:
    again = {
        row["row"]: row for row in table(bpcli("predict", run, "people.csv", cwd=folder).stdout)
    }
    tested = table((folder / run / "predictions_test.csv").read_text())
    assert tested
    for row in tested:
        assert again[row["row"]] == row


@pytest.mark.parametrize("run", ["same", "folds"])
def test_a_row_alone_equals_the_row_in_a_file(folder: Path, run: str) -> None:
    command = ("predict", run, "one.csv", "--spread")
    together = table(bpcli("predict", run, "people.csv", "--spread", cwd=folder).stdout)
    for i in (0, 3, 11, 89):
        write_csv(folder / "one.csv", [people()[i]])
        (alone,) = table(bpcli(*command, cwd=folder).stdout)
        assert {**alone, "row": str(i + 1)} == together[i]


@pytest.mark.parametrize("run", ["same", "folds"])
def test_mean_and_spread_are_those_of_the_members(folder: Path, run: str) -> None:
    predictions = table(bpcli("predict", run, "people.csv", "--spread", cwd=folder).stdout)
    assert list(predictions[0]) == ["row", "income", "prediction", "prediction_spread"]
    members = members_of(folder / run / "config.resolved.yaml", [])
    _, ensemble = read_model(folder / run)
    each = ensemble.each_of_inputs([one.prepared.x for one in members.problems])[..., 0]
    assert each.shape == ({"same": 20, "folds": 4}[run], 90)
    for name, expected in {
        "prediction": each.mean(axis=0),
        "prediction_spread": each.std(axis=0, ddof=1),
    }.items():
        found = [float(row[name]) for row in predictions]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_sums_over_members_have_one_order() -> None:
    each = np.random.default_rng(0).normal(size=(37, 50, 1))
    for i in range(50):
        assert mean_of(each[:, i : i + 1]).tobytes() == mean_of(each)[i : i + 1].tobytes()
        assert spread_of(each[:, i : i + 1]).tobytes() == spread_of(each)[i : i + 1].tobytes()


@pytest.mark.parametrize("run", ["same", "folds"])
def test_verify_and_evaluate_take_an_ensemble(folder: Path, run: str) -> None:
    assert "byte-equal" in bpcli("verify", run, "--exact", cwd=folder).stdout
    scores = json.loads(bpcli("evaluate", run, "people.csv", "--json", cwd=folder).stdout)
    assert scores["rows"] == 90


def test_an_ensemble_is_compared_with_another_run(folder: Path) -> None:
    said = " ".join(bpcli("compare", "same", "folds", cwd=folder).stdout.split())
    assert "ensemble.folds" in said and "paired bootstrap" in said


def test_the_files_tell_of_each_member(folder: Path) -> None:
    for run, size in {"same": 20, "folds": 4}.items():
        record = json.loads((folder / run / "run.json").read_text())
        metrics = json.loads((folder / run / "metrics.json").read_text())
        with (folder / run / "history.csv").open(newline="") as file:
            history = list(csv.DictReader(file))
        assert len(record["members"]) == len(metrics["members"]) == size
        assert record["epochs"] == 5
        assert record["iterations"] == sum(
            max(int(row["iteration"]) for row in history if row["member"] == str(member))
            for member in range(1, size + 1)
        )
        assert len(history) == 5 * size
        sets = {frozenset(one) for one in metrics["members"]}
        assert sets == {frozenset(("train", "validation", "test"))}
    alone = [one["test"]["rmse"] for one in metrics["members"]]
    assert metrics["test"]["rmse"] <= np.sqrt(np.mean(np.square(alone)))  # of a mean, by Jensen


def test_a_model_with_other_members_than_it_says_is_refused(folder: Path, tmp_path: Path) -> None:
    record, tensors = unpack((folder / "folds" / "model.safetensors").read_bytes(), "m")
    path = tmp_path / "m.safetensors"
    for change in ({"members": record["members"][:3]}, {"replicas": 8}, {"members": []}):
        path.write_bytes(pack(record | change, tensors))
        with pytest.raises(ModelError):
            read_model(path)


def test_a_rate_is_chosen_before_an_ensemble_trains_with_it(tmp_path: Path) -> None:
    sweep = "lr_sweep={lowest: 1e-3, highest: 1e-1, rates: 2, extend: 0}"
    done = bpcli(
        *("train", ROOT / "configs" / "iris.yaml", "-o", "run", "--set=ensemble=2"),
        *("--set=learning_rate=auto", f"--set={sweep}", "--set=iterations=20"),
        cwd=tmp_path,
    )
    assert "learning_rate: auto is" in done.stderr
    assert read_model(tmp_path / "run")[1].size == 2


def test_plan_counts_all_members(folder: Path) -> None:
    def facts(*settings: str) -> Any:
        options = [f"--set={setting}" for setting in ("network=mlp", *settings)]
        return json.loads(bpcli("plan", "people.yaml", "--json", *options, cwd=folder).stdout)

    one, five = facts(), facts("ensemble=5")
    assert five["members"] == 5
    assert five["parameters"] == 5 * one["parameters"]
    assert five["bytes"] > one["bytes"]
