"""bpcli tune: what is tried, what comes of it, and that a search repeats to the byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, table

from bpcli.experiment.distributions import (
    Choice,
    Distribution,
    Integer,
    LogInteger,
    LogUniform,
    Uniform,
)
from bpcli.experiment.load import load
from bpcli.runs.journal import JOURNAL
from bpcli.runs.tune import BEST, SUMMARY, TABLE, tuning

CONFIG = """\
# mine
data: {path: iris.csv, target: species}
network: [{dense: 6}, tanh]
learning_rate: 0.001        # too low
epochs: 4
split: {folds: 3}
tune:
  trials: 7
  batch: 3
  space:
    learning_rate: {log_uniform: [1e-4, 1]}
    network.0.dense: {integer: [2, 8]}
    batch_size: {choice: [8, 32]}
"""
NO_TRAIN = ("-o", "s", "--no-train")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    lines = (ROOT / "data" / "iris.csv").read_text().splitlines(keepends=True)
    (tmp_path / "iris.csv").write_text("".join([lines[0], *lines[1::2]]))
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path / "c.yaml"


def tune(config: Path, *arguments: object) -> dict[str, Any]:
    done = bpcli("tune", config, *arguments, "--json", cwd=config.parent)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def files(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (TABLE, SUMMARY, BEST)]


def test_any_jobs_and_any_interruption_give_the_same_bytes(config: Path, tmp_path: Path) -> None:
    tune(config, "-o", "s", "--no-train", "-j", 1)
    tune(config, "-o", "two", "--no-train", "-j", 2)
    calm = files(tmp_path / "s")
    assert files(tmp_path / "two") == calm
    journal = (tmp_path / "s" / JOURNAL).read_text().splitlines(keepends=True)
    for kept in (1, 3, len(journal) - 1):
        cut = tmp_path / f"cut-{kept}"
        cut.mkdir()
        (cut / JOURNAL).write_text("".join(journal[:kept]))
        (cut / "run.json").write_text('{"state": "interrupted", "command": "tune"}')
        tune(config, "-o", cut.name, "--no-train", "--resume", "-j", 1)
        assert files(cut) == calm


def test_more_trials_go_on_from_the_last(config: Path, tmp_path: Path) -> None:
    tune(config, *NO_TRAIN, "--trials", 4)
    short = table((tmp_path / "s" / TABLE).read_text())
    tune(config, *NO_TRAIN, "--trials", 7, "--resume")
    longer = table((tmp_path / "s" / TABLE).read_text())
    known = {row["trial"]: row["learning_rate"] for row in longer}
    assert all(known[row["trial"]] == row["learning_rate"] for row in short)
    assert len(longer) == 7


def test_the_best_is_the_best_of_the_table_and_trains(config: Path, tmp_path: Path) -> None:
    facts = tune(config, "-o", "s")
    rows = table((tmp_path / "s" / TABLE).read_text())
    scores = [float(row["validation_log_loss"]) for row in rows]
    assert scores == sorted(scores)
    assert facts["best"]["mean"] == scores[0] < facts["default"]["mean"]
    best = (tmp_path / "s" / BEST).read_text()
    assert best.startswith("# mine") and f"learning_rate: {rows[0]['learning_rate']}" in best
    run = json.loads((tmp_path / "s" / "run" / "metrics.json").read_text())
    assert facts["refit"]["test"] == run["test"]["log_loss"]
    assert facts["refit"]["optimism"] == pytest.approx(scores[0] - run["test"]["log_loss"])
    resolved = (tmp_path / "s" / "run" / "config.resolved.yaml").read_text()
    assert f"units: {rows[0]['network.0.dense']}" in resolved


@pytest.mark.parametrize("metric, better", [("accuracy", True), ("roc_auc", True), ("ece", False)])
def test_it_goes_by_the_metric_that_is_asked_for(config: Path, metric: str, better: bool) -> None:
    facts = tune(config, *NO_TRAIN, "--set", f"tune.metric={metric}")
    assert (facts["metric"], facts["better"]) == (metric, "higher" if better else "lower")
    rows = table((config.parent / "s" / TABLE).read_text())
    scores = [float(row[f"validation_{metric}"]) for row in rows]
    assert scores == sorted(scores, reverse=better)
    assert facts["best"]["scores"][metric] == facts["best"]["mean"] == scores[0]


def test_the_test_rows_have_no_say(config: Path, tmp_path: Path) -> None:
    tune(config, *NO_TRAIN)
    (tmp_path / "split.csv").write_text("")
    bpcli("train", config, "-o", "r", cwd=tmp_path)
    held = {
        int(r["row"])
        for r in table((tmp_path / "r" / "split.csv").read_text())
        if r["set"] == "test"
    }
    lines = (tmp_path / "iris.csv").read_text().splitlines()
    for row in held:
        cells = lines[row].split(",")
        lines[row] = ",".join(["9.9"] * (len(cells) - 1) + cells[-1:])
    (tmp_path / "iris.csv").write_text("\n".join([*lines, ""]))
    tune(config, "-o", "other", "--no-train")
    assert (tmp_path / "other" / TABLE).read_bytes() == (tmp_path / "s" / TABLE).read_bytes()


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_pruned_trials_are_told_and_cannot_win(config: Path, tmp_path: Path, pruner: str) -> None:
    more = ("--set", f"tune.pruner={pruner}", "--folds", 5, "--trials", 14)
    facts = tune(config, *NO_TRAIN, *more)
    rows = table((tmp_path / "s" / TABLE).read_text())
    pruned = [row for row in rows if row["state"] == "pruned"]
    assert len(pruned) == facts["pruned"] > 0
    assert all(int(row["folds"]) < 5 and row["rank"] == "" for row in pruned)
    tune(config, "-o", "again", "--no-train", *more, "-j", 2)
    assert files(tmp_path / "again") == files(tmp_path / "s")


def test_a_trial_that_fails_is_recorded(config: Path, tmp_path: Path) -> None:
    space = "tune.space={learning_rate: {log_uniform: [1e-3, 1e38]}}"
    facts = tune(config, *NO_TRAIN, "--set", space, "--set", "network=[{dense: 6}, relu]")
    rows = table((tmp_path / "s" / TABLE).read_text())
    failed = [row for row in rows if row["state"] == "failed"]
    assert len(failed) == facts["failed"] > 0
    assert all("no longer finite" in row["failure"] for row in failed)
    assert rows[0]["state"] == "complete"


def test_a_trial_that_the_rows_of_a_fold_are_too_few_for_has_failed(
    config: Path, tmp_path: Path
) -> None:
    space = "tune.space={batch_size: {choice: [8, 256]}}"
    local = ("--set", "shards=2", "--set", "sync_every=2", "--set", "batch_size=8")
    tune(config, *NO_TRAIN, "--set", space, *local)
    rows = table((tmp_path / "s" / TABLE).read_text())
    states = {row["batch_size"]: row["state"] for row in rows}
    assert states == {"": "complete", "8": "complete", "256": "failed"}
    assert all("sync_every" in row["failure"] for row in rows if row["state"] == "failed")


def test_time_ends_the_proposals(config: Path, tmp_path: Path) -> None:
    facts = tune(config, *NO_TRAIN, "--set", "tune.max_time=1e-6")
    assert facts["trials"] == 1


def test_random_search_draws_otherwise(config: Path, tmp_path: Path) -> None:
    facts = tune(config, *NO_TRAIN, "--set", "tune.sampler=random", "--trials", 20)
    assert facts["sampler"] == "random"
    assert facts["importances"].keys() == facts["space"].keys()


def test_trials_in_a_storage(config: Path, tmp_path: Path) -> None:
    import optuna

    url = f"sqlite:///{tmp_path / 'trials.db'}"
    tune(config, *NO_TRAIN, "--storage", url)
    study = optuna.load_study(study_name="s", storage=url)
    assert len(study.trials) == 7
    study._storage.remove_session()


class Fixed:
    """A trial that proposes the highest end."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        return high

    def suggest_int(self, name: str, low: int, high: int, *, log: bool) -> int:
        return high

    def suggest_categorical(self, name: str, choices: range) -> Any:
        return choices[-1]


