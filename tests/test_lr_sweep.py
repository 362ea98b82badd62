"""bpcli lr-sweep: its tables are the same however they come about, and true."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from running import ROOT, bpcli, table, train

from bpcli.display.pictures import sweep_picture
from bpcli.runs.journal import JOURNAL
from bpcli.runs.sweep import SUMMARY, TABLE

CONFIG = """\
data: {path: iris.csv, target: species}   # thirty of each
network: [{dense: 8}, tanh, {dropout: 0.1}]
optimizer: adam
learning_rate: 0.5       # a first guess
batch_size: 16
epochs: 12
stop: {patience: 4}
lr_sweep: {lowest: 1e-3, highest: 0.1, rates: 3}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    lines = (ROOT / "data" / "iris.csv").read_text().splitlines(keepends=True)
    (tmp_path / "iris.csv").write_text("".join([lines[0], *lines[1::2]]))
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path / "c.yaml"


def sweep(config: Path, *arguments: object, code: int = 0) -> dict[str, Any]:
    done = bpcli("lr-sweep", config, *arguments, "--json", cwd=config.parent, code=code)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def files(folder: Path) -> tuple[bytes, bytes]:
    return (folder / TABLE).read_bytes(), (folder / SUMMARY).read_bytes()


def test_jobs_and_resuming_change_no_byte(config: Path, tmp_path: Path) -> None:
    one, two, cut = (tmp_path / name for name in ("one", "two", "cut"))
    facts = sweep(config, "-o", one, "-j", 1)
    assert facts["choice"]["learning_rate"] in (1e-3, 0.01, 0.1, *facts["added"])
    sweep(config, "-o", two, "-j", 2, "--repeats", 1)
    assert files(one) == files(two)
    # a sweep that was killed after its second group
    shutil.copytree(two, cut)
    journal = (cut / JOURNAL).read_text().splitlines(keepends=True)
    (cut / JOURNAL).write_text("".join(journal[:2]))
    for name in (TABLE, SUMMARY):
        (cut / name).unlink()
    sweep(config, "-o", cut, "--resume")
    assert files(cut) == files(one)
    assert (cut / JOURNAL).read_text().startswith("".join(journal[:2]))


def test_a_finished_sweep_is_chosen_from_anew(config: Path, tmp_path: Path) -> None:
    """By another rule, and among more rates; what is trained already stays."""
    sweep(config, "-o", tmp_path / "s")
    journal = (tmp_path / "s" / JOURNAL).read_text()
    sweep(config, "-o", tmp_path / "s", "--resume", "--rule", "one-se")
    assert (tmp_path / "s" / JOURNAL).read_text() == journal
    more = ("--rule", "one-se", "--set", "lr_sweep.rates=5")
    sweep(config, "-o", tmp_path / "s", "--resume", *more)
    assert (tmp_path / "s" / JOURNAL).read_text().startswith(journal)
    sweep(config, "-o", tmp_path / "whole", *more)
    assert files(tmp_path / "s") == files(tmp_path / "whole")


def test_a_sweep_that_is_killed_goes_on(config: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    longer = ("--set", "epochs=150", "--set", "stop.patience=null", "--folds", "3")
    sweep(config, "-o", whole, *longer)
    command = [sys.executable, "-m", "bpcli", "lr-sweep", str(config), "-o", str(killed), *longer]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, "-q", "-j", "3"], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 60
    while not (killed / JOURNAL).exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    sweep(config, "-o", killed, *longer, "--resume")
    assert files(killed) == files(whole)


def test_each_rate_and_fold_is_the_same_training_alone(config: Path, tmp_path: Path) -> None:
    """A fold as a column of the table, and `bpcli train` with one of the rates."""
    from bpcli.data.folds import make_folds
    from bpcli.data.split import SET_NAMES
    from bpcli.experiment.load import load
    from bpcli.runs.resolved import prepare_and_resolve

    sweep(config, "-o", tmp_path / "s")
    rows = table((tmp_path / "s" / TABLE).read_text())
    prepared, resolved = prepare_and_resolve(load(config))
    fold = make_folds(prepared, resolved.split, resolved.seed).folds[1]
    lines = (tmp_path / "iris.csv").read_text().splitlines()
    sets = ["set", *(SET_NAMES[int(which)] for which in fold.sets)]
    text = "\n".join(f"{line},{which}" for line, which in zip(lines, sets, strict=True))
    (tmp_path / "iris.csv").write_text(text + "\n")
    for row in (row for row in rows if row["fold"] == "2"):
        run = tmp_path / row["learning_rate"]
        settings = (
            "data.split=set",
            f"learning_rate={row['learning_rate']}",
            f"stop={{epoch: {row['epoch']}, monitor: train_loss}}",
        )
        sets = [word for one in settings for word in ("--set", one)]
        train(config, "-o", run, *sets, cwd=tmp_path)
        history = table((run / "history.csv").read_text())
        assert str(len(history)) == row["epochs"] == row["epoch"]
        assert history[-1]["validation_loss"] == row["validation_loss"]
        assert history[-1]["validation_accuracy"] == row["validation_accuracy"]