DRAWN: list[tuple[Distribution, Any]] = [
    (Uniform(range=(0.0, 1 / 3)), 0.3333),
    (LogUniform(range=(1e-5, 0.123456)), 0.1235),
    (Integer(range=(1, 9)), 9),
    (LogInteger(range=(1, 9)), 9),
    (Choice(values=("a", [{"dense": 3}])), [{"dense": 3}]),
]


@pytest.mark.parametrize("distribution, value", DRAWN)
def test_what_is_drawn(distribution: Distribution, value: Any) -> None:
    assert distribution.draw(Fixed(), "x") == value


NETWORKS = {
    "": "network.mlp.width",
    "network: mlp": "network.mlp.width",
    "network: {mlp: {width: 99}}": "network.mlp.width",
    "network: tabular": "network.tabular.width",
    "network: tabm": "network.tabm.width",
    "network: tabular_resnet": "network.tabular_resnet.width",
    "network: []": "learning_rate",
    "optimizer: lbfgs\nnetwork: [{dense: 3}, relu]": "learning_rate",
}


@pytest.mark.parametrize("network, path", NETWORKS.items())
def test_the_usual_space_fits_the_config_which_lies_in_it(
    config: Path, network: str, path: str
) -> None:
    config.write_text(f"{CONFIG.partition('network')[0]}{network}\n")
    search = tuning(load(config))[1].whole
    assert path in search.space
    assert search.begin.keys() == search.space.keys()
    assert {p.partition(".")[0] for p in search.space} == {
        *(["network"] if path.startswith("network") else []),
        *(["preprocess"] if "tabular." in path else []),
        *([] if "lbfgs" in network else ["batch_size"]),
        "learning_rate",
        "regularization",
    }


PROPOSED: list[tuple[Distribution, Any, Any]] = [
    (Uniform(range=(0.0, 1.0)), 0, 0),
    (Uniform(range=(0.0, 1.0)), 1.5, None),
    (Uniform(range=(0.0, 1.0)), "relu", None),
    (LogUniform(range=(1e-6, 1.0)), 0, 1e-6),
    (LogUniform(range=(1e-6, 1.0)), 1e-7, None),
    (Integer(range=(1, 9)), 9, 9),
    (Integer(range=(1, 9)), True, None),
    (Choice(values=(None, "relu")), "relu", 1),
    (Choice(values=(None, "relu")), None, 0),
    (Choice(values=("silu", "relu")), None, None),
]


@pytest.mark.parametrize("distribution, value, proposal", PROPOSED)
def test_what_would_be_proposed_for_a_value(
    distribution: Distribution, value: Any, proposal: Any
) -> None:
    assert distribution.proposal(value) == proposal


def test_optuna_learns_of_the_config_itself_where_it_lies_in_the_space(
    config: Path, tmp_path: Path
) -> None:
    import optuna

    inside = "tune.space={learning_rate: {log_uniform: [1e-3, 0.5]}}"
    for name, rate, told in (("in", 0.1, 7), ("out", 0.9, 6)):
        url = f"sqlite:///{tmp_path / name}.db"
        facts = tune(
            config,
            *("-o", name, "--no-train", "--storage", url),
            *("--set", inside, "--set", f"learning_rate={rate}"),
        )
        study = optuna.load_study(study_name=name, storage=url)
        assert len(study.trials) == told
        if name == "in":
            assert study.trials[0].params == {"learning_rate": rate}
            assert study.trials[0].value == facts["default"]["mean"]
        study._storage.remove_session()