def test_the_table_and_the_choice_in_words(config: Path, tmp_path: Path) -> None:
    done = bpcli("lr-sweep", config, "-o", tmp_path / "s", cwd=tmp_path)
    assert "accuracy" in done.stdout and "●" in done.stdout
    assert "Chosen: learning rate" in done.stdout and "rule lowest-loss" in done.stdout
    facts = json.loads((tmp_path / "s" / SUMMARY).read_text())
    assert f"Chosen: learning rate {facts['choice']['learning_rate']:g} " in done.stdout
    assert json.loads((tmp_path / "s" / "run.json").read_text())["state"] == "completed"


def test_the_written_copy_trains_with_the_rate(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    facts = sweep(config, "-o", tmp_path / "s", "--write", other / "new.yaml")
    text = (other / "new.yaml").read_text()
    assert "# thirty of each" in text and "# a first guess" in text
    assert f"learning_rate: {facts['choice']['learning_rate']:g} " in text
    assert "# bpcli: lr-sweep chose" in text
    train(other / "new.yaml", cwd=other)
    bpcli("lr-sweep", config, "--write", config, cwd=tmp_path, code=6)
    assert config.read_text() == CONFIG


def test_a_second_key(config: Path, tmp_path: Path) -> None:
    arguments = ("-o", tmp_path / "s", "--also", "batch_size=8,32", "--folds", 2)
    done = bpcli("lr-sweep", config, *arguments, "--write", tmp_path / "new.yaml", cwd=tmp_path)
    rows = table((tmp_path / "s" / TABLE).read_text())
    facts = json.loads((tmp_path / "s" / SUMMARY).read_text())
    rates = 3 + len(facts["added"])
    assert len(rows) == 2 * rates * 2
    assert {row["batch_size"] for row in rows} == {"8", "32"}
    assert f"batch_size {facts['choice']['setting']}, learning rate" in done.stdout
    assert f"batch_size: {facts['choice']['setting']}\n" in (tmp_path / "new.yaml").read_text()
    only = sweep(config, "-o", tmp_path / "t", "--set", "batch_size=32", "--folds", 2)
    alone = {row["learning_rate"]: row for row in only["candidates"]}
    for one in facts["candidates"]:
        if one["setting"] == "32" and one["learning_rate"] in alone:
            assert one["mean_loss"] == alone[one["learning_rate"]]["mean_loss"]


def test_a_race_spares_trainings_and_changes_none(config: Path, tmp_path: Path) -> None:
    grid = ("--set", "lr_sweep={lowest: 1e-4, highest: 1, rates: 5, extend: 0, halving: HALVING}")
    whole = sweep(
        config, "-o", tmp_path / "w", *(word.replace("HALVING", "false") for word in grid)
    )
    halving = [word.replace("HALVING", "true") for word in grid]
    raced = sweep(config, "-o", tmp_path / "r", "-j", 1, *halving)
    by_rate = {one["learning_rate"]: one for one in whole["candidates"]}
    left = [one for one in raced["candidates"] if not one["out"]]
    assert [one["folds"] for one in raced["candidates"] if one["out"]].count(2) == 2
    assert len(left) == 2 and all(one == by_rate[one["learning_rate"]] for one in left)
    assert raced["choice"]["learning_rate"] in {one["learning_rate"] for one in left}
    sweep(config, "-o", tmp_path / "s", "-j", 2, *halving)
    assert files(tmp_path / "s") == files(tmp_path / "r")
    # a sweep that was killed after its third group
    journal = (tmp_path / "s" / JOURNAL).read_text().splitlines(keepends=True)
    (tmp_path / "s" / JOURNAL).write_text("".join(journal[:4]))
    sweep(config, "-o", tmp_path / "s", "--resume", *halving)
    assert files(tmp_path / "s") == files(tmp_path / "r")
    # what was trained without a race does not change it
    sweep(config, "-o", tmp_path / "w", "--resume", *halving)
    assert files(tmp_path / "w") == files(tmp_path / "r")


def test_a_grid_by_a_range_test(config: Path, tmp_path: Path) -> None:
    wide = "lr_sweep={lowest: 1e-6, highest: 10, rates: 4, extend: 0, grid: range-test}"
    facts = sweep(config, "-o", tmp_path / "s", "--set", wide)
    found = sweep(config, "--range-test")["suggestions"]
    assert facts["grid_by"] == "range-test"
    ends = [facts["grid"][0], facts["grid"][-1]]
    assert ends == pytest.approx([found["valley"] / 10, found["minimum"] * 10], rel=0.01)
    assert [one["learning_rate"] for one in facts["candidates"]] == facts["grid"]


@pytest.mark.parametrize(
    "change", ["network=[{dense: {units: 9, init: lsuv}}, tanh]", "optimizer=lbfgs"]
)
def test_a_range_test_of_what_is_unlike_others(config: Path, change: str) -> None:
    facts = sweep(config, "--range-test", "--set", change, "--set", "batch_size=full")
    assert facts["heuristic"] and all(loss > 0 for loss in facts["losses"])


def test_a_second_key_may_have_values_with_commas(config: Path, tmp_path: Path) -> None:
    networks = "network=[{dense: 8}, tanh],[{dense: 4}],linear"
    few = ("--set", "lr_sweep={rates: 2, extend: 0}", "--set", "epochs=2", "--folds", 2)
    facts = sweep(config, "-o", tmp_path / "s", "--also", networks, *few)
    settings = [one["setting"] for one in facts["candidates"]]
    assert list(dict.fromkeys(settings)) == ["[{dense: 8}, tanh]", "[{dense: 4}]", "linear"]


DIVERGING = (
    *(
        "--set",
        "network=[{dense: 8}, relu]",
        "--set",
        "optimizer=sgd",
        "--set",
        "loss=cross_entropy",
    ),
    *("--set", "preprocess.numeric=none", "--folds", "3"),
)


def test_failed_folds_are_told_and_cannot_win(config: Path, tmp_path: Path) -> None:
    grid = ("--set", "lr_sweep={lowest: 1e-3, highest: 1e+30, rates: 2, extend: 0}")
    done = bpcli("lr-sweep", config, *DIVERGING, *grid, "-o", tmp_path / "s", cwd=tmp_path)
    assert "warning[BP-N011] learning rate 1e+30: 3 of 3 folds failed; the first: " in done.stderr
    rows = table((tmp_path / "s" / TABLE).read_text())
    assert {(row["learning_rate"], bool(row["failure"])) for row in rows} == {
        ("0.001", False),
        ("1e+30", True),
    }
    assert "Chosen: learning rate 0.001 " in done.stdout


def test_when_every_rate_fails_there_is_no_best(config: Path, tmp_path: Path) -> None:
    grid = ("--set", "lr_sweep={lowest: 1e+29, highest: 1e+30, rates: 2}")
    failed = sweep(config, *DIVERGING, *grid, "-o", tmp_path / "s", code=7)
    assert [one["id"] for one in failed["problems"]] == ["BP-N010", "BP-N010"]
    assert json.loads((tmp_path / "s" / SUMMARY).read_text())["choice"] is None
    assert len(table((tmp_path / "s" / TABLE).read_text())) == 6


def test_the_grid_grows_where_the_best_rate_is_at_its_end(config: Path, tmp_path: Path) -> None:
    grid = ("--set", "lr_sweep={lowest: 1e-6, highest: 1e-5, rates: 2, extend: 4}")
    done = bpcli("lr-sweep", config, *grid, "-o", tmp_path / "s", cwd=tmp_path)
    assert "BP-S004" in done.stderr
    facts = json.loads((tmp_path / "s" / SUMMARY).read_text())
    assert facts["added"] == [1e-4, 1e-3, 1e-2, 0.1]


def test_another_config_or_a_damaged_journal_is_not_gone_on_with(
    config: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    sweep(config, "-o", folder)
    other = sweep(config, "-o", folder, "--resume", "--seed", 1, code=5)
    assert [one["id"] for one in other["problems"]] == ["BP-S002"]
    text = (folder / JOURNAL).read_text()
    (folder / JOURNAL).write_text(text + "{}\n")
    damaged = sweep(config, "-o", folder, "--resume", code=5)
    assert [one["id"] for one in damaged["problems"]] == ["BP-S003"]
    bpcli("lr-sweep", config, "-o", folder, cwd=tmp_path, code=6)
    bpcli("lr-sweep", config, "--resume", cwd=tmp_path, code=2)


def test_auto_trains_with_the_swept_rate(config: Path, tmp_path: Path) -> None:
    facts = sweep(config, "-o", tmp_path / "s")
    rate = facts["choice"]["learning_rate"]
    train(config, "-o", tmp_path / "a", "--set", "learning_rate=auto", cwd=tmp_path)
    assert files(tmp_path / "a-lr-sweep") == files(tmp_path / "s")
    train(config, "-o", tmp_path / "b", "--set", f"learning_rate={rate}", cwd=tmp_path)
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert models[0] == models[1]
    done = bpcli("lr-sweep", config, "-o", tmp_path / "t", "--train", "--json", cwd=tmp_path)
    run = tmp_path / json.loads(done.stdout)["run"]
    assert (run / "model.safetensors").read_bytes() == models[0]


def test_range_test(config: Path, tmp_path: Path) -> None:
    done = bpcli("lr-sweep", config, "--range-test", cwd=tmp_path)
    assert "Suggested: valley" in done.stdout and "heuristic" in done.stdout
    facts = sweep(config, "--range-test")
    assert len(facts["rates"]) == len(facts["losses"]) > 50
    assert 1e-4 < facts["suggestions"]["valley"] < 1
    assert not (tmp_path / "runs").exists()


def test_pictures(config: Path, tmp_path: Path) -> None:
    sweep(config, "-o", tmp_path / "s", "--picture")
    first = (tmp_path / "s" / "lr_sweep.svg").read_bytes()
    assert first.startswith(b"<?xml") and b"learning rate" in first
    assert (tmp_path / "s" / "lr_sweep.png").read_bytes().startswith(b"\x89PNG")
    again = sweep_picture(json.loads((tmp_path / "s" / SUMMARY).read_text()), "svg")
    assert again == first
